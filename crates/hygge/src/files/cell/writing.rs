//! Values as text, exactly: what the readings beside it read back is the value that was written.

use std::fmt::Write as _;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow_array::{Array, ArrayRef, ArrowNativeTypeOp};
use arrow_schema::{DataType, TimeUnit};

/// The cells of one column as text, one behind the other.
#[derive(Default)]
pub struct Rendered {
    /// The text of all cells.
    pub bytes: Vec<u8>,
    /// Where each cell ends.
    pub ends: Vec<usize>,
}

impl Rendered {
    /// Ends a cell with these bytes.
    #[inline]
    pub(crate) fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
    }

    /// The text of a cell.
    #[inline]
    pub(crate) fn of(&self, row: usize) -> &[u8] {
        let begin = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.bytes[begin..self.ends[row]]
    }
}

/// The type that a column is cast to before it is written, where its own has no writing.
pub(crate) fn kin(data_type: &DataType) -> Option<DataType> {
    use DataType as T;
    match data_type {
        T::Float16 => Some(T::Float32),
        T::Decimal32(p, s) | T::Decimal64(p, s) => Some(T::Decimal128(*p, *s)),
        T::Utf8View => Some(T::Utf8),
        T::BinaryView | T::FixedSizeBinary(_) => Some(T::Binary),
        T::Dictionary(_, values) => Some(kin(values).unwrap_or_else(|| (**values).clone())),
        _ => None,
    }
}

fn two(n: u32, bytes: &mut Vec<u8>) {
    let digit = |n: u32| b'0' + u8::try_from(n % 10).unwrap_or_default();
    bytes.extend_from_slice(&[digit(n / 10), digit(n)]);
}

