mod cursors;
mod laws;
mod reading;
mod types;
mod unchanged;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arrow_array::RecordBatch;
use arrow_select::concat::concat_batches;
use hygge_core::budget::Budget;
use hygge_core::context::{Cancellation, Context, SplitContext, SystemClock};
use hygge_core::event::Silent;
use hygge_core::home::{Home, Opened, ReadRequest, Scan, Source};
use hygge_core::{Advice, Error};
use rusqlite::Connection;

use super::{SqliteHome, SqliteHomeConfig};

/// A database in a folder of its own.
struct Db {
    dir: tempfile::TempDir,
    path: PathBuf,
    conn: Connection,
}

impl Db {
    fn of(sql: &str) -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("shop.db");
        let conn = Connection::open(&path).expect("open");
        conn.busy_timeout(std::time::Duration::from_secs(20)).expect("timeout");
        conn.execute_batch(sql).expect("sql");
        Self { dir, path, conn }
    }

    fn run(&self, sql: &str) {
        self.conn.execute_batch(sql).expect("sql");
    }

    fn home(&self) -> SqliteHome {
        SqliteHome::new(config(&self.path))
    }

    fn files(&self) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(self.dir.path())
            .expect("folder")
            .map(|e| e.expect("entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

fn config(path: &Path) -> SqliteHomeConfig {
    let mut config = SqliteHomeConfig::new(path, "shop.db");
    config.busy_timeout = std::time::Duration::from_secs(20);
    config
}

fn context() -> Context {
    Context {
        run: "run".into(),
        root: Arc::new(PathBuf::from("/")),
        budget: Budget::new(256 << 20, 4).expect("budget"),
        cancel: Cancellation::default(),
        clock: Arc::new(SystemClock),
        observer: Arc::new(Silent),
    }
}

fn split_context(ctx: &Context, batch_rows: usize) -> SplitContext {
    SplitContext {
        run: ctx.clone(),
        share: ctx.budget.share(&ctx.cancel).expect("share"),
        attempt: 1,
        batch_rows,
        bytes_read: Arc::new(AtomicU64::new(0)),
    }
}

fn table(name: &str) -> ReadRequest {
    ReadRequest::all(Source::Table(name.into()))
}

fn query(sql: &str) -> ReadRequest {
    ReadRequest::all(Source::Query(sql.into()))
}

fn open(home: &SqliteHome, request: &ReadRequest) -> Result<Box<dyn Scan>, Error> {
    match home.open(&context(), request)? {
        Opened::Scan(scan) => Ok(scan),
        Opened::Unchanged(how) => panic!("unchanged: {}", how.why),
    }
}

fn refusal(home: &SqliteHome, request: &ReadRequest) -> Error {
    match open(home, request) {
        Ok(_) => panic!("was opened: {request:?}"),
        Err(error) => error,
    }
}

/// What is advised, as one line.
fn advice(error: &Error) -> String {
    match error.advice() {
        Some(Advice::Set { line, .. }) => line.clone(),
        Some(Advice::Anew(more)) => format!("--full-drop {more}"),
        Some(Advice::Do(text)) => text.clone(),
        None => String::new(),
    }
}

/// All rows of all splits, one split after the other, with the edge.
fn rows_and_edge(scan: &dyn Scan, batch_rows: usize) -> Result<(RecordBatch, Vec<bool>), Error> {
    let ctx = context();
    let mut batches = Vec::new();
    let mut edge = Vec::new();
    for split in scan.splits() {
        let mut stream = scan.read(split, &split_context(&ctx, batch_rows))?;
        while let Some(batch) = stream.next()? {
            assert!(batch.rows.num_rows() <= batch_rows && batch.rows.num_rows() > 0);
            assert_eq!(batch.rows.schema(), scan.schema());
            edge.extend(batch.edge.iter().flatten().map(|e| e.expect("no NULL")));
            batches.push(batch.rows);
        }
    }
    Ok((concat_batches(&scan.schema(), &batches).expect("one schema"), edge))
}

fn rows(scan: &dyn Scan) -> Result<RecordBatch, Error> {
    rows_and_edge(scan, 1000).map(|(rows, _)| rows)
}

/// A column as text, for short comparisons.
fn texts(batch: &RecordBatch, column: &str) -> Vec<String> {
    let column = batch.column_by_name(column).expect("column");
    (0..column.len()).map(|i| arrow_cast::display::array_value_to_string(column, i).expect("shown")).collect()
}
