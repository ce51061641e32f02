//! Values that no dictionary holds: written in Parquet's delta encodings, they are read by all readers of the field.

use std::process::Command;

use crate::judge::{Judge, python};
use crate::project::{Project, Shape};

/// Every number, day, time and text is another one, and there are too many for a dictionary.
const ROWS: &str = "CREATE TABLE cells (id INTEGER PRIMARY KEY, at TIMESTAMP, day DATE, cents INTEGER, share REAL, word TEXT);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
    INSERT INTO cells SELECT i,
        CASE WHEN i % 11 THEN strftime('%Y-%m-%d %H:%M:%S', i * 86399, 'unixepoch') || printf('.%06d', i * 7 % 1000000) END,
        date(i * 86400, 'unixepoch'),
        CASE i % 3 WHEN 0 THEN -9223372036854775807 + i WHEN 1 THEN 9223372036854775807 - i END,
        i / 3.0,
        CASE WHEN i % 5 THEN printf('word %d of ', i) || substr('ÄÖÜ, and more', 1, i % 13) END
    FROM n";

const TO_PARQUET: Shape = Shape {
    name: "encodings",
    flow: "    home: {type: sqlite, connection: 'sqlite:///source.db', table: cells}\n    store: {type: parquet, path: data/cells}\n",
    place: ("parquet", "data/cells"),
    incremental: false,
    csv: false,
    no_exchange: false,
    table: "users",
};

/// The encodings of all columns of all row groups, by pyarrow.
fn encodings(project: &Project) -> String {
    let code = "import glob, sys, pyarrow.parquet as p
found = set()
for path in glob.glob(sys.argv[1] + '/*.parquet'):
    meta = p.ParquetFile(path).metadata
    for g in range(meta.num_row_groups):
        for c in range(meta.num_columns):
            found |= set(meta.row_group(g).column(c).encodings)
print(*sorted(found))";
    let output = Command::new(python()).args(["-c", code]).arg(project.at("data/cells")).output().expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn all_readers_read_values_that_no_dictionary_holds() {
    let project = Project::new(&TO_PARQUET);
    project.sql("source.db", ROWS);
    let source = project.home().replace("#users", "#cells");
    for (encoding, expected) in [("delta", true), ("plain", false)] {
        project
            .set_flow(&TO_PARQUET.flow.replace("path: data/cells", &format!("path: data/cells, encoding: {encoding}")));
        let output = project.hygge(&["go", "--force"]).output().expect("hygge runs");
        assert!(output.status.success(), "{}", crate::project::told(&output));
        let found = encodings(&project);
        for delta in ["DELTA_BINARY_PACKED", "DELTA_LENGTH_BYTE_ARRAY"] {
            assert_eq!(found.contains(delta), expected, "{encoding}: {found}");
        }
        let mut judge = Judge::new();
        for reader in ["parquet", "duckdb", "polars"] {
            let place = project.place().replace("parquet:", &format!("{reader}:"));
            assert_eq!(judge.same(&source, &place), 60_000, "{encoding} by {reader}");
        }
    }
}

#[test]
fn texts_of_a_dictionary_are_read_by_all_readers() {
    let project = Project::new(&TO_PARQUET);
    let words = project.at("words.parquet");
    let script = "import sys, pyarrow as pa, pyarrow.parquet as pq\nn = range(60000)\nwords = pa.array([f'unique word {i}' for i in n]).dictionary_encode()\npq.write_table(pa.table({'id': list(n), 'word': words}), sys.argv[1])";
    let made = Command::new(python()).args(["-c", script]).arg(&words).status().expect("python runs");
    assert!(made.success());
    project.set_flow("    home: {type: parquet, path: words.parquet}\n    store: {type: parquet, path: data/cells}\n");
    let output = project.hygge(&["go"]).output().expect("hygge runs");
    assert!(output.status.success(), "{}", crate::project::told(&output));
    let mut judge = Judge::new();
    for reader in ["parquet", "duckdb", "polars"] {
        let place = project.place().replace("parquet:", &format!("{reader}:"));
        assert_eq!(judge.same(&format!("parquet:{}", words.display()), &place), 60_000, "{reader}");
    }
}
