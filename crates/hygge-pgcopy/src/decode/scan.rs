//! Where the cells of a row lie.

use super::Decoder;
use super::weight::{fixed, grows, growth};
use crate::error::{Error, Result};
use crate::plan::{Form, Node, Scalar};

const SIGNATURE: [u8; 11] = *b"PGCOPY\n\xff\r\n\0";
/// The signature, the flags and the length of what may follow them.
pub(super) const HEAD: usize = 19;
/// What follows them is for formats to come; a few bytes at most.
const EXTENSION_LIMIT: i32 = 1 << 16;

/// How many bytes are missing of the head of a stream; 0 when it is whole.
pub(super) fn head(bytes: &[u8]) -> Result<usize> {
    let known = bytes.len().min(SIGNATURE.len());
    if bytes[..known] != SIGNATURE[..known] {
        return Err(Error::stream("the stream does not begin as a COPY in the binary format does")
            .next("ask the server for COPY … (FORMAT BINARY)"));
    }
    let Some(head) = bytes.first_chunk::<HEAD>() else { return Ok(HEAD - bytes.len()) };
    let word = |at: usize| i32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    // The lower half says what a reader may pass over, the upper half what it must know.
    if word(11) >> 16 != 0 {
        return Err(Error::stream("the stream is of a form of COPY that is not known here (flags that must be known)"));
    }
    let extension = word(15);
    if !(0..=EXTENSION_LIMIT).contains(&extension) {
        return Err(Error::stream("the head of the stream is damaged"));
    }
    Ok((HEAD + extension.unsigned_abs() as usize).saturating_sub(bytes.len()))
}

/// What is known of rows before they come.
pub(super) struct Layout {
    likely: Vec<Likely>,
    /// Bytes that a row takes in memory beside those that it came in.
    fixed: usize,
    /// Columns whose values may take more.
    growing: Vec<usize>,
}

/// The length that most values of a column have. Where a value has it, the next cell's place is known without looking at
/// this one's: the processor need not wait for it.
#[derive(Debug, Clone, Copy)]
struct Likely {
    word: u32,
    step: usize,
}

impl Layout {
    pub(super) fn new<'a>(nodes: impl Iterator<Item = &'a Node> + Clone) -> Self {
        let likely = nodes.clone().map(|node| {
            let length = match &node.form {
                Form::Scalar(scalar) => length(*scalar),
                _ => None,
            };
            // No value is 2^32 - 2 bytes long.
            length.map_or(Likely { word: u32::MAX - 1, step: 0 }, |length| Likely {
                word: length,
                step: 4 + length as usize,
            })
        });
        Self {
            likely: likely.collect(),
            fixed: nodes.clone().map(fixed).sum(),
            growing: nodes.enumerate().filter(|(_, node)| grows(node)).map(|(at, _)| at).collect(),
        }
    }
}

fn length(scalar: Scalar) -> Option<u32> {
    match scalar {
        Scalar::Bool | Scalar::Char => Some(1),
        Scalar::Int2 => Some(2),
        Scalar::Int4 | Scalar::Uint4 | Scalar::Float4 | Scalar::Date => Some(4),
        Scalar::Int8 | Scalar::Uint8 | Scalar::Float8 | Scalar::Money | Scalar::Time | Scalar::Timestamp => Some(8),
        Scalar::Interval | Scalar::Uuid => Some(16),
        _ => None,
    }
}

/// A row that is being looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Row {
    /// Where it begins.
    pub(super) start: usize,
    /// How far it was looked at, from there; 0 where not even its head was.
    seen: usize,
    /// The column that begins there.
    column: usize,
    /// How many bytes are missing at least.
    pub(super) need: usize,
}

impl Row {
    pub(super) fn at(start: usize) -> Self {
        Self { start, ..Self::default() }
    }
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A row that ends here; it is part of the block now.
    Row(usize),
    /// The end of the stream, which ends here.
    End(usize),
}

