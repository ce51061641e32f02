//! Typed columns as JSON, exactly: what [`super::columns`] reads back is the value that was written.
//!
//! A column is rendered whole, its children first, and the pieces are then laid side by side: nothing is looked up per
//! value.

use std::collections::HashSet;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Decimal128Type, Decimal256Type, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType,
    DurationSecondType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, OffsetSizeTrait};
use arrow_buffer::ArrowNativeType;
use arrow_schema::{DataType, Fields, TimeUnit};

use super::columns::in_quotes;
use super::lexer::plain_end;
use crate::files::cell::writing::{Rendered, decimal, hex, kin, primitive, times};

/// Writes a text in quotes.
pub(crate) fn text_into(text: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let mut rest = text;
    loop {
        let end = plain_end(rest, 0);
        out.extend_from_slice(&rest[..end]);
        let Some(&byte) = rest.get(end) else { break };
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            other => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[DIGITS[usize::from(other >> 4)], DIGITS[usize::from(other & 15)]]);
            }
        }
        rest = &rest[end + 1..];
    }
    out.push(b'"');
}

/// How a type is written: what a person calls it, and whether it is another value than readers expect of the type. The
/// error is the type within it that has no JSON.
pub(crate) fn written_as(data_type: &DataType) -> Result<(&'static str, bool), String> {
    use DataType as T;
    Ok(match data_type {
        T::Null => ("null", false),
        T::Boolean => ("true or false", false),
        t if t.is_integer() => ("whole number", false),
        T::Float16 | T::Float32 | T::Float64 => {
            ("number, shortest digits that give it back; NaN and infinities as text", false)
        }
        t if t.is_decimal() => ("number with all its digits", false),
        T::Date32 | T::Date64 => ("text, YYYY-MM-DD", false),
        T::Time32(_) | T::Time64(_) => ("text, HH:MM:SS", false),
        T::Timestamp(_, Some(_)) => ("text in UTC, YYYY-MM-DDTHH:MM:SSZ", false),
        T::Timestamp(_, None) => ("text, YYYY-MM-DDTHH:MM:SS", false),
        T::Duration(TimeUnit::Second) => ("whole number of seconds", true),
        T::Duration(TimeUnit::Millisecond) => ("whole number of milliseconds", true),
        T::Duration(TimeUnit::Microsecond) => ("whole number of microseconds", true),
        T::Duration(TimeUnit::Nanosecond) => ("whole number of nanoseconds", true),
        T::Utf8 | T::LargeUtf8 | T::Utf8View => ("text", false),
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => ("hexadecimal text", true),
        T::Dictionary(_, values) if !values.is_nested() && !matches!(**values, T::Dictionary(..)) => {
            return written_as(values);
        }
        T::List(item) | T::LargeList(item) | T::FixedSizeList(item, _) => ("array", written_as(item.data_type())?.1),
        T::Struct(fields) => {
            let mut exact_text = false;
            let mut names = HashSet::new();
            for field in fields {
                if !names.insert(field.name()) {
                    return Err(format!("an object with two keys {}", field.name()));
                }
                exact_text |= written_as(field.data_type())?.1;
            }
            ("object", exact_text)
        }
        T::Map(entries, _) => match entries.data_type() {
            T::Struct(pair) if pair.len() == 2 && is_key(pair[0].data_type()) => {
                ("object", written_as(pair[1].data_type())?.1)
            }
            _ => return Err(data_type.to_string()),
        },
        other => return Err(other.to_string()),
    })
}

/// Whether values of the type can be keys of objects and be told from each other.
fn is_key(data_type: &DataType) -> bool {
    let plain = !data_type.is_nested() && !data_type.is_floating() && *data_type != DataType::Null;
    plain && written_as(data_type).is_ok()
}

const NULL: &[u8] = b"null";

/// A value that cannot be written.
#[derive(Debug)]
pub(crate) struct Unwritten {
    /// Its row in the column, from 0.
    pub(crate) row: usize,
    /// The way from the column to the value: keys, and `[]` for items.
    pub(crate) path: String,
    /// What is wrong with it.
    pub(crate) what: &'static str,
}

impl Unwritten {
    fn at(row: usize, what: &'static str) -> Self {
        Self { row, path: String::new(), what }
    }

    fn below(mut self, step: &str) -> Self {
        self.path.insert_str(0, step);
        self
    }

    /// Of an item of the lists that `offsets` part.
    fn of_item<O: OffsetSizeTrait>(self, offsets: &[O], step: &str) -> Self {
        let base = offsets.first().map_or(0, |o| o.as_usize());
        let row = offsets.partition_point(|o| o.as_usize() <= self.row + base).saturating_sub(1);
        Self { row, ..self }.below(step)
    }
}

