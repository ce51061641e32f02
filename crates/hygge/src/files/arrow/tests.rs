use arrow_array::types::Int8Type;
use arrow_array::{
    ArrayRef, DictionaryArray, DurationSecondArray, Int64Array, IntervalDayTimeArray, NullArray, RecordBatch,
};
use hygge_core::conformance::{batch, context, rows, rows_of, schema, split_context};
use hygge_core::tally::Tallier;

use super::*;
use crate::files::parquet::tests::every_type;

fn write(format: &ArrowFormat, path: &Path, batches: &[RecordBatch]) {
    let ctx = split_context(&context(path.to_path_buf()), 1_000);
    let file = File::options().read(true).write(true).create_new(true).open(path).expect("creates");
    let mut encoder = format.encoder(file, &batches[0].schema(), &ctx).expect("begins");
    for batch in batches {
        encoder.write(batch).expect("writes");
    }
    encoder.finish().expect("finishes");
}

fn read(format: &ArrowFormat, path: &Path, schema: &SchemaRef) -> Vec<RecordBatch> {
    let ctx = split_context(&context(path.to_path_buf()), 1_000);
    let mut stream = format.read(path, schema, &ctx).expect("opens");
    let mut out = Vec::new();
    while let Some(batch) = stream.next().expect("reads") {
        assert_eq!(batch.rows.schema(), stored_schema(schema));
        out.push(batch.rows);
    }
    out
}

#[test]
fn every_type_comes_back_as_it_was() {
    let dir = tempfile::tempdir().expect("a folder");
    let known = every_type();
    let more: Vec<(&str, ArrayRef)> = vec![
        ("took", Arc::new(DurationSecondArray::from(vec![Some(1), None]))),
        ("every", Arc::new(IntervalDayTimeArray::from(vec![None, None]))),
        ("nothing", Arc::new(NullArray::new(2))),
    ];
    let mut fields = known.schema().fields().to_vec();
    fields.extend(more.iter().map(|(name, column)| Arc::new(Field::new(*name, column.data_type().clone(), true))));
    let columns = known.columns().iter().cloned().chain(more.into_iter().map(|(_, column)| column)).collect();
    let all = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("a batch");
    for packing in [Packing::None, Packing::Lz4, Packing::Zstd] {
        let format = ArrowFormat::new(packing);
        assert!(format.plan(&all.schema()).expect("all can be held").iter().all(|column| !column.exact_text));
        let path = dir.path().join(format!("{packing:?}.arrow"));
        write(&format, &path, std::slice::from_ref(&all));
        let back = read(&format, &path, &all.schema());
        let mut tallies = [Tallier::new(&all.schema()), Tallier::new(&all.schema())];
        tallies[0].add(&all).expect("hashes");
        tallies[1].add(&back[0]).expect("hashes");
        assert_eq!(tallies[0].tally(), tallies[1].tally());
        for (ours, theirs) in all.columns().iter().zip(back[0].columns()) {
            // Dictionaries come as their values; and no NaN equals another.
            let values = match ours.data_type() {
                DataType::Dictionary(..) => arrow_cast::cast(ours, theirs.data_type()).expect("its values"),
                _ => Arc::clone(ours),
            };
            if !matches!(ours.data_type(), DataType::Float64) {
                assert_eq!(&values, theirs, "{}", ours.data_type());
            }
        }
    }
}

#[test]
fn dictionaries_that_differ_by_batch_are_written_out() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("t.arrow");
    let column = |words: [&str; 2]| Arc::new(words.into_iter().collect::<DictionaryArray<Int8Type>>()) as ArrayRef;
    let words = |words| RecordBatch::try_from_iter([("word", column(words))]).expect("a batch");
    let format = ArrowFormat::new(Packing::None);
    write(&format, &path, &[words(["a", "b"]), words(["c", "d"])]);
    assert_eq!(format.plan(&words(["a", "b"]).schema()).expect("fits")[0].store, "Utf8");
    let back = read(&format, &path, &words(["a", "b"]).schema());
    let texts = |batch: &RecordBatch| arrow_cast::cast(batch.column(0), &DataType::Utf8).expect("texts");
    let written: Vec<_> = [words(["a", "b"]), words(["c", "d"])].iter().map(texts).collect();
    assert_eq!(back.iter().map(|batch| Arc::clone(batch.column(0))).collect::<Vec<_>>(), written);
    format.check_fits(&path, &words(["a", "b"]).schema()).expect("it is what was written");
    let other =
        RecordBatch::try_from_iter([("word", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]).expect("a batch");
    assert!(format.check_fits(&path, &other.schema()).is_err());
    let inner = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let runs = DataType::RunEndEncoded(
        Arc::new(Field::new("run_ends", DataType::Int32, false)),
        Arc::new(Field::new("values", inner, true)),
    );
    let refused = format.plan(&Schema::new(vec![Field::new("runs", runs, true)])).expect_err("not written out");
    assert_eq!(refused.place(), Some("column runs"));
}

