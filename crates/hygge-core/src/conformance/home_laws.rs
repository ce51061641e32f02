//! The laws that a home must keep.

use std::sync::Mutex;

use super::{Law, Row, context, rows, rows_of, schema, split_context};
use crate::context::Context;
use crate::home::{CursorSpec, Home, Opened, ReadRequest, Repeat, Scan, Since, Source};
use crate::watermark::{Edge, Watermark};
use crate::{ErrorKind, Result};

/// A home that can be filled with rows of the laws' table.
pub trait HomeUnderTest {
    /// The home.
    fn home(&self) -> &dyn Home;

    /// What to ask it for.
    fn source(&self) -> Source;

    /// Makes it hold exactly these rows, in any order.
    fn fill(&self, rows: &[Row]);

    /// Whether it can follow the column `id`.
    fn follows_id(&self) -> bool;

    /// A text that changes when anything at all is written to the home.
    fn fingerprint(&self) -> String;

    /// Where relative paths start.
    fn root(&self) -> std::path::PathBuf;
}

/// Puts a home to every law; `fresh` makes one each time.
///
/// # Panics
/// When a law is broken.
pub fn home_laws<T: HomeUnderTest + Sync>(fresh: impl Fn() -> T) {
    let laws: &[Law<T>] = &[
        ("splits cover every row once", splits_cover_once),
        ("a split can be read again, and by several threads at once", splits_repeat),
        ("batches are cut by rows", batches_are_cut),
        ("batches are cut by bytes", batches_are_cut_by_bytes),
        ("a stream ends when the run is told to stop", stops),
        ("chosen columns come in the order asked", columns_are_chosen),
        ("planning leaves no trace", planning_leaves_no_trace),
        ("an empty home has columns and no rows", empty_home),
        ("unchanged is told only when nothing changed", unchanged),
        ("a cursor reads on from where it was, ties included", cursor_reads_on),
        ("a source that went back is not silence", rewound),
        ("an unknown column is refused", unknown_column),
        ("a condition is obeyed or refused", condition),
        ("a cursor is followed or refused", cursor_or_refusal),
        ("what has settled is left out, or that is refused", settled_is_left_out),
    ];
    for (name, law) in laws {
        let subject = fresh();
        if let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| law(&subject))) {
            let text = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
                .unwrap_or_default();
            panic!("law broken: {name}: {text}");
        }
    }
}

fn request<T: HomeUnderTest>(subject: &T) -> ReadRequest {
    ReadRequest { readers: 3, split_bytes: 2_000, ..ReadRequest::all(subject.source()) }
}

fn opened<T: HomeUnderTest>(subject: &T, ctx: &Context, request: &ReadRequest) -> Box<dyn Scan> {
    match subject.home().open(ctx, request).expect("the home opens") {
        Opened::Scan(scan) => scan,
        Opened::Unchanged(how) => panic!("called itself unchanged: {}", how.why),
    }
}

fn read(scan: &dyn Scan, ctx: &Context) -> Vec<Row> {
    let mut found = Vec::new();
    for split in scan.splits() {
        let ctx = split_context(ctx, 50);
        let mut stream = scan.read(split, &ctx).expect("the split opens");
        while let Some(batch) = stream.next().expect("the split is read") {
            assert_eq!(batch.rows.schema().fields().len(), scan.schema().fields().len());
            for (field, column) in scan.schema().fields().iter().zip(batch.rows.columns()) {
                assert_eq!(field.data_type(), column.data_type(), "batches must match the schema");
            }
            found.extend(rows_of(&batch.rows));
        }
    }
    found.sort();
    found
}

fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort();
    rows
}

fn splits_cover_once<T: HomeUnderTest>(subject: &T) {
    subject.fill(&rows(-500, 1_500));
    let ctx = context(subject.root());
    let scan = opened(subject, &ctx, &request(subject));
    assert!(scan.splits().iter().enumerate().all(|(i, s)| s.ordinal as usize == i), "splits are numbered from 0");
    if scan.repeat() == Repeat::Once {
        assert_eq!(scan.splits().len(), 1, "a scan that cannot be repeated has one split");
    }
    for (ours, theirs) in schema().fields().iter().zip(scan.schema().fields()) {
        assert_eq!((ours.name(), ours.data_type()), (theirs.name(), theirs.data_type()));
    }
    assert_eq!(read(scan.as_ref(), &ctx), sorted(rows(-500, 1_500)));
    scan.finish(&ctx).expect("nothing changed");
}

