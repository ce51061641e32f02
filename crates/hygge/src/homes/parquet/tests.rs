use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use hygge_core::conformance::{Row, batch, context, home_laws, rows, split_context};
use hygge_core::home::{CursorSpec, ReadRequest, Rewound, Scan, Since, Source};
use hygge_core::watermark::{EDGE_LIMIT, Edge, Watermark};
use hygge_core::{Advice, Error, Part, Retry};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::ParquetHome;
use crate::homes::files::fuzzed::{Said, replay};
use crate::homes::files::tests::{Subject, batches, scan};

/// Writes a file, with row groups of at most `group` rows.
fn write(path: &Path, batch: &RecordBatch, group: usize, statistics: bool) {
    std::fs::create_dir_all(path.parent().expect("has a parent")).expect("a folder");
    let level = if statistics { EnabledStatistics::Chunk } else { EnabledStatistics::None };
    let properties =
        WriterProperties::builder().set_max_row_group_row_count(Some(group)).set_statistics_enabled(level).build();
    let file = std::fs::File::create(path).expect("creates");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).expect("begins");
    writer.write(batch).expect("writes");
    writer.close().expect("closes");
}

fn one_column(name: &str, column: ArrayRef) -> RecordBatch {
    RecordBatch::try_from_iter([(name, column)]).expect("a batch")
}

fn numbers(name: &str, values: impl IntoIterator<Item = i64>) -> RecordBatch {
    one_column(name, Arc::new(Int64Array::from_iter_values(values)))
}

fn subject(statistics: bool) -> Subject<ParquetHome> {
    let home = |root: &Path| ParquetHome::new(root, "raw");
    let put = move |raw: &Path, i: usize, rows: &[Row]| {
        write(&raw.join(format!("part-{i}.parquet")), &batch(rows), 90, statistics);
    };
    Subject::new(home, put).that_follows()
}

#[test]
fn the_home_keeps_the_laws() {
    home_laws(|| subject(true));
}

#[test]
fn the_home_keeps_the_laws_without_statistics() {
    home_laws(|| subject(false));
}

fn request() -> ReadRequest {
    ReadRequest { exact_edge: true, readers: 4, ..ReadRequest::all(Source::Whole { entity: None }) }
}

fn by(column: &str) -> CursorSpec {
    CursorSpec { column: Some(column.into()), ..CursorSpec::default() }
}

fn open(root: &Path, request: &ReadRequest) -> hygge_core::Result<Box<dyn Scan>> {
    scan(&ParquetHome::new(root, "raw"), root, request)
}

fn refusal(root: &Path, request: &ReadRequest) -> Error {
    open(root, request).err().expect("must fail")
}

/// All rows of the first column, by split.
fn read(scan: &dyn Scan, root: &Path) -> Vec<Vec<i64>> {
    let first = |batch: &RecordBatch| batch.column(0).as_primitive::<Int64Type>().values().to_vec();
    let splits = batches(scan, &context(root.to_path_buf())).expect("reads");
    splits.iter().map(|split| split.iter().flat_map(first).collect()).collect()
}

fn since(scan: &dyn Scan) -> Since {
    let bound = scan.bound().cloned().expect("a bound");
    Since { watermark: Some(Watermark { bound, edge: Edge::empty() }), state: None }
}

#[test]
fn an_empty_selection_of_files_and_nonsense_are_told() {
    let dir = tempfile::tempdir().expect("a folder");
    write(&dir.path().join("raw/a.parquet"), &numbers("n", 0..10), 100, true);
    let error = refusal(dir.path(), &ReadRequest { filter: Some("n > 1".into()), ..request() });
    assert!(error.found().contains("filtered"), "{error:?}");
    let error = refusal(dir.path(), &ReadRequest { source: Source::Table("t".into()), ..request() });
    assert!(error.advice().is_some());
    let error = refusal(dir.path(), &ReadRequest { cursor: Some(CursorSpec::default()), ..request() });
    assert!(error.found().contains("no key"), "{error:?}");
}

