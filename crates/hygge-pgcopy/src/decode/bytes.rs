//! Text and bytes, which are copied as they are, and uuids.

use std::marker::PhantomData;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BinaryArray, FixedSizeBinaryArray};
use arrow_buffer::{Buffer, NullBuffer};

use super::cells::Cells;
use super::column::{Column, Late, Nulls};
use super::ends::Ends;
use super::fixed::{LENGTH, room};
use crate::error::{Fit, Misfit};

pub(super) const NOT_UTF8: Misfit = Misfit::Malformed("text that is not UTF-8");

/// What of a cell is its value.
pub(super) trait Body: Send {
    /// Bytes before it.
    const HEAD: usize;
    /// Looks at them.
    fn look(head: &[u8]) -> Fit<()>;
}

/// All of it.
pub(super) struct Plain;

impl Body for Plain {
    const HEAD: usize = 0;

    fn look(_: &[u8]) -> Fit<()> {
        Ok(())
    }
}

/// What follows a version.
pub(super) struct Versioned;

impl Body for Versioned {
    const HEAD: usize = 1;

    fn look(head: &[u8]) -> Fit<()> {
        if head == [1] { Ok(()) } else { Err(Misfit::Malformed("a value in a form of another version")) }
    }
}

/// Text or bytes.
pub(super) struct Bytes<B> {
    gathered: Gathered,
    nulls: Nulls,
    text: bool,
    body: PhantomData<B>,
}

impl<B: Body> Bytes<B> {
    pub(super) fn text(lenient: bool) -> Self {
        Self { gathered: Gathered::default(), nulls: Nulls::new(lenient), text: true, body: PhantomData }
    }

    pub(super) fn binary(lenient: bool) -> Self {
        Self { text: false, ..Self::text(lenient) }
    }
}

impl<B: Body> Column for Bytes<B> {
    fn take(&mut self, cells: Cells<'_>) -> Result<(), (usize, Misfit)> {
        let first = self.gathered.rows();
        self.gathered.make_room(cells.rows());
        let Gathered { bytes, ends, .. } = &mut self.gathered;
        // Where each will end is found first: then there is room for all at once.
        let mut longest = 0;
        for (row, at) in cells.starts().enumerate() {
            let mut length = 0;
            if let Some(cell) = cells.get(at) {
                let (head, body) = cell.split_at_checked(B::HEAD).ok_or((row, LENGTH))?;
                B::look(head).map_err(|misfit| (row, misfit))?;
                length = body.len();
            } else {
                self.nulls.push(first + row);
            }
            longest = longest.max(length);
            ends.add(length).map_err(|misfit| (row, misfit))?;
        }
        let end = ends.last();
        // A little more than all, so that short values can be copied without looking at how long they are.
        bytes.resize(end + STEP, 0);
        let starts = ends.from(first).iter().map(|end| end.unsigned_abs() as usize);
        let values = starts.zip(cells.starts());
        if longest <= STEP / 4 {
            copy::<{ STEP / 4 }>(bytes, values, cells, B::HEAD);
        } else if longest <= STEP {
            copy::<STEP>(bytes, values, cells, B::HEAD);
        } else {
            for (start, at) in values {
                let body = cells.get(at).and_then(|cell| cell.get(B::HEAD..)).unwrap_or_default();
                bytes[start..start + body.len()].copy_from_slice(body);
            }
        }
        bytes.truncate(end);
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef, Late> {
        let nulls = self.nulls.finish(self.gathered.rows());
        if self.text { self.gathered.text(nulls) } else { self.gathered.binary(nulls) }
    }

    fn replaced(&self) -> u64 {
        self.nulls.replaced()
    }
}

/// So many bytes are copied at once, however many of them belong to a value.
const STEP: usize = 64;

/// Copies values of at most `N` bytes, each behind the one before it, which ends what was copied too much of that.
#[inline]
fn copy<const N: usize>(bytes: &mut [u8], values: impl Iterator<Item = (usize, usize)>, cells: Cells<'_>, head: usize) {
    for (start, at) in values {
        let from = at + 4 + head;
        if let (Some(source), Some(room)) = (cells.bytes.get(from..from + N), bytes.get_mut(start..start + N)) {
            room.copy_from_slice(source);
        } else {
            let body = cells.get(at).and_then(|cell| cell.get(head..)).unwrap_or_default();
            bytes[start..start + body.len()].copy_from_slice(body);
        }
    }
}

/// Bytes one behind the other, and where each value ends.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) bytes: Vec<u8>,
    ends: Ends,
    /// How many bytes and values the last batch had.
    last: (usize, usize),
}

impl Gathered {
    pub(super) fn rows(&self) -> usize {
        self.ends.len()
    }

    /// Ends a value.
    #[inline]
    pub(super) fn end(&mut self) -> Fit<()> {
        self.ends.add(self.bytes.len() - self.ends.last())
    }

    /// Makes room for so many more values; the first of a batch for as many as the last batch had.
    fn make_room(&mut self, rows: usize) {
        if self.rows() == 0 {
            self.bytes.reserve_exact(self.last.0);
            self.ends.reserve(rows.max(self.last.1));
        }
    }

    pub(super) fn text(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, Late> {
        self.last = (self.bytes.len() + STEP, self.rows());
        self.ends.take_text(std::mem::take(&mut self.bytes), nulls).map_err(|(ends, bytes)| {
            let text = |pair: &[i32]| bytes.get(pair[0].unsigned_abs() as usize..pair[1].unsigned_abs() as usize);
            let wrong = |pair: &[i32]| text(pair).is_none_or(|text| std::str::from_utf8(text).is_err());
            let row = ends.windows(2).position(wrong);
            row.map_or_else(
                || Late::Whole("the texts do not end where they should".to_owned()),
                |row| Late::Row(row, NOT_UTF8),
            )
        })
    }

    fn binary(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, Late> {
        self.last = (self.bytes.len() + STEP, self.rows());
        let bytes = Buffer::from(std::mem::take(&mut self.bytes));
        let array = BinaryArray::try_new(self.ends.take(), bytes, nulls).map_err(|e| Late::Whole(e.to_string()))?;
        Ok(Arc::new(array))
    }
}

/// `uuid`: 16 bytes.
pub(super) struct Uuids {
    values: Vec<[u8; 16]>,
    nulls: Nulls,
    last: usize,
}

impl Uuids {
    pub(super) fn new(lenient: bool) -> Self {
        Self { values: Vec::new(), nulls: Nulls::new(lenient), last: 0 }
    }
}

impl Column for Uuids {
    fn take(&mut self, cells: Cells<'_>) -> Result<(), (usize, Misfit)> {
        let begin = room(&mut self.values, cells.rows(), self.last);
        for ((row, slot), at) in self.values[begin..].iter_mut().enumerate().zip(cells.starts()) {
            if let Some(value) = cells.fixed::<16>(at) {
                *slot = *value;
            } else if cells.get(at).is_some() {
                return Err((row, LENGTH));
            } else {
                self.nulls.push(begin + row);
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef, Late> {
        self.last = self.values.len();
        let rows = self.values.len();
        let bytes = Buffer::from(std::mem::take(&mut self.values).into_flattened());
        let array = FixedSizeBinaryArray::try_new(16, bytes, self.nulls.finish(rows));
        let array = array.map_err(|e| Late::Whole(e.to_string()))?;
        debug_assert_eq!(array.len(), rows);
        Ok(Arc::new(array))
    }

    fn replaced(&self) -> u64 {
        self.nulls.replaced()
    }
}
