//! Excel workbooks as a home: one sheet's table a file.
//!
//! Cells have types and columns have none, so all cells are looked at before they are read: two readings, in which sheets
//! stream by, and the workbook's shared texts lie in memory. See `cell` for how types are told.

pub mod area;
mod book;
mod cell;
mod columns;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
mod table;

use std::path::PathBuf;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use hygge_core::context::{Context, SplitContext};
use hygge_core::event::Note;
use hygge_core::home::{BatchStream, ReadRequest};
use hygge_core::receipt::Options;
use hygge_core::split::Split;
use hygge_core::{Error, ErrorKind, Part, Result, Retry};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::area::Area;
use self::book::{Book, place};
use self::cell::{Cell, Seen};
use self::columns::{Rows, Unfit};
use self::table::{Table, Walk};
use super::csv::unknown_column;
use super::files::agreed::{Agreed, remember_order};
use super::files::{Ask, FilesHome, Found, ReadFormat, ReadSplit, counted, cut, files_and_size, payload};
use super::typed::{declared_marks, more_columns};
use crate::asked::{self, Reader};
use crate::files::csv::complaint::{wanted, yaml_key};
use crate::files::listing::PinnedFile;

/// How workbooks' names end in a folder.
const EXTENSIONS: &[&str] = &["xlsx", "xlsm"];

/// Which row names the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HeaderAt {
    /// The first with a value.
    #[default]
    First,
    /// This one, counted from 1 as spreadsheets do; what is above is not read.
    Row(u32),
    /// None: columns are `column_1` and so on.
    None,
}

/// What a home of workbooks is told.
#[derive(Debug, Clone)]
pub struct XlsxHomeConfig {
    /// The folder that a relative path starts from.
    pub root: PathBuf,
    /// A file, a folder or a pattern; may hold `{entity}`.
    pub path: String,
    /// Types of columns by name, as which their cells are then read; the others are told from the cells.
    pub columns: Vec<(String, DataType)>,
    /// The sheet by its name or its number from 1; none takes the only one with data.
    pub sheet: Option<String>,
    /// The part of the sheet that is read; none takes all of it.
    pub range: Option<Area>,
    /// Which row names the columns.
    pub header: HeaderAt,
    /// What stands for NULL beside the empty cell; errors of formulas among them.
    pub nulls: Vec<String>,
}

/// Workbooks as a home.
pub type XlsxHome = FilesHome<Excel>;

/// Workbooks as they are read.
pub struct Excel(Arc<XlsxHomeConfig>);

impl XlsxHome {
    /// The home that `config` describes. Nothing is looked at yet.
    #[must_use]
    pub fn new(config: XlsxHomeConfig) -> Self {
        let (root, path) = (config.root.clone(), config.path.clone());
        Self::of(&root, &path, Excel(Arc::new(config)))
    }
}

/// What is to be shown next time.
#[derive(Default, Serialize, Deserialize)]
struct Remembered {
    /// Types that were told, so that the next files are read alike.
    columns: Vec<(String, DataType)>,
}

/// What was found in all files.
struct Survey {
    tables: Vec<Table>,
    /// The columns of the first file, and what was seen in them in any.
    seen: Vec<(String, Seen)>,
}

impl Excel {
    fn walk(&self) -> Walk<'_> {
        Walk { config: &self.0, area: self.0.range.unwrap_or_default() }
    }

    fn survey(&self, ctx: &Context, files: &[PinnedFile]) -> Result<Survey> {
        let mut tables: Vec<Table> = Vec::with_capacity(files.len());
        let mut agreed: Option<Agreed> = None;
        let mut seen: Vec<(String, Seen)> = Vec::new();
        for pin in files {
            ctx.cancel.check()?;
            let share = ctx.budget.share(&ctx.cancel)?;
            let table = self.walk().table(pin, &share, &ctx.cancel).map_err(|e| match (e.kind(), e.retry()) {
                (ErrorKind::Failed, Retry::Never) => e.as_refusal(),
                _ => e,
            })?;
            let fields = table.columns.iter().map(|(name, ..)| Field::new(name, DataType::Utf8, true));
            let schema = Schema::new(fields.collect::<Vec<_>>());
            match &mut agreed {
                None => {
                    let first = Agreed::new(&schema, &pin.shown);
                    first.alone()?;
                    agreed = Some(first);
                    seen = table.columns.iter().map(|(name, seen, _)| (name.clone(), *seen)).collect();
                }
                Some(agreed) => {
                    agreed.join(&schema, &pin.shown)?;
                    for (name, more, _) in &table.columns {
                        if let Some((_, seen)) = seen.iter_mut().find(|(known, _)| known == name) {
                            seen.join(*more);
                        }
                    }
                }
            }
            tables.push(table);
        }
        Ok(Survey { tables, seen })
    }
}

impl Excel {
    /// Every column whose type is declared is there.
    fn check_declared(&self, seen: &[(String, Seen)], shown: &str) -> Result<()> {
        let there = |name: &String| seen.iter().any(|(known, _)| known == name);
        let Some((name, _)) = self.0.columns.iter().find(|(name, _)| !there(name)) else { return Ok(()) };
        let names: Vec<String> = seen.iter().map(|(name, _)| name.clone()).collect();
        Err(unknown_column(name, &names, shown))
    }
}