#[test]
fn a_damaged_file_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("raw/a.parquet");
    write(&path, &batch(&rows(0, 5_000)), 1_000, true);
    let whole = std::fs::read(&path).expect("reads");
    std::fs::write(&path, &whole[..whole.len() / 2]).expect("writes");
    let error = refusal(dir.path(), &request());
    assert_eq!(error.place(), Some("raw/a.parquet"));
    assert_eq!(error.kind(), hygge_core::ErrorKind::Refused);
    // Damage anywhere is an error or harmless, never a crash and never other rows than were written, silently more.
    let mut seed = 7_u64;
    for _ in 0..200 {
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

#[test]
fn files_must_agree_and_the_one_that_does_not_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    write(&dir.path().join("raw/a.parquet"), &numbers("n", 0..3), 10, true);
    write(&dir.path().join("raw/b.parquet"), &one_column("n", Arc::new(StringArray::from(vec!["x"]))), 10, true);
    let error = refusal(dir.path(), &request());
    assert_eq!(error.place(), Some("raw/b.parquet"));
    assert!(error.found().contains("column n") && error.found().contains("raw/a.parquet"), "{error}");
    write(&dir.path().join("raw/b.parquet"), &numbers("m", 0..3), 10, true);
    assert!(refusal(dir.path(), &request()).found().contains("no column n"));
    // Whether NULLs may come is no difference.
    write(
        &dir.path().join("raw/b.parquet"),
        &one_column("n", Arc::new(Int64Array::from(vec![Some(7), None]))),
        10,
        true,
    );
    let scan = open(dir.path(), &request()).expect("opens");
    assert!(scan.schema().field(0).is_nullable());
    assert_eq!(read(scan.as_ref(), dir.path()).concat(), [0, 1, 2, 7, 0]);
}

#[test]
fn a_change_under_the_scan_is_seen() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("raw/a.parquet");
    write(&path, &numbers("n", 0..10), 10, true);
    let scan = open(dir.path(), &request()).expect("opens");
    write(&path, &numbers("n", 0..11), 10, true);
    let error = scan.finish(&context(dir.path().to_path_buf())).expect_err("must fail");
    assert_eq!(error.retry(), Retry::Run);
}

#[test]
fn files_are_appended_once_and_only_new_ones_are_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let ctx = context(dir.path().to_path_buf());
    write(&dir.path().join("raw/a.parquet"), &numbers("n", 0..10), 10, true);
    let once = ReadRequest { skip_settled: true, ..request() };
    let state = open(dir.path(), &once).expect("opens").finish(&ctx).expect("finishes");
    write(&dir.path().join("raw/b.parquet"), &numbers("n", 10..15), 10, true);
    let again = ReadRequest { since: Some(Since { watermark: None, state }), ..once };
    let scan = open(dir.path(), &again).expect("opens");
    assert_eq!(read(scan.as_ref(), dir.path()).concat(), (10..15).collect::<Vec<_>>());
}

#[test]
fn a_cursor_that_was_not_asked_for_is_read_and_not_handed_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let at: ArrayRef = Arc::new(TimestampMicrosecondArray::from_iter_values((0..100).map(|i| i / 10)));
    let n: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100));
    let both = RecordBatch::try_from_iter([("at", at), ("n", n)]).expect("a batch");
    write(&dir.path().join("raw/a.parquet"), &both, 20, true);
    let first = ReadRequest { columns: Some(vec!["n".into()]), cursor: Some(by("at")), ..request() };
    let scan = open(dir.path(), &first).expect("opens");
    assert_eq!(scan.bound().map(|b| b.upper.as_str()), Some("1970-01-01T00:00:00.000009"));
    assert_eq!(read(scan.as_ref(), dir.path()).concat(), (0..100).collect::<Vec<_>>());
    let next = ReadRequest { since: Some(since(scan.as_ref())), ..first };
    let scan = open(dir.path(), &next).expect("opens");
    assert_eq!(read(scan.as_ref(), dir.path()), [(90..100).collect::<Vec<_>>()], "the window and nothing else");
    assert!(scan.splits()[0].window);
}

