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
use crate::files::csv::column::{Block, ColumnBuilder, Misfit, Nulls, Rules, builder};

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
    /// Of a type that is declared, and that no cell has by itself: the texts of cells are read as it.
    Told(Box<Told>),
}

/// Cells as texts, up to the end of a batch.
struct Told {
    bytes: Vec<u8>,
    /// Two a cell: where its text begins, less one, and where it ends.
    offsets: Vec<u32>,
    builder: Box<dyn ColumnBuilder>,
}

/// Where the text of the last cell may end.
const MOST_BYTES: usize = i32::MAX as usize;

impl Told {
    fn new(data_type: &DataType) -> Result<Self> {
        let rules = Rules { quote: None, nulls: Arc::new(Nulls::new::<&str>(&[])) };
        Ok(Self { bytes: Vec::new(), offsets: Vec::new(), builder: builder(data_type, false, &rules)? })
    }

    fn push(&mut self, text: &str) {
        let at = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        self.offsets.push(at(self.bytes.len()));
        self.bytes.push(0);
        self.bytes.extend_from_slice(text.as_bytes());
        self.offsets.push(at(self.bytes.len()));
    }

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        let block = Block { bytes: &self.bytes, offsets: &self.offsets, stride: 2 };
        self.builder.append(&block, 0)?;
        let column = self.builder.finish();
        self.bytes.clear();
        self.offsets.clear();
        column
    }
}

impl Column {
    fn new(data_type: &DataType, told: bool) -> Result<Self> {
        if told && *data_type != DataType::Utf8 {
            return Told::new(data_type).map(|told| Self::Told(Box::new(told)));
        }
        Ok(match data_type {
            DataType::Int64 => Self::Int(Int64Builder::new()),
            DataType::Float64 => Self::Float(Float64Builder::new()),
            DataType::Boolean => Self::Bool(BooleanBuilder::new()),
            DataType::Date32 => Self::Date(Date32Builder::new()),
            DataType::Time32(_) => Self::Time(Time32MillisecondBuilder::new()),
            DataType::Timestamp(..) => Self::Instant(TimestampMillisecondBuilder::new()),
            DataType::Duration(_) => Self::Span(DurationMillisecondBuilder::new()),
            _ => Self::Text(StringBuilder::new()),
        })
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
            (Self::Told(told), None) => told.push(""),
            (Self::Told(told), Some(cell)) => told.push(&cell.text()),
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

    /// The error is the row, counted in the batch, whose cell is not of the declared type.
    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        Ok(match self {
            Self::Told(told) => return told.finish(),
            Self::Int(b) => Arc::new(b.finish()),
            Self::Float(b) => Arc::new(b.finish()),
            Self::Bool(b) => Arc::new(b.finish()),
            Self::Date(b) => Arc::new(b.finish()),
            Self::Time(b) => Arc::new(b.finish()),
            Self::Instant(b) => Arc::new(b.finish()),
            Self::Span(b) => Arc::new(b.finish()),
            Self::Text(b) => Arc::new(b.finish()),
        })
    }
}

/// Rows while they come, up to a batch.
pub(super) struct Rows {
    schema: SchemaRef,
    columns: Vec<Column>,
    count: usize,
    /// About how large the rows are, in bytes.
    bytes: usize,
    row_limit: usize,
    byte_limit: usize,
}

/// A cell that is not of the type that its column was declared to be.
pub(super) struct Unfit {
    pub(super) column: usize,
    /// How many rows of the batch are behind it.
    pub(super) behind: usize,
}

impl Rows {
    /// `told`: which columns have a type that is declared.
    pub(super) fn new(schema: &SchemaRef, told: &[bool], row_limit: usize, byte_limit: usize) -> Result<Self> {
        let columns = schema.fields().iter().zip(told).map(|(field, told)| Column::new(field.data_type(), *told));
        let columns = columns.collect::<Result<_>>()?;
        let byte_limit = byte_limit.min(MOST_BYTES);
        Ok(Self { schema: Arc::clone(schema), columns, count: 0, bytes: 0, row_limit, byte_limit })
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

    /// A batch, where the rows are enough for one, or at the end.
    pub(super) fn cut(&mut self, end: bool) -> Result<Result<Option<RecordBatch>, Unfit>> {
        let full = self.count >= self.row_limit || self.bytes >= self.byte_limit;
        if self.count == 0 || !(end || full) {
            return Ok(Ok(None));
        }
        let mut columns = Vec::with_capacity(self.columns.len());
        for (at, column) in self.columns.iter_mut().enumerate() {
            match column.finish() {
                Ok(column) => columns.push(column),
                Err(Misfit { row }) => return Ok(Err(Unfit { column: at, behind: self.count - 1 - row })),
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.count));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(|e| Error::bug("cells became other columns than were planned").because(e))?;
        (self.count, self.bytes) = (0, 0);
        Ok(Ok(Some(batch)))
    }
}
