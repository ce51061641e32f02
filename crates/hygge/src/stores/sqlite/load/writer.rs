//! One attempt at a split: a savepoint inside the load's transaction.

use std::sync::Arc;

use arrow_array::{Array, RecordBatch};
use hygge_core::context::{Cancellation, SplitContext};
use hygge_core::split::Staged;
use hygge_core::store::Writer;
use hygge_core::tally::Tallier;
use hygge_core::{Error, Result};
use rusqlite::{Connection, ErrorCode};

use super::{Shared, State};
use crate::sqlite::connect::Interrupter;
use crate::sqlite::fault::{explain_or_cancelled, message};
use crate::sqlite::names::{grouped, list, quoted, same_names};
use crate::stores::sqlite::bind::{Bind, Unfit, binder};
use crate::stores::sqlite::target::{Target, Way};

/// Rows on their way into the transaction.
pub(super) struct SqliteWriter {
    shared: Arc<Shared>,
    split: u32,
    ctx: SplitContext,
    /// The statement that inserts one row.
    insert: String,
    tallier: Tallier,
    /// Rows that SQLite says it took.
    stored: u64,
    bytes: u64,
    open: bool,
}

impl SqliteWriter {
    /// Begins an attempt.
    pub(super) fn begin(shared: Arc<Shared>, state: &mut State, split: u32, ctx: &SplitContext) -> Result<Self> {
        let told = |e| explain_or_cancelled(e, "write to", shared.shown(), ctx.cancel());
        state.conn()?.execute_batch("SAVEPOINT attempt").map_err(told)?;
        let fields = shared.spec.schema.fields();
        let values = vec!["?"; fields.len()].join(", ");
        let columns = list(fields.iter().map(|f| f.name().as_str()));
        // OR ABORT: what the table says ON CONFLICT (IGNORE, REPLACE) would let rows vanish without a word.
        let insert = format!("INSERT OR ABORT INTO {} ({columns}) VALUES ({values})", state.target()?.into());
        state.writing = true;
        let tallier = Tallier::new(&shared.spec.schema);
        Ok(Self { split, ctx: ctx.clone(), insert, tallier, stored: 0, bytes: 0, open: true, shared })
    }

    /// No row is without its key, or without a value that SQLite would make up.
    fn check_key(&self, target: &Target, batch: &RecordBatch) -> Result<()> {
        let null = |name: &str| {
            let schema = batch.schema();
            let column = schema.fields().iter().position(|field| field.name().eq_ignore_ascii_case(name))?;
            let nulls = batch.column(column).logical_nulls().filter(|nulls| nulls.null_count() > 0)?;
            let row = (0..batch.num_rows()).find(|&row| nulls.is_null(row))?;
            Some(self.place_of(row, schema.field(column).name()))
        };
        for name in &target.key {
            if let Some(at) = null(name) {
                return Err(Error::failed(format!("{name} is part of the key, and is NULL in a row"))
                    .at(at)
                    .next("give such rows a value in the source, or take them out of it, or choose another `key:`"));
            }
        }
        if let Some((name, at)) = target.numbered.as_ref().and_then(|name| Some((name, null(name)?))) {
            let table = &target.table;
            return Err(Error::failed(format!("{name} is NULL in a row, for which {table} would make up a number"))
                .at(at)
                .next(format!(
                    "give such rows a value in the source, or take them out of it, or let the flow settle in a table \
                     whose {name} is no INTEGER PRIMARY KEY"
                )));
        }
        Ok(())
    }

    /// Where a row of a batch is, for people.
    fn place_of(&self, row: usize, column: &str) -> String {
        let row = grouped(i128::from(self.stored) + row as i128 + 1);
        format!("{}, row {row} of the split, column {column}", self.shared.shown())
    }

    fn insert(&self, conn: &Connection, target: &Target, batch: &RecordBatch) -> Result<u64> {
        let told = |e| refused(e, target, self.shared.shown(), self.ctx.cancel());
        let binders: Vec<Bind<'_>> =
            batch.columns().iter().zip(1..).map(|(column, at)| binder(column.as_ref(), at)).collect::<Result<_>>()?;
        let mut statement = conn.prepare(&self.insert).map_err(told)?;
        let mut stored = 0;
        for row in 0..batch.num_rows() {
            for (column, bind) in binders.iter().enumerate() {
                if let Err(unfit) = bind(&mut statement, row) {
                    return Err(match unfit {
                        Unfit::Sql(error) => told(error),
                        Unfit::Value(what) => self.unfit(batch, row, column, what),
                    });
                }
            }
            stored += statement.raw_execute().map_err(told)? as u64;
        }
        Ok(stored)
    }

