//! Batches into record batches of a file.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use arrow_schema::SchemaRef;
use hygge_core::{Error, Result};

use super::compact::compact;
use super::{stored_schema, unwritable};
use crate::files::exactly::carry_over;
use crate::files::format::Encoder;

/// How much is written at once, in bytes.
const WRITE_BYTES: usize = 256 << 10;

/// Writes one file. Nothing is held back: a batch is a record batch.
pub(super) struct ArrowEncoder {
    writer: FileWriter<BufWriter<File>>,
    stored: SchemaRef,
    /// Whether rows must be carried over to other types first.
    carry_over: bool,
    /// How many rows came.
    rows: u64,
}

impl ArrowEncoder {
    pub(super) fn new(file: File, schema: &SchemaRef, compression: Option<CompressionType>) -> Result<Self> {
        let stored = stored_schema(schema);
        let carry_over = !Arc::ptr_eq(&stored, schema);
        let options = IpcWriteOptions::default().try_with_compression(compression).map_err(unwritable)?;
        let file = BufWriter::with_capacity(WRITE_BYTES, file);
        let writer = FileWriter::try_new_with_options(file, &stored, options).map_err(unwritable)?;
        Ok(Self { writer, stored, carry_over, rows: 0 })
    }
}

impl Encoder for ArrowEncoder {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let carried = if self.carry_over { Some(carry_over(batch, &self.stored, self.rows)?) } else { None };
        let batch = carried.as_ref().unwrap_or(batch);
        let batch = compact(batch).map_err(unwritable)?;
        self.writer.write(batch.as_ref()).map_err(unwritable)?;
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<File> {
        self.writer.finish().map_err(unwritable)?;
        let buffered = self.writer.into_inner().map_err(unwritable)?;
        buffered.into_inner().map_err(|e| Error::io("write", Path::new("the Arrow file"), e.into_error()))
    }
}
