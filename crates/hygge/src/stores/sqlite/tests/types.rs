//! Every type there and back: the store writes, the home reads, and the rows are the same.

use arrow_array::builder::FixedSizeBinaryBuilder;
use arrow_array::types::{Date32Type, Int32Type};
use arrow_array::*;
use arrow_buffer::i256;
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use hygge_core::home::{Home, Opened, ReadRequest, Source};
use proptest::prelude::*;

use super::*;
use crate::homes::sqlite::{SqliteHome, SqliteHomeConfig};
use crate::sqlite::declared::type_table;

/// What the home reads of the table.
fn at_home(bench: &Bench) -> (SchemaRef, RecordBatch) {
    let home = SqliteHome::new(SqliteHomeConfig::new(&bench.path, "shop.db"));
    let ctx = context(PathBuf::new());
    let Opened::Scan(scan) = home.open(&ctx, &ReadRequest::all(Source::Table("t".into()))).expect("opens") else {
        panic!("unchanged")
    };
    let mut batches = Vec::new();
    for split in scan.splits() {
        let mut stream = scan.read(split, &split_context(&ctx, 1000)).expect("read");
        while let Some(batch) = stream.next().expect("fits") {
            batches.push(batch.rows);
        }
    }
    (scan.schema(), arrow_select::concat::concat_batches(&scan.schema(), &batches).expect("one schema"))
}

/// What the store reads of the table.
fn read_back(bench: &Bench, receipt: &Receipt) -> Tally {
    let ctx = split_context(&context(PathBuf::new()), 1000);
    let mut stream = bench.store().read_back(&ctx, &bench.store().place(None).expect("place"), receipt).expect("read");
    let mut found = Tally::default();
    while let Some(batch) = stream.next().expect("fits") {
        assert_eq!(batch.rows.schema().fields().len(), receipt.schema.fields().len());
        found = found.plus(tally(&batch.rows));
    }
    found
}

fn round_trip(batch: &RecordBatch) {
    let bench = Bench::new();
    let receipt = bench.settle(Mode::Replace, batch).expect("settles");
    assert_eq!(read_back(&bench, &receipt), tally(batch), "the store reads what it wrote");
    let (schema, rows) = at_home(&bench);
    assert_eq!(tally(&rows), tally(batch), "the home reads what the store wrote");
    for (ours, theirs) in batch.schema().fields().iter().zip(schema.fields()) {
        let line = type_table().into_iter().find(|line| &line.arrow == ours.data_type());
        if let Some(line) = line {
            assert_eq!(line.back.as_ref(), Some(theirs.data_type()), "{}", ours.data_type());
        }
    }
}

fn nulls<T>(values: Vec<T>) -> Vec<Option<T>> {
    values.into_iter().map(Some).chain([None]).collect()
}

