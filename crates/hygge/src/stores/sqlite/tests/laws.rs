//! The laws of the contract.

use hygge_core::conformance::{Row, StoreUnderTest, store_laws};

use super::*;

struct Stored(Bench);

impl StoreUnderTest for Stored {
    fn store(&self) -> Arc<dyn Store> {
        Arc::new(self.0.store())
    }

    fn visible(&self) -> Option<Vec<Row>> {
        if !self.0.path.exists() {
            return None;
        }
        // Another process: closing the file here would take the locks of the store's connections away.
        let output = std::process::Command::new("sqlite3")
            .args(["-readonly", "-json"])
            .arg(&self.0.path)
            .arg("SELECT id, name FROM t")
            .output()
            .expect("the sqlite3 command is installed");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(said.contains("no such table"), "{said}");
            return None;
        }
        let rows: Vec<serde_json::Value> =
            if text.is_empty() { Vec::new() } else { serde_json::from_str(&text).expect("JSON") };
        let row = |row: &serde_json::Value| (row["id"].as_i64().expect("id"), row["name"].as_str().map(str::to_owned));
        Some(rows.iter().map(row).collect())
    }

    fn lose_lock(&self) -> bool {
        std::fs::remove_dir_all(self.0.dir.path().join(".shop.db.hygge")).expect("remove");
        true
    }

    fn fingerprint(&self) -> String {
        let mut names: Vec<_> = std::fs::read_dir(self.0.dir.path())
            .expect("folder")
            .map(|e| e.expect("entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        let sum = std::process::Command::new("cksum").arg(&self.0.path).output().expect("cksum").stdout;
        format!("{names:?} {sum:?}")
    }

    fn root(&self) -> PathBuf {
        self.0.dir.path().to_owned()
    }
}

#[test]
fn the_sqlite_store_keeps_the_laws() {
    store_laws(|| Stored(Bench::new()));
}

#[test]
fn so_it_does_in_a_file_that_is_not_in_wal_mode() {
    store_laws(|| Stored(Bench::over("PRAGMA journal_mode=DELETE; CREATE TABLE other(a)")));
}
