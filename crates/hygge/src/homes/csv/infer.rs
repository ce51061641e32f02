//! Which type a column has, told from its cells.
//!
//! A column gets a type only if every cell that was seen is written as that type writes it, so that no text is lost:
//! leading zeros, a plus, spaces around, numbers of more digits than the type keeps, and mixed kinds stay text. Words that
//! often stand for "no value" are told apart from other texts, so that a person can be told which of them made a column text.

use arrow_schema::{DataType, TimeUnit};

use crate::files::cell::{self, Float};
use crate::files::csv::column::{Block, Rules, unquoted};
use crate::files::csv::complaint::MARKERS;

/// The kinds of cells that were seen in one column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen {
    kinds: u16,
    /// Bit n: the nth of [`MARKERS`].
    markers: u32,
}

const INT: u16 = 1;
/// A whole number that a double does not keep.
const WIDE_INT: u16 = 2;
const DOUBLE: u16 = 4;
/// `inf`: a number only among numbers.
const SPECIAL: u16 = 8;
const BOOL: u16 = 16;
const DATE: u16 = 32;
const LOCAL: u16 = 64;
const INSTANT: u16 = 128;
const TEXT: u16 = 256;
/// `NaN`: a number among numbers, a marker elsewhere.
const NAN: u16 = 512;

impl Seen {
    /// Looks at the cells of a column of a block.
    pub(super) fn take(&mut self, block: &Block<'_>, column: usize, rules: &Rules) {
        let mut scratch = Vec::new();
        for field in block.fields(column) {
            // Nothing more can be learned of a column of text.
            if self.kinds & TEXT != 0 {
                return;
            }
            let text = unquoted(field, rules.quote, &mut scratch);
            if rules.nulls.holds(text) {
                continue;
            }
            match kind(text) {
                TEXT => match marker(text) {
                    Some(bit) => self.markers |= bit,
                    None => self.kinds |= TEXT,
                },
                NAN => {
                    self.kinds |= NAN;
                    self.markers |= marker(text).unwrap_or(0);
                }
                kind => self.kinds |= kind,
            }
        }
    }

    /// Whether every cell was NULL.
    pub(super) fn is_empty(self) -> bool {
        self.kinds == 0 && self.markers == 0
    }

    /// Whether all texts that were seen are markers, and there are some.
    pub(super) fn has_markers(self) -> bool {
        self.markers != 0 && self.kinds & TEXT == 0
    }

    /// Which markers were seen so far.
    pub(super) fn markers(self) -> u32 {
        self.markers
    }

    /// The markers that are no numbers.
    fn words(self) -> u32 {
        self.markers & !(marker(b"NaN").unwrap_or(0) | marker(b"nan").unwrap_or(0))
    }

    /// The type that keeps every cell.
    pub(super) fn data_type(self) -> DataType {
        if self.words() == 0 { type_of(self.kinds) } else { DataType::Utf8 }
    }

    /// The markers that alone make the column text, and the type that it would have without them.
    pub(super) fn marked(self) -> Option<(u32, DataType)> {
        if self.data_type() != DataType::Utf8 {
            return None;
        }
        let without = [(self.words(), type_of(self.kinds)), (self.markers, type_of(self.kinds & !NAN))];
        without.into_iter().find(|(_, data_type)| *data_type != DataType::Utf8)
    }

    /// Whether a column that was of `before` can go on being so: what was seen fits into it, but for markers, of which
    /// the reading will tell the row.
    pub(super) fn fits(self, before: &DataType) -> bool {
        match before {
            DataType::Utf8 => true,
            DataType::Float64 => self.kinds & !(INT | DOUBLE | SPECIAL | NAN) == 0,
            other => {
                let kinds = self.kinds & !NAN;
                kinds == 0 || type_of(self.kinds) == *other || type_of(kinds) == *other
            }
        }
    }
}

fn type_of(kinds: u16) -> DataType {
    // Among numbers the two are one.
    let kinds = if kinds & NAN == 0 { kinds } else { kinds & !NAN | SPECIAL };
    match kinds {
        INT | WIDE_INT => DataType::Int64,
        BOOL => DataType::Boolean,
        DATE => DataType::Date32,
        LOCAL => DataType::Timestamp(TimeUnit::Microsecond, None),
        INSTANT => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        bits if bits == INT | WIDE_INT => DataType::Int64,
        bits if bits & (INT | DOUBLE) != 0 && bits & !(INT | DOUBLE | SPECIAL) == 0 => DataType::Float64,
        _ => DataType::Utf8,
    }
}

/// Which marker a text is.
fn marker(text: &[u8]) -> Option<u32> {
    MARKERS.iter().position(|word| word.as_bytes() == text).map(|at| 1 << at)
}

