//! The table in a sheet: its header, and the rows below.

use std::collections::BTreeMap;

use hygge_core::budget::Share;
use hygge_core::context::Cancellation;
use hygge_core::{Error, Part, Result};

use super::area::Area;
use super::book::{Book, admit_row, place};
use super::cell::{Cell, Seen};
use super::{HeaderAt, XlsxHomeConfig};
use crate::files::listing::PinnedFile;

/// What was found in a sheet.
pub(super) struct Table {
    /// Names of columns, what was seen in them, and where they are in the sheet; from left to right.
    pub(super) columns: Vec<(String, Seen, u32)>,
    /// Rows below the header.
    pub(super) rows: u64,
    /// Whether cells of its rows are merged: the value stands in the first.
    pub(super) merged: bool,
    /// Columns that have cells and no name in the header.
    pub(super) unnamed: Vec<String>,
}

/// Takes a row: its number, its cells by their columns, and whether it is the header.
pub(super) type SeeRow<'a> = &'a mut dyn FnMut(u32, &[(u32, Option<Cell>)], bool) -> Result<()>;

/// Hands rows of cells to `see`, with the number of the row: those below the header, by their columns. Empty rows between
/// others are rows.
pub(super) struct Walk<'a> {
    pub(super) config: &'a XlsxHomeConfig,
    pub(super) area: Area,
}

impl Walk<'_> {
    /// Looks at all cells of the table.
    pub(super) fn table(&self, pin: &PinnedFile, share: &Share, cancel: &Cancellation) -> Result<Table> {
        let mut book = Book::open(pin, self.config.sheet.as_deref(), share, cancel)?;
        let mut header: BTreeMap<u32, String> = BTreeMap::new();
        let mut seen: BTreeMap<u32, Seen> = BTreeMap::new();
        let (mut header_row, mut begins, mut last) = (None, None, None);
        self.rows(&mut book, pin, true, (share, cancel), &mut |row, cells, is_header| {
            if is_header {
                header_row = Some(row);
                header = cells.iter().filter_map(|(at, cell)| Some((*at, cell.as_ref()?.text()))).collect();
                return Ok(());
            }
            begins = begins.or(Some(row));
            last = Some(row);
            for (at, cell) in cells {
                let seen = seen.entry(*at).or_default();
                if let Some(cell) = cell {
                    seen.see(cell);
                }
            }
            Ok(())
        })?;
        let first = header_row.map(|row| row + 1).or(begins);
        let rows = match (first, last) {
            (Some(first), Some(last)) => u64::from(last + 1 - first),
            _ => 0,
        };
        let merged = book.merged()?;
        let merged = merged.iter().any(|area| first.is_some_and(|first| area.end.0 >= first));
        let mut places: Vec<u32> = header.keys().chain(seen.keys()).copied().collect();
        places.sort_unstable();
        places.dedup();
        let mut unnamed = Vec::new();
        let mut columns = Vec::with_capacity(places.len());
        for (n, at) in places.into_iter().enumerate() {
            let written = header.get(&at).map(|name| name.trim()).filter(|name| !name.is_empty());
            let name = written.map_or_else(|| format!("column_{}", n + 1), str::to_owned);
            if written.is_none() && !matches!(self.config.header, HeaderAt::None) {
                unnamed.push(name.clone());
            }
            columns.push((name, seen.get(&at).copied().unwrap_or_default(), at));
        }
        if columns.is_empty() {
            return Err(Error::refused("there is no cell with a value to read")
                .at(format!("{}, {}", pin.shown, book.sheet))
                .next("mend `sheet:` or `range:`, or take the file away"));
        }
        Ok(Table { columns, rows, merged, unnamed })
    }

    /// Hands every row that has a cell with a value to `see`, with its number from 0; NULLs are `None`. The first or the
    /// chosen row is the header, where there is one. `first`: whether they are looked at for the first time.
    pub(super) fn rows(
        &self,
        book: &mut Book,
        pin: &PinnedFile,
        first: bool,
        (share, cancel): (&Share, &Cancellation),
        see: SeeRow<'_>,
    ) -> Result<()> {
        let sheet = book.sheet.clone();
        let nulls = &self.config.nulls;
        let mut headed = matches!(self.config.header, HeaderAt::None);
        let mut held: (u32, Vec<(u32, Option<Cell>)>) = (0, Vec::new());
        let mut end = |row: u32, cells: &mut Vec<(u32, Option<Cell>)>| -> Result<()> {
            if cells.iter().all(|(_, cell)| cell.as_ref().is_some_and(Cell::shows_nothing)) {
                cells.clear();
                return Ok(());
            }
            cancel.check()?;
            let is_header = match self.config.header {
                _ if headed => false,
                HeaderAt::Row(at) if row + 1 < at => {
                    cells.clear();
                    return Ok(());
                }
                HeaderAt::Row(at) if row + 1 > at => {
                    return Err(Error::refused(format!("row {at} is to be the header and is empty"))
                        .at(format!("{}, {sheet}", pin.shown))
                        .next_set(Part::Home, format!("header: {}", row + 1)));
                }
                _ => true,
            };
            headed = true;
            see(row, cells, is_header)?;
            cells.clear();
            Ok(())
        };
        let mut bytes = 0;
        book.cells(&self.area, first, &mut |row, column, cell| {
            if row != held.0 {
                bytes = 0;
                let at = held.0;
                end(at, &mut held.1)?;
                held.0 = row;
            }
            let null = !nulls.is_empty() && nulls.contains(&cell.text());
            if let (Cell::Error(name), false) = (&cell, null) {
                let mut line = nulls.clone();
                line.push((*name).to_owned());
                let line = line.iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(", ");
                return Err(Error::failed(format!("the formula of the cell gave an error, {name}"))
                    .at(place(&pin.shown, &sheet, row, column))
                    .next_set(Part::Home, format!("nulls: [{line}]")));
            }
            if let Cell::Text(text) = &cell {
                bytes += text.len();
                admit_row(bytes, share, cancel, || format!("{}, {sheet}, row {}", pin.shown, row + 1))?;
            }
            held.1.push((column, (!null).then_some(cell)));
            Ok(true)
        })?;
        let at = held.0;
        end(at, &mut held.1)
    }
}
