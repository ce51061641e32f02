//! YAML as a tree in which everything knows its position.
//!
//! Built from parser events, not by serde: derived code loses positions as soon as a shape has two forms, and stops at
//! the first problem.

mod trouble;

use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};

use self::trouble::scan_problem;
use super::problem::{Problem, Problems};
use super::source::{Pos, Source};

/// The most nodes that a configuration may have once its aliases are followed (against billions of laughs).
const MOST_NODES: usize = 200_000;

/// The most keys of one mapping, which are looked for one by one.
const MOST_KEYS: usize = 10_000;

/// A value with its position.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) at: Pos,
    pub(crate) value: Value,
}

/// What a node holds. Whether a plain scalar is a number, a truth or a text is decided by what is wanted of it.
#[derive(Clone)]
pub(crate) enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Map),
}

/// A scalar as written and as it is after expansion. No `Debug`: an expanded value may be a secret.
#[derive(Clone)]
pub(crate) struct Scalar {
    /// The value.
    pub(crate) text: String,
    /// As written, where expansion changed it; this form may be shown.
    pub(crate) written: Option<String>,
    /// In quotes or as a block: always text.
    pub(crate) quoted: bool,
    /// Could not be expanded, which has been told; there is no value to speak of.
    pub(crate) lost: bool,
}

impl Scalar {
    /// The form that may be shown.
    pub(crate) fn shown(&self) -> &str {
        self.written.as_deref().unwrap_or(&self.text)
    }

    /// Nothing was written, or `~`.
    pub(crate) fn is_empty(&self) -> bool {
        !self.quoted && self.written.is_none() && matches!(self.text.as_str(), "" | "~")
    }

    /// Nothing, `~` or `null`.
    pub(crate) fn is_null(&self) -> bool {
        self.is_empty()
            || (!self.quoted && self.written.is_none() && matches!(self.text.as_str(), "null" | "Null" | "NULL"))
    }
}

/// A key with its position.
#[derive(Clone)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) at: Pos,
}

/// A mapping in its written order, without duplicates.
#[derive(Clone, Default)]
pub(crate) struct Map {
    pub(crate) entries: Vec<(Name, Node)>,
}

impl Map {
    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries.iter().find(|(name, _)| name.text == key).map(|(_, node)| node)
    }

    /// A key with its value.
    pub(crate) fn entry(&self, key: &str) -> Option<(&Name, &Node)> {
        self.entries.iter().find(|(name, _)| name.text == key).map(|(name, node)| (name, node))
    }
}

impl Node {
    /// A plain scalar that was not read from a document.
    pub(crate) fn plain(at: &Pos, text: impl Into<String>) -> Self {
        let scalar = Scalar { text: text.into(), written: None, quoted: false, lost: false };
        Self { at: at.clone(), value: Value::Scalar(scalar) }
    }

    /// The mapping, if it is one.
    pub(crate) fn map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The scalar, if it is one.
    pub(crate) fn scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// Whether nothing was written.
    pub(crate) fn is_null(&self) -> bool {
        self.scalar().is_some_and(Scalar::is_null)
    }

    /// What it is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Scalar(scalar) if scalar.is_null() => "nothing",
            Value::Scalar(_) => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    fn count(&self) -> usize {
        match &self.value {
            Value::Scalar(_) => 1,
            Value::List(items) => 1 + items.iter().map(Node::count).sum::<usize>(),
            Value::Map(map) => 1 + map.entries.iter().map(|(_, node)| 1 + node.count()).sum::<usize>(),
        }
    }
}

/// Reads one document. None: it is empty, or cannot be read at all (then a problem says why).
pub(crate) fn parse(source: &Arc<Source>, problems: &mut Problems) -> Option<Node> {
    let options =
        granit_parser::options! { disallow_directives: true, flow_nesting_limit: 64, block_nesting_limit: 64 };
    let mut builder = Builder { source, stack: Vec::new(), anchors: HashMap::new(), nodes: 0, done: None };
    for event in Parser::new_from_str_with_options(source.text(), options) {
        let step = match event {
            Ok((event, span)) => builder.take(event, span, problems),
            Err(error) => Err(scan_problem(source, &error)),
        };
        if let Err(problem) = step {
            problems.add(problem);
            return None;
        }
    }
    builder.done
}

enum Open {
    List { at: Pos, anchor: usize, items: Vec<Node> },
    Map { at: Pos, anchor: usize, map: Map, key: Option<Name>, inherited: Vec<Node> },
}

struct Builder<'s> {
    source: &'s Arc<Source>,
    stack: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    done: Option<Node>,
}

