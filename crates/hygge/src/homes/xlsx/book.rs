//! A workbook, opened within the memory of its reader, and its cells one behind the other.

use std::io::{BufReader, Read as _, Seek as _};

use calamine::{DataRef, Reader as _, SheetType, Xlsx, XlsxError};
use hygge_core::budget::Share;
use hygge_core::context::Cancellation;
use hygge_core::{Error, Part, Result};

use super::area::{Area, name_of};
use super::cell::Cell;
use crate::files::listing::PinnedFile;
use crate::files::positioned::{From, guarded};

/// How much of memory a byte of the shared texts' XML takes, at most, once it is read: in halves.
const HALVES: u64 = 5;

/// Texts of a row from here on ask for memory before they are held.
const LARGE_ROW: usize = 64 << 10;

/// The rows and columns of a sheet: a cell outside would have empty rows before it that nobody wrote.
const SHEET: (u32, u32) = (1 << 20, 1 << 14);

/// How files of Excel's older format, and encrypted ones, begin.
const COMPOUND: &[u8] = &[0xd0, 0xcf, 0x11, 0xe0];

/// A workbook of which one sheet is read.
pub(super) struct Book {
    xlsx: Xlsx<BufReader<From>>,
    /// The sheet that is read.
    pub(super) sheet: String,
    shown: String,
}

impl Book {
    /// Opens a workbook, once it is known to fit the memory, and finds the sheet.
    pub(super) fn open(pin: &PinnedFile, sheet: Option<&str>, share: &Share, cancel: &Cancellation) -> Result<Self> {
        let shown = &pin.shown;
        let bytes = size(pin)?;
        let bytes = usize::try_from(bytes.saturating_mul(HALVES) / 2).unwrap_or(usize::MAX);
        share.admit_whole("the table of a workbook's texts", bytes, cancel, || shown.clone())?;
        let file = BufReader::new(From::new(pin.open()?, 0));
        let xlsx = guarded(shown, || Xlsx::new(file).map_err(|e| unreadable(shown, e)))?;
        let mut book = Self { xlsx, sheet: String::new(), shown: shown.clone() };
        book.sheet = book.choose(sheet)?;
        Ok(book)
    }

    /// The sheet by its name or its number, or the only one with data.
    fn choose(&mut self, sheet: Option<&str>) -> Result<String> {
        let sheets = self.xlsx.sheets_metadata().iter();
        let names: Vec<String> =
            sheets.filter(|sheet| sheet.typ == SheetType::WorkSheet).map(|sheet| sheet.name.clone()).collect();
        let listed = || names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
        let nth = |text: &str| text.parse::<usize>().ok().and_then(|n| names.get(n.checked_sub(1)?));
        if let Some(asked) = sheet {
            let found = names.iter().find(|name| *name == asked).or_else(|| nth(asked));
            return found.cloned().ok_or_else(|| {
                Error::refused(format!("there is no sheet {asked}, only {}", listed()))
                    .at(&self.shown)
                    .next_set(Part::Home, format!("sheet: {}", names.first().map_or("1", |name| name)))
            });
        }
        let mut with_data = Vec::new();
        for name in &names {
            let mut any = false;
            self.cells_of(name, &Area::default(), false, &mut |_, _, cell| {
                any = !cell.shows_nothing();
                Ok(!any)
            })?;
            if any {
                with_data.push(name.clone());
            }
        }
        match with_data.as_slice() {
            [only] => Ok(only.clone()),
            [] => Err(Error::refused("no sheet has a cell with a value").at(&self.shown).next("name files with rows")),
            several => Err(Error::refused(format!(
                "{} sheets have data: {}",
                several.len(),
                several.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
            ))
            .at(&self.shown)
            .next_set(Part::Home, format!("sheet: {:?}", several[0]))),
        }
    }

    /// Hands every cell with a value inside of an area to `see`, row by row, until it has seen enough. Rows and columns
    /// count from 0. A formula without a value is an error; the second time it is not looked for any more.
    pub(super) fn cells(
        &mut self,
        area: &Area,
        first: bool,
        see: &mut dyn FnMut(u32, u32, Cell) -> Result<bool>,
    ) -> Result<()> {
        let sheet = self.sheet.clone();
        self.cells_of(&sheet, area, first, see)
    }

