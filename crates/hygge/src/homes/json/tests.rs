use std::io::Write as _;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use hygge_core::budget::Budget;
use hygge_core::conformance::{HomeUnderTest, Row, home_laws};
use hygge_core::context::{Cancellation, SystemClock};
use hygge_core::event::Silent;
use hygge_core::home::{Home, Opened, Scan, Since, Source};
use hygge_core::{Advice, ErrorKind};

use super::*;
use crate::files::json::tests::values_of;

struct Folder {
    dir: tempfile::TempDir,
    ctx: Context,
}

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let ctx = Context {
            run: "run".into(),
            root: Arc::new(dir.path().to_path_buf()),
            budget: Budget::new(64 << 20, 4).expect("enough"),
            cancel: Cancellation::default(),
            clock: Arc::new(SystemClock),
            observer: Arc::new(Silent),
        };
        let folder = Self { dir, ctx };
        for (name, text) in files {
            folder.write(name, text.as_bytes());
        }
        folder
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, bytes).expect("writes");
    }

    fn config(&self, path: &str) -> JsonHomeConfig {
        let lines = !path.contains(".json") || path.contains(".jsonl");
        JsonHomeConfig::new(self.dir.path(), path, lines)
    }

    fn home(&self, path: &str) -> JsonHome {
        JsonHome::new(self.config(path)).expect("a home")
    }

    fn split(&self, batch_rows: usize) -> SplitContext {
        let share = self.ctx.budget.share(&self.ctx.cancel).expect("a share");
        SplitContext { run: self.ctx.clone(), share, attempt: 1, batch_rows, bytes_read: Arc::default() }
    }

    fn open(&self, home: &JsonHome, request: &ReadRequest) -> Result<Box<dyn Scan>> {
        match home.open(&self.ctx, request)? {
            Opened::Scan(scan) => Ok(scan),
            Opened::Unchanged(how) => panic!("unchanged: {}", how.why),
        }
    }

    fn read(&self, scan: &dyn Scan) -> Result<RecordBatch> {
        let mut batches = Vec::new();
        for split in scan.splits() {
            let mut stream = scan.read(split, &self.split(1000))?;
            while let Some(batch) = stream.next()? {
                batches.push(batch.rows);
            }
        }
        Ok(arrow_select::concat::concat_batches(&scan.schema(), &batches)?)
    }

    fn rows(&self, home: &JsonHome, request: &ReadRequest) -> Result<RecordBatch> {
        let scan = self.open(home, request)?;
        let rows = self.read(&*scan)?;
        scan.finish(&self.ctx)?;
        Ok(rows)
    }
}

fn all() -> ReadRequest {
    ReadRequest::all(Source::Whole { entity: None })
}

fn types(batch: &RecordBatch) -> Vec<String> {
    batch.schema().fields().iter().map(|f| format!("{} {}", f.name(), f.data_type())).collect()
}

fn line(error: &Error) -> &str {
    match error.advice() {
        Some(Advice::Set { part: Side::Home, line }) => line,
        other => panic!("{other:?}"),
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).expect("packs");
    encoder.finish().expect("packs")
}

#[test]
fn json_files_of_a_folder_are_one_table_of_all_their_keys() {
    let folder = Folder::new(&[("in/a.ndjson", "{\"id\":1,\"name\":\"a\"}\n"), ("in/c.csv", "x\n")]);
    folder.write("in/b.jsonl.gz", &gzip("{\"name\":\"b\",\"id\":2,\"when\":\"2020-01-01\"}\r\n\r\n"));
    let home = folder.home("in");
    let scan = folder.open(&home, &all()).expect("opens");
    assert_eq!(scan.notes()[0].text, "1 file that is not NDJSON was passed over: c.csv");
    let rows = folder.read(&*scan).expect("reads");
    assert_eq!(types(&rows), ["id Int64", "name Utf8", "when Date32"]);
    assert_eq!(rows.column(2).null_count(), 1);
}

