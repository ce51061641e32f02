//! The laws that a store must keep.

use std::sync::Arc;

use super::{Law, Row, batch, context, rows, rows_of, schema, split_context};
use crate::context::{Context, SplitContext};
use crate::place::PlaceId;
use crate::receipt::{Mode, Owner, Question, RECEIPT_FORMAT, Receipt, Replaced};
use crate::split::{Split, Staged};
use crate::store::{Attempt, Commit, Coverage, Load, LoadSpec, Place, Settled, Store};
use crate::tally::{Tallier, Tally};
use crate::{ErrorKind, Result};

/// A store with one place, and a way to look at it from outside.
pub trait StoreUnderTest {
    /// A store as another process would have it: nothing shared in memory with the last one, where that is possible.
    fn store(&self) -> Arc<dyn Store>;

    /// What readers see in the place, read without the store's own code; none where there is no place yet.
    fn visible(&self) -> Option<Vec<Row>>;

    /// Takes away the lock as if its file had been removed; false where that cannot happen.
    fn lose_lock(&self) -> bool;

    /// A text that changes when anything at all is written; for the laws of what leaves no trace.
    fn fingerprint(&self) -> String;

    /// Where relative paths start.
    fn root(&self) -> std::path::PathBuf;
}

/// Puts stores to every law; `fresh` makes an empty place each time.
///
/// A store that declares no `staging` is held to fewer: its rows may be seen before the load has ended, but they are all
/// there afterwards, it has one holder at a time, its plan says what does not hold, and it makes up no receipts.
///
/// # Panics
/// When a law is broken.
pub fn store_laws<T: StoreUnderTest>(fresh: impl Fn() -> T) {
    let laws: &[Law<Bench<T>>] = &[
        ("nothing is visible before commit, all after", visible_at_commit_only),
        ("what is dropped is never seen", dropped_is_never_seen),
        ("one attempt per split", one_attempt_per_split),
        ("commit is a compare-and-set", commit_compares_and_sets),
        ("the receipt is kept and told", receipt_is_kept),
        ("one holder per place", one_holder),
        ("a holder that lost its lock cannot publish over another", zombie_cannot_publish),
        ("append adds, replace replaces", append_and_replace),
        ("merge updates and inserts", merge_updates_and_inserts),
        ("the last row of a key stands where rows have an order", the_last_row_of_a_key_stands),
        ("an empty replace leaves an empty place", empty_replace),
        ("plan and peek leave no trace", plan_leaves_no_trace),
        ("what was staged and what is live can be read back", read_back),
        ("splits may be written side by side", side_by_side),
        ("an aborted load leaves the place usable", abort_leaves_usable),
    ];
    let unstaged: &[Law<Bench<T>>] = &[
        ("all rows of a load are there when it has settled", unstaged_rows_are_all_there),
        ("rows join those before, or take their place", unstaged_loads_follow_one_another),
        ("the plan says what does not hold, and leaves no trace", unstaged_plan_is_honest),
        ("one holder per place", one_holder),
        ("receipts are kept, or none is made up", unstaged_receipts),
        ("a load with a hole is never called settled", unstaged_hole),
        ("an aborted load leaves the place usable", unstaged_abort),
    ];
    let laws = if fresh().store().capabilities().staging { laws } else { unstaged };
    for (name, law) in laws {
        let bench = Bench { subject: fresh() };
        if let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| law(&bench))) {
            let text = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
                .unwrap_or_default();
            panic!("law broken: {name}: {text}");
        }
    }
}

struct Bench<T> {
    subject: T,
}

fn owner() -> Owner {
    Owner { project: "laws".into(), flow: "law".into(), entity: None }
}

fn split(ordinal: u32) -> Split {
    Split {
        ordinal,
        label: format!("split {ordinal}"),
        payload: serde_json::Value::Null,
        rows: None,
        bytes: None,
        window: false,
    }
}

fn tally(rows: &[Row]) -> Tally {
    let mut tallier = Tallier::new(&schema());
    tallier.add(&batch(rows)).expect("the batch fits");
    tallier.tally()
}

fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort();
    rows
}

/// A load in progress, with what its commit needs.
struct Open {
    ctx: Context,
    load: Box<dyn Load>,
    mode: Mode,
    last_seq: u64,
    staged: Vec<Staged>,
    written: Vec<Row>,
    /// The rows of earlier loads that others took the place of.
    replaced: u64,
}

