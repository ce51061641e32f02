use std::collections::HashMap;

use arrow_array::builder::StringDictionaryBuilder;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{
    ArrayRef, BinaryArray, BinaryViewArray, BooleanArray, Date32Array, Date64Array, Decimal32Array, Decimal128Array,
    Decimal256Array, DurationMicrosecondArray, FixedSizeBinaryArray, Float32Array, Float64Array, Int8Array, Int64Array,
    LargeStringArray, NullArray, StringArray, StringViewArray, Time32MillisecondArray, Time64NanosecondArray,
    TimestampMicrosecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt64Array,
};
use arrow_buffer::i256;
use arrow_schema::{DataType, Field};
use hygge_core::budget::Budget;
use hygge_core::context::{Cancellation, Context, SystemClock};
use hygge_core::event::Silent;
use proptest::prelude::*;

use super::*;

fn split() -> SplitContext {
    let budget = Budget::new(64 << 20, 4).expect("enough");
    let run = Context {
        run: "run".into(),
        root: Arc::new("/".into()),
        budget: Arc::clone(&budget),
        cancel: Cancellation::default(),
        clock: Arc::new(SystemClock),
        observer: Arc::new(Silent),
    };
    let share = budget.share(&run.cancel).expect("a share");
    SplitContext { run, share, attempt: 1, batch_rows: 100, bytes_read: Arc::default() }
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields: Vec<Field> = columns.iter().map(|(n, a)| Field::new(*n, a.data_type().clone(), true)).collect();
    let arrays = columns.into_iter().map(|(_, a)| a).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("columns of one length")
}

fn write(format: &CsvFormat, path: &Path, batches: &[RecordBatch]) {
    let mut encoder =
        format.encoder(File::create(path).expect("creates"), &batches[0].schema(), &split()).expect("begins");
    for batch in batches {
        encoder.write(batch).expect("writes");
    }
    encoder.finish().expect("finishes");
}

fn read(format: &CsvFormat, path: &Path, schema: &SchemaRef) -> RecordBatch {
    let mut stream = format.read(path, schema, &split()).expect("opens");
    let mut batches = Vec::new();
    while let Some(batch) = stream.next().expect("reads") {
        batches.push(batch.rows);
    }
    arrow_select::concat::concat_batches(
        &batches.first().map_or_else(|| Arc::clone(schema), RecordBatch::schema),
        &batches,
    )
    .expect("of one schema")
}

fn config(codec: Codec, header: bool, null: &str) -> CsvFormat {
    let packing = Packing { codec, level: None };
    CsvFormat::new(&CsvFormatConfig { header, null: null.into(), packing, ..CsvFormatConfig::default() }).expect("fits")
}

const CODECS: [Codec; 6] = [Codec::Plain, Codec::Gzip, Codec::Zstd, Codec::Bzip2, Codec::Xz, Codec::Lz4];

