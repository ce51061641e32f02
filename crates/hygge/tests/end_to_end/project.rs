//! A project in a folder of its own, with a SQLite home that grows, and the tool run on it as a user would.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};

use rusqlite::Connection;

/// A project of one flow, `users`, from the table `users` of `source.db` (or from CSV or NDJSON files made of it).
pub(crate) struct Project {
    folder: tempfile::TempDir,
    /// How the judge names the place.
    place: String,
    /// Whether the home is a folder of CSV or NDJSON files, one for each [`Project::grow`].
    csv: bool,
    no_exchange: bool,
    /// The table of the home.
    table: &'static str,
}

/// What the flow's home and store look like.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// The test's name for it.
    pub(crate) name: &'static str,
    /// YAML of the flow, below `users:`.
    pub(crate) flow: &'static str,
    /// The judge's kind and the path in the project.
    pub(crate) place: (&'static str, &'static str),
    /// Whether new rows only are carried; else all.
    pub(crate) incremental: bool,
    /// Whether the home is CSV or NDJSON.
    pub(crate) csv: bool,
    /// Whether the file system is made to look as if it could not exchange folders.
    pub(crate) no_exchange: bool,
    /// The table of the home: `users`, or the view `parted`, which has a column more, of few values.
    pub(crate) table: &'static str,
}

/// What `HYGGE_FAIL` makes of a file system that cannot exchange folders.
const NO_EXCHANGE: &str = "probe.exchange=error";

