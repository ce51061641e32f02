//! Options that change what rows are, or how they are written, though the home has not changed.

use crate::folder::Folder;

fn flow(home: &str, store: &str, mode: &str) -> String {
    format!(
        "flows:\n  users:\n    home: {{type: csv, path: in{home}}}\n    store: {{type: {store}}}\n    mode: {mode}\n"
    )
}

const TO_PARQUET: &str = "parquet, path: data/users";
const TO_CSV: &str = "csv, path: data/users";

fn settled(home: &str, store: &str, mode: &str) -> Folder {
    let folder = Folder::with(&flow(home, store, mode));
    folder.write("in/1.csv", "id,name\n1,none\n2,Ada\n");
    folder.run(&["go"]).exits(0).says(&["2 rows"]);
    folder.run(&["go"]).exits(0).says(&["up to date"]);
    folder
}

/// The rows of the CSV files of the place, in the order of loads.
fn written(folder: &Folder) -> String {
    let files = std::fs::read_dir(folder.path("data/users")).expect("listed").map(|e| e.expect("listed").path());
    let mut files: Vec<_> = files.map(|f| (f.metadata().and_then(|m| m.modified()).expect("a time"), f)).collect();
    files.sort();
    files.iter().map(|(_, file)| std::fs::read_to_string(file).expect("text")).collect()
}

#[test]
fn files_are_read_otherwise_only_from_the_beginning_where_rows_are_added() {
    let merge = "merge\n    key: id";
    let to_sqlite = "sqlite, connection: 'sqlite:///shop.db', table: users";
    for (store, mode) in [(TO_PARQUET, "append"), (to_sqlite, merge)] {
        for (before, option, name) in [
            (", nulls: [x]", ", nulls: [none]", "nulls changed"),
            (", nulls: [x, y]", ", nulls: [x]", "nulls changed"),
            ("", ", columns: {id: text}", "columns changed"),
            ("", ", separator: tab", "separator changed"),
            ("", ", quote: none", "quote changed"),
            ("", ", header: false", "header changed"),
        ] {
            let folder = settled(before, store, mode);
            folder.write("hygge.yml", &flow(option, store, mode));
            for command in ["plan", "go"] {
                folder
                    .run(&[command])
                    .exits(2)
                    .says(&[name, "next: run  hygge go users --full-drop  to settle everything anew"]);
            }
            folder.write("hygge.yml", &flow(before, store, mode));
            folder.run(&["go"]).exits(0).says(&["up to date"]);
            folder.write("hygge.yml", &flow(option, store, mode));
            if name.starts_with("nulls") {
                folder.run(&["go", "--full-drop"]).exits(0).says(&["2 rows"]);
                folder.run(&["go"]).exits(0).says(&["up to date"]);
            }
        }
    }
    // The same markers in another order ask nothing else.
    let folder = settled(", nulls: [none, x]", TO_PARQUET, "append");
    folder.write("hygge.yml", &flow(", nulls: [x, none]", TO_PARQUET, "append"));
    folder.run(&["go"]).exits(0).says(&["up to date"]);
}

/// They hold for new rows; a type that does not fit any more is told by the types.
#[test]
fn markers_of_null_may_be_added_where_rows_are_added_but_not_taken_back() {
    let folder = settled("", TO_CSV, "append");
    folder.write("hygge.yml", &flow(", nulls: [none]", TO_CSV, "append"));
    let plan = folder.run(&["plan"]).exits(0);
    let _ = plan.says(&["nulls has \"none\" more than before: rows that have settled stay as they were read"]);
    folder.run(&["go"]).exits(0).says(&["up to date"]);
    folder.write("in/2.csv", "id,name\n3,none\n");
    folder.run(&["go"]).exits(0).says(&["1 row"]);
    assert_eq!(written(&folder), "id,name\n1,none\n2,Ada\nid,name\n3,\n");
    folder.write("hygge.yml", &flow("", TO_CSV, "append"));
    folder.run(&["go"]).exits(2).says(&["nulls changed", "--full-drop"]);
}

#[test]
fn a_replace_reads_again_what_is_read_otherwise() {
    let folder = settled("", TO_CSV, "replace");
    folder.write("hygge.yml", &flow(", nulls: [none]", TO_CSV, "replace"));
    folder.run(&["go"]).exits(0).says(&["2 rows"]);
    assert_eq!(written(&folder), "id,name\n1,\n2,Ada\n");
    folder.run(&["go"]).exits(0).says(&["up to date"]);
}