impl Open {
    fn writer_context(&self, attempt: u32) -> SplitContext {
        SplitContext { attempt, ..split_context(&self.ctx, 1_000) }
    }

    fn write(&mut self, ordinal: u32, rows: &[Row]) {
        let Attempt::Write(mut writer) = self.load.writer(&split(ordinal), &self.writer_context(1)).expect("a writer")
        else {
            panic!("a split that nobody wrote is staged already");
        };
        for part in rows.chunks(40) {
            writer.write(&batch(part)).expect("rows are taken");
        }
        let staged = writer.finish().expect("the split is staged");
        assert_eq!(staged.split, ordinal);
        assert_eq!(staged.stored_rows, rows.len() as u64, "the store's own count");
        assert_eq!(staged.tally, tally(rows), "what the writer hashed");
        self.staged.push(staged);
        self.written.extend(rows.iter().cloned());
    }

    fn commit(self) -> Result<Settled> {
        let receipt = Receipt {
            format: RECEIPT_FORMAT,
            seq: self.last_seq + 1,
            run: self.ctx.run.to_string(),
            committed_at: "2013-01-01T00:00:00Z".into(),
            owner: owner(),
            question: Question {
                home: "laws".into(),
                source: "all".into(),
                columns: None,
                filter: None,
                cursor: None,
                key: Vec::new(),
                reading: None,
            },
            schema: schema(),
            mode: self.mode.clone(),
            watermark: None,
            home_state: None,
            load: tally(&self.written),
            total: (self.mode == Mode::Replace).then(|| tally(&self.written)),
            replaced: (self.replaced > 0).then_some(Replaced { load: 0, all: self.replaced }),
            adopted: None,
            proved: false,
            live: serde_json::Value::Null,
            writing: None,
        };
        self.load.commit(&self.ctx, Commit { receipt, staged: self.staged })
    }

    fn settle(self) -> Receipt {
        let Settled { receipt, cleanup } = self.commit().expect("the load settles");
        if let Some(cleanup) = cleanup {
            if let Some(wait) = cleanup.not_before.checked_duration_since(std::time::Instant::now()) {
                std::thread::sleep(wait);
            }
            (cleanup.run)();
        }
        receipt
    }
}

impl<T: StoreUnderTest> Bench<T> {
    fn ctx(&self) -> Context {
        context(self.subject.root())
    }

    fn place(&self) -> PlaceId {
        self.subject.store().place(None).expect("a place")
    }

    fn lock(&self, ctx: &Context) -> Result<Box<dyn Place>> {
        self.subject.store().lock(ctx, &self.place(), &owner())
    }

    fn spec(&self, mode: &Mode) -> LoadSpec {
        LoadSpec {
            place: self.place(),
            owner: owner(),
            schema: schema(),
            mode: mode.clone(),
            key: if let Mode::Merge { key } = mode { key.clone() } else { Vec::new() },
            coverage: Coverage::Full,
            adopt: false,
            last_wins: false,
        }
    }

    fn open(&self, mode: Mode) -> Open {
        let spec = self.spec(&mode);
        self.open_as(LoadSpec { mode, ..spec })
    }

    fn open_as(&self, spec: LoadSpec) -> Open {
        let ctx = self.ctx();
        let held = self.lock(&ctx).expect("the place is free");
        let last = held.last_receipt().cloned();
        let plan = self.subject.store().plan(&ctx, &spec, last.as_ref()).expect("the load can be planned");
        let load = held.open(&ctx, &spec, &plan).expect("the load opens");
        let mode = spec.mode;
        Open {
            ctx,
            load,
            mode,
            last_seq: last.map_or(0, |l| l.seq),
            staged: Vec::new(),
            written: Vec::new(),
            replaced: 0,
        }
    }

    fn settle(&self, mode: Mode, rows: &[Row]) -> Receipt {
        let mut open = self.open(mode);
        if !rows.is_empty() {
            open.write(0, rows);
        }
        open.settle()
    }

    fn visible(&self) -> Vec<Row> {
        sorted(self.subject.visible().unwrap_or_default())
    }

    fn can(&self) -> crate::store::Capabilities {
        self.subject.store().capabilities()
    }

