use std::io::{Seek as _, SeekFrom};
use std::path::Path;

use hygge_core::home::{Since, Source};

use super::digest::HASH_LIMIT;
use super::*;
use crate::files::listing::FileSource;

fn request(state: Option<serde_json::Value>, skip_settled: bool) -> ReadRequest {
    ReadRequest {
        since: Some(Since { watermark: None, state }),
        skip_settled,
        exact_edge: skip_settled,
        ..ReadRequest::all(Source::Whole { entity: None })
    }
}

fn files(root: &Path) -> Vec<PinnedFile> {
    FileSource::new(root, "*.csv", &["csv"]).list_any(None).expect("lists").files
}

fn look_at(root: &Path, state: Option<&serde_json::Value>, skip: bool) -> Result<Looked> {
    look(&request(state.cloned(), skip), files(root), "options", true, &Cancellation::default())
}

fn to_read(looked: Looked) -> ToRead {
    match looked {
        Looked::Read(to_read) => to_read,
        Looked::Unchanged(how) => panic!("unchanged: {}", how.why),
    }
}

fn shown(to_read: &ToRead) -> Vec<&str> {
    to_read.files.iter().map(|f| f.shown.as_str()).collect()
}

fn touch(path: &Path) {
    let later = std::time::SystemTime::now() + std::time::Duration::from_mins(1);
    let file = std::fs::File::options().append(true).open(path).expect("opens");
    file.set_modified(later).expect("sets the time");
}

fn two_files() -> (tempfile::TempDir, serde_json::Value) {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("a.csv"), "one").expect("writes");
    std::fs::write(dir.path().join("b.csv"), "two").expect("writes");
    let first = to_read(look_at(dir.path(), None, true).expect("looks"));
    assert_eq!(shown(&first), ["a.csv", "b.csv"]);
    let state = first.remember(&Cancellation::default()).expect("remembers");
    (dir, state)
}

#[test]
fn each_file_is_appended_once() {
    let (dir, state) = two_files();
    assert!(matches!(look_at(dir.path(), Some(&state), true), Ok(Looked::Unchanged(_))));
    touch(&dir.path().join("a.csv"));
    std::fs::remove_file(dir.path().join("b.csv")).expect("removes");
    assert!(matches!(look_at(dir.path(), Some(&state), true), Ok(Looked::Unchanged(_))), "touched and gone");
    std::fs::write(dir.path().join("c.csv"), "three").expect("writes");
    let next = to_read(look_at(dir.path(), Some(&state), true).expect("looks"));
    assert_eq!(shown(&next), ["c.csv"]);
    let state = next.remember(&Cancellation::default()).expect("remembers");
    std::fs::write(dir.path().join("b.csv"), "two").expect("writes");
    assert!(matches!(look_at(dir.path(), Some(&state), true), Ok(Looked::Unchanged(_))), "all three are known");
}

#[test]
fn a_settled_file_that_changed_is_an_error_when_appending_and_a_reading_otherwise() {
    let (dir, state) = two_files();
    std::fs::write(dir.path().join("a.csv"), "other").expect("writes");
    let error = look_at(dir.path(), Some(&state), true).expect_err("changed");
    assert_eq!(error.place(), Some("a.csv"));
    let all = to_read(look_at(dir.path(), Some(&state), false).expect("looks"));
    assert_eq!(shown(&all), ["a.csv", "b.csv"]);
}

