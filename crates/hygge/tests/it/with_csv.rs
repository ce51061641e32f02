//! CSV files on their way.

use crate::folder::{Folder, assert_screen};

#[test]
fn a_failure_names_row_and_column_and_the_line_to_add() {
    let folder = Folder::with(
        "flows:\n  weather:\n    home:\n      type: csv\n      path: weather.csv\n      columns: {gust: int64}\n    store: data/weather/\n  report:\n    home: data/weather/\n    store: data/report/\n    depends_on: [weather]\n",
    );
    folder.write("weather.csv", "id,gust\n1,10\n2,NA\n");
    assert_screen!(folder.run(&["go"]).exits(1).screen());
    assert!(!folder.has("data/weather"), "nothing is visible");
}

#[test]
fn a_flow_that_is_not_there() {
    let folder = Folder::with("flows:\n  users:\n    home: users.csv\n    store: data/users/\n");
    folder.write("users.csv", "id\n1\n");
    assert_screen!(folder.run(&["go", "usres"]).exits(2).screen());
    folder.run(&["go", "x*"]).exits(2);
    folder.run(&["go", "--entity", "orders"]).exits(2);
    folder.run(&["go", "--memory", "lots"]).exits(2);
    folder.run(&["go", "--var", "flows.usres.mode=append"]).exits(2);
    assert!(!folder.has(".hygge") && !folder.has("data"));
}

#[test]
fn copies_between_files_need_no_project() {
    let folder = Folder::new();
    folder.write("users.csv", "id,name\n1,Ada\n2,Bjarne\n");
    assert_screen!(folder.run(&["copy", "users.csv", "users.parquet"]).exits(0).screen());
    folder.run(&["copy", "users.csv", "users.parquet", "--prove"]).exits(0);
    let quiet = folder.run(&["copy", "users.parquet", "users.csv.gz", "-q"]).exits(0);
    assert!(quiet.out.starts_with("1 settled. 2 rows are home in "), "{}", quiet.out);
    assert!(!folder.has(".hygge"), "a copy keeps no project's folder: {:?}", folder.listing());
    assert_screen!(folder.run(&["copy", "users.xlsx", "out.parquet"]).exits(2).screen());
    assert_screen!(folder.run(&["copy", "users", "out.parquet"]).exits(2).screen());
}

#[test]
fn a_home_of_the_project_is_copied_by_its_name() {
    let folder = Folder::with(
        "homes:\n  people: {type: csv, path: people.csv, separator: \";\"}\nflows:\n  x: {home: people, store: lake/}\n",
    );
    folder.write("people.csv", "id;name\n1;Ada\n");
    folder.write("below/x.txt", "");
    let output = folder
        .command(&["copy", "people", "out.parquet"])
        .current_dir(folder.path("below"))
        .output()
        .expect("the tool starts");
    folder.ran(&["copy", "people", "out.parquet"], &output).exits(0);
    assert!(folder.has("below/out.parquet"), "a typed path starts where it was typed: {:?}", folder.listing());
}

#[test]
fn flows_after_a_failure() {
    let folder = Folder::with(
        "flows:\n  bad:\n    home: {type: csv, path: bad.csv, columns: {n: int64}}\n    store: lake/bad/\n  good:\n    home: good.csv\n    store: lake/good/\n",
    );
    folder.write("bad.csv", "n\n1\nx\n");
    folder.write("good.csv", "n\n1\n");
    let ran = folder.run(&["go", "--fail-fast", "--concurrency", "1"]).exits(1);
    assert!(ran.out.contains("skipped: --fail-fast: bad failed"), "{}", ran.out);
    let ran = folder.run(&["go"]).exits(1);
    assert!(ran.out.contains("1 settled, 1 needs you."), "{}", ran.out);
    assert!(folder.has("lake/good") && !folder.has("lake/bad"));
    let json = folder.run(&["go", "--log", "json"]).exits(1);
    let ended = json.out.lines().find(|line| line.contains("\"failed\"") && line.contains("ended")).expect("an end");
    assert!(ended.contains("\"at\":\"bad.csv, row 2, column n\"") && ended.contains("\"next\":"), "{ended}");
}
