//! Sizes, durations and column types as people write them.

use std::time::Duration;

use arrow_schema::{DataType, TimeUnit};
use hygge_core::{Error, Result};

use super::problem::nearest;

/// A number of bytes: `67108864`, `64MiB`, `512MB`, `1GiB`.
///
/// # Errors
/// Refused, with what can be written.
pub fn size(text: &str) -> Result<u64> {
    let refuse = || Error::refused(format!("`{text}` is no size")).next("write a size such as 64MiB, 512MB or 1GiB");
    let (number, unit) = number_and_unit(text).ok_or_else(refuse)?;
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return Err(refuse()),
    };
    number.checked_mul(factor).ok_or_else(refuse)
}

/// A span of time: `500ms`, `30s`, `5m`, `2h`, `1d`, `1w`, also joined (`1h30m`).
///
/// # Errors
/// Refused, with what can be written.
pub fn duration(text: &str) -> Result<Duration> {
    let refuse = || {
        let error = Error::refused(format!("`{text}` is no span of time"));
        match text.trim().parse::<u32>() {
            Ok(number) => error.next(format!("write it with its unit: {number}s if these are seconds, or m, h, d")),
            Err(_) => error.next("write it with a unit: 30s, 5m, 2h or 1d"),
        }
    };
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return Err(refuse());
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: u64 = rest[..digits].parse().map_err(|_| refuse())?;
        rest = rest[digits..].trim_start();
        let letters = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let millis: u64 = match &rest[..letters] {
            "ms" => 1,
            "s" | "sec" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            _ => return Err(refuse()),
        };
        rest = rest[letters..].trim_start();
        let part = number.checked_mul(millis).ok_or_else(refuse)?;
        total = total.checked_add(Duration::from_millis(part)).ok_or_else(refuse)?;
    }
    Ok(total)
}

/// A number of days: `90` or `90d`.
///
/// # Errors
/// Refused, with what can be written.
pub(super) fn days(text: &str) -> Result<u32> {
    let refuse = || Error::refused(format!("`{text}` is no number of days")).next("write it as 90d");
    match number_and_unit(text) {
        Some((number, "" | "d" | "days")) => u32::try_from(number).map_err(|_| refuse()),
        _ => Err(refuse()),
    }
}

/// Splits `64 MiB` into its number and its unit. Underscores may group digits.
fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let end = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_').len();
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let number = text[..end].replace('_', "").parse().ok()?;
    Some((number, text[end..].trim_start()))
}

/// The type words that `columns:` takes, for messages and the schema.
pub(crate) const TYPE_WORDS: [&str; 21] = [
    "text",
    "int",
    "int64",
    "int32",
    "int16",
    "int8",
    "uint64",
    "uint32",
    "uint16",
    "uint8",
    "double",
    "float64",
    "float32",
    "bool",
    "date",
    "time",
    "timestamp",
    "timestamptz",
    "decimal(18,2)",
    "binary",
    "json",
];

/// The column type that a word of `columns:` means.
///
/// `text` (also `string`, `varchar`), `int` = `int64` (also `bigint`, `integer`), `int32`, `int16`, `int8`, `uint64` …
/// `uint8`, `double` = `float64`, `float32` (also `real`, `float`), `bool`, `date`, `time` (microseconds), `timestamp`
/// (microseconds, no zone), `timestamptz` (microseconds, UTC), `decimal(p,s)` with p up to 76, `binary`, and `json`,
/// which travels as text.
///
/// # Errors
/// Refused, naming the nearest type there is.
pub fn column_type(text: &str) -> Result<DataType> {
    let word = text.trim().to_ascii_lowercase();
    Ok(match word.as_str() {
        "text" | "string" | "str" | "varchar" | "utf8" | "json" => DataType::Utf8,
        "int" | "int64" | "bigint" | "integer" | "long" => DataType::Int64,
        "int32" => DataType::Int32,
        "int16" | "smallint" => DataType::Int16,
        "int8" | "tinyint" => DataType::Int8,
        "uint" | "uint64" => DataType::UInt64,
        "uint32" => DataType::UInt32,
        "uint16" => DataType::UInt16,
        "uint8" => DataType::UInt8,
        "double" | "float64" | "double precision" => DataType::Float64,
        "float32" | "float" | "real" => DataType::Float32,
        "bool" | "boolean" => DataType::Boolean,
        "date" => DataType::Date32,
        "time" => DataType::Time64(TimeUnit::Microsecond),
        "timestamp" | "datetime" => DataType::Timestamp(TimeUnit::Microsecond, None),
        "timestamptz" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        "binary" | "blob" | "bytes" => DataType::Binary,
        _ => {
            if let Some(rest) = word.strip_prefix("decimal").or_else(|| word.strip_prefix("numeric")) {
                return decimal(rest).ok_or_else(|| {
                    Error::refused(format!("`{text}` is no decimal type")).next(
                        "write decimal(precision,scale) with a precision of 1 to 76 and a scale no greater: decimal(18,2)",
                    )
                });
            }
            let advice = match nearest(&word, TYPE_WORDS) {
                Some(near) => format!("write {near}"),
                None => format!("write one of {}", TYPE_WORDS.join(", ")),
            };
            return Err(Error::refused(format!("`{text}` is no column type")).next(advice));
        }
    })
}

fn decimal(rest: &str) -> Option<DataType> {
    let inside = rest.trim().strip_prefix('(')?.strip_suffix(')')?;
    let (precision, scale) = inside.split_once(',').unwrap_or((inside, "0"));
    let precision: u8 = precision.trim().parse().ok()?;
    let scale: u8 = scale.trim().parse().ok()?;
    let signed = i8::try_from(scale).ok()?;
    match precision {
        _ if scale > precision => None,
        1..=38 => Some(DataType::Decimal128(precision, signed)),
        39..=76 => Some(DataType::Decimal256(precision, signed)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_spans_are_read_as_written() {
        assert_eq!(size("64MiB").unwrap(), 64 << 20);
        assert_eq!(size("512 mb").unwrap(), 512_000_000);
        assert_eq!(size("1_000").unwrap(), 1_000);
        for bad in ["", "MiB", "1.5GiB", "-1", "12 parsecs", "99999999999TiB", "_"] {
            assert!(size(bad).is_err(), "{bad}");
        }
        assert_eq!(duration("1h30m").unwrap(), Duration::from_mins(90));
        assert_eq!(duration("500ms").unwrap(), Duration::from_millis(500));
        assert_eq!(duration("1w").unwrap(), Duration::from_hours(168));
        for bad in ["", "30", "s", "1y", "1h 5", "99999999999999999999d", "999999999999999d"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
        assert_eq!(days("90").unwrap(), 90);
        assert_eq!(days("7d").unwrap(), 7);
        assert!(days("1w").is_err());
    }

    #[test]
    fn every_listed_type_word_means_a_type() {
        for word in TYPE_WORDS {
            column_type(word).unwrap();
        }
        assert_eq!(column_type("Decimal(40, 2)").unwrap(), DataType::Decimal256(40, 2));
        assert_eq!(column_type("decimal(5)").unwrap(), DataType::Decimal128(5, 0));
        for bad in ["decimal", "decimal(0,0)", "decimal(77,1)", "decimal(4,5)", "decimal(4,-1)", "banana", ""] {
            assert!(column_type(bad).is_err(), "{bad}");
        }
        let advice = format!("{:?}", column_type("dobule").unwrap_err());
        assert!(advice.contains("write double"), "{advice}");
    }
}
