use arrow_array::builder::StringDictionaryBuilder;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{ArrayRef, DictionaryArray, Int64Array, RecordBatch, StringArray};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{DictionaryHandling, FileWriter, IpcWriteOptions, StreamWriter};
use hygge_core::budget::Budget;
use hygge_core::conformance::{batch, context, home_laws, rows, split_context};
use hygge_core::home::{ReadRequest, Scan, Source};
use hygge_core::{Error, ErrorKind};

use super::*;
use crate::homes::files::fuzzed::{Said, replay};
use crate::homes::files::tests::{self as frame, Subject, scan};

/// How a test writes.
#[derive(Clone, Copy)]
struct How {
    stream: bool,
    compression: Option<CompressionType>,
}

const FILE: How = How { stream: false, compression: None };
const STREAM: How = How { stream: true, compression: None };

fn write(path: &Path, batches: &[RecordBatch], how: How) {
    std::fs::create_dir_all(path.parent().expect("has a parent")).expect("a folder");
    let file = std::fs::File::create(path).expect("creates");
    let options = IpcWriteOptions::default().try_with_compression(how.compression).expect("known");
    let schema = batches[0].schema();
    if how.stream {
        let mut writer = StreamWriter::try_new_with_options(file, &schema, options).expect("begins");
        for batch in batches {
            writer.write(batch).expect("writes");
        }
        writer.finish().expect("finishes");
    } else {
        let mut writer = FileWriter::try_new_with_options(file, &schema, options).expect("begins");
        for batch in batches {
            writer.write(batch).expect("writes");
        }
        writer.finish().expect("finishes");
    }
}

fn subject(how: How) -> Subject<ArrowHome> {
    let home = |root: &Path| ArrowHome::new(root, "raw");
    Subject::new(home, move |raw, i, rows| {
        let batches: Vec<RecordBatch> = rows.chunks(90).map(batch).collect();
        let batches = if rows.is_empty() { vec![batch(&[])] } else { batches };
        write(&raw.join(format!("part-{i}.arrow")), &batches, how);
    })
}

#[test]
fn files_keep_the_laws() {
    home_laws(|| subject(FILE));
}

#[test]
fn packed_streams_keep_the_laws() {
    home_laws(|| subject(How { compression: Some(CompressionType::ZSTD), ..STREAM }));
}

fn request() -> ReadRequest {
    ReadRequest { readers: 4, ..ReadRequest::all(Source::Whole { entity: None }) }
}

fn open(root: &Path, request: &ReadRequest) -> Result<Box<dyn Scan>> {
    scan(&ArrowHome::new(root, "raw"), root, request)
}

fn refusal(root: &Path) -> Error {
    open(root, &request()).err().expect("must fail")
}

fn batches(scan: &dyn Scan, root: &Path) -> Vec<RecordBatch> {
    frame::batches(scan, &context(root.to_path_buf())).expect("reads").concat()
}

fn texts(batches: &[RecordBatch]) -> Vec<String> {
    let column = |batch: &RecordBatch| arrow_cast::cast(batch.column(0), &arrow_schema::DataType::Utf8).expect("texts");
    let all = batches.iter().map(column);
    all.flat_map(|column| column.as_string::<i32>().iter().map(|t| t.unwrap_or("-").to_owned()).collect::<Vec<_>>())
        .collect()
}

fn words(words: &[&str]) -> RecordBatch {
    let column: DictionaryArray<Int32Type> = words.iter().copied().collect();
    RecordBatch::try_from_iter([("word", Arc::new(column) as ArrayRef)]).expect("a batch")
}

#[test]
fn dictionaries_that_grow_or_are_replaced_hold_for_the_batches_behind_them() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("raw/a.arrows");
    write(&path, &[words(&["a", "b", "a"]), words(&["x", "a"]), words(&["b"])], STREAM);
    let small = ReadRequest { split_bytes: 1, ..request() };
    let scan = open(dir.path(), &small).expect("opens");
    assert_eq!(scan.splits().len(), 3, "a batch each");
    assert_eq!(texts(&batches(&*scan, dir.path())), ["a", "b", "a", "x", "a", "b"]);

    // The second dictionary goes on where the first ended.
    let mut builder = StringDictionaryBuilder::<Int32Type>::new();
    let mut grown = Vec::new();
    for part in [&["a", "b"][..], &["c", "a"]] {
        for word in part {
            builder.append_value(word);
        }
        grown.push(
            RecordBatch::try_from_iter([("word", Arc::new(builder.finish_preserve_values()) as ArrayRef)])
                .expect("a batch"),
        );
    }
    for name in ["raw/a.arrows", "raw/a.arrow"] {
        let file = std::fs::File::create(dir.path().join(name)).expect("creates");
        let options = IpcWriteOptions::default().with_dictionary_handling(DictionaryHandling::Delta);
        if name.ends_with('s') {
            let mut writer = StreamWriter::try_new_with_options(file, &grown[0].schema(), options).expect("begins");
            for batch in &grown {
                writer.write(batch).expect("writes");
            }
            writer.finish().expect("finishes");
        } else {
            let mut writer = FileWriter::try_new_with_options(file, &grown[0].schema(), options).expect("begins");
            for batch in &grown {
                writer.write(batch).expect("writes");
            }
            writer.finish().expect("finishes");
        }
        let scan = open(dir.path(), &small).expect("opens");
        assert_eq!(texts(&batches(&*scan, dir.path()))[..4], ["a", "b", "c", "a"], "{name}");
    }
}