fn one_of_each() -> RecordBatch {
    let mut words = StringDictionaryBuilder::<Int32Type>::new();
    words.append_option(Some("red"));
    words.append_null();
    words.append_option(Some(""));
    let halves = Float32Array::from(vec![Some(0.1), None, Some(f32::INFINITY)]);
    let halves = arrow_cast::cast(&halves, &DataType::Float16).expect("fits");
    let fixed =
        FixedSizeBinaryArray::try_from_sparse_iter_with_size([Some([0, 255]), None, Some([1, 2])].into_iter(), 2);
    let day = 86_400_000;
    batch(vec![
        ("null", Arc::new(NullArray::new(3))),
        ("bool", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        ("int8", Arc::new(Int8Array::from(vec![Some(i8::MIN), None, Some(i8::MAX)]))),
        ("int64", Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(i64::MAX)]))),
        ("uint64", Arc::new(UInt64Array::from(vec![Some(u64::MAX), None, Some(0)]))),
        ("float16", halves),
        ("float32", Arc::new(Float32Array::from(vec![Some(0.1), None, Some(f32::MIN_POSITIVE)]))),
        ("float64", Arc::new(Float64Array::from(vec![Some(-0.0), None, Some(f64::NEG_INFINITY)]))),
        (
            "dec32",
            Arc::new(Decimal32Array::from(vec![Some(-5), None, Some(12345)]).with_precision_and_scale(9, 2).unwrap()),
        ),
        (
            "dec128",
            Arc::new(
                Decimal128Array::from(vec![Some(7), None, Some(-12345)]).with_precision_and_scale(38, 38).unwrap(),
            ),
        ),
        (
            "dec_up",
            Arc::new(Decimal128Array::from(vec![Some(7), None, Some(0)]).with_precision_and_scale(10, -3).unwrap()),
        ),
        (
            "dec256",
            Arc::new(
                Decimal256Array::from(vec![Some(i256::from_i128(i128::MIN)), None, Some(i256::ZERO)])
                    .with_precision_and_scale(76, 0)
                    .unwrap(),
            ),
        ),
        ("date32", Arc::new(Date32Array::from(vec![Some(-719_528), None, Some(2_932_896)]))),
        ("date64", Arc::new(Date64Array::from(vec![Some(-day), None, Some(19_000 * day)]))),
        ("time32", Arc::new(Time32MillisecondArray::from(vec![Some(86_399_999), None, Some(0)]))),
        ("time64", Arc::new(Time64NanosecondArray::from(vec![Some(1), None, Some(86_399_000_000_000)]))),
        ("ts_s", Arc::new(TimestampSecondArray::from(vec![Some(-1), None, Some(0)]))),
        (
            "ts_us",
            Arc::new(
                TimestampMicrosecondArray::from(vec![Some(-1), None, Some(1_500_000)]).with_timezone("Europe/Oslo"),
            ),
        ),
        ("ts_ns", Arc::new(TimestampNanosecondArray::from(vec![Some(i64::MIN), None, Some(i64::MAX)]))),
        ("duration", Arc::new(DurationMicrosecondArray::from(vec![Some(-1), None, Some(7)]))),
        ("text", Arc::new(StringArray::from(vec![Some("a \"b\",\r\n"), None, Some("")]))),
        ("large", Arc::new(LargeStringArray::from(vec![Some(" x"), None, Some("NA")]))),
        ("view", Arc::new(StringViewArray::from(vec![Some("x\t"), None, Some("é")]))),
        ("binary", Arc::new(BinaryArray::from(vec![Some(&b"\x00\xff"[..]), None, Some(b"")]))),
        ("binary_view", Arc::new(BinaryViewArray::from(vec![Some(&b"abc"[..]), None, Some(b"")]))),
        ("fixed", Arc::new(fixed.unwrap())),
        ("dictionary", Arc::new(words.finish())),
    ])
}

#[test]
fn every_type_comes_back_exactly() {
    let dir = tempfile::tempdir().expect("a folder");
    let rows = one_of_each();
    // A dictionary comes as its values.
    let schema = crate::stores::plain::plain(&rows.schema());
    let mut columns = rows.columns().to_vec();
    if let Some(last) = columns.last_mut() {
        *last = arrow_cast::cast(&*last, schema.fields()[schema.fields().len() - 1].data_type()).expect("its values");
    }
    let unpacked = RecordBatch::try_new(schema, columns).expect("the same rows");
    for codec in CODECS {
        for (header, null) in [(true, ""), (false, ""), (true, "NA")] {
            let format = config(codec, header, null);
            let path = dir.path().join(format.extension());
            assert_eq!(format.plan(&rows.schema()).expect("plans").len(), rows.num_columns());
            write(&format, &path, &[rows.clone(), rows.slice(1, 2)]);
            assert_eq!(format.count_rows(&path).expect("counts"), 5);
            let back = read(&format, &path, &rows.schema());
            assert_eq!(back.slice(0, 3), unpacked);
            assert_eq!(back.slice(3, 2), unpacked.slice(1, 2));
        }
    }
}

