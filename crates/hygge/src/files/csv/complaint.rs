//! What is said of records and cells that cannot be read: file, row and column, never the cell itself.
//!
//! Rows are counted from 1. The header is not counted, and neither are empty lines.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arrow_schema::{DataType, TimeUnit};
use hygge_core::{Error, Part, Result};

use super::blocks::{Blocks, Ending, Next};
use super::index::{Dialect, Fault, Indexer};
use super::piece::Piece;
use super::stream::Reading;
use crate::files::buffer::{BLOCK_BYTES, Trouble};
use crate::files::cell::{self, Float};
use crate::files::codec::Codec;

/// Words that stand for "no value" in files of this world: these alone may be shown in an advice.
pub const MARKERS: [&str; 25] = [
    "NA", "N/A", "n/a", "na", "#N/A", "NULL", "null", "Null", "None", "none", "NONE", "nil", "NIL", "nan", "NaN",
    "NAN", "-", "--", ".", "?", "\\N", "(null)", "<NA>", "missing", "NaT",
];

/// Tells what does not fit, and what to do.
#[derive(Clone)]
pub struct Complaints {
    /// How fields are parted and quoted.
    pub dialect: Dialect,
    /// The markers of NULL that are configured.
    pub nulls: Arc<[String]>,
    /// The names of the columns that are read, in the order of [`Piece::fields`].
    pub names: Arc<[String]>,
    /// Set when a guess where a record begins proved wrong: the next scan is to count from the beginning.
    pub careful: Arc<AtomicBool>,
    /// Whether the file is one that hygge wrote: then no configuration can help.
    pub ours: bool,
}

/// How many records lie before a byte.
#[derive(Clone, Copy)]
enum Before {
    Rows(u64),
    /// The records before it cannot be counted.
    Unknown,
}

impl Complaints {
    /// `weather.csv.gz, row 16,204, column wind_gust`, of a row counted in the piece from 1, and a field of the file.
    #[must_use]
    pub fn place(&self, piece: &Piece, row: u64, field: Option<usize>) -> String {
        self.place_behind(self.rows_before(piece).unwrap_or(Before::Unknown), piece, row, field)
    }

    fn place_behind(&self, before: Before, piece: &Piece, row: u64, field: Option<usize>) -> String {
        let row = match before {
            Before::Rows(before) => format!("row {}", grouped(before + row)),
            Before::Unknown => format!("row {} after byte {}", grouped(row), grouped(piece.begin)),
        };
        let Some(field) = field else { return format!("{}, {row}", piece.file.shown) };
        let read_as = piece.fields.iter().position(|&f| f == field);
        match read_as.and_then(|column| self.names.get(column)) {
            Some(name) => format!("{}, {row}, column {name}", piece.file.shown),
            None => format!("{}, {row}, column {}", piece.file.shown, field + 1),
        }
    }

    /// Of a record that cannot be read.
    #[must_use]
    pub fn fault(&self, piece: &Piece, row: u64, fault: Fault) -> Error {
        let before = match self.rows_before(piece) {
            Ok(before) => before,
            Err(error) => return error,
        };
        let quote = char::from(self.dialect.quote.unwrap_or(b'"'));
        let place = |field| self.place_behind(before, piece, row, field);
        match fault {
            Fault::Ragged { found } => {
                let fields = if found == 1 { "1 field".to_owned() } else { format!("{found} fields") };
                Error::failed(format!("{fields} where {} were expected", piece.width)).at(place(None)).next(
                    if found > piece.width {
                        "mend the row: put fields that hold the separator in quotes"
                    } else {
                        "mend the row, or give the file's separator: in the home's options"
                    },
                )
            }
            Fault::AfterQuote { column } => Error::failed(format!("something follows the closing {quote} of a field"))
                .at(place(Some(column)))
                .next(format!(
                    "double each {quote} inside the field, or write  quote: none  where {quote} quotes nothing"
                )),
            Fault::Unclosed { column } => Error::failed(format!("the file ends inside a field that a {quote} opened"))
                .at(place(Some(column)))
                .next(format!("close the field, or write  quote: none  where {quote} quotes nothing")),
        }
    }

