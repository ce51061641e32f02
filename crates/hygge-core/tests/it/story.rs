//! Whole runs of the engine on the memory reference: what settles is what was there, once, whatever goes wrong.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hygge_core::Retry;
use hygge_core::conformance::{Row, batch, context, rows, rows_of};
use hygge_core::coordinator::{self, RunOptions, RunReport};
use hygge_core::faulty::{At, Fault, FaultyHome, FaultyStore, Script};
use hygge_core::flow::{Entities, EntitySpec, FlowSpec, Missing, Outcome, Settling, Verify, verify_entity};
use hygge_core::home::{CursorSpec, Home, Source};
use hygge_core::memory::{MemoryDatabase, MemoryHome, MemoryStore};
use hygge_core::receipt::Owner;
use hygge_core::store::Store;
use proptest::prelude::*;

fn spec(flow: &str, home: Arc<dyn Home>, store: Arc<dyn Store>) -> EntitySpec {
    EntitySpec {
        owner: Owner { project: "story".into(), flow: flow.into(), entity: None },
        formerly: None,
        home,
        source: Source::Whole { entity: None },
        columns: None,
        filter: None,
        store,
        settling: Settling::Replace,
        incremental: false,
        cursor: None,
        key: Vec::new(),
        full: false,
        force: false,
        every_run: false,
        batch_rows: 16,
        readers: None,
        verify: Verify::Contents,
        missing: Missing::Error,
        adopt: false,
        retries: 3,
        timeout: None,
    }
}

fn following_id(mut spec: EntitySpec, settling: Settling, lookback: Option<&str>) -> EntitySpec {
    spec.settling = settling;
    spec.incremental = true;
    spec.cursor =
        Some(CursorSpec { column: Some("id".into()), lookback: lookback.map(Into::into), ..CursorSpec::default() });
    spec
}

fn flow(spec: EntitySpec, depends_on: &[&str]) -> FlowSpec {
    FlowSpec {
        name: spec.owner.flow.clone(),
        depends_on: depends_on.iter().map(|&s| s.into()).collect(),
        entities: Entities::Listed(vec![spec]),
    }
}

fn run(flows: &[FlowSpec]) -> RunReport {
    coordinator::check_graph(flows).expect("the graph is sound");
    let options = RunOptions { concurrency: 2, fail_fast: false };
    coordinator::run(&context(PathBuf::new()), flows, options, None)
}

fn run_one(spec: &EntitySpec) -> Outcome {
    run(&[flow(spec.clone(), &[])]).ended.pop().expect("one flow").outcome
}

fn visible(database: &MemoryDatabase, table: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = database.visible(table).iter().flat_map(rows_of).collect();
    rows.sort();
    rows
}

fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort();
    rows
}

struct Stage {
    home: MemoryHome,
    database: MemoryDatabase,
    spec: EntitySpec,
}

/// A home and a store with one table `t`.
fn stage(content: &[Row]) -> Stage {
    let home = MemoryHome::new("people", batch(content), 30);
    let database = MemoryDatabase::default();
    let spec = spec("t", Arc::new(home.clone()), Arc::new(MemoryStore::new(&database, "t")));
    Stage { home, database, spec }
}

fn settled_rows(outcome: &Outcome) -> u64 {
    match outcome {
        Outcome::Settled(settled) => settled.receipt.load.rows,
        other => panic!("did not settle: {other:?}"),
    }
}

#[test]
fn a_replace_settles_all_rows_and_the_next_run_has_nothing_to_do() {
    let Stage { home, database, spec } = stage(&rows(0, 100));
    assert_eq!(settled_rows(&run_one(&spec)), 100);
    assert_eq!(visible(&database, "t"), sorted(rows(0, 100)));
    assert!(matches!(run_one(&spec), Outcome::Unchanged { .. }));
    home.set(batch(&rows(50, 60)));
    assert_eq!(settled_rows(&run_one(&spec)), 10);
    assert_eq!(visible(&database, "t"), sorted(rows(50, 60)));
    let forced = EntitySpec { force: true, ..spec };
    assert_eq!(settled_rows(&run_one(&forced)), 10);
}

#[test]
fn an_empty_home_leaves_an_empty_place() {
    let Stage { home, database, spec } = stage(&rows(0, 10));
    run_one(&spec);
    home.set(batch(&[]));
    assert_eq!(settled_rows(&run_one(&spec)), 0);
    assert!(visible(&database, "t").is_empty());
}

