use arrow_array::{Float64Array, Int64Array, StringArray};
use arrow_schema::{DataType, Field, Schema};
use hygge_core::ErrorKind;
use hygge_core::home::{Home, Source};
use hygge_core::store::Live;

use super::*;

fn merge() -> Mode {
    Mode::Merge { key: vec!["id".into()] }
}

fn error(answer: Result<Receipt>) -> Error {
    answer.expect_err("must be refused")
}

#[test]
fn a_file_of_ours_is_in_wal_mode_and_a_file_of_others_stays_as_it_is() {
    let bench = Bench::new();
    bench.settle(Mode::Replace, &people(0, 3)).expect("settles");
    assert_eq!(bench.lines("PRAGMA journal_mode"), ["wal"]);
    assert!(!bench.store().capabilities().scan_must_end_first);
    let bench = Bench::over("CREATE TABLE other(a)");
    assert!(bench.store().capabilities().scan_must_end_first);
    bench.settle(Mode::Replace, &people(0, 3)).expect("settles");
    assert_eq!(bench.lines("PRAGMA journal_mode"), ["delete"]);
    let spec = bench.spec(&shared(&people(0, 1)), &Mode::Replace);
    let last = bench.store().peek(&context(PathBuf::new()), &spec.place).expect("peek");
    let plan = bench.store().plan(&context(PathBuf::new()), &spec, last.as_ref()).expect("plan");
    assert_eq!(plan.warnings, ["shop.db is not in WAL mode: readers wait while it loads"]);
    assert!(plan.ddl.is_empty());
}

#[test]
fn a_database_in_a_folder_that_is_not_there_yet_is_made_with_it() {
    let mut bench = Bench::new();
    bench.path = bench.dir.path().join("data/new/shop.db");
    bench.settle(merge(), &people(0, 3)).expect("settles");
    assert_eq!(bench.lines("SELECT count(*) FROM t"), ["3"]);
    assert_eq!(
        bench.lines("SELECT sql FROM sqlite_schema WHERE name = 't'"),
        ["CREATE TABLE \"t\" (\"id\" INTEGER NOT NULL, \"name\" TEXT, PRIMARY KEY (\"id\"))"]
    );
}

#[test]
fn receipts_are_kept_to_the_newest_hundred() {
    let bench = Bench::new();
    for _ in 0..103 {
        bench.settle(Mode::Append, &people(0, 1)).expect("settles");
    }
    assert_eq!(bench.lines("SELECT count(*), min(seq), max(seq) FROM _hygge_receipts"), ["100|4|103"]);
    assert_eq!(bench.lines("SELECT place, seq, owner FROM _hygge_places"), ["t|103|tests/flow"]);
}

#[test]
fn a_table_of_others_is_taken_over_only_when_told_and_only_if_it_fits() {
    let mut bench = Bench::over("CREATE TABLE T(name TEXT, ID INTEGER PRIMARY KEY); INSERT INTO T VALUES ('x', 100)");
    let refused = error(bench.settle(Mode::Append, &people(0, 3)));
    assert_eq!((refused.kind(), advice(&refused).as_str()), (ErrorKind::Refused, "adopt: true"));
    bench.adopt = true;
    bench.settle(Mode::Append, &people(0, 3)).expect("settles");
    assert_eq!(bench.lines("SELECT id FROM t ORDER BY id"), ["0", "1", "2", "100"]);
    let again = error(bench.settle(Mode::Append, &people(2, 5)));
    assert!(again.found().contains("is there already"), "{again:?}");
    assert_eq!(bench.lines("SELECT count(*) FROM t"), ["4"], "nothing of it was written");

    for (sql, found) in [
        ("CREATE TABLE t(id INTEGER)", "it has no column name"),
        ("CREATE TABLE t(id INTEGER, name TEXT, more INT)", "its column more does not come"),
        ("CREATE TABLE t(id TEXT, name TEXT)", "its column id is TEXT, which would change values of Int64"),
        ("CREATE TABLE t(id INTEGER, name NUMERIC)", "its column name is NUMERIC"),
        ("CREATE TABLE t(id INTEGER, name TEXT AS (id))", "its column name is generated"),
        ("CREATE VIEW t AS SELECT 1 AS id, 'a' AS name", "is a view"),
        (
            "CREATE TABLE t(id INTEGER, name TEXT); CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; END",
            "has a trigger (tr)",
        ),
        (
            "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE c(a REFERENCES t(id) ON DELETE CASCADE)",
            "rows of c refer to rows of t",
        ),
    ] {
        let mut bench = Bench::over(sql);
        bench.adopt = true;
        let refused = error(bench.settle(Mode::Replace, &people(0, 3)));
        assert_eq!(refused.kind(), ErrorKind::Refused);
        assert!(refused.found().contains(found), "{refused:?}");
    }
}

