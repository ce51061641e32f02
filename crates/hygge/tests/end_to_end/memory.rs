//! Memory as a contract: whatever is read, and wherever it settles, a run holds its budget and 64 MiB at most.
//!
//! Small, the budget is the smallest there is, so that little data tells; `HYGGE_SOAK` takes 64 MiB, and TPC-H's orders once,
//! four times and sixteen times. The tables are made by `tests/judge/make_tables.py`, the same for the same seed.

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use crate::judge::{python, repository};
use crate::project::{Project, Shape};
use crate::run::Ran;

/// What a run may hold beside its budget, in MiB: the program, its threads, and what the allocator keeps.
const BESIDE: u64 = 64;

/// The most that was resident, in MiB, of a run that must succeed. A small process starts it: what its parent held
/// counts as its own for the kernel.
#[track_caller]
pub(crate) fn peak(project: &Project, args: &[&str]) -> u64 {
    const MEASURE: &str = "
import os, sys
pid = os.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
_, status, used = os.wait4(pid, 0)
print('peak', used.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
";
    let mut command = Command::new(python());
    command
        .args(["-I", "-S", "-c", MEASURE, env!("CARGO_BIN_EXE_hygge")])
        .args(args)
        .current_dir(project.path())
        .env_remove("HYGGE_PROJECT")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
    let ran = Ran::of(&mut command).exits(0);
    let kib: u64 = ran
        .out
        .lines()
        .find_map(|line| line.strip_prefix("peak "))
        .and_then(|n| n.parse().ok())
        .unwrap_or_else(|| panic!("{}", ran.all()));
    println!("{args:?}: {} MiB", kib >> 10);
    kib >> 10
}

fn soak() -> bool {
    std::env::var_os("HYGGE_SOAK").is_some()
}

/// The budget, in MiB.
fn budget() -> u64 {
    if soak() { 64 } else { 16 }
}

fn empty() -> Project {
    Project::new(&Shape {
        name: "memory",
        flow: "    home: {type: csv, path: in}\n    store: {type: csv, path: out}\n",
        place: ("parquet", "out"),
        incremental: false,
        csv: false,
        no_exchange: false,
        table: "users",
    })
}

/// Has files made in the project; their ends say by whom.
fn make(project: &Project, shape: &str, rows: u64, files: &[&str]) {
    let seed = std::env::var("HYGGE_SEED").unwrap_or_else(|_| "20130101".to_owned());
    println!("{rows} rows of {shape}, seed {seed}");
    let mut command = Command::new(python());
    command
        .arg(repository().join("tests/judge/make_tables.py"))
        .args([shape, &rows.to_string(), &seed])
        .args(files)
        .current_dir(project.path())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let _ = Ran::of(&mut command).exits(0);
}

fn home(file: &str) -> String {
    match file.rsplit('.').next() {
        Some("db") => format!("{{type: sqlite, connection: 'sqlite:///{file}', table: t}}"),
        end => format!("{{type: {}, path: {file}}}", end.unwrap_or_default()),
    }
}

fn store(kind: &str, name: &str) -> String {
    match kind {
        "sqlite" => format!("{{type: sqlite, connection: 'sqlite:///{name}.db', table: t}}"),
        _ => format!("{{type: {kind}, path: {name}}}"),
    }
}

/// Moves rows from a file to a store, and looks at the peak.
fn route(shape: &str, rows: &[u64], end: &str, kind: &str) {
    // DuckDB makes one page of all values of a column in a row group, which is more than the smallest budget takes.
    let budget = if end == ".groups.parquet" { budget().max(32) } else { budget() };
    for &rows in rows {
        let project = empty();
        let file = format!("t{end}");
        make(&project, shape, rows, &[&file]);
        let flow = format!("  t:\n    home: {}\n    store: {}\n", home(&file), store(kind, "out"));
        project.write("hygge.yml", format!("name: memory\noptions: {{memory: {budget}MiB}}\nflows:\n{flow}"));
        for command in ["go", "verify"] {
            let peak = peak(&project, &[command]);
            assert!(peak <= budget + BESIDE, "{command}: {rows} rows of {shape} from {end} into {kind}: {peak} MiB");
        }
    }
}

/// How many rows of a shape, small and in full.
fn sizes(shape: &str) -> &'static [u64] {
    match (shape, soak()) {
        // Scale 1 of TPC-H has so many orders.
        ("orders", true) => &[1_500_000, 6_000_000, 24_000_000],
        ("orders", false) => &[100_000],
        ("lines", true) => &[6_000_000, 24_000_000],
        ("lines", false) => &[60_000],
        ("wide", true) => &[150_000, 1_000_000],
        ("wide", false) => &[20_000],
        ("nested", true) => &[2_000_000],
        ("nested", false) | ("long", true) => &[40_000],
        ("long", false) => &[1_000],
        (_, true) => &[8_000],
        (_, false) => &[400],
    }
}

macro_rules! routes {
    ($($name:ident: $shape:literal, $end:literal => $kind:literal;)*) => {
        $(
            #[test]
            fn $name() {
                route($shape, sizes($shape), $end, $kind);
            }
        )*
    };
}

