//! What a home of files remembers of the files that have settled, so that each is loaded once, and nothing is read
//! again that has not changed.

use std::collections::{HashMap, HashSet};
use std::io::{Read, Seek, SeekFrom};

use hygge_core::context::Cancellation;
use hygge_core::event::Note;
use hygge_core::home::{ReadRequest, Unchanged};
use hygge_core::shell::argument;
use hygge_core::{Advice, Error, Result};
use serde::{Deserialize, Serialize};

use super::listing::PinnedFile;
use super::positioned::From;

/// Of larger files only both ends are hashed: all of them would cost a reading of its own.
const HASH_LIMIT: u64 = 256 << 20;

/// How much an end is, in bytes.
const END: u64 = 1 << 20;

/// How the hash of both ends begins, which two different files may share.
const ENDS: &str = "ends-";

/// How it is known that there is nothing to read, where files are left out.
const NONE_NEW: &str = "there is no new file";

/// The form of what is remembered.
const FORM: u32 = 1;

/// A file that has settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettledFile {
    /// [`PinnedFile::shown`].
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// In nanoseconds since 1970.
    pub mtime: i64,
    /// Of the content, or of both ends of a large file.
    pub hash: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct State {
    form: u32,
    /// Digest of the options that decide what is read out of the bytes.
    read_as: String,
    files: Vec<SettledFile>,
}

/// What there is to read of the files that were found.
#[derive(Debug)]
pub enum Looked {
    /// Nothing.
    Unchanged(Unchanged),
    /// These files.
    Read(ToRead),
}

/// The files to read, and what is to be remembered of others.
#[derive(Debug)]
pub struct ToRead {
    /// The files to read now.
    pub files: Vec<PinnedFile>,
    /// For the plan and the screen.
    pub notes: Vec<Note>,
    settled: Vec<SettledFile>,
    read_as: String,
}

