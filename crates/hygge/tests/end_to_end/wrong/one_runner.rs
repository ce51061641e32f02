//! One runner for each place: the second is told, the dead one's lock is free, the one that lost it publishes nothing.

use super::{APPEND, ONE_FILE, REPLACE, Shape, Story, TO_SQLITE, TO_SQLITE_APPEND};
use crate::run::{Paused, Ran, screen, send};

const ALL: [&Shape; 5] = [&REPLACE, &APPEND, &ONE_FILE, &TO_SQLITE, &TO_SQLITE_APPEND];

/// Where the lock of the place lies.
fn private(shape: &Shape) -> &'static str {
    match shape.place.1 {
        "data/users" => "data/.users.hygge",
        "data/users.parquet" => "data/.users.parquet.hygge",
        _ => ".target.db.hygge",
    }
}

#[test]
fn a_second_run_is_told_who_holds_the_place_and_the_first_goes_on() {
    for shape in ALL {
        let mut story = Story::of(shape);
        let first = Paused::at("split.staged", 1, &story.project, &mut story.project.hygge(&["go"]));
        let second = story.go().exits(1).advises().says(&["another run is settling there: run ", "process "]);
        if shape.name == "replace" {
            screen!("two_runs_at_once", story.project, second);
        }
        story.is_intact();
        let _ = first.go_on().exits(0);
        story.shows_the_home();
        let _ = story.go().exits(0);
        story.shows_the_home();
    }
}

/// No lock file to delete, no clock to wait for.
#[test]
fn the_lock_of_a_dead_run_is_free() {
    for shape in ALL {
        let mut story = Story::of(shape);
        let first = Paused::at("split.staged", 1, &story.project, &mut story.project.hygge(&["go"]));
        first.signal("KILL");
        let ran = first.go_on();
        assert_eq!(ran.code, None, "it was killed");
        story.is_intact();
        story.next_run_is_right();
    }
}

/// A run that dies while it writes its receipt leaves a part of one, or an empty file: nothing was visible then.
#[test]
fn a_receipt_in_doubt_that_is_not_whole_stops_nobody() {
    for shape in [&REPLACE, &APPEND] {
        for part in ["", "{\"seq\": 2, \"run\": \"01"] {
            let mut story = Story::of(shape);
            let doubt = "data/.users.hygge/receipts/0000000002-01m0d9h4w2n8.pending";
            story.project.write(doubt, part);
            let _ = Ran::of(&mut story.project.hygge(&["plan"])).exits(0);
            assert!(story.project.at(doubt).exists(), "a plan changes nothing");
            story.is_intact();
            story.next_run_is_right();
            assert!(!story.project.at(doubt).exists());
        }
    }
}

/// A run sleeps, its lock is taken away, another run commits; then the sleeper wakes and must publish nothing.
fn zombie(shape: &Shape, point: &str, take_away: impl Fn(&Story)) {
    let mut story = Story::of(shape);
    story.project.write_ahead();
    let sleeper = Paused::at(point, 1, &story.project, &mut story.project.hygge(&["go"]));
    take_away(&story);
    // What the sleeper read is the past by now.
    story.project.grow(25, !shape.incremental);
    let _ = story.go().exits(0);
    story.judge.same(&story.project.home(), story.project.place());
    let ran = sleeper.go_on();
    if shape.place.0 == "sqlite" && ran.code == Some(0) {
        // It lost before it had written anything, and began anew under the lock, as a run of its own.
        let _ = ran.says(&["another run has settled in target.db:users meanwhile; nothing of this one was written"]);
    } else {
        assert_eq!(ran.code, Some(1), "{} woke at {point} and said:\n{}", shape.name, ran.all());
    }
    story.judge.same(&story.project.home(), story.project.place());
    story.project.grow(25, !shape.incremental);
    story.next_run_is_right();
}

/// The points up to the one visible step.
fn points(shape: &Shape) -> &'static [&'static str] {
    match shape.place.1 {
        "data/users" => {
            &["scan.opened", "split.staged", "commit.begin", "commit.fresh_built", "commit.pending_written"]
        }
        "data/users.parquet" => &["split.staged", "commit.begin", "commit.fresh_built", "commit.sidecar_written"],
        // Once its transaction has begun, SQLite itself keeps all others out.
        _ => &["scan.opened", "load.opened"],
    }
}

