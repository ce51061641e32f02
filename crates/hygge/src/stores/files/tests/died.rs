//! A run that dies before any one operation on the disk: the next finds the old state or the new one.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use hygge_core::conformance::{Row, context, rows, split_context};
use hygge_core::receipt::{Mode, Receipt};
use hygge_core::store::{Live, Store};
use hygge_core::{Advice, ErrorKind};

use super::bench::{Bench, quick_folder};
use crate::files::durable::{Disk, Op, Witness};

/// Lets so many operations pass and none after.
struct Dies {
    left: AtomicUsize,
    done: AtomicUsize,
}

impl Dies {
    fn after(operations: usize) -> Arc<Self> {
        Arc::new(Self { left: AtomicUsize::new(operations), done: AtomicUsize::new(0) })
    }
}

impl Witness for Dies {
    fn before(&self, _: &Op) -> io::Result<()> {
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(_) => Ok(()),
            Err(_) => Err(io::Error::other("dead")),
        }
    }

    fn after(&self, _: &Op) {
        self.done.fetch_add(1, Ordering::SeqCst);
    }
}

/// Keeps what was done.
#[derive(Default)]
struct Watches(Mutex<Vec<Op>>);

impl Witness for Watches {
    fn before(&self, _: &Op) -> io::Result<()> {
        Ok(())
    }

    fn after(&self, op: &Op) {
        self.0.lock().expect("no panic").push(op.clone());
    }
}

/// How a disk is made from one that dies.
type Kind = fn(Disk) -> Disk;

const KINDS: &[(&str, Kind)] = &[
    ("all", |disk| disk),
    ("without exchange", Disk::without_exchange),
    ("without links", Disk::without_links),
    ("without both", |disk| disk.without_exchange().without_links()),
];

fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort();
    rows
}

/// Reads all that a receipt speaks of. What a run that died has yet to bring is no loss: to settle anew would be the wrong
/// advice, as rows may have come from what is gone.
fn verified(bench: &Bench, receipt: &Receipt, at: &str) {
    let ctx = split_context(&context(bench.root.clone()), 100);
    let all = || {
        let mut rows = bench.store().read_back(&ctx, &bench.place(), receipt)?;
        while rows.next()?.is_some() {}
        Ok::<(), hygge_core::Error>(())
    };
    if let Err(error) = all() {
        assert!(error.found().contains("still to be carried out"), "{at}: {error}");
        assert!(!matches!(error.advice(), Some(Advice::Anew(_))), "{at}: {error}");
    }
}

/// Kills `mode` before every operation; `after` is what it leaves when it lives.
fn dies_anywhere(path: &'static str, kind: Kind, mode: &Mode, load: &[Vec<Row>], after: &[Row]) {
    let before = sorted(rows(0, 10));
    let after = sorted(after.to_vec());
    let mut n = 0;
    loop {
        let dir = quick_folder();
        let well = || Bench::new(dir.path(), path, kind(Disk::default()));
        well().settle(Mode::Replace, &[rows(0, 5), rows(5, 10)]).expect("the first load settles");
        let dies = Dies::after(n);
        let ill = Bench::new(dir.path(), path, kind(Disk::watched(Arc::clone(&dies) as Arc<dyn Witness>)));
        let ended = ill.settle(mode.clone(), load);
        let at = format!("{path}, before operation {n}, {ended:?}");
        let lived = dies.left.load(Ordering::SeqCst) > 0;

        // Readers first, then whoever looks without lock, then the next run.
        let seen = well().visible();
        let settled = well().store().peek(&context(dir.path().to_path_buf()), &well().place()).expect("peek");
        match (&seen, settled.as_ref().map(|r| r.seq)) {
            (Some(rows), Some(1)) => assert_eq!(*rows, before, "{at}"),
            (Some(rows), Some(2)) if *rows == before && before != after => {
                // Only an intent that is still to be carried out may run ahead of the rows.
                assert!(
                    well()
                        .hidden()
                        .join("receipts")
                        .read_dir()
                        .expect("lists")
                        .any(|e| { e.expect("an entry").file_name().to_string_lossy().ends_with(".intent") }),
                    "{at}"
                );
            }
            (Some(rows), Some(2)) => assert_eq!(*rows, after, "{at}"),
            (None, Some(_)) => {}
            other => panic!("{at}: {other:?}"),
        }
        if let Some(receipt) = &settled {
            verified(&well(), receipt, &at);
        }
        let held =
            well().store().lock(&context(dir.path().to_path_buf()), &well().place(), &Bench::owner()).expect("free");
        let seq = held.last_receipt().expect("a receipt").seq;
        assert_eq!(held.live(&context(dir.path().to_path_buf())).expect("looks"), Live::Present, "{at}");
        drop(held);
        let expected = if seq == 2 { &after } else { &before };
        assert_eq!(well().visible().as_ref(), Some(expected), "{at}");
        match &ended {
            Ok(receipt) => assert_eq!((receipt.seq, seq), (2, 2), "{at}"),
            Err(error) => assert_eq!(error.kind() == ErrorKind::CommitUnknown, seq == 2, "{at}: load {seq} is there"),
        }
        // Nothing is left of the dead run, and the next settles as if nothing had been.
        well().settle(Mode::Replace, &[rows(0, 3)]).expect("the next run settles");
        assert_eq!(well().visible(), Some(sorted(rows(0, 3))), "{at}");
        let staging = well().hidden().join("staging");
        assert_eq!(staging.read_dir().expect("lists").count(), 0, "{at}");
        if lived {
            assert!(n > 5, "only {n} operations");
            return;
        }
        n += 1;
    }
}

