//! Parquet: how rows become files and files rows again.

mod assemble;
mod encoder;
mod encodings;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
mod pages;
pub mod reader;
mod sealed;
mod thrift;
mod types;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_schema::{Schema, SchemaRef};
use hygge_core::context::SplitContext;
use hygge_core::home::BatchStream;
use hygge_core::receipt::Options;
use hygge_core::store::ColumnPlan;
use hygge_core::{Error, Part, Result};
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;

use self::encodings::Chosen;
pub use self::encodings::Encodings;
use super::format::{Encoder, FileFormat};

/// The footer's key under which a file carries its receipt.
pub const RECEIPT_KEY: &str = "hygge.receipt";

/// The most rows of a row group, unless memory ends it sooner.
const ROW_GROUP_ROWS: usize = 1 << 20;

/// Where a column of many values gives its dictionary up: keeping a larger one costs more than it saves.
const DICTIONARY_BYTES: usize = 128 << 10;

/// Parquet as it is written.
#[derive(Debug, Clone)]
pub struct ParquetFormat {
    compression: Compression,
    encodings: Encodings,
    row_group_rows: usize,
    /// Where a row group ends, in bytes held back; never above the writer's share of memory.
    row_group_bytes: usize,
}

impl Default for ParquetFormat {
    fn default() -> Self {
        Self {
            compression: Compression::SNAPPY,
            encodings: Encodings::default(),
            row_group_rows: ROW_GROUP_ROWS,
            row_group_bytes: usize::MAX,
        }
    }
}

impl ParquetFormat {
    /// Parquet with a compression by its name (`snappy`, `zstd`, `gzip`, `lz4`, `none`), with a level where it has some.
    ///
    /// # Errors
    /// Refused, if there is no such compression or level.
    pub fn compressed(name: &str, level: Option<i32>) -> Result<Self> {
        let bad_level = |range: String| {
            Error::refused(format!("{name} has no such level"))
                .next_set(Part::Store, format!("compression_level: {range}"))
        };
        let compression = match (name.to_ascii_lowercase().as_str(), level) {
            ("zstd", level) => Compression::ZSTD(match level {
                None => ZstdLevel::default(),
                Some(level) => ZstdLevel::try_new(level).map_err(|_| bad_level("3".to_owned()))?,
            }),
            ("gzip", level) => Compression::GZIP(match level {
                None => GzipLevel::default(),
                Some(level) => u32::try_from(level)
                    .ok()
                    .and_then(|level| GzipLevel::try_new(level).ok())
                    .ok_or_else(|| bad_level("6".to_owned()))?,
            }),
            ("snappy", None) => Compression::SNAPPY,
            ("lz4", None) => Compression::LZ4_RAW,
            ("none" | "uncompressed", None) => Compression::UNCOMPRESSED,
            ("snappy" | "lz4" | "none" | "uncompressed", Some(_)) => {
                return Err(Error::refused(format!("{name} has no levels"))
                    .next("take out compression_level, or choose zstd or gzip"));
            }
            _ => {
                return Err(Error::refused(format!("no compression is called {name:?}"))
                    .next_set(Part::Store, "compression: zstd   # or snappy, gzip, lz4, none"));
            }
        };
        Ok(Self { compression, ..Self::default() })
    }

    /// The same with other encodings.
    #[must_use]
    pub fn with_encodings(self, encodings: Encodings) -> Self {
        Self { encodings, ..self }
    }

    /// The same with at most `rows` rows in a row group.
    #[must_use]
    pub fn with_row_group_rows(self, rows: usize) -> Self {
        Self { row_group_rows: rows.max(1), ..self }
    }

    /// With row groups of about so many bytes, where memory allows.
    #[must_use]
    pub fn with_row_group_bytes(self, bytes: u64) -> Self {
        Self { row_group_bytes: usize::try_from(bytes).unwrap_or(usize::MAX).max(1), ..self }
    }

    /// Statistics by row group are what readers skip by; those by page cost more than they save.
    /// `schema` is the one that is stored; `hold` what a row group may take in memory, in bytes.
    fn chosen(&self, schema: &Schema, hold: usize) -> Result<Chosen> {
        let builder = WriterProperties::builder()
            .set_created_by(concat!("hygge version ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(self.compression)
            .set_max_row_group_row_count(Some(self.row_group_rows))
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_dictionary_page_size_limit(DICTIONARY_BYTES);
        self.encodings.set(schema, hold, builder)
    }
}

impl FileFormat for ParquetFormat {
    fn name(&self) -> &'static str {
        "parquet"
    }

    fn extension(&self) -> String {
        "parquet".to_owned()
    }

    fn writing(&self) -> Options {
        Options::from([
            ("compression".to_owned(), compression_word(self.compression)),
            ("row_group_size".to_owned(), self.row_group_bytes.to_string()),
            ("encoding".to_owned(), self.encodings.name().to_owned()),
        ])
    }

    fn agreeing(&self) -> &'static [&'static str] {
        &["partition_by"]
    }

