//! Text and bytes: as they are, or as the values that a text spells.

use std::cell::RefCell;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayAccessor};
use arrow_schema::DataType;

use super::bind::{Bound, unlike};
use super::cells::{Fixed, Slices, Written};
use super::times::interval;
use super::wire::{Length, Wire};
use crate::decode::render::{Bits, Inet, IntervalText, Lsn, Macaddr, Macaddr8, Tid, TimeTz, Write};
use crate::error::{Fit, Misfit};
use crate::{numeric, parse};

const NUL: Misfit = Misfit::Unfit("text with a NUL character, which PostgreSQL has no room for");
const LONG: Misfit = Misfit::Unfit("a text longer than its column holds");
const SPELLED: Misfit = Misfit::Unfit("a text that is no value of the type, or not as PostgreSQL would write it");

/// What holds for all texts of an array: looked at for all at once.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct All {
    /// None has a NUL.
    clean: bool,
    /// All are of ASCII.
    ascii: bool,
}

/// Looks at all texts of an array, each behind the one before.
pub(super) fn all(array: &dyn Array) -> All {
    let (bytes, from, to) = if let Some(array) = array.as_string_opt::<i64>() {
        let ends = array.value_offsets();
        (array.values(), ends.first().copied(), ends.last().copied())
    } else {
        let array = array.as_string::<i32>();
        let ends = array.value_offsets();
        (array.values(), ends.first().map(|end| i64::from(*end)), ends.last().map(|end| i64::from(*end)))
    };
    let place = |end: Option<i64>| end.and_then(|end| usize::try_from(end).ok()).unwrap_or(0);
    let Some(bytes) = bytes.get(place(from)..place(to)) else { return All::default() };
    All { clean: memchr::memchr(0, bytes).is_none(), ascii: bytes.is_ascii() }
}

/// Text, into types of text and into types whose values a text can spell.
pub(super) fn texts<'a, A: ArrayAccessor<Item = &'a str> + 'a>(array: A, all: All, wire: &'a Wire) -> Bound<'a> {
    let nulls = array.nulls().cloned();
    let nulls = nulls.as_ref();
    let data_type = array.data_type().clone();
    let no_nul = move |text: &[u8]| if all.clean || memchr::memchr(0, text).is_none() { Ok(()) } else { Err(NUL) };
    // Rows that are NULL are not asked for.
    let get = move |row: usize| array.value(row).as_bytes();
    macro_rules! spelled {
        ($parse:expr, $write:ty) => {{
            let (parse, shown) = ($parse, RefCell::new(Vec::new()));
            Box::new(Written::new(nulls, move |row, out| {
                spelled::<$write>(get(row), &parse, &mut shown.borrow_mut(), out)
            }))
        }};
    }
    Ok(match wire {
        Wire::Text(length) => {
            let length = *length;
            Box::new(Slices::new(nulls, get, move |text| no_nul(text).and_then(|()| fits(text, length, all.ascii))))
        }
        Wire::Json | Wire::Foreign => Box::new(Slices::new(nulls, get, no_nul)),
        Wire::Xml => Box::new(Slices::new(nulls, get, move |text| no_nul(text).and_then(|()| parse::xml(text)))),
        Wire::Enum(labels) => Box::new(Slices::new(nulls, get, move |text| {
            let known = std::str::from_utf8(text).is_ok_and(|text| labels.contains(text));
            if known { Ok(()) } else { Err(Misfit::Unfit("a text that is no word of the enum")) }
        })),
        Wire::Versioned => Box::new(Written::new(nulls, move |row, out| {
            let text = get(row);
            no_nul(text)?;
            out.push(1);
            out.extend_from_slice(text);
            Ok(())
        })),
        Wire::Char => Box::new(Fixed::new(nulls, move |row| parse::char(get(row)).map(|byte| [byte]).ok_or(SPELLED))),
        Wire::Numeric(limit) => {
            Box::new(Written::new(nulls, move |row, out| numeric::push_text(get(row), *limit, out)))
        }
        Wire::Uuid => Box::new(Fixed::new(nulls, move |row| parse::uuid(get(row)).ok_or(SPELLED))),
        Wire::TimeTz(decimals) => spelled!(parse::time_tz(*decimals), TimeTz),
        Wire::Interval(span) => {
            let span = *span;
            spelled!(
                move |text: &[u8], out: &mut Vec<u8>| {
                    let parts = parse::interval(text)?;
                    out.extend_from_slice(&interval(parts, span).ok()?);
                    Some(())
                },
                IntervalText
            )
        }
        Wire::Inet { cidr: false } => spelled!(parse::inet(false), Inet<false>),
        Wire::Inet { cidr: true } => spelled!(parse::inet(true), Inet<true>),
        Wire::Macaddr => spelled!(parse::hexadecimal(6), Macaddr),
        Wire::Macaddr8 => spelled!(parse::hexadecimal(8), Macaddr8),
        Wire::Bits { exactly, count } => spelled!(parse::bits(*exactly, *count), Bits),
        Wire::Lsn => spelled!(parse::lsn, Lsn),
        Wire::Tid => spelled!(parse::tid, Tid),
        _ => return Err(unlike(&data_type)),
    })
}

/// Adds the value that a text spells, if the server would spell it so.
fn spelled<W: Write>(
    text: &[u8],
    parse: impl Fn(&[u8], &mut Vec<u8>) -> Option<()>,
    shown: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Fit<()> {
    let begin = out.len();
    parse(text, out).ok_or(SPELLED)?;
    shown.clear();
    W::write(&out[begin..], shown).map_err(|_| SPELLED)?;
    if shown == text { Ok(()) } else { Err(SPELLED) }
}

fn fits(text: &[u8], length: Length, ascii: bool) -> Fit<()> {
    // No text has more characters than bytes.
    let characters = || if ascii { text.len() } else { text.iter().filter(|byte| **byte & 0xC0 != 0x80).count() };
    match length {
        Length::Any => Ok(()),
        Length::Most(most) if text.len() <= most || characters() <= most => Ok(()),
        Length::Exactly(count) if characters() == count => Ok(()),
        Length::Exactly(count) if characters() < count => {
            Err(Misfit::Unfit("a text shorter than its column, which PostgreSQL would pad with spaces"))
        }
        Length::Bytes(most) if text.len() <= most => Ok(()),
        _ => Err(LONG),
    }
}

/// Bytes, into types that take any and into uuids.
pub(super) fn bytes<'a, A: ArrayAccessor<Item = &'a [u8]> + 'a>(array: A, wire: &'a Wire) -> Bound<'a> {
    let nulls = array.nulls().cloned();
    let nulls = nulls.as_ref();
    let data_type = array.data_type().clone();
    let get = move |row: usize| array.value(row);
    Ok(match wire {
        Wire::Bytes => Box::new(Slices::new(nulls, get, |_| Ok(()))),
        Wire::Uuid if data_type == DataType::FixedSizeBinary(16) => Box::new(Slices::new(nulls, get, |_| Ok(()))),
        Wire::Uuid => return Err("a uuid is of 16 bytes, FixedSizeBinary(16)".to_owned()),
        _ => return Err(unlike(&data_type)),
    })
}
