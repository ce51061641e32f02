//! Arrow's own files (IPC, Feather 2): how rows become files, and files and streams rows again.

mod assemble;
pub(crate) mod compact;
mod encoder;
mod messages;
mod stream;
mod window;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_ipc::CompressionType;
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Schema, SchemaRef};
use hygge_core::context::SplitContext;
use hygge_core::home::BatchStream;
use hygge_core::receipt::Options;
use hygge_core::store::ColumnPlan;
use hygge_core::{Error, Result};

pub use self::messages::{Index, Message};
pub use self::stream::MessageStream;
use super::format::{Encoder, FileFormat};
use super::positioned::Positioned;
use crate::homes::files::agreed::Agreed;
use crate::stores::leave_out::leave_out;

/// The footer's key under which a file carries its receipt.
pub const RECEIPT_KEY: &str = "hygge.receipt";

/// Arrow files as they are written.
#[derive(Debug, Clone)]
pub struct ArrowFormat {
    compression: Option<CompressionType>,
    extension: String,
}

/// How buffers are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// Not at all: a reader can map the file.
    None,
    /// LZ4 frames.
    Lz4,
    /// Zstandard.
    Zstd,
}

impl ArrowFormat {
    /// Arrow files with buffers packed so.
    #[must_use]
    pub fn new(packing: Packing) -> Self {
        let compression = match packing {
            Packing::None => None,
            Packing::Lz4 => Some(CompressionType::LZ4_FRAME),
            Packing::Zstd => Some(CompressionType::ZSTD),
        };
        Self { compression, extension: "arrow".to_owned() }
    }

    /// The same with files whose names end in `extension`.
    #[must_use]
    pub fn ending_in(self, extension: &str) -> Self {
        Self { extension: extension.to_owned(), ..self }
    }
}

impl FileFormat for ArrowFormat {
    fn name(&self) -> &'static str {
        "arrow"
    }

    fn extension(&self) -> String {
        self.extension.clone()
    }

    fn writing(&self) -> Options {
        let name = match self.compression {
            None => "none",
            Some(CompressionType::LZ4_FRAME) => "lz4",
            Some(_) => "zstd",
        };
        Options::from([("compression".to_owned(), name.to_owned())])
    }

    fn agreeing(&self) -> &'static [&'static str] {
        &["partition_by"]
    }

    fn plan(&self, schema: &Schema) -> Result<Vec<ColumnPlan>> {
        if schema.fields().is_empty() {
            return Err(Error::refused("there is no column to write, and a table without one has no rows"));
        }
        let column = |field: &FieldRef| {
            let stored = stored(field.data_type()).ok_or_else(|| {
                let error = Error::refused("a dictionary inside of a union or of runs cannot be written out");
                leave_out(error.at(format!("column {}", field.name())), schema, &|t| stored(t).is_some())
            })?;
            Ok(ColumnPlan {
                name: field.name().clone(),
                arrow: field.data_type().to_string(),
                store: stored.to_string(),
                exact_text: false,
            })
        };
        schema.fields().iter().map(column).collect()
    }

    fn encoder(&self, file: File, schema: &SchemaRef, _ctx: &SplitContext) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(encoder::ArrowEncoder::new(file, schema, self.compression)?))
    }

    fn check_fits(&self, path: &Path, schema: &SchemaRef) -> Result<()> {
        let (_, index) = open(path)?;
        let shown = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
        Agreed::new(&stored_schema(schema), "the rows to come").join(&index.schema, &shown)
    }

    fn count_rows(&self, path: &Path) -> Result<u64> {
        Ok(open(path)?.1.rows())
    }

    fn read(&self, path: &Path, schema: &SchemaRef, ctx: &SplitContext) -> Result<Box<dyn BatchStream>> {
        let (file, index) = open(path)?;
        let shown = path.display().to_string();
        // As they are stored: not every dictionary can be made again, and what is read back is compared by its values.
        Ok(Box::new(MessageStream::new(&file, &shown, Arc::new(index), (0, u64::MAX), &stored_schema(schema), ctx)?))
    }

    fn assemble(&self, parts: &[PathBuf], schema: &SchemaRef, receipt: Option<&str>, into: File) -> Result<()> {
        assemble::assemble(parts, &stored_schema(schema), receipt, into)
    }

    fn carries_receipt(&self) -> bool {
        true
    }

    fn receipt_inside(&self, path: &Path) -> Result<Option<String>> {
        Ok(open(path)?.1.notes.remove(RECEIPT_KEY))
    }
}

fn open(path: &Path) -> Result<(Positioned, Index)> {
    let shown = path.display().to_string();
    let file = Positioned::whole(File::open(path).map_err(|e| Error::io("open", path, e))?, &shown)?;
    let index = Index::of(&file, &shown)?;
    Ok((file, index))
}

/// The schema as it is stored.
fn stored_schema(schema: &SchemaRef) -> SchemaRef {
    if schema.fields().iter().all(|f| stored(f.data_type()).is_none_or(|s| s == *f.data_type())) {
        return Arc::clone(schema);
    }
    let fields = schema.fields().iter().map(|field| written_out(field).unwrap_or_else(|| Arc::clone(field)));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The type that holds every value of `data_type` in a file: the same, but that dictionaries are written out. A file has
/// one dictionary a column for all its rows, and rows on their way have one a batch.
fn stored(data_type: &DataType) -> Option<DataType> {
    use DataType as T;
    Some(match data_type {
        T::Dictionary(_, value) => stored(value)?,
        T::List(field) => T::List(written_out(field)?),
        T::LargeList(field) => T::LargeList(written_out(field)?),
        T::ListView(field) => T::ListView(written_out(field)?),
        T::LargeListView(field) => T::LargeListView(written_out(field)?),
        T::FixedSizeList(field, len) => T::FixedSizeList(written_out(field)?, *len),
        T::Map(field, sorted) => T::Map(written_out(field)?, *sorted),
        T::Struct(fields) => T::Struct(fields.iter().map(written_out).collect::<Option<Vec<_>>>()?.into()),
        T::Union(fields, _) if fields.iter().any(|(_, f)| stored(f.data_type()).as_ref() != Some(f.data_type())) => {
            return None;
        }
        T::RunEndEncoded(_, values) if stored(values.data_type()).as_ref() != Some(values.data_type()) => return None,
        other => other.clone(),
    })
}

fn written_out(field: &FieldRef) -> Option<FieldRef> {
    let data_type = stored(field.data_type())?;
    if data_type == *field.data_type() {
        return Some(Arc::clone(field));
    }
    Some(Arc::new(Field::new(field.name(), data_type, field.is_nullable()).with_metadata(field.metadata().clone())))
}

/// What the Arrow library said about a file, in plain words.
fn unreadable(shown: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::failed("the file is not readable as Arrow: it is damaged, or uses a part of Arrow that hygge does not know")
        .at(shown)
        .next("write the file anew, or take it away")
        .because(error)
}

fn io_error(shown: &str, error: std::io::Error) -> Error {
    if error.kind() == std::io::ErrorKind::UnexpectedEof {
        return Error::failed("the Arrow file was cut short, or is still being written")
            .at(shown)
            .next("write the file anew, or take it away");
    }
    Error::io("read", Path::new(shown), error)
}

/// What the Arrow library said while it wrote.
fn unwritable(error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(_, io) => Error::io("write", Path::new("the Arrow file"), io),
        other => Error::failed("the Arrow file could not be written").because(other),
    }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
