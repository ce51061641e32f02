use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use hygge_core::conformance::{HomeUnderTest, Row, context, split_context};
use hygge_core::context::SplitContext;
use hygge_core::home::{Batch, BatchStream, CursorSpec, Scan};
use hygge_core::receipt::Options;

use super::described::{Described, Head, Range, Unit};
use super::*;

/// A line with the names of columns, then lines of numbers: enough of a format to try the home by. A unit is a line.
#[derive(Clone)]
struct Lines;

fn lines(pin: &PinnedFile) -> Result<Vec<String>> {
    let text = std::io::read_to_string(pin.stream(0)?).map_err(|e| Error::io("read", &pin.path, e))?;
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

/// Writes a file: the folder, the file's number, its rows.
type Put = dyn Fn(&Path, usize, &[Row]) + Send + Sync;

/// A home of a folder `raw`, to be put to the laws of homes: rows come in three files, or in one that has none.
pub(crate) struct Subject<H> {
    pub(crate) dir: tempfile::TempDir,
    home: H,
    put: Box<Put>,
    follows_id: bool,
}

impl<H: Home> Subject<H> {
    pub(crate) fn new(
        home: impl FnOnce(&Path) -> H,
        put: impl Fn(&Path, usize, &[Row]) + Send + Sync + 'static,
    ) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        Self { home: home(dir.path()), dir, put: Box::new(put), follows_id: false }
    }

    /// The same, of a home that follows a column.
    pub(crate) fn that_follows(self) -> Self {
        Self { follows_id: true, ..self }
    }
}

impl<H: Home> HomeUnderTest for Subject<H> {
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
        std::fs::create_dir(&raw).expect("a folder");
        let third = rows.len().div_ceil(3).max(1);
        for (i, part) in rows.chunks(third).enumerate() {
            (self.put)(&raw, i, part);
        }
        if rows.is_empty() {
            (self.put)(&raw, 0, &[]);
        }
    }

    fn follows_id(&self) -> bool {
        self.follows_id
    }

    fn fingerprint(&self) -> String {
        crate::stores::files::tests::all_below(self.dir.path())
    }

    fn root(&self) -> PathBuf {
        self.dir.path().to_path_buf()
    }
}

/// The scan of a home.
pub(crate) fn scan(home: &dyn Home, root: &Path, request: &ReadRequest) -> Result<Box<dyn Scan>> {
    match home.open(&context(root.to_path_buf()), request)? {
        Opened::Scan(scan) => Ok(scan),
        Opened::Unchanged(how) => panic!("unchanged: {}", how.why),
    }
}

