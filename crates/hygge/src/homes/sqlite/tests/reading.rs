use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use hygge_core::{ErrorKind, Retry};

use super::*;

fn ids(scan: &dyn Scan) -> Vec<i64> {
    let batch = rows(scan).expect("rows");
    batch.column(0).as_primitive::<Int64Type>().values().to_vec()
}

/// Wide rows, so that few of them make several splits.
fn wide(rows: u32) -> Db {
    Db::of(&format!(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, body TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         INSERT INTO t SELECT i * 7, printf('%.*c', 1000, 'x') FROM n;"
    ))
}

#[test]
fn splits_cover_every_row_once() {
    let db = wide(60_000);
    let mut request = table("t");
    request.readers = 3;
    request.split_bytes = 8 << 20;
    let scan = open(&db.home(), &request).expect("open");
    assert!(scan.splits().len() >= 6, "{}", scan.splits().len());
    let all = ids(scan.as_ref());
    assert_eq!(all.len(), 60_000);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 60_000);
    let guess: u64 = scan.splits().iter().filter_map(|s| s.rows).sum();
    assert!((50_000..70_000).contains(&guess), "guessed {guess}");
    let ctx = context();
    for split in scan.splits() {
        let mut stream = scan.read(split, &split_context(&ctx, 100_000)).expect("read");
        let mut n = 0;
        while let Some(batch) = stream.next().expect("batch") {
            n += batch.rows.num_rows();
        }
        let share = 60_000 / scan.splits().len();
        assert!((share / 2..share * 2).contains(&n), "{}: {n} rows", split.label);
    }
    scan.finish(&ctx).expect("finish");
}