impl ToRead {
    /// What the home asks to be shown next time, once all of it was read.
    ///
    /// # Errors
    /// If a file cannot be read, or changed meanwhile.
    pub fn remember(&self, cancel: &Cancellation) -> Result<serde_json::Value> {
        let mut files = self.settled.clone();
        for file in &self.files {
            let hash = hash(file, cancel)?;
            files.push(SettledFile { path: file.shown.clone(), size: file.len, mtime: file.mtime, hash: Some(hash) });
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let state = State { form: FORM, read_as: self.read_as.clone(), files };
        serde_json::to_value(state).map_err(|e| Error::bug("settled files could not be written as JSON").because(e))
    }
}

/// Compares the files that were found with those the request calls settled.
///
/// A settled file that changed cannot be appended again; one that was only renamed has settled. Where rows are merged,
/// all files are read from the first on that is new or has changed, in the order of their paths: what those behind it say
/// of a key has to come later, whenever they settled, so that the end is that of a load of all files.
///
/// `read_as` is a digest of the home's options that decide what is read out of the bytes (a separator, types): with
/// other options a replace reads again though the files are the same. `keyed`: folders called `name=value` are columns of
/// the files below, so that a file which was moved to another says something else.
///
/// # Errors
/// When settled files are to be skipped and one has changed, and rows are not merged: its rows would come twice, or
/// never. Also if a file cannot be read.
pub fn look(
    request: &ReadRequest,
    found: Vec<PinnedFile>,
    read_as: &str,
    keyed: bool,
    cancel: &Cancellation,
) -> Result<Looked> {
    let all =
        |files, notes| Ok(Looked::Read(ToRead { files, notes, settled: Vec::new(), read_as: read_as.to_owned() }));
    let Some(value) = request.since.as_ref().and_then(|since| since.state.as_ref()) else {
        return all(found, Vec::new());
    };
    let state: State = match serde_json::from_value(value.clone()) {
        Ok(state @ State { form: FORM, .. }) => state,
        _ if request.skip_settled => {
            return Err(Error::refused("the receipt's list of settled files cannot be read by this version of hygge")
                .next_anew("to settle all files anew, or run the version that wrote it"));
        }
        _ => return all(found, Vec::new()),
    };
    let known: HashMap<&str, &SettledFile> = state.files.iter().map(|f| (f.path.as_str(), f)).collect();
    let mut fresh = Vec::new();
    let mut first_changed = None;
    for (at, file) in found.iter().enumerate() {
        match known.get(file.shown.as_str()) {
            None => fresh.push(at),
            // One is enough to know.
            Some(_) if first_changed.is_some() => {}
            Some(settled) if same(settled, file, cancel)? => {}
            Some(_) => first_changed = Some(at),
        }
    }
    if !request.skip_settled {
        let all_same = fresh.is_empty() && first_changed.is_none() && found.len() == state.files.len();
        if all_same && state.read_as == read_as && !request.force {
            return Ok(Looked::Unchanged(as_they_were(&found).into()));
        }
        return all(found, Vec::new());
    }
    if !request.exact_edge {
        let (files, notes) = from_the_first(&found, &known, fresh.first().copied(), first_changed);
        return Ok(rest(&found, files, notes, &state.files, read_as));
    }
    if let Some(at) = first_changed {
        return Err(Error::refused(
            "the file has changed since its rows were appended: reading it again would bring them twice",
        )
        .at(&found[at].shown)
        .next_anew("to settle all files anew, and from then on bring new rows in new files"));
    }
    let fresh = fresh.into_iter().map(|at| found[at].clone()).collect();
    let (files, renamed) = without_renamed(fresh, gone(&state.files, &found), cancel)?;
    let moved = |file: &&Renamed| keyed && !keys(&file.now).eq(keys(&file.before));
    if let Some(Renamed { now, before }) = renamed.iter().find(moved) {
        return Err(Error::refused(format!(
            "the file was {before}, whose rows have settled: it was moved to folders of other values, and reading it again would bring its rows twice"
        ))
        .at(now)
        .next_anew(format!(
            "to settle all files anew; or, if it is a delivery of its own, touch {} and run again",
            argument(now)
        )));
    }
    let notes = renamed_note(&renamed).into_iter().collect();
    Ok(rest(&found, files, notes, &state.files, read_as))
}

/// That there is no file left to look at, and so none that is new.
#[must_use]
pub fn none_new() -> Unchanged {
    NONE_NEW.to_owned().into()
}

/// What to say where all is settled anew, of files that `state` calls settled and that are no longer there.
///
/// # Errors
/// If a file cannot be read.
pub fn rows_that_go(
    state: &serde_json::Value,
    found: &[PinnedFile],
    shown: &str,
    cancel: &Cancellation,
) -> Result<Option<Note>> {
    let Ok(State { form: FORM, files, .. }) = serde_json::from_value(state.clone()) else { return Ok(None) };
    let mut gone = gone(&files, found);
    if gone.is_empty() {
        return Ok(None);
    }
    // One that has settled under its own name is no other's, though it may be its copy.
    let known: HashSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let fresh = found.iter().filter(|file| !known.contains(file.shown.as_str())).cloned().collect();
    let (_, renamed) = without_renamed(fresh, gone.clone(), cancel)?;
    gone.retain(|old| !renamed.iter().any(|file| file.before == old.path));
    let (lost, their, next) = match gone[..] {
        [] => return Ok(None),
        [one] => (
            format!("{shown} no longer holds {}, which has settled", one.path),
            "its",
            "put it back and settle anew, if its rows are to stay",
        ),
        [first, ..] => (
            format!("{shown} no longer holds {} files that have settled, {} first", gone.len(), first.path),
            "their",
            "put them back and settle anew, if their rows are to stay",
        ),
    };
    let text = format!("{lost}: {their} rows go");
    Ok(Some(Note { text, next: Some(Advice::Do(next.to_owned())), gone: Some(lost) }))
}

/// What there is to read where some files may be left out.
fn rest(
    found: &[PinnedFile],
    files: Vec<PinnedFile>,
    notes: Vec<Note>,
    settled: &[SettledFile],
    read_as: &str,
) -> Looked {
    if files.is_empty() {
        let why = if notes.is_empty() { as_they_were(found) } else { NONE_NEW.to_owned() };
        return Looked::Unchanged(Unchanged { why, notes });
    }
    let again: HashSet<&str> = files.iter().map(|file| file.shown.as_str()).collect();
    let settled = settled.iter().filter(|old| !again.contains(old.path.as_str())).cloned().collect();
    Looked::Read(ToRead { files, notes, settled, read_as: read_as.to_owned() })
}

/// All files from the first on that is new or has changed.
fn from_the_first(
    found: &[PinnedFile],
    known: &HashMap<&str, &SettledFile>,
    fresh: Option<usize>,
    changed: Option<usize>,
) -> (Vec<PinnedFile>, Vec<Note>) {
    let behind = |at: usize| found[at + 1..].iter().filter(|file| known.contains_key(file.shown.as_str())).count();
    let mut notes = Vec::new();
    if let Some((at, behind)) = fresh.map(|at| (at, behind(at))).filter(|(_, behind)| *behind > 0) {
        let them = if behind == 1 {
            "the file behind it that has settled is"
        } else {
            "the files behind it that have settled are"
        };
        notes.push(
            format!("{} is new, and {them} merged again, so that what the last one says stands", found[at].shown)
                .into(),
        );
    }
    if let Some(at) = changed {
        let all = match behind(at) {
            0 => "it is".to_owned(),
            1 => "it and the file behind it are".to_owned(),
            n => format!("it and the {n} files behind it are"),
        };
        let name = &found[at].shown;
        notes.push(
            format!("{name} changed since it settled: {all} merged again; rows that are gone from it stay").into(),
        );
    }
    let first = fresh.into_iter().chain(changed).min().unwrap_or(found.len());
    (found[first..].to_vec(), notes)
}

/// The settled files that were not found.
fn gone<'a>(settled: &'a [SettledFile], found: &[PinnedFile]) -> Vec<&'a SettledFile> {
    let found: HashSet<&str> = found.iter().map(|file| file.shown.as_str()).collect();
    settled.iter().filter(|old| !found.contains(old.path.as_str())).collect()
}

