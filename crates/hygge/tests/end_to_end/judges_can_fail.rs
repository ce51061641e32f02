//! A judge that never says no proves nothing.

use std::path::Path;

use rusqlite::Connection;

use crate::judge::{Judge, Poller};

fn database(path: &Path, rows: &[(i64, Option<&str>, f64)]) -> String {
    let base = Connection::open(path).expect("a database can be made");
    base.execute_batch("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, score REAL)")
        .expect("a table can be made");
    for row in rows {
        base.execute("INSERT INTO users VALUES (?, ?, ?)", *row).expect("a row can be written");
    }
    format!("sqlite:{}#users", path.display())
}

#[test]
fn a_changed_cell_a_lost_row_and_a_row_too_many_are_seen() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = [(1, Some("a"), 0.5), (2, None, 2.0), (3, Some(""), -1.0)];
    let table = |name: &str, rows: &[_]| database(&folder.path().join(name), rows);
    let whole = table("whole", &rows);
    let mut judge = Judge::new();
    assert_eq!(judge.same(&whole, &table("again", &[rows[2], rows[0], rows[1]])), 3);
    for (name, other) in [
        ("lost", vec![rows[0], rows[1]]),
        ("more", vec![rows[0], rows[1], rows[2], (4, None, 0.0)]),
        ("null", vec![rows[0], rows[1], (3, None, -1.0)]),
        ("cell", vec![rows[0], rows[1], (3, Some(""), -1.5)]),
    ] {
        let said = judge.says(&whole, &table(name, &other));
        assert!(said.starts_with("different: "), "{name}: {said}");
    }
    let said = judge.says(&whole, "sqlite:nowhere.db#users");
    assert!(said.starts_with("error: "), "{said}");
}

#[test]
fn csv_and_sqlite_are_compared_by_value_not_by_spelling() {
    let folder = tempfile::tempdir().expect("a folder");
    let table = database(&folder.path().join("base"), &[(1, Some("007"), 0.5), (2, None, 2.0)]);
    let mut judge = Judge::new();
    let csv = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file can be written");
        format!("csv:{}", path.display())
    };
    assert_eq!(judge.same(&csv("good.csv", "id,name,score\n1,007,0.50\n2,NA,2\n"), &table), 2);
    let said = judge.says(&csv("zeros.csv", "id,name,score\n1,7,0.5\n2,NA,2\n"), &table);
    assert!(said.starts_with("different: "), "leading zeros are part of a text: {said}");
    let said = judge.says(&csv("number.csv", "id,name,score\n01,007,0.5\n2,NA,2\n"), &table);
    assert!(said.starts_with("different: "), "and of what is no whole number: {said}");
}

#[test]
fn a_poller_tells_every_state_once_and_a_missing_table_from_an_empty_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("base");
    let place = format!("{}#users", path.display());
    let seen = Poller::start("sqlite", &place, "id", folder.path()).stop();
    assert_eq!(seen.states, ["absent"]);
    database(&path, &[]);
    std::fs::remove_file(folder.path().join("stop-sqlite")).expect("the poller was stopped by it");
    let poller = Poller::start("sqlite", &place, "id", folder.path());
    Connection::open(&path).expect("there").execute("INSERT INTO users VALUES (7, NULL, 0)", []).expect("a row");
    let seen = poller.stop();
    assert_eq!(seen.states.last().map(String::as_str), Some("state 1 7"));
    assert!(seen.states.iter().all(|s| s == "state 0 0" || s == "state 1 7"), "{:?}", seen.states);
    assert!(seen.polls >= 1);
}
