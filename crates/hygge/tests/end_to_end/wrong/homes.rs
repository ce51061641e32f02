//! Homes that are missing, damaged, locked, empty or not what they were.

use std::fmt::Write as _;
use std::process::Command;

use rusqlite::Connection;

use super::{APPEND, CSV, REPLACE, Story, TO_SQLITE};
use crate::judge::{Judge, python};
use crate::project::{Project, Shape};
use crate::run::{Ran, screen};

#[test]
fn a_database_that_is_missing_is_refused_and_not_made() {
    let mut story = Story::of(&REPLACE);
    let (home, away) = (story.project.at("source.db"), story.project.at("away.db"));
    std::fs::rename(&home, &away).expect("renamed");
    let ran = story.go().exits(2).advises().says(&["source.db"]);
    screen!("missing_database", story.project, ran);
    assert!(!home.exists(), "an empty database was made");
    story.is_intact();
    std::fs::rename(&away, &home).expect("renamed");
    story.next_run_is_right();
}

#[test]
fn a_table_that_is_missing_is_refused_with_the_one_that_was_meant() {
    let mut story = Story::of(&REPLACE);
    story.project.set_flow(&REPLACE.flow.replace("table: users", "table: user"));
    let ran = story.go().exits(2).advises().says(&["user", "users"]);
    screen!("missing_table", story.project, ran);
    story.is_intact();
}

#[test]
fn a_file_that_is_missing_is_refused() {
    let mut story = Story::of(&CSV);
    let (home, away) = (story.project.at("in"), story.project.at("away"));
    std::fs::rename(&home, &away).expect("renamed");
    let ran = story.go().exits(2).advises().says(&["in"]);
    screen!("missing_file", story.project, ran);
    story.is_intact();
    std::fs::rename(&away, &home).expect("renamed");
    story.next_run_is_right();
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let mut story = Story::of(&REPLACE);
    let whole = std::fs::read(story.project.at("source.db")).expect("read");
    story.project.write("source.db", "id,name\n1,a\n".repeat(500));
    let ran = story.go().exits(2).advises().says(&["source.db is not a SQLite database"]);
    screen!("no_database", story.project, ran);
    story.is_intact();
    story.project.write("source.db", whole);
    story.next_run_is_right();
}

/// Pages in the middle of the file are overwritten: the plan may not see it, the run must.
#[test]
fn a_damaged_database_fails_and_nothing_of_it_is_visible() {
    let mut story = Story::with_rows(&REPLACE, 20_000);
    let whole = std::fs::read(story.project.at("source.db")).expect("read");
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2 / 4096 * 4096;
    damaged[middle..middle + 3 * 4096].fill(0x5A);
    story.project.write("source.db", damaged);
    let ran = story.go();
    assert!(matches!(ran.code, Some(1 | 2)), "{:?}: {}", ran.code, ran.all());
    let _ = ran.advises().says(&["source.db", "damaged"]);
    story.is_intact();
    story.project.write("source.db", whole);
    story.next_run_is_right();
}

fn csv(story: &Story, text: &str) {
    story.project.write("in/users-000000130.csv", text);
}

/// Breaks the second file of the home, and mends it again.
#[track_caller]
fn bad_csv(text: &str, said: &[&str]) -> (Story, Ran) {
    let mut story = Story::of(&CSV);
    let whole = std::fs::read(story.project.at("in/users-000000130.csv")).expect("read");
    csv(&story, text);
    let ran = story.go();
    assert!(matches!(ran.code, Some(1 | 2)), "{:?}: {}", ran.code, ran.all());
    let ran = ran.advises().says(said).never_says(&["secret"]);
    story.is_intact();
    story.project.write("in/users-000000130.csv", whole);
    story.next_run_is_right();
    (story, ran)
}

#[test]
fn a_row_with_too_few_fields_names_file_and_row() {
    let (story, ran) = bad_csv("id,name,score\n131,a,1.5\n132,secret\n133,c,2.5\n", &["users-000000130.csv", "row 2"]);
    screen!("csv_too_few_fields", story.project, ran);
}

#[test]
fn a_row_with_too_many_fields_names_file_and_row() {
    let (story, ran) = bad_csv("id,name,score\n131,secret,1.5,9\n132,b,1.5\n", &["users-000000130.csv", "row 1"]);
    screen!("csv_too_many_fields", story.project, ran);
}

