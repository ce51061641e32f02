//! Ways to write the cells of one column: all of a block of rows at once, each at its place, or one by one within others.

use std::ops::Range;

use arrow_buffer::NullBuffer;

use crate::error::{Fit, Misfit};
use crate::numeric::Cell;

/// The largest value that a server takes.
const VALUE_LIMIT: usize = 0x3FFF_FFFF;
const TOO_LARGE: Misfit = Misfit::Unfit("a value of more than 1 GiB, the most that PostgreSQL takes");

const NULL: [u8; 4] = (-1_i32).to_be_bytes();

/// The cells of one column of a batch.
pub(super) trait Cells {
    /// Adds a cell, its length first.
    fn put(&self, row: usize, out: &mut Vec<u8>) -> Fit<()>;

    /// Adds the bytes that each cell of the block takes to those of its row. What is wrong comes with the row within the
    /// block.
    fn measure(&mut self, rows: Range<usize>, lengths: &mut [usize]) -> Result<(), (usize, Misfit)>;

    /// Writes the cells of the block that was measured last, each at its place, and moves the places on.
    fn write(&self, rows: Range<usize>, places: &mut [usize], out: &mut [u8]);
}

/// The validity of rows, where there is any that is NULL.
#[derive(Clone)]
pub(super) struct Valid(Option<NullBuffer>);

impl Valid {
    pub(super) fn new(nulls: Option<&NullBuffer>) -> Self {
        Self(nulls.filter(|nulls| nulls.null_count() > 0).cloned())
    }

    #[inline]
    pub(super) fn is_null(&self, row: usize) -> bool {
        self.0.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }
}

/// Values of one width.
pub(super) struct Fixed<F, const W: usize> {
    valid: Valid,
    value: F,
}

impl<F: Fn(usize) -> Fit<[u8; W]>, const W: usize> Fixed<F, W> {
    pub(super) fn new(nulls: Option<&NullBuffer>, value: F) -> Self {
        Self { valid: Valid::new(nulls), value }
    }
}

#[inline]
fn length(bytes: usize) -> Fit<[u8; 4]> {
    match u32::try_from(bytes) {
        Ok(length) if bytes <= VALUE_LIMIT => Ok(length.to_be_bytes()),
        _ => Err(TOO_LARGE),
    }
}

impl<F: Fn(usize) -> Fit<[u8; W]>, const W: usize> Cells for Fixed<F, W> {
    fn put(&self, row: usize, out: &mut Vec<u8>) -> Fit<()> {
        if self.valid.is_null(row) {
            out.extend_from_slice(&NULL);
        } else {
            out.extend_from_slice(&length(W)?);
            out.extend_from_slice(&(self.value)(row)?);
        }
        Ok(())
    }

    fn measure(&mut self, rows: Range<usize>, lengths: &mut [usize]) -> Result<(), (usize, Misfit)> {
        for (at, (row, length)) in rows.zip(lengths).enumerate() {
            if self.valid.is_null(row) {
                *length += 4;
            } else {
                (self.value)(row).map_err(|misfit| (at, misfit))?;
                *length += 4 + W;
            }
        }
        Ok(())
    }

    fn write(&self, rows: Range<usize>, places: &mut [usize], out: &mut [u8]) {
        let head = u32::try_from(W).map_or(NULL, u32::to_be_bytes);
        for (row, place) in rows.zip(places) {
            // It was looked at when it was measured.
            let value = if self.valid.is_null(row) { None } else { (self.value)(row).ok() };
            if let (Some(value), Some((length, cell))) =
                (value, out.get_mut(*place..*place + 4 + W).and_then(|cell| cell.split_first_chunk_mut::<4>()))
            {
                *length = head;
                cell.copy_from_slice(&value);
                *place += 4 + W;
            } else {
                out[*place..*place + 4].copy_from_slice(&NULL);
                *place += 4;
            }
        }
    }
}

/// Values that lie in memory as they are sent.
pub(super) struct Slices<F, C> {
    valid: Valid,
    value: F,
    /// Says whether a value may be sent.
    check: C,
}