routes! {
    orders_from_sqlite_to_parquet: "orders", ".db" => "parquet";
    orders_from_csv_to_parquet: "orders", ".csv" => "parquet";
    orders_from_ndjson_to_parquet: "orders", ".ndjson" => "parquet";
    orders_from_arrow_to_parquet: "orders", ".arrow" => "parquet";
    // All rows in one row group.
    orders_from_parquet_to_arrow: "orders", ".parquet" => "arrow";
    orders_from_parquet_to_csv: "orders", ".groups.parquet" => "csv";
    orders_from_parquet_to_ndjson: "orders", ".parquet" => "ndjson";
    orders_from_parquet_to_sqlite: "orders", ".parquet" => "sqlite";
    orders_from_csv_to_sqlite: "orders", ".csv" => "sqlite";
    lines_from_parquet_to_parquet: "lines", ".parquet" => "parquet";

    wide_rows_from_sqlite_to_parquet: "wide", ".db" => "parquet";
    wide_rows_from_csv_to_parquet: "wide", ".csv" => "parquet";
    wide_rows_from_ndjson_to_parquet: "wide", ".ndjson" => "parquet";
    // A page of every column does not fit beside the others.
    wide_rows_from_parquet_to_parquet: "wide", ".parquet" => "parquet";
    wide_rows_from_parquet_of_others_to_csv: "wide", ".groups.parquet" => "csv";
    wide_rows_from_parquet_to_sqlite: "wide", ".parquet" => "sqlite";

    mebibytes_of_text_from_csv_to_parquet: "texts", ".csv" => "parquet";
    mebibytes_of_text_from_ndjson_to_csv: "texts", ".ndjson" => "csv";
    mebibytes_of_text_from_csv_to_sqlite: "texts", ".csv" => "sqlite";
    mebibytes_of_text_from_sqlite_to_arrow: "texts", ".db" => "arrow";
    mebibytes_of_bytes_from_sqlite_to_parquet: "blobs", ".db" => "parquet";
    mebibytes_of_bytes_from_sqlite_to_sqlite: "blobs", ".db" => "sqlite";

    long_lines_from_csv_to_parquet: "long", ".csv" => "parquet";
    long_lines_from_ndjson_to_ndjson: "long", ".ndjson" => "ndjson";
    long_rows_from_parquet_to_parquet: "long", ".parquet" => "parquet";

    nested_rows_from_ndjson_to_parquet: "nested", ".ndjson" => "parquet";
    nested_rows_from_parquet_to_ndjson: "nested", ".groups.parquet" => "ndjson";
    nested_rows_from_arrow_to_parquet: "nested", ".arrow" => "parquet";
}

/// What can be read only whole, and is larger than the budget takes, is told with the budget that would do, which does.
fn refused_and_advised(shape: &str, rows: u64, end: &str, kind: &str, says: &[&str]) {
    let project = empty();
    let file = format!("t{end}");
    make(&project, shape, rows, &[&file]);
    project.set_flow(&format!("    home: {}\n    store: {}\n", home(&file), store(kind, "out")));
    let ran = Ran::of(&mut project.hygge(&["go", "--memory", "64MiB"])).exits(1);
    let ran = ran.says(says).says(&["does not fit a memory budget of 64 MiB", "next:", "--memory"]);
    let told = ran.all();
    let advised = told.split("--memory ").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("advised");
    let mib: u64 = advised.strip_suffix("MiB").and_then(|n| n.parse().ok()).expect("in MiB");
    assert!(!project.at("out").exists());
    let peak = peak(&project, &["go", "--memory", advised]);
    assert!(peak <= mib + BESIDE, "{peak} MiB of {mib}");
}

#[test]
fn a_value_that_cannot_fit_is_told_from_csv() {
    refused_and_advised("giant", 60, ".csv", "parquet", &["t.csv, row 34"]);
}

#[test]
fn a_value_that_cannot_fit_is_told_from_ndjson() {
    refused_and_advised("giant", 60, ".ndjson", "sqlite", &["t.ndjson, row 34"]);
}

#[test]
fn a_value_that_cannot_fit_is_told_from_sqlite() {
    refused_and_advised("giant", 60, ".db", "ndjson", &["column body"]);
}

#[test]
fn a_value_that_cannot_fit_is_told_from_parquet() {
    refused_and_advised("giant", 60, ".parquet", "csv", &["column body"]);
}

/// Some writers put a hundred values of a mebibyte into one page, which can be unpacked only whole.
#[test]
fn a_page_that_cannot_fit_is_told() {
    refused_and_advised("blobs", 600, ".parquet", "parquet", &["a page", "row group 0, column body"]);
}

/// One that is packed is unpacked whole; of others the rows are read that fit.
#[test]
fn a_record_batch_that_cannot_fit_is_told() {
    refused_and_advised("texts", 600, ".lz4.arrow", "parquet", &["a record batch"]);
}

#[test]
fn eight_flows_of_all_shapes_share_one_budget() {
    const FLOWS: [(&str, &str, &str); 8] = [
        ("orders", ".db", "parquet"),
        ("orders", ".csv", "sqlite"),
        ("wide", ".parquet", "parquet"),
        ("wide", ".csv", "arrow"),
        ("texts", ".ndjson", "parquet"),
        ("blobs", ".db", "parquet"),
        ("lines", ".parquet", "csv"),
        ("nested", ".ndjson", "parquet"),
    ];
    let project = empty();
    let mut flows = String::new();
    for (i, (shape, end, kind)) in FLOWS.into_iter().enumerate() {
        let file = format!("t{i}{end}");
        make(&project, shape, sizes(shape)[0], &[&file]);
        let out = store(kind, &format!("out{i}"));
        let _ = write!(flows, "  {shape}{i}:\n    home: {}\n    store: {out}\n", home(&file));
    }
    project.write("hygge.yml", format!("name: memory\nflows:\n{flows}"));
    let mib = budget().max(32);
    let peak = peak(&project, &["go", "--memory", &format!("{mib}MiB"), "--concurrency", "8"]);
    assert!(peak <= mib + BESIDE, "{peak} MiB of {mib}");
}
