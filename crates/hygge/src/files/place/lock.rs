//! One runner per place: a lock that the operating system releases when its holder dies.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::PathBuf;

use hygge_core::context::Context;
use hygge_core::receipt::Owner;
use hygge_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::Sibling;
use crate::files::durable::Disk;
use crate::files::platform::{self, Identity};

/// The lock of a place, released when dropped or when the process dies.
pub struct PlaceLock {
    file: File,
    path: PathBuf,
}

/// Who holds a place; for people only.
#[derive(Debug, Serialize, Deserialize)]
struct Holder {
    run: String,
    owner: String,
    pid: u32,
    host: String,
    started: String,
}

impl PlaceLock {
    /// Takes the lock of a place, making its private folder where it is missing.
    ///
    /// # Errors
    /// Refused, naming the holder, when a living run has it; or if the folder cannot be made.
    pub fn take(sibling: &Sibling, disk: &Disk, ctx: &Context, owner: &Owner) -> Result<Self> {
        let path = sibling.base.join("lock");
        loop {
            disk.make_dirs(&sibling.base).map_err(|e| e.at(&sibling.place.shown))?;
            let file = File::options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .map_err(|e| Error::io("open", &path, e).at(&sibling.place.shown))?;
            let ours = platform::try_lock(&file).map_err(|e| {
                Error::refused("the file system knows no locks, so two runs could not be told apart")
                    .at(&sibling.place.shown)
                    .next("let the store settle on another file system")
                    .because(e)
            })?;
            if !ours {
                return Err(held_by(file, sibling));
            }
            let mut lock = Self { file, path: path.clone() };
            // Another could have removed the file between our opening and locking it: then this is nobody's lock.
            if lock.still_ours() {
                lock.say(ctx, owner);
                return Ok(lock);
            }
        }
    }

    /// Whether the locked file is still the one that others would lock.
    #[must_use]
    pub fn still_ours(&self) -> bool {
        let Ok(meta) = self.file.metadata() else { return false };
        matches!(Identity::at(&self.path), Ok(Some(there)) if there == Identity::of(&meta))
    }

    fn say(&mut self, ctx: &Context, owner: &Owner) {
        let holder = Holder {
            run: ctx.run.to_string(),
            owner: owner.to_string(),
            pid: std::process::id(),
            host: platform::host_name(),
            started: ctx.clock.now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        };
        // Who holds the lock is a courtesy: the lock itself needs no word in the file.
        if let Ok(text) = serde_json::to_vec(&holder)
            && self.file.set_len(0).is_ok()
            && self.file.rewind().is_ok()
        {
            let _ = self.file.write_all(&text);
        }
    }
}

impl Drop for PlaceLock {
    fn drop(&mut self) {
        platform::unlock(&self.file);
    }
}

fn held_by(mut file: File, sibling: &Sibling) -> Error {
    let mut text = String::new();
    let holder = match file.read_to_string(&mut text) {
        Ok(_) => serde_json::from_str::<Holder>(&text).ok(),
        Err(_) => None,
    };
    let error = match &holder {
        Some(h) => Error::refused(format!(
            "another run is settling there: run {} of {}, process {} on {}, since {}",
            h.run, h.owner, h.pid, h.host, h.started
        )),
        None => Error::refused("another run is settling there"),
    };
    error.at(&sibling.place.shown).next("wait until it has ended, or stop it; nothing was changed")
}
