//! Rows of a source, block by block, each a run of whole rows that fits the processor's cache.

use std::io::{self, Read};

use super::keys::key_at;
use super::lexer::{Bad, Halt, Wrong};
use crate::files::buffer::{Buffer, Hold, Trouble};

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// So many rows; their bytes are those of [`Blocks::bytes`].
    Rows(usize),
    /// All rows have come.
    End,
    /// The next row cannot be read.
    Bad(Bad),
    /// The next row is greater than the limit.
    TooLarge {
        /// How great it is.
        bytes: usize,
        /// The key whose value it was in at the limit.
        key: Option<String>,
    },
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
    buffer: Buffer,
    ending: Ending,
    layout: Layout,
    expect: Expect,
}

impl Blocks {
    /// The rows that `source` yields. None greater than `limit` bytes is taken.
    #[must_use]
    pub fn new(source: Box<dyn Read + Send>, layout: Layout, ending: Ending, block_bytes: usize, limit: usize) -> Self {
        let expect = if layout == Layout::Array { Expect::Open } else { Expect::Any };
        Self { buffer: Buffer::new(source, block_bytes, limit), ending, layout, expect }
    }

    /// What positions of the last rows point into.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.buffer.bytes()
    }

    /// How rows stand.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Where the next row begins in [`Self::bytes`], or what stands in its place.
    #[must_use]
    pub fn row_begin(&self) -> usize {
        self.buffer.begin()
    }

    /// How many bytes of the source lie before the next row.
    #[must_use]
    pub fn consumed(&self) -> u64 {
        self.buffer.consumed()
    }

    /// Finds at most `most` rows. `row` is given the bytes and where a row begins in them, and answers where it ends; it
    /// may be asked again for the same row with more bytes. `hold` is asked before a row greater than a block is held.
    ///
    /// # Errors
    /// If the source fails, or `hold` refuses.
    pub fn next(&mut self, most: usize, row: &mut AtRow<'_>, hold: &mut Hold<'_>) -> Result<Next, Trouble> {
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
            if self.buffer.ended() {
                return Ok(self.end());
            }
            if !self.buffer.more(hold)? {
                return self.measure().map_err(Trouble::Io);
            }
        }
    }

    /// Takes a row, or what parts two rows. True: it was a row.
    #[inline]
    fn part(&mut self, row: &mut AtRow<'_>) -> Result<bool, Halt> {
        let bytes = self.buffer.bytes();
        let mut at = self.buffer.begin();
        let on_its_line = self.expect == Expect::LineEnd;
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = bytes.get(at) {
            if on_its_line && bytes[at] == b'\n' {
                self.expect = Expect::Any;
            }
            at += 1;
        }
        self.buffer.pass(at);
        let bytes = self.buffer.bytes();
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
            (Expect::LineEnd, b'{') => return wrong(Wrong::SameLine),
            (Expect::LineEnd | Expect::Any, b',') | (Expect::Row, b']') => return wrong(Wrong::Comma),
            (Expect::Any, b'[') if self.layout == Layout::Lines => return wrong(Wrong::Array),
            (Expect::Any | Expect::First | Expect::Row, b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
                return wrong(Wrong::NoObject);
            }
            _ => return wrong(Wrong::Grammar),
        };
        let end = if is_row { row(bytes, at)? } else { at + 1 };
        self.expect = expect;
        self.buffer.pass(end);
        Ok(is_row)
    }

    /// What the end of the bytes means.
    fn end(&self) -> Next {
        if self.ending == Ending::Anywhere {
            return Next::End;
        }
        let over = matches!(self.expect, Expect::Any | Expect::LineEnd | Expect::Over);
        if self.buffer.begun() == 0 && over {
            return Next::End;
        }
        Next::Bad(Bad { what: Wrong::Torn, at: self.buffer.bytes().len() })
    }

    /// Reads on to the end of a row that is too great to hold, to tell how great it is.
    fn measure(&mut self) -> io::Result<Next> {
        let key = key_at(self.buffer.bytes(), self.buffer.begin());
        let (mut depth, mut inside, mut escaped) = (0_u64, false, false);
        let mut bytes = 0;
        loop {
            let read = &self.buffer.bytes()[self.buffer.begin()..];
            for (i, &byte) in read.iter().enumerate() {
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' => escaped = inside,
                    b'"' => inside = !inside,
                    _ if inside => {}
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth = depth.saturating_sub(1);
                        if depth == 0 {
                            return Ok(Next::TooLarge { bytes: bytes + i + 1, key });
                        }
                    }
                    _ => {}
                }
            }
            bytes += read.len();
            if self.buffer.ended() {
                return Ok(Next::TooLarge { bytes, key });
            }
            self.buffer.skip()?;
        }
    }
}
