//! A folder to run the tool in, and what it said, made fit for comparing.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A folder that is gone at the end of its test.
pub(crate) struct Folder {
    // Dropped last; its path is kept resolved, so that what the tool prints can be told.
    _kept: TempDir,
    path: PathBuf,
}

/// What the tool said.
pub(crate) struct Ran {
    /// The exit code; none when it was killed.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
    typed: String,
    folder: PathBuf,
}

impl Folder {
    /// An empty one.
    pub(crate) fn new() -> Self {
        let kept = tempfile::Builder::new().prefix("hygge-it-").tempdir().expect("a folder for the test");
        // The folder's name is the project's where the file gives none.
        let path = kept.path().canonicalize().expect("it is there").join("hygge");
        std::fs::create_dir(&path).expect("made");
        Self { _kept: kept, path }
    }

    /// One with a hygge.yml.
    pub(crate) fn with(config: &str) -> Self {
        let folder = Self::new();
        folder.write("hygge.yml", config);
        folder
    }

    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file, with the folders above it.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("below the folder")).expect("folders");
        std::fs::write(path, text).expect("written");
    }

    /// Whether there is such a file or folder.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// Every path below the folder, hidden ones too, sorted.
    pub(crate) fn listing(&self) -> Vec<String> {
        fn walk(folder: &Path, root: &Path, into: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).expect("listed").flatten() {
                let path = entry.path();
                into.push(path.strip_prefix(root).expect("below").display().to_string());
                if path.is_dir() {
                    walk(&path, root, into);
                }
            }
        }
        let mut all = Vec::new();
        walk(&self.path, &self.path, &mut all);
        all.sort();
        all
    }

    /// The answer to a query, as `preview` shows it without its head.
    pub(crate) fn asked(&self, database: &str, query: &str) -> String {
        let url = format!("sqlite:///{database}");
        let ran = self.run(&["preview", &url, "--query", query]).exits(0);
        ran.out.lines().skip(2).map(|line| line.trim().to_owned() + "\n").collect()
    }

    /// A SQLite database made of statements.
    pub(crate) fn sqlite(&self, name: &str, statements: &str) {
        let connection = rusqlite::Connection::open(self.path(name)).expect("a database");
        connection.execute_batch(statements).expect("statements");
    }

    /// The tool, in this folder, with nothing of the tester's environment that could change what it says.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hygge"));
        command.args(arguments).current_dir(&self.path).stdin(Stdio::null());
        for name in ["HYGGE_PROJECT", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "HYGGE_FAIL", "DB_CONNECTION"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs the tool to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output().expect("the tool starts");
        self.ran(arguments, &output)
    }

    /// The same with variables set.
    pub(crate) fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
        let output = self.command(arguments).envs(variables.iter().copied()).output().expect("the tool starts");
        self.ran(arguments, &output)
    }

    /// What a finished command said.
    pub(crate) fn ran(&self, arguments: &[&str], output: &Output) -> Ran {
        Ran {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
            typed: format!("hygge {}", arguments.join(" ")),
            folder: self.path.clone(),
        }
    }
}

impl Ran {
    /// The run ended with this code.
    ///
    /// # Panics
    /// If it did not; says what the tool said.
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}{}", self.typed, self.out, self.err);
        self
    }

    /// Each of these was printed. Line breaks and runs of blanks count as one blank.
    ///
    /// # Panics
    /// If one was not; says what the tool said.
    pub(crate) fn says(self, texts: &[&str]) -> Self {
        let flowing = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let all = flowing(&format!("{}\n{}", self.out, self.err));
        for text in texts {
            assert!(all.contains(&flowing(text)), "`{text}` is missing: {}\n{}{}", self.typed, self.out, self.err);
        }
        self
    }

    /// What was typed and said, without what differs between two runs.
    pub(crate) fn screen(&self) -> String {
        let mut text = format!("$ {}\n{}", self.typed, self.out);
        if !self.err.is_empty() {
            text.push_str("--- standard error\n");
            text.push_str(&self.err);
        }
        let code = self.code.map_or_else(|| "a signal".to_owned(), |code| code.to_string());
        text = text + "--- exit " + &code;
        text.replace(&self.folder.display().to_string(), "[folder]")
    }
}

/// Compares a screen with the one that was approved, whatever the run's name, times and memory.
macro_rules! assert_screen {
    ($screen:expr) => {
        insta::with_settings!({
            filters => vec![
                (r"\d{8}T\d{6}Z-[0-9a-f]{8}", "[run]"),
                (r"at most \d+(\.\d+)? [KMG]iB", "at most [memory]"),
                (r" {3,}\d+(\.\d+)? s {3,}", "   [time]   "),
                // Of what took no time the column is as wide as the others' times.
                (r"unchanged {3,}", "unchanged      "),
                (r"\b\d+(\.\d+)? s\b", "[time]"),
                (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?Z", "[moment]"),
                (r"hygge \d+\.\d+\.\d+", "hygge [version]"),
                (r"\d+ at once", "[cores] at once"),
                (r"SQLite \d+\.\d+\.\d+", "SQLite [version]"),
            ],
            omit_expression => true,
        }, { insta::assert_snapshot!($screen) })
    };
}
pub(crate) use assert_screen;
