//! Publishing one file: a whole one is made in the staging and renamed over the live one under the lock.
//!
//! A receipt written beside it first names the new file by identity and, where the format has no room for a receipt, by
//! digest; so whoever comes next knows which of the two files is there. Where the format has room the file carries its
//! receipt with it wherever it goes.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use hygge_core::fault::{self, FailPoint};
use hygge_core::receipt::Receipt;
use hygge_core::split::Staged;
use hygge_core::{Error, Result};

use super::folder::{Publish, doubtful, part_path};
use super::{LiveFile, LiveFiles, Sibling};
use crate::files::format::FileFormat;
use crate::files::platform::{self, Identity};

/// Makes the load visible and leaves its receipt, as it was stored.
///
/// # Errors
/// `CommitUnknown` once the load may be visible, any other before.
pub fn commit(load: &Publish<'_>, mut receipt: Receipt, staged: &[Staged]) -> Result<Receipt> {
    let held = load.held;
    let live = &held.sibling.live;
    load.compare(&receipt, None)?;
    let parts: Vec<PathBuf> = staged.iter().filter(|s| s.stored_rows > 0).map(|s| part_path(held, s.split)).collect();
    let whole = held.staging().join(format!("whole.{}.staged", held.format.extension()));
    receipt.live = serde_json::Value::Null;
    let inside = if held.format.carries_receipt() { Some(receipt.to_json()?) } else { None };
    let file = held.disk.create(&whole)?;
    let into = file.try_clone().map_err(|e| Error::io("write", &whole, e))?;
    held.format.assemble(&parts, load.schema, inside.as_deref(), into)?;
    held.disk.sync_file(&file, &whole)?;
    let replaces = live.exists();
    if replaces {
        platform::copy_rights(live, &whole).map_err(|e| Error::io("give the rights of the live file to", &whole, e))?;
    }
    let rows = held.format.count_rows(&whole)?;
    let expected: u64 = staged.iter().map(|s| s.stored_rows).sum();
    if rows != expected {
        return Err(Error::bug(format!("{rows} rows are in the file that was made of {expected}")));
    }
    fault::pass(FailPoint::FreshBuilt)?;

    let meta = file.metadata().map_err(|e| Error::io("look at", &whole, e))?;
    receipt.live = LiveFiles {
        files: vec![LiveFile { name: name_of(&held.sibling), size: meta.len(), rows }],
        published: Some(Identity::of(&meta)),
        written: Some(written(&meta)),
        digest: if inside.is_some() { None } else { Some(digest(&whole)?) },
        taken_away: Vec::new(),
    }
    .into_json()?;
    let pending = load.write_pending(&receipt)?;
    let renamed = (|| {
        fault::pass(FailPoint::SidecarWritten)?;
        load.compare(&receipt, Some(&pending))?;
        let done = if replaces { held.disk.rename(&whole, live) } else { held.disk.rename_new(&whole, live) };
        done.map_err(|e| Error::io("rename", live, e).at(&held.sibling.place.shown))
    })();
    if let Err(error) = renamed {
        // Nothing is visible; if this fails too, the next run finds that out by itself.
        let _ = held.disk.remove_file(&pending);
        return Err(error);
    }
    doubtful((|| {
        fault::pass(FailPoint::FileRenamed)?;
        held.disk.sync_dir(&held.sibling.parent)?;
        load.name_doubt(&receipt, &pending)
    })())?;
    Ok(receipt)
}

/// The receipt that the live file carries, where it carries one.
///
/// # Errors
/// If it is one of a later version.
pub fn receipt_inside(sibling: &Sibling, format: &dyn FileFormat) -> Result<Option<Receipt>> {
    let meta = match std::fs::metadata(&sibling.live) {
        Ok(meta) if meta.is_file() => meta,
        _ => return Ok(None),
    };
    // What cannot be read as the format is a file of somebody else's, and told so when a load is planned.
    let Ok(Some(text)) = format.receipt_inside(&sibling.live) else { return Ok(None) };
    let mut receipt = Receipt::from_json(&text).map_err(|why| why.at(&sibling.place))?;
    let rows = format.count_rows(&sibling.live)?;
    receipt.live = LiveFiles {
        files: vec![LiveFile { name: name_of(sibling), size: meta.len(), rows }],
        published: Some(Identity::of(&meta)),
        written: Some(written(&meta)),
        ..LiveFiles::default()
    }
    .into_json()?;
    Ok(Some(receipt))
}

/// Whether the live file is the one that a receipt speaks of: by identity and time, or else by what is in it.
///
/// # Errors
/// If it cannot be read.
pub fn shows(sibling: &Sibling, format: &dyn FileFormat, receipt: &Receipt, live: &LiveFiles) -> Result<bool> {
    let Ok(meta) = std::fs::metadata(&sibling.live) else { return Ok(false) };
    if live.files.first().is_none_or(|file| file.size != meta.len()) {
        return Ok(false);
    }
    if live.published == Some(Identity::of(&meta)) && live.written == Some(written(&meta)) {
        return Ok(true);
    }
    if let Some(expected) = &live.digest {
        return Ok(*expected == digest(&sibling.live)?);
    }
    Ok(receipt_inside(sibling, format)?.is_some_and(|inside| inside.seq == receipt.seq && inside.run == receipt.run))
}

fn written(meta: &std::fs::Metadata) -> i64 {
    meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec())
}

fn name_of(sibling: &Sibling) -> String {
    sibling.place.path.last().cloned().unwrap_or_default()
}

/// The digest of a file's content.
fn digest(path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(|e| Error::io("open", path, e))?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finalize().to_hex()[..32].to_owned()),
            Ok(n) => {
                hasher.update(&buffer[..n]);
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::io("read", path, error)),
        }
    }
}
