//! Bytes of a source, block by block, each a run of whole records that fits the processor's cache.

use std::io::{self, Read};

use super::column::Block;
use super::index::{Fault, Indexer, Stop};
use crate::files::buffer::{Buffer, Hold, Trouble};

/// What came next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Records; see [`Blocks::block`].
    Records,
    /// All records have come.
    End,
    /// The next record cannot be read.
    Fault(Fault),
    /// The bytes end within a record, though another begins where they end.
    Loose,
    /// The next record is greater than the limit.
    TooLarge {
        /// How great it is.
        bytes: usize,
        /// The field that it was in at the limit, where that is known.
        column: Option<usize>,
    },
}

/// How the bytes end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With the file: the last record needs no line end.
    File,
    /// Where another record begins: the last record must end there.
    Record,
    /// Anywhere: what remains of the last record is left out.
    Anywhere,
}

/// A source of bytes, cut into records.
pub struct Blocks {
    buffer: Buffer,
    ending: Ending,
    indexer: Indexer,
    offsets: Vec<u32>,
}

impl Blocks {
    /// Records found by `indexer` in what `source` yields. None greater than `limit` bytes is taken.
    #[must_use]
    pub fn new(
        source: Box<dyn Read + Send>,
        indexer: Indexer,
        ending: Ending,
        block_bytes: usize,
        limit: usize,
    ) -> Self {
        Self { buffer: Buffer::new(source, block_bytes, limit), ending, indexer, offsets: Vec::new() }
    }

    /// The records that [`Self::next`] found.
    #[must_use]
    pub fn block(&self) -> Block<'_> {
        Block { bytes: self.buffer.bytes(), offsets: &self.offsets, stride: self.indexer.stride() }
    }

    /// Where in the source each of the records begins.
    pub fn begins(&self) -> impl Iterator<Item = u64> + use<'_> {
        let (consumed, begin) = (self.buffer.consumed(), self.buffer.begin() as u64);
        self.offsets
            .chunks_exact(self.indexer.stride())
            .map(move |record| consumed - (begin - u64::from(record[0]) - 1))
    }

    /// How many bytes of the source lie before the next record.
    #[must_use]
    pub fn consumed(&self) -> u64 {
        self.buffer.consumed()
    }

    /// Finds at most `most` records. `hold` is asked before a record that is greater than a block is held.
    ///
    /// # Errors
    /// If the source fails, or `hold` refuses.
    pub fn next(&mut self, most: usize, hold: &mut Hold<'_>) -> Result<Next, Trouble> {
        loop {
            self.offsets.clear();
            let Self { buffer, indexer, offsets, .. } = self;
            let last = buffer.ended() && self.ending == Ending::File;
            let found = indexer.index(buffer.bytes(), buffer.begin(), last, most, offsets);
            buffer.pass(found.end);
            if found.rows > 0 {
                return Ok(Next::Records);
            }
            let quoted = match found.stop {
                Stop::Fault(fault) => return Ok(Next::Fault(fault)),
                Stop::Full => return Ok(Next::Records),
                Stop::Bytes { quoted } => quoted,
            };
            if buffer.ended() {
                let rest = buffer.begun() > 0;
                return Ok(if rest && self.ending == Ending::Record { Next::Loose } else { Next::End });
            }
            if !buffer.more(hold)? {
                return self.measure(quoted).map_err(Trouble::Io);
            }
        }
    }

    /// Reads on to the end of a record that is too great to hold, to tell how great it is.
    fn measure(&mut self, quoted: Option<usize>) -> io::Result<Next> {
        let quote = self.indexer.dialect().quote.filter(|_| quoted.is_some());
        // Within a quoted field a quote is its end unless another follows; the buffer is free for reading on.
        let mut inside = quote.is_some();
        let mut bytes = self.buffer.begun();
        let mut pending = false;
        loop {
            self.buffer.skip()?;
            let read = &self.buffer.bytes()[self.buffer.begin()..];
            for (i, &byte) in read.iter().enumerate() {
                if Some(byte) == quote {
                    pending = inside && !pending;
                    continue;
                }
                if pending {
                    inside = false;
                }
                if !inside && byte == b'\n' {
                    return Ok(Next::TooLarge { bytes: bytes + i, column: quoted });
                }
            }
            bytes += read.len();
            if self.buffer.ended() {
                let unclosed = quoted.filter(|_| inside && !pending);
                return Ok(match unclosed {
                    Some(column) => Next::Fault(Fault::Unclosed { column }),
                    None => Next::TooLarge { bytes, column: quoted },
                });
            }
        }
    }
}
