//! What a declaration would round, cut or pad is refused by row and column; what cannot go together, by the plan.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, FixedSizeListArray, Float32Array,
    Float64Array, Int64Array, IntervalMonthDayNanoArray, ListArray, RecordBatch, StringArray, StructArray,
    Time64MicrosecondArray, TimestampMicrosecondArray, TimestampNanosecondArray, UInt64Array,
};
use arrow_buffer::IntervalMonthDayNano;
use arrow_schema::{DataType, Field, Schema};
use hygge_pgcopy::{Encoder, ErrorKind, Limits, Target, WritePlan, declarations, quoted};
use hygge_testing::postgres::Server;

use crate::asked::{catalogue, columns, decode, plan, stream};
use crate::families::BEFORE;
use crate::oracle::{targets, write};

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn decimals(values: &[i128], precision: u8, scale: i8) -> ArrayRef {
    Arc::new(Decimal128Array::from(values.to_vec()).with_precision_and_scale(precision, scale).expect("fits"))
}

fn spans(values: &[(i32, i32, i64)]) -> ArrayRef {
    let span = |&(months, days, micros)| IntervalMonthDayNano { months, days, nanoseconds: micros * 1000 };
    Arc::new(values.iter().map(span).map(Some).collect::<IntervalMonthDayNanoArray>())
}

fn lists(items: Vec<Option<Vec<Option<i32>>>>) -> ArrayRef {
    Arc::new(ListArray::from_iter_primitive::<arrow_array::types::Int32Type, _, _>(items))
}

/// A column's type, values that it holds, a value that it does not, and what is said of it.
type Trial = (&'static str, ArrayRef, ArrayRef, &'static str);

const RANGE: &str = "a number out of the range of its column";
const SPELLED: &str = "a text that is no value of the type, or not as PostgreSQL would write it";

fn numbers() -> Vec<Trial> {
    let int8 = |values: &[i64]| -> ArrayRef { Arc::new(Int64Array::from(values.to_vec())) };
    let doubles = |values: &[f64]| -> ArrayRef { Arc::new(Float64Array::from(values.to_vec())) };
    let rounded = "a number that its column would round";
    let decimals_lost = "a number with more decimals than its column holds";
    let large = "a number with more digits before the point than its column holds";
    let number = "a text that is no number, or not as PostgreSQL would write it";
    vec![
        ("smallint", int8(&[-32768, 32767]), int8(&[32768]), RANGE),
        ("integer", int8(&[-2_147_483_648]), int8(&[1 << 31]), RANGE),
        ("oid", int8(&[4_294_967_295]), int8(&[-1]), RANGE),
        (
            "bigint",
            Arc::new(UInt64Array::from(vec![i64::MAX.unsigned_abs()])),
            Arc::new(UInt64Array::from(vec![1 << 63])),
            RANGE,
        ),
        ("double precision", int8(&[1 << 53]), int8(&[(1 << 53) + 1]), rounded),
        ("real", doubles(&[0.5, f64::INFINITY, f64::NAN, -0.0]), doubles(&[0.1]), rounded),
        ("numeric(4,1)", decimals(&[9_999, -10], 10, 1), decimals(&[10_000], 10, 1), large),
        ("numeric(4,1)", decimals(&[99_990, -10, 0], 10, 2), decimals(&[1], 10, 2), decimals_lost),
        ("numeric(4,1)", decimals(&[999], 5, 0), decimals(&[1000], 5, 0), large),
        ("numeric(2,4)", decimals(&[99, 0], 10, 4), decimals(&[100], 10, 4), large),
        ("numeric(3,-2)", decimals(&[99_900], 10, 0), decimals(&[99_910], 10, 0), decimals_lost),
        ("numeric(9)", int8(&[999_999_999]), int8(&[1_000_000_000]), large),
        ("integer", decimals(&[700], 10, 2), decimals(&[701], 10, 2), decimals_lost),
        ("money", decimals(&[1_100], 10, 3), decimals(&[1], 10, 3), decimals_lost),
        ("numeric(4,1)", texts(&["999.9", "1", "NaN", "0.10"]), texts(&["0.01"]), decimals_lost),
        (
            "numeric",
            texts(&["0", "-0.10", "123456789012345678901234567890.5", "NaN", "Infinity"]),
            texts(&["1e5"]),
            number,
        ),
        ("numeric", texts(&["10000", "0.0001"]), texts(&["01"]), number),
        ("numeric", texts(&["0.00"]), texts(&["-0"]), number),
        ("numeric", texts(&["7"]), texts(&["+7"]), number),
        ("numeric", texts(&["7.5"]), texts(&["7."]), number),
        (
            "numeric(4,1)",
            texts(&["7.5"]),
            texts(&["Infinity"]),
            "infinity, which a numeric with a precision does not hold",
        ),
    ]
}

