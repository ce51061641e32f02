use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use hygge_core::budget::Budget;
use hygge_core::conformance::{HomeUnderTest, Row, home_laws};
use hygge_core::context::Context;
use hygge_core::context::{Cancellation, SplitContext, SystemClock};
use hygge_core::event::Silent;
use hygge_core::home::{CursorSpec, Home, Opened, Scan, Since, Source};
use hygge_core::{Advice, ErrorKind, Retry};
use proptest::prelude::*;

use super::*;
use crate::files::csv::tests::written;

fn context(root: &Path, memory: usize) -> Context {
    Context {
        run: "run".into(),
        root: Arc::new(root.to_path_buf()),
        budget: Budget::new(memory, 4).expect("enough"),
        cancel: Cancellation::default(),
        clock: Arc::new(SystemClock),
        observer: Arc::new(Silent),
    }
}

struct Folder {
    dir: tempfile::TempDir,
    ctx: Context,
}

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        Self::with(files, 64 << 20)
    }

    fn with(files: &[(&str, &str)], memory: usize) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let ctx = context(dir.path(), memory);
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

    fn config(&self, path: &str) -> CsvHomeConfig {
        CsvHomeConfig::new(self.dir.path(), path)
    }

    fn home(&self, path: &str) -> CsvHome {
        CsvHome::new(self.config(path)).expect("a home")
    }

    fn split(&self, batch_rows: usize) -> SplitContext {
        SplitContext {
            run: self.ctx.clone(),
            share: self.ctx.budget.share(&self.ctx.cancel).expect("a share"),
            attempt: 1,
            batch_rows,
            bytes_read: Arc::default(),
        }
    }

    fn open(&self, home: &CsvHome, request: &ReadRequest) -> Result<Box<dyn Scan>> {
        match home.open(&self.ctx, request)? {
            Opened::Scan(scan) => Ok(scan),
            Opened::Unchanged(how) => panic!("unchanged: {}", how.why),
        }
    }

    fn read_all(&self, scan: &dyn Scan, batch_rows: usize) -> Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        for split in scan.splits() {
            let ctx = self.split(batch_rows);
            let mut stream = scan.read(split, &ctx)?;
            while let Some(batch) = stream.next()? {
                assert_eq!(batch.rows.schema(), scan.schema());
                assert!(batch.rows.num_rows() > 0 && batch.rows.num_rows() <= batch_rows);
                batches.push(batch.rows);
            }
        }
        Ok(batches)
    }

    fn rows(&self, home: &CsvHome, request: &ReadRequest) -> Result<RecordBatch> {
        let scan = self.open(home, request)?;
        let batches = self.read_all(&*scan, 1000)?;
        let schema = scan.schema();
        scan.finish(&self.ctx)?;
        Ok(arrow_select::concat::concat_batches(&schema, &batches)?)
    }

    fn error(&self, config: CsvHomeConfig) -> Error {
        let home = CsvHome::new(config).expect("a home");
        self.rows(&home, &all()).expect_err("an error")
    }
}

fn all() -> ReadRequest {
    ReadRequest::all(Source::Whole { entity: None })
}

fn in_splits_of(bytes: u64) -> ReadRequest {
    ReadRequest { split_bytes: bytes, ..all() }
}

fn texts(batch: &RecordBatch, column: usize) -> Vec<Option<&str>> {
    batch.column(column).as_string::<i32>().iter().collect()
}

