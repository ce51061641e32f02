//! The Parquet home: a file, a folder or a glob, read in groups of row groups.

mod bound;
mod cursor;
mod int96;
mod range;
mod scan;

use std::path::Path;

use hygge_core::context::Context;
use hygge_core::home::ReadRequest;
use hygge_core::receipt::Options;
use hygge_core::{Error, ErrorKind, Part, Result, Retry};
use serde_json::json;

use super::files::{Ask, FilesHome, Found, ReadFormat, counted};
use crate::files::listing::PinnedFile;
use crate::files::parquet::reader::{FileGroups, footer};

/// How Parquet files' names end in a folder.
const EXTENSIONS: &[&str] = &["parquet", "parq", "pq"];

/// Parquet files as a home.
pub type ParquetHome = FilesHome<Parquet>;

/// Parquet as it is read.
pub struct Parquet;

impl ParquetHome {
    /// The files at `written` (a file, a folder or a glob, maybe with `{entity}`), from the project's root.
    #[must_use]
    pub fn new(root: &Path, written: &str) -> Self {
        Self::of(root, written, Parquet)
    }
}

/// Opens a pinned file with its footer and all its row groups.
fn open_file(pin: &PinnedFile) -> Result<FileGroups> {
    let file = pin.open()?;
    let metadata = footer(&file, &pin.shown)?;
    let groups = (0..metadata.metadata().num_row_groups()).collect();
    Ok(FileGroups { file, shown: pin.shown.clone(), metadata, groups })
}

impl ReadFormat for Parquet {
    fn name(&self) -> &'static str {
        "parquet"
    }

    fn shown(&self) -> &'static str {
        "Parquet"
    }

    fn extensions(&self) -> &'static [&'static str] {
        EXTENSIONS
    }

    fn reading(&self) -> Options {
        Options::new()
    }

    fn read_as(&self, request: &ReadRequest) -> String {
        let cursor = request.cursor.as_ref().map(|cursor| cursor.column.as_deref());
        json!([request.columns, cursor]).to_string()
    }

    fn in_parts(&self) -> bool {
        true
    }

    fn follows(&self) -> bool {
        true
    }

    fn counts(&self) -> bool {
        true
    }

    fn check(&self, _ctx: &Context, shown: &str, files: &[PinnedFile]) -> Result<Vec<String>> {
        let mut rows = 0_u64;
        for pin in files {
            let file = open_file(pin).map_err(Error::as_refusal)?;
            rows += file.metadata.metadata().file_metadata().num_rows().unsigned_abs();
        }
        Ok(vec![format!("{shown}: {}, {}", counted(files.len() as u64, "file"), counted(rows, "row"))])
    }

    fn look(&self, ask: &Ask<'_>) -> Result<Found> {
        scan::look(ask).map_err(|e| match e.kind() {
            ErrorKind::Failed if e.retry() == Retry::Never => e.as_refusal(),
            _ => e,
        })
    }
}

/// The advice that a cursor needs a column.
fn no_cursor_column() -> Error {
    Error::refused("Parquet files have no key that hygge could follow")
        .next_set(Part::Flow, "watermark: <a column that only grows>")
}

#[cfg(test)]
mod tests;
