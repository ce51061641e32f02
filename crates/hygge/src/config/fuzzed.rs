//! What must hold of env files and of the short texts that people write as values.

use super::environment::Environment;
use super::{column_type, duration, size};
use crate::homes::xlsx::area::Area;

/// The bytes as an env file, as a value in one, and as sizes, spans of time, types and areas: what is written as the
/// documentation says is read as what it was, and what is read can be written so that it is read alike.
///
/// # Panics
/// If that does not hold.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = Environment::default().add_text(&text);
    is_read_back(&text);
    for line in text.lines() {
        if let Ok(found) = size(line) {
            assert_eq!(size(&found.to_string()).ok(), Some(found));
        }
        if let Ok(found) = duration(line) {
            assert_eq!(found.subsec_nanos() % 1_000_000, 0);
            if let Ok(millis) = u64::try_from(found.as_millis()) {
                assert_eq!(duration(&format!("{millis}ms")).ok(), Some(found));
            }
        }
        if let Ok(found) = Area::parse(line) {
            assert_eq!(Area::parse(&line.to_ascii_lowercase()).ok(), Some(found));
        }
        if let Ok(found) = column_type(line) {
            assert_eq!(column_type(&format!(" {line} ")).ok(), Some(found));
        }
    }
}

/// A value in each way of quoting it.
fn is_read_back(value: &str) {
    let mut escaped = String::new();
    for c in value.chars() {
        match c {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            '"' | '\\' | '$' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    let mut lines = vec![format!("export NAME = \"{escaped}\" # {escaped}")];
    if !value.contains(['\n', '\r']) {
        if !value.contains('\'') {
            lines.push(format!("NAME='{value}'"));
        }
        let bare = value.trim() == value && !value.starts_with(['\'', '"']);
        if bare && !value.contains(" #") && !value.contains("\t#") {
            lines.push(format!("NAME={value}"));
        }
    }
    for line in lines {
        let mut environment = Environment::default();
        let text = format!("\u{feff}# before\n\nA=1\r\n{line}\r\nB=2");
        assert_eq!(environment.add_text(&text), Ok(()), "{line:?}");
        assert_eq!(environment.get("NAME"), Some(value), "{line:?}");
        assert_eq!((environment.get("A"), environment.get("B")), (Some("1"), Some("2")), "{line:?}");
    }
}

#[cfg(test)]
#[test]
fn the_fuzzing_corpus_of_words_holds() {
    crate::fuzzed::replay("words", 15, check);
}
