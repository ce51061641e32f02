//! Which type a column has, told from its cells.
//!
//! A column gets a type only if every cell that was seen is written as that type writes it, so that no text is lost:
//! leading zeros, a plus, spaces around, numbers of more digits than the type keeps, and mixed kinds stay text.

use arrow_schema::{DataType, TimeUnit};

use crate::files::csv::cell::{self, Float};
use crate::files::csv::column::{Block, Rules, unquoted};

/// The kinds of cells that were seen in one column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen(u16);

const INT: u16 = 1;
/// A whole number that a double does not keep.
const WIDE_INT: u16 = 2;
const DOUBLE: u16 = 4;
/// `NaN` and `inf`: numbers only among numbers.
const SPECIAL: u16 = 8;
const BOOL: u16 = 16;
const DATE: u16 = 32;
const LOCAL: u16 = 64;
const INSTANT: u16 = 128;
const TEXT: u16 = 256;

impl Seen {
    /// Looks at the cells of a column of a block.
    pub(super) fn take(&mut self, block: &Block<'_>, column: usize, rules: &Rules) {
        let mut scratch = Vec::new();
        for field in block.fields(column) {
            // Nothing more can be learned of a column of text.
            if self.0 & TEXT != 0 {
                return;
            }
            let text = unquoted(field, rules.quote, &mut scratch);
            if !rules.nulls.holds(text) {
                self.0 |= kind(text);
            }
        }
    }

    /// Whether every cell was NULL.
    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The type that keeps every cell.
    pub(super) fn data_type(self) -> DataType {
        match self.0 {
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

    /// Whether a column that was of `before` can go on being so: what was seen fits into it.
    pub(super) fn fits(self, before: &DataType) -> bool {
        match before {
            DataType::Utf8 => true,
            DataType::Float64 => self.0 & !(INT | DOUBLE | SPECIAL) == 0,
            other => self.is_empty() || self.data_type() == *other,
        }
    }
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
        _ if matches!(cell::float(text), Float::Special(_)) => SPECIAL,
        _ => TEXT,
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
    fn a_column_goes_on_being_what_it_was_where_the_new_cells_fit() {
        let ints = seen(&["1", "2"], &[]);
        assert!(ints.fits(&DataType::Int64) && ints.fits(&DataType::Float64) && ints.fits(&DataType::Utf8));
        assert!(!ints.fits(&DataType::Date32));
        assert!(seen(&["", ""], &[]).fits(&DataType::Date32));
        assert!(!seen(&["9007199254740993"], &[]).fits(&DataType::Float64));
        assert!(!seen(&["0.5"], &[]).fits(&DataType::Int64));
    }
}
