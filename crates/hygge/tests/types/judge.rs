//! The judge of `tests/judge/lattice.py`, one process for many questions.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use arrow_array::RecordBatch;

pub(crate) struct Judge {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// The Python that has what `tests/requirements.txt` names.
pub(crate) fn python() -> Command {
    let python = std::env::var_os("HYGGE_TEST_PYTHON")
        .expect("HYGGE_TEST_PYTHON is not set: run the tests by ./test, or set it to a Python that has what tests/requirements.txt names");
    let mut command = Command::new(python);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there")
}

impl Judge {
    pub(crate) fn new() -> Self {
        let mut child = python()
            .arg(repository().join("tests/judge/lattice.py"))
            .arg("--serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the Python of HYGGE_TEST_PYTHON starts");
        let questions = child.stdin.take().expect("piped");
        let answers = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, questions, answers }
    }

    /// What it says of `found` (`parquet:PATH`, …) beside an Arrow file: `same`, `different: …` or `error: …`.
    pub(crate) fn says(&mut self, original: &Path, found: &str, zeros: bool) -> String {
        let question = serde_json::json!({"original": original, "found": found, "zeros": zeros});
        writeln!(self.questions, "{question}").expect("the judge listens");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("the judge answers");
        answer.trim_end().to_owned()
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Keeps a batch as it is, for the judge.
pub(crate) fn keep(batch: &RecordBatch, path: &Path) {
    let file = File::create(path).expect("made");
    let mut writer = arrow_ipc::writer::FileWriter::try_new(file, &batch.schema()).expect("begins");
    writer.write(batch).expect("writes");
    writer.finish().expect("finishes");
}
