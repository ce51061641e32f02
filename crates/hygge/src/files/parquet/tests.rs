use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{Date64Builder, FixedSizeBinaryBuilder};
use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, DurationSecondArray,
    Float16Array, Float64Array, Int8Array, Int64Array, IntervalDayTimeArray, LargeStringArray, ListArray, RecordBatch,
    StringArray, StringViewArray, StructArray, Time32SecondArray, Time64NanosecondArray, TimestampNanosecondArray,
    TimestampSecondArray, UInt64Array,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use hygge_core::conformance::{batch, context, rows, schema, split_context};
use hygge_core::tally::Tallier;
use hygge_core::{Advice, ErrorKind};

use super::{ParquetFormat, RECEIPT_KEY};
use crate::files::format::FileFormat;

fn write(format: &ParquetFormat, path: &Path, batches: &[RecordBatch]) {
    let ctx = split_context(&context(path.to_path_buf()), 1_000);
    let file = std::fs::File::options().read(true).write(true).create_new(true).open(path).expect("creates");
    let mut encoder = format.encoder(file, &batches[0].schema(), &ctx).expect("begins");
    for batch in batches {
        encoder.write(batch).expect("writes");
    }
    encoder.finish().expect("finishes");
}

fn read(format: &ParquetFormat, path: &Path, schema: &SchemaRef) -> Vec<RecordBatch> {
    let ctx = split_context(&context(path.to_path_buf()), 1_000);
    let mut stream = format.read(path, schema, &ctx).expect("opens");
    let mut out = Vec::new();
    while let Some(batch) = stream.next().expect("reads") {
        assert_eq!(batch.rows.schema(), *schema);
        out.push(batch.rows);
    }
    out
}

/// A row of values and one without, in every type that files are likely to hold.
pub(crate) fn every_type() -> RecordBatch {
    let mut fixed = FixedSizeBinaryBuilder::new(3);
    fixed.append_value(b"abc").expect("fits");
    fixed.append_null();
    let mut days = Date64Builder::new();
    days.append_value(-86_400_000);
    days.append_null();
    let seconds: ArrayRef = Arc::new(TimestampSecondArray::from(vec![Some(-1), None]));
    let inner = Field::new("at", seconds.data_type().clone(), true);
    let dictionary: DictionaryArray<Int32Type> = vec![Some("x"), None].into_iter().collect();
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("bool", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ("int8", Arc::new(Int8Array::from(vec![Some(-128), None]))),
        ("int64", Arc::new(Int64Array::from(vec![Some(i64::MIN), None]))),
        ("uint64", Arc::new(UInt64Array::from(vec![Some(u64::MAX), None]))),
        ("half", Arc::new(Float16Array::from(vec![None, None]))),
        ("double", Arc::new(Float64Array::from(vec![Some(-0.0), Some(f64::NAN)]))),
        (
            "decimal",
            Arc::new(Decimal128Array::from(vec![Some(-12_345), None]).with_precision_and_scale(38, 4).expect("fits")),
        ),
        ("date", Arc::new(Date32Array::from(vec![Some(-1), None]))),
        ("date64", Arc::new(days.finish())),
        ("time", Arc::new(Time32SecondArray::from(vec![Some(86_399), None]))),
        ("time_ns", Arc::new(Time64NanosecondArray::from(vec![Some(1), None]))),
        ("second", seconds.clone()),
        ("zoned", Arc::new(TimestampSecondArray::from(vec![Some(5), None]).with_timezone("+01:00"))),
        ("nano", Arc::new(TimestampNanosecondArray::from(vec![Some(i64::MIN), None]))),
        ("text", Arc::new(StringArray::from(vec![Some("ä\0b"), None]))),
        ("large", Arc::new(LargeStringArray::from(vec![Some(""), None]))),
        ("view", Arc::new(StringViewArray::from(vec![Some("a text longer than twelve bytes"), None]))),
        ("bytes", Arc::new(BinaryArray::from(vec![Some(&[0_u8, 255][..]), None]))),
        ("fixed", Arc::new(fixed.finish())),
        ("dictionary", Arc::new(dictionary)),
        ("list", Arc::new(lists)),
        ("struct", Arc::new(StructArray::from(vec![(Arc::new(inner), seconds)]))),
    ];
    let fields: Vec<Field> =
        columns.iter().map(|(name, column)| Field::new(*name, column.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|(_, c)| c).collect()).expect("a batch")
}

