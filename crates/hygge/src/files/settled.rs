//! What a home of files remembers of the files that have settled, so that each is loaded once, and nothing is read
//! again that has not changed.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use hygge_core::context::Cancellation;
use hygge_core::home::ReadRequest;
use hygge_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::listing::PinnedFile;

/// Larger files are known by size and time alone: hashing them would cost a reading of its own.
const HASH_LIMIT: u64 = 256 << 20;

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
    /// Of the content, where the file is not too large to take one.
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
    /// Nothing; says how that is known.
    Unchanged(String),
    /// These files.
    Read(ToRead),
}

/// The files to read, and what is to be remembered of others.
#[derive(Debug)]
pub struct ToRead {
    /// The files to read now.
    pub files: Vec<PinnedFile>,
    /// Sentences for the plan and the screen.
    pub notes: Vec<String>,
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
            let hash = if file.len <= HASH_LIMIT { Some(hash(file, cancel)?) } else { None };
            files.push(SettledFile { path: file.shown.clone(), size: file.len, mtime: file.mtime, hash });
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let state = State { form: FORM, read_as: self.read_as.clone(), files };
        serde_json::to_value(state).map_err(|e| Error::bug("settled files could not be written as JSON").because(e))
    }
}

/// Compares the files that were found with those the request calls settled.
///
/// A settled file that changed cannot be appended again. Where rows are merged it is read again, and so are those behind
/// it in the order of names: what they say of a key came later, and has to come later again.
///
/// `read_as` is a digest of the home's options that decide what is read out of the bytes (a separator, types): with
/// other options a replace reads again though the files are the same.
///
/// # Errors
/// When settled files are to be skipped and one has changed, and rows are not merged: its rows would come twice, or
/// never. Also if a file cannot be read.
pub fn look(request: &ReadRequest, found: Vec<PinnedFile>, read_as: &str, cancel: &Cancellation) -> Result<Looked> {
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
    for file in &found {
        match known.get(file.shown.as_str()) {
            None => fresh.push(file.clone()),
            Some(settled) if same(settled, file, cancel)? => {}
            Some(_) if first_changed.is_none() => first_changed = Some(file),
            Some(_) => {}
        }
    }
    if !request.skip_settled {
        let all_same = fresh.is_empty() && first_changed.is_none() && found.len() == state.files.len();
        if all_same && state.read_as == read_as && !request.force {
            return Ok(Looked::Unchanged(as_they_were(&found)));
        }
        return all(found, Vec::new());
    }
    if let (Some(file), true) = (first_changed, request.exact_edge) {
        return Err(Error::refused(
            "the file has changed since its rows were appended: reading it again would bring them twice",
        )
        .at(&file.shown)
        .next_anew("to settle all files anew, and from then on bring new rows in new files"));
    }
    let found_now: HashSet<&str> = found.iter().map(|f| f.shown.as_str()).collect();
    let gone = state.files.iter().filter(|f| !found_now.contains(f.path.as_str())).collect();
    let (mut files, mut notes) = without_renamed(fresh, gone, cancel)?;
    let mut settled = state.files.clone();
    if let Some(first) = first_changed {
        let again: Vec<&PinnedFile> = found
            .iter()
            .skip_while(|file| file.shown != first.shown)
            .filter(|file| known.contains_key(file.shown.as_str()))
            .collect();
        notes.push(read_again(first, again.len() - 1));
        let names: HashSet<&str> = again.iter().map(|file| file.shown.as_str()).collect();
        settled.retain(|old| !names.contains(old.path.as_str()));
        files.extend(again.into_iter().cloned());
        files.sort_by(|a, b| a.path.cmp(&b.path));
    }
    if files.is_empty() {
        return Ok(Looked::Unchanged(as_they_were(&found)));
    }
    Ok(Looked::Read(ToRead { files, notes, settled, read_as: read_as.to_owned() }))
}

fn read_again(first: &PinnedFile, behind: usize) -> String {
    let all = match behind {
        0 => "it is".to_owned(),
        1 => "it and the file behind it are".to_owned(),
        n => format!("it and the {n} files behind it are"),
    };
    format!("{} changed since it settled: {all} merged again; rows that are gone from it stay", first.shown)
}

