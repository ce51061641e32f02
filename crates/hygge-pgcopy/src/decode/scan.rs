//! Where the cells of a row lie.

use super::Decoder;
use super::cells::Cells;
use super::weight::{fixed, grows, growth};
use crate::error::{Error, Result};
use crate::plan::{Form, Node, Planned, Scalar};

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
    /// What is likely where nothing was learned: what the types say.
    usual: Vec<Likely>,
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
    /// From the cell to the next.
    step: u32,
}

impl Likely {
    /// NULL, which is as likely as anything where nothing is known.
    const NULL: Self = Self { word: u32::MAX, step: 4 };

    fn of(length: u32) -> Self {
        Self { word: length, step: length + 4 }
    }

    /// By the length of a cell, which may be that of NULL.
    fn like(word: u32) -> Self {
        match word.cast_signed() {
            0.. => Self::of(word),
            _ => Self::NULL,
        }
    }
}

impl Layout {
    pub(super) fn new<'a>(nodes: impl Iterator<Item = &'a Node> + Clone) -> Self {
        let likely = nodes.clone().map(|node| match &node.form {
            Form::Scalar(scalar) => length(*scalar).map_or(Likely::NULL, Likely::of),
            _ => Likely::NULL,
        });
        let usual: Vec<Likely> = likely.collect();
        Self {
            likely: usual.clone(),
            usual,
            fixed: nodes.clone().map(fixed).sum(),
            growing: nodes.enumerate().filter(|(_, node)| grows(node)).map(|(at, _)| at).collect(),
        }
    }

    /// Learns from the rows of a block: a column whose first, middle and last value have one length is likely to have it in
    /// the next block, too, as `char(n)` has, and a column that is NULL throughout.
    pub(super) fn learn(&mut self, bytes: &[u8], starts: &[u32]) {
        let columns = self.likely.len();
        let rows = starts.len() / columns.max(1);
        if rows < LESSON {
            return;
        }
        for (column, (likely, usual)) in self.likely.iter_mut().zip(&self.usual).enumerate() {
            let word = |row: usize| {
                let at = starts[row * columns + column] as usize;
                bytes.get(at..at + 4).and_then(|word| word.first_chunk()).map(|word| u32::from_be_bytes(*word))
            };
            let first = word(0);
            let steady = first == word(rows / 2) && first == word(rows - 1);
            *likely = first.filter(|_| steady).map_or(*usual, Likely::like);
        }
    }

    /// How much more than its bytes a row takes, of which the cells are given.
    fn growth(&self, bytes: &[u8], starts: &[u32], plans: &[Planned]) -> usize {
        let mut sum = 0_usize;
        for &column in &self.growing {
            let cells = Cells { bytes, starts, stride: starts.len(), column };
            let cell = cells.get(starts[column] as usize);
            sum = sum.saturating_add(cell.map_or(0, |cell| growth(&plans[column].node, cell)));
        }
        sum
    }
}

/// So many rows are needed to learn from.
const LESSON: usize = 8;

/// A message's kind and its length.
const MESSAGE_HEAD: usize = 5;

/// Finds the cells of a row and answers with where it ends; nothing where it is not whole, or not sound.
#[inline]
fn quick(likely: &[Likely], bytes: &[u8], start: usize, cells: &mut [u32]) -> Option<usize> {
    let count = u16::from_be_bytes(*bytes.get(start..start + 2)?.first_chunk()?);
    if usize::from(count) != likely.len() {
        return None;
    }
    let mut at = start + 2;
    for (cell, likely) in cells.iter_mut().zip(likely) {
        let word = u32::from_be_bytes(*bytes.get(at..at + 4)?.first_chunk()?);
        #[expect(clippy::cast_possible_truncation, reason = "bytes are looked at in pieces below 4 GiB")]
        let place = at as u32;
        *cell = place;
        if word == likely.word {
            at += likely.step as usize;
        } else {
            at += 4;
            if word.cast_signed() >= 0 {
                at += word as usize;
            } else if word != u32::MAX {
                return None;
            }
        }
    }
    (at <= bytes.len()).then_some(at)
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
    /// Whether nothing of it was looked at.
    pub(super) fn is_new(&self) -> bool {
        self.seen == 0
    }

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
                at += likely.step as usize;
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
        let columns = self.layout.likely.len();
        let growth = self.layout.growth(bytes, &self.starts[self.block * columns..][..columns], &self.plans);
        self.count_row(length, growth);
        Ok(())
    }

    fn count_row(&mut self, length: usize, growth: usize) {
        self.block += 1;
        self.block_bytes += length;
        self.batch += 1;
        self.batch_bytes = self.batch_bytes.saturating_add(length + self.layout.fixed).saturating_add(growth);
    }

    /// Looks for the cells of rows that are whole and sound, until the block or the batch is full; what is left is for
    /// [`Decoder::scan`]. Framed, each row is a message of its own. Answers with where they end.
    pub(super) fn run<const FRAMED: bool>(&mut self, bytes: &[u8], from: usize) -> usize {
        let columns = self.layout.likely.len();
        let mut at = from;
        while !self.is_full() && !self.block_full() {
            let cells = &mut self.starts[self.block * columns..][..columns];
            let start = if FRAMED { at + MESSAGE_HEAD } else { at };
            let Some(end) = quick(&self.layout.likely, bytes, start, cells) else { break };
            if FRAMED {
                let head: Option<&[u8; MESSAGE_HEAD]> = bytes[at..start].try_into().ok();
                let told = head.map_or(0, |head| u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize);
                if bytes[at] != b'd' || told + 1 != end - at {
                    break;
                }
            }
            let length = end - start;
            if length > self.limits.row {
                break;
            }
            let growth = self.layout.growth(bytes, cells, &self.plans);
            self.count_row(length, growth);
            at = end;
        }
        at
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
