//! The Python judges of `tests/judge`: DuckDB, polars, pyarrow and Python's own sqlite3 and csv.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The Python that `./test` prepared.
///
/// # Panics
/// Where there is none: a proof that did not run must not look like one that held.
pub(crate) fn python() -> OsString {
    std::env::var_os("HYGGE_TEST_PYTHON").expect(
        "HYGGE_TEST_PYTHON is not set: run the tests by ./test, or set it to a Python that has what tests/requirements.txt names",
    )
}

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there")
}

fn script(name: &str) -> Command {
    let mut command = Command::new(python());
    command.arg(repository().join("tests/judge").join(name)).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Compares tables by value, many times with one process.
pub(crate) struct Judge {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Judge {
    /// Starts it.
    pub(crate) fn new() -> Self {
        let mut child = script("same.py")
            .arg("--serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the Python of HYGGE_TEST_PYTHON starts");
        let questions = child.stdin.take().expect("piped");
        let answers = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, questions, answers }
    }

    /// What the judge says of two tables, named as `tests/judge/tables.py` tells: `same: 3 rows, 2 columns`, or `different: …`.
    pub(crate) fn says(&mut self, left: &str, right: &str) -> String {
        writeln!(self.questions, "--nulls NA '{left}' '{right}'").expect("the judge listens");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("the judge answers");
        answer.trim_end().replace("\\n", "\n")
    }

    /// Both tables hold the same rows, each as often; answers with how many.
    ///
    /// # Panics
    /// With what differs.
    #[track_caller]
    pub(crate) fn same(&mut self, left: &str, right: &str) -> u64 {
        let said = self.says(left, right);
        let rows = said.strip_prefix("same: ").and_then(|rest| rest.split_once(' ')).and_then(|(n, _)| n.parse().ok());
        rows.unwrap_or_else(|| panic!("{left} against {right}: {said}"))
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads a place over and over by one of the field's readers, while the test lets others write it.
pub(crate) struct Poller {
    child: Child,
    output: BufReader<ChildStdout>,
    stop: PathBuf,
}

/// What a [`Poller`] saw.
pub(crate) struct Seen {
    /// Every state, in order, without repetitions: `state 3 6`, `absent`, `gone`, `empty`, `error …`, as `tests/judge/poll.py` tells.
    pub(crate) states: Vec<String>,
    /// How often it looked.
    pub(crate) polls: u64,
}

impl Poller {
    /// Starts a reader (`duckdb`, `polars`, `pyarrow`, `listing`, `sqlite`) of `place` that sums up `column`, and waits until it is ready to look.
    /// `scratch` is a folder of the test's own.
    pub(crate) fn start(reader: &str, place: &str, column: &str, scratch: &Path) -> Self {
        let stop = scratch.join(format!("stop-{reader}"));
        let mut child = script("poll.py")
            .args(["--reader", reader, "--column", column, "--stop"])
            .arg(&stop)
            .arg(place)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the Python of HYGGE_TEST_PYTHON starts");
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        let mut first = String::new();
        output.read_line(&mut first).expect("the poller speaks");
        assert_eq!(first, "ready\n", "the poller did not start");
        Self { child, output, stop }
    }

    /// Lets it look once more, and asks what it saw.
    pub(crate) fn stop(mut self) -> Seen {
        std::fs::write(&self.stop, "").expect("the scratch folder can be written");
        let mut text = String::new();
        self.output.read_to_string(&mut text).expect("the poller speaks text");
        assert!(self.child.wait().expect("the poller ends").success(), "the poller failed after: {text}");
        let (states, polls) = text.trim_end().rsplit_once('\n').expect("states, then how often it looked");
        let polls = polls.strip_prefix("polls ").and_then(|n| n.parse().ok()).expect("polls N");
        Seen { states: states.lines().map(str::to_owned).collect(), polls }
    }
}
