//! `--var homes.users.table=orders`: one value of the configuration, said on the command line.

use super::problem::{Problem, Problems, any_of, nearest};
use super::source::{Pos, Source};
use super::yaml::{Map, Name, Node, Value};

/// The sections whose keys are names that a person gave.
const NAMED: [&str; 4] = ["homes", "stores", "flows", "connections"];

/// Sets one value. The command line wins over the file, wherever the file has the option: inside `options:` or beside.
pub(crate) fn apply(root: &mut Node, argument: &str, problems: &mut Problems) {
    let Some((path, value)) = argument.split_once('=') else {
        problems.add(
            Problem::somewhere(format!("--var {}: there is no `=` in it", super::source::mask(argument)))
                .next("write  --var path=value, as in  --var options.memory=1GiB"),
        );
        return;
    };
    let source = Source::argument(format!("--var {path}"), value);
    let at = Pos::new(&source, 1, 1, 1);
    let Some(segments) = segments(path) else {
        problems.add(Problem::at(&at, "this is no path to a value").next(
            "write names with dots between them, as in  flows.users.mode; a name that holds a dot goes in double quotes",
        ));
        return;
    };
    let Some(value) = value_node(&source, &at, value, problems) else { return };
    if root.map().is_none() {
        root.value = Value::Map(Map::default());
    }
    if let Err(problem) = set(root, &segments, value, &at) {
        problems.add(problem);
    }
}

/// Splits `a."b.c".d`.
fn segments(path: &str) -> Option<Vec<String>> {
    let mut out = Vec::new();
    let mut rest = path;
    loop {
        let (segment, after) = if let Some(quoted) = rest.strip_prefix('"') {
            let (inside, after) = quoted.split_once('"')?;
            (inside, after)
        } else {
            let end = rest.find('.').unwrap_or(rest.len());
            rest.split_at(end)
        };
        if segment.is_empty() {
            return None;
        }
        out.push(segment.to_owned());
        match after.strip_prefix('.') {
            Some(after) => rest = after,
            None if after.is_empty() => return Some(out),
            None => return None,
        }
    }
}

/// The value: a list or mapping where it begins like one, else one value as it was typed.
fn value_node(source: &std::sync::Arc<Source>, at: &Pos, text: &str, problems: &mut Problems) -> Option<Node> {
    if !text.starts_with(['[', '{', '"', '\'']) {
        return Some(Node::plain(at, text));
    }
    let before = problems.told();
    let node = super::yaml::parse(source, problems);
    if node.is_none() && problems.told() == before {
        return Some(Node::plain(at, text));
    }
    node
}

fn set(root: &mut Node, segments: &[String], value: Node, at: &Pos) -> Result<(), Problem> {
    let (last, above) = segments.split_last().ok_or_else(|| Problem::at(at, "this is no path to a value"))?;
    if NAMED.contains(&segments[0].as_str())
        && let Some(name) = segments.get(1)
    {
        named_exists(root, &segments[0], name, at)?;
    }
    let mut node = root;
    for (depth, segment) in above.iter().enumerate() {
        let is_last = depth + 1 == above.len();
        if is_last && segment == "options" && depth > 0 && beside(node, last) {
            break;
        }
        node = descend(node, segment, at)?;
    }
    if node.is_null() {
        node.value = Value::Map(Map::default());
    }
    let shown = above.join(".");
    let Value::Map(map) = &mut node.value else {
        return Err(Problem::at(at, format!("`{shown}` is {} in the file, so it has no `{last}`", node.kind()))
            .next("write it as a mapping in the file first"));
    };
    let inside = map.get("options").and_then(Node::map).is_some_and(|options| options.get(last).is_some());
    if inside && map.get(last).is_none() && !above.is_empty() {
        let options = map.entries.iter_mut().find(|(name, _)| name.text == "options");
        if let Some((_, Node { value: Value::Map(options), .. })) = options {
            put(options, last, value, at);
            return Ok(());
        }
    }
    put(map, last, value, at);
    Ok(())
}

/// Whether the mapping has the key beside its `options:` and not in it.
fn beside(node: &Node, key: &str) -> bool {
    node.map().is_some_and(|map| {
        map.get(key).is_some()
            && map.get("options").and_then(Node::map).is_none_or(|options| options.get(key).is_none())
    })
}

fn put(map: &mut Map, key: &str, value: Node, at: &Pos) {
    let name = Name { text: key.to_owned(), at: at.clone() };
    match map.entries.iter_mut().find(|(name, _)| name.text == key) {
        Some(entry) => *entry = (name, value),
        None => map.entries.push((name, value)),
    }
}

/// A name that nobody described cannot be changed.
fn named_exists(root: &Node, section: &str, name: &str, at: &Pos) -> Result<(), Problem> {
    let entries = root.map().and_then(|map| map.get(section)).and_then(Node::map);
    let known: Vec<_> =
        entries.map(|map| map.entries.iter().map(|(name, _)| name.text.as_str()).collect()).unwrap_or_default();
    if known.contains(&name) {
        return Ok(());
    }
    let word = section.strip_suffix('s').unwrap_or(section);
    let problem = Problem::at(at, format!("no {word} is called `{name}`"));
    Err(match nearest(name, known.iter().copied()) {
        Some(near) => problem.next(format!("write {section}.{near}, if that was meant")),
        None if known.is_empty() => problem.next(format!("describe it under  {section}:  in the file first")),
        None => problem.next(format!("choose {}", any_of(known))),
    })
}

fn descend<'n>(node: &'n mut Node, segment: &str, at: &Pos) -> Result<&'n mut Node, Problem> {
    if node.is_null() {
        node.value = Value::Map(Map::default());
    }
    let kind = node.kind();
    match &mut node.value {
        Value::Map(map) => {
            let found = map.entries.iter().position(|(name, _)| name.text == segment);
            let index = found.unwrap_or_else(|| {
                let name = Name { text: segment.to_owned(), at: at.clone() };
                map.entries.push((name, Node { at: at.clone(), value: Value::Map(Map::default()) }));
                map.entries.len() - 1
            });
            Ok(&mut map.entries[index].1)
        }
        // The entities of a flow go by their names.
        Value::List(items) => {
            let is_named = |item: &Node| match &item.value {
                Value::Scalar(scalar) => scalar.text == segment,
                Value::Map(map) => map.get("name").and_then(Node::scalar).is_some_and(|name| name.text == segment),
                Value::List(_) => false,
            };
            let item = items.iter_mut().find(|item| is_named(item)).ok_or_else(|| {
                Problem::at(at, format!("the list has no entry called `{segment}`")).next("name one that is there")
            })?;
            if item.scalar().is_some() {
                let name = Name { text: "name".into(), at: item.at.clone() };
                item.value = Value::Map(Map { entries: vec![(name, item.clone())] });
            }
            Ok(item)
        }
        Value::Scalar(_) => {
            Err(Problem::at(at, format!("what comes before `{segment}` is {kind} in the file, so it has no keys"))
                .next("write it as a mapping in the file first"))
        }
    }
}
