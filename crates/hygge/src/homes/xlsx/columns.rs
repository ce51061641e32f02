//! Cells into columns.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Date32Builder, DurationMillisecondBuilder, Float64Builder, Int64Builder, StringBuilder,
    Time32MillisecondBuilder, TimestampMillisecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, SchemaRef};
use hygge_core::{Error, Result};

use super::cell::Cell;

/// A column while its cells come.
enum Column {
    Int(Int64Builder),
    Float(Float64Builder),
    Bool(BooleanBuilder),
    Date(Date32Builder),
    Time(Time32MillisecondBuilder),
    Instant(TimestampMillisecondBuilder),
    Span(DurationMillisecondBuilder),
    Text(StringBuilder),
}

impl Column {
    fn new(data_type: &DataType) -> Self {
        match data_type {
            DataType::Int64 => Self::Int(Int64Builder::new()),
            DataType::Float64 => Self::Float(Float64Builder::new()),
            DataType::Boolean => Self::Bool(BooleanBuilder::new()),
            DataType::Date32 => Self::Date(Date32Builder::new()),
            DataType::Time32(_) => Self::Time(Time32MillisecondBuilder::new()),
            DataType::Timestamp(..) => Self::Instant(TimestampMillisecondBuilder::new()),
            DataType::Duration(_) => Self::Span(DurationMillisecondBuilder::new()),
            _ => Self::Text(StringBuilder::new()),
        }
    }

    /// Takes a cell; false: it is of another type.
    fn push(&mut self, cell: Option<&Cell>) -> bool {
        let nothing = cell.is_some_and(Cell::shows_nothing) && !matches!(self, Self::Text(_));
        match (self, cell.filter(|_| !nothing)) {
            (Self::Int(b), None) => b.append_null(),
            (Self::Float(b), None) => b.append_null(),
            (Self::Bool(b), None) => b.append_null(),
            (Self::Date(b), None) => b.append_null(),
            (Self::Time(b), None) => b.append_null(),
            (Self::Instant(b), None) => b.append_null(),
            (Self::Span(b), None) => b.append_null(),
            (Self::Text(b), None) => b.append_null(),
            (Self::Int(b), Some(Cell::Int(n))) => b.append_value(*n),
            #[expect(clippy::cast_precision_loss, reason = "it came out of a float")]
            (Self::Float(b), Some(Cell::Int(n))) => b.append_value(*n as f64),
            (Self::Float(b), Some(Cell::Float(n))) => b.append_value(*n),
            (Self::Bool(b), Some(Cell::Bool(value))) => b.append_value(*value),
            (Self::Date(b), Some(Cell::Date(days))) => b.append_value(*days),
            (Self::Time(b), Some(Cell::Time(millis))) => b.append_value(*millis),
            (Self::Instant(b), Some(Cell::Instant(millis))) => b.append_value(*millis),
            (Self::Instant(b), Some(Cell::Date(days))) => b.append_value(i64::from(*days) * 86_400_000),
            (Self::Span(b), Some(Cell::Span(millis))) => b.append_value(*millis),
            (Self::Span(b), Some(Cell::Time(millis))) => b.append_value(i64::from(*millis)),
            (Self::Text(b), Some(cell)) => b.append_value(cell.text()),
            _ => return false,
        }
        true
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Int(b) => Arc::new(b.finish()),
            Self::Float(b) => Arc::new(b.finish()),
            Self::Bool(b) => Arc::new(b.finish()),
            Self::Date(b) => Arc::new(b.finish()),
            Self::Time(b) => Arc::new(b.finish()),
            Self::Instant(b) => Arc::new(b.finish()),
            Self::Span(b) => Arc::new(b.finish()),
            Self::Text(b) => Arc::new(b.finish()),
        }
    }
}

/// Rows while they come, and batches of those that are whole.
pub(super) struct Rows {
    schema: SchemaRef,
    columns: Vec<Column>,
    count: usize,
    /// About how large the rows are, in bytes.
    bytes: usize,
    row_limit: usize,
    byte_limit: usize,
    pub(super) done: Vec<RecordBatch>,
}

impl Rows {
    pub(super) fn new(schema: &SchemaRef, row_limit: usize, byte_limit: usize) -> Self {
        let columns = schema.fields().iter().map(|field| Column::new(field.data_type())).collect();
        Self { schema: Arc::clone(schema), columns, count: 0, bytes: 0, row_limit, byte_limit, done: Vec::new() }
    }

    /// Takes a row. The error is the column whose cell is of another type than was seen before.
    pub(super) fn push(&mut self, row: &[Option<Cell>]) -> Result<(), usize> {
        for (at, (column, cell)) in self.columns.iter_mut().zip(row).enumerate() {
            if !column.push(cell.as_ref()) {
                return Err(at);
            }
            self.bytes += if let Some(Cell::Text(text)) = cell { text.len() + 8 } else { 8 };
        }
        self.count += 1;
        Ok(())
    }

    /// Ends a batch where it is large enough, or at the end.
    pub(super) fn cut(&mut self, end: bool) -> Result<()> {
        let full = self.count >= self.row_limit || self.bytes >= self.byte_limit;
        if self.count == 0 || !(end || full) {
            return Ok(());
        }
        let columns = self.columns.iter_mut().map(Column::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.count));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(|e| Error::bug("cells became other columns than were planned").because(e))?;
        self.done.push(batch);
        (self.count, self.bytes) = (0, 0);
        Ok(())
    }
}
