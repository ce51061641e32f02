//! Many small tables and files in one flow: all of them settle, with few files open, few waits for the disk, and a summary
//! that a person can read.

use std::fmt::Write as _;
use std::process::Command;

use crate::judge::Judge;
use crate::project::{Project, Shape};
use crate::run::Ran;

const SHAPE: Shape = Shape {
    name: "many",
    flow: "    home: {type: csv, path: in}\n    store: {type: csv, path: out}\n",
    place: ("parquet", "out"),
    incremental: false,
    csv: false,
    no_exchange: false,
    table: "users",
};

/// How many files; 5,000 is what a folder may well hold.
const FILES: usize = 5_000;

/// How many tables.
const TABLES: usize = 200;

/// Of the files that a process may have open on most systems, an eighth.
const FEW_OPEN: &str = "128";

/// The command, in a shell that lets it have few files open.
fn with_few_open(project: &Project, args: &[&str]) -> Ran {
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -n \"$0\" && exec \"$@\"", FEW_OPEN, env!("CARGO_BIN_EXE_hygge")])
        .args(args)
        .current_dir(project.path())
        .env_remove("HYGGE_PROJECT")
        .env("NO_COLOR", "1");
    Ran::of(&mut command)
}

/// A project with a folder of small files, of three rows each, as `one` writes them.
fn files(kind: &str, one: impl Fn(usize) -> Vec<u8>) -> Project {
    let project = Project::new(&SHAPE);
    std::fs::create_dir(project.at("many")).expect("made");
    for n in 0..FILES {
        std::fs::write(project.at(&format!("many/f{n:04}.{kind}")), one(n)).expect("written");
    }
    project.set_flow(&format!("    home: {{type: {kind}, path: many}}\n    store: {{type: parquet, path: out}}\n"));
    project
}

/// All files settle in few splits, and then there is nothing to do.
fn settles(project: &Project, kind: &str, judged: &str) {
    let ran = with_few_open(project, &["go"]).exits(0).says(&["15,000 rows are home"]);
    assert!(ran.all().lines().count() <= 4, "{}", ran.all());
    let parts = std::fs::read_dir(project.at("out")).expect("listed").count();
    assert!(parts <= 8, "{parts} files of {FILES}");
    let rows = Judge::new().same(&format!("{judged}:{}", project.at("many").display()), project.place());
    assert_eq!(rows, 3 * FILES as u64);
    let again = with_few_open(project, &["go"]).exits(0).says(&["up to date, nothing to move"]);
    assert!(again.all().lines().count() <= 4, "{}", again.all());
    // The one that is new is read alone.
    let first = std::fs::read(project.at(&format!("many/f0000.{kind}"))).expect("read");
    std::fs::write(project.at(&format!("many/g.{kind}")), first).expect("written");
    project.set_flow(&format!(
        "    home: {{type: {kind}, path: many}}\n    store: {{type: parquet, path: out}}\n    options: {{mode: append}}\n"
    ));
    let _ = with_few_open(project, &["go"]).exits(0).says(&["3 rows are home"]);
    let _ = with_few_open(project, &["verify"]).exits(0);
}

#[test]
fn five_thousand_files_of_csv() {
    let rows = |n: usize| {
        (0..3).fold(String::from("id,name\n"), |mut text, i| {
            let _ = writeln!(text, "{},user {n}", 3 * n + i);
            text
        })
    };
    settles(&files("csv", |n| rows(n).into_bytes()), "csv", "csv");
}

#[test]
fn five_thousand_files_of_ndjson() {
    let rows = |n: usize| {
        (0..3).fold(String::new(), |mut text, i| {
            let _ = writeln!(text, "{{\"id\": {}, \"name\": \"user {n}\"}}", 3 * n + i);
            text
        })
    };
    settles(&files("ndjson", |n| rows(n).into_bytes()), "ndjson", "json");
}

