//! A power cut after every operation, with what was not synced lost: what is left opens to the old state or the new one.
//!
//! The recorder keeps a model of the folders: each operation is a handful of names set or taken away. A name is durable
//! once its folder was synced, a content once the file was. Each prefix of the record is then built anew on a disk: with
//! every name and content lost that was not durable; with nothing lost but contents; and, as file systems with a journal
//! would have it, with a seeded choice of the operations lost of which no folder was synced.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use hygge_core::conformance::{Row, context, rows};
use hygge_core::receipt::Mode;
use hygge_core::store::{Live, Store};

use super::bench::{Bench, quick_folder};
use crate::files::durable::{Disk, Op, Witness};
use crate::files::platform::Identity;

type Node = usize;

/// One change, on nodes rather than names.
enum Change {
    /// Names set to nodes, or taken away.
    Names(Vec<(Node, String, Option<Node>)>),
    /// A folder's names are durable.
    SyncDir(Node),
    /// A file's content is durable.
    SyncFile(Node, Vec<u8>),
}

#[derive(Default)]
struct Record {
    /// Folders' names as the running process sees them; none for files.
    nodes: Vec<Option<BTreeMap<String, Node>>>,
    identities: Vec<Identity>,
    changes: Vec<Change>,
}

/// Keeps the record of everything below a root.
struct Recorder {
    root: PathBuf,
    record: Mutex<Record>,
}

impl Recorder {
    fn new(root: &Path) -> Arc<Self> {
        let mut record = Record::default();
        record.add(root, true);
        Arc::new(Self { root: root.to_path_buf(), record: Mutex::new(record) })
    }

    fn split<'a>(&self, record: &Record, path: &'a Path) -> (Node, &'a str) {
        let parent = record.find(&self.root, path.parent().expect("below the root"));
        (parent, path.file_name().expect("a name").to_str().expect("text"))
    }
}

impl Record {
    fn add(&mut self, path: &Path, folder: bool) -> Node {
        self.nodes.push(folder.then(BTreeMap::new));
        self.identities.push(Identity::at(path).expect("looks").expect("is there"));
        self.nodes.len() - 1
    }

    fn find(&self, root: &Path, path: &Path) -> Node {
        let below = path.strip_prefix(root).expect("below the root");
        below.components().fold(0, |node, part| {
            let names = self.nodes[node].as_ref().expect("a folder");
            *names
                .get(part.as_os_str().to_str().expect("text"))
                .unwrap_or_else(|| panic!("{} is not there", path.display()))
        })
    }

    fn get(&self, at: (Node, &str)) -> Node {
        self.nodes[at.0].as_ref().expect("a folder")[at.1]
    }

    fn set(&mut self, names: Vec<(Node, String, Option<Node>)>) {
        for (folder, name, node) in &names {
            let there = self.nodes[*folder].as_mut().expect("a folder");
            match node {
                Some(node) => there.insert(name.clone(), *node),
                None => there.remove(name),
            };
        }
        self.changes.push(Change::Names(names));
    }
}

impl Witness for Recorder {
    fn before(&self, _: &Op) -> io::Result<()> {
        Ok(())
    }

    fn after(&self, op: &Op) {
        let mut record = self.record.lock().expect("no panic");
        let record = &mut *record;
        match op {
            Op::Create(path) | Op::MakeDir(path) => {
                let (folder, name) = self.split(record, path);
                let node = record.add(path, matches!(op, Op::MakeDir(_)));
                record.set(vec![(folder, name.to_owned(), Some(node))]);
            }
            Op::SyncFile(path) => {
                let node = record.find(&self.root, path);
                record.changes.push(Change::SyncFile(node, std::fs::read(path).expect("reads")));
            }
            Op::SyncDir(path) => {
                let node = record.find(&self.root, path);
                record.changes.push(Change::SyncDir(node));
            }
            Op::Rename(from, to) => {
                let (from, to) = (self.split(record, from), self.split(record, to));
                let node = record.get(from);
                record.set(vec![(from.0, from.1.to_owned(), None), (to.0, to.1.to_owned(), Some(node))]);
            }
            Op::Exchange(a, b) => {
                let (a, b) = (self.split(record, a), self.split(record, b));
                let (node_a, node_b) = (record.get(a), record.get(b));
                record.set(vec![(a.0, a.1.to_owned(), Some(node_b)), (b.0, b.1.to_owned(), Some(node_a))]);
            }
            Op::Link(from, to) => {
                let (from, to) = (self.split(record, from), self.split(record, to));
                let node = record.get(from);
                record.set(vec![(to.0, to.1.to_owned(), Some(node))]);
            }
            Op::RemoveFile(path) | Op::RemoveDir(path) => {
                let at = self.split(record, path);
                record.set(vec![(at.0, at.1.to_owned(), None)]);
            }
        }
    }
}

