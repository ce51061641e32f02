//! One state of a database, read split by split by the connections that show it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arrow_schema::SchemaRef;
use hygge_core::context::{Context, SplitContext};
use hygge_core::event::Note;
use hygge_core::home::{BatchStream, Repeat, Scan};
use hygge_core::split::Split;
use hygge_core::watermark::Bound;
use hygge_core::{Error, Result};
use rusqlite::Connection;
use rusqlite::types::Value;
use serde::{Deserialize, Serialize};

use super::cursor::Cursor;
use crate::sqlite::file::{DbFile, Stamp};
use crate::sqlite::names::{list, quoted};
use crate::sqlite::stream::{self, MisfitAdvice, Reading};
use crate::sqlite::tables::MOST_COLUMNS;

/// How long a file must have been at rest before its stamp is believed: clocks of file systems tick that slowly.
const AT_REST: Duration = Duration::from_millis(20);

/// Which rows a split holds, of those that the scan reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Part {
    /// All of them.
    All,
    /// From the old `low` to the old end.
    Window,
    /// Above the old end.
    Above,
}

/// A split in this home's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Range {
    pub(super) part: Part,
    /// The least id, inclusive.
    pub(super) from: Option<i64>,
    /// The end of the ids, exclusive.
    pub(super) below: Option<i64>,
    /// Holds the window of the last watermark.
    pub(super) window: bool,
}

/// The statement, but for the split.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) schema: SchemaRef,
    pub(super) lenient: Vec<bool>,
    pub(super) from: String,
    pub(super) at: String,
    pub(super) filter: Option<String>,
    /// The rowid or integer key that splits are ranges of, as SQL.
    pub(super) id: Option<String>,
    /// The column that `id` is, where it is one.
    pub(super) id_column: Option<String>,
    /// Whether `id` is a rowid, fit for messages.
    pub(super) rowid: bool,
    pub(super) cursor: Option<Cursor>,
}

impl Plan {
    /// The columns as SQL, or as many of them.
    pub(super) fn columns(&self, most: usize) -> String {
        list(self.schema.fields().iter().take(most).map(|f| f.name().as_str()))
    }

    /// The statement of one split.
    pub(super) fn reading(&self, range: Range) -> Result<Reading> {
        let mut params: Vec<Value> = Vec::new();
        let mut param = |value: Value| {
            params.push(value);
            format!("?{}", params.len())
        };
        let mut select = self.columns(usize::MAX);
        // The rowid only serves to name rows; in the widest tables there is no room for it, and rows are counted.
        let rowid = self.rowid && self.schema.fields().len() < MOST_COLUMNS;
        let mut conditions = Vec::new();
        if let Some(cursor) = &self.cursor {
            let c = quoted(&cursor.column);
            let low = param(cursor.class.value(&cursor.bound.low)?);
            select.extend([", ", &c, " >= ", &low]);
            if let (Some(old), true) = (&cursor.old, range.window) {
                let upper = param(cursor.class.value(&old.upper)?);
                select.extend([", ", &c, " <= ", &upper]);
            }
            // Comparing leaves NULLs out.
            let end = if cursor.bound.inclusive { "<=" } else { "<" };
            let upper = cursor.class.value(&cursor.bound.upper)?;
            match (&cursor.old, range.part) {
                (Some(old), Part::Window) => {
                    conditions.push(format!("{c} >= {}", param(cursor.class.value(&old.low)?)));
                    conditions.push(format!("{c} <= {}", param(cursor.class.value(&old.upper)?)));
                }
                (Some(old), Part::Above) => {
                    // What was left at the old end because of too many ties is new now.
                    let start = if old.inclusive { ">" } else { ">=" };
                    conditions.push(format!("{c} {start} {}", param(cursor.class.value(&old.upper)?)));
                    conditions.push(format!("{c} {end} {}", param(upper)));
                }
                (Some(old), Part::All) => {
                    let start = if old.inclusive { &old.low } else { &old.upper };
                    conditions.push(format!("{c} >= {}", param(cursor.class.value(start)?)));
                    conditions.push(format!("{c} {end} {}", param(upper)));
                }
                (None, _) => conditions.push(format!("{c} {end} {}", param(upper))),
            }
        }
        if let Some(id) = &self.id {
            if let Some(from) = range.from {
                conditions.push(format!("{id} >= {from}"));
            }
            if let Some(below) = range.below {
                conditions.push(format!("{id} < {below}"));
            }
            if rowid {
                select.extend([", ", id]);
            }
        }
        if let Some(filter) = &self.filter {
            conditions.push(format!("({filter}\n)"));
        }
        let mut sql = format!("SELECT {select} FROM {}", self.from);
        if !conditions.is_empty() {
            sql.extend([" WHERE ", &conditions.join(" AND ")]);
        }
        Ok(Reading {
            sql,
            params,
            schema: Arc::clone(&self.schema),
            lenient: self.lenient.clone(),
            edge: self.cursor.is_some(),
            window: range.window && self.cursor.as_ref().is_some_and(|c| c.old.is_some()),
            rowid,
            at: self.at.clone(),
            advice: MisfitAdvice::ChooseType,
        })
    }
}

