//! A folder that files land in, are loaded from, and leave again.

use std::time::{Duration, SystemTime};

use crate::folder::Folder;

const FLOWS: &str = "flows:\n  days: {home: {type: csv, path: in}, store: data/days/, mode: append}\n";

fn landed(flows: &str) -> Folder {
    let folder = Folder::with(flows);
    folder.write("in/d1.csv", "id,n\n1,1\n2,2\n");
    folder.run(&["go"]).exits(0).says(&["2 rows"]);
    folder
}

fn remove(folder: &Folder, name: &str) {
    std::fs::remove_file(folder.path(name)).expect("removed");
}

/// Another delivery with the bytes of the first, written a minute later.
fn same_bytes(folder: &Folder, name: &str) {
    folder.write(name, "id,n\n1,1\n2,2\n");
    let file = std::fs::File::options().append(true).open(folder.path(name)).expect("opened");
    file.set_modified(SystemTime::now() + Duration::from_mins(1)).expect("the time is set");
}

#[test]
fn a_delivery_with_the_bytes_of_an_earlier_one_that_is_gone_is_appended() {
    let folder = landed(FLOWS);
    remove(&folder, "in/d1.csv");
    same_bytes(&folder, "in/d2.csv");
    folder.run(&["go"]).exits(0).says(&["2 rows"]);
    folder.run(&["go"]).exits(0).says(&["up to date"]);
}

#[test]
fn a_file_that_was_renamed_is_left_out_and_every_run_says_so() {
    const LEFT_OUT: &[&str] = &[
        "in/old.csv is in/d1.csv under another name, which has settled, and is left out",
        "if it is a delivery of its own: touch in/old.csv and run again",
    ];
    let folder = landed(FLOWS);
    std::fs::rename(folder.path("in/d1.csv"), folder.path("in/old.csv")).expect("renamed");
    folder.run(&["plan"]).exits(0).says(&["nothing to do"]).says(LEFT_OUT);
    folder.run(&["go"]).exits(0).says(&["up to date"]).says(LEFT_OUT);
    folder.write("in/d2.csv", "id,n\n3,3\n");
    folder.run(&["go"]).exits(0).says(&["1 row"]).says(LEFT_OUT);
    // The advice holds.
    same_bytes(&folder, "in/old.csv");
    folder.run(&["go"]).exits(0).says(&["2 rows"]);
    let ran = folder.run(&["go"]).exits(0).says(&["up to date"]);
    assert!(!ran.err.contains("left out"), "{}", ran.err);
}

#[test]
fn an_emptied_folder_holds_no_new_file_and_stops_nobody() {
    let other = "  names: {home: names.csv, store: data/names/}\n";
    let sqlite = "store: {type: sqlite, connection: 'sqlite:///all.db', table: days}, mode: merge, key: id";
    for flows in [
        FLOWS.to_owned(),
        FLOWS.replace("path: in", "path: 'in/*.csv'"),
        FLOWS.replace("store: data/days/, mode: append", sqlite),
    ] {
        let folder = landed(&flows);
        folder.write("hygge.yml", &format!("{flows}{other}"));
        folder.write("names.csv", "id\n1\n2\n3\n");
        remove(&folder, "in/d1.csv");
        folder.run(&["plan"]).exits(0).says(&["nothing to do: there is no new file"]);
        folder.run(&["go"]).exits(0).says(&["up to date", "3 rows"]);
        folder.write("in/README", "nothing here yet\n");
        folder.run(&["go"]).exits(0).says(&["up to date"]);
        folder.write("in/d2.csv", "id,n\n3,3\n");
        folder.run(&["go"]).exits(0).says(&["1 row"]);
        // All of nothing is no answer, and a folder that is not there may only be unmounted.
        remove(&folder, "in/d2.csv");
        folder.run(&["go", "days", "--full-drop"]).exits(2).says(&["next:"]);
        std::fs::remove_dir_all(folder.path("in")).expect("removed");
        folder.run(&["go", "days"]).exits(2).says(&["next:"]);
    }
}

#[test]
fn check_takes_an_emptied_folder_as_go_does() {
    for kind in ["csv", "parquet"] {
        let flow = |mode: &str| {
            format!(
                "name: shop\nflows:\n  days: {{home: {{type: {kind}, path: in}}, store: data/days/, mode: {mode}}}\n"
            )
        };
        let folder = Folder::with(&flow("append"));
        folder.write("rows.csv", "id,n\n1,1\n");
        std::fs::create_dir(folder.path("in")).expect("made");
        // Nothing has settled yet, so a run would be refused, too.
        folder.run(&["check"]).exits(2).says(&["there is no file to read"]);
        let file = format!("in/d1.{kind}");
        folder.run(&["copy", "rows.csv", &file]).exits(0);
        folder.run(&["go"]).exits(0);
        folder.run(&["check"]).exits(0);
        remove(&folder, &file);
        folder.run(&["check"]).exits(0).says(&["in: no file is there now"]);
        folder.run(&["go"]).exits(0).says(&["up to date"]);
        // A replace would read it.
        folder.write("hygge.yml", &flow("replace"));
        folder.run(&["check"]).exits(2).says(&["there is no file to read"]);
        folder.write("hygge.yml", &flow("append"));
        std::fs::remove_dir_all(folder.path("in")).expect("removed");
        folder.run(&["check"]).exits(2).says(&["next:"]);
    }
}