/// What of the changes that are not durable is lost.
#[derive(Debug, Clone, Copy)]
enum Lost {
    All,
    Nothing,
    Some(u64),
}

impl Record {
    /// Builds what is left after the first `prefix` changes; `restored` as from a backup, where nothing is what it was.
    fn build(&self, prefix: usize, lost: Lost, restored: bool, root: &Path) {
        let changes = &self.changes[..prefix];
        let mut folders: Vec<Option<BTreeMap<&str, Node>>> =
            self.nodes.iter().map(|node| node.as_ref().map(|_| BTreeMap::new())).collect();
        let mut contents: Vec<&[u8]> = vec![&[]; self.nodes.len()];
        let mut seed = match lost {
            Lost::Some(seed) => seed,
            _ => 0,
        };
        for (at, change) in changes.iter().enumerate() {
            match change {
                Change::SyncDir(_) => {}
                Change::SyncFile(node, content) => contents[*node] = content,
                Change::Names(names) => {
                    let synced = |folder: &Node| {
                        changes[at..].iter().any(|c| matches!(c, Change::SyncDir(synced) if synced == folder))
                    };
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let whole = names.iter().any(|(folder, _, _)| synced(folder)) || seed >> 63 == 1;
                    for (folder, name, node) in names {
                        let kept = match lost {
                            Lost::All => synced(folder),
                            Lost::Nothing => true,
                            Lost::Some(_) => whole,
                        };
                        if !kept {
                            continue;
                        }
                        let there = folders[*folder].as_mut().expect("a folder");
                        match node {
                            Some(node) => there.insert(name, *node),
                            None => there.remove(name.as_str()),
                        };
                    }
                }
            }
        }
        let mut receipts = Vec::new();
        let mut identities = BTreeMap::new();
        self.lay_down(0, root, &folders, &contents, &mut identities, &mut receipts);
        // On a disk that lost power what is left keeps its identity; this one is built anew, so it is told.
        for path in receipts {
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            let Ok(mut receipt) = serde_json::from_str::<serde_json::Value>(&text) else { continue };
            let published = &mut receipt["live"]["published"];
            if let Ok(was) = serde_json::from_value::<Identity>(published.clone()) {
                let now = identities.get(&(was.device, was.inode)).copied().filter(|_| !restored);
                *published = serde_json::to_value(now.unwrap_or(Identity { device: 0, inode: 0 })).expect("JSON");
                std::fs::write(&path, receipt.to_string()).expect("writes");
            }
        }
    }

    fn lay_down(
        &self,
        node: Node,
        path: &Path,
        folders: &[Option<BTreeMap<&str, Node>>],
        contents: &[&[u8]],
        identities: &mut BTreeMap<(u64, u64), Identity>,
        receipts: &mut Vec<PathBuf>,
    ) {
        match &folders[node] {
            None => {
                std::fs::write(path, contents[node]).expect("writes");
                if path.extension().is_some_and(|e| e == "json" || e == "pending" || e == "intent") {
                    receipts.push(path.to_path_buf());
                }
            }
            Some(names) => {
                std::fs::create_dir_all(path).expect("a folder");
                for (name, node) in names {
                    self.lay_down(*node, &path.join(name), folders, contents, identities, receipts);
                }
            }
        }
        let was = self.identities[node];
        let now = Identity::at(path).expect("looks").expect("is there");
        identities.insert((was.device, was.inode), now);
    }
}

/// A load, and what is there after it.
struct Recorded {
    mode: Mode,
    splits: Vec<Vec<Row>>,
    after: Vec<Row>,
}

fn recorded(mode: Mode, splits: &[Vec<Row>], after: Vec<Row>) -> Recorded {
    Recorded { mode, splits: splits.to_vec(), after }
}

