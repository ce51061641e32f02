//! What is done first with a place that was just locked: dead runs are disarmed, their doubts settled, their leavings
//! removed; in this order.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use hygge_core::budget::shown_bytes;
use hygge_core::fault::{self, FailPoint};
use hygge_core::{Error, Result};

use super::receipts::{self, State};
use super::{Held, LiveFiles, Shape, fallback, files_in, is_key_folder, names_in};
use crate::files::platform;

/// The head of a dead run's staging.
pub(super) const DEAD: &str = "dead-";

/// What was removed.
#[derive(Debug, Default)]
pub struct Removed {
    files: u64,
    bytes: u64,
}

impl Removed {
    /// Removes a file. One that has another name elsewhere goes on taking its room, and is not counted.
    fn file(&mut self, held: &Held, path: &Path) -> Result<()> {
        let alone = path.symlink_metadata().ok().filter(|meta| meta.nlink() == 1);
        held.disk.remove_file(path)?;
        if let Some(meta) = alone {
            self.files += 1;
            self.bytes += meta.len();
        }
        Ok(())
    }

    fn told(&self, run: &str) -> String {
        let files = if self.files == 1 { "1 file".to_owned() } else { format!("{} files", self.files) };
        let run = run.split('.').next().unwrap_or(run);
        format!("cleared away what run {run} left behind: {files}, {}", shown_bytes(self.bytes))
    }
}

/// Sweeps. Whatever is in doubt afterwards is settled; whatever could not be removed is tried again by the next run.
/// A folder that was live goes no sooner than `grace` after its exchange. Answers with what was done, in sentences for
/// people.
///
/// # Errors
/// If a dead run cannot be disarmed, or its doubt not be settled: then the place must not be written.
pub fn sweep(held: &Held, grace: Duration) -> Result<Vec<String>> {
    let sibling = &held.sibling;
    held.disk.make_dirs(&sibling.receipts())?;
    held.disk.make_dirs(&sibling.staging())?;

    // First: a run that lost its lock and wakes up must find nothing that it could still publish.
    let staging = sibling.staging();
    let mut renamed = false;
    for name in names_in(&staging)? {
        if name.starts_with(DEAD) {
            continue;
        }
        let mut to = staging.join(format!("{DEAD}{name}"));
        let mut n = 1;
        while to.symlink_metadata().is_ok() {
            n += 1;
            to = staging.join(format!("{DEAD}{name}.{n}"));
        }
        held.disk.rename(&staging.join(&name), &to).map_err(|e| Error::io("set aside", &staging.join(&name), e))?;
        renamed = true;
    }
    if renamed {
        held.disk.sync_dir(&staging)?;
    }
    fault::pass(FailPoint::SweepRenamed)?;

    let mut done = settle_doubts(held)?;
    fault::pass(FailPoint::SweepSettled)?;

    for name in names_in(&staging)? {
        if let Some(run) = name.strip_prefix(DEAD) {
            std::thread::sleep(still_read(&staging.join(&name), grace));
            let mut removed = Removed::default();
            // What cannot be removed is in nobody's way.
            let _ = remove_staging(held, &staging.join(&name), run, &mut removed);
            if !staging.join(&name).exists() {
                done.push(removed.told(run));
            }
        }
    }
    Ok(done)
}

/// How long what a dead run took out of sight must stay: a reader that had opened the folder before its exchange, and has
/// not listed it yet, would see a part of it.
fn still_read(staging: &Path, grace: Duration) -> Duration {
    // The exchange gave the folder its time. One of the future says nothing, so the whole of `grace` is waited.
    let age = |folder: &Path| match platform::changed(folder) {
        Ok(changed) => SystemTime::now().duration_since(changed).unwrap_or_default(),
        Err(_) => grace,
    };
    let Ok(names) = names_in(staging) else { return Duration::ZERO };
    let taken_away = names.iter().filter(|name| *name == "fresh" || name.starts_with("old"));
    taken_away.map(|name| grace.saturating_sub(age(&staging.join(name)))).max().unwrap_or_default()
}

/// Gives every receipt in doubt its final name, or removes it.
fn settle_doubts(held: &Held) -> Result<Vec<String>> {
    let sibling = &held.sibling;
    let entries = receipts::entries(sibling)?;
    let mut last = entries.iter().filter(|e| e.state == State::Settled).map(|e| e.seq).max().unwrap_or(0);
    let mut touched = false;
    let mut done = Vec::new();
    for entry in entries.iter().filter(|e| e.state != State::Settled) {
        touched = true;
        // A doubt that was never whole on the disk was never acted on.
        let receipt = match receipts::read(&entry.path, sibling) {
            Ok(Some(receipt)) => receipt,
            Ok(None) => continue,
            // Only what was read and is no receipt was never whole; what cannot be read just now may be the proof of a load.
            Err(_) if receipts::is_torn(&entry.path)? => {
                held.disk.remove_file(&entry.path)?;
                continue;
            }
            Err(error) => return Err(error),
        };
        let settled = entry.seq > last
            && match entry.state {
                State::Intent => fallback::finish(held, &receipt)?,
                _ => receipts::is_visible(sibling, held.format.as_ref(), &receipt)?,
            };
        if settled {
            // What is visible must be durable before its receipt says so.
            held.disk.sync_dir(&sibling.parent)?;
            let to = receipts::settled_path(sibling, entry.seq);
            held.disk.rename(&entry.path, &to).map_err(|e| Error::io("rename", &entry.path, e))?;
            last = entry.seq;
            done.push(format!("run {} had settled before it died: its receipt is in place", receipt.run));
        } else {
            held.disk.remove_file(&entry.path)?;
        }
    }
    if touched {
        held.disk.sync_dir(&sibling.receipts())?;
    }
    Ok(done)
}

