use std::io::Write as _;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date32Type, Float64Type, Int64Type, Time32MillisecondType, TimestampMillisecondType};
use arrow_array::{Array as _, RecordBatch};
use arrow_schema::TimeUnit;
use hygge_core::conformance::{HomeUnderTest, Row, context, home_laws, split_context};
use hygge_core::home::{Home, Opened, Scan, Since, Source};
use hygge_core::{Advice, Part};

use super::fuzzed::workbook;
use super::*;

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    std::fmt::Write::write_fmt(out, text).expect("a text takes all");
}

/// Rows of cells from a corner on: `n:1`, `t:text`, `b:1`, `e:#N/A`, or `2:45000.5` for a number in a format.
fn grid(row: u32, column: u32, rows: &[&[&str]]) -> String {
    let mut out = String::from("<sheetData>");
    for (r, cells) in (row..).zip(rows) {
        put(&mut out, format_args!(r#"<row r="{}">"#, r + 1));
        for (c, cell) in (column..).zip(cells.iter()) {
            let at = area::name_of(r, c);
            match cell.split_once(':') {
                None => {}
                Some(("t", text)) => {
                    put(&mut out, format_args!(r#"<c r="{at}" t="inlineStr"><is><t>{text}</t></is></c>"#));
                }
                Some(("n", number)) => put(&mut out, format_args!(r#"<c r="{at}"><v>{number}</v></c>"#)),
                Some((kind @ ("b" | "e"), value)) => {
                    put(&mut out, format_args!(r#"<c r="{at}" t="{kind}"><f>X()</f><v>{value}</v></c>"#));
                }
                Some((style, number)) => put(&mut out, format_args!(r#"<c r="{at}" s="{style}"><v>{number}</v></c>"#)),
            }
        }
        out.push_str("</row>");
    }
    out + "</sheetData>"
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn of(inside: String) -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        folder.write("a.xlsx", &workbook(&[("Sheet1", inside)]));
        folder
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::create_dir_all(self.0.path().join("raw")).expect("a folder");
        std::fs::write(self.0.path().join("raw").join(name), bytes).expect("writes");
    }

    fn config(&self) -> XlsxHomeConfig {
        config(self.0.path())
    }

    fn scan(&self, config: XlsxHomeConfig, request: &ReadRequest) -> Result<Box<dyn Scan>> {
        match XlsxHome::new(config).open(&context(self.0.path().to_path_buf()), request)? {
            Opened::Scan(scan) => Ok(scan),
            Opened::Unchanged(how) => panic!("unchanged: {}", how.why),
        }
    }

    fn rows(&self, config: XlsxHomeConfig) -> Result<(RecordBatch, Vec<String>)> {
        let scan = self.scan(config, &request())?;
        let mut batches = Vec::new();
        for split in scan.splits() {
            let mut stream = scan.read(split, &split_context(&context(self.0.path().to_path_buf()), 2))?;
            while let Some(batch) = stream.next()? {
                assert!(batch.rows.num_rows() <= 2);
                batches.push(batch.rows);
            }
        }
        let rows = arrow_select::concat::concat_batches(&scan.schema(), &batches).expect("one schema");
        assert_eq!(scan.splits().iter().map(|split| split.rows.expect("counted")).sum::<u64>(), rows.num_rows() as u64);
        Ok((rows, scan.notes().iter().map(|note| note.text.clone()).collect()))
    }

    fn error(&self, config: XlsxHomeConfig) -> Error {
        self.rows(config).expect_err("must fail")
    }
}

fn config(root: &Path) -> XlsxHomeConfig {
    XlsxHomeConfig {
        root: root.to_path_buf(),
        path: "raw".into(),
        columns: Vec::new(),
        sheet: None,
        range: None,
        header: HeaderAt::First,
        nulls: Vec::new(),
    }
}

fn request() -> ReadRequest {
    ReadRequest::all(Source::Whole { entity: None })
}

fn texts(batch: &RecordBatch, column: usize) -> Vec<Option<&str>> {
    batch.column(column).as_string::<i32>().iter().collect()
}

#[test]
fn columns_have_the_types_that_all_their_cells_have() {
    let rows: [&[&str]; 4] = [
        &["t:id", "t:price", "t:on", "t:at", "t:clock", "t:took", "t:share", "t:cost", "t:ok", "t:mixed", "t:nothing"],
        &["n:1", "n:1.5", "1:45000", "2:45000.5", "3:0.25", "4:1.5", "5:0.5", "6:3", "b:1", "n:7", ""],
        &["n:2", "n:2", "1:45001", "2:45001", "3:0.75", "4:0.5", "5:1", "6:4", "b:0", "t:x", ""],
        &["", "", "", "", "", "", "", "", "", "", ""],
    ];
    let folder = Folder::of(grid(2, 1, &rows));
    let (rows, notes) = folder.rows(folder.config()).expect("reads");
    let millis = TimeUnit::Millisecond;
    let expected = [
        DataType::Int64,
        DataType::Float64,
        DataType::Date32,
        DataType::Timestamp(millis, None),
        DataType::Time32(millis),
        DataType::Duration(millis),
        DataType::Float64,
        DataType::Int64,
        DataType::Boolean,
        DataType::Utf8,
        DataType::Utf8,
    ];
    let found: Vec<_> = rows.schema().fields().iter().map(|field| field.data_type().clone()).collect();
    assert_eq!(found, expected);
    assert_eq!(rows.column(0).as_primitive::<Int64Type>().values(), &[1, 2]);
    assert_eq!(rows.column(1).as_primitive::<Float64Type>().values(), &[1.5, 2.0]);
    // 2023-03-15 and 16, as Excel counts them.
    assert_eq!(rows.column(2).as_primitive::<Date32Type>().values(), &[19_431, 19_432]);
    let day = 86_400_000;
    let at = rows.column(3).as_primitive::<TimestampMillisecondType>();
    assert_eq!(at.values(), &[19_431 * day + day / 2, 19_432 * day]);
    assert_eq!(rows.column(4).as_primitive::<Time32MillisecondType>().values(), &[21_600_000, 64_800_000]);
    assert_eq!(texts(&rows, 9), [Some("7"), Some("x")]);
    assert_eq!(
        notes,
        ["column mixed holds numbers and texts, and is taken as text", "column nothing is empty, and is taken as text"]
    );
}

#[test]
fn the_table_is_found_by_its_cells_or_by_what_the_options_say() {
    let rows: [&[&str]; 6] =
        [&["t:A title"], &[], &["", "t:a", "t:b"], &["", "n:1", "n:2"], &[], &["", "n:3", "", "t:aside"]];
    let folder = Folder::of(grid(0, 0, &rows));
    let chosen = |header, range: &str| XlsxHomeConfig {
        header,
        range: (!range.is_empty()).then(|| Area::parse(range).expect("parses")),
        ..folder.config()
    };
    let (all, notes) = folder.rows(chosen(HeaderAt::Row(3), "")).expect("reads");
    let schema = all.schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!((names, all.num_rows()), (vec!["a", "b", "column_3"], 3), "the empty row between is a row");
    assert_eq!(all.column(0).null_count(), 1);
    assert_eq!(notes.len(), 1, "{notes:?}");
    let (part, notes) = folder.rows(chosen(HeaderAt::First, "B3:C4")).expect("reads");
    assert_eq!((part.num_rows(), part.num_columns(), notes.len()), (1, 2, 0));
    let (bare, _) = folder.rows(chosen(HeaderAt::None, "B4:C6")).expect("reads");
    assert_eq!((bare.num_rows(), bare.schema().field(1).name().as_str()), (3, "column_2"));
    let error = folder.error(chosen(HeaderAt::Row(2), ""));
    let line = "header: 3".to_owned();
    assert_eq!(error.advice(), Some(&Advice::Set { part: Part::Home, line }), "{error:?}");
    assert!(folder.error(chosen(HeaderAt::First, "Z1:Z9")).found().contains("no cell"));
}

#[test]
fn errors_of_formulas_are_told_by_cell_unless_they_are_named() {
    let folder = Folder::of(grid(14, 1, &[&["t:x", "t:y"], &["n:1", "n:2"], &["t:-", "e:#N/A"]]));
    let error = folder.error(folder.config());
    assert_eq!(error.place(), Some("raw/a.xlsx, Sheet1!C17"));
    assert_eq!(error.advice(), Some(&Advice::Set { part: Part::Home, line: "nulls: [\"#N/A\"]".into() }));
    let named = XlsxHomeConfig { nulls: vec!["#N/A".into(), "-".into()], ..folder.config() };
    let (rows, _) = folder.rows(named).expect("reads");
    assert_eq!(rows.schema().field(0).data_type(), &DataType::Int64);
    assert_eq!((rows.column(0).null_count(), rows.column(1).null_count()), (1, 1));
}

#[test]
fn the_only_sheet_with_data_is_read_or_the_one_that_is_named() {
    let folder = Folder(tempfile::tempdir().expect("a folder"));
    let sheet = |text: &str| grid(0, 0, &[&["t:x"], &[text]]);
    folder.write("a.xlsx", &workbook(&[("Notes", grid(0, 0, &[])), ("Data", sheet("t:one"))]));
    assert_eq!(texts(&folder.rows(folder.config()).expect("reads").0, 0), [Some("one")]);
    folder.write("a.xlsx", &workbook(&[("My data", sheet("t:one")), ("2", sheet("t:two")), ("Third", sheet("t:3"))]));
    let error = folder.error(folder.config());
    assert!(error.found().contains("\"My data\", \"2\", \"Third\""), "{error}");
    for (asked, found) in [("My data", "one"), ("2", "two"), ("3", "3"), ("1", "one")] {
        let named = XlsxHomeConfig { sheet: Some(asked.into()), ..folder.config() };
        assert_eq!(texts(&folder.rows(named).expect("reads").0, 0), [Some(found)], "{asked}");
    }
    let error = folder.error(XlsxHomeConfig { sheet: Some("Fourth".into()), ..folder.config() });
    assert!(error.found().contains("no sheet Fourth") && error.advice().is_some(), "{error:?}");
}

#[test]
fn files_are_read_together_and_keep_the_types_that_settled() {
    let folder = Folder::of(grid(0, 0, &[&["t:a", "t:b"], &["n:1", "t:x"]]));
    folder.write("b.xlsx", &workbook(&[("Other", grid(3, 3, &[&["t:b", "t:a"], &["t:y", "n:2.5"]]))]));
    let (rows, _) = folder.rows(folder.config()).expect("reads");
    assert_eq!(rows.column(0).as_primitive::<Float64Type>().values(), &[1.0, 2.5]);
    assert_eq!(texts(&rows, 1), [Some("x"), Some("y")]);
    let once = ReadRequest { skip_settled: true, exact_edge: true, ..request() };
    let ctx = context(folder.0.path().to_path_buf());
    let state = folder.scan(folder.config(), &once).expect("opens").finish(&ctx).expect("finishes");
    folder.write("c.xlsx", &workbook(&[("S", grid(0, 0, &[&["t:a", "t:b"], &["n:3", "n:4"]]))]));
    let again = ReadRequest { since: Some(Since { watermark: None, state }), ..once };
    let scan = folder.scan(folder.config(), &again).expect("opens");
    let types: Vec<_> = scan.schema().fields().iter().map(|field| field.data_type().clone()).collect();
    assert_eq!((types, scan.splits().len()), (vec![DataType::Float64, DataType::Utf8], 1));
    folder.write("c.xlsx", &workbook(&[("S", grid(0, 0, &[&["t:a", "t:a"], &["n:3", "n:4"]]))]));
    assert!(folder.error(folder.config()).advice().is_some(), "other columns");
}

#[test]
fn what_is_no_workbook_is_refused_by_name() {
    let folder = Folder(tempfile::tempdir().expect("a folder"));
    let compound = |inside: &str| {
        let mut out = vec![0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
        out.extend(inside.encode_utf16().flat_map(u16::to_le_bytes));
        out
    };
    let whole = workbook(&[("S", grid(0, 0, &[&["t:a"], &["n:1"]]))]);
    for (bytes, says) in [
        (compound("Workbook"), "older format"),
        (compound("EncryptedPackage"), "encrypted"),
        (b"id,name\n1,x\n".to_vec(), "no Excel workbook"),
        (whole[..whole.len() / 2].to_vec(), "cut short"),
        (Vec::new(), "no Excel workbook"),
    ] {
        folder.write("a.xlsx", &bytes);
        let error = folder.error(folder.config());
        assert!(error.found().contains(says) && error.place() == Some("raw/a.xlsx"), "{says}: {error:?}");
    }
    let mut seed = 7_u64;
    for _ in 0..100 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut bytes = whole.clone();
        let at = usize::try_from(seed >> 33).expect("fits") % bytes.len();
        bytes[at] ^= u8::try_from(seed >> 56).expect("fits") | 1;
        folder.write("a.xlsx", &bytes);
        let _ = folder.rows(folder.config());
    }
}

struct Subject {
    folder: Folder,
    home: XlsxHome,
}

impl HomeUnderTest for Subject {
    fn home(&self) -> &dyn Home {
        &self.home
    }

    fn source(&self) -> Source {
        Source::Whole { entity: None }
    }

    fn fill(&self, rows: &[Row]) {
        let raw = self.folder.0.path().join("raw");
        if raw.exists() {
            std::fs::remove_dir_all(&raw).expect("removes");
        }
        let half = rows.len().div_ceil(2).max(1);
        let mut parts: Vec<&[Row]> = rows.chunks(half).collect();
        if parts.is_empty() {
            parts.push(&[]);
        }
        for (at, part) in parts.into_iter().enumerate() {
            let cells: Vec<[String; 2]> = part
                .iter()
                .map(|(id, name)| [format!("n:{id}"), name.as_ref().map_or(String::new(), |name| format!("t:{name}"))])
                .collect();
            let mut table: Vec<Vec<&str>> = vec![vec!["t:id", "t:name"]];
            table.extend(cells.iter().map(|row| row.iter().map(String::as_str).collect()));
            let table: Vec<&[&str]> = table.iter().map(Vec::as_slice).collect();
            self.folder.write(&format!("{at}.xlsx"), &workbook(&[("S", grid(0, 0, &table))]));
        }
    }

    fn follows_id(&self) -> bool {
        false
    }

    fn fingerprint(&self) -> String {
        crate::stores::files::tests::all_below(self.folder.0.path())
    }

    fn root(&self) -> PathBuf {
        self.folder.0.path().to_path_buf()
    }
}

#[test]
fn the_home_keeps_the_laws() {
    home_laws(|| {
        let folder = Folder(tempfile::tempdir().expect("a folder"));
        let home = XlsxHome::new(folder.config());
        Subject { folder, home }
    });
}

/// A cell with a formula, and with its value or without.
fn formula(value: &str) -> String {
    let mut table = grid(0, 0, &[&["t:a", "t:b"], &["n:1", "n:2"]]);
    table = table.replace("<c r=\"B2\"><v>2</v></c>", &format!("<c r=\"B2\"><f>A2+1</f>{value}</c>"));
    assert!(table.contains("<f>"), "{table}");
    table
}

#[test]
fn a_formula_without_its_value_is_told_by_cell_and_no_null() {
    let folder = Folder::of(formula("<v>2</v>"));
    assert_eq!(folder.rows(folder.config()).expect("reads").0.column(1).as_primitive::<Int64Type>().values(), &[2]);
    for nothing in ["", "<v></v>", "<v/>"] {
        let folder = Folder::of(formula(nothing));
        let error = folder.error(folder.config());
        assert_eq!(error.place(), Some("raw/a.xlsx, Sheet1!B2"), "{nothing}: {error:?}");
        assert!(error.kind() == ErrorKind::Refused && error.advice().is_some(), "{error:?}");
        // Outside of what is read it is no matter.
        let part = XlsxHomeConfig { range: Area::parse("A:A").ok(), ..folder.config() };
        assert_eq!(folder.rows(part).expect("reads").0.num_rows(), 1);
    }
}

#[test]
fn columns_are_read_as_the_types_that_are_declared() {
    let rows: [&[&str]; 3] = [
        &["t:zip", "t:price", "t:at", "t:count", "t:code"],
        &["n:1234", "n:12.3", "1:45000", "t:007", "b:1"],
        &["t:01234", "n:5", "2:45000.5", "n:8", ""],
    ];
    let folder = Folder::of(grid(0, 0, &rows));
    let declared = |columns: &[(&str, DataType)]| XlsxHomeConfig {
        columns: columns.iter().map(|(name, data_type)| ((*name).to_owned(), data_type.clone())).collect(),
        ..folder.config()
    };
    let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
    let all = [
        ("zip", DataType::Utf8),
        ("price", DataType::Decimal128(10, 2)),
        ("at", micros),
        ("count", DataType::Int64),
        ("code", DataType::Utf8),
    ];
    let (found, notes) = folder.rows(declared(&all)).expect("reads");
    assert_eq!(notes, [""; 0], "what is declared needs no note");
    let types: Vec<DataType> = found.schema().fields().iter().map(|field| field.data_type().clone()).collect();
    assert_eq!(types, all.clone().map(|(_, data_type)| data_type));
    assert_eq!(texts(&found, 0), [Some("1234"), Some("01234")]);
    assert_eq!(found.column(1).as_primitive::<arrow_array::types::Decimal128Type>().values(), &[1_230, 500]);
    let day = 86_400_000_000;
    let at = found.column(2).as_primitive::<arrow_array::types::TimestampMicrosecondType>();
    assert_eq!(at.values(), &[19_431 * day, 19_431 * day + day / 2]);
    assert_eq!(found.column(3).as_primitive::<Int64Type>().values(), &[7, 8]);
    assert_eq!(texts(&found, 4), [Some("true"), None]);

    let error = folder.error(declared(&[("price", DataType::Int64)]));
    assert_eq!(error.place(), Some("raw/a.xlsx, Sheet1!B2"), "{error:?}");
    assert_eq!(error.advice(), Some(&Advice::Set { part: Part::Home, line: "columns: {price: text}".into() }));
    assert!(!format!("{error:?}").contains("12.3"), "{error:?}");
    let error = folder.error(declared(&[("prize", DataType::Int64)]));
    assert!(error.found().contains("no column prize") && error.advice().is_some(), "{error:?}");

    // A declared type is another question, unless it is what settled.
    let settled = Schema::new(vec![Field::new("count", DataType::Utf8, true)]);
    let before = XlsxHome::new(folder.config()).reading();
    let widened = |data_type: DataType| XlsxHome::new(declared(&[("count", data_type)])).widened(&before, &settled);
    assert_eq!((widened(DataType::Utf8).len(), widened(DataType::Int64).len()), (1, 0));
}

#[test]
fn numbers_and_times_that_a_cell_does_not_keep_are_told_or_stay_texts() {
    let folder = Folder::of(grid(0, 0, &[&["t:id", "t:n"], &["n:9007199254740993", "n:9007199254740991"]]));
    let (found, notes) = folder.rows(folder.config()).expect("reads");
    assert_eq!(found.schema().field(0).data_type(), &DataType::Float64);
    assert_eq!(found.column(1).as_primitive::<Int64Type>().values(), &[9_007_199_254_740_991]);
    assert!(notes.len() == 1 && notes[0].contains("column id holds whole numbers of more than 15 digits"), "{notes:?}");

    let iso = |text: &str| {
        let table = grid(0, 0, &[&["t:at"], &["n:1"]]);
        Folder::of(table.replace("<c r=\"A2\"><v>1</v></c>", &format!("<c r=\"A2\" t=\"d\"><v>{text}</v></c>")))
    };
    let folder = iso("2020-01-02T03:04:05.123");
    let (found, _) = folder.rows(folder.config()).expect("reads");
    assert_eq!(found.column(0).as_primitive::<TimestampMillisecondType>().values(), &[1_577_934_245_123]);
    let folder = iso("2020-01-02T03:04:05.123456");
    assert_eq!(texts(&folder.rows(folder.config()).expect("reads").0, 0), [Some("2020-01-02T03:04:05.123456")]);
}

#[test]
fn a_sheet_streams_by_and_is_not_held_whole() {
    // A text that is shared stands in the file once, and 4,000 times in the rows.
    let text = "long ".repeat(8_000);
    let mut cells = String::from(r#"<sheetData><row r="1"><c r="A1" t="s"><v>1</v></c></row>"#);
    for row in 2..4_002 {
        put(&mut cells, format_args!(r#"<row r="{row}"><c r="A{row}" t="s"><v>0</v></c></row>"#));
    }
    let folder = Folder(tempfile::tempdir().expect("a folder"));
    folder.write("a.xlsx", &shared(&workbook(&[("S", cells + "</sheetData>")]), &[&text, "text"]));
    let scan = folder.scan(folder.config(), &request()).expect("opens");
    let ctx = context(folder.0.path().to_path_buf());
    let small = Context { budget: hygge_core::budget::Budget::new(16 << 20, 1).expect("enough"), ..ctx };
    let split = split_context(&small, 8_192);
    let mut stream = scan.read(&scan.splits()[0], &split).expect("opens");
    let mut rows = 0;
    while let Some(batch) = stream.next().expect("fits") {
        assert!(hygge_core::cut::Cut::size(&batch.rows) <= split.batch_bytes());
        rows += batch.rows.num_rows();
    }
    assert_eq!(rows, 4_000);
    // Whoever asks no more is not waited for.
    let mut stream = scan.read(&scan.splits()[0], &split).expect("opens");
    assert!(stream.next().expect("fits").is_some());
    drop(stream);
}

/// A workbook with shared texts.
fn shared(workbook: &[u8], texts: &[&str]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new_append(std::io::Cursor::new(workbook.to_vec())).expect("a workbook");
    zip.start_file("xl/sharedStrings.xml", zip::write::SimpleFileOptions::default()).expect("begins");
    let mut all = String::new();
    for text in texts {
        put(&mut all, format_args!("<si><t>{text}</t></si>"));
    }
    write!(zip, r#"<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{all}</sst>"#)
        .expect("writes");
    zip.finish().expect("finishes").into_inner()
}

#[test]
fn a_cell_outside_of_the_sheet_is_an_error_and_no_row_before_it() {
    for (cell, at) in [("A1048577", "A1048577"), ("A4294967295", "A4294967295"), ("XFE1", "XFE1")] {
        let inside = format!(
            r#"<sheetData><row r="1"><c r="A1"><v>1</v></c></row><row><c r="{cell}"><v>2</v></c></row></sheetData>"#
        );
        let folder = Folder::of(inside);
        let error = folder.error(folder.config());
        assert_eq!(error.place(), Some(format!("raw/a.xlsx, Sheet1!{at}").as_str()), "{error:?}");
    }
    let folder = Folder::of(grid(1_048_574, 16_383, &[&["t:a"], &["n:1"]]));
    assert_eq!(folder.rows(folder.config()).expect("reads").0.num_rows(), 1);
}

#[test]
fn times_too_far_off_to_have_milliseconds_are_numbers() {
    let far = grid(0, 0, &[&["t:span", "t:day"], &["4:-1e300", "1:1e300"], &["4:1e20", "2:-1e18"]]);
    let folder = Folder::of(far);
    let (rows, _) = folder.rows(folder.config()).expect("reads");
    assert_eq!(rows.column(0).as_primitive::<Float64Type>().values(), &[-1e300, 1e20]);
    assert_eq!(rows.column(1).as_primitive::<Float64Type>().values(), &[1e300, -1e18]);
}

#[test]
fn the_fuzzing_corpus_of_workbooks_holds() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut count, mut whole) = (0, 0);
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/xlsx")).expect("the corpus")
    {
        let path = entry.expect("a file").path();
        let bytes = std::fs::read(&path).expect("a file");
        std::fs::write(dir.path().join("any.xlsx"), super::fuzzed::of(&bytes)).expect("writes");
        let home = XlsxHome::new(XlsxHomeConfig { path: "any.xlsx".into(), ..config(dir.path()) });
        let found = crate::homes::files::fuzzed::check(&home, dir.path(), crate::homes::files::fuzzed::Said::Counted);
        whole += usize::from(found.is_some());
        count += 1;
    }
    assert!(count > 10 && whole > 5, "the corpus has {count} sheets, of which {whole} are whole");
}
