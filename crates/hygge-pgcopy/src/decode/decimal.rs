//! `numeric` with a precision, as decimals.

use std::sync::Arc;

use arrow_array::types::{Decimal128Type, Decimal256Type};
use arrow_array::{ArrayRef, PrimitiveArray};
use arrow_buffer::{ScalarBuffer, i256};
use arrow_schema::DataType;

use super::cells::Cells;
use super::column::{Column, Late, Nulls};
use super::fixed::room;
use crate::error::Misfit;
use crate::numeric::{Parts, QuickScale, quick};

/// Of at most 38 digits.
pub(super) struct Decimals {
    values: Vec<i128>,
    nulls: Nulls,
    precision: u8,
    scale: u8,
    quick: QuickScale,
    last: usize,
}

impl Decimals {
    pub(super) fn new(precision: u8, scale: u8, lenient: bool) -> Self {
        let quick = QuickScale::new(precision, scale);
        Self { values: Vec::new(), nulls: Nulls::new(lenient), precision, scale, quick, last: 0 }
    }
}

impl Column for Decimals {
    fn take(&mut self, cells: Cells<'_>) -> Result<(), (usize, Misfit)> {
        let begin = room(&mut self.values, cells.rows(), self.last);
        let quick_scale = self.quick;
        for ((row, slot), at) in self.values[begin..].iter_mut().enumerate().zip(cells.starts()) {
            if let Some(value) = cells.window(at).and_then(|window| quick(window, quick_scale)) {
                *slot = i128::from(value);
            } else if let Some(cell) = cells.get(at) {
                match Parts::read(cell).and_then(|parts| parts.narrow(self.scale, self.precision)) {
                    Ok(value) => *slot = value,
                    Err(misfit) => self.nulls.settle(begin + row, misfit).map_err(|misfit| (row, misfit))?,
                }
            } else {
                self.nulls.push(begin + row);
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef, Late> {
        self.last = self.values.len();
        let values = std::mem::take(&mut self.values);
        let nulls = self.nulls.finish(values.len());
        let array = PrimitiveArray::<Decimal128Type>::new(ScalarBuffer::from(values), nulls);
        Ok(Arc::new(array.with_data_type(DataType::Decimal128(self.precision, self.scale.cast_signed()))))
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
