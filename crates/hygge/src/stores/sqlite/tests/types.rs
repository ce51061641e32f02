//! Values there and back: the store writes, the home reads, and the rows are the same. Every type is in `tests/types`.

use arrow_array::types::Date32Type;
use arrow_array::*;
use arrow_schema::{DataType, Field, Schema};
use hygge_core::home::{Home, Opened, ReadRequest, Source};
use proptest::prelude::*;

use super::*;
use crate::homes::sqlite::{SqliteHome, SqliteHomeConfig};

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
    let (_, rows) = at_home(&bench);
    assert_eq!(tally(&rows), tally(batch), "the home reads what the store wrote");
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
