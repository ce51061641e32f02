//! What is said of rows and values that cannot be read: file, row and key, never the value itself.
//!
//! Rows are counted from 1; empty lines are none.

use std::io::Read;
use std::sync::Arc;

use arrow_schema::DataType;
use hygge_core::{Error, Part, Result};

use super::blocks::Layout;
use super::columns::{Misfit, Unfit};
use super::keys::{key_around, key_at, name_at};
use super::lexer::{Bad, DEEPEST, Wrong};
use super::piece::{Piece, as_json};
use crate::files::codec::Codec;
use crate::files::csv::complaint::{grouped, wanted, yaml_key};

const OURS: &str = "run again; if it happens once more, the disk or the memory of this machine is at fault";

/// Tells what does not fit, and what to do.
#[derive(Debug, Clone, Copy, Default)]
pub struct Complaints {
    /// Whether types and keys were told from a sample.
    pub sampled: bool,
    /// Whether the file is one that hygge wrote: then no configuration can help.
    pub ours: bool,
}

impl Complaints {
    /// `events.ndjson, row 16,204, column user.name`, of a row counted in the piece from 1.
    #[must_use]
    pub fn place(self, piece: &Piece, row: u64, path: &str) -> String {
        let row = match rows_before(piece) {
            Ok(before) => format!("row {}", grouped(before + row)),
            Err(_) => format!("row {} after byte {}", grouped(row), grouped(piece.begin)),
        };
        if path.is_empty() {
            format!("{}, {row}", piece.file.shown)
        } else {
            format!("{}, {row}, column {path}", piece.file.shown)
        }
    }

    /// Of a row that cannot be read. It begins at `begin` of `bytes`.
    #[must_use]
    pub fn bad(self, piece: &Piece, row: u64, bytes: &[u8], begin: usize, bad: Bad) -> Error {
        if let Some(error) = broken(piece) {
            return error;
        }
        let what = match bad.what {
            Wrong::Control if piece.layout == Layout::Lines && bytes.get(bad.at) == Some(&b'\n') => Wrong::CutText,
            what => what,
        };
        let path = match what {
            Wrong::Unknown | Wrong::Twice => name_at(bytes, bad.at),
            Wrong::Torn | Wrong::LineEnd => String::new(),
            _ => key_at(bytes, begin).unwrap_or_default(),
        };
        let place = self.place(piece, row, &path);
        self.wrong(what, bytes.get(bad.at..).unwrap_or_default()).at(place)
    }

    /// Of a byte of `bytes` that is no UTF-8. It lies in one of the rows from `begin` on, the first of which is `row`.
    #[must_use]
    pub fn not_utf8(self, piece: &Piece, row: u64, bytes: &[u8], begin: usize, at: usize) -> Error {
        let (rows, key) = key_around(bytes, begin, at);
        broken(piece).unwrap_or_else(|| not_utf8().at(self.place(piece, row + rows, &key)))
    }

    fn wrong(self, what: Wrong, there: &[u8]) -> Error {
        match what {
            Wrong::Unknown if self.ours => Error::failed("a key that was not written").next(OURS),
            Wrong::Unknown => {
                let error = Error::failed("a key that stands in none of the rows that were looked at");
                if self.sampled {
                    error.next_set(Part::Home, "infer: all")
                } else {
                    error.next("run again: the file has changed since it was looked at")
                }
            }
            Wrong::Twice => Error::failed("an object has this key twice, and nobody knows which value is meant")
                .next("mend the row: an object may have each key once"),
            Wrong::LineEnd => as_json(Error::failed("a row goes on over the end of its line")),
            Wrong::CutText => Error::failed("a line ends within a text")
                .next("mend the row: it was cut short, or a line end in its text is not written as \\n"),
            Wrong::Array => as_json(Error::failed("an array where rows should stand one on a line")),
            Wrong::NoObject => {
                Error::failed("a row that is no object").next("let every row be an object: {\"column\": value}")
            }
            Wrong::Control => Error::failed("a control character inside a text, which JSON writes as an escape")
                .next("mend the row: write \\n, \\t or \\u001f in its place"),
            Wrong::Escape => Error::failed("an escape that JSON does not know")
                .next("mend the row: a \\ before another \\ stands for itself"),
            Wrong::Surrogate => Error::failed("a \\u escape of half a character (a lone surrogate), which is no text")
                .next("mend the program that wrote the file: characters were cut in two"),
            Wrong::Utf8 => not_utf8(),
            Wrong::Deep => Error::failed(format!("a value is nested more than {DEEPEST} deep"))
                .next("let the program that writes the file nest less deep"),
            Wrong::SameLine => as_json(Error::failed("two rows on one line")),
            Wrong::Comma => Error::failed("a comma behind a row that no other one of an array follows")
                .next("take the comma out, or let the rows stand in an array: [{\"column\": value}, …]"),
            Wrong::Behind => Error::failed("something follows the end of the array")
                .next("mend the file: it may hold one array, or one object per line"),
            Wrong::Torn => Error::failed("the file ends within a row: it was cut short, or is still being written")
                .next("run again when the file is whole"),
            Wrong::Grammar => {
                let special = ["NaN", "Infinity", "-Infinity"].into_iter().find(|s| there.starts_with(s.as_bytes()));
                match special {
                    Some(special) => Error::failed(format!("{special} without quotes, which JSON does not know"))
                        .next(format!("let the program that writes the file write null, or \"{special}\"")),
                    None if there.starts_with("\u{feff}".as_bytes()) => {
                        Error::failed("a mark of UTF-8 (BOM) within the file, as files have that were joined")
                            .next("take the mark out: it may only stand at a file's beginning")
                    }
                    None if there.first() == Some(&0) => Error::failed("a byte of zero, which no JSON has")
                        .next("fetch the file anew if it was cut short; turn it into UTF-8 if it is UTF-16"),
                    None => Error::failed("something that is no JSON").next("mend the row"),
                }
            }
        }
    }

