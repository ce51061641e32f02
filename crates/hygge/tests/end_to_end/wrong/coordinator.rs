//! Flows that depend on each other, when one of them fails; and the exit codes.

use super::{REPLACE, Story};
use crate::judge::Judge;
use crate::project::Project;
use crate::run::{Ran, screen};

/// `first` → `second` → `third`, and `alone`, of a table each.
fn four(extra: &str) -> Project {
    let project = Project::new(&REPLACE);
    project.grow(20, false);
    let flow = |name: &str, from: &str, needs: &str| {
        format!(
            "  {name}:\n    home: {{type: sqlite, connection: 'sqlite:///source.db', table: {from}}}\n    store: {{type: parquet, path: data/{name}}}\n{needs}"
        )
    };
    project.write(
        "hygge.yml",
        format!(
            "name: crash\n{extra}flows:\n{}{}{}{}",
            flow("first", "users", ""),
            flow("second", "users", "    depends_on: [first]\n"),
            flow("third", "users", "    depends_on: [second]\n"),
            flow("alone", "users", ""),
        ),
    );
    project
}

fn is_there(project: &Project, flow: &str) -> bool {
    let place = project.place().replace("data/users", &format!("data/{flow}"));
    project.at("data").join(flow).exists() && Judge::new().same(&project.home(), &place) == 20
}

#[test]
fn dependants_of_a_failed_flow_are_skipped_and_others_go_on() {
    let project = four("");
    project.sql("source.db", "CREATE TABLE bad AS SELECT * FROM users; CREATE TABLE good AS SELECT * FROM users");
    // Found while rows move, not by the plan.
    let ran = Ran::of(project.hygge(&["go", "--concurrency", "1"]).env("HYGGE_FAIL", "split.staged=error:1")).exits(1);
    let ran = ran.says(&[
        "first",
        "second",
        "third",
        "alone",
        "skipped: first did not settle",
        "skipped: second did not settle",
    ]);
    screen!("skipped", project, ran);
    assert!(
        !project.at("data/first").exists() && !project.at("data/second").exists() && !project.at("data/third").exists()
    );
    assert!(is_there(&project, "alone"));
    let _ = Ran::of(&mut project.hygge(&["go"])).exits(0);
    for flow in ["first", "second", "third", "alone"] {
        assert!(is_there(&project, flow), "{flow}");
    }
}

#[test]
fn fail_fast_begins_nothing_new() {
    for (yaml, args) in [
        ("", &["go", "--concurrency", "1", "--fail-fast"][..]),
        ("options: {continue_on_error: false}\n", &["go", "--concurrency", "1"][..]),
    ] {
        let project = four(yaml);
        let ran = Ran::of(project.hygge(args).env("HYGGE_FAIL", "split.staged=error:1")).exits(1);
        let ran = ran.says(&["first", "alone"]);
        if yaml.is_empty() {
            screen!("fail_fast", project, ran);
        }
        for flow in ["first", "second", "third", "alone"] {
            assert!(!project.at("data").join(flow).exists(), "{flow} began");
        }
        let _ = Ran::of(&mut project.hygge(&["go"])).exits(0);
        assert!(is_there(&project, "third"));
    }
}

/// Dependants run after flows that were up to date, too.
#[test]
fn dependants_run_after_flows_that_had_nothing_to_do() {
    let project = four("");
    let _ = Ran::of(&mut project.hygge(&["go", "first"])).exits(0);
    std::thread::sleep(std::time::Duration::from_millis(50));
    let _ = Ran::of(&mut project.hygge(&["go"])).exits(0).says(&["up to date"]);
    for flow in ["first", "second", "third", "alone"] {
        assert!(is_there(&project, flow), "{flow}");
    }
    let _ = Ran::of(&mut project.hygge(&["go", "+third", "--force"])).exits(0);
    let _ = Ran::of(&mut project.hygge(&["go", "a*"])).exits(0).says(&["alone"]).never_says(&["second"]);
}

