//! Dates and times, each exact or refused.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::ArrowPrimitiveType;
use arrow_schema::TimeUnit;

use super::bind::{Bound, unlike};
use super::cells::{Cells, Fixed};
use super::wire::{Lowest, Span, Wire};
use crate::decode::times::{DAY, EPOCH, EPOCH_DAYS};
use crate::error::{Fit, Misfit};

const FINER: Misfit = Misfit::Unfit("a time finer than its column holds, whose rest would be lost");
const YEARS: Misfit = Misfit::Unfit("a time outside of the years 4713 BC to 294276, which PostgreSQL holds");

/// The first and the last that PostgreSQL holds, counted from 2000.
const FIRST_DAY: i64 = -2_451_545;
const END_DAY: i64 = 2_145_031_949;
const FIRST: i64 = -211_813_488_000_000_000;
const END: i64 = 9_223_371_331_200_000_000;

/// Microseconds of so many of a unit.
#[inline]
pub(super) fn micros(value: i64, unit: TimeUnit) -> Fit<i64> {
    match unit {
        TimeUnit::Second => value.checked_mul(1_000_000).ok_or(YEARS),
        TimeUnit::Millisecond => value.checked_mul(1_000).ok_or(YEARS),
        TimeUnit::Microsecond => Ok(value),
        TimeUnit::Nanosecond if value % 1_000 == 0 => Ok(value / 1_000),
        TimeUnit::Nanosecond => Err(FINER),
    }
}

/// Refuses what has more decimals of a second.
#[inline]
fn coarse(micros: i64, decimals: u32) -> Fit<i64> {
    if decimals >= 6 || micros % 10_i64.pow(6 - decimals) == 0 { Ok(micros) } else { Err(FINER) }
}

/// Days of milliseconds that are whole days.
pub(super) fn whole_days(millis: i64) -> Fit<i64> {
    const DAY: i64 = 86_400_000;
    if millis % DAY == 0 {
        Ok(millis / DAY)
    } else {
        Err(Misfit::Unfit("a date with a time of day, which would be lost"))
    }
}

/// Dates, by way of the days since 1970.
pub(super) fn dates<'a, T: ArrowPrimitiveType>(
    array: &'a dyn Array,
    days: impl Fn(T::Native) -> Fit<i64> + 'a,
) -> Box<dyn Cells + 'a> {
    let values = array.as_primitive::<T>().values();
    Box::new(Fixed::new(array.nulls(), move |row| {
        let days = days(values[row])?.checked_sub(i64::from(EPOCH_DAYS)).ok_or(YEARS)?;
        if !(FIRST_DAY..END_DAY).contains(&days) {
            return Err(Misfit::Unfit("a date outside of the years 4713 BC to 5874897, which PostgreSQL holds"));
        }
        i32::try_from(days).map(i32::to_be_bytes).map_err(|_| YEARS)
    }))
}

/// Times of a day.
pub(super) fn times<'a, T: ArrowPrimitiveType>(array: &'a dyn Array, unit: TimeUnit, wire: &'a Wire) -> Bound<'a>
where
    T::Native: Into<i64>,
{
    let Wire::Time(decimals) = *wire else { return Err(unlike(array.data_type())) };
    let values = array.as_primitive::<T>().values();
    Ok(Box::new(Fixed::new(array.nulls(), move |row| {
        let time = coarse(micros(values[row].into(), unit)?, decimals)?;
        if !(0..=DAY).contains(&time) {
            return Err(Misfit::Unfit("a time outside of its day"));
        }
        Ok(time.to_be_bytes())
    })))
}

/// Dates with times.
pub(super) fn timestamps<T: ArrowPrimitiveType<Native = i64>>(
    array: &dyn Array,
    unit: TimeUnit,
    decimals: u32,
) -> Box<dyn Cells + '_> {
    let values = array.as_primitive::<T>().values();
    Box::new(Fixed::new(array.nulls(), move |row| {
        let time = micros(values[row], unit)?.checked_sub(EPOCH).filter(|time| (FIRST..END).contains(time));
        coarse(time.ok_or(YEARS)?, decimals).map(i64::to_be_bytes)
    }))
}

/// Spans of so many of a unit.
pub(super) fn durations<T: ArrowPrimitiveType<Native = i64>>(
    array: &dyn Array,
    unit: TimeUnit,
    span: Span,
) -> Box<dyn Cells + '_> {
    intervals::<T>(array, span, move |value| Ok((0, 0, micros(value, unit)?)))
}

/// Spans in months, days and microseconds.
pub(super) fn intervals<'a, T: ArrowPrimitiveType>(
    array: &'a dyn Array,
    span: Span,
    parts: impl Fn(T::Native) -> Fit<(i32, i32, i64)> + 'a,
) -> Box<dyn Cells + 'a> {
    let values = array.as_primitive::<T>().values();
    Box::new(Fixed::new(array.nulls(), move |row| interval(parts(values[row])?, span)))
}

/// An interval as it is sent, if the declaration takes all of it.
pub(super) fn interval((months, days, micros): (i32, i32, i64), span: Span) -> Fit<[u8; 16]> {
    const MINUTE: i64 = 60_000_000;
    let unit = match span.lowest {
        Lowest::Second => 10_i64.pow(6 - span.decimals.min(6)),
        Lowest::Minute => MINUTE,
        Lowest::Hour => 60 * MINUTE,
        Lowest::Year | Lowest::Month | Lowest::Day => i64::MAX,
    };
    let fits = micros % unit == 0
        && (days == 0 || !matches!(span.lowest, Lowest::Year | Lowest::Month))
        && (months % 12 == 0 || span.lowest != Lowest::Year);
    if !fits {
        return Err(Misfit::Unfit("an interval finer than its column holds, whose rest would be lost"));
    }
    let mut out = [0; 16];
    out[..8].copy_from_slice(&micros.to_be_bytes());
    out[8..12].copy_from_slice(&days.to_be_bytes());
    out[12..].copy_from_slice(&months.to_be_bytes());
    Ok(out)
}
