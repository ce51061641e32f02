//! Homes and stores that die, vanish or become others while a run is under way.

use super::{APPEND, CSV, ONE_FILE, REPLACE, Shape, Story, TO_SQLITE, TO_SQLITE_APPEND};
use crate::project::Project;
use crate::run::{Paused, Ran};

/// More rows than SQLite keeps pages of, so that a run must go back to the file.
const MANY: u32 = 60_000;

fn many(shape: &Shape) -> Story {
    let story = Story::of(shape);
    story.project.sql(
        "source.db",
        &format!(
            "INSERT INTO users WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY})
             SELECT NULL, hex(randomblob(100)), i * 0.37 FROM n"
        ),
    );
    story
}

fn paused(story: &Story, point: &str) -> Paused {
    Paused::at(point, 1, &story.project, &mut story.project.hygge(&["go"]))
}

/// What a run may make of a home that became another one under it: all rows of the old state, all of the new, or an
/// error and nothing.
#[track_caller]
fn one_whole_state(story: &mut Story, ran: Ran, old: &Project, new: Option<&Project>) {
    if ran.code == Some(0) {
        let said = story.judge.says(&old.home(), story.project.place());
        if said.starts_with("same: ") {
            return;
        }
        let new = new.unwrap_or_else(|| panic!("it settled what the home never held: {said}\n{}", ran.all()));
        story.judge.same(&new.home(), story.project.place());
    } else {
        let _ = ran.exits(1).says(&["source.db"]);
        story.is_intact();
    }
}

#[test]
fn a_database_that_is_cut_short_midway_fails_and_nothing_is_visible() {
    for point in ["scan.opened", "split.batch"] {
        let mut story = many(&REPLACE);
        let whole = story.project.copy();
        let run = paused(&story, point);
        let file = std::fs::File::options().write(true).open(story.project.at("source.db")).expect("opened");
        file.set_len(8 * 4096).expect("cut");
        drop(file);
        let ran = run.go_on();
        one_whole_state(&mut story, ran, &whole, None);
        std::fs::copy(whole.at("source.db"), story.project.at("source.db")).expect("restored");
        story.next_run_is_right();
    }
}

#[test]
fn a_database_that_is_replaced_midway_never_yields_a_mix() {
    for point in ["scan.opened", "split.batch", "split.staged"] {
        let mut story = many(&REPLACE);
        let old = story.project.copy();
        let other = story.project.copy();
        other.sql("source.db", "DELETE FROM users WHERE id % 3 = 0; UPDATE users SET name = 'another'");
        let run = paused(&story, point);
        std::fs::rename(other.at("source.db"), story.project.at("source.db")).expect("replaced");
        std::fs::copy(story.project.at("source.db"), other.at("source.db")).expect("copied");
        let ran = run.go_on();
        one_whole_state(&mut story, ran, &old, Some(&other));
        story.next_run_is_right();
    }
}

#[test]
fn a_database_that_is_deleted_midway_fails_or_was_read_whole() {
    for point in ["scan.opened", "split.batch"] {
        let mut story = many(&REPLACE);
        let old = story.project.copy();
        let run = paused(&story, point);
        std::fs::remove_file(story.project.at("source.db")).expect("removed");
        let ran = run.go_on();
        one_whole_state(&mut story, ran, &old, None);
        let _ = story.go().exits(2).says(&["source.db"]);
        std::fs::copy(old.at("source.db"), story.project.at("source.db")).expect("restored");
        story.next_run_is_right();
    }
}

/// Rows that others write while a run reads come with the next run, all of them.
#[test]
fn rows_written_midway_come_with_the_next_run() {
    for shape in [&REPLACE, &APPEND, &TO_SQLITE_APPEND] {
        let mut story = many(shape);
        story.project.write_ahead();
        let old = story.project.copy();
        let run = paused(&story, "split.batch");
        story.project.grow(40, !shape.incremental);
        let _ = run.go_on().exits(0);
        story.judge.same(&old.home(), story.project.place());
        story.next_run_is_right();
    }
}

/// In a rollback journal a writer waits, or is told that the database is locked: it never disturbs the reading.
#[test]
fn a_writer_that_comes_midway_does_not_disturb_what_is_read() {
    let mut story = many(&REPLACE);
    let old = story.project.copy();
    let run = paused(&story, "split.batch");
    let other = rusqlite::Connection::open(story.project.at("source.db")).expect("opened");
    other.busy_timeout(std::time::Duration::from_millis(50)).expect("set");
    let written = other.execute("DELETE FROM users WHERE id % 2 = 0", []);
    let ran = run.go_on();
    drop(other);
    if written.is_err() {
        let _ = ran.exits(0);
        story.judge.same(&old.home(), story.project.place());
    } else {
        let new = story.project.copy();
        one_whole_state(&mut story, ran, &old, Some(&new));
    }
    story.next_run_is_right();
}

