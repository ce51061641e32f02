//! What is said to somebody who asks, or mistypes.

use std::io::Read as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::folder::{Folder, assert_screen};

#[test]
fn help_is_short_and_shows_where_to_begin() {
    assert_screen!(Folder::new().run(&["--help"]).exits(0).screen());
}

#[test]
fn go_has_examples() {
    assert_screen!(Folder::new().run(&["go", "--help"]).exits(0).screen());
}

#[test]
fn every_command_has_help() {
    for command in
        ["init", "go", "run", "plan", "check", "debug", "ls", "status", "preview", "copy", "verify", "sweep", "schema"]
    {
        let ran = Folder::new().run(&[command, "--help"]).exits(0);
        assert!(ran.out.contains("Usage: hygge"), "{}", ran.out);
    }
}

#[test]
fn without_a_command_help_is_shown_and_nothing_was_done() {
    let ran = Folder::new().run(&[]).exits(2);
    assert!(ran.err.contains("Begin here:"), "{}", ran.err);
}

#[test]
fn a_mistyped_command_is_mended() {
    assert_screen!(Folder::new().run(&["stauts"]).exits(2).screen());
}

#[test]
fn flags_that_disagree_are_refused() {
    assert_screen!(Folder::new().run(&["go", "--incremental", "--full-drop"]).exits(2).screen());
    Folder::new().run(&["go", "-q", "-v"]).exits(2);
    Folder::new().run(&["go", "--concurrency", "0"]).exits(2);
    Folder::new().run(&["copy", "a.csv", "b.parquet", "--mode", "merge"]).exits(2);
}

#[test]
fn the_version_comes_at_once() {
    let folder = Folder::new();
    let took = (0..5)
        .map(|_| {
            let start = Instant::now();
            let ran = folder.run(&["--version"]).exits(0);
            assert_eq!(ran.out, format!("hygge {}\n", env!("CARGO_PKG_VERSION")));
            start.elapsed()
        })
        .min()
        .expect("five runs");
    // Under 30 ms in a release build; the tests' build is slower.
    assert!(took < Duration::from_millis(150), "{took:?}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = Folder::new();
    let mut child =
        folder.command(&["schema"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the tool starts");
    drop(child.stdout.take());
    let status = child.wait().expect("it ends");
    let mut told = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut told).expect("text");
    assert_eq!((status.code(), told.as_str()), (Some(0), ""));
}

#[test]
fn the_schema_is_json() {
    let ran = Folder::new().run(&["schema"]).exits(0);
    let schema: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(schema["title"], "hygge.yml");
    assert!(ran.out.ends_with("}\n") && !ran.out.ends_with("\n\n"));
}
