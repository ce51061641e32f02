//! Every operation by which the store of files changes a disk, in one place: so that tests can record a run, stop it
//! after any step, and replay what a power cut would have left.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use hygge_core::fault::{self, FailPoint};
use hygge_core::{Error, Result};

use super::platform;

/// One change of a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// An empty file was made.
    Create(PathBuf),
    /// A file's content was made durable.
    SyncFile(PathBuf),
    /// A folder was made.
    MakeDir(PathBuf),
    /// The names in a folder were made durable.
    SyncDir(PathBuf),
    /// A name was moved.
    Rename(PathBuf, PathBuf),
    /// Two names were exchanged.
    Exchange(PathBuf, PathBuf),
    /// A file got a second name.
    Link(PathBuf, PathBuf),
    /// A file's name was removed.
    RemoveFile(PathBuf),
    /// An empty folder was removed.
    RemoveDir(PathBuf),
}

/// Sees every operation before and after it is done; for tests.
pub trait Witness: Send + Sync {
    /// Before `op`; an error stands for the process dying here.
    ///
    /// # Errors
    /// To keep the operation from being done.
    fn before(&self, op: &Op) -> io::Result<()>;

    /// After `op` was done.
    fn after(&self, op: &Op);
}

/// The disk, as the store of files changes it.
#[derive(Clone, Default)]
pub struct Disk {
    witness: Option<std::sync::Arc<dyn Witness>>,
    /// Behave as on a file system without exchange.
    no_exchange: bool,
    /// Behave as on a file system without hard links.
    no_links: bool,
}

impl Disk {
    /// A disk whose every operation `witness` sees.
    #[must_use]
    pub fn watched(witness: std::sync::Arc<dyn Witness>) -> Self {
        Self { witness: Some(witness), ..Self::default() }
    }

    /// The same disk, as if its file system could not exchange names.
    #[must_use]
    pub fn without_exchange(self) -> Self {
        Self { no_exchange: true, ..self }
    }

    /// The same disk, as if its file system had no hard links.
    #[must_use]
    pub fn without_links(self) -> Self {
        Self { no_links: true, ..self }
    }

    fn watch<T>(&self, op: impl FnOnce() -> Op, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let Some(witness) = &self.witness else { return act() };
        let op = op();
        witness.before(&op)?;
        let done = act()?;
        witness.after(&op);
        Ok(done)
    }

    /// Makes an empty file under a name that nothing has.
    ///
    /// # Errors
    /// If something has the name, or it cannot be made.
    pub fn create(&self, path: &Path) -> Result<File> {
        self.watch(
            || Op::Create(path.to_path_buf()),
            || File::options().read(true).write(true).create_new(true).open(path),
        )
        .map_err(|e| Error::io("create", path, e))
    }

    /// Makes the content of a file durable. After an error the file is lost: a second try would lie.
    ///
    /// # Errors
    /// If the disk does not confirm it.
    pub fn sync_file(&self, file: &File, path: &Path) -> Result<()> {
        self.watch(|| Op::SyncFile(path.to_path_buf()), || file.sync_all()).map_err(|e| Error::io("sync", path, e))
    }

