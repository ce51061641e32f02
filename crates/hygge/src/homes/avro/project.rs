//! A part of a record's fields, as a schema of its own.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

/// The record with the fields that `keep` takes. A type that was written out in a field that goes is written out where it
/// is named first.
pub(super) fn project(record: &Value, keep: &dyn Fn(&str) -> bool) -> Value {
    let mut known = HashMap::new();
    named(record, &mut known);
    let mut part = record.clone();
    if let Some(fields) = part.get_mut("fields").and_then(Value::as_array_mut) {
        fields.retain(|field| field.get("name").and_then(Value::as_str).is_some_and(keep));
    }
    write_out(&mut part, &known, &mut HashSet::new());
    part
}

fn name_of(value: &Value) -> Option<&str> {
    let kind = value.get("type")?.as_str()?;
    matches!(kind, "record" | "error" | "enum" | "fixed").then(|| value.get("name")?.as_str())?
}

/// What is inside of a type, in the order in which it is written.
fn inside(value: &mut Value) -> Vec<&mut Value> {
    match value {
        Value::Array(branches) => branches.iter_mut().collect(),
        Value::Object(map) => {
            let part = match map.get("type").and_then(Value::as_str) {
                Some("record" | "error") => {
                    let fields = map.get_mut("fields").and_then(Value::as_array_mut);
                    return fields.into_iter().flatten().filter_map(|field| field.get_mut("type")).collect();
                }
                Some("array") => map.get_mut("items"),
                Some("map") => map.get_mut("values"),
                Some("enum" | "fixed") => None,
                _ => map.get_mut("type"),
            };
            part.into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// All types that have a name.
fn named(value: &Value, known: &mut HashMap<String, Value>) {
    if let Some(name) = name_of(value) {
        known.insert(name.to_owned(), value.clone());
    }
    let mut value = value.clone();
    for part in inside(&mut value) {
        named(part, known);
    }
}

fn write_out(value: &mut Value, known: &HashMap<String, Value>, written: &mut HashSet<String>) {
    if let Some(whole) = value.as_str().filter(|name| !written.contains(*name)).and_then(|name| known.get(name)) {
        *value = whole.clone();
    }
    if let Some(name) = name_of(value).map(str::to_owned)
        && !written.insert(name.clone())
    {
        *value = Value::String(name);
        return;
    }
    for part in inside(value) {
        write_out(part, known, written);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_field_that_goes_defined_is_defined_where_it_is_named_first() {
        let fixed = json!({"type": "fixed", "name": "f", "size": 2});
        let record = json!({"type": "record", "name": "t", "fields": [
            {"name": "a", "type": {"type": "record", "name": "r", "fields": [{"name": "x", "type": fixed}]}},
            {"name": "b", "type": ["null", {"type": "array", "items": "r"}]},
            {"name": "c", "type": {"type": "map", "values": "f"}},
            {"name": "d", "type": "r"},
        ]});
        assert_eq!(project(&record, &|_| true), record);
        let part = project(&record, &|name| name != "a");
        assert_eq!(part["fields"][0]["type"][1]["items"], record["fields"][0]["type"]);
        assert_eq!(part["fields"][1]["type"]["values"], "f");
        assert_eq!(project(&record, &|name| name == "c")["fields"][0]["type"]["values"], fixed);
        assert_eq!(project(&record, &|name| name == "d")["fields"][0]["type"]["name"], "r");
    }
}