#[test]
fn ties_at_the_watermark_come_once() {
    let tie = |name: &str| (7, Some(name.to_owned()));
    let Stage { home, database, spec } = stage(&[(5, None), tie("a"), tie("b")]);
    let spec = following_id(spec, Settling::Append, None);
    assert_eq!(settled_rows(&run_one(&spec)), 3);
    // A third row with the same cursor, one of them twice, and one above.
    let later = [(5, None), tie("a"), tie("b"), tie("b"), tie("c"), (9, None)];
    home.set(batch(&later));
    assert_eq!(settled_rows(&run_one(&spec)), 3);
    assert_eq!(visible(&database, "t"), sorted(later.to_vec()));
    assert!(matches!(run_one(&spec), Outcome::Unchanged { .. }));
}

#[test]
fn late_rows_within_the_lookback_come_once() {
    let Stage { home, database, spec } = stage(&[(10, None), (20, None)]);
    let spec = following_id(spec, Settling::Append, Some("5"));
    run_one(&spec);
    let late = [(10, None), (17, Some("late".into())), (20, None), (21, None)];
    home.set(batch(&late));
    assert_eq!(settled_rows(&run_one(&spec)), 2);
    // 17 lies within the new window (16..=21) as well, and is not taken again.
    home.set(batch(&[&late[..], &[(18, Some("later".into()))]].concat()));
    assert_eq!(settled_rows(&run_one(&spec)), 1);
    assert_eq!(visible(&database, "t").len(), 5);
}

#[test]
fn a_merge_updates_within_the_window() {
    let Stage { home, database, spec } = stage(&rows(0, 10));
    let mut spec = following_id(spec, Settling::Merge, Some("4"));
    spec.key = vec!["id".into()];
    run_one(&spec);
    let mut now = rows(0, 12);
    now[7].1 = Some("changed".into());
    home.set(batch(&now));
    assert_eq!(settled_rows(&run_one(&spec)), 3);
    assert_eq!(visible(&database, "t"), sorted(now));
}

/// What a row once was is no reason to leave it as it is.
#[test]
fn a_merge_takes_a_change_back() {
    let Stage { home, database, spec } = stage(&rows(0, 10));
    let mut spec = following_id(spec, Settling::Merge, Some("4"));
    spec.key = vec!["id".into()];
    run_one(&spec);
    let mut changed = rows(0, 10);
    changed[7].1 = Some("changed".into());
    for now in [changed, rows(0, 10)] {
        home.set(batch(&now));
        assert_eq!(settled_rows(&run_one(&spec)), 1);
        assert_eq!(visible(&database, "t"), sorted(now));
    }
}

#[test]
fn another_watermark_is_refused_though_the_home_has_not_changed() {
    let Stage { spec, .. } = stage(&rows(0, 10));
    let mut spec = following_id(spec, Settling::Append, None);
    run_one(&spec);
    assert!(matches!(run_one(&spec), Outcome::Unchanged { .. }));
    spec.cursor.as_mut().expect("a cursor").column = Some("name".to_owned());
    let Outcome::Failed(error) = run_one(&spec) else { panic!("another watermark was called unchanged") };
    assert!(error.to_string().contains("watermark changed"), "{error}");
}

#[test]
fn a_source_that_went_back_is_an_error_and_nothing_changes() {
    let Stage { home, database, spec } = stage(&rows(0, 10));
    let spec = following_id(spec, Settling::Append, None);
    run_one(&spec);
    home.set(batch(&rows(0, 5)));
    assert!(matches!(run_one(&spec), Outcome::Failed(_)));
    assert_eq!(visible(&database, "t").len(), 10);
    let anew = EntitySpec { full: true, ..spec };
    assert_eq!(settled_rows(&run_one(&anew)), 5);
    assert_eq!(visible(&database, "t"), sorted(rows(0, 5)));
}

#[test]
fn a_changed_question_or_owner_is_refused_and_full_drop_takes_the_question() {
    let Stage { home, database, spec } = stage(&rows(0, 10));
    let spec = following_id(spec, Settling::Append, None);
    run_one(&spec);
    home.set(batch(&rows(0, 20)));
    let mut other = spec.clone();
    other.columns = Some(vec!["id".into(), "name".into()]);
    let Outcome::Failed(error) = run_one(&other) else { panic!("a changed question was taken") };
    assert!(error.to_string().contains("columns"), "{error:?}");
    assert_eq!(visible(&database, "t").len(), 10);

    let mut renamed = spec.clone();
    renamed.owner.flow = "people".into();
    assert!(matches!(run_one(&renamed), Outcome::Failed(_)));
    renamed.formerly = Some("t".into());
    assert_eq!(settled_rows(&run_one(&renamed)), 10);
    other.owner.flow = "people".into();
    other.full = true;
    assert_eq!(settled_rows(&run_one(&other)), 20);
}