/// Loads one after the other, recorded; then every prefix is looked at. `absent`: the place may be gone for a moment.
fn every_prefix(path: &'static str, kind: fn(Disk) -> Disk, absent: bool, loads: &[Recorded]) {
    let dir = quick_folder();
    let recorder = Recorder::new(dir.path());
    let bench = Bench::new(dir.path(), path, kind(Disk::watched(Arc::clone(&recorder) as Arc<dyn Witness>)));
    // Where each load had answered, in changes: from there on it must not be lost.
    let mut answered = Vec::new();
    for load in loads {
        let mut open = bench.open(load.mode.clone()).expect("opens");
        for (ordinal, rows) in load.splits.iter().enumerate() {
            open.write(u32::try_from(ordinal).expect("few"), rows).expect("writes");
        }
        let settled = open.commit().expect("settles");
        answered.push(recorder.record.lock().expect("no panic").changes.len());
        (settled.cleanup.expect("something to tidy").run)();
    }
    let record = recorder.record.lock().expect("no panic");
    let mut states = vec![None];
    states.extend(loads.iter().map(|load| Some(sorted(load.after.clone()))));
    assert_eq!(bench.visible(), *states.last().expect("one"));

    for prefix in 0..=record.changes.len() {
        let least = answered.iter().filter(|at| **at <= prefix).count();
        let most = (least + 1).min(loads.len());
        let cuts = [Lost::All, Lost::Nothing, Lost::Some(7), Lost::Some(11), Lost::Some(13)].map(|lost| (lost, false));
        for (lost, restored) in cuts.into_iter().chain([(Lost::All, true), (Lost::Nothing, true)]) {
            let at = format!("{path}: {prefix} of {} changes, lost {lost:?}, {restored}", record.changes.len());
            let left = quick_folder();
            record.build(prefix, lost, restored, left.path());
            let bench = Bench::new(left.path(), path, kind(Disk::default()));
            let seen = bench.visible();
            let known = (least..=most).any(|n| states[n] == seen) || (absent && seen.is_none());
            assert!(known, "{at}: readers see {seen:?}");
            let ctx = context(left.path().to_path_buf());
            let held = bench.store().lock(&ctx, &bench.place(), &Bench::owner()).expect("the place opens");
            let seq = held.last_receipt().map_or(0, |r| usize::try_from(r.seq).expect("few"));
            assert_eq!(held.live(&ctx).expect("looks"), Live::Present, "{at}");
            drop(held);
            assert!((least..=most).contains(&seq), "{at}: load {seq} is the last");
            assert_eq!(bench.visible(), states[seq], "{at}: after the next run looked");
        }
        // And the next run settles on it.
        let left = quick_folder();
        record.build(prefix, Lost::All, false, left.path());
        let bench = Bench::new(left.path(), path, kind(Disk::default()));
        bench.settle(Mode::Replace, &[rows(0, 4)]).expect("the next run settles");
        assert_eq!(bench.visible(), Some(sorted(rows(0, 4))), "{path}: {prefix}");
    }
}

fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort();
    rows
}

fn five_loads() -> Vec<Recorded> {
    vec![
        recorded(Mode::Append, &[rows(0, 10), rows(10, 20)], rows(0, 20)),
        recorded(Mode::Append, &[rows(20, 30)], rows(0, 30)),
        recorded(Mode::Append, &[Vec::new()], rows(0, 30)),
        recorded(Mode::Replace, &[rows(5, 8), rows(8, 9)], rows(5, 9)),
        recorded(Mode::Replace, &[Vec::new()], Vec::new()),
    ]
}

#[test]
fn a_folder_after_a_power_cut() {
    every_prefix("data/t", |disk| disk, false, &five_loads());
}

/// A row a partition, some of them in partitions that are there.
fn four_loads_of_partitions() -> Vec<Recorded> {
    let with = |rows: Vec<Row>, more: Vec<Row>| rows.into_iter().chain(more).collect::<Vec<_>>();
    let both = with(rows(0, 5), rows(3, 6));
    vec![
        recorded(Mode::Append, &[rows(0, 3), rows(3, 5)], rows(0, 5)),
        recorded(Mode::Append, &[rows(3, 6)], both),
        recorded(Mode::Replace, &[rows(4, 5), rows(4, 6)], with(rows(4, 5), rows(4, 6))),
        recorded(Mode::Replace, &[Vec::new()], Vec::new()),
    ]
}

#[test]
fn a_folder_of_partitions_after_a_power_cut() {
    every_prefix("data/hive", |disk| disk, false, &four_loads_of_partitions());
}

#[test]
fn a_folder_of_partitions_without_exchange_after_a_power_cut() {
    every_prefix("data/hive", |disk| disk.without_exchange().without_links(), true, &four_loads_of_partitions());
}

#[test]
fn a_folder_without_exchange_after_a_power_cut() {
    every_prefix("data/t", |disk| disk.without_exchange().without_links(), true, &five_loads());
}

#[test]
fn one_file_after_a_power_cut() {
    let loads = [
        recorded(Mode::Replace, &[rows(0, 10), rows(10, 20)], rows(0, 20)),
        recorded(Mode::Replace, &[rows(5, 8)], rows(5, 8)),
        recorded(Mode::Replace, &[Vec::new()], Vec::new()),
    ];
    every_prefix("data/t.parquet", |disk| disk, false, &loads);
}

#[test]
fn one_file_of_csv_after_a_power_cut() {
    let loads = [
        recorded(Mode::Replace, &[rows(0, 10), rows(10, 20)], rows(0, 20)),
        recorded(Mode::Replace, &[rows(5, 8)], rows(5, 8)),
        recorded(Mode::Replace, &[rows(5, 8)], rows(5, 8)),
        recorded(Mode::Replace, &[Vec::new()], Vec::new()),
    ];
    every_prefix("data/t.csv", |disk| disk, false, &loads);
}