/// A foreign key is asked at the commit; which way it is broken depends on what the load does.
#[test]
fn rows_that_refer_to_nothing_are_told_apart_from_rows_that_are_referred_to() {
    let mut bench = Bench::over(
        "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE t(id INTEGER PRIMARY KEY REFERENCES p(id), name TEXT)",
    );
    bench.adopt = true;
    let refused = error(bench.settle(Mode::Append, &people(0, 3)));
    assert!(refused.found().contains("refer to rows of another table that are not there"), "{refused:?}");
    assert!(advice(&refused).contains("depends_on"), "{refused:?}");
    assert_eq!(bench.lines("SELECT count(*) FROM t"), ["0"]);
    let refused = error(bench.settle(Mode::Replace, &people(0, 3)));
    assert!(refused.found().contains("refer to rows of another table that are not there"), "{refused:?}");
    assert!(advice(&refused).contains("depends_on"), "{refused:?}");
}

#[test]
fn a_column_that_may_be_null_from_now_on_is_made_so() {
    let columns = |nullable: bool, names: Vec<Option<&str>>| {
        let fields = vec![Field::new("id", DataType::Int64, false), Field::new("name", DataType::Utf8, nullable)];
        let ids = Arc::new(Int64Array::from_iter_values((0..).take(names.len())));
        RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![ids, Arc::new(StringArray::from(names))])
            .expect("batch")
    };
    let (strict, loose) = (columns(false, vec![Some("a")]), columns(true, vec![None, Some("b")]));
    let mut bench = Bench::new();
    bench.key = vec!["id".into()];
    bench.settle(Mode::Replace, &strict).expect("settles");
    bench.sql("CREATE VIEW v AS SELECT name FROM t; UPDATE t SET id = 100");
    let refused = error(bench.settle(Mode::Append, &columns(true, vec![Some("b"), None])));
    assert_eq!(refused.found(), "the table does not take a row: NOT NULL constraint failed: t.name");
    assert_eq!(advice(&refused), "--full-drop to make the table as the rows are now");
    bench.settle(Mode::Replace, &loose).expect("it is made anew");
    assert_eq!(bench.lines("SELECT * FROM v"), ["NULL", "b"]);
    bench.settle(Mode::Replace, &strict).expect("what may be NULL need not be");
    // A table that others refer to stays as it is.
    let mut bench = Bench::new();
    bench.key = vec!["id".into()];
    bench.settle(Mode::Replace, &strict).expect("settles");
    bench.sql("CREATE TABLE c(a REFERENCES t(id))");
    let refused = error(bench.settle(Mode::Replace, &loose));
    assert_eq!(refused.found(), "a column may be NULL from now on, so t must be made anew, but c refers to it");
}

#[test]
fn another_key_is_no_matter_of_who_refers_to_the_table() {
    let keyed = |bench: &mut Bench, key: &str| {
        bench.key = vec![key.to_owned()];
    };
    // A view goes on.
    let mut bench = Bench::new();
    bench.settle(Mode::Replace, &people(0, 3)).expect("settles");
    bench.sql("CREATE VIEW v AS SELECT id FROM t");
    keyed(&mut bench, "id");
    bench.settle(Mode::Replace, &people(0, 4)).expect("it is made anew");
    assert_eq!(bench.lines("SELECT count(*) FROM v"), ["4"]);
    assert_eq!(bench.lines("SELECT name FROM pragma_table_info('t') WHERE pk > 0"), ["id"]);
    // Rows of others keep the table, which gets an index.
    let mut bench = Bench::new();
    bench.settle(Mode::Replace, &people(0, 3)).expect("settles");
    bench.sql(
        "CREATE UNIQUE INDEX mine ON t(name); CREATE TABLE c(a REFERENCES t(name)); INSERT INTO c SELECT max(name) FROM t",
    );
    keyed(&mut bench, "id");
    for _ in 0..2 {
        bench.settle(Mode::Replace, &people(0, 4)).expect("it is emptied");
        let indexes = bench.lines("SELECT name FROM pragma_index_list('t') ORDER BY name");
        assert_eq!(indexes, ["_hygge_key_t", "mine"]);
    }
    bench.settle(merge(), &people(3, 5)).expect("merges");
    assert_eq!(bench.lines("SELECT count(*) FROM t"), ["5"]);
    // One key in the place of another needs another table.
    let mut bench = Bench::new();
    keyed(&mut bench, "id");
    bench.settle(Mode::Replace, &people(0, 3)).expect("settles");
    bench.sql("CREATE TABLE c(a REFERENCES t(id))");
    keyed(&mut bench, "name");
    let refused = error(bench.settle(Mode::Replace, &people(0, 3)));
    assert_eq!(refused.found(), "the key is another, so t must be made anew, but c refers to it");
}

