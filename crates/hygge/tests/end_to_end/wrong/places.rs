//! Places that are not what a place should be, or not as the last run left them.

use super::{APPEND, CSV, ONE_FILE, REPLACE, Story, TO_SQLITE, TO_SQLITE_APPEND};
use crate::judge::Judge;
use crate::project::Project;
use crate::run::{Ran, screen};

#[test]
fn a_file_where_a_folder_should_be_is_refused_and_kept() {
    let project = Project::new(&REPLACE);
    project.grow(30, false);
    project.write("data/users", "a letter to a friend");
    let ran = Ran::of(&mut project.hygge(&["go"])).exits(2).advises().says(&["data/users"]);
    screen!("path_is_a_file", project, ran);
    assert_eq!(std::fs::read(project.at("data/users")).expect("kept"), b"a letter to a friend");
    std::fs::remove_file(project.at("data/users")).expect("removed");
    project.go_well();
    Judge::new().same(&project.home(), project.place());
}

#[test]
fn a_folder_above_that_is_a_file_is_refused_and_kept() {
    let project = Project::new(&REPLACE);
    project.grow(30, false);
    project.write("data", "a letter to a friend");
    let _ = Ran::of(&mut project.hygge(&["go"])).exits(2).advises().says(&["data"]);
    assert_eq!(std::fs::read(project.at("data")).expect("kept"), b"a letter to a friend");
}

#[test]
fn a_folder_where_a_file_should_be_is_refused() {
    let project = Project::new(&ONE_FILE);
    project.grow(30, false);
    std::fs::create_dir_all(project.at("data/users.parquet")).expect("made");
    let ran = Ran::of(&mut project.hygge(&["go"])).exits(2).advises().says(&["data/users.parquet"]);
    screen!("path_is_a_folder", project, ran);
}

#[test]
fn a_store_that_is_no_database_is_refused_and_kept() {
    let project = Project::new(&TO_SQLITE);
    project.grow(30, false);
    let letter = "a letter to a friend\n".repeat(300);
    project.write("target.db", &letter);
    let ran = Ran::of(&mut project.hygge(&["go"])).exits(2).advises().says(&["target.db"]);
    screen!("store_is_no_database", project, ran);
    assert_eq!(std::fs::read(project.at("target.db")).expect("kept"), letter.as_bytes());
}

#[test]
fn foreign_files_in_the_folder_are_refused_and_kept_or_taken_over() {
    let other = Project::new(&REPLACE);
    other.grow(10, false);
    other.go_well();
    let theirs =
        std::fs::read_dir(other.at("data/users")).expect("listed").next().expect("one").expect("listed").path();
    let theirs = std::fs::read(theirs).expect("read");

    let project = Project::new(&REPLACE);
    project.grow(30, false);
    for (name, bytes) in [("part-0.parquet", &theirs[..]), ("notes.txt", b"a letter to a friend")] {
        project.write(&format!("data/users/{name}"), bytes);
        let ran = Ran::of(&mut project.hygge(&["go"])).exits(2).advises().says(&["data/users", name]);
        if name == "part-0.parquet" {
            let ran = ran.says(&["adopt: true", "hygge.yml:"]);
            screen!("foreign_files", project, ran);
        }
        assert_eq!(std::fs::read(project.at(&format!("data/users/{name}"))).expect("kept"), bytes, "{name}");
        std::fs::remove_dir_all(project.at("data")).expect("removed");
    }
    project.write("data/users/part-0.parquet", &theirs);
    project.set_flow(&format!("{}    options: {{adopt: true}}\n", REPLACE.flow));
    project.go_well();
    Judge::new().same(&project.home(), project.place());
}

/// What others put in beside ours after the first load.
#[test]
fn foreign_files_that_came_later_are_refused_and_kept() {
    for shape in [&REPLACE, &APPEND] {
        let mut story = Story::of(shape);
        story.project.write("data/users/notes.parquet", "a letter to a friend");
        let ran = story.go().advises().says(&["notes.parquet"]);
        assert!(matches!(ran.code, Some(1 | 2)), "{}", ran.all());
        assert_eq!(std::fs::read(story.project.at("data/users/notes.parquet")).expect("kept"), b"a letter to a friend");
        std::fs::remove_file(story.project.at("data/users/notes.parquet")).expect("removed");
        story.is_intact();
        story.next_run_is_right();
    }
}