/// Writes the values of a column into `out`, which is cleared first.
///
/// # Errors
/// Where a date lies outside the years 0 to 9999, or a map has a key twice.
pub(crate) fn render(array: &ArrayRef, out: &mut Rendered) -> Result<(), Unwritten> {
    use DataType as T;
    out.bytes.clear();
    out.ends.clear();
    out.ends.reserve(array.len());
    match array.data_type() {
        T::Struct(fields) => structs(array, fields, out),
        T::List(_) => {
            let list = array.as_list::<i32>();
            lists(array, list.values(), list.value_offsets(), out)
        }
        T::LargeList(_) => {
            let list = array.as_list::<i64>();
            lists(array, list.values(), list.value_offsets(), out)
        }
        T::FixedSizeList(_, size) => {
            let list = array.as_fixed_size_list();
            // Sliced, its values are those of its rows alone.
            let offsets: Vec<i32> = (0..=list.len()).map(|row| i32::usize_as(row) * *size).collect();
            lists(array, list.values(), &offsets, out)
        }
        T::Map(..) => maps(array, out),
        _ => plain(array, out),
    }
}

/// [`render`] for columns of values that are neither objects nor lists.
fn plain(array: &ArrayRef, out: &mut Rendered) -> Result<(), Unwritten> {
    use DataType as T;
    let cast;
    let array = match kin(array.data_type()) {
        Some(kin) => {
            let options = arrow_cast::CastOptions { safe: false, ..arrow_cast::CastOptions::default() };
            cast = arrow_cast::cast_with_options(array, &kin, &options)
                .map_err(|_| Unwritten::at(0, "a value that cannot be read as its kin"))?;
            &cast
        }
        None => array,
    };
    macro_rules! values {
        ($arrow:ty, $write:expr) => {
            primitive::<$arrow>(array, NULL, out, $write)
        };
    }
    macro_rules! whole {
        ($arrow:ty) => {{
            let mut digits = itoa::Buffer::new();
            values!($arrow, |value, bytes| {
                bytes.extend_from_slice(digits.format(value).as_bytes());
                true
            })
        }};
    }
    macro_rules! float {
        ($arrow:ty) => {{
            let mut digits = zmij::Buffer::new();
            values!($arrow, |value, bytes| {
                let text: &[u8] = match value {
                    v if v.is_finite() => digits.format_finite(value).as_bytes(),
                    v if v.is_nan() => b"\"NaN\"",
                    v if v > 0.0 => b"\"Infinity\"",
                    _ => b"\"-Infinity\"",
                };
                bytes.extend_from_slice(text);
                true
            })
        }};
    }
    let written = match array.data_type() {
        T::Null => {
            for _ in 0..array.len() {
                out.push(NULL);
            }
            true
        }
        T::Boolean => {
            let array = array.as_boolean();
            for row in 0..array.len() {
                out.push(match (array.is_valid(row), array.value(row)) {
                    (false, _) => NULL,
                    (true, true) => b"true",
                    (true, false) => b"false",
                });
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
        t if t.is_temporal() && !matches!(t, T::Duration(_)) => times::<true>(array, NULL, out),
        T::Duration(TimeUnit::Second) => whole!(DurationSecondType),
        T::Duration(TimeUnit::Millisecond) => whole!(DurationMillisecondType),
        T::Duration(TimeUnit::Microsecond) => whole!(DurationMicrosecondType),
        T::Duration(TimeUnit::Nanosecond) => whole!(DurationNanosecondType),
        T::Decimal128(_, scale) => {
            let mut digits = String::new();
            values!(Decimal128Type, |value, bytes| decimal(value, *scale, &mut digits, bytes))
        }
        T::Decimal256(_, scale) => {
            let mut digits = String::new();
            values!(Decimal256Type, |value, bytes| decimal(value, *scale, &mut digits, bytes))
        }
        T::Utf8 => texts(array.as_string::<i32>().iter(), out),
        T::LargeUtf8 => texts(array.as_string::<i64>().iter(), out),
        T::Binary => bytes(array.as_binary::<i32>().iter(), out),
        T::LargeBinary => bytes(array.as_binary::<i64>().iter(), out),
        _ => return Err(Unwritten::at(0, "a value of a type that has no JSON")),
    };
    if written {
        Ok(())
    } else {
        let what = "a date or time that has no text: its year is not between 0 and 9999, or it is past its day";
        Err(Unwritten::at(out.ends.len(), what))
    }
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>, out: &mut Rendered) -> bool {
    for value in values {
        match value {
            Some(text) => text_into(text.as_bytes(), &mut out.bytes),
            None => out.bytes.extend_from_slice(NULL),
        }
        out.ends.push(out.bytes.len());
    }
    true
}

fn bytes<'a>(values: impl Iterator<Item = Option<&'a [u8]>>, out: &mut Rendered) -> bool {
    for value in values {
        match value {
            Some(value) => {
                out.bytes.push(b'"');
                hex(value, &mut out.bytes);
                out.bytes.push(b'"');
            }
            None => out.bytes.extend_from_slice(NULL),
        }
        out.ends.push(out.bytes.len());
    }
    true
}

/// What stands before each value of an object: its key, and what parts it from the one before.
pub(crate) fn leads(fields: &Fields) -> Vec<Vec<u8>> {
    let lead = |(at, field): (usize, &std::sync::Arc<arrow_schema::Field>)| {
        let mut lead = vec![if at == 0 { b'{' } else { b',' }];
        text_into(field.name().as_bytes(), &mut lead);
        lead.push(b':');
        lead
    };
    fields.iter().enumerate().map(lead).collect()
}

fn structs(array: &ArrayRef, fields: &Fields, out: &mut Rendered) -> Result<(), Unwritten> {
    let array = array.as_struct();
    let leads = leads(fields);
    let mut children = Vec::with_capacity(fields.len());
    for (child, field) in array.columns().iter().zip(fields) {
        let mut rendered = Rendered::default();
        render(child, &mut rendered).map_err(|error| error.below(&format!(".{}", field.name())))?;
        children.push(rendered);
    }
    out.bytes.reserve(children.iter().map(|child| child.bytes.len()).sum());
    for row in 0..array.len() {
        if array.is_null(row) {
            out.push(NULL);
            continue;
        }
        for (lead, child) in leads.iter().zip(&children) {
            out.bytes.extend_from_slice(lead);
            out.bytes.extend_from_slice(child.of(row));
        }
        out.push(if leads.is_empty() { b"{}" } else { b"}" });
    }
    Ok(())
}

fn lists<O: OffsetSizeTrait>(
    array: &ArrayRef,
    values: &ArrayRef,
    offsets: &[O],
    out: &mut Rendered,
) -> Result<(), Unwritten> {
    let base = offsets.first().map_or(0, |o| o.as_usize());
    let end = offsets.last().map_or(0, |o| o.as_usize());
    let mut items = Rendered::default();
    render(&values.slice(base, end - base), &mut items).map_err(|error| error.of_item(offsets, "[]"))?;
    out.bytes.reserve(items.bytes.len() + array.len() * 2);
    for (row, pair) in offsets.windows(2).enumerate() {
        if array.is_null(row) {
            out.push(NULL);
            continue;
        }
        out.bytes.push(b'[');
        for item in pair[0].as_usize()..pair[1].as_usize() {
            if item > pair[0].as_usize() {
                out.bytes.push(b',');
            }
            out.bytes.extend_from_slice(items.of(item - base));
        }
        out.push(b"]");
    }
    Ok(())
}

fn maps(array: &ArrayRef, out: &mut Rendered) -> Result<(), Unwritten> {
    let map = array.as_map();
    let offsets = map.value_offsets();
    let base = offsets.first().map_or(0, |o| o.as_usize());
    let end = offsets.last().map_or(0, |o| o.as_usize());
    let (mut keys, mut values) = (Rendered::default(), Rendered::default());
    render(&map.keys().slice(base, end - base), &mut keys).map_err(|error| error.of_item(offsets, ""))?;
    render(&map.values().slice(base, end - base), &mut values).map_err(|error| error.of_item(offsets, "{}"))?;
    let quote: &[u8] = if in_quotes(map.key_type()) { b"" } else { b"\"" };
    let mut seen = HashSet::new();
    for (row, pair) in offsets.windows(2).enumerate() {
        if array.is_null(row) {
            out.push(NULL);
            continue;
        }
        seen.clear();
        out.bytes.push(b'{');
        for entry in pair[0].as_usize()..pair[1].as_usize() {
            let key = keys.of(entry - base);
            if !seen.insert(key) {
                return Err(Unwritten::at(row, "a map with the same key twice, which an object cannot have"));
            }
            if seen.len() > 1 {
                out.bytes.push(b',');
            }
            out.bytes.extend_from_slice(quote);
            out.bytes.extend_from_slice(key);
            out.bytes.extend_from_slice(quote);
            out.bytes.push(b':');
            out.bytes.extend_from_slice(values.of(entry - base));
        }
        out.push(b"}");
    }
    Ok(())
}
