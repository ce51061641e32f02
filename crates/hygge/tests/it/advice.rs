//! Every "next" can be followed: done as it says, the trouble it was about is over.

use crate::folder::{Folder, Ran, assert_screen};

/// What is advised, without the line breaks of the screen.
fn next(ran: &Ran) -> String {
    let all = format!("{}{}", ran.out, ran.err);
    let at = all.find("next:").unwrap_or_else(|| panic!("nothing is advised:\n{all}"));
    all[at + 5..].lines().next().unwrap_or_default().trim().to_owned()
}

/// The line that is to be pasted: `add  LINE  at PLACE`, `replace  KEY:  at PLACE  by  LINE`.
fn line(ran: &Ran) -> String {
    let next = next(ran);
    let parts: Vec<&str> = next.split("  ").collect();
    let part = if next.starts_with("replace") { parts.last() } else { parts.get(1) };
    part.unwrap_or_else(|| panic!("no line in: {next}")).trim_end_matches(',').to_owned()
}

#[test]
fn a_misfit_in_one_of_many_tables_changes_that_table_alone() {
    let config = |columns: &str| {
        format!(
            "flows:\n  lake:\n    home:\n      type: sqlite\n      connection: sqlite:///shop.db\n      tables: \"*\"\n{columns}    store: lake/\n"
        )
    };
    let folder = Folder::with(&config(""));
    folder.sqlite(
        "shop.db",
        "CREATE TABLE trips (id INTEGER PRIMARY KEY, fare INT, tip INT);
         INSERT INTO trips VALUES (1, 'free', 'none');
         CREATE TABLE tolls (id INTEGER PRIMARY KEY, fare INT);
         INSERT INTO tolls VALUES (1, 7)",
    );
    let first = folder.run(&["go"]).exits(1);
    assert_eq!(line(&first), "columns: {trips.fare: text}");
    folder.write("hygge.yml", &config(&format!("      {}\n", line(&first))));
    let second = folder.run(&["go", "--entity", "trips"]).exits(1);
    assert_eq!(line(&second), "columns: {trips.fare: text, trips.tip: text}", "what was there is kept");
    assert_screen!(second.screen());
    folder.write("hygge.yml", &config(&format!("      {}\n", line(&second))));
    folder.run(&["go"]).exits(0);
    let types = |path: &str| folder.run(&["preview", path]).exits(0).out.lines().nth(1).map(str::to_owned);
    assert_eq!(types("lake/trips/").as_deref(), Some("int64   text   text"));
    assert_eq!(types("lake/tolls/").as_deref(), Some("int64   int64"));
    folder.write("hygge.yml", &config("      columns: {trips.fara: text}\n"));
    let misspelt = folder.run(&["plan"]).exits(2);
    assert!(next(&misspelt).contains("write `trips.fare`"), "{}", next(&misspelt));
}

#[test]
fn what_a_copy_advises_can_be_typed() {
    let folder = Folder::new();
    let rows = "1,2\n".repeat(200_000);
    folder.write("trips.csv", &format!("id,fare\n{rows}1,-\n2,NA\n3,\n"));
    let mut arguments = vec!["copy", "trips.csv", "trips.parquet", "--var", "home.columns={fare: int}"];
    let first = folder.run(&arguments).exits(1);
    assert_eq!(line(&first), "--var 'home.nulls=[\"-\"]'");
    arguments.extend(["--var", "home.nulls=[\"-\"]"]);
    let second = folder.run(&arguments).exits(1);
    assert_eq!(line(&second), "--var 'home.nulls=[\"-\", \"NA\"]'");
    arguments.extend(["--var", "home.nulls=[\"-\", \"NA\", \"\"]"]);
    folder.run(&arguments).exits(0);
    folder.write("trips.csv", "id,fare,tip\n1,2,3\n");
    let other = folder.run(&["copy", "trips.csv", "trips.parquet"]).exits(2);
    assert!(next(&other).starts_with("copy once more with  --full-drop"), "{}", next(&other));
    folder.run(&["copy", "trips.csv", "trips.parquet", "--full-drop"]).exits(0);
    assert_screen!(folder.run(&["copy", "ftp://example.org/a.csv", "a.parquet"]).exits(2).screen());
}

#[test]
fn columns_that_changed_are_answered_by_a_command() {
    let folder =
        Folder::with("flows:\n  users:\n    home: in/{entity}.csv\n    store: lake/\n    entities: [people]\n");
    folder.write("in/people.csv", "id\n1\n");
    folder.run(&["go"]).exits(0);
    folder.write("in/people.csv", "id,name\n1,Ada\n");
    let ran = folder.run(&["go"]).exits(2);
    assert_eq!(next(&ran), "run  hygge go users --entity people --full-drop  to settle everything in the new form");
    folder.run(&["go", "users", "--entity", "people", "--full-drop"]).exits(0);
    folder.run(&["verify"]).exits(0);
}

