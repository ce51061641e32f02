//! Files that are merged by key: what a later one says of a key stands.

use crate::folder::Folder;

const ALL: &str = "SELECT id || ' ' || coalesce(name, 'none') FROM users ORDER BY id";

fn project(home: &str) -> Folder {
    Folder::with(&format!(
        "flows:\n  users:\n    home: {home}\n    store: {{type: sqlite, connection: 'sqlite:///shop.db', table: users}}\n    mode: merge\n    key: id\n"
    ))
}

/// Two files that speak of one key, and a third that comes later.
fn three_files() -> Folder {
    let folder = project("{type: csv, path: in}");
    folder.write("in/1.csv", "id,name\n1,Ada\n2,Bjarne\n");
    folder.write("in/2.csv", "id,name\n2,Bjorn\n3,Chlo\n");
    folder.run(&["go"]).exits(0).says(&["4 rows", "1 row has a key that a later row has, too: the later one stands"]);
    assert_eq!(folder.asked("shop.db", ALL), "1 Ada\n2 Bjorn\n3 Chlo\n");
    folder.write("in/3.csv", "id,name\n3,Chloe\n4,Dora\n");
    folder.run(&["go"]).exits(0).says(&["2 rows"]);
    folder.run(&["go"]).exits(0).says(&["up to date"]);
    folder
}

const MERGED: &str = "1 Ada\n2 Bjorn\n3 Chloe\n4 Dora\n";

#[test]
fn a_later_file_wins_in_one_load_as_over_several_and_when_all_settles_anew() {
    let folder = three_files();
    assert_eq!(folder.asked("shop.db", ALL), MERGED);
    let anew = folder.run(&["go", "--full-drop"]).exits(0);
    let _ = anew.says(&[
        "6 rows",
        "2 rows have a key that a later row has, too: the later ones stand",
        "replace, 2 gave way to later ones",
        "4 rows are home",
    ]);
    assert_eq!(folder.asked("shop.db", ALL), MERGED);
    folder.run(&["go"]).exits(0).says(&["up to date"]);
    folder.run(&["go", "--full-drop", "--var", "flows.users.verify=contents"]).exits(0).says(&["proved"]);
    assert_eq!(folder.asked("shop.db", ALL), MERGED);
    folder.run(&["verify"]).exits(0).says(&[
        "4 rows   shop.db:users and receipt hold the same   proved",
        "the home was not compared: 2 of its 6 rows gave way to later ones with the same key",
    ]);
}

#[test]
fn keys_that_come_again_are_verified_by_what_stood_after_each_load() {
    let holds = |folder: &Folder, stand: &str, more: &str| {
        folder
            .run(&["verify"])
            .exits(0)
            .says(&[&format!("{stand}   shop.db:users and receipt hold the same   proved"), more]);
    };
    let not_compared = |n: u64, of: u64| {
        format!("the home was not compared: {n} of its {of} rows gave way to later ones with the same key")
    };
    let folder = project("{type: csv, path: in}");
    folder.write("in/1.csv", "id,name\n1,Ada\n2,Bjarne\n2,Bjorn\n");
    folder.run(&["go"]).exits(0).says(&["3 rows", "merge, 1 gave way to later ones", "2 rows are home"]);
    holds(&folder, "2 rows", &not_compared(1, 3));
    // Rows of an earlier load are replaced, too, and by a load in which each key comes once.
    folder.write("in/2.csv", "id,name\n1,Ada L.\n3,Chlo\n");
    folder.run(&["go", "--var", "flows.users.verify=contents"]).exits(0).says(&["2 rows", "proved", "2 rows are home"]);
    holds(&folder, "3 rows", &not_compared(2, 5));
    // What is new at home is no matter of keys.
    folder.write("in/3.csv", "id,name\n3,Chloe\n4,Dora\n4,Dorothy\n");
    folder.run(&["verify"]).exits(1).says(&["holds what settled", "the home holds 8 rows now", "hygge go users"]);
    folder.run(&["go"]).exits(0).says(&["3 rows", "merge, 1 gave way to later ones"]);
    holds(&folder, "4 rows", &not_compared(4, 8));
    // Nor is what others do to the table.
    let others = |sql: &str| {
        let shop = rusqlite::Connection::open(folder.path("shop.db")).expect("opens");
        shop.execute_batch(sql).expect("sql");
    };
    others("UPDATE users SET name = 'theirs' WHERE id = 1");
    folder.run(&["verify"]).exits(1).says(&["they were changed by another", "--full-drop"]);
    folder.run(&["go", "--full-drop"]).exits(0).says(&["8 rows", "4 rows are home"]);
    holds(&folder, "4 rows", &not_compared(4, 8));
    // A receipt of before it was kept is as it was, until the next load.
    others("UPDATE _hygge_receipts SET receipt = json_remove(json_set(receipt, '$.total', NULL), '$.replaced')");
    folder.run(&["verify"]).exits(1).says(&["a merge keeps one row of each key", "--full-drop"]);
    folder.write("in/4.csv", "id,name\n4,Dot\n5,Eve\n");
    folder.run(&["go"]).exits(0);
    folder.run(&["status"]).exits(0).says(&["5 in all"]);
}