#[test]
fn every_type_comes_back_as_it_was() {
    let dir = tempfile::tempdir().expect("a folder");
    let batch = every_type();
    let format = ParquetFormat::default();
    let plan = format.plan(&batch.schema()).expect("all can be held");
    assert_eq!(plan.len(), batch.num_columns());
    assert!(plan.iter().all(|column| !column.exact_text));
    let path = dir.path().join("t.parquet");
    write(&format, &path, std::slice::from_ref(&batch));
    let back = read(&format, &path, &batch.schema());
    let mut tallies = [Tallier::new(&batch.schema()), Tallier::new(&batch.schema())];
    tallies[0].add(&batch).expect("hashes");
    tallies[1].add(&back[0]).expect("hashes");
    assert_eq!(tallies[0].tally(), tallies[1].tally());
    for (ours, theirs) in batch.columns().iter().zip(back[0].columns()) {
        if !matches!(ours.data_type(), DataType::Float64) {
            assert_eq!(ours, theirs, "{}", ours.data_type());
        }
    }
    // What others see: times are times, not bare numbers.
    let file = std::fs::File::open(&path).expect("opens");
    let options = parquet::arrow::arrow_reader::ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let seen = parquet::arrow::arrow_reader::ArrowReaderMetadata::load(&file, options).expect("reads");
    for (name, expected) in [("second", "Timestamp(ms)"), ("date64", "Date32"), ("time", "Time32(ms)")] {
        let found = seen.schema().field_with_name(name).expect("a column").data_type().to_string();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn dictionaries_with_narrow_keys_do_not_run_out_of_them() {
    let dir = tempfile::tempdir().expect("a folder");
    let batches: Vec<RecordBatch> = (0..3)
        .map(|part| {
            let words: DictionaryArray<Int8Type> =
                (0..100).map(|i| format!("{part} {i}")).collect::<Vec<_>>().iter().map(String::as_str).collect();
            RecordBatch::try_from_iter([("word", Arc::new(words) as ArrayRef)]).expect("a batch")
        })
        .collect();
    let path = dir.path().join("t.parquet");
    write(&ParquetFormat::default(), &path, &batches);
    let ctx = split_context(&context(path.clone()), 1_000);
    let mut stream = ParquetFormat::default().read(&path, &batches[0].schema(), &ctx).expect("opens");
    let (mut found, mut wanted) = (Tallier::new(&batches[0].schema()), Tallier::new(&batches[0].schema()));
    while let Some(batch) = stream.next().expect("reads") {
        found.add(&batch.rows).expect("hashes");
    }
    for batch in &batches {
        wanted.add(batch).expect("hashes");
    }
    assert_eq!(found.tally(), wanted.tally());
}

#[test]
fn what_cannot_be_held_is_refused_by_name() {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("took", Arc::new(DurationSecondArray::from(vec![1]))),
        ("every", Arc::new(IntervalDayTimeArray::from(vec![None]))),
    ];
    for (name, column) in columns {
        let schema = Schema::new(vec![Field::new(name, column.data_type().clone(), true)]);
        let error = ParquetFormat::default().plan(&schema).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert_eq!(error.place(), Some(format!("column {name}").as_str()));
    }
    assert!(ParquetFormat::default().plan(&Schema::empty()).is_err());
}

#[test]
fn a_value_beyond_what_is_stored_is_an_error_without_the_value() {
    let dir = tempfile::tempdir().expect("a folder");
    let at: ArrayRef = Arc::new(TimestampSecondArray::from(vec![9_223_372_036_854_775]));
    let batch = RecordBatch::try_from_iter([("at", Arc::clone(&at))]).expect("a batch");
    let far: ArrayRef = Arc::new(TimestampSecondArray::from(vec![i64::MAX]));
    let far = RecordBatch::try_from_iter([("at", far)]).expect("a batch");
    let ctx = split_context(&context(dir.path().to_path_buf()), 1_000);
    let file = std::fs::File::create(dir.path().join("t.parquet")).expect("creates");
    let mut encoder = ParquetFormat::default().encoder(file, &batch.schema(), &ctx).expect("begins");
    encoder.write(&batch).expect("fits");
    let error = encoder.write(&far).expect_err("does not fit");
    assert_eq!(error.place(), Some("row 2 of the split, column at"));
    assert!(!format!("{error:?}").contains("9223372036854775807"), "{error:?}");
}

#[test]
fn compressions_are_known_by_name_and_level() {
    let dir = tempfile::tempdir().expect("a folder");
    let whole = batch(&rows(0, 20_000));
    let mut sizes = Vec::new();
    for (name, level) in
        [("none", None), ("snappy", None), ("lz4", None), ("gzip", Some(9)), ("zstd", Some(19)), ("ZSTD", None)]
    {
        let format = ParquetFormat::compressed(name, level).expect("is known");
        let path = dir.path().join(format!("{name}.parquet"));
        write(&format, &path, std::slice::from_ref(&whole));
        assert_eq!(format.count_rows(&path).expect("counts"), 20_000);
        sizes.push(std::fs::metadata(&path).expect("looks").len());
    }
    assert!(sizes[1..].iter().all(|size| *size < sizes[0]), "{sizes:?}");
    for (name, level) in [("snappy", Some(1)), ("zstd", Some(99)), ("gzip", Some(-1)), ("rar", None)] {
        let error = ParquetFormat::compressed(name, level).expect_err("refused");
        assert!(matches!(error.advice(), Some(Advice::Set { .. } | Advice::Do(_))), "{error:?}");
    }
}

#[test]
fn row_groups_end_by_bytes_and_by_rows() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut seed = 1_u64;
    let mut noise = || {
        let text: String = (0..2_000)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                char::from(b'a' + u8::try_from((seed >> 40) % 26).expect("a letter"))
            })
            .collect();
        text
    };
    let batches: Vec<RecordBatch> = (0..40)
        .map(|_| {
            let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..100).map(|_| noise())));
            RecordBatch::try_from_iter([("text", texts)]).expect("a batch")
        })
        .collect();
    let path = dir.path().join("wide.parquet");
    let format = ParquetFormat::default();
    write(&format, &path, &batches);
    let hold = split_context(&context(dir.path().to_path_buf()), 1).share.writer_bytes() as u64;
    let reader = super::open(&path).expect("opens");
    let groups = parquet::file::reader::FileReader::metadata(&reader).row_groups();
    assert!(groups.len() >= 3, "{} row groups", groups.len());
    assert!(groups.iter().all(|g| g.total_byte_size().unsigned_abs() <= hold + 1_000_000), "beyond the writer's share");

    let path = dir.path().join("many.parquet");
    write(&format.with_row_group_rows(300), &path, &[batch(&rows(0, 1_000))]);
    let reader = super::open(&path).expect("opens");
    assert_eq!(parquet::file::reader::FileReader::metadata(&reader).num_row_groups(), 4);
}