#[test]
fn a_batch_that_is_larger_than_its_share_is_admitted_and_cut() {
    let dir = tempfile::tempdir().expect("a folder");
    let many = Arc::new(Int64Array::from_iter_values(0..1_000_000)) as ArrayRef;
    for compression in [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)] {
        let batch = RecordBatch::try_from_iter([("n", Arc::clone(&many))]).expect("a batch");
        write(&dir.path().join("raw/a.arrow"), &[batch], How { compression, ..FILE });
        let scan = open(dir.path(), &request()).expect("opens");
        let mut expected = 0;
        let found = batches(&*scan, dir.path());
        for batch in &found {
            assert!(batch.num_rows() <= 1_000);
            for value in batch.column(0).as_primitive::<Int64Type>().values() {
                assert_eq!(*value, expected);
                expected += 1;
            }
        }
        assert_eq!(expected, 1_000_000);
    }
    // 8 MB of numbers, and as many packed or not, are more than half of 16 MiB when unpacked.
    let wide = Arc::new(Int64Array::from_iter_values(0..2_000_000)) as ArrayRef;
    let batch = RecordBatch::try_from_iter([("n", wide)]).expect("a batch");
    write(&dir.path().join("raw/a.arrow"), &[batch], How { compression: Some(CompressionType::ZSTD), ..FILE });
    let small = Context { budget: Budget::new(16 << 20, 1).expect("enough"), ..context(dir.path().to_path_buf()) };
    let scan = open(dir.path(), &request()).expect("opens");
    let mut stream = scan.read(&scan.splits()[0], &split_context(&small, 1_000)).expect("opens");
    let error = stream.next().expect_err("does not fit");
    assert!(error.found().starts_with("a record batch of") && error.place() == Some("raw/a.arrow"), "{error:?}");
}

#[test]
fn what_is_no_arrow_file_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("raw/a.arrow");
    let table: Vec<RecordBatch> = rows(0, 500).chunks(100).map(batch).collect();
    for how in [FILE, STREAM] {
        write(&path, &table, how);
        let whole = std::fs::read(&path).expect("reads");
        std::fs::write(&path, &whole[..whole.len() / 2]).expect("writes");
        let error = refusal(dir.path());
        assert_eq!((error.place(), error.kind()), (Some("raw/a.arrow"), ErrorKind::Refused), "{error:?}");
        // Damage anywhere is an error or harmless, never a crash.
        let mut seed = 7_u64;
        for _ in 0..300 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let mut bytes = whole.clone();
            let at = usize::try_from(seed >> 33).expect("fits") % bytes.len();
            bytes[at] ^= u8::try_from(seed >> 56).expect("fits") | 1;
            std::fs::write(&path, bytes).expect("writes");
            let Ok(scan) = open(dir.path(), &request()) else { continue };
            for split in scan.splits() {
                let ctx = split_context(&context(dir.path().to_path_buf()), 1_000);
                let Ok(mut stream) = scan.read(split, &ctx) else { continue };
                while let Ok(Some(_)) = stream.next() {}
            }
        }
    }
    for (bytes, says) in [(&b"FEA1 and more"[..], "first version"), (b"", "empty"), (b"id,name\n1,x\n", "neither")] {
        std::fs::write(&path, bytes).expect("writes");
        let error = refusal(dir.path());
        assert!(error.found().contains(says) && error.advice().is_some(), "{error:?}");
    }
}

