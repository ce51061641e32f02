//! A range of a file's records, and how to come to its bytes.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hygge_core::{Error, Result};

use super::blocks::Ending;
use crate::files::codec::{Codec, Said};
use crate::files::listing::PinnedFile;

/// A range of a pinned file that begins and ends with a record.
#[derive(Debug, Clone)]
pub struct Piece {
    /// The file.
    pub file: PinnedFile,
    /// How it is packed.
    pub codec: Codec,
    /// Who says so.
    pub said: Said,
    /// Where the file's first record of data lies, in unpacked bytes: behind the mark of UTF-8 and the header.
    pub data: u64,
    /// The first byte, in unpacked bytes; at least `data`.
    pub begin: u64,
    /// The byte behind the last, in unpacked bytes; none reads to the end of the file.
    pub end: Option<u64>,
    /// How many fields its records have.
    pub width: usize,
    /// For each column that is read, which field of the file it is.
    pub fields: Arc<[usize]>,
}

impl Piece {
    /// How its bytes end.
    #[must_use]
    pub fn ending(&self) -> Ending {
        if self.end.is_some() { Ending::Record } else { Ending::File }
    }

    /// What to say of a failure to read or unpack its bytes.
    #[must_use]
    pub fn failed(&self, error: io::Error) -> Error {
        self.codec.error(self.said, &self.file.path, &self.file.shown, error)
    }

    /// Its bytes, unpacked. `count` grows by the bytes that are read of the file.
    ///
    /// # Errors
    /// If the file cannot be opened, is no longer what was pinned, or cannot be unpacked.
    pub fn open(&self, count: &Arc<AtomicU64>) -> Result<Box<dyn Read + Send>> {
        self.open_from(self.begin, count)
    }

    /// As [`Self::open`], from another byte on.
    ///
    /// # Errors
    /// As there.
    pub fn open_from(&self, begin: u64, count: &Arc<AtomicU64>) -> Result<Box<dyn Read + Send>> {
        let failed = |error| self.failed(error);
        let mut file = self.file.open()?;
        let count = Arc::clone(count);
        if self.codec == Codec::Plain {
            file.seek(SeekFrom::Start(begin)).map_err(failed)?;
            let end = self.end.unwrap_or(self.file.len);
            return Ok(Box::new(Counted { inner: file.take(end.saturating_sub(begin)), count }));
        }
        let packed = Counted { inner: file.take(self.file.len), count };
        let mut reader = self.codec.reader(packed).map_err(failed)?;
        let skipped = io::copy(&mut reader.by_ref().take(begin), &mut io::sink()).map_err(failed)?;
        debug_assert_eq!(skipped, begin, "the header was read from the same bytes");
        Ok(match self.end {
            Some(end) => Box::new(reader.take(end - begin)),
            None => reader,
        })
    }
}

/// Counts what is read.
struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.count.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}
