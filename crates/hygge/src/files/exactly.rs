//! Rows as other types, exactly or not at all.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date64Type, Time32SecondType};
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, make_array};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{DataType, Field, SchemaRef, TimeUnit};
use hygge_core::{Error, Result};

/// The same rows as columns of `schema`, exactly or not at all; `before` is how many rows of the split came before.
pub(crate) fn carry_over(batch: &RecordBatch, schema: &SchemaRef, before: u64) -> Result<RecordBatch> {
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| {
            exactly(column, field.data_type()).ok_or_else(|| {
                let misfit = |&row: &usize| exactly(&column.slice(row, 1), field.data_type()).is_none();
                let row = (0..column.len()).find(misfit).map_or(before, |row| before + row as u64) + 1;
                unfit(column, field)
                    .at(format!("row {row} of the split, column {}", field.name()))
                    .next("mend the value where it lives, or leave the column out")
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
        .map_err(|e| Error::failed("the rows do not have the columns that were planned").because(e))
}

/// A column as `field` says, exactly or not at all.
pub(crate) fn cast_exactly(column: &ArrayRef, field: &Field) -> Result<ArrayRef> {
    exactly(column, field.data_type()).ok_or_else(|| unfit(column, field).at(format!("column {}", field.name())))
}

// The library's message may quote a value, so it is not kept.
fn unfit(column: &ArrayRef, field: &Field) -> Error {
    Error::failed(format!("a value does not fit: {} cannot all be kept as {}", column.data_type(), field.data_type()))
}

/// A column as another type, where every value stays what it is.
fn exactly(column: &ArrayRef, to: &DataType) -> Option<ArrayRef> {
    let mut column = Arc::clone(column);
    while let DataType::Dictionary(_, values) = column.data_type()
        && (!matches!(to, DataType::Dictionary(..)) || matches!(**values, DataType::Dictionary(..)))
    {
        let packed = column.as_any_dictionary();
        column = arrow_select::take::take(packed.values().as_ref(), packed.keys(), None).ok()?;
    }
    if column.data_type() == to {
        return Some(column);
    }
    if !can_be_counted(column.as_ref()) {
        return None;
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(&column, to, &options).ok()
}

/// Where the library would cut or wrap a value that it casts: days with a time of day, days and milliseconds beyond 32 bits.
fn can_be_counted(array: &dyn Array) -> bool {
    const DAY: i64 = 86_400_000;
    match array.data_type() {
        DataType::Date64 => array
            .as_primitive::<Date64Type>()
            .iter()
            .flatten()
            .all(|ms| ms % DAY == 0 && i32::try_from(ms / DAY).is_ok()),
        DataType::Time32(TimeUnit::Second) => {
            array.as_primitive::<Time32SecondType>().iter().flatten().all(|s| s.checked_mul(1000).is_some())
        }
        t if t.is_nested() || matches!(t, DataType::Dictionary(..)) => {
            array.to_data().child_data().iter().all(|child| can_be_counted(make_array(child.clone()).as_ref()))
        }
        _ => true,
    }
}