impl Project {
    /// A project with no rows yet.
    pub(crate) fn new(shape: &Shape) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let yaml = format!("name: crash\nflows:\n  users:\n{}", shape.flow);
        std::fs::write(folder.path().join("hygge.yml"), yaml).expect("written");
        std::fs::create_dir(folder.path().join("in")).expect("made");
        std::fs::create_dir(folder.path().join("lines")).expect("made");
        let source = Connection::open(folder.path().join("source.db")).expect("a database");
        source
            .execute_batch("CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, score REAL NOT NULL)")
            .expect("a table");
        if shape.table == "parted" {
            source
                .execute_batch(
                    "CREATE VIEW parted AS SELECT id, name, score,
                     CAST(CASE WHEN id % 7 = 0 THEN NULL ELSE 'part ' || (id % 5) END AS TEXT) AS part FROM users",
                )
                .expect("a view");
        }
        drop(source);
        let (kind, path) = shape.place;
        let place = format!("{kind}:{}", folder.path().join(path).display());
        Self { folder, place, csv: shape.csv, no_exchange: shape.no_exchange, table: shape.table }
    }

    /// The same project in another folder, as a copy of all its files with their times.
    pub(crate) fn copy(&self) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let copied = Command::new("cp")
            .args(["-a", "--"])
            .arg(format!("{}/.", self.path().display()))
            .arg(folder.path())
            .status()
            .expect("cp runs");
        assert!(copied.success());
        let place = self.place.replace(&*self.path().to_string_lossy(), &folder.path().to_string_lossy());
        Self { folder, place, csv: self.csv, no_exchange: self.no_exchange, table: self.table }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.path().join(path)
    }

    /// How the judge names the place.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Whether folders cannot be exchanged.
    pub(crate) fn no_exchange(&self) -> bool {
        self.no_exchange
    }

    /// Whether the place is in sight.
    pub(crate) fn shows_a_folder(&self) -> bool {
        self.place.split_once(':').is_some_and(|(_, path)| Path::new(path).is_dir())
    }

    /// How the judge names the home.
    pub(crate) fn home(&self) -> String {
        format!("sqlite:{}#{}", self.at("source.db").display(), self.table)
    }

    /// Adds rows to the home; `change` also changes old ones.
    pub(crate) fn grow(&self, rows: u32, change: bool) {
        let mut source = Connection::open(self.at("source.db")).expect("a database");
        let transaction = source.transaction().expect("begun");
        let from: u32 =
            transaction.query_row("SELECT coalesce(max(id), 0) FROM users", [], |r| r.get(0)).expect("read");
        if change {
            transaction.execute("UPDATE users SET score = score + 1000 WHERE id % 3 = 0", []).expect("changed");
        }
        for id in from + 1..=from + rows {
            let name = (id % 7 != 0).then(|| format!("user {id}, called \"ü\""));
            transaction
                .execute("INSERT INTO users VALUES (?, ?, ?)", (id, name, f64::from(id) * 0.5))
                .expect("written");
        }
        transaction.commit().expect("committed");
        if self.csv {
            self.write_files(&source, from);
        }
    }

    fn write_files(&self, source: &Connection, above: u32) {
        let (mut text, mut lines) = (String::from("id,name,score\n"), String::new());
        let mut query = source.prepare("SELECT id, name, score FROM users WHERE id > ? ORDER BY id").expect("prepared");
        let mut rows = query.query([above]).expect("read");
        while let Some(row) = rows.next().expect("read") {
            let (id, name, score): (u32, Option<String>, f64) =
                (row.get(0).expect("id"), row.get(1).expect("name"), row.get(2).expect("score"));
            writeln!(lines, "{}", serde_json::json!({"id": id, "name": name, "score": score}))
                .expect("a string takes text");
            let name = name.map(|n| format!("\"{}\"", n.replace('"', "\"\""))).unwrap_or_default();
            writeln!(text, "{id},{name},{score:?}").expect("a string takes text");
        }
        std::fs::write(self.at(&format!("in/users-{above:09}.csv")), text).expect("written");
        std::fs::write(self.at(&format!("lines/users-{above:09}.ndjson")), lines).expect("written");
    }

    /// Rows and the sum of ids in the home: what a whole state looks like to a poller.
    pub(crate) fn state(&self) -> String {
        let source = Connection::open(self.at("source.db")).expect("a database");
        let (rows, sum): (i64, i64) = source
            .query_row("SELECT count(*), coalesce(sum(id), 0) FROM users", [], |r| Ok((r.get(0)?, r.get(1)?)))
            .expect("read");
        format!("state {rows} {sum}")
    }

    /// Writes a file of the project, making its folder.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.at(path);
        std::fs::create_dir_all(path.parent().expect("in the project")).expect("made");
        std::fs::write(path, content).expect("written");
    }

    /// A copy of a folder of the project, beside it.
    pub(crate) fn copy_of(&self, path: &str) -> PathBuf {
        let to = self.at(&format!("{path}.copy"));
        let copied = Command::new("cp").arg("-a").arg(self.at(path)).arg(&to).status().expect("cp runs");
        assert!(copied.success());
        to
    }

    /// Lets others read the home while it is written, and the other way round.
    pub(crate) fn write_ahead(&self) {
        self.sql("source.db", "PRAGMA journal_mode = WAL");
    }

    /// Puts the flow's YAML, below `users:`, in place of what it was.
    pub(crate) fn set_flow(&self, flow: &str) {
        self.write("hygge.yml", format!("name: crash\nflows:\n  users:\n{flow}"));
    }

    /// Runs SQL in a database of the project.
    pub(crate) fn sql(&self, database: &str, text: &str) {
        Connection::open(self.at(database)).expect("a database").execute_batch(text).expect("SQL");
    }

    /// The command, in the project.
    pub(crate) fn hygge(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hygge"));
        command
            .args(args)
            .current_dir(self.path())
            .env_remove("HYGGE_PROJECT")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if self.no_exchange {
            command.env("HYGGE_FAIL", NO_EXCHANGE);
        }
        command
    }

    /// Runs all flows.
    pub(crate) fn go(&self) -> Output {
        self.hygge(&["go"]).output().expect("hygge runs")
    }

    /// Runs all flows, which must all settle or have nothing to do.
    #[track_caller]
    pub(crate) fn go_well(&self) {
        let output = self.go();
        assert!(output.status.success(), "{}", told(&output));
    }

    /// Runs all flows with fail points armed; answers with how it ended.
    pub(crate) fn go_failing(&self, points: &str) -> (ExitStatus, String) {
        let points = if self.no_exchange { format!("{NO_EXCHANGE};{points}") } else { points.to_owned() };
        let output = self.hygge(&["go"]).env("HYGGE_FAIL", points).output().expect("hygge runs");
        (output.status, told(&output))
    }

    /// What lies in the project's hidden folders beside its places: files of staging and receipts in the making.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).expect("listed") {
                let entry = entry.expect("listed");
                if entry.file_type().expect("known").is_dir() {
                    folders.push(entry.path());
                } else {
                    let name = entry.path().strip_prefix(self.path()).expect("below").display().to_string();
                    if name.ends_with(".staged") || name.ends_with(".pending") || name.contains("/staging/") {
                        found.push(name);
                    }
                }
            }
        }
        found
    }
}

/// All that a run printed.
pub(crate) fn told(output: &Output) -> String {
    format!(
        "{}\n--- out\n{}--- err\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