fn splits_repeat<T: HomeUnderTest>(subject: &T) {
    subject.fill(&rows(0, 2_000));
    let ctx = context(subject.root());
    let scan = opened(subject, &ctx, &request(subject));
    if scan.repeat() == Repeat::Once {
        return;
    }
    // An attempt given up in the middle, then all splits at once.
    if let Some(first) = scan.splits().first() {
        let ctx = split_context(&ctx, 10);
        let mut stream = scan.read(first, &ctx).expect("the split opens");
        stream.next().expect("a batch");
    }
    let found: Mutex<Vec<Row>> = Mutex::default();
    for chunk in scan.splits().chunks(3) {
        std::thread::scope(|scope| {
            for split in chunk {
                let (scan, ctx, found) = (scan.as_ref(), &ctx, &found);
                scope.spawn(move || {
                    let ctx = split_context(ctx, 64);
                    let mut stream = scan.read(split, &ctx).expect("the split opens");
                    while let Some(batch) = stream.next().expect("the split is read") {
                        found.lock().expect("no panic").extend(rows_of(&batch.rows));
                    }
                });
            }
        });
    }
    assert_eq!(sorted(found.into_inner().expect("no panic")), sorted(rows(0, 2_000)));
    scan.finish(&ctx).expect("nothing changed");
}

fn batches_are_cut<T: HomeUnderTest>(subject: &T) {
    subject.fill(&rows(0, 300));
    let ctx = context(subject.root());
    let scan = opened(subject, &ctx, &request(subject));
    for split in scan.splits() {
        let ctx = split_context(&ctx, 17);
        let mut stream = scan.read(split, &ctx).expect("the split opens");
        while let Some(batch) = stream.next().expect("read") {
            assert!((1..=17).contains(&batch.rows.num_rows()), "a batch of {} rows", batch.rows.num_rows());
        }
    }
}

/// What is in flight is bounded by memory, however long the rows are.
fn batches_are_cut_by_bytes<T: HomeUnderTest>(subject: &T) {
    const LONG: usize = 16 << 10;
    let long: Vec<Row> = (0..320).map(|id| (id, Some("x".repeat(LONG)))).collect();
    subject.fill(&long);
    let ctx = context(subject.root());
    let scan = opened(subject, &ctx, &request(subject));
    let mut found = Vec::new();
    for split in scan.splits() {
        let ctx = split_context(&ctx, 8_192);
        let mut stream = scan.read(split, &ctx).expect("the split opens");
        while let Some(batch) = stream.next().expect("read") {
            let (bytes, most) = (batch.rows.num_rows() * LONG, ctx.batch_bytes());
            assert!(bytes <= 2 * most, "a batch of {bytes} bytes, where about {most} are taken");
            found.extend(rows_of(&batch.rows));
        }
    }
    assert!(sorted(found) == long, "the rows are not those that were there");
}

fn stops<T: HomeUnderTest>(subject: &T) {
    subject.fill(&rows(0, 2_000));
    let ctx = context(subject.root());
    let scan = opened(subject, &ctx, &request(subject));
    let Some(split) = scan.splits().first() else { return };
    let split_ctx = split_context(&ctx, 2);
    let mut stream = scan.read(split, &split_ctx).expect("the split opens");
    stream.next().expect("a batch");
    ctx.cancel.cancel("the law says so");
    loop {
        match stream.next() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it read on to the end"),
            Err(error) => return assert_eq!(error.kind(), ErrorKind::Cancelled, "{error:?}"),
        }
    }
}