    /// A mode that joins, where the store has one.
    fn joining(&self) -> Mode {
        if self.can().append { Mode::Append } else { Mode::Replace }
    }
}

fn visible_at_commit_only<T: StoreUnderTest>(bench: &Bench<T>) {
    let before = bench.subject.visible();
    let mut open = bench.open(Mode::Replace);
    open.write(0, &rows(0, 100));
    open.write(1, &rows(100, 150));
    assert_eq!(bench.subject.visible(), before, "staged rows were seen");
    open.settle();
    assert_eq!(bench.visible(), sorted(rows(0, 150)));
}

fn dropped_is_never_seen<T: StoreUnderTest>(bench: &Bench<T>) {
    bench.settle(Mode::Replace, &rows(0, 10));
    let mut open = bench.open(bench.joining());
    open.write(0, &rows(10, 20));
    if let Attempt::Write(mut writer) = open.load.writer(&split(1), &open.writer_context(1)).expect("a writer") {
        writer.write(&batch(&rows(20, 30))).expect("rows are taken");
        drop(writer);
    }
    drop(open);
    assert_eq!(bench.visible(), sorted(rows(0, 10)));
    // The next run finds the place free, sweeps, and settles as if nothing had been.
    bench.settle(Mode::Replace, &rows(0, 12));
    assert_eq!(bench.visible(), sorted(rows(0, 12)));
}

fn one_attempt_per_split<T: StoreUnderTest>(bench: &Bench<T>) {
    let mut open = bench.open(Mode::Replace);
    // An attempt that is given up leaves nothing behind.
    if let Attempt::Write(mut writer) = open.load.writer(&split(0), &open.writer_context(1)).expect("a writer") {
        writer.write(&batch(&rows(0, 5))).expect("rows are taken");
    }
    open.write(0, &rows(0, 50));
    match open.load.writer(&split(0), &open.writer_context(2)).expect("an answer") {
        Attempt::AlreadyStaged(staged) => assert_eq!(staged.stored_rows, 50),
        Attempt::Write(_) => panic!("a split that is staged was given out again"),
    }
    open.settle();
    assert_eq!(bench.visible(), sorted(rows(0, 50)));
}

fn commit_compares_and_sets<T: StoreUnderTest>(bench: &Bench<T>) {
    bench.settle(Mode::Replace, &rows(0, 10));
    let mut open = bench.open(Mode::Replace);
    open.write(0, &rows(0, 20));
    open.last_seq += 1;
    let error = open.commit().err().expect("a commit out of turn must fail");
    assert_ne!(error.kind(), ErrorKind::CommitUnknown);
    assert_eq!(bench.visible(), sorted(rows(0, 10)));
}

fn receipt_is_kept<T: StoreUnderTest>(bench: &Bench<T>) {
    let ctx = bench.ctx();
    assert_eq!(bench.subject.store().peek(&ctx, &bench.place()).expect("peek"), None);
    let first = bench.settle(Mode::Replace, &rows(0, 10));
    assert_eq!(first.seq, 1);
    assert_eq!(bench.subject.store().peek(&ctx, &bench.place()).expect("peek"), Some(first.clone()));
    let second = bench.settle(bench.joining(), &rows(10, 20));
    assert_eq!(second.seq, 2);
    let held = bench.lock(&bench.ctx()).expect("free");
    assert_eq!(held.last_receipt(), Some(&second));
    assert_eq!(held.live(&ctx).expect("looked"), crate::store::Live::Present);
}

fn one_holder<T: StoreUnderTest>(bench: &Bench<T>) {
    let held = bench.lock(&bench.ctx()).expect("free");
    let error = bench.lock(&bench.ctx()).err().expect("a held place must be refused");
    assert_eq!(error.kind(), ErrorKind::Refused, "{error:?}");
    assert!(error.found().contains("laws/law"), "the holder is not named: {error:?}");
    drop(held);
    drop(bench.lock(&bench.ctx()).expect("a dead holder's lock is free"));
    let open = bench.open(if bench.can().staging { Mode::Replace } else { bench.joining() });
    assert!(bench.lock(&bench.ctx()).is_err(), "a load must go on holding the place");
    drop(open);
}