#[test]
fn a_quote_that_never_ends_names_file_and_row() {
    let (story, ran) =
        bad_csv("id,name,score\n131,a,1.5\n132,\"secret,1.5\n133,c,2.5\n", &["users-000000130.csv", "row 2"]);
    screen!("csv_open_quote", story.project, ran);
}

#[test]
fn bytes_that_are_no_utf8_name_file_and_row() {
    let mut story = Story::of(&CSV);
    story.project.write("in/users-000000130.csv", b"id,name,score\n131,a,1.5\n132,caf\xe9,1.5\n");
    let ran = story.go();
    assert!(matches!(ran.code, Some(1 | 2)), "{:?}: {}", ran.code, ran.all());
    let ran = ran.advises().says(&["users-000000130.csv", "row 2", "name"]);
    screen!("csv_no_utf8", story.project, ran);
    story.is_intact();
}

#[test]
fn another_header_than_in_the_first_file_is_told() {
    let (story, ran) = bad_csv("id,called,score\n131,a,1.5\n", &["users-000000130.csv", "column name"]);
    screen!("csv_other_header", story.project, ran);
}

#[test]
fn an_empty_file_among_the_csv_files_is_told() {
    let mut story = Story::of(&CSV);
    csv(&story, "");
    let ran = story.go();
    assert!(matches!(ran.code, Some(1 | 2)), "{:?}: {}", ran.code, ran.all());
    let _ = ran.advises().says(&["users-000000130.csv"]);
    story.is_intact();
}

/// Beyond the first 10 MiB and the slices that types were taken from.
#[test]
fn a_cell_that_does_not_fit_names_file_row_and_column_and_prints_the_line() {
    let mut story = Story::of(&CSV);
    let whole = std::fs::read(story.project.at("in/users-000000130.csv")).expect("read");
    let mut text = String::from("id,name,score\n");
    let wide = "x".repeat(60);
    for id in 131..260_131 {
        let score = if id == 200_000 { "secret" } else { "2.5" };
        writeln!(text, "{id},{wide},{score}").expect("a string takes text");
    }
    csv(&story, &text);
    let ran = story.go().exits(1).never_says(&["secret"]);
    let ran = ran.says(&["users-000000130.csv, row 199,870, column score", "next:", "hygge.yml:4"]);
    screen!("csv_misfit", story.project, ran);
    story.is_intact();
    story.project.write("in/users-000000130.csv", whole);
    story.next_run_is_right();
}

fn gzipped(from: &std::path::Path) -> Vec<u8> {
    let done = Command::new(python())
        .args(["-c", "import gzip, sys; sys.stdout.buffer.write(gzip.compress(open(sys.argv[1], 'rb').read()))"])
        .arg(from)
        .output()
        .expect("Python runs");
    assert!(done.status.success());
    done.stdout
}

#[test]
fn a_truncated_gzip_fails_and_none_of_its_rows_is_visible() {
    let mut story = Story::of(&CSV);
    let plain = story.project.at("in/users-000000130.csv");
    let whole = gzipped(&plain);
    std::fs::remove_file(&plain).expect("removed");
    for (cut, name) in [(whole.len() / 2, "half"), (whole.len() - 4, "without its end"), (7, "a bit of the head")] {
        story.project.write("in/users-000000130.csv.gz", &whole[..cut]);
        let ran = story.go();
        assert!(matches!(ran.code, Some(1 | 2)), "{name}: {:?}: {}", ran.code, ran.all());
        let ran = ran.advises().says(&["users-000000130.csv.gz"]);
        if name == "half" {
            screen!("truncated_gzip", story.project, ran);
        }
        story.is_intact();
    }
    let mut flipped = whole.clone();
    let near_the_end = flipped.len() - 6;
    flipped[near_the_end] ^= 0xFF;
    story.project.write("in/users-000000130.csv.gz", flipped);
    let ran = story.go();
    assert!(matches!(ran.code, Some(1 | 2)), "a wrong checksum: {:?}: {}", ran.code, ran.all());
    story.is_intact();
    story.project.write("in/users-000000130.csv.gz", whole);
    story.next_run_is_right();
}

