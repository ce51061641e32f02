//! Bytes of a source, block by block, each a run of whole records that fits the processor's cache.

use std::io::{self, Read};

use hygge_core::Error;

use super::column::Block;
use super::index::{Fault, Indexer, Stop};

/// The size of an ordinary block in bytes.
pub const BLOCK_BYTES: usize = 256 << 10;

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

/// Why nothing came.
#[derive(Debug)]
pub enum Trouble {
    /// The source failed.
    Io(io::Error),
    /// The record may not be held.
    Refused(Error),
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
    source: Box<dyn Read + Send>,
    /// The first byte is not used, so that every field has one before it.
    buffer: Vec<u8>,
    begin: usize,
    filled: usize,
    ended: bool,
    ending: Ending,
    indexer: Indexer,
    offsets: Vec<u32>,
    block_bytes: usize,
    limit: usize,
    consumed: u64,
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
        // Offsets are 32 bits wide, and so are those of text columns.
        let limit = limit.min(i32::MAX as usize / 2);
        Self {
            source,
            buffer: vec![0; block_bytes + 1],
            begin: 1,
            filled: 1,
            ended: false,
            ending,
            indexer,
            offsets: Vec::new(),
            block_bytes,
            limit,
            consumed: 0,
        }
    }

    /// The records that [`Self::next`] found.
    #[must_use]
    pub fn block(&self) -> Block<'_> {
        Block { bytes: &self.buffer, offsets: &self.offsets, stride: self.indexer.stride() }
    }

    /// Where in the source each of the records begins.
    pub fn begins(&self) -> impl Iterator<Item = u64> + use<'_> {
        let (consumed, begin) = (self.consumed, self.begin as u64);
        self.offsets
            .chunks_exact(self.indexer.stride())
            .map(move |record| consumed - (begin - u64::from(record[0]) - 1))
    }

    /// How many bytes of the source lie before the next record.
    #[must_use]
    pub fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Finds at most `most` records. `hold` is asked before a record that is greater than a block is held.
    ///
    /// # Errors
    /// If the source fails, or `hold` refuses.
    pub fn next(&mut self, most: usize, hold: &mut dyn FnMut(usize) -> Result<(), Error>) -> Result<Next, Trouble> {
        loop {
            self.offsets.clear();
            let last = self.ended && self.ending == Ending::File;
            let found = self.indexer.index(&self.buffer[..self.filled], self.begin, last, most, &mut self.offsets);
            self.consumed += (found.end - self.begin) as u64;
            self.begin = found.end;
            if found.rows > 0 {
                return Ok(Next::Records);
            }
            let quoted = match found.stop {
                Stop::Fault(fault) => return Ok(Next::Fault(fault)),
                Stop::Full => return Ok(Next::Records),
                Stop::Bytes { quoted } => quoted,
            };
            if self.ended {
                let rest = self.filled > self.begin;
                return Ok(if rest && self.ending == Ending::Record { Next::Loose } else { Next::End });
            }
            let begun = self.filled - self.begin;
            if begun >= self.limit {
                return self.measure(begun, quoted).map_err(Trouble::Io);
            }
            self.make_room(begun, hold)?;
            self.fill().map_err(Trouble::Io)?;
        }
    }

    /// Moves the unfinished record to the front, and makes the buffer fit it.
    fn make_room(&mut self, begun: usize, hold: &mut dyn FnMut(usize) -> Result<(), Error>) -> Result<(), Trouble> {
        self.buffer.copy_within(self.begin..self.filled, 1);
        self.begin = 1;
        self.filled = 1 + begun;
        if begun * 2 > self.block_bytes {
            let wanted = (begun * 2).min(self.limit);
            hold(wanted).map_err(Trouble::Refused)?;
            self.buffer.resize(wanted + 1, 0);
        } else if self.buffer.len() > self.block_bytes + 1 {
            self.buffer.truncate(self.block_bytes + 1);
            self.buffer.shrink_to_fit();
        }
        Ok(())
    }

    fn fill(&mut self) -> io::Result<()> {
        while self.filled < self.buffer.len() {
            match self.source.read(&mut self.buffer[self.filled..]) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(n) => self.filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads on to the end of a record that is too great to hold, to tell how great it is.
    fn measure(&mut self, begun: usize, quoted: Option<usize>) -> io::Result<Next> {
        let quote = self.indexer.dialect().quote.filter(|_| quoted.is_some());
        // Within a quoted field a quote is its end unless another follows; the buffer is free for reading on.
        let mut inside = quote.is_some();
        let mut bytes = begun;
        let mut pending = false;
        self.filled = 1;
        self.begin = 1;
        loop {
            self.filled = 1;
            self.fill()?;
            for (i, &byte) in self.buffer[1..self.filled].iter().enumerate() {
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
            bytes += self.filled - 1;
            if self.ended {
                let unclosed = quoted.filter(|_| inside && !pending);
                return Ok(match unclosed {
                    Some(column) => Next::Fault(Fault::Unclosed { column }),
                    None => Next::TooLarge { bytes, column: quoted },
                });
            }
        }
    }
}