#[test]
fn another_question_or_mode_is_never_called_unchanged() {
    let Stage { database, spec, .. } = stage(&rows(0, 10));
    let every_run = EntitySpec { settling: Settling::Append, every_run: true, ..spec.clone() };
    run_one(&every_run);
    run_one(&every_run);
    assert_eq!(visible(&database, "t").len(), 20);
    assert_eq!(settled_rows(&run_one(&spec)), 10, "a replace after appends replaces");
    assert_eq!(visible(&database, "t"), sorted(rows(0, 10)));
    assert!(matches!(run_one(&spec), Outcome::Unchanged { .. }));
    let fewer = EntitySpec { columns: Some(vec!["id".into()]), ..spec.clone() };
    let Outcome::Failed(error) = run_one(&fewer) else { panic!("other columns were called unchanged") };
    assert!(error.to_string().contains("column name is gone"), "{error}");
    let keyed = EntitySpec { key: vec!["id".into()], ..spec };
    assert_eq!(settled_rows(&run_one(&keyed)), 10);
}

#[test]
fn a_replace_carries_all_rows_though_too_many_share_the_greatest_value() {
    let mut content = vec![(5, None); 100_001];
    content.push((1, None));
    let Stage { database, spec, .. } = stage(&content);
    let watched = EntitySpec { incremental: false, ..following_id(spec, Settling::Replace, None) };
    let watched = EntitySpec { settling: Settling::Replace, batch_rows: 10_000, ..watched };
    assert_eq!(settled_rows(&run_one(&watched)), 100_002);
    // Nothing remembers the rows at the end: an append would bring them again, and must start anew.
    let append = EntitySpec { batch_rows: 10_000, ..following_id(watched.clone(), Settling::Append, None) };
    let Outcome::Failed(error) = run_one(&append) else { panic!("went on from where nothing is remembered") };
    assert!(error.to_string().contains("watermark"), "{error}");
    assert_eq!(visible(&database, "t").len(), 100_002);
    // A merge needs no memory.
    let merge = EntitySpec { full: true, key: vec!["id".into()], ..following_id(watched, Settling::Merge, None) };
    assert_eq!(settled_rows(&run_one(&EntitySpec { batch_rows: 10_000, ..merge })), 100_002);
}

#[test]
fn rows_at_the_end_that_went_and_came_again_come_once() {
    let all = [(1, None), (2, Some("a".to_owned())), (3, Some("b".to_owned()))];
    let Stage { home, database, spec } = stage(&all);
    let mut spec = following_id(spec, Settling::Append, Some("1"));
    run_one(&spec);
    if let Some(cursor) = &mut spec.cursor {
        cursor.rewound = hygge_core::home::Rewound::Ignore;
    }
    home.set(batch(&[(1, None), (3, Some("b".into()))]));
    run_one(&spec);
    home.set(batch(&all));
    run_one(&spec);
    assert_eq!(visible(&database, "t"), sorted(all.to_vec()));
}

#[test]
fn settled_rows_that_are_gone_stop_an_append() {
    let Stage { home, database, spec } = stage(&rows(0, 10));
    let append = following_id(spec, Settling::Append, None);
    run_one(&append);
    database.lose_rows("t");
    home.set(batch(&rows(0, 15)));
    let Outcome::Failed(error) = run_one(&append) else { panic!("lost rows were not missed") };
    assert!(matches!(error.advice(), Some(hygge_core::Advice::Anew(_))), "{error:?}");
    assert!(visible(&database, "t").is_empty());
    let ignoring = EntitySpec { missing: Missing::Ignore, ..append.clone() };
    assert_eq!(settled_rows(&run_one(&ignoring)), 5);
    let anew = EntitySpec { full: true, ..append };
    assert_eq!(settled_rows(&run_one(&anew)), 15);
    assert_eq!(visible(&database, "t"), sorted(rows(0, 15)));
}