fn columns_are_chosen<T: HomeUnderTest>(subject: &T) {
    subject.fill(&rows(0, 30));
    let ctx = context(subject.root());
    let request = ReadRequest { columns: Some(vec!["name".into(), "id".into()]), ..request(subject) };
    let scan = opened(subject, &ctx, &request);
    let names: Vec<String> = scan.schema().fields().iter().map(|f| f.name().clone()).collect();
    assert_eq!(names, ["name", "id"]);
    let mut count = 0;
    for split in scan.splits() {
        let ctx = split_context(&ctx, 100);
        let mut stream = scan.read(split, &ctx).expect("the split opens");
        while let Some(batch) = stream.next().expect("read") {
            count += batch.rows.num_rows();
            assert_eq!(batch.rows.schema().field(0).name(), "name");
        }
    }
    assert_eq!(count, 30);
}

fn planning_leaves_no_trace<T: HomeUnderTest>(subject: &T) {
    subject.fill(&rows(0, 100));
    let before = subject.fingerprint();
    let ctx = context(subject.root());
    let request = ReadRequest { plan_only: true, readers: 1, ..request(subject) };
    let scan = opened(subject, &ctx, &request);
    scan.finish(&ctx).expect("nothing changed");
    subject.home().check(&ctx, &subject.source(), false).expect("checked");
    assert_eq!(subject.fingerprint(), before);
}

fn empty_home<T: HomeUnderTest>(subject: &T) {
    subject.fill(&[]);
    let ctx = context(subject.root());
    let scan = opened(subject, &ctx, &request(subject));
    assert_eq!(scan.schema().fields().len(), 2);
    assert!(read(scan.as_ref(), &ctx).is_empty());
    scan.finish(&ctx).expect("nothing changed");
}

fn unchanged<T: HomeUnderTest>(subject: &T) {
    subject.fill(&rows(0, 100));
    let ctx = context(subject.root());
    let scan = opened(subject, &ctx, &request(subject));
    read(scan.as_ref(), &ctx);
    let Some(state) = scan.finish(&ctx).expect("nothing changed") else { return };
    let since = Some(Since { watermark: None, state: Some(state) });
    let again = ReadRequest { since, ..request(subject) };
    assert!(matches!(subject.home().open(&ctx, &again).expect("opens"), Opened::Unchanged(_)), "nothing has changed");
    let forced = ReadRequest { force: true, ..again.clone() };
    assert_eq!(read(opened(subject, &ctx, &forced).as_ref(), &ctx).len(), 100, "--force reads all the same");
    subject.fill(&rows(0, 101));
    let scan = opened(subject, &ctx, &again);
    assert_eq!(read(scan.as_ref(), &ctx).len(), 101, "what changed is read whole");
}

fn by_id<T: HomeUnderTest>(subject: &T, watermark: Option<Watermark>) -> ReadRequest {
    ReadRequest {
        cursor: Some(CursorSpec { column: Some("id".into()), ..CursorSpec::default() }),
        since: Some(Since { watermark, state: None }),
        exact_edge: true,
        ..request(subject)
    }
}

/// Reads rows from the watermark on; the rows that come again are those that the engine would drop.
fn cursor_reads_on<T: HomeUnderTest>(subject: &T) {
    if !subject.follows_id() {
        return;
    }
    subject.fill(&rows(0, 200));
    let ctx = context(subject.root());
    let scan = opened(subject, &ctx, &by_id(subject, None));
    assert_eq!(read(scan.as_ref(), &ctx), sorted(rows(0, 200)));
    let bound = scan.bound().cloned().expect("a scan with a cursor has an end");
    assert_eq!((bound.upper.as_str(), bound.inclusive), ("199", true));
    for split in scan.splits() {
        let ctx = split_context(&ctx, 50);
        let mut stream = scan.read(split, &ctx).expect("the split opens");
        while let Some(batch) = stream.next().expect("read") {
            let edge = batch.edge.expect("a scan with a bound says which rows lie at its edge");
            for (row, at_edge) in rows_of(&batch.rows).iter().zip(edge.iter()) {
                assert_eq!(at_edge, Some(row.0 >= 199), "row {}", row.0);
            }
        }
    }
    scan.finish(&ctx).expect("nothing changed");
    subject.fill(&rows(0, 260));
    let scan = opened(subject, &ctx, &by_id(subject, Some(Watermark { bound, edge: Edge::empty() })));
    let found = read(scan.as_ref(), &ctx);
    assert_eq!(found.iter().filter(|(id, _)| *id > 199).count(), 60, "all that is new");
    assert!(found.iter().all(|(id, _)| *id >= 199), "nothing below the watermark");
    assert_eq!(scan.bound().map(|b| b.upper.as_str()), Some("259"));
    assert!(scan.splits().iter().filter(|s| s.window).count() <= 1, "the window lies in one split");
}

