use arrow_schema::{DataType, TimeUnit};

use super::*;

fn schema(db: &Db, request: &ReadRequest) -> Vec<(String, DataType, bool)> {
    let scan = open(&db.home(), request).expect("open");
    scan.schema().fields().iter().map(|f| (f.name().clone(), f.data_type().clone(), f.is_nullable())).collect()
}

#[test]
fn declared_types_decide_and_are_kept_beside_the_column() {
    let db = Db::of(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL, born DATE, seen DATETIME, ok BOOLEAN,
                        price DECIMAL(10,2), raw BLOB, weight DOUBLE);
         INSERT INTO t VALUES (1, 'a', '1970-01-02', '1970-01-01 00:00:01', 1, '1.10', x'00ff', 2),
                              (2, 'b', NULL, NULL, NULL, NULL, NULL, NULL);",
    );
    let us = DataType::Timestamp(TimeUnit::Microsecond, None);
    let of = |n: &str, t, null| (n.to_owned(), t, null);
    assert_eq!(
        schema(&db, &table("t")),
        [
            of("id", DataType::Int64, false),
            of("name", DataType::Utf8, false),
            of("born", DataType::Date32, true),
            of("seen", us, true),
            of("ok", DataType::Boolean, true),
            of("price", DataType::Decimal128(10, 2), true),
            of("raw", DataType::Binary, true),
            of("weight", DataType::Float64, true),
        ]
    );
    let scan = open(&db.home(), &table("t")).expect("open");
    assert_eq!(scan.schema().field(5).metadata()[super::super::TYPE_KEY], "DECIMAL(10,2)");
    let batch = rows(scan.as_ref()).expect("rows");
    for (column, shown) in [
        ("born", ["1970-01-02", ""]),
        ("seen", ["1970-01-01T00:00:01", ""]),
        ("ok", ["true", ""]),
        ("price", ["1.10", ""]),
        ("raw", ["00ff", ""]),
        ("weight", ["2.0", ""]),
    ] {
        assert_eq!(texts(&batch, column), shown, "{column}");
    }
    // The columns of a query that are columns of a table are declared, what is computed is observed.
    let of_query = schema(&db, &query("SELECT born, id + 0 AS n, name || '!' AS s, id + 0.5 AS r, NULL AS x FROM t"));
    assert_eq!(
        of_query,
        [
            of("born", DataType::Date32, true),
            of("n", DataType::Int64, true),
            of("s", DataType::Utf8, true),
            of("r", DataType::Float64, true),
            of("x", DataType::Utf8, true),
        ]
    );
}

#[test]
fn a_value_that_does_not_fit_is_named_with_the_line_to_paste() {
    for (declared, value, found, line) in [
        ("INT", "'abc'", "text where a whole number (Int64) was expected", "columns: {\"the value\": text}"),
        ("INT", "1.5", "a real number where a whole number", "text}"),
        ("DATE", "'01/02/2013'", "text of another form where a date (YYYY-MM-DD) was expected", "text}"),
        ("DATETIME", "'2013-01-01T00:00:00Z'", "text with a time zone where a date and time", "text}"),
        ("BOOLEAN", "7", "a whole number other than 0 and 1 where 0, 1, true or false was expected", "text}"),
        ("DECIMAL(5,2)", "0.125", "a real number that is no exact decimal", "text}"),
        ("REAL", "'much'", "text where a number was expected", "text}"),
        ("TEXT", "x'ff'", "a blob where text was expected", "binary}"),
        ("TEXT", "CAST(x'ff' AS TEXT)", "text that is not UTF-8 where text was expected", "binary}"),
        ("BLOB", "'abc'", "text where a blob was expected", "binary}"),
    ] {
        let db = Db::of(&format!(
            "CREATE TABLE t(a INT, \"the value\" {declared}); INSERT INTO t VALUES (1, NULL), (2, {value})"
        ));
        let scan = open(&db.home(), &table("t")).expect("open");
        let error = rows(scan.as_ref()).expect_err(declared);
        assert_eq!(error.place(), Some("shop.db, table t, rowid 2, column the value"));
        assert!(error.found().starts_with(found), "{error:?}");
        assert!(advice(&error).ends_with(line), "{error:?}");
        assert!(!format!("{error:?}").contains("abc"), "no value in an error: {error:?}");
        // The line that is advised does help.
        let chosen = if line.contains("binary") { DataType::Binary } else { DataType::Utf8 };
        let mut config = config(&db.path);
        config.types.insert("the value".into(), chosen);
        let scan = open(&SqliteHome::new(config), &table("t")).expect("open");
        assert_eq!(rows(scan.as_ref()).expect("fits now").num_rows(), 2, "{declared}");
    }
}