impl ReadFormat for Excel {
    fn name(&self) -> &'static str {
        "xlsx"
    }

    fn shown(&self) -> &'static str {
        "Excel"
    }

    fn extensions(&self) -> &'static [&'static str] {
        EXTENSIONS
    }

    fn reading(&self) -> Options {
        let XlsxHomeConfig { root: _, path: _, columns, sheet, range, header, nulls } = self.0.as_ref();
        let options = [
            ("columns", declared_marks(columns)),
            ("sheet", format!("{sheet:?}")),
            ("range", format!("{range:?}")),
            ("header", format!("{header:?}")),
            // They may be words of the data.
            ("nulls", hygge_core::receipt::Question::digest(&format!("{nulls:?}"))),
        ];
        options.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn widened(&self, before: &Options, settled: &Schema) -> Vec<(&'static str, String)> {
        more_columns(&self.0.columns, before, settled).map(|more| ("columns", more)).into_iter().collect()
    }

    fn read_as(&self, request: &ReadRequest) -> String {
        format!("{:?} {:?}", self.reading(), request.columns)
    }

    fn counts(&self) -> bool {
        true
    }

    fn check(&self, ctx: &Context, _shown: &str, files: &[PinnedFile]) -> Result<Vec<String>> {
        let Survey { tables, seen } = self.survey(ctx, files)?;
        self.check_declared(&seen, &files[0].shown)?;
        let rows = tables.iter().map(|table| table.rows).sum();
        let held = format!("{}, {}", counted(seen.len() as u64, "column"), counted(rows, "row"));
        Ok(vec![files_and_size(files), held])
    }

    fn look(&self, ask: &Ask<'_>) -> Result<Found> {
        let Survey { tables, seen } = self.survey(ask.ctx, ask.files)?;
        self.check_declared(&seen, &ask.files[0].shown)?;
        let told = |name: &str| self.0.columns.iter().find(|(n, _)| n == name).map(|(_, data_type)| data_type);
        let before: Remembered = serde_json::from_value(Value::Object(ask.before.clone())).unwrap_or_default();
        let before: Vec<(String, DataType)> = match &ask.request.like {
            Some(like) => like.fields().iter().map(|f| (f.name().clone(), f.data_type().clone())).collect(),
            None => before.columns,
        };
        let joins = ask.request.skip_settled || ask.request.like.is_some();
        let mut notes = Vec::new();
        let type_of = |(name, seen): &(String, Seen)| {
            if let Some(told) = told(name) {
                return told.clone();
            }
            let before = before.iter().find(|(known, _)| known == name).map(|(_, data_type)| data_type);
            match before.filter(|before| (joins || seen.is_empty()) && seen.fits(before)) {
                Some(before) => before.clone(),
                None => seen.data_type(),
            }
        };
        let typed: Vec<(String, DataType)> = seen.iter().map(|column| (column.0.clone(), type_of(column))).collect();
        let fields = typed.iter().map(|(name, data_type)| Field::new(name, data_type.clone(), true));
        let all = Schema::new(fields.collect::<Vec<_>>());
        let schema = Agreed::new(&all, &ask.files[0].shown).choose_as_before(ask.request, ask.before)?;
        let asked = |name: &str| schema.field_with_name(name).is_ok() && told(name).is_none();
        for (name, seen) in seen.iter().filter(|(name, _)| asked(name)) {
            if seen.is_long() {
                notes.push(Note::from(format!(
                    "column {name} holds whole numbers of more than 15 digits, and a workbook keeps no more: the last ones may not be those that were meant"
                )));
            }
            if seen.is_empty() {
                notes.push(Note::from(format!("column {name} is empty, and is taken as text")));
            } else if let Some(mixed) = seen.mixed() {
                notes.push(Note::from(format!("column {name} holds {mixed}, and is taken as text")));
            }
        }
        let mut splits = Vec::new();
        for (at, (table, pin)) in tables.iter().zip(ask.files).enumerate() {
            if table.merged {
                notes.push(format!("{}: the value of merged cells stands in the first of them", pin.shown).into());
            }
            if let [first, ..] = table.unnamed.as_slice() {
                notes.push(format!("{}: a column without a name in the header is called {first}", pin.shown).into());
            }
            if table.rows > 0 {
                let bytes = table.rows.saturating_mul(8 * schema.fields().len() as u64);
                splits.push(cut::split(splits.len(), pin.shown.clone(), &at, Some(table.rows), bytes, false)?);
            }
        }
        let columns = typed.into_iter().filter(|(name, _)| told(name).is_none()).collect();
        let Ok(Value::Object(mut remember)) = serde_json::to_value(Remembered { columns }) else {
            return Err(Error::bug("what is remembered of workbooks could not be written as JSON"));
        };
        remember_order(&schema, &mut remember);
        let places = tables.iter().map(|table| {
            let place = |field: &Arc<Field>| table.columns.iter().find(|(name, ..)| name == field.name());
            schema.fields().iter().map(|field| place(field).map_or(u32::MAX, |(_, _, at)| *at)).collect()
        });
        let rows = Sheets {
            config: Arc::clone(&self.0),
            schema: Arc::clone(&schema),
            told: schema.fields().iter().map(|field| told(field.name()).is_some()).collect(),
            places: places.collect(),
            files: ask.files.to_vec(),
        };
        let names = all.fields().iter().map(|field| field.name().clone()).collect();
        Ok(Found { schema, names, splits, bound: None, notes, remember, rows: Box::new(rows) })
    }
}

