//! A home that can only say: here are the rows.

use std::sync::{Mutex, PoisonError};

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, Schema, SchemaRef};

use crate::context::{Context, SplitContext};
use crate::cut::Cut;
use crate::event::Note;
use crate::home::{Batch, BatchStream, Home, Opened, ReadRequest, Repeat, Scan, Source, TableInfo};
use crate::place::PlaceId;
use crate::receipt::Options;
use crate::split::Split;
use crate::watermark::Bound;
use crate::{Error, Result};

/// Batches with one schema.
pub type Reader = Box<dyn RecordBatchReader + Send>;

/// All rows of something, from their beginning.
pub trait ReadBatches: Send + Sync {
    /// Begins to read: the columns are known at once, the rows come when they are asked for. `hygge plan` calls it too, for
    /// the columns, so the work (and whatever others could notice) belongs into the reader, not here.
    ///
    /// # Errors
    /// If it cannot be read. An error of the reader itself ends the load, and nothing of it is visible.
    fn read_batches(&self) -> Result<Reader>;
}

impl<F> ReadBatches for F
where
    F: Fn() -> Result<Reader> + Send + Sync,
{
    fn read_batches(&self) -> Result<Reader> {
        self()
    }
}

/// A home of one split that is read once.
pub struct SimpleHome<T> {
    kind: &'static str,
    shown: String,
    inner: T,
}

impl<T: ReadBatches> SimpleHome<T> {
    /// A home of the type `kind`. `shown` is its name for people and for receipts: two homes of different rows should have
    /// different ones, and none holds a secret.
    #[must_use]
    pub fn new(kind: &'static str, shown: impl Into<String>, inner: T) -> Self {
        Self { kind, shown: shown.into(), inner }
    }
}

impl<T: ReadBatches> Home for SimpleHome<T> {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn shown(&self, _: &Source) -> String {
        self.shown.clone()
    }

    fn identity(&self) -> String {
        format!("{}:{}", self.kind, self.shown)
    }

    fn reading(&self) -> Options {
        Options::new()
    }

    fn location(&self, _: &Source) -> Option<PlaceId> {
        None
    }

    fn max_readers(&self) -> usize {
        1
    }

    fn check(&self, _: &Context, _: &Source, _: bool) -> Result<Vec<String>> {
        let columns = self.inner.read_batches()?.schema().fields().len();
        Ok(vec![format!("{}, {columns} {}", self.shown, if columns == 1 { "column" } else { "columns" })])
    }

    fn tables(&self, _: &Context, _: &str) -> Result<Vec<TableInfo>> {
        Err(Error::refused(format!("homes of type {} have no tables to list", self.kind)).at(&self.shown))
    }

    fn open(&self, _: &Context, request: &ReadRequest) -> Result<Opened> {
        only_all(self.kind, request).map_err(|error| error.at(&self.shown))?;
        let reader = self.inner.read_batches()?;
        let columns = chosen(&reader.schema(), request.columns.as_deref()).map_err(|error| error.at(&self.shown))?;
        Ok(Opened::Scan(Box::new(SimpleScan {
            schema: SchemaRef::new(reader.schema().project(&columns)?),
            shown: self.shown.clone(),
            splits: [the_one_split(&self.shown)],
            rows: Mutex::new(Some(Rows { reader, columns })),
        })))
    }
}

/// The only split of a home that is read once.
#[must_use]
pub fn the_one_split(label: &str) -> Split {
    Split {
        ordinal: 0,
        label: label.to_owned(),
        payload: serde_json::Value::Null,
        rows: None,
        bytes: None,
        window: false,
    }
}

/// Refuses whatever asks for some of the rows: a home that is read once gives all of them.
///
/// # Errors
/// Refused, naming the part of the question.
pub fn only_all(kind: &str, request: &ReadRequest) -> Result<()> {
    if !matches!(request.source, Source::Whole { .. }) {
        return Err(Error::refused(format!("homes of type {kind} have neither tables nor queries"))
            .next("take `table:` or `query:` out"));
    }
    if request.filter.is_some() {
        return Err(Error::refused(format!("homes of type {kind} know no `where`"))
            .next("take it out, and leave the rows out where they come from"));
    }
    if request.cursor.is_some() || request.skip_settled {
        return Err(Error::refused(format!(
            "homes of type {kind} give all of their rows each time, and cannot tell which are new"
        ))
        .next("write  mode: replace  in the flow, and take `incremental` and `watermark` out of it"));
    }
    Ok(())
}