impl Decoder {
    /// Looks for the cells of a row; nothing while it is not whole, or does not end where it should.
    pub(super) fn scan(&mut self, bytes: &[u8], row: &mut Row, end: Option<usize>) -> Result<Option<Step>> {
        let columns = self.layout.likely.len();
        if row.seen == 0 {
            let Some(count) = bytes.get(row.start..row.start + 2).and_then(|head| head.first_chunk()) else {
                row.need = row.start + 2 - bytes.len();
                return Ok(None);
            };
            let count = i16::from_be_bytes(*count);
            if count == -1 {
                return Ok(Some(Step::End(row.start + 2)));
            }
            if usize::try_from(count) != Ok(columns) {
                return Err(self.count(count));
            }
            row.seen = 2;
        }
        let mut at = row.start + row.seen;
        let cells = &mut self.starts[self.block * columns..][..columns];
        let rest = cells.iter_mut().zip(&self.layout.likely).skip(row.column);
        for (column, (cell, likely)) in (row.column..).zip(rest) {
            let Some(word) = bytes.get(at..at + 4).and_then(|word| word.first_chunk()) else {
                (row.seen, row.column, row.need) = (at - row.start, column, at + 4 - bytes.len());
                return self.partly(bytes, row);
            };
            #[expect(clippy::cast_possible_truncation, reason = "bytes are looked at in pieces below 4 GiB")]
            let place = at as u32;
            *cell = place;
            let word = u32::from_be_bytes(*word);
            if word == likely.word {
                at += likely.step;
            } else {
                at += 4 + match word.cast_signed() {
                    -1 => 0,
                    0.. => word as usize,
                    _ => return Err(self.negative(column)),
                };
            }
        }
        if at > bytes.len() {
            (row.seen, row.column, row.need) = (at - row.start, columns, at - bytes.len());
            return self.partly(bytes, row);
        }
        if end.is_some_and(|end| end != at) {
            return Ok(None);
        }
        self.add(bytes, at - row.start)?;
        Ok(Some(Step::Row(at)))
    }

    /// Counts the row whose cells were found, which came in so many bytes.
    fn add(&mut self, bytes: &[u8], length: usize) -> Result<()> {
        if length > self.limits.row {
            return Err(self.large(bytes, length, self.layout.likely.len()));
        }
        let mut weight = length + self.layout.fixed;
        if !self.layout.growing.is_empty() {
            let columns = self.layout.likely.len();
            let starts = &self.starts[self.block * columns..][..columns];
            for &column in &self.layout.growing {
                let cells = super::Cells { bytes, starts, stride: columns, column };
                let cell = cells.get(starts[column] as usize);
                weight = weight.saturating_add(cell.map_or(0, |cell| growth(&self.plans[column].node, cell)));
            }
        }
        self.block += 1;
        self.batch += 1;
        self.batch_bytes = self.batch_bytes.saturating_add(weight);
        Ok(())
    }

    /// A row that is not whole may be too large already.
    #[cold]
    fn partly(&self, bytes: &[u8], row: &Row) -> Result<Option<Step>> {
        if row.seen > self.limits.row { Err(self.large(bytes, row.seen, row.column)) } else { Ok(None) }
    }

    fn number(&self) -> u64 {
        self.rows() + 1
    }

    #[cold]
    fn count(&self, count: i16) -> Error {
        let columns = self.layout.likely.len();
        Error::stream(format!("a row of {count} columns, where {columns} were asked for"))
            .next("run again: the table was altered meanwhile, or the stream is of another query")
            .row(self.number())
    }

    #[cold]
    fn negative(&self, column: usize) -> Error {
        Error::stream("a value whose length is below zero").row(self.number()).of(self.schema.field(column).name())
    }

    /// A row above the limit, with the column that is to blame, of those that are known.
    #[cold]
    fn large(&self, bytes: &[u8], length: usize, known: usize) -> Error {
        let starts = &self.starts[self.block * self.layout.likely.len()..][..known];
        let told = |at: &u32| {
            let word = bytes.get(*at as usize..)?.first_chunk()?;
            usize::try_from(i32::from_be_bytes(*word)).ok()
        };
        let largest = starts.iter().map(told).enumerate().max_by_key(|(_, length)| *length);
        let error =
            Error::value(format!("a row of {length} bytes, more than the {} that there are for one", self.limits.row))
                .next("give more memory, or leave the column out (columns:)")
                .row(self.number());
        match largest {
            Some((column, _)) => error.of(self.schema.field(column).name()),
            None => error,
        }
    }
}
