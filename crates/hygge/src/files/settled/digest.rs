//! Whether a file is the one that it was: what is kept of its content.

use std::io::{Read, Seek, SeekFrom};

use hygge_core::context::Cancellation;
use hygge_core::{Error, Result};

use super::SettledFile;
use crate::files::listing::PinnedFile;
use crate::files::positioned::From;

/// Of larger files only both ends are hashed: all of them would cost a reading of its own.
pub(super) const HASH_LIMIT: u64 = 256 << 20;

/// How much an end is, in bytes.
const END: u64 = 1 << 20;

/// How the hash of both ends begins, which two different files may share.
const ENDS: &str = "ends-";

/// Whether a file is the one that settled; one that was only touched is.
pub(super) fn same(settled: &SettledFile, file: &PinnedFile, cancel: &Cancellation) -> Result<bool> {
    if settled.size != file.len {
        return Ok(false);
    }
    if let Some(version) = file.version() {
        return Ok(settled.hash.as_ref() == Some(&version));
    }
    if settled.mtime == file.mtime {
        return Ok(true);
    }
    match &settled.hash {
        // What lies between the ends may have changed.
        Some(was) if was.starts_with(ENDS) => Ok(false),
        Some(was) => Ok(*was == hash(file, cancel)?),
        None => Ok(false),
    }
}

/// The digest of a file's pinned length, or of both its ends; of one behind a URL, what its server says of it.
pub(super) fn hash(file: &PinnedFile, cancel: &Cancellation) -> Result<String> {
    if let Some(version) = file.version() {
        return Ok(version);
    }
    let mut from = From::new(file.open()?, 0);
    let mut hasher = blake3::Hasher::new();
    if file.len <= HASH_LIMIT {
        add(&mut hasher, &mut from, file, file.len, cancel)?;
        return Ok(hasher.finalize().to_hex()[..32].to_owned());
    }
    hasher.update(&file.len.to_le_bytes());
    for begin in [0, file.len - END] {
        from.seek(SeekFrom::Start(begin)).map_err(|e| Error::io("read", &file.path, e))?;
        add(&mut hasher, &mut from, file, END, cancel)?;
    }
    Ok(format!("{ENDS}{}", &hasher.finalize().to_hex()[..32]))
}

/// Adds the next bytes.
fn add(hasher: &mut blake3::Hasher, from: &mut From, file: &PinnedFile, len: u64, cancel: &Cancellation) -> Result<()> {
    let mut from = from.take(len);
    let mut buffer = vec![0; 256 << 10];
    loop {
        cancel.check()?;
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => {
                hasher.update(&buffer[..n]);
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::io("read", &file.path, error)),
        }
    }
}