#[test]
fn columns_are_chosen_and_files_of_both_kinds_are_read_together() {
    let dir = tempfile::tempdir().expect("a folder");
    let numbers = |values: &[i64]| Arc::new(Int64Array::from(values.to_vec())) as ArrayRef;
    let text = |values: &[&str]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
    let ab = RecordBatch::try_from_iter([("a", numbers(&[1])), ("b", text(&["x"]))]).expect("a batch");
    let ba = RecordBatch::try_from_iter([("b", text(&["y"])), ("a", numbers(&[2]))]).expect("a batch");
    write(&dir.path().join("raw/1.feather"), &[ab], FILE);
    write(&dir.path().join("raw/2.arrows"), &[ba], STREAM);
    let scan = open(dir.path(), &ReadRequest { columns: Some(vec!["b".into()]), ..request() }).expect("opens");
    assert_eq!(texts(&batches(&*scan, dir.path())), ["x", "y"]);
    let scan = open(dir.path(), &request()).expect("opens");
    let found = batches(&*scan, dir.path());
    assert_eq!(found.iter().map(|b| b.column(0).as_primitive::<Int64Type>().value(0)).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn what_stands_behind_the_end_of_a_stream_is_not_lost_silently() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("raw/a.arrows");
    write(&path, &[batch(&rows(0, 10)), batch(&rows(10, 20))], STREAM);
    let stream = std::fs::read(&path).expect("reads");
    let unended = &stream[..stream.len() - 8];
    let old_end = [unended, &[0; 4]].concat();
    for (bytes, notes) in [(stream.as_slice(), 0), (&old_end, 0), (unended, 1)] {
        std::fs::write(&path, bytes).expect("writes");
        let scan = open(dir.path(), &request()).expect("opens");
        assert_eq!((scan.splits()[0].rows, scan.notes().len()), (Some(20), notes));
    }
    for bytes in
        [[stream.as_slice(), &stream].concat(), [unended, &stream].concat(), [&stream, &b"\0\0\0\0more"[..]].concat()]
    {
        std::fs::write(&path, bytes).expect("writes");
        let error = refusal(dir.path());
        assert!(error.found().contains("behind the end") && error.advice().is_some(), "{error:?}");
    }
}

#[test]
fn a_file_that_says_that_there_are_no_nulls_is_told_by_its_column() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("raw/a.arrow");
    let nulls = |nullable| {
        let fields = vec![arrow_schema::Field::new("number", arrow_schema::DataType::Int64, nullable)];
        Arc::new(arrow_schema::Schema::new(fields))
    };
    let column: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
    write(&path, &[RecordBatch::try_new(nulls(true), vec![column]).expect("a batch")], FILE);
    // A writer that does not look says so of the same bytes: the schema is in the head and in the footer.
    let said = std::fs::read(&path).expect("reads");
    let other = dir.path().join("other.arrow");
    let none: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    write(&other, &[RecordBatch::try_new(nulls(false), vec![none]).expect("a batch")], FILE);
    let unsaid = std::fs::read(&other).expect("reads");
    let first = |bytes: &[u8]| 8 + 8 + u32::from_le_bytes(bytes[12..16].try_into().expect("four")) as usize;
    let footer = |bytes: &[u8]| {
        let tail = bytes.len() - 10;
        tail - u32::from_le_bytes(bytes[tail..tail + 4].try_into().expect("four")) as usize
    };
    let lying = [&unsaid[..first(&unsaid)], &said[first(&said)..footer(&said)], &unsaid[footer(&unsaid)..]].concat();
    std::fs::write(&path, lying).expect("writes");
    let scan = open(dir.path(), &request()).expect("opens");
    let ctx = split_context(&context(dir.path().to_path_buf()), 1_000);
    let error = scan.read(&scan.splits()[0], &ctx).expect("opens").next().expect_err("has a NULL");
    assert_eq!(error.place(), Some("raw/a.arrow, column number"), "{error:?}");
}