    /// Of a piece that does not end where the next one begins.
    #[must_use]
    pub fn loose(&self, piece: &Piece) -> Error {
        self.wrong_guess(piece)
    }

    fn wrong_guess(&self, piece: &Piece) -> Error {
        self.careful.store(true, Ordering::Relaxed);
        Error::moved_on("a part of the file was taken to begin with a row, and begins inside a quoted field")
            .at(&piece.file.shown)
            .next("run again: rows are then counted from the beginning of the file")
    }

    /// Of a cell that is not what its column holds. `text` is the cell without quotes; it is looked at, never shown.
    #[must_use]
    pub fn misfit(&self, piece: &Piece, row: u64, reading: &Reading, column: usize, text: &[u8]) -> Error {
        let before = match self.rows_before(piece) {
            Ok(before) => before,
            Err(error) => return error,
        };
        let field = reading.schema.field(column);
        let expected = field.data_type();
        let error = Error::failed(format!("{} where {} was expected", found(expected, text), wanted(expected)))
            .at(self.place_behind(before, piece, row, Some(piece.fields[column])));
        if self.ours {
            return error
                .next("run again; if it happens once more, the disk or the memory of this machine is at fault");
        }
        let marker = std::str::from_utf8(text).ok().filter(|t| MARKERS.contains(t));
        match marker {
            Some(marker) if !is_textual(expected) => error.next_set(Part::Home, nulls_with(&self.nulls, &[marker])),
            _ if reading.strict[column] || finer_than(expected, text).is_some() => {
                let kind = match (expected, cell::float(text)) {
                    (DataType::Int64, Float::Exact(_) | Float::Special(_)) => "double",
                    _ => "text",
                };
                error.next_set(Part::Home, format!("columns: {{{}: {kind}}}", yaml_key(field.name())))
            }
            _ => error.next("mend the row, or give the column another type in the home's columns:"),
        }
    }

    /// Of a text that is not UTF-8.
    #[must_use]
    pub fn not_text(&self, piece: &Piece, row: u64, column: usize) -> Error {
        let before = match self.rows_before(piece) {
            Ok(before) => before,
            Err(error) => return error,
        };
        Error::failed("bytes that are no UTF-8 where text was expected")
            .at(self.place_behind(before, piece, row, Some(piece.fields[column])))
            .next("turn the file into UTF-8 first, as in  iconv -f LATIN1 -t UTF-8")
    }

    /// Counts the records between the file's first and the piece's first. Only asked when something went wrong.
    ///
    /// # Errors
    /// What is wrong in truth, if what was read of the piece means nothing: the file cannot be unpacked whole, or the
    /// piece does not begin with a record.
    fn rows_before(&self, piece: &Piece) -> Result<Before> {
        let uncounted = Arc::new(AtomicU64::new(0));
        if piece.codec != Codec::Plain {
            let unpacked = std::io::copy(&mut piece.open(&uncounted)?, &mut std::io::sink());
            unpacked.map_err(|error| piece.failed(error))?;
        }
        if piece.begin <= piece.data {
            return Ok(Before::Rows(0));
        }
        let head = Piece { begin: piece.data, end: Some(piece.begin), ..piece.clone() };
        let indexer = Indexer::new(self.dialect, piece.width);
        match count_rows(head.open(&uncounted)?, indexer, Ending::Record) {
            Ok((rows, Next::End)) => Ok(Before::Rows(rows)),
            Ok((_, Next::Loose)) => Err(self.wrong_guess(piece)),
            Ok(_) | Err(_) => Ok(Before::Unknown),
        }
    }
}

/// Counts the records that a source yields, and says how they ended.
///
/// # Errors
/// If the source fails.
pub fn count_rows(
    source: Box<dyn std::io::Read + Send>,
    indexer: Indexer,
    ending: Ending,
) -> std::io::Result<(u64, Next)> {
    let mut blocks = Blocks::new(source, indexer, ending, BLOCK_BYTES, usize::MAX);
    let mut rows = 0;
    loop {
        match blocks.next(usize::MAX, &mut |_| Ok(())) {
            Ok(Next::Records) => rows += blocks.block().rows() as u64,
            Ok(end) => return Ok((rows, end)),
            Err(Trouble::Io(error)) => return Err(error),
            Err(Trouble::Refused(_)) => return Ok((rows, Next::TooLarge { bytes: usize::MAX, column: None })),
        }
    }
}

