//! This machine's history of runs: a view of what happened, never the truth. Delete it and nothing is lost.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::flow::Outcome;
use crate::receipt::Owner;
use crate::{Error, Result};

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS runs (
    run TEXT PRIMARY KEY,
    started TEXT NOT NULL,
    ended TEXT,
    exit_code INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS flows (
    run TEXT NOT NULL,
    project TEXT NOT NULL,
    flow TEXT NOT NULL,
    entity TEXT,
    outcome TEXT NOT NULL,
    message TEXT,
    mode TEXT,
    rows INTEGER,
    bytes INTEGER,
    seq INTEGER,
    took_ms INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS flows_by_name ON flows (project, flow, entity);
PRAGMA user_version = 1;
";

/// The journal of one project on this machine.
pub struct Journal(Mutex<Connection>);

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The run.
    pub run: String,
    /// When the run started, RFC 3339.
    pub started: String,
    /// Which flow.
    pub owner: Owner,
    /// `settled`, `unchanged`, `failed`, `skipped`, `cancelled`.
    pub outcome: String,
    /// Why, where it did not settle.
    pub message: Option<String>,
    /// `replace`, `append`, `merge`.
    pub mode: Option<String>,
    /// Rows of the load.
    pub rows: Option<u64>,
    /// Bytes in the store.
    pub bytes: Option<u64>,
    /// How long it took.
    pub took: Duration,
}

impl Journal {
    /// Opens the journal, making it where there is none. One that cannot be read is put aside and begun anew.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn open(path: &Path) -> Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|e| Error::io("make", folder, e))?;
        }
        match Self::open_at(path) {
            Ok(journal) => Ok(journal),
            Err(error) if is_unreadable(&error) => {
                let aside = path.with_extension("unreadable.db");
                std::fs::rename(path, &aside).map_err(|e| Error::io("put aside", path, e))?;
                Self::open_at(path).map_err(|e| broken(path, e))
            }
            Err(error) => Err(broken(path, error)),
        }
    }

    fn open_at(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(2))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // What is lost with the power is a line of history.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version == 0 {
            connection.execute_batch(SCHEMA)?;
        }
        Ok(Self(Mutex::new(connection)))
    }

    /// Opens the journal to read, if there is one.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    pub fn open_existing(path: &Path) -> Result<Option<Self>> {
        if path.exists() { Self::open(path).map(Some) } else { Ok(None) }
    }

    fn with<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        work(&connection).map_err(|e| broken(Path::new(connection.path().unwrap_or_default()), e))
    }

    /// A run begins.
    ///
    /// # Errors
    /// If the journal cannot be written.
    pub fn began(&self, run: &str, started: &str) -> Result<()> {
        self.with(|c| c.execute("INSERT OR IGNORE INTO runs (run, started) VALUES (?1, ?2)", [run, started]).map(drop))
    }

    /// A flow (one entity of it) ended.
    ///
    /// # Errors
    /// If the journal cannot be written.
    pub fn ended(&self, run: &str, owner: &Owner, outcome: &Outcome, took: Duration) -> Result<()> {
        let (word, message) = match outcome {
            Outcome::Settled(_) => ("settled", None),
            Outcome::Unchanged { why, .. } => ("unchanged", Some(why.clone())),
            Outcome::Failed(error) => ("failed", Some(error.to_string())),
            Outcome::Skipped(why) => ("skipped", Some(why.clone())),
            Outcome::Cancelled => ("cancelled", None),
        };
        let settled = match outcome {
            Outcome::Settled(settled) => Some(settled),
            _ => None,
        };
        let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        self.with(|c| {
            c.execute(
                "INSERT INTO flows (run, project, flow, entity, outcome, message, mode, rows, bytes, seq, took_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                params![
                    run,
                    owner.project,
                    owner.flow,
                    owner.entity,
                    word,
                    message,
                    settled.map(|s| s.receipt.mode.word()),
                    settled.map(|s| whole(s.receipt.load.rows)),
                    settled.map(|s| whole(s.bytes)),
                    settled.map(|s| whole(s.receipt.seq)),
                    i64::try_from(took.as_millis()).unwrap_or(i64::MAX),
                ],
            )
            .map(drop)
        })
    }

    /// A run ended.
    ///
    /// # Errors
    /// If the journal cannot be written.
    pub fn finished(&self, run: &str, ended: &str, exit_code: u8) -> Result<()> {
        self.with(|c| {
            c.execute("UPDATE runs SET ended = ?2, exit_code = ?3 WHERE run = ?1", params![run, ended, exit_code])
                .map(drop)
        })
    }

    /// The last entry of every flow and entity, of one flow where `flow` is given.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub fn latest(&self, flow: Option<&str>) -> Result<Vec<Entry>> {
        self.entries(
            "SELECT f.run, r.started, f.project, f.flow, f.entity, f.outcome, f.message, f.mode, f.rows, f.bytes, f.took_ms
             FROM flows f JOIN runs r ON r.run = f.run
             WHERE f.rowid IN (SELECT max(rowid) FROM flows GROUP BY project, flow, entity)
               AND (?1 IS NULL OR f.flow = ?1)
             ORDER BY f.rowid",
            flow,
        )
    }

    /// The entries of one flow, the newest first, at most 50.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub fn history(&self, flow: &str) -> Result<Vec<Entry>> {
        self.entries(
            "SELECT f.run, r.started, f.project, f.flow, f.entity, f.outcome, f.message, f.mode, f.rows, f.bytes, f.took_ms
             FROM flows f JOIN runs r ON r.run = f.run
             WHERE f.flow = ?1 ORDER BY f.rowid DESC LIMIT 50",
            Some(flow),
        )
    }

    fn entries(&self, sql: &str, flow: Option<&str>) -> Result<Vec<Entry>> {
        let count = |n: Option<i64>| n.and_then(|n| u64::try_from(n).ok());
        self.with(|c| {
            c.prepare(sql)?
                .query_map([flow], |row| {
                    Ok(Entry {
                        run: row.get(0)?,
                        started: row.get(1)?,
                        owner: Owner { project: row.get(2)?, flow: row.get(3)?, entity: row.get(4)? },
                        outcome: row.get(5)?,
                        message: row.get(6)?,
                        mode: row.get(7)?,
                        rows: count(row.get(8)?),
                        bytes: count(row.get(9)?),
                        took: Duration::from_millis(count(row.get(10)?).unwrap_or(0)),
                    })
                })?
                .collect()
        })
    }

    /// A run that began and whose end nobody wrote down: it was killed, or it still runs. One that a newer run has
    /// followed to its end is nobody's concern any more.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub fn unfinished(&self) -> Result<Option<String>> {
        self.with(|c| {
            c.query_row(
                "SELECT run FROM runs WHERE ended IS NULL
                   AND started >= coalesce((SELECT max(started) FROM runs WHERE ended IS NOT NULL), '')
                 ORDER BY started DESC, run DESC LIMIT 1",
                [],
                |row| row.get(0),
            )
            .optional()
        })
    }

    /// Every place was taken for a moment, so no run is left that could still say how it ended.
    ///
    /// # Errors
    /// If the journal cannot be written.
    pub fn swept(&self, now: &str) -> Result<()> {
        self.with(|c| c.execute("UPDATE runs SET ended = ?1 WHERE ended IS NULL", [now]).map(drop))
    }
}