fn types(batch: &RecordBatch) -> Vec<String> {
    batch.schema().fields().iter().map(|f| f.data_type().to_string()).collect()
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
fn a_file_is_read_by_the_types_its_cells_have() {
    let text = "\u{feff}id,name,when,ok,price\r\n1,\"a \"\"b\"\"\",2013-01-01T05:00:00Z,true,1.5\r\n2,,,,\r\n\r\n3,\"\",2013-01-02T05:00:00Z,false,2";
    let folder = Folder::new(&[("a.csv", text)]);
    let rows = folder.rows(&folder.home("a.csv"), &all()).expect("reads");
    assert_eq!(types(&rows), ["Int64", "Utf8", "Timestamp(µs, \"UTC\")", "Boolean", "Float64"]);
    assert_eq!(texts(&rows, 1), [Some("a \"b\""), None, Some("")]);
    assert_eq!(rows.column(0).as_primitive::<Int64Type>().values(), &[1, 2, 3]);
    assert_eq!(rows.column(3).null_count(), 1);
}

#[test]
fn gzip_members_zstandard_frames_and_plain_files_give_the_same_rows() {
    let folder = Folder::new(&[("plain/a.csv", "a,b\n1,x\n2,y\n3,z\n")]);
    folder.write("gzip/a.csv.gz", &[gzip("a,b\n1,x\n"), gzip("2,y\n3"), gzip(",z\n")].concat());
    let frame = |text: &str| zstd::encode_all(text.as_bytes(), 1).expect("packs");
    folder.write("zstd/a.csv.zst", &[frame("a,b\n1"), frame(",x\n2,y\n3,z\n")].concat());
    let plain = folder.rows(&folder.home("plain"), &all()).expect("reads");
    for other in ["gzip", "zstd", "zstd/*.zst"] {
        assert_eq!(folder.rows(&folder.home(other), &all()).expect("reads"), plain);
    }
}

#[test]
fn a_cut_or_broken_packed_file_is_an_error_that_names_it() {
    let text = format!("a,b\n{}", "1,some text that does not pack too well 12345\n".repeat(20_000));
    let packed = gzip(&text);
    let folder = Folder::new(&[]);
    for (cut, found) in [(packed.len() - 3, "ends in the middle"), (packed.len() / 2, "ends in the middle")] {
        folder.write("a.csv.gz", &packed[..cut]);
        let error = folder.error(folder.config("a.csv.gz"));
        assert_eq!(error.place(), Some("a.csv.gz"));
        assert!(error.found().contains(found), "{error}");
        assert_eq!(error.retry(), Retry::Never);
    }
    let mut broken = packed.clone();
    broken[packed.len() / 2] ^= 0x55;
    folder.write("a.csv.gz", &broken);
    assert_eq!(folder.error(folder.config("a.csv.gz")).place(), Some("a.csv.gz"));
    let frame = zstd::encode_all(text.as_bytes(), 1).expect("packs");
    folder.write("a.csv.zst", &frame[..frame.len() - 1]);
    let error = folder.error(folder.config("a.csv.zst"));
    assert!(error.found().contains("ends in the middle"), "{error}");
    folder.write("b.csv.gz", text.as_bytes());
    assert!(folder.error(folder.config("b.csv.gz")).found().contains("is no gzip file"));
}

/// How much tests look at of a file, so that they need not write 10 MiB.
const FIRST: u64 = 200 << 10;

/// A file whose first [`FIRST`] bytes hold nothing but `usual`, then `last`.
fn beyond_the_sample(usual: &str, last: &str) -> String {
    let mut text = "id,v\n".to_owned();
    text.push_str(&format!("1,{usual}\n").repeat((300 << 10) / (usual.len() + 3)));
    text.push_str(last);
    text
}

#[test]
fn a_misfit_names_file_row_and_column_and_the_line_to_write() {
    for (usual, last, found, advice) in [
        ("1000", "NA", "text where a number was expected", "nulls: [\"-\", \"NA\"]"),
        ("1000", "Bronx", "text where a number was expected", "columns: {v: text}"),
        ("1000", "0.25", "a fraction where a number was expected", "columns: {v: double}"),
        ("1000", "007", "a number with leading zeros where a number was expected", "columns: {v: text}"),
        ("1000", "99999999999999999999", "a number out of range where a number was expected", "columns: {v: text}"),
        (
            "10.5",
            "3.14159265358979323846",
            "a number of more digits than a double keeps where a number was expected",
            "columns: {v: text}",
        ),
        ("2013-01-01", "2013-02-30", "text where a date was expected", "columns: {v: text}"),
        (
            "2013-01-01",
            "2013-01-01 10:00",
            "a time without an offset from UTC where a date was expected",
            "columns: {v: text}",
        ),
        ("true", "1", "a number where true or false was expected", "columns: {v: text}"),
    ] {
        let text = beyond_the_sample(usual, &format!("2,{last}\n3,{usual}\n"));
        let row = text[..text.len() - 3 - usual.len()].lines().count() - 1;
        let folder = Folder::new(&[("w.csv", &text)]);
        let mut config = folder.config("w.csv");
        config.nulls = vec!["-".to_owned()];
        let mut home = CsvHome::new(config).expect("a home");
        home.format.first_bytes = FIRST;
        for split_bytes in [0, 100 << 10] {
            let error = folder.rows(&home, &in_splits_of(split_bytes)).expect_err("a misfit");
            assert_eq!(error.place(), Some(format!("w.csv, row {}, column v", grouped(row)).as_str()));
            assert_eq!(error.found(), found);
            assert_eq!(line(&error), advice);
            assert!(!format!("{error:?}").contains("Bronx"));
        }
    }
}

fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

#[test]
fn a_column_that_turns_fractional_within_the_sample_is_a_number() {
    let text = format!("id,precip\n{}1,0.25\n", "1,0\n".repeat(5000));
    let folder = Folder::new(&[("w.csv", &text)]);
    assert_eq!(types(&folder.rows(&folder.home("w.csv"), &all()).expect("reads")), ["Int64", "Float64"]);
    let late = beyond_the_sample("0", "1,0.25\n");
    let folder = Folder::new(&[("w.csv", &late)]);
    let mut config = folder.config("w.csv");
    config.infer = Infer::All;
    let mut home = CsvHome::new(config).expect("a home");
    home.format.first_bytes = FIRST;
    let rows = folder.rows(&home, &all()).expect("reads");
    assert_eq!(types(&rows), ["Int64", "Float64"]);
}

#[test]
fn declared_types_are_read_leniently_and_unknown_columns_are_refused() {
    let folder = Folder::new(&[("a.csv", "id,price,day\n007, 1.10 ,2013-01-01\n+8,2,2013-01-02\n")]);
    let mut config = folder.config("a.csv");
    config.columns = vec![
        ("id".into(), DataType::Int32),
        ("price".into(), DataType::Decimal128(10, 2)),
        ("day".into(), DataType::Timestamp(arrow_schema::TimeUnit::Microsecond, None)),
    ];
    let rows = folder.rows(&CsvHome::new(config.clone()).expect("a home"), &all()).expect("reads");
    assert_eq!(types(&rows), ["Int32", "Decimal128(10, 2)", "Timestamp(µs)"]);
    config.columns.push(("prise".into(), DataType::Utf8));
    let error = folder.error(config);
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(format!("{error:?}").contains("write price"), "{error:?}");
}

#[test]
fn rows_that_are_too_wide_or_narrow_are_errors_with_their_row() {
    let folder = Folder::new(&[("a.csv", "a,b\n1,2\n\n3,4,5\n")]);
    let error = folder.error(folder.config("a.csv"));
    assert_eq!(error.to_string(), "a.csv, row 2: 3 fields where 2 were expected");
    let folder = Folder::new(&[("a.csv", "a,b\n1,2\n3,\"4\"x\n")]);
    assert_eq!(folder.error(folder.config("a.csv")).place(), Some("a.csv, row 2, column b"));
    let folder = Folder::new(&[("a.csv", "a,b\n1,2\n3,\"4\n")]);
    assert!(folder.error(folder.config("a.csv")).found().contains("the file ends inside a field"));
}

#[test]
fn bytes_that_are_no_utf8_are_an_error_with_row_and_column() {
    let folder = Folder::new(&[]);
    folder.write("a.csv", b"a,b\n1,caf\xc3\xa9\n2,caf\xe9\n");
    let error = folder.error(folder.config("a.csv"));
    assert_eq!(error.place(), Some("a.csv, row 2, column b"));
    assert!(error.found().contains("no UTF-8"));
    folder.write("u.csv", b"\xff\xfea\0,\0b\0\n\0");
    assert!(folder.error(folder.config("u.csv")).found().contains("UTF-16"));
}

#[test]
fn headers_must_name_every_column_once() {
    for (text, found) in [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("a,,b\n", "column 2 has no name"),
        ("a,b,a\n", "columns 1 and 3 are both called a"),
        ("a\rb\rc", "lone carriage return"),
    ] {
        let folder = Folder::new(&[("a.csv", text)]);
        let error = folder.error(folder.config("a.csv"));
        assert!(error.found().contains(found), "{error}");
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.advice().is_some());
    }
    let folder = Folder::new(&[("a.csv", "a,b\n")]);
    let rows = folder.rows(&folder.home("a.csv"), &all()).expect("reads");
    assert_eq!((rows.num_rows(), types(&rows)), (0, vec!["Utf8".to_owned(), "Utf8".to_owned()]));
}

