//! Values as the server's text format takes them: for tables that have a column whose binary form is not written.
//!
//! What goes into a column is settled by its binary form, whose checks hold here, too; that form is then written out.

use std::io::Write as _;

use super::wire::Wire;
use crate::decode::nested::{Shape, Words};
use crate::decode::render::{
    Bits, Characters, Inet, IntervalText, Lsn, Macaddr, Macaddr8, NumericText, Tid, TimeTz, Write,
};
use crate::decode::times::{DAY, EPOCH_DAYS};
use crate::error::{Fit, Misfit};

/// What was written by this crate is read by it.
const BROKEN: Misfit = Misfit::Malformed("a value that was written in a wrong form");

macro_rules! put {
    ($out:expr, $($format:tt)*) => {{
        // Writing to memory cannot fail.
        let _ = write!($out, $($format)*);
    }};
}

/// Adds a cell with its escapes; none for NULL.
pub(super) fn cell(text: Option<&[u8]>, out: &mut Vec<u8>) {
    let Some(text) = text else { return out.extend_from_slice(b"\\N") };
    for byte in text {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            other => out.push(*other),
        }
    }
}

fn exactly<const N: usize>(cell: &[u8]) -> Fit<[u8; N]> {
    cell.try_into().map_err(|_| BROKEN)
}

/// Writes out a value, of which the binary form is given.
pub(super) fn value(wire: &Wire, cell: &[u8], out: &mut Vec<u8>) -> Fit<()> {
    match wire {
        Wire::Bool => out.push(if cell == [1] { b't' } else { b'f' }),
        Wire::Int2 => put!(out, "{}", i16::from_be_bytes(exactly(cell)?)),
        Wire::Int4 => put!(out, "{}", i32::from_be_bytes(exactly(cell)?)),
        Wire::Int8 => put!(out, "{}", i64::from_be_bytes(exactly(cell)?)),
        Wire::Uint4 => put!(out, "{}", u32::from_be_bytes(exactly(cell)?)),
        Wire::Uint8 => put!(out, "{}", u64::from_be_bytes(exactly(cell)?)),
        Wire::Float4 => {
            let number = f32::from_be_bytes(exactly(cell)?);
            if number.is_infinite() { infinity(number < 0.0, out) } else { put!(out, "{number:e}") }
        }
        Wire::Float8 => {
            let number = f64::from_be_bytes(exactly(cell)?);
            if number.is_infinite() { infinity(number < 0.0, out) } else { put!(out, "{number:e}") }
        }
        Wire::Numeric(_) => NumericText::write(cell, out)?,
        Wire::Money(digits) => money(i64::from_be_bytes(exactly(cell)?), *digits, out),
        Wire::Date => {
            let (year, rest) = date(i64::from(i32::from_be_bytes(exactly(cell)?)));
            put!(out, "{rest}{}", era(year));
        }
        Wire::Time(_) => clock(i64::from_be_bytes(exactly(cell)?), out),
        Wire::Timestamp { zoned, .. } => {
            let micros = i64::from_be_bytes(exactly(cell)?);
            let (year, rest) = date(micros.div_euclid(DAY));
            put!(out, "{rest} ");
            clock(micros.rem_euclid(DAY), out);
            put!(out, "{}{}", if *zoned { "+00" } else { "" }, era(year));
        }
        Wire::Text(_) | Wire::Enum(_) | Wire::Json | Wire::Xml | Wire::Foreign => out.extend_from_slice(cell),
        Wire::Versioned => out.extend_from_slice(cell.get(1..).ok_or(BROKEN)?),
        Wire::Char => Characters::write(cell, out)?,
        Wire::Bytes => {
            out.extend_from_slice(b"\\x");
            for byte in cell {
                put!(out, "{byte:02x}");
            }
        }
        Wire::Uuid => put!(out, "{:032x}", u128::from_be_bytes(exactly(cell)?)),
        Wire::Vector(_) => {
            vector(cell, 4, out, |number| f64::from(f32::from_be_bytes(exactly(number).unwrap_or_default())))?;
        }
        Wire::HalfVector(_) => {
            vector(cell, 2, out, |number| half::f16::from_be_bytes(exactly(number).unwrap_or_default()).to_f64())?;
        }
        Wire::TimeTz(_) => TimeTz::write(cell, out)?,
        Wire::Interval(_) => IntervalText::write(cell, out)?,
        Wire::Inet { cidr: false } => Inet::<false>::write(cell, out)?,
        Wire::Inet { cidr: true } => Inet::<true>::write(cell, out)?,
        Wire::Macaddr => Macaddr::write(cell, out)?,
        Wire::Macaddr8 => Macaddr8::write(cell, out)?,
        Wire::Bits { .. } => Bits::write(cell, out)?,
        Wire::Lsn => Lsn::write(cell, out)?,
        Wire::Tid => Tid::write(cell, out)?,
        Wire::Array { item, delimiter, .. } => array(item, *delimiter, cell, out)?,
        Wire::Row(parts) => row(parts.iter().map(|(_, wire)| wire), cell, out)?,
    }
    Ok(())
}

