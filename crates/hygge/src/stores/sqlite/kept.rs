//! A connection that stays open from one table's load to the next.
//!
//! Whoever closes a database in WAL mode as the last one carries the log over into it and takes it away: two more waits for
//! the disk, and two for the next load, which has to make the log anew. With many tables those are most of all waits.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hygge_core::Result;
use rusqlite::Connection;

use crate::files::platform::Identity;
use crate::sqlite::connect::open_writing;
use crate::sqlite::file::DbFile;

/// What a store keeps open; closed with the store, at the end of the run.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Whether a table has been loaded before.
    again: bool,
    open: Option<(Identity, Connection)>,
}

impl Kept {
    /// Keeps the database open from the second load on: one that is loaded once is left as it always was.
    ///
    /// # Errors
    /// If the header cannot be read.
    pub(super) fn keep(&self, file: &DbFile, busy: Duration) -> Result<()> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let there = Identity::at(&file.real()).ok().flatten();
        if state.open.as_ref().is_some_and(|(identity, _)| Some(*identity) != there) {
            // Another file has its name.
            state.open = None;
        }
        let again = std::mem::replace(&mut state.again, true);
        let Some(identity) = there.filter(|_| again && state.open.is_none()) else { return Ok(()) };
        if !file.header()?.wal {
            return Ok(());
        }
        // It takes part only once it has looked at the log. Where that fails, loads only take longer.
        let entered = open_writing(file, false, busy)
            .and_then(|conn| conn.execute_batch("SELECT 1 FROM sqlite_schema LIMIT 1").map(|()| conn));
        state.open = entered.ok().map(|conn| (identity, conn));
        Ok(())
    }
}