#[test]
fn files_are_joined_under_one_header() {
    let dir = tempfile::tempdir().expect("a folder");
    let numbers = |from: i64| batch(vec![("n\nm", Arc::new(Int64Array::from_iter_values(from..from + 3)) as ArrayRef)]);
    for codec in CODECS {
        for header in [true, false] {
            let format = config(codec, header, "");
            let parts: Vec<PathBuf> = (0..3).map(|i| dir.path().join(format!("{i}.part"))).collect();
            for (part, from) in parts.iter().zip([0, 3, 6]) {
                write(&format, part, &[numbers(from)]);
            }
            let whole = dir.path().join("whole");
            let schema = numbers(0).schema();
            format.assemble(&parts, &schema, None, File::create(&whole).expect("creates")).expect("joins");
            assert_eq!(format.count_rows(&whole).expect("counts"), 9);
            let back = read(&format, &whole, &schema);
            let wanted = Int64Array::from_iter_values(0..9);
            assert_eq!(back.column(0).as_ref(), &wanted as &dyn arrow_array::Array);
            format.assemble(&[], &schema, None, File::create(&whole).expect("creates")).expect("joins");
            assert_eq!(format.count_rows(&whole).expect("counts"), 0);
            assert_eq!(read(&format, &whole, &schema).num_rows(), 0);
        }
    }
}

#[test]
fn a_column_of_nulls_alone_is_counted() {
    let dir = tempfile::tempdir().expect("a folder");
    let nulls = batch(vec![("a", Arc::new(Int64Array::from(vec![None, None, None])) as ArrayRef)]);
    for codec in CODECS {
        for header in [true, false] {
            let format = config(codec, header, "");
            let path = dir.path().join("f");
            write(&format, &path, std::slice::from_ref(&nulls));
            assert_eq!(format.count_rows(&path).expect("counts"), 3);
            assert_eq!(read(&format, &path, &nulls.schema()), nulls);
        }
    }
}

#[test]
fn the_text_is_what_others_expect() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("a.csv");
    let format = config(Codec::Plain, true, "");
    write(&format, &path, &[one_of_each().project(&[1, 3, 7, 8, 12, 17, 20, 23]).expect("columns")]);
    let text = std::fs::read_to_string(&path).expect("reads");
    assert_eq!(
        text,
        "bool,int64,float64,dec32,date32,ts_us,text,binary\n\
         true,-9223372036854775808,-0.0,-0.05,0000-01-01,1969-12-31T23:59:59.999999Z,\"a \"\"b\"\",\r\n\",00ff\n\
         ,,,,,,,\n\
         false,9223372036854775807,-inf,123.45,9999-12-31,1970-01-01T00:00:01.500Z,\"\",\"\"\n"
    );
}

#[test]
fn what_has_no_text_is_refused_in_the_plan_or_fails_by_name() {
    let format = config(Codec::Plain, true, "");
    let list = DataType::List(Arc::new(Field::new("item", DataType::Int32, true)));
    for data_type in [list, DataType::Interval(arrow_schema::IntervalUnit::YearMonth)] {
        let schema = Schema::new(vec![Field::new("odd", data_type, true)]);
        assert_eq!(format.plan(&schema).expect_err("refused").place(), Some("column odd"));
    }
    assert!(format.plan(&Schema::empty()).is_err());
    let late = batch(vec![("day", Arc::new(Date32Array::from(vec![2_932_897])) as ArrayRef)]);
    let dir = tempfile::tempdir().expect("a folder");
    let file = File::create(dir.path().join("a.csv")).expect("creates");
    let mut encoder = format.encoder(file, &late.schema(), &split()).expect("begins");
    assert!(encoder.write(&late).expect_err("no text").place().is_some_and(|p| p.contains("column day")));
    for config in [
        CsvFormatConfig { separator: b'.', ..CsvFormatConfig::default() },
        CsvFormatConfig { separator: b'"', ..CsvFormatConfig::default() },
        CsvFormatConfig { null: "0".into(), ..CsvFormatConfig::default() },
        CsvFormatConfig { null: "a,b".into(), ..CsvFormatConfig::default() },
        CsvFormatConfig { packing: Packing { codec: Codec::Gzip, level: Some(10) }, ..CsvFormatConfig::default() },
        CsvFormatConfig { packing: Packing { codec: Codec::Bzip2, level: Some(0) }, ..CsvFormatConfig::default() },
        CsvFormatConfig { packing: Packing { codec: Codec::Lz4, level: Some(1) }, ..CsvFormatConfig::default() },
    ] {
        assert!(CsvFormat::new(&config).is_err(), "{config:?}");
    }
}

