//! Settled files that are no longer found under their names: those that are gone, and those that have another one.

use std::collections::HashSet;

use hygge_core::context::Cancellation;
use hygge_core::event::Note;
use hygge_core::shell::argument;
use hygge_core::{Advice, Result};

use super::digest::hash;
use super::{FORM, SettledFile, State};
use crate::files::hive::is_key;
use crate::files::listing::PinnedFile;

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

/// The settled files that were not found.
pub(super) fn gone<'a>(settled: &'a [SettledFile], found: &[PinnedFile]) -> Vec<&'a SettledFile> {
    let found: HashSet<&str> = found.iter().map(|file| file.shown.as_str()).collect();
    settled.iter().filter(|old| !found.contains(old.path.as_str())).collect()
}

/// The folders of a path that are called `name=value`.
pub(super) fn keys(path: &str) -> impl Iterator<Item = &str> {
    path.rsplit_once('/').map_or("", |(folders, _)| folders).split('/').filter(|name| is_key(name))
}

/// A file that has settled under another name.
pub(super) struct Renamed {
    pub(super) now: String,
    pub(super) before: String,
}

/// Takes out the files that have settled under another name, and says under which.
///
/// Renaming keeps the time of the last write. The same bytes with another time are a delivery of their own: to take it
/// for an earlier one would lose its rows.
pub(super) fn without_renamed(
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

pub(super) fn renamed_note(renamed: &[Renamed]) -> Option<Note> {
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
