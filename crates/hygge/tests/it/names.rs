//! Names as screens show them can be typed, and what is advised is meant for a shell.

use crate::folder::Folder;

const PROJECT: &str = "\
flows:
  one:
    home: one.csv
    store: lake/one/
  many:
    home: in/{entity}.csv
    store: lake/many/
    entities: [a, b]
  shop:
    home: {type: sqlite, path: shop.db, tables: \"*\"}
    store: lake/shop/
";

fn project() -> Folder {
    let folder = Folder::with(PROJECT);
    for name in ["one.csv", "in/a.csv", "in/b.csv"] {
        folder.write(name, "id\n1\n");
    }
    folder.sqlite("shop.db", "CREATE TABLE x (id INTEGER PRIMARY KEY); CREATE TABLE y (id INTEGER PRIMARY KEY)");
    folder
}

#[test]
fn an_entity_is_chosen_by_the_name_that_screens_give_it() {
    let folder = project();
    for command in ["plan", "go", "status", "verify", "ls", "sweep", "check"] {
        let ran = folder.run(&[command, "many/a", "shop/x"]).exits(0);
        // `ls` shows a flow with one entity by that, and does not ask homes.
        let shown = if command == "ls" { "shop" } else { "shop/x" };
        assert!(ran.out.contains("many/a") && ran.out.contains(shown), "{command}: {}", ran.out);
        assert!(!ran.out.contains("many/b") && !ran.out.contains("shop/y"), "{command}: {}", ran.out);
    }
    assert!(folder.has("lake/many/a") && folder.has("lake/shop/x"));
    assert!(!folder.has("lake/many/b") && !folder.has("lake/shop/y") && !folder.has("lake/one"));
    folder.run(&["go", "many", "many/a"]).exits(0);
    assert!(folder.has("lake/many/b"), "all of it was chosen");
    assert_eq!(folder.run(&["preview", "many/a"]).exits(0).out, folder.run(&["preview", "in/a.csv"]).exits(0).out);
}

#[test]
fn an_entity_that_is_not_there_is_told_with_those_that_are() {
    let folder = project();
    for typed in [&["go", "one", "--entity", "nope"][..], &["go", "one/nope"]] {
        folder.run(typed).exits(2).says(&["the flow one has no entities", "next: name the flow alone: one"]);
    }
    for typed in [&["go", "many", "--entity", "nope"][..], &["go", "many/nope"]] {
        folder.run(typed).exits(2).says(&["the flow many has no entity nope", "next: choose from: a, b"]);
    }
    folder.run(&["go", "shop/nope"]).exits(2).says(&["shop has no entity nope in shop.db", "choose from: x, y"]);
    folder.run(&["go", "one", "many", "--entity", "c"]).exits(2).says(&["has an entity c", "choose from: a, b"]);
    folder.run(&["go", "many/a", "--entity", "b"]).exits(2).says(&["next: leave --entity out"]);
    folder.run(&["go", "one", "many", "--entity", "b"]).exits(0);
    assert!(folder.has("lake/many/b") && !folder.has("lake/many/a") && !folder.has("lake/one"));
}

#[test]
fn in_a_project_a_folder_is_a_path_unless_a_home_has_its_name() {
    let folder = Folder::with("homes:\n  named: {type: csv, path: one.csv}\nflows: {}\n");
    folder.write("one.csv", "id\n1\n");
    folder.run(&["copy", "one.csv", "out/"]).exits(0);
    folder.run(&["copy", "out", "x.csv"]).exits(0);
    folder.run(&["preview", "out"]).exits(0).says(&["id"]);
    folder.write("named/a.csv", "other\n1\n");
    folder.run(&["copy", "named", "y.csv"]).exits(0);
    assert_eq!(std::fs::read_to_string(folder.path("y.csv")).expect("written"), "id\n1\n", "the home wins");
    folder.run(&["copy", "nothing", "z.csv"]).exits(2).says(&["is no path, and no home of the project"]);
}

#[test]
fn a_table_that_is_called_oddly_is_left_out_by_the_line_that_is_advised() {
    let config = |exclude: &str| {
        format!(
            "flows:\n  shop:\n    home:\n      type: sqlite\n      path: shop.db\n      tables: \"*\"\n{exclude}    store: lake/\n"
        )
    };
    let folder = Folder::with(&config(""));
    folder.sqlite(
        "shop.db",
        "CREATE TABLE users (id INT); CREATE TABLE \"a/b\" (id INT); CREATE TABLE \".hid*\" (id INT);
         CREATE TABLE \"*\" (id INT); CREATE TABLE \"#c\" (id INT)",
    );
    let ran = folder.run(&["go"]).exits(2).says(&["next: add  exclude: [\"a/b\"]  at hygge.yml:4:7"]);
    assert!(!ran.err.contains("are the same"), "a table may be called *: {}", ran.err);
    folder.write("hygge.yml", &config("      exclude: [\"a/b\"]\n"));
    folder
        .run(&["go"])
        .exits(2)
        .says(&["next: replace  exclude:  at hygge.yml:7:7  by  exclude: [\"a/b\", \".hid[*]\"]"]);
    folder.write("hygge.yml", &config("      exclude: [\"a/b\", \".hid[*]\"]\n"));
    folder.run(&["go"]).exits(0);
    folder.run(&["verify"]).exits(0).says(&["shop/*", "shop/#c", "3 proved."]);
}

#[test]
fn a_home_that_another_flow_has_yet_to_make_is_waited_for_by_the_line_that_is_advised() {
    let config = |more: &str| {
        format!(
            "flows:\n  b:\n    home: {{type: parquet, path: lake/a}}\n    store: lake/b/\n{more}  a:\n    home: a.csv\n    store: lake/a/\n"
        )
    };
    let folder = Folder::with(&config(""));
    folder.write("a.csv", "id\n1\n");
    folder.run(&["go"]).exits(2).says(&["is the place of the flow a", "next: add  depends_on: [a]  at hygge.yml:3:5"]);
    folder.write("hygge.yml", &config("    depends_on: [a]\n"));
    folder.run(&["go"]).exits(0).says(&["2 settled."]);
}

#[test]
fn a_damaged_database_is_looked_at_by_the_command_that_is_advised() {
    let folder = Folder::new();
    folder.sqlite(
        "my shop.db",
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);
         INSERT INTO users WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
         SELECT i, 'somebody' || i FROM n",
    );
    let path = folder.path("my shop.db");
    let mut bytes = std::fs::read(&path).expect("read");
    let pages = bytes.len() / 4096;
    for page in 2..pages {
        bytes[page * 4096..page * 4096 + 64].fill(0xff);
    }
    std::fs::write(&path, bytes).expect("written");
    let ran = folder.run(&["copy", "my shop.db", "x.csv", "--table", "users"]);
    assert!(matches!(ran.code, Some(1 | 2)), "{}{}", ran.out, ran.err);
    ran.says(&["next: look at it with  sqlite3 'my shop.db' 'PRAGMA integrity_check'  and restore it from a backup"]);
}

