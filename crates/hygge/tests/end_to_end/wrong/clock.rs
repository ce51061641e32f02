//! A clock that is set back: no decision may hang on it. The library that a test loads before the tool gives it another
//! time of day, since none may set the machine's.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{APPEND, CSV, ONE_FILE, REPLACE, Story, TO_SQLITE_APPEND};
use crate::run::{Paused, Ran};

const SHIM: &str = r#"
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long shift(void) {
    const char *text = getenv("HYGGE_TEST_CLOCK");
    return text ? atol(text) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int answer = (int)syscall(SYS_clock_gettime, clock, now);
    if (answer == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += shift();
    return answer;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec fine;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &fine);
    now->tv_sec = fine.tv_sec;
    now->tv_usec = fine.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec fine;
    clock_gettime(CLOCK_REALTIME, &fine);
    if (out) *out = fine.tv_sec;
    return fine.tv_sec;
}
"#;

const DAY: i64 = 86_400;

/// Builds the library with the C compiler that the build needs anyway.
fn shim(folder: &Path) -> PathBuf {
    let (source, library) = (folder.join("clock.c"), folder.join("clock.so"));
    std::fs::write(&source, SHIM).expect("written");
    let built =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status().expect("cc runs");
    assert!(built.success());
    library
}

fn at(command: &mut Command, shim: &Path, seconds: i64) -> Ran {
    Ran::of(command.env("LD_PRELOAD", shim).env("HYGGE_TEST_CLOCK", seconds.to_string()))
}

#[test]
fn a_clock_that_is_set_back_changes_nothing_that_settles() {
    let folder = tempfile::tempdir().expect("a folder");
    let shim = shim(folder.path());
    for shape in [&REPLACE, &APPEND, &ONE_FILE, &CSV, &TO_SQLITE_APPEND] {
        let mut story = Story::of(shape);
        for seconds in [400 * DAY, 0, -30 * DAY, -31 * DAY, 5] {
            story.project.grow(12, !shape.incremental && !shape.csv);
            let _ = at(&mut story.project.hygge(&["go"]), &shim, seconds).exits(0).says(&["settled"]);
            story.shows_the_home();
            let again = at(&mut story.project.hygge(&["go"]), &shim, seconds - 3600).exits(0);
            story.shows_the_home();
            if shape.incremental || shape.csv {
                let _ = again.says(&["up to date"]);
            }
        }
        let _ = at(&mut story.project.hygge(&["status"]), &shim, -400 * DAY).exits(0);
    }
}

/// The other time of day really reaches the tool.
#[test]
fn the_clock_of_the_tests_is_the_one_that_the_tool_sees() {
    let folder = tempfile::tempdir().expect("a folder");
    let shim = shim(folder.path());
    let story = Story::of(&REPLACE);
    let _ = at(&mut story.project.hygge(&["go"]), &shim, 400 * DAY).exits(0);
    let names: Vec<String> = std::fs::read_dir(story.project.at("data/users"))
        .expect("listed")
        .map(|entry| entry.expect("listed").file_name().to_string_lossy().into_owned())
        .collect();
    let year = chrono::Utc::now() + chrono::TimeDelta::days(400);
    assert!(names.iter().all(|name| name.starts_with(&year.format("%Y%m").to_string())), "{names:?}");
}

/// A run that died in the future is swept by one of today, and a run of today by one of the past.
#[test]
fn what_a_dead_run_left_is_swept_whatever_the_clock_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let shim = shim(folder.path());
    for shape in [&APPEND, &TO_SQLITE_APPEND] {
        for point in ["split.staged", "commit.begin"] {
            let mut story = Story::of(shape);
            let dead = Paused::at(
                point,
                1,
                &story.project,
                story.project.hygge(&["go"]).env("LD_PRELOAD", &shim).env("HYGGE_TEST_CLOCK", (400 * DAY).to_string()),
            );
            dead.signal("KILL");
            drop(dead);
            let _ = at(&mut story.project.hygge(&["go"]), &shim, -10 * DAY).exits(0);
            story.shows_the_home();
        }
    }
}