/// A column of the type with its extremes and a NULL.
fn extremes(data_type: &DataType) -> ArrayRef {
    use DataType as T;
    macro_rules! ints {
        ($array:ident, $t:ty) => {
            Arc::new($array::from(nulls(vec![<$t>::MIN, <$t>::MAX, 0, 7])))
        };
    }
    macro_rules! stamps {
        ($array:ident, $zone:expr, $limit:expr) => {
            Arc::new(
                $array::from(nulls(vec![$limit, -$limit, 0, -1, 1, 86_399, 1_357_016_400]))
                    .with_timezone_opt($zone.clone()),
            )
        };
    }
    macro_rules! decimals {
        ($array:ident, $p:expr, $s:expr, $most:expr) => {
            Arc::new(
                $array::from(nulls(vec![$most, -$most, 0, 5, 110])).with_precision_and_scale(*$p, *$s).expect("fits"),
            )
        };
    }
    match data_type {
        T::Boolean => Arc::new(BooleanArray::from(nulls(vec![true, false]))),
        T::Int8 => ints!(Int8Array, i8),
        T::Int16 => ints!(Int16Array, i16),
        T::Int32 => ints!(Int32Array, i32),
        T::Int64 => ints!(Int64Array, i64),
        T::UInt8 => ints!(UInt8Array, u8),
        T::UInt16 => ints!(UInt16Array, u16),
        T::UInt32 => ints!(UInt32Array, u32),
        T::UInt64 => ints!(UInt64Array, u64),
        T::Float16 => {
            let wide = Float32Array::from(nulls(vec![0.5, -65504.0, f32::INFINITY, 3.0]));
            arrow_cast::cast(&wide, &T::Float16).expect("cast")
        }
        T::Float32 => Arc::new(Float32Array::from(nulls(vec![f32::MIN, f32::MAX, 0.1, -0.0, f32::INFINITY, 3.0]))),
        T::Float64 => Arc::new(Float64Array::from(nulls(vec![
            f64::MIN,
            f64::MAX,
            0.1,
            f64::MIN_POSITIVE,
            f64::NEG_INFINITY,
            1e16,
            9_007_199_254_740_994.0,
            3.0,
        ]))),
        T::Decimal32(p, s) => decimals!(Decimal32Array, p, s, 999_999_999),
        T::Decimal64(p, s) => decimals!(Decimal64Array, p, s, 10_i64.pow(18) - 1),
        T::Decimal128(p, s) => decimals!(Decimal128Array, p, s, 10_i128.pow(38) - 1),
        T::Decimal256(p, s) => {
            let most = i256::from_string(&"9".repeat(76)).expect("number");
            let values = nulls(vec![most, -most, i256::ZERO, i256::from_i128(-5)]);
            Arc::new(Decimal256Array::from(values).with_precision_and_scale(*p, *s).expect("fits"))
        }
        T::Date32 => Arc::new(Date32Array::from(nulls(vec![i32::MIN, i32::MAX, 0, 15_706]))),
        T::Date64 => Arc::new(Date64Array::from(nulls(vec![0, -86_400_000, 15_706 * 86_400_000]))),
        T::Time32(TimeUnit::Second) => Arc::new(Time32SecondArray::from(nulls(vec![0, 86_399]))),
        T::Time32(_) => Arc::new(Time32MillisecondArray::from(nulls(vec![0, 86_399_999, 500]))),
        T::Time64(TimeUnit::Microsecond) => Arc::new(Time64MicrosecondArray::from(nulls(vec![0, 86_399_999_999, 1]))),
        T::Time64(_) => Arc::new(Time64NanosecondArray::from(nulls(vec![0, 86_399_999_999_999, 1]))),
        T::Timestamp(TimeUnit::Second, z) => stamps!(TimestampSecondArray, z, 9_000_000_000_000_000),
        T::Timestamp(TimeUnit::Millisecond, z) => stamps!(TimestampMillisecondArray, z, i64::MAX),
        T::Timestamp(TimeUnit::Microsecond, z) => stamps!(TimestampMicrosecondArray, z, i64::MAX),
        T::Timestamp(TimeUnit::Nanosecond, z) => stamps!(TimestampNanosecondArray, z, i64::MAX),
        T::Utf8 | T::LargeUtf8 | T::Utf8View => {
            let texts = StringArray::from(nulls(vec!["", "café", "1.10", "a\0b", "'; DROP TABLE t; --"]));
            arrow_cast::cast(&texts, data_type).expect("cast")
        }
        T::Binary | T::LargeBinary | T::BinaryView => {
            let bytes = BinaryArray::from(nulls(vec![b"".as_slice(), b"\xff\0", b"text"]));
            arrow_cast::cast(&bytes, data_type).expect("cast")
        }
        T::FixedSizeBinary(width) => {
            let mut builder = FixedSizeBinaryBuilder::new(*width);
            builder.append_value(vec![7; usize::try_from(*width).expect("width")]).expect("width");
            builder.append_null();
            Arc::new(builder.finish())
        }
        T::Dictionary(..) => {
            let values: DictionaryArray<Int32Type> = vec![Some("a"), None, Some("b"), Some("a")].into_iter().collect();
            Arc::new(values.slice(1, 3))
        }
        other => panic!("no values of {other}"),
    }
}

#[test]
fn every_type_of_the_table_comes_back_exactly() {
    for line in type_table() {
        if line.arrow == DataType::Null {
            continue;
        }
        let field = Field::new("a column", line.arrow.clone(), true);
        let schema = Arc::new(Schema::new(vec![field]));
        if line.declared.is_none() {
            let bench = Bench::new();
            let spec = bench.spec(&schema, &Mode::Replace);
            let refused = bench.store().plan(&context(PathBuf::new()), &spec, None).expect_err("refused");
            assert_eq!(refused.place(), Some("column a column"));
            assert!(refused.found().contains("no exact form"), "{refused:?}");
            continue;
        }
        round_trip(&RecordBatch::try_new(schema, vec![extremes(&line.arrow)]).expect("batch"));
    }
}

