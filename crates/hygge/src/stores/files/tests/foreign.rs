//! What others put into a place, and places that are none.

use hygge_core::conformance::{Row, batch, context, rows, schema, split_context};
use hygge_core::receipt::{Mode, RECEIPTS_KEPT};
use hygge_core::store::{Live, Store};
use hygge_core::tally::{Tallier, Tally};
use hygge_core::{Advice, ErrorKind, Retry};

use super::bench::{Bench, quick_folder};
use crate::files::durable::Disk;
use crate::files::place::LiveFiles;

fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort();
    rows
}

fn bench(dir: &tempfile::TempDir) -> Bench {
    Bench::new(dir.path(), "data/t", Disk::default())
}

fn tally(content: &[Row]) -> Tally {
    let mut tallier = Tallier::new(&schema());
    tallier.add(&batch(content)).expect("counted");
    tallier.tally()
}

/// Makes a file of our format that no receipt names.
fn foreign_file(bench: &Bench, name: &str, content: &[Row]) {
    let other = quick_folder();
    let other = Bench::new(other.path(), "x", Disk::default());
    other.settle(Mode::Replace, &[content.to_vec()]).expect("settles");
    let made = std::fs::read_dir(other.live()).expect("lists").next().expect("one").expect("an entry").path();
    std::fs::create_dir_all(bench.live()).expect("a folder");
    std::fs::copy(made, bench.live().join(name)).expect("copies");
}

#[test]
fn foreign_files_are_refused_and_taken_over_only_when_told() {
    for mode in [Mode::Append, Mode::Replace] {
        let dir = quick_folder();
        let bench = bench(&dir);
        foreign_file(&bench, "theirs.parquet", &rows(50, 60));
        let error = bench.open(mode.clone()).err().expect("refused");
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.found().contains("theirs.parquet"), "{error}");
        assert!(
            matches!(error.advice(), Some(Advice::Set { line, .. }) if line.starts_with("adopt: true")),
            "{error:?}"
        );
        assert_eq!(bench.visible(), Some(sorted(rows(50, 60))));

        let adopting = Bench { adopt: true, ..bench };
        let receipt = adopting.settle(mode.clone(), &[rows(0, 10)]).expect("settles");
        let live = LiveFiles::of(&receipt, "t").expect("files");
        if mode == Mode::Append {
            assert_eq!(adopting.visible(), Some(sorted([rows(0, 10), rows(50, 60)].concat())));
            assert_eq!(live.files.iter().map(|f| f.rows).sum::<u64>(), 20, "counted by their footers");
            assert_eq!(receipt.adopted, Some(tally(&rows(50, 60))), "hashed by the store's reader");
        } else {
            assert_eq!(adopting.visible(), Some(sorted(rows(0, 10))));
            assert_eq!(live.taken_away, ["theirs.parquet"]);
            assert_eq!(receipt.adopted, None, "nothing of it stays");
        }
        assert_eq!(adopting.hidden().join("staging").read_dir().expect("lists").count(), 0);
    }
}

/// Adding all rows again to those of loads that nobody remembers would double them.
#[test]
fn loads_whose_receipts_are_gone_are_known_by_their_names() {
    let dir = quick_folder();
    let bench = bench(&dir);
    let ours = "20130101T000000Z-0a1b2c3d-00000.parquet";
    foreign_file(&bench, ours, &rows(0, 10));
    let error = bench.open(Mode::Append).err().expect("refused");
    assert!(error.found().contains("whose receipts are gone"), "{error}");
    assert!(matches!(error.advice(), Some(Advice::Do(text)) if text.contains("--full-drop")), "{error:?}");
    assert_eq!(bench.visible(), Some(sorted(rows(0, 10))));
    // What was written for files of others is no leave to double rows of ours.
    let adopting = Bench { adopt: true, ..bench };
    let error = adopting.open(Mode::Append).err().expect("refused");
    assert!(error.found().contains("whose receipts are gone"), "{error}");
    adopting.settle(Mode::Replace, &[rows(0, 12)]).expect("settles");
    assert_eq!(adopting.visible(), Some(sorted(rows(0, 12))));
    // Beside receipts it is a file that somebody brought.
    foreign_file(&adopting, ours, &rows(0, 10));
    let error = adopting.open(Mode::Append).err().expect("refused");
    assert!(error.found().contains("that no receipt here names"), "{error}");
    assert!(matches!(error.advice(), Some(Advice::Do(text)) if text.starts_with("move 2013")), "{error:?}");
}