    /// Of a value that is not what its column holds. `row` is that of the piece, counted from 1, and `strict` says
    /// whether the column's type was told from values. `text` is the value of the column; it is looked at, never shown.
    #[must_use]
    pub fn misfit(self, piece: &Piece, row: u64, column: &str, strict: bool, misfit: &Misfit) -> Error {
        if let Some(error) = broken(piece) {
            return error;
        }
        let mut path = column.to_owned();
        for step in &misfit.path {
            if !step.starts_with(['[', '{']) {
                path.push('.');
            }
            path.push_str(step);
        }
        let error = match &misfit.what {
            Unfit::Utf8 => return not_utf8().at(self.place(piece, row, &path)),
            Unfit::Object { what, key } => {
                if matches!(what, Wrong::Unknown | Wrong::Twice) {
                    path = format!("{path}.{key}");
                }
                return self.wrong(*what, &[]).at(self.place(piece, row, &path));
            }
            Unfit::Value { found, expected } => {
                let wanted = match expected {
                    DataType::Struct(_) | DataType::Map(..) => "an object".to_owned(),
                    DataType::List(_) | DataType::LargeList(_) => "a list".to_owned(),
                    DataType::Int64 => "a whole number".to_owned(),
                    DataType::FixedSizeList(_, size) => format!("a list of {size}"),
                    DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "a text".to_owned(),
                    DataType::Null => "nothing".to_owned(),
                    other => wanted(other),
                };
                let found = if *found == wanted { "another one" } else { found };
                Error::failed(format!("{found} where {wanted} was expected")).at(self.place(piece, row, &path))
            }
        };
        if self.ours {
            return error.next(OURS);
        }
        if !strict {
            return error.next("mend the row, or give the column another type in the home's columns:");
        }
        if !misfit.path.is_empty() && self.sampled {
            return error.next_set(Part::Home, "infer: all");
        }
        let kind = match &misfit.what {
            Unfit::Value { found: "a fraction" | "a zero below zero", expected: DataType::Int64 }
                if misfit.path.is_empty() =>
            {
                "double"
            }
            _ => "text",
        };
        error.next_set(Part::Home, format!("columns: {{{}: {kind}}}", yaml_key(column)))
    }
}

fn not_utf8() -> Error {
    Error::failed("bytes that are no UTF-8 where text was expected")
        .next("turn the file into UTF-8 first, as in  iconv -f LATIN1 -t UTF-8")
}

/// What is wrong in truth, where a packed file cannot be unpacked whole: then what was read of it means nothing.
fn broken(piece: &Piece) -> Option<Error> {
    if piece.codec == Codec::Plain {
        return None;
    }
    let copied = piece.open(&Arc::default()).map(|mut all| std::io::copy(&mut all, &mut std::io::sink()));
    match copied {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(piece.failed(error)),
        Err(error) => Some(error),
    }
}

/// Counts the rows between the file's first and the piece's first: lines that are not empty.
fn rows_before(piece: &Piece) -> Result<u64> {
    if piece.begin <= piece.data {
        return Ok(0);
    }
    let head = Piece { begin: piece.data, end: Some(piece.begin), ..piece.clone() };
    count_lines(&mut head.open(&Arc::default())?).map_err(|error| piece.failed(error))
}

/// How many lines hold anything but spaces.
///
/// # Errors
/// If the source fails.
pub fn count_lines(source: &mut dyn Read) -> std::io::Result<u64> {
    let mut buffer = vec![0; 256 << 10];
    let (mut lines, mut holds) = (0, false);
    loop {
        let n = match source.read(&mut buffer) {
            Ok(0) => return Ok(lines + u64::from(holds)),
            Ok(n) => n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let mut rest = &buffer[..n];
        while let Some(at) = memchr::memchr(b'\n', rest) {
            lines += u64::from(holds || !rest[..at].trim_ascii().is_empty());
            holds = false;
            rest = &rest[at + 1..];
        }
        holds = holds || !rest.trim_ascii().is_empty();
    }
}
