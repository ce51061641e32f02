//! Rows of a source, block by block, each a run of whole rows that fits the processor's cache.

use std::io::{self, Read};

use hygge_core::Error;

use super::lexer::{Bad, Halt, Wrong};

/// The size of an ordinary block in bytes.
pub const BLOCK_BYTES: usize = 256 << 10;

/// How rows stand in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One on a line.
    Lines,
    /// One behind the other, parted by nothing or by spaces and line ends.
    Free,
    /// In an array.
    Array,
}

/// What is expected next where rows are parted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    /// A row, or the end of the file.
    Any,
    /// The end of a row's line.
    LineEnd,
    /// The array's beginning.
    Open,
    /// A row, or the array's end.
    First,
    /// A row.
    Row,
    /// A comma, or the array's end.
    Comma,
    /// Nothing.
    Over,
}

/// What came next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// So many rows; their bytes are those of [`Blocks::bytes`].
    Rows(usize),
    /// All rows have come.
    End,
    /// The next row cannot be read.
    Bad(Bad),
    /// The next row is greater than the limit: so many bytes.
    TooLarge(usize),
}

/// Why nothing came.
#[derive(Debug)]
pub enum Trouble {
    /// The source failed.
    Io(io::Error),
    /// The row may not be held.
    Refused(Error),
}

/// How the bytes end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With the file, or where a row begins: the last row must end there.
    Whole,
    /// Anywhere: what remains of the last row is left out.
    Anywhere,
}

/// Looks at a row that begins at an index of some bytes, and answers where it ends.
pub type AtRow<'a> = dyn FnMut(&[u8], usize) -> Result<usize, Halt> + 'a;

/// A source of bytes, cut into rows.
pub struct Blocks {
    source: Box<dyn Read + Send>,
    /// The first byte is not used, so that no row begins at 0.
    buffer: Vec<u8>,
    begin: usize,
    filled: usize,
    ended: bool,
    ending: Ending,
    layout: Layout,
    expect: Expect,
    block_bytes: usize,
    limit: usize,
    consumed: u64,
}

impl Blocks {
    /// The rows that `source` yields. None greater than `limit` bytes is taken.
    #[must_use]
    pub fn new(source: Box<dyn Read + Send>, layout: Layout, ending: Ending, block_bytes: usize, limit: usize) -> Self {
        // Positions are 31 bits wide.
        let limit = limit.min(i32::MAX as usize / 2);
        Self {
            source,
            buffer: vec![0; block_bytes + 1],
            begin: 1,
            filled: 1,
            ended: false,
            ending,
            layout,
            expect: if layout == Layout::Array { Expect::Open } else { Expect::Any },
            block_bytes,
            limit,
            consumed: 0,
        }
    }

    /// What positions of the last rows point into.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[..self.filled]
    }

    /// How rows stand.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Where the next row begins in [`Self::bytes`], or what stands in its place.
    #[must_use]
    pub fn row_begin(&self) -> usize {
        self.begin
    }

    /// How many bytes of the source lie before the next row.
    #[must_use]
    pub fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Finds at most `most` rows. `row` is given the bytes and where a row begins in them, and answers where it ends; it
    /// may be asked again for the same row with more bytes. `hold` is asked before a row greater than a block is held.
    ///
    /// # Errors
    /// If the source fails, or `hold` refuses.
    pub fn next(
        &mut self,
        most: usize,
        row: &mut AtRow<'_>,
        hold: &mut dyn FnMut(usize) -> Result<(), Error>,
    ) -> Result<Next, Trouble> {
        loop {
            let mut rows = 0;
            let stopped = loop {
                if rows == most {
                    return Ok(Next::Rows(rows));
                }
                match self.part(row) {
                    Ok(true) => rows += 1,
                    Ok(false) => {}
                    Err(halt) => break halt,
                }
            };
            if rows > 0 {
                return Ok(Next::Rows(rows));
            }
            if let Halt::Bad(bad) = stopped {
                return Ok(Next::Bad(bad));
            }
            if self.ended {
                return Ok(self.end());
            }
            let begun = self.filled - self.begin;
            if begun >= self.limit {
                return self.measure().map_err(Trouble::Io);
            }
            self.make_room(begun, hold)?;
            self.fill().map_err(Trouble::Io)?;
        }
    }

    /// Takes a row, or what parts two rows. True: it was a row.
    #[inline]
    fn part(&mut self, row: &mut AtRow<'_>) -> Result<bool, Halt> {
        let bytes = &self.buffer[..self.filled];
        let mut at = self.begin;
        let on_its_line = self.expect == Expect::LineEnd;
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = bytes.get(at) {
            if on_its_line && bytes[at] == b'\n' {
                self.expect = Expect::Any;
            }
            at += 1;
        }
        self.consumed += (at - self.begin) as u64;
        self.begin = at;
        let Some(&byte) = bytes.get(at) else { return Err(Halt::More) };
        let wrong = |what| Err(Halt::Bad(Bad { what, at }));
        let (expect, is_row) = match (self.expect, byte) {
            (Expect::Any, b'{') if self.layout == Layout::Lines => (Expect::LineEnd, true),
            (Expect::Any, b'{') => (Expect::Any, true),
            (Expect::First | Expect::Row, b'{') => (Expect::Comma, true),
            (Expect::Open, b'[') => (Expect::First, false),
            (Expect::Comma, b',') => (Expect::Row, false),
            (Expect::First | Expect::Comma, b']') => (Expect::Over, false),
            (Expect::Over, _) => return wrong(Wrong::Behind),
            (Expect::Any, b'[') if self.layout == Layout::Lines => return wrong(Wrong::Array),
            (Expect::Any | Expect::First | Expect::Row, b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
                return wrong(Wrong::NoObject);
            }
            _ => return wrong(Wrong::Grammar),
        };
        let end = if is_row { row(bytes, at)? } else { at + 1 };
        self.expect = expect;
        self.begin = end;
        self.consumed += (end - at) as u64;
        Ok(is_row)
    }

    /// What the end of the bytes means.
    fn end(&self) -> Next {
        if self.ending == Ending::Anywhere {
            return Next::End;
        }
        let over = matches!(self.expect, Expect::Any | Expect::LineEnd | Expect::Over);
        if self.begin == self.filled && over {
            return Next::End;
        }
        Next::Bad(Bad { what: Wrong::Torn, at: self.filled })
    }

    /// Moves the unfinished row to the front, and makes the buffer fit it.
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

    /// Reads on to the end of a row that is too great to hold, to tell how great it is.
    fn measure(&mut self) -> io::Result<Next> {
        let (mut depth, mut inside, mut escaped) = (0_u64, false, false);
        let mut bytes = 0;
        let mut from = self.begin;
        loop {
            for (i, &byte) in self.buffer[from..self.filled].iter().enumerate() {
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' => escaped = inside,
                    b'"' => inside = !inside,
                    _ if inside => {}
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth = depth.saturating_sub(1);
                        if depth == 0 {
                            return Ok(Next::TooLarge(bytes + i + 1));
                        }
                    }
                    _ => {}
                }
            }
            bytes += self.filled - from;
            if self.ended {
                return Ok(Next::TooLarge(bytes));
            }
            (from, self.begin, self.filled) = (1, 1, 1);
            self.fill()?;
        }
    }
}