fn zombie_cannot_publish<T: StoreUnderTest>(bench: &Bench<T>) {
    bench.settle(Mode::Replace, &rows(0, 10));
    let mut zombie = bench.open(bench.joining());
    zombie.write(0, &rows(100, 110));
    if !bench.subject.lose_lock() {
        return;
    }
    // A database with one writer keeps the second out until the first gives up: that is as good.
    let ctx = bench.ctx();
    let Ok(held) = bench.lock(&ctx) else { return };
    let spec = bench.spec(&Mode::Replace);
    let last = held.last_receipt().cloned();
    let plan = bench.subject.store().plan(&ctx, &spec, last.as_ref()).expect("planned");
    let Ok(load) = held.open(&ctx, &spec, &plan) else { return };
    let mut other = Open {
        ctx,
        load,
        mode: Mode::Replace,
        last_seq: last.map_or(0, |l| l.seq),
        staged: Vec::new(),
        written: Vec::new(),
        replaced: 0,
    };
    match other.load.writer(&split(0), &other.writer_context(1)) {
        Err(_) => return,
        Ok(Attempt::AlreadyStaged(_)) => panic!("the staging of another run was taken over"),
        Ok(Attempt::Write(writer)) => drop(writer),
    }
    other.write(0, &rows(0, 30));
    other.settle();
    let late = zombie.commit();
    assert!(late.is_err(), "a run that had lost its lock published over another");
    assert_eq!(bench.visible(), sorted(rows(0, 30)));
}

fn append_and_replace<T: StoreUnderTest>(bench: &Bench<T>) {
    bench.settle(Mode::Replace, &rows(0, 10));
    if bench.can().append {
        bench.settle(Mode::Append, &rows(10, 25));
        assert_eq!(bench.visible(), sorted(rows(0, 25)));
        bench.settle(Mode::Append, &rows(0, 3));
        assert_eq!(bench.visible(), sorted([rows(0, 25), rows(0, 3)].concat()), "append asks for no key");
        bench.settle(Mode::Append, &[]);
        assert_eq!(bench.visible().len(), 28);
    }
    bench.settle(Mode::Replace, &rows(50, 60));
    assert_eq!(bench.visible(), sorted(rows(50, 60)));
}

fn merge_updates_and_inserts<T: StoreUnderTest>(bench: &Bench<T>) {
    if !bench.can().merge {
        return;
    }
    let merge = || Mode::Merge { key: vec!["id".into()] };
    bench.settle(merge(), &rows(0, 10));
    let changed: Vec<Row> = vec![(3, Some("changed".into())), (4, None), (20, Some("new".into()))];
    bench.settle(merge(), &changed);
    let expected: Vec<Row> =
        rows(0, 10).into_iter().filter(|(id, _)| *id != 3 && *id != 4).chain(changed.clone()).collect();
    assert_eq!(bench.visible(), sorted(expected));
    let mut open = bench.open(merge());
    let twice = vec![(7, Some("a".to_owned())), (7, Some("b".to_owned()))];
    let refused = match open.load.writer(&split(0), &open.writer_context(1)).expect("a writer") {
        Attempt::AlreadyStaged(_) => panic!("nothing is staged"),
        Attempt::Write(mut writer) => match writer.write(&batch(&twice)).and_then(|()| writer.finish()) {
            Err(_) => true,
            Ok(staged) => {
                open.staged.push(staged);
                open.written = twice;
                open.commit().is_err()
            }
        },
    };
    assert!(refused, "two rows of one load with the same key were merged by chance");
}