/// What happens to the first file, by name.
type Change = (&'static str, fn(&Project));

#[test]
fn csv_files_that_change_midway_fail_or_are_read_anew() {
    let changes: [Change; 4] = [
        ("cut short", |p| {
            let text = std::fs::read_to_string(p.at("in/users-000000000.csv")).expect("read");
            let file = std::fs::File::options().write(true).open(p.at("in/users-000000000.csv")).expect("opened");
            file.set_len(text[..700].rfind('\n').expect("lines") as u64 + 1).expect("cut");
        }),
        ("grown", |p| {
            let mut text = std::fs::read(p.at("in/users-000000000.csv")).expect("read");
            text.extend_from_slice(b"100001,late,0.5\n");
            std::fs::write(p.at("in/users-000000000.csv"), text).expect("written");
        }),
        ("replaced", |p| {
            p.write("other.csv", "id,name,score\n100002,other,0.5\n");
            std::fs::rename(p.at("other.csv"), p.at("in/users-000000000.csv")).expect("replaced");
        }),
        ("deleted", |p| std::fs::remove_file(p.at("in/users-000000000.csv")).expect("removed")),
    ];
    for (name, change) in changes {
        for point in ["scan.opened", "split.batch", "split.staged"] {
            let mut story = Story::of(&CSV);
            let old = format!("csv:{}", story.project.copy_of("in").display());
            let run = paused(&story, point);
            change(&story.project);
            let now = format!("csv:{}", story.project.at("in").display());
            let ran = run.go_on();
            let said = story.judge.says(&now, story.project.place());
            if ran.code == Some(0) && !said.starts_with("same: ") {
                // It had read all of the old files before they changed.
                story.judge.same(&old, story.project.place());
            } else if ran.code != Some(0) {
                assert!(matches!(ran.code, Some(1)), "{name} at {point}: {:?} {}", ran.code, ran.all());
                story.is_intact();
            }
            let _ = story.go().exits(0);
            story.judge.same(&now, story.project.place());
        }
    }
}

/// The files of the place vanish midway: a replace puts all back, an append must not go on as if nothing had happened.
#[test]
fn a_place_that_is_removed_midway_is_whole_again_or_told() {
    for point in ["load.opened", "split.staged", "commit.begin"] {
        let mut story = Story::of(&REPLACE);
        let run = paused(&story, point);
        std::fs::remove_dir_all(story.project.at("data/users")).expect("removed");
        let ran = run.go_on();
        if ran.code == Some(0) {
            story.shows_the_home();
        } else {
            let _ = ran.exits(1).advises();
        }
        story.next_run_is_right();

        let mut story = Story::of(&APPEND);
        let run = paused(&story, point);
        std::fs::remove_dir_all(story.project.at("data/users")).expect("removed");
        let ran = run.go_on();
        let said = story.judge.says(&story.project.home(), story.project.place());
        assert!(
            ran.code == Some(1) || said.starts_with("same: "),
            "{point}: rows are gone, and it said so to nobody: {said}\n{}",
            ran.all()
        );
        let _ = Ran::of(&mut story.project.hygge(&["go", "--full-drop"])).exits(0);
        story.shows_the_home();
    }
}

/// With the place, its receipts and the lock: the run must not publish what nobody could follow up.
#[test]
fn a_place_that_is_removed_with_all_its_own_midway_fails_and_begins_anew() {
    for shape in [&REPLACE, &APPEND, &ONE_FILE] {
        let mut story = Story::of(shape);
        let run = paused(&story, "split.staged");
        std::fs::remove_dir_all(story.project.at("data")).expect("removed");
        let _ = run.go_on().exits(1);
        story.next_run_is_right();
    }
}

#[test]
fn a_store_database_that_is_deleted_midway_is_told_and_made_anew() {
    for shape in [&TO_SQLITE, &TO_SQLITE_APPEND] {
        for point in ["split.batch", "commit.begin", "commit.before_database_commit"] {
            let mut story = Story::of(shape);
            let run = paused(&story, point);
            for end in ["", "-wal", "-shm", "-journal"] {
                let _ = std::fs::remove_file(story.project.at(&format!("target.db{end}")));
            }
            let ran = run.go_on();
            assert_eq!(ran.code, Some(1), "{} at {point}: the rows are gone, and it said: {}", shape.name, ran.all());
            story.next_run_is_right();
        }
    }
}

/// As by a restore: the file under the run becomes the one of before.
#[test]
fn a_store_database_that_is_replaced_midway_is_told_and_put_right() {
    for point in ["split.batch", "commit.begin"] {
        let mut story = Story::of(&TO_SQLITE_APPEND);
        let run = paused(&story, point);
        let backup = story.before.at("target.db");
        rusqlite::Connection::open(&backup)
            .expect("opened")
            .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
            .expect("done");
        for end in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(story.project.at(&format!("target.db{end}")));
        }
        std::fs::copy(&backup, story.project.at("restored.db")).expect("copied");
        std::fs::rename(story.project.at("restored.db"), story.project.at("target.db")).expect("replaced");
        let ran = run.go_on();
        assert_eq!(ran.code, Some(1), "at {point}: its rows went nowhere, and it said: {}", ran.all());
        story.is_intact();
        story.next_run_is_right();
    }
}
