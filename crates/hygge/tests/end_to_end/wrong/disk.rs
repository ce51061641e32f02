//! A disk that is full: nothing half visible, what had settled untouched, a retry that works once there is room.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{APPEND, ONE_FILE, REPLACE, Shape, Story, TO_SQLITE, TO_SQLITE_APPEND};
use crate::project::Project;
use crate::run::{Ran, screen};

/// Rows that need a few MiB, hard to compress.
fn much(project: &Project) {
    project.sql(
        "source.db",
        "INSERT INTO users WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
         SELECT NULL, hex(randomblob(50)), i * 0.37 FROM n",
    );
}

/// A file system of 3 MiB over a folder of the project, taken away at the end.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// None where nobody may mount one.
    fn over(folder: &Path) -> Option<Self> {
        std::fs::create_dir_all(folder).expect("made");
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=3m,mode=0777", "tmpfs"])
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        done.is_ok_and(|status| status.success()).then(|| Self(folder.to_owned()))
    }

    fn grow(&self) {
        let done = Command::new("mount").args(["-o", "remount,size=64m"]).arg(&self.0).status().expect("mount runs");
        assert!(done.success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// The same flow with its place on a disk of its own, `small/`.
fn on_a_small_disk(shape: &Shape) -> Option<(Story, SmallDisk)> {
    let project = Project::new(shape);
    let disk = SmallDisk::over(&project.at("data"))?;
    project.grow(130, false);
    project.go_well();
    let before = project.copy();
    much(&project);
    Some((Story { project, before, judge: crate::judge::Judge::new() }, disk))
}

/// Into a table of SQLite that lies in the folder that [`SmallDisk`] covers.
const TO_SQLITE_BELOW: Shape = Shape {
    name: "to_sqlite_below",
    flow: "    home: {type: sqlite, connection: 'sqlite:///source.db', table: users}
    store: {type: sqlite, connection: 'sqlite:///data/target.db', table: users}
",
    place: ("sqlite", "data/target.db#users"),
    ..TO_SQLITE
};

fn full(shape: &Shape) {
    let Some((mut story, disk)) = on_a_small_disk(shape) else {
        // Without the right to mount, `a_file_size_limit_…` shows the same by other means.
        println!("nobody may mount a small disk here");
        return;
    };
    let ran = story.go().exits(1).says(&["the disk is full", "next: free some space, then run again"]);
    if shape.name == "replace" {
        screen!("disk_full_folder", story.project, ran);
    } else if shape.name == "to_sqlite_below" {
        screen!("disk_full_sqlite", story.project, ran);
    }
    story.is_intact();
    disk.grow();
    story.next_run_is_right();
}

#[test]
fn a_full_disk_below_a_folder_of_files() {
    full(&REPLACE);
    full(&APPEND);
}

#[test]
fn a_full_disk_below_one_file() {
    full(&ONE_FILE);
}

#[test]
fn a_full_disk_below_sqlite() {
    full(&TO_SQLITE_BELOW);
    full(&Shape {
        name: "to_sqlite_append_below",
        flow: "    home: {type: sqlite, connection: 'sqlite:///source.db', table: users}
    store: {type: sqlite, connection: 'sqlite:///data/target.db', table: users}
    options: {incremental: true}
",
        ..TO_SQLITE_BELOW
    });
}

/// The limit that a shell's `ulimit -f` sets. Its signal, unheeded, would kill the run without a word.
#[test]
fn a_file_size_limit_is_told_and_changes_nothing() {
    for shape in [&REPLACE, &APPEND, &ONE_FILE, &TO_SQLITE, &TO_SQLITE_APPEND] {
        let mut story = Story::of(shape);
        much(&story.project);
        let ran = Ran::of(
            Command::new("prlimit")
                .args(["--fsize=1500000", "--", env!("CARGO_BIN_EXE_hygge"), "go"])
                .current_dir(story.project.path())
                .env_remove("HYGGE_PROJECT")
                .env("NO_COLOR", "1")
                .stdin(Stdio::null()),
        );
        let ran = ran.exits(1).advises();
        if shape.place.0 == "parquet" {
            let ran = ran.says(&["the file would pass the size limit of this process", "ulimit -f"]);
            if shape.name == "replace" {
                screen!("file_size_limit", story.project, ran);
            }
        }
        story.is_intact();
        story.next_run_is_right();
    }
}