#[test]
fn a_replace_writes_again_what_is_written_otherwise() {
    for (store, before, after) in [
        (TO_CSV, "", ", separator: ';'"),
        (TO_CSV, "", ", header: false"),
        (TO_CSV, "", ", null_text: NA"),
        (TO_CSV, ", compression: gzip", ", compression: gzip, compression_level: 9"),
        (TO_PARQUET, "", ", compression: zstd"),
        (TO_PARQUET, ", compression: zstd", ", compression: zstd, compression_level: 9"),
        (TO_PARQUET, "", ", row_group_size: 1MiB"),
    ] {
        let folder = settled("", &format!("{store}{before}"), "replace");
        folder.write("hygge.yml", &flow("", &format!("{store}{after}"), "replace"));
        folder.run(&["plan"]).exits(0).says(&["changed: all rows are written anew"]);
        folder.run(&["go"]).exits(0).says(&["2 rows"]);
        if after.contains("separator") {
            assert_eq!(written(&folder), "id;name\n1;none\n2;Ada\n");
        }
        folder.run(&["go"]).exits(0).says(&["up to date"]);
        folder.run(&["verify"]).exits(0);
    }
}

#[test]
fn an_append_keeps_one_way_of_writing_but_for_its_packing() {
    for (option, name) in [
        (", separator: ';'", "separator changed"),
        (", header: false", "header changed"),
        (", null_text: NA", "null_text changed"),
    ] {
        let folder = settled("", TO_CSV, "append");
        folder.write("hygge.yml", &flow("", &format!("{TO_CSV}{option}"), "append"));
        folder.run(&["go"]).exits(2).says(&[name]);
        folder.write("in/2.csv", "id,name\n3,Bjarne\n");
        let ran = folder.run(&["go"]).exits(2).says(&[
            "data/users: the store's",
            name,
            "next: run  hygge go users --full-drop  to write all rows in the new way",
        ]);
        drop(ran);
        assert_eq!(written(&folder), "id,name\n1,none\n2,Ada\n");
        folder.run(&["go", "--full-drop"]).exits(0).says(&["3 rows"]);
        folder.run(&["verify"]).exits(0);
    }
    let folder = settled("", TO_CSV, "append");
    folder.write("hygge.yml", &flow("", &format!("{TO_CSV}, compression: gzip"), "append"));
    folder.run(&["go"]).exits(0).says(&["up to date"]);
    folder.write("in/2.csv", "id,name\n3,Bjarne\n");
    folder.run(&["go"]).exits(0).says(&["1 row"]);
    folder.run(&["verify"]).exits(0).says(&["3 rows"]);
}

/// Receipts that an earlier version left say nothing of options.
#[test]
fn a_receipt_that_keeps_no_options_still_holds() {
    for mode in ["append", "replace"] {
        let folder = settled("", TO_CSV, mode);
        let receipts = folder.path("data/.users.hygge/receipts");
        let mut old = 0;
        for entry in std::fs::read_dir(receipts).expect("listed").flatten() {
            let text = std::fs::read_to_string(entry.path()).expect("a receipt");
            let mut receipt: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            let kept = receipt.as_object_mut().expect("an object").remove("writing").is_some();
            let asked = receipt["question"].as_object_mut().expect("an object").remove("reading").is_some();
            old += usize::from(kept && asked);
            std::fs::write(entry.path(), receipt.to_string()).expect("written");
        }
        assert!(old > 0, "a receipt was made old: {:?}", folder.listing());
        folder.run(&["go"]).exits(0).says(&["up to date"]);
        folder.write("in/2.csv", "id,name\n3,Bjarne\n");
        folder.run(&["go"]).exits(0);
        folder.run(&["verify"]).exits(0).says(&["3 rows"]);
    }
}

/// Types are those that settled, whatever the files alone would tell.
#[test]
fn verify_reads_by_the_types_that_settled() {
    let folder = Folder::with(&flow("", TO_PARQUET, "append"));
    folder.write("in/1.csv", "id,code\n1,\n");
    folder.run(&["go"]).exits(0);
    folder.write("in/2.csv", "id,code\n2,7\n");
    folder.run(&["go"]).exits(0).says(&["1 row"]);
    folder.run(&["verify"]).exits(0).says(&["2 rows", "proved"]);
}

/// Columns are known by their names, in the first files and in later ones.
#[test]
fn a_later_file_may_have_its_columns_in_another_order() {
    let folder = settled("", TO_CSV, "append");
    folder.write("in/2.csv", "name,id\nBob,3\n");
    for _ in 0..2 {
        folder.run(&["go"]).exits(0);
        folder.run(&["verify"]).exits(0);
        assert_eq!(written(&folder), "id,name\n1,none\n2,Ada\nid,name\n3,Bob\n");
    }
    folder.write("in/3.csv", "name,id\nEve,4\n");
    folder.run(&["go"]).exits(0);
    assert!(written(&folder).ends_with("id,name\n4,Eve\n"), "{}", written(&folder));
}

