//! Typed columns as text, exactly: what [`crate::files::cell`] reads back is the value that was written.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Decimal128Type, Decimal256Type, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType,
    DurationSecondType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, OffsetSizeTrait};
use arrow_schema::{DataType, TimeUnit};
use hygge_core::{Error, Result};
use memchr::{memchr, memchr3};

use super::index::Dialect;
pub use crate::files::cell::writing::Rendered;
use crate::files::cell::writing::{self, decimal, kin, primitive, times};

/// How cells are written.
#[derive(Debug, Clone)]
pub struct Style {
    /// Separator and quote.
    pub dialect: Dialect,
    /// What stands for NULL.
    pub null: Box<[u8]>,
}

/// How a type is written: what a person calls it, and whether it is another text than readers expect of the type.
#[must_use]
pub fn written_as(data_type: &DataType) -> Option<(&'static str, bool)> {
    use DataType as T;
    Some(match data_type {
        T::Null => ("nothing", false),
        T::Boolean => ("true or false", false),
        t if t.is_integer() => ("whole number", false),
        T::Float16 | T::Float32 | T::Float64 => ("number, shortest digits that give it back", false),
        t if t.is_decimal() => ("decimal number", false),
        T::Date32 | T::Date64 => ("date, YYYY-MM-DD", false),
        T::Time32(_) | T::Time64(_) => ("time of day, HH:MM:SS", false),
        T::Timestamp(_, Some(_)) => ("time in UTC, YYYY-MM-DDTHH:MM:SSZ", false),
        T::Timestamp(_, None) => ("time, YYYY-MM-DDTHH:MM:SS", false),
        T::Duration(TimeUnit::Second) => ("whole number of seconds", true),
        T::Duration(TimeUnit::Millisecond) => ("whole number of milliseconds", true),
        T::Duration(TimeUnit::Microsecond) => ("whole number of microseconds", true),
        T::Duration(TimeUnit::Nanosecond) => ("whole number of nanoseconds", true),
        T::Utf8 | T::LargeUtf8 | T::Utf8View => ("text", false),
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => ("hexadecimal text", true),
        T::Dictionary(_, values) if !matches!(**values, T::Dictionary(..)) => return written_as(values),
        _ => return None,
    })
}

