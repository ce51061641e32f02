//! Memory as a contract: the most that a run holds stays near its budget, however wide or long the table is.

use std::process::Command;

use super::{REPLACE, TO_SQLITE};
use crate::judge::{Judge, python};
use crate::memory::peak;
use crate::project::{Project, Shape};
use crate::run::Ran;

const INTO_PARQUET: &str = "    store: {type: parquet, path: data/wide}\n";

/// A project with the table `wide`, made by SQL.
fn table(sql: &str, store: &str) -> Project {
    let shape = Shape { place: ("parquet", "data/wide"), ..REPLACE };
    let project = Project::new(&shape);
    project.set_flow(&format!("    home: {{type: sqlite, connection: 'sqlite:///source.db', table: wide}}\n{store}"));
    project.sql("source.db", sql);
    project
}

/// 200 rows of a MiB, beside others that are small.
const MEBIBYTES: &str = "CREATE TABLE wide (id INTEGER PRIMARY KEY, body BLOB, note TEXT);
INSERT INTO wide WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
SELECT i, CASE WHEN i % 10 = 0 THEN randomblob(1048576) ELSE randomblob(10) END, 'row ' || i FROM n;";

#[test]
fn values_of_a_mebibyte_fit_a_budget_of_64() {
    let project = table(MEBIBYTES, INTO_PARQUET);
    let peak = peak(&project, &["go", "--memory", "64MiB"]);
    assert!(peak < 64 + 64, "{peak} MiB");
    let home = project.home().replace("#users", "#wide");
    Judge::new().same(&home, project.place());
}

#[test]
fn values_of_a_mebibyte_fit_a_budget_of_64_into_sqlite() {
    let project = table(MEBIBYTES, "    store: {type: sqlite, connection: 'sqlite:///target.db', table: wide}\n");
    let peak = peak(&project, &["go", "--memory", "64MiB"]);
    assert!(peak < 64 + 64, "{peak} MiB");
    let home = project.home().replace("#users", "#wide");
    Judge::new().same(&home, &format!("sqlite:{}#wide", project.at("target.db").display()));
}

/// Some 300 MB, read by as many readers as the budget lets.
const LONG: &str = "CREATE TABLE wide (id INTEGER PRIMARY KEY, body TEXT, n REAL);
INSERT INTO wide WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1250000)
SELECT i, hex(randomblob(110)), i * 0.5 FROM n;";

#[test]
fn a_table_of_300_megabytes_fits_a_budget_of_64() {
    let project = table(LONG, INTO_PARQUET);
    let peak = peak(&project, &["go", "--memory", "64MiB"]);
    assert!(peak < 64 + 64, "{peak} MiB");
}

#[test]
fn a_csv_of_300_megabytes_fits_a_budget_of_64() {
    let project = table("CREATE TABLE wide (id INTEGER PRIMARY KEY)", INTO_PARQUET);
    project.set_flow(&format!("    home: {{type: csv, path: in/wide.csv}}\n{INTO_PARQUET}"));
    let made = Command::new(python())
        .args([
            "-c",
            "
import sys
with open(sys.argv[1], 'w') as out:
    out.write('id,body,n\\n')
    for i in range(1250000):
        out.write(f'{i},{i:0220x},{i * 0.5}\\n')
",
        ])
        .arg(project.at("in/wide.csv"))
        .status()
        .expect("Python runs");
    assert!(made.success());
    let peak = peak(&project, &["go", "--memory", "64MiB"]);
    assert!(peak < 64 + 64, "{peak} MiB");
}

/// Runs a flow of NDJSON whose rows Python writes: `row(i)` is the text of the i-th of `rows`.
#[track_caller]
fn peak_of_json(rows: u32, row: &str, store: &str) -> (Project, u64) {
    let project = table("CREATE TABLE wide (id INTEGER PRIMARY KEY)", INTO_PARQUET);
    project.set_flow(&format!("    home: {{type: ndjson, path: in/wide.ndjson}}\n{store}"));
    let code = format!(
        "import json, sys
{row}
with open(sys.argv[1], 'w') as out:
    for i in range({rows}):
        out.write(row(i) + '\\n')
"
    );
    let made = Command::new(python()).args(["-c", &code]).arg(project.at("in/wide.ndjson")).status();
    assert!(made.expect("Python runs").success());
    let peak = peak(&project, &["go", "--memory", "64MiB"]);
    (project, peak)
}

const INTO_JSON: &str = "    store: {type: ndjson, path: data/wide}\n";

#[test]
fn json_of_300_megabytes_fits_a_budget_of_64() {
    let row = "row = lambda i: f'{{\"id\":{i},\"body\":\"{i:0220x}\",\"n\":{i * 0.5},\"tags\":[{{\"k\":{i}}}]}}'";
    let (_project, peak) = peak_of_json(1_100_000, row, INTO_PARQUET);
    assert!(peak < 64 + 64, "{peak} MiB");
}