#[test]
fn a_settled_file_that_changed_is_merged_again_with_those_behind_it() {
    let (dir, state) = two_files();
    std::fs::write(dir.path().join("c.csv"), "three").expect("writes");
    let merges = |state: &serde_json::Value| {
        let request = ReadRequest { exact_edge: false, ..request(Some(state.clone()), true) };
        look(&request, files(dir.path()), "options", true, &Cancellation::default()).expect("looks")
    };
    let next = to_read(merges(&state));
    assert_eq!((shown(&next), next.notes.len()), (vec!["c.csv"], 0));
    let state = next.remember(&Cancellation::default()).expect("remembers");
    std::fs::write(dir.path().join("b.csv"), "other").expect("writes");
    std::fs::write(dir.path().join("a2.csv"), "new").expect("writes");
    let next = to_read(merges(&state));
    assert_eq!(shown(&next), ["a2.csv", "b.csv", "c.csv"], "in their order");
    assert!(next.notes[0].text.starts_with("a2.csv is new, and the files behind it"), "{:?}", next.notes);
    assert!(next.notes[1].text.starts_with("b.csv changed since it settled: it and the file behind it are"));
    let state = next.remember(&Cancellation::default()).expect("remembers");
    assert!(matches!(merges(&state), Looked::Unchanged(_)), "each is known as it is now");
    std::fs::write(dir.path().join("c.csv"), "another").expect("writes");
    assert!(to_read(merges(&state)).notes[0].text.contains("it is merged again"));
}

#[test]
fn a_new_file_is_merged_with_the_settled_ones_behind_it() {
    let (dir, state) = two_files();
    let merges = |state: &serde_json::Value| {
        let request = ReadRequest { exact_edge: false, ..request(Some(state.clone()), true) };
        look(&request, files(dir.path()), "options", true, &Cancellation::default()).expect("looks")
    };
    std::fs::write(dir.path().join("a2.csv"), "new").expect("writes");
    let next = to_read(merges(&state));
    assert_eq!(shown(&next), ["a2.csv", "b.csv"]);
    assert!(next.notes[0].text.contains("the file behind it that has settled is merged again"));
    let state = next.remember(&Cancellation::default()).expect("remembers");
    assert!(matches!(merges(&state), Looked::Unchanged(_)), "each is known once");
    // Merged rows cannot come twice, so a renamed file takes the place that its name has now.
    std::fs::rename(dir.path().join("a.csv"), dir.path().join("c.csv")).expect("renames");
    assert_eq!(shown(&to_read(merges(&state))), ["c.csv"]);
}

#[test]
fn a_replace_reads_again_when_a_file_is_gone_or_the_options_differ_or_it_is_forced() {
    let (dir, state) = two_files();
    assert!(matches!(look_at(dir.path(), Some(&state), false), Ok(Looked::Unchanged(_))));
    let other =
        look(&request(Some(state.clone()), false), files(dir.path()), "others", false, &Cancellation::default());
    to_read(other.expect("looks"));
    let forced = ReadRequest { force: true, ..request(Some(state.clone()), false) };
    to_read(look(&forced, files(dir.path()), "options", true, &Cancellation::default()).expect("looks"));
    std::fs::remove_file(dir.path().join("b.csv")).expect("removes");
    assert_eq!(shown(&to_read(look_at(dir.path(), Some(&state), false).expect("looks"))), ["a.csv"]);
}

#[test]
fn a_renamed_file_has_settled() {
    let (dir, state) = two_files();
    std::fs::rename(dir.path().join("a.csv"), dir.path().join("z.csv")).expect("renames");
    std::fs::write(dir.path().join("y.csv"), "six").expect("writes");
    let next = to_read(look_at(dir.path(), Some(&state), true).expect("looks"));
    assert_eq!(shown(&next), ["y.csv"]);
    assert_eq!(next.notes[0].text, "z.csv is a.csv under another name, which has settled, and is left out");
    std::fs::remove_file(dir.path().join("y.csv")).expect("removes");
    let unchanged = |looked: Looked| match looked {
        Looked::Unchanged(how) => how,
        Looked::Read(to_read) => panic!("reads {:?}", to_read.files),
    };
    let how = unchanged(look_at(dir.path(), Some(&state), true).expect("looks"));
    assert_eq!(how.notes, next.notes, "it is said though nothing is read");
    std::fs::rename(dir.path().join("b.csv"), dir.path().join("c.csv")).expect("renames");
    let how = unchanged(look_at(dir.path(), Some(&state), true).expect("looks"));
    assert!(how.notes[0].text.starts_with("2 files are earlier ones under another name"), "{:?}", how.notes);
}

