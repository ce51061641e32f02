//! One cell's text as a value, exactly or not at all.
//!
//! These readings are strict: a text is a number only if the number gives the text back but for its form. `007`, `+5`,
//! ` 5`, `1e400` and twenty-digit numbers are not numbers, so that a column of codes stays what it is. What a person
//! declares to be a number is read by [`lenient`].

#[cfg(any(test, fuzzing))]
pub mod fuzzed;
pub(crate) mod heap;
pub mod lenient;
mod number;
pub(crate) mod reading;
mod time;
pub mod writing;

pub use self::number::{Float, decimal, double, float, int, uint};
pub use self::time::{Moment, date, moment, time_of_day};

/// `true` or `false`, in lower case, upper case or with a capital.
#[inline]
#[must_use]
pub fn boolean(text: &[u8]) -> Option<bool> {
    match text {
        b"true" | b"True" | b"TRUE" => Some(true),
        b"false" | b"False" | b"FALSE" => Some(false),
        _ => None,
    }
}

/// Bytes of pairs of hexadecimal digits.
#[must_use]
pub fn hex(text: &[u8], out: &mut Vec<u8>) -> bool {
    let nibble = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        b'A'..=b'F' => Some(b - b'A' + 10),
        _ => None,
    };
    if !text.len().is_multiple_of(2) {
        return false;
    }
    let before = out.len();
    for pair in text.chunks_exact(2) {
        let (Some(high), Some(low)) = (nibble(pair[0]), nibble(pair[1])) else {
            out.truncate(before);
            return false;
        };
        out.push(high << 4 | low);
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hex_comes_in_pairs() {
        let mut out = vec![7];
        assert!(hex(b"00fF10", &mut out));
        assert_eq!(out, [7, 0, 255, 16]);
        assert!(!hex(b"0", &mut out) && !hex(b"0g", &mut out));
        assert_eq!(out.len(), 4);
    }

    #[test]
    fn a_single_is_rounded_once_and_never_infinite_by_it() {
        // A little more than the middle between one and the next single, which a double does not tell from the middle.
        assert_eq!(lenient::single(b" 1.00000005960464477539062500001").map(f32::to_bits), Some(1_f32.to_bits() + 1));
        assert_eq!(lenient::single(b"-1.5"), Some(-1.5));
        assert_eq!(lenient::single(b"-inf"), Some(f32::NEG_INFINITY));
        assert_eq!((lenient::single(b"1e39"), lenient::single(b"1e400"), lenient::single(b"x")), (None, None, None));
    }

    proptest! {
        #[test]
        fn no_text_makes_a_reading_panic(text: Vec<u8>) {
            let _ = (int(&text), uint(&text), double(&text), date(&text), moment(&text), decimal(&text, 38, 10));
            let _ = (lenient::int(&text), lenient::double(&text), lenient::boolean(&text));
        }
    }
}
