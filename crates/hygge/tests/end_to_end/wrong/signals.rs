//! Signals, pipes that close, and terminals.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{APPEND, ONE_FILE, REPLACE, Shape, Story, TO_SQLITE, TO_SQLITE_APPEND};
use crate::judge::python;
use crate::run::{Paused, Ran, ended_within, screen, send};

#[test]
fn a_signal_midway_ends_the_run_with_130_and_nothing_half_visible() {
    for shape in [&REPLACE, &APPEND, &ONE_FILE, &TO_SQLITE, &TO_SQLITE_APPEND] {
        for signal in ["INT", "TERM"] {
            for point in ["scan.opened", "split.batch", "split.staged", "scan.finished"] {
                let mut story = Story::of(shape);
                let run = Paused::at(point, 1, &story.project, &mut story.project.hygge(&["go"]));
                run.signal(signal);
                std::thread::sleep(Duration::from_millis(50));
                let ran = run.go_on().exits(130).says(&["stopping: what had settled stays", "users"]);
                if shape.name == "replace" && signal == "INT" && point == "split.batch" {
                    screen!("interrupted", story.project, ran);
                }
                story.is_intact();
                story.next_run_is_right();
            }
        }
    }
}

/// What had settled before the signal came stays settled.
#[test]
fn a_signal_after_the_commit_loses_nothing() {
    for shape in [&REPLACE, &TO_SQLITE_APPEND] {
        let mut story = Story::of(shape);
        let run = Paused::at("journal.before", 1, &story.project, &mut story.project.hygge(&["go"]));
        run.signal("TERM");
        std::thread::sleep(Duration::from_millis(50));
        let ran = run.go_on();
        assert!(matches!(ran.code, Some(0 | 130)), "{:?}: {}", ran.code, ran.all());
        story.shows_the_home();
        story.next_run_is_right();
    }
}

/// Without a fail point: a long table, and an end that does not keep anyone waiting.
#[test]
fn a_long_run_stops_soon_after_the_signal() {
    let mut story = Story::of(&REPLACE);
    story.project.sql(
        "source.db",
        "INSERT INTO users WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500000)
         SELECT NULL, hex(randomblob(20)), i * 0.37 FROM n",
    );
    let child = story.project.hygge(&["go"]).spawn().expect("hygge runs");
    std::thread::sleep(Duration::from_millis(400));
    send("INT", child.id());
    let asked = Instant::now();
    let ran = ended_within(child, Duration::from_secs(10)).exits(130);
    assert!(asked.elapsed() < Duration::from_secs(3), "it took {:?}:\n{}", asked.elapsed(), ran.all());
    story.is_intact();
}

#[test]
fn a_second_signal_stops_at_once_and_harms_nothing() {
    let mut story = Story::of(&REPLACE);
    let run = Paused::at("split.staged", 1, &story.project, &mut story.project.hygge(&["go"]));
    run.signal("INT");
    std::thread::sleep(Duration::from_millis(100));
    run.signal("INT");
    // It is never let go on: only the second signal can have ended it.
    let ran = run.ends();
    assert_eq!(ran.code, Some(130), "{}", ran.all());
    story.is_intact();
    story.next_run_is_right();
}

/// Waiting for another program's lock must not outlast a signal.
#[test]
fn a_signal_ends_a_run_that_waits_for_a_lock() {
    let mut story = Story::of(&REPLACE);
    let other = rusqlite::Connection::open(story.project.at("source.db")).expect("opens");
    other.execute_batch("BEGIN EXCLUSIVE").expect("locked");
    let child = story.project.hygge(&["go"]).spawn().expect("hygge runs");
    std::thread::sleep(Duration::from_millis(500));
    send("TERM", child.id());
    let _ = ended_within(child, Duration::from_secs(8)).exits(130);
    drop(other);
    story.is_intact();
    story.next_run_is_right();
}

/// `hygge … | head -1`: whoever reads has gone. The rows are no concern of theirs.
#[test]
fn a_pipe_that_closes_breaks_nothing() {
    for args in
        [&["ls"][..], &["status"], &["plan"], &["check"], &["preview", "users"], &["schema"], &["--help"], &["verify"]]
    {
        let story = Story::of(&REPLACE);
        let mut child = story.project.hygge(args).spawn().expect("hygge runs");
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
        let status = child.wait().expect("it ended");
        assert!(matches!(status.code(), Some(0 | 1)), "{args:?}: {status:?} {said}");
        assert!(!said.contains("panic") && !said.contains("our fault"), "{args:?}: {said}");
    }
    for args in [&["go"][..], &["go", "--log", "json"], &["go", "-v"]] {
        let mut story = Story::of(&REPLACE);
        let mut child = story.project.hygge(args).spawn().expect("hygge runs");
        drop(child.stdout.take());
        drop(child.stderr.take());
        let status = child.wait().expect("it ended");
        assert_eq!(status.code(), Some(0), "{args:?}");
        story.shows_the_home();
    }
}

/// Runs the tool on a terminal of its own, 100 columns wide, and answers with all that came.
fn on_a_terminal(story: &Story, no_color: bool) -> String {
    const TERMINAL: &str = "
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 30, 100, 0, 0))
    os.execv(sys.argv[1], sys.argv[1:])
while True:
    try:
        chunk = os.read(fd, 65536)
    except OSError:
        break
    if not chunk:
        break
    sys.stdout.buffer.write(chunk)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
";
    let mut command = Command::new(python());
    command
        .args(["-c", TERMINAL, env!("CARGO_BIN_EXE_hygge"), "go"])
        .current_dir(story.project.path())
        .env_remove("HYGGE_PROJECT")
        .env_remove("NO_COLOR")
        .env("TERM", "xterm-256color")
        .stdin(Stdio::null());
    if no_color {
        command.env("NO_COLOR", "1");
    }
    Ran::of(&mut command).exits(0).out
}

/// Sequences that set colours or weights: `ESC [ … m`.
fn colours(text: &str) -> usize {
    text.split("\u{1b}[")
        .skip(1)
        .filter(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m'))
        .count()
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let story = Story::of(&REPLACE);
    assert!(colours(&on_a_terminal(&story, false)) > 0, "a terminal gets colours");
    story.project.grow(10, false);
    let plain = on_a_terminal(&story, true);
    assert_eq!(colours(&plain), 0, "NO_COLOR is honoured: {plain:?}");
    assert!(plain.contains('✓'), "{plain}");
    story.project.grow(10, false);
    let piped = Ran::of(story.project.hygge(&["go"]).env_remove("NO_COLOR")).exits(0);
    assert!(!piped.all().contains('\u{1b}'), "no terminal, no sequences: {:?}", piped.all());
}

/// Every line of a run that tells in JSON is JSON, and the last one has the exit code.
#[test]
fn json_lines_are_json_whatever_happens() {
    let shapes: [&Shape; 2] = [&REPLACE, &TO_SQLITE];
    for shape in shapes {
        let story = Story::of(shape);
        for (flow, code) in [(shape.flow.to_owned(), 0), (shape.flow.replace("table: users", "table: nobody"), 2)] {
            story.project.set_flow(&flow);
            let ran = Ran::of(&mut story.project.hygge(&["go", "--log", "json"])).exits(code);
            assert!(!ran.out.is_empty());
            for line in ran.out.lines() {
                let value: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
                assert!(value.is_object(), "{line}");
            }
        }
    }
}