#[test]
fn parts_become_one_file_with_its_receipt() {
    let dir = tempfile::tempdir().expect("a folder");
    let format = ArrowFormat::new(Packing::Lz4);
    let parts: Vec<PathBuf> = (0..3).map(|i| dir.path().join(format!("{i}.arrow"))).collect();
    for (i, part) in (0..).zip(&parts) {
        write(&format, part, &[batch(&rows(i * 10, i * 10 + 7)), batch(&rows(i * 10 + 7, i * 10 + 10))]);
        assert_eq!(format.count_rows(part).expect("counts"), 10);
    }
    let whole = dir.path().join("whole.arrow");
    let file = File::create_new(&whole).expect("creates");
    format.assemble(&parts, &schema(), Some("a receipt"), file).expect("assembles");
    assert_eq!(format.receipt_inside(&whole).expect("reads").as_deref(), Some("a receipt"));
    assert_eq!(format.count_rows(&whole).expect("counts"), 30);
    let back: Vec<_> = read(&format, &whole, &schema()).iter().flat_map(rows_of).collect();
    assert_eq!(back, rows(0, 30));
    // The library's own reader takes it for one of its files.
    let theirs = arrow_ipc::reader::FileReader::try_new(File::open(&whole).expect("opens"), None).expect("a file");
    assert_eq!(theirs.flat_map(|batch| rows_of(&batch.expect("reads"))).collect::<Vec<_>>(), rows(0, 30));
    let empty = dir.path().join("empty.arrow");
    format.assemble(&[], &schema(), None, File::create_new(&empty).expect("creates")).expect("assembles");
    assert_eq!((format.count_rows(&empty).expect("counts"), format.receipt_inside(&empty).expect("reads")), (0, None));
}

#[test]
fn a_slice_of_views_is_written_without_the_rest() {
    use arrow_array::StringViewArray;
    use arrow_array::builder::{LargeListBuilder, StringViewBuilder};

    let dir = tempfile::tempdir().expect("a folder");
    let words: Vec<String> = (0..1_000).map(|i| format!("a word that is longer than its view, {i:04}")).collect();
    let views: ArrayRef = Arc::new(StringViewArray::from_iter_values(&words));
    let mut lists = LargeListBuilder::new(StringViewBuilder::new());
    for word in &words {
        lists.append_value([Some(word), None]);
    }
    let lists: ArrayRef = Arc::new(lists.finish());
    let inside = Arc::new(Field::new("word", views.data_type().clone(), true));
    let objects: ArrayRef = Arc::new(arrow_array::StructArray::from(vec![(inside, Arc::clone(&views))]));
    let all = RecordBatch::try_from_iter([("view", views), ("list", lists), ("object", objects)]).expect("a batch");
    let format = ArrowFormat::new(Packing::None);
    let slices: Vec<RecordBatch> = (0..100).map(|i| all.slice(i * 10, 10)).collect();
    let path = dir.path().join("t.arrow");
    write(&format, &path, &slices);
    let once = dir.path().join("once.arrow");
    write(&format, &once, std::slice::from_ref(&all));
    let size = |path: &Path| std::fs::metadata(path).expect("is there").len();
    assert!(size(&path) < 2 * size(&once), "{} for {}", size(&path), size(&once));
    let back = read(&format, &path, &all.schema());
    assert_eq!(arrow_select::concat::concat_batches(&all.schema(), &back).expect("one schema"), all);
}
