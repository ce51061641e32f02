//! The beginning of a file: a mark of UTF-8, the header, and how wide its records are.

use std::io::Read;

use hygge_core::{Error, Result};

use super::column::unquoted;
use super::index::{Dialect, Fault, Indexer, Stop};

/// How much of a file is looked at for its first record before it is called too long.
const LONGEST: usize = 4 << 20;

/// What a file begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The names in the header, or `column_1` and so on where there is none.
    pub names: Vec<String>,
    /// Where the first record of data begins.
    pub data: u64,
}

/// Why a file's beginning cannot be read.
#[derive(Debug)]
pub enum HeadTrouble {
    /// The source failed.
    Io(std::io::Error),
    /// What it yields is no CSV of that kind.
    Refused(Error),
}

/// Reads the first record of `source`.
///
/// # Errors
/// If the source fails, is empty, is not in UTF-8, or begins with something that is no record.
pub fn read_head(source: &mut dyn Read, dialect: Dialect, header: bool) -> Result<Head, HeadTrouble> {
    let refused = |error: Error| HeadTrouble::Refused(error.as_refusal());
    // One byte goes before the first field.
    let mut bytes = vec![0];
    let mut step = 16 << 10;
    loop {
        let more = Read::take(&mut *source, step).read_to_end(&mut bytes).map_err(HeadTrouble::Io)?;
        let ended = (more as u64) < step;
        step *= 4;
        if bytes[1..].starts_with(b"\xff\xfe") || bytes[1..].starts_with(b"\xfe\xff") {
            let error = Error::refused("the file is in UTF-16, and only UTF-8 is read");
            return Err(refused(error.next("turn it into UTF-8 first, as in  iconv -f UTF-16 -t UTF-8")));
        }
        let begin = if bytes[1..].starts_with(b"\xef\xbb\xbf") { 4 } else { 1 };
        let mut offsets = Vec::new();
        let found = Indexer::of_any_width(dialect).index(&bytes, begin, ended, 1, &mut offsets);
        match found.stop {
            _ if found.rows == 1 => return head(&bytes, &offsets, dialect, header, begin, found.end).map_err(refused),
            Stop::Fault(fault) => return Err(refused(fault_of(fault, dialect))),
            _ if ended => {
                let error = Error::refused("the file is empty: there is not even a header in it");
                return Err(refused(
                    error.next("take it out of the folder or the pattern, or write its header into it"),
                ));
            }
            _ if bytes.len() > LONGEST => {
                let error = Error::refused(format!("no line ends within the first {} MiB of the file", LONGEST >> 20));
                return Err(refused(error.next("check that it is CSV, and give its quote: in the home's options")));
            }
            _ => {}
        }
    }
}

fn head(bytes: &[u8], offsets: &[u32], dialect: Dialect, header: bool, begin: usize, end: usize) -> Result<Head> {
    let fields = || offsets.windows(2).map(|pair| &bytes[pair[0] as usize + 1..pair[1] as usize]);
    if header && bytes[begin..end].contains(&0) {
        return Err(Error::refused("the file holds zero bytes where text was expected")
            .next("check that it is CSV and not packed: packed files end in .gz, .zst, .bz2, .xz or .lz4"));
    }
    if fields().any(|field| field.contains(&b'\r')) && !bytes[begin..].contains(&b'\n') {
        return Err(Error::refused("the file's lines end in a lone carriage return, and only LF and CRLF are read")
            .next("turn its line ends first, as in  tr '\\r' '\\n'"));
    }
    if !header {
        let names = (1..=fields().count()).map(|n| format!("column_{n}")).collect();
        return Ok(Head { names, data: begin as u64 - 1 });
    }
    let mut scratch = Vec::new();
    let mut names = Vec::new();
    for field in fields() {
        let name = std::str::from_utf8(unquoted(field, dialect.quote, &mut scratch)).map_err(|_| {
            Error::refused("the header holds bytes that are no UTF-8")
                .next("turn the file into UTF-8 first, as in  iconv -f LATIN1 -t UTF-8")
        })?;
        names.push(name.to_owned());
    }
    check_names(&names)?;
    Ok(Head { names, data: end as u64 - 1 })
}

fn check_names(names: &[String]) -> Result<()> {
    const ADVICE: &str = "name every column once in the header, or write  header: false  if the file has none";
    if let Some(at) = names.iter().position(String::is_empty) {
        return Err(Error::refused(format!("column {} has no name in the header", at + 1)).next(ADVICE));
    }
    let mut seen = std::collections::HashMap::new();
    for (at, name) in names.iter().enumerate() {
        if let Some(first) = seen.insert(name.as_str(), at) {
            let found = format!("columns {} and {} are both called {name} in the header", first + 1, at + 1);
            return Err(Error::refused(found).next(ADVICE));
        }
    }
    Ok(())
}

fn fault_of(fault: Fault, dialect: Dialect) -> Error {
    let quote = char::from(dialect.quote.unwrap_or(b'"'));
    let found = match fault {
        Fault::AfterQuote { column } => {
            format!("something follows the closing {quote} of column {} in the first row", column + 1)
        }
        Fault::Unclosed { column } => {
            format!("column {} of the first row opens a {quote} that nothing closes", column + 1)
        }
        Fault::Ragged { found } => format!("the first row has {found} fields"),
    };
    Error::refused(found).next(format!("mend the row, or write  quote: none  where {quote} quotes nothing"))
}
