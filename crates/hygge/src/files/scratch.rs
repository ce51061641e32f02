//! A file without a name, for what does not fit into memory for a while. It is gone when it is closed, however the run ends.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use hygge_core::{Error, Result};

/// Tells the files of one process apart, for as long as they have names.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Where scratch files lie, the first that takes one: as `TMPDIR` says, else on the disk rather than in memory, which `/tmp`
/// often is.
fn folders() -> Vec<PathBuf> {
    match std::env::var_os("TMPDIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => vec![PathBuf::from(folder)],
        None => vec![PathBuf::from("/var/tmp"), PathBuf::from("/tmp")],
    }
}

/// A fresh file, readable by its owner alone, and the folder it lies in.
///
/// # Errors
/// If no folder takes one.
pub(crate) fn scratch() -> Result<(File, PathBuf)> {
    let mut told = None;
    for folder in folders() {
        match nameless(&folder) {
            Ok(file) => return Ok((file, folder)),
            Err(error) => told = told.or(Some(lost("make a scratch file in", &folder, error))),
        }
    }
    Err(told.unwrap_or_else(|| Error::bug("there is no folder to look for scratch files in")))
}

/// What is wrong with a scratch file.
pub(crate) fn lost(what: &str, folder: &Path, error: io::Error) -> Error {
    Error::io(what, folder, error).next("name a folder with more room in the environment:  TMPDIR=/path/to/folder")
}

fn nameless(folder: &Path) -> io::Result<File> {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!(".hygge-{}-{number}.scratch", std::process::id()));
    // What a process of this number left when it died between these two lines is nobody's.
    let _ = std::fs::remove_file(&path);
    let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _, Write as _};

    use super::*;

    #[test]
    fn it_holds_what_is_written_and_has_no_name() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut file = nameless(dir.path()).expect("a file");
        assert_eq!(std::fs::read_dir(dir.path()).expect("listed").count(), 0);
        file.write_all(b"rows").expect("written");
        file.rewind().expect("rewound");
        let mut text = String::new();
        file.read_to_string(&mut text).expect("read");
        assert_eq!(text, "rows");
        assert!(nameless(&dir.path().join("nowhere")).is_err());
    }
}