/// Texts are looked at a batch at a time; the row is named all the same, and two halves of a letter are no letter.
#[test]
fn text_that_is_not_utf8_names_its_row_in_a_later_batch() {
    let db = Db::of(
        "CREATE TABLE t(a INT, s TEXT);
         INSERT INTO t(rowid, a, s) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
         SELECT 3 * i, i, CASE i WHEN 15000 THEN CAST(x'c3' AS TEXT) WHEN 15001 THEN CAST(x'a9' AS TEXT) ELSE 'é' END FROM n",
    );
    let scan = open(&db.home(), &table("t")).expect("open");
    let error = rows(scan.as_ref()).expect_err("half a letter");
    assert_eq!(error.place(), Some("shop.db, table t, rowid 45000, column s"));
    assert!(error.found().starts_with("text that is not UTF-8 where text was expected"), "{error:?}");
}

#[test]
fn where_there_is_no_rowid_the_row_is_counted() {
    let db =
        Db::of("CREATE TABLE t(k TEXT PRIMARY KEY, v INT) WITHOUT ROWID; INSERT INTO t VALUES ('a', 1), ('b', 'x')");
    let scan = open(&db.home(), &table("t")).expect("open");
    let error = rows(scan.as_ref()).expect_err("misfit");
    assert_eq!(error.place(), Some("shop.db, table t, row 2, column v"));
}

#[test]
fn what_has_no_declared_type_is_observed() {
    let over = i64::MAX;
    for (values, data_type) in [
        ("(1), (2)", DataType::Int64),
        ("(1), (2.5)", DataType::Float64),
        (&*format!("({over}), (2.5)"), DataType::Utf8),
        ("(1), ('a')", DataType::Utf8),
        ("(x'00')", DataType::Binary),
        ("(NULL)", DataType::Utf8),
    ] {
        for declared in ["", "NUMERIC", "ANY_THING"] {
            let db = Db::of(&format!("CREATE TABLE t(a {declared}); INSERT INTO t VALUES {values}"));
            let scan = open(&db.home(), &table("t")).expect("open");
            assert_eq!(scan.schema().field(0).data_type(), &data_type, "{declared} {values}");
            assert_eq!(scan.notes().len(), usize::from(values == "(NULL)"));
            rows(scan.as_ref()).expect("fits what was seen");
        }
    }
    let db = Db::of("CREATE TABLE t(a); INSERT INTO t VALUES (x'00'), (1)");
    assert_eq!(advice(&refusal(&db.home(), &table("t"))), "columns: {a: binary}");
    // As bytes everything fits: blobs as they are, text and numbers as the bytes of their exact text.
    let db = Db::of("CREATE TABLE t(a); INSERT INTO t VALUES (x'00'), (1), (0.5), ('é'), (NULL)");
    let mut config = config(&db.path);
    config.types.insert("a".into(), DataType::Binary);
    let batch = rows(open(&SqliteHome::new(config), &table("t")).expect("open").as_ref()).expect("rows");
    assert_eq!(texts(&batch, "a"), ["00", "31", "302e35", "c3a9", ""]);
    let db = Db::of("CREATE TABLE t(a BLOB); INSERT INTO t VALUES (x'00'), (1)");
    let error = rows(open(&db.home(), &table("t")).expect("open").as_ref()).expect_err("a number among blobs");
    assert_eq!(advice(&error), "columns: {a: binary}", "and not text, which a blob does not fit");
    let db = Db::of("CREATE TABLE t(a); INSERT INTO t VALUES (9223372036854775807), (0.1), ('x')");
    let batch = rows(open(&db.home(), &table("t")).expect("open").as_ref()).expect("rows");
    assert_eq!(texts(&batch, "a"), ["9223372036854775807", "0.1", "x"]);
}