#[test]
fn the_sign_of_a_zero_is_not_kept() {
    let bench = Bench::new();
    let zeros: ArrayRef = Arc::new(Float64Array::from(vec![-0.0, 0.0, -1.5]));
    bench.settle(Mode::Replace, &RecordBatch::try_from_iter([("a", zeros)]).expect("batch")).expect("settles");
    let (_, rows) = at_home(&bench);
    let back: &Float64Array = rows.column(0).as_any().downcast_ref().expect("numbers");
    assert_eq!(back.values().iter().map(|v| v.to_bits()).collect::<Vec<_>>(), [0.0, 0.0, -1.5_f64].map(f64::to_bits));
}

#[test]
fn a_column_without_any_value_is_kept_as_null() {
    let bench = Bench::new();
    let batch = RecordBatch::try_from_iter([("n", Arc::new(NullArray::new(3)) as _)]).expect("batch");
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Null, true)]));
    let batch = RecordBatch::try_new(schema, batch.columns().to_vec()).expect("batch");
    let receipt = bench.settle(Mode::Replace, &batch).expect("settles");
    assert_eq!(read_back(&bench, &receipt), tally(&batch));
    let (schema, rows) = at_home(&bench);
    assert_eq!((schema.field(0).data_type(), rows.column(0).null_count()), (&DataType::Utf8, 3));
}

#[test]
fn texts_of_decimals_and_dates_are_what_people_write() {
    let bench = Bench::new();
    let decimals = |values: Vec<i128>, scale| {
        Arc::new(Decimal128Array::from(values).with_precision_and_scale(10, scale).expect("fits"))
    };
    let columns: [(_, ArrayRef); 5] = [
        ("d", decimals(vec![110, -5, 100_000], 2)),
        ("n", decimals(vec![123, 0, -1], -2)),
        ("t", Arc::new(TimestampMicrosecondArray::from(vec![0, 500_000, -1]).with_timezone("UTC"))),
        ("l", Arc::new(TimestampSecondArray::from(vec![0, 1, -1]))),
        ("b", Arc::new(PrimitiveArray::<Date32Type>::from(vec![0, -719_529, 2_932_897]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("batch");
    bench.settle(Mode::Replace, &batch).expect("settles");
    assert_eq!(
        bench.lines("SELECT * FROM t"),
        [
            "1.10|12300|1970-01-01 00:00:00+00:00|1970-01-01 00:00:00|1970-01-01",
            "-0.05|0|1970-01-01 00:00:00.5+00:00|1970-01-01 00:00:01|-0001-12-31",
            "1000.00|-100|1969-12-31 23:59:59.999999+00:00|1969-12-31 23:59:59|+10000-01-01",
        ]
    );
    let plan = super::super::target::column_plans(&batch.schema()).expect("plan");
    let stored: Vec<_> = plan.iter().map(|c| (c.store.as_str(), c.exact_text)).collect();
    assert_eq!(
        stored,
        [
            ("DECIMAL_TEXT(10,2)", true),
            ("DECIMAL_TEXT(10,-2)", true),
            ("TIMESTAMPTZ", true),
            ("TIMESTAMP_S", true),
            ("DATE", true)
        ]
    );
    round_trip(&batch);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn random_rows_come_back(rows in prop::collection::vec(
        (
            any::<Option<i64>>(),
            any::<Option<f64>>(),
            ".{0,12}",
            any::<Option<i32>>(),
            any::<i64>(),
            any::<Option<i128>>(),
            any::<Vec<u8>>(),
            any::<bool>(),
        ),
        1..60,
    )) {
        let limit = 10_i128.pow(38);
        let decimals = rows.iter().map(|r| r.5.map(|v| v % limit)).collect::<Decimal128Array>();
        let columns: [(_, ArrayRef, _); 8] = [
            ("i", Arc::new(rows.iter().map(|r| r.0).collect::<Int64Array>()), true),
            ("f", Arc::new(rows.iter().map(|r| r.1.filter(|v| !v.is_nan())).collect::<Float64Array>()), true),
            ("s", Arc::new(rows.iter().map(|r| Some(r.2.as_str())).collect::<StringArray>()), false),
            ("d", Arc::new(rows.iter().map(|r| r.3).collect::<Date32Array>()), true),
            ("t", Arc::new(rows.iter().map(|r| Some(r.4)).collect::<TimestampNanosecondArray>()), false),
            ("n", Arc::new(decimals.with_precision_and_scale(38, 9).expect("fits")), true),
            ("b", Arc::new(rows.iter().map(|r| Some(r.6.as_slice())).collect::<BinaryArray>()), false),
            ("o", Arc::new(rows.iter().map(|r| Some(r.7)).collect::<BooleanArray>()), false),
        ];
        round_trip(&RecordBatch::try_from_iter_with_nullable(columns).expect("batch"));
    }
}
