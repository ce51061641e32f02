//! Type names: what a declared type means for the home, and which one the store declares.

use std::sync::Arc;

use arrow_schema::{DataType, TimeUnit};

/// What a column's declared type says of its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Declared {
    /// The type; a value that does not fit it is an error.
    Type(DataType),
    /// Nothing that SQLite would keep (none, `NUMERIC`, `STRING`): the storage classes that are there decide.
    Observed,
}

/// UTC, as timestamps with a zone carry it.
#[must_use]
pub fn utc(unit: TimeUnit) -> DataType {
    DataType::Timestamp(unit, Some(Arc::from("UTC")))
}

/// The meaning of a declared type: our own names first, then the names that people use, then SQLite's rules of affinity.
#[must_use]
pub fn meaning(declared: Option<&str>) -> Declared {
    use DataType as T;
    use TimeUnit::{Millisecond, Nanosecond, Second};
    let upper = declared.unwrap_or_default().to_ascii_uppercase();
    let (base, numbers) = parts(&upper);
    let known = match base.as_str() {
        "INTEGER_8" => Some(T::Int8),
        "INTEGER_16" => Some(T::Int16),
        "INTEGER_32" => Some(T::Int32),
        "UNSIGNED_INTEGER_8" => Some(T::UInt8),
        "UNSIGNED_INTEGER_16" => Some(T::UInt16),
        "UNSIGNED_INTEGER_32" => Some(T::UInt32),
        "UNSIGNED_TEXT_64" => Some(T::UInt64),
        "REAL_16" => Some(T::Float16),
        "REAL_32" => Some(T::Float32),
        "DATE_64" => Some(T::Date64),
        "TIMESTAMP_S" => Some(T::Timestamp(Second, None)),
        "TIMESTAMP_MS" => Some(T::Timestamp(Millisecond, None)),
        "TIMESTAMP_NS" => Some(T::Timestamp(Nanosecond, None)),
        "TIMESTAMPTZ_S" => Some(utc(Second)),
        "TIMESTAMPTZ_MS" => Some(utc(Millisecond)),
        "TIMESTAMPTZ_NS" => Some(utc(Nanosecond)),
        "TIME_S" => Some(T::Time32(Second)),
        "TIME_MS" => Some(T::Time32(Millisecond)),
        "TIME_NS" => Some(T::Time64(Nanosecond)),
        "DECIMAL_TEXT" => decimal(&numbers, T::Decimal128, 38),
        "DECIMAL32_TEXT" => decimal(&numbers, T::Decimal32, 9),
        "DECIMAL64_TEXT" => decimal(&numbers, T::Decimal64, 18),
        "DECIMAL256_TEXT" => decimal(&numbers, T::Decimal256, 76),
        "BOOLEAN" | "BOOL" => Some(T::Boolean),
        "DATE" => Some(T::Date32),
        "DATETIME" | "TIMESTAMP" | "TIMESTAMP WITHOUT TIME ZONE" => Some(T::Timestamp(finest(&numbers), None)),
        "TIMESTAMPTZ" | "TIMESTAMP WITH TIME ZONE" | "DATETIMEOFFSET" => Some(utc(finest(&numbers))),
        "TIME" | "TIME WITHOUT TIME ZONE" => Some(T::Time64(finest(&numbers))),
        "DECIMAL" | "NUMERIC" | "NUMBER" | "DEC" => {
            return decimal(&numbers, T::Decimal128, 38).map_or(Declared::Observed, Declared::Type);
        }
        _ => None,
    };
    if let Some(known) = known {
        return Declared::Type(known);
    }
    let has = |part: &str| base.contains(part);
    Declared::Type(if has("INT") {
        T::Int64
    } else if has("CHAR") || has("CLOB") || has("TEXT") {
        T::Utf8
    } else if has("BLOB") {
        T::Binary
    } else if has("REAL") || has("FLOA") || has("DOUB") {
        T::Float64
    } else {
        return Declared::Observed;
    })
}

/// `DECIMAL (10, 2)` as `DECIMAL` and `[10, 2]`, the words parted by one space.
fn parts(upper: &str) -> (String, Vec<i16>) {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((before, rest)) = upper.split_once('(') else { return (words(upper), Vec::new()) };
    let (inside, after) = rest.split_once(')').unwrap_or((rest, ""));
    let numbers = inside.split(',').map_while(|n| n.trim().parse().ok()).collect();
    (words(&format!("{before} {after}")), numbers)
}

fn decimal(numbers: &[i16], make: impl Fn(u8, i8) -> DataType, widest: i16) -> Option<DataType> {
    let (precision, scale) = match numbers {
        [precision, scale] => (*precision, *scale),
        [precision] => (*precision, 0),
        _ => return None,
    };
    if !(1..=widest).contains(&precision) || scale > precision {
        return None;
    }
    Some(make(u8::try_from(precision).ok()?, i8::try_from(scale).ok()?))
}

/// Up to six digits of a second are microseconds, more are nanoseconds.
fn finest(numbers: &[i16]) -> TimeUnit {
    if numbers.first().is_some_and(|digits| (7..=9).contains(digits)) {
        TimeUnit::Nanosecond
    } else {
        TimeUnit::Microsecond
    }
}

/// The storage class that a value is handed to SQLite in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Integer,
    Real,
    /// Text that SQLite never takes for a number.
    Text,
    /// Text that looks like a number.
    Digits,
    Blob,
}

/// How the store keeps an Arrow type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The declared type of the column.
    pub(crate) declared: String,
    pub(crate) class: Class,
    /// Whether the value becomes exact text where it was none.
    pub(crate) exact_text: bool,
}

