//! pgvector's vectors: numbers without NULLs.

use std::sync::Arc;

use arrow_array::types::{ArrowPrimitiveType, Float16Type, Float32Type};
use arrow_array::{ArrayRef, FixedSizeListArray, ListArray, PrimitiveArray};
use arrow_buffer::ScalarBuffer;
use arrow_schema::{DataType, Field, FieldRef};

use super::cells::Cells;
use super::column::{Column, Late, Nulls};
use super::ends::Ends;
use crate::error::{Fit, Misfit};

const MALFORMED: Misfit = Misfit::Malformed("a vector that is damaged");

/// What vectors are made of.
pub(super) trait Number: ArrowPrimitiveType {
    /// Bytes of one.
    const WIDTH: usize;
    fn read(bytes: &[u8]) -> Option<Self::Native>;
}

impl Number for Float32Type {
    const WIDTH: usize = 4;

    fn read(bytes: &[u8]) -> Option<f32> {
        Some(f32::from_be_bytes(*bytes.first_chunk()?))
    }
}

impl Number for Float16Type {
    const WIDTH: usize = 2;

    fn read(bytes: &[u8]) -> Option<half::f16> {
        Some(half::f16::from_be_bytes(*bytes.first_chunk()?))
    }
}

/// A column of vectors.
pub(super) struct Vectors<T: ArrowPrimitiveType> {
    numbers: Vec<T::Native>,
    ends: Ends,
    nulls: Nulls,
    field: FieldRef,
    dimensions: Option<i32>,
}

impl<T: Number> Vectors<T> {
    pub(super) fn new(data_type: &DataType, dimensions: Option<i32>, lenient: bool) -> Self {
        let field = match data_type {
            DataType::List(field) | DataType::FixedSizeList(field, _) => Arc::clone(field),
            _ => Arc::new(Field::new("item", T::DATA_TYPE, false)),
        };
        Self { numbers: Vec::new(), ends: Ends::default(), nulls: Nulls::new(lenient), field, dimensions }
    }

    fn vector(&mut self, cell: &[u8]) -> Fit<()> {
        let ([a, b, _, _], numbers) = cell.split_first_chunk::<4>().ok_or(MALFORMED)?;
        let count = i16::from_be_bytes([*a, *b]);
        if usize::try_from(count).map(|count| count * T::WIDTH) != Ok(numbers.len()) {
            return Err(MALFORMED);
        }
        if self.dimensions.is_some_and(|dimensions| dimensions != i32::from(count)) {
            return Err(Misfit::Malformed("a vector of other dimensions than its column was declared with"));
        }
        self.numbers.extend(numbers.chunks_exact(T::WIDTH).filter_map(T::read));
        Ok(())
    }
}

impl<T: Number> Column for Vectors<T> {
    fn take(&mut self, cells: Cells<'_>) -> Result<(), (usize, Misfit)> {
        let begin = self.ends.len();
        for (row, at) in cells.starts().enumerate() {
            if let Some(cell) = cells.get(at) {
                self.vector(cell).map_err(|misfit| (row, misfit))?;
            } else {
                self.nulls.push(begin + row);
                let room = self.dimensions.map_or(0, i32::unsigned_abs) as usize;
                self.numbers.resize(self.numbers.len() + room, T::default_value());
            }
            self.ends.add(self.numbers.len() - self.ends.last()).map_err(|misfit| (row, misfit))?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef, Late> {
        let nulls = self.nulls.finish(self.ends.len());
        let ends = self.ends.take();
        let numbers = ScalarBuffer::from(std::mem::take(&mut self.numbers));
        let numbers = Arc::new(PrimitiveArray::<T>::new(numbers, None));
        let field = Arc::clone(&self.field);
        let array: Result<ArrayRef, _> = if let Some(dimensions) = self.dimensions {
            FixedSizeListArray::try_new(field, dimensions, numbers, nulls).map(|array| Arc::new(array) as _)
        } else {
            ListArray::try_new(field, ends, numbers, nulls).map(|array| Arc::new(array) as _)
        };
        array.map_err(|e| Late::Whole(e.to_string()))
    }

    fn replaced(&self) -> u64 {
        self.nulls.replaced()
    }
}