fn times() -> Vec<Trial> {
    let micros = |values: &[i64]| -> ArrayRef { Arc::new(TimestampMicrosecondArray::from(values.to_vec())) };
    let times = |values: &[i64]| -> ArrayRef { Arc::new(Time64MicrosecondArray::from(values.to_vec())) };
    let nanos = |values: &[i64]| -> ArrayRef { Arc::new(TimestampNanosecondArray::from(values.to_vec())) };
    let finer = "a time finer than its column holds, whose rest would be lost";
    let span = "an interval finer than its column holds, whose rest would be lost";
    vec![
        ("timestamp(3)", micros(&[1_000, -1_000]), micros(&[1]), finer),
        ("timestamp", nanos(&[1_000]), nanos(&[1]), finer),
        (
            "timestamp",
            micros(&[-210_866_803_200_000_000]),
            micros(&[-210_866_803_200_000_001]),
            "a time outside of the years 4713 BC to 294276, which PostgreSQL holds",
        ),
        (
            "date",
            Arc::new(Date32Array::from(vec![-2_440_588])),
            Arc::new(Date32Array::from(vec![-2_440_589])),
            "a date outside of the years 4713 BC to 5874897, which PostgreSQL holds",
        ),
        ("time(0)", times(&[0, 86_400_000_000]), times(&[1]), finer),
        ("time", times(&[0]), times(&[-1]), "a time outside of its day"),
        ("interval(0)", spans(&[(1, 2, 3_000_000)]), spans(&[(0, 0, 1)]), span),
        ("interval year", spans(&[(24, 0, 0)]), spans(&[(25, 0, 0)]), span),
        ("interval year to month", spans(&[(25, 0, 0)]), spans(&[(0, 1, 0)]), span),
        ("interval day", spans(&[(1, 2, 0)]), spans(&[(0, 0, 3_600_000_000)]), span),
        ("interval day to hour", spans(&[(1, 2, 3_600_000_000)]), spans(&[(0, 0, 60_000_000)]), span),
        ("interval minute", spans(&[(0, 0, 60_000_000)]), spans(&[(0, 0, 1_000_000)]), span),
        ("interval day to second(3)", spans(&[(0, 0, 1_000)]), spans(&[(0, 0, 1)]), span),
        ("time with time zone", texts(&["04:05:06.7-08", "24:00:00+05:30:10"]), texts(&["04:05:06-0800"]), SPELLED),
        ("time(0) with time zone", texts(&["04:05:06-08"]), texts(&["04:05:06.7-08"]), SPELLED),
        ("interval", texts(&["1 year 2 mons -3 days +04:05:06.7", "-00:00:01", "00:00:00"]), texts(&["P1Y"]), SPELLED),
        ("interval(0)", texts(&["00:00:01"]), texts(&["00:00:01.5"]), SPELLED),
    ]
}