#[test]
fn a_view_that_holds_the_name_in_a_longer_one_is_in_nobodys_way() {
    let bench = Bench::new();
    bench.settle(Mode::Replace, &people(0, 3)).expect("settles");
    bench.sql("CREATE TABLE other(total); CREATE VIEW v AS SELECT total FROM other");
    let ids = Arc::new(Int64Array::from(vec![1, 2]));
    let other = RecordBatch::try_from_iter([("id", ids as _)]).expect("batch");
    bench.settle(Mode::Replace, &other).expect("it is made anew");
}

#[test]
fn replacing_keeps_what_belongs_to_the_table() {
    let bench = Bench::new();
    bench.settle(Mode::Replace, &people(0, 10)).expect("settles");
    bench.sql("CREATE INDEX by_name ON t(name); CREATE VIEW v AS SELECT count(*) AS n FROM t");
    bench.settle(Mode::Replace, &people(0, 4)).expect("settles");
    assert_eq!(bench.lines("SELECT n FROM v"), ["4"]);
    assert_eq!(bench.lines("SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 't'"), ["by_name"]);
    // With other columns the table is made anew, unless something refers to it.
    let ids = Arc::new(Int64Array::from(vec![1, 2]));
    let other = RecordBatch::try_from_iter([("id", ids as _)]).expect("batch");
    let refused = error(bench.settle(Mode::Replace, &other));
    assert!(refused.found().contains("but v refers to it"), "{refused:?}");
    bench.sql("DROP VIEW v");
    let spec = bench.spec(&shared(&other), &Mode::Replace);
    let ctx = context(PathBuf::new());
    let last = bench.store().peek(&ctx, &spec.place).expect("peek");
    let plan = bench.store().plan(&ctx, &spec, last.as_ref()).expect("plan");
    assert_eq!(plan.ddl, ["DROP TABLE \"t\"", "CREATE TABLE \"t\" (\"id\" INTEGER NOT NULL)"]);
    assert_eq!(plan.warnings, ["t is made anew, without its indexes: by_name"]);
    bench.settle(Mode::Replace, &other).expect("settles");
    assert_eq!(bench.lines("SELECT * FROM t"), ["1", "2"]);
}

#[test]
fn rows_that_others_refer_to_are_replaced_in_one_step_or_not_at_all() {
    let mut bench = Bench::new();
    bench.key = vec!["id".into()];
    bench.settle(Mode::Replace, &people(0, 10)).expect("settles");
    bench.sql("CREATE TABLE c(a REFERENCES t(id)); INSERT INTO c VALUES (7)");
    bench.settle(Mode::Replace, &people(5, 12)).expect("row 7 is there again");
    let refused = error(bench.settle(Mode::Replace, &people(0, 3)));
    assert!(refused.found().contains("rows of another table refer"), "{refused:?}");
    assert_eq!(bench.lines("SELECT count(*) FROM t"), ["7"]);
}

#[test]
fn merging_needs_a_key_that_tells_rows_apart() {
    let bench = Bench::new();
    bench.settle(Mode::Replace, &people(0, 10)).expect("settles");
    // The table was made without key: the merge gives it one.
    bench.settle(merge(), &people(8, 12)).expect("merges");
    assert_eq!(bench.lines("SELECT count(*), count(DISTINCT id) FROM t"), ["12|12"]);
    assert_eq!(bench.lines("SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 't'"), ["_hygge_key_t"]);
    let twice =
        arrow_select::concat::concat_batches(&people(0, 1).schema(), &[people(3, 5), people(4, 6)]).expect("batch");
    let refused = error(bench.settle(merge(), &twice));
    assert_eq!(refused.found(), "two rows have the same key (id)");
    assert!(!format!("{refused:?}").contains("name 4"), "no values");
    let fields = vec![Field::new("id", DataType::Int64, true), Field::new("name", DataType::Utf8, true)];
    let ids = Arc::new(Int64Array::from(vec![Some(1), None]));
    let names = Arc::new(StringArray::from(vec!["a", "b"]));
    let null = RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![ids, names]).expect("batch");
    assert_eq!(error(bench.settle(merge(), &null)).found(), "id is part of the key, and is NULL in a row");
    assert_eq!(bench.lines("SELECT count(*) FROM t"), ["12"]);

    let bench = Bench::new();
    bench.settle(Mode::Append, &twice).expect("append asks for no key");
    let refused = error(bench.settle(merge(), &people(0, 1)));
    assert_eq!(refused.found(), "t holds rows with the same key (id) already");
    let find = "SELECT \"id\" FROM \"t\" GROUP BY \"id\" HAVING count(*) > 1";
    assert!(advice(&refused).contains(find), "{refused:?}");
    assert_eq!(bench.lines(find), ["4"]);
}

