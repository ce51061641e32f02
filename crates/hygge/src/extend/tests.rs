//! What a program that registers types of its own can rely on.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use hygge_core::memory::{MemoryDatabase, MemoryHome, MemoryStore};
use serde::Deserialize;

use super::{Registry, Setting};
use crate::config::{Entities, Environment, Locate, Problem, Project};

#[derive(Debug, Clone, Deserialize, PartialEq)]
struct Mine {
    path: String,
    pages: Option<u32>,
    /// Homes of files take a key of this name, too.
    format: Option<String>,
    #[serde(default)]
    ratio: f64,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    login: Option<Login>,
    #[serde(default)]
    order: Order,
}

#[derive(Debug, Clone, Deserialize, PartialEq)]
struct Login {
    user: String,
    password: String,
}

#[derive(Debug, Clone, Copy, Deserialize, PartialEq, Default)]
#[serde(rename_all = "lowercase")]
enum Order {
    #[default]
    Up,
    Down,
}

type Seen = Arc<Mutex<Vec<(Mine, Option<String>)>>>;

fn registry(seen: &Seen) -> Registry {
    let seen = Arc::clone(seen);
    let rows = hygge_core::conformance::batch(&[]);
    Registry::default()
        .home("my_home", move |set: Setting<Mine>| {
            if set.options.path == "nowhere" {
                return Err(set.refuse("path", "nowhere is no place to read"));
            }
            seen.lock().expect("no panic").push((set.options, set.entity));
            Ok(Arc::new(MemoryHome::new("mine", rows.clone(), 10)))
        })
        .store("my_store", |_: Setting<()>| Ok(Arc::new(MemoryStore::new(&MemoryDatabase::default(), "t"))))
}

/// The project of a text, in a folder of its own.
fn read(text: &str, seen: &Seen) -> Result<Project, Vec<Problem>> {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("hygge.yml"), text).expect("written");
    let environment = Environment::of([("WORD", "hunter2"), ("PAGES", "7")]);
    let cwd = folder.path().to_path_buf();
    Project::load(&Locate { cwd, environment, registry: Arc::new(registry(seen)), ..Locate::default() })
}

fn built(text: &str) -> (Vec<(Mine, Option<String>)>, hygge_core::Result<usize>) {
    let seen = Seen::default();
    let project = read(text, &seen).unwrap_or_else(|problems| panic!("{problems:?}"));
    let built = crate::project::build(Path::new("/p"), "p", &project.flows, crate::project::Overrides::default());
    let seen = seen.lock().expect("no panic").clone();
    (seen, built.map(|flows| flows.len()))
}

fn told(text: &str) -> String {
    let problems = read(text, &Seen::default()).err().unwrap_or_else(|| panic!("accepted: {text}"));
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n") + "\n"
}

const FLOW: &str = "flows:\n  f:\n    store: data/x\n    home:\n      type: my_home\n";

#[test]
fn a_struct_is_read_with_everything_in_it() {
    let (seen, built) = built(&format!(
        "{FLOW}      path: in\n      pages: ${{PAGES}}\n      format: wide\n      ratio: 0.5\n      tags: [a, \"1\"]\n      headers: {{x: y}}\n      login: {{user: ann, password: sesame}}\n      options: {{order: down}}\n      columns: [id]\n"
    ));
    assert_eq!(built.expect("built"), 1);
    let mine = Mine {
        path: "in".into(),
        pages: Some(7),
        format: Some("wide".into()),
        ratio: 0.5,
        tags: vec!["a".into(), "1".into()],
        headers: [("x".to_owned(), "y".to_owned())].into(),
        login: Some(Login { user: "ann".into(), password: "sesame".into() }),
        order: Order::Down,
    };
    assert_eq!(seen, [(mine, None)]);
}

#[test]
fn each_entity_gets_its_own() {
    let (seen, built) = built(&format!("{FLOW}      path: in\n    entities: [users, orders]\n"));
    assert_eq!(built.expect("built"), 1);
    let entities: Vec<_> = seen.iter().map(|(_, entity)| entity.as_deref()).collect();
    assert_eq!(entities, [Some("users"), Some("orders")]);
}