fn others() -> Vec<Trial> {
    let long = "a text longer than its column holds";
    vec![
        ("character varying(3)", texts(&["", "añc"]), texts(&["abc "]), long),
        ("character(3)", texts(&["añc", "   "]), texts(&["abcd"]), long),
        (
            "character(3)",
            texts(&["abc"]),
            texts(&["ab"]),
            "a text shorter than its column, which PostgreSQL would pad with spaces",
        ),
        (
            "name",
            texts(&["a"]),
            texts(&["a name that is longer than the sixty-three bytes that there are for one"]),
            long,
        ),
        ("text", texts(&["a"]), texts(&["a\0b"]), "text with a NUL character, which PostgreSQL has no room for"),
        ("mood", texts(&["sad", "very happy"]), texts(&["Sad"]), "a text that is no word of the enum"),
        (
            "xml",
            texts(&["<a/>", "<?xml version='1.0' encoding = 'utf-8' ?><a/>"]),
            texts(&["<?xml version='1.0' encoding='latin1'?><a/>"]),
            "XML that says it is in another encoding than UTF-8",
        ),
        ("\"char\"", texts(&["", "a", "\\"]), texts(&["é"]), SPELLED),
        (
            "uuid",
            texts(&["00010203-0405-0607-0809-0a0b0c0d0e0f"]),
            texts(&["00010203-0405-0607-0809-0A0B0C0D0E0F"]),
            SPELLED,
        ),
        ("inet", texts(&["10.0.0.1", "10.0.0.1/8", "::1", "::ffff:1.2.3.4/100"]), texts(&["10.0.0.1/32"]), SPELLED),
        ("inet", texts(&["1:0:0:2::"]), texts(&["1:0:0:2:0:0:0:0"]), SPELLED),
        ("cidr", texts(&["10.0.0.0/8"]), texts(&["10.0.0.1/8"]), SPELLED),
        ("macaddr", texts(&["08:00:2b:01:02:03"]), texts(&["08-00-2b-01-02-03"]), SPELLED),
        ("bit(3)", texts(&["101"]), texts(&["10"]), SPELLED),
        ("bit varying(3)", texts(&["", "101"]), texts(&["1010"]), SPELLED),
        ("pg_lsn", texts(&["16/B374D848"]), texts(&["16/b374d848"]), SPELLED),
        ("tid", texts(&["(1,2)"]), texts(&["(1, 2)"]), SPELLED),
        ("integer[]", lists(vec![Some(vec![Some(1), None]), Some(vec![]), None]), lists(vec![]), ""),
        ("smallint[]", lists(vec![Some(vec![Some(1)])]), lists(vec![Some(vec![Some(1), Some(40_000)])]), RANGE),
    ]
}

struct Table {
    schema: arrow_schema::SchemaRef,
    plan: WritePlan,
}

fn table(server: &Server, declared: &str, field: Field) -> Table {
    server.run(&format!("DROP TABLE IF EXISTS w; CREATE TABLE w (value {declared})"));
    let columns = columns(server, "w");
    let wanted: Vec<_> = columns.iter().map(|column| (column.type_oid, column.typmod)).collect();
    let schema = Arc::new(Schema::new(vec![field]));
    let plan = WritePlan::new(&catalogue(server, &wanted), &schema, &targets(&columns)).expect("can be written");
    Table { schema, plan }
}

fn batch(table: &Table, array: &ArrayRef) -> RecordBatch {
    RecordBatch::try_new(Arc::clone(&table.schema), vec![Arc::clone(array)]).expect("one column")
}

fn tried(table: &Table, rows: &RecordBatch) -> hygge_pgcopy::Result<bool> {
    Encoder::new(&table.plan).batch(rows).expect("the same schema").write(&mut Vec::new(), usize::MAX)
}

#[test]
fn what_a_column_would_change_is_refused_by_its_row() {
    let server = Server::start(&[]);
    server.run(BEFORE);
    for (declared, good, bad, says) in numbers().into_iter().chain(times()).chain(others()) {
        let table = table(&server, declared, Field::new("value", good.data_type().clone(), true));
        // The server takes what is not refused, as it is.
        write(&server, "w", &table.plan, &[batch(&table, &good)]);
        if bad.is_empty() {
            continue;
        }
        let both = arrow_select::concat::concat(&[good.as_ref(), bad.as_ref()]).expect("one type");
        let error = tried(&table, &batch(&table, &both)).expect_err(declared);
        assert_eq!(error.kind(), ErrorKind::Value);
        assert_eq!(error.row_number(), Some(good.len() as u64 + 1), "{declared}: {error}");
        assert_eq!(error.column(), Some("value"));
        assert!(error.found().starts_with(says), "{declared}: {error}");
        assert!(error.found().contains("; the type there is "), "{error}");
        assert!(error.advice().is_some());
    }
}

