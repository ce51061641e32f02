//! What a home of files remembers of the files that have settled, so that each is loaded once, and nothing is read
//! again that has not changed.

mod digest;
mod gone;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use hygge_core::context::Cancellation;
use hygge_core::event::Note;
use hygge_core::home::{ReadRequest, Unchanged};
use hygge_core::shell::argument;
use hygge_core::{Error, Result};
use serde::{Deserialize, Serialize};

use self::digest::{hash, same};
pub use self::gone::rows_that_go;
use self::gone::{Renamed, gone, keys, renamed_note, without_renamed};
use super::listing::PinnedFile;

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

fn as_they_were(found: &[PinnedFile]) -> String {
    match found {
        [one] => format!("{} is as it was", one.shown),
        many => format!("{} files are as they were", many.len()),
    }
}
