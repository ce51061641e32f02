//! The laws of the contract.

use std::sync::Mutex;

use hygge_core::conformance::{HomeUnderTest, Row, home_laws};

use super::*;

struct Lived {
    db: Mutex<Db>,
    dir: PathBuf,
    home: SqliteHome,
    /// Whether the database is at rest between two fillings.
    closes: bool,
}

impl HomeUnderTest for Lived {
    fn home(&self) -> &dyn Home {
        &self.home
    }

    fn source(&self) -> Source {
        Source::Table("t".into())
    }

    fn fill(&self, rows: &[Row]) {
        let db = self.db.lock().expect("no panic");
        let other;
        let conn = if self.closes {
            other = Connection::open(&db.path).expect("open");
            &other
        } else {
            &db.conn
        };
        conn.execute_batch("BEGIN; DELETE FROM t").expect("empty");
        for (id, name) in rows {
            conn.execute("INSERT INTO t VALUES (?1, ?2)", (id, name)).expect("insert");
        }
        conn.execute_batch("COMMIT").expect("commit");
    }

    fn follows_id(&self) -> bool {
        true
    }

    fn fingerprint(&self) -> String {
        let db = self.db.lock().expect("no panic");
        // Opened and closed by a process that has the database open itself, the file would lose its locks.
        let bytes = std::process::Command::new("cksum").arg(&db.path).output().expect("cksum").stdout;
        format!("{:?} {bytes:?}", db.files())
    }

    fn root(&self) -> PathBuf {
        self.dir.clone()
    }
}

fn lived(mode: &str, table: &str, closes: bool) -> Lived {
    let mut db = Db::of(&format!("PRAGMA journal_mode={mode}; CREATE TABLE t({table}"));
    if closes {
        db.conn = Connection::open_in_memory().expect("another");
    }
    Lived { home: db.home(), dir: db.dir.path().to_owned(), db: Mutex::new(db), closes }
}

#[test]
fn the_sqlite_home_keeps_the_laws() {
    for mode in ["WAL", "DELETE"] {
        home_laws(|| lived(mode, "id INTEGER PRIMARY KEY, name TEXT)", true));
    }
    home_laws(|| lived("WAL", "id INTEGER PRIMARY KEY, name TEXT)", false));
    home_laws(|| lived("WAL", "id INTEGER NOT NULL, name TEXT)", true));
    home_laws(|| lived("DELETE", "id BIGINT PRIMARY KEY, name TEXT) WITHOUT ROWID", true));
}