/// How the store keeps an Arrow type; none where it can keep it neither exactly nor as exact text.
pub(crate) fn kept(data_type: &DataType) -> Option<Kept> {
    use DataType as T;
    let with = |declared: &str, class, exact_text| Some(Kept { declared: declared.to_owned(), class, exact_text });
    let unit = |unit: TimeUnit, plain: &str| {
        let suffix = match unit {
            TimeUnit::Second => "_S",
            TimeUnit::Millisecond => "_MS",
            TimeUnit::Microsecond => "",
            TimeUnit::Nanosecond => "_NS",
        };
        with(&format!("{plain}{suffix}"), Class::Text, true)
    };
    let digits = |name: &str, p: &u8, s: &i8| with(&format!("{name}({p},{s})"), Class::Digits, true);
    match data_type {
        T::Null => with("TEXT", Class::Text, false),
        T::Boolean => with("BOOLEAN", Class::Integer, false),
        T::Int8 => with("INTEGER_8", Class::Integer, false),
        T::Int16 => with("INTEGER_16", Class::Integer, false),
        T::Int32 => with("INTEGER_32", Class::Integer, false),
        T::Int64 => with("INTEGER", Class::Integer, false),
        T::UInt8 => with("UNSIGNED_INTEGER_8", Class::Integer, false),
        T::UInt16 => with("UNSIGNED_INTEGER_16", Class::Integer, false),
        T::UInt32 => with("UNSIGNED_INTEGER_32", Class::Integer, false),
        // SQLite's integers have a sign.
        T::UInt64 => with("UNSIGNED_TEXT_64", Class::Digits, true),
        T::Float16 => with("REAL_16", Class::Real, false),
        T::Float32 => with("REAL_32", Class::Real, false),
        T::Float64 => with("REAL", Class::Real, false),
        // DECIMAL would have the affinity NUMERIC, which turns 1.10 into the binary fraction nearest to 1.1.
        T::Decimal32(p, s) => digits("DECIMAL32_TEXT", p, s),
        T::Decimal64(p, s) => digits("DECIMAL64_TEXT", p, s),
        T::Decimal128(p, s) => digits("DECIMAL_TEXT", p, s),
        T::Decimal256(p, s) => digits("DECIMAL256_TEXT", p, s),
        T::Date32 => with("DATE", Class::Text, true),
        T::Date64 => with("DATE_64", Class::Text, true),
        T::Timestamp(u, None) => unit(*u, "TIMESTAMP"),
        T::Timestamp(u, Some(_)) => unit(*u, "TIMESTAMPTZ"),
        T::Time32(u) | T::Time64(u) => unit(*u, "TIME"),
        T::Utf8 | T::LargeUtf8 | T::Utf8View => with("TEXT", Class::Digits, false),
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => with("BLOB", Class::Blob, false),
        T::Dictionary(_, values) => kept(values),
        _ => None,
    }
}

/// Whether a column of an affinity keeps values of a class as they are given.
pub(crate) fn keeps(declared: Option<&str>, class: Class) -> bool {
    let upper = declared.unwrap_or_default().to_ascii_uppercase();
    let has = |part: &str| upper.contains(part);
    if upper.is_empty() || (has("BLOB") && !has("INT") && !has("CHAR") && !has("CLOB") && !has("TEXT")) {
        return true;
    }
    if has("INT") {
        // A real number that is whole becomes an integer, and is read as the same real number again.
        return matches!(class, Class::Integer | Class::Real | Class::Text | Class::Blob);
    }
    if has("CHAR") || has("CLOB") || has("TEXT") {
        return matches!(class, Class::Text | Class::Digits | Class::Blob);
    }
    if has("REAL") || has("FLOA") || has("DOUB") {
        return matches!(class, Class::Real | Class::Text | Class::Blob);
    }
    !matches!(class, Class::Digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_types_mean_what_people_and_sqlite_mean() {
        use DataType as T;
        let means = |declared: &str| match meaning(Some(declared)) {
            Declared::Type(data_type) => Some(data_type),
            Declared::Observed => None,
        };
        for (declared, data_type) in [
            ("INTEGER", T::Int64),
            ("int", T::Int64),
            ("BIGINT UNSIGNED", T::Int64),
            ("varchar(20)", T::Utf8),
            ("NATIVE CHARACTER(70)", T::Utf8),
            ("double precision", T::Float64),
            ("blob", T::Binary),
            ("Boolean", T::Boolean),
            ("DECIMAL(15, 2)", T::Decimal128(15, 2)),
            ("numeric(5)", T::Decimal128(5, 0)),
            ("datetime", T::Timestamp(TimeUnit::Microsecond, None)),
            ("TIMESTAMP(9)", T::Timestamp(TimeUnit::Nanosecond, None)),
            ("timestamp  with time zone", utc(TimeUnit::Microsecond)),
            ("TIMESTAMP(3) WITH TIME ZONE", utc(TimeUnit::Microsecond)),
        ] {
            assert_eq!(means(declared), Some(data_type), "{declared}");
        }
        for declared in ["NUMERIC", "DECIMAL", "STRING", "JSON", "", "DECIMAL(99,2)"] {
            assert_eq!(means(declared), None, "{declared}");
        }
        assert_eq!(meaning(None), Declared::Observed);
    }

    #[test]
    fn affinities_that_would_change_a_value_are_known() {
        assert!(!keeps(Some("DECIMAL(10,2)"), Class::Digits), "1.10 would become 1.1");
        assert!(!keeps(Some("REAL"), Class::Integer));
        assert!(!keeps(Some("TEXT"), Class::Integer));
        assert!(!keeps(Some("INTEGER"), Class::Digits));
        assert!(keeps(Some("DATE"), Class::Text) && keeps(None, Class::Digits) && keeps(Some("NUMERIC"), Class::Real));
    }
}
