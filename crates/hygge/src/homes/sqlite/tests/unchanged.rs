use hygge_core::home::Since;
use serde_json::Value;

use super::*;

fn read(home: &SqliteHome, request: &ReadRequest) -> Option<Value> {
    let scan = open(home, request).expect("open");
    rows(scan.as_ref()).expect("rows");
    scan.finish(&context()).expect("finish")
}

fn since(state: &Value) -> ReadRequest {
    ReadRequest { since: Some(Since { watermark: None, state: Some(state.clone()) }), ..table("t") }
}

fn is_unchanged(home: &SqliteHome, request: &ReadRequest) -> bool {
    matches!(home.open(&context(), request).expect("open"), Opened::Unchanged(_))
}

#[test]
fn a_file_at_rest_is_unchanged_until_somebody_writes() {
    for mode in ["DELETE", "WAL"] {
        let mut db = Db::of(&format!("PRAGMA journal_mode={mode}; CREATE TABLE t(a INT); INSERT INTO t VALUES (1)"));
        let home = db.home();
        // The log of an open writer waits to be carried over.
        db.conn = Connection::open_in_memory().expect("close the other");
        let state = read(&home, &table("t")).expect("at rest");
        assert_eq!(db.files(), ["shop.db"]);
        assert!(is_unchanged(&home, &since(&state)), "{mode}");
        assert!(!is_unchanged(&home, &ReadRequest { force: true, ..since(&state) }));
        assert_eq!(read(&home, &table("t")).as_ref(), Some(&state), "reading changes nothing");
        let started = std::time::Instant::now();
        for _ in 0..100 {
            assert!(is_unchanged(&home, &since(&state)));
        }
        assert!(started.elapsed() < std::time::Duration::from_millis(100), "{:?}", started.elapsed());

        let mut chosen = config(&db.path);
        chosen.types.insert("a".into(), arrow_schema::DataType::Utf8);
        assert!(!is_unchanged(&SqliteHome::new(chosen), &since(&state)), "other types read anew");

        let writer = Connection::open(&db.path).expect("open");
        writer.execute_batch("UPDATE t SET a = 2").expect("write");
        assert!(!is_unchanged(&home, &since(&state)), "{mode}: an open writer has written");
        drop(writer);
        assert!(!is_unchanged(&home, &since(&state)), "{mode}: a writer has written");
    }
}

#[test]
fn a_change_within_a_tick_of_the_clock_is_not_missed() {
    let db = Db::of("PRAGMA journal_mode=WAL; CREATE TABLE t(a INT)");
    drop(db.conn);
    let home = SqliteHome::new(config(&db.path));
    for n in 0..20 {
        let writer = Connection::open(&db.path).expect("open");
        writer.execute("INSERT INTO t VALUES (?1)", [n]).expect("write");
        drop(writer);
        let state = read(&home, &table("t")).expect("at rest in the end");
        let writer = Connection::open(&db.path).expect("open");
        writer.execute("UPDATE t SET a = -a - 1 WHERE a = ?1", [n]).expect("write");
        drop(writer);
        assert!(!is_unchanged(&home, &since(&state)), "{n}");
    }
}

#[test]
fn what_depends_on_the_time_or_is_being_written_is_never_remembered() {
    let db = Db::of(
        "CREATE TABLE t(a INT, b TEXT); INSERT INTO t VALUES (1, '2013-01-01'); CREATE VIEW v AS SELECT random() AS r",
    );
    let home = db.home();
    assert!(read(&home, &table("v")).is_none());
    assert!(read(&home, &query("SELECT a FROM t WHERE b < datetime('now')")).is_none());
    assert!(read(&home, &ReadRequest { filter: Some("b < date ( )".into()), ..table("t") }).is_none());
    db.run("DROP VIEW v");
    assert!(read(&home, &query("SELECT a AS updated_at FROM t")).is_some());
    let scan = open(&home, &table("t")).expect("open");
    rows(scan.as_ref()).expect("rows");
    let writer = std::thread::spawn({
        let path = db.path.clone();
        move || {
            let conn = Connection::open(path).expect("open");
            conn.busy_timeout(std::time::Duration::from_secs(20)).expect("timeout");
            conn.execute_batch("INSERT INTO t VALUES (2, 'x')").expect("write");
        }
    });
    std::thread::sleep(std::time::Duration::from_millis(50));
    let state = scan.finish(&context()).expect("finish");
    writer.join().expect("no panic");
    assert!(state.is_none_or(|state| !is_unchanged(&home, &since(&state))));
}
