//! One view of Parquet files: schema, splits and the new end, fixed before reading.

use std::sync::Arc;

use arrow_schema::{Schema, SchemaRef};
use hygge_core::context::{Context, SplitContext};
use hygge_core::event::Note;
use hygge_core::home::{BatchStream, ReadRequest, Repeat, Scan};
use hygge_core::split::{Split, how_many};
use hygge_core::watermark::Bound;
use hygge_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::bound::{self, Decided, Span, Spanned};
use super::cursor::{CursorStream, Takes};
use super::range;
use super::schema::Agreed;
use super::{no_cursor_column, open_file};
use crate::files::listing::Listing;
use crate::files::parquet::reader::{FileGroups, GroupStream};
use crate::files::settled::ToRead;

/// Parquet files, pinned.
pub(super) struct ParquetScan {
    /// What is handed on.
    schema: SchemaRef,
    /// What is read: the schema, and the cursor where it was not asked for.
    read: SchemaRef,
    to_read: ToRead,
    splits: Vec<Split>,
    cursor: Option<Decided>,
    notes: Vec<Note>,
}

/// Where a split's rows are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Payload {
    /// Row groups by file, both by position.
    files: Vec<(usize, Vec<usize>)>,
    /// Whether rows of them must be left out.
    filter: bool,
}

/// A row group that a split may take.
struct Unit {
    file: usize,
    group: usize,
    rows: u64,
    bytes: u64,
    span: Option<Span>,
}

/// A sentence about files that a folder holds and that are not read.
pub(super) fn passed_over(listing: &Listing) -> Option<String> {
    let first = listing.passed_over.first()?;
    Some(match listing.passed_over.len() {
        1 => format!("{first} is no Parquet file by its name and is not read"),
        n => format!("{n} files are no Parquet files by their names and are not read, first: {first}"),
    })
}

impl ParquetScan {
    pub(super) fn open(ctx: &Context, request: &ReadRequest, to_read: ToRead, notes: Vec<Note>) -> Result<Self> {
        let mut notes = notes;
        let mut said = Vec::new();
        let mut agreed: Option<Agreed> = None;
        let mut units = Vec::new();
        let mut cursor_field = None;
        for (at, pin) in to_read.files.iter().enumerate() {
            ctx.cancel.check()?;
            let file = open_file(pin)?;
            let found = file.metadata.schema();
            match &mut agreed {
                None => agreed = Some(Agreed::new(found, &pin.shown)),
                Some(agreed) => agreed.join(found, &pin.shown)?,
            }
            let spans = match (&request.cursor, &agreed) {
                (Some(spec), Some(agreed)) => {
                    let name = spec.column.as_deref().ok_or_else(no_cursor_column)?;
                    let field = agreed.column(name)?;
                    if !range::can_follow(field.data_type()) {
                        return Err(Error::refused(format!("a column of {} cannot be followed", field.data_type()))
                            .at(format!("column {name}"))
                            .next("follow a column of whole numbers, decimals, dates, times or texts"));
                    }
                    let spans = bound::spans(ctx, &file, &field)?;
                    cursor_field = Some(field);
                    spans.into_iter().map(Some).collect()
                }
                _ => vec![None; file.groups.len()],
            };
            for (group, span) in spans.into_iter().enumerate() {
                units.push(unit(&file, at, group, request.columns.as_deref(), span));
            }
        }
        let agreed = agreed.ok_or_else(|| Error::bug("a scan of no files was opened"))?;
        let schema = agreed.choose(request.columns.as_deref())?;
        let cursor = match (&request.cursor, cursor_field) {
            (Some(spec), Some(field)) => {
                let spans = by_file(&units, to_read.files.len());
                let spanned: Vec<Spanned<'_>> =
                    to_read.files.iter().zip(&spans).map(|(pin, spans)| Spanned { pin, spans }).collect();
                let decided = bound::decide(ctx, request, spec, &field, &spanned, &mut said)?;
                if decided.is_none() {
                    // No row has a value to follow: those without were refused, or are left out.
                    units.clear();
                }
                decided
            }
            _ => None,
        };
        let read = match &cursor {
            Some(cursor) if schema.index_of(cursor.field.name()).is_err() => {
                let mut fields = schema.fields().to_vec();
                fields.push(Arc::clone(&cursor.field));
                Arc::new(Schema::new(fields))
            }
            _ => Arc::clone(&schema),
        };
        notes.extend(said);
        let mut scan = Self { schema, read, to_read, splits: Vec::new(), cursor, notes };
        scan.cut(&units, request)?;
        Ok(scan)
    }

    /// Makes splits of about equal size.
    fn cut(&mut self, units: &[Unit], request: &ReadRequest) -> Result<()> {
        let Some(decided) = &self.cursor else {
            let mut splits = Vec::new();
            for chunk in chunks(units.iter().filter(|u| u.rows > 0).collect(), request) {
                splits.push((chunk, false, false));
            }
            return self.number(splits);
        };
        let mut splits = Vec::new();
        let span = |unit: &&Unit, test: &dyn Fn(&Span) -> bool| unit.span.as_ref().is_some_and(test);
        if let Some(takes) = Takes::window(decided) {
            let chosen: Vec<&Unit> = units.iter().filter(|u| span(u, &|s| takes.any(s))).collect();
            if !chosen.is_empty() {
                splits.push((chosen, true, true));
            }
        }
        let takes = Takes::beyond(decided);
        for chunk in chunks(units.iter().filter(|u| span(u, &|s| takes.any(s))).collect(), request) {
            let filter = !chunk.iter().all(|u| span(u, &|s| takes.all(s)));
            splits.push((chunk, filter, false));
        }
        self.number(splits)
    }