fn rewound<T: HomeUnderTest>(subject: &T) {
    if !subject.follows_id() {
        return;
    }
    subject.fill(&rows(0, 200));
    let ctx = context(subject.root());
    let scan = opened(subject, &ctx, &by_id(subject, None));
    let bound = scan.bound().cloned().expect("an end");
    drop(scan);
    for less in [100, 0] {
        subject.fill(&rows(0, less));
        let watermark = Some(Watermark { bound: bound.clone(), edge: Edge::empty() });
        let answer: Result<Opened> = subject.home().open(&ctx, &by_id(subject, watermark));
        assert!(answer.is_err(), "a source of {less} rows, read to 199 before, was taken silently");
    }
}

/// Reads all of a scan that is asked for in a way that not every home knows; none where it refuses.
fn answered<T: HomeUnderTest>(subject: &T, ctx: &Context, request: &ReadRequest) -> Option<Box<dyn Scan>> {
    match subject.home().open(ctx, request) {
        Err(_) => None,
        Ok(Opened::Scan(scan)) => Some(scan),
        Ok(Opened::Unchanged(how)) => panic!("called itself unchanged: {}", how.why),
    }
}

fn condition<T: HomeUnderTest>(subject: &T) {
    subject.fill(&rows(0, 30));
    let ctx = context(subject.root());
    let request = ReadRequest { filter: Some("id < 5".into()), ..request(subject) };
    if let Some(scan) = answered(subject, &ctx, &request) {
        assert_eq!(read(scan.as_ref(), &ctx), sorted(rows(0, 5)), "rows for which `id < 5` holds");
    }
}

fn cursor_or_refusal<T: HomeUnderTest>(subject: &T) {
    subject.fill(&rows(0, 30));
    let ctx = context(subject.root());
    let scan = answered(subject, &ctx, &by_id(subject, None));
    assert!(scan.is_some() || !subject.follows_id(), "the home follows `id`, and refused to");
    assert!(scan.is_none_or(|scan| scan.bound().is_some()), "a cursor was asked for and passed over");
}

/// Where rows are appended without a cursor, the home alone keeps them from coming twice.
fn settled_is_left_out<T: HomeUnderTest>(subject: &T) {
    subject.fill(&rows(0, 30));
    let ctx = context(subject.root());
    let first = ReadRequest { skip_settled: true, exact_edge: true, ..request(subject) };
    let Some(scan) = answered(subject, &ctx, &first) else { return };
    assert_eq!(read(scan.as_ref(), &ctx), sorted(rows(0, 30)));
    let state = scan.finish(&ctx).expect("nothing changed");
    let state = Some(state.expect("it must remember what settled, or refuse to leave it out"));
    let again = ReadRequest { since: Some(Since { watermark: None, state }), ..first };
    let twice = "rows that have settled came again";
    if let Opened::Scan(scan) = subject.home().open(&ctx, &again).expect("nothing has changed") {
        assert!(read(scan.as_ref(), &ctx).is_empty(), "{twice}");
    }
    subject.fill(&rows(0, 40));
    if let Ok(Opened::Scan(scan)) = subject.home().open(&ctx, &again) {
        assert!(read(scan.as_ref(), &ctx).iter().all(|(id, _)| *id >= 30), "{twice}");
    }
}

fn unknown_column<T: HomeUnderTest>(subject: &T) {
    subject.fill(&rows(0, 10));
    let ctx = context(subject.root());
    let request = ReadRequest { columns: Some(vec!["nmae".into()]), ..request(subject) };
    let error = subject.home().open(&ctx, &request).err().expect("must be refused");
    assert!(error.to_string().contains("nmae"), "{error:?}");
}
