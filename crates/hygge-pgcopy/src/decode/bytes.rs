//! Text and bytes, which are copied as they are, and uuids.

use std::marker::PhantomData;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BinaryArray, FixedSizeBinaryArray, StringArray};
use arrow_buffer::{Buffer, OffsetBuffer};

use super::cells::Cells;
use super::column::{Column, Late, Nulls};
use super::fixed::{LENGTH, room};
use crate::error::{Fit, Misfit};

pub(super) const NOT_UTF8: Misfit = Misfit::Malformed("text that is not UTF-8");
pub(super) const TOO_MUCH: Misfit = Misfit::Unfit("more text or bytes than one batch can hold");

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
        let begin = self.gathered.rows();
        for (row, at) in cells.starts().enumerate() {
            let Some(cell) = cells.get(at) else {
                self.nulls.push(begin + row);
                self.gathered.end().map_err(|misfit| (row, misfit))?;
                continue;
            };
            let (head, body) = cell.split_at_checked(B::HEAD).ok_or((row, LENGTH))?;
            B::look(head).map_err(|misfit| (row, misfit))?;
            self.gathered.bytes.extend_from_slice(body);
            self.gathered.end().map_err(|misfit| (row, misfit))?;
        }
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

/// Bytes one behind the other, and where each value ends.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) bytes: Vec<u8>,
    ends: Vec<i32>,
    /// How much the last batch had.
    last: (usize, usize),
}

impl Gathered {
    pub(super) fn rows(&self) -> usize {
        self.ends.len()
    }

    /// Ends a value.
    #[inline]
    pub(super) fn end(&mut self) -> Fit<()> {
        self.ends.push(i32::try_from(self.bytes.len()).map_err(|_| TOO_MUCH)?);
        Ok(())
    }

    fn parts(&mut self) -> (OffsetBuffer<i32>, Buffer) {
        self.last = (self.bytes.len(), self.ends.len());
        let bytes = std::mem::replace(&mut self.bytes, Vec::with_capacity(self.last.0));
        let ends = std::mem::replace(&mut self.ends, Vec::with_capacity(self.last.1));
        let offsets: Vec<i32> = std::iter::once(0).chain(ends).collect();
        (OffsetBuffer::new(offsets.into()), Buffer::from(bytes))
    }

    pub(super) fn text(&mut self, nulls: Option<arrow_buffer::NullBuffer>) -> Result<ArrayRef, Late> {
        let (offsets, bytes) = self.parts();
        match StringArray::try_new(offsets.clone(), bytes.clone(), nulls) {
            Ok(array) => Ok(Arc::new(array)),
            Err(error) => {
                let text = |pair: &[i32]| &bytes[pair[0].unsigned_abs() as usize..pair[1].unsigned_abs() as usize];
                let row = offsets.windows(2).position(|pair| std::str::from_utf8(text(pair)).is_err());
                Err(row.map_or_else(|| Late::Whole(error.to_string()), |row| Late::Row(row, NOT_UTF8)))
            }
        }
    }

    fn binary(&mut self, nulls: Option<arrow_buffer::NullBuffer>) -> Result<ArrayRef, Late> {
        let (offsets, bytes) = self.parts();
        let array = BinaryArray::try_new(offsets, bytes, nulls).map_err(|e| Late::Whole(e.to_string()))?;
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
