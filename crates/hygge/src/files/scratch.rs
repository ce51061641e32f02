//! A file without a name, for what does not fit into memory for a while. It is gone when it is closed, however the run ends.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use hygge_core::{Error, Result};

/// Where scratch files lie, the first that takes one: as `TMPDIR` says, else on the disk rather than in memory, which `/tmp`
/// often is.
fn folders() -> Vec<PathBuf> {
    match std::env::var_os("TMPDIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => vec![PathBuf::from(folder)],
        None => vec![PathBuf::from("/var/tmp"), PathBuf::from("/tmp")],
    }
}

/// A fresh file, which nobody else can open, and the folder it lies in.
///
/// # Errors
/// If no folder takes one.
pub(crate) fn scratch() -> Result<(File, PathBuf)> {
    let mut told = None;
    for folder in folders() {
        match tempfile::tempfile_in(&folder) {
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

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _, Write as _};
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn it_holds_what_is_written_and_has_no_name() {
        let (mut file, folder) = scratch().expect("a file");
        assert!(folder.is_dir());
        file.write_all(b"rows").expect("written");
        file.rewind().expect("rewound");
        let mut text = String::new();
        file.read_to_string(&mut text).expect("read");
        assert_eq!(text, "rows");
        assert_eq!(file.metadata().expect("told").nlink(), 0, "it has no name by which others could open it");
    }
}
