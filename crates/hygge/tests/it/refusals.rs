//! What is refused before anything starts, and what fails while it runs: place, reason, advice, exit code.

use crate::folder::{Folder, assert_screen};

fn one(home: &str, store: &str, more: &str) -> Folder {
    let folder = Folder::with(&format!("flows:\n  users:\n    home: {home}\n    store: {store}\n{more}"));
    folder.write("users.csv", "id,name\n1,Ada\n2,Bjarne\n");
    folder
}

#[test]
fn a_file_that_is_missing() {
    let folder = one("nowhere.csv", "data/users/", "");
    assert_screen!(folder.run(&["go"]).exits(2).screen());
    assert_screen!(folder.run(&["plan"]).exits(2).screen());
    assert!(!folder.has(".hygge"));
}

#[test]
fn a_folder_with_files_of_somebody_else() {
    let folder = one("users.csv", "data/users/", "");
    folder.write("data/users/notes.txt", "mine");
    assert_screen!(folder.run(&["go"]).exits(2).screen());
    assert_eq!(std::fs::read_to_string(folder.path("data/users/notes.txt")).expect("still there"), "mine");
}

#[test]
fn a_store_path_that_is_a_file() {
    let folder = one("users.csv", "data/users/", "");
    folder.write("data/users", "a file");
    assert_screen!(folder.run(&["go"]).exits(2).screen());
}

#[test]
fn two_flows_on_one_place() {
    let folder = one("users.csv", "data/users/", "  again:\n    home: users.csv\n    store: data/users/\n");
    assert_screen!(folder.run(&["go"]).exits(2).screen());
    assert!(!folder.has("data"));
}

#[test]
fn a_flow_that_was_renamed() {
    let folder = one("users.csv", "data/users/", "");
    folder.run(&["go"]).exits(0);
    folder.write("hygge.yml", "flows:\n  people:\n    home: users.csv\n    store: data/users/\n");
    assert_screen!(folder.run(&["go"]).exits(2).screen());
    folder.write("hygge.yml", "flows:\n  people:\n    formerly: users\n    home: users.csv\n    store: data/users/\n");
    folder.run(&["go"]).exits(0);
}

#[test]
fn settled_files_that_were_deleted_by_hand() {
    let folder = one("new/", "data/users/", "    incremental: true\n");
    folder.write("hygge.yml", "flows:\n  users:\n    home: new/*.csv\n    store: data/users/\n    incremental: true\n");
    folder.write("new/a.csv", "id,name\n1,Ada\n");
    folder.run(&["go"]).exits(0);
    for file in std::fs::read_dir(folder.path("data/users")).expect("listed").flatten() {
        std::fs::remove_file(file.path()).expect("deleted");
    }
    folder.write("new/b.csv", "id,name\n2,Bjarne\n");
    assert_screen!(folder.run(&["go"]).exits(1).screen());
    folder.run(&["go", "--full-drop"]).exits(0);
    folder.run(&["verify"]).exits(0);
}

#[test]
fn columns_that_are_others_now() {
    let folder = one("users.csv", "data/users/", "");
    folder.run(&["go"]).exits(0);
    folder.write("users.csv", "id,nick\n1,Ada\n");
    assert_screen!(folder.run(&["go"]).exits(2).screen());
    folder.run(&["go", "--full-drop"]).exits(0);
}

#[test]
fn an_empty_home_leaves_an_empty_table() {
    let folder = one("users.csv", "data/users/", "");
    folder.run(&["go"]).exits(0);
    folder.write("users.csv", "id,name\n");
    let ran = folder.run(&["go"]);
    assert!(matches!(ran.code, Some(0 | 2)), "{}{}", ran.out, ran.err);
    assert!(folder.has("data/users"));
}

#[test]
fn corrupt_files_are_named() {
    let folder = one("users.parquet", "data/users/", "");
    folder.write("users.parquet", "PAR1 this is no Parquet file at all PAR1");
    let ran = folder.run(&["go"]);
    assert!(matches!(ran.code, Some(1 | 2)), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("users.parquet") || ran.out.contains("users.parquet"), "{}{}", ran.out, ran.err);
    let folder = one("users.db", "data/users/", "");
    folder.write("users.db", "this is no database");
    folder.run(&["go"]).exits(2);
}
