//! The rows of one statement as batches.
//!
//! A running statement borrows its connection, and neither may move between threads: a thread of its own holds both.

use std::sync::Arc;

use arrow_array::{BooleanArray, RecordBatch};
use arrow_buffer::BooleanBufferBuilder;
use arrow_schema::{Schema, SchemaRef};
use hygge_core::context::SplitContext;
use hygge_core::home::{Batch, BatchStream};
use hygge_core::{Error, Part, Result};
use rusqlite::Connection;
use rusqlite::types::{Value, ValueRef};

use super::cells::{Cells, Prepared};
use super::connect::Interrupter;
use super::decode::{Decode, Late, Misfit, decoder, expected};
use super::fault::explain_or_cancelled;
use super::names::{grouped, yaml};
use crate::asked;

/// Rows from here on ask for memory before they are copied.
const LARGE_VALUE: usize = 64 << 10;

/// Below what offsets of 32 bits can address, with room for one more value.
const MOST_BATCH_BYTES: usize = 1 << 30;

/// One statement and what its columns are.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub(crate) sql: String,
    pub(crate) params: Vec<Value>,
    /// The first columns of the statement.
    pub(crate) schema: SchemaRef,
    /// For each of them: whether its type was chosen rather than declared (see [`decoder`]).
    pub(crate) lenient: Vec<bool>,
    /// Whether the next column says if the row lies at the edge of the watermark.
    pub(crate) edge: bool,
    /// Whether the column after that says if the row lies in the window of the last watermark.
    pub(crate) window: bool,
    /// Whether the last column is the row's id, for messages.
    pub(crate) rowid: bool,
    /// The database and table, for messages.
    pub(crate) at: String,
    /// What to do about a value that fits no column.
    pub(crate) advice: MisfitAdvice,
}

/// What to do about a value that does not fit its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MisfitAdvice {
    /// Choose another type for the column of the home.
    ChooseType,
    /// The rows were ours: somebody else has written.
    SettleAnew,
}

/// Starts to read; `give_back` gets the connection when the stream ends or is dropped.
pub(crate) fn start(
    conn: Connection,
    give_back: Box<dyn FnOnce(Connection) + Send>,
    reading: Reading,
    ctx: &SplitContext,
) -> Result<Box<dyn BatchStream>> {
    let ctx = ctx.clone();
    asked::stream("hygge-sqlite", move |reader| {
        let interrupter = Interrupter::new(&conn, ctx.cancel());
        let mut ended = Ok(());
        if reader.waits() {
            ended = read(&conn, &reading, &ctx, |batch| Ok(reader.give(batch)));
        }
        drop(interrupter);
        give_back(conn);
        ended
    })
}

/// Reads until the end, an error, or `take` wants no more.
pub(crate) fn read(
    conn: &Connection,
    reading: &Reading,
    ctx: &SplitContext,
    mut take: impl FnMut(Batch) -> Result<bool>,
) -> Result<()> {
    let told = |e| explain_or_cancelled(e, "read", &reading.at, ctx.cancel());
    let mut statement = Prepared::new(conn, &reading.sql, &reading.params).map_err(told)?;
    let mut rows = statement.run();
    let mut batches = Batches::new(reading, ctx)?;
    loop {
        ctx.cancel().check()?;
        let mut more = true;
        while batches.wants_more() {
            if let Some(row) = rows.next().map_err(told)? {
                batches.push(row)?;
            } else {
                more = false;
                break;
            }
        }
        let batch = match batches.finish() {
            Ok(batch) => batch,
            Err((_, Late::Error(error))) => return Err(error),
            Err((column, Late::Misfit(row, misfit))) => {
                // The row is long past: it is looked up again, for its id.
                let mut again = Prepared::new(conn, &reading.sql, &reading.params).map_err(told)?;
                let mut rows = again.run();
                batches.rows = row;
                for _ in 0..batches.before + row as u64 {
                    rows.next().map_err(told)?;
                }
                return Err(batches.misfit(rows.next().map_err(told)?, column, misfit));
            }
        };
        let Some(batch) = batch else { return Ok(()) };
        if !take(batch)? || !more {
            return Ok(());
        }
    }
}

struct Batches<'a> {
    reading: &'a Reading,
    ctx: &'a SplitContext,
    columns: Vec<Box<dyn Decode>>,
    edge: Option<BooleanBufferBuilder>,
    window: Option<BooleanBufferBuilder>,
    rows: usize,
    bytes: usize,
    /// Rows of the batches before.
    before: u64,
    most_bytes: usize,
}

impl<'a> Batches<'a> {
    fn new(reading: &'a Reading, ctx: &'a SplitContext) -> Result<Self> {
        let columns = decoders(&reading.schema, &reading.lenient)?;
        Ok(Self {
            columns,
            edge: reading.edge.then(|| BooleanBufferBuilder::new(ctx.batch_rows.min(1 << 16))),
            window: reading.window.then(|| BooleanBufferBuilder::new(ctx.batch_rows.min(1 << 16))),
            reading,
            ctx,
            rows: 0,
            bytes: 0,
            before: 0,
            most_bytes: ctx.batch_bytes().min(MOST_BATCH_BYTES),
        })
    }