/// The connections that are not reading just now.
#[derive(Default)]
pub(super) struct Pool {
    idle: Mutex<Vec<Connection>>,
    returned: Condvar,
}

impl Pool {
    pub(super) fn of(connections: Vec<Connection>) -> Arc<Self> {
        Arc::new(Self { idle: Mutex::new(connections), returned: Condvar::new() })
    }

    fn take(self: &Arc<Self>, ctx: &SplitContext) -> Result<Connection> {
        let _wake = ctx.cancel().on_cancel({
            let pool = Arc::clone(self);
            move || {
                drop(pool.idle.lock().unwrap_or_else(PoisonError::into_inner));
                pool.returned.notify_all();
            }
        });
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            ctx.cancel().check()?;
            if let Some(conn) = idle.pop() {
                return Ok(conn);
            }
            idle = self.returned.wait(idle).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn give_back(&self, conn: Connection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
        self.returned.notify_one();
    }
}

/// What the home wants to be shown next time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Remembered {
    /// How the file looked.
    pub(super) stamp: Stamp,
    /// The types that were chosen, so that choosing others reads anew.
    pub(super) types: String,
}

/// A state of a database, and how it is read.
pub(super) struct SqliteScan {
    pub(super) plan: Plan,
    pub(super) splits: Vec<Split>,
    pub(super) notes: Vec<Note>,
    pub(super) pool: Arc<Pool>,
    /// Closes last, see [`crate::sqlite::connect::Readers`].
    pub(super) keeper: Mutex<Option<Connection>>,
    pub(super) pinned: Option<Stamp>,
    pub(super) file: DbFile,
    /// As the file looked when its state was fixed; none where that is not worth remembering.
    pub(super) remember: Option<Remembered>,
}

impl Scan for SqliteScan {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.plan.schema)
    }

    fn splits(&self) -> &[Split] {
        &self.splits
    }

    fn bound(&self) -> Option<&Bound> {
        self.plan.cursor.as_ref().map(|c| &c.bound)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Snapshot
    }

    fn notes(&self) -> Vec<Note> {
        self.notes.clone()
    }

    fn read(&self, split: &Split, ctx: &SplitContext) -> Result<Box<dyn BatchStream>> {
        let range = serde_json::from_value(split.payload.clone())
            .map_err(|e| Error::bug("a split of another home was handed to the SQLite home").because(e))?;
        let reading = self.plan.reading(range)?;
        let conn = self.pool.take(ctx)?;
        if conn.is_autocommit() {
            // An error ended the transaction: another one would show another state.
            self.pool.give_back(conn);
            return Err(Error::moved_on(format!("{}: the snapshot was lost", self.file.shown)));
        }
        let pool = Arc::clone(&self.pool);
        stream::start(conn, Box::new(move |conn| pool.give_back(conn)), reading, ctx)
    }

    fn finish(self: Box<Self>, ctx: &Context) -> Result<Option<serde_json::Value>> {
        let Self { pool, keeper, pinned, file, remember, .. } = *self;
        pool.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        drop(keeper);
        if let Some(pinned) = pinned
            && file.stamp()? != Some(pinned)
        {
            return Err(Error::moved_on(format!("{} was written while it was read", file.shown))
                .next("run again when the other program has ended"));
        }
        let Some(remember) = remember else { return Ok(None) };
        Ok(at_rest(&file, &remember.stamp, ctx).then(|| serde_json::to_value(remember).ok()).flatten())
    }
}

/// Whether the file still looks as it did, and has for long enough that a change would have shown.
fn at_rest(file: &DbFile, stamp: &Stamp, ctx: &Context) -> bool {
    let same = || file.stamp().is_ok_and(|now| now.as_ref() == Some(stamp));
    let age = || {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        now.checked_sub(Duration::from_nanos(u64::try_from(stamp.mtime_ns).ok()?))
    };
    // A file from the future says nothing.
    let Some(old) = age() else { return false };
    if !same() {
        return false;
    }
    if old < AT_REST {
        ctx.cancel.sleep(AT_REST.saturating_sub(old));
        return age().is_some_and(|old| old >= AT_REST) && same();
    }
    true
}