/// Texts of a mebibyte, half of them in escapes, which lie as objects in lists.
#[test]
fn json_values_of_a_mebibyte_fit_a_budget_of_64() {
    for store in [INTO_PARQUET, INTO_JSON] {
        let row = "
body = 'x' * (1 << 20)
control = chr(1) * (1 << 18)
row = lambda i: json.dumps({'id': i, 'many': [{'body': body if i % 5 == 0 else control if i % 5 == 1 else str(i)}]})
";
        let (project, peak) = peak_of_json(400, row, store);
        assert!(peak < 64 + 64, "{peak} MiB");
        let reader = if store == INTO_JSON { "read_json('{}/*.ndjson')" } else { "read_parquet('{}/*.parquet')" };
        let reader = reader.replace("{}", &project.at("data/wide").display().to_string());
        let code = "import sys, duckdb
found = duckdb.sql(f'SELECT count(*), sum(length(many[1].body)), sum(id) FROM {sys.argv[1]}').fetchone()
wanted = sum(1 << 20 if i % 5 == 0 else 1 << 18 if i % 5 == 1 else len(str(i)) for i in range(400))
assert found == (400, wanted, 79800), found";
        let judged = Command::new(python()).args(["-c", code, &reader]).status();
        assert!(judged.expect("Python runs").success());
    }
}

/// Three bytes of text are a hundred columns of an item.
#[test]
fn json_lists_of_many_keys_fit_a_budget_of_64() {
    let row = "
wide = json.dumps({f'k{j}': j for j in range(100)})
row = lambda i: '{\"id\":%d,\"items\":[%s]}' % (i, wide if i == 0 else ','.join(['{}'] * 1000))
";
    let (_project, peak) = peak_of_json(250, row, INTO_PARQUET);
    assert!(peak < 64 + 64, "{peak} MiB");
}

#[test]
fn json_of_1500_columns_fits_a_budget_of_64() {
    for store in [INTO_PARQUET, INTO_JSON] {
        let row = "row = lambda i: json.dumps({f'c{j}': i * j for j in range(1500)})";
        let (_project, peak) = peak_of_json(2_000, row, store);
        assert!(peak < 64 + 64, "{peak} MiB");
    }
}

/// Every column has a writer of its own, and what each takes adds up.
#[test]
fn a_table_of_1500_columns_fits_a_budget_of_64() {
    for store in [INTO_PARQUET, "    store: {type: parquet, path: data/wide.parquet}\n"] {
        let columns: Vec<String> = (1..=1_500).map(|n| format!("c{n} INTEGER")).collect();
        let cells: Vec<String> = (1..=1_500).map(|n| format!("i * {n}")).collect();
        let project = table(
            &format!(
                "CREATE TABLE wide ({});
                 INSERT INTO wide WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000) SELECT {} FROM n;",
                columns.join(", "),
                cells.join(", ")
            ),
            store,
        );
        let peak = peak(&project, &["go", "--memory", "64MiB"]);
        assert!(peak < 64 + 64, "{peak} MiB");
    }
}

#[test]
fn a_row_too_large_for_the_budget_names_row_column_and_the_memory_that_would_do() {
    for store in [INTO_PARQUET, "    store: {type: sqlite, connection: 'sqlite:///target.db', table: wide}\n"] {
        let project = table(
            "CREATE TABLE wide (id INTEGER PRIMARY KEY, note TEXT, body BLOB);
             INSERT INTO wide WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)
             SELECT i, 'row ' || i, CASE WHEN i = 33 THEN randomblob(12 << 20) ELSE randomblob(10) END FROM n;",
            store,
        );
        let ran = Ran::of(&mut project.hygge(&["go", "--memory", "64MiB"])).exits(1);
        let ran = ran.says(&["33", "column body", "next:", "--memory"]);
        let advised = ran.all();
        let advised =
            advised.split("--memory ").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("advised");
        assert!(!project.at("data/wide").exists());
        let _ = Ran::of(&mut project.hygge(&["go", "--memory", advised])).exits(0);
    }
}

#[test]
fn several_flows_share_one_budget() {
    let project = table(MEBIBYTES, INTO_PARQUET);
    let flow = |n: u32| {
        format!(
            "  wide{n}:\n    home: {{type: sqlite, connection: 'sqlite:///source.db', table: wide}}\n    store: {{type: parquet, path: data/wide{n}}}\n"
        )
    };
    project.write("hygge.yml", format!("name: crash\nflows:\n{}{}{}{}", flow(1), flow(2), flow(3), flow(4)));
    let peak = peak(&project, &["go", "--memory", "64MiB", "--concurrency", "4"]);
    assert!(peak < 64 + 64, "{peak} MiB");
    let home = project.home().replace("#users", "#wide");
    let mut judge = Judge::new();
    for n in 1..=4 {
        judge.same(&home, &format!("parquet:{}", project.at(&format!("data/wide{n}")).display()));
    }
}

/// What a person gets who sets too little.
#[test]
fn a_budget_that_is_too_small_is_refused() {
    let project = Project::new(&TO_SQLITE);
    project.grow(3, false);
    let _ = Ran::of(&mut project.hygge(&["go", "--memory", "3MiB"])).exits(2).advises().says(&["3 MiB", "--memory"]);
}
