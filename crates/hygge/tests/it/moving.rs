//! Rows on their way, as a person sees it.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::folder::{Folder, assert_screen};

const VERBATIM: &str = include_str!("verbatim.yml");
const DATABASE: (&str, &str) = ("DB_CONNECTION", "sqlite:///shop.db");

fn shop(rows: u32) -> Folder {
    let folder = Folder::with(VERBATIM);
    folder
        .sqlite("shop.db", "CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, born TEXT)");
    add(&folder, 1, rows);
    folder
}

fn add(folder: &Folder, from: u32, to: u32) {
    folder.sqlite(
        "shop.db",
        &format!(
            "INSERT INTO users WITH RECURSIVE n(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {to})
             SELECT i, 'user ' || i, CASE WHEN i % 3 = 0 THEN NULL ELSE '1970-01-0' || (1 + i % 9) END FROM n"
        ),
    );
}

#[test]
fn the_first_file_of_the_guide_runs_verbatim() {
    let folder = shop(25_000);
    let before = folder.listing();
    assert_screen!(folder.run_with(&[DATABASE], &["plan"]).exits(0).screen());
    assert_screen!(folder.run_with(&[DATABASE], &["check"]).exits(0).screen());
    assert_eq!(folder.listing(), before, "a plan and a check write nothing");
    assert_screen!(folder.run_with(&[DATABASE], &["go"]).exits(0).screen());
    assert!(folder.listing().iter().any(|path| path.starts_with("data/users/") && path.ends_with(".parquet")));
    assert_screen!(folder.run_with(&[DATABASE], &["go"]).exits(0).screen());
    add(&folder, 25_001, 25_010);
    assert_screen!(folder.run_with(&[DATABASE], &["go", "users_to_parquet"]).exits(0).screen());
    assert_screen!(folder.run_with(&[DATABASE], &["status", "users_to_parquet"]).exits(0).screen());
    assert_screen!(folder.run_with(&[DATABASE], &["verify"]).exits(0).screen());
}

#[test]
fn each_run_keeps_a_log_without_secrets() {
    let folder = shop(10);
    folder.run_with(&[DATABASE], &["go"]).exits(0);
    let is_log = |path: &String| path.starts_with(".hygge/logs/");
    let logs: Vec<_> = folder.listing().into_iter().filter(is_log).collect();
    assert_eq!(logs.len(), 1, "{logs:?}");
    let log = std::fs::read_to_string(folder.path(&logs[0])).expect("a log");
    for word in ["hygge 0.", "users_to_parquet: started", "settled: 10 rows", "exit code 0", "1 settled."] {
        assert!(log.contains(word), "{word} is missing:\n{log}");
    }
}

#[test]
fn a_dry_run_is_a_plan() {
    let folder = shop(10);
    let plan = folder.run_with(&[DATABASE], &["plan"]).exits(0);
    let dry = folder.run_with(&[DATABASE], &["go", "--dry-run"]).exits(0);
    assert_eq!(plan.out, dry.out);
    assert!(!folder.has(".hygge") && !folder.has("data"));
}

#[test]
fn quiet_says_one_line() {
    let folder = shop(10);
    let ran = folder.run_with(&[DATABASE], &["go", "-q"]).exits(0);
    assert_eq!((ran.out.lines().count(), ran.err.as_str()), (1, ""), "{}", ran.out);
    assert!(ran.out.starts_with("1 settled. 10 rows are home in "), "{}", ran.out);
}

#[test]
fn json_is_an_object_a_line() {
    let folder = shop(10);
    let ran = folder.run_with(&[DATABASE], &["go", "--log", "json"]).exits(0);
    let lines: Vec<serde_json::Value> =
        ran.out.lines().map(|line| serde_json::from_str(line).expect("a JSON object")).collect();
    let events: Vec<&str> = lines.iter().map(|line| line["event"].as_str().expect("named")).collect();
    // The project has no name of its own.
    assert_eq!(events[..2], ["note", "started"]);
    assert_eq!(events.last(), Some(&"finished"));
    let ended = lines.iter().find(|line| line["event"] == "ended").expect("an end");
    assert_eq!((&ended["outcome"], &ended["rows"]), (&"settled".into(), &10.into()));
    assert_eq!(lines[1]["flow"], "users_to_parquet");
    assert!(ran.err.is_empty(), "{}", ran.err);
    let moved: i64 =
        lines.iter().filter(|line| line["event"] == "progress").filter_map(|line| line["rows"].as_i64()).sum();
    assert_eq!(moved, 10);
}

#[test]
fn full_drop_begins_anew_and_force_runs_though_nothing_changed() {
    let folder = shop(10);
    folder.run_with(&[DATABASE], &["go"]).exits(0);
    let ran = folder.run_with(&[DATABASE], &["go", "--full-refresh"]).exits(0);
    assert!(ran.out.contains("10 rows"), "{}", ran.out);
    let ran = folder.run_with(&[DATABASE], &["go"]).exits(0);
    assert!(ran.out.contains("1 up to date, nothing to move."), "{}", ran.out);
}

