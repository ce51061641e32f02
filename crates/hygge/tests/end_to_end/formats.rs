//! Files that the field's own writers made, read by hygge; and files that hygge made, read by the field's readers.

use std::path::Path;
use std::process::Command;

use crate::judge::{Judge, python, repository};

fn hygge(root: &Path, args: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_hygge")).args(args).current_dir(root).output().expect("hygge runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {said}{}", String::from_utf8_lossy(&output.stdout));
}

/// A folder with files of many formats, and their names.
fn folder() -> (tempfile::TempDir, Vec<String>) {
    let dir = tempfile::tempdir().expect("a folder");
    let script = repository().join("tests/judge/formats.py");
    let output = Command::new(python()).arg(script).arg(dir.path()).output().expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect();
    (dir, names)
}

#[test]
fn what_others_wrote_arrives_as_it_was() {
    let (dir, names) = folder();
    assert!(names.len() > 13, "{names:?}");
    let mut judge = Judge::new();
    for name in &names {
        let store = format!("out/{}/", name.replace('.', "_"));
        match name.as_str() {
            "frames" => {
                let config = "flows: {a: {home: {type: local, format: arrow, path: frames}, store: out/frames/}}";
                std::fs::write(dir.path().join("hygge.yml"), config).expect("writes");
                hygge(dir.path(), &["go"]);
                std::fs::remove_file(dir.path().join("hygge.yml")).expect("removes");
            }
            _ => hygge(dir.path(), &["copy", name, &store, "--memory", "64MiB"]),
        }
        let expected = format!("parquet:{}", dir.path().join(format!("{name}.expected.parquet")).display());
        let found = format!("parquet:{}", dir.path().join(&store).display());
        assert!(judge.same(&expected, &found) > 2_000, "{name}");
    }
}

#[test]
fn arrow_files_are_read_by_others() {
    let (dir, _) = folder();
    let mut judge = Judge::new();
    let source = dir.path().join("null.avro.expected.parquet");
    let expected = format!("parquet:{}", source.display());
    for compression in ["none", "lz4", "zstd"] {
        for place in ["folder", "one.arrow", "one.feather"] {
            let place = format!("{compression}/{place}");
            let config = format!(
                "flows: {{a: {{home: null.avro.expected.parquet, store: {{type: arrow, path: {place}, compression: {compression}}}, verify: contents}}}}"
            );
            std::fs::write(dir.path().join("hygge.yml"), config).expect("writes");
            hygge(dir.path(), &["go"]);
            hygge(dir.path(), &["verify"]);
            for reader in ["arrow", "polars_arrow"] {
                let found = format!("{reader}:{}", dir.path().join(&place).display());
                assert_eq!(judge.same(&expected, &found), 5_000, "{place} by {reader}");
            }
        }
    }
}