#[test]
fn a_damaged_file_is_not_counted_nor_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let rows = batch(vec![("n", Arc::new(Int64Array::from_iter_values(0..10_000)) as ArrayRef)]);
    for codec in &CODECS[1..] {
        let path = dir.path().join(format!("a.csv{}", codec.end()));
        let format = config(*codec, true, "");
        write(&format, &path, std::slice::from_ref(&rows));
        let whole = std::fs::read(&path).expect("reads");
        std::fs::write(&path, &whole[..whole.len() - 4]).expect("writes");
        assert!(format.count_rows(&path).is_err(), "{codec:?}");
    }
}

fn texts() -> impl Strategy<Value = Option<String>> {
    prop_oneof![1 => Just(None), 4 => "[a,\"\n\r\t é;NA0-9]{0,6}".prop_map(Some), 1 => any::<String>().prop_map(Some)]
}

proptest! {
    #[test]
    fn any_table_comes_back(
        rows in prop::collection::vec((texts(), any::<Option<i64>>(), any::<Option<u64>>(), any::<Option<i32>>()), 0..40),
        separator in prop::sample::select(&b",;|\t"[..]), null in prop::sample::select(&["", "NA", "\\N"][..]),
        header: bool, codec in prop::sample::select(&CODECS[..]),
    ) {
        let floats: Float64Array = rows.iter().map(|r| r.2.map(f64::from_bits).filter(|v| !v.is_nan())).collect();
        let rows = batch(vec![
            ("text", Arc::new(rows.iter().map(|r| r.0.clone()).collect::<StringArray>()) as ArrayRef),
            ("int", Arc::new(rows.iter().map(|r| r.1).collect::<arrow_array::PrimitiveArray<Int64Type>>())),
            ("float", Arc::new(floats)),
            ("time", Arc::new(rows.iter().map(|r| r.1.map(|n| n % 62_135_596_800_000_000)).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))),
            ("decimal", Arc::new(rows.iter().map(|r| r.1.map(i128::from)).collect::<Decimal128Array>().with_precision_and_scale(20, 7).unwrap())),
        ]);
        let packing = Packing { codec, level: None };
        let format = CsvFormat::new(&CsvFormatConfig { separator, header, null: null.into(), packing, tsv: false }).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        write(&format, &path, std::slice::from_ref(&rows));
        prop_assert_eq!(format.count_rows(&path).unwrap(), rows.num_rows() as u64);
        prop_assert_eq!(read(&format, &path, &rows.schema()), rows);
    }
}

#[test]
fn every_level_packs_within_what_the_reader_takes() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("f");
    let rows = batch(vec![("n", Arc::new(Int64Array::from_iter_values(0..100_000)) as ArrayRef)]);
    let levels = [
        (Codec::Gzip, 0),
        (Codec::Gzip, 9),
        (Codec::Zstd, 1),
        (Codec::Zstd, 19),
        (Codec::Zstd, 22),
        (Codec::Bzip2, 1),
        (Codec::Bzip2, 9),
        (Codec::Xz, 0),
        (Codec::Xz, 6),
        (Codec::Xz, 9),
    ];
    for (codec, level) in levels {
        let packing = Packing { codec, level: Some(level) };
        let format = CsvFormat::new(&CsvFormatConfig { packing, ..CsvFormatConfig::default() }).expect("a level");
        write(&format, &path, std::slice::from_ref(&rows));
        assert_eq!(read(&format, &path, &rows.schema()), rows);
    }
}

#[test]
fn the_plan_says_how_each_column_arrives() {
    let plan = config(Codec::Plain, true, "").plan(&one_of_each().schema()).expect("plans");
    let by_name: HashMap<_, _> = plan.iter().map(|c| (c.name.as_str(), (c.store.as_str(), c.exact_text))).collect();
    assert_eq!(by_name["binary"], ("hexadecimal text", true));
    assert_eq!(by_name["dec32"], ("decimal number", false));
    assert_eq!(by_name["dictionary"], ("text", false));
}
