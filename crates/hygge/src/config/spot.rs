//! Where another option would be written, and how an advice says so.

use std::fmt;

use hygge_core::Part;

use super::inline;
use super::source::Pos;
use super::yaml::Node;

/// Where another option of each part of a flow would be written.
#[derive(Clone, Debug, Default)]
pub struct Spots {
    pub(super) home: Spot,
    pub(super) store: Spot,
    pub(super) flow: Spot,
    /// Where what only this entity is asked would be written, for an entity that its flow lists.
    pub(super) entity: Option<Spot>,
    /// Whether the home stands for many tables, so that a column is named with its table.
    pub(super) many_tables: bool,
}

impl Spots {
    /// The same with another home.
    #[must_use]
    pub fn with_home(self, home: &Spot) -> Self {
        Self { home: home.clone(), ..self }
    }

    /// Says where to write a line of YAML; `entity` is the one that it is meant for.
    #[must_use]
    pub fn advise(&self, part: Part, line: &str, entity: Option<&str>) -> String {
        let columns = inline::read(line).filter(|(name, _)| part == Part::Home && name.text == "columns");
        let Some((name, columns)) = columns else {
            return match part {
                Part::Home => self.home.advise(line),
                Part::Store => self.store.advise(line),
                Part::Flow => self.flow.advise(line),
            };
        };
        if let Some(entity) = &self.entity {
            return entity.advise(line);
        }
        // What the flow says of columns wins over what its home says.
        let spot = if self.flow.holds("columns") { &self.flow } else { &self.home };
        match entity.filter(|_| self.many_tables) {
            Some(table) => spot.advise(&inline::line(&name, &inline::of_table(&columns, table))),
            None => spot.advise(line),
        }
    }
}

/// Where another option would be written.
#[derive(Clone, Default)]
pub struct Spot(Kind);

#[derive(Clone, Default)]
enum Kind {
    /// Nowhere: no file describes it.
    #[default]
    None,
    /// Into a mapping.
    Mapping {
        /// The first key of its `options:`, or its own first key: a line written there pushes that one down.
        at: Pos,
        keys: Vec<Key>,
    },
    /// Instead of a bare path, which has no room for options.
    Bare {
        /// Where the key of the path stands.
        at: Pos,
        key: String,
        /// The mapping that says the same, without its braces.
        same: String,
    },
    /// Instead of an entity's bare name.
    Name { at: Pos, name: String },
    /// On the command line; the path of the mapping as `--var` takes it.
    Typed { path: &'static str, keys: Vec<Key> },
}

/// A key that is there already.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) at: Pos,
    pub(super) value: Node,
}

impl Spot {
    /// Into a mapping, at the key that stands first.
    pub(super) fn mapping(at: &Pos, keys: Vec<Key>) -> Self {
        Self(Kind::Mapping { at: at.clone(), keys })
    }

    /// Instead of a bare path, which stands behind `key` and is the same as `{same}`.
    pub(super) fn bare(at: &Pos, key: &str, same: String) -> Self {
        Self(Kind::Bare { at: at.clone(), key: key.to_owned(), same })
    }

    /// Instead of an entity's bare name.
    pub(super) fn name(at: &Pos, name: &str) -> Self {
        Self(Kind::Name { at: at.clone(), name: name.to_owned() })
    }

    /// The same as it would be typed: no file has these keys.
    pub(super) fn typed(self, path: &'static str) -> Self {
        match self.0 {
            Kind::Mapping { keys, .. } => Self(Kind::Typed { path, keys }),
            other => Self(other),
        }
    }

    /// The key of a bare path and the mapping that says the same, where it is one.
    pub(super) fn as_bare(&self) -> Option<(&str, &str)> {
        match &self.0 {
            Kind::Bare { key, same, .. } => Some((key, same)),
            _ => None,
        }
    }

    fn keys(&self) -> &[Key] {
        match &self.0 {
            Kind::Mapping { keys, .. } | Kind::Typed { keys, .. } => keys,
            _ => &[],
        }
    }

    fn holds(&self, key: &str) -> bool {
        self.keys().iter().any(|known| known.name == key)
    }

    /// Says where to write a line of YAML.
    #[must_use]
    pub fn advise(&self, line: &str) -> String {
        let read = inline::read(line);
        let there = read.as_ref().and_then(|(name, _)| self.keys().iter().find(|key| key.name == name.text));
        let value = read.as_ref().map(|(_, value)| match there {
            Some(there) => inline::joined(&there.name, &there.value, value),
            None => value.clone(),
        });
        // Between braces a comment would hide what follows.
        let bare = read.as_ref().zip(value.as_ref()).map(|((name, _), value)| inline::line(name, value));
        let bare = bare.as_deref().unwrap_or(line);
        match (&self.0, read.as_ref().zip(value)) {
            (Kind::Bare { at, key, same }, _) => format!("write  {key}: {{{same}, {bare}}}  at {at}"),
            (Kind::Name { at, name }, _) => {
                format!("write  {{name: {}, {bare}}}  at {at}, instead of the name alone", inline::plain(name))
            }
            (Kind::Typed { path, .. }, Some(((name, _), value))) => {
                let argument = format!("{path}{}={}", name.text, inline::text(&value));
                format!("add  --var '{}'", argument.replace('\'', "'\\''"))
            }
            (Kind::None, _) | (Kind::Typed { .. }, None) => {
                format!("describe it in a project (hygge init) and write  {line}  there")
            }
            (Kind::Mapping { at, .. }, both) => match (there, both) {
                (Some(there), Some(((name, _), value))) => {
                    format!("replace  {}:  at {}  by  {}", name.text, there.at, inline::line(name, &value))
                }
                _ if at.is_in_braces() => format!("add  {bare},  at {at}"),
                _ => format!("add  {line}  at {at}"),
            },
        }
    }
}

impl fmt::Debug for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::None => f.write_str("nowhere"),
            Kind::Mapping { at, .. } | Kind::Bare { at, .. } | Kind::Name { at, .. } => write!(f, "{at}"),
            Kind::Typed { path, .. } => write!(f, "--var {path}"),
        }
    }
}
