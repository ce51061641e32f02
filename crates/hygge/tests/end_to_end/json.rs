//! JSON that hygge wrote is read by all readers of the field, and JSON of others is read as they read it.

use std::process::Command;

use crate::judge::{Judge, python};
use crate::project::{Project, Shape, told};

const SHAPE: Shape = Shape {
    name: "json",
    flow: "    home: {type: sqlite, connection: 'sqlite:///source.db', table: cells}\n    store: {type: ndjson, path: data/cells}\n",
    place: ("json", "data/cells"),
    incremental: false,
    csv: false,
    no_exchange: false,
    table: "users",
};

const ROWS: &str = "CREATE TABLE cells (id INTEGER PRIMARY KEY, share REAL, word TEXT);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
    INSERT INTO cells SELECT i, i / 3.0, CASE WHEN i % 5 THEN printf('\"%d\" \\ ', i) || char(9, 10) || 'é😀' END FROM n";

#[test]
fn all_readers_read_the_json_that_was_written() {
    let project = Project::new(&SHAPE);
    project.sql("source.db", ROWS);
    project.go_well();
    let source = project.home().replace("#users", "#cells");
    let mut judge = Judge::new();
    for reader in ["json", "duckdb_json", "polars_json", "pyarrow_json"] {
        let place = project.place().replace("json:", &format!("{reader}:"));
        assert_eq!(judge.same(&source, &place), 20_000, "by {reader}");
    }
    let store = "{type: json, path: data/cells.json.zst}";
    project.set_flow(&SHAPE.flow.replace("{type: ndjson, path: data/cells}", store));
    project.go_well();
    let one = project.place().replace("data/cells", "data/cells.json.zst");
    assert_eq!(judge.same(&source, &one), 20_000);
}

/// Nested rows of which DuckDB makes the same structs and lists.
const NESTED: &str = r#"{"id":1,"who":{"name":"a","tags":["x","y"]},"moment":"2020-01-02T03:04:05","big":12345678901}
{"id":2,"who":{"tags":[]},"moment":null,"more":[{"k":1.5},{"k":null,"l":true}]}

{"who":null,"id":3,"big":-1}
"#;

#[test]
fn nested_json_is_read_as_duckdb_reads_it() {
    let project = Project::new(&SHAPE);
    project.write("lines/rows.ndjson", NESTED);
    project.set_flow(
        "    home: {type: ndjson, path: lines/rows.ndjson}\n    store: {type: parquet, path: data/rows.parquet}\n",
    );
    project.go_well();
    let code = "import sys, duckdb
read = lambda what: duckdb.sql(f'SELECT id, who.name, who.tags, moment, big, more FROM {what} ORDER BY id').fetchall()
ours, theirs = read(f\"read_parquet('{sys.argv[1]}')\"), read(f\"read_json('{sys.argv[2]}', format = 'newline_delimited')\")
assert ours == theirs, f'{ours} against {theirs}'";
    let output = Command::new(python())
        .args(["-c", code])
        .args([project.at("data/rows.parquet"), project.at("lines/rows.ndjson")])
        .output()
        .expect("Python runs");
    assert!(output.status.success(), "{}", told(&output));
}
