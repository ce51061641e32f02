//! Reading one mapping: its options inside or beside, its unknown keys, its typed values.

use std::time::Duration;

use super::keys::{Key, MOVED, SYNONYMS};
use super::problem::{Problem, Problems, nearest};
use super::shape::{Shape, flag, said_word};
use super::source::Pos;
use super::spot::{Key as SpotKey, Spot};
use super::units;
use super::yaml::{Name, Node, Value};

/// A value with the position where it was said.
#[derive(Clone)]
pub(crate) struct Said<T> {
    pub(crate) value: T,
    /// The position of the key (or, in a list, of the item).
    pub(crate) at: Pos,
}

struct Field {
    key: &'static Key,
    name: Pos,
    node: Node,
    /// Its value does not fit; told already.
    broken: bool,
}

/// The keys of one mapping that are known, each with a value of its shape.
pub(crate) struct Fields {
    /// Where the mapping begins.
    pub(crate) at: Pos,
    /// Where another option would be written.
    pub(crate) first: Pos,
    known: Vec<Field>,
    /// Whether something in it was not understood; what seems to be missing may be just that.
    pub(crate) strange: bool,
}

/// What [`Fields::read`] needs to know to say that a key is unknown.
pub(crate) struct Known<'k> {
    /// `a csv home`, `a flow`.
    pub(crate) what: &'k str,
    /// The keys that are taken.
    pub(crate) tables: &'k [&'static [Key]],
    /// Keys that something similar takes, with its name.
    pub(crate) elsewhere: &'k [(&'static str, &'static [Key])],
}

impl Fields {
    /// Reads a mapping. What does not fit is told, and left out.
    ///
    /// Where `options` is no key of its own, the keys of an `options:` mapping count as keys of the mapping itself.
    pub(crate) fn read(node: &Node, known: &Known<'_>, problems: &mut Problems) -> Self {
        let mut out = Self { at: node.at.clone(), first: node.at.clone(), known: Vec::new(), strange: false };
        let Some(map) = node.map() else {
            out.strange = !node.is_null();
            if !node.is_null() && node.scalar().is_none_or(|s| !s.lost) {
                problems.add(
                    Problem::at(
                        &node.at,
                        format!("{} is written as a mapping, and this is {}", known.what, node.kind()),
                    )
                    .next("write  key: value  lines, indented below the name"),
                );
            }
            return out;
        };
        if let Some((name, _)) = map.entries.first() {
            out.first = name.at.clone();
        }
        let own_options = known.tables.iter().any(|table| table.iter().any(|key| key.name == "options"));
        for (name, node) in &map.entries {
            if name.text != "options" || own_options {
                out.take(name, node, known, problems);
                continue;
            }
            match &node.value {
                Value::Map(options) => {
                    if let Some((first, _)) = options.entries.first() {
                        out.first = first.at.clone();
                    }
                    for (name, node) in &options.entries {
                        out.take(name, node, known, problems);
                    }
                }
                _ if node.is_null() => {}
                _ => problems.add(
                    Problem::at(&node.at, format!("`options` takes a mapping, and this is {}", node.kind()))
                        .next("write  key: value  lines, indented below  options:"),
                ),
            }
        }
        out
    }

    fn take(&mut self, name: &Name, node: &Node, known: &Known<'_>, problems: &mut Problems) {
        let Some(key) = known.tables.iter().flat_map(|table| table.iter()).find(|key| key.name == name.text) else {
            self.strange = true;
            problems.add(unknown(name, known));
            return;
        };
        if let Some(first) = self.known.iter().find(|field| field.key.name == name.text) {
            problems.add(
                Problem::at(&name.at, format!("`{}` is given twice, first at {}", name.text, first.name))
                    .next("keep one of the two, inside `options:` or beside it")
                    .also(&first.name),
            );
            return;
        }
        let mut found = Vec::new();
        key.shape.check(key.name, node, &mut found);
        let broken = !found.is_empty() || node.scalar().is_some_and(|s| s.lost);
        for problem in found {
            problems.add(problem);
        }
        self.known.push(Field { key, name: name.at.clone(), node: node.clone(), broken });
    }

    fn field(&self, name: &str) -> Option<&Field> {
        self.known.iter().find(|field| field.key.name == name)
    }