#[test]
fn arrays_that_postgresql_has_not_are_refused() {
    let server = Server::start(&[]);
    let list = |items: Vec<Option<Vec<Option<i32>>>>, ends: &[usize], valid: Option<Vec<bool>>| -> ArrayRef {
        let items = lists(items);
        let field = Arc::new(Field::new("item", items.data_type().clone(), true));
        let ends = arrow_buffer::OffsetBuffer::from_lengths(ends.iter().copied());
        Arc::new(ListArray::new(field, ends, items, valid.map(Into::into)))
    };
    let one = || Some(vec![Some(1)]);
    let good = list(vec![one(), one(), Some(vec![None])], &[2, 0, 1], None);
    let table = table(&server, "integer[]", Field::new("value", good.data_type().clone(), true));
    write(&server, "w", &table.plan, &[batch(&table, &good)]);
    assert_eq!(server.text("SELECT string_agg(value::text, ' ') FROM w"), "{{1},{1}} {} {{NULL}}");
    for (bad, says) in [
        (list(vec![one(), Some(vec![])], &[2], None), "a list of lists of several lengths"),
        (list(vec![Some(vec![]), one()], &[2], None), "a list of empty lists"),
        (list(vec![one(), None], &[2], None), "NULL in place of a list within a list"),
        (list(vec![None], &[1], None), "NULL in place of a list within a list"),
    ] {
        let error = tried(&table, &batch(&table, &bad)).expect_err(says);
        assert!(error.found().starts_with(says), "{error}");
    }
}

#[test]
fn what_cannot_go_together_is_refused_by_the_plan() {
    let server = Server::start(&[]);
    server.run(BEFORE);
    let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![b"x".as_slice()]));
    let truth: ArrayRef = Arc::new(BooleanArray::from(vec![true]));
    let local: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![0]));
    let part: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let row: ArrayRef = Arc::new(StructArray::from(vec![(Arc::new(Field::new("y", DataType::Int64, true)), part)]));
    for (declared, array, says) in [
        ("integer", texts(&["1"]), "column value: Utf8 cannot go into integer: text is of another kind"),
        ("text", truth, "column value: Boolean cannot go into text: a truth value is of another kind"),
        ("uuid", bytes, "column value: Binary cannot go into uuid: a uuid is of 16 bytes, FixedSizeBinary(16)"),
        (
            "timestamp with time zone",
            local,
            "column value: Timestamp(µs) cannot go into timestamp with time zone: one is a time without a time zone, the other is one with",
        ),
        (
            "int4range",
            texts(&["[1,2)"]),
            "column value: Utf8 cannot go into int4range: of such a type only the very text is written that PostgreSQL showed of it",
        ),
        (
            "place",
            row,
            "column value: Struct(\"y\": Int64) cannot go into public.place: it has 1 fields, where the other has 6",
        ),
    ] {
        server.run(&format!("DROP TABLE IF EXISTS w; CREATE TABLE w (value {declared})"));
        let columns = columns(&server, "w");
        let wanted: Vec<_> = columns.iter().map(|column| (column.type_oid, column.typmod)).collect();
        let schema = Arc::new(Schema::new(vec![Field::new("value", array.data_type().clone(), true)]));
        let refused = WritePlan::new(&catalogue(&server, &wanted), &schema, &targets(&columns)).expect_err(declared);
        assert_eq!(refused.iter().map(ToString::to_string).collect::<Vec<_>>(), [says]);
        assert_eq!(refused[0].kind(), ErrorKind::Refused);
    }
}

#[test]
fn null_is_refused_where_the_column_takes_none() {
    let server = Server::start(&[]);
    let values: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
    let table = table(&server, "bigint NOT NULL", Field::new("value", DataType::Int64, true));
    let error = tried(&table, &batch(&table, &values)).expect_err("NULL");
    assert_eq!(
        error.to_string(),
        "row 2, column value: NULL, which the column does not take; the type there is bigint"
    );
}

/// Types of extensions, made of another type's functions under the names that the extensions have.
const LIKE_EXTENSIONS: &str = "
CREATE TYPE vector; CREATE TYPE halfvec; CREATE TYPE geometry; CREATE TYPE odd;
CREATE FUNCTION vector_in(cstring) RETURNS vector LANGUAGE internal IMMUTABLE STRICT AS 'byteain';
CREATE FUNCTION vector_out(vector) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'byteaout';
CREATE FUNCTION vector_recv(internal) RETURNS vector LANGUAGE internal IMMUTABLE STRICT AS 'bytearecv';
CREATE FUNCTION vector_send(vector) RETURNS bytea LANGUAGE internal IMMUTABLE STRICT AS 'byteasend';
CREATE FUNCTION vector_typmod(cstring[]) RETURNS int4 LANGUAGE internal IMMUTABLE STRICT AS 'varchartypmodin';
CREATE TYPE vector (INPUT = vector_in, OUTPUT = vector_out, RECEIVE = vector_recv, SEND = vector_send,
  TYPMOD_IN = vector_typmod, STORAGE = extended);
