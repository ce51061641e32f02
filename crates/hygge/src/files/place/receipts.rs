//! The receipts of a place, and which of them is the truth.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use hygge_core::receipt::{RECEIPTS_KEPT, Receipt, Unreadable};
use hygge_core::{Error, Result};
use serde::Deserialize;

use super::{LiveFiles, Shape, Sibling, names_in};
use crate::files::durable::Disk;
use crate::files::format::FileFormat;
use crate::files::platform::Identity;

/// A receipt's file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The receipt's seq.
    pub seq: u64,
    /// What the file is.
    pub state: State,
    /// Where it lies.
    pub path: PathBuf,
}

/// What a receipt's file says of its load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It has settled.
    Settled,
    /// It has settled if the place says so.
    Pending,
    /// It settles, whoever finishes it (where folders cannot be exchanged).
    Intent,
}

/// Where the receipt of a settled load lies.
#[must_use]
pub fn settled_path(sibling: &Sibling, seq: u64) -> PathBuf {
    sibling.receipts().join(format!("{seq:010}.json"))
}

/// Where a receipt lies until its load has settled.
#[must_use]
pub fn doubt_path(sibling: &Sibling, seq: u64, run: &str, state: State) -> PathBuf {
    let end = if state == State::Intent { "intent" } else { "pending" };
    sibling.receipts().join(format!("{seq:010}-{run}.{end}"))
}

/// All receipts' files, by seq.
///
/// # Errors
/// If the folder cannot be listed.
pub fn entries(sibling: &Sibling) -> Result<Vec<Entry>> {
    let folder = sibling.receipts();
    let mut out = Vec::new();
    for name in names_in(&folder)? {
        let Some((stem, end)) = name.rsplit_once('.') else { continue };
        let (digits, state) = match end {
            "json" => (stem, State::Settled),
            "pending" => (stem.split('-').next().unwrap_or_default(), State::Pending),
            "intent" => (stem.split('-').next().unwrap_or_default(), State::Intent),
            _ => continue,
        };
        if let Ok(seq) = digits.parse() {
            out.push(Entry { seq, state, path: folder.join(&name) });
        }
    }
    out.sort();
    Ok(out)
}

/// Reads a receipt's file; none if it is gone.
///
/// # Errors
/// Refused, if it is no receipt or one of a later version.
pub fn read(path: &Path, sibling: &Sibling) -> Result<Option<Receipt>> {
    let Some(parsed) = parse(path)? else { return Ok(None) };
    parsed.map(Some).map_err(|why| match why {
        Unreadable::Later(_) => why.at(&sibling.place),
        Unreadable::Broken(_) => why.at(&sibling.place).next(format!(
            "restore {} from a backup; or move it away, and run once with --full-drop and `adopt: true`",
            path.display()
        )),
    })
}