/// Removes a run's staging, but no name that neither a receipt nor the run itself holds: such a name is brought back to
/// the live folder. Nor the last copy of a file that should be live.
///
/// # Errors
/// If something cannot be removed.
pub fn remove_staging(held: &Held, staging: &Path, run: &str, removed: &mut Removed) -> Result<()> {
    // `dead-<run>.2` and the like are the same run.
    let run = run.split('.').next().unwrap_or(run);
    let mut known = None;
    for name in names_in(staging)? {
        let path = staging.join(&name);
        if !path.is_dir() {
            if name.ends_with(".staged") {
                removed.file(held, &path)?;
            }
            continue;
        }
        // Nothing but our own was ever in these; the others were live once, or will be.
        let private = name == "parts" || name.starts_with("probe-");
        if !private && name != "fresh" && !name.starts_with("old") {
            continue;
        }
        for inner in files_in(&path)? {
            let file = path.join(&inner);
            if (private && inner.ends_with(".staged")) || receipts::is_of_run(&inner, run) {
                removed.file(held, &file)?;
                continue;
            }
            let known = match &known {
                Some(known) => known,
                None => known.insert(Known::read(held)?),
            };
            if known.live.contains(&inner) && !held.sibling.live.join(&inner).exists() {
                continue;
            }
            if known.ever.contains(&inner) {
                removed.file(held, &file)?;
            } else if held.sibling.shape == Shape::Folder {
                bring_back(held, &file, &inner)?;
            }
        }
        remove_key_folders(held, &path)?;
        held.disk.remove_dir(&path)?;
    }
    held.disk.remove_dir(staging)
}

/// Removes the folders called `name=value` in a folder, which must be empty.
fn remove_key_folders(held: &Held, folder: &Path) -> Result<()> {
    for name in names_in(folder)? {
        let path = folder.join(&name);
        if is_key_folder(&path, &name) {
            remove_key_folders(held, &path)?;
            held.disk.remove_dir(&path)?;
        }
    }
    Ok(())
}

/// The names that receipts hold.
struct Known {
    /// By the last one.
    live: HashSet<String>,
    /// By any.
    ever: HashSet<String>,
}

impl Known {
    fn read(held: &Held) -> Result<Self> {
        let last = receipts::newest(&held.sibling, held.format.as_ref())?;
        let live = match last {
            Some(receipt) => {
                LiveFiles::of(&receipt, &held.sibling.place.shown)?.files.into_iter().map(|f| f.name).collect()
            }
            None => HashSet::new(),
        };
        Ok(Self { live, ever: receipts::held_names(&held.sibling)? })
    }
}

/// Moves a name that is not ours into the live folder.
pub(super) fn bring_back(held: &Held, file: &Path, name: &str) -> Result<()> {
    let to = held.sibling.live.join(name);
    if let Some(folder) = to.parent().filter(|_| name.contains('/')) {
        held.disk.make_dirs(folder)?;
    }
    match held.disk.rename_new(file, &to) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let (here, there) = (super::Identity::at(file), super::Identity::at(&to));
            // The same file under both names (it was about to be adopted): one name is enough.
            if matches!((here, there), (Ok(Some(a)), Ok(Some(b))) if a == b) {
                held.disk.remove_file(file)
            } else {
                Ok(())
            }
        }
        Err(error) => Err(Error::io("bring back", file, error)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::create_dir;

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn what_was_just_taken_out_of_sight_stays_a_while() {
        let staging = tempfile::tempdir().expect("a folder");
        create_dir(staging.path().join("parts")).expect("made");
        assert_eq!(still_read(staging.path(), HOUR), Duration::ZERO, "no reader ever saw the parts");
        for taken_away in ["fresh", "old"] {
            create_dir(staging.path().join(taken_away)).expect("made");
            let wait = still_read(staging.path(), HOUR);
            assert!(wait > HOUR / 2 && wait <= HOUR, "{wait:?} for {taken_away}");
            assert_eq!(still_read(staging.path(), Duration::ZERO), Duration::ZERO);
            std::fs::remove_dir(staging.path().join(taken_away)).expect("removed");
        }
    }
}