/// Rows of every type of which some can be read without the others, with much in them that is NULL.
fn many_types(rows: usize) -> RecordBatch {
    use arrow_array::builder::{
        FixedSizeListBuilder, Int32Builder, LargeListBuilder, ListBuilder, MapBuilder, StringBuilder, StringViewBuilder,
    };
    use arrow_array::{BooleanArray, Decimal128Array, FixedSizeBinaryArray, LargeBinaryArray, NullArray, StructArray};

    let text = |i: usize| format!("{i} {}", "é".repeat(i % 40));
    let some = |i: usize, of: usize| !i.is_multiple_of(of);
    let every = || 0..rows;
    let mut views = StringViewBuilder::new().with_fixed_block_size(300);
    let mut lists = ListBuilder::new(StringBuilder::new());
    let mut nested = LargeListBuilder::new(ListBuilder::new(Int32Builder::new()));
    let mut pairs = FixedSizeListBuilder::new(Int32Builder::new(), 2);
    let mut maps = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    for i in every() {
        let number = i32::try_from(i).expect("few");
        views.append_option(some(i, 5).then(|| text(i)));
        (0..i % 4).for_each(|n| lists.values().append_option(some(i + n, 3).then(|| text(n))));
        lists.append(some(i, 7));
        for n in 0..i % 3 {
            nested.values().append_value((0..n).map(|_| some(i, 2).then_some(number)));
        }
        nested.append(some(i, 4));
        pairs.values().append_option(some(i, 3).then_some(number));
        pairs.values().append_value(number);
        pairs.append(some(i, 6));
        (0..i % 3).for_each(|n| {
            maps.keys().append_value(text(n));
            maps.values().append_option(some(i, 2).then_some(number));
        });
        maps.append(some(i, 5)).expect("as many keys as values");
    }
    let truths: ArrayRef = Arc::new(every().map(|i| some(i, 3).then_some(i % 2 == 0)).collect::<BooleanArray>());
    let inside = Arc::new(arrow_schema::Field::new("truth", arrow_schema::DataType::Boolean, true));
    let objects = StructArray::new(
        vec![inside].into(),
        vec![Arc::clone(&truths)],
        Some(every().map(|i| some(i, 11)).collect::<Vec<_>>().into()),
    );
    let words = every().map(|i| some(i, 9).then(|| ["one", "two", "three"][i % 3]));
    let decimals = every().map(|i| some(i, 13).then_some(i as i128)).collect::<Decimal128Array>();
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "number",
            Arc::new(every().map(|i| some(i, 8).then(|| i64::try_from(i).expect("few"))).collect::<Int64Array>()),
        ),
        ("truth", truths),
        ("nothing", Arc::new(NullArray::new(rows))),
        ("decimal", Arc::new(decimals)),
        ("word", Arc::new(words.collect::<DictionaryArray<Int32Type>>())),
        ("text", Arc::new(every().map(|i| some(i, 2).then(|| text(i))).collect::<StringArray>())),
        ("bytes", Arc::new(every().map(|i| some(i, 2).then(|| text(i).into_bytes())).collect::<LargeBinaryArray>())),
        ("fixed", Arc::new(FixedSizeBinaryArray::try_from_iter(every().map(usize::to_le_bytes)).expect("alike"))),
        ("view", Arc::new(views.finish())),
        ("list", Arc::new(lists.finish())),
        ("nested", Arc::new(nested.finish())),
        ("pair", Arc::new(pairs.finish())),
        ("map", Arc::new(maps.finish())),
        ("object", Arc::new(objects)),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
        .expect("a batch")
}

#[test]
fn a_large_batch_that_is_not_packed_is_read_by_its_rows() {
    let dir = tempfile::tempdir().expect("a folder");
    let all = many_types(80_000);
    for how in [FILE, STREAM] {
        // Behind other rows, so that its buffers begin anywhere.
        write(&dir.path().join("raw/a.arrow"), &[all.slice(0, 3), all.slice(3, 79_997)], how);
        let length = std::fs::metadata(dir.path().join("raw/a.arrow")).expect("is there").len();
        assert!(length > 16 << 20, "{length}");
        let small = Context { budget: Budget::new(16 << 20, 1).expect("enough"), ..context(dir.path().to_path_buf()) };
        for columns in [None, Some(vec!["map".to_owned(), "view".to_owned(), "number".to_owned()])] {
            let request = ReadRequest { columns: columns.clone(), readers: 1, ..request() };
            let scan = open(dir.path(), &request).expect("opens");
            let mut found = Vec::new();
            for split in scan.splits() {
                let ctx = split_context(&small, 1_111);
                let mut stream = scan.read(split, &ctx).expect("opens");
                while let Some(batch) = stream.next().expect("fits") {
                    assert!(batch.rows.num_rows() <= 1_111);
                    found.push(batch.rows);
                }
                let read = ctx.bytes_read.load(std::sync::atomic::Ordering::Relaxed);
                assert!(columns.is_none() || read < length / 2, "{read} of {length} bytes for three columns");
            }
            let found = arrow_select::concat::concat_batches(&scan.schema(), &found).expect("one schema");
            let names = columns.unwrap_or_else(|| all.schema().fields().iter().map(|f| f.name().clone()).collect());
            for (name, column) in names.iter().zip(found.columns()) {
                let wanted = all.column_by_name(name).expect("is there");
                let plain = |column: &ArrayRef| match column.data_type() {
                    arrow_schema::DataType::Dictionary(..) => {
                        arrow_cast::cast(column, &arrow_schema::DataType::Utf8).expect("texts")
                    }
                    _ => Arc::clone(column),
                };
                assert_eq!(&plain(column), &plain(wanted), "{name}");
            }
        }
    }
}

