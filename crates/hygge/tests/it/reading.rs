//! `preview`, `ls`, `status`: looking writes nothing.

use crate::folder::{Folder, assert_screen};

const PROJECT: &str = "\
homes:
  people:
    type: csv
    path: people.csv
flows:
  people_to_lake:
    home: people
    store: lake/people/
  shop:
    home:
      type: sqlite
      path: shop.db
      tables: \"*\"
    store: lake/shop/
    depends_on: [people_to_lake]
";

fn project() -> Folder {
    let folder = Folder::with(PROJECT);
    folder.write("people.csv", "id,name,note\n1,Ada,\n2,\"NULL\",\"two\nlines\"\n3,Chloé,x\n");
    folder.sqlite(
        "shop.db",
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, pay REAL);
         INSERT INTO users VALUES (1, 'Ada', 1.5), (2, NULL, 20), (300, '', NULL);
         CREATE TABLE empty (id INTEGER)",
    );
    folder
}

#[test]
fn looking_writes_nothing() {
    let folder = project();
    let before = folder.listing();
    assert_screen!(folder.run(&["ls"]).exits(0).screen());
    assert_screen!(folder.run(&["status"]).exits(0).screen());
    assert_screen!(folder.run(&["preview", "people"]).exits(0).screen());
    assert_screen!(folder.run(&["preview", "people_to_lake", "--limit", "1"]).exits(0).screen());
    assert_screen!(
        folder.run(&["preview", "sqlite:///shop.db", "--table", "users", "--where", "id > 1"]).exits(0).screen()
    );
    assert_screen!(folder.run(&["preview", "shop", "--entity", "empty"]).exits(0).screen());
    folder.run(&["preview", "people.csv", "--columns", "name,id"]).exits(0);
    folder.run(&["preview", "sqlite:///shop.db", "--query", "SELECT count(*) AS n FROM users"]).exits(0);
    assert_eq!(folder.listing(), before);
}

#[test]
fn a_preview_that_cannot_be() {
    let folder = project();
    assert_screen!(folder.run(&["preview", "poeple"]).exits(2).screen());
    assert_screen!(folder.run(&["preview", "sqlite:///shop.db"]).exits(2).screen());
    assert_screen!(folder.run(&["preview", "shop"]).exits(2).screen());
    folder.run(&["preview", "people.csv", "--table", "x"]).exits(2);
    let missing = folder.run(&["preview", "nothing.csv"]);
    assert!(matches!(missing.code, Some(1 | 2)), "{}", missing.err);
}

#[test]
fn status_tells_journal_and_receipt_apart() {
    let folder = project();
    folder.run(&["go", "people_to_lake"]).exits(0);
    std::fs::remove_file(folder.path(".hygge/journal.db")).expect("the journal is only a view");
    let ran = folder.run(&["status", "people_to_lake"]).exits(0);
    assert!(ran.out.contains("settled") && ran.out.contains("seq 1"), "{}", ran.out);
    assert_screen!(ran.screen());
}

#[test]
fn verify_tells_what_changed_where() {
    let folder = project();
    folder.run(&["go"]).exits(0);
    folder.run(&["verify"]).exits(0);
    folder.write("people.csv", "id,name,note\n1,Ada,\n2,B,b\n3,Chloé,x\n4,D,d\n");
    assert_screen!(folder.run(&["verify", "people_to_lake"]).exits(1).screen());
}

#[test]
fn verify_before_anything_settled() {
    assert_screen!(project().run(&["verify", "people_to_lake"]).exits(1).screen());
}