#[test]
fn quiet_commands_tell_what_is_wrong_and_the_last_line() {
    let folder = project();
    folder.run(&["go", "-q"]).exits(0);
    for (command, last) in [("check", "as they should be."), ("plan", ""), ("verify", "5 proved. Nothing was written.")]
    {
        let ran = folder.run(&[command, "-q"]).exits(0);
        assert_eq!(ran.out.lines().count(), 1, "{command}: {}", ran.out);
        assert!(ran.out.trim_end().ends_with(last), "{command}: {}", ran.out);
    }
    assert_eq!(folder.run(&["status", "-q"]).exits(0).out, "");
    folder.write("one.csv", "id\n1\n2\n");
    let ran = folder.run(&["verify", "-q"]).exits(1).says(&["4 proved, 1 needs you."]);
    assert!(ran.out.contains("one") && !ran.out.contains("many/"), "{}", ran.out);
    std::fs::remove_file(folder.path("in/a.csv")).expect("removed");
    folder.run(&["go", "-q", "many", "--force"]);
    let ran = folder.run(&["check", "-q"]);
    assert!(ran.out.contains("many/a: home") && !ran.out.contains("many/b"), "{}", ran.out);
}

#[test]
fn what_cannot_be_read_is_told_with_the_way_out() {
    let folder = project();
    folder.run(&["go"]).exits(0);
    for file in std::fs::read_dir(folder.path("lake/one")).expect("listed").flatten() {
        std::fs::remove_file(file.path()).expect("removed");
    }
    folder.run(&["verify", "one"]).exits(1).says(&["next: run  hygge go one --full-drop  to settle everything anew"]);
    folder.run(&["go", "one", "--full-drop"]).exits(0);
    folder.run(&["verify", "one"]).exits(0);
    // The journal is a view: receipts are shown without it.
    std::fs::remove_file(folder.path(".hygge/journal.db")).expect("removed");
    std::fs::create_dir(folder.path(".hygge/journal.db")).expect("made");
    let ran = folder.run(&["status"]).exits(0);
    ran.says(&["many/a", "settled", "failures and the last runs are missing", "next:", ".hygge/journal.db"]);
    #[cfg(target_os = "linux")]
    Folder::new().run(&["init", "/proc/x"]).exits(2).says(&["/proc/x", "next: choose a folder"]);
    Folder::new().run(&["init", "my shop"]).exits(0).says(&["cd 'my shop'"]);
}

