//! Files that are not quite what they seem, and what is said of them.

use std::io::Write as _;

use crate::folder::{Folder, Ran};

fn weather(nulls: &str) -> Folder {
    let folder = Folder::with(&format!(
        "flows:\n  weather:\n    home:\n      type: csv\n      path: in\n{nulls}    store: data/weather/\n    mode: append\n"
    ));
    folder.write("in/1.csv", "id,gust,seen,rain,place\n1,10,2013-01-01,0.5,JFK\n2,NA,NULL,NA,NA\n");
    folder
}

const NOTE: &[&str] = &[
    "in/1.csv, columns gust, rain are taken as text, since NA stands among numbers",
    "in/1.csv, column seen is taken as text, since NULL stands among dates",
    "add nulls: [\"NA\", \"NULL\"] at hygge.yml:4:7",
];

#[test]
fn a_marker_that_makes_a_column_text_is_told_with_the_line_to_write() {
    let folder = weather("");
    folder.run(&["plan"]).exits(0).says(NOTE);
    let json = folder.run(&["go", "--log", "json"]).exits(0);
    let planned = json.out.lines().find(|line| line.contains("\"planned\"")).expect("a plan");
    let planned: serde_json::Value = serde_json::from_str(planned).expect("JSON");
    let note = planned["notes"][0].as_str().expect("a note");
    assert!(note.ends_with("next: add  nulls: [\"NA\", \"NULL\"]  at hygge.yml:4:7"), "{note}");
    folder.run(&["go", "--full-drop"]).exits(0).says(NOTE);
    // The line, written where it was said, and all of it is numbers again.
    let mended = weather("      nulls: [NA, \"NULL\"]\n");
    let plan = mended.run(&["plan"]).exits(0).says(&["gust Int64", "seen Date32", "rain Float64", "place Utf8"]);
    assert!(!plan.out.contains("note"), "{}", plan.out);
    let one = weather("      nulls: [NA]\n");
    let plan = one.run(&["plan"]).exits(0).says(&["replace nulls: at hygge.yml:6:7 by nulls: [NA, \"NULL\"]"]);
    assert!(!plan.out.contains("gust, rain"), "{}", plan.out);
    // Where numbers have settled, the row of the marker is named, and with the line that is told it settles.
    mended.run(&["go"]).exits(0);
    mended.write("in/2.csv", "id,gust,seen,rain,place\n3,11,2013-01-02,1,LGA\n4,12,2013-01-03,?,LGA\n");
    let ran = mended.run(&["go"]).exits(1);
    let _ =
        ran.says(&["in/2.csv, row 2, column rain: text where a number was expected", "nulls: [NA, \"NULL\", \"?\"]"]);
    let mended_file = std::fs::read_to_string(mended.path("hygge.yml")).expect("text");
    mended.write("hygge.yml", &mended_file.replace("nulls: [NA, \"NULL\"]", "nulls: [NA, \"NULL\", \"?\"]"));
    mended.run(&["plan"]).exits(0).says(&["note nulls has \"?\" more than before"]);
    mended.run(&["go"]).exits(0).says(&["2 rows"]);
    let plan = mended.run(&["plan"]).exits(0).says(&["nothing to do"]);
    assert!(!plan.out.contains("note"), "{}", plan.out);
    mended.run(&["verify"]).exits(0).says(&["4 rows"]);
}

#[test]
fn columns_of_codes_and_of_words_are_no_reason_for_a_note() {
    let folder = Folder::with("flows:\n  a: {home: a.csv, store: data/a/}\n");
    folder.write("a.csv", "code,word,zip,empty\n369,x,007,NA\n04G,NA,NA,NA\n");
    let plan = folder.run(&["plan"]).exits(0);
    assert!(!plan.out.contains("note"), "{}", plan.out);
}