/// `YYYY-MM-DD` of days since 1970-01-01; false outside the years 0 to 9999.
pub(crate) fn date(days: i64, bytes: &mut Vec<u8>) -> bool {
    if !(-719_528..2_932_897).contains(&days) {
        return false;
    }
    // Days since 0000-03-01, 400 years on so that none is negative.
    let day = u32::try_from(days + 719_468 + 146_097).unwrap_or_default();
    let (era, of_era) = (day / 146_097, day % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u32::from(month <= 2) - 400;
    two(year / 100, bytes);
    two(year, bytes);
    bytes.push(b'-');
    two(month, bytes);
    bytes.push(b'-');
    two(of_year - (153 * shifted + 2) / 5 + 1, bytes);
    true
}

/// `HH:MM:SS` and as much of a fraction as is needed, in groups of three digits; false outside a day.
pub(crate) fn clock(value: i64, per_second: i64, bytes: &mut Vec<u8>) -> bool {
    let (seconds, fraction) = (value.div_euclid(per_second), value.rem_euclid(per_second));
    let Some(seconds) = u32::try_from(seconds).ok().filter(|&s| s < 86_400) else { return false };
    two(seconds / 3600, bytes);
    bytes.push(b':');
    two(seconds / 60 % 60, bytes);
    bytes.push(b':');
    two(seconds % 60, bytes);
    let mut nanos = fraction * (1_000_000_000 / per_second);
    if nanos > 0 {
        bytes.push(b'.');
        while nanos > 0 {
            let three = u32::try_from(nanos / 1_000_000).unwrap_or_default();
            bytes.push(b'0' + u8::try_from(three / 100).unwrap_or_default());
            two(three, bytes);
            nanos = nanos % 1_000_000 * 1000;
        }
    }
    true
}

/// A date and a time of day, and `zone` behind them; false outside the years 0 to 9999.
pub(crate) fn moment(value: i64, per_second: i64, zone: &[u8], bytes: &mut Vec<u8>) -> bool {
    let day = 86_400 * per_second;
    if !date(value.div_euclid(day), bytes) {
        return false;
    }
    bytes.push(b'T');
    let written = clock(value.rem_euclid(day), per_second, bytes);
    bytes.extend_from_slice(zone);
    written
}

/// The digits of a value with the point where the scale puts it.
pub(crate) fn decimal<N: ArrowNativeTypeOp + std::fmt::Display>(
    value: N,
    scale: i8,
    digits: &mut String,
    bytes: &mut Vec<u8>,
) -> bool {
    digits.clear();
    if write!(digits, "{value}").is_err() {
        return false;
    }
    let (sign, plain) = match digits.strip_prefix('-') {
        Some(plain) => ("-", plain),
        None => ("", digits.as_str()),
    };
    bytes.extend_from_slice(sign.as_bytes());
    let Ok(places) = usize::try_from(scale) else {
        bytes.extend_from_slice(plain.as_bytes());
        if !value.is_zero() {
            bytes.resize(bytes.len() + usize::from(scale.unsigned_abs()), b'0');
        }
        return true;
    };
    if plain.len() > places {
        let (whole, fraction) = plain.as_bytes().split_at(plain.len() - places);
        bytes.extend_from_slice(whole);
        if places > 0 {
            bytes.push(b'.');
            bytes.extend_from_slice(fraction);
        }
    } else {
        bytes.extend_from_slice(b"0.");
        bytes.resize(bytes.len() + places - plain.len(), b'0');
        bytes.extend_from_slice(plain.as_bytes());
    }
    true
}

/// Pairs of hexadecimal digits.
pub(crate) fn hex(value: &[u8], bytes: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for &byte in value {
        bytes.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

/// Writes dates and times, or NULL, with quotes around them or without. False: the value behind the last that was ended
/// has no text.
pub(crate) fn times<const QUOTED: bool>(array: &ArrayRef, null: &[u8], out: &mut Rendered) -> bool {
    use DataType as T;
    macro_rules! cells {
        ($arrow:ty, $write:expr) => {{
            let write = $write;
            primitive::<$arrow>(array, null, out, |value, bytes| quoted::<QUOTED>(bytes, |bytes| write(value, bytes)))
        }};
    }
    macro_rules! moment {
        ($arrow:ty, $per_second:expr, $zone:expr) => {{
            let zone: &[u8] = if $zone.is_some() { b"Z" } else { b"" };
            cells!($arrow, |value, bytes: &mut Vec<u8>| moment(value, $per_second, zone, bytes))
        }};
    }
    macro_rules! clock {
        ($arrow:ty, $per_second:expr) => {
            cells!($arrow, |value, bytes: &mut Vec<u8>| clock(i64::from(value), $per_second, bytes))
        };
    }
    match array.data_type() {
        T::Date32 => cells!(Date32Type, |value, bytes: &mut Vec<u8>| date(i64::from(value), bytes)),
        T::Date64 => {
            cells!(Date64Type, |value, bytes: &mut Vec<u8>| value % 86_400_000 == 0 && date(value / 86_400_000, bytes))
        }
        T::Time32(TimeUnit::Second) => clock!(Time32SecondType, 1),
        T::Time32(_) => clock!(Time32MillisecondType, 1000),
        T::Time64(TimeUnit::Microsecond) => clock!(Time64MicrosecondType, 1_000_000),
        T::Time64(_) => clock!(Time64NanosecondType, 1_000_000_000),
        T::Timestamp(TimeUnit::Second, zone) => moment!(TimestampSecondType, 1, zone),
        T::Timestamp(TimeUnit::Millisecond, zone) => moment!(TimestampMillisecondType, 1000, zone),
        T::Timestamp(TimeUnit::Microsecond, zone) => moment!(TimestampMicrosecondType, 1_000_000, zone),
        T::Timestamp(TimeUnit::Nanosecond, zone) => moment!(TimestampNanosecondType, 1_000_000_000, zone),
        _ => false,
    }
}

#[inline]
fn quoted<const QUOTED: bool>(bytes: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> bool) -> bool {
    if QUOTED {
        bytes.push(b'"');
    }
    let written = write(bytes);
    if QUOTED {
        bytes.push(b'"');
    }
    written
}

/// Writes each value, or NULL. False: the value behind the last that was ended has no text.
#[inline]
pub(crate) fn primitive<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    null: &[u8],
    out: &mut Rendered,
    mut write: impl FnMut(T::Native, &mut Vec<u8>) -> bool,
) -> bool {
    let array = array.as_primitive::<T>();
    let nulls = array.nulls().filter(|n| n.null_count() > 0);
    for (row, &value) in array.values().iter().enumerate() {
        if nulls.is_some_and(|n| n.is_null(row)) {
            out.bytes.extend_from_slice(null);
        } else if !write(value, &mut out.bytes) {
            return false;
        }
        out.ends.push(out.bytes.len());
    }
    true
}
