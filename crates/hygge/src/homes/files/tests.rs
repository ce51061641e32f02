use std::sync::Arc;

use arrow_array::{Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use hygge_core::conformance::{context, split_context};
use hygge_core::context::SplitContext;
use hygge_core::home::{Batch, BatchStream, CursorSpec, Scan};
use hygge_core::receipt::Options;

use super::described::{Described, Head, Range, Unit};
use super::*;

/// A line with the names of columns, then lines of numbers: enough of a format to try the home by. A unit is a line.
#[derive(Clone)]
struct Lines;

fn lines(pin: &PinnedFile) -> Result<Vec<String>> {
    let text = std::io::read_to_string(pin.open()?).map_err(|e| Error::io("read", &pin.path, e))?;
    Ok(text.lines().map(str::to_owned).collect())
}

impl Described for Lines {
    fn name(&self) -> &'static str {
        "lines"
    }

    fn shown(&self) -> &'static str {
        "Lines"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["lines"]
    }

    fn reading(&self) -> Options {
        Options::new()
    }

    fn unit(&self) -> &'static str {
        "line"
    }

    fn head(&self, pin: &PinnedFile, _ctx: &Context) -> Result<Head> {
        let lines = lines(pin)?;
        let Some(first) = lines.first() else { return Err(Error::failed("the file is empty").at(&pin.shown)) };
        let fields: Vec<Field> =
            first.split_whitespace().map(|name| Field::new(name, DataType::Int64, false)).collect();
        let units = (1..lines.len() as u64)
            .map(|n| Unit { range: Range { begin: n, end: n + 1 }, rows: Some(1), bytes: 8 })
            .collect();
        Ok(Head { schema: Schema::new(fields), units, notes: Vec::new() })
    }

    fn read(
        &self,
        pin: &PinnedFile,
        part: Range,
        schema: &SchemaRef,
        ctx: &SplitContext,
    ) -> Result<Box<dyn BatchStream>> {
        let all = lines(pin)?;
        let names: Vec<&str> = all[0].split_whitespace().collect();
        let part = usize::try_from(part.begin).expect("fits")..usize::try_from(part.end).expect("fits");
        let columns = schema.fields().iter().map(|field| {
            let at = names.iter().position(|name| name == field.name()).expect("agreed");
            let cells = all[part.clone()]
                .iter()
                .map(|line| line.split_whitespace().nth(at).map(|n| n.parse().expect("a number")));
            Arc::new(cells.collect::<Int64Array>()) as _
        });
        let rows = RecordBatch::try_new(Arc::clone(schema), columns.collect()).expect("a batch");
        let mut cut = Vec::new();
        let most = ctx.batch_rows.min(ctx.batch_bytes() / 16).max(1);
        for at in (0..rows.num_rows()).step_by(most) {
            cut.push(rows.slice(at, most.min(rows.num_rows() - at)));
        }
        Ok(Box::new(Slices(cut.into_iter())))
    }
}

struct Slices(std::vec::IntoIter<RecordBatch>);

impl BatchStream for Slices {
    fn next(&mut self) -> Result<Option<Batch>> {
        Ok(self.0.next().map(Batch::from))
    }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join("raw").join(name);
        std::fs::create_dir_all(path.parent().expect("has a parent")).expect("a folder");
        std::fs::write(path, text).expect("writes");
    }

    fn open(&self, request: &ReadRequest) -> Result<Opened> {
        FilesHome::of(self.0.path(), "raw", Lines).open(&self.context(), request)
    }

    fn scan(&self, request: &ReadRequest) -> Box<dyn Scan> {
        match self.open(request).expect("opens") {
            Opened::Scan(scan) => scan,
            Opened::Unchanged(how) => panic!("unchanged: {}", how.why),
        }
    }

    fn context(&self) -> Context {
        context(self.0.path().to_path_buf())
    }

    /// The rows of every split.
    fn rows(&self, scan: &dyn Scan) -> Vec<Vec<Vec<i64>>> {
        let mut out = Vec::new();
        for split in scan.splits() {
            let mut stream = scan.read(split, &split_context(&self.context(), 1_000)).expect("opens");
            let mut rows = Vec::new();
            while let Some(batch) = stream.next().expect("reads") {
                assert_eq!(batch.rows.schema(), scan.schema());
                let cell = |column: &arrow_array::ArrayRef, at| {
                    column.as_any().downcast_ref::<Int64Array>().expect("numbers").value(at)
                };
                rows.extend(
                    (0..batch.rows.num_rows())
                        .map(|at| batch.rows.columns().iter().map(|c| cell(c, at)).collect::<Vec<_>>()),
                );
            }
            out.push(rows);
        }
        out
    }
}

