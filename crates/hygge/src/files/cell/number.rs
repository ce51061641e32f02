//! Numbers: whole, floating point, decimal.

use std::str::from_utf8;

/// A whole number of 64 bits: digits with at most a minus before them, no leading zeros, no `-0`.
#[inline]
#[must_use]
pub fn int(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let (&first, rest) = digits.split_first()?;
    let head = first.wrapping_sub(b'0');
    if head > 9 || rest.len() > 18 || (head == 0 && (negative || !rest.is_empty())) {
        return None;
    }
    let mut n = u64::from(head);
    for &b in rest {
        let digit = b.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        n = n * 10 + u64::from(digit);
    }
    if negative { 0_i64.checked_sub_unsigned(n) } else { i64::try_from(n).ok() }
}

/// A whole number of 64 bits without sign, no leading zeros.
#[must_use]
pub fn uint(text: &[u8]) -> Option<u64> {
    if text.first() == Some(&b'0') && text.len() > 1 || text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    from_utf8(text).ok()?.parse().ok()
}

/// How a text reads as a floating point number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Float {
    /// A number whose digits the double keeps.
    Exact(f64),
    /// A number that a double cannot keep; the nearest one.
    Rounded(f64),
    /// `NaN`, `inf` and their like.
    Special(f64),
    /// No number.
    None,
}

const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// A double whose decimal digits are those of the text. Takes `1`, `1.5`, `.5`, `5.`, `1e5`, `-0`, `NaN` and `inf`; no
/// leading zeros, no plus.
#[inline]
#[must_use]
pub fn double(text: &[u8]) -> Option<f64> {
    match float(text) {
        Float::Exact(v) | Float::Special(v) => Some(v),
        Float::Rounded(_) | Float::None => None,
    }
}

/// As [`double`], telling why not.
#[inline]
#[must_use]
pub fn float(text: &[u8]) -> Float {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    // Up to 18 digits fit; where there are more, the slow way decides.
    let mut mantissa = 0_u64;
    let mut count = 0;
    let mut fraction = 0;
    let mut at = 0;
    while let Some(digit) = digits.get(at).map(|b| b.wrapping_sub(b'0')).filter(|&d| d <= 9) {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
        count += 1;
        at += 1;
    }
    if count > 1 && digits[0] == b'0' {
        return Float::None;
    }
    if digits.get(at) == Some(&b'.') {
        at += 1;
        let whole = at;
        while let Some(digit) = digits.get(at).map(|b| b.wrapping_sub(b'0')).filter(|&d| d <= 9) {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
            at += 1;
        }
        fraction = at - whole;
        count += fraction;
    }
    if count == 0 {
        return special(text);
    }
    // At most 15 digits and a power of ten that is exact: one division of two exact numbers, rounded once.
    if at == digits.len() && count <= 15 {
        #[expect(clippy::cast_precision_loss, reason = "at most 15 digits are exact")]
        let value = mantissa as f64 / POWERS[fraction];
        return Float::Exact(if negative { -value } else { value });
    }
    float_slowly(text, digits, at)
}

#[cold]
fn float_slowly(text: &[u8], digits: &[u8], at: usize) -> Float {
    if at < digits.len() {
        let ([b'e' | b'E', b'+' | b'-', exponent @ ..] | [b'e' | b'E', exponent @ ..]) = &digits[at..] else {
            return Float::None;
        };
        if exponent.is_empty() || !exponent.iter().all(u8::is_ascii_digit) {
            return Float::None;
        }
    }
    let Some(value) = from_utf8(text).ok().and_then(|t| t.parse::<f64>().ok()) else { return Float::None };
    if value.is_finite() && keeps_digits(value, digits) { Float::Exact(value) } else { Float::Rounded(value) }
}