    /// Makes a durable file of `content` under a name that nothing has. The name itself becomes durable with its folder.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn write(&self, path: &Path, content: &[u8]) -> Result<()> {
        let mut file = self.create(path)?;
        file.write_all(content).map_err(|e| Error::io("write", path, e))?;
        self.sync_file(&file, path)
    }

    /// Makes the names in a folder durable.
    ///
    /// # Errors
    /// If the disk does not confirm it.
    pub fn sync_dir(&self, path: &Path) -> Result<()> {
        self.watch(|| Op::SyncDir(path.to_path_buf()), || File::open(path)?.sync_all())
            .map_err(|e| Error::io("sync", path, e))
    }

    /// Makes a folder under a name that nothing has.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn make_dir(&self, path: &Path) -> Result<()> {
        self.watch(|| Op::MakeDir(path.to_path_buf()), || std::fs::create_dir(path))
            .map_err(|e| Error::io("create", path, e))
    }

    /// Makes a folder and those above it, durably, where they are missing.
    ///
    /// # Errors
    /// If one cannot be made.
    pub fn make_dirs(&self, path: &Path) -> Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        let Some(parent) = path.parent() else { return Ok(()) };
        self.make_dirs(parent)?;
        match self.watch(|| Op::MakeDir(path.to_path_buf()), || std::fs::create_dir(path)) {
            Ok(()) => self.sync_dir(parent),
            // Another process was faster.
            Err(_) if path.is_dir() => Ok(()),
            Err(error) => Err(Error::io("create", path, error)),
        }
    }

    /// Moves a name, over whatever has the new one.
    ///
    /// # Errors
    /// If it cannot be moved.
    pub fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.watch(|| Op::Rename(from.to_path_buf(), to.to_path_buf()), || std::fs::rename(from, to))
    }

    /// Moves a name, unless something has the new one.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] then.
    pub fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.watch(
            || Op::Rename(from.to_path_buf(), to.to_path_buf()),
            || {
                match if self.no_exchange { Err(unsupported()) } else { platform::rename_new(from, to) } {
                    Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                        // The place's lock is held: nobody of ours makes the name in between.
                        if to.symlink_metadata().is_ok() {
                            return Err(io::ErrorKind::AlreadyExists.into());
                        }
                        std::fs::rename(from, to)
                    }
                    other => other,
                }
            },
        )
    }

    /// Exchanges two names in one step.
    ///
    /// # Errors
    /// [`io::ErrorKind::Unsupported`] where the file system cannot.
    pub fn exchange(&self, a: &Path, b: &Path) -> io::Result<()> {
        self.watch(
            || Op::Exchange(a.to_path_buf(), b.to_path_buf()),
            || if self.no_exchange { Err(unsupported()) } else { platform::exchange(a, b) },
        )
    }

    /// Gives a file a second name.
    ///
    /// # Errors
    /// [`io::ErrorKind::Unsupported`] or [`io::ErrorKind::PermissionDenied`] where that is not to be had.
    pub fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.watch(
            || Op::Link(from.to_path_buf(), to.to_path_buf()),
            || if self.no_links { Err(unsupported()) } else { std::fs::hard_link(from, to) },
        )
    }

    /// Removes a file's name; that it is gone already is no error.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove_file(&self, path: &Path) -> Result<()> {
        missing_is_fine(self.watch(|| Op::RemoveFile(path.to_path_buf()), || std::fs::remove_file(path)))
            .map_err(|e| Error::io("remove", path, e))
    }

    /// Removes an empty folder; that it is gone already is no error.
    ///
    /// # Errors
    /// If it cannot be removed, as when it is not empty.
    pub fn remove_dir(&self, path: &Path) -> Result<()> {
        missing_is_fine(self.watch(|| Op::RemoveDir(path.to_path_buf()), || std::fs::remove_dir(path)))
            .map_err(|e| Error::io("remove", path, e))
    }

    /// Whether folders can be exchanged, and files linked, in `folder`; leaves nothing there.
    ///
    /// # Errors
    /// If nothing can be made there at all.
    pub fn probe(&self, folder: &Path) -> Result<Ways> {
        let (a, b) = (folder.join("probe-a"), folder.join("probe-b"));
        self.make_dir(&a)?;
        self.make_dir(&b)?;
        let exchange = fault::pass(FailPoint::ExchangeProbed).is_ok() && self.exchange(&a, &b).is_ok();
        let (one, two) = (a.join("one.staged"), a.join("two.staged"));
        drop(self.create(&one)?);
        let link = self.link(&one, &two).is_ok();
        self.remove_file(&one)?;
        self.remove_file(&two)?;
        self.remove_dir(&a)?;
        self.remove_dir(&b)?;
        Ok(Ways { exchange, link })
    }
}

/// What a file system can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ways {
    /// Two folders can be exchanged in one step.
    pub exchange: bool,
    /// A file can have two names.
    pub link: bool,
}

fn unsupported() -> io::Error {
    io::ErrorKind::Unsupported.into()
}

fn missing_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