/// The line that makes NULLs of more markers than there are.
#[must_use]
pub fn nulls_with(known: &[String], markers: &[&str]) -> String {
    let all = known.iter().map(String::as_str).chain(markers.iter().copied());
    format!("nulls: [{}]", all.map(quoted).collect::<Vec<_>>().join(", "))
}

fn is_textual(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// What a cell is, in the words of the column's type.
fn found(expected: &DataType, text: &[u8]) -> &'static str {
    if text.is_empty() {
        return "nothing";
    }
    let float = cell::float(text);
    if expected.is_integer() {
        return match float {
            Float::Special(_) => "no whole number",
            Float::Exact(_) | Float::Rounded(_) if text.iter().any(|b| matches!(b, b'.' | b'e' | b'E')) => "a fraction",
            Float::Exact(_) | Float::Rounded(_) => "a number out of range",
            Float::None if digits_behind_zeros(text) => "a number with leading zeros",
            Float::None => "text",
        };
    }
    if let Some(finer) = finer_than(expected, text) {
        return finer;
    }
    match float {
        Float::Rounded(_) => "a number of more digits than a double keeps",
        Float::Exact(_) | Float::Special(_) => "a number",
        Float::None if expected.is_floating() && digits_behind_zeros(text) => "a number with leading zeros",
        Float::None if cell::date(text).is_some() => "a date",
        Float::None => match cell::moment(text) {
            Some(moment) if moment.zoned => "a time with an offset from UTC",
            Some(_) => "a time without an offset from UTC",
            None => "text",
        },
    }
}

/// Of a time that would fit, had it fewer digits of a second.
fn finer_than(expected: &DataType, text: &[u8]) -> Option<&'static str> {
    let finer = |unit: &TimeUnit| match unit {
        TimeUnit::Second => "a time finer than a second",
        TimeUnit::Millisecond => "a time finer than a millisecond",
        TimeUnit::Microsecond => "a time finer than a microsecond",
        TimeUnit::Nanosecond => "a time out of range",
    };
    match expected {
        DataType::Timestamp(unit, zone) => {
            let per_second = match unit {
                TimeUnit::Second => 1,
                TimeUnit::Millisecond => 1_000,
                TimeUnit::Microsecond => 1_000_000,
                TimeUnit::Nanosecond => 1_000_000_000,
            };
            let moment = cell::moment(text.trim_ascii())?;
            // An offset that is not expected is the worse trouble.
            let fits = zone.is_some() || !moment.zoned;
            (fits && moment.in_units(per_second).is_none()).then(|| finer(unit))
        }
        DataType::Time32(unit) | DataType::Time64(unit) => cell::time_of_day(text.trim_ascii()).map(|_| finer(unit)),
        _ => None,
    }
}

fn digits_behind_zeros(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    digits.len() > 1 && digits[0] == b'0' && digits.iter().all(|b| b.is_ascii_digit() || *b == b'.')
}

/// What a column of the type holds, in words.
pub(crate) fn wanted(expected: &DataType) -> String {
    match expected {
        DataType::Float16 | DataType::Float32 | DataType::Float64 | DataType::Int64 => "a number".to_owned(),
        t if t.is_integer() => format!("a whole number ({t})"),
        DataType::Boolean => "true or false".to_owned(),
        DataType::Date32 | DataType::Date64 => "a date".to_owned(),
        DataType::Time32(_) | DataType::Time64(_) => "a time of day".to_owned(),
        DataType::Timestamp(_, Some(_)) => "a time with an offset from UTC".to_owned(),
        DataType::Timestamp(_, None) => "a time".to_owned(),
        t if t.is_decimal() => format!("a number that fits {t}"),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            "bytes in hexadecimal".to_owned()
        }
        other => other.to_string(),
    }
}

/// A name as it can stand before the colon of a YAML flow mapping.
#[must_use]
pub fn yaml_key(name: &str) -> String {
    hygge_core::yaml::word(name)
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Digits in groups of three.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
