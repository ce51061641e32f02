//! A load: one transaction, fed split by split, that ends with the receipt.

pub(super) mod settle;
mod writer;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hygge_core::context::{Context, SplitContext};
use hygge_core::fault::{self, FailPoint};
use hygge_core::home::BatchStream;
use hygge_core::place::PlaceId;
use hygge_core::receipt::Receipt;
use hygge_core::split::{Split, Staged};
use hygge_core::store::{Attempt, Commit, Live, Load, LoadPlan, LoadSpec, Place, Settled};
use hygge_core::{Error, Result, Retry};
use rusqlite::{Connection, ErrorCode};

use self::writer::SqliteWriter;
use super::kept::Kept;
use super::target::{Target, Way};
use super::{ledger, live, made, reading, table_of};
use crate::files::place::lock::PlaceLock;
use crate::files::platform::Identity;
use crate::sqlite::connect::{Interrupter, Opening, Readers, open_writing, while_busy};
use crate::sqlite::fault::{explain, explain_or_cancelled, is_busy};
use crate::sqlite::file::DbFile;
use crate::sqlite::names::quoted;
use crate::sqlite::stream;

/// A table held by this run.
pub(super) struct SqlitePlace {
    pub(super) file: DbFile,
    pub(super) busy: Duration,
    pub(super) place: PlaceId,
    pub(super) kept: Arc<Kept>,
    /// Held as long as this lives. Should it be taken away, the number of the last commit still decides.
    pub(super) _lock: PlaceLock,
    pub(super) last: Option<Receipt>,
}

impl Place for SqlitePlace {
    fn last_receipt(&self) -> Option<&Receipt> {
        self.last.as_ref()
    }

    fn live(&self, _: &Context) -> Result<Live> {
        let Some(last) = &self.last else { return Ok(Live::Present) };
        let readers = Readers::open(&self.file, self.file.header()?, Opening::one(self.busy))?;
        live(&readers.connections[0], last, table_of(&self.place)).map_err(|e| explain(e, "read", &self.file.shown))
    }

    fn open(self: Box<Self>, ctx: &Context, spec: &LoadSpec, _: &LoadPlan) -> Result<Box<dyn Load>> {
        ctx.cancel.check()?;
        self.kept.keep(&self.file, self.busy)?;
        let (conn, made) = open_or_make(&self.file, self.busy)?;
        let opened = Identity::at(&self.file.real()).map_err(|e| Error::io("look at", &self.file.path, e))?;
        Ok(Box::new(SqliteLoad {
            shared: Arc::new(Shared {
                state: Mutex::new(State { conn: Some(conn), ..State::default() }),
                spec: spec.clone(),
                place: *self,
                made,
                opened,
            }),
        }))
    }
}

/// Opens the database for writing; true if it was made just now.
fn open_or_make(file: &DbFile, busy: Duration) -> Result<(Connection, bool)> {
    let told = |e| explain(e, "write to", &file.shown);
    let make = !file.path.exists() || file.header()?.empty;
    let conn = open_writing(file, make, busy).map_err(told)?;
    if make {
        conn.query_row("PRAGMA journal_mode=WAL", [], |_| Ok(())).map_err(told)?;
    }
    conn.execute_batch("PRAGMA synchronous=FULL").map_err(told)?;
    if make {
        sync_folder(file)?;
    }
    Ok((conn, make))
}

/// Makes the name of the database durable.
fn sync_folder(file: &DbFile) -> Result<()> {
    let real = file.real();
    let Some(folder) = real.parent() else { return Ok(()) };
    std::fs::File::open(folder).and_then(|f| f.sync_all()).map_err(|e| Error::io("sync", folder, e))
}

struct SqliteLoad {
    shared: Arc<Shared>,
}

/// What a load and its writers share.
struct Shared {
    spec: LoadSpec,
    made: bool,
    /// The file that the connection was opened on.
    opened: Option<Identity>,
    state: Mutex<State>,
    /// Dropped last: the lock is held until the connection is closed.
    place: SqlitePlace,
}

#[derive(Default)]
struct State {
    /// Absent while a stream reads back.
    conn: Option<Connection>,
    /// Set once the transaction has begun.
    target: Option<Target>,
    /// The greatest rowid of the rows that were there before, where that tells them from ours.
    behind: Option<i64>,
    staged: BTreeMap<u32, Staged>,
    /// An attempt is being written.
    writing: bool,
}

impl State {
    fn conn(&self) -> Result<&Connection> {
        self.conn.as_ref().ok_or_else(|| Error::bug("the connection of a load is read and written at once"))
    }