#[test]
fn one_file_is_one_file() {
    let folder = project();
    folder.run(&["go", "one"]).exits(0);
    folder.run(&["check", "one"]).exits(0).says(&["lake/one: 1 file, load 1 of", "1 column"]);
    let folder = Folder::with(
        "flows:\n  a:\n    home: {type: csv, path: in}\n    store: a/\n  b:\n    home: {type: parquet, path: p.parquet}\n    store: b/\n",
    );
    folder.write("in/one.csv", "id\n1\n");
    folder.write("in/notes.txt", "mine");
    folder.run(&["copy", "in/one.csv", "p.parquet"]).exits(0);
    folder.run(&["check", "b"]).exits(0).says(&["p.parquet: 1 file, 1 row"]);
    folder.run(&["plan", "a"]).exits(0).says(&["1 file that is not CSV was passed over: notes.txt"]);
}

#[test]
fn a_run_that_was_killed_is_told_until_another_has_ended() {
    let folder = project();
    folder.run(&["go"]).exits(0);
    let kill = || {
        let journal = rusqlite::Connection::open(folder.path(".hygge/journal.db")).expect("opens");
        let now = "INSERT INTO runs (run, started) VALUES ('dead' || random(), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))";
        journal.execute(now, []).expect("inserted");
    };
    let told = || folder.run(&["status"]).exits(0).out.contains("has not ended by its own word");
    assert!(!told());
    kill();
    assert!(told());
    folder.run(&["go"]).exits(0);
    assert!(!told(), "a later run has ended");
    kill();
    folder.run(&["sweep", "one"]).exits(0);
    assert!(told(), "the others' places were not looked at");
    folder.run(&["sweep"]).exits(0);
    assert!(!told(), "no place is held any more");
}

#[test]
fn an_entity_of_one_flow_leaves_out_those_of_many_tables_that_do_not_have_it() {
    let folder = project();
    let names = |typed: &[&str], code| {
        let ran = folder.run(typed).exits(code);
        let shown = format!("{}{}", ran.out, ran.err);
        let all = ["lake/one", "lake/many/a", "lake/many/b", "lake/shop/x", "lake/shop/y"];
        all.into_iter().filter(|place| shown.contains(place)).collect::<Vec<_>>()
    };
    assert_eq!(names(&["go", "--entity", "a"], 0), ["lake/many/a"]);
    assert_eq!(names(&["go", "--entity", "y"], 0), ["lake/shop/y"]);
    assert_eq!(names(&["plan", "--entity", "y", "--entity", "b"], 0), ["lake/many/b", "lake/shop/y"]);
    // Where no flow has it, or one is named for it, it is missed.
    folder.run(&["go", "--entity", "nope"]).exits(2).says(&["has no entity nope", "choose from: x, y"]);
    folder.run(&["go", "shop/a", "many"]).exits(2).says(&["shop has no entity a"]);
}
