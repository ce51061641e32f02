//! What a file format must do to be written by the store of files. Where the bytes lie is not its business.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use hygge_core::Result;
use hygge_core::context::SplitContext;
use hygge_core::home::BatchStream;
use hygge_core::receipt::Options;
use hygge_core::store::ColumnPlan;

/// A format that rows can be written in.
pub trait FileFormat: Send + Sync {
    /// Its name, as `type:` takes it (`parquet`).
    fn name(&self) -> &'static str;

    /// The end of its files' names without the leading dot (`parquet`, `csv.gz`).
    fn extension(&self) -> String;

    /// The options that decide how rows are written, by their names in the configuration.
    fn writing(&self) -> Options;

    /// The names among [`Self::writing`] in which all files of a folder must agree, so that it can be read as one table;
    /// and `partition_by`, which the store of files adds.
    fn agreeing(&self) -> &'static [&'static str];

    /// How each column arrives.
    ///
    /// # Errors
    /// Refused, naming the column, where a type can be written neither exactly nor as exact text.
    fn plan(&self, schema: &Schema) -> Result<Vec<ColumnPlan>>;

    /// Begins a file. The caller has created it, syncs it after [`Encoder::finish`], and names it.
    ///
    /// # Errors
    /// If the file cannot be begun.
    fn encoder(&self, file: File, schema: &SchemaRef, ctx: &SplitContext) -> Result<Box<dyn Encoder>>;

    /// Refuses a file of others that could not be read as one table with files of `schema`, naming the column.
    ///
    /// # Errors
    /// As said, or if the file cannot be read as this format.
    fn check_fits(&self, path: &Path, schema: &SchemaRef) -> Result<()>;

    /// The rows in a finished file, counted from the file itself (a footer read again), never from memory.
    ///
    /// # Errors
    /// If the file cannot be read.
    fn count_rows(&self, path: &Path) -> Result<u64>;

    /// Reads a finished file with this format's reader, as columns of `schema`; a dictionary may come as its values, or
    /// with wider keys.
    ///
    /// # Errors
    /// If the file cannot be read.
    fn read(&self, path: &Path, schema: &SchemaRef, ctx: &SplitContext) -> Result<Box<dyn BatchStream>>;

    /// Joins finished files into one, in their order, without decoding rows where the format allows; `receipt` is kept
    /// inside where [`Self::carries_receipt`]. No parts: a file of no rows with the schema.
    ///
    /// # Errors
    /// If a part cannot be read or the whole not be written.
    fn assemble(&self, parts: &[PathBuf], schema: &SchemaRef, receipt: Option<&str>, into: File) -> Result<()>;

    /// Whether a file of the format can hold a receipt inside.
    fn carries_receipt(&self) -> bool;

    /// The receipt inside a file, where there is one.
    ///
    /// # Errors
    /// If the file cannot be read as this format.
    fn receipt_inside(&self, path: &Path) -> Result<Option<String>>;
}

/// Rows on their way into one file.
pub trait Encoder: Send {
    /// Takes rows. What it holds back in memory stays below [`hygge_core::budget::Share::writer_bytes`], but for one batch.
    ///
    /// # Errors
    /// If they cannot be written.
    fn write(&mut self, batch: &RecordBatch) -> Result<()>;

    /// Writes what remains and gives the file back, complete but not synced.
    ///
    /// # Errors
    /// If it cannot be written.
    fn finish(self: Box<Self>) -> Result<File>;
}
