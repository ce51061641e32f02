//! A range of a file's rows.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use hygge_core::{Error, Part, Result};

use super::blocks::{Blocks, Ending, Layout};
use crate::files::buffer::BLOCK_BYTES;
use crate::files::codec::{Codec, Said};
use crate::files::listing::PinnedFile;
use crate::files::part;

/// How a file is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Rows on lines.
    Lines,
    /// Told by looking: an array of rows, or rows one behind the other.
    Any,
}

/// A range of a pinned file that begins and ends between two rows.
#[derive(Debug, Clone)]
pub struct Piece {
    /// The file.
    pub file: PinnedFile,
    /// How it is packed.
    pub codec: Codec,
    /// Who says so.
    pub said: Said,
    /// How its rows stand.
    pub layout: Layout,
    /// Where the file's text begins, in unpacked bytes: behind the mark of UTF-8.
    pub data: u64,
    /// The first byte, in unpacked bytes.
    pub begin: u64,
    /// The byte behind the last; none reads to the end of the file.
    pub end: Option<u64>,
}

impl Piece {
    /// All of a file. `said` tells who says how it is packed.
    ///
    /// # Errors
    /// If it cannot be read, or is text of another coding.
    pub fn whole(file: PinnedFile, (codec, said): (Codec, Said), kind: Kind) -> Result<Self> {
        let failed = |error| codec.error(said, &file, error);
        let mut source = part::open(&file, (codec, said), 0, None, &Arc::default())?;
        // The first byte that is no space may be far away, but is not in any file of this world.
        let mut head = Vec::new();
        source.by_ref().take(64 << 10).read_to_end(&mut head).map_err(failed)?;
        if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
            return Err(Error::refused("the file is UTF-16, and JSON is UTF-8")
                .at(&file.shown)
                .next("turn it into UTF-8 first, as in  iconv -f UTF-16 -t UTF-8"));
        }
        let data = if head.starts_with(&[0xef, 0xbb, 0xbf]) { 3 } else { 0 };
        let first = head[data..].iter().find(|b| !b.is_ascii_whitespace());
        let layout = match (kind, first) {
            (Kind::Lines, _) => Layout::Lines,
            (Kind::Any, Some(b'[')) => Layout::Array,
            (Kind::Any, _) => Layout::Free,
        };
        let data = data as u64;
        Ok(Self { file, codec, said, layout, data, begin: data, end: None })
    }

    /// Its bytes, unpacked. `count` grows by the bytes that are read of the file.
    ///
    /// # Errors
    /// If the file cannot be opened, is no longer what was pinned, or cannot be unpacked.
    pub fn open(&self, count: &Arc<AtomicU64>) -> Result<Box<dyn Read + Send>> {
        part::open(&self.file, (self.codec, self.said), self.begin, self.end, count)
    }

    /// Its rows, of which none greater than `limit` bytes is taken.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn blocks(&self, count: &Arc<AtomicU64>, block_bytes: usize, limit: usize) -> Result<Blocks> {
        Ok(Blocks::new(self.open(count)?, self.layout, Ending::Whole, block_bytes, limit))
    }

    /// The first bytes of its rows, at most `most` of them.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn sample(&self, most: u64, limit: usize) -> Result<Blocks> {
        let source = self.open(&Arc::default())?;
        let all = self.codec == Codec::Plain && self.end.unwrap_or(self.file.len).saturating_sub(self.begin) <= most;
        Ok(if most == u64::MAX || all {
            Blocks::new(source, self.layout, Ending::Whole, BLOCK_BYTES, limit)
        } else {
            Blocks::new(Box::new(source.take(most)), self.layout, Ending::Anywhere, BLOCK_BYTES, limit)
        })
    }

    /// The error of a failure to read or unpack it.
    #[must_use]
    pub fn failed(&self, error: std::io::Error) -> Error {
        self.codec.error(self.said, &self.file, error)
    }
}

/// The line that reads files whose rows do not stand on lines.
pub(crate) fn as_json(error: Error) -> Error {
    error.next_set(Part::Home, "type: json")
}