#[test]
fn k_readers_show_one_state_while_another_program_writes() {
    for mode in ["WAL", "DELETE"] {
        let db = Db::of(&format!(
            "PRAGMA journal_mode={mode};
             CREATE TABLE t(id INTEGER PRIMARY KEY, amount INTEGER, pad TEXT);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
             INSERT INTO t SELECT i, 0, printf('%.*c', 1000, 'x') FROM n;"
        ));
        let stop = Arc::new(AtomicBool::new(false));
        let writer = std::thread::spawn({
            let (path, stop) = (db.path.clone(), Arc::clone(&stop));
            move || {
                let conn = Connection::open(path).expect("open");
                conn.busy_timeout(std::time::Duration::from_secs(20)).expect("timeout");
                // Each transaction moves an amount from one end of the table to the other: the sum never changes.
                let mut n = 0;
                while !stop.load(Ordering::Acquire) {
                    n = n % 9_000 + 1;
                    let sql = format!(
                        "BEGIN IMMEDIATE; UPDATE t SET amount = amount - {n} WHERE id = {n};
                         UPDATE t SET amount = amount + {n} WHERE id = 20001 - {n}; COMMIT"
                    );
                    conn.execute_batch(&sql).expect("transfer");
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
            }
        });
        let home = db.home();
        for _ in 0..6 {
            let mut request = table("t");
            request.readers = 4;
            request.split_bytes = 2 << 20;
            let scan = open(&home, &request).expect("open");
            assert!(scan.splits().len() >= 4);
            let sums: Vec<(i64, usize)> = std::thread::scope(|scope| {
                let read = |split| {
                    let ctx = context();
                    let mut stream = scan.read(split, &split_context(&ctx, 500)).expect("read");
                    let (mut sum, mut n) = (0, 0);
                    while let Some(batch) = stream.next().expect("batch") {
                        sum += batch.rows.column(1).as_primitive::<Int64Type>().values().iter().sum::<i64>();
                        n += batch.rows.num_rows();
                    }
                    (sum, n)
                };
                let threads: Vec<_> = scan.splits().iter().map(|split| scope.spawn(move || read(split))).collect();
                threads.into_iter().map(|t| t.join().expect("no panic")).collect()
            });
            assert_eq!(sums.iter().map(|(_, n)| n).sum::<usize>(), 20_000, "{mode}");
            assert_eq!(sums.iter().map(|(sum, _)| sum).sum::<i64>(), 0, "{mode}: the splits show different states");
            scan.finish(&context()).expect("finish");
        }
        stop.store(true, Ordering::Release);
        writer.join().expect("writer");
    }
}

#[test]
fn without_a_guard_there_is_one_reader() {
    let db = wide(30_000);
    db.run("BEGIN IMMEDIATE");
    let mut config = config(&db.path);
    config.busy_timeout = std::time::Duration::from_millis(50);
    let mut request = table("t");
    request.readers = 4;
    let scan = open(&SqliteHome::new(config), &request).expect("open");
    assert_eq!(scan.splits().len(), 1);
    assert_eq!(ids(scan.as_ref()).len(), 30_000);
}

#[test]
fn a_split_can_be_read_again_and_left_in_the_middle() {
    let db = wide(5_000);
    db.run("PRAGMA journal_mode=WAL");
    let scan = open(&db.home(), &table("t")).expect("open");
    let ctx = context();
    let mut stream = scan.read(&scan.splits()[0], &split_context(&ctx, 10)).expect("read");
    stream.next().expect("batch").expect("rows");
    drop(stream);
    db.run("DELETE FROM t");
    assert_eq!(ids(scan.as_ref()).len(), 5_000);
    assert_eq!(ids(scan.as_ref()).len(), 5_000);
}

#[test]
fn tables_without_rowid_views_virtual_tables_and_queries_are_read() {
    let db = Db::of(
        "CREATE TABLE k(id INTEGER PRIMARY KEY, v TEXT) WITHOUT ROWID;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
         INSERT INTO k SELECT i - 30000, printf('%.*c', 600, 'x') FROM n;
         CREATE TABLE c(a TEXT, b INT, PRIMARY KEY(a, b)) WITHOUT ROWID;
         INSERT INTO c VALUES ('x', 2), ('x', 1);
         CREATE VIEW v AS SELECT id AS ident, v FROM k WHERE id > 29990;
         CREATE VIRTUAL TABLE f USING fts5(body);
         INSERT INTO f VALUES ('hello'), ('world');
         CREATE TABLE odd(\"rowid\" TEXT, \"a \"\"b\" INT, _rowid_ INT, oid INT);
         INSERT INTO odd VALUES ('r', 1, 2, 3);",
    );
    let home = db.home();
    let mut request = table("k");
    request.readers = 2;
    let scan = open(&home, &request).expect("open");
    assert!(scan.splits().len() >= 2);
    assert_eq!(ids(scan.as_ref()).iter().collect::<BTreeSet<_>>().len(), 60_000);
    assert_eq!(ids(open(&home, &table("V")).expect("view").as_ref()), (29_991..=30_000).collect::<Vec<_>>());
    assert_eq!(texts(&rows(open(&home, &table("c")).expect("c").as_ref()).expect("rows"), "b"), ["1", "2"]);
    assert_eq!(
        texts(&rows(open(&home, &table("f")).expect("fts").as_ref()).expect("rows"), "body"),
        ["hello", "world"]
    );
    assert_eq!(texts(&rows(open(&home, &table("odd")).expect("odd").as_ref()).expect("rows"), "a \"b"), ["1"]);
    let scan =
        open(&home, &query("WITH q AS (SELECT id, v FROM k) SELECT id, upper(substr(v, 1, 1)) AS u FROM q LIMIT 3; "))
            .expect("query");
    assert_eq!(texts(&rows(scan.as_ref()).expect("rows"), "u"), ["X", "X", "X"]);
}

#[test]
fn columns_and_filters_are_obeyed() {
    let db = Db::of(
        "CREATE TABLE t(a INT, b TEXT, c REAL); INSERT INTO t VALUES (1, 'x', 0.5), (2, 'y', 1.5), (3, NULL, 2.5)",
    );
    let mut request = table("t");
    request.columns = Some(vec!["c".into(), "A".into()]);
    request.filter = Some("a > 1 AND b IS NOT 'z' -- a comment".into());
    let scan = open(&db.home(), &request).expect("open");
    let batch = rows(scan.as_ref()).expect("rows");
    assert_eq!(texts(&batch, "c"), ["1.5", "2.5"]);
    assert_eq!(batch.schema().field(1).name(), "a");
    request.source = Source::Query("SELECT * FROM t".into());
    assert_eq!(texts(&rows(open(&db.home(), &request).expect("open").as_ref()).expect("rows"), "a"), ["2", "3"]);
}

#[test]
fn batches_are_cut_by_bytes_and_giant_rows_are_named() {
    let db = wide(20_000);
    db.run("PRAGMA journal_mode=WAL");
    let scan = open(&db.home(), &table("t")).expect("open");
    let ctx = context();
    let split_ctx = split_context(&ctx, usize::MAX);
    let mut stream = scan.read(&scan.splits()[0], &split_ctx).expect("read");
    let most = split_ctx.batch_bytes();
    let first = stream.next().expect("batch").expect("rows").rows;
    let bytes = first.num_rows() * 1012;
    assert!((most..most + 2048).contains(&bytes), "{bytes} of {most}");
    drop(stream);
    db.run("INSERT INTO t VALUES (-5, printf('%.*c', 40000000, 'x'))");
    let scan = open(&db.home(), &table("t")).expect("open");
    let mut stream = scan.read(&scan.splits()[0], &split_ctx).expect("read");
    let error = stream.next().expect_err("too large");
    assert_eq!(error.place(), Some("shop.db, table t, rowid -5, column body"));
    assert!(advice(&error).starts_with("run with --memory"));
}

#[test]
fn stopping_interrupts_a_statement() {
    let db = Db::of("CREATE TABLE t(a INT)");
    let slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS c FROM n";
    let mut config = config(&db.path);
    config.types.insert("c".into(), arrow_schema::DataType::Int64);
    let scan = open(&SqliteHome::new(config), &query(slow)).expect("open");
    let ctx = context();
    let mut stream = scan.read(&scan.splits()[0], &split_context(&ctx, 10)).expect("read");
    let stopper = std::thread::spawn({
        let cancel = ctx.cancel.clone();
        move || {
            std::thread::sleep(std::time::Duration::from_millis(100));
            cancel.cancel("told to stop");
        }
    });
    let error = stream.next().expect_err("stopped");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    stopper.join().expect("no panic");
}

#[test]
fn what_is_wrong_is_said_before_anything_is_read() {
    let db = Db::of("CREATE TABLE orders(id INTEGER PRIMARY KEY, price INT); CREATE TABLE _hygge_places(a)");
    let home = db.home();
    for (request, found, next) in [
        (table("ordrs"), "there is no table or view `ordrs`", "did you mean `orders`?"),
        (table("_hygge_places"), "is not a table of yours", ""),
        (query("SELEC 1"), "does not understand `query:`", "correct `query:`"),
        (query("SELECT pric FROM orders"), "no such column: pric", "correct `query:`"),
        (query("SELECT * FROM order_s"), "no such table: order_s", "did you mean the table `orders`?"),
        (query("DELETE FROM orders"), "does not understand `query:`", "correct `query:`"),
        (query("SELECT 1 AS a, 2 AS A"), "two columns of the query are called `A`", "name one of them"),
        (
            ReadRequest { columns: Some(vec!["prize".into()]), ..table("orders") },
            "no column `prize`",
            "did you mean `price`?",
        ),
        (
            ReadRequest { filter: Some("prics > 1".into()), ..table("orders") },
            "no such column: prics",
            "did you mean the column `price`?",
        ),
        (ReadRequest { filter: Some("\"prices\" > 1".into()), ..table("orders") }, "no such column", "`price`?"),
        (
            ReadRequest { filter: Some("id > 1) OR (id < 0".into()), ..table("orders") },
            "does not understand `where:`",
            "correct `where:`",
        ),
        (
            ReadRequest { filter: Some("1 LIMIT 1".into()), ..table("orders") },
            "does not understand `where:`",
            "correct `where:`",
        ),
    ] {
        let error = refusal(&home, &request);
        assert_eq!(error.kind(), ErrorKind::Refused, "{error:?}");
        assert!(error.to_string().contains(found) && advice(&error).contains(next), "{error:?}");
    }
    let missing = SqliteHome::new(config(&db.dir.path().join("none.db")));
    assert!(refusal(&missing, &table("t")).to_string().contains("there is no database shop.db"));
    assert_eq!(db.files(), ["shop.db"], "a missing file is not made");
    std::fs::write(db.dir.path().join("text.db"), "id,name\n").expect("write");
    let error = refusal(&SqliteHome::new(config(&db.dir.path().join("text.db"))), &table("t"));
    assert!(error.to_string().contains("not a SQLite database"), "{error:?}");
    let error = refusal(&SqliteHome::new(config(db.dir.path())), &table("t"));
    assert!(error.to_string().contains("is a folder"), "{error:?}");
}

#[test]
fn a_locked_database_may_be_tried_again() {
    let db = Db::of("CREATE TABLE t(a INT)");
    db.run("BEGIN EXCLUSIVE");
    let mut config = config(&db.path);
    config.busy_timeout = std::time::Duration::from_millis(30);
    let error = refusal(&SqliteHome::new(config), &table("t"));
    assert_eq!(error.retry(), Retry::Split, "{error:?}");
    assert!(error.to_string().contains("another program holds it locked"), "{error:?}");
}

#[test]
fn a_database_is_left_as_it_was_found() {
    for mode in ["WAL", "DELETE"] {
        let Db { dir, path, conn } = wide(20_000);
        conn.query_row(&format!("PRAGMA journal_mode={mode}"), [], |_| Ok(())).expect("mode");
        conn.close().expect("close");
        let look = || {
            let mut names: Vec<_> =
                std::fs::read_dir(dir.path()).expect("folder").map(|e| e.expect("entry").file_name()).collect();
            names.sort();
            (names, std::fs::read(&path).expect("read"), path.metadata().expect("metadata").modified().expect("mtime"))
        };
        let before = look();
        let home = SqliteHome::new(config(&path));
        let ctx = context();
        for plan_only in [true, false] {
            let mut request = table("t");
            request.readers = 3;
            request.plan_only = plan_only;
            let scan = open(&home, &request).expect("open");
            assert!(scan.splits().len() >= 3 || !plan_only);
            if plan_only {
                drop(scan);
            } else {
                assert_eq!(ids(scan.as_ref()).len(), 20_000);
                scan.finish(&ctx).expect("finish");
            }
            assert!(look() == before, "{mode}, plan only: {plan_only}");
        }
        home.check(&ctx, &Source::Table("t".into()), false).expect("check");
        home.tables(&ctx, "*").expect("tables");
        assert!(look() == before, "{mode}");
    }
}

#[test]
fn a_log_that_a_dead_program_left_is_read_and_stays() {
    let db = Db::of("PRAGMA journal_mode=WAL; CREATE TABLE t(a INT); INSERT INTO t VALUES (1), (2)");
    let copy = tempfile::tempdir().expect("folder");
    for name in ["shop.db", "shop.db-wal"] {
        std::fs::copy(db.dir.path().join(name), copy.path().join(name)).expect("copy");
    }
    let path = copy.path().join("shop.db");
    let before = std::fs::read(&path).expect("read");
    let scan = open(&SqliteHome::new(config(&path)), &table("t")).expect("open");
    assert_eq!(ids(scan.as_ref()), [1, 2]);
    scan.finish(&context()).expect("finish");
    assert_eq!(std::fs::read(&path).expect("read"), before, "the log is carried over by its owner");
    assert!(copy.path().join("shop.db-wal").metadata().expect("log").len() > 0);
}

#[test]
fn a_transaction_of_a_dead_program_is_rolled_back_before_reading() {
    let db = Db::of(
        "PRAGMA cache_size=1; CREATE TABLE t(a INT, pad TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
         INSERT INTO t SELECT i, printf('%.*c', 500, 'x') FROM n;
         BEGIN; UPDATE t SET a = -a;",
    );
    db.conn.cache_flush().expect("flush");
    let copy = tempfile::tempdir().expect("folder");
    for name in ["shop.db", "shop.db-journal"] {
        std::fs::copy(db.dir.path().join(name), copy.path().join(name)).expect("copy");
    }
    let home = SqliteHome::new(config(&copy.path().join("shop.db")));
    let error = refusal(&home, &ReadRequest { plan_only: true, ..table("t") });
    assert!(error.to_string().contains("unfinished transaction"), "{error:?}");
    let scan = open(&home, &table("t")).expect("open");
    assert!(ids(scan.as_ref()).iter().all(|&id| id > 0));
}

#[test]
fn the_catalogue_lists_tables_and_views_of_the_user() {
    let db = Db::of(
        "CREATE TABLE b(x INT, y TEXT, PRIMARY KEY(y, x)); CREATE VIEW a AS SELECT 1 AS one;
         CREATE TABLE _hygge_receipts(a); CREATE TABLE s(id INTEGER PRIMARY KEY AUTOINCREMENT);
         CREATE VIRTUAL TABLE f USING fts5(body)",
    );
    let home = db.home();
    let all = home.tables(&context(), "*").expect("tables");
    assert_eq!(all.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["a", "b", "f", "s"]);
    assert_eq!(all[1].key, ["y", "x"]);
    assert_eq!(all[1].columns, [("x".into(), "INT".into()), ("y".into(), "TEXT".into())]);
    assert_eq!(home.tables(&context(), "[bs]").expect("tables").len(), 2);
    let lines = home.check(&context(), &Source::Table("b".into()), false).expect("check");
    assert_eq!(lines[1..], ["3 tables, 1 view", "journal mode delete", "shop.db, table b: 2 columns"]);
}
