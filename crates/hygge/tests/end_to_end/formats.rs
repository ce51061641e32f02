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

/// Rows as CSV and JSON, packed by Python's own modules, and by pyarrow for LZ4: one member, and two behind one another.
const PACK: &str = "import bz2, csv, gzip, json, lzma, pyarrow
def lz4(data):
    sink = pyarrow.BufferOutputStream()
    with pyarrow.CompressedOutputStream(sink, 'lz4') as out:
        out.write(data)
    return sink.getvalue().to_pybytes()
rows = [{'id': i, 'word': f'é \"{i * 7919 % 1000}\"', 'share': i / 3} for i in range(5000)]
with open('rows.csv', 'w', newline='') as out:
    csv.writer(out).writerows([['id', 'word', 'share'], *(row.values() for row in rows)])
open('rows.ndjson', 'w').write(''.join(json.dumps(row) + '\\n' for row in rows))
json.dump(rows, open('rows.json', 'w'))
for kind in ['csv', 'ndjson', 'json']:
    data = open(f'rows.{kind}', 'rb').read()
    for end, pack in {'gz': gzip.compress, 'bz2': bz2.compress, 'xz': lzma.compress, 'lz4': lz4}.items():
        open(f'one.{kind}.{end}', 'wb').write(pack(data))
        open(f'two.{kind}.{end}', 'wb').write(pack(data[:70_001]) + pack(data[70_001:]))";

#[test]
fn packed_text_of_others_is_read_and_ours_is_read_by_others() {
    let dir = tempfile::tempdir().expect("a folder");
    let output = Command::new(python()).args(["-c", PACK]).current_dir(dir.path()).output().expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut judge = Judge::new();
    let at = |name: &str| dir.path().join(name).display().to_string();
    for kind in ["csv", "ndjson", "json"] {
        let judged = if kind == "csv" { "csv" } else { "json" };
        let expected = format!("{judged}:{}", at(&format!("rows.{kind}")));
        for end in ["gz", "bz2", "xz", "lz4"] {
            for members in ["one", "two"] {
                let (packed, arrived) = (format!("{members}.{kind}.{end}"), format!("{members}-{kind}-{end}.parquet"));
                hygge(dir.path(), &["copy", &packed, &arrived]);
                assert_eq!(judge.same(&expected, &format!("parquet:{}", at(&arrived))), 5_000, "{packed}");
            }
            let ours = format!("ours.{kind}.{end}");
            hygge(dir.path(), &["copy", &format!("rows.{kind}"), &ours]);
            assert_eq!(judge.same(&expected, &format!("{judged}:{}", at(&ours))), 5_000, "{ours}");
        }
    }
}
