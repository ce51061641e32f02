//! The tool run as a user would run it: what it answered, where it was stopped, and what it promised meanwhile.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use crate::project::Project;

/// How a run ended, and all that it printed.
pub(crate) struct Ran {
    /// The exit code; none if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Runs a command to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::from(command.output().expect("the command runs"))
    }

    /// Everything, standard error first: that is the order in which a run tells.
    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.err, self.out)
    }

    /// The exit code is this one, and nothing went wrong that must never go wrong.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        let all = self.all();
        assert_eq!(self.code, Some(code), "exit code; it said:\n{all}");
        for never in ["panicked", "hygge itself", "stack backtrace", "RUST_BACKTRACE"] {
            assert!(!all.contains(never), "`{never}` in:\n{all}");
        }
        self
    }

    /// Every one of these texts was printed. Line breaks and runs of blanks count as one blank.
    #[track_caller]
    pub(crate) fn says(self, texts: &[&str]) -> Self {
        let all = flowing(&self.all());
        for text in texts {
            assert!(all.contains(&flowing(text)), "`{text}` is missing in:\n{}", self.all());
        }
        self
    }

    /// None of these texts was printed.
    #[track_caller]
    pub(crate) fn never_says(self, texts: &[&str]) -> Self {
        let all = self.all();
        for text in texts {
            assert!(!all.contains(text), "`{text}` in:\n{all}");
        }
        self
    }

    /// There is advice.
    #[track_caller]
    pub(crate) fn advises(self) -> Self {
        self.says(&["next:"])
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("a screen is text");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

fn flowing(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a screen says that differs from run to run: times, sizes, names of runs, folders of this machine.
pub(crate) fn filters(project: &Path) -> Vec<(String, &'static str)> {
    let folder = project.to_string_lossy();
    let real = project.canonicalize().expect("the project is there");
    let plain =
        |text: &str| text.chars().flat_map(|c| if c.is_alphanumeric() { vec![c] } else { vec!['\\', c] }).collect();
    vec![
        (plain(&real.to_string_lossy()), "[project]"),
        (plain(&folder), "[project]"),
        (r"\d{8}T\d{6}Z-[0-9a-f]{8}".to_owned(), "[run]"),
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?".to_owned(), "[moment]"),
        (r"\b\d+(\.\d+)? (ms|s)\b".to_owned(), "[time]"),
        (r"\d+(\.\d+)? MiB of memory".to_owned(), "[memory] of memory"),
        (r"process \d+ on \S+,".to_owned(), "process [pid] on [host],"),
    ]
}

/// Compares what a run printed with the screen that was seen and approved.
macro_rules! screen {
    ($name:literal, $project:expr, $ran:expr) => {{
        let filters = $crate::run::filters($project.path());
        let filters = filters.iter().map(|(from, to)| (from.as_str(), *to));
        insta::with_settings!({ filters => filters, omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!($name, $ran.all());
        });
    }};
}
pub(crate) use screen;

/// A run that waits at a fail point until it is let go on.
pub(crate) struct Paused {
    child: Option<Child>,
    resume: PathBuf,
}

impl Paused {
    /// Starts `command` and waits until it has come to `point` for the `nth` time.
    #[track_caller]
    pub(crate) fn at(point: &str, nth: u32, project: &Project, command: &mut Command) -> Self {
        let resume = project.at("resume.now");
        let paused = resume.with_extension("paused");
        for old in [&resume, &paused] {
            let _ = std::fs::remove_file(old);
        }
        let mut child = command
            .env("HYGGE_FAIL", format!("{point}=pause:{nth}"))
            .env("HYGGE_FAIL_RESUME", &resume)
            .spawn()
            .expect("hygge runs");
        let began = Instant::now();
        while !paused.exists() {
            if child.try_wait().expect("it can be asked").is_some() {
                let ran = Ran::from(child.wait_with_output().expect("it ended"));
                panic!("it ended ({:?}) before it came to {point}:\n{}", ran.code, ran.all());
            }
            assert!(began.elapsed() < Duration::from_mins(1), "it never came to {point}");
            std::thread::sleep(Duration::from_millis(5));
        }
        Self { child: Some(child), resume }
    }

    /// Sends it a signal, by name.
    pub(crate) fn signal(&self, name: &str) {
        let child = self.child.as_ref().expect("it still runs");
        send(name, child.id());
    }

    /// Waits for its end without letting it go on.
    #[track_caller]
    pub(crate) fn ends(mut self) -> Ran {
        ended_within(self.child.take().expect("it still runs"), Duration::from_secs(20))
    }

    /// Lets it go on to its end.
    pub(crate) fn go_on(mut self) -> Ran {
        std::fs::write(&self.resume, "").expect("written");
        let child = self.child.take().expect("it still runs");
        Ran::from(child.wait_with_output().expect("it ended"))
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Sends a signal, by name.
pub(crate) fn send(name: &str, pid: u32) {
    let sent = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().expect("kill runs");
    assert!(sent.success(), "{name} could not be sent");
}

/// Waits for a child's end, but not for ever.
#[track_caller]
pub(crate) fn ended_within(mut child: Child, limit: Duration) -> Ran {
    let began = Instant::now();
    while child.try_wait().expect("it can be asked").is_none() {
        if began.elapsed() > limit {
            let _ = child.kill();
            panic!("it did not end within {limit:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let status = child.wait().expect("it ended");
    let mut ran = Ran { code: status.code(), out: String::new(), err: String::new() };
    if let Some(mut out) = child.stdout.take() {
        out.read_to_string(&mut ran.out).expect("a screen is text");
    }
    if let Some(mut err) = child.stderr.take() {
        err.read_to_string(&mut ran.err).expect("a screen is text");
    }
    ran
}