    /// The target, once the transaction has begun.
    fn target(&self) -> Result<&Target> {
        self.target.as_ref().ok_or_else(|| Error::bug("a load was used before its transaction"))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shown(&self) -> &str {
        &self.spec.place.shown
    }

    fn last_seq(&self) -> u64 {
        self.place.last.as_ref().map_or(0, |last| last.seq)
    }

    /// Begins the transaction, unless it has begun.
    fn begin(&self, state: &mut State, ctx: &Context, memory: usize) -> Result<()> {
        let told = |e| explain_or_cancelled(e, "write to", self.shown(), &ctx.cancel);
        if state.target.is_some() {
            if state.conn()?.is_autocommit() {
                return Err(Error::failed("the database ended the transaction of the load; nothing of it was written")
                    .at(self.shown())
                    .retry_as(Retry::Run));
            }
            return Ok(());
        }
        let conn = state.conn()?;
        conn.execute_batch(&format!("PRAGMA cache_size=-{}", (memory / 1024).max(2000))).map_err(told)?;
        while_busy(self.place.busy, &ctx.cancel, || conn.execute_batch("BEGIN IMMEDIATE")).map_err(told)?;
        match self.prepare(conn, ctx) {
            Ok((target, behind)) => {
                state.behind = behind;
                state.target = Some(target);
                Ok(())
            }
            Err(error) => {
                let _ = conn.execute_batch("ROLLBACK");
                Err(error)
            }
        }
    }

    /// Makes the table ready, inside the transaction.
    fn prepare(&self, conn: &Connection, ctx: &Context) -> Result<(Target, Option<i64>)> {
        let told = |e| explain_or_cancelled(e, "write to", self.shown(), &ctx.cancel);
        self.check_seq(conn)?;
        let table = table_of(&self.spec.place);
        let target = Target::find(conn, &self.spec, self.place.last.as_ref(), table, self.shown())?;
        conn.execute_batch("PRAGMA defer_foreign_keys=ON").map_err(told)?;
        let behind = match target.way {
            Way::Behind(rowid) => {
                let sql = format!("SELECT max({rowid}) FROM {}", quoted(&target.table));
                Some(conn.query_row(&sql, [], |r| r.get::<_, Option<i64>>(0)).map_err(told)?.unwrap_or(0))
            }
            _ => None,
        };
        for statement in target.begin(&self.spec.schema)? {
            conn.execute_batch(&statement).map_err(|e| {
                if target.key_index.as_ref() == Some(&statement) && writer::unique_columns(&e).is_some() {
                    return writer::twice_there(e, &target, self.shown());
                }
                writer::refused(e, &target, self.shown(), &ctx.cancel)
            })?;
        }
        Ok((target, behind))
    }

    /// The database must be the file that was opened: rows of a file that was removed or replaced go nowhere.
    fn check_file(&self) -> Result<()> {
        let file = &self.place.file;
        let there = Identity::at(&file.real()).map_err(|e| Error::io("look at", &file.path, e))?;
        if there.is_some() && there == self.opened {
            return Ok(());
        }
        Err(Error::failed(format!("{} was removed or replaced while the run was under way", file.shown))
            .next("leave the database in place while runs go on, then run again"))
    }

    /// The place must be as it was when its lock was taken.
    fn check_seq(&self, conn: &Connection) -> Result<()> {
        let seq = ledger::seq(conn, &self.spec.place).map_err(|e| explain(e, "read", self.shown()))?;
        if seq == self.last_seq() { Ok(()) } else { Err(self.moved_on()) }
    }

    fn moved_on(&self) -> Error {
        Error::moved_on(format!(
            "another run has settled in {} meanwhile; nothing of this one was written",
            self.shown()
        ))
    }

    /// Everything of the commit but the commit itself.
    fn finish(&self, state: &State, ctx: &Context, commit: &mut Commit) -> Result<()> {
        let (conn, target) = (state.conn()?, state.target()?);
        let told = |e| writer::refused(e, target, self.shown(), &ctx.cancel);
        if commit.receipt.seq != self.last_seq() + 1 {
            return Err(self.moved_on());
        }
        let named: Vec<u32> = commit.staged.iter().map(|s| s.split).collect();
        let staged: Vec<u32> = state.staged.keys().copied().collect();
        if commit.staged.len() != staged.len() || !named.iter().all(|split| state.staged.contains_key(split)) {
            return Err(Error::bug(format!("splits {named:?} were to be committed, and {staged:?} are staged")));
        }
        let rows = state.staged.values().map(|staged| staged.stored_rows).sum();
        self.settle(conn, target, ctx, rows, &mut commit.receipt)?;
        self.check_seq(conn)?;
        let columns: Vec<&String> = self.spec.schema.fields().iter().map(|f| f.name()).collect();
        let made = made(conn, &target.table).map_err(told)?;
        commit.receipt.live = serde_json::json!({
            "table": target.table, "columns": columns, "made": made, "made_by_hygge": target.ours,
        });
        let text = commit.receipt.to_json()?;
        ledger::leave(conn, &self.spec.place, &commit.receipt, &text).map_err(told)?;
        fault::pass(FailPoint::BeforeDatabaseCommit)?;
        self.check_file()
    }

    /// The only visible step.
    fn publish(&self, conn: &Connection, ctx: &Context) -> Result<()> {
        let answer = while_busy(self.place.busy, &ctx.cancel, || conn.execute_batch("COMMIT"));
        let Err(error) = answer else { return Ok(()) };
        let certain = !conn.is_autocommit();
        let broken = error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation);
        // Which reference it is can be told only while the rows are there.
        let broken = (broken && certain).then(|| self.reference_broken(conn));
        if certain {
            // The transaction is still open, so nothing of it is visible, and nothing will be.
            let _ = conn.execute_batch("ROLLBACK");
        }
        let full = error.sqlite_error_code() == Some(ErrorCode::DiskFull);
        if certain || full {
            let busy = is_busy(&error);
            let told = match broken {
                Some(told) => told.at(self.shown()).because(error),
                None => explain_or_cancelled(error, "commit to", self.shown(), &ctx.cancel),
            };
            return Err(if busy { told.retry_as(Retry::Run) } else { told });
        }
        let why = explain(error, "commit to", self.shown());
        Err(Error::commit_unknown(format!("the answer to the commit was lost: {}", why.found()))
            .next("check the disk, its file system and `ulimit -f`, then run again: the receipt tells what has settled")
            .because(why))
    }
}