#[test]
fn too_many_ties_wait_for_a_greater_value() {
    let dir = tempfile::tempdir().expect("a folder");
    let many = i64::try_from(EDGE_LIMIT).expect("fits") + 1;
    let ties = || std::iter::repeat_n(5, usize::try_from(many).expect("fits"));
    write(&dir.path().join("raw/a.parquet"), &numbers("n", (0..5).chain(ties())), 1 << 20, true);
    let first = ReadRequest { cursor: Some(by("n")), ..request() };
    let scan = open(dir.path(), &first).expect("opens");
    assert!(!scan.bound().expect("a bound").inclusive);
    let told = "more than 100,000 rows share the greatest n: they are left until a greater one is there";
    assert_eq!(scan.notes().iter().map(|note| note.text.as_str()).collect::<Vec<_>>(), [told]);
    assert_eq!(read(scan.as_ref(), dir.path()).concat(), [0, 1, 2, 3, 4]);
    write(&dir.path().join("raw/b.parquet"), &numbers("n", [6]), 10, true);
    let next = ReadRequest { since: Some(since(scan.as_ref())), ..first.clone() };
    let scan = open(dir.path(), &next).expect("opens");
    let found = read(scan.as_ref(), dir.path()).concat();
    assert_eq!(found.len(), EDGE_LIMIT + 2, "those that waited, and the new one");
    assert!(scan.bound().expect("a bound").inclusive);
    // Rows that were read and then became too many cannot be told apart.
    write(&dir.path().join("raw/b.parquet"), &numbers("n", std::iter::repeat_n(6, EDGE_LIMIT + 2)), 1 << 20, true);
    let error = refusal(dir.path(), &ReadRequest { since: Some(since(scan.as_ref())), ..first });
    assert!(error.found().contains("too many"), "{error:?}");
}

#[test]
fn nulls_the_future_and_a_source_that_went_back_have_policies() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("raw/a.parquet");
    let holed = one_column("n", Arc::new(Int64Array::from(vec![Some(1), None, Some(3)])));
    write(&path, &holed, 10, true);
    let first = ReadRequest { cursor: Some(by("n")), ..request() };
    assert_eq!(refusal(dir.path(), &first).found(), "1 row has no n: an incremental flow would never see it");
    let odd = one_column("the day: ", Arc::new(Int64Array::from(vec![None, None, Some(3)])));
    write(&dir.path().join("raw/a.parquet"), &odd, 10, true);
    let error = refusal(dir.path(), &ReadRequest { cursor: Some(by("the day: ")), ..request() });
    assert_eq!(error.found(), "2 rows have no the day: : an incremental flow would never see them");
    let line = "watermark: {column: \"the day: \", nulls: skip}".to_owned();
    assert_eq!(error.advice(), Some(&Advice::Set { part: Part::Flow, line }));
    write(&path, &holed, 10, true);
    let skip = CursorSpec { nulls: hygge_core::home::NullCursor::Skip, ..by("n") };
    let scan = open(dir.path(), &ReadRequest { cursor: Some(skip), ..first.clone() }).expect("opens");
    assert_eq!(read(scan.as_ref(), dir.path()).concat(), [1, 3]);
    assert_eq!(scan.notes().len(), 1);
    let seen = Some(since(scan.as_ref()));

    write(&path, &numbers("n", [1, 2]), 10, true);
    assert!(refusal(dir.path(), &ReadRequest { since: seen.clone(), ..first.clone() }).found().contains("went back"));
    let ignore = CursorSpec { rewound: Rewound::Ignore, ..by("n") };
    let again = ReadRequest { since: seen, cursor: Some(ignore), ..first.clone() };
    let scan = open(dir.path(), &again).expect("opens");
    assert_eq!(scan.bound().map(|b| b.upper.as_str()), Some("3"), "followed from where it had been");
    assert!(read(scan.as_ref(), dir.path()).concat().is_empty());

    let far: ArrayRef = Arc::new(TimestampMicrosecondArray::from_iter_values([i64::MAX / 2]));
    write(&path, &one_column("n", far), 10, true);
    assert!(refusal(dir.path(), &first).found().contains("not come yet"));
    let allow = CursorSpec { future: hygge_core::home::Future::Allow, ..by("n") };
    open(dir.path(), &ReadRequest { cursor: Some(allow), ..first }).expect("opens");
}

