//! The real binary, killed: at every fail point, and at random moments. What is seen afterwards, and what the next run
//! makes of it, is judged by readers that share no code with it.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use hygge_core::fault::FailPoint;

use crate::judge::{Judge, Poller};
use crate::project::{Project, told};
use crate::shapes::{VICTIMS, VISIBLE, Victim, victim};

/// Seconds and sizes grow with the soak.
fn soak() -> bool {
    std::env::var_os("HYGGE_SOAK").is_some()
}

/// A small, repeatable source of randomness.
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        let seed = std::env::var("HYGGE_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_130_101);
        println!("seed {seed}");
        Self(seed)
    }

    fn below(&mut self, n: u64) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }
}

/// What a kill may leave in sight: all of the old rows or all of the new ones; where folders cannot be exchanged, also
/// no folder until the next run.
#[track_caller]
fn whole(judge: &mut Judge, project: &Project, old: Option<&Project>, context: &str) {
    if project.no_exchange() && !project.shows_a_folder() {
        return;
    }
    let new = judge.says(&project.home(), project.place());
    if new.starts_with("same: ") {
        return;
    }
    if let Some(old) = old {
        let said = judge.says(&old.home(), project.place());
        assert!(said.starts_with("same: "), "{context}: neither the old rows nor the new\nnew: {new}\nold: {said}");
        return;
    }
    let path = project.place().split_once(':').map_or("", |(_, path)| path);
    let (file, table) = path.split_once('#').map_or((path, None), |(file, table)| (file, Some(table)));
    let there = std::path::Path::new(file).exists()
        && table.is_none_or(|table| {
            let target = rusqlite::Connection::open(file).expect("the database opens");
            target.table_exists(None, table).expect("the database can be asked")
        });
    assert!(!there, "{context}: something is there after a first run that was killed, and not the new rows: {new}");
}

/// Kills a run at each point on the flow's way, with and without rows settled before.
fn killed_at_every_point(victim: &Victim) {
    let mut judge = Judge::new();
    let first = Project::new(&victim.shape);
    first.grow(130, false);
    let settled = first.copy();
    settled.go_well();
    let before = settled.copy();
    settled.grow(90, !victim.shape.incremental);
    for &point in FailPoint::ALL {
        for (template, old) in [(&settled, Some(&before)), (&first, None)] {
            let context =
                format!("{} at {}, {}", victim.shape.name, point.name(), if old.is_some() { "again" } else { "first" });
            let project = template.copy();
            let (status, said) = project.go_failing(&format!("{}=kill", point.name()));
            let killed = status.signal() == Some(9);
            // A first load may have no folder to tidy and none to exchange.
            if old.is_some() {
                assert_eq!(killed, victim.passes(point), "{context}: is the point on the way?\n{said}");
            }
            if !killed {
                assert!(status.success(), "{context}: {said}");
            }
            whole(&mut judge, &project, old, &context);
            project.go_well();
            judge.same(&project.home(), project.place());
            assert_eq!(project.leftovers(), [""; 0], "{context}");
            if !killed {
                break;
            }
        }
    }
}

macro_rules! killed_at_every_point {
    ($($name:ident)*) => { mod at_every_point { $(
        #[test]
        fn $name() {
            super::killed_at_every_point(super::victim(stringify!($name)));
        }
    )* } };
}

killed_at_every_point! {
    parquet_replace parquet_append parquet_replace_by_moves parquet_append_by_moves parquet_file
    partitions_replace partitions_append partitions_append_by_moves csv_partitions_append
    csv_replace csv_append csv_file ndjson_append json_file
    arrow_replace arrow_append arrow_file
    sqlite_replace sqlite_append sqlite_merge csv_to_sqlite csv_to_parquet ndjson_to_parquet
}