#[test]
fn a_run_whose_lock_file_was_removed_publishes_nothing_after_another_has_committed() {
    for shape in ALL {
        for point in points(shape) {
            zombie(shape, point, |story| {
                std::fs::remove_file(story.project.at(private(shape)).join("lock")).expect("removed");
            });
        }
    }
}

#[test]
fn a_run_whose_private_folder_was_moved_away_publishes_nothing_after_another_has_committed() {
    for shape in [&REPLACE, &APPEND, &ONE_FILE] {
        for point in points(shape) {
            zombie(shape, point, |story| {
                // Receipts stay, as after a restore: lock and staging are others.
                let private = story.project.at(private(shape));
                let elsewhere = tempfile::tempdir().expect("a folder");
                let away = elsewhere.path().join("away");
                std::fs::rename(&private, &away).expect("moved");
                std::fs::create_dir(&private).expect("made");
                let copied = std::process::Command::new("cp")
                    .arg("-a")
                    .arg(away.join("receipts"))
                    .arg(&private)
                    .status()
                    .expect("cp runs");
                assert!(copied.success());
            });
        }
    }
}

/// The whole private folder is gone, receipts and all: the next run knows nothing of the files and must not guess.
#[test]
fn a_run_whose_lock_folder_was_removed_publishes_nothing() {
    for shape in ALL {
        let mut story = Story::of(shape);
        story.project.write_ahead();
        // Once its transaction has begun, SQLite itself keeps all others out.
        let point = if shape.place.0 == "sqlite" { "scan.opened" } else { "commit.begin" };
        let sleeper = Paused::at(point, 1, &story.project, &mut story.project.hygge(&["go"]));
        std::fs::remove_dir_all(story.project.at(private(shape))).expect("removed");
        story.project.grow(25, !shape.incremental);
        let other = story.go();
        let settled = other.code == Some(0);
        if settled {
            story.judge.same(&story.project.home(), story.project.place());
        } else {
            // A folder of files that no receipt names is refused, and kept.
            let _ = other.exits(2).advises().says(&["adopt: true"]);
            story.is_intact();
        }
        let ran = sleeper.go_on();
        assert!(ran.code == Some(1) || ran.all().contains("another run has settled"), "{}:\n{}", shape.name, ran.all());
        if settled {
            story.judge.same(&story.project.home(), story.project.place());
        } else {
            story.is_intact();
        }
    }
}

/// A suspended run keeps its lock: whoever comes meanwhile is refused, however long it takes.
#[test]
fn a_suspended_run_keeps_its_place() {
    let mut story = Story::of(&REPLACE);
    let first = Paused::at("split.staged", 1, &story.project, &mut story.project.hygge(&["go"]));
    first.signal("STOP");
    let _ = story.go().exits(1).says(&["another run is settling there"]);
    first.signal("CONT");
    let _ = first.go_on().exits(0);
    story.shows_the_home();
}

/// Many at once: one settles, the others are told so or find nothing to do; never twice the rows.
#[test]
fn ten_runs_at_once_settle_every_row_once() {
    for shape in [&APPEND, &TO_SQLITE_APPEND, &REPLACE] {
        let mut story = Story::of(shape);
        let runs: Vec<_> = (0..10).map(|_| story.project.hygge(&["go"]).spawn().expect("hygge runs")).collect();
        let mut settled = 0;
        for run in runs {
            let ran = crate::run::Ran::from(run.wait_with_output().expect("it ended"));
            match ran.code {
                Some(0) => settled += 1,
                Some(1) => drop(ran.says(&["another run is settling there"])),
                other => panic!("{other:?}: {}", ran.all()),
            }
        }
        assert!(settled >= 1);
        story.shows_the_home();
    }
}

#[test]
fn a_run_that_is_killed_and_one_that_comes_at_once_do_not_hurt_each_other() {
    let mut story = Story::of(&APPEND);
    for nth in 0..5 {
        story.project.grow(30, false);
        let mut run = story.project.hygge(&["go"]).spawn().expect("hygge runs");
        std::thread::sleep(std::time::Duration::from_millis(15 * nth));
        send("KILL", run.id());
        let _ = run.wait();
        story.next_run_is_right();
    }
}
