//! Connections: several readers that show one state, and a database that is left as it was found.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hygge_core::context::{CancelGuard, Cancellation};
use hygge_core::{Error, Result};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::fault::{explain, is_busy};
use super::file::{DbFile, Header, Stamp};
use crate::files::platform;

/// How long to wait for a lock of another program, where nothing else is configured.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How readers are to be opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opening {
    /// How many; fewer are given where no one state can be had for all.
    pub(crate) readers: usize,
    /// Take no lock beyond what reading takes, and mend nothing.
    pub(crate) no_trace: bool,
    /// How long to wait for another program's lock.
    pub(crate) busy: Duration,
}

impl Opening {
    /// One reader that leaves no trace.
    pub(crate) fn one(busy: Duration) -> Self {
        Self { readers: 1, no_trace: true, busy }
    }
}

/// Connections that all read one state of a database.
///
/// The readers close before the keeper: a database in WAL mode is entered with files beside it, and only a connection
/// that may write takes them away again.
pub(crate) struct Readers {
    pub(crate) connections: Vec<Connection>,
    /// Set where the file could only be read by trusting that nobody writes: it must look the same in the end.
    pub(crate) pinned: Option<Stamp>,
    /// Kept open until the readers have closed.
    pub(crate) keeper: Option<Connection>,
}

impl Readers {
    /// Opens the database and fixes its state.
    ///
    /// # Errors
    /// If it cannot be read; transient when another program has it locked.
    pub(crate) fn open(file: &DbFile, header: Header, how: Opening) -> Result<Self> {
        let may_change = platform::may_change(&file.real()).is_ok();
        if header.wal && !may_change && !file.is_entered() && file.waiting() == 0 {
            // Entering would leave files beside it that nobody may write, and so lock out whoever may write it.
            return Self::immutable(file, how);
        }
        match Self::begin(file, header, how) {
            Ok(readers) => Ok(readers),
            Err(error) if needs_recovery(&error) && !how.no_trace => {
                // A program died in a transaction; whoever may write puts that right by looking at it.
                let mender = open(file, OpenFlags::SQLITE_OPEN_READ_WRITE, how.busy)
                    .and_then(|c| c.execute_batch("BEGIN IMMEDIATE; ROLLBACK").map(|()| c));
                let mender = mender.map_err(|e| explain(e, "read", &file.shown))?;
                let readers = Self::begin(file, header, how).map_err(|e| explain(e, "read", &file.shown));
                drop(mender);
                readers
            }
            Err(error) if needs_recovery(&error) => {
                Err(Error::refused(format!("{} holds an unfinished transaction of a program that died", file.shown))
                    .next(format!("let SQLite mend it: sqlite3 {} 'SELECT 1'", file.shown))
                    .because(error))
            }
            Err(error) if header.wal && cannot_enter(&error) && file.waiting() == 0 => Self::immutable(file, how),
            Err(error) => Err(explain(error, "read", &file.shown)),
        }
    }

    fn begin(file: &DbFile, header: Header, how: Opening) -> rusqlite::Result<Self> {
        let guarded = how.readers > 1 && !how.no_trace;
        let mut keeper = None;
        if header.wal || guarded {
            keeper = open(file, OpenFlags::SQLITE_OPEN_READ_WRITE, how.busy)
                .ok()
                .filter(|c| matches!(c.is_readonly("main"), Ok(false)));
        }
        if let (true, Some(keeper)) = (header.wal, &keeper) {
            // What others left in the log is theirs to carry over.
            keeper.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, file.waiting() > 0)?;
            // A connection that never looked at the log does not take it away either.
            keeper.execute_batch("SELECT 1 FROM sqlite_schema LIMIT 1")?;
        }
        let holds = guarded && keeper.as_ref().is_some_and(|k| k.execute_batch("BEGIN IMMEDIATE").is_ok());
        let count = if holds { how.readers } else { 1 };
        let mut connections = Vec::with_capacity(count);
        for _ in 0..count {
            let reader = open(file, OpenFlags::SQLITE_OPEN_READ_ONLY, how.busy)?;
            // BEGIN alone takes no snapshot; the first read does.
            reader.execute_batch("BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1")?;
            connections.push(reader);
        }
        if let (true, Some(keeper)) = (holds, &keeper) {
            keeper.execute_batch("ROLLBACK")?;
        }
        Ok(Self { connections, pinned: None, keeper })
    }

    /// A database in WAL mode that may not be written, or lies in a folder that may not be, with nothing in its log: read
    /// as it lies.
    fn immutable(file: &DbFile, how: Opening) -> Result<Self> {
        let told = |e| explain(e, "read", &file.shown);
        let pinned = file.stamp()?;
        let uri = format!("file:{}?immutable=1", escaped(&file.real().to_string_lossy()));
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let reader = Connection::open_with_flags(uri, flags).map_err(told)?;
        prepare(&reader, how.busy).map_err(told)?;
        reader.execute_batch("BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1").map_err(told)?;
        Ok(Self { connections: vec![reader], pinned, keeper: None })
    }
}

/// Opens a database for writing; `create` makes it where it is missing.
pub(crate) fn open_writing(file: &DbFile, create: bool, busy: Duration) -> rusqlite::Result<Connection> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    if create {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    open(file, flags, busy)
}

fn open(file: &DbFile, flags: OpenFlags, busy: Duration) -> rusqlite::Result<Connection> {
    // Without SQLITE_OPEN_URI a path is a path, whatever it looks like.
    let conn = Connection::open_with_flags(file.real(), flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    prepare(&conn, busy)?;
    Ok(conn)
}

fn prepare(conn: &Connection, busy: Duration) -> rusqlite::Result<()> {
    conn.busy_timeout(busy)?;
    // A column misspelt in double quotes must be an error, never a text.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    Ok(())
}

fn needs_recovery(error: &rusqlite::Error) -> bool {
    const READONLY_RECOVERY: i32 = 8 | (1 << 8);
    const READONLY_ROLLBACK: i32 = 8 | (3 << 8);
    error.sqlite_error().is_some_and(|e| matches!(e.extended_code, READONLY_RECOVERY | READONLY_ROLLBACK))
}

fn cannot_enter(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

fn escaped(path: &str) -> String {
    path.replace('%', "%25").replace('?', "%3f").replace('#', "%23")
}

/// Interrupts what a connection does as soon as the run is told to stop.
pub(crate) struct Interrupter {
    _guard: CancelGuard,
    over: Arc<AtomicBool>,
}

impl Interrupter {
    pub(crate) fn new(conn: &Connection, cancel: &Cancellation) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let handle = conn.get_interrupt_handle();
        let guard = cancel.on_cancel({
            let over = Arc::clone(&over);
            move || {
                if !over.load(Ordering::Acquire) {
                    handle.interrupt();
                }
            }
        });
        Self { _guard: guard, over }
    }
}

impl Drop for Interrupter {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
    }
}

/// Runs `work` until it no longer finds the database locked, `busy` is over, or the run is told to stop.
pub(crate) fn while_busy<T>(
    busy: Duration,
    cancel: &Cancellation,
    mut work: impl FnMut() -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let end = Instant::now() + busy;
    loop {
        match work() {
            Err(error) if is_busy(&error) && Instant::now() < end && !cancel.is_asked() => {
                cancel.sleep(Duration::from_millis(20));
            }
            answer => return answer,
        }
    }
}