#[test]
fn without_a_header_columns_are_numbered() {
    let folder = Folder::new(&[("a.tsv", "1\tx\n2\t\"y\n")]);
    let mut config = folder.config("a.tsv");
    (config.header, config.separator, config.quote) = (false, b'\t', None);
    let rows = folder.rows(&CsvHome::new(config).expect("a home"), &all()).expect("reads");
    assert_eq!(rows.schema().field(1).name(), "column_2");
    assert_eq!(texts(&rows, 1), [Some("x"), Some("\"y")]);
}

#[test]
fn files_of_one_folder_have_the_same_columns_in_any_order() {
    let folder = Folder::new(&[("d/1.csv", "a,b\n1,x\n"), ("d/2.csv", "b,a\ny,2\n"), ("d/note.txt", "")]);
    let home = folder.home("d");
    let scan = folder.open(&home, &all()).expect("opens");
    assert_eq!(scan.splits().len(), 1, "small files are read as one split");
    assert!(scan.notes().iter().any(|n| n.text.contains("note.txt")));
    let rows = folder.rows(&home, &all()).expect("reads");
    assert_eq!(texts(&rows, 1), [Some("x"), Some("y")]);
    assert_eq!(rows.column(0).as_primitive::<Int64Type>().values(), &[1, 2]);
    folder.write("d/3.csv", b"a,c\n3,z\n");
    let error = folder.error(folder.config("d"));
    assert_eq!(error.to_string(), "d/3.csv: there is no column b, which d/1.csv has");
}