/// Parquet into SQLite.
const PARQUET: Shape = Shape {
    name: "parquet",
    flow: "    home: {type: parquet, path: in}
    store: {type: sqlite, connection: 'sqlite:///target.db', table: users}
",
    place: ("sqlite", "target.db#users"),
    incremental: false,
    csv: false,
    no_exchange: false,
    table: "users",
};

#[test]
fn a_corrupt_parquet_file_fails_wherever_it_is_corrupt() {
    let feeder = Project::new(&REPLACE);
    feeder.grow(5_000, false);
    feeder.go_well();
    let live: Vec<_> =
        std::fs::read_dir(feeder.at("data/users")).expect("listed").map(|e| e.expect("listed").path()).collect();
    let good = std::fs::read(&live[0]).expect("read");
    let home = format!("parquet:{}", live[0].display());
    assert_eq!(live.len(), 1, "{live:?}");

    let project = Project::new(&PARQUET);
    let place = project.place().to_owned();
    let mut judge = Judge::new();
    project.write("in/users.parquet", &good);
    project.go_well();
    judge.same(&home, &place);

    let mut page = good.clone();
    page[200..1200].fill(0xA5);
    let mut footer = good.clone();
    let end = footer.len();
    footer[end - 200..end - 20].fill(0xA5);
    let mut length = good.clone();
    length[end - 8..end - 4].fill(0xFF);
    for (name, bytes) in [
        ("pages", &page[..]),
        ("footer", &footer[..]),
        ("footer's length", &length[..]),
        ("cut in half", &good[..end / 2]),
        ("nothing", &[]),
        ("text", &b"id,name,score\n1,a,2.5\n"[..]),
    ] {
        project.write("in/users.parquet", bytes);
        let ran = Ran::of(&mut project.hygge(&["go"]));
        assert!(matches!(ran.code, Some(1 | 2)), "{name}: {:?}: {}", ran.code, ran.all());
        let ran = ran.advises().says(&["users.parquet"]);
        if name == "footer" {
            screen!("corrupt_parquet", project, ran);
        }
        judge.same(&home, &place);
    }
    project.write("in/users.parquet", &good);
    project.go_well();
    judge.same(&home, &place);
}

#[test]
fn a_locked_database_is_waited_for_then_told() {
    for shape in [&REPLACE, &TO_SQLITE] {
        let mut story = Story::of(shape);
        let locked = if shape.name == "replace" { "source.db" } else { "target.db" };
        let other = Connection::open(story.project.at(locked)).expect("opens");
        other.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").expect("locked");
        let ran =
            Ran::of(story.project.hygge(&["go", "--var", "flows.users.options.retries=1"]).env("HYGGE_TEST", "1"));
        assert_eq!(ran.code, Some(1), "{}", ran.all());
        let ran = ran.advises().says(&[locked, "locked"]);
        if shape.name == "replace" {
            screen!("locked_database", story.project, ran);
        }
        other.execute_batch("ROLLBACK").expect("unlocked");
        drop(other);
        story.is_intact();
        story.next_run_is_right();
    }
}

/// A lock that another program gives back in time is nobody's trouble.
#[test]
fn a_database_that_is_locked_for_a_moment_is_waited_for() {
    let mut story = Story::of(&REPLACE);
    let other = Connection::open(story.project.at("source.db")).expect("opens");
    other.execute_batch("BEGIN EXCLUSIVE").expect("locked");
    let run = story.project.hygge(&["go"]).spawn().expect("hygge runs");
    std::thread::sleep(std::time::Duration::from_millis(700));
    other.execute_batch("ROLLBACK").expect("unlocked");
    let _ = Ran::from(run.wait_with_output().expect("it ended")).exits(0);
    story.shows_the_home();
}

#[test]
fn an_empty_home_leaves_an_empty_table_and_never_a_dropped_one() {
    for shape in [&REPLACE, &super::ONE_FILE, &TO_SQLITE] {
        let mut story = Story::of(shape);
        story.project.sql("source.db", "DELETE FROM users");
        let _ = story.go().exits(0);
        assert_eq!(story.judge.same(&story.project.home(), story.project.place()), 0, "{}", shape.name);
        if shape.place.0 == "parquet" {
            let duck = story.project.place().replace("parquet:", "duckdb:");
            assert_eq!(story.judge.same(&story.project.home(), &duck), 0, "{}", shape.name);
        }
        story.project.grow(9, false);
        story.next_run_is_right();
    }
}