impl Load for SqliteLoad {
    fn writer(&self, split: &Split, ctx: &SplitContext) -> Result<Attempt> {
        let mut state = self.shared.lock();
        if let Some(staged) = state.staged.get(&split.ordinal) {
            return Ok(Attempt::AlreadyStaged(staged.clone()));
        }
        if state.writing {
            return Err(Error::bug("two splits are written at once to a database that takes one"));
        }
        self.shared.begin(&mut state, &ctx.run, ctx.share.writer_bytes())?;
        let writer = SqliteWriter::begin(Arc::clone(&self.shared), &mut state, split.ordinal, ctx)?;
        Ok(Attempt::Write(Box::new(writer)))
    }

    fn read_back(&self, staged: &[Staged], ctx: &SplitContext) -> Result<Box<dyn BatchStream>> {
        let mut state = self.shared.lock();
        self.shared.begin(&mut state, &ctx.run, ctx.share.writer_bytes())?;
        let strange = staged.iter().find(|s| !state.staged.contains_key(&s.split));
        if let Some(strange) = strange {
            return Err(Error::bug(format!("split {} is to be read back and was never staged", strange.split)));
        }
        let target = state.target()?;
        let condition = match (&target.way, state.behind) {
            (Way::Behind(rowid), Some(behind)) => format!(" WHERE {rowid} > {behind}"),
            _ => String::new(),
        };
        let reading = reading(&self.shared.spec.schema, &target.into(), &condition, self.shared.shown());
        let conn = state.conn.take().ok_or_else(|| Error::bug("a load is read back twice at once"))?;
        drop(state);
        let shared = Arc::clone(&self.shared);
        stream::start(conn, Box::new(move |conn| shared.lock().conn = Some(conn)), reading, ctx)
    }

    fn commit(self: Box<Self>, ctx: &Context, mut commit: Commit) -> Result<Settled> {
        let mut state = self.shared.lock();
        self.shared.begin(&mut state, ctx, 0)?;
        // A merge's last statements touch every row; only the commit itself is never cut short.
        let interrupter = Interrupter::new(state.conn()?, &ctx.cancel);
        let finished = self.shared.finish(&state, ctx, &mut commit);
        drop(interrupter);
        if let Err(error) = finished {
            roll_back(&mut state);
            return Err(error);
        }
        ctx.cancel.check().inspect_err(|_| roll_back(&mut state))?;
        let published = self.shared.publish(state.conn()?, ctx);
        // Closing carries the log over, unless more tables are to come; the lock goes when all is closed.
        drop(state.conn.take());
        published?;
        self.shared.check_file().map_err(|e| unknown(&commit, e))?;
        if self.shared.made {
            // The log's name went with the closing; the database's own was made durable when it was made.
            sync_folder(&self.shared.place.file).map_err(|e| unknown(&commit, e))?;
        }
        fault::pass(FailPoint::DatabaseCommitted).map_err(|e| unknown(&commit, e))?;
        Ok(Settled { receipt: commit.receipt, cleanup: None })
    }

    fn abort(self: Box<Self>) {
        roll_back(&mut self.shared.lock());
    }
}

/// After the transaction committed, no error may say that it did not.
fn unknown(commit: &Commit, error: Error) -> Error {
    Error::commit_unknown(format!("the answer to commit {} was lost", commit.receipt.seq)).because(error)
}

fn roll_back(state: &mut State) {
    if let Some(conn) = state.conn.take() {
        if !conn.is_autocommit() {
            let _ = conn.execute_batch("ROLLBACK");
        }
        drop(conn);
    }
}