#[test]
fn a_flat_home_does_not_meet_a_store_below_it() {
    let folder = Folder::with("flows:\n  users:\n    home: {type: csv, path: raw}\n    store: raw/out\n");
    folder.write("raw/a.csv", "id\n1\n");
    folder.run(&["go"]).exits(0);
    folder.run(&["go"]).exits(0);
    folder.run(&["verify"]).exits(0);
    folder.write("hygge.yml", "flows:\n  users:\n    home: {type: csv, path: raw/**/*.csv}\n    store: raw/out2\n");
    let below = folder.run(&["plan"]).exits(2);
    assert!(below.out.contains("home and store at once"), "{}", below.out);
    folder.write("hygge.yml", "flows:\n  users:\n    home: {type: csv, path: raw}\n    store: raw/b.csv\n");
    folder.run(&["plan"]).exits(2);
}

#[test]
fn a_flow_that_appends_all_rows_on_every_run_is_verified_by_its_receipt() {
    let folder = Folder::with("flows:\n  users:\n    home: users.csv\n    store: lake/users/\n    append: every_run\n");
    folder.write("users.csv", "id\n1\n2\n");
    let plan = folder.run(&["plan"]).exits(0);
    assert!(plan.out.contains("append, all rows, again on every run"), "{}", plan.out);
    folder.run(&["go"]).exits(0);
    folder.run(&["go"]).exits(0);
    assert_screen!(folder.run(&["verify"]).exits(0).screen());
}

#[test]
fn verify_advises_what_ends_the_difference() {
    let folder = Folder::with(
        "flows:\n  users:\n    home: {type: sqlite, path: shop.db, table: users}\n    store: lake/users/\n    incremental: true\n",
    );
    folder.sqlite(
        "shop.db",
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO users VALUES (1, 'Ada')",
    );
    folder.run(&["go"]).exits(0);
    let change =
        |sql: &str| rusqlite::Connection::open(folder.path("shop.db")).expect("opens").execute_batch(sql).expect("sql");
    change("INSERT INTO users VALUES (2, 'Bo')");
    let new = folder.run(&["verify"]).exits(1);
    assert_eq!(next(&new), "carry what is new with  hygge go users  and verify again");
    folder.run(&["go", "users"]).exits(0);
    folder.run(&["verify"]).exits(0);
    // An old row that changed is not carried by key: a plain run would change nothing.
    change("UPDATE users SET name = 'Eve' WHERE id = 1");
    let old = folder.run(&["verify"]).exits(1);
    assert_eq!(next(&old), "run  hygge go users --full-drop  to settle all rows as the home holds them now");
    folder.run(&["go", "users", "--full-drop"]).exits(0);
    folder.run(&["verify"]).exits(0);
}

#[test]
fn rows_that_others_deleted_in_a_table_are_found_by_verify() {
    let folder =
        Folder::with("flows:\n  users:\n    home: users.csv\n    store: {type: sqlite, path: shop.db, table: users}\n");
    folder.write("users.csv", "id\n1\n2\n");
    folder.run(&["go"]).exits(0);
    let shop = rusqlite::Connection::open(folder.path("shop.db")).expect("opens");
    shop.execute("DELETE FROM users WHERE id = 2", []).expect("deleted");
    drop(shop);
    let go = folder.run(&["go"]).exits(0);
    assert!(go.out.contains("up to date"), "a run looks at the table, not at its rows: {}", go.out);
    let found = folder.run(&["verify"]).exits(1);
    assert!(found.out.contains("rows came or went by another hand"), "{}", found.out);
    assert_eq!(next(&found), "run  hygge go users --full-drop  to settle all rows as the home holds them now");
    folder.run(&["go", "users", "--full-drop"]).exits(0);
    folder.run(&["verify"]).exits(0);
}

#[test]
fn rows_that_are_held_back_are_told_until_they_settle() {
    let folder = Folder::with(
        "flows:\n  log:\n    home: {type: sqlite, path: shop.db, table: log}\n    store: lake/log/\n    incremental: true\n    watermark: day\n",
    );
    folder.sqlite(
        "shop.db",
        "CREATE TABLE log (id INTEGER PRIMARY KEY, day INT);
         INSERT INTO log VALUES (1, 1), (2, 2);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100001)
         INSERT INTO log SELECT 1000 + i, 7 FROM n;",
    );
    assert_screen!(folder.run(&["go", "-q"]).exits(0).screen());
    assert_screen!(folder.run(&["go"]).exits(0).out);
    let forced = folder.run(&["go", "--force"]).exits(0);
    assert!(forced.out.contains("up to date, but more than 100,000 rows share the greatest day, 7"), "{}", forced.out);
    assert_screen!(folder.run(&["status"]).exits(0).screen());
    assert_screen!(folder.run(&["verify"]).exits(0).screen());
    let shop = rusqlite::Connection::open(folder.path("shop.db")).expect("opens");
    shop.execute("INSERT INTO log VALUES (3, 8)", []).expect("inserted");
    drop(shop);
    let all = folder.run(&["go"]).exits(0);
    assert!(all.out.contains("100,002 rows") && !all.out.contains("held back"), "{}", all.out);
    folder.run(&["verify"]).exits(0);
}