/// Also where what was merged is settled anew, and whatever stood there before.
fn the_last_row_of_a_key_stands<T: StoreUnderTest>(bench: &Bench<T>) {
    if !bench.can().merge {
        return;
    }
    let key = vec!["id".to_owned()];
    let row = |id, name: &str| (id, Some(name.to_owned()));
    let merge = || Mode::Merge { key: key.clone() };
    // The second load replaces what the first brought, too.
    for (mode, before, all) in [(merge(), 0, 2), (merge(), 2, 2 + 2 + 3), (Mode::Replace, 0, 2)] {
        let spec = LoadSpec { last_wins: true, key: key.clone(), ..bench.spec(&mode) };
        let mut open = bench.open_as(spec);
        open.write(0, &[row(1, "old"), row(2, "old"), row(1, "newer")]);
        open.write(1, &[row(2, "newest"), row(3, "only")]);
        open.replaced = before;
        let receipt = open.settle();
        assert_eq!(receipt.load.rows, 5, "all rows were carried");
        let stand = [row(1, "newer"), row(2, "newest"), row(3, "only")];
        assert_eq!(bench.visible(), stand, "{}", mode.word());
        assert_eq!(receipt.total, Some(tally(&stand)), "and not all of them stand");
        assert_eq!(receipt.replaced, Some(Replaced { load: 2, all }), "{}", mode.word());
    }
    let spec = LoadSpec { last_wins: true, key, ..bench.spec(&Mode::Replace) };
    let mut open = bench.open_as(spec);
    open.write(0, &rows(5, 9));
    assert_eq!(open.settle().total.map(|total| total.rows), Some(4), "each of them stands");
    assert_eq!(bench.visible(), sorted(rows(5, 9)));
}

fn empty_replace<T: StoreUnderTest>(bench: &Bench<T>) {
    bench.settle(Mode::Replace, &rows(0, 10));
    bench.settle(Mode::Replace, &[]);
    assert_eq!(bench.subject.visible(), Some(Vec::new()), "the place must stand, and be empty");
    bench.settle(bench.joining(), &rows(0, 5));
    assert_eq!(bench.visible(), sorted(rows(0, 5)));
}

fn plan_leaves_no_trace<T: StoreUnderTest>(bench: &Bench<T>) {
    for _ in 0..2 {
        let before = bench.subject.fingerprint();
        let (ctx, store) = (bench.ctx(), bench.subject.store());
        let last = store.peek(&ctx, &bench.place()).expect("peek");
        let plan = store.plan(&ctx, &bench.spec(&Mode::Replace), last.as_ref()).expect("planned");
        assert!(!plan.guarantee.is_empty() && !plan.publish.is_empty(), "the plan must say what holds");
        assert_eq!(plan.columns.len(), 2);
        store.check(&ctx, &bench.place()).expect("checked");
        assert_eq!(bench.subject.fingerprint(), before, "peek, plan or check wrote something");
        bench.settle(Mode::Replace, &rows(0, 10));
    }
}

fn read_back<T: StoreUnderTest>(bench: &Bench<T>) {
    let mut open = bench.open(Mode::Replace);
    open.write(0, &rows(0, 30));
    open.write(1, &rows(30, 60));
    let ctx = split_context(&open.ctx, 7);
    let mut found = Vec::new();
    let mut stream = open.load.read_back(&open.staged, &ctx).expect("staged rows can be read");
    while let Some(batch) = stream.next().expect("staged rows can be read") {
        found.extend(rows_of(&batch.rows));
    }
    drop((stream, ctx));
    assert_eq!(sorted(found), sorted(rows(0, 60)));
    let receipt = open.settle();
    let ctx = bench.ctx();
    let mut found = Vec::new();
    let mut stream = bench
        .subject
        .store()
        .read_back(&split_context(&ctx, 1_000), &bench.place(), &receipt)
        .expect("live rows can be read");
    while let Some(batch) = stream.next().expect("live rows can be read") {
        found.extend(rows_of(&batch.rows));
    }
    assert_eq!(sorted(found), sorted(rows(0, 60)));
}