#[test]
fn an_append_dies_anywhere() {
    for (name, kind) in KINDS {
        println!("{name}");
        dies_anywhere("data/t", *kind, &Mode::Append, &[rows(10, 20), Vec::new(), rows(20, 25)], &rows(0, 25));
    }
}

#[test]
fn a_replace_dies_anywhere() {
    for (name, kind) in KINDS {
        println!("{name}");
        dies_anywhere("data/t", *kind, &Mode::Replace, &[rows(100, 110), rows(110, 120)], &rows(100, 120));
    }
}

#[test]
fn a_load_of_partitions_dies_anywhere() {
    for (name, kind) in KINDS {
        println!("{name}");
        let after: Vec<Row> = rows(0, 10).into_iter().chain(rows(8, 12)).collect();
        dies_anywhere("data/hive", *kind, &Mode::Append, &[rows(8, 10), rows(10, 12)], &after);
        dies_anywhere("data/hive", *kind, &Mode::Replace, &[rows(8, 12)], &rows(8, 12));
        dies_anywhere("data/hive", *kind, &Mode::Replace, &[Vec::new()], &[]);
    }
}

#[test]
fn a_load_of_no_rows_dies_anywhere() {
    for (name, kind) in KINDS {
        println!("{name}");
        dies_anywhere("data/t", *kind, &Mode::Replace, &[Vec::new()], &[]);
        dies_anywhere("data/t", *kind, &Mode::Append, &[Vec::new()], &rows(0, 10));
    }
}

#[test]
fn one_file_dies_anywhere() {
    for path in ["data/t.parquet", "data/t.csv"] {
        dies_anywhere(path, |disk| disk, &Mode::Replace, &[rows(100, 110), rows(110, 120)], &rows(100, 120));
    }
}

#[test]
fn a_sweep_dies_anywhere() {
    sweeps_die("data/t", 20);
}

#[test]
fn a_sweep_of_partitions_dies_anywhere() {
    sweeps_die("data/hive", 12);
}

fn sweeps_die(path: &'static str, end: i64) {
    // A run is killed when everything is in doubt; then its sweeper dies anywhere, again and again.
    for (_, kind) in KINDS {
        let mut kill_at = 0;
        loop {
            let dir = quick_folder();
            let well = || Bench::new(dir.path(), path, kind(Disk::default()));
            well().settle(Mode::Replace, &[rows(0, 5), rows(5, 10)]).expect("settles");
            let dies = Dies::after(kill_at);
            let ill = Bench::new(dir.path(), path, kind(Disk::watched(Arc::clone(&dies) as Arc<dyn Witness>)));
            let ended = ill.settle(Mode::Append, &[rows(10, end)]);
            for n in 0..60 {
                let dies = Dies::after(n % 12);
                let ill = Bench::new(dir.path(), path, kind(Disk::watched(Arc::clone(&dies) as Arc<dyn Witness>)));
                let _ = ill.store().lock(&context(dir.path().to_path_buf()), &ill.place(), &Bench::owner()).err();
            }
            let held = well()
                .store()
                .lock(&context(dir.path().to_path_buf()), &well().place(), &Bench::owner())
                .expect("free");
            let expected = if held.last_receipt().expect("a receipt").seq == 2 { rows(0, end) } else { rows(0, 10) };
            drop(held);
            assert_eq!(well().visible(), Some(sorted(expected)), "killed before operation {kill_at}");
            if ended.is_ok() {
                break;
            }
            kill_at += 1;
        }
    }
}

#[test]
fn whoever_finishes_an_append_syncs_all_folders_of_it() {
    let mut finished = 0;
    for n in 0.. {
        let dir = quick_folder();
        let bench = |disk: Disk| Bench::new(dir.path(), "data/hive", disk.without_exchange().without_links());
        bench(Disk::default()).settle(Mode::Replace, &[rows(0, 3)]).expect("settles");
        let dies = Dies::after(n);
        let ill = bench(Disk::watched(Arc::clone(&dies) as Arc<dyn Witness>));
        if ill.settle(Mode::Append, &[rows(2, 6)]).is_ok() {
            break;
        }
        let watches = Arc::new(Watches::default());
        let next = bench(Disk::watched(Arc::clone(&watches) as Arc<dyn Witness>));
        drop(next.store().lock(&context(dir.path().to_path_buf()), &next.place(), &Bench::owner()).expect("free"));
        let done = watches.0.lock().expect("no panic");
        // It moves the folder back itself: what the dead one had moved into it must be durable before.
        let is_back = |op: &Op| matches!(op, Op::Rename(from, to) if from.ends_with("live") && *to == next.live());
        let Some(back) = done.iter().position(is_back) else { continue };
        let seq = next.store().peek(&context(dir.path().to_path_buf()), &next.place()).expect("looks").map(|r| r.seq);
        if seq != Some(2) {
            continue;
        }
        finished += 1;
        for id in 2..6 {
            let folder = format!("live/id={id}");
            let is_synced = |op: &Op| matches!(op, Op::SyncDir(path) if path.ends_with(&folder));
            assert!(done[..back].iter().any(is_synced), "killed before operation {n}: {folder} in {done:?}");
        }
    }
    assert!(finished > 4, "only {finished} were finished by another");
}
