//! Folders that are called `name=value`, as Hive began: what stands in the name of a folder is a column of all files below.
//!
//! Names and values are percent-encoded where a character means something in a path, and NULL has a word of its own.

#[cfg(any(test, fuzzing))]
pub mod fuzzed;
mod stream;
pub mod texts;
mod value;

use hygge_core::{Error, Result};

pub use self::stream::{KeyColumns, KeyedStream};
pub use self::value::{constant, is_partition_type, told_type};

/// The value that stands for NULL.
pub const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// Columns that a folder's path tells: names with values, outermost first; NULL is none.
pub type Keys = Vec<(String, Option<String>)>;

/// Whether a folder's name is of the form `name=value`; the name may begin with an underscore.
#[must_use]
pub fn is_key(name: &str) -> bool {
    !name.starts_with('.') && name.find('=').is_some_and(|at| at > 0)
}

/// Hidden names, and those that tools set aside with an underscore, hygge's own among them.
#[must_use]
pub fn is_hidden(name: &str) -> bool {
    name.starts_with(['.', '_'])
}

/// What a folder's name says; none where it is not of the form `name=value`.
///
/// # Errors
/// Refused, if what is percent-encoded is no text.
pub fn key(name: &str) -> Result<Option<(String, Option<String>)>> {
    if !is_key(name) {
        return Ok(None);
    }
    let Some((key, value)) = name.split_once('=') else { return Ok(None) };
    let decoded = |text: &str| decode(text).ok_or_else(|| no_text(name));
    let value = if value == NULL { None } else { Some(decoded(value)?) };
    Ok(Some((decoded(key)?, value)))
}

/// What is said of a folder whose name, maybe once decoded, is no text.
pub(super) fn no_text(name: &str) -> Error {
    Error::refused("what the folder's name says is no UTF-8").at(name).next("rename the folder")
}

/// The text that a percent-encoded one means; a `%` without two digits behind it is itself. None if it is no UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        match (first, tail) {
            (b'%', [high, low, tail @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let _ = super::cell::hex(&[*high, *low], &mut out);
                rest = tail;
            }
            _ => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(out).ok()
}

/// Adds a text as readers decode it: what may mean something in a path, and all that is not ASCII, percent-encoded.
fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            percent(byte, out);
        }
    }
}

/// Adds a byte, percent-encoded.
fn percent(byte: u8, out: &mut String) {
    out.push('%');
    for digit in [byte >> 4, byte & 15] {
        out.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
    }
}

/// Whether a column's name can be that of folders as it stands: not all readers decode it.
#[must_use]
pub fn is_plain(name: &str) -> bool {
    let mut out = String::new();
    encode(name, &mut out);
    !name.is_empty() && !is_hidden(name) && out == name
}

/// What the folders of a file tell that lies at `path` in a place, outermost first.
///
/// # Errors
/// Refused, if one is percent-encoded and no text.
pub fn keys_of(path: &str) -> Result<Keys> {
    let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
    folders.split('/').filter_map(|name| key(name).transpose()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str) -> Option<(String, Option<String>)> {
        key(name).expect("text")
    }

    #[test]
    fn a_folder_tells_a_column_and_its_value() {
        let pair = |key: &str, value: Option<&str>| Some((key.to_owned(), value.map(str::to_owned)));
        assert_eq!(told("year=2024"), pair("year", Some("2024")));
        assert_eq!(told("a=b=c"), pair("a", Some("b=c")));
        assert_eq!(told("city=S%C3%A3o%20Paulo%2FSP"), pair("city", Some("São Paulo/SP")));
        assert_eq!(told("the%3Dkey=100%"), pair("the=key", Some("100%")));
        assert_eq!(told("x=%zz%4"), pair("x", Some("%zz%4")));
        assert_eq!(told("x=__HIVE_DEFAULT_PARTITION__"), pair("x", None));
        assert_eq!(told("_x=1"), pair("_x", Some("1")));
        assert_eq!(told("x="), pair("x", Some("")));
        for plain in ["year", "=2024", "_x", ".x=1"] {
            assert_eq!(told(plain), None, "{plain}");
        }
        assert!(key("x=%FF").is_err(), "no UTF-8");
    }
}
