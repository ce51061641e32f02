use hygge_core::home::{CursorSpec, Future, NullCursor, Rewound, Since};
use hygge_core::watermark::{Bound, EDGE_LIMIT, Edge, Watermark};

use super::*;

fn by(column: &str) -> CursorSpec {
    CursorSpec { column: Some(column.into()), ..CursorSpec::default() }
}

fn first(spec: &CursorSpec) -> ReadRequest {
    ReadRequest { cursor: Some(spec.clone()), exact_edge: true, ..table("t") }
}

fn after(spec: &CursorSpec, bound: &Bound) -> ReadRequest {
    let watermark = Some(Watermark { bound: bound.clone(), edge: Edge::empty() });
    ReadRequest { since: Some(Since { watermark, state: None }), ..first(spec) }
}

struct Answer {
    bound: Option<Bound>,
    ids: Vec<String>,
    edge: Vec<bool>,
    window: Vec<bool>,
    notes: Vec<String>,
}

fn answer(db: &Db, request: &ReadRequest) -> Answer {
    let scan = open(&db.home(), request).expect("open");
    let (batch, edge) = rows_and_edge(scan.as_ref(), 7).expect("rows");
    assert_eq!(edge.len(), if scan.bound().is_some() { batch.num_rows() } else { 0 });
    Answer {
        bound: scan.bound().cloned(),
        ids: texts(&batch, "id"),
        edge,
        window: scan.splits().iter().map(|s| s.window).collect(),
        notes: scan.notes().into_iter().map(|note| note.text).collect(),
    }
}

#[test]
fn the_key_is_the_cursor_where_none_is_named() {
    let db = Db::of("CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (5, 'b')");
    let spec = CursorSpec::default();
    let seen = answer(&db, &first(&spec));
    let bound = seen.bound.expect("bound");
    assert_eq!((bound.column.as_str(), bound.home_type.as_str()), ("id", "INTEGER number"));
    assert_eq!((bound.upper.as_str(), bound.low.as_str(), bound.inclusive, bound.unique), ("5", "5", true, true));
    assert_eq!((seen.ids, seen.edge, seen.window), (vec!["1".into(), "5".into()], vec![false, true], vec![false]));
    assert_eq!(seen.notes[0], "by id: changes to old rows, and rows committed late, are not seen; set `watermark:`");
    assert!(seen.notes[1].contains("AUTOINCREMENT"));
    db.run("INSERT INTO t VALUES (3, 'late'), (9, 'new')");
    let seen = answer(&db, &after(&spec, &bound));
    assert_eq!((seen.ids, seen.window), (vec!["5".into(), "9".into()], vec![true]));
    assert_eq!(seen.edge, [false, true]);

    let auto = Db::of("CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (1)");
    assert_eq!(answer(&auto, &first(&spec)).notes.len(), 1);
    for (sql, line) in [
        ("CREATE TABLE t(id INT)", "watermark: id"),
        ("CREATE TABLE t(id TEXT PRIMARY KEY, made DATE, \"last change\" DATETIME)", "watermark: \"last change\""),
        ("CREATE TABLE t(id INT, b DATE, PRIMARY KEY(id, b))", "watermark: b"),
        (
            "CREATE TABLE t(id TEXT PRIMARY KEY, v REAL)",
            "let every run bring all rows: without  incremental: true,  and without  --incremental  where it was typed",
        ),
    ] {
        let error = refusal(&Db::of(sql).home(), &first(&spec));
        assert_eq!(advice(&error), line, "{sql}");
    }
    let error = refusal(&db.home(), &first(&by("updatd")));
    assert!(error.found().contains("which `watermark:` names"), "{error:?}");
}

