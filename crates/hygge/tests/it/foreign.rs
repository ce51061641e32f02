//! Files and rows that others put where ours settled: told by every command, taken over when told, never vouched for.

use crate::folder::{Folder, assert_screen};

const STORES: [&str; 2] = ["parquet", "csv"];

fn config(store: &str, mode: &str, options: &str) -> String {
    format!(
        "flows:\n  users:\n    home: {{type: csv, path: in}}\n    store: {{type: {store}, path: out}}\n    mode: {mode}\n{options}\
         \n  theirs:\n    home: theirs.csv\n    store: {{type: {store}, path: theirs}}\n"
    )
}

const ADOPT: &str = "    adopt: true\n";

/// Two rows that settled.
fn settled(store: &str, mode: &str) -> Folder {
    let folder = Folder::with(&config(store, mode, ""));
    folder.write("in/1.csv", "id,v\n1,a\n2,b\n");
    folder.run(&["go", "users"]).exits(0);
    folder
}

/// Puts a file of these rows, made elsewhere, into the place.
fn put(folder: &Folder, name: &str, rows: &str) {
    folder.write("theirs.csv", rows);
    folder.run(&["go", "theirs", "--full-drop"]).exits(0);
    let made = std::fs::read_dir(folder.path("theirs")).expect("listed").next().expect("one").expect("listed").path();
    std::fs::create_dir_all(folder.path("out")).expect("made");
    std::fs::copy(made, folder.path("out").join(name)).expect("copied");
}

fn only_file(folder: &Folder) -> String {
    let mut files = std::fs::read_dir(folder.path("out")).expect("listed");
    files.next().expect("one").expect("listed").file_name().into_string().expect("text")
}

#[test]
fn files_of_others_are_told_though_nothing_is_new() {
    for (store, mode) in STORES.iter().flat_map(|store| [(store, "replace"), (store, "append")]) {
        let folder = settled(store, mode);
        let name = format!("foreign.{store}");
        put(&folder, &name, "id,v\n7,z\n");
        let verify =
            folder.run(&["verify", "users"]).exits(1).says(&[&name, "move", "out of the folder", "adopt: true"]);
        assert!(verify.out.contains("0 proved"), "{}", verify.out);
        if (*store, mode) == ("parquet", "append") {
            assert_screen!(verify.screen());
        }
        for command in ["plan", "go"] {
            let ran = folder.run(&[command, "users"]).exits(2).says(&[&name, "adopt: true"]);
            assert!(!ran.out.contains("up to date"), "{}", ran.out);
        }
        std::fs::remove_file(folder.path("out").join(&name)).expect("moved away");
        folder.run(&["go", "users"]).exits(0).says(&["up to date"]);
        folder.run(&["verify", "users"]).exits(0);
    }
}

#[test]
fn what_is_taken_over_is_a_part_of_the_proof() {
    for (store, later) in STORES.iter().flat_map(|store| [(store, true), (store, false)]) {
        let folder = Folder::with(&config(store, "append", ""));
        folder.write("in/1.csv", "id,v\n1,a\n2,b\n");
        if later {
            folder.run(&["go", "users"]).exits(0);
        }
        put(&folder, &format!("foreign.{store}"), "id,v\n7,z\n");
        folder.write("hygge.yml", &config(store, "append", ADOPT));
        // Taken over though no row is new, and once.
        folder
            .run(&["plan", "users"])
            .exits(0)
            .says(&["a file that no load put there is taken over, and stays: foreign"]);
        folder.run(&["go", "users"]).exits(0);
        folder.run(&["go", "users"]).exits(0).says(&["up to date"]);
        let verify =
            folder.run(&["verify", "users"]).exits(0).says(&["3 rows", "1 row, taken over from others", "1 proved"]);
        if *store == "parquet" && later {
            assert_screen!(verify.screen());
        }
        folder.write("in/2.csv", "id,v\n3,c\n");
        folder.run(&["go", "users"]).exits(0).says(&["1 row"]);
        folder.run(&["verify", "users"]).exits(0).says(&["4 rows"]);
        // What would take the rows away says so.
        put(&folder, &format!("foreign.{store}"), "id,v\n8,z\n");
        let verify =
            folder.run(&["verify", "users"]).exits(1).says(&["--full-drop", "the rows that were taken over go"]);
        if *store == "parquet" && later {
            assert_screen!(verify.screen());
        }
        // A replace starts over: nothing is kept, and nothing is counted.
        folder.run(&["go", "users", "--full-drop"]).exits(0).says(&["3 rows"]);
        folder.run(&["verify", "users"]).exits(0).says(&["3 rows", "home, out and receipt hold the same"]);
    }
}

