//! Files as they were when a scan opened: what is read of them is that and nothing else. They lie on this machine's
//! disk, behind a URL, or were fetched from there into a file without a name.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use hygge_core::{Error, Result};

use super::positioned::{From, Positioned};
use super::web::{Fetched, WebFile, WebStream};

/// A file as it was when a scan opened: what is read of it is this and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PinnedFile {
    /// Where it lies, on the disk or on its server.
    pub path: PathBuf,
    /// The path for people and for receipts: relative to the project's root where it lies below it.
    pub shown: String,
    /// Its length in bytes.
    pub len: u64,
    /// When it was last written, in nanoseconds since 1970; 0 where nobody says.
    pub mtime: i64,
    lies: Lies,
}

/// Where the bytes are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Lies {
    /// On the disk: which device, and its number there.
    Disk(u64, u64),
    /// Behind a URL, of which parts can be had.
    Web(WebFile),
    /// In a file without a name that was fetched from a URL.
    Fetched(Fetched),
}

/// How a pinned file is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pin {
    /// As it was.
    Same,
    /// The same file, longer than it was.
    Grown,
    /// Written, cut short, replaced or removed.
    Changed,
}

impl PinnedFile {
    /// Pins the file at `path`.
    ///
    /// # Errors
    /// If it cannot be looked at.
    pub fn pin(path: &Path, shown: String) -> Result<Self> {
        let meta = std::fs::metadata(path).map_err(|e| Error::io("look at", path, e))?;
        Ok(Self::of(path, shown, &meta))
    }

    pub(super) fn of(path: &Path, shown: String, meta: &Metadata) -> Self {
        let lies = Lies::Disk(meta.dev(), meta.ino());
        Self { path: path.to_path_buf(), shown, len: meta.len(), mtime: mtime(meta), lies }
    }

    /// A file of which a server gives parts.
    pub(super) fn web(path: PathBuf, shown: String, file: WebFile) -> Self {
        Self { path, shown, len: file.length(), mtime: file.mtime(), lies: Lies::Web(file) }
    }

    /// A file that was fetched from a server.
    pub(super) fn fetched(path: PathBuf, shown: String, file: Fetched) -> Self {
        Self { path, shown, len: file.length(), mtime: file.mtime(), lies: Lies::Fetched(file) }
    }

    /// Opens the file for reading at positions.
    ///
    /// # Errors
    /// If it cannot be opened, or is no longer the file that was pinned (then only a new run can help). Growth is left
    /// to [`Self::pinned`] at the end: only [`Self::len`] bytes of it are read.
    pub fn open(&self) -> Result<Positioned> {
        match &self.lies {
            Lies::Disk(..) => Ok(Positioned::new(self.open_disk()?, self.len)),
            Lies::Web(file) => Ok(Positioned::web(file.clone())),
            Lies::Fetched(file) => Ok(Positioned::shared(file.file(), self.len)),
        }
    }

    /// Reads on from a position.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn stream(&self, begin: u64) -> Result<Streamed> {
        Ok(match &self.lies {
            Lies::Web(file) => Streamed::Web(Box::new(WebStream::new(file.clone(), begin, self.len))),
            Lies::Disk(..) | Lies::Fetched(_) => Streamed::Disk(From::new(self.open()?, begin)),
        })
    }

    fn open_disk(&self) -> Result<File> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(self.moved("is gone")),
            Err(error) => return Err(Error::io("open", &self.path, error)),
        };
        let meta = file.metadata().map_err(|e| Error::io("look at", &self.path, e))?;
        match self.compare(&meta) {
            Pin::Same | Pin::Grown => Ok(file),
            Pin::Changed => Err(self.moved("has changed")),
        }
    }

    /// How the file is now.
    ///
    /// # Errors
    /// If it cannot be looked at.
    pub fn pinned(&self) -> Result<Pin> {
        match &self.lies {
            Lies::Disk(..) => match std::fs::metadata(&self.path) {
                Ok(meta) => Ok(self.compare(&meta)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Pin::Changed),
                Err(error) => Err(Error::io("look at", &self.path, error)),
            },
            Lies::Web(file) => Ok(if file.is_same()? { Pin::Same } else { Pin::Changed }),
            // It is one state, whatever the server has by now.
            Lies::Fetched(_) => Ok(Pin::Same),
        }
    }

    /// Fails unless the file is as it was.
    ///
    /// # Errors
    /// If it is not: then only a new run can help.
    pub fn unchanged(&self) -> Result<()> {
        match self.pinned()? {
            Pin::Same => Ok(()),
            Pin::Grown => Err(self.moved("has grown")),
            Pin::Changed => Err(self.moved("has changed or is gone")),
        }
    }

    /// What a server says by which one state of the file is told from another; then its bytes need not be.
    #[must_use]
    pub fn version(&self) -> Option<String> {
        match &self.lies {
            Lies::Disk(..) => None,
            Lies::Web(file) => file.version(),
            Lies::Fetched(file) => file.version(),
        }
    }

    /// What is to be said of how the file is read.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        match &self.lies {
            Lies::Disk(..) | Lies::Web(_) => None,
            Lies::Fetched(file) => Some(format!("{} was fetched whole before it is read, {}", self.shown, file.why())),
        }
    }

    fn compare(&self, meta: &Metadata) -> Pin {
        let Lies::Disk(device, inode) = self.lies else { return Pin::Changed };
        if meta.dev() != device || meta.ino() != inode || meta.len() < self.len {
            Pin::Changed
        } else if meta.len() > self.len {
            Pin::Grown
        } else if mtime(meta) == self.mtime {
            Pin::Same
        } else {
            Pin::Changed
        }
    }

    fn moved(&self, what: &str) -> Error {
        moved(&self.shown, what)
    }
}

/// The error of a file that is no longer what it was.
pub(super) fn moved(shown: &str, what: &str) -> Error {
    Error::moved_on(format!("the file {what} since this run looked at it"))
        .at(shown)
        .next("run again when nobody writes to it")
}

fn mtime(meta: &Metadata) -> i64 {
    meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec())
}

/// The bytes of a pinned file, one behind the other.
pub enum Streamed {
    /// On this machine.
    Disk(From),
    /// Behind a URL.
    Web(Box<WebStream>),
}

impl Streamed {
    /// The same, up to `end`.
    #[must_use]
    pub fn until(self, end: u64) -> Self {
        match self {
            Self::Disk(from) => Self::Disk(from.until(end)),
            Self::Web(stream) => Self::Web(Box::new(stream.until(end))),
        }
    }
}

impl Read for Streamed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Disk(from) => from.read(buffer),
            Self::Web(stream) => stream.read(buffer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_tells_growth_from_change() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a.csv");
        std::fs::write(&path, "a.csv").expect("writes");
        let pin = PinnedFile::pin(&path, "a.csv".into()).expect("pins");
        assert_eq!(pin.pinned().expect("looks"), Pin::Same);
        pin.open().expect("opens");
        std::io::Write::write_all(&mut File::options().append(true).open(&path).expect("opens"), b"more")
            .expect("writes");
        assert_eq!(pin.pinned().expect("looks"), Pin::Grown);
        assert_eq!(pin.unchanged().expect_err("grown").retry(), hygge_core::Retry::Run);
        std::fs::write(&path, "x").expect("writes");
        assert_eq!(pin.pinned().expect("looks"), Pin::Changed);
        std::fs::remove_file(&path).expect("removes");
        assert!(pin.open().err().expect("gone").found().contains("is gone"));
    }
}