/// All batches of each split.
pub(crate) fn batches(scan: &dyn Scan, ctx: &Context) -> Result<Vec<Vec<RecordBatch>>> {
    let read = |split: &Split| {
        let mut stream = scan.read(split, &split_context(ctx, 1_000))?;
        let mut out = Vec::new();
        while let Some(batch) = stream.next()? {
            assert_eq!(batch.rows.schema(), scan.schema());
            out.push(batch.rows);
        }
        Ok(out)
    };
    scan.splits().iter().map(read).collect()
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
        let home = FilesHome::of(self.0.path(), "raw", Lines);
        scan(&home, self.0.path(), request).expect("opens")
    }

    fn context(&self) -> Context {
        context(self.0.path().to_path_buf())
    }

    /// The rows of every split.
    fn rows(&self, scan: &dyn Scan) -> Vec<Vec<Vec<i64>>> {
        let cell = |column: &ArrayRef, at| column.as_primitive::<Int64Type>().value(at);
        let rows_of = |batch: &RecordBatch| -> Vec<Vec<i64>> {
            (0..batch.num_rows()).map(|at| batch.columns().iter().map(|column| cell(column, at)).collect()).collect()
        };
        let all = batches(scan, &self.context()).expect("reads");
        all.iter().map(|split| split.iter().flat_map(rows_of).collect()).collect()
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
fn files_that_come_later_keep_the_order_of_columns_that_settled() {
    let folder = Folder::new(&[("a.lines", "x y\n1 2\n")]);
    let once = ReadRequest { skip_settled: true, exact_edge: true, ..all() };
    let state = folder.scan(&once).finish(&folder.context()).expect("finishes");
    folder.write("b.lines", "y x\n4 3\n");
    let again = ReadRequest { since: Some(Since { watermark: None, state: state.clone() }), ..once.clone() };
    assert_eq!(folder.rows(&*folder.scan(&again)), [[[3, 4]]]);
    // Other columns are another table, and what is asked for is asked for.
    let chosen = ReadRequest { columns: Some(vec!["y".into(), "x".into()]), ..again.clone() };
    assert_eq!(folder.scan(&chosen).schema().field(0).name(), "y");
    folder.write("b.lines", "z x\n4 3\n");
    assert_eq!(folder.scan(&again).schema().field(0).name(), "z");
    let like = Some(Arc::new(Schema::new(vec![
        Field::new("y", DataType::Int64, true),
        Field::new("x", DataType::Int64, true),
    ])));
    folder.write("b.lines", "x y\n4 3\n");
    assert_eq!(folder.scan(&ReadRequest { like, ..all() }).schema().field(0).name(), "y");
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

mod hive {
    use super::super::partitions::Partitions;
    use super::*;
    use crate::files::listing::Below;

    fn home(folder: &Folder, path: &str, partitions: Partitions) -> FilesHome<Lines> {
        FilesHome::of(folder.0.path(), path, Lines).with_partitions(partitions)
    }

    fn names(scan: &dyn Scan) -> Vec<String> {
        scan.schema().fields().iter().map(|field| format!("{} {}", field.name(), field.data_type())).collect()
    }

    fn scan_of(folder: &Folder, path: &str, partitions: Partitions, request: &ReadRequest) -> Result<Box<dyn Scan>> {
        match home(folder, path, partitions).open(&folder.context(), request)? {
            Opened::Scan(scan) => Ok(scan),
            Opened::Unchanged(how) => panic!("unchanged: {}", how.why),
        }
    }

    fn refused(folder: &Folder, path: &str, partitions: Partitions, request: &ReadRequest) -> Error {
        match scan_of(folder, path, partitions, request) {
            Err(error) => error,
            Ok(scan) => panic!("must be refused, and gives {:?}", names(&*scan)),
        }
    }

    fn by_year() -> Folder {
        Folder::new(&[
            ("year=2023/month=12/a.lines", "x y\n1 2\n3 4\n"),
            ("year=2024/month=1/a.lines", "y x\n6 5\n"),
            ("year=2024/month=1/b.lines", "x y\n7 8\n"),
            ("year=2024/month=2/_aside/a.lines", "x y\n0 0\n"),
            ("year=2024/_SUCCESS", ""),
        ])
    }

    #[test]
    fn folders_tell_columns_behind_those_of_the_files() {
        let folder = by_year();
        let scan = folder.scan(&all());
        assert_eq!(names(&*scan), ["x Int64", "y Int64", "year Int64", "month Int64"]);
        let wanted = [[1, 2, 2023, 12], [3, 4, 2023, 12], [5, 6, 2024, 1], [7, 8, 2024, 1]];
        assert_eq!(folder.rows(&*scan), [wanted], "one split of three files");
        assert_eq!(scan.notes()[0].text, "columns from the names of folders: year (int), month (int)");
        let small = folder.scan(&ReadRequest { split_bytes: 8, ..all() });
        assert_eq!(folder.rows(&*small).concat(), wanted);
        let chosen = |names: &[&str]| ReadRequest { columns: Some(names.iter().map(|&n| n.into()).collect()), ..all() };
        let scan = folder.scan(&chosen(&["month", "y"]));
        assert_eq!(folder.rows(&*scan), [[[12, 2], [12, 4], [1, 6], [1, 8]]]);
        let scan = folder.scan(&chosen(&["year"]));
        assert_eq!(folder.rows(&*scan), [[[2023], [2023], [2024], [2024]]], "no column of the files is asked for");
        let scan = folder.scan(&chosen(&["x"]));
        assert_eq!(folder.rows(&*scan), [[[1], [3], [5], [7]]]);
        assert!(folder.open(&chosen(&["z"])).is_err());
    }

    #[test]
    fn patterns_tell_columns_below_their_first_part() {
        let folder = by_year();
        let rows = |path: &str| {
            let scan = scan_of(&folder, path, Partitions::default(), &all()).expect("opens");
            (names(&*scan).len(), folder.rows(&*scan).concat().len())
        };
        assert_eq!(rows("raw/**/*.lines"), (4, 4));
        assert_eq!(rows("raw/year=2024/*/*.lines"), (3, 2), "the year is one folder, and no part of the pattern");
        assert_eq!(rows("raw/year=202?/month=1/a*"), (4, 1));
        assert_eq!(rows("raw/year=2024/month=1"), (2, 2), "flat");
        folder.write("old/a.lines", "x y\n9 9\n");
        let error = refused(&folder, "raw/**/*.lines", Partitions::default(), &all());
        let found =
            "raw/old/a.lines lies in no such folder, and raw/year=2023/month=12/a.lines in folders of year, month";
        assert_eq!(error.found(), found);
        let off = Partitions { below: Below::Off, ..Partitions::default() };
        let scan = scan_of(&folder, "raw/*/a.lines", off, &all()).expect("opens");
        assert_eq!(names(&*scan), ["x Int64", "y Int64"]);
    }

    #[test]
    fn a_folder_is_never_read_in_part() {
        let folder = by_year();
        folder.write("late.lines", "x y\n0 0\n");
        let error = refused(&folder, "raw", Partitions::default(), &all());
        assert!(error.found().contains("raw/late.lines and raw/year=2023"), "{error}");
        let off = Partitions { below: Below::Off, ..Partitions::default() };
        let scan = scan_of(&folder, "raw", off, &all()).expect("flat, as it is told");
        assert_eq!(folder.rows(&*scan), [[[0, 0]]]);
        let on = Partitions { below: Below::Hive, ..Partitions::default() };
        let error = refused(&folder, "raw", on, &all());
        assert!(error.found().starts_with("raw/late.lines lies in no such folder"), "{error}");
        std::fs::remove_file(folder.0.path().join("raw/late.lines")).expect("removed");
        folder.write("old/a.lines", "x y\n0 0\n");
        let error = refused(&folder, "raw", Partitions::default(), &all());
        assert!(error.found().starts_with("the folder old is not called name=value"), "{error}");
        std::fs::remove_dir_all(folder.0.path().join("raw/old")).expect("removed");
        folder.write("year=2025/a.lines", "x y\n0 0\n");
        let error = refused(&folder, "raw", Partitions::default(), &all());
        assert!(error.found().ends_with("raw/year=2025/a.lines in a folder of year"), "{error}");
        std::fs::remove_dir_all(folder.0.path().join("raw/year=2025")).expect("removed");
        folder.write("year=2025/year=1/a.lines", "x y\n0 0\n");
        let error = refused(&folder, "raw", Partitions::default(), &all());
        assert!(error.found().contains("two folders"), "{error}");
        let plain = Folder::new(&[("a.lines", "x\n1\n"), ("deep/b.lines", "x\n2\n"), ("empty=1/notes.txt", "")]);
        assert_eq!(plain.rows(&*plain.scan(&all())), [[[1]]], "a folder of files of its own is flat");
    }

    #[test]
    fn a_name_that_the_files_have_too_is_refused() {
        let folder = Folder::new(&[("x=1/part=2/a.lines", "x y\n1 2\n")]);
        let error = refused(&folder, "raw", Partitions::default(), &all());
        assert!(error.found().starts_with("x is a column of the files, and also"), "{error}");
        let only_y = ReadRequest { columns: Some(vec!["y".into(), "x".into()]), ..all() };
        assert!(refused(&folder, "raw", Partitions::default(), &only_y).found().starts_with("x is a column"));
        let part = Partitions { below: Below::Hive, chosen: Some(vec!["part".into()]), types: Vec::new() };
        let scan = scan_of(&folder, "raw", part, &all()).expect("opens");
        assert_eq!(folder.rows(&*scan), [[[1, 2, 2]]], "the files' own x");
        let other = Partitions { below: Below::Hive, chosen: Some(vec!["day".into()]), types: Vec::new() };
        let error = refused(&folder, "raw", other, &all());
        assert_eq!(error.found(), "no folder is called day=value");
    }

    #[test]
    fn types_are_told_from_all_values_declared_or_kept() {
        let typed = |values: &[&str], types: &[(&str, DataType)]| {
            let files: Vec<_> = values.iter().map(|value| (format!("k={value}/a.lines"), "x\n1\n")).collect();
            let folder = Folder::new(&files.iter().map(|(path, text)| (path.as_str(), *text)).collect::<Vec<_>>());
            let types = types.iter().map(|(name, data_type)| ((*name).to_owned(), data_type.clone())).collect();
            let said = Partitions { below: Below::Hive, chosen: None, types };
            scan_of(&folder, "raw", said, &all()).map(|scan| scan.schema().field(1).data_type().clone())
        };
        let null = "__HIVE_DEFAULT_PARTITION__";
        assert_eq!(typed(&["1", "20", null], &[]).expect("opens"), DataType::Int64);
        assert_eq!(typed(&["01", "2"], &[]).expect("opens"), DataType::Utf8);
        assert_eq!(typed(&["2024-01-01", null], &[]).expect("opens"), DataType::Date32);
        assert_eq!(typed(&["2024-01-01", "5"], &[]).expect("opens"), DataType::Utf8);
        assert_eq!(typed(&[null], &[]).expect("opens"), DataType::Utf8);
        assert_eq!(typed(&["01", "2"], &[("k", DataType::Int16)]).expect("opens"), DataType::Int16);
        let error = typed(&["1", "two"], &[("k", DataType::Int64)]).expect_err("no number");
        assert_eq!(error.place(), Some("raw/k=two/a.lines"), "{error}");
        assert!(typed(&["1"], &[("k", DataType::Binary)]).is_err() && typed(&["1"], &[("m", DataType::Utf8)]).is_err());
    }

    #[test]
    fn a_type_that_has_settled_stays_or_the_next_file_is_refused() {
        let folder = Folder::new(&[("k=1/a.lines", "x\n1\n")]);
        let once = ReadRequest { skip_settled: true, exact_edge: true, ..all() };
        let state = folder.scan(&once).finish(&folder.context()).expect("finishes");
        let again = ReadRequest { since: Some(Since { watermark: None, state: state.clone() }), ..once.clone() };
        assert!(matches!(folder.open(&again), Ok(Opened::Unchanged(_))));
        folder.write("k=__HIVE_DEFAULT_PARTITION__/b.lines", "x\n2\n");
        assert_eq!(names(&*folder.scan(&again)), ["x Int64", "k Int64"]);
        folder.write("k=02/b.lines", "x\n2\n");
        let error = refusal(&folder, &again);
        assert_eq!(error.place(), Some("raw/k=02/b.lines"), "{error}");
        assert!(
            error.found().starts_with("the partition k has settled as int, and the folder of this file"),
            "{error}"
        );
        // What was text goes on being text.
        let state = folder.scan(&once).finish(&folder.context()).expect("finishes");
        let text = ReadRequest { since: Some(Since { watermark: None, state }), ..once.clone() };
        folder.write("k=3/c.lines", "x\n3\n");
        assert_eq!(names(&*folder.scan(&text)), ["x Int64", "k Utf8"]);
    }

    #[test]
    fn a_settled_file_that_moves_to_another_value_is_no_settled_file() {
        let folder = Folder::new(&[("k=1/a.lines", "x\n1\n"), ("k=1/b.lines", "x\n2\n")]);
        let once = ReadRequest { skip_settled: true, exact_edge: true, ..all() };
        let state = folder.scan(&once).finish(&folder.context()).expect("finishes");
        let again = ReadRequest { since: Some(Since { watermark: None, state }), ..once };
        let at = |name: &str| folder.0.path().join("raw").join(name);
        std::fs::rename(at("k=1/a.lines"), at("k=1/c.lines")).expect("renamed");
        assert!(matches!(folder.open(&again), Ok(Opened::Unchanged(_))), "renamed within its folder");
        std::fs::create_dir(at("k=2")).expect("made");
        std::fs::rename(at("k=1/c.lines"), at("k=2/a.lines")).expect("moved");
        let error = refusal(&folder, &again);
        assert_eq!(error.place(), Some("raw/k=2/a.lines"));
        assert!(error.found().contains("moved to folders of other values"), "{error}");
    }

    #[test]
    fn what_is_said_of_partitions_is_a_part_of_the_question() {
        let said = |types: &[(&str, DataType)], chosen: Option<&[&str]>| Partitions {
            below: Below::Hive,
            chosen: chosen.map(|names| names.iter().map(|&n| n.into()).collect()),
            types: types.iter().map(|(name, data_type)| ((*name).to_owned(), data_type.clone())).collect(),
        };
        let folder = by_year();
        let options = |partitions: Partitions| home(&folder, "raw", partitions).reading();
        let settled =
            Schema::new(vec![Field::new("year", DataType::Int64, true), Field::new("k", DataType::Utf8, true)]);
        let widened = |before: Partitions, now: Partitions| {
            home(&folder, "raw", now).widened(&options(before), &settled).pop().map(|(_, more)| more)
        };
        assert_eq!(options(Partitions::default()), Options::new());
        let (int, text) = (DataType::Int64, DataType::Utf8);
        let year = said(&[("year", int.clone())], None);
        let told = Some("partitions says what has settled: year: int".to_owned());
        assert_eq!(widened(Partitions::default(), year.clone()), told);
        assert_eq!(
            widened(said(&[("k", text.clone())], None), said(&[("k", text.clone()), ("year", int.clone())], None)),
            told
        );
        assert!(widened(Partitions::default(), said(&[], None)).is_some());
        assert_eq!(widened(year.clone(), Partitions::default()), None, "a type was taken out");
        assert_eq!(widened(Partitions::default(), said(&[("year", text)], None)), None, "another type");
        assert_eq!(widened(Partitions::default(), said(&[], Some(&["year"]))), None, "other columns");
        assert_eq!(widened(Partitions::default(), Partitions { below: Below::Off, ..Partitions::default() }), None);
    }

    #[test]
    fn a_home_that_reads_below_meets_a_store_there() {
        let folder = by_year();
        let place = |path: &str| {
            home(&folder, path, Partitions::default()).location(&Source::Whole { entity: None }).expect("a place")
        };
        let store = |path: &str| {
            let written = crate::files::paths::resolve(folder.0.path(), path);
            crate::files::paths::place_id(&written, path).expect("a place")
        };
        assert!(place("raw").clashes(&store("raw/year=2024")) && place("raw").clashes(&store("raw/out")));
        assert!(place("raw/**/*.lines").clashes(&store("raw/year=2024")));
        assert!(!place("raw/year=2024/month=1").clashes(&store("raw/year=2024/month=1/out")), "it is flat");
    }
}