/// Receipts that an earlier version of hygge left keep their rows and lose their sums.
#[test]
fn sums_of_another_version_are_neither_compared_nor_added() {
    for adopts in [false, true] {
        let folder = Folder::with(&config("parquet", "append", if adopts { ADOPT } else { "" }));
        folder.write("in/1.csv", "id,v\n1,a\n2,b\n");
        if adopts {
            put(&folder, "foreign.parquet", "id,v\n7,z\n");
        }
        folder.run(&["go", "users"]).exits(0);
        let receipt = folder.path(".out.hygge/receipts/0000000001.json");
        let text = std::fs::read_to_string(&receipt).expect("read");
        let earlier = text.replace("\"version\":2,\"sum\"", "\"version\":1,\"sum\"");
        assert_ne!(text, earlier, "the receipt tells no version of its hash");
        std::fs::write(&receipt, earlier).expect("written");
        folder.run(&["go", "users"]).exits(0).says(&["up to date"]);
        folder.write("in/2.csv", "id,v\n3,c\n");
        if adopts {
            put(&folder, "foreign-2.parquet", "id,v\n8,z\n");
        }
        folder.run(&["go", "users"]).exits(0).says(&["1 row"]);
        let verify = folder.run(&["verify", "users"]);
        if adopts {
            let verify = verify.exits(1).says(&["all but the 2 rows taken over", "only numbers of rows"]);
            assert!(!verify.out.contains("changed since"), "{}", verify.out);
        } else {
            let verify = verify.exits(0).says(&["3 rows", "the receipt counts no rows of the whole"]);
            assert!(!verify.out.contains("merge"), "{}", verify.out);
        }
        folder.run(&["go", "users", "--full-drop"]).exits(0).says(&["3 rows"]);
        folder.run(&["verify", "users"]).exits(0).says(&["home, out and receipt hold the same"]);
    }
}

/// The watermark stays where it was, with the rows at it.
#[test]
fn what_is_taken_over_moves_no_watermark() {
    let config = |options: &str| {
        format!(
            "flows:\n  users:\n    home: {{type: sqlite, path: shop.db, table: users}}\n    store: out/\n    \
             incremental: true\n    mode: append\n    watermark: day\n{options}\n  theirs:\n    \
             home: {{type: sqlite, path: shop.db, table: theirs}}\n    store: theirs/\n"
        )
    };
    let folder = Folder::with(&config(""));
    folder.sqlite(
        "shop.db",
        "CREATE TABLE users (id INTEGER PRIMARY KEY, day INT); INSERT INTO users VALUES (1, 1), (2, 2), (3, 2);
         CREATE TABLE theirs (id INTEGER PRIMARY KEY, day INT); INSERT INTO theirs VALUES (9, 1)",
    );
    folder.run(&["go", "users"]).exits(0).says(&["3 rows"]);
    folder.run(&["go", "theirs"]).exits(0);
    let made = std::fs::read_dir(folder.path("theirs")).expect("listed").next().expect("one").expect("listed").path();
    std::fs::copy(made, folder.path("out/foreign.parquet")).expect("copied");
    folder.write("hygge.yml", &config(ADOPT));
    folder.run(&["go", "users"]).exits(0);
    folder.run(&["go", "users"]).exits(0).says(&["up to date"]);
    folder.sqlite("shop.db", "INSERT INTO users VALUES (4, 2), (5, 3)");
    folder.run(&["go", "users"]).exits(0).says(&["2 rows"]);
    folder.run(&["verify", "users"]).exits(0).says(&["6 rows", "1 row, taken over from others"]);
}