#[test]
fn chosen_columns_come_in_their_order_and_others_are_not_parsed() {
    let folder = Folder::new(&[("a.csv", "a,b,c\n1,x,2\n3,y,4\n")]);
    let request = ReadRequest { columns: Some(vec!["c".into(), "b".into()]), ..all() };
    let rows = folder.rows(&folder.home("a.csv"), &request).expect("reads");
    assert_eq!(rows.column(0).as_primitive::<Int64Type>().values(), &[2, 4]);
    assert_eq!(texts(&rows, 1), [Some("x"), Some("y")]);
    let request = ReadRequest { columns: Some(vec!["d".into()]), ..all() };
    assert!(folder.rows(&folder.home("a.csv"), &request).expect_err("unknown").found().contains("no column d"));
}

#[test]
fn what_csv_cannot_do_is_refused_with_advice() {
    let folder = Folder::new(&[("a.csv", "a\n1\n")]);
    let home = folder.home("a.csv");
    for request in [
        ReadRequest { filter: Some("a > 1".into()), ..all() },
        ReadRequest { cursor: Some(CursorSpec::default()), ..all() },
        ReadRequest::all(Source::Query("select 1".into())),
        ReadRequest::all(Source::Table("t".into())),
    ] {
        let error = home.open(&folder.ctx, &request).err().expect("refused");
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.advice().is_some());
    }
    let mut config = folder.config("a.csv");
    config.quote = Some(b',');
    assert!(CsvHome::new(config).is_err());
}

#[test]
fn a_file_that_changes_under_a_scan_fails_it() {
    let folder = Folder::new(&[("a.csv", "a,b\n1,2\n3,4")]);
    let home = folder.home("a.csv");
    let scan = folder.open(&home, &all()).expect("opens");
    folder.write("a.csv", b"a,b\n1,2\n3,45\n6,7\n");
    let rows = folder.read_all(&*scan, 100).expect("reads what was pinned");
    assert_eq!(rows[0].num_rows(), 2);
    assert_eq!(scan.finish(&folder.ctx).expect_err("grown").retry(), Retry::Run);
}

