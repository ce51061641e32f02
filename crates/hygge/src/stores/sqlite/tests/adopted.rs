//! Tables that somebody else made: no row of theirs, and none of ours, goes without a word.

use arrow_array::{Int64Array, StringArray};
use hygge_core::ErrorKind;

use super::*;
use crate::stores::sqlite::load::settle::Reader;
use crate::stores::sqlite::target::{Target, Way};

fn rows(ids: &[i64], names: &[&str]) -> RecordBatch {
    let columns: [(_, arrow_array::ArrayRef, bool); 2] = [
        ("id", Arc::new(Int64Array::from(ids.to_vec())), false),
        ("name", Arc::new(StringArray::from(names.to_vec())), true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).expect("batch")
}

/// The same with texts for ids.
fn words(ids: &[&str], names: &[&str]) -> RecordBatch {
    let columns: [(_, arrow_array::ArrayRef, bool); 2] = [
        ("id", Arc::new(StringArray::from(ids.to_vec())), false),
        ("name", Arc::new(StringArray::from(names.to_vec())), true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).expect("batch")
}

fn merge() -> Mode {
    Mode::Merge { key: vec!["id".into()] }
}

fn adopting(sql: &str) -> Bench {
    Bench { adopt: true, ..Bench::over(sql) }
}

fn sql_of(bench: &Bench) -> Vec<String> {
    bench.lines("SELECT sql FROM sqlite_schema WHERE tbl_name = 't' AND sql IS NOT NULL ORDER BY name")
}

#[test]
fn what_a_table_says_on_conflict_takes_no_row_away() {
    for (sql, mode, batch, found) in [
        // By way of the hidden table.
        (
            "CREATE TABLE t(id INTEGER PRIMARY KEY ON CONFLICT IGNORE, name TEXT); INSERT INTO t VALUES (1, 'old')",
            Mode::Append,
            rows(&[1, 2], &["new", "x"]),
            "a row with the same unique columns is there already",
        ),
        // Behind the rows that are there.
        (
            "CREATE TABLE t(id INTEGER, name TEXT UNIQUE ON CONFLICT REPLACE); INSERT INTO t VALUES (1, 'old')",
            Mode::Append,
            rows(&[2], &["old"]),
            "a row with the same unique columns is there already",
        ),
        (
            "CREATE TABLE t(id INTEGER, name TEXT UNIQUE ON CONFLICT REPLACE); INSERT INTO t VALUES (1, 'old')",
            Mode::Replace,
            rows(&[1, 2, 3], &["a", "b", "a"]),
            "two rows have the same name, which t holds once each",
        ),
        (
            "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT UNIQUE ON CONFLICT REPLACE); \
             INSERT INTO t VALUES (1, 'old')",
            merge(),
            rows(&[2], &["old"]),
            "two rows have the same name, which t holds once each",
        ),
        (
            "CREATE TABLE t(id INTEGER, name TEXT, UNIQUE(id, name) ON CONFLICT ROLLBACK); \
             INSERT INTO t VALUES (1, 'old')",
            Mode::Append,
            rows(&[1], &["old"]),
            "a row with the same unique columns is there already",
        ),
    ] {
        let bench = adopting(sql);
        let refused = bench.settle(mode, &batch).expect_err(sql);
        assert_eq!(refused.found(), found, "{sql}");
        assert!(!advice(&refused).is_empty());
        assert_eq!(bench.lines("SELECT * FROM t"), ["1|old"], "{sql}");
    }
    let bench = adopting("CREATE TABLE t(id INTEGER, name TEXT NOT NULL ON CONFLICT IGNORE)");
    let columns: Vec<arrow_array::ArrayRef> =
        vec![Arc::new(Int64Array::from(vec![1])), Arc::new(StringArray::from(vec![None::<&str>]))];
    let null = RecordBatch::try_new(rows(&[], &[]).schema(), columns).expect("batch");
    let refused = bench.settle(Mode::Append, &null).expect_err("NULL");
    assert_eq!(refused.found(), "the table does not take a row: NOT NULL constraint failed: t.name");
}

#[test]
fn a_key_that_takes_different_texts_for_the_same_is_refused() {
    for key in ["id TEXT COLLATE NOCASE PRIMARY KEY, name TEXT", "id TEXT COLLATE rtrim UNIQUE, name TEXT"] {
        for rowid in ["", " WITHOUT ROWID"] {
            if key.contains("UNIQUE") && !rowid.is_empty() {
                continue;
            }
            let bench = adopting(&format!("CREATE TABLE t({key}){rowid}; INSERT INTO t VALUES ('a', 'old')"));
            let refused = bench.settle(merge(), &words(&["A", "b"], &["x", "y"])).expect_err("it is no key");
            assert_eq!(refused.kind(), ErrorKind::Refused);
            assert!(refused.found().starts_with("the table t compares its key (id) by "), "{refused:?}");
            assert_eq!(bench.lines("SELECT * FROM t"), ["a|old"]);
        }
    }
    // Where the table has no such index, the one that the merge makes tells all texts apart.
    let bench = adopting("CREATE TABLE t(id TEXT COLLATE NOCASE, name TEXT); INSERT INTO t VALUES ('a', 'old')");
    bench.settle(merge(), &words(&["A", "b"], &["x", "y"])).expect("merges");
    bench.settle(merge(), &words(&["a", "b"], &["new", "z"])).expect("merges");
    assert_eq!(bench.lines("SELECT * FROM t ORDER BY id COLLATE BINARY"), ["A|x", "a|new", "b|z"]);
}

#[test]
fn rows_that_do_not_come_out_of_the_hidden_table_are_missed() {
    for (mode, way) in [(Mode::Append, Way::StagedAppend), (merge(), Way::StagedMerge)] {
        let bench = adopting("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO t VALUES (1, 'old')");
        let schema = shared(&rows(&[2], &["x"]));
        let spec = bench.spec(&schema, &mode);
        let conn = Connection::open(&bench.path).expect("open");
        let target = Target::find(&conn, &spec, None, "t", "shop.db").expect("fits");
        assert_eq!(target.way, way);
        for statement in target.begin(&schema).expect("statements") {
            conn.execute_batch(&statement).expect("runs");
        }
        let stage = target.stage();
        conn.execute_batch(&format!(
            "INSERT INTO {stage} VALUES (2, 'x'), (3, 'y');
             CREATE TRIGGER no BEFORE INSERT ON t WHEN NEW.id = 3 BEGIN SELECT RAISE(IGNORE); END"
        ))
        .expect("sql");
        let told = |e| panic!("SQLite has nothing to say: {e}");
        let missed = target.bring_in(&conn, &schema, 2, "shop.db:t", told).expect_err("a row is missing");
        assert_eq!(missed.found(), "2 rows were to settle in t, and SQLite took 1: nothing was written");
    }
}

#[test]
fn a_table_of_others_is_emptied_and_never_dropped() {
    let made = "CREATE TABLE t(id bigint not null, name text)";
    let mut bench = adopting(&format!("{made}; CREATE INDEX by_name ON t(name); INSERT INTO t VALUES (100, 'old')"));
    let before = sql_of(&bench);
    let receipt = bench.settle(Mode::Append, &rows(&[1], &["a"])).expect("settles");
    assert_eq!(receipt.live["made_by_hygge"], false);
    bench.key = vec!["id".into()];
    for _ in 0..2 {
        bench.settle(Mode::Replace, &rows(&[1, 2], &["a", "b"])).expect("settles");
        assert_eq!(bench.lines("SELECT * FROM t"), ["1|a", "2|b"]);
        assert_eq!(sql_of(&bench), before);
    }
    // Nor where the columns are other ones.
    let ids = Arc::new(Int64Array::from(vec![1, 2]));
    let other = RecordBatch::try_from_iter([("id", ids as _)]).expect("batch");
    let refused = bench.settle(Mode::Replace, &other).expect_err("does not fit");
    assert_eq!(refused.found(), "the table t does not fit: its column name does not come");
    assert!(advice(&refused).starts_with("change t by hand, or drop it and run again"), "{refused:?}");
    assert_eq!(sql_of(&bench), before);
    // An index that a merge made goes when the key is another; those of the table stay.
    bench.settle(merge(), &rows(&[2], &["c"])).expect("merges");
    assert_eq!(bench.lines("SELECT name FROM pragma_index_list('t') ORDER BY name"), ["_hygge_key_t", "by_name"]);
    bench.settle(Mode::Replace, &rows(&[1, 2], &["a", "b"])).expect("settles");
    assert_eq!(bench.lines("SELECT name FROM pragma_index_list('t') ORDER BY name"), ["_hygge_key_t", "by_name"]);
    bench.key = vec!["name".into()];
    bench.settle(Mode::Replace, &rows(&[1, 1], &["a", "b"])).expect("settles");
    assert_eq!(sql_of(&bench), before);
}

#[test]
fn whose_a_table_is_tells_the_receipt_or_the_words_it_was_made_with() {
    let forget = "UPDATE _hygge_receipts SET receipt = json_remove(receipt, '$.live.made_by_hygge')";
    let ids = Arc::new(Int64Array::from(vec![1, 2]));
    let other = RecordBatch::try_from_iter([("id", ids as _)]).expect("batch");
    // Made by us, which an older receipt does not say.
    let bench = Bench::new();
    let receipt = bench.settle(merge(), &rows(&[1], &["a"])).expect("settles");
    assert_eq!(receipt.live["made_by_hygge"], true);
    bench.sql(forget);
    let receipt = bench.settle(Mode::Replace, &other).expect("it is made anew");
    assert_eq!(receipt.live["made_by_hygge"], true);
    // Made by others.
    let bench = adopting("CREATE TABLE t(id INTEGER, name TEXT)");
    bench.settle(Mode::Append, &rows(&[1], &["a"])).expect("settles");
    bench.sql(forget);
    let refused = bench.settle(Mode::Replace, &other).expect_err("it does not fit");
    assert!(refused.found().contains("does not fit"), "{refused:?}");
}

#[test]
fn a_table_of_others_in_the_place_of_ours_is_theirs() {
    for mode in [Mode::Replace, merge(), Mode::Append] {
        let mut bench = Bench::new();
        bench.settle(Mode::Replace, &rows(&[1], &["a"])).expect("settles");
        bench.sql(
            "DROP TABLE t; CREATE TABLE t(id INTEGER, name TEXT, CHECK(id > 0)); CREATE INDEX by_name ON t(name);
             INSERT INTO t VALUES (77, 'theirs')",
        );
        let before = sql_of(&bench);
        // The plan refuses it: nothing is begun.
        let Err(refused) = bench.open(&shared(&rows(&[], &[])), mode.clone()) else { panic!("it is theirs") };
        assert_eq!((refused.kind(), advice(&refused).as_str()), (ErrorKind::Refused, "adopt: true"));
        assert_eq!(refused.found(), "the table t is not the one that settled: others made it anew, or altered it");
        assert_eq!(bench.lines("SELECT * FROM t"), ["77|theirs"]);
        bench.adopt = true;
        let receipt = bench.settle(mode.clone(), &rows(&[1], &["a"])).expect("settles");
        assert_eq!(receipt.live["made_by_hygge"], false);
        assert_eq!(sql_of(&bench).iter().filter(|sql| before.contains(sql)).count(), before.len());
        assert_eq!(bench.lines("SELECT count(*) FROM t"), [if mode == Mode::Replace { "1" } else { "2" }]);
    }
}

/// Rows of which the second has no id.
fn without_id() -> RecordBatch {
    let columns: [(_, arrow_array::ArrayRef, bool); 2] = [
        ("id", Arc::new(Int64Array::from(vec![Some(1), None, Some(5)])), true),
        ("name", Arc::new(StringArray::from(vec!["a", "b", "c"])), true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).expect("batch")
}

#[test]
fn no_number_is_made_up_for_a_row_without_one() {
    let by_name = || Mode::Merge { key: vec!["name".into()] };
    for there in ["", "; INSERT INTO t VALUES (100, 'old')"] {
        for mode in [Mode::Append, Mode::Replace, by_name()] {
            let bench = adopting(&format!("CREATE TABLE t(ID INTEGER PRIMARY KEY, name TEXT UNIQUE){there}"));
            let before = bench.lines("SELECT * FROM t");
            let refused = bench.settle(mode, &without_id()).expect_err("NULL");
            assert_eq!(refused.found(), "ID is NULL in a row, for which t would make up a number");
            assert_eq!(refused.place(), Some("shop.db:t, row 2 of the split, column id"));
            assert!(advice(&refused).starts_with("give such rows a value in the source"), "{refused:?}");
            assert_eq!(bench.lines("SELECT * FROM t"), before);
        }
    }
    // Such a key is no number of SQLite's, and may be NULL.
    let bench = adopting("CREATE TABLE t(id INTEGER PRIMARY KEY DESC, name TEXT)");
    bench.settle(Mode::Append, &without_id()).expect("settles");
    assert_eq!(bench.lines("SELECT * FROM t ORDER BY name"), ["1|a", "NULL|b", "5|c"]);
    // Nor is a default put in the place of a NULL.
    let bench = adopting("CREATE TABLE t(id INTEGER NOT NULL ON CONFLICT REPLACE DEFAULT 7, name TEXT)");
    let refused = bench.settle(Mode::Append, &without_id()).expect_err("NULL");
    assert_eq!(refused.found(), "the table does not take a row: NOT NULL constraint failed: t.id");
}

#[test]
fn what_a_table_makes_of_staged_rows_is_proved() {
    let without_rowid = "CREATE TABLE t(id INTEGER, name TEXT, PRIMARY KEY(id)) WITHOUT ROWID";
    let undeclared = "CREATE TABLE t(id UNIQUE, name)";
    let with_id = "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)";
    for (sql, mode, last_wins, way) in [
        (with_id, Mode::Append, false, Way::StagedAppend),
        (without_rowid, Mode::Append, false, Way::StagedAppend),
        (with_id, merge(), false, Way::StagedMerge),
        (undeclared, merge(), false, Way::StagedMerge),
        (with_id, merge(), true, Way::StagedInOrder),
        (undeclared, merge(), true, Way::StagedInOrder),
    ] {
        for tampered in [false, true] {
            let bench = adopting(&format!("{sql}; INSERT INTO t VALUES (1, 'old'), (9, 'older')"));
            let batch = if mode == Mode::Append { rows(&[3, 2], &["y", "x"]) } else { rows(&[1, 2], &["new", "x"]) };
            let schema = shared(&batch);
            let spec = LoadSpec { last_wins, ..bench.spec(&schema, &mode) };
            let conn = Connection::open(&bench.path).expect("open");
            let target = Target::find(&conn, &spec, None, "t", "shop.db").expect("fits");
            assert_eq!(target.way, way);
            for statement in target.begin(&schema).expect("statements") {
                conn.execute_batch(&statement).expect("runs");
            }
            let stage = target.stage();
            let values = if mode == Mode::Append { "(3, 'y'), (2, 'x')" } else { "(1, 'new'), (2, 'x')" };
            let earlier = if last_wins { "(1, 'never seen')," } else { "" };
            conn.execute_batch(&format!("INSERT INTO {stage} VALUES {earlier} {values}")).expect("sql");
            let staged = 2 + u64::from(last_wins);
            if tampered {
                conn.execute_batch(
                    "CREATE TRIGGER no AFTER INSERT ON t BEGIN UPDATE t SET name = 'other' WHERE id = NEW.id; END",
                )
                .expect("sql");
            }
            let told = |e| panic!("SQLite has nothing to say: {e}");
            target.bring_in(&conn, &schema, staged, "shop.db:t", told).expect("as many as came");
            let ctx = context(PathBuf::new());
            let reader = Reader { conn: &conn, target: &target, spec: &spec, ctx: &ctx };
            let proved = reader.prove(tally(&batch));
            if tampered {
                let other = proved.expect_err("the name is another");
                assert_eq!(other.found(), "t made other rows of some that came; nothing was written", "{sql} {mode:?}");
            } else {
                assert!(proved.expect("the same rows"), "{sql} {mode:?}");
            }
        }
    }
}

#[test]
fn staged_rows_are_looked_up_by_their_key() {
    for sql in [
        "id INTEGER PRIMARY KEY, name TEXT",
        "id UNIQUE, name",
        "id INTEGER UNIQUE, name TEXT",
        "id NUMERIC UNIQUE, name",
    ] {
        let bench = adopting(&format!("CREATE TABLE t({sql}); INSERT INTO t VALUES (1, 'old')"));
        let schema = shared(&rows(&[], &[]));
        let spec = bench.spec(&schema, &merge());
        let conn = Connection::open(&bench.path).expect("open");
        let target = Target::find(&conn, &spec, None, "t", "shop.db").expect("fits");
        for statement in target.begin(&schema).expect("statements") {
            conn.execute_batch(&statement).expect("runs");
        }
        let plan = format!("EXPLAIN QUERY PLAN SELECT id, name FROM {}", target.counterparts());
        let mut plan = conn.prepare(&plan).expect("sql");
        let steps = plan.query_map([], |row| row.get::<_, String>(3)).expect("a plan");
        let steps: Vec<String> = steps.map(|step| step.expect("a step")).collect();
        assert!(steps.iter().any(|step| step.starts_with("SEARCH t USING")), "{sql}: {steps:?}");
    }
}

#[test]
fn a_merge_that_would_change_rows_beside_its_own_is_refused() {
    let tree = |action: &str| {
        adopting(&format!(
            "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT UNIQUE REFERENCES t(name) {action});
             INSERT INTO t VALUES (1, 'a')"
        ))
    };
    let refused = tree("ON UPDATE CASCADE").settle(merge(), &rows(&[1], &["b"])).expect_err("it would change others");
    assert_eq!(refused.kind(), ErrorKind::Refused);
    assert!(refused.found().contains("by a foreign key with ON UPDATE"), "{refused:?}");
    for action in ["", "ON UPDATE RESTRICT", "ON DELETE CASCADE"] {
        tree(action).settle(merge(), &rows(&[2], &["b"])).expect("merges");
    }
    // No load changes its key.
    let by_name = Mode::Merge { key: vec!["name".into()] };
    tree("ON UPDATE CASCADE").settle(by_name, &rows(&[2], &["b"])).expect("merges");
}

#[test]
fn the_index_of_a_merge_takes_a_name_that_nothing_has() {
    let bench = adopting(
        "CREATE TABLE other(a); CREATE INDEX t_key ON other(a); CREATE INDEX _hygge_key_T ON other(a);
         CREATE TABLE t(id INTEGER, name TEXT)",
    );
    bench.settle(merge(), &rows(&[1], &["a"])).expect("settles");
    assert_eq!(bench.lines("SELECT name FROM pragma_index_list('t')"), ["_hygge_key_t_2"]);
    bench.settle(merge(), &rows(&[1, 2], &["b", "c"])).expect("finds it again");
    assert_eq!(bench.lines("SELECT * FROM t ORDER BY id"), ["1|b", "2|c"]);
    // One of the name that it had before is as good.
    let bench = adopting("CREATE TABLE t(id INTEGER, name TEXT); CREATE UNIQUE INDEX t_key ON t(id)");
    bench.settle(merge(), &rows(&[1], &["a"])).expect("settles");
    assert_eq!(bench.lines("SELECT name FROM pragma_index_list('t')"), ["t_key"]);
}