#[test]
fn files_are_joined_without_decoding_and_carry_their_receipt() {
    let dir = tempfile::tempdir().expect("a folder");
    let format = ParquetFormat::default();
    let parts = [dir.path().join("1.parquet"), dir.path().join("2.parquet")];
    write(&format, &parts[0], &[batch(&rows(0, 500))]);
    write(&format.clone().with_row_group_rows(100), &parts[1], &[batch(&rows(500, 1_000))]);
    let whole = dir.path().join("whole.parquet");
    let file = std::fs::File::create(&whole).expect("creates");
    format.assemble(&parts, &schema(), Some("{\"seq\":1}"), file).expect("joins");
    assert_eq!(format.count_rows(&whole).expect("counts"), 1_000);
    assert_eq!(format.receipt_inside(&whole).expect("reads").as_deref(), Some("{\"seq\":1}"), "{RECEIPT_KEY}");
    assert_eq!(format.receipt_inside(&parts[0]).expect("reads"), None);
    let found: Vec<_> = read(&format, &whole, &schema()).iter().flat_map(hygge_core::conformance::rows_of).collect();
    assert_eq!(found, rows(0, 1_000));

    let none = dir.path().join("none.parquet");
    format.assemble(&[], &schema(), None, std::fs::File::create(&none).expect("creates")).expect("makes");
    assert_eq!(format.count_rows(&none).expect("counts"), 0);
    assert!(read(&format, &none, &schema()).is_empty());
}

#[test]
fn a_full_disk_is_told_as_one() {
    let full = std::fs::File::options().read(true).write(true).open("/dev/full").expect("opens");
    let ctx = split_context(&context(std::env::temp_dir()), 1_000);
    let mut encoder = ParquetFormat::default().encoder(full, &schema(), &ctx).expect("begins");
    let error = (0..50)
        .find_map(|_| encoder.write(&batch(&rows(0, 20_000))).err())
        .or_else(|| encoder.finish().err())
        .expect("the disk is full");
    assert!(error.found().contains("disk is full"), "{error:?}");
    assert_eq!(error.retry(), hygge_core::Retry::Never);
}