    fn number(&mut self, splits: Vec<(Vec<&Unit>, bool, bool)>) -> Result<()> {
        for (ordinal, (units, filter, window)) in splits.into_iter().enumerate() {
            let mut files: Vec<(usize, Vec<usize>)> = Vec::new();
            for unit in &units {
                match files.last_mut() {
                    Some((file, groups)) if *file == unit.file => groups.push(unit.group),
                    _ => files.push((unit.file, vec![unit.group])),
                }
            }
            let label = self.label(&files);
            let payload = serde_json::to_value(Payload { files, filter })
                .map_err(|e| Error::bug("a split could not be written as JSON").because(e))?;
            let split = Split {
                ordinal: u32::try_from(ordinal).map_err(|e| Error::failed("there are too many splits").because(e))?,
                label,
                payload,
                rows: if filter { None } else { Some(units.iter().map(|u| u.rows).sum()) },
                bytes: Some(units.iter().map(|u| u.bytes).sum()),
                window,
            };
            self.splits.push(split);
        }
        Ok(())
    }

    fn label(&self, files: &[(usize, Vec<usize>)]) -> String {
        let shown = |at: usize| self.to_read.files.get(at).map_or("", |f| f.shown.as_str());
        match files {
            [(file, groups)] => match groups.as_slice() {
                [] | [_] => shown(*file).to_owned(),
                [first, .., last] => format!("{} row groups {first} to {last}", shown(*file)),
            },
            [(first, _), .., (last, _)] => format!("{} to {}", shown(*first), shown(*last)),
            [] => String::new(),
        }
    }
}

/// What a row group holds of the columns that are read.
fn unit(file: &FileGroups, at: usize, group: usize, columns: Option<&[String]>, span: Option<Span>) -> Unit {
    let meta = file.metadata.metadata().row_group(group);
    let wanted = |path: &str| columns.is_none_or(|names| names.iter().any(|name| name == path));
    let bytes = meta
        .columns()
        .iter()
        .filter(|c| c.column_path().parts().first().is_some_and(|root| wanted(root)))
        .map(|c| c.uncompressed_size().unsigned_abs())
        .sum();
    Unit { file: at, group, rows: meta.num_rows().unsigned_abs(), bytes, span }
}

fn by_file(units: &[Unit], files: usize) -> Vec<Vec<Span>> {
    let mut out = vec![Vec::new(); files];
    for unit in units {
        if let (Some(spans), Some(span)) = (out.get_mut(unit.file), &unit.span) {
            spans.push(span.clone());
        }
    }
    out
}

/// Neighbours together, in parts of about equal size.
fn chunks<'a>(units: Vec<&'a Unit>, request: &ReadRequest) -> Vec<Vec<&'a Unit>> {
    let total: u64 = units.iter().map(|u| u.bytes).sum();
    let n = how_many(total, request.readers, request.split_bytes);
    let mut out: Vec<Vec<&Unit>> = Vec::new();
    let (mut before, mut last) = (0, None);
    for unit in units {
        // Each goes where its middle lies.
        let middle = u128::from(before) + u128::from(unit.bytes / 2);
        let at = middle * u128::from(n) / u128::from(total.max(1));
        match out.last_mut() {
            Some(chunk) if last == Some(at) => chunk.push(unit),
            _ => out.push(vec![unit]),
        }
        (before, last) = (before + unit.bytes, Some(at));
    }
    out
}

impl Scan for ParquetScan {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn splits(&self) -> &[Split] {
        &self.splits
    }

    fn bound(&self) -> Option<&Bound> {
        self.cursor.as_ref().map(|cursor| &cursor.bound)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Pinned
    }

    fn notes(&self) -> Vec<Note> {
        self.notes.clone()
    }

    fn read(&self, split: &Split, ctx: &SplitContext) -> Result<Box<dyn BatchStream>> {
        let payload: Payload = serde_json::from_value(split.payload.clone())
            .map_err(|e| Error::bug("a split of another home").because(e))?;
        let mut files = Vec::with_capacity(payload.files.len());
        for (at, groups) in payload.files {
            let pin = self.to_read.files.get(at).ok_or_else(|| Error::bug("a split of another scan"))?;
            files.push(FileGroups { groups, ..open_file(pin)? });
        }
        let inner = GroupStream::new(&self.read, files, ctx)?;
        let Some(decided) = &self.cursor else { return Ok(Box::new(inner)) };
        let takes = match Takes::window(decided) {
            Some(window) if split.window => window,
            _ => Takes::beyond(decided),
        };
        let column = self
            .read
            .index_of(decided.field.name())
            .map_err(|e| Error::bug("the cursor is not among the columns that are read").because(e))?;
        let projected = (column >= self.schema.fields().len()).then(|| Arc::clone(&self.schema));
        let stream = CursorStream::new(inner, decided, &takes, column, projected, payload.filter, split.window)?;
        Ok(Box::new(stream))
    }

    fn finish(self: Box<Self>, ctx: &Context) -> Result<Option<serde_json::Value>> {
        for pin in &self.to_read.files {
            pin.unchanged()?;
        }
        self.to_read.remember(&ctx.cancel).map(Some)
    }
}
