mod adopted;
mod laws;
mod settling;
mod types;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use hygge_core::conformance::{context, split_context};
use hygge_core::context::Context;
use hygge_core::receipt::{Mode, Owner, Question, RECEIPT_FORMAT, Receipt};
use hygge_core::split::{Split, Staged};
use hygge_core::store::{Attempt, Commit, Coverage, Load, LoadSpec, Settled, Store};
use hygge_core::tally::{Tallier, Tally};
use hygge_core::{Advice, Error, Result};
use rusqlite::Connection;

use super::{SqliteStore, SqliteStoreConfig};

/// A store with the table `t` in a folder of its own.
struct Bench {
    dir: tempfile::TempDir,
    path: PathBuf,
    adopt: bool,
    key: Vec<String>,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("shop.db");
        Self { dir, path, adopt: false, key: Vec::new() }
    }

    /// One over a database that somebody else made.
    fn over(sql: &str) -> Self {
        let bench = Self::new();
        bench.sql(sql);
        bench
    }

    fn sql(&self, sql: &str) {
        Connection::open(&self.path).expect("open").execute_batch(sql).expect("sql");
    }

    /// What another program sees, a line a row.
    fn lines(&self, sql: &str) -> Vec<String> {
        lines(&self.path, sql)
    }

    fn store(&self) -> SqliteStore {
        store(&self.path)
    }

    fn spec(&self, schema: &SchemaRef, mode: &Mode) -> LoadSpec {
        LoadSpec {
            place: self.store().place(None).expect("a place"),
            owner: owner(),
            schema: schema.clone(),
            mode: mode.clone(),
            key: self.key.clone(),
            coverage: Coverage::Full,
            adopt: self.adopt,
            last_wins: false,
        }
    }

    fn open(&self, schema: &SchemaRef, mode: Mode) -> Result<Open> {
        let ctx = context(self.dir.path().to_owned());
        let store = self.store();
        let spec = self.spec(schema, &mode);
        let held = store.lock(&ctx, &spec.place, &owner())?;
        let last = held.last_receipt().cloned();
        let plan = store.plan(&ctx, &spec, last.as_ref())?;
        let load = held.open(&ctx, &spec, &plan)?;
        Ok(Open {
            schema: schema.clone(),
            ctx,
            load,
            mode,
            seq: last.map_or(0, |l| l.seq) + 1,
            staged: Vec::new(),
            tally: Tally::default(),
        })
    }

    fn settle(&self, mode: Mode, batch: &RecordBatch) -> Result<Receipt> {
        let mut open = self.open(&batch.schema(), mode)?;
        open.write(0, batch)?;
        open.commit().map(|settled| settled.receipt)
    }
}

/// A load in progress.
struct Open {
    schema: SchemaRef,
    ctx: Context,
    load: Box<dyn Load>,
    mode: Mode,
    seq: u64,
    staged: Vec<Staged>,
    tally: Tally,
}

impl Open {
    fn write(&mut self, ordinal: u32, batch: &RecordBatch) -> Result<()> {
        let Attempt::Write(mut writer) = self.load.writer(&split(ordinal), &split_context(&self.ctx, 100))? else {
            panic!("staged already")
        };
        writer.write(batch)?;
        let staged = writer.finish()?;
        assert_eq!(staged.stored_rows, batch.num_rows() as u64);
        self.tally = self.tally.plus(staged.tally);
        self.staged.push(staged);
        Ok(())
    }

    fn commit(self) -> Result<Settled> {
        let receipt = Receipt {
            format: RECEIPT_FORMAT,
            seq: self.seq,
            run: self.ctx.run.to_string(),
            committed_at: "2013-01-01T00:00:00Z".into(),
            owner: owner(),
            question: Question {
                home: "test".into(),
                source: "all".into(),
                columns: None,
                filter: None,
                cursor: None,
                key: Vec::new(),
                reading: None,
            },
            schema: self.schema,
            mode: self.mode,
            watermark: None,
            home_state: None,
            load: self.tally,
            total: None,
            replaced: None,
            adopted: None,
            proved: false,
            live: serde_json::Value::Null,
            writing: None,
        };
        self.load.commit(&self.ctx, Commit { receipt, staged: self.staged })
    }
}

fn store(path: &Path) -> SqliteStore {
    let mut config = SqliteStoreConfig::new(path, "shop.db");
    config.table = Some("t".into());
    config.busy_timeout = std::time::Duration::from_millis(200);
    SqliteStore::new(config)
}

fn owner() -> Owner {
    Owner { project: "tests".into(), flow: "flow".into(), entity: None }
}

fn split(ordinal: u32) -> Split {
    let label = format!("split {ordinal}");
    Split { ordinal, label, payload: serde_json::Value::Null, rows: None, bytes: None, window: false }
}

fn lines(path: &Path, sql: &str) -> Vec<String> {
    let conn = Connection::open(path).expect("open");
    let mut statement = conn.prepare(sql).expect("sql");
    let columns = statement.column_count();
    let mut rows = statement.query([]).expect("query");
    let mut out = Vec::new();
    while let Some(row) = rows.next().expect("row") {
        let cell = |i| match row.get::<_, rusqlite::types::Value>(i).expect("value") {
            rusqlite::types::Value::Null => "NULL".to_owned(),
            rusqlite::types::Value::Integer(v) => v.to_string(),
            rusqlite::types::Value::Real(v) => format!("{v:?}"),
            rusqlite::types::Value::Text(v) => v,
            rusqlite::types::Value::Blob(v) => format!("{v:02x?}"),
        };
        out.push((0..columns).map(cell).collect::<Vec<_>>().join("|"));
    }
    out
}

fn advice(error: &Error) -> String {
    match error.advice() {
        Some(Advice::Set { line, .. }) => line.clone(),
        Some(Advice::Anew(more)) => format!("--full-drop {more}"),
        Some(Advice::Do(text)) => text.clone(),
        None => String::new(),
    }
}

fn tally(batch: &RecordBatch) -> Tally {
    let mut tallier = Tallier::new(&batch.schema());
    tallier.add(batch).expect("fits");
    tallier.tally()
}

/// Rows of the laws' table.
fn people(from: i64, to: i64) -> RecordBatch {
    hygge_core::conformance::batch(&hygge_core::conformance::rows(from, to))
}

fn shared(batch: &RecordBatch) -> SchemaRef {
    Arc::clone(&batch.schema())
}