#[test]
fn settled_files_are_appended_once_and_keep_their_types() {
    let folder = Folder::new(&[("d/1.csv", "a,b\n1,0.5\n")]);
    let home = folder.home("d");
    let first = folder.open(&home, &ReadRequest { skip_settled: true, ..all() }).expect("opens");
    folder.read_all(&*first, 100).expect("reads");
    let state = first.finish(&folder.ctx).expect("finishes");
    let next = ReadRequest { skip_settled: true, since: Some(Since { watermark: None, state }), ..all() };
    assert!(matches!(home.open(&folder.ctx, &next), Ok(Opened::Unchanged(_))));
    folder.write("d/2.csv", b"a,b\n,7\n");
    let rows = folder.rows(&home, &next).expect("reads");
    assert_eq!((rows.num_rows(), types(&rows)), (1, vec!["Int64".to_owned(), "Float64".to_owned()]));
    folder.write("d/2.csv", b"a,b\nx,7\n");
    assert_eq!(
        types(&folder.rows(&home, &next).expect("reads")),
        ["Utf8", "Float64"],
        "the engine sees the difference"
    );
    let replace = ReadRequest { skip_settled: false, ..next };
    assert_eq!(folder.rows(&home, &replace).expect("reads").num_rows(), 2);
}

#[test]
fn one_giant_field_is_held_and_one_beyond_the_budget_is_refused_by_name() {
    let field = "x".repeat(3 << 20);
    let folder = Folder::with(&[("a.csv", &format!("id,body\n1,a\n2,\"{field}\"\n3,b\n"))], 64 << 20);
    let rows = folder.rows(&folder.home("a.csv"), &all()).expect("reads");
    assert_eq!(texts(&rows, 1)[1].map(str::len), Some(3 << 20));
    let folder = Folder::with(&[("a.csv", &format!("id,body\n1,a\n2,\"{field}\"\n3,b\n"))], 16 << 20);
    let error = folder.error(folder.config("a.csv"));
    assert_eq!(error.place(), Some("a.csv, row 2, column body"));
    assert!(format!("{error:?}").contains("--memory"), "{error:?}");
}

#[test]
fn memory_for_batches_is_bounded_by_bytes() {
    let text = format!("a,b\n{}", ",\n".repeat(2_000_000));
    let folder = Folder::with(&[("a.csv", &text)], 16 << 20);
    let home = folder.home("a.csv");
    let mut config = folder.config("a.csv");
    config.columns = vec![("a".into(), DataType::Int64), ("b".into(), DataType::Int64)];
    for home in [home, CsvHome::new(config).expect("a home")] {
        let scan = folder.open(&home, &all()).expect("opens");
        let batches = folder.read_all(&*scan, usize::MAX).expect("reads");
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 2_000_000);
        let limit = folder.split(1).batch_bytes() * 3 / 2;
        assert!(batches.iter().all(|b| b.get_array_memory_size() <= limit), "{}", batches[0].get_array_memory_size());
    }
}

#[test]
fn a_scan_stops_when_asked() {
    let folder = Folder::new(&[("a.csv", "a\n1\n")]);
    let home = folder.home("a.csv");
    let scan = folder.open(&home, &all()).expect("opens");
    let mut stream = scan.read(&scan.splits()[0], &folder.split(10)).expect("opens");
    folder.ctx.cancel.cancel("interrupted");
    assert_eq!(stream.next().expect_err("cancelled").kind(), ErrorKind::Cancelled);
}

#[test]
fn entities_are_files_or_folders() {
    let folder = Folder::new(&[("in/users.csv", "a\n1\n"), ("in/orders.csv", "a,b\n1,2\n")]);
    let home = folder.home("in/{entity}.csv");
    let tables = home.tables(&folder.ctx, "*").expect("lists");
    let names: Vec<&str> = tables.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["orders", "users"]);
    assert_eq!(tables[0].columns.len(), 2);
    let request = ReadRequest::all(Source::Whole { entity: Some("orders".into()) });
    assert_eq!(folder.rows(&home, &request).expect("reads").num_columns(), 2);
    assert_eq!(home.shown(&request.source), "in/orders.csv");
}