    /// Whether the key was written, even with a value that does not fit.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.field(name).is_some()
    }

    /// The position of a key.
    pub(crate) fn at(&self, name: &str) -> Option<&Pos> {
        self.field(name).map(|field| &field.name)
    }

    /// Where another key would be written, and the keys that are there.
    pub(crate) fn spot(&self) -> Spot {
        let key = |field: &Field| SpotKey {
            name: field.key.name.to_owned(),
            at: field.name.clone(),
            value: field.node.clone(),
        };
        Spot::mapping(&self.first, self.known.iter().map(key).collect())
    }

    /// The names of the keys that were written, with their positions.
    pub(crate) fn written(&self) -> impl Iterator<Item = (&'static str, &Pos)> {
        self.known.iter().map(|field| (field.key.name, &field.name))
    }

    /// The value as it stands.
    pub(crate) fn node(&self, name: &str) -> Option<&Node> {
        self.field(name).filter(|field| !field.broken).map(|field| &field.node)
    }

    fn said<T>(&self, name: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<Said<T>> {
        let field = self.field(name).filter(|field| !field.broken)?;
        let value = read(&field.node.scalar()?.text)?;
        Some(Said { value, at: field.name.clone() })
    }

    /// A text.
    pub(crate) fn text(&self, name: &str) -> Option<Said<String>> {
        self.said(name, |text| Some(text.to_owned()))
    }

    /// A truth.
    pub(crate) fn flag(&self, name: &str) -> Option<Said<bool>> {
        self.said(name, flag)
    }

    /// A whole number.
    pub(crate) fn count(&self, name: &str) -> Option<Said<u64>> {
        self.said(name, |text| text.parse().ok())
    }

    /// A number of bytes.
    pub(crate) fn size(&self, name: &str) -> Option<Said<u64>> {
        self.said(name, |text| units::size(text).ok())
    }

    /// A span of time.
    pub(crate) fn span(&self, name: &str) -> Option<Said<Duration>> {
        self.said(name, |text| units::duration(text).ok())
    }

    /// A number of days.
    pub(crate) fn days(&self, name: &str) -> Option<Said<u32>> {
        self.said(name, |text| units::days(text).ok())
    }

    /// One of the words that the key's shape lists.
    pub(crate) fn word(&self, name: &str) -> Option<Said<&'static str>> {
        let field = self.field(name)?;
        let (Shape::Word(words) | Shape::Kind(words)) = &field.key.shape else { return None };
        self.said(name, |text| said_word(words, text))
    }

    /// A text or a list of texts, as a list; each with its own position.
    pub(crate) fn texts(&self, name: &str) -> Option<Said<Vec<Said<String>>>> {
        let field = self.field(name).filter(|field| !field.broken)?;
        let one = |node: &Node| Some(Said { value: node.scalar()?.text.clone(), at: node.at.clone() });
        let value = match &field.node.value {
            Value::List(items) => items.iter().filter_map(one).collect(),
            _ => one(&field.node).into_iter().collect(),
        };
        Some(Said { value, at: field.name.clone() })
    }
}

fn unknown(name: &Name, known: &Known<'_>) -> Problem {
    let names: Vec<_> = known.tables.iter().flat_map(|table| table.iter()).map(|key| key.name).collect();
    let shown = super::source::mask(&name.text);
    let problem = Problem::at(&name.at, format!("`{shown}` is nothing that {} knows", known.what));
    if let Some((_, why, advice)) = MOVED.iter().find(|(theirs, _, _)| *theirs == name.text) {
        let problem = if why.is_empty() { problem } else { Problem::at(&name.at, format!("`{shown}` {why}")) };
        return problem.next(*advice);
    }
    let meant = SYNONYMS.iter().filter(|(theirs, _)| *theirs == name.text).map(|(_, ours)| *ours);
    let meant = meant.into_iter().find(|ours| names.contains(ours));
    if let Some(meant) = meant.or_else(|| nearest(&name.text, names.iter().copied())) {
        return problem.next(format!("write `{meant}`, if that was meant"));
    }
    if let Some((place, _)) = known.elsewhere.iter().find(|(_, keys)| keys.iter().any(|key| key.name == name.text)) {
        return problem.next(format!("take the line out, or move it: `{shown}` belongs to {place}"));
    }
    problem.next(format!("take the line out; {} takes {}", known.what, names.join(", ")))
}