#[test]
fn where_each_key_comes_once_the_home_is_compared() {
    let folder = project("{type: csv, path: in}");
    for (file, text) in [("1", "id,name\n1,Ada\n2,Bjarne\n"), ("2", "id,name\n3,Chlo\n")] {
        folder.write(&format!("in/{file}.csv"), text);
        folder.run(&["go"]).exits(0);
    }
    folder.run(&["verify"]).exits(0).says(&["3 rows   home, shop.db:users and receipt hold the same   proved"]);
    // A file that changed is merged again: its rows take the place of their like, and the home has no more than stand.
    folder.write("in/2.csv", "id,name\n3,Chloe\n");
    folder.run(&["go"]).exits(0);
    folder.run(&["verify"]).exits(0).says(&["3 rows   home, shop.db:users and receipt hold the same   proved"]);
    folder.write("in/2.csv", "id,name\n4,Dora\n");
    folder.run(&["go"]).exits(0);
    folder.run(&["verify"]).exits(1).says(&["holds what settled", "the home holds 3 rows now"]);
}

#[test]
fn a_settled_file_that_changed_is_merged_again_and_takes_nothing_back() {
    let folder = three_files();
    // Its row of the key 2 is older than that of the file behind it.
    folder.write("in/1.csv", "id,name\n0,Zoe\n1,Ada L.\n2,Bjarne\n");
    let plan = folder.run(&["plan"]).exits(0);
    let _ = plan.says(&["in/1.csv changed since it settled: it and the 2 files behind it are merged again"]);
    folder.run(&["go"]).exits(0).says(&["7 rows"]);
    assert_eq!(folder.asked("shop.db", ALL), "0 Zoe\n1 Ada L.\n2 Bjorn\n3 Chloe\n4 Dora\n");
    folder.run(&["go"]).exits(0).says(&["up to date"]);
    // What an append has carried it cannot take back.
    let appended = Folder::with("flows:\n  users: {home: {type: csv, path: in}, store: data/users/, mode: append}\n");
    appended.write("in/1.csv", "id,name\n1,Ada\n");
    appended.run(&["go"]).exits(0);
    appended.write("in/1.csv", "id,name\n1,Ada L.\n");
    appended.run(&["go"]).exits(2).says(&["in/1.csv: the file has changed", "next:", "--full-drop"]);
}

#[test]
fn a_file_that_comes_late_is_merged_in_its_place_as_a_full_load_would() {
    let folder = project("{type: csv, path: in}");
    folder.write("in/b.csv", "id,name\n1,b\n");
    folder.run(&["go"]).exits(0).says(&["1 row"]);
    folder.write("in/a.csv", "id,name\n1,a\n2,a\n");
    folder.run(&["plan"]).exits(0).says(&["in/a.csv is new, and the file behind it that has settled is merged again"]);
    folder.run(&["go"]).exits(0).says(&["3 rows"]);
    assert_eq!(folder.asked("shop.db", ALL), "1 b\n2 a\n");
    folder.run(&["go"]).exits(0).says(&["up to date"]);
    folder.run(&["go", "--full-drop"]).exits(0).says(&["3 rows"]);
    assert_eq!(folder.asked("shop.db", ALL), "1 b\n2 a\n");
}

#[test]
fn parquet_files_are_merged_alike() {
    let folder = project("{type: parquet, path: lake}");
    let put = |name: &str, text: &str| {
        folder.write("rows.csv", text);
        folder.run(&["copy", "rows.csv", &format!("lake/{name}.parquet")]).exits(0);
    };
    put("1", "id,name\n1,Ada\n2,Bjarne\n");
    put("2", "id,name\n2,Bjorn\n3,Chlo\n");
    folder.run(&["go"]).exits(0);
    assert_eq!(folder.asked("shop.db", ALL), "1 Ada\n2 Bjorn\n3 Chlo\n");
    put("1", "id,name\n0,Zoe\n1,Ada\n2,Bjarne\n");
    folder.run(&["go"]).exits(0).says(&["5 rows"]);
    folder.run(&["go", "--full-drop"]).exits(0);
    assert_eq!(folder.asked("shop.db", ALL), "0 Zoe\n1 Ada\n2 Bjorn\n3 Chlo\n");
    folder.run(&["go"]).exits(0).says(&["up to date"]);
}