#[test]
fn files_of_other_columns_are_not_taken_over_beside_ours() {
    let cases = [
        ("id\n7\n", "the file has no column v"),
        ("id,v,x\n7,z,1\n", "the file has a column x, which the rows to come do not have"),
    ];
    for (store, (rows, found)) in STORES.iter().flat_map(|store| cases.iter().map(move |case| (store, case))) {
        let folder = settled(store, "append");
        let name = format!("foreign.{store}");
        put(&folder, &name, rows);
        // Not to be taken over, so that is not advised either.
        let ran = folder.run(&["go", "users"]).exits(2).says(&[&name, "move those files away"]);
        assert!(!format!("{}{}", ran.out, ran.err).contains("adopt: true"), "{}", ran.out);
        folder.write("hygge.yml", &config(store, "append", ADOPT));
        for command in ["plan", "go"] {
            folder.run(&[command, "users"]).exits(2).says(&[
                &format!("out/{name}: {found}"),
                &format!("next: move {name} out of the folder, or write it anew with the columns of the others"),
            ]);
        }
        // A replace keeps nothing of it.
        folder.run(&["go", "users", "--full-drop"]).exits(0).says(&["2 rows"]);
        assert!(!folder.has(&format!("out/{name}")));
        folder.run(&["verify", "users"]).exits(0);
    }
    let folder = settled("parquet", "append");
    put(&folder, "foreign.parquet", "id,v\nseven,z\n");
    folder.write("hygge.yml", &config("parquet", "append", ADOPT));
    folder
        .run(&["go", "users"])
        .exits(2)
        .says(&["out/foreign.parquet: the file's column id is Utf8, where the rows to come have Int64"]);
    let folder = settled("csv", "append");
    put(&folder, "foreign.csv", "v,id\nz,7\n");
    folder.write("hygge.yml", &config("csv", "append", ADOPT));
    folder.run(&["go", "users"]).exits(2).says(&["out/foreign.csv: the file's columns stand in another order"]);
    put(&folder, "foreign.csv", "id,v\nseven,z\n");
    let ran = folder
        .run(&["go", "users"])
        .says(&["out/foreign.csv, row 1, column id", "next: move foreign.csv out of the folder"]);
    assert_ne!(ran.code, Some(0));
    assert_eq!(folder.run(&["status", "users"]).out.matches("seq 1").count(), 1, "nothing settled");
}

#[test]
fn a_settled_file_that_verify_cannot_read_is_named_as_people_know_it() {
    for store in STORES {
        let folder = settled(store, "append");
        let name = only_file(&folder);
        put(&folder, &name, "id\n7\n");
        let verify = folder.run(&["verify", "users"]).exits(1).says(&[&format!("out/{name}"), "next: "]);
        assert!(!verify.screen().contains("[folder]"), "{}", verify.out);
        std::fs::remove_file(folder.path("out").join(&name)).expect("removed");
        let verify = folder.run(&["verify", "users"]).exits(1).says(&[
            &format!("files that settled are gone: {name}"),
            "next: run  hygge go users --full-drop  to settle everything anew",
        ]);
        assert!(!verify.screen().contains("[folder]"), "{}", verify.out);
    }
}

#[test]
fn rows_that_others_added_to_a_table_are_found_by_verify() {
    let folder = Folder::with(
        "flows:\n  users:\n    home: {type: csv, path: in}\n    store: {type: sqlite, path: shop.db, table: users}\n    mode: append\n",
    );
    folder.write("in/1.csv", "id,v\n1,a\n2,b\n");
    folder.run(&["go"]).exits(0);
    folder.sqlite("shop.db", "INSERT INTO users VALUES (7, 'z')");
    folder.run(&["verify"]).exits(1).says(&["shop.db:users holds 3 rows, and 2 rows settled", "by another hand"]);
}
