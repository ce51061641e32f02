//! The quickstart, as its reader runs it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::judge::{Judge, repository};
use crate::run::{Ran, send};

const TABLES: [(&str, u64); 5] =
    [("flights", 27_004), ("weather", 26_115), ("planes", 3_322), ("airports", 1_458), ("airlines", 16)];

struct Quickstart(tempfile::TempDir);

impl Quickstart {
    /// A copy, as from a fresh clone.
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (from, to) in [("hygge.yml", "hygge.yml"), ("data", "data")] {
            let copied = Command::new("cp")
                .arg("-a")
                .arg(repository().join("examples/quickstart").join(from))
                .arg(folder.path().join(to))
                .status()
                .expect("cp runs");
            assert!(copied.success());
        }
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn hygge(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hygge"));
        command
            .arg("-C")
            .arg(self.path())
            .args(args)
            .env_remove("HYGGE_PROJECT")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn go(&self) -> Ran {
        Ran::of(&mut self.hygge(&["go"]))
    }

    /// Every table, by every reader, against the CSV.
    #[track_caller]
    fn all_is_there(&self) {
        let mut judge = Judge::new();
        let folder = self.path().display();
        for (table, rows) in TABLES {
            let csv = format!("csv:{folder}/data/{table}.csv.gz");
            // SQLite has no type for an instant; its text is spelled otherwise than in the file.
            let base = rusqlite::Connection::open(self.path().join("shop.db")).expect("opens");
            let has_instants = "SELECT count(*) FROM pragma_table_info(?) WHERE name = 'time_hour'";
            let instants: bool = base.query_row(has_instants, [table], |r| r.get(0)).expect("read");
            let other = if instants { format!("duckdb:{folder}/lake/{table}") } else { csv.clone() };
            assert_eq!(judge.same(&other, &format!("sqlite:{folder}/shop.db#{table}")), rows);
            for reader in ["duckdb", "parquet", "polars"] {
                assert_eq!(judge.same(&csv, &format!("{reader}:{folder}/lake/{table}")), rows);
            }
        }
    }
}

#[test]
fn the_quickstart_moves_every_row_and_a_second_run_moves_nothing() {
    let quickstart = Quickstart::new();
    let ran =
        quickstart.go().exits(0).says(&["27,004 rows", "26,115 rows", "16 rows", "proved", "10 settled", "home in"]);
    drop(ran);
    quickstart.all_is_there();

    std::thread::sleep(Duration::from_millis(50));
    let receipts = |path: &str| {
        let output = Command::new("find").arg(quickstart.path().join(path)).output().expect("find runs");
        String::from_utf8(output.stdout).expect("text")
    };
    let before = receipts("lake");
    let again = quickstart.go().exits(0).says(&["up to date"]).never_says(&["✓", "27,004"]);
    assert_eq!(again.out.lines().filter(|line| line.ends_with("up to date")).count(), 10, "{}", again.out);
    assert_eq!(before, receipts("lake"), "nothing was written");
    quickstart.all_is_there();
    let _ = Ran::of(&mut quickstart.hygge(&["verify"])).exits(0);
    let _ = Ran::of(&mut quickstart.hygge(&["status"])).exits(0).says(&["flights"]);
}

/// The types that the data is a teacher of.
#[test]
fn what_the_quickstart_teaches_is_so() {
    let quickstart = Quickstart::new();
    let _ = quickstart.go().exits(0);
    let asked = Command::new(crate::judge::python())
        .args([
            "-c",
            "
import duckdb, sys
lake = sys.argv[1]
one = lambda sql: duckdb.sql(sql.replace('LAKE', lake)).fetchone()
assert one(\"SELECT count(*) FROM 'LAKE/airports/*.parquet' WHERE faa = '369'\") == (1,), 'faa is text'
kind = one(\"SELECT DISTINCT typeof(precip) FROM 'LAKE/weather/*.parquet'\")
assert kind[0] in ('DOUBLE', 'FLOAT') or kind[0].startswith('DECIMAL'), kind
assert one(\"SELECT count(*) FROM 'LAKE/weather/*.parquet' WHERE wind_gust IS NULL\")[0] > 0
kind = one(\"SELECT DISTINCT typeof(dep_delay) FROM 'LAKE/flights/*.parquet'\")
assert kind[0] == 'BIGINT', kind
",
        ])
        .arg(quickstart.path().join("lake"))
        .output()
        .expect("Python runs");
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
}

/// What the file's comment and the page on CSV promise to those who leave `nulls` out.
#[test]
fn without_its_null_marker_the_quickstart_names_the_line_to_add() {
    let quickstart = Quickstart::new();
    let file = quickstart.path().join("hygge.yml");
    let whole = std::fs::read_to_string(&file).expect("read");
    let without = whole.replace("      nulls: [\"NA\"]\n", "");
    assert_ne!(without, whole);
    std::fs::write(&file, &without).expect("written");
    let told = [
        "data/flights.csv.gz, columns dep_time, dep_delay, arr_time, arr_delay, air_time are taken as text, since NA stands among numbers",
        "add nulls: [\"NA\"] at hygge.yml:14:7",
    ];
    let _ = Ran::of(&mut quickstart.hygge(&["plan", "csv_to_sqlite"])).exits(0).says(&told);
    let _ = quickstart.go().exits(0).says(&told);
    let types = "SELECT group_concat(DISTINCT typeof(dep_delay)) FROM flights";
    let asked = || -> String {
        let base = rusqlite::Connection::open(quickstart.path().join("shop.db")).expect("opens");
        base.query_row(types, [], |r| r.get(0)).expect("read")
    };
    assert_eq!(asked(), "text", "no text is changed");
    // The line, written where it was said.
    let mut lines: Vec<&str> = without.lines().collect();
    lines.insert(13, "      nulls: [\"NA\"]");
    std::fs::write(&file, lines.join("\n")).expect("written");
    let _ = Ran::of(&mut quickstart.hygge(&["go", "--full-drop"])).exits(0).never_says(&["taken as text"]);
    let mut kinds: Vec<String> = asked().split(',').map(str::to_owned).collect();
    kinds.sort();
    assert_eq!(kinds, ["integer", "null"]);
    quickstart.all_is_there();
}

#[test]
fn the_quickstart_survives_being_killed() {
    let quickstart = Quickstart::new();
    let mut kills = 0;
    for wait in [30, 90, 180, 300, 450, 700, 1_000, 1_500] {
        let mut child = quickstart.hygge(&["go"]).spawn().expect("hygge runs");
        std::thread::sleep(Duration::from_millis(wait));
        if child.try_wait().expect("it can be asked").is_none() {
            send("KILL", child.id());
            kills += 1;
        }
        let _ = child.wait();
    }
    assert!(kills >= 2, "it was killed {kills} times only");
    let _ = quickstart.go().exits(0);
    quickstart.all_is_there();
    std::thread::sleep(Duration::from_millis(50));
    let _ = quickstart.go().exits(0).says(&["up to date"]).never_says(&["✓"]);
}

/// In a build that is optimised a second run takes less than a tenth of a second; here it must only be quick.
#[test]
fn a_second_run_of_the_quickstart_is_quick() {
    let quickstart = Quickstart::new();
    let _ = quickstart.go().exits(0);
    std::thread::sleep(Duration::from_millis(50));
    let fastest = (0..5)
        .map(|_| {
            let began = Instant::now();
            let _ = quickstart.go().exits(0).never_says(&["✓"]);
            began.elapsed()
        })
        .min()
        .expect("five runs");
    let limit = if cfg!(debug_assertions) { 1_000 } else { 100 };
    assert!(fastest < Duration::from_millis(limit), "{fastest:?}");
}