CREATE FUNCTION halfvec_in(cstring) RETURNS halfvec LANGUAGE internal IMMUTABLE STRICT AS 'byteain';
CREATE FUNCTION halfvec_out(halfvec) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'byteaout';
CREATE FUNCTION halfvec_recv(internal) RETURNS halfvec LANGUAGE internal IMMUTABLE STRICT AS 'bytearecv';
CREATE FUNCTION halfvec_send(halfvec) RETURNS bytea LANGUAGE internal IMMUTABLE STRICT AS 'byteasend';
CREATE TYPE halfvec (INPUT = halfvec_in, OUTPUT = halfvec_out, RECEIVE = halfvec_recv, SEND = halfvec_send, STORAGE = extended);
CREATE FUNCTION geometry_in(cstring) RETURNS geometry LANGUAGE internal IMMUTABLE STRICT AS 'byteain';
CREATE FUNCTION geometry_out(geometry) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'byteaout';
CREATE FUNCTION geometry_recv(internal) RETURNS geometry LANGUAGE internal IMMUTABLE STRICT AS 'bytearecv';
CREATE FUNCTION geometry_send(geometry) RETURNS bytea LANGUAGE internal IMMUTABLE STRICT AS 'byteasend';
CREATE TYPE geometry (INPUT = geometry_in, OUTPUT = geometry_out, RECEIVE = geometry_recv, SEND = geometry_send, STORAGE = extended);
CREATE FUNCTION odd_in(cstring) RETURNS odd LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION odd_out(odd) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE odd (INPUT = odd_in, OUTPUT = odd_out, STORAGE = extended);
CREATE FUNCTION odd_text(odd) RETURNS text LANGUAGE sql AS $$ SELECT 'something else' $$;
CREATE CAST (odd AS text) WITH FUNCTION odd_text(odd);
CREATE TABLE e (v vector(7), w vector, h halfvec, g geometry, o odd, os odd[]);
";

