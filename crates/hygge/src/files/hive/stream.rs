//! The columns of files with those that their folders tell.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Schema, SchemaRef};
use hygge_core::context::SplitContext;
use hygge_core::home::{Batch, BatchStream};
use hygge_core::{Error, Result};

use super::constant;

/// How the columns of files and those of folders make a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyColumns {
    /// Where each of them comes from: the files' own columns are counted first, then those of folders.
    pub sources: Vec<usize>,
    /// How many columns the files' own are.
    pub width: usize,
    /// The types of those of folders.
    pub types: Vec<DataType>,
}

impl KeyColumns {
    /// Tries whether `values`, in the order of [`Self::types`], are of the types.
    ///
    /// # Errors
    /// If one is not.
    pub fn check(&self, values: &[Option<String>]) -> Result<()> {
        (0..self.types.len()).try_for_each(|at| self.column(at, values, 1).map(drop))
    }

    /// `rows` times what the folders tell of one of their columns.
    fn column(&self, at: usize, values: &[Option<String>], rows: usize) -> Result<ArrayRef> {
        constant(values[at].as_deref(), &self.types[at], rows)?
            .ok_or_else(|| Error::failed("the folder's name holds a value that is none of the column's type"))
    }

    fn place(&self, schema: &SchemaRef, values: &[Option<String>], batch: &RecordBatch) -> Result<RecordBatch> {
        let rows = batch.num_rows();
        let column = |&at: &usize| match at.checked_sub(self.width) {
            None => Ok(Arc::clone(batch.column(at))),
            Some(at) => self.column(at, values, rows),
        };
        let columns = self.sources.iter().map(column).collect::<Result<Vec<_>>>()?;
        // A dictionary may come as its values.
        let fields = schema.fields().iter().zip(&columns).map(|(field, column)| {
            if field.data_type() == column.data_type() {
                Arc::clone(field)
            } else {
                Arc::new(field.as_ref().clone().with_data_type(column.data_type().clone()))
            }
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(schema, columns, &options)
            .map_err(|e| Error::bug("columns of folders do not go with those of files").because(e))
    }
}

/// Rows of files that lie in one folder, with the columns that it tells.
pub struct KeyedStream {
    inner: Box<dyn BatchStream>,
    columns: Arc<KeyColumns>,
    schema: SchemaRef,
    values: Vec<Option<String>>,
    /// What is left of a batch, from which row on.
    rest: Option<(Batch, usize)>,
    /// As many rows as the folder's columns have room for.
    most: usize,
}

impl KeyedStream {
    /// Adds `values`, in the order of [`KeyColumns::types`], so that rows are of `schema`.
    #[must_use]
    pub fn new(
        inner: Box<dyn BatchStream>,
        columns: &Arc<KeyColumns>,
        schema: &SchemaRef,
        values: &[Option<String>],
        ctx: &SplitContext,
    ) -> Self {
        const FIXED: usize = 32;
        let row: usize = values.iter().map(|value| FIXED + value.as_ref().map_or(0, String::len)).sum();
        let most = (ctx.batch_bytes() / 4 / row.max(1)).max(1);
        let schema = Arc::clone(schema);
        Self { inner, columns: Arc::clone(columns), schema, values: values.to_vec(), rest: None, most }
    }
}

impl BatchStream for KeyedStream {
    fn next(&mut self) -> Result<Option<Batch>> {
        let (batch, from) = match self.rest.take() {
            Some(rest) => rest,
            None => match self.inner.next()? {
                Some(batch) => (batch, 0),
                None => return Ok(None),
            },
        };
        let left = batch.rows.num_rows() - from;
        let take = left.min(self.most);
        let mask = |mask: &Option<BooleanArray>| mask.as_ref().map(|mask| mask.slice(from, take));
        let out = Batch {
            rows: self.columns.place(&self.schema, &self.values, &batch.rows.slice(from, take))?,
            edge: mask(&batch.edge),
            window: mask(&batch.window),
        };
        if take < left {
            self.rest = Some((batch, from + take));
        }
        Ok(Some(out))
    }
}