/// To settle anew would be the wrong advice.
#[test]
fn files_that_another_load_takes_away_are_not_lost() {
    let dir = quick_folder();
    let bench = bench(&dir);
    let receipt = bench.settle(Mode::Replace, &[rows(0, 5), rows(5, 10)]).expect("settles");
    let ctx = split_context(&context(dir.path().to_path_buf()), 100);
    let store = bench.store();
    let mut reading = store.read_back(&ctx, &bench.place(), &receipt).expect("reads");
    assert_eq!(reading.next().expect("reads").expect("rows").rows.num_rows(), 5);
    bench.settle(Mode::Replace, &[rows(0, 3)]).expect("settles");
    let error = loop {
        match reading.next() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the second file is gone"),
            Err(error) => break error,
        }
    };
    assert_eq!((error.found(), error.retry()), ("another load settled at this moment", Retry::Run));
}

#[test]
fn what_is_no_file_of_the_format_is_never_taken_over() {
    let dir = quick_folder();
    let bench = Bench { adopt: true, ..bench(&dir) };
    std::fs::create_dir_all(bench.live().join("sub")).expect("a folder");
    let error = bench.open(Mode::Replace).err().expect("refused");
    assert!(error.found().contains("sub"), "{error}");
    assert!(bench.live().join("sub").is_dir());
}

#[test]
fn names_that_come_and_go_during_a_run_come_and_go() {
    let dir = quick_folder();
    let bench = bench(&dir);
    let first = bench.settle(Mode::Replace, &[rows(0, 5), rows(5, 10)]).expect("settles");
    let names: Vec<String> = LiveFiles::of(&first, "t").expect("files").files.into_iter().map(|f| f.name).collect();
    let mut open = bench.open(Mode::Append).expect("opens");
    open.write(0, &rows(10, 15)).expect("writes");
    foreign_file(&bench, "theirs.parquet", &rows(50, 60));
    std::fs::write(bench.live().join(".hidden"), "x").expect("writes");
    let settled = open.commit().expect("settles");
    assert!(bench.live().join("theirs.parquet").is_file(), "carried over");
    assert!(bench.live().join(".hidden").is_file(), "carried over");
    drop(settled);
    let error = bench.open(Mode::Append).err().expect("refused");
    assert!(error.found().contains("theirs.parquet"), "{error}");
    std::fs::remove_file(bench.live().join("theirs.parquet")).expect("removes");

    // A settled file that is deleted by hand is missed, and told of.
    std::fs::remove_file(bench.live().join(&names[0])).expect("removes");
    let ctx = context(dir.path().to_path_buf());
    let held = bench.store().lock(&ctx, &bench.place(), &Bench::owner()).expect("free");
    let Live::Missing(what) = held.live(&ctx).expect("looks") else { panic!("not missed") };
    assert_eq!(what, format!("1 of 3 files are gone, first: {}", names[0]));
    drop(held);
    bench.settle(Mode::Append, &[rows(20, 25)]).expect("goes on with what is there");
    assert_eq!(bench.visible(), Some(sorted([rows(5, 15), rows(20, 25)].concat())));
}

#[test]
fn a_killed_run_never_takes_foreign_names_with_it() {
    let dir = quick_folder();
    let bench = bench(&dir);
    bench.settle(Mode::Replace, &[rows(0, 10)]).expect("settles");
    let mut open = bench.open(Mode::Replace).expect("opens");
    open.write(0, &rows(10, 15)).expect("writes");
    // Killed before its cleanup, with a name in the old folder that came in the last instant.
    drop(open.commit().expect("settles"));
    let staging = bench.hidden().join("staging");
    let run = staging.read_dir().expect("lists").next().expect("one").expect("an entry").path();
    std::fs::write(run.join("fresh/theirs.txt"), "precious").expect("writes");
    drop(bench.store().lock(&context(dir.path().to_path_buf()), &bench.place(), &Bench::owner()).expect("free"));
    assert_eq!(std::fs::read_to_string(bench.live().join("theirs.txt")).expect("brought back"), "precious");
    assert_eq!(staging.read_dir().expect("lists").count(), 0);
}

#[test]
fn a_place_that_is_none_is_refused() {
    let dir = quick_folder();
    let bench = bench(&dir);
    std::fs::create_dir_all(dir.path().join("data")).expect("a folder");
    std::fs::write(dir.path().join("data/t"), "a file").expect("writes");
    let error = bench.open(Mode::Replace).err().expect("refused");
    assert!(error.found().contains("path is that of a file"), "{error}");
    let one = Bench::new(dir.path(), "data/d.parquet", Disk::default());
    std::fs::create_dir_all(dir.path().join("data/d.parquet")).expect("a folder");
    assert!(one.open(Mode::Replace).err().expect("refused").found().contains("a folder is there"));
    let error = one.store().place(Some("users")).expect_err("one file for many");
    assert!(error.advice().is_some());
    let merge = Mode::Merge { key: vec!["id".into()] };
    let other = Bench::new(dir.path(), "data/other", Disk::default());
    assert!(other.open(merge).err().expect("refused").found().contains("by key"));
    let whole = Bench::new(dir.path(), "data/whole.parquet", Disk::default());
    assert!(whole.open(Mode::Append).err().expect("refused").found().contains("one file"));
    let inside = Bench::new(dir.path(), "data/.x.hygge/users", Disk::default());
    assert_eq!(inside.store().place(None).expect_err("private").kind(), ErrorKind::Refused);
}