#[test]
fn an_emptied_folder_of_parquet_files_is_no_new_file_either() {
    let folder =
        Folder::with("flows:\n  days: {home: {type: parquet, path: lake/*}, store: data/days/, mode: append}\n");
    let put = |name: &str, text: &str| {
        folder.write("rows.csv", text);
        folder.run(&["copy", "rows.csv", name]).exits(0);
    };
    put("lake/1.parquet", "id,n\n1,1\n2,2\n");
    folder.run(&["go"]).exits(0).says(&["2 rows"]);
    remove(&folder, "lake/1.parquet");
    folder.run(&["go"]).exits(0).says(&["up to date"]);
    put("lake/2.parquet", "id,n\n3,3\n");
    folder.run(&["go"]).exits(0).says(&["1 row"]);
    remove(&folder, "lake/2.parquet");
    put("lake/3.parquet", "id,n\n4,4\n");
    folder.run(&["go", "--full-drop"]).exits(0).says(&["lake/* no longer holds 2 files that have settled"]);
}

#[test]
fn settling_anew_says_first_which_rows_go_with_files_that_are_gone() {
    let folder = landed(FLOWS);
    folder.write("in/d2.csv", "id,n\n3,3\n");
    folder.run(&["go"]).exits(0).says(&["1 row"]);
    let plan = folder.run(&["plan", "--full-drop"]).exits(0).says(&["replace, all rows"]);
    assert!(!plan.out.contains("no longer holds"), "{}", plan.out);
    remove(&folder, "in/d1.csv");
    let goes = &[
        "in no longer holds in/d1.csv, which has settled: its rows go",
        "put it back and settle anew, if its rows are to stay",
    ];
    let plan = folder.run(&["plan"]).exits(0).says(&["nothing to do"]);
    assert!(!plan.out.contains("no longer holds"), "{}", plan.out);
    folder.run(&["plan", "--full-drop"]).exits(0).says(goes);
    folder.run(&["go", "--full-drop"]).exits(0).says(&["1 row"]).says(goes);
    let plan = folder.run(&["plan", "--full-refresh"]).exits(0);
    assert!(!plan.out.contains("no longer holds"), "{}", plan.out);
}

#[test]
fn a_flow_that_replaces_from_now_on_says_which_rows_go_with_files_that_are_gone() {
    let folder = landed(FLOWS);
    folder.write("in/d2.csv", "id,n\n3,3\n");
    folder.run(&["go"]).exits(0).says(&["1 row"]);
    remove(&folder, "in/d1.csv");
    folder.write("hygge.yml", &FLOWS.replace("mode: append", "mode: replace"));
    let goes = &["in no longer holds in/d1.csv, which has settled: its rows go"];
    folder.run(&["plan"]).exits(0).says(goes);
    folder.run(&["go"]).exits(0).says(&["1 row"]).says(goes);
    remove(&folder, "in/d2.csv");
    folder.write("in/d3.csv", "id,n\n4,4\n");
    let plan = folder.run(&["plan"]).exits(0);
    assert!(!plan.out.contains("no longer holds"), "a replace shows what is there: {}", plan.out);
}

/// Files may leave the folder once they have settled: that is no reason to settle what is left anew.
#[test]
fn a_verification_answers_for_rows_whose_files_have_left() {
    let folder = landed(FLOWS);
    folder.write("in/d2.csv", "id,n\n3,3\n");
    folder.run(&["go"]).exits(0).says(&["1 row"]);
    let ran = folder.run(&["verify"]).exits(0).says(&["hold the same", "proved"]);
    assert!(!ran.out.contains("not compared"), "{}", ran.out);
    remove(&folder, "in/d1.csv");
    let said =
        &["hold the same", "proved", "the home was not compared: in no longer holds in/d1.csv, which has settled"];
    let ran = folder.run(&["verify"]).exits(0).says(said);
    assert!(!ran.out.contains("--full-drop"), "{}", ran.out);
    remove(&folder, "in/d2.csv");
    let said = &["3 rows", "proved", "in no longer holds 2 files that have settled"];
    let ran = folder.run(&["verify"]).exits(0).says(said);
    assert!(!ran.out.contains("--full-drop"), "{}", ran.out);
    folder.write("in/d3.csv", "id,n\n4,4\n");
    folder.run(&["verify"]).exits(1).says(&["carry what is new with  hygge go days"]);
    // A replace has to hold what the home holds.
    folder.write("hygge.yml", &FLOWS.replace("mode: append", "mode: replace"));
    folder.run(&["go"]).exits(0).says(&["1 row"]);
    remove(&folder, "in/d3.csv");
    folder.write("in/d4.csv", "id,n\n5,5\n6,6\n");
    folder.run(&["verify"]).exits(1).says(&["the home holds 2 rows now"]);
}
