//! Readings for columns whose type a person declared: surrounding spaces, a plus, leading zeros and rounding are taken.

use std::str::from_utf8;

use super::number::{Float, special};

/// A whole number.
#[must_use]
pub fn int(text: &[u8]) -> Option<i128> {
    from_utf8(text.trim_ascii()).ok()?.parse().ok()
}

/// A double: the nearest.
#[must_use]
pub fn double(text: &[u8]) -> Option<f64> {
    let text = text.trim_ascii();
    let plain = text.iter().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    match special(text) {
        Float::Special(value) => Some(value),
        _ if plain => from_utf8(text).ok()?.parse().ok().filter(|v: &f64| v.is_finite()),
        _ => None,
    }
}

/// A single: the nearest, told from the text itself, for through a double it would be rounded twice. None where the
/// nearest would be infinite.
#[must_use]
pub fn single(text: &[u8]) -> Option<f32> {
    let found = double(text)?;
    let single: f32 = from_utf8(text.trim_ascii()).ok()?.parse().ok()?;
    (single.is_finite() || !found.is_finite()).then_some(single)
}

/// `true`, `false`, `t`, `f`, `yes`, `no`, `y`, `n`, `1`, `0`, in any case.
#[must_use]
pub fn boolean(text: &[u8]) -> Option<bool> {
    let text = text.trim_ascii();
    let is_one_of = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes()));
    if is_one_of(&["true", "t", "yes", "y", "1"]) {
        Some(true)
    } else if is_one_of(&["false", "f", "no", "n", "0"]) {
        Some(false)
    } else {
        None
    }
}
