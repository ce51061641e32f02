//! Parts of a sheet, as people write them: `A1:F100`.

use hygge_core::{Error, Result};

/// Rows and columns that are read, counted from 0; all where nothing else is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    first: (u32, u32),
    last: (u32, u32),
}

impl Default for Area {
    fn default() -> Self {
        Self { first: (0, 0), last: (u32::MAX, u32::MAX) }
    }
}

impl Area {
    /// What `A1:F100` means; `A:F` takes all rows, `2:100` all columns.
    ///
    /// # Errors
    /// If it is no such text.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || Error::refused(format!("{text} is no part of a sheet")).next("write it as A1:F100, or A:F");
        let (first, last) = text.split_once(':').ok_or_else(wrong)?;
        let (first, last) = (corner(first).ok_or_else(wrong)?, corner(last).ok_or_else(wrong)?);
        let area = Self {
            first: (first.0.unwrap_or(0), first.1.unwrap_or(0)),
            last: (last.0.unwrap_or(u32::MAX), last.1.unwrap_or(u32::MAX)),
        };
        let alike = first.0.is_some() == last.0.is_some() && first.1.is_some() == last.1.is_some();
        if alike && area.first.0 <= area.last.0 && area.first.1 <= area.last.1 { Ok(area) } else { Err(wrong()) }
    }

    /// Whether a cell lies inside.
    pub(super) fn holds(&self, row: u32, column: u32) -> bool {
        (self.first.0..=self.last.0).contains(&row) && (self.first.1..=self.last.1).contains(&column)
    }
}

/// Row and column of `B7`; either may be missing, not both.
fn corner(text: &str) -> Option<(Option<u32>, Option<u32>)> {
    let text = text.trim().replace('$', "");
    let split = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
    let (letters, digits) = text.split_at(split);
    if letters.len() > 3 || !letters.chars().all(|c| c.is_ascii_alphabetic()) {
        return None;
    }
    let column = letters.bytes().fold(0, |n, byte| n * 26 + u32::from(byte.to_ascii_uppercase() - b'A') + 1);
    let row = if digits.is_empty() { None } else { Some(digits.parse::<u32>().ok()?.checked_sub(1)?) };
    let column = column.checked_sub(1);
    (row.is_some() || column.is_some()).then_some((row, column))
}

/// How a cell is called: `C17`.
pub(super) fn name_of(row: u32, column: u32) -> String {
    let mut letters = Vec::new();
    let mut rest = u64::from(column) + 1;
    while rest > 0 {
        let digit = u8::try_from((rest - 1) % 26).unwrap_or_default();
        letters.push(char::from(b'A' + digit));
        rest = (rest - 1) / 26;
    }
    format!("{}{}", letters.into_iter().rev().collect::<String>(), u64::from(row) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_sheets_are_what_spreadsheets_call_them() {
        let area = Area::parse("B2:$AA$3").expect("parses");
        assert!(area.holds(1, 1) && area.holds(2, 26));
        assert!(!area.holds(0, 1) && !area.holds(3, 1) && !area.holds(1, 0) && !area.holds(1, 27));
        assert!(Area::parse("a:c").expect("parses").holds(1_000_000, 2));
        assert!(Area::parse("2:3").expect("parses").holds(1, 16_000));
        for wrong in ["A1", "B2:A1", "A1:B", "A:3", "1A:2B", "", ":", "A0:B1", "ABCD1:ABCE2"] {
            assert!(Area::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!([name_of(0, 0), name_of(16, 2), name_of(9, 26), name_of(0, 701)], ["A1", "C17", "AA10", "ZZ1"]);
    }
}
