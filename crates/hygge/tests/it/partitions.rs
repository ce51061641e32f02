//! Folders called `name=value`.

use crate::folder::{Folder, assert_screen};

fn sales() -> Folder {
    let folder = Folder::with(
        "flows:\n  sales:\n    home: {type: csv, path: raw}\n    store: {type: sqlite, path: shop.db, table: sales}\n    mode: append\n",
    );
    folder.write("raw/year=2023/city=S%C3%A3o%20Paulo/a.csv", "id,amount\n1,10\n2,20\n");
    folder.write("raw/year=2024/city=__HIVE_DEFAULT_PARTITION__/a.csv", "id,amount\n3,30\n");
    folder
}

const ROWS: &str = "select id || ' ' || year || ' ' || ifnull(city, 'none') as row from sales order by id";

#[test]
fn partitions_become_columns() {
    let folder = sales();
    assert_screen!(folder.run(&["plan"]).exits(0).screen());
    folder.run(&["go"]).exits(0);
    assert_eq!(folder.asked("shop.db", ROWS), "1 2023 São Paulo\n2 2023 São Paulo\n3 2024 none\n");
    folder.write("raw/year=2025/city=Oslo/a.csv", "id,amount\n4,40\n");
    folder.run(&["go"]).exits(0);
    assert!(folder.asked("shop.db", ROWS).ends_with("4 2025 Oslo\n"));
    folder.run(&["verify"]).exits(0);
    folder.write("raw/year=late/city=Oslo/a.csv", "id,amount\n5,50\n");
    assert_screen!(folder.run(&["go"]).exits(2).screen());
    assert_eq!(folder.asked("shop.db", "select count(*) from sales"), "4\n");
}

#[test]
fn a_folder_of_both_kinds_is_refused() {
    let folder = sales();
    folder.write("raw/late.csv", "id,amount\n9,90\n");
    assert_screen!(folder.run(&["check"]).screen());
}

#[test]
fn the_type_of_a_partition_is_said_by_partitions() {
    let folder = sales();
    let declared = |home: &str| {
        folder.write("hygge.yml", &format!("flows:\n  sales:\n    home: {{type: csv, path: raw, {home}}}\n    store: {{type: sqlite, path: shop.db, table: sales}}\n"));
    };
    declared("columns: {year: text}");
    assert_screen!(folder.run(&["plan"]).screen());
    declared("partitions: {year: text}");
    folder.run(&["go"]).exits(0);
    assert_eq!(folder.asked("shop.db", "select distinct typeof(year) from sales"), "text\n");
    declared("partitions: year");
    assert_screen!(folder.run(&["plan"]).exits(2).screen());
}

fn parted(options: &str) -> Folder {
    let folder = Folder::with(&format!(
        "flows:\n  sales:\n    home: {{type: sqlite, path: shop.db, table: sales}}\n    store: {{type: parquet, path: data/sales{options}}}\n    incremental: true\n"
    ));
    folder.sqlite(
        "shop.db",
        "create table sales (id integer primary key autoincrement, year integer, city text, amount real);
         insert into sales (year, city, amount) values (2023, 'Oslo', 1.5), (2024, null, 2.5), (2024, 'Oslo', 3.5);",
    );
    folder
}

#[test]
fn rows_go_to_the_folders_of_their_values() {
    let folder = parted(", partition_by: [year, city]");
    assert_screen!(folder.run(&["plan"]).exits(0).screen());
    folder.run(&["go"]).exits(0);
    for there in ["year=2023/city=Oslo", "year=2024/city=__HIVE_DEFAULT_PARTITION__", "year=2024/city=Oslo"] {
        assert!(folder.has(&format!("data/sales/{there}")), "{there}: {:?}", folder.listing());
    }
    let more = rusqlite::Connection::open(folder.path("shop.db")).expect("opens");
    more.execute_batch("insert into sales (year, city, amount) values (2025, 'Bergen', 4)").expect("inserted");
    folder.run(&["go"]).exits(0);
    assert!(folder.has("data/sales/year=2025/city=Bergen"));
    folder.run(&["verify"]).exits(0);
    // A value that no reader could tell from NULL.
    more.execute_batch("insert into sales (year, city, amount) values (2025, '', 5)").expect("inserted");
    assert_screen!(folder.run(&["go"]).exits(1).screen());
    folder.run(&["verify"]);
}

#[test]
fn other_partitions_are_settled_anew_or_not_at_all() {
    let folder = parted(", partition_by: year");
    folder.run(&["go"]).exits(0);
    let text = std::fs::read_to_string(folder.path("hygge.yml")).expect("reads");
    folder.write("hygge.yml", &text.replace(", partition_by: year", ""));
    assert_screen!(folder.run(&["go"]).exits(2).screen());
    folder.run(&["go", "--full-drop"]).exits(0);
    assert!(!folder.has("data/sales/year=2023"), "{:?}", folder.listing());
    folder.run(&["verify"]).exits(0);
    folder.write("hygge.yml", &text);
    folder.run(&["go", "--full-drop"]).exits(0);
    assert!(folder.has("data/sales/year=2023"));
    folder.run(&["verify"]).exits(0);
}

#[test]
fn what_cannot_part_rows_is_refused() {
    assert_screen!(parted(", partition_by: amount").run(&["plan"]).exits(2).screen());
    assert_screen!(parted(", partition_by: [yeer]").run(&["plan"]).exits(2).screen());
    assert_screen!(parted(".parquet, partition_by: year").run(&["plan"]).exits(2).screen());
}
