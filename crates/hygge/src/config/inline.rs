//! Values written on one line, as an advice shows them, and what stands in a file joined with what is advised.

use super::source::Source;
use super::yaml::{Map, Name, Node, Scalar, Value, parse};

/// Reads an advised line (`columns: {fare: text}`) as a key and its value.
pub(super) fn read(line: &str) -> Option<(Name, Node)> {
    let mut problems = super::problem::Problems::default();
    let node = parse(&Source::argument("advice", line), &mut problems)?;
    match node.value {
        Value::Map(map) if map.entries.len() == 1 => map.entries.into_iter().next(),
        _ => None,
    }
}

/// A key and its value as one line.
pub(super) fn line(name: &Name, value: &Node) -> String {
    format!("{}: {}", key(&name.text), text(value))
}

/// A value on one line. What variables hold is never shown: they are written as they were.
pub(super) fn text(node: &Node) -> String {
    match &node.value {
        Value::Scalar(scalar) => word(scalar),
        Value::List(items) => format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(", ")),
        Value::Map(map) => {
            let entries = map.entries.iter().map(|(name, value)| line(name, value));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A path, a name or a number as it can stand inside `{}` without quotes.
pub(super) fn plain(text: &str) -> String {
    let begins = text.starts_with(|c: char| c.is_alphanumeric() || "_/.".contains(c));
    let goes_on = text.chars().all(|c| c.is_alphanumeric() || "_/.-+():*@~".contains(c));
    if begins && goes_on && !text.ends_with(':') { text.to_owned() } else { quoted(text) }
}

fn word(scalar: &Scalar) -> String {
    if scalar.quoted || scalar.is_null() { quoted(scalar.shown()) } else { plain(scalar.shown()) }
}

fn key(text: &str) -> String {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let goes_on = text.chars().all(|c| c.is_ascii_alphanumeric() || "_.".contains(c));
    let word = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    if begins && goes_on && !word.contains(&text.to_lowercase().as_str()) { text.to_owned() } else { quoted(text) }
}

/// What a key must hold so that what is advised holds, and nothing that was there is lost.
pub(super) fn joined(key: &str, there: &Node, advised: &Node) -> Node {
    let at = advised.at.clone();
    match key {
        "columns" => columns(there, advised),
        "nulls" | "exclude" | "depends_on" => {
            let mut items = items(there);
            for item in self::items(advised) {
                if !items.iter().any(|known| value_of(known) == value_of(&item)) {
                    items.push(item);
                }
            }
            Node { at, value: Value::List(items) }
        }
        "watermark" => {
            let mapping = |node: &Node| match &node.value {
                Value::Map(map) => map.clone(),
                _ => Map { entries: vec![(Name { text: "column".into(), at: node.at.clone() }, node.clone())] },
            };
            let (mut map, advised) = (mapping(there), mapping(advised));
            let names_column = ["column", "watermark_column"].iter().any(|key| map.get(key).is_some());
            for (name, value) in advised.entries {
                // What names the column there goes on naming it.
                if name.text != "column" || !names_column {
                    put(&mut map, name, value);
                }
            }
            Node { at, value: Value::Map(map) }
        }
        _ => advised.clone(),
    }
}

/// `table.` before the name of every column.
pub(super) fn of_table(columns: &Node, table: &str) -> Node {
    match &columns.value {
        Value::Map(map) => {
            let entries = map
                .entries
                .iter()
                .cloned()
                .map(|(name, value)| (Name { text: format!("{table}.{}", name.text), ..name }, value));
            Node { at: columns.at.clone(), value: Value::Map(Map { entries: entries.collect() }) }
        }
        _ => columns.clone(),
    }
}

/// The types of the one and of the other; where columns are chosen, those that were advised last.
fn columns(there: &Node, advised: &Node) -> Node {
    let (chosen, mut types) = parts(there);
    let (newly, more) = parts(advised);
    for (name, value) in more.entries {
        put(&mut types, name, value);
    }
    let at = advised.at.clone();
    let Some(mut chosen) = newly.or(chosen) else { return Node { at, value: Value::Map(types) } };
    for (name, _) in &types.entries {
        if !chosen.contains(&name.text) && parts(there).1.get(&name.text).is_none() {
            chosen.push(name.text.clone());
        }
    }
    let one = |name: &String| match types.entry(name) {
        Some((name, value)) => {
            Node { at: at.clone(), value: Value::Map(Map { entries: vec![(name.clone(), value.clone())] }) }
        }
        None => Node::plain(&at, name),
    };
    Node { at: at.clone(), value: Value::List(chosen.iter().map(one).collect()) }
}

/// The chosen columns and the types.
fn parts(columns: &Node) -> (Option<Vec<String>>, Map) {
    let mut types = Map::default();
    let chosen = match &columns.value {
        Value::Map(map) => return (None, map.clone()),
        Value::Scalar(scalar) => vec![scalar.shown().to_owned()],
        Value::List(items) => {
            let mut names = Vec::new();
            for item in items {
                match &item.value {
                    Value::Map(map) => {
                        names.extend(map.entries.iter().map(|(name, _)| name.text.clone()));
                        types.entries.extend(map.entries.iter().cloned());
                    }
                    _ => names.extend(item.scalar().map(|scalar| scalar.shown().to_owned())),
                }
            }
            names
        }
    };
    (Some(chosen), types)
}

fn put(map: &mut Map, name: Name, value: Node) {
    match map.entries.iter_mut().find(|(known, _)| known.text == name.text) {
        Some(entry) => entry.1 = value,
        None => map.entries.push((name, value)),
    }
}

fn items(node: &Node) -> Vec<Node> {
    match &node.value {
        Value::List(items) => items.clone(),
        _ => vec![node.clone()],
    }
}

fn value_of(node: &Node) -> Option<&str> {
    node.scalar().map(|scalar| scalar.text.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn together(there: &str, advised: &str) -> String {
        let ((name, there), (_, advised)) = (read(there).expect("a line"), read(advised).expect("a line"));
        line(&name, &joined(&name.text, &there, &advised))
    }

    #[test]
    fn what_is_there_stays_beside_what_is_advised() {
        for (there, advised, both) in [
            ("columns: {a: int}", "columns: {fare: text}", "columns: {a: int, fare: text}"),
            ("columns: {fare: int}", "columns: {fare: text}", "columns: {fare: text}"),
            ("columns: [id, fare]", "columns: {fare: text}", "columns: [id, {fare: text}]"),
            ("columns: fare", "columns: {fare: text}", "columns: [{fare: text}]"),
            (
                "columns: [id, {fare: int}]",
                "columns: {fare: \"decimal(9,2)\"}",
                "columns: [id, {fare: \"decimal(9,2)\"}]",
            ),
            ("columns: [a, b, {c: int}]", "columns: [a, c]", "columns: [a, {c: int}]"),
            ("columns: {\"unit price\": int}", "columns: {no: text}", "columns: {\"unit price\": int, \"no\": text}"),
            ("nulls: [\"\", \"-\"]", "nulls: [\"NA\"]", "nulls: [\"\", \"-\", \"NA\"]"),
            ("nulls: NA", "nulls: [\"NA\", \"-\"]", "nulls: [NA, \"-\"]"),
            ("watermark: at", "watermark: {column: at, nulls: skip}", "watermark: {column: at, nulls: skip}"),
            (
                "watermark: {watermark_column: at, lookback: 2h}",
                "watermark: {column: at, future: allow}",
                "watermark: {watermark_column: at, lookback: 2h, future: allow}",
            ),
            ("mode: append", "mode: replace", "mode: replace"),
        ] {
            assert_eq!(together(there, advised), both, "{there} + {advised}");
        }
    }

    #[test]
    fn a_value_on_one_line_reads_back_as_it_was() {
        for text in ["a/b-*.csv", "sqlite:///shop.db", "x: y", "a, b", "*", "", "1.5", "{entity}", "a:", "\"", "- x"] {
            let at = super::super::source::Pos::new(&Source::argument("t", ""), 1, 1, 1);
            let (_, node) = read(&format!("k: {{v: {}}}", word(Node::plain(&at, text).scalar().expect("one"))))
                .unwrap_or_else(|| panic!("{text} is not read"));
            let inner = node.map().and_then(|map| map.get("v")).and_then(value_of);
            assert_eq!(inner, Some(text));
        }
    }
}
