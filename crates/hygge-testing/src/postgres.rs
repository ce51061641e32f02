//! A PostgreSQL of a test's own: made in a temporary folder, reached by a socket there, gone when the test is, however it
//! ends.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a server may take to start, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_mins(2);

/// Waits for its standard input to end, as it does when the test is gone (also when it was killed), then ends the server.
const WATCHER: &str = r#"
trap '' HUP INT TERM
"$@" </dev/null >>"$LOG" 2>&1 &
server=$!
cat >/dev/null
kill -QUIT $server 2>/dev/null
wait $server 2>/dev/null
rm -rf "$FOLDER"
"#;

/// A server with one superuser, `postgres`, and one database, `postgres`, in UTF-8 with the locale C.
#[derive(Debug)]
pub struct Server {
    bin: PathBuf,
    folder: TempDir,
    watcher: Child,
    /// Closed to end the server.
    open: Option<ChildStdin>,
}

impl Server {
    /// Makes and starts a server with the settings (`wal_level=logical`) beside those of a server for tests.
    ///
    /// # Panics
    /// If there is no PostgreSQL, or it does not start: a test that needs a server fails without one.
    #[must_use]
    pub fn start(settings: &[&str]) -> Self {
        let bin = programs();
        let folder = tempfile::Builder::new().prefix("hygge-pg.").tempdir().expect("a temporary folder");
        let root = rustix::process::geteuid().is_root();
        if root {
            // The server refuses to run as root.
            let (user, group) = nobody();
            std::os::unix::fs::chown(folder.path(), Some(user), Some(group)).expect("root may give a folder away");
        }
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).expect("a folder of ours");
        let data = folder.path().join("data");
        let made = unprivileged(root, &bin.join("initdb"))
            .args(["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "-D"])
            .arg(&data)
            .current_dir(folder.path())
            .output()
            .expect("initdb starts");
        assert!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));

        let log = folder.path().join("log");
        let mut server = unprivileged(root, &bin.join("postgres"));
        server.arg("-D").arg(&data).arg("-k").arg(folder.path());
        let own =
            ["listen_addresses=", "fsync=off", "full_page_writes=off", "synchronous_commit=off", "shared_buffers=32MB"];
        for setting in own.iter().chain(settings) {
            server.args(["-c", setting]);
        }
        let mut watcher = Command::new("sh")
            .args(["-c", WATCHER, "sh"])
            .arg(server.get_program())
            .args(server.get_args())
            .env("LOG", &log)
            .env("FOLDER", folder.path())
            .current_dir(folder.path())
            // A signal to the group of the test does not reach it.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh starts");
        let open = watcher.stdin.take();
        let server = Self { bin, folder, watcher, open };
        server.wait(&log);
        server
    }

    fn wait(&self, log: &Path) {
        let begun = Instant::now();
        loop {
            let ready = self.program("pg_isready").arg("-q").status().expect("pg_isready starts");
            if ready.success() {
                return;
            }
            let told = || std::fs::read_to_string(log).unwrap_or_default();
            assert!(begun.elapsed() < PATIENCE, "the server does not answer: {}", told());
            assert!(!told().contains("FATAL:  could not"), "the server did not start: {}", told());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The folder of its socket, which is what `host` means to clients.
    #[must_use]
    pub fn socket(&self) -> &Path {
        self.folder.path()
    }

    /// A URL for clients.
    #[must_use]
    pub fn url(&self) -> String {
        let mut folder = String::new();
        for byte in self.socket().as_os_str().as_encoded_bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' => folder.push(char::from(*byte)),
                other => write!(folder, "%{other:02X}").expect("writing to memory cannot fail"),
            }
        }
        format!("postgres://postgres@{folder}/postgres")
    }

    /// A client program of PostgreSQL, set to speak to this server.
    #[must_use]
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin.join(name));
        command
            .env("PGHOST", self.socket())
            .env("PGPORT", "5432")
            .env("PGUSER", "postgres")
            .env("PGDATABASE", "postgres")
            .env("PGCLIENTENCODING", "UTF8")
            .env_remove("PGOPTIONS")
            .env_remove("PGSERVICE")
            .env_remove("PGSSLMODE");
        command
    }

    fn psql(&self, sql: &str, input: Option<&[u8]>) -> Output {
        let mut psql = self.program("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        let Some(input) = input else { return psql.stdin(Stdio::null()).output().expect("psql starts") };
        let mut child =
            psql.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("psql starts");
        let mut stdin = child.stdin.take().expect("piped");
        thread::scope(|scope| {
            // A server that refuses what it is sent ends psql before it has read all.
            scope.spawn(move || stdin.write_all(input).ok());
            child.wait_with_output().expect("psql ends")
        })
    }

    /// Runs statements in one session, and gives what they print: for a `COPY … TO STDOUT` its very bytes.
    ///
    /// # Panics
    /// If one fails.
    #[must_use]
    pub fn bytes(&self, sql: &str) -> Vec<u8> {
        let done = self.psql(sql, None);
        assert!(done.status.success(), "{}\n{}", start_of(sql), String::from_utf8_lossy(&done.stderr));
        done.stdout
    }

    /// The same where it prints text, without the last line end.
    ///
    /// # Panics
    /// If a statement fails.
    #[must_use]
    pub fn text(&self, sql: &str) -> String {
        let mut text = String::from_utf8(self.bytes(sql)).expect("UTF-8");
        if text.ends_with('\n') {
            text.pop();
        }
        text
    }

    /// Runs statements that print nothing of interest.
    ///
    /// # Panics
    /// If one fails.
    pub fn run(&self, sql: &str) {
        let _ = self.bytes(sql);
    }

    /// Runs statements of which one is `COPY … FROM STDIN`, with what it is to be sent.
    ///
    /// # Errors
    /// What the server says where it refuses.
    pub fn copy_in(&self, sql: &str, input: &[u8]) -> Result<(), String> {
        let done = self.psql(sql, Some(input));
        if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.open = None;
        // Nothing is to be done where it is gone already.
        let _ = self.watcher.wait();
    }
}