#[test]
fn ties_and_late_rows_lie_in_the_window() {
    let db = Db::of(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, at DATETIME);
         INSERT INTO t VALUES (1, '2013-01-01 00:00:00'), (2, '2013-01-01 05:00:00'), (3, '2013-01-01 05:00:00')",
    );
    let spec = CursorSpec { lookback: Some("2h".into()), ..by("at") };
    let seen = answer(&db, &first(&spec));
    let bound = seen.bound.expect("bound");
    assert_eq!((bound.upper.as_str(), bound.low.as_str()), ("2013-01-01 05:00:00", "2013-01-01 03:00:00"));
    assert_eq!((seen.edge, bound.unique), (vec![false, true, true], false));
    db.run("INSERT INTO t VALUES (4, '2013-01-01 02:59:59'), (5, '2013-01-01 03:00:00'), (6, '2013-01-01 05:00:00'), (7, '2013-01-01 06:00:00')");
    let seen = answer(&db, &after(&spec, &bound));
    assert_eq!(seen.ids, ["2", "3", "5", "6", "7"]);
    let next = seen.bound.expect("bound");
    assert_eq!((next.upper.as_str(), next.low.as_str()), ("2013-01-01 06:00:00", "2013-01-01 04:00:00"));
    assert_eq!(seen.edge, [true, true, false, true, true]);
    // What is below the old `low` was not remembered: a wider lookback cannot reach there at once.
    let wider = CursorSpec { lookback: Some("2d".into()), ..by("at") };
    assert_eq!(answer(&db, &after(&wider, &next)).bound.expect("bound").low, "2013-01-01 04:00:00");
}

#[test]
fn a_large_new_part_is_split_and_the_window_stands_alone() {
    let db = Db::of(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, n REAL, pad TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
         INSERT INTO t SELECT i, i / 4, printf('%.*c', 1000, 'x') FROM n;",
    );
    for (spec, upper) in [(by("n"), "100.0"), (CursorSpec::default(), "400")] {
        let home_type = if upper == "400" { "INTEGER number" } else { "REAL number" };
        let old = Bound {
            column: spec.column.clone().unwrap_or("id".into()),
            home_type: home_type.into(),
            upper: upper.into(),
            low: upper.into(),
            inclusive: true,
            unique: false,
        };
        let request = ReadRequest { readers: 2, split_bytes: 8 << 20, ..after(&spec, &old) };
        let scan = open(&db.home(), &request).expect("open");
        assert!(scan.splits().len() > 3 && scan.splits()[0].window);
        assert_eq!(scan.splits().iter().filter(|s| s.window).count(), 1);
        let (batch, edge) = rows_and_edge(scan.as_ref(), 10_000).expect("rows");
        let ids: std::collections::BTreeSet<i64> = texts(&batch, "id").iter().map(|i| i.parse().expect("id")).collect();
        assert_eq!(ids.len(), batch.num_rows());
        assert_eq!((*ids.first().expect("first"), *ids.last().expect("last")), (400, 40_000));
        assert_eq!(edge.iter().filter(|e| **e).count(), 1);
        // The window's split holds the rows of the window and no others.
        let ctx = context();
        let mut stream = scan.read(&scan.splits()[0], &split_context(&ctx, 100)).expect("read");
        let window = stream.next().expect("batch").expect("rows").rows;
        let expected = if upper == "400" { vec!["400"] } else { vec!["400", "401", "402", "403"] };
        assert_eq!(texts(&window, "id"), expected);
    }
}

#[test]
fn too_many_ties_are_left_until_a_greater_value_is_there() {
    let ties = EDGE_LIMIT + 5;
    let db = Db::of(&format!(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, n INT);
         INSERT INTO t VALUES (1, 1), (2, 2);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ties})
         INSERT INTO t SELECT 1000 + i, 7 FROM n;"
    ));
    let scan = open(&db.home(), &first(&by("n"))).expect("open");
    let bound = scan.bound().expect("bound").clone();
    assert_eq!((bound.upper.as_str(), bound.inclusive), ("7", false));
    assert!(scan.notes()[0].text.contains("more than 100,000 rows share the greatest n"));
    let (batch, edge) = rows_and_edge(scan.as_ref(), 1000).expect("rows");
    assert_eq!((texts(&batch, "id"), edge), (vec!["1".to_owned(), "2".into()], vec![false, false]));
    drop(scan);
    // The next run, with a greater value there, reads what was left, and there is no window.
    db.run("INSERT INTO t VALUES (3, 8)");
    let scan = open(&db.home(), &after(&by("n"), &bound)).expect("open");
    assert!(scan.splits().iter().all(|s| !s.window));
    assert_eq!(rows_and_edge(scan.as_ref(), 50_000).expect("rows").0.num_rows(), ties + 1);
    drop(scan);
    // What was carried whole cannot grow beyond memory.
    let whole = Bound { inclusive: true, ..bound };
    db.run("DELETE FROM t WHERE n = 8");
    assert!(refusal(&db.home(), &after(&by("n"), &whole)).found().contains("share the greatest value"));
    let lookback = CursorSpec { lookback: Some("1".into()), ..by("n") };
    assert!(refusal(&db.home(), &first(&lookback)).found().contains("within the lookback"));
    db.run("DELETE FROM t WHERE n < 7");
    assert!(advice(&refusal(&db.home(), &first(&by("n")))).contains("finer column"));
}