fn is_unreadable(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt))
}

fn broken(path: &Path, error: rusqlite::Error) -> Error {
    Error::failed(format!("cannot use the journal {}", path.display())).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(entity: Option<&str>) -> Owner {
        Owner { project: "shop".into(), flow: "users".into(), entity: entity.map(Into::into) }
    }

    fn folder(name: &str) -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("hygge-journal-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn the_last_entry_of_each_entity_is_told() {
        let folder = folder("latest");
        let journal = Journal::open(&folder.join("journal.db")).expect("a fresh journal");
        journal.began("r1", "2013-01-01T00:00:00Z").expect("written");
        let took = Duration::from_millis(12);
        journal.ended("r1", &owner(Some("a")), &Outcome::Skipped("x failed".into()), took).expect("written");
        journal
            .ended("r1", &owner(Some("a")), &Outcome::Unchanged { why: "as it was".into(), held_back: None }, took)
            .expect("written");
        journal.ended("r1", &owner(Some("b")), &Outcome::Cancelled, took).expect("written");
        assert_eq!(journal.unfinished().expect("read").as_deref(), Some("r1"));
        journal.finished("r1", "2013-01-01T00:00:01Z", 130).expect("written");
        assert_eq!(journal.unfinished().expect("read"), None);
        journal.began("r0", "2012-12-31T00:00:00Z").expect("written");
        assert_eq!(journal.unfinished().expect("read"), None, "a newer run has ended since");
        journal.began("r2", "2013-01-02T00:00:00Z").expect("written");
        assert_eq!(journal.unfinished().expect("read").as_deref(), Some("r2"));
        journal.swept("2013-01-03T00:00:00Z").expect("written");
        assert_eq!(journal.unfinished().expect("read"), None);
        let latest = journal.latest(None).expect("read");
        let told: Vec<_> = latest.iter().map(|e| (e.owner.entity.as_deref(), e.outcome.as_str())).collect();
        assert_eq!(told, [(Some("a"), "unchanged"), (Some("b"), "cancelled")]);
        assert_eq!(latest[0].took, took);
        assert_eq!(journal.history("users").expect("read").len(), 3);
        assert!(journal.latest(Some("orders")).expect("read").is_empty());
        std::fs::remove_dir_all(folder).expect("tidied");
    }

    #[test]
    fn a_journal_that_is_no_database_is_put_aside() {
        let folder = folder("aside");
        std::fs::create_dir_all(&folder).expect("made");
        let path = folder.join("journal.db");
        std::fs::write(&path, "this is no database, but long enough to be looked at as one".repeat(40))
            .expect("written");
        let journal = Journal::open(&path).expect("begun anew");
        assert!(journal.latest(None).expect("read").is_empty());
        assert!(path.with_extension("unreadable.db").exists());
        std::fs::remove_dir_all(folder).expect("tidied");
    }
}