/// Cells that make a guess hard: quotes, line ends, and text that looks like rows.
fn table() -> impl Strategy<Value = (usize, Vec<Vec<String>>)> {
    (1_usize..4).prop_flat_map(|columns| {
        let cell = prop_oneof![
            4 => "[a-z]{1,6}", 2 => "[a,\"\n]{1,8}", 1 => Just("x,y\nx,y\n".to_owned()), 1 => Just("\",\"\n\",\"".to_owned()),
            1 => Just("\n\n".to_owned()),
        ];
        let row = prop::collection::vec(cell, columns..=columns);
        (Just(columns), prop::collection::vec(row, 1..40))
    })
}

proptest! {
    #[test]
    fn every_row_comes_once_however_the_file_is_cut((columns, rows) in table(), always: bool, split_bytes in 1_u64..120) {
        let header = (0..columns).map(|i| format!("c{i}")).collect::<Vec<_>>().join(",");
        let text = format!("{header}\n{}", written(&rows, always, "\n"));
        let folder = Folder::new(&[("a.csv", &text)]);
        let mut config = folder.config("a.csv");
        config.columns = (0..columns).map(|i| (format!("c{i}"), DataType::Utf8)).collect();
        let home = CsvHome::new(config).expect("a home");
        let cells = |batch: &RecordBatch| -> Vec<Vec<String>> {
            let column = |i| texts(batch, i).into_iter().map(|t| t.unwrap_or_default().to_owned()).collect::<Vec<_>>();
            let columns: Vec<_> = (0..columns).map(column).collect();
            (0..batch.num_rows()).map(|row| columns.iter().map(|c| c[row].clone()).collect()).collect()
        };
        let read = match folder.rows(&home, &in_splits_of(split_bytes)) {
            Ok(read) => read,
            // A guess that proved wrong: never rows that are not there, and the next scan counts.
            Err(error) => {
                prop_assert_eq!(error.retry(), Retry::Run, "{:?}", error);
                folder.rows(&home, &in_splits_of(split_bytes)).expect("the second scan does not guess")
            }
        };
        prop_assert_eq!(cells(&read), rows.clone());
        home.format.careful.store(true, Ordering::Relaxed);
        let walked = folder.rows(&home, &in_splits_of(split_bytes)).expect("reads");
        prop_assert_eq!(cells(&walked), rows);
    }
}

/// The laws' table as files of a folder, or as one.
struct Subject {
    folder: Folder,
    home: CsvHome,
    files: usize,
    packed: bool,
}

fn subject(files: usize, packed: bool) -> Subject {
    let folder = Folder::new(&[]);
    let mut config = folder.config("raw");
    // An empty file tells no types.
    config.columns = vec![("id".into(), DataType::Int64), ("name".into(), DataType::Utf8)];
    Subject { home: CsvHome::new(config).expect("a home"), folder, files, packed }
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
        let line = |(id, name): &Row| match name {
            Some(name) => format!("{id},\"{name}\"\n"),
            None => format!("{id},\n"),
        };
        let some = rows.len().div_ceil(self.files).max(1);
        for i in 0..self.files {
            let part = rows.chunks(some).nth(i).unwrap_or_default();
            let text = format!("id,name\n{}", part.iter().map(line).collect::<String>());
            if self.packed {
                self.folder.write(&format!("raw/{i}.csv.gz"), &gzip(&text));
            } else {
                self.folder.write(&format!("raw/{i}.csv"), text.as_bytes());
            }
        }
    }

    fn follows_id(&self) -> bool {
        false
    }

    fn fingerprint(&self) -> String {
        let mut names: Vec<String> = std::fs::read_dir(self.folder.dir.path().join("raw"))
            .expect("lists")
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
        self.folder.dir.path().to_path_buf()
    }
}

#[test]
fn the_home_keeps_the_laws() {
    for (files, packed) in [(1, false), (3, false), (3, true)] {
        home_laws(|| subject(files, packed));
    }
}

#[test]
fn the_fuzzing_corpora_hold_as_files() {
    use crate::homes::files::fuzzed::{Said, replay};
    let home = |root: &Path| CsvHome::new(CsvHomeConfig::new(root, "any.csv")).expect("a home");
    replay("csv", "any.csv", home, Said::Guess, (20, 10));
    replay("csv_home", "any.csv", home, Said::Guess, (10, 5));
}