fn start_of(sql: &str) -> String {
    sql.chars().take(400).collect()
}

fn unprivileged(root: bool, program: &Path) -> Command {
    if !root {
        return Command::new(program);
    }
    let (user, group) = nobody();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &user.to_string(), "--regid", &group.to_string(), "--clear-groups"]).arg(program);
    command
}

/// The user and group `nobody`.
fn nobody() -> (u32, u32) {
    let users = std::fs::read_to_string("/etc/passwd").expect("the list of users");
    let line = users.lines().find(|line| line.starts_with("nobody:")).expect("a user called nobody");
    let mut numbers = line.split(':').skip(2).map_while(|field| field.parse().ok());
    let user = numbers.next().expect("a number of the user");
    (user, numbers.next().expect("a number of the group"))
}

/// Where the programs of a server are: `HYGGE_TEST_POSTGRES`, what `pg_config` says, or where Debian puts them.
fn programs() -> PathBuf {
    let has = |folder: &Path| folder.join("initdb").exists() && folder.join("postgres").exists();
    if let Some(folder) = std::env::var_os("HYGGE_TEST_POSTGRES") {
        let folder = PathBuf::from(folder);
        assert!(has(&folder), "HYGGE_TEST_POSTGRES is no folder with initdb and postgres in it");
        return folder;
    }
    let told = Command::new("pg_config").arg("--bindir").output().ok();
    let told = told.and_then(|out| String::from_utf8(out.stdout).ok()).map(|text| PathBuf::from(text.trim_end()));
    if let Some(folder) = told.filter(|folder| has(folder)) {
        return folder;
    }
    let version = |folder: &Path| folder.file_name().and_then(|name| name.to_str()?.parse::<f32>().ok());
    let mut found: Vec<PathBuf> =
        std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|e| e.path()).collect();
    found.retain(|folder| has(&folder.join("bin")));
    found.sort_by(|a, b| version(a).partial_cmp(&version(b)).unwrap_or(std::cmp::Ordering::Equal));
    let newest = found.pop().expect(
        "there is no PostgreSQL server: ./test installs one; or apt-get install postgresql, or set HYGGE_TEST_POSTGRES to the folder of initdb and postgres",
    );
    newest.join("bin")
}