#[test]
fn a_key_may_be_all_columns_and_the_last_row_of_a_key_wins_over_loads() {
    let bench = Bench::new();
    let of = |a: Vec<i64>, b: Vec<&str>| {
        let columns: [(_, arrow_array::ArrayRef); 2] =
            [("a", Arc::new(Int64Array::from(a))), ("b", Arc::new(StringArray::from(b)))];
        RecordBatch::try_from_iter(columns).expect("batch")
    };
    let all = || Mode::Merge { key: vec!["b".into(), "a".into()] };
    bench.settle(all(), &of(vec![1, 1], vec!["x", "y"])).expect("settles");
    bench.settle(all(), &of(vec![1, 2], vec!["y", "y"])).expect("settles");
    assert_eq!(bench.lines("SELECT * FROM t ORDER BY 1, 2"), ["1|x", "1|y", "2|y"]);
}

#[test]
fn what_is_not_a_number_is_refused_and_infinity_is_kept() {
    let bench = Bench::new();
    let of = |values: Vec<Option<f64>>| {
        RecordBatch::try_from_iter_with_nullable([("x", Arc::new(Float64Array::from(values)) as _, true)])
            .expect("batch")
    };
    bench.settle(Mode::Replace, &of(vec![Some(f64::INFINITY), None, Some(-0.5)])).expect("settles");
    assert_eq!(bench.lines("SELECT x FROM t"), ["inf", "NULL", "-0.5"]);
    let refused = error(bench.settle(Mode::Append, &of(vec![Some(1.0), Some(f64::NAN)])));
    assert_eq!(refused.place(), Some("shop.db:t, row 2 of the split, column x"));
    assert!(refused.found().contains("NaN"), "{refused:?}");
    assert_eq!(bench.lines("SELECT count(*) FROM t"), ["3"]);
}

#[test]
fn a_dropped_load_leaves_nothing_but_the_lock_file() {
    let bench = Bench::over("CREATE TABLE other(a); PRAGMA cache_size=1");
    let mut open = bench.open(&shared(&people(0, 1)), Mode::Replace).expect("opens");
    for ordinal in 0..20 {
        let from = i64::from(ordinal) * 1000;
        open.write(ordinal, &people(from, from + 1000)).expect("written");
    }
    drop(open);
    assert_eq!(bench.lines("SELECT name FROM sqlite_schema"), ["other"]);
    assert_eq!(bench.lines("PRAGMA integrity_check"), ["ok"]);
    bench.settle(Mode::Replace, &people(0, 5)).expect("the next one settles");
}

#[test]
fn a_run_that_lost_its_lock_cannot_commit_over_another() {
    let bench = Bench::new();
    bench.settle(Mode::Replace, &people(0, 5)).expect("settles");
    // The first takes the lock and sleeps before its transaction; the folder of the lock is removed.
    let mut sleeper = bench.open(&shared(&people(0, 1)), Mode::Append).expect("opens");
    std::fs::remove_dir_all(bench.dir.path().join(".shop.db.hygge")).expect("remove");
    bench.settle(Mode::Append, &people(5, 10)).expect("the second settles");
    let late = sleeper.write(0, &people(100, 105)).expect_err("it is late");
    assert!(late.found().contains("another run has settled"), "{late:?}");
    assert_eq!(late.retry(), hygge_core::Retry::Run);
    drop(sleeper);
    assert_eq!(bench.lines("SELECT count(*) FROM t"), ["10"]);
}

#[test]
fn a_database_that_others_write_is_waited_for_and_then_tried_again() {
    let bench = Bench::over("CREATE TABLE other(a)");
    let writer = Connection::open(&bench.path).expect("open");
    writer.execute_batch("BEGIN IMMEDIATE").expect("begin");
    let mut open = bench.open(&shared(&people(0, 1)), Mode::Replace).expect("opens");
    let busy = open.write(0, &people(0, 1)).expect_err("locked");
    assert_eq!(busy.retry(), hygge_core::Retry::Split, "{busy:?}");
    writer.execute_batch("ROLLBACK").expect("end");
    open.write(0, &people(0, 1)).expect("the second attempt");
    // Readers keep a rollback-journal file from being committed to.
    writer.execute_batch("BEGIN; SELECT * FROM other").expect("read");
    let busy = open.commit().map(|_| ()).expect_err("locked");
    assert_eq!((busy.kind(), busy.retry()), (ErrorKind::Failed, hygge_core::Retry::Run), "{busy:?}");
    writer.execute_batch("COMMIT").expect("end");
    assert_eq!(bench.lines("SELECT name FROM sqlite_schema"), ["other"]);
}

