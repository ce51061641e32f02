//! What the user that runs hygge may not do. Root may everything, so these tests give up their rights first.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::{CSV, ONE_FILE, REPLACE, Shape, Story, TO_SQLITE};
use crate::run::{Ran, screen};

/// `nobody`, nearly everywhere.
const NOBODY: &str = "65534";

/// The tool, run by somebody who is not root.
struct Unprivileged {
    /// A copy that others than root can reach; kept as long as this.
    copy: Option<(tempfile::TempDir, PathBuf)>,
}

impl Unprivileged {
    /// Hands the project over to that user where the tests are run by root.
    fn of(story: &Story) -> Self {
        if !rustix::process::geteuid().is_root() {
            return Self { copy: None };
        }
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("set");
        let copy = folder.path().join("hygge");
        // By another process: a child forked while this one holds the copy open for writing would keep it from being run.
        let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_hygge")).arg(&copy).status().expect("cp runs");
        assert!(copied.success());
        let given = Command::new("chown")
            .args(["-R", &format!("{NOBODY}:{NOBODY}")])
            .arg(story.project.path())
            .status()
            .expect("chown runs");
        assert!(given.success());
        Self { copy: Some((folder, copy)) }
    }

    fn hygge(&self, story: &Story, args: &[&str]) -> Command {
        let Some((_, copy)) = &self.copy else { return story.project.hygge(args) };
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--"])
            .arg(copy)
            .args(args)
            .current_dir(story.project.path())
            .env_remove("HYGGE_PROJECT")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null());
        command
    }
}

fn mode(story: &Story, path: &str, mode: u32) {
    std::fs::set_permissions(story.project.at(path), Permissions::from_mode(mode)).expect("set");
}

/// Takes rights away, sees the refusal, gives them back.
#[track_caller]
fn without(shape: &Shape, path: &str, rights: u32, said: &[&str]) -> (Story, Ran) {
    let mut story = Story::of(shape);
    let user = Unprivileged::of(&story);
    let before = std::fs::metadata(story.project.at(path)).expect("there").permissions().mode();
    mode(&story, path, rights);
    let ran = Ran::of(&mut user.hygge(&story, &["go"]));
    mode(&story, path, before);
    let ran = ran.exits(2).advises().says(said);
    story.is_intact();
    let _ = Ran::of(&mut user.hygge(&story, &["go"])).exits(0);
    story.shows_the_home();
    (story, ran)
}

#[test]
fn a_database_that_may_not_be_read_is_refused() {
    let (story, ran) = without(&REPLACE, "source.db", 0o000, &["source.db", "permission"]);
    screen!("no_right_to_read_a_database", story.project, ran);
}

#[test]
fn a_csv_file_that_may_not_be_read_is_refused() {
    let (story, ran) = without(&CSV, "in/users-000000130.csv", 0o000, &["users-000000130.csv", "permission denied"]);
    screen!("no_right_to_read_a_file", story.project, ran);
}

#[test]
fn a_folder_of_files_that_may_not_be_listed_is_refused() {
    let (_, ran) = without(&CSV, "in", 0o000, &["in", "permission denied"]);
    drop(ran);
}

#[test]
fn a_place_that_may_not_be_written_is_refused() {
    let (story, ran) = without(&REPLACE, "data", 0o555, &["data", "permission denied"]);
    screen!("no_right_to_write", story.project, ran);
    let (_, ran) = without(&ONE_FILE, "data", 0o555, &["data", "permission denied"]);
    drop(ran);
}

#[test]
fn a_store_database_that_may_not_be_written_is_refused() {
    let (story, ran) = without(&TO_SQLITE, "target.db", 0o444, &["target.db"]);
    screen!("no_right_to_write_a_database", story.project, ran);
}

/// The rows have moved before the history cannot be written: that is no failure of theirs.
#[test]
fn history_that_may_not_be_written_is_said_and_no_more() {
    let mut story = Story::of(&REPLACE);
    let user = Unprivileged::of(&story);
    std::fs::remove_dir_all(story.project.at(".hygge")).expect("removed");
    mode(&story, ".", 0o555);
    let ran = Ran::of(&mut user.hygge(&story, &["go"]));
    mode(&story, ".", 0o755);
    let _ = ran.exits(0).says(&["no history of this run is kept"]);
    story.shows_the_home();
}

/// A home on a medium that can only be read, beside which SQLite can make no files.
#[test]
fn a_database_in_a_folder_that_may_not_be_written_is_read() {
    let story = Story::of(&REPLACE);
    std::fs::create_dir(story.project.at("shelf")).expect("made");
    std::fs::copy(story.project.at("source.db"), story.project.at("shelf/source.db")).expect("copied");
    let mut story = story;
    story.project.set_flow(&REPLACE.flow.replace("sqlite:///source.db", "sqlite:///shelf/source.db"));
    let user = Unprivileged::of(&story);
    mode(&story, "shelf/source.db", 0o444);
    mode(&story, "shelf", 0o555);
    let ran = Ran::of(&mut user.hygge(&story, &["go"]));
    mode(&story, "shelf", 0o755);
    let _ = ran.exits(0);
    story.shows_the_home();
}

/// Entering a database in WAL mode makes files beside it. Whoever may only read it must not leave any: they would lock
/// out those that may write.
#[test]
fn a_database_that_may_only_be_read_is_left_as_it_was() {
    let mut story = Story::of(&REPLACE);
    story.project.write_ahead();
    story.project.grow(10, true);
    let user = Unprivileged::of(&story);
    mode(&story, "source.db", 0o444);
    for args in [&["plan"][..], &["check"], &["preview", "users"], &["go"], &["verify"]] {
        let _ = Ran::of(&mut user.hygge(&story, args)).exits(0);
        for end in ["-wal", "-shm", "-journal"] {
            let beside = story.project.at(&format!("source.db{end}"));
            assert!(!beside.exists(), "{args:?} left {}", beside.display());
        }
    }
    mode(&story, "source.db", 0o644);
    story.shows_the_home();
}
