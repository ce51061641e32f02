use std::io::Read as _;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, MapBuilder, StringBuilder, StringDictionaryBuilder};
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Date64Array, Decimal32Array, Decimal128Array,
    Decimal256Array, DurationMicrosecondArray, FixedSizeBinaryArray, FixedSizeListArray, Float32Array, Float64Array,
    Int8Array, Int64Array, LargeListArray, LargeStringArray, ListArray, NullArray, StringArray, StringViewArray,
    StructArray, Time32MillisecondArray, Time64NanosecondArray, TimestampMicrosecondArray, TimestampNanosecondArray,
    UInt64Array,
};
use arrow_buffer::{NullBuffer, i256};
use arrow_schema::{DataType, Field};
use serde_json::{Value, json};

use super::*;
use crate::files::json::tests::split;

pub(super) fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields: Vec<Field> = columns.iter().map(|(n, a)| Field::new(*n, a.data_type().clone(), true)).collect();
    let arrays = columns.into_iter().map(|(_, a)| a).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("columns of one length")
}

fn write(format: &JsonFormat, path: &Path, batches: &[RecordBatch]) {
    let ctx = split(100, 64 << 20);
    let mut encoder = format.encoder(File::create(path).expect("creates"), &batches[0].schema(), &ctx).expect("begins");
    for batch in batches {
        encoder.write(batch).expect("writes");
    }
    encoder.finish().expect("finishes");
}

fn read(format: &JsonFormat, path: &Path, schema: &SchemaRef) -> RecordBatch {
    let mut stream = format.read(path, schema, &split(100, 64 << 20)).expect("opens");
    let mut batches = Vec::new();
    while let Some(batch) = stream.next().expect("reads") {
        batches.push(batch.rows);
    }
    arrow_select::concat::concat_batches(schema, &batches).expect("of one schema")
}

fn all_formats() -> Vec<JsonFormat> {
    let mut out = Vec::new();
    for array in [false, true] {
        for codec in [Codec::Plain, Codec::Gzip, Codec::Zstd, Codec::Bzip2, Codec::Xz, Codec::Lz4] {
            let config = JsonFormatConfig { packing: Packing { codec, level: None }, ..JsonFormatConfig::new(array) };
            out.push(JsonFormat::new(config).expect("a format"));
        }
    }
    out
}

/// What `serde_json` reads in a file.
fn judged(format: &JsonFormat, path: &Path) -> Vec<Value> {
    let file = File::open(path).expect("opens");
    let mut text = String::new();
    format.config.packing.codec.reader(file).expect("begins").read_to_string(&mut text).expect("is text");
    if format.config.array {
        serde_json::from_str(&text).expect("is JSON")
    } else {
        text.lines().map(|line| serde_json::from_str(line).expect("is JSON")).collect()
    }
}