#[test]
fn types_of_extensions_are_known_by_what_sends_them() {
    let server = Server::start(&[]);
    server.run(LIKE_EXTENSIONS);
    // Three numbers, as pgvector sends them; a point as PostGIS does.
    let vector = |numbers: &[f32]| {
        let numbers: Vec<String> = numbers.iter().map(|number| format!("{:08x}", number.to_bits())).collect();
        format!("\\\\x{:04x}0000{}", numbers.len(), numbers.concat())
    };
    let point = "\\\\x0101000020E6100000000000000000F03F0000000000000040";
    let rows = format!(
        "{}\t{}\t\\\\x000200003c00c000\t{point}\ta b\t{{c,\"d e\"}}\n\\N\t{}\t\\N\t\\N\t\\N\t\\N\n",
        vector(&[1.0, -2.5, 0.1]),
        vector(&[3.0]),
        vector(&[0.5, 0.25])
    );
    // The modifier of a vector is how many numbers it has; that of the type which stands in for it is four more.
    server.copy_in("COPY e FROM STDIN", rows.as_bytes()).expect("the server takes the values");
    let read = plan(&server, "e", |column| column.typmod = column.typmod.min(3));
    let item = |data_type: DataType| Arc::new(Field::new("item", data_type, false));
    let types: Vec<DataType> = read.schema().fields().iter().map(|field| field.data_type().clone()).collect();
    assert_eq!(
        types,
        [
            DataType::FixedSizeList(item(DataType::Float32), 3),
            DataType::List(item(DataType::Float32)),
            DataType::List(item(DataType::Float16)),
            DataType::Binary,
            DataType::Utf8,
            DataType::Utf8,
        ]
    );
    let copied = stream(&server, "e", &read);
    let batches = decode(&read, &copied, Limits::default()).expect("decodes");
    let shown = |column: usize, row: usize| crate::shown::value(batches[0].column(column).as_ref(), row);
    assert_eq!(shown(0, 0).as_deref(), Some("{1.0,-2.5,0.1}"));
    assert_eq!(shown(0, 1), None);
    assert_eq!(shown(1, 1).as_deref(), Some("{0.5,0.25}"));
    assert_eq!(shown(2, 0).as_deref(), Some("{1,-2}"));
    assert_eq!(shown(3, 0).as_deref(), Some("\\x0101000020e6100000000000000000f03f0000000000000040"));
    // Its own text, not that of the cast which somebody defined.
    assert_eq!((shown(4, 0).as_deref(), shown(5, 0).as_deref()), (Some("a b"), Some("{c,\"d e\"}")));

    // And back, where the stand-in takes the very bytes.
    let into: Vec<_> = columns(&server, "e")[..4].to_vec();
    let wanted: Vec<_> = into.iter().map(|column| (column.type_oid, column.typmod)).collect();
    let mut into = targets(&into);
    into[0].typmod = 3;
    let four = batches[0].project(&[0, 1, 2, 3]).expect("four columns");
    let plan = WritePlan::new(&catalogue(&server, &wanted), &four.schema(), &into).expect("can be written");
    server.run("CREATE TABLE back AS SELECT v, w, h, g FROM e LIMIT 0");
    write(&server, "back", &plan, &[four]);
    let all = |table: &str| server.text(&format!("SELECT v, w, h, g FROM {table}"));
    assert_eq!(all("back"), all("e"));

    // Vectors of other dimensions, and with a NULL.
    let numbers = Arc::new(Float32Array::from(vec![Some(1.0), None]));
    let field = Arc::new(Field::new("item", DataType::Float32, true));
    let odd: ArrayRef = Arc::new(FixedSizeListArray::new(field, 2, numbers, None));
    let schema = Arc::new(Schema::new(vec![Field::new("v", odd.data_type().clone(), true)]));
    let rows = RecordBatch::try_new(Arc::clone(&schema), vec![odd]).expect("one column");
    for (typmod, says) in [(3, "a list of another number of items than the vector has"), (-1, "NULL within a vector")] {
        let target = Target { typmod, ..into[0].clone() };
        let plan = WritePlan::new(&catalogue(&server, &wanted), &schema, &[target]).expect("can be written");
        let error =
            Encoder::new(&plan).batch(&rows).expect("the same").write(&mut Vec::new(), usize::MAX).expect_err(says);
        assert!(error.found().starts_with(says), "{error}");
    }
}

#[test]
fn a_new_column_is_declared_as_what_it_was() {
    let metadata = |pairs: &[(&str, &str)]| -> HashMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let field =
        |data_type: DataType, pairs: &[(&str, &str)]| Field::new("c", data_type, true).with_metadata(metadata(pairs));
    let domain = [("hygge:postgres.type", "shop.cents"), ("hygge:postgres.base", "numeric(12,2)")];
    assert_eq!(declarations(&field(DataType::Decimal128(12, 2), &domain)), ["shop.cents", "numeric(12,2)"]);
    assert_eq!(declarations(&field(DataType::Utf8, &[("hygge:postgres.type", "int4range")])), ["int4range", "text"]);
    assert_eq!(declarations(&field(DataType::Utf8, &[("hygge:postgres.type", "text; DROP TABLE t")])), ["text"]);
    assert_eq!(declarations(&field(DataType::Utf8, &[("ARROW:extension:name", "arrow.json")])), ["json"]);
    assert_eq!(
        declarations(&field(DataType::FixedSizeBinary(16), &[("ARROW:extension:name", "arrow.uuid")])),
        ["uuid"]
    );
    assert_eq!(declarations(&field(DataType::Struct(arrow_schema::Fields::empty()), &[])), [""; 0]);
}

#[test]
fn names_of_any_kind_are_quoted() {
    let server = Server::start(&[]);
    let odd = "a \"b\"; c ü'$";
    server.run(&format!("CREATE TABLE t ({} point); INSERT INTO t VALUES ('(1,2)')", quoted(odd)));
    let read = plan(&server, "t", |_| ());
    let batches = decode(&read, &stream(&server, "t", &read), Limits::default()).expect("decodes");
    assert_eq!(batches[0].schema().field(0).name(), odd);
    assert_eq!(crate::shown::value(batches[0].column(0).as_ref(), 0).as_deref(), Some("(1,2)"));
}