/// An error at each point is told, changes nothing that was settled, and the next run puts it right.
#[test]
fn an_error_at_every_point_is_told_and_put_right() {
    let mut judge = Judge::new();
    for name in ["parquet_append", "sqlite_merge"] {
        let victim = victim(name);
        let settled = Project::new(&victim.shape);
        settled.grow(130, false);
        settled.go_well();
        let before = settled.copy();
        settled.grow(90, !victim.shape.incremental);
        // What fails while it tidies up has settled; a probe that fails is an answer.
        let fails = |point: &FailPoint| !matches!(point, FailPoint::Cleanup | FailPoint::ExchangeProbed);
        for &point in FailPoint::ALL.iter().filter(|point| victim.passes(**point) && fails(point)) {
            let project = settled.copy();
            let (status, said) = project.go_failing(&format!("{}=error", point.name()));
            if VISIBLE.contains(&point) {
                assert!(status.success(), "{name} at {}: {said}", point.name());
                judge.same(&project.home(), project.place());
                continue;
            }
            assert_eq!(status.code(), Some(1), "{name} at {}: {said}", point.name());
            assert!(said.contains('✗'), "{said}");
            whole(&mut judge, &project, Some(&before), point.name());
            project.go_well();
            judge.same(&project.home(), project.place());
        }
    }
}

/// What passes is tried again without anyone noticing.
#[test]
fn a_passing_fault_of_a_split_is_retried() {
    let victim = victim("parquet_append");
    let project = Project::new(&victim.shape);
    project.grow(130, false);
    for point in ["split.batch", "split.before_finish", "split.staged"] {
        project.grow(60, false);
        let (status, said) = project.go_failing(&format!("{point}=transient"));
        assert!(status.success(), "{point}: {said}");
        Judge::new().same(&project.home(), project.place());
    }
}

/// SIGKILL at random moments, over all stores and modes, while readers poll.
#[test]
fn killed_at_random_moments() {
    let kills = if soak() { 1_000 } else { 30 };
    let mut dice = Dice::new();
    let mut judge = Judge::new();
    let mut died = 0;
    let each = usize::div_ceil(kills, VICTIMS.len());
    for victim in VICTIMS {
        let project = Project::new(&victim.shape);
        project.grow(2_000, false);
        let began = std::time::Instant::now();
        project.go_well();
        let usual = u64::try_from(began.elapsed().as_micros()).expect("short").min(150_000);
        let scratch = tempfile::tempdir().expect("a folder");
        let (kind, path) = project.place().split_once(':').expect("kind:path");
        let pick = usize::try_from(dice.below(6)).expect("small");
        let reader = match kind {
            // polars opens one file several times, by its name: a rename in between gives it an error, or pages of two files.
            // DuckDB and pyarrow leave out names that are gone when they look at them one by one: while a folder is away for
            // a moment they can take a part of it for the whole. The guarantees say so.
            "parquet" if victim.shape.no_exchange => "",
            "parquet" if path.ends_with(".parquet") => ["duckdb", "pyarrow"][pick % 2],
            "parquet" => ["duckdb", "polars", "pyarrow"][pick % 3],
            "sqlite" => "sqlite",
            _ => "",
        };
        let poller = (!reader.is_empty()).then(|| Poller::start(reader, path, "id", scratch.path()));
        let mut states = vec![project.state()];
        for kill in 0..each {
            let before = project.copy();
            project.grow(500, !victim.shape.incremental);
            states.push(project.state());
            let mut child = project.hygge(&["go"]).spawn().expect("hygge runs");
            std::thread::sleep(Duration::from_micros(dice.below(usual)));
            child.kill().expect("killed");
            let output = child.wait_with_output().expect("ended");
            died += usize::from(output.status.signal() == Some(9));
            let context = format!("{} kill {kill}: {}", victim.shape.name, told(&output));
            whole(&mut judge, &project, Some(&before), &context);
            project.go_well();
            judge.same(&project.home(), project.place());
            assert_eq!(project.leftovers(), [""; 0], "{context}");
        }
        if let Some(poller) = poller {
            let seen = poller.stop();
            for state in &seen.states {
                // pyarrow leaves out files that went between listing and looking: in the instant of a replace it sees none.
                let blinked = reader == "pyarrow" && state == "empty" && !victim.shape.incremental;
                assert!(
                    states.contains(state) || state == "gone" || blinked,
                    "{} read by {reader} saw {state}",
                    victim.shape.name
                );
            }
            assert!(seen.polls > 1, "{} polls", seen.polls);
        }
    }
    println!("{died} of {} runs died of SIGKILL", each * VICTIMS.len());
    assert!(died * 2 >= each * VICTIMS.len(), "only {died} runs were killed before their end");
}