fn infinity(negative: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(if negative { b"-Infinity" } else { b"Infinity" });
}

/// With a point, as the locale C has it.
fn money(value: i64, digits: u8, out: &mut Vec<u8>) {
    let sign = if value < 0 { "-" } else { "" };
    let unit = 10_u64.pow(u32::from(digits.min(18)));
    let (whole, rest) = (value.unsigned_abs() / unit, value.unsigned_abs() % unit);
    put!(out, "{sign}{whole}");
    if digits > 0 {
        put!(out, ".{rest:0width$}", width = usize::from(digits));
    }
}

/// The year of a day counted from 2000, and the day as text without its era.
fn date(days: i64) -> (i64, String) {
    // Days since 0000-03-01, so that leap days end their years.
    let days = days + i64::from(EPOCH_DAYS) + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = year + era * 400 + i64::from(month <= 2);
    (year, format!("{:04}-{month:02}-{day:02}", if year > 0 { year } else { 1 - year }))
}

fn era(year: i64) -> &'static str {
    if year > 0 { "" } else { " BC" }
}

fn clock(micros: i64, out: &mut Vec<u8>) {
    let seconds = micros / 1_000_000;
    put!(out, "{:02}:{:02}:{:02}.{:06}", seconds / 3600, seconds / 60 % 60, seconds % 60, micros % 1_000_000);
}

fn vector(cell: &[u8], width: usize, out: &mut Vec<u8>, number: impl Fn(&[u8]) -> f64) -> Fit<()> {
    out.push(b'[');
    for (at, value) in cell.get(4..).ok_or(BROKEN)?.chunks(width).enumerate() {
        let comma = if at > 0 { "," } else { "" };
        put!(out, "{comma}{}", number(value));
    }
    out.push(b']');
    Ok(())
}

/// The cell that comes next; none for NULL.
fn next<'a>(words: &mut Words<'a>) -> Fit<Option<&'a [u8]>> {
    let cell = words.0;
    let length = words.pass().ok_or(BROKEN)?;
    Ok(if cell.starts_with(&[0xFF; 4]) { None } else { cell.get(4..length) })
}

fn array(item: &Wire, delimiter: u8, cell: &[u8], out: &mut Vec<u8>) -> Fit<()> {
    let mut words = Words(cell);
    let shape = Shape::read(&mut words).ok_or(BROKEN)?;
    let dimensions = &shape.dimensions[..shape.depth];
    if dimensions.is_empty() {
        out.extend_from_slice(b"{}");
        return Ok(());
    }
    let mut text = Vec::new();
    for at in 0..shape.items() {
        // Braces open and close where a list within begins and ends.
        let ends = |at: usize| {
            let mut items = 1;
            dimensions
                .iter()
                .rev()
                .take_while(move |length| {
                    items *= **length;
                    at.is_multiple_of(items)
                })
                .count()
        };
        if at > 0 {
            out.push(delimiter);
        }
        out.extend(std::iter::repeat_n(b'{', ends(at)));
        match next(&mut words)? {
            None => out.extend_from_slice(b"NULL"),
            Some(cell) => {
                text.clear();
                value(item, cell, &mut text)?;
                quote(&text, out);
            }
        }
        out.extend(std::iter::repeat_n(b'}', ends(at + 1)));
    }
    Ok(())
}

fn row<'w>(parts: impl Iterator<Item = &'w Wire>, cell: &[u8], out: &mut Vec<u8>) -> Fit<()> {
    let mut words = Words(cell);
    words.next().ok_or(BROKEN)?;
    out.push(b'(');
    let mut text = Vec::new();
    for (at, part) in parts.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        words.next().ok_or(BROKEN)?;
        if let Some(cell) = next(&mut words)? {
            text.clear();
            value(part, cell, &mut text)?;
            quote(&text, out);
        }
    }
    out.push(b')');
    Ok(())
}

/// Quoted, so that it is taken as it is.
fn quote(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out.push(b'"');
}