    fn cells_of(
        &mut self,
        sheet: &str,
        area: &Area,
        first: bool,
        see: &mut dyn FnMut(u32, u32, Cell) -> Result<bool>,
    ) -> Result<()> {
        let shown = self.shown.clone();
        let mut last = (0, 0);
        guarded(&shown, || {
            let mut reader = self.xlsx.worksheet_cells_reader(sheet).map_err(|e| unreadable(&shown, e))?;
            let mut next = || {
                if !first {
                    let cell = reader.next_cell()?;
                    return Ok(cell.map(|cell| (cell.get_position(), cell.get_value().clone(), false)));
                }
                let cell = reader.next_cell_with_formula_metadata()?;
                Ok(cell.map(|cell| (cell.pos, cell.value, cell.formula.is_some())))
            };
            while let Some((at @ (row, column), value, is_formula)) = next().map_err(|e| unreadable(&shown, e))? {
                if at < last {
                    return Err(Error::failed("the cells of the sheet do not stand in their order")
                        .at(format!("{shown}, {sheet}"))
                        .next("open the file in a spreadsheet program and save it anew"));
                }
                if row >= SHEET.0 || column >= SHEET.1 {
                    return Err(Error::failed("a cell stands outside of what a sheet has")
                        .at(place(&shown, sheet, row, column))
                        .next("write the file anew: a sheet has 1,048,576 rows and 16,384 columns"));
                }
                last = at;
                if !area.holds(row, column) {
                    continue;
                }
                if matches!(value, DataRef::Empty) {
                    if is_formula {
                        return Err(Error::failed(
                            "the value of the formula is not in the file: it was never calculated",
                        )
                        .at(place(&shown, sheet, row, column))
                        .next("open the file in a spreadsheet program and save it"));
                    }
                    continue;
                }
                if !see(row, column, Cell::of(&value))? {
                    break;
                }
            }
            Ok(())
        })
    }

    /// The areas of merged cells, as first and last row and column.
    pub(super) fn merged(&mut self) -> Result<Vec<calamine::Dimensions>> {
        let (shown, sheet) = (self.shown.clone(), self.sheet.clone());
        guarded(&shown, || self.xlsx.merge_cells_by_sheet_name(&sheet).map_err(|e| unreadable(&shown, e)))
    }
}

/// How many bytes the XML of a workbook's shared texts has; refuses what is no workbook of the kind. They lie in memory
/// while a sheet is read, which itself streams by.
fn size(pin: &PinnedFile) -> Result<u64> {
    let shown = &pin.shown;
    let failed = |e| Error::io("read", &pin.path, e);
    let mut file = From::new(pin.open()?, 0);
    let mut first = Vec::new();
    file.by_ref().take(4).read_to_end(&mut first).map_err(failed)?;
    if first == COMPOUND {
        file.rewind().map_err(failed)?;
        let mut all = Vec::new();
        file.take(8 << 20).read_to_end(&mut all).map_err(failed)?;
        let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let encrypted = all.windows(name.len()).any(|window| window == name);
        let (found, next) = if encrypted {
            ("the workbook is encrypted, and hygge has no password", "save it without a password")
        } else {
            ("the file is of Excel's older format (.xls), which hygge does not read", "save it as .xlsx")
        };
        return Err(Error::refused(found).at(shown).next(next));
    }
    let other = |e: Option<zip::result::ZipError>| {
        let error = Error::refused("the file is no Excel workbook (.xlsx): it is something else, or was cut short")
            .at(shown)
            .next("save it as .xlsx, or take it away");
        match e {
            Some(e) => error.because(e),
            None => error,
        }
    };
    file.rewind().map_err(failed)?;
    let mut zip = zip::ZipArchive::new(BufReader::new(file)).map_err(|e| other(Some(e)))?;
    let mut texts = 0_u64;
    let mut known = false;
    for at in 0..zip.len() {
        let part = zip.by_index_raw(at).map_err(|e| other(Some(e)))?;
        let name = part.name().map(|name| name.to_ascii_lowercase()).unwrap_or_default();
        if name == "xl/workbook.bin" {
            return Err(Error::refused("the file is a binary workbook (.xlsb), which hygge does not read")
                .at(shown)
                .next("save it as .xlsx"));
        }
        known |= name.contains("workbook") && !name.ends_with("bin");
        if name.ends_with("sharedstrings.xml") {
            texts = texts.saturating_add(part.size());
        }
    }
    if known { Ok(texts) } else { Err(other(None)) }
}

/// A cell, as people call it: `plan.xlsx, Sheet1!C17`.
pub(super) fn place(shown: &str, sheet: &str, row: u32, column: u32) -> String {
    let plain = sheet.chars().all(|c| c.is_alphanumeric() || c == '_');
    let sheet = if plain { sheet.to_owned() } else { format!("'{sheet}'") };
    format!("{shown}, {sheet}!{}", name_of(row, column))
}

/// Asks for memory for the texts of a row.
pub(super) fn admit_row(bytes: usize, share: &Share, cancel: &Cancellation, at: impl FnOnce() -> String) -> Result<()> {
    if bytes < LARGE_ROW { Ok(()) } else { share.admit_row(bytes, cancel, at) }
}

/// What the library said of a file, in plain words. Its message may quote a value, so it is not kept.
fn unreadable(shown: &str, error: XlsxError) -> Error {
    if let XlsxError::Io(io) = error {
        return Error::io("read", std::path::Path::new(shown), io);
    }
    let found = match error {
        XlsxError::Password => "the workbook is encrypted, and hygge has no password",
        _ => "the workbook cannot be read: it is damaged, or uses a part of Excel's format that hygge does not know",
    };
    Error::failed(found).at(shown).next("open the file in a spreadsheet program and save it anew as .xlsx")
}