fn all() -> ReadRequest {
    ReadRequest::all(Source::Whole { entity: None })
}

fn refusal(folder: &Folder, request: &ReadRequest) -> Error {
    match folder.open(request) {
        Err(error) => error,
        Ok(_) => panic!("must be refused"),
    }
}

#[test]
fn columns_are_found_by_name_in_the_order_of_the_first_file() {
    let folder = Folder::new(&[("a.lines", "x y\n1 2\n"), ("b.lines", "y x\n4 3\n6 5\n"), ("notes.txt", "")]);
    let scan = folder.scan(&all());
    assert_eq!(folder.rows(&*scan), [[[1, 2], [3, 4], [5, 6]]]);
    assert_eq!(scan.splits()[0].label, "raw/a.lines to raw/b.lines");
    assert_eq!(scan.splits()[0].rows, Some(3));
    assert_eq!(scan.notes()[0].text, "1 file that is not Lines was passed over: notes.txt");
    let chosen = folder.scan(&ReadRequest { columns: Some(vec!["y".into()]), ..all() });
    assert_eq!(folder.rows(&*chosen), [[[2], [4], [6]]]);
    let small = folder.scan(&ReadRequest { split_bytes: 8, ..all() });
    assert_eq!(folder.rows(&*small).concat(), [[1, 2], [3, 4], [5, 6]]);
    let last = small.splits().last().expect("a split");
    assert_eq!(last.label, "raw/b.lines from line 2 to 3");
}

#[test]
fn files_that_do_not_agree_are_refused_by_file_and_column() {
    let folder = Folder::new(&[("a.lines", "x y\n1 2\n"), ("b.lines", "x\n3\n")]);
    let error = refusal(&folder, &all());
    assert_eq!((error.place(), error.found()), (Some("raw/b.lines"), "it has no column y, which raw/a.lines has"));
    folder.write("b.lines", "x y z\n1 2 3\n");
    assert_eq!(refusal(&folder, &all()).found(), "it has a column z, which raw/a.lines has not");
    folder.write("b.lines", "");
    let error = refusal(&folder, &all());
    assert_eq!((error.kind(), error.place()), (hygge_core::ErrorKind::Refused, Some("raw/b.lines")));
    let error = refusal(&folder, &ReadRequest { cursor: Some(CursorSpec::default()), ..all() });
    assert!(error.found().starts_with("Lines files have no order"), "{error}");
    let error = refusal(&folder, &ReadRequest { source: Source::Query("q".into()), ..all() });
    assert!(error.advice().is_some(), "{error}");
}

#[test]
fn each_file_is_appended_once_and_a_file_that_moves_on_fails_the_load() {
    let folder = Folder::new(&[("a.lines", "x\n1\n")]);
    let once = ReadRequest { skip_settled: true, exact_edge: true, ..all() };
    let state = folder.scan(&once).finish(&folder.context()).expect("finishes");
    let again = ReadRequest { since: Some(Since { watermark: None, state }), ..once };
    assert!(matches!(folder.open(&again), Ok(Opened::Unchanged(_))));
    folder.write("b.lines", "x\n2\n");
    let scan = folder.scan(&again);
    assert_eq!(folder.rows(&*scan), [[[2]]]);
    folder.write("b.lines", "x\n2\n3\n");
    assert_eq!(scan.finish(&folder.context()).expect_err("moved on").retry(), hygge_core::Retry::Run);
}

#[test]
fn what_a_format_remembers_lies_beside_the_files() {
    let files = serde_json::json!({"form": 1, "read_as": "x", "files": []});
    assert_eq!(together(files.clone(), Map::new()), files);
    assert_eq!(apart(&files), (files.clone(), Map::new()));
    let types = Map::from_iter([("columns".to_owned(), Value::from(vec!["x"]))]);
    let both = together(files.clone(), types.clone());
    assert_eq!(apart(&both), (files, types));
}