/// Reads the sheets that were looked at.
struct Sheets {
    config: Arc<XlsxHomeConfig>,
    schema: SchemaRef,
    /// Which columns have a type that is declared.
    told: Vec<bool>,
    /// Where each column of the schema is in each file's sheet.
    places: Vec<Vec<u32>>,
    files: Vec<PinnedFile>,
}

impl ReadSplit for Sheets {
    fn read(&self, split: &Split, ctx: &SplitContext) -> Result<Box<dyn BatchStream>> {
        let at: usize = payload(split)?;
        let (Some(pin), Some(places)) = (self.files.get(at), self.places.get(at)) else {
            return Err(Error::bug("a split of another scan"));
        };
        let sheet = OneSheet {
            config: Arc::clone(&self.config),
            schema: Arc::clone(&self.schema),
            told: self.told.clone(),
            places: places.clone(),
            pin: pin.clone(),
            ctx: ctx.clone(),
        };
        asked::stream("hygge-xlsx", move |reader| if reader.waits() { sheet.read(reader) } else { Ok(()) })
    }

    fn by_file(&self, split: &Split, _alike: &dyn Fn(usize, usize) -> bool) -> Result<Vec<(usize, Split)>> {
        Ok(vec![(payload(split)?, split.clone())])
    }
}

/// One file's sheet while it is read.
struct OneSheet {
    config: Arc<XlsxHomeConfig>,
    schema: SchemaRef,
    told: Vec<bool>,
    places: Vec<u32>,
    pin: PinnedFile,
    ctx: SplitContext,
}

impl OneSheet {
    /// Reads up to the end, or until no batch is asked for any more.
    fn read(&self, reader: &Reader) -> Result<()> {
        let (pin, share, cancel) = (&self.pin, &self.ctx.share, self.ctx.cancel());
        let mut book = Book::open(pin, self.config.sheet.as_deref(), share, cancel)?;
        let sheet = book.sheet.clone();
        let mut rows = Rows::new(&self.schema, &self.told, self.ctx.batch_rows, self.ctx.batch_bytes() / 2)?;
        // The row behind the last.
        let mut next: Option<u32> = None;
        let nothing: Vec<Option<Cell>> = vec![None; self.places.len()];
        let moved = |column: usize| {
            Error::moved_on("the file has changed while it was read").at(format!(
                "{}, column {}",
                pin.shown,
                self.schema.field(column).name()
            ))
        };
        let cut = |rows: &mut Rows, next: u32, end: bool| -> Result<()> {
            match rows.cut(end)? {
                Ok(None) => Ok(()),
                Ok(Some(batch)) => {
                    if reader.give(batch.into()) {
                        Ok(())
                    } else {
                        Err(Error::cancelled("nobody asks for more rows"))
                    }
                }
                Err(unfit) => Err(self.unfit(&unfit, &sheet, next)),
            }
        };
        let walk = Walk { config: &self.config, area: self.config.range.unwrap_or_default() };
        let has_header = !matches!(self.config.header, HeaderAt::None);
        walk.rows(&mut book, pin, false, (share, cancel), &mut |row, cells, is_header| {
            // Empty rows between others are rows of NULLs; without a header the first row with a value begins.
            for empty in next.unwrap_or(row)..row {
                rows.push(&nothing).map_err(moved)?;
                cut(&mut rows, empty + 1, false)?;
            }
            next = Some(row + 1);
            if is_header && has_header {
                return Ok(());
            }
            let cell = |place: &u32| {
                let at = cells.binary_search_by_key(place, |(column, _)| *column).ok()?;
                cells[at].1.clone()
            };
            let found: Vec<Option<Cell>> = self.places.iter().map(cell).collect();
            rows.push(&found).map_err(moved)?;
            cut(&mut rows, row + 1, false)
        })?;
        cut(&mut rows, next.unwrap_or_default(), true)?;
        self.ctx.add_bytes_read(pin.len);
        Ok(())
    }

    /// Of a cell that is not of the type that its column was declared to be; `next` is the row behind the batch.
    fn unfit(&self, unfit: &Unfit, sheet: &str, next: u32) -> Error {
        let row = next.saturating_sub(1 + u32::try_from(unfit.behind).unwrap_or(u32::MAX));
        let field = self.schema.field(unfit.column);
        Error::failed(format!("the cell is not {}, which `columns:` says it is", wanted(field.data_type())))
            .at(place(&self.pin.shown, sheet, row, self.places[unfit.column]))
            .next_set(Part::Home, format!("columns: {{{}: text}}", yaml_key(field.name())))
    }
}

#[cfg(test)]
mod tests;
