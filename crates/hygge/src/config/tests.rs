//! Every sample of `tests/config_samples`: what the good ones mean, what the bad ones are told, and that the JSON
//! Schema agrees.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::problem::Problems;
use super::source::Source;
use super::yaml::{Node, Value};
use super::*;

mod copies;
mod projects;
mod robust;

const MANIFEST: &str = env!("CARGO_MANIFEST_DIR");

fn samples(kind: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(MANIFEST).join("tests/config_samples").join(kind);
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("the samples").map(|entry| entry.expect("a sample").path()).collect();
    paths.sort();
    let name = |path: &Path| path.file_stem().expect("a name").to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), std::fs::read(path).expect("a sample"))).collect()
}

fn environment() -> Environment {
    Environment::of([
        ("DB_CONNECTION", "sqlite:///shop.db"),
        ("BATCH", "17"),
        ("EMPTY", ""),
        ("SECRET", "hunter2"),
        ("PG", "postgres://ann:hunter2@db/shop"),
    ])
}

fn read(bytes: &[u8]) -> Result<Project, Vec<Problem>> {
    Project::from_text("hygge.yml", bytes, &[], &environment())
}

fn told(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect::<Vec<_>>().join("\n")
}

/// What differs from one project to the next, in lines that a person can check.
fn outline(project: &Project) -> String {
    let mut out =
        format!("name: {}\noptions: {:?}\n", project.name, RootOptions { concurrency: 0, ..project.options.clone() });
    for home in &project.homes {
        let _ =
            writeln!(out, "home {}: {:?} {:?} {:?} {:?}", home.name, home.home, home.source, home.columns, home.filter);
    }
    for flow in &project.flows {
        let _ = writeln!(out, "flow {} after {:?}", flow.name, flow.depends_on);
        let (label, entities) = match &flow.entities {
            Entities::Listed(entities) => (String::new(), entities.iter().collect()),
            Entities::Tables { pattern, exclude, template } => {
                (format!(" tables {pattern} without {exclude:?}"), vec![&**template])
            }
        };
        for e in entities {
            let _ = writeln!(out, "  entity{label} {:?}", e.name);
            let _ = writeln!(out, "    home {:?} {:?} columns {:?} where {:?}", e.home, e.source, e.columns, e.filter);
            let _ = writeln!(out, "    store {:?}", e.store);
            let _ = writeln!(
                out,
                "    {:?} incremental {} every_run {} key {:?} cursor {:?}",
                e.settling, e.incremental, e.every_run, e.key, e.cursor
            );
            let _ = writeln!(
                out,
                "    rows {} readers {:?} {:?} missing {:?} adopt {} formerly {:?} retries {} timeout {:?}",
                e.batch_rows, e.readers, e.verify, e.missing, e.adopt, e.formerly, e.retries, e.timeout
            );
        }
    }
    out
}

#[test]
fn good_samples_mean_what_their_snapshots_say() {
    for (name, bytes) in samples("good") {
        let project = read(&bytes).unwrap_or_else(|problems| panic!("{name}:\n{}", told(&problems)));
        insta::assert_snapshot!(format!("good__{name}"), outline(&project));
    }
}

#[test]
fn bad_samples_are_told_what_is_wrong_and_never_a_secret() {
    for (name, bytes) in samples("bad") {
        let problems = read(&bytes).err().unwrap_or_else(|| panic!("{name} was accepted"));
        let shown = told(&problems);
        assert!(!shown.contains("hunter2"), "{name} shows a secret:\n{shown}");
        for problem in &problems {
            assert!(problem.error().advice().is_some(), "{name} advises nothing:\n{problem}");
        }
        insta::assert_snapshot!(format!("bad__{name}"), shown);
    }
}

/// YAML as an editor's schema checker sees it: plain scalars are what the core schema says.
fn json(node: &Node) -> Json {
    match &node.value {
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(map) => map.entries.iter().map(|(name, node)| (name.text.clone(), json(node))).collect(),
        Value::Scalar(scalar) if scalar.quoted => scalar.text.clone().into(),
        Value::Scalar(scalar) if scalar.is_null() => Json::Null,
        Value::Scalar(scalar) => match scalar.text.as_str() {
            "true" => true.into(),
            "false" => false.into(),
            text => {
                let number = text.parse::<i64>().map(Json::from).or_else(|_| text.parse::<f64>().map(Json::from));
                number.unwrap_or_else(|_| text.into())
            }
        },
    }
}

fn document(bytes: &[u8]) -> Option<Json> {
    let mut problems = Problems::default();
    let source = Source::file("hygge.yml", std::str::from_utf8(bytes).ok()?);
    let node = super::yaml::parse(&source, &mut problems);
    if !problems.is_empty() {
        return None;
    }
    Some(node.map_or(Json::Null, |node| json(&node)))
}

/// Broken in ways that only the whole file tells: names that are nowhere described, options that disagree, circles,
/// texts with a grammar of their own.
const BEYOND_THE_SCHEMA: &[&str] = &[
    "add_to_one_file",
    "append_without_memory",
    "braces",
    "column_twice",
    "compression_disagrees",
    "cycle",
    "defaults_and_beside",
    "empty_variable",
    "entities_one_file",
    "entities_one_table",
    "entities_without_home",
    "entity_name",
    "entity_own_folder",
    "entity_twice",
    "entity_without_entities",
    "exclude_without_tables",
    "exec_entities",
    "extension_of_another_kind",
    "key_not_chosen",
    "level_out_of_bounds",
    "merge_into_files",
    "merge_without_key",
    "nested_variable",
    "no_flows",
    "no_table",
    "query_without_watermark",
    "readers_disagree",
    "separator_of_two",
    "store_is_a_pattern",
    "store_is_hygges_own",
    "store_is_the_root",
    "store_without_table",
    "tables_and_entities",
    "tables_one_file",
    "tables_with_where",
    "tilde",
    "typed_parquet",
    "unclosed_variable",
    "unknown_dependency",
    "unknown_extension",
    "unknown_home",
    "unknown_store",
    "unset_variable",
    "url_later_from_variable",
    "variable_of_wrong_kind",
    "watermark_disagrees",
    "watermark_on_files",
    "where_on_files",
];

#[test]
fn the_schema_accepts_good_samples_and_refuses_bad_ones() {
    let schema: Json = serde_json::from_str(&schema_json()).expect("JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    for (name, bytes) in samples("good") {
        let document = document(&bytes).expect("YAML");
        let errors: Vec<_> =
            validator.iter_errors(&document).map(|e| format!("{} at {}", e, e.instance_path())).collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }
    let accepted: Vec<_> = samples("bad")
        .into_iter()
        // What is no YAML never comes before the schema.
        .filter_map(|(name, bytes)| Some((name, document(&bytes)?)))
        .filter(|(_, document)| validator.is_valid(document))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(accepted, BEYOND_THE_SCHEMA);
}

#[test]
fn the_committed_schema_is_current() {
    let path = Path::new(MANIFEST).join("../../schema/hygge.schema.json");
    if std::env::var_os("HYGGE_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
        std::fs::write(&path, schema_json()).expect("the schema");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == schema_json(),
        "schema/hygge.schema.json is not what the code says; run this test with HYGGE_BLESS=1"
    );
}

#[test]
fn the_documented_batch_size_is_the_one_that_holds() {
    let documented = format!("(default {DEFAULT_BATCH_ROWS})");
    let schema = schema_json();
    let told = schema.lines().filter(|line| line.contains("The most rows of a batch")).collect::<Vec<_>>();
    assert!(!told.is_empty() && told.iter().all(|line| line.contains(&documented)), "{told:?} and not {documented}");
}