#[test]
fn json_arrays_and_rows_behind_each_other_are_told_by_looking() {
    let array = "[\n  {\"id\": 1, \"tags\": [\"x\"]},\n  {\"id\": 2, \"tags\": []}\n]\n";
    let rows = "{\"id\":3,\n \"tags\":null}\n{\"id\":4,\"tags\":[\"y\",\"z\"]}";
    let folder = Folder::new(&[("in/a.json", array), ("in/b.json", rows)]);
    let config = JsonHomeConfig { lines: false, ..folder.config("in") };
    let rows = folder.rows(&JsonHome::new(config).expect("a home"), &all()).expect("reads");
    assert_eq!(types(&rows), ["id Int64", "tags List(Utf8)"]);
    assert_eq!(rows.num_rows(), 4);
}

#[test]
fn large_json_files_are_cut_at_line_ends() {
    let row = |i: usize| format!("{{\"id\":{i},\"text\":\"{}\"}}\n", "é\\n".repeat(i % 17));
    let text = (0..1000).map(row).collect::<Vec<_>>().concat();
    let folder = Folder::new(&[("a.ndjson", &text)]);
    let home = folder.home("a.ndjson");
    for bytes in [700, 5_000, 1 << 20] {
        let request = ReadRequest { split_bytes: bytes, ..all() };
        let scan = folder.open(&home, &request).expect("opens");
        assert_eq!(scan.splits().len() > 1, bytes < 1 << 20);
        let rows = folder.read(&*scan).expect("reads");
        let ids: Vec<i64> = rows.column(0).as_primitive::<arrow_array::types::Int64Type>().values().to_vec();
        assert_eq!(ids, (0..1000).collect::<Vec<i64>>());
    }
}

#[test]
fn a_json_file_keeps_all_readers_busy() {
    let row = format!("{{\"text\":\"{}\"}}\n", "x".repeat(1 << 20));
    let folder = Folder::new(&[("a.ndjson", &row.repeat(17))]);
    let request = ReadRequest { readers: 4, ..all() };
    let scan = folder.open(&folder.home("a.ndjson"), &request).expect("opens");
    assert_eq!(scan.splits().len(), 4);
    assert_eq!(folder.read(&*scan).expect("reads").num_rows(), 17);
}

#[test]
fn a_json_key_that_comes_after_the_sample_is_an_error_with_the_line_to_add() {
    let mut text = (0..20_000).map(|i| format!("{{\"id\":{i}}}\n")).collect::<Vec<_>>().concat();
    text.push_str("{\"id\":1,\"late\":true}\n");
    let folder = Folder::new(&[("a.ndjson", &text)]);
    let small = |config: JsonHomeConfig| {
        let (root, path) = (config.root.clone(), config.path.clone());
        JsonHome::of(&root, &path, Json { config, first_bytes: 1000 })
    };
    let error = folder.rows(&small(folder.config("a.ndjson")), &all()).expect_err("a late key");
    assert_eq!(error.place(), Some("a.ndjson, row 20,001, column late"));
    assert_eq!(line(&error), "infer: all");
    let every = JsonHomeConfig { infer: Infer::All, ..folder.config("a.ndjson") };
    let rows = folder.rows(&small(every), &all()).expect("reads");
    assert_eq!(types(&rows), ["id Int64", "late Boolean"]);
    let declared = JsonHomeConfig { columns: vec![("late".into(), DataType::Utf8)], ..folder.config("a.ndjson") };
    let home = small(declared);
    let notes = folder.open(&home, &all()).expect("opens").notes();
    assert!(notes[0].text.starts_with("column late stands in none of the rows"), "{notes:?}");
    let rows = folder.rows(&home, &all()).expect("reads");
    assert_eq!(rows.column(1).as_string::<i32>().value(20_000), "true");
    let chosen = ReadRequest { columns: Some(vec!["id".into()]), ..all() };
    assert_eq!(types(&folder.rows(&small(folder.config("a.ndjson")), &chosen).expect("reads")), ["id Int64"]);
}

