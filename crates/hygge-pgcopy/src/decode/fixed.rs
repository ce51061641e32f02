//! Values of one width.

use std::sync::Arc;

use arrow_array::types::ArrowPrimitiveType;
use arrow_array::{ArrayRef, BooleanArray, PrimitiveArray};
use arrow_buffer::{BooleanBufferBuilder, ScalarBuffer};
use arrow_schema::DataType;

use super::cells::Cells;
use super::column::{Column, Late, Nulls};
use crate::error::{Fit, Misfit};

pub(super) const LENGTH: Misfit = Misfit::Malformed("a value of another length than its type has");

/// Numbers, and what is kept as one. A value is `W` bytes.
pub(super) struct Fixed<T: ArrowPrimitiveType, const W: usize, F> {
    values: Vec<T::Native>,
    nulls: Nulls,
    data_type: DataType,
    convert: F,
    /// How many values the last batch had.
    last: usize,
}

impl<T: ArrowPrimitiveType, const W: usize, F: Fn([u8; W]) -> Fit<T::Native>> Fixed<T, W, F> {
    pub(super) fn new(data_type: &DataType, lenient: bool, convert: F) -> Self {
        Self { values: Vec::new(), nulls: Nulls::new(lenient), data_type: data_type.clone(), convert, last: 0 }
    }
}

impl<T: ArrowPrimitiveType, const W: usize, F: Fn([u8; W]) -> Fit<T::Native> + Send> Column for Fixed<T, W, F> {
    fn take(&mut self, cells: Cells<'_>) -> Result<(), (usize, Misfit)> {
        let begin = self.values.len();
        let Self { values, nulls, convert, .. } = self;
        let mut wrong = None;
        make_room(values, cells.rows(), self.last);
        values.extend(cells.starts().enumerate().map(
            |(row, at)| match cells.fixed::<W>(at).map(|value| convert(*value)) {
                Some(Ok(value)) => value,
                Some(Err(misfit)) => settle(nulls, begin, row, misfit, &mut wrong),
                None if cells.get(at).is_some() => settle(nulls, begin, row, LENGTH, &mut wrong),
                None => {
                    nulls.push(begin + row);
                    T::Native::default()
                }
            },
        ));
        wrong.map_or(Ok(()), Err)
    }

    fn finish(&mut self) -> Result<ArrayRef, Late> {
        self.last = self.values.len();
        let values = std::mem::take(&mut self.values);
        let nulls = self.nulls.finish(values.len());
        let array = PrimitiveArray::<T>::new(ScalarBuffer::from(values), nulls);
        Ok(Arc::new(array.with_data_type(self.data_type.clone())))
    }

    fn replaced(&self) -> u64 {
        self.nulls.replaced()
    }
}

/// Settles a value that does not fit, and stands in for it.
#[cold]
pub(super) fn settle<N: Default>(
    nulls: &mut Nulls,
    begin: usize,
    row: usize,
    misfit: Misfit,
    wrong: &mut Option<(usize, Misfit)>,
) -> N {
    if let Err(misfit) = nulls.settle(begin + row, misfit) {
        wrong.get_or_insert((row, misfit));
    }
    N::default()
}

/// Makes room for the values of a block; the first block of a batch makes it for as many as the last batch had.
pub(super) fn make_room<T>(values: &mut Vec<T>, more: usize, last: usize) {
    if values.is_empty() {
        values.reserve_exact(more.max(last));
    }
}

/// The same, filled with zeros.
pub(super) fn room<T: Copy + Default>(values: &mut Vec<T>, more: usize, last: usize) -> usize {
    let begin = values.len();
    make_room(values, more, last);
    values.resize(begin + more, T::default());
    begin
}

/// `boolean`: a byte that is 0 or 1.
pub(super) struct Booleans {
    values: BooleanBufferBuilder,
    nulls: Nulls,
}

impl Booleans {
    pub(super) fn new(lenient: bool) -> Self {
        Self { values: BooleanBufferBuilder::new(0), nulls: Nulls::new(lenient) }
    }
}

impl Column for Booleans {
    fn take(&mut self, cells: Cells<'_>) -> Result<(), (usize, Misfit)> {
        let begin = self.values.len();
        self.values.reserve(cells.rows());
        for (row, at) in cells.starts().enumerate() {
            if let Some([value]) = cells.fixed::<1>(at) {
                self.values.append(*value != 0);
            } else if cells.get(at).is_some() {
                return Err((row, LENGTH));
            } else {
                self.values.append(false);
                self.nulls.push(begin + row);
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef, Late> {
        let values = self.values.finish();
        let nulls = self.nulls.finish(values.len());
        Ok(Arc::new(BooleanArray::new(values, nulls)))
    }

    fn replaced(&self) -> u64 {
        self.nulls.replaced()
    }
}