/// What a receipt's file holds; none if it is gone.
fn parse(path: &Path) -> Result<Option<std::result::Result<Receipt, Unreadable>>> {
    match std::fs::read(path) {
        // What is no text is no receipt either, and told by the parser.
        Ok(bytes) => Ok(Some(Receipt::from_json(&String::from_utf8_lossy(&bytes)))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", path, error)),
    }
}

/// Whether a receipt's file is no JSON at all: it was never whole on the disk.
///
/// # Errors
/// If it cannot be read.
pub fn is_torn(path: &Path) -> Result<bool> {
    let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
    Ok(serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_err())
}

/// The last load that settled, found without lock: a pending one counts when the place shows it.
///
/// # Errors
/// If receipts cannot be read.
pub fn newest(sibling: &Sibling, format: &dyn FileFormat) -> Result<Option<Receipt>> {
    newest_but(sibling, format, None)
}

/// The same, as if one file were not there: a run's own receipt in doubt, which content that was there before may fit.
///
/// # Errors
/// As there.
pub fn newest_but(sibling: &Sibling, format: &dyn FileFormat, own: Option<&Path>) -> Result<Option<Receipt>> {
    // A receipt can get its final name between listing and reading it: then the list is made again.
    for _ in 0..16 {
        if let Look::Found(answer) = look(sibling, format, own)? {
            return inside(sibling, format, *answer);
        }
    }
    Err(Error::transient("the receipts change faster than they can be read").at(&sibling.place.shown))
}

/// One look at the receipts.
enum Look {
    Found(Box<Option<Receipt>>),
    /// A receipt was renamed meanwhile.
    Again,
}

fn look(sibling: &Sibling, format: &dyn FileFormat, own: Option<&Path>) -> Result<Look> {
    let mut entries = entries(sibling)?;
    entries.retain(|entry| Some(entry.path.as_path()) != own);
    let last = entries.iter().filter(|e| e.state == State::Settled).map(|e| e.seq).max().unwrap_or(0);
    for entry in entries.iter().rev().filter(|e| e.seq > last && e.state != State::Settled) {
        let receipt = match parse(&entry.path)? {
            Some(Ok(receipt)) => receipt,
            None => return Ok(Look::Again),
            // One that is not whole on the disk was not acted on: it is being written, or its run died over it. Whoever
            // takes the lock removes it.
            Some(Err(Unreadable::Broken(_))) => continue,
            Some(Err(why @ Unreadable::Later(_))) => return Err(why.at(&sibling.place)),
        };
        let settled = match entry.state {
            // It will be finished by whoever comes next, if what it needs is there.
            State::Intent => entry.seq == last + 1 && super::fallback::can_finish(sibling, &receipt)?,
            _ => is_visible(sibling, format, &receipt)?,
        };
        if settled {
            return Ok(Look::Found(Box::new(Some(receipt))));
        }
    }
    if last == 0 {
        return Ok(Look::Found(Box::new(None)));
    }
    let receipt = read(&settled_path(sibling, last), sibling)?;
    Ok(receipt.map_or(Look::Again, |receipt| Look::Found(Box::new(Some(receipt)))))
}

/// One file may carry a receipt that those beside it do not know, as when it was brought here without them.
fn inside(sibling: &Sibling, format: &dyn FileFormat, beside: Option<Receipt>) -> Result<Option<Receipt>> {
    if sibling.shape != Shape::OneFile || !format.carries_receipt() {
        return Ok(beside);
    }
    match super::one_file::receipt_inside(sibling, format)? {
        Some(inside) if beside.as_ref().is_none_or(|b| inside.seq > b.seq) => Ok(Some(inside)),
        _ => Ok(beside),
    }
}

/// Whether the place shows what a pending receipt speaks of.
///
/// # Errors
/// If the place cannot be looked at.
pub fn is_visible(sibling: &Sibling, format: &dyn FileFormat, receipt: &Receipt) -> Result<bool> {
    let live = LiveFiles::of(receipt, &sibling.place.shown)?;
    let there = Identity::at(&sibling.live).map_err(|e| Error::io("look at", &sibling.live, e))?;
    if there.is_none() || live.published.is_none() {
        return Ok(false);
    }
    if there == live.published {
        return Ok(true);
    }
    // After a restore the same content has another identity: the names that this run alone gave tell.
    match sibling.shape {
        Shape::Folder => Ok(live
            .files
            .iter()
            .any(|file| is_of_run(&file.name, &receipt.run) && sibling.live.join(&file.name).exists())),
        Shape::OneFile => super::one_file::shows(sibling, format, receipt, &live),
    }
}

/// Whether a file's name is one that this run gave.
#[must_use]
pub fn is_of_run(name: &str, run: &str) -> bool {
    super::last_part(name).strip_prefix(run).is_some_and(|rest| rest.starts_with(['-', '.']))
}

/// Whether a file's name is of the form that runs give, whatever the run.
#[must_use]
pub fn is_of_some_run(name: &str) -> bool {
    let form = b"dddddddd?dddddd?-hhhhhhhh";
    let name = super::last_part(name);
    name.len() > form.len()
        && name.bytes().zip(form).all(|(byte, form)| match form {
            b'd' => byte.is_ascii_digit(),
            b'h' => byte.is_ascii_hexdigit(),
            b'?' => matches!(byte, b'T' | b'Z'),
            other => byte == *other,
        })
}

/// Every name that a kept receipt calls live or took away.
///
/// # Errors
/// If a receipt cannot be read.
pub fn held_names(sibling: &Sibling) -> Result<HashSet<String>> {
    #[derive(Deserialize)]
    struct Part {
        live: LiveFiles,
    }
    let mut names = HashSet::new();
    for entry in entries(sibling)? {
        let text = match std::fs::read(&entry.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::io("read", &entry.path, error)),
        };
        // An old receipt that cannot be read holds no name: what it named is kept rather than deleted.
        if let Ok(part) = serde_json::from_slice::<Part>(&text) {
            names.extend(part.live.files.into_iter().map(|f| f.name));
            names.extend(part.live.taken_away);
        }
    }
    Ok(names)
}

/// Removes all but the newest receipts, at best effort.
pub fn prune(sibling: &Sibling, disk: &Disk) {
    let Ok(entries) = entries(sibling) else { return };
    let settled: Vec<_> = entries.into_iter().filter(|e| e.state == State::Settled).collect();
    for old in settled.iter().take(settled.len().saturating_sub(RECEIPTS_KEPT)) {
        let _ = disk.remove_file(&old.path);
    }
}