/// Whether the value, written with as many digits as the text has, or as few as tell it apart, has the text's digits.
fn keeps_digits(value: f64, unsigned: &[u8]) -> bool {
    let split = unsigned.iter().position(|b| matches!(b, b'e' | b'E')).unwrap_or(unsigned.len());
    let digits = |text: &[u8]| -> Vec<u8> {
        let all: Vec<u8> = text.iter().copied().filter(u8::is_ascii_digit).collect();
        let lead = all.iter().take_while(|&&b| b == b'0').count();
        all[lead..].to_vec()
    };
    let wanted = digits(&unsigned[..split]);
    if wanted.is_empty() {
        return true;
    }
    // A value of no digits where some were written has sunk below the least double.
    if value == 0.0 || wanted.len() > 800 {
        return false;
    }
    let alike = |shown: &str| {
        let end = shown.find('e').unwrap_or(shown.len());
        digits(&shown.as_bytes()[..end]) == wanted
    };
    // The two differ where the value lies in the middle between two texts.
    alike(&format!("{:.*e}", wanted.len() - 1, value.abs())) || alike(&format!("{:e}", value.abs()))
}

pub(super) fn special(text: &[u8]) -> Float {
    match text {
        b"NaN" | b"nan" => Float::Special(f64::NAN),
        b"inf" | b"Inf" | b"Infinity" => Float::Special(f64::INFINITY),
        b"-inf" | b"-Inf" | b"-Infinity" => Float::Special(f64::NEG_INFINITY),
        _ => Float::None,
    }
}