fn one_of_each() -> RecordBatch {
    let mut words = StringDictionaryBuilder::<Int32Type>::new();
    words.append_option(Some("red"));
    words.append_null();
    words.append_option(Some(""));
    let halves = Float32Array::from(vec![Some(0.1), None, Some(f32::INFINITY)]);
    let halves = arrow_cast::cast(&halves, &DataType::Float16).expect("fits");
    let fixed =
        FixedSizeBinaryArray::try_from_sparse_iter_with_size([Some([0, 255]), None, Some([1, 2])].into_iter(), 2);
    let ints = || vec![Some(vec![Some(1), None]), None, Some(vec![])];
    let inner: ArrayRef = Arc::new(StringArray::from(vec![Some("in\"ner"), None, None]));
    let list: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(ints()));
    let fields = vec![Field::new("té\"xt", DataType::Utf8, true), Field::new("list", list.data_type().clone(), true)];
    let nulls = NullBuffer::from(vec![true, false, true]);
    let object = StructArray::new(fields.into(), vec![inner, Arc::clone(&list)], Some(nulls.clone()));
    let mut map = MapBuilder::new(None, StringBuilder::new(), ListBuilder::new(StringBuilder::new()));
    map.keys().append_value("k\n");
    map.values().append_value([Some("v"), None]);
    map.keys().append_value("");
    map.values().append_null();
    map.append(true).expect("even");
    map.append(false).expect("even");
    map.append(true).expect("even");
    let mut numbered =
        MapBuilder::new(None, arrow_array::builder::Int64Builder::new(), arrow_array::builder::BooleanBuilder::new());
    for _ in 0..3 {
        numbered.keys().append_value(-5);
        numbered.values().append_value(true);
        numbered.append(true).expect("even");
    }
    let pairs = FixedSizeListArray::from_iter_primitive::<Int64Type, _, _>(
        vec![Some(vec![Some(1), None]), None, Some(vec![Some(3), Some(4)])],
        2,
    );
    batch(vec![
        ("null", Arc::new(NullArray::new(3))),
        ("bool", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        ("int8", Arc::new(Int8Array::from(vec![Some(i8::MIN), None, Some(i8::MAX)]))),
        ("int64", Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(i64::MAX)]))),
        ("uint64", Arc::new(UInt64Array::from(vec![Some(u64::MAX), None, Some(0)]))),
        ("float16", halves),
        ("float32", Arc::new(Float32Array::from(vec![Some(0.1), None, Some(f32::MIN_POSITIVE)]))),
        ("float64", Arc::new(Float64Array::from(vec![Some(-0.0), None, Some(f64::NEG_INFINITY)]))),
        ("wild", Arc::new(Float64Array::from(vec![Some(5e-324), Some(1e21), Some(f64::INFINITY)]))),
        (
            "dec32",
            Arc::new(Decimal32Array::from(vec![Some(-5), None, Some(12345)]).with_precision_and_scale(9, 2).unwrap()),
        ),
        (
            "dec_up",
            Arc::new(Decimal128Array::from(vec![Some(7), None, Some(0)]).with_precision_and_scale(10, -3).unwrap()),
        ),
        (
            "dec256",
            Arc::new(
                Decimal256Array::from(vec![Some(i256::from_i128(i128::MIN)), None, Some(i256::ZERO)])
                    .with_precision_and_scale(76, 3)
                    .unwrap(),
            ),
        ),
        ("date32", Arc::new(Date32Array::from(vec![Some(-719_528), None, Some(2_932_896)]))),
        ("date64", Arc::new(Date64Array::from(vec![Some(-86_400_000), None, Some(0)]))),
        ("time32", Arc::new(Time32MillisecondArray::from(vec![Some(86_399_999), None, Some(0)]))),
        ("time64", Arc::new(Time64NanosecondArray::from(vec![Some(1), None, Some(86_399_000_000_000)]))),
        (
            "ts_us",
            Arc::new(
                TimestampMicrosecondArray::from(vec![Some(-1), None, Some(1_500_000)]).with_timezone("Europe/Oslo"),
            ),
        ),
        ("ts_ns", Arc::new(TimestampNanosecondArray::from(vec![Some(i64::MIN), None, Some(i64::MAX)]))),
        ("duration", Arc::new(DurationMicrosecondArray::from(vec![Some(-1), None, Some(7)]))),
        ("text", Arc::new(StringArray::from(vec![Some("a \"b\"\\\r\n\u{1}\u{7f}😀"), None, Some("")]))),
        ("large", Arc::new(LargeStringArray::from(vec![Some("null"), None, Some("NaN")]))),
        ("view", Arc::new(StringViewArray::from(vec![Some("x\t"), None, Some("é")]))),
        ("binary", Arc::new(BinaryArray::from(vec![Some(&b"\x00\xff"[..]), None, Some(b"")]))),
        ("fixed", Arc::new(fixed.unwrap())),
        ("dictionary", Arc::new(words.finish())),
        ("list", list),
        ("large_list", Arc::new(LargeListArray::from_iter_primitive::<Int64Type, _, _>(ints()))),
        ("pairs", Arc::new(pairs)),
        ("object", Arc::new(object)),
        ("empty", Arc::new(StructArray::new_empty_fields(3, Some(nulls)))),
        ("map", Arc::new(map.finish())),
        ("numbered", Arc::new(numbered.finish())),
    ])
}

#[test]
fn every_type_comes_back_exactly() {
    let dir = tempfile::tempdir().expect("a folder");
    let rows = one_of_each();
    for format in all_formats() {
        let path = dir.path().join(format.extension());
        assert_eq!(format.plan(&rows.schema()).expect("plans").len(), rows.num_columns());
        write(&format, &path, &[rows.clone(), rows.slice(1, 2)]);
        assert_eq!(format.count_rows(&path).expect("counts"), 5);
        // A dictionary comes as its values.
        let schema = crate::stores::plain::plain(&rows.schema());
        let back = read(&format, &path, &schema);
        for (at, column) in rows.columns().iter().enumerate() {
            let name = rows.schema().field(at).name().clone();
            let column = &arrow_cast::cast(column, schema.field(at).data_type()).expect("its values");
            assert_eq!(&back.column(at).slice(0, 3), column, "{name}");
            assert_eq!(back.column(at).slice(3, 2).to_data(), column.slice(1, 2).to_data(), "{name}");
        }
        format.check_fits(&path, &rows.schema()).expect("fits");
        assert_eq!(judged(&format, &path).len(), 5);
    }
}

#[test]
fn what_is_written_is_what_it_says() {
    let dir = tempfile::tempdir().expect("a folder");
    let format = &all_formats()[0];
    let path = dir.path().join("rows.ndjson");
    write(format, &path, &[one_of_each()]);
    insta::assert_snapshot!(std::fs::read_to_string(&path).expect("is text").lines().next().expect("a row"));
}

