//! The rows of a split that its cursor takes.

use std::sync::Arc;

use arrow_array::{Array as _, ArrayRef, BooleanArray, Scalar};
use arrow_buffer::BooleanBuffer;
use arrow_schema::SchemaRef;
use arrow_select::filter::filter_record_batch;
use hygge_core::home::{Batch, BatchStream};
use hygge_core::{Error, Result};

use super::bound::{Decided, Span};
use super::range::{self, Side, Value};
use crate::files::parquet::reader::GroupStream;

/// Which values a split takes.
#[derive(Debug, Clone)]
pub(super) struct Takes {
    from: Option<(Value, bool)>,
    to: Option<(Value, bool)>,
}

impl Takes {
    /// The rows that the last receipt may remember.
    pub(super) fn window(decided: &Decided) -> Option<Self> {
        let (low, upper) = decided.window.clone()?;
        Some(Self { from: Some((low, true)), to: Some((upper, true)) })
    }

    /// The rows that no receipt can remember.
    pub(super) fn beyond(decided: &Decided) -> Self {
        // Where the end was read, rows at it are the window's.
        let from = decided.read_to.clone().map(|(value, inclusive)| (value, !inclusive));
        Self { from, to: Some((decided.upper.clone(), decided.bound.inclusive)) }
    }

    /// Whether a row group can hold such a row.
    pub(super) fn any(&self, span: &Span) -> bool {
        let Some((least, most)) = &span.extremes else { return false };
        let from = self.from.as_ref().is_none_or(|(v, at)| most > v || (*at && most == v));
        let to = self.to.as_ref().is_none_or(|(v, at)| least < v || (*at && least == v));
        from && to
    }

    /// Whether a row group holds no other row.
    pub(super) fn all(&self, span: &Span) -> bool {
        let Some((least, most)) = &span.extremes else { return false };
        let from = self.from.as_ref().is_none_or(|(v, at)| least > v || (*at && least == v));
        let to = self.to.as_ref().is_none_or(|(v, at)| most < v || (*at && most == v));
        from && to && span.nulls == 0
    }
}

/// Filters a split's rows and says which lie at the edge.
pub(super) struct CursorStream {
    inner: GroupStream,
    /// Where the cursor is among the columns that are read.
    column: usize,
    /// The schema without the cursor, where it was not asked for and is read last.
    projected: Option<SchemaRef>,
    from: Option<(Scalar<ArrayRef>, bool)>,
    to: Option<(Scalar<ArrayRef>, bool)>,
    /// Not needed where the row groups hold no other rows.
    filter: bool,
    /// From here on rows are remembered; none where no end was read.
    low: Option<Scalar<ArrayRef>>,
    window: bool,
}

impl CursorStream {
    pub(super) fn new(
        inner: GroupStream,
        decided: &Decided,
        takes: &Takes,
        column: usize,
        projected: Option<SchemaRef>,
        filter: bool,
        window: bool,
    ) -> Result<Self> {
        let data_type = decided.field.data_type();
        let scalar = |value: &Value| range::array_of(value, data_type).map(Scalar::new);
        let end = |end: &Option<(Value, bool)>| -> Result<Option<(Scalar<ArrayRef>, bool)>> {
            end.as_ref().map(|(value, at)| Ok((scalar(value)?, *at))).transpose()
        };
        Ok(Self {
            inner,
            column,
            projected,
            from: end(&takes.from)?,
            to: end(&takes.to)?,
            filter,
            low: if decided.bound.inclusive { Some(scalar(&decided.low)?) } else { None },
            window,
        })
    }

    fn mask(&self, column: &ArrayRef) -> Result<BooleanBuffer> {
        let mut mask = match column.nulls() {
            None => BooleanBuffer::new_set(column.len()),
            Some(valid) => valid.inner().clone(),
        };
        if let Some((value, at)) = &self.from {
            let side = if *at { Side::AtLeast } else { Side::Above };
            mask = &mask & &range::rows(column, side, value)?;
        }
        if let Some((value, at)) = &self.to {
            let side = if *at { Side::AtMost } else { Side::Below };
            mask = &mask & &range::rows(column, side, value)?;
        }
        Ok(mask)
    }
}

impl BatchStream for CursorStream {
    fn next(&mut self) -> Result<Option<Batch>> {
        loop {
            let Some(batch) = self.inner.next()? else { return Ok(None) };
            let mut rows = batch.rows;
            if self.filter {
                let mask = self.mask(rows.column(self.column))?;
                match mask.count_set_bits() {
                    0 => continue,
                    all if all == rows.num_rows() => {}
                    _ => rows = filter_record_batch(&rows, &BooleanArray::new(mask, None))?,
                }
            }
            let edge = match &self.low {
                None => BooleanBuffer::new_unset(rows.num_rows()),
                Some(low) => range::rows(rows.column(self.column), Side::AtLeast, low)?,
            };
            let window = self.window.then(|| BooleanArray::new(BooleanBuffer::new_set(rows.num_rows()), None));
            if let Some(schema) = &self.projected {
                let columns = rows.columns()[..self.column].to_vec();
                let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
                rows = arrow_array::RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
                    .map_err(|e| Error::bug("the cursor was not the last column read").because(e))?;
            }
            return Ok(Some(Batch { rows, edge: Some(BooleanArray::new(edge, None)), window }));
        }
    }
}