#[test]
fn an_interrupted_run_says_so_and_leaves_nothing_half() {
    let folder = shop(200_000);
    let child = folder
        .command(&["go"])
        .env(DATABASE.0, DATABASE.1)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the tool starts");
    let start = Instant::now();
    // As soon as it has begun; wherever it is then, it must end cleanly.
    while !folder.has(".hygge/logs") && start.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let id = child.id().to_string();
    std::process::Command::new("kill").args(["-TERM", &id]).status().expect("kill");
    let output = child.wait_with_output().expect("it ends");
    let ran = folder.ran(&["go"], &output);
    match ran.code {
        Some(130) => {
            assert!(ran.out.contains("1 stopped."), "{}{}", ran.out, ran.err);
            assert!(!folder.has("data/users"), "{:?}", folder.listing());
        }
        // It had settled before the signal came.
        code => assert_eq!(code, Some(0), "{}{}", ran.out, ran.err),
    }
    folder.run_with(&[DATABASE], &["go"]).exits(0);
    folder.run_with(&[DATABASE], &["verify"]).exits(0);
}

#[test]
fn many_tables_stay_readable() {
    let folder = Folder::with(
        "flows:\n  shop:\n    home:\n      type: sqlite\n      path: shop.db\n      tables: \"*\"\n    store: lake/\n",
    );
    let tables: Vec<String> = (0..30)
        .map(|i| format!("CREATE TABLE t{i:02} (id INTEGER PRIMARY KEY); INSERT INTO t{i:02} VALUES (1);"))
        .collect();
    folder.sqlite("shop.db", &tables.concat());
    let ran = folder.run(&["go"]).exits(0);
    assert_eq!(ran.out.lines().count(), 2, "{}", ran.out);
    assert_screen!(folder.run(&["go", "--entity", "t07"]).exits(0).screen());
    folder.run(&["go", "--entity", "t99"]).exits(2);
}

#[test]
fn what_is_said_of_many_tables_alike_is_said_once_of_all_of_them() {
    let folder = Folder::with(
        "options: {concurrency: 1}\nflows:\n  shop:\n    home:\n      type: sqlite\n      path: shop.db\n      tables: \"*\"\n\
         \x20   store: lake/\n    incremental: true\n    watermark: {column: at, nulls: skip}\n",
    );
    let tables: Vec<String> = (0..30)
        .map(|i| {
            let without = if i == 7 { "(2, NULL), (3, NULL)" } else { "(2, NULL)" };
            format!("CREATE TABLE t{i:02} (id INTEGER PRIMARY KEY, at TEXT); INSERT INTO t{i:02} VALUES (1, 'x'), {without};")
        })
        .collect();
    folder.sqlite("shop.db", &tables.concat());
    assert_screen!(folder.run(&["go"]).exits(0).screen());
}

#[test]
fn the_second_signal_ends_it_at_once() {
    let folder = shop(300_000);
    let child = folder
        .command(&["go"])
        .env(DATABASE.0, DATABASE.1)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the tool starts");
    let start = Instant::now();
    while !folder.has(".hygge/logs") && start.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let id = child.id().to_string();
    std::process::Command::new("kill").args(["-INT", &id]).status().expect("kill");
    std::process::Command::new("kill").args(["-TERM", &id]).status().expect("kill");
    let code = child.wait_with_output().expect("it ends").status.code();
    assert!(matches!(code, Some(130 | 0)), "{code:?}");
    // Whatever it left is no obstacle.
    folder.run_with(&[DATABASE], &["sweep"]).exits(0);
    folder.run_with(&[DATABASE], &["go"]).exits(0);
    folder.run_with(&[DATABASE], &["verify"]).exits(0);
}

#[test]
fn colours_are_for_terminals_and_only_where_wanted() {
    let folder = shop(10);
    let plain = folder.run_with(&[DATABASE], &["plan"]).exits(0);
    assert!(!plain.out.contains('\u{1b}'));
    let forced = folder.run_with(&[DATABASE, ("CLICOLOR_FORCE", "1")], &["plan"]).exits(0);
    assert!(forced.out.contains('\u{1b}'));
    let refused = folder.run_with(&[DATABASE, ("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &["plan"]).exits(0);
    assert_eq!(refused.out, plain.out);
}

#[test]
fn a_project_that_cannot_keep_history_still_moves_its_rows() {
    let folder = shop(10);
    folder.write(".hygge", "a file where a folder should be");
    let ran = folder.run_with(&[DATABASE], &["go"]).exits(0);
    assert!(ran.err.contains("no history of this run is kept"), "{}", ran.err);
    assert!(ran.out.contains("10 rows are home"), "{}", ran.out);
}