/// The folders of a path that are called `name=value`.
fn keys(path: &str) -> impl Iterator<Item = &str> {
    path.rsplit_once('/').map_or("", |(folders, _)| folders).split('/').filter(|name| super::hive::is_key(name))
}

/// A file that has settled under another name.
struct Renamed {
    now: String,
    before: String,
}

/// Takes out the files that have settled under another name, and says under which.
///
/// Renaming keeps the time of the last write. The same bytes with another time are a delivery of their own: to take it
/// for an earlier one would lose its rows.
fn without_renamed(
    files: Vec<PinnedFile>,
    mut gone: Vec<&SettledFile>,
    cancel: &Cancellation,
) -> Result<(Vec<PinnedFile>, Vec<Renamed>)> {
    let mut others = Vec::new();
    let mut renamed = Vec::new();
    for file in files {
        // What a server says of one file tells nothing of another.
        let here = file.version().is_none();
        let alike = |old: &SettledFile| here && old.size == file.len && old.mtime == file.mtime;
        let content = if gone.iter().any(|old| alike(old)) { Some(hash(&file, cancel)?) } else { None };
        match gone.iter().position(|old| alike(old) && old.hash == content) {
            Some(at) => renamed.push(Renamed { now: file.shown, before: gone.remove(at).path.clone() }),
            None => others.push(file),
        }
    }
    Ok((others, renamed))
}

fn renamed_note(renamed: &[Renamed]) -> Option<Note> {
    let (text, next) = match renamed {
        [] => return None,
        [Renamed { now, before }] => (
            format!("{now} is {before} under another name, which has settled, and is left out"),
            format!("if it is a delivery of its own:  touch {}  and run again", argument(now)),
        ),
        [Renamed { now, before }, ..] => (
            format!(
                "{} files are earlier ones under another name, which have settled, and are left out; first {now}, which is {before}",
                renamed.len()
            ),
            "touch those that are deliveries of their own, and run again".to_owned(),
        ),
    };
    Some(Note { next: Some(Advice::Do(next)), ..text.into() })
}

/// Whether a file is the one that settled; one that was only touched is.
fn same(settled: &SettledFile, file: &PinnedFile, cancel: &Cancellation) -> Result<bool> {
    if settled.size != file.len {
        return Ok(false);
    }
    if let Some(version) = file.version() {
        return Ok(settled.hash.as_ref() == Some(&version));
    }
    if settled.mtime == file.mtime {
        return Ok(true);
    }
    match &settled.hash {
        // What lies between the ends may have changed.
        Some(was) if was.starts_with(ENDS) => Ok(false),
        Some(was) => Ok(*was == hash(file, cancel)?),
        None => Ok(false),
    }
}

fn as_they_were(found: &[PinnedFile]) -> String {
    match found {
        [one] => format!("{} is as it was", one.shown),
        many => format!("{} files are as they were", many.len()),
    }
}

/// The digest of a file's pinned length, or of both its ends; of one behind a URL, what its server says of it.
fn hash(file: &PinnedFile, cancel: &Cancellation) -> Result<String> {
    if let Some(version) = file.version() {
        return Ok(version);
    }
    let mut from = From::new(file.open()?, 0);
    let mut hasher = blake3::Hasher::new();
    if file.len <= HASH_LIMIT {
        add(&mut hasher, &mut from, file, file.len, cancel)?;
        return Ok(hasher.finalize().to_hex()[..32].to_owned());
    }
    hasher.update(&file.len.to_le_bytes());
    for begin in [0, file.len - END] {
        from.seek(SeekFrom::Start(begin)).map_err(|e| Error::io("read", &file.path, e))?;
        add(&mut hasher, &mut from, file, END, cancel)?;
    }
    Ok(format!("{ENDS}{}", &hasher.finalize().to_hex()[..32]))
}

/// Adds the next bytes.
fn add(hasher: &mut blake3::Hasher, from: &mut From, file: &PinnedFile, len: u64, cancel: &Cancellation) -> Result<()> {
    let mut from = from.take(len);
    let mut buffer = vec![0; 256 << 10];
    loop {
        cancel.check()?;
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => {
                hasher.update(&buffer[..n]);
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::io("read", &file.path, error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use hygge_core::home::{Since, Source};

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
}
