//! Decimals, exact from text, from whole numbers, and from the real numbers that stand for one decimal only.

use arrow_buffer::i256;
use rusqlite::types::ValueRef;

use super::{Fit, Misfit, word};

const FORM: Misfit = Misfit("text that is no decimal number");
const RANGE: Misfit = Misfit("a number with more digits than the column has");

/// As `Decimal128(precision, scale)`.
pub(super) fn narrow(value: ValueRef<'_>, precision: u8, scale: i8) -> Fit<i128> {
    let unscaled = match value {
        // Longer than 128 bits, which a scale below zero can bring back into them.
        ValueRef::Text(text) if text.len() > 38 => wide(value, precision, scale)?.to_i128().ok_or(RANGE)?,
        ValueRef::Text(text) => {
            let (negative, whole, fraction) = pieces(text)?;
            let mut n = 0_i128;
            for &c in whole.iter().chain(fraction) {
                n = n.checked_mul(10).and_then(|n| n.checked_add(i128::from(c - b'0'))).ok_or(RANGE)?;
            }
            let digits = i32::try_from(fraction.len()).map_err(|_| RANGE)?;
            rescaled(if negative { -n } else { n }, digits, scale)?
        }
        ValueRef::Integer(v) => rescaled(i128::from(v), 0, scale)?,
        ValueRef::Real(v) => from_real(v, scale)?,
        other => return Err(Misfit(word(other))),
    };
    // What fits the greatest precision of 64 bits needs no power of 128.
    let limit = match precision {
        0..=18 => u128::from(10_u64.pow(u32::from(precision))),
        _ => 10_u128.checked_pow(u32::from(precision)).unwrap_or(u128::MAX),
    };
    if unscaled.unsigned_abs() < limit { Ok(unscaled) } else { Err(RANGE) }
}

/// As `Decimal256(precision, scale)`.
pub(super) fn wide(value: ValueRef<'_>, precision: u8, scale: i8) -> Fit<i256> {
    let ValueRef::Text(text) = value else { return narrow(value, precision.min(38), scale).map(i256::from_i128) };
    let (negative, whole, fraction) = pieces(text)?;
    let mut digits: Vec<u8> = whole.iter().chain(fraction).copied().collect();
    let missing = i64::from(scale) - i64::try_from(fraction.len()).map_err(|_| RANGE)?;
    digits.extend(std::iter::repeat_n(b'0', usize::try_from(missing).unwrap_or(0)));
    for _ in missing..0 {
        if digits.pop().is_some_and(|c| c != b'0') {
            return Err(RANGE);
        }
    }
    let first = digits.iter().position(|&c| c != b'0').unwrap_or(digits.len());
    let digits = &digits[first..];
    if digits.is_empty() {
        return Ok(i256::ZERO);
    }
    if digits.len() > usize::from(precision) {
        return Err(RANGE);
    }
    let text = std::str::from_utf8(digits).map_err(|_| FORM)?;
    let n = i256::from_string(text).ok_or(RANGE)?;
    Ok(if negative { -n } else { n })
}

/// Sign, digits before and after the point.
fn pieces(text: &[u8]) -> Fit<(bool, &[u8], &[u8])> {
    let (negative, body) = match text.first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, fraction) = match body.iter().position(|&c| c == b'.') {
        Some(point) => (&body[..point], &body[point + 1..]),
        None => (body, &body[body.len()..]),
    };
    if (whole.is_empty() && fraction.is_empty()) || !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
        return Err(FORM);
    }
    Ok((negative, whole, fraction))
}

fn rescaled(mut n: i128, digits: i32, scale: i8) -> Fit<i128> {
    let mut at = digits;
    while at < i32::from(scale) {
        n = n.checked_mul(10).ok_or(RANGE)?;
        at += 1;
    }
    while at > i32::from(scale) {
        if n % 10 != 0 {
            return Err(RANGE);
        }
        n /= 10;
        at -= 1;
    }
    Ok(n)
}

/// A real number of up to fifteen digits stands for exactly one decimal: the one that SQLite made it of.
fn from_real(v: f64, scale: i8) -> Fit<i128> {
    const NOT_ONE: Misfit = Misfit("a real number that is no exact decimal of the column's digits");
    let power = usize::try_from(scale).ok().and_then(|s| POWERS.get(s)).ok_or(NOT_ONE)?;
    let scaled = v * power;
    if scaled.is_nan() || scaled.abs() >= 1e15 {
        return Err(NOT_ONE);
    }
    #[expect(clippy::cast_possible_truncation, reason = "below 10^15; what is cut off is asked for again below")]
    let n = (scaled + 0.5_f64.copysign(scaled)) as i64;
    #[expect(clippy::cast_precision_loss, reason = "below 10^15")]
    #[expect(clippy::float_cmp, reason = "exactness is what is asked")]
    if n as f64 / power == v { Ok(i128::from(n)) } else { Err(NOT_ONE) }
}

/// The powers of ten that a real number holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];