impl<'a, F: Fn(usize) -> &'a [u8], C: Fn(&[u8]) -> Fit<()>> Slices<F, C> {
    pub(super) fn new(nulls: Option<&NullBuffer>, value: F, check: C) -> Self {
        Self { valid: Valid::new(nulls), value, check }
    }
}

impl<'a, F: Fn(usize) -> &'a [u8], C: Fn(&[u8]) -> Fit<()>> Cells for Slices<F, C> {
    fn put(&self, row: usize, out: &mut Vec<u8>) -> Fit<()> {
        if self.valid.is_null(row) {
            out.extend_from_slice(&NULL);
        } else {
            let value = (self.value)(row);
            (self.check)(value)?;
            out.extend_from_slice(&length(value.len())?);
            out.extend_from_slice(value);
        }
        Ok(())
    }

    fn measure(&mut self, rows: Range<usize>, lengths: &mut [usize]) -> Result<(), (usize, Misfit)> {
        for (at, (row, bytes)) in rows.zip(lengths).enumerate() {
            *bytes += 4;
            if !self.valid.is_null(row) {
                let value = (self.value)(row);
                (self.check)(value).and_then(|()| length(value.len())).map_err(|misfit| (at, misfit))?;
                *bytes += value.len();
            }
        }
        Ok(())
    }

    fn write(&self, rows: Range<usize>, places: &mut [usize], out: &mut [u8]) {
        for (row, place) in rows.zip(places) {
            let (head, value) = if self.valid.is_null(row) {
                (NULL, &[][..])
            } else {
                let value = (self.value)(row);
                (length(value.len()).unwrap_or(NULL), value)
            };
            let cell = &mut out[*place..*place + 4 + value.len()];
            let (length, bytes) = cell.split_at_mut(4);
            length.copy_from_slice(&head);
            bytes.copy_from_slice(value);
            *place += 4 + value.len();
        }
    }
}

/// Values that are made as short cells: all of a block, before each is copied to its place.
pub(super) struct Short<F> {
    valid: Valid,
    /// Writes a cell with its length, and answers with how many bytes it is.
    cell: F,
    cells: Vec<(Cell, usize)>,
}

impl<F: Fn(usize, &mut Cell) -> Fit<usize>> Short<F> {
    pub(super) fn new(nulls: Option<&NullBuffer>, cell: F) -> Self {
        Self { valid: Valid::new(nulls), cell, cells: Vec::new() }
    }
}

impl<F: Fn(usize, &mut Cell) -> Fit<usize>> Cells for Short<F> {
    fn put(&self, row: usize, out: &mut Vec<u8>) -> Fit<()> {
        if self.valid.is_null(row) {
            out.extend_from_slice(&NULL);
            return Ok(());
        }
        let mut cell = [0; 40];
        let length = (self.cell)(row, &mut cell)?;
        out.extend_from_slice(&cell[..length]);
        Ok(())
    }

    fn measure(&mut self, rows: Range<usize>, lengths: &mut [usize]) -> Result<(), (usize, Misfit)> {
        self.cells.resize(rows.len(), ([0; 40], 0));
        for ((at, row), ((cell, length), bytes)) in rows.enumerate().zip(self.cells.iter_mut().zip(lengths)) {
            if self.valid.is_null(row) {
                cell[..4].copy_from_slice(&NULL);
                *length = 4;
            } else {
                *length = (self.cell)(row, cell).map_err(|misfit| (at, misfit))?;
            }
            *bytes += *length;
        }
        Ok(())
    }

    fn write(&self, _: Range<usize>, places: &mut [usize], out: &mut [u8]) {
        for ((cell, length), place) in self.cells.iter().zip(places) {
            let (room, value) = (&mut out[*place..*place + *length], &cell[..*length]);
            // From 12 to 24 bytes are the first twelve and the last twelve, however many are both.
            if let (12..=24, Some(first), Some(last)) = (*length, value.first_chunk::<12>(), value.last_chunk::<12>()) {
                room[..12].copy_from_slice(first);
                room[*length - 12..].copy_from_slice(last);
            } else {
                room.copy_from_slice(value);
            }
            *place += *length;
        }
    }
}

/// Values that are made by writing them.
pub(super) struct Written<F> {
    valid: Valid,
    /// Adds a value, without its length.
    value: F,
    block: Block,
}

