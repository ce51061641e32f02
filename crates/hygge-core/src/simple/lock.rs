//! One runner per place, where the place itself knows no locks.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};

use crate::context::Context;
use crate::place::PlaceId;
use crate::receipt::{Owner, Question};
use crate::{Error, Result};

/// The lock of a place, kept in the project's `.hygge/places`; the operating system gives it back when its holder dies.
/// It knows the runs of this project on this machine, and no others.
pub(super) struct PlaceLock {
    _file: File,
}

impl PlaceLock {
    /// Takes the lock. Its file stays: to remove it would let two hold it.
    ///
    /// # Errors
    /// Refused, naming the holder, when a living run has it; or if the file cannot be made.
    pub(super) fn take(ctx: &Context, place: &PlaceId, owner: &Owner) -> Result<Self> {
        let folder = ctx.root.join(".hygge").join("places");
        std::fs::create_dir_all(&folder).map_err(|e| Error::io("make", &folder, e).at(&place.shown))?;
        let path = folder.join(format!("{}.lock", Question::digest(&place.key())));
        let io = |doing: &str, error| Error::io(doing, &path, error).at(&place.shown);
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|e| io("open", e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(&mut file, place)),
            Err(TryLockError::Error(error)) => return Err(io("lock", error)),
        }
        // Who holds it is a courtesy: the lock needs no word in the file.
        let word = format!("run {} of {owner}, process {}", ctx.run, std::process::id());
        let _ = file.set_len(0).and_then(|()| file.write_all(word.as_bytes())).and_then(|()| file.rewind());
        Ok(Self { _file: file })
    }
}

fn held(file: &mut File, place: &PlaceId) -> Error {
    let mut holder = String::new();
    let _ = file.read_to_string(&mut holder);
    let by = if holder.is_empty() { String::new() } else { format!(": {holder}") };
    Error::refused(format!("another run is settling there{by}"))
        .at(&place.shown)
        .next("wait until it has ended, or stop it; nothing was changed")
}
