//! Publishing a folder where folders cannot be exchanged or files not be linked: by an intent that whoever comes next
//! carries out. The folder is absent for a moment, or after a kill until the next run; never half.

use std::path::{Path, PathBuf};

use hygge_core::fault::{self, FailPoint};
use hygge_core::receipt::{Mode, Receipt};
use hygge_core::{Error, Result};

use super::folder::{Publish, doubtful};
use super::receipts::{self, State};
use super::sweep::DEAD;
use super::{Held, LiveFiles, Sibling, names_in};

/// Publishes what lies in `fresh/`: only new files for an append, all files for a replace.
pub(super) fn publish(load: &Publish<'_>, receipt: &Receipt) -> Result<()> {
    load.compare_pending(receipt)?;
    let intent = load.write_doubt(receipt, State::Intent)?;
    doubtful((|| {
        fault::pass(FailPoint::PendingWritten)?;
        load.held.still_ours(load.staging)?;
        if !carry_out(load.held, receipt, &load.held.staging())? {
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

/// Each step is durable before the next begins, and each finds out for itself whether it was done.
fn carry_out(held: &Held, receipt: &Receipt, staging: &Path) -> Result<bool> {
    let (live, parent) = (&held.sibling.live, &held.sibling.parent);
    let fresh = staging.join("fresh");
    let step = |from: &Path, to: &Path| -> Result<()> {
        held.disk.rename(from, to).map_err(|e| Error::io("move", from, e))?;
        held.disk.sync_dir(parent)?;
        held.disk.sync_dir(staging)
    };
    if receipt.mode == Mode::Replace {
        if fresh.is_dir() {
            let old = staging.join("old");
            if old.is_dir() {
                make_way(held)?;
            } else if live.is_dir() {
                step(live, &old)?;
            }
            fault::pass(FailPoint::FallbackHalf)?;
            step(&fresh, live)?;
        }
    } else {
        let away = staging.join("live");
        let waiting: Vec<String> =
            names_in(&fresh)?.into_iter().filter(|name| receipts::is_of_run(name, &receipt.run)).collect();
        if !waiting.is_empty() && !away.is_dir() {
            step(live, &away)?;
        }
        fault::pass(FailPoint::FallbackHalf)?;
        if away.is_dir() {
            for name in &waiting {
                let from = fresh.join(name);
                held.disk.rename(&from, &away.join(name)).map_err(|e| Error::io("move", &from, e))?;
            }
            held.disk.sync_dir(&away)?;
            make_way(held)?;
            step(&away, live)?;
        }
    }
    shows(&held.sibling, receipt)
}

/// Takes away an empty folder that somebody made while the live one was away.
fn make_way(held: &Held) -> Result<()> {
    let live = &held.sibling.live;
    if live.symlink_metadata().is_err() {
        return Ok(());
    }
    held.disk.remove_dir(live).map_err(|e| {
        Error::refused("something took the folder's name while a load was being published")
            .at(&held.sibling.place.shown)
            .next(format!("move {} away, then run again: the rows wait in the hidden folder beside it", live.display()))
            .because(e)
    })
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
