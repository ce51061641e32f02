//! The bytes of a file behind a URL, from one position to another, whatever happens to connections.

use std::io::{self, Read};

use hygge_core::Result;

use super::client::{Call, Came};
use super::file::WebFile;
use super::tries::{Tries, Trouble};

/// Reads from a position up to another; it never ends before.
pub struct WebStream {
    file: WebFile,
    at: u64,
    end: u64,
    /// An answer on its way, and where it ends.
    call: Option<(Call, u64)>,
    piece: Vec<u8>,
    taken: usize,
    tries: Tries,
}

impl WebStream {
    /// Reads from `begin` up to `end`, at most to the end of the file.
    #[must_use]
    pub fn new(file: WebFile, begin: u64, end: u64) -> Self {
        let (end, tries) = (end.min(file.length()), file.tries());
        Self { file, at: begin, end, call: None, piece: Vec::new(), taken: 0, tries }
    }

    /// The same, up to `end`.
    #[must_use]
    pub fn until(self, end: u64) -> Self {
        Self { end: end.min(self.end), ..self }
    }

    /// Waits for more bytes.
    fn more(&mut self) -> Result<()> {
        loop {
            let (came, promised) = match &self.call {
                // It gave all it promised: the next one is asked for what is missing.
                Some((_, end)) if *end <= self.at => {
                    self.call = None;
                    continue;
                }
                Some((call, end)) => (call.next()?, *end - self.at),
                None => match self.file.call(self.at, self.end) {
                    Ok(call) => {
                        self.call = Some(call);
                        continue;
                    }
                    Err(trouble) => {
                        self.tries.failed(trouble, self.file.shown(), self.file.cancel())?;
                        continue;
                    }
                },
            };
            let lost = match came {
                Came::Bytes(mut piece) => {
                    self.tries.went_well();
                    piece.truncate(usize::try_from(promised).unwrap_or(usize::MAX));
                    (self.piece, self.taken) = (piece, 0);
                    return Ok(());
                }
                // Whether that was all is for the length to say.
                Came::Over => "the answer ended too early".to_owned(),
                Came::Broken(found) => found,
            };
            self.call = None;
            self.tries.failed(Trouble::passing(lost), self.file.shown(), self.file.cancel())?;
        }
    }
}

impl Read for WebStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        if left == 0 || buffer.is_empty() {
            self.call = None;
            return Ok(0);
        }
        if self.taken == self.piece.len() {
            self.more().map_err(io::Error::other)?;
        }
        let n = (self.piece.len() - self.taken).min(buffer.len()).min(left);
        buffer[..n].copy_from_slice(&self.piece[self.taken..self.taken + n]);
        self.taken += n;
        self.at += n as u64;
        Ok(n)
    }
}
