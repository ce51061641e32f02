//! Publishing a folder where folders cannot be exchanged or files not be linked: by an intent that whoever comes next
//! carries out. The folder is absent for a moment, or after a kill until the next run; never half.

use std::path::{Path, PathBuf};

use hygge_core::fault::{self, FailPoint};
use hygge_core::receipt::{Mode, Receipt};
use hygge_core::{Error, Result};

use super::folder::{Publish, doubtful};
use super::receipts::{self, State};
use super::sweep::DEAD;
use super::{Held, LiveFiles, Sibling, files_in, folders_of, names_in};

/// Publishes what lies in `fresh/`: only new files for an append, all files for a replace.
pub(super) fn publish(load: &Publish<'_>, receipt: &Receipt) -> Result<()> {
    let held = load.held;
    let staged = held.staging().join("intent.staged");
    held.disk.write(&staged, receipt.to_json()?.as_bytes())?;
    // The intent must never be there without what it would carry out.
    held.disk.sync_dir(&held.staging())?;
    load.compare(receipt, None)?;
    // The name is the step: from here on whoever comes next carries it out.
    let intent = receipts::doubt_path(&held.sibling, receipt.seq, &receipt.run, State::Intent);
    held.disk.rename_new(&staged, &intent).map_err(|e| Error::io("name", &intent, e))?;
    doubtful((|| {
        held.disk.sync_dir(&held.sibling.receipts())?;
        fault::pass(FailPoint::PendingWritten)?;
        held.still_ours(load.staging)?;
        if !carry_out(held, receipt, &held.staging())? {
            return Err(Error::failed("what was staged is gone"));
        }
        load.name_doubt(receipt, &intent)
    })())
}

/// Finishes the intent of a dead run; false if there is nothing of it.
pub(super) fn finish(held: &Held, receipt: &Receipt) -> Result<bool> {
    match staging_of(&held.sibling, receipt)? {
        Some(staging) => carry_out(held, receipt, &staging),
        None => shows(&held.sibling, receipt),
    }
}

/// Whether an intent is sure to be finished by whoever locks the place next.
pub(super) fn can_finish(sibling: &Sibling, receipt: &Receipt) -> Result<bool> {
    Ok(staging_of(sibling, receipt)?.is_some() || shows(sibling, receipt)?)
}

/// Each step is durable before the next begins, and each finds out for itself whether it was done. Where a name goes is
/// synced before where it came from, so that a power cut leaves two names rather than none.
fn carry_out(held: &Held, receipt: &Receipt, staging: &Path) -> Result<bool> {
    let (live, parent) = (&held.sibling.live, &held.sibling.parent);
    let fresh = staging.join("fresh");
    let rename = |from: &Path, to: &Path| held.disk.rename(from, to).map_err(|e| Error::io("move", from, e));
    let aside = |to: &Path| -> Result<()> {
        rename(live, to)?;
        held.disk.sync_dir(staging)?;
        held.disk.sync_dir(parent)
    };
    let back = |from: &Path| -> Result<()> {
        rename(from, live)?;
        held.disk.sync_dir(parent)?;
        held.disk.sync_dir(staging)
    };
    if receipt.mode == Mode::Replace {
        if fresh.is_dir() {
            let old = staging.join("old");
            if old.is_dir() {
                make_way(held, staging, &[&old, &fresh])?;
            } else if live.is_dir() {
                aside(&old)?;
            }
            fault::pass(FailPoint::FallbackHalf)?;
            back(&fresh)?;
        }
    } else {
        let away = staging.join("live");
        let waiting: Vec<String> =
            files_in(&fresh)?.into_iter().filter(|name| receipts::is_of_run(name, &receipt.run)).collect();
        if !waiting.is_empty() && !away.is_dir() {
            aside(&away)?;
        }
        fault::pass(FailPoint::FallbackHalf)?;
        if away.is_dir() {
            // All folders of the load, also those into which a run that died had moved its files: nobody synced them.
            let files = LiveFiles::of(receipt, &held.sibling.place.shown)?.files;
            let ours = files.iter().map(|file| file.name.as_str());
            let folders = folders_of(ours.filter(|name| receipts::is_of_run(name, &receipt.run)));
            for folder in &folders {
                held.disk.make_dirs(&away.join(folder))?;
            }
            for name in &waiting {
                rename(&fresh.join(name), &away.join(name))?;
            }
            for folder in folders.iter().rev() {
                held.disk.sync_dir(&away.join(folder))?;
            }
            held.disk.sync_dir(&away)?;
            make_way(held, staging, &[&away])?;
            back(&away)?;
        }
    }
    shows(&held.sibling, receipt)
}

/// Takes away what has the live folder's name though that was moved aside: an empty folder, or what a power cut left of
/// the move. Anything else stays, and nothing goes on.
fn make_way(held: &Held, staging: &Path, moved: &[&Path]) -> Result<()> {
    let live = &held.sibling.live;
    if live.symlink_metadata().is_err() {
        return Ok(());
    }
    let there = files_in(live)?;
    for folder in moved {
        let known = files_in(folder)?;
        if there.iter().all(|name| known.contains(name)) {
            return held.disk.rename(live, &staging.join("old-again")).map_err(|e| Error::io("move", live, e));
        }
    }
    Err(Error::refused("something took the folder's name while a load was being published")
        .at(&held.sibling.place.shown)
        .next(format!("move {} away, then run again: the rows wait in the hidden folder beside it", live.display())))
}

/// Whether the folder shows the load.
fn shows(sibling: &Sibling, receipt: &Receipt) -> Result<bool> {
    let files = LiveFiles::of(receipt, &sibling.place.shown)?.files;
    Ok(files.iter().any(|f| receipts::is_of_run(&f.name, &receipt.run) && sibling.live.join(&f.name).exists()))
}

/// The staging of the run that left the receipt, dead or alive.
fn staging_of(sibling: &Sibling, receipt: &Receipt) -> Result<Option<PathBuf>> {
    let staging = sibling.staging();
    for name in names_in(&staging)? {
        let run = name.strip_prefix(DEAD).unwrap_or(&name);
        let run = run.split('.').next().unwrap_or(run);
        let folder = staging.join(&name);
        if run == receipt.run && (folder.join("fresh").is_dir() || folder.join("live").is_dir()) {
            return Ok(Some(folder));
        }
    }
    Ok(None)
}