#[test]
fn settled_rows_that_are_gone_are_settled_anew_by_a_replace_of_an_unchanged_home() {
    let Stage { database, spec, .. } = stage(&rows(0, 10));
    run_one(&spec);
    database.lose_rows("t");
    assert_eq!(settled_rows(&run_one(&spec)), 10);
    assert_eq!(visible(&database, "t"), sorted(rows(0, 10)));
}

#[test]
fn a_flow_waits_for_those_it_depends_on_and_is_skipped_when_they_fail() {
    let good = stage(&rows(0, 10));
    let database = MemoryDatabase::default();
    let script = Script::new([(At::Open, 1, Fault::Reject(Retry::Never))]);
    let bad_home = FaultyHome::new(Arc::new(MemoryHome::new("bad", batch(&rows(0, 5)), 30)), &script);
    let table = |name: &str| -> Arc<dyn Store> { Arc::new(MemoryStore::new(&database, name)) };
    let home = || -> Arc<dyn Home> { Arc::new(good.home.clone()) };
    let flows = [
        flow(spec("c", home(), table("c")), &["b"]),
        flow(spec("b", home(), table("b")), &["a"]),
        flow(spec("a", Arc::new(bad_home), table("a")), &[]),
        flow(spec("free", home(), table("free")), &[]),
    ];
    let report = run(&flows);
    let told: Vec<(&str, &str)> = report
        .ended
        .iter()
        .map(|e| {
            let word = match &e.outcome {
                Outcome::Settled(_) => "settled",
                Outcome::Failed(_) => "failed",
                Outcome::Skipped(_) => "skipped",
                _ => "other",
            };
            (e.owner.flow.as_str(), word)
        })
        .collect();
    assert_eq!(told, [("c", "skipped"), ("b", "skipped"), ("a", "failed"), ("free", "settled")]);
    assert_eq!(report.exit_code(), 1);
    assert_eq!(run(&flows).exit_code(), 0, "the next run puts it right");
    assert_eq!(visible(&database, "c"), sorted(rows(0, 10)));
}

#[test]
fn cycles_and_unknown_names_are_drawn() {
    let Stage { spec, .. } = stage(&[]);
    let named = |name: &str| EntitySpec { owner: Owner { flow: name.into(), ..spec.owner.clone() }, ..spec.clone() };
    let cycle = [flow(named("a"), &["c"]), flow(named("b"), &["a"]), flow(named("c"), &["b"])];
    let error = coordinator::check_graph(&cycle).expect_err("a cycle");
    assert!(error.found().contains("a → c → b → a"), "{error}");
    let unknown = [flow(named("a"), &["nobody"])];
    assert!(coordinator::check_graph(&unknown).is_err());
}

#[test]
fn two_flows_on_one_place_are_refused_and_settle_nothing_twice() {
    let Stage { database, spec, .. } = stage(&rows(0, 10));
    let mut second = spec.clone();
    second.owner.flow = "second".into();
    let flows = [flow(spec, &[]), flow(second, &[])];
    let refused = coordinator::preflight(&context(PathBuf::new()), &flows);
    assert_eq!(refused.refusals().count(), 1);
    assert_eq!(run(&flows).exit_code(), 1);
    assert_eq!(visible(&database, "t").len(), 10);
}

#[test]
fn a_timeout_is_a_failure_and_an_interruption_is_not() {
    let Stage { home, database, mut spec } = stage(&rows(0, 100));
    let slow = Script::new((1..200).map(|n| (At::Next, n, Fault::Slow(Duration::from_millis(20)))));
    spec.home = Arc::new(FaultyHome::new(Arc::new(home), &slow));
    spec.timeout = Some(Duration::from_millis(30));
    let Outcome::Failed(error) = run_one(&spec) else { panic!("a timeout must fail") };
    assert!(error.to_string().contains("timeout"), "{error}");
    assert!(visible(&database, "t").is_empty());

    spec.timeout = None;
    let ctx = context(PathBuf::new());
    let cancel = ctx.cancel.clone();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        cancel.cancel("interrupted");
    });
    let options = RunOptions { concurrency: 1, fail_fast: false };
    let report = coordinator::run(&ctx, &[flow(spec, &[])], options, None);
    stopper.join().expect("no panic");
    assert!(matches!(report.ended[0].outcome, Outcome::Cancelled), "{:?}", report.ended[0].outcome);
    assert_eq!(report.exit_code(), 130);
    assert!(visible(&database, "t").is_empty());
}