#[test]
fn what_does_not_fit_is_told_with_its_line_and_never_a_secret() {
    for (yaml, says) in [
        ("path: in\n      pagse: 3", "hygge.yml:7:7: `pagse` is nothing that a home of type my_home knows\n"),
        ("path: in\n      pagse: 3", "write `pages`, if that was meant"),
        (
            "path: in\n      banana: 3",
            "take the line out; it takes path, pages, format, ratio, tags, headers, login, order",
        ),
        ("pages: 3", "hygge.yml:5:7: `path` is missing"),
        ("path: in\n      pages: many", "hygge.yml:7:14: `pages` takes a whole number from 0 on, and this is `many`"),
        ("path: in\n      pages: ${WORD}", "and this is `${WORD}`"),
        ("path: in\n      pages: \"3\"", "`pages` takes a whole number"),
        ("path: [in]", "hygge.yml:6:13: `path` takes a single text, and this is a list"),
        ("path: in\n      tags: a", "`tags` takes a list, and this is a single value"),
        ("path: in\n      order: ${WORD}", "hygge.yml:7:14: this is none of up or down"),
        ("path: in\n      login: {user: ann, passwort: x}", "hygge.yml:7:26: `passwort`"),
        ("path: in\n      login: {user: ann}", "`password` is missing"),
        ("path: in\n      columns: {id: int}", "knows the types of its columns"),
        ("path: in\n      options: {path: out}", "`path` is given twice, first at"),
        ("path: in\n      batch_size: no", "`batch_size` takes a whole number"),
    ] {
        let text = told(&format!("{FLOW}      {yaml}\n"));
        assert!(text.contains(says), "`{says}` is missing in:\n{text}");
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("next: "), "{text}");
    }
}

#[test]
fn what_a_factory_refuses_is_told_at_its_line() {
    let (_, built) = built(&format!("{FLOW}      path: nowhere\n"));
    assert_eq!(built.expect_err("refused").to_string(), "hygge.yml:6:7: nowhere is no place to read");
}

#[test]
fn a_type_nobody_registered_is_told_with_those_that_are() {
    let text = told("flows:\n  f: {home: {type: my_hom}, store: data/x}\n");
    assert!(text.contains("write my_home, if that was meant"), "{text}");
    let text = told("flows:\n  f: {home: {type: banana}, store: data/x}\n");
    assert!(text.contains("write sql, sqlite, parquet, csv") && text.contains("my_home"), "{text}");
    assert!(!text.contains("my_store"), "a store is no home: {text}");
    let text = told("flows:\n  f: {home: data/x/, store: {type: my_store, path: x}}\n");
    assert!(text.contains("`path` is nothing that a store of type my_store knows"), "{text}");
}

#[test]
fn a_registered_store_settles_in_any_way_that_it_says_itself() {
    let seen = Seen::default();
    let project =
        read("flows:\n  f: {home: a.db, store: {type: my_store}, entities: [t], mode: merge, key: id}\n", &seen);
    let project = project.unwrap_or_else(|problems| panic!("{problems:?}"));
    let Entities::Listed(entities) = &project.flows[0].entities else { panic!("listed") };
    assert_eq!(entities[0].store.kind(), "my_store");
    assert_eq!(format!("{:?}", entities[0].store), "Custom(my_store {})");
}

#[test]
fn names_of_hygges_own_and_names_twice_are_refused() {
    let home = |registry: Registry, name: &str| {
        registry
            .home(name, |_: Setting<()>| Ok(Arc::new(MemoryHome::new("mine", hygge_core::conformance::batch(&[]), 10))))
    };
    assert!(home(Registry::default(), "my_home").check().is_ok());
    for (registry, says) in [
        (home(Registry::default(), "csv"), "hygge's own"),
        (home(Registry::default(), "Exec"), "hygge's own"),
        (home(Registry::default(), "postgres"), "hygge's own"),
        (home(Registry::default(), "my home"), "is no name"),
        (home(home(Registry::default(), "a"), "a"), "registered already"),
    ] {
        let error = registry.check().expect_err("refused");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn the_schema_of_the_program_knows_its_types_and_that_of_hygge_does_not() {
    let text = crate::config::schema_json_with(&registry(&Seen::default()));
    let schema = serde_json::from_str(&text).expect("JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    let flow = |home: &str| serde_json::json!({"flows": {"f": {"home": {"type": home, "path": "x"}, "store": "d/"}}});
    assert!(validator.is_valid(&flow("my_home")) && !validator.is_valid(&flow("your_home")));
    let plain = serde_json::from_str(&crate::config::schema_json()).expect("JSON");
    assert!(!jsonschema::draft202012::new(&plain).expect("a schema").is_valid(&flow("my_home")));
}
