//! `numeric` with a precision, as decimals.

use std::sync::Arc;

use arrow_array::types::{Decimal128Type, Decimal256Type};
use arrow_array::{ArrayRef, PrimitiveArray};
use arrow_buffer::{ScalarBuffer, i256};
use arrow_schema::DataType;

use super::cells::Cells;
use super::column::{Column, Late, Nulls};
use super::fixed::{make_room, room, settle};
use crate::error::{Fit, Misfit};
use crate::numeric::{Parts, QuickScale, quick};

/// Of at most 38 digits.
pub(super) struct Decimals {
    values: Vec<i128>,
    nulls: Nulls,
    quick: QuickScale,
    last: usize,
}

impl Decimals {
    pub(super) fn new(precision: u8, scale: u8, lenient: bool) -> Self {
        let quick = QuickScale::new(precision, scale);
        Self { values: Vec::new(), nulls: Nulls::new(lenient), quick, last: 0 }
    }
}

impl Decimals {
    fn values<const SPARE: u64>(&mut self, cells: Cells<'_>) -> Result<(), (usize, Misfit)> {
        let begin = self.values.len();
        let (scale, Self { values, nulls, .. }) = (self.quick, self);
        let mut wrong = None;
        values.extend(cells.starts().enumerate().map(|(row, at)| {
            if let Some(value) = cells.window(at).and_then(|window| quick::<SPARE>(window, scale)) {
                return i128::from(value);
            }
            let Some(cell) = cells.get(at) else {
                nulls.push(begin + row);
                return 0;
            };
            match slow(cell, scale) {
                Ok(value) => value,
                Err(misfit) => settle(nulls, begin, row, misfit, &mut wrong),
            }
        }));
        wrong.map_or(Ok(()), Err)
    }
}

#[cold]
#[inline(never)]
fn slow(cell: &[u8], scale: QuickScale) -> Fit<i128> {
    Parts::read(cell)?.narrow(scale.scale, scale.precision)
}

impl Column for Decimals {
    fn take(&mut self, cells: Cells<'_>) -> Result<(), (usize, Misfit)> {
        make_room(&mut self.values, cells.rows(), self.last);
        match self.quick.spare {
            1 => self.values::<1>(cells),
            10 => self.values::<10>(cells),
            100 => self.values::<100>(cells),
            _ => self.values::<1000>(cells),
        }
    }

    fn finish(&mut self) -> Result<ArrayRef, Late> {
        self.last = self.values.len();
        let values = std::mem::take(&mut self.values);
        let nulls = self.nulls.finish(values.len());
        let array = PrimitiveArray::<Decimal128Type>::new(ScalarBuffer::from(values), nulls);
        Ok(Arc::new(array.with_data_type(DataType::Decimal128(self.quick.precision, self.quick.scale.cast_signed()))))
    }

    fn replaced(&self) -> u64 {
        self.nulls.replaced()
    }
}

/// Of at most 76 digits.
pub(super) struct WideDecimals {
    values: Vec<i256>,
    nulls: Nulls,
    precision: u8,
    scale: u8,
    /// What values are below.
    limit: i256,
    last: usize,
}

impl WideDecimals {
    pub(super) fn new(precision: u8, scale: u8, lenient: bool) -> Self {
        let limit = i256::from_i128(10).wrapping_pow(u32::from(precision));
        Self { values: Vec::new(), nulls: Nulls::new(lenient), precision, scale, limit, last: 0 }
    }
}

impl Column for WideDecimals {
    fn take(&mut self, cells: Cells<'_>) -> Result<(), (usize, Misfit)> {
        let begin = room(&mut self.values, cells.rows(), self.last);
        for ((row, slot), at) in self.values[begin..].iter_mut().enumerate().zip(cells.starts()) {
            let Some(cell) = cells.get(at) else {
                self.nulls.push(begin + row);
                continue;
            };
            match Parts::read(cell).and_then(|parts| parts.wide(self.scale, self.limit)) {
                Ok(value) => *slot = value,
                Err(misfit) => self.nulls.settle(begin + row, misfit).map_err(|misfit| (row, misfit))?,
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef, Late> {
        self.last = self.values.len();
        let values = std::mem::take(&mut self.values);
        let nulls = self.nulls.finish(values.len());
        let array = PrimitiveArray::<Decimal256Type>::new(ScalarBuffer::from(values), nulls);
        Ok(Arc::new(array.with_data_type(DataType::Decimal256(self.precision, self.scale.cast_signed()))))
    }

    fn replaced(&self) -> u64 {
        self.nulls.replaced()
    }
}