#[test]
fn json_that_is_text_says_so() {
    let text = "{\"m\":1,\"o\":{\"k\":[1]},\"e\":null,\"x\":1e400}\n{\"m\":\"1\",\"o\":{\"k\":[\"a\"]}}\n";
    let folder = Folder::new(&[("a.ndjson", text)]);
    let home = folder.home("a.ndjson");
    let scan = folder.open(&home, &all()).expect("opens");
    let notes: Vec<String> = scan.notes().into_iter().map(|note| note.text).collect();
    insta::assert_snapshot!(notes.join("\n"));
    let rows = folder.read(&*scan).expect("reads");
    assert_eq!(rows.column(0).as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["1", "\"1\""]);
    let config = JsonHomeConfig { nested_as_text: true, ..folder.config("a.ndjson") };
    let rows = folder.rows(&JsonHome::new(config).expect("a home"), &all()).expect("reads");
    assert_eq!(rows.column(1).as_string::<i32>().value(1), "{\"k\":[\"a\"]}");
}

#[test]
fn names_that_are_data_are_no_columns() {
    let keys = |rows: usize, keys: usize| -> String {
        let row = |row| {
            let keys: Vec<String> = (0..keys).map(|key| format!("\"k{row}_{key}\":1")).collect();
            format!("{{{}}}\n", keys.join(","))
        };
        (0..rows).map(row).collect::<String>()
    };
    let folder = Folder::new(&[("many.ndjson", &keys(33, 500)), ("few.ndjson", &keys(32, 500))]);
    let every = |name: &str| {
        let config = JsonHomeConfig { infer: Infer::All, ..folder.config(name) };
        JsonHome::new(config).expect("a home")
    };
    let error = folder.rows(&every("many.ndjson"), &all()).expect_err("too many");
    assert_eq!(error.found(), "the rows have more than 16,384 keys, which no table has");
    let scan = folder.open(&every("few.ndjson"), &all()).expect("opens");
    assert_eq!(scan.schema().fields().len(), 16_000);
    // Each of 300 objects has 400 keys, which is too much of all though not of any.
    let objects = |row: usize| {
        let keys: Vec<String> = (0..400).map(|key| format!("\"{key}\":1")).collect();
        format!("{{\"o{row}\":{{{}}}}}\n", keys.join(","))
    };
    folder.write("nested.ndjson", (0..300).map(objects).collect::<String>().as_bytes());
    let scan = folder.open(&every("nested.ndjson"), &all()).expect("opens");
    let kept = scan.schema().fields().iter().filter(|field| field.data_type().is_nested()).count();
    assert!((100..200).contains(&kept), "{kept}");
    assert!(scan.notes().iter().any(|note| note.text.contains("too many to be names of columns")));
}

#[test]
fn json_files_that_are_appended_are_read_once_and_alike() {
    let folder = Folder::new(&[("in/a.ndjson", "{\"id\":1,\"x\":0.5,\"m\":1}\n{\"m\":\"a\"}\n")]);
    let home = folder.home("in");
    let scan = folder.open(&home, &all()).expect("opens");
    let first = folder.read(&*scan).expect("reads");
    let state = scan.finish(&folder.ctx).expect("finishes");
    let since = Some(Since { watermark: None, state });
    let request = ReadRequest { since: since.clone(), skip_settled: true, ..all() };
    assert!(matches!(home.open(&folder.ctx, &request), Ok(Opened::Unchanged(_))));
    // Whole numbers go on being doubles, texts go on being JSON, and missing keys are NULL.
    folder.write("in/b.ndjson", b"{\"m\":\"b\",\"x\":2}\n");
    let next = folder.rows(&home, &request).expect("reads");
    assert_eq!(types(&next), types(&first));
    assert_eq!(next.column(2).as_string::<i32>().value(0), "\"b\"");
    assert!(next.column(0).is_null(0));
    let forms = vec![crate::files::json::columns::Form::Values; 3];
    assert_eq!(values_of(&next, &forms)[0]["x"], serde_json::json!(2.0));
}