#[test]
fn a_linked_folder_is_the_folder_it_leads_to() {
    let dir = quick_folder();
    std::fs::create_dir_all(dir.path().join("real/t")).expect("a folder");
    std::fs::create_dir_all(dir.path().join("data")).expect("a folder");
    std::os::unix::fs::symlink(dir.path().join("real/t"), dir.path().join("data/t")).expect("a link");
    let bench = bench(&dir);
    bench.settle(Mode::Append, &[rows(0, 5)]).expect("settles");
    bench.settle(Mode::Append, &[rows(5, 10)]).expect("settles");
    assert!(dir.path().join("data/t").is_symlink());
    assert!(dir.path().join("real/.t.hygge/lock").is_file());
    assert_eq!(bench.visible(), Some(sorted(rows(0, 10))));
}

#[test]
fn one_file_of_others_is_refused_and_ours_is_known_without_its_folder() {
    let dir = quick_folder();
    let bench = Bench::new(dir.path(), "t.parquet", Disk::default());
    std::fs::write(bench.live(), "theirs").expect("writes");
    assert!(bench.open(Mode::Replace).err().expect("refused").found().contains("not made by this flow"));
    assert_eq!(std::fs::read_to_string(bench.live()).expect("reads"), "theirs");
    let adopting = Bench { adopt: true, ..bench };
    adopting.settle(Mode::Replace, &[rows(0, 5), rows(5, 10)]).expect("settles");
    let bench = Bench { adopt: false, ..adopting };
    assert_eq!(bench.visible(), Some(sorted(rows(0, 10))));

    // The receipt goes where the file goes.
    std::fs::remove_dir_all(bench.hidden()).expect("removes");
    let ctx = context(dir.path().to_path_buf());
    let inside = bench.store().peek(&ctx, &bench.place()).expect("peeks").expect("a receipt");
    assert_eq!((inside.seq, inside.owner), (1, Bench::owner()));
    let second = bench.settle(Mode::Replace, &[rows(0, 3)]).expect("settles on it");
    assert_eq!(second.seq, 2);

    // Another file under the name is seen, and not overwritten.
    std::fs::write(bench.live(), "theirs").expect("writes");
    let held = bench.store().lock(&ctx, &bench.place(), &Bench::owner()).expect("free");
    assert!(matches!(held.live(&ctx).expect("looks"), Live::Missing(_)));
    drop(held);
    assert_eq!(bench.open(Mode::Replace).err().expect("refused").kind(), ErrorKind::Refused);
}

#[test]
fn the_newest_receipts_are_kept() {
    let dir = quick_folder();
    let bench = bench(&dir);
    for _ in 0..RECEIPTS_KEPT + 3 {
        bench.settle(Mode::Append, &[Vec::new()]).expect("settles");
    }
    let count = bench.hidden().join("receipts").read_dir().expect("lists").count();
    assert_eq!(count, RECEIPTS_KEPT);
    let ctx = context(dir.path().to_path_buf());
    let last = bench.store().peek(&ctx, &bench.place()).expect("peeks").expect("a receipt");
    assert_eq!(last.seq, RECEIPTS_KEPT as u64 + 3);
    assert_eq!(bench.visible(), Some(Vec::new()));
}

#[test]
fn a_receipt_that_cannot_be_read_is_told_of_and_nothing_is_done() {
    let dir = quick_folder();
    let bench = bench(&dir);
    bench.settle(Mode::Append, &[rows(0, 5)]).expect("settles");
    let path = bench.hidden().join("receipts/0000000001.json");
    let whole = std::fs::read_to_string(&path).expect("reads");
    std::fs::write(&path, &whole[..whole.len() / 2]).expect("writes");
    assert!(bench.open(Mode::Append).err().expect("refused").found().contains("cannot be read"));
    std::fs::write(&path, whole.replacen("\"format\":1", "\"format\":99", 1)).expect("writes");
    assert!(bench.open(Mode::Append).err().expect("refused").found().contains("later version"));
    assert_eq!(bench.visible(), Some(sorted(rows(0, 5))));
}