#[test]
fn only_the_name_of_a_file_says_that_tabs_part_its_fields() {
    let folder = Folder::with(
        "flows:\n  a: {home: in.tsv/a.csv, store: {type: csv, path: out.tsv.d/a}}\n  b: {home: in.tsv/a.csv, store: out.tsv.d/b.tsv}\n",
    );
    folder.write("in.tsv/a.csv", "id,name\n1,Ada\n");
    folder.run(&["go"]).exits(0);
    let a = folder.listing().into_iter().find(|path| path.starts_with("out.tsv.d/a/")).expect("a file");
    assert_eq!(a.rsplit('.').next(), Some("csv"), "{a}");
    let read = |path: &str| std::fs::read_to_string(folder.path(path)).expect("text");
    assert_eq!(read(&a), "id,name\n1,Ada\n");
    assert_eq!(read("out.tsv.d/b.tsv"), "id\tname\n1\tAda\n");
    // A folder cannot say it, but its files do.
    folder.write("hygge.yml", "flows:\n  c: {home: {type: csv, path: tabs}, store: data/c/}\n");
    folder.write("tabs/c.tsv", "id\tname\n1\tAda\n");
    folder.run(&["go"]).exits(2).says(&["tabs/c.tsv: the fields are parted by tabs", "separator: tab"]);
}

#[test]
fn standard_input_and_output_are_no_files() {
    let folder = Folder::new();
    folder.write("users.csv", "id\n1\n");
    let before = folder.listing();
    folder.run(&["copy", "-", "out.parquet"]).exits(2).says(&["- would be standard input", "next:"]);
    folder.run(&["copy", "users.csv", "-"]).exits(2).says(&["- would be standard output", "next:"]);
    folder.run(&["preview", "-"]).exits(2).says(&["- would be standard input", "next:"]);
    assert_eq!(folder.listing(), before, "nothing was made");
}

fn copied(name: &str, bytes: &[u8]) -> Ran {
    let folder = Folder::new();
    std::fs::write(folder.path(name), bytes).expect("written");
    folder.run(&["copy", name, "out.parquet"]).exits(2)
}

#[test]
fn what_is_no_packed_file_at_all_is_told_apart_from_one_that_was_cut() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"id,name\n1,Ada\n").expect("packs");
    let packed = packed.finish().expect("packs");
    let _ = copied("a.csv.gz", b"").says(&["a.csv.gz: the file is empty, which no gzip file is"]);
    let _ = copied("a.csv.zst", b"").says(&["a.csv.zst: the file is empty, which no zstd file is"]);
    let _ = copied("a.csv.gz", b"i").says(&["this is no gzip file: it is not packed", "ends in .csv"]);
    let _ = copied("a.csv.gz", b"id,a\n1,2\n").says(&["this is no gzip file: it is not packed", "ends in .csv"]);
    let _ = copied("a.csv.zst", &packed).says(&["this is no zstd file: it is a gzip file", "ends in .gz"]);
    for end in [1, 2, 5, 12, packed.len() - 1] {
        let _ = copied("a.csv.gz", &packed[..end]).says(&["the gzip file ends in the middle", "gzip -t"]);
    }
}

#[test]
fn a_time_finer_than_the_column_is_called_so() {
    let folder = Folder::with(
        "flows:\n  at: {home: {type: csv, path: at.csv, columns: {at: timestamp}}, store: data/at/}\n  clock: {home: {type: csv, path: clock.csv, columns: {at: time}}, store: data/clock/}\n",
    );
    folder.write("at.csv", "id,at\n1,2013-01-01T05:00:00.123456\n2,2013-01-01T05:00:00.1234567\n");
    folder.write("clock.csv", "id,at\n1,05:00:00.123456\n2,05:00:00.1234567\n");
    let _ = folder.run(&["go"]).exits(1).says(&[
        "at.csv, row 2, column at: a time finer than a microsecond where a time was expected",
        "clock.csv, row 2, column at: a time finer than a microsecond where a time of day was expected",
        "columns: {at: text}",
    ]);
}
