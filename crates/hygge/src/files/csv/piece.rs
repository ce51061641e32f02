//! A range of a file's records, and how to come to its bytes.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use hygge_core::{Error, Result};

use super::blocks::Ending;
use crate::files::codec::{Codec, Said};
use crate::files::listing::PinnedFile;
use crate::files::part;

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
        self.codec.error(self.said, &self.file, error)
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
        part::open(&self.file, (self.codec, self.said), begin, self.end, count)
    }
}