#[test]
fn a_lookback_reads_again_what_it_remembers_and_no_more() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("raw/a.parquet");
    write(&path, &numbers("n", 0..100), 10, true);
    let spec = |lookback: &str| CursorSpec { lookback: Some(lookback.into()), ..by("n") };
    let first = ReadRequest { cursor: Some(spec("10")), ..request() };
    let scan = open(dir.path(), &first).expect("opens");
    assert_eq!(scan.bound().map(|b| b.low.as_str()), Some("89"));
    let seen = Some(since(scan.as_ref()));
    write(&path, &numbers("n", 0..105), 10, true);
    let wider = ReadRequest { cursor: Some(spec("50")), since: seen, ..first.clone() };
    let scan = open(dir.path(), &wider).expect("opens");
    let found = read(scan.as_ref(), dir.path());
    assert_eq!(found, [(89..100).collect::<Vec<_>>(), (100..105).collect()]);
    assert_eq!(scan.bound().map(|b| b.low.as_str()), Some("89"), "nothing below is remembered");
    for bad in ["2h", "-1", ""] {
        assert!(refusal(dir.path(), &ReadRequest { cursor: Some(spec(bad)), ..first.clone() }).advice().is_some());
    }
}

#[test]
fn texts_are_followed_though_statistics_cut_them_short() {
    let dir = tempfile::tempdir().expect("a folder");
    let long = "z".repeat(200);
    let texts = StringArray::from(vec!["a".to_owned(), format!("{long}1"), format!("{long}2")]);
    write(&dir.path().join("raw/a.parquet"), &one_column("key", Arc::new(texts)), 10, true);
    let scan = open(dir.path(), &ReadRequest { cursor: Some(by("key")), ..request() }).expect("opens");
    assert_eq!(scan.bound().map(|b| b.upper.clone()), Some(format!("{long}2")));
}

#[test]
fn wide_texts_are_cut_to_the_share() {
    let dir = tempfile::tempdir().expect("a folder");
    let wide = "x".repeat(100_000);
    let texts = StringArray::from_iter_values((0..400).map(|i| format!("{}{wide}", i % 3)));
    write(&dir.path().join("raw/a.parquet"), &one_column("text", Arc::new(texts)), 1_000, false);
    let scan = open(dir.path(), &request()).expect("opens");
    let ctx = split_context(&context(dir.path().to_path_buf()), 100_000);
    let mut stream = scan.read(&scan.splits()[0], &ctx).expect("opens");
    let mut rows = 0;
    while let Some(batch) = stream.next().expect("reads") {
        // The look at the first rows may be larger than what is handed on.
        assert!(batch.rows.num_rows() * 100_000 <= 2 * ctx.batch_bytes(), "{} rows", batch.rows.num_rows());
        rows += batch.rows.num_rows();
    }
    assert_eq!(rows, 400);
}

#[test]
fn times_of_any_zone_are_followed() {
    for zone in ["UTC", "+02:00", "Europe/Oslo"] {
        let dir = tempfile::tempdir().expect("a folder");
        let times = TimestampMicrosecondArray::from(vec![3, 1, 2]).with_timezone(zone);
        let ids: ArrayRef = Arc::new(Int64Array::from(vec![30, 10, 20]));
        let rows = RecordBatch::try_from_iter([("n", ids), ("at", Arc::new(times) as ArrayRef)]).expect("a batch");
        write(&dir.path().join("raw/a.parquet"), &rows, 10, true);
        let ask = ReadRequest { cursor: Some(by("at")), ..request() };
        let scan = open(dir.path(), &ask).expect("opens");
        assert_eq!(scan.bound().expect("a bound").upper, "1970-01-01T00:00:00.000003Z", "{zone}");
        assert_eq!(read(&*scan, dir.path()), [[30, 10, 20]], "{zone}");
        let next = ReadRequest { since: Some(since(&*scan)), ..ask };
        assert_eq!(read(&*open(dir.path(), &next).expect("opens"), dir.path()).concat(), [30], "{zone}");
    }
}

#[test]
fn the_fuzzing_corpus_of_parquet_holds() {
    let home = |root: &Path| ParquetHome::new(root, "any.parquet");
    replay("parquet", "any.parquet", home, Said::Counted, (15, 10));
}
