//! Batches into row groups.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use hygge_core::{Error, Result};
use parquet::arrow::ArrowWriter;

use super::{ParquetFormat, types, unwritable};
use crate::files::exactly::carry_over;
use crate::files::format::Encoder;

/// Writes one file. A row group ends when what is held back reaches the writer's share of memory.
pub(super) struct ParquetEncoder {
    writer: ArrowWriter<File>,
    /// The same file again: the library gives its own back only at the price of the error's kind.
    file: File,
    stored: SchemaRef,
    /// Whether rows must be carried over to other types first.
    carry_over: bool,
    /// Where a row group ends, in bytes as the library counts them.
    hold: usize,
    /// How many rows came.
    rows: u64,
}

impl ParquetEncoder {
    pub(super) fn new(file: File, schema: &SchemaRef, format: &ParquetFormat, hold: usize) -> Result<Self> {
        let stored = types::stored_schema(schema);
        let carry_over = !Arc::ptr_eq(&stored, schema);
        let again = file.try_clone().map_err(|e| Error::io("keep", Path::new("the Parquet file"), e))?;
        let chosen = format.chosen(&stored, hold)?;
        let properties = chosen.properties.build();
        let writer = ArrowWriter::try_new(again, Arc::clone(&stored), Some(properties)).map_err(unwritable)?;
        Ok(Self { writer, file, stored, carry_over, hold: hold.saturating_add(chosen.set_aside), rows: 0 })
    }
}

impl Encoder for ParquetEncoder {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if self.carry_over {
            let batch = carry_over(batch, &self.stored, self.rows)?;
            self.writer.write(&batch).map_err(unwritable)?;
        } else {
            self.writer.write(batch).map_err(unwritable)?;
        }
        self.rows += batch.num_rows() as u64;
        if self.writer.memory_size() >= self.hold {
            self.writer.flush().map_err(unwritable)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<File> {
        self.writer.finish().map_err(unwritable)?;
        Ok(self.file)
    }
}
