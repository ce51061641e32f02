//! The Parquet home: a file, a folder or a glob, read in groups of row groups.

mod bound;
mod cursor;
mod range;
mod scan;
mod schema;

use std::path::Path;

use hygge_core::context::Context;
use hygge_core::event::Note;
use hygge_core::home::{Home, Opened, ReadRequest, Source, TableInfo};
use hygge_core::place::PlaceId;
use hygge_core::receipt::{Options, Question};
use hygge_core::{Error, Part, Result};
use serde_json::json;

use crate::files::listing::{FileSource, PinnedFile, emptied};
use crate::files::parquet::reader::{FileGroups, Positioned, footer};
use crate::files::settled::{self, Looked};

/// How Parquet files' names end in a folder.
const EXTENSIONS: &[&str] = &["parquet", "parq", "pq"];

/// More splits than this at once would only wait for each other.
const READERS: usize = 64;

/// Parquet files as a home.
pub struct ParquetHome {
    source: FileSource,
}

impl ParquetHome {
    /// The files at `written` (a file, a folder or a glob, maybe with `{entity}`), from the project's root.
    #[must_use]
    pub fn new(root: &Path, written: &str) -> Self {
        Self { source: FileSource::new(root, written, EXTENSIONS) }
    }
}

/// Opens a pinned file with its footer and all its row groups.
fn open_file(pin: &PinnedFile) -> Result<FileGroups> {
    let file = Positioned::new(pin.open()?, pin.len);
    let metadata = footer(&file, &pin.shown)?;
    let groups = (0..metadata.metadata().num_row_groups()).collect();
    Ok(FileGroups { file, shown: pin.shown.clone(), metadata, groups })
}

fn entity(source: &Source) -> Result<Option<&str>> {
    match source {
        Source::Whole { entity } => Ok(entity.as_deref()),
        Source::Table(_) | Source::Query(_) => {
            Err(Error::refused("a Parquet home has files, neither tables nor queries")
                .next("take out `table:` and `query:`; the home's `path:` says what is read"))
        }
    }
}

impl Home for ParquetHome {
    fn kind(&self) -> &'static str {
        "parquet"
    }

    fn shown(&self, source: &Source) -> String {
        self.source.shown(entity(source).unwrap_or_default())
    }

    fn identity(&self) -> String {
        self.source.identity()
    }

    fn reading(&self) -> Options {
        Options::new()
    }

    fn location(&self, source: &Source) -> Option<PlaceId> {
        self.source.location(entity(source).ok()?)
    }

    fn max_readers(&self) -> usize {
        READERS
    }

    fn check(&self, _ctx: &Context, source: &Source, settled: bool) -> Result<Vec<String>> {
        let listing = self.source.list_to_check(entity(source)?, settled)?;
        if listing.files.is_empty() {
            return Ok(vec![emptied(&self.shown(source))]);
        }
        let mut rows = 0_u64;
        for pin in &listing.files {
            let file = open_file(pin).map_err(Error::as_refusal)?;
            rows += file.metadata.metadata().file_metadata().num_rows().unsigned_abs();
        }
        let counted = |n: u64, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let files = counted(listing.files.len() as u64, "file");
        let mut lines = vec![format!("{}: {files}, {}", self.shown(source), counted(rows, "row"))];
        lines.extend(scan::passed_over(&listing));
        Ok(lines)
    }

    fn tables(&self, _ctx: &Context, pattern: &str) -> Result<Vec<TableInfo>> {
        let mut out = Vec::new();
        for name in self.source.entities(pattern)? {
            let Ok(listing) = self.source.list(Some(&name)) else { continue };
            let Some(first) = listing.files.first() else { continue };
            let file = open_file(first)?;
            let mut rows = 0;
            for pin in &listing.files {
                rows += open_file(pin)?.metadata.metadata().file_metadata().num_rows().unsigned_abs();
            }
            let fields = file.metadata.schema().fields();
            let columns = fields.iter().map(|f| (f.name().clone(), f.data_type().to_string())).collect();
            out.push(TableInfo { name, rows: Some(rows), key: Vec::new(), columns });
        }
        Ok(out)
    }

    fn open(&self, ctx: &Context, request: &ReadRequest) -> Result<Opened> {
        if request.filter.is_some() {
            return Err(Error::refused("Parquet files cannot be filtered while they are read")
                .next("take out `where:`, or move the rows to a database first and filter there"));
        }
        let listing = self.source.list_for(request, entity(&request.source)?)?;
        if listing.files.is_empty() {
            return Ok(Opened::Unchanged(settled::none_new()));
        }
        let mut notes: Vec<Note> = scan::passed_over(&listing).map(Note::from).into_iter().collect();
        if let Some(state) = &request.dropped {
            let shown = self.shown(&request.source);
            notes.extend(settled::rows_that_go(state, &listing.files, &shown, &ctx.cancel)?);
        }
        let cursor = request.cursor.as_ref().map(|cursor| cursor.column.as_deref());
        let read_as = Question::digest(&json!([request.columns, cursor]).to_string());
        let to_read = match settled::look(request, listing.files, &read_as, &ctx.cancel)? {
            Looked::Unchanged(how) => return Ok(Opened::Unchanged(how)),
            Looked::Read(to_read) => to_read,
        };
        notes.extend(to_read.notes.iter().cloned());
        let scan = scan::ParquetScan::open(ctx, request, to_read, notes).map_err(|e| match e.kind() {
            hygge_core::ErrorKind::Failed if e.retry() == hygge_core::Retry::Never => e.as_refusal(),
            _ => e,
        })?;
        Ok(Opened::Scan(Box::new(scan)))
    }
}

/// The advice that a cursor needs a column.
fn no_cursor_column() -> Error {
    Error::refused("Parquet files have no key that hygge could follow")
        .next_set(Part::Flow, "watermark: <a column that only grows>")
}

#[cfg(test)]
mod tests;