    fn plan(&self, schema: &Schema) -> Result<Vec<ColumnPlan>> {
        types::plan(schema)
    }

    fn encoder(&self, file: File, schema: &SchemaRef, ctx: &SplitContext) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(encoder::ParquetEncoder::new(
            file,
            schema,
            self,
            ctx.share.writer_bytes().min(self.row_group_bytes),
        )?))
    }

    fn check_fits(&self, path: &Path, schema: &SchemaRef) -> Result<()> {
        let shown = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
        let file = File::open(path).map_err(|e| Error::io("open", path, e))?;
        types::check_fits(reader::FileGroups::whole(file, &shown)?.metadata.parquet_schema(), schema)
    }

    fn count_rows(&self, path: &Path) -> Result<u64> {
        let reader = open(path)?;
        u64::try_from(reader.metadata().file_metadata().num_rows()).map_err(|e| {
            Error::failed("the footer gives a row count below zero").at(path.display().to_string()).because(e)
        })
    }

    fn read(&self, path: &Path, schema: &SchemaRef, ctx: &SplitContext) -> Result<Box<dyn BatchStream>> {
        let file = File::open(path).map_err(|e| Error::io("open", path, e))?;
        let shown = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
        let groups = reader::FileGroups::whole(file, &shown)?;
        let schema = types::readable_schema(schema).unwrap_or_else(|| Arc::clone(schema));
        Ok(Box::new(reader::GroupStream::of(&schema, groups, ctx)?))
    }

    fn assemble(&self, parts: &[PathBuf], schema: &SchemaRef, receipt: Option<&str>, into: File) -> Result<()> {
        let stored = types::stored_schema(schema);
        // Row groups are copied as they are: nothing is held back.
        let properties = self.chosen(&stored, usize::MAX)?.properties.build();
        assemble::assemble(parts, &stored, receipt, into, properties)
    }

    fn carries_receipt(&self) -> bool {
        true
    }

    fn receipt_inside(&self, path: &Path) -> Result<Option<String>> {
        let reader = open(path)?;
        let pairs = reader.metadata().file_metadata().key_value_metadata();
        Ok(pairs
            .and_then(|pairs| pairs.iter().find(|pair| pair.key == RECEIPT_KEY))
            .and_then(|pair| pair.value.clone()))
    }
}

fn open(path: &Path) -> Result<SerializedFileReader<File>> {
    let file = File::open(path).map_err(|e| Error::io("open", path, e))?;
    SerializedFileReader::new(file).map_err(|e| unreadable(&path.display().to_string(), e))
}

/// What the Parquet library said about a file, in plain words.
pub(crate) fn unreadable(shown: &str, error: ParquetError) -> Error {
    let (found, advice) = match &error {
        ParquetError::NYI(_) => {
            ("the file uses a part of Parquet that hygge does not know", "write the file anew, without that part")
        }
        ParquetError::External(cause) if cause.downcast_ref::<std::io::Error>().is_some() => {
            ("the file could not be read to its end", "check the disk, then run again")
        }
        _ => (
            "the file is not readable as Parquet: it is damaged, cut short, or something else",
            "write the file anew, or take it away",
        ),
    };
    Error::failed(found).at(shown).next(advice).because(error)
}

/// A compression as receipts keep it: by the name that `compression:` has for it, and its level.
fn compression_word(compression: Compression) -> String {
    match compression {
        Compression::UNCOMPRESSED => "none".to_owned(),
        Compression::SNAPPY => "snappy".to_owned(),
        Compression::LZ4_RAW => "lz4".to_owned(),
        Compression::ZSTD(level) => format!("zstd {}", level.compression_level()),
        Compression::GZIP(level) => format!("gzip {}", level.compression_level()),
        other => other.to_string().to_ascii_lowercase(),
    }
}

/// What the Parquet library said while it wrote.
fn unwritable(error: ParquetError) -> Error {
    match error {
        ParquetError::External(cause) => match cause.downcast::<std::io::Error>() {
            Ok(io) => Error::io("write", Path::new("the Parquet file"), *io),
            Err(other) => Error::failed("the Parquet file could not be written").because(other),
        },
        other => Error::failed("the Parquet file could not be written").because(other),
    }
}

#[cfg(test)]
pub(crate) mod tests;
