//! What a log of nights holds: with `--log json` every line can be parsed, whatever went wrong.

use serde_json::Value;

use crate::folder::{Folder, Ran};

/// The lines; nothing else was said, and the last one tells that it is over.
#[track_caller]
fn lines(ran: &Ran) -> Vec<Value> {
    assert_eq!(ran.err, "", "a log takes both streams");
    let lines: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).expect("a JSON object")).collect();
    let last = lines.last().expect("a line");
    assert_eq!((&last["event"], &last["exit_code"]), (&"finished".into(), &ran.code.into()), "{}", ran.out);
    assert!(lines.iter().all(|line| line["run"] == last["run"]), "{}", ran.out);
    lines
}

const ONE: &str = "flows:\n  users:\n    home: users.csv\n    store: lake/users/\n";

#[test]
fn a_plan_that_is_refused() {
    let ran = Folder::with(ONE).run(&["go", "--log", "json"]).exits(2);
    let lines = lines(&ran);
    assert_eq!((lines.len(), &lines[0]["event"], &lines[0]["flow"]), (2, &"refused".into(), &"users".into()));
}

#[test]
fn a_configuration_that_is_refused() {
    let folder = Folder::with("flows:\n  users:\n    home: users.csv\n    stoer: x/\n    moed: append\n");
    let ran = folder.run(&["go", "--log=json"]).exits(2);
    let lines = lines(&ran);
    assert!(lines.len() > 2, "each problem is told: {}", ran.out);
    assert_eq!((&lines[0]["event"], &lines[0]["at"]), (&"refused".into(), &"hygge.yml:4:5".into()), "{}", ran.out);
    assert!(lines[0]["next"].as_str().is_some_and(|next| next.contains("store")), "{}", ran.out);
}

#[test]
fn a_command_line_that_is_refused() {
    let folder = Folder::with(ONE);
    for (typed, found, next) in [
        (&["go", "nobody", "--log", "json"][..], "there is no flow nobody", "choose from: users"),
        (&["go", "--memory", "1MiB", "--log", "json"], "memory", ""),
        (&["go", "--log", "json", "--fail-fats"], "unexpected argument '--fail-fats' found", "--fail-fast"),
        (&["copy", "--log", "json", "a.csv"], "required arguments were not provided: <STORE>", "hygge copy"),
        (&["copy", "--log", "json", "a.xyz", "b/"], ".xyz are of no format", "give a path"),
        (&["-C", "nowhere", "go", "--log", "json"], "nowhere", "name a folder with a hygge.yml"),
    ] {
        let ran = folder.run(typed).exits(2);
        let lines = lines(&ran);
        let told = |key: &str| lines[0][key].as_str().unwrap_or_default().to_owned();
        assert_eq!((lines.len(), told("event")), (2, "refused".into()), "{}", ran.out);
        assert!(told("message").contains(found) && told("next").contains(next), "{}", ran.out);
    }
    // Without it people are told as before, and help is help.
    assert_eq!(folder.run(&["go", "--fail-fats"]).exits(2).out, "");
    assert!(folder.run(&["go", "--log", "json", "--help"]).exits(0).out.contains("Usage"));
}