#[test]
fn files_are_joined() {
    let dir = tempfile::tempdir().expect("a folder");
    let numbers = |from: i64| batch(vec![("n", Arc::new(Int64Array::from_iter_values(from..from + 3)) as ArrayRef)]);
    for format in all_formats() {
        let schema = numbers(0).schema();
        let parts: Vec<PathBuf> = (0..3).map(|i| dir.path().join(format!("{i}.{}", format.extension()))).collect();
        write(&format, &parts[0], &[numbers(0)]);
        write(&format, &parts[1], &[numbers(0).slice(0, 0)]);
        write(&format, &parts[2], &[numbers(3)]);
        let whole = dir.path().join(format!("whole.{}", format.extension()));
        for (parts, rows) in [(&parts[..], 6), (&parts[1..2], 0), (&parts[..0], 0), (&parts[2..], 3)] {
            format.assemble(parts, &schema, None, File::create(&whole).expect("creates")).expect("joins");
            assert_eq!(format.count_rows(&whole).expect("counts"), rows);
            assert_eq!(judged(&format, &whole).len() as u64, rows);
        }
        format.assemble(&parts, &schema, None, File::create(&whole).expect("creates")).expect("joins");
        let wanted: Vec<Value> = (0..6).map(|n| json!({"n": n})).collect();
        assert_eq!(judged(&format, &whole), wanted);
    }
}

#[test]
fn what_has_no_json_is_refused() {
    let format = &all_formats()[0];
    let refused = |data_type: DataType| {
        let schema = Schema::new(vec![Field::new("odd", data_type, true)]);
        format.plan(&schema).expect_err("no JSON").to_string()
    };
    assert_eq!(
        refused(DataType::Interval(arrow_schema::IntervalUnit::DayTime)),
        "column odd: the column cannot be written as JSON: there is none for Interval(DayTime)"
    );
    let twice = vec![Field::new("k", DataType::Utf8, true), Field::new("k", DataType::Utf8, true)];
    assert!(refused(DataType::Struct(twice.into())).ends_with("an object with two keys k"));
    let none = format.plan(&Schema::empty()).expect_err("no columns");
    assert!(none.to_string().contains("rows without columns"), "{none}");
    let mut twice = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for _ in 0..2 {
        twice.keys().append_value("k");
        twice.values().append_value("v");
    }
    twice.append(true).expect("even");
    let rows = batch(vec![("m", Arc::new(twice.finish()))]);
    assert_eq!(
        unwritten(format, &[rows]),
        "row 1 of the split, column m: a map with the same key twice, which an object cannot have"
    );
    // A day of the year 12000, in the second of two batches and in an item of a list in an object.
    let days = Date32Array::from_iter_values((0..3000).map(|row| if row == 2600 { 3_663_000 } else { row }));
    let days: ArrayRef = Arc::new(days);
    let list = ListArray::new(
        Arc::new(Field::new("item", DataType::Date32, true)),
        arrow_buffer::OffsetBuffer::from_lengths(vec![2; 1500]),
        Arc::clone(&days),
        None,
    );
    let list: ArrayRef = Arc::new(list);
    let field = Arc::new(Field::new("days", list.data_type().clone(), true));
    let object: ArrayRef = Arc::new(StructArray::from(vec![(field, list)]));
    let flat = batch(vec![("d", days)]);
    let told = unwritten(format, &[flat.slice(0, 2000), flat.slice(2000, 1000)]);
    assert!(told.starts_with("row 2,601 of the split, column d: a date or time that has no text"), "{told}");
    let told = unwritten(format, &[batch(vec![("o", object)])]);
    assert!(told.starts_with("row 1,301 of the split, column o.days[]: a date or time"), "{told}");
}

/// What is said of the first value that has no JSON.
fn unwritten(format: &JsonFormat, batches: &[RecordBatch]) -> String {
    let file = tempfile::tempfile().expect("a file");
    let mut encoder = format.encoder(file, &batches[0].schema(), &split(10, 64 << 20)).expect("begins");
    let errors = batches.iter().filter_map(|batch| encoder.write(batch).err());
    errors.map(|error| format!("{}: {}", error.place().unwrap_or_default(), error.found())).next().expect("an error")
}

#[test]
fn files_of_others_must_fit() {
    let dir = tempfile::tempdir().expect("a folder");
    let format = &all_formats()[0];
    let schema = batch(vec![("n", Arc::new(Int64Array::from(vec![1])))]).schema();
    let path = dir.path().join("theirs.ndjson");
    let fits = |text: &str| {
        std::fs::write(&path, text).expect("writes");
        format.check_fits(&path, &schema).map_err(|error| error.to_string())
    };
    assert_eq!(fits("{\"n\":1}\n{}\n\n{\"n\":null}"), Ok(()));
    assert!(fits("{\"n\":1,\"m\":2}\n").expect_err("more").contains("column m"));
    assert!(fits("{\"n\":\"1\"}\n").expect_err("a text").contains("a text where a whole number"));
    assert!(fits("{\"n\":1").expect_err("torn").contains("ends within a row"));
}
