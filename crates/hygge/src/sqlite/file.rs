//! A database as a file: where it really lies, what its header says, and how it looked.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hygge_core::place::PlaceId;
use hygge_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::fault::not_a_database;

/// Files whose header was read, by device and inode, open until the process ends.
///
/// POSIX drops all locks that a process has on a file as soon as it closes *any* descriptor of that file. So closing
/// one of these would take SQLite's own locks away under a connection of another flow.
static HANDLES: Mutex<Vec<(u64, u64, Arc<File>)>> = Mutex::new(Vec::new());

/// A database file, whether it exists or not.
#[derive(Debug, Clone)]
pub(crate) struct DbFile {
    /// As configured, absolute.
    pub(crate) path: PathBuf,
    /// As the project wrote it.
    pub(crate) shown: String,
}

/// What the first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// No bytes at all: a database without tables.
    pub(crate) empty: bool,
    /// The file is in WAL mode.
    pub(crate) wal: bool,
    /// Counts the transactions, though not each one in WAL mode.
    pub(crate) counter: u32,
}

/// How a database file looked at one moment, with nothing waiting beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    pub(crate) size: u64,
    pub(crate) mtime_ns: i64,
    pub(crate) inode: u64,
    pub(crate) counter: u32,
}

impl DbFile {
    pub(crate) fn new(path: &Path, shown: &str) -> Self {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Self { path, shown: shown.to_owned() }
    }

    /// Where it really lies, also before it exists: the nearest folder that exists is followed through its links.
    pub(crate) fn real(&self) -> PathBuf {
        let mut rest = Vec::new();
        let mut at = self.path.as_path();
        loop {
            if let Ok(real) = at.canonicalize() {
                return rest.iter().rev().fold(real, |path, part: &&std::ffi::OsStr| path.join(part));
            }
            match (at.parent(), at.file_name()) {
                (Some(parent), Some(name)) => {
                    rest.push(name);
                    at = parent;
                }
                _ => return self.path.clone(),
            }
        }
    }

    /// The place of a table, or of the whole database.
    pub(crate) fn place(&self, table: Option<&str>) -> PlaceId {
        PlaceId {
            resource: format!("sqlite:{}", self.real().display()),
            // SQLite takes no notice of the case of ASCII letters in names.
            path: table.iter().map(|t| t.to_ascii_lowercase()).collect(),
            shown: match table {
                Some(table) => format!("{}:{table}", self.shown),
                None => self.shown.clone(),
            },
        }
    }

    /// The name of a file beside it (`-wal`).
    pub(crate) fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = OsString::from(self.real());
        name.push(suffix);
        PathBuf::from(name)
    }

    /// Bytes that wait in the write-ahead log; 0 where there is none.
    pub(crate) fn waiting(&self) -> u64 {
        self.beside("-wal").metadata().map_or(0, |m| m.len())
    }

    /// Whether a program has the database open in WAL mode, or died so.
    pub(crate) fn is_entered(&self) -> bool {
        self.beside("-shm").exists()
    }

    /// Reads the header.
    pub(crate) fn header(&self) -> Result<Header> {
        let (file, size) = self.handle()?;
        if size == 0 {
            return Ok(Header { empty: true, wal: false, counter: 0 });
        }
        let mut bytes = [0_u8; 100];
        match file.read_exact_at(&mut bytes, 0) {
            Ok(()) if bytes.starts_with(b"SQLite format 3\0") => Ok(Header {
                empty: false,
                wal: bytes[18] == 2 || bytes[19] == 2,
                counter: u32::from_be_bytes([bytes[24], bytes[25], bytes[26], bytes[27]]),
            }),
            Ok(()) => Err(not_a_database(&self.shown)),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(not_a_database(&self.shown)),
            Err(error) => Err(self.io("read", error)),
        }
    }

    /// How it looks now; none while something waits in its write-ahead log.
    pub(crate) fn stamp(&self) -> Result<Option<Stamp>> {
        if self.waiting() > 0 {
            return Ok(None);
        }
        let counter = self.header()?.counter;
        let now = self.path.metadata().map_err(|e| self.io("read", e))?;
        let mtime_ns = now.mtime().saturating_mul(1_000_000_000).saturating_add(now.mtime_nsec());
        Ok(Some(Stamp { size: now.len(), mtime_ns, inode: now.ino(), counter }))
    }

    /// An I/O error on it, by the name that the project uses.
    pub(crate) fn io(&self, doing: &str, error: std::io::Error) -> Error {
        Error::io(doing, Path::new(&self.shown), error)
    }

    fn handle(&self) -> Result<(Arc<File>, u64)> {
        let now = self.path.metadata().map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => Error::refused(format!("there is no database {}", self.shown))
                .next("check the path; it is relative to the folder of hygge.yml"),
            _ => self.io("read", e),
        })?;
        if now.is_dir() {
            return Err(Error::refused(format!("{} is a folder, not a database", self.shown))
                .next("name the database file in it"));
        }
        let mut handles = HANDLES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((.., file)) = handles.iter().find(|(dev, ino, _)| (*dev, *ino) == (now.dev(), now.ino())) {
            return Ok((Arc::clone(file), now.len()));
        }
        let file = Arc::new(File::open(&self.path).map_err(|e| self.io("read", e))?);
        let opened = file.metadata().map_err(|e| self.io("read", e))?;
        handles.push((opened.dev(), opened.ino(), Arc::clone(&file)));
        Ok((file, opened.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_there_yet_has_the_same_place_through_a_link() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let real = dir.path().join("real");
        std::fs::create_dir(&real).expect("folder");
        std::os::unix::fs::symlink(&real, dir.path().join("link")).expect("link");
        let direct = DbFile::new(&real.join("new/shop.db"), "a").place(Some("Users"));
        let linked = DbFile::new(&dir.path().join("link/new/shop.db"), "b").place(Some("users"));
        assert_eq!((&direct.resource, &direct.path), (&linked.resource, &linked.path));
        assert!(direct.clashes(&linked));
    }

    #[test]
    fn headers_tell_databases_from_other_files() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("x.db");
        let file = DbFile::new(&path, "x.db");
        assert!(file.header().expect_err("missing").found().contains("there is no database x.db"));
        std::fs::write(&path, "").expect("write");
        assert!(file.header().expect("empty").empty);
        std::fs::write(&path, "id,name\n1,a\n").expect("write");
        assert!(file.header().expect_err("text").found().contains("not a SQLite database"));
        std::fs::remove_file(&path).expect("remove");
        let conn = rusqlite::Connection::open(&path).expect("open");
        conn.execute_batch("CREATE TABLE t(a)").expect("create");
        let before = file.header().expect("header");
        assert!(!before.wal && !before.empty);
        conn.execute_batch("INSERT INTO t VALUES (1)").expect("insert");
        assert_ne!(file.header().expect("header").counter, before.counter);
        conn.query_row("PRAGMA journal_mode=WAL", [], |_| Ok(())).expect("wal");
        assert!(file.header().expect("header").wal);
    }
}
