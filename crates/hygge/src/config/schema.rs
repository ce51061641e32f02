//! The JSON Schema of hygge.yml, from the same table of keys that the reader uses.

use serde_json::{Map, Value as Json, json};

use super::keys::{DEFAULTS, ENTITY, FLOW, HOMES, Key, PartKind, QUESTION, ROOT, STORES};
use super::shape::object;
use crate::extend::Registry;

/// The same for a program that registered types of its own: what stands below those is the program's business.
#[must_use]
pub fn schema_json_with(registry: &Registry) -> String {
    let more = |side: &str, part: Json| match registry.names(side) {
        names if names.is_empty() => part,
        names => json!({"anyOf": [
            part,
            {"type": "object", "properties": {"type": {"enum": names}}, "required": ["type"]}
        ]}),
    };
    written(more)
}

/// The JSON Schema of hygge.yml, for editors; ends with a line break.
///
/// It says what single values and mappings look like. What only the whole file tells (names that are nowhere described,
/// options that disagree, circles) is told when the file is read.
#[must_use]
pub fn schema_json() -> String {
    written(|_, part| part)
}

fn written(side: impl Fn(&str, Json) -> Json) -> String {
    let mut schema = object(ROOT);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("hygge.yml");
    schema["description"] =
        json!("A project of hygge: homes where rows live, stores where they settle, flows that carry them.");
    schema["$defs"] = json!({
        "home": side("home", part(&HOMES, &[("sql", &["connection", "path"]), ("exec", &["command"])])),
        "store": side("store", part(&STORES, &[("sql", &["connection", "path"]), ("exec", &["command"])])),
        "flow": with_options(&[FLOW, QUESTION, DEFAULTS], &["home", "store"]),
        "entity": with_options(&[ENTITY, QUESTION, DEFAULTS], &["name"]),
    });
    // In the order in which a person reads it.
    let mut sorted = Map::new();
    for key in ["$schema", "title", "description", "type", "properties", "additionalProperties", "$defs"] {
        sorted.insert(key.to_owned(), schema[key].take());
    }
    let mut text = serde_json::to_string_pretty(&Json::Object(sorted)).unwrap_or_default();
    text.push('\n');
    text
}

/// A mapping whose options may stand inside `options:` or beside it, and not in both.
fn with_options(tables: &[&'static [Key]], required: &[&str]) -> Json {
    let mut properties = Map::new();
    for key in tables.iter().flat_map(|table| table.iter()) {
        add(&mut properties, key);
    }
    let mut out = closed(properties);
    // A flow of entities may leave home and store to them.
    let entities = required.contains(&"home");
    let each: Vec<_> = required
        .iter()
        .map(|key| {
            let mut ways = somewhere(&[key]);
            if entities && let Some(ways) = ways["anyOf"].as_array_mut() {
                ways.push(json!({"required": ["entities"]}));
            }
            ways
        })
        .collect();
    out["allOf"] = json!(each);
    // Pairs that say the opposite of each other.
    let pairs = [
        ("mode", json!(["replace"]), "incremental", json!([true])),
        ("mode", json!(["append", "merge"]), "run_type", json!(["full_drop"])),
        ("mode", json!(["replace"]), "run_type", json!(["incremental"])),
        ("incremental", json!([true]), "run_type", json!(["full_drop"])),
        ("incremental", json!([false]), "run_type", json!(["incremental"])),
        ("append", json!(["every_run"]), "mode", json!(["replace", "merge"])),
        ("append", json!(["every_run"]), "incremental", json!([true])),
        ("append", json!(["every_run"]), "run_type", json!(["incremental"])),
    ];
    let opposed = pairs.map(|(one, these, other, those)| {
        json!({"required": [one, other], "properties": {one: {"enum": these}, other: {"enum": those}}})
    });
    out["not"] = json!({"anyOf": opposed});
    out
}

/// A home or a store: every key of every kind, then for each `type` its own.
fn part(kinds: &[PartKind], required: &[(&str, &[&str])]) -> Json {
    let mut properties = Map::new();
    for key in kinds.iter().flat_map(|kind| kind.keys.iter().copied()).flatten() {
        add(&mut properties, key);
    }
    let mut out = closed(properties);
    let cases: Vec<_> = kinds
        .iter()
        .map(|kind| {
            let mut own = Map::new();
            for key in kind.keys.iter().copied().flatten() {
                add(&mut own, key);
            }
            let mut names: Vec<_> = own.keys().cloned().collect();
            names.push("options".into());
            let needs =
                required.iter().find(|(name, _)| kind.types.contains(name)).map_or(&["path"][..], |(_, needs)| needs);
            let mut then = somewhere(needs);
            if kind.types.contains(&"sql") {
                let both = |one: &str, other: &str| json!({"required": [one, other]});
                then["not"] = json!({"anyOf": [
                    both("connection", "path"), both("table", "query"), both("table", "tables"), both("query", "tables")
                ]});
            }
            then["propertyNames"] = json!({"enum": names});
            own.insert("options".into(), json!({"properties": own, "propertyNames": {"enum": names}}));
            then["properties"] = Json::Object(own);
            json!({
                "if": {"properties": {"type": {"enum": kind.types}}, "required": ["type"]},
                "then": then
            })
        })
        .collect();
    out["allOf"] = json!(cases);
    let telling = ["type", "connection", "path", "table", "query", "tables"];
    out["anyOf"] = somewhere(&telling)["anyOf"].take();
    out
}

fn add(properties: &mut Map<String, Json>, key: &Key) {
    let mut schema = key.shape.schema();
    let described = |mut schema: Json| {
        schema["description"] = json!(key.doc);
        schema
    };
    match properties.get_mut(key.name) {
        None => {
            properties.insert(key.name.to_owned(), described(schema));
        }
        // Two kinds take the key differently; each says below what it takes.
        Some(there) => {
            let description = there["description"].take();
            if let Some(map) = there.as_object_mut() {
                map.remove("description");
            }
            if *there != schema {
                schema = json!({"anyOf": [there.take(), schema]});
            }
            schema["description"] = description;
            *there = schema;
        }
    }
}

fn closed(properties: Map<String, Json>) -> Json {
    let twice: Map<String, Json> = properties
        .keys()
        .map(|key| (key.clone(), json!({"properties": {"options": {"properties": {key: false}}}})))
        .collect();
    let options = json!({
        "type": ["object", "null"],
        "description": "Options; each may also stand beside this mapping instead.",
        "properties": properties,
        "additionalProperties": false
    });
    let mut all = properties;
    all.insert("options".into(), options);
    json!({"type": "object", "properties": all, "additionalProperties": false, "dependentSchemas": twice})
}

/// One of the keys must be there, beside `options:` or inside it.
fn somewhere(keys: &[&str]) -> Json {
    let ways: Vec<_> = keys
        .iter()
        .flat_map(|key| {
            [
                json!({"required": [key]}),
                json!({"required": ["options"], "properties": {"options": {"type": "object", "required": [key]}}}),
            ]
        })
        .collect();
    json!({"anyOf": ways})
}