#[test]
fn five_thousand_files_of_parquet() {
    const WRITE: &str = "
import sys
import pyarrow, pyarrow.parquet
for n in range(int(sys.argv[2])):
    table = pyarrow.table({'id': [3 * n, 3 * n + 1, 3 * n + 2], 'name': [f'user {n}'] * 3})
    pyarrow.parquet.write_table(table, f'{sys.argv[1]}/f{n:04}.parquet')
";
    let project = files("parquet", |_| Vec::new());
    let mut command = Command::new(crate::judge::python());
    command.args(["-c", WRITE]).arg(project.at("many")).arg(FILES.to_string());
    let _ = Ran::of(&mut command).exits(0);
    settles(&project, "parquet", "parquet");
}

/// A database of small tables.
fn tables() -> Project {
    let project = Project::new(&SHAPE);
    let mut sql = String::from("BEGIN;");
    for n in 0..TABLES {
        let _ = write!(
            sql,
            "CREATE TABLE t{n:03} (id INTEGER PRIMARY KEY, name TEXT);
             INSERT INTO t{n:03} VALUES (1, 'one of {n}'), (2, NULL), (3, 'ü');"
        );
    }
    project.sql("shop.db", &format!("{sql} COMMIT;"));
    project
}

/// All tables settle, with one of them refused, and what is printed names that one and counts the others.
fn many_tables(store: &str, place: impl Fn(&Project, usize) -> String) {
    let project = tables();
    project.set_flow(&format!(
        "    home: {{type: sqlite, connection: 'sqlite:///shop.db', tables: '*'}}\n    store: {store}\n"
    ));
    let plan = with_few_open(&project, &["plan"]).exits(0).says(&["200 to run. Nothing was written."]);
    assert!(plan.out.lines().count() <= TABLES + 2, "{}", plan.out);
    let ran = with_few_open(&project, &["go"])
        .exits(0)
        .says(&["200 of 200 tables settled", "200 settled. 600 rows are home"]);
    assert!(ran.out.lines().count() <= 2, "{}", ran.out);
    let mut judge = Judge::new();
    for n in [0, 99, 199] {
        let home = format!("sqlite:{}#t{n:03}", project.at("shop.db").display());
        assert_eq!(judge.same(&home, &place(&project, n)), 3);
    }
    let again = with_few_open(&project, &["go"]).exits(0).says(&["200 up to date, nothing to move"]);
    assert!(again.out.lines().count() <= 2, "{}", again.out);
    let anew = with_few_open(&project, &["go", "--full-drop"]).exits(0).says(&["200 of 200 tables settled"]);
    assert!(anew.out.lines().count() <= 2, "{}", anew.out);
    // Every one has its lines where a program reads them.
    let lines = with_few_open(&project, &["go", "--force", "--log", "json"]).exits(0);
    for n in 0..TABLES {
        assert!(lines.all().contains(&format!("t{n:03}")), "t{n:03} is not told");
    }
    let leftovers = project.leftovers();
    assert!(leftovers.is_empty(), "{leftovers:?}");
    assert!(!project.at("target.db-wal").exists(), "the log was not carried over");
}

#[test]
fn two_hundred_tables_into_folders() {
    many_tables("{type: parquet, path: out/}", |project, n| {
        format!("parquet:{}", project.at(&format!("out/t{n:03}")).display())
    });
}

#[test]
fn two_hundred_tables_into_one_database() {
    many_tables("{type: sqlite, connection: 'sqlite:///target.db'}", |project, n| {
        format!("sqlite:{}#t{n:03}", project.at("target.db").display())
    });
}

#[test]
fn of_many_tables_the_one_that_fails_is_told() {
    let project = tables();
    project.sql(
        "shop.db",
        "CREATE TABLE t100b (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO t100b VALUES (1, 'no number');",
    );
    project.set_flow(
        "    home: {type: sqlite, connection: 'sqlite:///shop.db', tables: '*'}\n    store: {type: parquet, path: out/}\n",
    );
    let ran = with_few_open(&project, &["go"]).exits(1).says(&[
        "users/t100b",
        "rowid 1",
        "column n",
        "200 settled, 1 needs you",
    ]);
    assert!(ran.out.lines().count() <= 8, "{}", ran.out);
    let quiet = with_few_open(&project, &["go", "-q"]).exits(1).says(&["users/t100b"]);
    assert!(quiet.all().lines().count() <= 8, "{}", quiet.all());
}
