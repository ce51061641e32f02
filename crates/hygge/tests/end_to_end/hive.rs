//! Folders called `name=value`: those of the field's writers read by hygge, and those of hygge read by the field's readers.

use std::path::Path;
use std::process::Command;

use crate::judge::{Judge, python, repository};

fn hygge(root: &Path, args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_hygge")).args(args).current_dir(root).output().expect("hygge runs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{args:?}: {said}");
    said
}

/// A folder with one table, parted by several writers; `expected.parquet` is what it holds.
fn folder() -> (tempfile::TempDir, Vec<String>) {
    let dir = tempfile::tempdir().expect("a folder");
    let script = repository().join("tests/judge/hive.py");
    let output = Command::new(python()).arg(script).arg(dir.path()).output().expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect();
    (dir, names)
}

fn configure(root: &Path, flow: &str) {
    std::fs::write(root.join("hygge.yml"), format!("flows: {{a: {{{flow}}}}}")).expect("writes");
}

fn named(root: &Path, kind: &str, path: &str) -> String {
    format!("{kind}:{}", root.join(path).display())
}

#[test]
fn partitions_of_others_arrive_as_they_were() {
    let (dir, writers) = folder();
    let root = dir.path();
    assert_eq!(writers, ["pyarrow", "duckdb", "polars"]);
    let mut judge = Judge::new();
    for writer in &writers {
        // polars leaves the columns in the files, too; DuckDB and pyarrow leave them out.
        let home = if writer == "polars" {
            configure(root, "home: {type: parquet, path: polars}, store: out/x/");
            let output =
                Command::new(env!("CARGO_BIN_EXE_hygge")).arg("plan").current_dir(root).output().expect("runs");
            let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
            assert!(said.contains("year is a column of the files, and also the name of the folders"), "{said}");
            "{type: parquet, path: 'polars/**/*.parquet', partitions: off}".to_owned()
        } else {
            format!("{{type: parquet, path: {writer}}}")
        };
        configure(root, &format!("home: {home}, store: out/{writer}/, verify: contents"));
        let said = hygge(root, &["plan"]);
        assert_eq!(writer != "polars", said.contains("year (int), code (text), day (date), city (text)"), "{said}");
        hygge(root, &["go"]);
        let (expected, found) =
            (named(root, "parquet", "expected.parquet"), named(root, "parquet", &format!("out/{writer}")));
        assert_eq!(judge.same(&expected, &found), 1_499, "{writer}");
    }
}

#[test]
fn partitions_of_ours_are_read_by_others_and_by_ourselves() {
    let (dir, _) = folder();
    let root = dir.path();
    let mut judge = Judge::new();
    let expected = named(root, "parquet", "expected.parquet");
    for format in ["parquet", "csv", "ndjson", "json", "arrow"] {
        let store = format!("{{type: {format}, path: {format}, partition_by: [year, code, day, city]}}");
        configure(root, &format!("home: expected.parquet, store: {store}, verify: contents"));
        hygge(root, &["go"]);
        hygge(root, &["verify"]);
        let readers: &[&str] = match format {
            "parquet" => &["hive", "duckdb_hive", "polars_hive"],
            "csv" => &["csv_hive"],
            _ => &[],
        };
        for reader in readers {
            assert_eq!(judge.same(&expected, &named(root, reader, format)), 1_499, "{format} by {reader}");
        }
        configure(root, &format!("home: {{type: {format}, path: {format}}}, store: back/{format}/, verify: contents"));
        hygge(root, &["go"]);
        assert_eq!(judge.same(&expected, &named(root, "parquet", &format!("back/{format}"))), 1_499, "{format}");
    }
}

#[test]
fn columns_keep_their_places_and_types_around_partitions() {
    let (dir, _) = folder();
    let root = dir.path();
    let columns = "columns: [day, id, code, name, city, year]";
    configure(root, &format!("home: {{type: parquet, path: expected.parquet, {columns}}}, store: plain/"));
    hygge(root, &["go"]);
    configure(
        root,
        &format!(
            "home: {{type: parquet, path: expected.parquet, {columns}}}, store: {{type: parquet, path: parted, partition_by: [code, day]}}, verify: contents"
        ),
    );
    let said = hygge(root, &["plan"]);
    assert!(said.contains("name of a folder") && said.contains("a new folder with all partitions"), "{said}");
    hygge(root, &["go"]);
    hygge(root, &["verify"]);
    configure(root, &format!("home: {{type: parquet, path: parted, {columns}}}, store: back/, verify: contents"));
    hygge(root, &["go"]);
    assert_eq!(Judge::new().same(&named(root, "parquet", "plain"), &named(root, "parquet", "back")), 1_499);
}