#[test]
fn cursors_that_could_lose_rows_are_refused_or_ruled() {
    let db = Db::of(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, at TIMESTAMP, m NUMERIC); INSERT INTO t VALUES (1, '2013-01-01 00:00:00', 1), (2, NULL, 'x')",
    );
    let error = refusal(&db.home(), &first(&by("at")));
    assert_eq!(error.found(), "1 row has no at: an incremental flow would never see it");
    assert_eq!(advice(&error), "watermark: {column: at, nulls: skip}");
    let skip = CursorSpec { nulls: NullCursor::Skip, ..by("at") };
    let seen = answer(&db, &first(&skip));
    assert_eq!(
        (seen.ids, seen.notes),
        (vec!["1".to_owned()], vec!["1 row has no at and stays behind, as `nulls: skip` says".to_owned()])
    );
    assert!(refusal(&db.home(), &first(&by("m"))).found().contains("numbers and text"));

    let bound = seen.bound.expect("bound");
    db.run("DELETE FROM t; INSERT INTO t VALUES (3, '2012-01-01 00:00:00', 1)");
    for empty in [false, true] {
        if empty {
            db.run("DELETE FROM t");
        }
        let error = refusal(&db.home(), &after(&by("at"), &bound));
        assert!(error.found().contains("ends below what has been read"), "{error:?}");
        let ignore = CursorSpec { rewound: Rewound::Ignore, ..by("at") };
        let seen = answer(&db, &after(&ignore, &bound));
        assert_eq!((seen.ids.len(), seen.bound), (0, Some(bound.clone())));
    }
    let seen = answer(&db, &first(&by("at")));
    assert_eq!((seen.bound, seen.ids.len()), (None, 0), "an empty table has no end yet");

    db.run("INSERT INTO t VALUES (9, '2999-01-01 00:00:00', 1)");
    let error = refusal(&db.home(), &first(&by("at")));
    assert!(error.found().contains("a time to come"), "{error:?}");
    let allow = CursorSpec { future: Future::Allow, ..by("at") };
    assert_eq!(answer(&db, &first(&allow)).ids, ["9"]);

    assert!(refusal(&db.home(), &after(&by("id"), &bound)).found().contains("was kept by at"));
    db.run("UPDATE t SET at = 5");
    let error = refusal(&db.home(), &after(&by("at"), &bound));
    assert!(error.found().contains("TIMESTAMP text and is now TIMESTAMP number"), "{error:?}");
}

#[test]
fn views_and_queries_take_a_cursor_with_filter_and_other_columns() {
    let db = Db::of(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, at TEXT, kind TEXT);
         INSERT INTO t VALUES (1, 'a', 'x'), (2, 'b', 'y'), (3, 'c', 'x'), (4, 'd', 'y');
         CREATE VIEW v AS SELECT * FROM t;",
    );
    for source in [Source::Table("v".into()), Source::Query("SELECT * FROM t".into()), Source::Table("t".into())] {
        let mut request = ReadRequest { source, filter: Some("kind = 'x'".into()), ..first(&by("at")) };
        request.columns = Some(vec!["id".into()]);
        let seen = answer(&db, &request);
        let bound = seen.bound.expect("bound");
        assert_eq!((seen.ids, bound.upper.as_str()), (vec!["1".to_owned(), "3".into()], "c"));
        request.since = Some(Since {
            watermark: Some(Watermark {
                bound: Bound { upper: "a".into(), low: "a".into(), ..bound },
                edge: Edge::empty(),
            }),
            state: None,
        });
        let seen = answer(&db, &request);
        assert_eq!(
            (seen.ids, seen.edge, seen.window),
            (vec!["1".to_owned(), "3".into()], vec![false, true], vec![true])
        );
    }
}
