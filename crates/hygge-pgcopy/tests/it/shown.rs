//! Values of Arrow as text: written for the tests alone, so that it shares nothing with the codec.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Decimal256Type, Float16Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
    IntervalMonthDayNanoType, Time64MicrosecondType, TimestampMicrosecondType, UInt32Type, UInt64Type,
};
use arrow_array::{Array, FixedSizeListArray};
use arrow_schema::{DataType, TimeUnit};

/// A value as the server shows it, or for dates and times the number that it counts; `None` for NULL.
pub(crate) fn value(array: &dyn Array, row: usize) -> Option<String> {
    use DataType as T;
    if array.is_null(row) {
        return None;
    }
    macro_rules! number {
        ($t:ty) => {
            array.as_primitive::<$t>().value(row).to_string()
        };
    }
    Some(match array.data_type() {
        T::Boolean => if array.as_boolean().value(row) { "t" } else { "f" }.to_owned(),
        T::Int16 => number!(Int16Type),
        T::Int32 => number!(Int32Type),
        T::Int64 => number!(Int64Type),
        T::UInt32 => number!(UInt32Type),
        T::UInt64 => number!(UInt64Type),
        T::Float16 => number!(Float16Type),
        T::Float32 => format!("{:?}", array.as_primitive::<Float32Type>().value(row)),
        T::Float64 => format!("{:?}", array.as_primitive::<Float64Type>().value(row)),
        T::Decimal128(..) => array.as_primitive::<Decimal128Type>().value_as_string(row),
        T::Decimal256(..) => array.as_primitive::<Decimal256Type>().value_as_string(row),
        T::Date32 => number!(Date32Type),
        T::Time64(TimeUnit::Microsecond) => number!(Time64MicrosecondType),
        T::Timestamp(TimeUnit::Microsecond, _) => number!(TimestampMicrosecondType),
        T::Interval(_) => {
            let parts = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
            assert_eq!(parts.nanoseconds % 1000, 0, "whole microseconds");
            format!("{} {} {}", parts.months, parts.days, parts.nanoseconds / 1000)
        }
        T::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        T::Binary => bytes(array.as_binary::<i32>().value(row)),
        T::FixedSizeBinary(16) => uuid(array.as_fixed_size_binary().value(row)),
        T::List(_) => list(array.as_list::<i32>().value(row).as_ref()),
        T::FixedSizeList(..) => {
            let array: &FixedSizeListArray = array.as_fixed_size_list();
            list(array.value(row).as_ref())
        }
        T::Struct(_) => {
            let parts: Vec<String> = array
                .as_struct()
                .columns()
                .iter()
                .map(|part| value(part.as_ref(), row).map_or_else(String::new, |text| quoted(&text, '(')))
                .collect();
            format!("({})", parts.join(","))
        }
        other => panic!("{other} is not shown"),
    })
}

/// One spelling for a number that has several shortest ones.
pub(crate) fn float(text: &str, data_type: &DataType) -> String {
    match data_type {
        DataType::Float32 => format!("{:?}", text.parse::<f32>().expect("a number")),
        _ => format!("{:?}", text.parse::<f64>().expect("a number")),
    }
}

fn bytes(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\\x{}", digits.concat())
}

fn uuid(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&digits[..4], &digits[4..6], &digits[6..8], &digits[8..10], &digits[10..]].map(<[String]>::concat).join("-")
}

fn list(items: &dyn Array) -> String {
    let nested = matches!(items.data_type(), DataType::List(_));
    let items: Vec<String> = (0..items.len())
        .map(|at| match value(items, at) {
            None => "NULL".to_owned(),
            Some(text) if nested => text,
            Some(text) => quoted(&text, '{'),
        })
        .collect();
    format!("{{{}}}", items.join(","))
}

/// As items of arrays (`{`) and of rows (`(`) are quoted.
fn quoted(text: &str, within: char) -> String {
    let array = within == '{';
    let special = |c: char| match c {
        '"' | '\\' | ',' => true,
        '{' | '}' => array,
        '(' | ')' => !array,
        other => matches!(other, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}'),
    };
    if !(text.is_empty() || text.contains(special) || array && text.eq_ignore_ascii_case("null")) {
        return text.to_owned();
    }
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' if !array => out.push_str("\"\""),
            '\\' if !array => out.push_str("\\\\"),
            '"' | '\\' => out.extend(['\\', c]),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