#[test]
fn a_marker_alone_in_a_column_that_has_settled_is_named_with_its_row() {
    let config = |more: &str| {
        format!(
            "flows:\n  days:\n    home:\n      type: csv\n      path: in\n{more}    store: lake/\n    mode: append\n"
        )
    };
    let folder = Folder::with(&config(""));
    folder.write("in/1.csv", "n,day\n1,2013-01-01\n");
    folder.run(&["go"]).exits(0);
    for (cells, column) in [("2,NaN", "day"), ("NaN,2013-01-02", "n")] {
        folder.write("in/2.csv", &format!("n,day\n{cells}\n"));
        let ran = folder.run(&["go"]).exits(1);
        assert!(ran.out.contains(&format!("in/2.csv, row 1, column {column}:")), "{}", ran.out);
        assert_eq!(line(&ran), "nulls: [\"NaN\"]");
    }
    folder.write("hygge.yml", &config("      nulls: [\"NaN\"]\n"));
    folder.run(&["go"]).exits(0).says(&["1 row "]);
}

#[test]
fn a_bad_text_for_null_is_told_by_its_key() {
    let config = |more: &str| {
        format!("flows:\n  days:\n    home: days.csv\n    store:\n      type: csv\n      path: out\n{more}")
    };
    let folder = Folder::with(&config("      null_text: \"1\"\n"));
    folder.write("days.csv", "n\n1\n");
    let ran = folder.run(&["go"]).exits(2);
    assert_eq!(next(&ran), "replace  null_text:  at hygge.yml:7:7  by  null_text: \"\"");
    folder.write("hygge.yml", &config("      null_text: \"\"\n"));
    folder.run(&["go"]).exits(0);
}

#[test]
fn a_compression_that_an_option_gives_is_changed_there_and_one_of_a_name_in_the_name() {
    let home = |path: &str, word: &str| {
        let said = if word.is_empty() { String::new() } else { format!("      compression: {word}\n") };
        format!("flows:\n  days:\n    home:\n      type: csv\n      path: {path}\n{said}    store: out/\n")
    };
    let folder = Folder::new();
    folder.write("days.csv", "n\n1\n");
    folder.write("days.csv.gz", "n\n1\n");
    for (path, word, advised) in [("days.csv", "gzip", "auto"), ("days.csv.gz", "zstd", "none")] {
        folder.write("hygge.yml", &home(path, word));
        let ran = folder.run(&["go"]).exits(2);
        assert_eq!(line(&ran), format!("compression: {advised}"), "{}", ran.err);
        folder.write("hygge.yml", &home(path, advised));
        folder.run(&["go", "--full-drop"]).exits(0);
    }
    folder.write("hygge.yml", &home("days.csv.gz", ""));
    assert_eq!(next(&folder.run(&["go"]).exits(2)), "give the file a name that ends in .csv");
}

#[test]
fn incremental_that_was_only_typed_is_not_to_be_taken_out_of_the_file() {
    let folder =
        Folder::with("flows:\n  notes:\n    home: {path: shop.db, type: sqlite, table: notes}\n    store: out/\n");
    folder.sqlite("shop.db", "CREATE TABLE notes (text TEXT, size REAL)");
    let ran = folder.run(&["go", "--incremental"]).exits(2);
    assert!(next(&ran).contains("without  --incremental"), "{}", ran.err);
    folder.run(&["go"]).exits(0);
}

#[test]
fn a_project_under_another_name_goes_on_with_the_line_that_is_printed() {
    let folder = Folder::new();
    let flows = "flows:\n  users: {home: users.csv, store: lake/}\n";
    folder.write("my: #shop/hygge.yml", flows);
    folder.write("my: #shop/users.csv", "id\n1\n");
    let name = "name: \"my: #shop\"";
    folder.run(&["-C", "my: #shop", "go"]).exits(0);
    std::fs::rename(folder.path("my: #shop"), folder.path("other")).expect("renamed");
    let ran = folder.run(&["-C", "other", "go"]).exits(2);
    assert_eq!(ran.err.split("  ").find(|part| part.starts_with("name:")), Some(name), "{}", ran.err);
    folder.write("other/hygge.yml", &format!("{name}\n{flows}"));
    folder.run(&["-C", "other", "go"]).exits(0).says(&["up to date"]);
}

#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_is_lost_on_its_way_out_is_no_success() {
    let folder = Folder::with("flows:\n  users:\n    home: users.csv\n    store: lake/users/\n");
    folder.write("users.csv", "id\n1\n");
    for (arguments, code) in
        [(&["ls"][..], 1), (&["schema"], 1), (&["go"], 1), (&["--help"], 1), (&["go", "nobody"], 2)]
    {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("opens");
        let output =
            folder.command(arguments).stdout(std::process::Stdio::from(full)).output().expect("the tool starts");
        let ran = folder.ran(arguments, &output).exits(code);
        if code == 1 {
            assert!(ran.err.contains("cannot write to standard output: the disk is full"), "{}", ran.err);
            assert!(next(&ran).contains("what had settled stays settled"), "{}", ran.err);
        }
    }
    assert!(folder.has("lake/users"), "the run itself has settled");
}
