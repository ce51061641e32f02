//! Rows as other types, exactly or not at all.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{Field, SchemaRef};
use hygge_core::{Error, Result};

/// The same rows as columns of `schema`, exactly or not at all.
pub(crate) fn carry_over(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| cast_exactly(column, field))
        .collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
        .map_err(|e| Error::failed("the rows do not have the columns that were planned").because(e))
}

/// A column as `field` says, exactly or not at all.
pub(crate) fn cast_exactly(column: &ArrayRef, field: &Field) -> Result<ArrayRef> {
    if column.data_type() == field.data_type() {
        return Ok(Arc::clone(column));
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    // The library's message may quote a value, so it is not kept.
    cast_with_options(column, field.data_type(), &options).map_err(|_| {
        Error::failed(format!(
            "a value does not fit: {} cannot all be kept as {}",
            column.data_type(),
            field.data_type()
        ))
        .at(format!("column {}", field.name()))
    })
}