impl Builder<'_> {
    fn pos(&self, span: Span) -> Pos {
        let width =
            if span.start.line() == span.end.line() { span.end.col().saturating_sub(span.start.col()) } else { 1 };
        Pos::new(self.source, span.start.line(), span.start.col() + 1, width)
    }

    fn take(&mut self, event: Event<'_>, span: Span, problems: &mut Problems) -> Result<(), Problem> {
        let at = self.pos(span);
        match event {
            Event::DocumentStart(..) if self.done.is_some() => {
                Err(Problem::at(&at, "a second document begins here; a configuration is one document")
                    .next("take the line --- out, or put the second document into its own file"))
            }
            Event::Scalar(text, style, anchor, tag) => {
                untagged(&at, tag.is_some())?;
                let quoted = style != ScalarStyle::Plain;
                let text = if !quoted && span.is_empty() { String::new() } else { text.into_owned() };
                let node = Node { at, value: Value::Scalar(Scalar { text, written: None, quoted, lost: false }) };
                self.place(node, anchor, problems)
            }
            Event::SequenceStart(_, anchor, tag) => {
                untagged(&at, tag.is_some())?;
                self.stack.push(Open::List { at, anchor, items: Vec::new() });
                Ok(())
            }
            Event::MappingStart(style, anchor, tag) => {
                untagged(&at, tag.is_some())?;
                let at =
                    if style == StructureStyle::Block { Pos::new(self.source, at.line(), at.column(), 1) } else { at };
                self.stack.push(Open::Map { at, anchor, map: Map::default(), key: None, inherited: Vec::new() });
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.stack.pop() else { return Ok(()) };
                let (node, anchor) = close(open);
                self.place(node, anchor, problems)
            }
            Event::Alias(id) => {
                let Some(node) = self.anchors.get(&id).cloned() else {
                    return Err(Problem::at(&at, "this alias stands inside what it names, so it would never end")
                        .next("write the value out"));
                };
                self.nodes += node.count();
                self.place(node, 0, problems)
            }
            _ => Ok(()),
        }
    }

    fn place(&mut self, node: Node, anchor: usize, problems: &mut Problems) -> Result<(), Problem> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err(Problem::at(&node.at, format!("this configuration holds more than {MOST_NODES} values"))
                .next("repeat less through aliases, or split it into several projects"));
        }
        if anchor != 0 {
            self.nodes += node.count();
            self.anchors.insert(anchor, node.clone());
        }
        match self.stack.last_mut() {
            None => self.done = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { map, key, inherited, .. }) => match key.take() {
                None => {
                    let Value::Scalar(scalar) = node.value else {
                        return Err(Problem::at(
                            &node.at,
                            format!("a key must be a text, and this is {}", node.kind()),
                        )
                        .next("write it as  name: value"));
                    };
                    *key = Some(Name { text: scalar.text, at: node.at });
                }
                Some(name) if name.text == "<<" => match node.value {
                    Value::List(items) => inherited.extend(items),
                    _ => inherited.push(node),
                },
                Some(name) => match map.entry(&name.text) {
                    Some((first, _)) => problems.add(
                        Problem::at(&name.at, format!("`{}` is given twice, first at {}", name.text, first.at))
                            .next("keep one of the two")
                            .also(&first.at),
                    ),
                    None if map.entries.len() >= MOST_KEYS => {
                        return Err(Problem::at(&name.at, format!("this mapping has more than {MOST_KEYS} keys"))
                            .next("split it into several projects"));
                    }
                    None => map.entries.push((name, node)),
                },
            },
        }
        Ok(())
    }
}

fn untagged(at: &Pos, tagged: bool) -> Result<(), Problem> {
    if tagged {
        return Err(Problem::at(at, "this value has a YAML tag (!…), which means nothing here")
            .next("take the tag out; to write a text that begins with !, put it in quotes"));
    }
    Ok(())
}

fn close(open: Open) -> (Node, usize) {
    match open {
        Open::List { at, anchor, items } => (Node { at, value: Value::List(items) }, anchor),
        Open::Map { at, anchor, mut map, inherited, .. } => {
            for node in inherited {
                if let Value::Map(base) = node.value {
                    for (name, value) in base.entries {
                        if map.get(&name.text).is_none() {
                            map.entries.push((name, value));
                        }
                    }
                } else {
                    // Told by whoever reads the mapping: `<<` is then an unknown key.
                    map.entries.push((Name { text: "<<".into(), at: node.at.clone() }, node));
                }
            }
            (Node { at, value: Value::Map(map) }, anchor)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Node>, Vec<String>) {
        let mut problems = Problems::default();
        let node = parse(&Source::file("t.yml", text), &mut problems);
        (node, problems.into_vec().iter().map(ToString::to_string).collect())
    }

    fn outline(node: &Node) -> String {
        match &node.value {
            Value::Scalar(s) => format!("{:?}@{}:{}", s.text, node.at.line(), node.at.column()),
            Value::List(items) => format!("[{}]", items.iter().map(outline).collect::<Vec<_>>().join(", ")),
            Value::Map(map) => {
                let entries = map.entries.iter().map(|(k, v)| format!("{}: {}", k.text, outline(v)));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
            }
        }
    }

    #[test]
    fn values_know_where_they_stand() {
        let (node, problems) = read("a:\n  b: 1\n  c:\ne: {x: 'q', y: [z]}\n");
        assert!(problems.is_empty());
        let shown = outline(&node.expect("a document"));
        assert_eq!(shown, r#"{a: {b: "1"@2:6, c: ""@3:4}, e: {x: "q"@4:8, y: ["z"@4:17]}}"#);
    }

    #[test]
    fn aliases_and_merge_keys_repeat_what_they_name() {
        let (node, problems) = read("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  x: 3\nc: *a\n");
        assert!(problems.is_empty(), "{problems:?}");
        let shown = outline(&node.expect("a document"));
        assert_eq!(
            shown,
            r#"{a: {x: "1"@1:11, y: "2"@1:17}, b: {x: "3"@4:6, y: "2"@1:17}, c: {x: "1"@1:11, y: "2"@1:17}}"#
        );
    }

    #[test]
    fn a_billion_laughs_are_refused_early() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        text.extend((1..12).map(|n| {
            let list = vec![format!("*a{}", n - 1); 10].join(", ");
            format!("a{n}: &a{n} [{list}]\n")
        }));
        let (node, problems) = read(&text);
        assert!(node.is_none());
        assert!(problems[0].contains("more than 200000 values"), "{problems:?}");
    }

    #[test]
    fn an_empty_document_is_nothing_without_a_problem() {
        assert!(matches!(read(""), (None, p) if p.is_empty()));
        assert!(matches!(read("# only words\n"), (None, p) if p.is_empty()));
    }
}