#[test]
fn a_home_that_never_had_a_row_settles_as_an_empty_table_and_goes_on() {
    for shape in [&REPLACE, &APPEND, &TO_SQLITE, &super::TO_SQLITE_APPEND] {
        let project = Project::new(shape);
        project.go_well();
        let mut judge = Judge::new();
        assert_eq!(judge.same(&project.home(), project.place()), 0, "{}", shape.name);
        project.grow(12, false);
        project.go_well();
        assert_eq!(judge.same(&project.home(), project.place()), 12, "{}", shape.name);
    }
}

#[test]
fn a_csv_folder_without_files_is_refused_rather_than_taken_for_no_rows() {
    let mut story = Story::of(&CSV);
    for entry in std::fs::read_dir(story.project.at("in")).expect("listed") {
        std::fs::rename(entry.expect("listed").path(), story.project.at("kept.csv")).expect("moved");
    }
    let ran = story.go().exits(2).advises();
    screen!("no_csv_files", story.project, ran);
    story.is_intact();
}

#[test]
fn a_source_that_was_rewound_is_refused_until_it_is_said_what_to_do() {
    let mut story = Story::of(&APPEND);
    story.next_run_is_right();
    let settled = story.project.copy();
    story.project.sql("source.db", "DELETE FROM users WHERE id > 100");
    let ran = story.go().exits(2).advises().says(&["--full-drop", "rewound: ignore"]);
    screen!("rewound", story.project, ran);
    story.judge.same(&settled.home(), story.project.place());
    // Going on above the old watermark is one way out …
    let ahead = story.project.copy();
    ahead.set_flow(
        &APPEND.flow.replace("incremental: true", "incremental: true, watermark: {column: id, rewound: ignore}"),
    );
    ahead.go_well();
    story.judge.same(&settled.home(), ahead.place());
    // … the other is beginning anew.
    let _ = Ran::of(&mut story.project.hygge(&["go", "--full-drop"])).exits(0);
    story.shows_the_home();
    story.project.grow(11, false);
    story.next_run_is_right();
}

#[test]
fn a_source_that_was_emptied_counts_as_rewound() {
    let mut story = Story::of(&APPEND);
    story.next_run_is_right();
    let settled = story.project.copy();
    story.project.sql("source.db", "DELETE FROM users");
    let _ = story.go().exits(2).advises().says(&["--full-drop"]);
    story.judge.same(&settled.home(), story.project.place());
}

#[test]
fn columns_that_changed_are_refused_with_the_difference() {
    let mut story = Story::of(&APPEND);
    story.project.sql("source.db", "ALTER TABLE users ADD COLUMN city TEXT; ALTER TABLE users DROP COLUMN score");
    let ran = story.go().exits(2).advises().says(&["score", "city", "--full-drop"]);
    screen!("columns_changed", story.project, ran);
    story.is_intact();
    let _ = Ran::of(&mut story.project.hygge(&["go", "--full-drop"])).exits(0);
    story.shows_the_home();
}

#[test]
fn a_value_that_does_not_fit_its_declared_type_names_the_rowid_and_the_line() {
    let mut story = Story::of(&REPLACE);
    story.project.sql("source.db", "UPDATE users SET score = 'secret' WHERE id = 77");
    let ran = story.go().exits(1).says(&["77", "score", "next:", "columns:", "hygge.yml:4"]).never_says(&["secret"]);
    screen!("sqlite_misfit", story.project, ran);
    story.is_intact();
    // The advice, taken: the column is text now, which is another form of the place.
    let mended = story.project.copy();
    mended.set_flow(&REPLACE.flow.replace("table: users", "table: users, columns: {score: text}"));
    let _ = Ran::of(&mut mended.hygge(&["go", "--full-drop"])).exits(0);
    mended.sql("source.db", "CREATE TABLE told AS SELECT id, name, CAST(score AS TEXT) AS score FROM users");
    story.judge.same(&mended.home().replace("#users", "#told"), mended.place());
    story.project.sql("source.db", "UPDATE users SET score = 1.5 WHERE id = 77");
    story.next_run_is_right();
}