#[test]
fn rows_of_a_load_are_read_back_before_it_commits() {
    let read = |open: &Open| {
        let ctx = split_context(&open.ctx, 3);
        let mut stream = open.load.read_back(&open.staged, &ctx).expect("read back");
        let mut found = Tally::default();
        while let Some(batch) = stream.next().expect("batch") {
            found = found.plus(tally(&batch.rows));
        }
        found
    };
    for key in [Vec::new(), vec!["id".to_owned()]] {
        let mut bench = Bench::new();
        bench.key = key;
        let mut from = 0;
        for mode in [Mode::Append, Mode::Append, merge(), Mode::Replace, merge()] {
            let mut open = bench.open(&shared(&people(0, 1)), mode.clone()).expect("opens");
            open.write(0, &people(from, from + 10)).expect("written");
            open.write(1, &people(from + 10, from + 17)).expect("written");
            let expected = tally(&people(from, from + 17));
            assert_eq!(read(&open), expected, "{mode:?}");
            open.commit().expect("settles");
            from += 17;
        }
        assert_eq!(bench.lines("SELECT count(*) FROM t"), ["34"]);
    }
}

#[test]
fn what_is_gone_is_told() {
    let bench = Bench::new();
    bench.settle(Mode::Replace, &people(0, 5)).expect("settles");
    let ctx = context(PathBuf::new());
    let live = || {
        let store = bench.store();
        let held = store.lock(&ctx, &store.place(None).expect("place"), &owner()).expect("lock");
        held.live(&ctx).expect("live")
    };
    assert_eq!(live(), Live::Present);
    bench.sql("ALTER TABLE t DROP COLUMN name");
    assert_eq!(live(), Live::Missing("the column name of t is gone".into()));
    bench.sql("DROP TABLE t");
    assert_eq!(live(), Live::Missing("the table t is gone".into()));
    bench.settle(Mode::Append, &people(0, 2)).expect("it is made again");
    assert_eq!(live(), Live::Present);
}

#[test]
fn places_are_tables_and_names_of_ours_are_refused() {
    let of = |table: Option<&str>| {
        let mut config = SqliteStoreConfig::new("/nowhere/shop.db", "shop.db");
        config.table = table.map(str::to_owned);
        SqliteStore::new(config)
    };
    let place = of(Some("raw_{entity}")).place(Some("Users")).expect("place");
    assert_eq!((place.path[0].as_str(), place.shown.as_str()), ("raw_users", "shop.db:raw_Users"));
    assert_eq!(super::super::table_of(&place), "raw_Users");
    assert_eq!(of(None).place(Some("users")).expect("place").resource, "sqlite:/nowhere/shop.db");
    for (table, entity) in [(None, None), (Some("{entity}"), None), (Some("_hygge_x"), None), (None, Some("sqlite_x"))]
    {
        let refused = of(table).place(entity).expect_err("refused");
        assert_eq!(advice(&refused), "table: NAME");
    }
    let config = crate::homes::sqlite::SqliteHomeConfig::new("/nowhere/shop.db", "x");
    let home = crate::homes::sqlite::SqliteHome::new(config);
    let location = home.location(&Source::Table("USERS".into())).expect("place");
    assert!(location.clashes(&of(Some("users")).place(None).expect("place")));
}

#[test]
fn checking_says_what_is_there_and_makes_nothing() {
    let bench = Bench::new();
    let (store, ctx) = (bench.store(), context(PathBuf::new()));
    let place = store.place(None).expect("place");
    let lines = store.check(&ctx, &place).expect("check");
    assert_eq!(lines[1], "shop.db will be made");
    assert!(!bench.path.exists());
    bench.settle(Mode::Replace, &people(0, 1)).expect("settles");
    assert_eq!(store.check(&ctx, &place).expect("check")[1..], ["journal mode wal", "table t is there"]);
    std::fs::write(bench.dir.path().join("text.db"), "no database").expect("write");
    let text = super::store(&bench.dir.path().join("text.db"));
    assert!(text.check(&ctx, &place).expect_err("text").found().contains("not a SQLite database"));
}