#[test]
fn a_lost_answer_to_the_commit_is_settled_by_the_receipt() {
    let Stage { database, mut spec, .. } = stage(&rows(0, 100));
    let script = Script::new([(At::Commit, 1, Fault::FailAfterWrite(Retry::Run))]);
    spec.store = Arc::new(FaultyStore::new(spec.store, &script));
    spec = following_id(spec, Settling::Append, None);
    assert_eq!(settled_rows(&run_one(&spec)), 100);
    assert_eq!(script.left(), 0, "the fault struck");
    assert_eq!(visible(&database, "t"), sorted(rows(0, 100)));
}

#[test]
fn verify_tells_rows_that_were_not_ours() {
    let Stage { home, database, spec } = stage(&rows(0, 100));
    run_one(&spec);
    let ctx = context(PathBuf::new());
    let verified = verify_entity(&ctx, &spec).expect("verified");
    assert_eq!(verified.store_is_as_settled(), Some(true));
    assert!(verified.home_equals_store());
    home.set(batch(&rows(0, 99)));
    assert!(!verify_entity(&ctx, &spec).expect("verified").home_equals_store());
    drop(database);
}

fn faults() -> impl Strategy<Value = Vec<(At, u32, Fault)>> {
    let at = prop_oneof![
        Just(At::Open),
        Just(At::Read),
        Just(At::Next),
        Just(At::FinishScan),
        Just(At::Lock),
        Just(At::Writer),
        Just(At::Write),
        Just(At::FinishSplit),
        Just(At::Commit),
    ];
    let retry = || prop_oneof![3 => Just(Retry::Split), 1 => Just(Retry::Run), 1 => Just(Retry::Never)];
    let fault = prop_oneof![retry().prop_map(Fault::Reject), retry().prop_map(Fault::FailAfterWrite)];
    prop::collection::vec((at, 1_u32..5, fault), 0..4)
}

fn tables() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec((0_i64..40, prop::option::of("[a-c]{0,2}")), 0..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("HYGGE_SOAK").map_or(48, |_| 3_000)
    ))]

    /// Random tables x splits x fault scripts: the store equals the home exactly once, or an error and nothing.
    #[test]
    fn once_or_an_error_and_nothing(
        first in tables(),
        more in tables(),
        split_rows in 1_usize..40,
        one_writer in any::<bool>(),
        append in any::<bool>(),
        script in faults(),
        second_script in faults(),
    ) {
        let home = MemoryHome::new("people", batch(&first), split_rows);
        let database = MemoryDatabase::default();
        let store = MemoryStore::new(&database, "t");
        let store: Arc<dyn Store> = Arc::new(if one_writer { store.with_one_writer() } else { store });
        let with = |script: &Script| {
            let home: Arc<dyn Home> = Arc::new(FaultyHome::new(Arc::new(home.clone()), script));
            let store: Arc<dyn Store> = Arc::new(FaultyStore::new(Arc::clone(&store), script));
            let spec = EntitySpec { retries: 1, ..spec("t", home, store) };
            if append { following_id(spec, Settling::Append, Some("3")) } else { spec }
        };
        // What the home holds grows above what is there, and late rows fall into the lookback.
        let top = first.iter().map(|(id, _)| *id).max().unwrap_or(0);
        let more: Vec<Row> = more.into_iter().map(|(id, name)| (top - 3 + id, name)).collect();
        let grown = [first.clone(), more].concat();

        let mut before = Vec::new();
        for (content, script) in [(first, script), (grown, second_script)] {
            home.set(batch(&content));
            let script = Script::new(script);
            match run_one(&with(&script)) {
                Outcome::Settled(_) => prop_assert_eq!(&visible(&database, "t"), &sorted(content.clone())),
                // The answer to the commit was lost, and the place could not be asked either: it says that it does not know.
                Outcome::Failed(error) if error.kind() == hygge_core::ErrorKind::CommitUnknown => {
                    let there = visible(&database, "t");
                    prop_assert!(there == before || there == sorted(content.clone()), "{:?}", there);
                }
                Outcome::Failed(_) => prop_assert_eq!(&visible(&database, "t"), &before),
                Outcome::Unchanged { .. } => prop_assert_eq!(&visible(&database, "t"), &sorted(content.clone())),
                other => prop_assert!(false, "{:?}", other),
            }
            // The next run, without faults, puts it right.
            let clean = run_one(&with(&Script::default()));
            prop_assert!(clean.lets_dependants_run(), "{:?}", clean);
            prop_assert_eq!(&visible(&database, "t"), &sorted(content));
            before = visible(&database, "t");
        }
    }
}
