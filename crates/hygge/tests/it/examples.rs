//! The examples of programs that embed hygge, and of programs that hygge runs: as they lie in the repository.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::exec::python;
use crate::folder::{Folder, Ran};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").canonicalize().expect("the examples")
}

/// A folder with a file of the examples in it.
fn with(files: &[(&str, &str)]) -> Folder {
    let folder = Folder::new();
    for (from, to) in files {
        let to = folder.path(to);
        std::fs::create_dir_all(to.parent().expect("below the folder")).expect("made");
        std::fs::copy(examples().join(from), to).expect("copied");
    }
    folder
}

/// A built example, run in the folder.
fn run(name: &str, folder: &Folder, arguments: &[&str]) -> Ran {
    let program = Path::new(env!("CARGO_BIN_EXE_hygge")).with_file_name("examples").join(name);
    assert!(program.exists(), "{} is not built: cargo build --examples", program.display());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder.path("")).stdin(Stdio::null()).env_remove("HYGGE_PROJECT");
    folder.ran(arguments, &command.output().expect("the example starts"))
}

fn lines_of_code(name: &str) -> usize {
    std::fs::read_to_string(examples().join(name)).expect("read").lines().count()
}

/// Programs of others have hygge and serde, and not what hygge itself is built of, as the examples here do.
#[test]
fn the_examples_need_nothing_but_hygge_and_serde() {
    for name in ["custom_home.rs", "custom_store.rs"] {
        let code = std::fs::read_to_string(examples().join(name)).expect("read");
        let used: Vec<&str> = code.lines().filter_map(|line| line.strip_prefix("use ")).collect();
        for path in &used {
            assert!(["std::", "hygge::", "serde::"].iter().any(|known| path.starts_with(known)), "{name}: use {path}");
        }
        // The macro speaks of that crate by its bare name.
        let named = used.iter().any(|path| path.starts_with("hygge::extend::arrow_schema::{self"));
        assert!(named || !code.contains("record_batch!("), "{name} does not build elsewhere");
    }
}

#[test]
fn a_home_of_ones_own_moves_its_rows() {
    assert!(lines_of_code("custom_home.rs") < 40);
    let folder = with(&[("custom_home.yml", "hygge.yml")]);
    run("custom_home", &folder, &["check"]).exits(0).says(&["squares to 2500, 2 columns"]);
    run("custom_home", &folder, &["plan"]).exits(0).says(&["square", "Int64"]);
    assert!(!folder.has("data"));
    run("custom_home", &folder, &["ls"]).exits(0).says(&["squares to 2500"]);
    run("custom_home", &folder, &["go"]).exits(0).says(&["2,500 rows"]);
    run("custom_home", &folder, &["verify"]).exits(0);
    run("custom_home", &folder, &["preview", "squares", "--limit", "3"]).exits(0).says(&["3 9"]);
    // A judge of another kind: the sum of the squares.
    let judged = Command::new(python())
        .args(["-c", "import pyarrow.parquet as p; t = p.read_table('data/squares.parquet'); print(t.num_rows, sum(t['square'].to_pylist()))"])
        .current_dir(folder.path(""))
        .output()
        .expect("Python runs");
    assert_eq!(String::from_utf8_lossy(&judged.stdout).trim(), "2500 5211458750", "{judged:?}");
    folder.write("hygge.yml", "flows:\n  f: {home: {type: squares, too: 3}, store: data/x/}\n");
    run("custom_home", &folder, &["go"])
        .exits(2)
        .says(&["hygge.yml:2:29: `too` is nothing that a home of type squares knows", "write `to`"]);
    folder.write("hygge.yml", "flows:\n  f: {home: {type: square, to: 3}, store: data/x/}\n");
    run("custom_home", &folder, &["go"]).exits(2).says(&["write squares, if that was meant"]);
    folder.run(&["go"]).exits(2).says(&["no home is of type `square`"]);
}

#[test]
fn a_store_of_ones_own_takes_its_rows() {
    assert!(lines_of_code("custom_store.rs") < 40);
    let folder = with(&[
        ("custom_store.yml", "hygge.yml"),
        ("quickstart/data/weather.csv.gz", "quickstart/data/weather.csv.gz"),
    ]);
    run("custom_store", &folder, &["plan"]).exits(0).says(&["at least once; half a load may be seen"]);
    assert!(!folder.has("rows.log"));
    let total = || -> usize {
        let text = std::fs::read_to_string(folder.path("rows.log")).expect("written");
        text.lines().map(|line| line.split(' ').next().and_then(|n| n.parse::<usize>().ok()).expect("a count")).sum()
    };
    run("custom_store", &folder, &["go"]).exits(0);
    let once = total();
    assert!(once > 20_000, "{once}");
    run("custom_store", &folder, &["go"]).exits(0);
    assert_eq!(total(), 2 * once);
}

#[test]
fn programs_in_python_are_home_and_store() {
    let folder = with(
        &["hygge.yml", "my_home.py", "my_store.py"]
            .map(|name| (format!("exec/{name}"), name))
            .each_ref()
            .map(|(from, to)| (from.as_str(), *to)),
    );
    for name in ["my_home.py", "my_store.py"] {
        assert!(lines_of_code(&format!("exec/{name}")) <= 14);
    }
    let bin = Path::new(&python()).parent().expect("a folder").display().to_string();
    let path = format!("{bin}:{}", std::env::var("PATH").unwrap_or_default());
    let ran = folder.run_with(&[("PATH", &path)], &["go"]).exits(0);
    ran.says(&["to_parquet", "to_program", "3,000 rows"]);
    let text = std::fs::read_to_string(folder.path("users.ndjson")).expect("written");
    assert_eq!(text.lines().count(), 3000);
    assert!(text.starts_with("{\"id\": 0, \"name\": \"user 0\"}\n"), "{}", &text[..60]);
}