fn kind(text: &[u8]) -> u16 {
    match text {
        [b'0'..=b'9' | b'-' | b'.', ..] => {
            if let Some(n) = cell::int(text) {
                let kept = n.unsigned_abs() <= 1 << 53 || cell::double(text).is_some();
                return if kept { INT } else { WIDE_INT };
            }
            if cell::date(text).is_some() {
                return DATE;
            }
            if let Some(moment) = cell::moment(text) {
                return match (moment.in_units(1_000_000), moment.zoned) {
                    (Some(_), true) => INSTANT,
                    (Some(_), false) => LOCAL,
                    (None, _) => TEXT,
                };
            }
            // A whole number of more than 64 bits is a code more often than a measure.
            let whole = text.len() > 2 && text[1..].iter().all(u8::is_ascii_digit) && text[0] != b'.';
            match cell::float(text) {
                Float::Exact(_) if !whole => DOUBLE,
                Float::Special(_) => SPECIAL,
                Float::Exact(_) | Float::Rounded(_) | Float::None => TEXT,
            }
        }
        _ if cell::boolean(text).is_some() => BOOL,
        _ => match cell::float(text) {
            Float::Special(value) if value.is_nan() => NAN,
            Float::Special(_) => SPECIAL,
            _ => TEXT,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::files::csv::column::Nulls;
    use crate::files::csv::index::{Dialect, Indexer};

    fn seen(cells: &[&str], nulls: &[&str]) -> Seen {
        let text = format!("\n{}\n", cells.join("\n"));
        let mut offsets = Vec::new();
        let mut indexer = Indexer::new(Dialect::default(), 1);
        let found = indexer.index(text.as_bytes(), 1, true, usize::MAX, &mut offsets);
        assert_eq!(found.rows, cells.len());
        let block = Block { bytes: text.as_bytes(), offsets: &offsets, stride: 2 };
        let mut seen = Seen::default();
        seen.take(&block, 0, &Rules { quote: Some(b'"'), nulls: Arc::new(Nulls::new(nulls)) });
        seen
    }

    fn type_of(cells: &[&str]) -> DataType {
        seen(cells, &["NA"]).data_type()
    }

    #[test]
    fn a_column_gets_the_type_that_keeps_every_cell() {
        let local = DataType::Timestamp(TimeUnit::Microsecond, None);
        let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        for (cells, wanted) in [
            (vec!["1", "-2", ""], DataType::Int64),
            (vec!["1", "NA", "2"], DataType::Int64),
            (vec!["\"1\"", "\"\"", "\"NA\""], DataType::Int64),
            (vec!["0", "0", "0.25"], DataType::Float64),
            (vec!["9223372036854775807"], DataType::Int64),
            (vec!["9223372036854775808"], DataType::Utf8),
            (vec!["9007199254740993", "0.5"], DataType::Utf8),
            (vec!["9007199254740992", "0.5"], DataType::Float64),
            (vec!["007", "8"], DataType::Utf8),
            (vec!["+5"], DataType::Utf8),
            (vec![" 5"], DataType::Utf8),
            (vec!["0x10"], DataType::Utf8),
            (vec!["1e5", "2"], DataType::Float64),
            (vec!["1e400"], DataType::Utf8),
            (vec!["1", "NaN", "inf"], DataType::Float64),
            (vec!["NaN"], DataType::Utf8),
            (vec!["-0"], DataType::Float64),
            (vec!["3.14159265358979323846"], DataType::Utf8),
            (vec!["true", "FALSE"], DataType::Boolean),
            (vec!["true", "1"], DataType::Utf8),
            (vec!["t", "f"], DataType::Utf8),
            (vec!["2013-01-01"], DataType::Date32),
            (vec!["2013-02-30"], DataType::Utf8),
            (vec!["2013-01-01", "2013-01-01 05:00:00"], DataType::Utf8),
            (vec!["2013-01-01 05:00:00", "2013-01-01T05:00"], local),
            (vec!["2013-01-01T05:00:00Z", "2013-01-01T05:00:00.5+02:00"], instant),
            (vec!["2013-01-01T05:00:00Z", "2013-01-01T05:00:00"], DataType::Utf8),
            (vec!["2013-01-01T05:00:00.123456789"], DataType::Utf8),
            (vec!["369", "04G"], DataType::Utf8),
            (vec!["", "NA"], DataType::Utf8),
        ] {
            assert_eq!(type_of(&cells), wanted, "{cells:?}");
        }
    }

    #[test]
    fn markers_are_told_where_they_alone_make_a_column_text() {
        let marked = |cells: &[&str]| {
            let (markers, data_type) = seen(cells, &["-"]).marked()?;
            let words = MARKERS.iter().enumerate().filter(|(bit, _)| markers >> bit & 1 != 0).map(|(_, word)| *word);
            Some((words.collect::<Vec<_>>().join(" "), data_type))
        };
        let told = |words: &str, data_type| Some((words.to_owned(), data_type));
        assert_eq!(marked(&["1", "NA", "2", "-"]), told("NA", DataType::Int64));
        assert_eq!(marked(&["NULL", "0.5", "?", "1"]), told("NULL ?", DataType::Float64));
        assert_eq!(marked(&["2013-01-01", "\\N"]), told("\\N", DataType::Date32));
        assert_eq!(marked(&["None", "true"]), told("None", DataType::Boolean));
        assert_eq!(marked(&["1", "NaN", "NA"]), told("NA", DataType::Float64));
        assert_eq!(marked(&["2013-01-01", "NaN"]), told("NaN", DataType::Date32));
        for cells in [&["1", "NaN"][..], &["1", "-"], &["NA"], &["1", "x", "NA"], &["369", "04G", "NA"], &["007", "NA"]]
        {
            assert_eq!(marked(cells), None, "{cells:?}");
        }
    }

    #[test]
    fn a_column_goes_on_being_what_it_was_where_the_new_cells_fit() {
        let ints = seen(&["1", "2"], &[]);
        assert!(ints.fits(&DataType::Int64) && ints.fits(&DataType::Float64) && ints.fits(&DataType::Utf8));
        assert!(!ints.fits(&DataType::Date32));
        assert!(seen(&["", ""], &[]).fits(&DataType::Date32));
        assert!(!seen(&["9007199254740993"], &[]).fits(&DataType::Float64));
        assert!(!seen(&["0.5"], &[]).fits(&DataType::Int64));
        for cells in [&["5", "NA"][..], &["NA"], &["NaN"], &["5", "NaN"]] {
            assert!(seen(cells, &[]).fits(&DataType::Int64), "the reading names the row of the marker in {cells:?}");
        }
        assert!(seen(&["NaN"], &[]).fits(&DataType::Date32), "no date, but a marker of none");
    }
}
