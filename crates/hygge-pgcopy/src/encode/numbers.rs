//! Numbers, each exact or refused.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, DecimalType};
use arrow_buffer::{ArrowNativeType, i256};

use super::bind::{Bound, unlike};
use super::cells::{Fixed, Short, Written};
use super::wire::Wire;
use crate::error::{Fit, Misfit};
use crate::numeric::{Writer, push};

const RANGE: Misfit = Misfit::Unfit("a number out of the range of its column");
const INEXACT: Misfit = Misfit::Unfit("a number that its column would round");
const DECIMALS: Misfit = Misfit::Unfit("a number with more decimals than its column holds");

fn narrow<N: TryFrom<i128>>(value: i128) -> Fit<N> {
    N::try_from(value).map_err(|_| RANGE)
}

/// Whole numbers of every width.
pub(super) fn ints<'a, T: ArrowPrimitiveType>(array: &'a dyn Array, wire: &'a Wire) -> Bound<'a>
where
    T::Native: Into<i128>,
{
    let values = array.as_primitive::<T>().values();
    let nulls = array.nulls();
    let get = move |row: usize| -> i128 { values[row].into() };
    Ok(match wire {
        Wire::Int2 => Box::new(Fixed::new(nulls, move |row| narrow(get(row)).map(i16::to_be_bytes))),
        Wire::Int4 => Box::new(Fixed::new(nulls, move |row| narrow(get(row)).map(i32::to_be_bytes))),
        Wire::Int8 => Box::new(Fixed::new(nulls, move |row| narrow(get(row)).map(i64::to_be_bytes))),
        Wire::Uint4 => Box::new(Fixed::new(nulls, move |row| narrow(get(row)).map(u32::to_be_bytes))),
        Wire::Uint8 => Box::new(Fixed::new(nulls, move |row| narrow(get(row)).map(u64::to_be_bytes))),
        Wire::Float8 => Box::new(Fixed::new(nulls, move |row| exact_float(get(row), 53).map(f64::to_be_bytes))),
        Wire::Float4 => Box::new(Fixed::new(nulls, move |row| {
            #[expect(clippy::cast_possible_truncation, reason = "numbers of up to 24 bits are exact")]
            exact_float(get(row), 24).map(|value| (value as f32).to_be_bytes())
        })),
        Wire::Numeric(limit) => {
            let writer = Writer::new(0, *limit);
            Box::new(Short::new(nulls, move |row, cell| writer.write(get(row), cell)))
        }
        Wire::Money(digits) => Box::new(Fixed::new(nulls, move |row| money(get(row), 0, *digits))),
        _ => return Err(unlike(array.data_type())),
    })
}

/// Whole numbers of so many bits are floating-point numbers, too.
#[expect(clippy::cast_precision_loss, reason = "it was looked at")]
fn exact_float(value: i128, bits: u32) -> Fit<f64> {
    if value.unsigned_abs() <= 1 << bits { Ok(value as f64) } else { Err(INEXACT) }
}

fn money(value: i128, scale: i8, digits: u8) -> Fit<[u8; 8]> {
    narrow(rescaled(value, scale, digits.cast_signed())?).map(i64::to_be_bytes)
}

/// `value * 10^(to - from)`.
fn rescaled(value: i128, from: i8, to: i8) -> Fit<i128> {
    let step = i32::from(to) - i32::from(from);
    let power = 10_i128.checked_pow(step.unsigned_abs());
    match power {
        None if value == 0 => Ok(0),
        None => Err(if step > 0 { RANGE } else { DECIMALS }),
        Some(power) if step >= 0 => value.checked_mul(power).ok_or(RANGE),
        Some(power) if value % power == 0 => Ok(value / power),
        Some(_) => Err(DECIMALS),
    }
}

/// Floating-point numbers of every width.
pub(super) fn floats<'a, T: ArrowPrimitiveType>(array: &'a dyn Array, wire: &'a Wire) -> Bound<'a>
where
    T::Native: Into<f64>,
{
    let values = array.as_primitive::<T>().values();
    let nulls = array.nulls();
    let get = move |row: usize| -> f64 { values[row].into() };
    Ok(match wire {
        Wire::Float8 => Box::new(Fixed::new(nulls, move |row| Ok(get(row).to_be_bytes()))),
        Wire::Float4 => Box::new(Fixed::new(nulls, move |row| {
            let double = get(row);
            #[expect(clippy::cast_possible_truncation, reason = "what would be lost does not fit")]
            let single = double as f32;
            let same = f64::from(single).to_bits() == double.to_bits() || double.is_nan();
            if same { Ok(single.to_be_bytes()) } else { Err(INEXACT) }
        })),
        _ => return Err(unlike(array.data_type())),
    })
}

/// Decimals of every width.
pub(super) fn decimals<'a, T: DecimalType + ArrowPrimitiveType>(
    array: &'a dyn Array,
    precision: u8,
    scale: i8,
    wire: &'a Wire,
) -> Bound<'a>
where
    T::Native: Into<i256> + ToNarrow,
{
    let values = array.as_primitive::<T>().values();
    let nulls = array.nulls();
    let whole = move |row: usize| rescaled(values[row].narrow().ok_or(RANGE)?, scale, 0);
    Ok(match wire {
        Wire::Numeric(limit) if T::BYTE_LENGTH <= 16 => {
            // Where all values of the type fit, none is looked at.
            let fits = limit.is_none_or(|limit| {
                i32::from(scale) <= limit.scale
                    && i32::from(precision) - i32::from(scale) <= limit.precision - limit.scale
            });
            let writer = Writer::new(scale, limit.filter(|_| !fits));
            Box::new(Short::new(nulls, move |row, cell| writer.write(values[row].narrow().ok_or(RANGE)?, cell)))
        }
        Wire::Numeric(limit) => Box::new(Written::new(nulls, move |row, out| match values[row].narrow() {
            Some(value) => push(value, scale, *limit, out),
            None => push::<i256>(values[row].into(), scale, *limit, out),
        })),
        Wire::Money(digits) => {
            Box::new(Fixed::new(nulls, move |row| money(values[row].narrow().ok_or(RANGE)?, scale, *digits)))
        }
        Wire::Int2 => Box::new(Fixed::new(nulls, move |row| narrow(whole(row)?).map(i16::to_be_bytes))),
        Wire::Int4 => Box::new(Fixed::new(nulls, move |row| narrow(whole(row)?).map(i32::to_be_bytes))),
        Wire::Int8 => Box::new(Fixed::new(nulls, move |row| narrow(whole(row)?).map(i64::to_be_bytes))),
        Wire::Uint8 => Box::new(Fixed::new(nulls, move |row| narrow(whole(row)?).map(u64::to_be_bytes))),
        _ => return Err(unlike(array.data_type())),
    })
}

/// A number of 128 bits where it is one.
pub(super) trait ToNarrow: ArrowNativeType {
    fn narrow(self) -> Option<i128>;
}

impl ToNarrow for i32 {
    fn narrow(self) -> Option<i128> {
        Some(self.into())
    }
}

impl ToNarrow for i64 {
    fn narrow(self) -> Option<i128> {
        Some(self.into())
    }
}

impl ToNarrow for i128 {
    fn narrow(self) -> Option<i128> {
        Some(self)
    }
}

impl ToNarrow for i256 {
    fn narrow(self) -> Option<i128> {
        self.to_i128()
    }
}