    fn wants_more(&self) -> bool {
        self.rows < self.ctx.batch_rows && self.bytes < self.most_bytes
    }

    #[inline]
    fn push(&mut self, row: Cells<'_, '_>) -> Result<()> {
        let mut bytes = 0;
        for i in 0..self.columns.len() {
            let value = row.get(i)?;
            if let ValueRef::Text(data) | ValueRef::Blob(data) = value
                && bytes + data.len() >= LARGE_VALUE
            {
                self.admit(row, i, bytes + data.len())?;
            }
            match self.columns[i].push(value) {
                Ok(size) => bytes += size,
                Err(misfit) => return Err(self.misfit(Some(row), i, misfit)),
            }
        }
        let masks = [&mut self.edge, &mut self.window].into_iter().flatten();
        for (mask, at) in masks.zip(self.columns.len()..) {
            mask.append(matches!(row.get(at)?, ValueRef::Integer(n) if n != 0));
        }
        self.rows += 1;
        self.bytes += bytes;
        Ok(())
    }

    /// The batch; or what was wrong, and with which column.
    fn finish(&mut self) -> std::result::Result<Option<Batch>, (usize, Late)> {
        if self.rows == 0 {
            return Ok(None);
        }
        let rows = self.rows;
        let mut columns = Vec::with_capacity(self.columns.len());
        for (at, column) in self.columns.iter_mut().enumerate() {
            columns.push(column.finish(rows).map_err(|late| (at, late))?);
        }
        let mask = |mask: &mut Option<BooleanBufferBuilder>| mask.as_mut().map(|m| BooleanArray::new(m.finish(), None));
        let (edge, window) = (mask(&mut self.edge), mask(&mut self.window));
        self.ctx.add_bytes_read(self.bytes as u64);
        self.before += rows as u64;
        (self.rows, self.bytes) = (0, 0);
        let rows =
            RecordBatch::try_new(Arc::clone(&self.reading.schema), columns).map_err(|e| (0, Error::from(e).into()))?;
        Ok(Some(Batch { rows, edge, window }))
    }

    #[cold]
    fn admit(&self, row: Cells<'_, '_>, column: usize, bytes: usize) -> Result<()> {
        self.ctx.admit_row(bytes, || self.describe(Some(row), column))
    }

    fn describe(&self, row: Option<Cells<'_, '_>>, column: usize) -> String {
        let name = self.reading.schema.field(column).name();
        let id = if self.reading.rowid {
            let at = self.columns.len() + usize::from(self.reading.edge) + usize::from(self.reading.window);
            row.and_then(|row| row.get(at).ok()?.as_i64().ok()).map(|id| format!("rowid {id}"))
        } else {
            None
        };
        let id = id.unwrap_or_else(|| format!("row {}", grouped(self.before + self.rows as u64 + 1)));
        format!("{}, {id}, column {name}", self.reading.at)
    }

    #[cold]
    fn misfit(&self, row: Option<Cells<'_, '_>>, column: usize, misfit: Misfit) -> Error {
        let field = self.reading.schema.field(column);
        let null = misfit.0 == "NULL";
        let error = if null {
            Error::failed("NULL where the table says NOT NULL")
        } else {
            Error::failed(format!("{} where {} was expected", misfit.0, expected(field.data_type())))
        };
        let error = error.at(self.describe(row, column));
        match self.reading.advice {
            MisfitAdvice::ChooseType if null => error.next("look at the database with `PRAGMA integrity_check`"),
            MisfitAdvice::ChooseType => {
                // Text takes every number and text as it is; a blob, and text that is not UTF-8, only bytes can take. A
                // column of blobs goes on as bytes, which take everything.
                let bytes = misfit.0 == "a blob"
                    || misfit.0.ends_with("not UTF-8")
                    || field.data_type() == &arrow_schema::DataType::Binary;
                let word = if bytes { "binary" } else { "text" };
                error.next_set(Part::Home, format!("columns: {{{}: {word}}}", yaml(field.name())))
            }
            MisfitAdvice::SettleAnew => error.next("find out who else writes here, or settle anew with --full-drop"),
        }
    }
}

/// A decoder for each column of a schema.
pub(crate) fn decoders(schema: &Schema, lenient: &[bool]) -> Result<Vec<Box<dyn Decode>>> {
    let one = |(field, lenient): (&Arc<arrow_schema::Field>, &bool)| {
        decoder(field.data_type(), field.is_nullable(), *lenient).ok_or_else(|| {
            Error::refused(format!("SQLite values cannot be read as {}", field.data_type()))
                .at(format!("column {}", field.name()))
                .next("choose another type for the column")
        })
    };
    schema.fields().iter().zip(lenient).map(one).collect()
}
