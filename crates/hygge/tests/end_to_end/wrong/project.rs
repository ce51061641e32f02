//! What is wrong with the project's own files: refused before anything starts, with the line.

use super::{APPEND, REPLACE, Story};
use crate::project::Project;
use crate::run::{Ran, screen};

/// Breaks the configuration of a project that has settled rows, and mends it again.
#[track_caller]
fn broken(flow: &str) -> (Story, Ran) {
    let mut story = Story::of(&REPLACE);
    story.project.set_flow(flow);
    let ran = story.go().exits(2).advises();
    story.is_intact();
    story.project.set_flow(REPLACE.flow);
    story.next_run_is_right();
    (story, ran)
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_the_key_that_was_meant() {
    let (story, ran) = broken(
        "    home: {type: sqlite, connection: 'sqlite:///source.db', tabel: users}\n    store: {type: parquet, path: data/users}\n",
    );
    let ran = ran.says(&["hygge.yml:4:61", "tabel", "table"]);
    screen!("unknown_key", story.project, ran);
}

#[test]
fn a_value_of_the_wrong_type_is_refused_with_its_line() {
    let (story, ran) = broken(
        "    home: {type: sqlite, connection: 'sqlite:///source.db', table: users, batch_size: many}\n    store: {type: parquet, path: data/users}\n",
    );
    let ran = ran.says(&["hygge.yml:4:87", "batch_size"]);
    screen!("wrong_type", story.project, ran);
}

#[test]
fn an_unset_variable_is_refused_by_name_and_set_in_env_or_environment() {
    let flow = "    home: {type: sqlite, connection: \"${SHOP_DATABASE}\", table: users}\n    store: {type: parquet, path: data/users}\n";
    let (mut story, ran) = broken(flow);
    let ran = ran.says(&["hygge.yml:4:", "SHOP_DATABASE"]);
    screen!("unset_variable", story.project, ran);
    story.project.set_flow(flow);
    story.project.write(".env", "SHOP_DATABASE=sqlite:///source.db\n");
    story.project.grow(5, false);
    story.next_run_is_right();
    story.project.write(".env", "SHOP_DATABASE=sqlite:///nowhere.db\n");
    story.project.grow(5, false);
    let _ = Ran::of(story.project.hygge(&["go"]).env("SHOP_DATABASE", "sqlite:///source.db")).exits(0);
    story.shows_the_home();
}

#[test]
fn a_folder_without_a_project_and_a_project_that_is_not_there_are_refused() {
    let project = Project::new(&REPLACE);
    std::fs::remove_file(project.at("hygge.yml")).expect("removed");
    let ran = Ran::of(&mut project.hygge(&["go"])).exits(2).advises().says(&["hygge.yml"]);
    screen!("no_project", project, ran);
    let _ = Ran::of(&mut project.hygge(&["-C", "nowhere", "go"])).exits(2).says(&["nowhere"]);
}

#[test]
fn a_command_line_that_cannot_be_obeyed_is_refused() {
    let project = Project::new(&REPLACE);
    for wrong in [
        &["go", "--memory", "lots"][..],
        &["go", "--memory", "1MiB"],
        &["go", "--concurrency", "0"],
        &["go", "--no-such-option"],
        &["go", "orders"],
        &["go", "--full-drop", "--incremental"],
        &["go", "--var", "flows.users.nothing=1"],
        &["no-such-command"],
    ] {
        let _ = Ran::of(&mut project.hygge(wrong)).exits(2);
        assert!(!project.at("data").exists() && !project.at(".hygge").exists(), "{wrong:?} left something");
    }
}

#[test]
fn a_flow_that_was_renamed_is_refused_until_it_says_its_former_name() {
    let mut story = Story::of(&APPEND);
    story.project.write("hygge.yml", format!("name: crash\nflows:\n  people:\n{}", APPEND.flow));
    let ran = story.go().exits(2).says(&["people", "users", "next:", "formerly: users,  at hygge.yml:"]);
    screen!("renamed", story.project, ran);
    story.is_intact();
    story.project.write("hygge.yml", format!("name: crash\nflows:\n  people:\n    formerly: users\n{}", APPEND.flow));
    story.next_run_is_right();
    // The receipt knows the new name: the old one may go.
    story.project.write("hygge.yml", format!("name: crash\nflows:\n  people:\n{}", APPEND.flow));
    story.project.grow(20, false);
    story.next_run_is_right();
}

#[test]
fn a_place_of_another_project_is_refused() {
    let mut story = Story::of(&REPLACE);
    story.project.write("hygge.yml", format!("name: another\nflows:\n  users:\n{}", REPLACE.flow));
    let _ = story.go().exits(2).advises().says(&["another", "crash"]);
    story.is_intact();
}

#[test]
fn a_question_that_changed_is_refused_when_appending_and_answered_anew_on_demand() {
    let mut story = Story::of(&APPEND);
    story.project.set_flow(&APPEND.flow.replace("table: users", "table: users, where: 'id > 10'"));
    let ran = story.go().exits(2).advises().says(&["where", "--full-drop"]);
    screen!("question_changed", story.project, ran);
    story.is_intact();
    let _ = Ran::of(&mut story.project.hygge(&["go", "--full-drop"])).exits(0);
    story.project.sql("source.db", "CREATE TABLE asked AS SELECT * FROM users WHERE id > 10");
    let asked = story.project.home().replace("#users", "#asked");
    story.judge.same(&asked, story.project.place());
}

/// The home has not changed since, and still the answer must not be called up to date.
#[test]
fn a_question_that_changed_is_noticed_though_the_home_is_unchanged() {
    let mut story = Story::of(&APPEND);
    story.next_run_is_right();
    std::thread::sleep(std::time::Duration::from_millis(50));
    story.project.set_flow(&APPEND.flow.replace("table: users", "table: users, where: 'id > 10'"));
    let _ = story.go().exits(2).advises().says(&["where", "--full-drop"]);
    story.shows_the_home();
}

/// A replace answers whatever is asked now, and no unchanged home may hide that something else is asked.
#[test]
fn a_replace_asks_anew_when_the_question_changed_though_the_home_is_unchanged() {
    let mut story = Story::of(&REPLACE);
    story.project.sql("source.db", "CREATE TABLE asked AS SELECT * FROM users WHERE id > 10");
    story.next_run_is_right();
    std::thread::sleep(std::time::Duration::from_millis(50));
    let _ = story.go().exits(0).says(&["up to date"]);
    story.project.set_flow(&REPLACE.flow.replace("table: users", "table: users, where: 'id > 10'"));
    let _ = story.go().exits(0);
    let asked = story.project.home().replace("#users", "#asked");
    story.judge.same(&asked, story.project.place());
    story.project.set_flow(&REPLACE.flow.replace("table: users", "table: asked"));
    let _ = story.go().exits(0);
    story.judge.same(&asked, story.project.place());
    // Other columns are another matter: readers of the place count on those that are there.
    story.project.set_flow(&REPLACE.flow.replace("table: users", "table: users, columns: [name, id]"));
    let _ = story.go().exits(2).advises().says(&["score", "--full-drop"]);
    story.judge.same(&asked, story.project.place());
    let _ = Ran::of(&mut story.project.hygge(&["go", "--full-drop"])).exits(0);
    story.project.sql("source.db", "CREATE VIEW chosen AS SELECT name, id FROM users");
    story.judge.same(&story.project.home().replace("#users", "#chosen"), story.project.place());
}

#[test]
fn two_flows_on_one_place_are_refused() {
    let mut story = Story::of(&REPLACE);
    for other in ["data/users", "./data/../data/users", "data/users/inner", "data"] {
        story.project.write(
            "hygge.yml",
            format!(
                "name: crash\nflows:\n  users:\n{}  again:\n{}",
                REPLACE.flow,
                REPLACE.flow.replace("data/users", other)
            ),
        );
        let ran = story.go().exits(2).advises().says(&["users", "again", "data"]);
        if other == "data/users" {
            screen!("two_flows_on_one_place", story.project, ran);
        }
        story.is_intact();
    }
    // By another name of the same folder.
    std::os::unix::fs::symlink(story.project.at("data"), story.project.at("link")).expect("linked");
    story.project.write(
        "hygge.yml",
        format!(
            "name: crash\nflows:\n  users:\n{}  again:\n{}",
            REPLACE.flow,
            REPLACE.flow.replace("data/users", "link/users")
        ),
    );
    let _ = story.go().exits(2).advises();
    story.is_intact();
    story.project.set_flow(REPLACE.flow);
    story.next_run_is_right();
}

#[test]
fn a_home_that_is_its_own_place_is_refused() {
    let project = Project::new(&REPLACE);
    project.grow(30, false);
    let before = project.copy();
    project.set_flow(
        "    home: {type: sqlite, connection: 'sqlite:///source.db', table: users}\n    store: {type: sqlite, connection: 'sqlite:///./source.db', table: users}\n",
    );
    let ran = Ran::of(&mut project.hygge(&["go"])).exits(2).advises().says(&["source.db"]);
    screen!("home_is_place", project, ran);
    crate::judge::Judge::new().same(&before.home(), &project.home());

    project.set_flow(REPLACE.flow);
    project.go_well();
    for place in ["data/users", "data", "data/users/inner"] {
        project.set_flow(&format!(
            "    home: {{type: parquet, path: data/users}}\n    store: {{type: parquet, path: {place}}}\n"
        ));
        let _ = Ran::of(&mut project.hygge(&["go"])).exits(2).advises();
        crate::judge::Judge::new().same(&before.home(), project.place());
    }
}