#[test]
fn rows_are_counted_by_what_they_take_and_dictionaries_once_for_all() {
    let dir = tempfile::tempdir().expect("a folder");
    // Of one row, whose columns lie in one buffer: together 5 MB, and not 5 MB each.
    let long = Arc::new(StringArray::from(vec!["x".repeat(50_000)])) as ArrayRef;
    let wide = RecordBatch::try_from_iter((0..100).map(|i| (format!("c{i}"), Arc::clone(&long)))).expect("a batch");
    write(&dir.path().join("raw/a.arrow"), &[wide], FILE);
    let scan = open(dir.path(), &request()).expect("opens");
    assert_eq!(batches(&*scan, dir.path()).len(), 1);

    // Dictionaries that each are small, and together more than half of the memory.
    let words: Vec<String> = (0..20_000).map(|i| format!("{i:050}")).collect();
    let word: DictionaryArray<Int32Type> = words.iter().map(String::as_str).collect();
    let word = Arc::new(word) as ArrayRef;
    let many = RecordBatch::try_from_iter((0..12).map(|i| (format!("c{i}"), word.slice(0, 10)))).expect("a batch");
    write(&dir.path().join("raw/a.arrow"), &[many], FILE);
    let small = Context { budget: Budget::new(16 << 20, 1).expect("enough"), ..context(dir.path().to_path_buf()) };
    let scan = open(dir.path(), &request()).expect("opens");
    let mut stream = scan.read(&scan.splits()[0], &split_context(&small, 1_000)).expect("opens");
    let error = stream.next().expect_err("too much");
    assert!(error.found().starts_with("all dictionaries of"), "{error:?}");
    drop(stream);
    // One of them is read by itself.
    let one = ReadRequest { columns: Some(vec!["c7".into()]), ..request() };
    let scan = open(dir.path(), &one).expect("opens");
    let mut stream = scan.read(&scan.splits()[0], &split_context(&small, 1_000)).expect("opens");
    assert_eq!(stream.next().expect("fits").expect("rows").rows.num_rows(), 10);
}

#[test]
fn a_row_that_is_large_among_small_ones_is_told_by_its_number() {
    let dir = tempfile::tempdir().expect("a folder");
    let words = |large: i32| {
        let keys: arrow_array::Int32Array = (0..50).map(|row| i32::from(row == large)).collect();
        let words = StringArray::from(vec![String::new(), "x".repeat(3 << 20)]);
        let word = Arc::new(DictionaryArray::<Int32Type>::new(keys, Arc::new(words))) as ArrayRef;
        RecordBatch::try_from_iter([("word", word)]).expect("a batch")
    };
    for compression in [None, Some(CompressionType::ZSTD)] {
        write(&dir.path().join("raw/a.arrow"), &[words(-1), words(29), words(-1)], How { compression, ..FILE });
        let small = Context { budget: Budget::new(16 << 20, 1).expect("enough"), ..context(dir.path().to_path_buf()) };
        // A split for each batch, and one for all of them.
        for split_bytes in [1, 1 << 30] {
            let scan = open(dir.path(), &ReadRequest { split_bytes, ..request() }).expect("opens");
            let (mut rows, mut told) = (Vec::new(), Vec::new());
            for split in scan.splits() {
                let mut stream = scan.read(split, &split_context(&small, 1_000)).expect("opens");
                loop {
                    match stream.next() {
                        Ok(Some(batch)) => rows.push(batch.rows.num_rows()),
                        Ok(None) => break,
                        Err(error) => {
                            told.push(error);
                            break;
                        }
                    }
                }
            }
            assert_eq!(rows.iter().sum::<usize>(), if split_bytes == 1 { 129 } else { 79 }, "{rows:?}");
            assert_eq!(told.len(), 1, "{told:?}");
            assert_eq!(told[0].place(), Some("raw/a.arrow, row 80"), "{told:?}");
            assert!(told[0].found().starts_with("a row of 3 MiB does not fit"), "{told:?}");
        }
    }
}

#[test]
fn the_fuzzing_corpus_of_arrow_holds() {
    replay("arrow", "any.arrow", |root| ArrowHome::new(root, "any.arrow"), Said::Counted, (20, 10));
}