#[test]
fn the_bytes_of_a_file_that_is_gone_may_come_again_as_a_new_delivery() {
    let (dir, state) = two_files();
    std::fs::remove_file(dir.path().join("a.csv")).expect("removes");
    std::fs::write(dir.path().join("c.csv"), "one").expect("writes");
    touch(&dir.path().join("c.csv"));
    let next = to_read(look_at(dir.path(), Some(&state), true).expect("looks"));
    assert_eq!((shown(&next), next.notes.len()), (vec!["c.csv"], 0));
}

#[test]
fn files_that_are_gone_are_told_where_all_settles_anew() {
    let (dir, state) = two_files();
    let told = || {
        let note = rows_that_go(&state, &files(dir.path()), "in", &Cancellation::default()).expect("looks");
        note.map(|note| note.text)
    };
    assert_eq!(told(), None);
    std::fs::rename(dir.path().join("a.csv"), dir.path().join("z.csv")).expect("renames");
    assert_eq!(told(), None, "its rows are still there");
    std::fs::remove_file(dir.path().join("b.csv")).expect("removes");
    assert_eq!(told().as_deref(), Some("in no longer holds b.csv, which has settled: its rows go"));
    std::fs::remove_file(dir.path().join("z.csv")).expect("removes");
    assert!(told().expect("a note").starts_with("in no longer holds 2 files that have settled, a.csv first"));
}

#[test]
fn a_copy_that_settled_beside_a_file_does_not_hide_that_the_file_is_gone() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("a.csv"), "one").expect("writes");
    std::fs::write(dir.path().join("b.csv"), "one").expect("writes");
    let at = std::time::SystemTime::now() - std::time::Duration::from_mins(1);
    for name in ["a.csv", "b.csv"] {
        let file = std::fs::File::options().append(true).open(dir.path().join(name)).expect("opens");
        file.set_modified(at).expect("sets the time");
    }
    let cancel = Cancellation::default();
    let first = to_read(look_at(dir.path(), None, true).expect("looks"));
    let state = first.remember(&cancel).expect("remembers");
    std::fs::remove_file(dir.path().join("b.csv")).expect("removes");
    let note = rows_that_go(&state, &files(dir.path()), "in", &cancel).expect("looks").expect("a note");
    assert_eq!(note.text, "in no longer holds b.csv, which has settled: its rows go");
}

#[test]
fn a_large_file_that_was_renamed_has_settled_and_one_that_was_written_has_changed() {
    let dir = tempfile::tempdir().expect("a folder");
    let (a, b) = (dir.path().join("a.csv"), dir.path().join("b.csv"));
    let at = std::time::SystemTime::now() - std::time::Duration::from_mins(1);
    // A hole takes no room on the disk.
    let large = |path: &Path, end: &[u8]| {
        let mut file = std::fs::File::create(path).expect("a file");
        file.set_len(HASH_LIMIT + 1).expect("its length");
        file.seek(SeekFrom::End(-1)).expect("its end");
        std::io::Write::write_all(&mut file, end).expect("writes");
        file.set_modified(at).expect("sets the time");
    };
    large(&a, b"x");
    let first = to_read(look_at(dir.path(), None, true).expect("looks"));
    let state = first.remember(&Cancellation::default()).expect("remembers");
    std::fs::rename(&a, &b).expect("renames");
    let Looked::Unchanged(how) = look_at(dir.path(), Some(&state), true).expect("looks") else {
        panic!("its rows would come twice")
    };
    assert!(how.notes[0].text.starts_with("b.csv is a.csv under another name"), "{:?}", how.notes);
    large(&b, b"y");
    assert_eq!(shown(&to_read(look_at(dir.path(), Some(&state), true).expect("looks"))), ["b.csv"]);
    std::fs::rename(&b, &a).expect("renames");
    touch(&a);
    let error = look_at(dir.path(), Some(&state), true).expect_err("what lies between the ends may be new");
    assert_eq!(error.place(), Some("a.csv"));
}

#[test]
fn an_unknown_form_is_never_taken_for_nothing_settled() {
    let (dir, mut state) = two_files();
    state["form"] = 99.into();
    assert!(look_at(dir.path(), Some(&state), true).is_err());
    to_read(look_at(dir.path(), Some(&state), false).expect("a replace can read all"));
}