/// Projects without a name are told apart by their folders, and a name may be taken back.
#[test]
fn two_projects_without_a_name_are_two() {
    let folder = Folder::new();
    for project in ["q1", "q2"] {
        folder.write(&format!("{project}/hygge.yml"), "flows:\n  u: {home: in/a.csv, store: ../lake/u}\n");
        folder.write(&format!("{project}/in/a.csv"), &format!("id\n{project}\n"));
    }
    folder.run(&["-C", "q1", "go"]).exits(0);
    let line = "write  name: q1  at the top of hygge.yml";
    folder.run(&["-C", "q2", "go"]).exits(2).says(&["settled by q1/u, not by q2/u", line]);
    folder.run(&["-C", "q1", "go"]).exits(0).says(&["up to date"]);
    std::fs::rename(folder.path("q1"), folder.path("q3")).expect("renamed");
    folder.run(&["-C", "q3", "go"]).exits(2).says(&[line]);
    folder.write("q3/hygge.yml", "name: q1\nflows:\n  u: {home: in/a.csv, store: ../lake/u}\n");
    folder.run(&["-C", "q3", "go"]).exits(0).says(&["up to date"]);
}

/// Rows that a flow was told to leave behind are told of in every run.
#[test]
fn rows_without_a_watermark_are_told_of_in_every_run() {
    let folder = Folder::with(
        "flows:\n  u:\n    home: {connection: 'sqlite:///s.db', table: t}\n    store: out/\n    incremental: true\n    watermark: {column: at, nulls: skip}\n",
    );
    folder.sqlite("s.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, at TEXT); INSERT INTO t VALUES (1, 'a'), (2, NULL)");
    let told = "1 row has no at and stays behind, as `nulls: skip` says";
    folder.run(&["go"]).exits(0).says(&["1 row ", told]);
    folder.sqlite("s.db", "INSERT INTO t VALUES (3, 'b')");
    folder.run(&["go"]).exits(0).says(&[told]);
}

/// The file's own name is that of its folder, which may change: the first run says so, and the line that keeps it.
#[test]
fn the_name_that_receipts_will_carry_is_told_before_they_do() {
    let flows = "flows:\n  u: {home: a.csv, store: lake/u}\n";
    let folder = Folder::with(flows);
    folder.write("a.csv", "id\n1\n");
    let told = "receipts will carry the name of this folder, hygge: with  name: hygge  at the top of hygge.yml";
    folder.run(&["plan"]).exits(0).says(&[told]);
    let first = folder.run(&["go", "--log", "json"]).exits(0);
    let notes: Vec<&str> = first.out.lines().filter(|line| line.contains(r#""event":"note""#)).collect();
    assert!(notes.len() == 1 && notes[0].contains("receipts will carry the name of this folder"), "{notes:?}");
    for arguments in [&["plan"][..], &["go"], &["go", "--force"]] {
        let ran = folder.run(arguments).exits(0);
        assert!(!format!("{}{}", ran.out, ran.err).contains("receipts will carry"), "{}{}", ran.out, ran.err);
    }
    let named = Folder::with(&format!("name: hygge\n{flows}"));
    named.write("a.csv", "id\n1\n");
    let ran = named.run(&["go"]).exits(0);
    assert!(!ran.err.contains("receipts will carry"), "{}", ran.err);
}

/// A type that a column has settled with may be declared; another asks another question.
#[test]
fn a_declared_type_that_has_settled_is_no_other_question() {
    let flow = |columns: &str| {
        format!("name: shop\nflows:\n  u: {{home: {{type: csv, path: in{columns}}}, store: lake/u, mode: append}}\n")
    };
    let folder = Folder::with(&flow(""));
    folder.write("in/1.csv", "id,name\n1,Ada\n");
    folder.run(&["go"]).exits(0);
    folder.write("in/2.csv", "id,name\n2,Bo\n");
    folder.write("hygge.yml", &flow(", columns: {id: int}"));
    folder.run(&["plan"]).exits(0).says(&["columns says what has settled: id: int"]);
    folder.run(&["go"]).exits(0).says(&["1 row "]);
    folder.run(&["verify"]).exits(0);
    for columns in [", columns: {id: text}", ", columns: {id: int, name: date}", ""] {
        folder.write("hygge.yml", &flow(columns));
        folder.run(&["go"]).exits(2).says(&["columns changed since"]);
    }
}

/// What is lost of a run's history is told in its lines, too, and its last one stays the last.
#[test]
fn history_that_cannot_be_kept_is_a_line_of_json() {
    let folder = Folder::with("name: shop\nflows:\n  u: {home: a.csv, store: lake/u}\n");
    folder.write("a.csv", "id\n1\n");
    folder.write(".hygge", "");
    let ran = folder.run(&["go", "--log", "json"]).exits(0);
    let notes: Vec<&str> = ran.out.lines().filter(|line| line.contains("no history of this run is kept")).collect();
    assert!(!notes.is_empty() && notes[0].contains(r#""event":"note""#), "{}", ran.out);
    let last = ran.out.lines().last().unwrap_or_default();
    assert!(last.contains(r#""event":"finished""#), "{}", ran.out);
}
