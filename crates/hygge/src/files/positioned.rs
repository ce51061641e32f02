//! A file that is read at positions, and only as far as it was pinned.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hygge_core::{Error, Result};

use super::web::{WebFile, Windows};

/// A file that is read at positions, so that nobody's reading moves another's.
#[derive(Clone)]
pub struct Positioned {
    bytes: Bytes,
    len: u64,
    read: Arc<AtomicU64>,
}

#[derive(Clone)]
enum Bytes {
    Disk(Arc<File>),
    Web(Arc<Windows>),
}

impl Positioned {
    /// The first `len` bytes of a file.
    #[must_use]
    pub fn new(file: File, len: u64) -> Self {
        Self::shared(Arc::new(file), len)
    }

    /// The same of a file that others read, too.
    pub(super) fn shared(file: Arc<File>, len: u64) -> Self {
        Self { bytes: Bytes::Disk(file), len, read: Arc::default() }
    }

    /// A file behind a URL.
    pub(super) fn web(file: WebFile) -> Self {
        let len = file.length();
        Self { bytes: Bytes::Web(Arc::new(Windows::new(file))), len, read: Arc::default() }
    }

    /// The same, where the bytes to be read are known: of a file that is far, they are fetched in large pieces, of which
    /// `most` bytes are held.
    #[must_use]
    pub fn ahead(&self, parts: Vec<Range<u64>>, most: usize) -> Self {
        match &self.bytes {
            Bytes::Disk(_) => self.clone(),
            Bytes::Web(windows) => Self { bytes: Bytes::Web(Arc::new(windows.ahead(parts, most))), ..self.clone() },
        }
    }

    /// What went wrong on the way from a server, where a library between has lost it.
    #[must_use]
    pub fn trouble(&self) -> Option<Error> {
        match &self.bytes {
            Bytes::Disk(_) => None,
            Bytes::Web(windows) => windows.trouble(),
        }
    }

    /// All that a file holds now.
    ///
    /// # Errors
    /// If it cannot be looked at.
    pub fn whole(file: File, shown: &str) -> Result<Self> {
        let len = file.metadata().map_err(|e| Error::io("look at", std::path::Path::new(shown), e))?.len();
        Ok(Self::new(file, len))
    }

    /// The same file; what is read of it is added to `read`.
    #[must_use]
    pub fn counting(&self, read: &Arc<AtomicU64>) -> Self {
        Self { read: Arc::clone(read), ..self.clone() }
    }

    /// How many bytes there are.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.len
    }

    /// Reads some bytes; none at the end.
    ///
    /// # Errors
    /// Of the system.
    pub fn read_some(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let most = usize::try_from(self.len.saturating_sub(at)).unwrap_or(usize::MAX).min(buffer.len());
        let n = match &self.bytes {
            Bytes::Disk(file) => file.read_at(&mut buffer[..most], at)?,
            Bytes::Web(windows) => windows.read_some(&mut buffer[..most], at)?,
        };
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }

    /// Fills `buffer`.
    ///
    /// # Errors
    /// Of the system; an unexpected end, where the file has less.
    pub fn read_all(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        if at.checked_add(buffer.len() as u64).is_none_or(|end| end > self.len) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match &self.bytes {
            Bytes::Disk(file) => file.read_exact_at(buffer, at)?,
            Bytes::Web(windows) => windows.read_all(buffer, at)?,
        }
        self.read.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Reads `len` bytes.
    ///
    /// # Errors
    /// As [`Self::read_all`]; no memory is taken for bytes that are not there.
    pub fn bytes(&self, at: u64, len: usize) -> io::Result<Vec<u8>> {
        if at.checked_add(len as u64).is_none_or(|end| end > self.len) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut buffer = vec![0; len];
        self.read_all(&mut buffer, at)?;
        Ok(buffer)
    }
}

/// Reads on from a position, up to another.
pub struct From {
    file: Positioned,
    at: u64,
    end: u64,
}

impl From {
    /// Reads from `at` to the end.
    #[must_use]
    pub fn new(file: Positioned, at: u64) -> Self {
        let end = file.len;
        Self { file, at, end }
    }

    /// The same, up to `end`.
    #[must_use]
    pub fn until(self, end: u64) -> Self {
        Self { end: end.min(self.end), ..self }
    }
}

impl io::Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX).min(buffer.len());
        let n = self.file.read_some(&mut buffer[..most], self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

impl io::Seek for From {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        let at = match to {
            io::SeekFrom::Start(at) => Some(at),
            io::SeekFrom::Current(by) => self.at.checked_add_signed(by),
            io::SeekFrom::End(by) => self.end.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// A damaged file can make a decoder panic: that is the file's fault, and an error like any other.
///
/// # Errors
/// Those of `decode`, and failed where it panics.
pub fn guarded<T>(shown: &str, decode: impl FnOnce() -> Result<T>) -> Result<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(decode)).unwrap_or_else(|_| {
        Err(Error::failed("the file is damaged: its parts contradict one another")
            .at(shown)
            .next("write the file anew, or take it away"))
    })
}