/// Writes the cells of a column into `out`, which is cleared first.
///
/// # Errors
/// Failed, where a date lies outside the years 0 to 9999; `column` is its name, and how many rows came before.
pub fn render(array: &ArrayRef, style: &Style, column: (&str, u64), out: &mut Rendered) -> Result<()> {
    use DataType as T;
    out.bytes.clear();
    out.ends.clear();
    out.ends.reserve(array.len());
    let cast;
    let array = match kin(array.data_type()) {
        Some(kin) => {
            let options = arrow_cast::CastOptions { safe: false, ..arrow_cast::CastOptions::default() };
            cast = arrow_cast::cast_with_options(array, &kin, &options)?;
            &cast
        }
        None => array,
    };
    let null = &*style.null;
    macro_rules! cells {
        ($arrow:ty, $write:expr) => {
            primitive::<$arrow>(array, null, out, $write)
        };
    }
    macro_rules! whole {
        ($arrow:ty) => {{
            let mut digits = itoa::Buffer::new();
            cells!($arrow, |value, bytes| {
                bytes.extend_from_slice(digits.format(value).as_bytes());
                true
            })
        }};
    }
    macro_rules! float {
        ($arrow:ty) => {{
            let mut digits = zmij::Buffer::new();
            cells!($arrow, |value, bytes| {
                bytes.extend_from_slice(digits.format(value).as_bytes());
                true
            })
        }};
    }
    let written = match array.data_type() {
        T::Null => {
            for _ in 0..array.len() {
                out.bytes.extend_from_slice(null);
                out.ends.push(out.bytes.len());
            }
            true
        }
        T::Boolean => {
            let array = array.as_boolean();
            for row in 0..array.len() {
                let text: &[u8] = match (array.is_valid(row), array.value(row)) {
                    (false, _) => null,
                    (true, true) => b"true",
                    (true, false) => b"false",
                };
                out.bytes.extend_from_slice(text);
                out.ends.push(out.bytes.len());
            }
            true
        }
        T::Int8 => whole!(Int8Type),
        T::Int16 => whole!(Int16Type),
        T::Int32 => whole!(Int32Type),
        T::Int64 => whole!(Int64Type),
        T::UInt8 => whole!(UInt8Type),
        T::UInt16 => whole!(UInt16Type),
        T::UInt32 => whole!(UInt32Type),
        T::UInt64 => whole!(UInt64Type),
        T::Float32 => float!(Float32Type),
        T::Float64 => float!(Float64Type),
        t if t.is_temporal() && !matches!(t, T::Duration(_)) => times::<false>(array, null, out),
        T::Duration(TimeUnit::Second) => whole!(DurationSecondType),
        T::Duration(TimeUnit::Millisecond) => whole!(DurationMillisecondType),
        T::Duration(TimeUnit::Microsecond) => whole!(DurationMicrosecondType),
        T::Duration(TimeUnit::Nanosecond) => whole!(DurationNanosecondType),
        T::Decimal128(_, scale) => {
            let mut digits = String::new();
            cells!(Decimal128Type, |value, bytes| decimal(value, *scale, &mut digits, bytes))
        }
        T::Decimal256(_, scale) => {
            let mut digits = String::new();
            cells!(Decimal256Type, |value, bytes| decimal(value, *scale, &mut digits, bytes))
        }
        T::Utf8 => texts(array.as_string::<i32>().iter().map(|t| t.map(str::as_bytes)), style, out),
        T::LargeUtf8 => texts(array.as_string::<i64>().iter().map(|t| t.map(str::as_bytes)), style, out),
        T::Binary => hex::<i32>(array, style, out),
        T::LargeBinary => hex::<i64>(array, style, out),
        other => return Err(Error::bug(format!("a column of type {other} was planned for CSV"))),
    };
    if written {
        Ok(())
    } else {
        Err(Error::failed("a date or time that has no text: its year is not between 0 and 9999, or it is past its day")
            .at(format!("row {} of the split, column {}", column.1 + out.ends.len() as u64 + 1, column.0))
            .next("mend the value where it lives, or leave the column out"))
    }
}

fn texts<'a>(cells: impl Iterator<Item = Option<&'a [u8]>>, style: &Style, out: &mut Rendered) -> bool {
    for cell in cells {
        match cell {
            Some(text) => quote_into(text, style, &mut out.bytes),
            None => out.bytes.extend_from_slice(&style.null),
        }
        out.ends.push(out.bytes.len());
    }
    true
}

fn hex<O: OffsetSizeTrait>(array: &ArrayRef, style: &Style, out: &mut Rendered) -> bool {
    let mut text = Vec::new();
    for cell in array.as_binary::<O>() {
        match cell {
            Some(bytes) => {
                text.clear();
                writing::hex(bytes, &mut text);
                quote_into(&text, style, &mut out.bytes);
            }
            None => out.bytes.extend_from_slice(&style.null),
        }
        out.ends.push(out.bytes.len());
    }
    true
}

/// Writes a text, in quotes where it would not come back without: where it is empty or looks like NULL, holds a
/// separator, a quote or a line end, or begins or ends with a blank that some readers take away.
pub fn quote_into(text: &[u8], style: &Style, out: &mut Vec<u8>) {
    let Dialect { separator, quote } = style.dialect;
    let quote = quote.unwrap_or(b'"');
    let blank = |b: Option<&u8>| b.is_none_or(|b| matches!(b, b' ' | b'\t'));
    let plain = !blank(text.first())
        && !blank(text.last())
        && memchr3(separator, quote, b'\n', text).is_none()
        && memchr(b'\r', text).is_none()
        && *text != *style.null;
    if plain {
        out.extend_from_slice(text);
        return;
    }
    out.push(quote);
    let mut rest = text;
    while let Some(at) = memchr(quote, rest) {
        out.extend_from_slice(&rest[..=at]);
        out.push(quote);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(quote);
}