    #[cold]
    fn unfit(&self, batch: &RecordBatch, row: usize, column: usize, what: &str) -> Error {
        let schema = batch.schema();
        Error::failed(format!("{what}, which SQLite cannot hold"))
            .at(self.place_of(row, schema.field(column).name()))
            .next("leave such rows out, or turn the column into text in the source")
    }
}

impl Writer for SqliteWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.ctx.cancel().check()?;
        let shared = Arc::clone(&self.shared);
        let state = shared.lock();
        let (conn, target) = (state.conn()?, state.target()?);
        self.check_key(target, batch)?;
        let interrupter = Interrupter::new(conn, self.ctx.cancel());
        self.stored += self.insert(conn, target, batch)?;
        drop(interrupter);
        self.bytes += batch.get_array_memory_size() as u64;
        self.tallier.add(batch)
    }

    fn finish(mut self: Box<Self>) -> Result<Staged> {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.lock();
        let told = |e| explain_or_cancelled(e, "write to", shared.shown(), self.ctx.cancel());
        state.conn()?.execute_batch("RELEASE attempt").map_err(told)?;
        self.open = false;
        state.writing = false;
        let staged = Staged {
            split: self.split,
            attempt: self.ctx.attempt,
            tally: self.tallier.tally(),
            stored_rows: self.stored,
            bytes: self.bytes,
            payload: serde_json::Value::Null,
        };
        state.staged.insert(self.split, staged.clone());
        Ok(staged)
    }
}

impl Drop for SqliteWriter {
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        let mut state = self.shared.lock();
        state.writing = false;
        if let Some(conn) = state.conn.as_ref().filter(|conn| !conn.is_autocommit()) {
            // Should this fail, the transaction must not go on as if the attempt had never been.
            if conn.execute_batch("ROLLBACK TO attempt; RELEASE attempt").is_err() {
                let _ = conn.execute_batch("ROLLBACK");
            }
        }
    }
}

/// What SQLite said against a row or a statement.
pub(super) fn refused(error: rusqlite::Error, target: &Target, shown: &str, cancel: &Cancellation) -> Error {
    if error.sqlite_error_code() != Some(ErrorCode::ConstraintViolation) {
        return explain_or_cancelled(error, "write to", shown, cancel);
    }
    let key = target.key.join(", ");
    // SQLite's sentences name constraint and columns, never values.
    let told = match unique_columns(&error) {
        None if target.ours && message(&error).starts_with("NOT NULL constraint failed") => {
            Error::failed(format!("the table does not take a row: {}", message(&error)))
                .next_anew("to make the table as the rows are now")
        }
        None => Error::failed(format!("the table does not take a row: {}", message(&error)))
            .next("correct the rows, or change the table's constraint"),
        Some(columns) => {
            let on_key = same_names(&columns, &target.key);
            let adds = matches!(target.way, Way::Behind(_) | Way::StagedAppend);
            if on_key && target.way != Way::StagedAppend {
                Error::failed(format!("two rows have the same key ({key})"))
                    .next("choose a `key:` that tells all rows apart, or correct the source")
            } else if adds && (on_key || key.is_empty()) {
                Error::failed("a row with the same unique columns is there already")
                    .next("let the flow merge on them: set `key:`")
            } else {
                let columns = columns.join(", ");
                Error::failed(format!("two rows have the same {columns}, which {} holds once each", target.table))
                    .next("correct the source, or take the unique constraint off the table")
            }
        }
    };
    told.at(shown).because(error)
}

/// The columns, or the index, that a row of another has already; none if it is another error.
pub(super) fn unique_columns(error: &rusqlite::Error) -> Option<Vec<String>> {
    // `UNIQUE constraint failed: t.a, t.b`, or `UNIQUE constraint failed: index 'by_lower'`.
    let text = message(error);
    let columns = text.strip_prefix("UNIQUE constraint failed: ")?;
    Some(columns.split(", ").map(|c| c.rsplit('.').next().unwrap_or(c).to_owned()).collect())
}

/// Rows of the table itself, of which the key tells some not apart.
pub(super) fn twice_there(error: rusqlite::Error, target: &Target, shown: &str) -> Error {
    let key = list(target.key.iter().map(String::as_str));
    let table = quoted(&target.table);
    Error::failed(format!("{} holds rows with the same key ({}) already", target.table, target.key.join(", ")))
        .at(shown)
        .next(format!(
            "keep one of each that `SELECT {key} FROM {table} GROUP BY {key} HAVING count(*) > 1` finds, or choose \
             another `key:`"
        ))
        .because(error)
}