/// A decimal's digits as a whole number at `scale`; none where digits would be lost, or beyond `precision` digits.
/// Takes leading zeros and an exponent, since a decimal is only ever declared.
#[must_use]
pub fn decimal(text: &[u8], precision: u8, scale: i8) -> Option<arrow_buffer::i256> {
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let split = rest.iter().position(|b| matches!(b, b'e' | b'E'));
    let (plain, exponent) = match split {
        Some(at) => (&rest[..at], from_utf8(&rest[at + 1..]).ok()?.parse::<i32>().ok()?),
        None => (rest, 0),
    };
    let point = plain.iter().position(|&b| b == b'.');
    let (whole, fraction) = match point {
        Some(at) => (&plain[..at], &plain[at + 1..]),
        None => (plain, &plain[plain.len()..]),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut digits = Vec::with_capacity(whole.len() + fraction.len());
    for &b in whole.iter().chain(fraction) {
        if !b.is_ascii_digit() {
            return None;
        }
        digits.push(b - b'0');
    }
    // The value is digits * 10^shift at the wanted scale.
    let mut shift =
        i64::from(exponent).checked_sub(i64::try_from(fraction.len()).ok()?)?.checked_add(i64::from(scale))?;
    while shift < 0 {
        if digits.pop().is_some_and(|d| d != 0) {
            return None;
        }
        if digits.is_empty() {
            return Some(arrow_buffer::i256::ZERO);
        }
        shift += 1;
    }
    let lead = digits.iter().take_while(|&&d| d == 0).count();
    let kept = &digits[lead..];
    if kept.is_empty() {
        return Some(arrow_buffer::i256::ZERO);
    }
    if i64::try_from(kept.len()).ok()? + shift > i64::from(precision) {
        return None;
    }
    let ten = arrow_buffer::i256::from_i128(10);
    let mut n = arrow_buffer::i256::ZERO;
    for &d in kept {
        n = n.checked_mul(ten)?.checked_add(arrow_buffer::i256::from_i128(i128::from(d)))?;
    }
    for _ in 0..shift {
        n = n.checked_mul(ten)?;
    }
    Some(if negative { n.wrapping_neg() } else { n })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whole_numbers_are_exact_or_none() {
        for (text, value) in [
            ("0", Some(0)),
            ("-1", Some(-1)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("-9223372036854775809", None),
            ("99999999999999999999", None),
            ("007", None),
            ("-0", None),
            ("+5", None),
            (" 5", None),
            ("5 ", None),
            ("", None),
            ("-", None),
            ("1_000", None),
            ("0x10", None),
            ("1.0", None),
            ("१", None),
        ] {
            assert_eq!(int(text.as_bytes()), value, "{text}");
        }
        assert_eq!(uint(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(uint(b"18446744073709551616"), None);
        assert_eq!(uint(b"00"), None);
    }

    #[test]
    fn doubles_keep_their_digits_or_are_none() {
        for text in [
            "0",
            "1",
            "-0",
            "1.10",
            ".5",
            "5.",
            "1e5",
            "1E-5",
            "1e+5",
            "0.1",
            "10.357019999999999",
            "0.10000000000000001",
            "123456789012345.67",
            "1e22",
            "1e308",
            "5e-324",
            "2.2250738585072014e-308",
            "9007199254740993e0",
            "0.1000000000000000055511151231257827021181583404541015625",
            "0.0000000000000000000",
            "946895618639317.2",
            "946895618639317.3",
            "1.7976931348623157e308",
        ] {
            let value = text.parse::<f64>().unwrap();
            let exact = double(text.as_bytes());
            if text == "9007199254740993e0" {
                assert_eq!(exact, None, "the double next to it is another number");
            } else {
                assert_eq!(exact.map(f64::to_bits), Some(value.to_bits()), "{text}");
            }
        }
        for text in [
            "",
            "-",
            ".",
            "e5",
            "1e",
            "1e+",
            "007",
            "00.5",
            "+1",
            " 1",
            "1 ",
            "1e400",
            "-1e400",
            "1e-400",
            "0x1p3",
            "1,5",
            "1.2.3",
            "1f",
            "infinite",
            "NAN",
            "1234567890123456.78",
            "3.14159265358979323846",
            "123456789012345678901",
        ] {
            assert_eq!(double(text.as_bytes()), None, "{text}");
        }
        assert!(double(b"NaN").is_some_and(f64::is_nan));
        assert_eq!(double(b"-inf"), Some(f64::NEG_INFINITY));
    }

    #[test]
    fn decimals_are_exact_or_none() {
        let show = |text: &str, p, s| decimal(text.as_bytes(), p, s).map(|n| n.to_string());
        assert_eq!(show("1.10", 10, 2).as_deref(), Some("110"));
        assert_eq!(show("-1.1", 10, 2).as_deref(), Some("-110"));
        assert_eq!(show("1.100", 10, 2).as_deref(), Some("110"));
        assert_eq!(show("1.101", 10, 2), None);
        assert_eq!(show("12300", 3, -2).as_deref(), Some("123"));
        assert_eq!(show("12345", 3, -2), None);
        assert_eq!(show("1e3", 6, 2).as_deref(), Some("100000"));
        assert_eq!(show("1e4", 6, 2), None);
        assert_eq!(show("0e999999999", 6, 2).as_deref(), Some("0"));
        assert_eq!(show("1e999999999", 6, 2), None);
        assert_eq!(show("1e-999999999", 6, 2), None);
        assert_eq!(show("", 6, 2), None);
        assert_eq!(show(".", 6, 2), None);
        assert_eq!(show("1.2.3", 6, 2), None);
        let wide = "9".repeat(76);
        assert_eq!(show(&wide, 76, 0).as_deref(), Some(wide.as_str()));
        assert_eq!(show(&"9".repeat(77), 76, 0), None);
    }

    proptest! {
        #[test]
        fn every_integer_comes_back(n: i64) {
            prop_assert_eq!(int(n.to_string().as_bytes()), Some(n));
        }

        #[test]
        fn every_double_comes_back_from_its_shortest_and_its_long_form(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            for text in [format!("{value:?}"), format!("{value:e}"), format!("{value:.16e}")] {
                prop_assert_eq!(double(text.as_bytes()).map(f64::to_bits), Some(bits), "{}", text);
            }
        }

        #[test]
        fn every_money_amount_comes_back(cents in -99_999_999_999_999_i64..99_999_999_999_999) {
            let text = format!("{}{}.{:02}", if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100);
            prop_assert_eq!(double(text.as_bytes()), text.parse().ok(), "{}", text);
        }
    }
}