/// The positions of the columns that are asked for, in that order.
///
/// # Errors
/// Refused, naming a column that is not there.
pub fn chosen(schema: &Schema, asked: Option<&[String]>) -> Result<Vec<usize>> {
    let Some(asked) = asked else { return Ok((0..schema.fields().len()).collect()) };
    asked
        .iter()
        .map(|name| {
            schema.index_of(name).map_err(|_| {
                let there: Vec<&str> = schema.fields().iter().take(12).map(|field| field.name().as_str()).collect();
                Error::refused(format!("there is no column {name}")).next(format!("choose among {}", there.join(", ")))
            })
        })
        .collect()
}

struct Rows {
    reader: Reader,
    columns: Vec<usize>,
}

struct SimpleScan {
    schema: SchemaRef,
    shown: String,
    splits: [Split; 1],
    rows: Mutex<Option<Rows>>,
}

impl Scan for SimpleScan {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn splits(&self) -> &[Split] {
        &self.splits
    }

    fn bound(&self) -> Option<&Bound> {
        None
    }

    fn repeat(&self) -> Repeat {
        Repeat::Once
    }

    fn notes(&self) -> Vec<Note> {
        Vec::new()
    }

    fn read(&self, _: &Split, ctx: &SplitContext) -> Result<Box<dyn BatchStream>> {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner).take();
        let rows = rows.ok_or_else(|| Error::moved_on("its rows come once, and were read already").at(&self.shown))?;
        let (schema, shown) = (self.schema.clone(), self.shown.clone());
        Ok(Box::new(SimpleStream { schema, shown, rows, cut: None, ctx: ctx.clone(), number: 0 }))
    }

    fn finish(self: Box<Self>, _: &Context) -> Result<Option<serde_json::Value>> {
        Ok(None)
    }
}

struct SimpleStream {
    schema: SchemaRef,
    shown: String,
    rows: Rows,
    cut: Option<Cut>,
    ctx: SplitContext,
    /// Batches so far, for errors.
    number: u64,
}

impl SimpleStream {
    fn failed(&self, error: ArrowError) -> Error {
        let error = match error {
            ArrowError::ExternalError(inner) => match inner.downcast::<Error>() {
                Ok(ours) => return *ours,
                Err(other) => ArrowError::ExternalError(other),
            },
            error => error,
        };
        Error::failed(format!("its reader failed after {} batches: {error}", self.number)).at(&self.shown)
    }
}

impl BatchStream for SimpleStream {
    fn next(&mut self) -> Result<Option<Batch>> {
        loop {
            self.ctx.cancel().check()?;
            if let Some(rows) = self.cut.as_mut().and_then(Iterator::next) {
                return Ok(Some(rows?.into()));
            }
            self.cut = None;
            let Some(batch) = self.rows.reader.next() else { return Ok(None) };
            let batch = batch.map_err(|error| self.failed(error))?;
            self.number += 1;
            let misfit = || {
                Error::failed(format!("batch {} has other columns than its reader's schema says", self.number))
                    .at(&self.shown)
                    .next("let each batch have the columns and types of the schema")
            };
            let rows: RecordBatch = batch.project(&self.rows.columns).map_err(|_| misfit())?;
            let fits = |(field, column): (&arrow_schema::FieldRef, &arrow_array::ArrayRef)| {
                field.data_type() == column.data_type() && (field.is_nullable() || column.null_count() == 0)
            };
            if !self.schema.fields().iter().zip(rows.columns()).all(fits) {
                return Err(misfit());
            }
            let (shown, number, bytes) =
                (&self.shown, self.number, Cut::size(&batch).min(batch.get_array_memory_size()));
            self.ctx.add_bytes_read(bytes as u64);
            self.cut = Some(Cut::new(rows, bytes, &self.ctx, || format!("{shown}, batch {number}"))?);
        }
    }
}