fn side_by_side<T: StoreUnderTest>(bench: &Bench<T>) {
    if !bench.can().parallel_writers {
        return;
    }
    let mut open = bench.open(Mode::Replace);
    let load = open.load.as_ref();
    let contexts: Vec<_> = (0..4_u32).map(|_| open.writer_context(1)).collect();
    let staged: Vec<Staged> = std::thread::scope(|scope| {
        let threads: Vec<_> = contexts
            .into_iter()
            .zip(0_u32..)
            .map(|(ctx, n)| {
                scope.spawn(move || {
                    let Attempt::Write(mut writer) = load.writer(&split(n), &ctx).expect("a writer") else {
                        panic!("nobody wrote it");
                    };
                    writer.write(&batch(&rows(i64::from(n) * 10, i64::from(n) * 10 + 10))).expect("taken");
                    writer.finish().expect("staged")
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().expect("no panic")).collect()
    });
    open.staged = staged;
    open.written = rows(0, 40);
    open.settle();
    assert_eq!(bench.visible(), sorted(rows(0, 40)));
}

fn abort_leaves_usable<T: StoreUnderTest>(bench: &Bench<T>) {
    bench.settle(Mode::Replace, &rows(0, 10));
    let mut open = bench.open(bench.joining());
    open.write(0, &rows(10, 20));
    open.load.abort();
    assert_eq!(bench.visible(), sorted(rows(0, 10)));
    bench.settle(bench.joining(), &rows(10, 20));
    assert!(bench.visible().len() >= 10);
}

fn unstaged_rows_are_all_there<T: StoreUnderTest>(bench: &Bench<T>) {
    assert!(!bench.can().parallel_writers, "without staging splits come one after the other");
    let mut open = bench.open(bench.joining());
    open.write(0, &rows(0, 100));
    open.write(1, &rows(100, 150));
    open.settle();
    assert_eq!(bench.visible(), sorted(rows(0, 150)));
}

fn unstaged_loads_follow_one_another<T: StoreUnderTest>(bench: &Bench<T>) {
    bench.settle(bench.joining(), &rows(0, 10));
    bench.settle(bench.joining(), &[]);
    assert_eq!(bench.visible().len(), if bench.can().append { 10 } else { 0 }, "an empty load");
    bench.settle(bench.joining(), &rows(5, 25));
    let expected = if bench.can().append { [rows(0, 10), rows(5, 25)].concat() } else { rows(5, 25) };
    assert_eq!(bench.visible(), sorted(expected));
}

fn unstaged_plan_is_honest<T: StoreUnderTest>(bench: &Bench<T>) {
    let before = bench.subject.fingerprint();
    let (ctx, store) = (bench.ctx(), bench.subject.store());
    let plan = store.plan(&ctx, &bench.spec(&bench.joining()), None).expect("planned");
    let says = |word: &str| assert!(plan.guarantee.contains(word), "`{word}` is missing in: {}", plan.guarantee);
    says("at least once");
    says("half a load may be seen");
    assert!(!plan.publish.is_empty());
    assert_eq!(plan.columns.len(), 2);
    if bench.can().append {
        let refused = store.plan(&ctx, &bench.spec(&Mode::Replace), None);
        assert!(refused.is_err(), "a store that only adds rows cannot replace any");
    }
    store.check(&ctx, &bench.place()).expect("checked");
    store.peek(&ctx, &bench.place()).expect("peek");
    assert_eq!(bench.subject.fingerprint(), before, "peek, plan or check wrote something");
}

fn unstaged_receipts<T: StoreUnderTest>(bench: &Bench<T>) {
    let first = bench.settle(bench.joining(), &rows(0, 10));
    let expected = bench.can().receipts.then_some(first);
    assert_eq!(bench.subject.store().peek(&bench.ctx(), &bench.place()).expect("peek"), expected);
    assert_eq!(bench.lock(&bench.ctx()).expect("free").last_receipt(), expected.as_ref());
}

/// An attempt that was given up has left rows that nobody can take back.
fn unstaged_hole<T: StoreUnderTest>(bench: &Bench<T>) {
    let mut open = bench.open(bench.joining());
    if let Attempt::Write(mut writer) = open.load.writer(&split(0), &open.writer_context(1)).expect("a writer") {
        writer.write(&batch(&rows(0, 5))).expect("rows are taken");
    }
    let again = match open.load.writer(&split(0), &open.writer_context(2)) {
        Ok(Attempt::Write(mut writer)) => writer.write(&batch(&rows(0, 50))).and_then(|()| writer.finish()),
        Ok(Attempt::AlreadyStaged(_)) => panic!("an attempt that was given up counts as staged"),
        Err(error) => Err(error),
    };
    let settled = again.map(|staged| {
        open.staged.push(staged);
        open.written = rows(0, 50);
        open.commit().is_ok()
    });
    assert!(!matches!(settled, Ok(true)), "rows were given twice, and the load called itself settled");
}

fn unstaged_abort<T: StoreUnderTest>(bench: &Bench<T>) {
    let mut open = bench.open(bench.joining());
    open.write(0, &rows(0, 10));
    open.load.abort();
    bench.settle(bench.joining(), &rows(10, 20));
    let there = bench.visible();
    assert!(rows(10, 20).iter().all(|row| there.contains(row)), "the rows of the load that settled are missing");
}
