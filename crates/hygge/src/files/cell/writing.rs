//! One value as text, exactly: what the readings beside it read back is the value that was written.

use std::fmt::Write as _;

use arrow_array::ArrowNativeTypeOp;
use arrow_schema::DataType;

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