/// Takes out the files that have settled under another name.
fn without_renamed(
    fresh: Vec<PinnedFile>,
    mut gone: Vec<&SettledFile>,
    cancel: &Cancellation,
) -> Result<(Vec<PinnedFile>, Vec<String>)> {
    let mut files = Vec::new();
    let mut notes = Vec::new();
    for file in fresh {
        let alike = gone.iter().any(|old| old.size == file.len && old.hash.is_some());
        let content = if alike { Some(hash(&file, cancel)?) } else { None };
        match gone.iter().position(|old| content.is_some() && old.size == file.len && old.hash == content) {
            Some(at) => {
                let old = gone.swap_remove(at);
                notes.push(format!("{} is {} under another name and has settled", file.shown, old.path));
            }
            None => files.push(file),
        }
    }
    Ok((files, notes))
}

/// Whether a file is the one that settled; one that was only touched is.
fn same(settled: &SettledFile, file: &PinnedFile, cancel: &Cancellation) -> Result<bool> {
    if settled.size != file.len {
        return Ok(false);
    }
    if settled.mtime == file.mtime {
        return Ok(true);
    }
    match &settled.hash {
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

/// The digest of a file's pinned length.
fn hash(file: &PinnedFile, cancel: &Cancellation) -> Result<String> {
    let mut from = file.open()?.take(file.len);
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        cancel.check()?;
        match from.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finalize().to_hex()[..32].to_owned()),
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
        FileSource::new(root, "*.csv", &["csv"]).list(None).expect("lists").files
    }

    fn look_at(root: &Path, state: Option<&serde_json::Value>, skip: bool) -> Result<Looked> {
        look(&request(state.cloned(), skip), files(root), "options", &Cancellation::default())
    }

    fn to_read(looked: Looked) -> ToRead {
        match looked {
            Looked::Read(to_read) => to_read,
            Looked::Unchanged(how) => panic!("unchanged: {how}"),
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
            look(&request, files(dir.path()), "options", &Cancellation::default()).expect("looks")
        };
        let next = to_read(merges(&state));
        assert_eq!((shown(&next), next.notes.len()), (vec!["c.csv"], 0));
        let state = next.remember(&Cancellation::default()).expect("remembers");
        std::fs::write(dir.path().join("b.csv"), "other").expect("writes");
        std::fs::write(dir.path().join("a2.csv"), "new").expect("writes");
        let next = to_read(merges(&state));
        assert_eq!(shown(&next), ["a2.csv", "b.csv", "c.csv"], "in their order");
        assert!(next.notes[0].starts_with("b.csv changed since it settled: it and the file behind it are"));
        let state = next.remember(&Cancellation::default()).expect("remembers");
        assert!(matches!(merges(&state), Looked::Unchanged(_)), "each is known as it is now");
        std::fs::write(dir.path().join("c.csv"), "another").expect("writes");
        assert!(to_read(merges(&state)).notes[0].contains("it is merged again"));
    }

    #[test]
    fn a_replace_reads_again_when_a_file_is_gone_or_the_options_differ_or_it_is_forced() {
        let (dir, state) = two_files();
        assert!(matches!(look_at(dir.path(), Some(&state), false), Ok(Looked::Unchanged(_))));
        let other = look(&request(Some(state.clone()), false), files(dir.path()), "others", &Cancellation::default());
        to_read(other.expect("looks"));
        let forced = ReadRequest { force: true, ..request(Some(state.clone()), false) };
        to_read(look(&forced, files(dir.path()), "options", &Cancellation::default()).expect("looks"));
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
        assert_eq!(next.notes.len(), 1);
    }

    #[test]
    fn an_unknown_form_is_never_taken_for_nothing_settled() {
        let (dir, mut state) = two_files();
        state["form"] = 99.into();
        assert!(look_at(dir.path(), Some(&state), true).is_err());
        to_read(look_at(dir.path(), Some(&state), false).expect("a replace can read all"));
    }
}
