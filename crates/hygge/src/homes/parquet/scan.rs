//! What is read of Parquet files: schema, splits and the new end, fixed before reading.

use std::sync::Arc;

use arrow_schema::{DataType, Schema, SchemaRef};
use hygge_core::context::SplitContext;
use hygge_core::home::{BatchStream, ReadRequest};
use hygge_core::split::Split;
use hygge_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::bound::{self, Decided, Span, Spanned};
use super::cursor::{CursorStream, Takes};
use super::int96::Units;
use super::range;
use super::{no_cursor_column, open_file};
use crate::files::listing::PinnedFile;
use crate::files::parquet::reader::{FileGroups, GroupStream, Opens};
use crate::homes::files::agreed::{Agreed, remember_order};
use crate::homes::files::cut::{chunks, split};
use crate::homes::files::{Ask, Found, ReadSplit, parts_by_file, payload};
use crate::stores::leave_out::leave_out;

/// What is read of Parquet files.
pub(super) struct Groups {
    /// What is handed on.
    schema: SchemaRef,
    /// What is read: the schema, and the cursor where it was not asked for.
    read: SchemaRef,
    files: Vec<PinnedFile>,
    cursor: Option<Decided>,
    /// The units of times of type INT96, where there are any.
    int96: Option<Units>,
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

/// Looks at files: their footers say nearly all.
pub(super) fn look(ask: &Ask<'_>) -> Result<Found> {
    let Ask { ctx, request, .. } = *ask;
    let mut notes = Vec::new();
    let mut agreed: Option<Agreed> = None;
    let mut units = Vec::new();
    let mut cursor_field = None;
    let mut int96 = None;
    // What a cursor follows is read, too.
    let asked: Option<Vec<String>> = request.columns.as_ref().map(|columns| {
        let cursor = request.cursor.as_ref().and_then(|cursor| cursor.column.clone());
        columns.iter().cloned().chain(cursor).collect()
    });
    let asked = asked.as_deref();
    for (at, pin) in ask.files.iter().enumerate() {
        ctx.cancel.check()?;
        let mut file = open_file(pin)?;
        if int96.is_none() && Units::are_needed(&file, asked) {
            int96 = Some(Units::find(ask, asked)?);
        }
        if let Some(units) = &int96 {
            units.apply(&mut file)?;
        }
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
    let names = agreed.names();
    let schema = agreed.choose_as_before(request, ask.before)?;
    refuse_intervals(&schema)?;
    let cursor = match (&request.cursor, cursor_field) {
        (Some(spec), Some(field)) => {
            let spans = by_file(&units, ask.files.len());
            let spanned: Vec<Spanned<'_>> =
                ask.files.iter().zip(&spans).map(|(pin, spans)| Spanned { pin, spans }).collect();
            let decided = bound::decide(ctx, request, spec, &field, &spanned, &mut notes)?;
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
    let bound = cursor.as_ref().map(|cursor| cursor.bound.clone());
    let groups = Groups { schema: Arc::clone(&schema), read, files: ask.files.to_vec(), cursor, int96 };
    let splits = groups.cut(&units, request)?;
    let mut remember = groups.int96.as_ref().map(Units::remember).transpose()?.unwrap_or_default();
    remember_order(&schema, &mut remember);
    Ok(Found { schema, names, splits, bound, notes, remember, rows: Box::new(groups) })
}

impl Groups {
    /// Makes splits of about equal size.
    fn cut(&self, units: &[Unit], request: &ReadRequest) -> Result<Vec<Split>> {
        let Some(decided) = &self.cursor else {
            let mut splits = Vec::new();
            for chunk in chunks(units.iter().filter(|u| u.rows > 0).collect(), request, |u| u.bytes) {
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
        for chunk in chunks(units.iter().filter(|u| span(u, &|s| takes.any(s))).collect(), request, |u| u.bytes) {
            let filter = !chunk.iter().all(|u| span(u, &|s| takes.all(s)));
            splits.push((chunk, filter, false));
        }
        self.number(splits)
    }

    fn number(&self, splits: Vec<(Vec<&Unit>, bool, bool)>) -> Result<Vec<Split>> {
        let number = |(ordinal, (units, filter, window)): (usize, (Vec<&Unit>, bool, bool))| {
            let mut files: Vec<(usize, Vec<usize>)> = Vec::new();
            for unit in &units {
                match files.last_mut() {
                    Some((file, groups)) if *file == unit.file => groups.push(unit.group),
                    _ => files.push((unit.file, vec![unit.group])),
                }
            }
            let label = self.label(&files);
            let rows = if filter { None } else { Some(units.iter().map(|u| u.rows).sum()) };
            let bytes = units.iter().map(|u| u.bytes).sum();
            split(ordinal, label, &Payload { files, filter }, rows, bytes, window)
        };
        splits.into_iter().enumerate().map(number).collect()
    }

    fn label(&self, files: &[(usize, Vec<usize>)]) -> String {
        let shown = |at: usize| self.files.get(at).map_or("", |f| f.shown.as_str());
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

/// An INTERVAL has months, days and milliseconds; the library would drop the months.
fn refuse_intervals(schema: &Schema) -> Result<()> {
    fn has_interval(data_type: &DataType) -> bool {
        use DataType as T;
        match data_type {
            T::Interval(_) => true,
            T::List(field) | T::LargeList(field) | T::FixedSizeList(field, _) | T::Map(field, _) => {
                has_interval(field.data_type())
            }
            T::Struct(fields) => fields.iter().any(|field| has_interval(field.data_type())),
            _ => false,
        }
    }
    let Some(field) = schema.fields().iter().find(|field| has_interval(field.data_type())) else { return Ok(()) };
    let error = Error::refused("a column of type INTERVAL cannot be read whole: its months would be lost")
        .at(format!("column {}", field.name()));
    Err(leave_out(error, schema, &|data_type| !has_interval(data_type)))
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

impl ReadSplit for Groups {
    fn read(&self, split: &Split, ctx: &SplitContext) -> Result<Box<dyn BatchStream>> {
        let payload: Payload = payload(split)?;
        let mut files: Vec<Opens> = Vec::with_capacity(payload.files.len());
        for (at, groups) in payload.files {
            let pin = self.files.get(at).ok_or_else(|| Error::bug("a split of another scan"))?.clone();
            let int96 = self.int96.clone();
            files.push(Box::new(move || {
                let mut file = FileGroups { groups, ..open_file(&pin)? };
                if let Some(units) = &int96 {
                    units.apply(&mut file)?;
                }
                Ok(file)
            }));
        }
        let inner = GroupStream::new(&self.read, files, ctx);
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

    fn by_file(&self, split: &Split, alike: &dyn Fn(usize, usize) -> bool) -> Result<Vec<(usize, Split)>> {
        let Payload { files, filter } = payload(split)?;
        parts_by_file(split, files, |(file, _)| *file, alike, |files| Payload { files, filter })
    }
}