#[test]
fn a_file_that_hygge_did_not_write_is_refused_and_kept() {
    let project = Project::new(&ONE_FILE);
    project.grow(30, false);
    project.write("data/users.parquet", "a letter to a friend");
    let ran = Ran::of(&mut project.hygge(&["go"])).exits(2).says(&["data/users.parquet", "next:", "adopt: true"]);
    screen!("foreign_file", project, ran);
    assert_eq!(std::fs::read(project.at("data/users.parquet")).expect("kept"), b"a letter to a friend");
}

#[test]
fn a_table_that_hygge_did_not_make_is_refused_and_kept() {
    let mut judge = Judge::new();
    for shape in [&TO_SQLITE, &TO_SQLITE_APPEND] {
        let project = Project::new(shape);
        project.grow(30, false);
        project.sql("target.db", "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, score REAL); INSERT INTO users VALUES (1, 'theirs', 0.5)");
        project.sql("source.db", "CREATE TABLE theirs AS SELECT 1 AS id, 'theirs' AS name, 0.5 AS score");
        let ran = Ran::of(&mut project.hygge(&["go"])).exits(2).advises().says(&["users", "adopt: true"]);
        if shape.name == "to_sqlite" {
            screen!("foreign_table", project, ran);
        }
        judge.same(&project.home().replace("#users", "#theirs"), project.place());
    }
}

fn delete_the_oldest_live_file(project: &Project) {
    let oldest = std::fs::read_dir(project.at("data/users"))
        .expect("listed")
        .map(|entry| entry.expect("listed").path())
        .min_by_key(|path| path.metadata().expect("known").modified().expect("known"))
        .expect("a file");
    std::fs::remove_file(oldest).expect("removed");
}

#[test]
fn settled_files_deleted_by_hand_stop_an_append_with_two_ways_out() {
    let mut story = Story::of(&APPEND);
    story.next_run_is_right();
    story.project.grow(15, false);
    delete_the_oldest_live_file(&story.project);
    let ran = story.go().says(&["gone", "next:", "--full-drop", "missing: ignore"]);
    assert!(matches!(ran.code, Some(1 | 2)), "{:?}: {}", ran.code, ran.all());
    screen!("settled_files_deleted", story.project, ran);
    // One way out: go on with what is there.
    let ignoring = story.project.copy();
    ignoring.set_flow(&APPEND.flow.replace("incremental: true", "incremental: true, missing: ignore"));
    ignoring.go_well();
    ignoring.sql("source.db", "CREATE TABLE rest AS SELECT * FROM users WHERE id > 130");
    assert_eq!(story.judge.same(&ignoring.home().replace("#users", "#rest"), ignoring.place()), 85);
    // The other: everything anew.
    let _ = Ran::of(&mut story.project.hygge(&["go", "--full-drop"])).exits(0);
    story.shows_the_home();
}

/// The home has nothing new; the loss must be noticed all the same.
#[test]
fn settled_files_deleted_by_hand_are_noticed_though_nothing_is_new() {
    let mut story = Story::of(&APPEND);
    story.next_run_is_right();
    std::thread::sleep(std::time::Duration::from_millis(50));
    delete_the_oldest_live_file(&story.project);
    let ran = story.go().says(&["gone", "--full-drop"]);
    assert!(matches!(ran.code, Some(1 | 2)), "{:?}: {}", ran.code, ran.all());
}

