//! Rows that settle in SQLite.

use crate::folder::{Folder, assert_screen};

#[test]
fn a_table_is_copied_to_and_fro() {
    let folder = Folder::new();
    folder.write("users.csv", "id,name\n1,Ada\n2,Bjarne\n");
    folder.run(&["copy", "users.csv", "users.parquet"]).exits(0);
    let into = ["copy", "users.parquet", "sqlite:///shop.db", "--table", "users", "--key", "id"];
    assert_screen!(folder.run(&into).exits(0).screen());
    // The key makes it a table that new rows can be told by.
    folder.run(&["copy", "sqlite:///shop.db", "out/users/", "--table", "users", "--mode", "append"]).exits(0);
    let again =
        folder.run(&["copy", "sqlite:///shop.db", "out/users/", "--table", "users", "--mode", "append"]).exits(0);
    assert!(again.out.contains("up to date"), "{}", again.out);
    assert!(!folder.has(".hygge"), "a copy keeps no project's folder: {:?}", folder.listing());
    assert_screen!(folder.run(&["copy", "sqlite:///shop.db", "out.parquet"]).exits(2).screen());
}

#[test]
fn a_merge_updates_by_key() {
    let folder = Folder::new();
    folder.write("users.csv", "id,name\n1,Ada\n2,Bjarne\n");
    let merge = ["copy", "users.csv", "sqlite:///shop.db", "--table", "users", "--mode", "merge", "--key", "id"];
    folder.run(&merge).exits(0);
    folder.write("users.csv", "id,name\n2,Bjorn\n3,Chlo\n");
    assert_screen!(folder.run(&merge).exits(0).screen());
    let names = folder.run(&["preview", "sqlite:///shop.db", "--query", "SELECT name FROM users ORDER BY id"]).exits(0);
    assert_eq!(names.out, "name\ntext\nAda\nBjorn\nChlo\n");
}

#[test]
fn the_quickstart_runs_and_then_has_nothing_to_do() {
    let folder = Folder::new();
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/quickstart");
    std::fs::create_dir_all(folder.path("data")).expect("made");
    std::fs::copy(examples.join("hygge.yml"), folder.path("hygge.yml")).expect("copied");
    for entry in std::fs::read_dir(examples.join("data")).expect("listed").flatten() {
        std::fs::copy(entry.path(), folder.path("data").join(entry.file_name())).expect("copied");
    }
    folder.run(&["plan"]).exits(0);
    assert_screen!(folder.run(&["go", "--concurrency", "1"]).exits(0).screen());
    assert_screen!(folder.run(&["go", "--concurrency", "1"]).exits(0).screen());
    folder.run(&["verify"]).exits(0);
}

#[test]
fn a_table_of_others_in_the_place_of_ours_is_verified_with_an_advice_that_holds() {
    for how in ["append", "replace"] {
        let flow = |more: &str| {
            format!(
                "flows:\n  f: {{home: users*.csv, store: {{connection: 'sqlite:///shop.db', table: users}}, mode: {how}{more}}}\n"
            )
        };
        let folder = Folder::with(&flow(""));
        folder.write("users.csv", "id,name\n1,Ada\n2,Bjarne\n");
        folder.run(&["go"]).exits(0);
        let theirs = "import sqlite3; c = sqlite3.connect('shop.db'); c.executescript('DROP TABLE users; CREATE TABLE users(id INTEGER, name TEXT); INSERT INTO users VALUES (1, 2)')";
        let mut python = std::process::Command::new(crate::exec::python());
        let ran = python.args(["-c", theirs]).current_dir(folder.path("")).status();
        assert!(ran.expect("Python runs").success());
        let told = folder.run(&["verify"]).exits(1);
        told.says(&["is not the one that settled", "--full-drop", "adopt: true"]);
        folder.write("hygge.yml", &flow(", adopt: true"));
        folder.run(&["go", "--full-drop"]).exits(0).says(&["2 rows"]);
        folder.run(&["verify"]).exits(0);
    }
}