impl<F: Fn(usize, &mut Vec<u8>) -> Fit<()>> Written<F> {
    pub(super) fn new(nulls: Option<&NullBuffer>, value: F) -> Self {
        Self { valid: Valid::new(nulls), value, block: Block::default() }
    }
}

impl<F: Fn(usize, &mut Vec<u8>) -> Fit<()>> Cells for Written<F> {
    fn put(&self, row: usize, out: &mut Vec<u8>) -> Fit<()> {
        let begin = out.len();
        out.extend_from_slice(&NULL);
        if !self.valid.is_null(row) {
            (self.value)(row, out)?;
            let head = length(out.len() - begin - 4)?;
            out[begin..begin + 4].copy_from_slice(&head);
        }
        Ok(())
    }

    fn measure(&mut self, rows: Range<usize>, lengths: &mut [usize]) -> Result<(), (usize, Misfit)> {
        let mut block = std::mem::take(&mut self.block);
        let made = block.make(rows, lengths, |row, out| self.put(row, out));
        self.block = block;
        made
    }

    fn write(&self, _: Range<usize>, places: &mut [usize], out: &mut [u8]) {
        self.block.copy(places, out);
    }
}

/// A column without a single value.
pub(super) struct Nothing;

impl Cells for Nothing {
    fn put(&self, _: usize, out: &mut Vec<u8>) -> Fit<()> {
        out.extend_from_slice(&NULL);
        Ok(())
    }

    fn measure(&mut self, _: Range<usize>, lengths: &mut [usize]) -> Result<(), (usize, Misfit)> {
        for length in lengths {
            *length += 4;
        }
        Ok(())
    }

    fn write(&self, _: Range<usize>, places: &mut [usize], out: &mut [u8]) {
        for place in places {
            out[*place..*place + 4].copy_from_slice(&NULL);
            *place += 4;
        }
    }
}

/// Values that stand somewhere else, each perhaps for many rows.
pub(super) struct Indexed<'a, F> {
    values: Box<dyn Cells + 'a>,
    /// Where the value of a row stands; none for NULL.
    index: F,
    block: Block,
}

impl<'a, F: Fn(usize) -> Option<usize>> Indexed<'a, F> {
    pub(super) fn new(values: Box<dyn Cells + 'a>, index: F) -> Self {
        Self { values, index, block: Block::default() }
    }
}

impl<F: Fn(usize) -> Option<usize>> Cells for Indexed<'_, F> {
    fn put(&self, row: usize, out: &mut Vec<u8>) -> Fit<()> {
        if let Some(at) = (self.index)(row) {
            return self.values.put(at, out);
        }
        out.extend_from_slice(&NULL);
        Ok(())
    }

    fn measure(&mut self, rows: Range<usize>, lengths: &mut [usize]) -> Result<(), (usize, Misfit)> {
        let mut block = std::mem::take(&mut self.block);
        let made = block.make(rows, lengths, |row, out| self.put(row, out));
        self.block = block;
        made
    }

    fn write(&self, _: Range<usize>, places: &mut [usize], out: &mut [u8]) {
        self.block.copy(places, out);
    }
}

/// Cells of a block, made before they are copied to their places.
#[derive(Default)]
struct Block {
    cells: Vec<u8>,
    ends: Vec<usize>,
}

impl Block {
    fn make(
        &mut self,
        rows: Range<usize>,
        lengths: &mut [usize],
        put: impl Fn(usize, &mut Vec<u8>) -> Fit<()>,
    ) -> Result<(), (usize, Misfit)> {
        self.cells.clear();
        self.ends.clear();
        for (at, (row, length)) in rows.zip(lengths).enumerate() {
            let begin = self.cells.len();
            put(row, &mut self.cells).map_err(|misfit| (at, misfit))?;
            self.ends.push(self.cells.len());
            *length += self.cells.len() - begin;
        }
        Ok(())
    }

    fn copy(&self, places: &mut [usize], out: &mut [u8]) {
        let mut begin = 0;
        for (end, place) in self.ends.iter().zip(places) {
            let cell = &self.cells[begin..*end];
            out[*place..*place + cell.len()].copy_from_slice(cell);
            *place += cell.len();
            begin = *end;
        }
    }
}
