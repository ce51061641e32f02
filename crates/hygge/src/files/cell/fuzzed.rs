//! What must hold of the text of a cell, and of a declared type, whatever stands there.

use arrow_array::{Decimal128Array, Decimal256Array};
use arrow_schema::DataType;

use super::{Float, boolean, date, decimal, double, float, int, lenient, moment, time_of_day, uint};
use crate::sqlite::dates::{DAY_NS, parse_date, parse_moment, parse_time, push_date, push_moment, push_time};
use crate::sqlite::declared::{Declared, meaning};

/// The bytes as a cell and as numbers: a strict reading gives the text back, the lenient one agrees with it, both ways of
/// reading dates agree, and what is written is read again as the same.
///
/// # Panics
/// If that does not hold.
pub fn check(bytes: &[u8]) {
    numbers(bytes);
    decimals(bytes);
    times(bytes);
    if let Some(value) = boolean(bytes) {
        assert_eq!(lenient::boolean(bytes), Some(value));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        declared(text);
    }
}

fn numbers(text: &[u8]) {
    let plain = std::str::from_utf8(text).ok();
    if let Some(n) = int(text) {
        assert_eq!(plain, Some(n.to_string().as_str()));
        assert_eq!(lenient::int(text), Some(n.into()));
    }
    if let Some(n) = uint(text) {
        assert_eq!(plain, Some(n.to_string().as_str()));
        assert_eq!(lenient::int(text), Some(n.into()));
    }
    if let Float::Exact(value) | Float::Rounded(value) = float(text) {
        let nearest: f64 = plain.and_then(|text| text.parse().ok()).expect("a number");
        assert_eq!(value.to_bits(), nearest.to_bits());
        assert_eq!(lenient::double(text).map(f64::to_bits), Some(value.to_bits()).filter(|_| value.is_finite()));
    }
    if let Some(value) = double(text) {
        assert_eq!(lenient::double(text).map(f64::to_bits), Some(value.to_bits()));
    }
    if let Some(value) = lenient::single(text) {
        let digits = text.iter().any(u8::is_ascii_digit);
        assert!(value.is_finite() || !digits, "a number is beyond the type");
        if digits {
            let nearest: f32 = plain.and_then(|text| text.trim_ascii().parse().ok()).expect("a number");
            assert_eq!(value.to_bits(), nearest.to_bits());
        }
    }
}

fn decimals(text: &[u8]) {
    for (precision, scale) in [(38, 10), (76, 0), (5, -2), (3, 7)] {
        let Some(n) = decimal(text, precision, scale) else { continue };
        let digits = n.to_string();
        assert!(digits.trim_start_matches('-').len() <= usize::from(precision), "{digits}");
        let shown = format!("{digits}e{}", -i32::from(scale));
        assert_eq!(decimal(shown.as_bytes(), precision, scale), Some(n), "{shown}");
        // The same value, as far as a double tells.
        let read = |text: &str| text.parse::<f64>().expect("a number");
        let (a, b) = (read(&shown), read(std::str::from_utf8(text).expect("digits")));
        assert!(a.to_bits() == b.to_bits() || a == 0.0 && b == 0.0, "{shown}");
    }
}

fn times(text: &[u8]) {
    if let Some(days) = date(text) {
        assert_eq!(parse_date(text), Some(days.into()));
        let mut shown = String::new();
        push_date(&mut shown, days.into());
        assert_eq!(shown.as_bytes(), text);
    }
    if let Some(nanos) = time_of_day(text) {
        assert!((0..DAY_NS).contains(&nanos));
        assert_eq!(parse_time(text), Some(nanos));
        let mut shown = String::new();
        push_time(&mut shown, nanos);
        assert_eq!(time_of_day(shown.as_bytes()), Some(nanos), "{shown}");
    }
    if let Some(found) = moment(text) {
        let other = parse_moment(text).expect("read by the other way, too");
        assert_eq!(found.zoned, other.zone.is_some());
        for per_second in [1, 1_000, 1_000_000, 1_000_000_000] {
            assert_eq!(found.in_units(per_second), other.units(per_second));
        }
    }
    let mut drawn = [0; 8];
    let known = text.len().min(8);
    drawn[..known].copy_from_slice(&text[..known]);
    let units = i64::from_le_bytes(drawn);
    for per_second in [1_000, 1_000_000, 1_000_000_000] {
        let mut shown = String::new();
        push_moment(&mut shown, units, per_second);
        assert_eq!(parse_moment(shown.as_bytes()).and_then(|found| found.units(per_second)), Some(units), "{shown}");
        if let Some(found) = moment(shown.as_bytes()) {
            assert_eq!(found.in_units(per_second), Some(units), "{shown}");
        }
    }
}

fn declared(text: &str) {
    let found = meaning(Some(text));
    assert_eq!(meaning(Some(&text.to_ascii_lowercase())), found, "small and large letters are the same");
    assert_eq!(meaning(Some(&format!("  {text}\t"))), found);
    // A type that no array can have would end in a panic where rows are read.
    match found {
        Declared::Type(DataType::Decimal128(precision, scale)) => {
            assert!(Decimal128Array::from(vec![0]).with_precision_and_scale(precision, scale).is_ok());
        }
        Declared::Type(DataType::Decimal256(precision, scale)) => {
            let zero = arrow_buffer::i256::ZERO;
            assert!(Decimal256Array::from(vec![zero]).with_precision_and_scale(precision, scale).is_ok());
        }
        Declared::Type(_) | Declared::Observed => {}
    }
}

#[cfg(test)]
#[test]
fn the_fuzzing_corpus_of_cells_holds() {
    crate::fuzzed::replay("cells", 20, check);
}
