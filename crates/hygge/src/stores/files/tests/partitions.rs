//! Rows in folders called `name=value`.

use hygge_core::conformance::{context, rows};
use hygge_core::receipt::Mode;
use hygge_core::store::{Live, Store};

use super::bench::{Bench, quick_folder};
use crate::files::durable::Disk;

fn bench(root: &std::path::Path) -> Bench {
    Bench::new(root, "data/hive", Disk::default())
}

/// The names below the live folder, folders with a slash.
fn names(bench: &Bench) -> Vec<String> {
    fn walk(folder: &std::path::Path, head: &str, out: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("lists") {
            let entry = entry.expect("an entry");
            let name = format!("{head}{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                out.push(format!("{name}/"));
                walk(&entry.path(), &format!("{name}/"), out);
            } else {
                out.push(name);
            }
        }
    }
    let mut out = Vec::new();
    walk(&bench.live(), "", &mut out);
    out.sort();
    out
}

#[test]
fn a_folder_holds_what_its_receipt_says_and_no_empty_partition() {
    let dir = quick_folder();
    let bench = bench(dir.path());
    let first = bench.settle(Mode::Append, &[rows(1, 3), rows(2, 4)]).expect("settles");
    let run = first.run.clone();
    let wanted = [
        "id=1/".to_owned(),
        format!("id=1/{run}-00000-00000.parquet"),
        "id=2/".to_owned(),
        format!("id=2/{run}-00000-00001.parquet"),
        format!("id=2/{run}-00001-00000.parquet"),
        "id=3/".to_owned(),
        format!("id=3/{run}-00001-00001.parquet"),
    ];
    assert_eq!(names(&bench), wanted);
    let live: Vec<String> =
        first.live["files"].as_array().expect("files").iter().map(|f| f["name"].to_string()).collect();
    assert_eq!(live.len(), 4);
    assert!(live.iter().all(|name| wanted.iter().any(|there| name.trim_matches('"') == there)), "{live:?}");
    bench.settle(Mode::Replace, &[rows(2, 3)]).expect("settles");
    assert_eq!(names(&bench).len(), 2, "{:?}", names(&bench));
    bench.settle(Mode::Replace, &[Vec::new()]).expect("settles");
    let empty = names(&bench);
    assert!(empty[0] == "id=__HIVE_DEFAULT_PARTITION__/" && empty.len() == 2, "{empty:?}");
    bench.settle(Mode::Append, &[rows(5, 6)]).expect("settles beside it");
    assert_eq!(names(&bench).len(), 4);
}

#[test]
fn files_of_others_in_partitions_are_refused_or_taken_over() {
    let dir = quick_folder();
    let mut bench = bench(dir.path());
    bench.settle(Mode::Append, &[rows(1, 3)]).expect("settles");
    let ours = bench.live().join("id=1").read_dir().expect("lists").next().expect("a file").expect("an entry").path();
    let foreign = bench.live().join("id=9/theirs.parquet");
    std::fs::create_dir(bench.live().join("id=9")).expect("made");
    std::fs::copy(&ours, &foreign).expect("copied");
    let error = bench.settle(Mode::Append, &[rows(3, 4)]).expect_err("refused");
    assert!(error.found().contains("id=9/theirs.parquet"), "{error}");
    bench.adopt = true;
    let receipt = bench.settle(Mode::Append, &[rows(3, 4)]).expect("taken over");
    assert_eq!(receipt.adopted.map(|tally| tally.rows), Some(1));
    let seen = bench.visible().expect("there");
    assert_eq!(seen.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1, 2, 3, 9]);
    // What lies in folders of other names could not be read with ours.
    for strange in ["id=9/deep=1/theirs.parquet", "theirs.parquet", "other=1/theirs.parquet", "plain/theirs.parquet"] {
        let path = bench.live().join(strange);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        std::fs::copy(&ours, &path).expect("copied");
        let error = bench.settle(Mode::Append, &[rows(4, 5)]).expect_err("refused");
        let said = error.found().to_owned();
        assert!(said.contains(strange) || said.contains("holds plain"), "{strange}: {said}");
        std::fs::remove_file(&path).expect("removed");
        let _ = std::fs::remove_dir(bench.live().join("plain"));
    }
    // A value that is none of the column's is found before anything is done.
    let misfit = bench.live().join("id=abc/theirs.parquet");
    std::fs::create_dir(bench.live().join("id=abc")).expect("made");
    std::fs::copy(&ours, &misfit).expect("copied");
    let error = bench.settle(Mode::Append, &[rows(4, 5)]).expect_err("refused");
    assert_eq!(error.kind(), hygge_core::ErrorKind::Refused, "{error}");
    assert!(error.found().contains("none of the column's type"), "{error}");
    assert!(error.place().is_some_and(|place| place.contains("id=abc")), "{error}");
    std::fs::remove_dir_all(bench.live().join("id=abc")).expect("removed");
    bench.settle(Mode::Append, &[rows(4, 5)]).expect("settles");
}

#[test]
fn settled_files_in_partitions_are_missed() {
    let dir = quick_folder();
    let bench = bench(dir.path());
    bench.settle(Mode::Append, &[rows(1, 3)]).expect("settles");
    std::fs::remove_dir_all(bench.live().join("id=2")).expect("removed");
    let ctx = context(dir.path().to_path_buf());
    let held = bench.store().lock(&ctx, &bench.place(), &Bench::owner()).expect("locks");
    let Live::Missing(what) = held.live(&ctx).expect("looks") else { panic!("it is gone") };
    assert!(what.contains("id=2/"), "{what}");
}

#[test]
fn many_partitions_in_any_order_settle_in_little_memory() {
    const PARTITIONS: i64 = 10_000;
    let dir = quick_folder();
    let bench = bench(dir.path());
    let mut open = bench.open(Mode::Append).expect("opens");
    // Each partition comes twice, far from the first time.
    let all: Vec<_> = (0..2 * PARTITIONS).map(|n| (n * 7_919 % PARTITIONS, Some(format!("{n:>64}")))).collect();
    let batches: Vec<_> = all.chunks(500).collect();
    open.write_batches(0, &batches).expect("writes");
    let receipt = open.commit().expect("settles").receipt;
    let files = receipt.live["files"].as_array().expect("files").len();
    assert!((10_000..=20_000).contains(&files), "{files} files");
    let mut wanted = all;
    wanted.sort();
    assert_eq!(bench.visible(), Some(wanted));
}

#[test]
fn sorted_rows_make_one_file_a_partition() {
    let dir = quick_folder();
    let bench = bench(dir.path());
    let mut open = bench.open(Mode::Append).expect("opens");
    let all: Vec<_> = (0..40_000).map(|n| (n / 10_000, Some(format!("{n:>200}")))).collect();
    let batches: Vec<_> = all.chunks(500).collect();
    open.write_batches(0, &batches).expect("writes");
    let receipt = open.commit().expect("settles").receipt;
    assert_eq!(receipt.live["files"].as_array().expect("files").len(), 4);
    assert_eq!(bench.visible().map(|rows| rows.len()), Some(40_000));
}