#[test]
fn types_that_a_person_chose_hold_and_misspelt_columns_are_refused() {
    let db = Db::of("CREATE TABLE t(id INTEGER PRIMARY KEY, at INT, n TEXT); INSERT INTO t VALUES (1, 60, '7')");
    let mut config = config(&db.path);
    config.types.insert("AT".into(), DataType::Timestamp(TimeUnit::Second, None));
    config.types.insert("n".into(), DataType::Int32);
    let scan = open(&SqliteHome::new(config.clone()), &table("t")).expect("open");
    let batch = rows(scan.as_ref()).expect("rows");
    assert_eq!((texts(&batch, "at"), texts(&batch, "n")), (vec!["1970-01-01T00:01:00".into()], vec!["7".into()]));
    let mut misspelt = config.clone();
    misspelt.types.insert("ids".into(), DataType::Utf8);
    let error = refusal(&SqliteHome::new(misspelt), &table("t"));
    assert_eq!(error.found(), "there is no column `ids`, to which `columns:` gives a type");
    assert_eq!(advice(&error), "write `id` under `columns:`, if that was meant");
    config.types.insert("n".into(), DataType::Duration(TimeUnit::Second));
    assert!(refusal(&SqliteHome::new(config), &table("t")).found().contains("cannot be read as Duration"));
}

#[test]
fn types_are_given_to_one_table_of_many() {
    let db = Db::of(
        "CREATE TABLE trips(id INT, fare INT); INSERT INTO trips VALUES (1, 'free');
         CREATE TABLE tolls(id INT, fare INT); INSERT INTO tolls VALUES (1, 7);
         CREATE VIEW both_ AS SELECT fare FROM trips;",
    );
    let mut config = config(&db.path);
    config.many_tables = true;
    config.types.insert("trips.fare".into(), DataType::Utf8);
    config.types.insert("both_.fare".into(), DataType::Utf8);
    let home = SqliteHome::new(config.clone());
    let fare = |name: &str| {
        let scan = open(&home, &table(name)).expect("open");
        let batch = rows(scan.as_ref()).expect("fits");
        (batch.column_by_name("fare").expect("fare").data_type().clone(), texts(&batch, "fare").remove(0))
    };
    assert_eq!(fare("trips"), (DataType::Utf8, "free".into()));
    assert_eq!(fare("both_"), (DataType::Utf8, "free".into()));
    assert_eq!(fare("tolls"), (DataType::Int64, "7".into()));
    // A bare name means the column of every table that has one.
    config.types.insert("id".into(), DataType::Int32);
    let scan = open(&SqliteHome::new(config.clone()), &table("both_")).expect("a view without it");
    drop(scan);
    for (name, near) in [("trips.fara", "trips.fare"), ("fara", "fare"), ("trip.fare", "trips.fare")] {
        let mut misspelt = config.clone();
        misspelt.types.insert(name.into(), DataType::Utf8);
        let error = refusal(&SqliteHome::new(misspelt), &table("tolls"));
        assert_eq!(advice(&error), format!("write `{near}` under `columns:`, if that was meant"));
    }
    // Of one table, a dot is part of a column's name.
    config.many_tables = false;
    assert!(refusal(&SqliteHome::new(config), &table("trips")).found().contains("no column `both_.fare`"));
}