#[test]
fn json_without_rows_needs_declared_columns() {
    let folder = Folder::new(&[("a.ndjson", "\n"), ("b.json", "[]"), ("c.ndjson", "{}\n")]);
    let error = folder.rows(&folder.home("a.ndjson"), &all()).expect_err("no columns");
    assert_eq!(
        (error.kind(), error.found()),
        (ErrorKind::Refused, "there is no row, so that nobody knows the columns")
    );
    let error = folder.rows(&folder.home("c.ndjson"), &all()).expect_err("no columns");
    assert_eq!(error.found(), "no row has a key, so that nobody knows the columns");
    let config = JsonHomeConfig { columns: vec![("id".into(), DataType::Int64)], ..folder.config("b.json") };
    let rows = folder.rows(&JsonHome::new(config).expect("a home"), &all()).expect("reads");
    assert_eq!((types(&rows), rows.num_rows()), (vec!["id Int64".to_owned()], 0));
    let config = JsonHomeConfig {
        columns: vec![("nmae".into(), DataType::Int64)],
        infer: Infer::All,
        ..folder.config("d.ndjson")
    };
    folder.write("d.ndjson", b"{\"name\":1}\n");
    let error = folder.rows(&JsonHome::new(config).expect("a home"), &all()).expect_err("misspelt");
    assert!(format!("{error:?}").contains("write name"), "{error:?}");
}

/// A folder of files that keep the rows of the laws.
struct Subject {
    folder: Folder,
    home: JsonHome,
    files: usize,
    kind: &'static str,
}

fn subject(files: usize, kind: &'static str) -> Subject {
    let folder = Folder::new(&[]);
    let columns = vec![("id".to_owned(), DataType::Int64), ("name".to_owned(), DataType::Utf8)];
    let lines = !kind.starts_with("json");
    let config = JsonHomeConfig { columns, ..JsonHomeConfig::new(folder.dir.path(), "raw", lines) };
    let home = JsonHome::new(config).expect("a home");
    Subject { folder, home, files, kind }
}

impl HomeUnderTest for Subject {
    fn home(&self) -> &dyn Home {
        &self.home
    }

    fn source(&self) -> Source {
        Source::Whole { entity: None }
    }

    fn fill(&self, rows: &[Row]) {
        let raw = self.folder.dir.path().join("raw");
        if raw.exists() {
            std::fs::remove_dir_all(&raw).expect("removes");
        }
        let row = |(id, name): &Row| serde_json::json!({"id": id, "name": name}).to_string();
        let some = rows.len().div_ceil(self.files).max(1);
        for i in 0..self.files {
            let part: Vec<String> = rows.chunks(some).nth(i).unwrap_or_default().iter().map(row).collect();
            let text = if self.kind == "json" { format!("[{}]", part.join(",\n")) } else { part.join("\n") };
            let bytes = if self.kind.contains("gz") { gzip(&text) } else { text.into_bytes() };
            self.folder.write(&format!("raw/{i}.{}", self.kind), &bytes);
        }
    }

    fn follows_id(&self) -> bool {
        false
    }

    fn fingerprint(&self) -> String {
        let entries = std::fs::read_dir(self.folder.dir.path().join("raw")).expect("lists");
        let mut names: Vec<String> = entries
            .map(|entry| {
                let entry = entry.expect("an entry");
                let meta = entry.metadata().expect("looks");
                format!("{:?} {} {:?}", entry.path(), meta.len(), meta.modified().expect("a time"))
            })
            .collect();
        names.sort();
        names.join("\n")
    }

    fn root(&self) -> PathBuf {
        Path::new(self.folder.dir.path()).to_path_buf()
    }
}

#[test]
fn the_json_home_keeps_the_laws() {
    for (files, kind) in [(1, "ndjson"), (3, "ndjson"), (3, "ndjson.gz"), (1, "json"), (3, "json")] {
        home_laws(|| subject(files, kind));
    }
}

#[test]
fn the_fuzzing_corpora_hold_as_files() {
    use crate::homes::files::fuzzed::{Said, replay};
    let home = |root: &Path| JsonHome::new(JsonHomeConfig::new(root, "any.json", false)).expect("a home");
    replay("json", "any.json", home, Said::Guess, (20, 10));
    replay("json_home", "any.json", home, Said::Guess, (10, 5));
}