#[test]
fn cycles_and_unknown_names_are_refused_with_the_path_drawn() {
    let project = four("");
    let text = std::fs::read_to_string(project.at("hygge.yml")).expect("read");
    project.write("hygge.yml", text.replace("data/first}\n", "data/first}\n    depends_on: [third]\n"));
    let ran = Ran::of(&mut project.hygge(&["go"])).exits(2).advises().says(&["first", "second", "third", "→"]);
    screen!("cycle", project, ran);
    project.write("hygge.yml", text.replace("depends_on: [first]", "depends_on: [frist]"));
    let ran = Ran::of(&mut project.hygge(&["go"])).exits(2).says(&["frist", "first", "hygge.yml:9:18"]);
    screen!("unknown_dependency", project, ran);
    assert!(!project.at("data").exists() && !project.at(".hygge").exists());
}

/// Any refusal by the plan stops everything before anything started.
#[test]
fn one_refused_flow_stops_all_before_anything_started() {
    let project = four("");
    let text = std::fs::read_to_string(project.at("hygge.yml")).expect("read");
    project.write("hygge.yml", text.replacen("table: users", "table: nobody", 1));
    let ran = Ran::of(&mut project.hygge(&["go"])).exits(2).advises().says(&["first", "nobody", "nothing was written"]);
    screen!("refused_before_anything", project, ran);
    assert!(!project.at("data").exists(), "something was made");
    let _ = Ran::of(&mut project.hygge(&["plan"])).exits(2).says(&["nobody"]);
}

/// What reads the place of a flow that it depends on is planned after that one; refused then, it has failed.
#[test]
fn a_flow_that_is_planned_later_and_refused_then_has_failed() {
    let project = Project::new(&REPLACE);
    project.grow(20, false);
    project.write(
        "hygge.yml",
        "name: crash\nflows:\n  first:\n    home: {type: sqlite, connection: 'sqlite:///source.db', table: users}\n    store: {type: parquet, path: data/first}\n  second:\n    depends_on: [first]\n    home: {type: parquet, path: data/first, columns: [id, nobody]}\n    store: {type: parquet, path: data/second}\n",
    );
    let _ = Ran::of(&mut project.hygge(&["plan"])).exits(0).says(&["after first"]);
    let _ = Ran::of(&mut project.hygge(&["go"])).exits(1).advises().says(&["second", "nobody"]);
    assert!(is_there(&project, "first"));
    assert!(!project.at("data/second").exists());
}

#[test]
fn a_flow_that_takes_longer_than_its_timeout_fails_and_harms_nothing() {
    let mut story = Story::of(&REPLACE);
    story.project.sql(
        "source.db",
        "INSERT INTO users WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500000)
         SELECT NULL, hex(randomblob(20)), i * 0.37 FROM n",
    );
    let flow = format!("{}    options: {{timeout: 300ms}}\n", REPLACE.flow);
    story.project.set_flow(&flow);
    let _ = story.go().exits(1).advises().says(&["timeout of 0.3 s", "timeout: 600ms"]);
    story.is_intact();
}

/// What can pass is tried again, and said; what cannot is not.
#[test]
fn what_can_pass_is_tried_again_and_counted_once() {
    for shape in [&REPLACE, &super::APPEND, &super::TO_SQLITE_APPEND] {
        for point in ["split.batch", "split.before_finish"] {
            let mut story = Story::of(shape);
            let ran =
                Ran::of(story.project.hygge(&["go", "-v"]).env("HYGGE_FAIL", format!("{point}=transient:1"))).exits(0);
            let _ = ran.says(&["again in"]);
            story.shows_the_home();
        }
        let mut story = Story::of(shape);
        let (status, said) = story.project.go_failing("split.batch=error:1");
        assert_eq!(status.code(), Some(1), "{said}");
        assert!(!said.contains("again in"), "{said}");
        story.is_intact();
        story.next_run_is_right();
    }
}
