//! Dates and times. PostgreSQL counts from 2000, Arrow from 1970.

use arrow_buffer::IntervalMonthDayNano;

use crate::error::{Fit, Misfit};

/// Days from 1970 to 2000.
pub(crate) const EPOCH_DAYS: i32 = 10_957;
/// The same in microseconds.
pub(crate) const EPOCH: i64 = 946_684_800_000_000;
/// A day, in microseconds.
pub(crate) const DAY: i64 = 86_400_000_000;

const INFINITY: Misfit = Misfit::Unfit("infinity");

#[inline]
pub(super) fn date(bytes: [u8; 4]) -> Fit<i32> {
    match i32::from_be_bytes(bytes) {
        i32::MAX | i32::MIN => Err(INFINITY),
        days => days.checked_add(EPOCH_DAYS).ok_or(Misfit::Unfit("a date beyond what 32 bits of days count")),
    }
}

#[inline]
pub(super) fn time(bytes: [u8; 8]) -> Fit<i64> {
    match i64::from_be_bytes(bytes) {
        // 24:00 is a time.
        time @ 0..=DAY => Ok(time),
        _ => Err(Misfit::Malformed("a time outside of its day")),
    }
}

#[inline]
pub(super) fn timestamp(bytes: [u8; 8]) -> Fit<i64> {
    match i64::from_be_bytes(bytes) {
        i64::MAX | i64::MIN => Err(INFINITY),
        time => time.checked_add(EPOCH).ok_or(Misfit::Unfit("a time beyond what 64 bits of microseconds count")),
    }
}

/// Months, days and microseconds as they are sent.
pub(super) fn months_days_micros(bytes: [u8; 16]) -> (i32, i32, i64) {
    let bits = u128::from_be_bytes(bytes);
    #[expect(clippy::cast_possible_truncation, reason = "each is cut out of the whole")]
    let (micros, days, months) = ((bits >> 64) as u64, (bits >> 32) as u32, bits as u32);
    (months.cast_signed(), days.cast_signed(), micros.cast_signed())
}

/// Since version 17 an interval may be infinite.
pub(super) fn infinite(parts: (i32, i32, i64)) -> Option<bool> {
    match parts {
        (i32::MAX, i32::MAX, i64::MAX) => Some(true),
        (i32::MIN, i32::MIN, i64::MIN) => Some(false),
        _ => None,
    }
}

#[inline]
pub(super) fn interval(bytes: [u8; 16]) -> Fit<IntervalMonthDayNano> {
    let parts = months_days_micros(bytes);
    if infinite(parts).is_some() {
        return Err(INFINITY);
    }
    let (months, days, micros) = parts;
    let nanoseconds = micros.checked_mul(1_000).ok_or(Misfit::Unfit("an interval of more than 292 years of hours"))?;
    Ok(IntervalMonthDayNano { months, days, nanoseconds })
}
