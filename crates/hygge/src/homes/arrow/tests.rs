use std::path::PathBuf;

use arrow_array::builder::StringDictionaryBuilder;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{ArrayRef, DictionaryArray, Int64Array, RecordBatch, StringArray};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{DictionaryHandling, FileWriter, IpcWriteOptions, StreamWriter};
use hygge_core::budget::Budget;
use hygge_core::conformance::{HomeUnderTest, Row, batch, context, home_laws, rows, split_context};
use hygge_core::home::{Home, Opened, ReadRequest, Scan, Source};
use hygge_core::{Error, ErrorKind};

use super::*;

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

struct Subject {
    dir: tempfile::TempDir,
    home: ArrowHome,
    how: How,
}

fn subject(how: How) -> Subject {
    let dir = tempfile::tempdir().expect("a folder");
    let home = ArrowHome::new(dir.path(), "raw");
    Subject { dir, home, how }
}

impl HomeUnderTest for Subject {
    fn home(&self) -> &dyn Home {
        &self.home
    }

    fn source(&self) -> Source {
        Source::Whole { entity: None }
    }

    fn fill(&self, rows: &[Row]) {
        let raw = self.dir.path().join("raw");
        if raw.exists() {
            std::fs::remove_dir_all(&raw).expect("removes");
        }
        let third = rows.len().div_ceil(3).max(1);
        for (i, part) in rows.chunks(third).enumerate() {
            let batches: Vec<RecordBatch> = part.chunks(90).map(batch).collect();
            write(&raw.join(format!("part-{i}.arrow")), &batches, self.how);
        }
        if rows.is_empty() {
            write(&raw.join("part.arrows"), &[batch(&[])], self.how);
        }
    }

    fn follows_id(&self) -> bool {
        false
    }

    fn fingerprint(&self) -> String {
        let entries = std::fs::read_dir(self.dir.path().join("raw")).expect("lists");
        let mut names: Vec<String> = entries
            .map(|e| {
                let e = e.expect("an entry");
                let meta = e.metadata().expect("looks");
                format!("{:?} {} {:?}", e.path(), meta.len(), meta.modified().expect("a time"))
            })
            .collect();
        names.sort();
        names.join("\n")
    }

    fn root(&self) -> PathBuf {
        self.dir.path().to_path_buf()
    }
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
    match ArrowHome::new(root, "raw").open(&context(root.to_path_buf()), request)? {
        Opened::Scan(scan) => Ok(scan),
        Opened::Unchanged(how) => panic!("unchanged: {}", how.why),
    }
}

fn refusal(root: &Path) -> Error {
    open(root, &request()).err().expect("must fail")
}

fn batches(scan: &dyn Scan, root: &Path) -> Vec<RecordBatch> {
    let mut out = Vec::new();
    for split in scan.splits() {
        let mut stream = scan.read(split, &split_context(&context(root.to_path_buf()), 1_000)).expect("opens");
        while let Some(batch) = stream.next().expect("reads") {
            assert_eq!(batch.rows.schema(), scan.schema());
            out.push(batch.rows);
        }
    }
    out
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