#[test]
fn a_whole_folder_deleted_by_hand_is_noticed_and_a_replace_puts_it_back() {
    let mut story = Story::of(&APPEND);
    story.next_run_is_right();
    std::fs::remove_dir_all(story.project.at("data/users")).expect("removed");
    let ran = story.go().says(&["gone", "--full-drop"]);
    assert!(matches!(ran.code, Some(1 | 2)), "{:?}: {}", ran.code, ran.all());
    let _ = Ran::of(&mut story.project.hygge(&["go", "--full-drop"])).exits(0);
    story.shows_the_home();

    for shape in [&REPLACE, &ONE_FILE, &CSV] {
        let mut story = Story::of(shape);
        story.next_run_is_right();
        std::thread::sleep(std::time::Duration::from_millis(50));
        let place = story.project.at(shape.place.1);
        if place.is_dir() { std::fs::remove_dir_all(place) } else { std::fs::remove_file(place) }.expect("removed");
        story.next_run_is_right();
    }
}

#[test]
fn a_settled_table_dropped_by_hand_is_noticed_and_a_replace_puts_it_back() {
    let mut story = Story::of(&TO_SQLITE_APPEND);
    story.project.sql("target.db", "DROP TABLE users");
    let ran = story.go().advises().says(&["users", "--full-drop"]);
    assert!(matches!(ran.code, Some(1 | 2)), "{:?}: {}", ran.code, ran.all());
    screen!("settled_table_dropped", story.project, ran);
    let _ = Ran::of(&mut story.project.hygge(&["go", "--full-drop"])).exits(0);
    story.shows_the_home();

    let mut story = Story::of(&TO_SQLITE);
    story.next_run_is_right();
    story.project.sql("target.db", "DROP TABLE users");
    story.next_run_is_right();
}

/// The table is another one now, though it has the same name.
#[test]
fn a_settled_table_made_anew_by_others_is_noticed() {
    let mut story = Story::of(&TO_SQLITE_APPEND);
    story.project.sql(
        "target.db",
        "DROP TABLE users; CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, score REAL); INSERT INTO users VALUES (1, 'theirs', 0.5)",
    );
    let ran = story.go().advises();
    assert!(matches!(ran.code, Some(1 | 2)), "{:?}: {}", ran.code, ran.all());
    story.project.sql("source.db", "CREATE TABLE theirs AS SELECT 1 AS id, 'theirs' AS name, 0.5 AS score");
    story.judge.same(&story.project.home().replace("#users", "#theirs"), story.project.place());
}

#[test]
fn journal_and_logs_may_be_deleted_and_nothing_is_lost() {
    for shape in [&APPEND, &TO_SQLITE_APPEND] {
        let mut story = Story::of(shape);
        std::fs::remove_dir_all(story.project.at(".hygge")).expect("removed");
        story.next_run_is_right();
        story.project.grow(8, false);
        // A journal that cannot be written is no reason to leave rows where they are.
        std::fs::remove_dir_all(story.project.at(".hygge")).expect("removed");
        story.project.write(".hygge", "not a folder");
        story.next_run_is_right();
    }
}

#[test]
fn a_project_that_was_moved_goes_on_where_it_was() {
    for shape in [&APPEND, &TO_SQLITE_APPEND, &CSV, &ONE_FILE] {
        let story = Story::of(shape);
        let moved = story.project.copy();
        moved.go_well();
        let mut judge = Judge::new();
        judge.same(&moved.home(), moved.place());
        moved.grow(5, false);
        moved.go_well();
        judge.same(&moved.home(), moved.place());
        assert_eq!(moved.leftovers(), [""; 0]);
    }
}

/// What is cleared away is told: of which run, how much.
#[test]
fn a_sweep_says_what_it_cleared_away() {
    let mut story = Story::of(&REPLACE);
    let _ = story.project.go_failing("split.staged=kill");
    let _ = Ran::of(&mut story.project.hygge(&["sweep"])).exits(0).says(&[
        "cleared away what run ",
        "left behind: 1 file, ",
        "holds what settled",
    ]);
    let _ = Ran::of(&mut story.project.hygge(&["sweep"])).exits(0).says(&["nothing was left behind"]);
    story.is_intact();
    let _ = story.project.go_failing("commit.exchanged=kill");
    let _ = Ran::of(&mut story.project.hygge(&["sweep"]))
        .exits(0)
        .says(&["had settled before it died: its receipt is in place", "cleared away what run "]);
    story.shows_the_home();
}
