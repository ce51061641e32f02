//! The part of a source that lies in memory: it grows for a row that does not fit, as far as that row may.

use std::io::{self, Read};

use hygge_core::Error;

/// The size of an ordinary block in bytes: it fits the processor's cache.
pub const BLOCK_BYTES: usize = 256 << 10;

/// Why nothing came.
#[derive(Debug)]
pub enum Trouble {
    /// The source failed.
    Io(io::Error),
    /// The row may not be held.
    Refused(Error),
}

/// Asked before a row greater than a block is held, with the bytes that are wanted for it.
pub(crate) type Hold<'a> = dyn FnMut(usize) -> Result<(), Error> + 'a;

/// Bytes of a source, from the next row on.
pub(crate) struct Buffer {
    source: Box<dyn Read + Send>,
    /// The first byte is not used, so that every row has one before it.
    bytes: Vec<u8>,
    begin: usize,
    filled: usize,
    ended: bool,
    block_bytes: usize,
    limit: usize,
    consumed: u64,
}

impl Buffer {
    /// What `source` yields. No row greater than `limit` bytes is held.
    pub(crate) fn new(source: Box<dyn Read + Send>, block_bytes: usize, limit: usize) -> Self {
        Self {
            source,
            bytes: vec![0; block_bytes + 1],
            begin: 1,
            filled: 1,
            ended: false,
            block_bytes,
            // Positions are 32 bits wide at most, and so are those of text columns.
            limit: limit.min(i32::MAX as usize / 2),
            consumed: 0,
        }
    }

    /// All that lies here, also what was passed since the last [`Self::more`].
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    /// Where in [`Self::bytes`] the next row begins.
    #[inline]
    pub(crate) fn begin(&self) -> usize {
        self.begin
    }

    /// Passes all before `to`.
    #[inline]
    pub(crate) fn pass(&mut self, to: usize) {
        self.consumed += (to - self.begin) as u64;
        self.begin = to;
    }

    /// How many bytes lie behind the next row's beginning.
    pub(crate) fn begun(&self) -> usize {
        self.filled - self.begin
    }

    /// Whether the source has no more.
    #[inline]
    pub(crate) fn ended(&self) -> bool {
        self.ended
    }

    /// How many bytes of the source were passed.
    #[inline]
    pub(crate) fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Moves the unfinished row to the front, makes room for more of it and fills that. False: it is as great as a row may
    /// be, and stays as it is.
    ///
    /// # Errors
    /// If the source fails, or `hold` refuses.
    pub(crate) fn more(&mut self, hold: &mut Hold<'_>) -> Result<bool, Trouble> {
        let begun = self.begun();
        if begun >= self.limit {
            return Ok(false);
        }
        self.bytes.copy_within(self.begin..self.filled, 1);
        self.begin = 1;
        self.filled = 1 + begun;
        if begun * 2 > self.block_bytes {
            let wanted = (begun * 2).min(self.limit);
            hold(wanted).map_err(Trouble::Refused)?;
            self.bytes.resize(wanted + 1, 0);
        } else if self.bytes.len() > self.block_bytes + 1 {
            self.bytes.truncate(self.block_bytes + 1);
            self.bytes.shrink_to_fit();
        }
        self.fill().map_err(Trouble::Io)?;
        Ok(true)
    }

    /// Forgets what lies here, and reads on. For a row that is too great to be held, and only measured.
    pub(crate) fn skip(&mut self) -> io::Result<()> {
        self.begin = 1;
        self.filled = 1;
        self.fill()
    }

    fn fill(&mut self) -> io::Result<()> {
        while self.filled < self.bytes.len() {
            match self.source.read(&mut self.bytes[self.filled..]) {
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
}
