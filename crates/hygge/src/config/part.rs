//! What homes and stores have in common: names, bare paths, connections, kinds.

use std::sync::Arc;

use super::fields::{Fields, Known};
use super::inline;
use super::keys::{Key, PartKind};
use super::problem::{Problem, Problems, any_of, nearest};
use super::source::Pos;
use super::spot::Spot;
use super::yaml::{Map, Name, Node, Scalar, Value};
use crate::extend::Registry;
use crate::files::codec::Codec;
use crate::files::web::is_web;

/// What the text of `home:` and `store:` may name.
#[derive(Default)]
pub(crate) struct Names {
    pub(crate) homes: Map,
    pub(crate) stores: Map,
    pub(crate) connections: Map,
    /// Types beside hygge's own.
    pub(crate) registry: Arc<Registry>,
}

/// The kinds of homes and stores that work now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sql,
    Parquet,
    Csv,
    Ndjson,
    Json,
    Arrow,
    Avro,
    Xlsx,
    Exec,
}

impl Kind {
    pub(crate) fn of(word: &str) -> Option<Self> {
        match word {
            "sql" | "sqlite" => Some(Self::Sql),
            "parquet" => Some(Self::Parquet),
            "csv" => Some(Self::Csv),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "json" => Some(Self::Json),
            "arrow" | "ipc" | "feather" => Some(Self::Arrow),
            "avro" => Some(Self::Avro),
            "xlsx" => Some(Self::Xlsx),
            "exec" => Some(Self::Exec),
            _ => None,
        }
    }

    /// The keys that it takes as a home or as a store, where it can be one.
    fn of_side(self, side: &Side) -> Option<&'static PartKind> {
        side.kinds.iter().find(|part| part.types.iter().any(|word| Self::of(word) == Some(self)))
    }
}

/// Homes or stores: the words and tables that differ.
pub(crate) struct Side {
    /// `home` or `store`.
    pub(crate) word: &'static str,
    pub(crate) kinds: &'static [PartKind],
    pub(crate) types: &'static [&'static str],
}

/// Homes.
pub(crate) static HOME_SIDE: Side = Side { word: "home", kinds: &super::keys::HOMES, types: super::keys::HOME_WORDS };
/// Stores.
pub(crate) static STORE_SIDE: Side =
    Side { word: "store", kinds: &super::keys::STORES, types: super::keys::STORE_WORDS };

/// A home or a store as a mapping, whatever it was written as.
#[derive(Clone)]
pub(crate) struct Written {
    /// Always a mapping.
    pub(crate) node: Node,
    /// Set where it was written as a bare path.
    pub(crate) bare: Option<Spot>,
}

/// Whether a text is a path or a URL rather than a name.
pub(crate) fn is_path(text: &str) -> bool {
    text.contains(['/', '.', '*']) || text.starts_with("sqlite:")
}

/// Whether a text is the URL of a database rather than a name, or the path of files.
pub(crate) fn is_url(text: &str) -> bool {
    !is_web(text) && (text.contains("://") || text.starts_with("sqlite:"))
}

/// The path of a URL, or a path.
pub(crate) fn without_query(path: &str) -> &str {
    if is_web(path) { path.split(['?', '#']).next().unwrap_or_default() } else { path }
}

/// Finds what the value of `home:` or `store:` says: a mapping, a name, or a bare path. `at` is where its key stands.
pub(crate) fn written(at: &Pos, node: &Node, side: &Side, names: &Names, problems: &mut Problems) -> Option<Written> {
    let Value::Scalar(scalar) = &node.value else {
        return Some(Written { node: node.clone(), bare: None });
    };
    if scalar.lost {
        return None;
    }
    if is_path(&scalar.text) {
        return Some(bare(at, side.word, node, scalar));
    }
    let (entries, section) = if side.word == "home" { (&names.homes, "homes") } else { (&names.stores, "stores") };
    if let Some((name, entry)) = entries.entry(&scalar.text) {
        return self::entry(name, entry);
    }
    let known = entries.entries.iter().map(|(name, _)| name.text.as_str());
    let found = format!("no {} is called `{}`", side.word, scalar.shown());
    let advice = match nearest(&scalar.text, known.clone()) {
        Some(near) => format!("write {near}, if that was meant"),
        None if entries.entries.is_empty() => {
            format!("describe it under  {section}:, or write {}/ if it is a folder", scalar.shown())
        }
        None => format!("write {}, or {}/ if it is a folder", any_of(known), scalar.shown()),
    };
    problems.add(Problem::at(&node.at, found).next(advice));
    None
}

/// A named home or store, a mapping or a bare path; what else it may be is told where it stands.
pub(crate) fn entry(name: &Name, node: &Node) -> Option<Written> {
    match &node.value {
        Value::Scalar(scalar) if !scalar.lost && is_path(&scalar.text) => {
            Some(bare(&name.at, &name.text, node, scalar))
        }
        Value::Scalar(_) | Value::List(_) => None,
        Value::Map(_) => Some(Written { node: node.clone(), bare: None }),
    }
}

fn bare(at: &Pos, word: &str, node: &Node, scalar: &Scalar) -> Written {
    let key = if is_url(&scalar.text) { "connection" } else { "path" };
    let name = Name { text: key.to_owned(), at: node.at.clone() };
    Written {
        node: Node { at: node.at.clone(), value: Value::Map(Map { entries: vec![(name, node.clone())] }) },
        bare: Some(Spot::bare(at, word, format!("{key}: {}", inline::plain(&super::source::mask(scalar.shown()))))),
    }
}

/// Lays the keys of one mapping over another; both may keep some of them in `options:`.
pub(crate) fn overlay(base: &Written, over: &Node) -> Written {
    let mut entries = flat(&base.node);
    let over_entries = flat(over);
    for group in [["table", "query", "tables"], ["connection", "path", "path"]] {
        if over_entries.iter().any(|(name, _)| group.contains(&name.text.as_str())) {
            entries.retain(|(name, _)| !group.contains(&name.text.as_str()));
        }
    }
    entries.retain(|(name, _)| !over_entries.iter().any(|(over, _)| over.text == name.text));
    entries.extend(over_entries);
    Written { node: Node { at: over.at.clone(), value: Value::Map(Map { entries }) }, bare: None }
}

/// The keys of a mapping, those of its `options:` among them.
pub(crate) fn flat(node: &Node) -> Vec<(Name, Node)> {
    let mut out = Vec::new();
    for (name, value) in node.map().map(|map| map.entries.as_slice()).unwrap_or_default() {
        match (&value.value, name.text.as_str()) {
            (Value::Map(options), "options") => out.extend(options.entries.iter().cloned()),
            _ => out.push((name.clone(), value.clone())),
        }
    }
    out
}

/// A home or store whose kind is known, with the keys of that kind.
pub(crate) struct Opened {
    pub(crate) kind: Kind,
    pub(crate) fields: Fields,
    /// `a csv home`.
    pub(crate) shown: &'static str,
    pub(crate) spot: Spot,
}

/// Reads `type` first, then the keys that go with it.
pub(crate) fn open(written: &Written, side: &Side, names: &Names, problems: &mut Problems) -> Option<Opened> {
    let written = &problems.keep(super::local::as_type(written))?;
    let kind = kind_of(written, side, names, problems)?;
    let part = kind.of_side(side)?;
    let elsewhere: Vec<(&'static str, &'static [Key])> = side
        .kinds
        .iter()
        .filter(|other| other.shown != part.shown)
        .map(|other| (other.shown, other.own()))
        .chain([("the flow", super::keys::DEFAULTS), ("the flow", super::keys::FLOW)])
        .collect();
    let known = Known { what: part.shown, tables: part.keys, elsewhere: &elsewhere };
    let fields = Fields::read(&written.node, &known, problems);
    let spot = written.bare.clone().unwrap_or_else(|| fields.spot());
    Some(Opened { kind, fields, shown: part.shown, spot })
}

fn kind_of(written: &Written, side: &Side, names: &Names, problems: &mut Problems) -> Option<Kind> {
    let entries = flat(&written.node);
    let get = |key: &str| entries.iter().find(|(name, _)| name.text == key).map(|(_, node)| node);
    if let Some(node) = get("type") {
        let scalar = match &node.value {
            Value::Scalar(scalar) if scalar.lost => return None,
            Value::Scalar(scalar) if !scalar.is_null() => scalar,
            _ => {
                problems.add(
                    Problem::at(&node.at, format!("`type` takes one word, and this is {}", node.kind()))
                        .next(format!("write {}", any_of(side.types.iter().copied()))),
                );
                return None;
            }
        };
        if let Some(kind) = Kind::of(&scalar.text).filter(|kind| kind.of_side(side).is_some()) {
            return Some(kind);
        }
        let more = names.registry.names(side.word);
        problems.add(unknown_kind(&node.at, scalar.shown(), &scalar.text, side, &more));
        return None;
    }
    if ["connection", "table", "query", "tables"].iter().any(|key| get(key).is_some()) {
        return Some(Kind::Sql);
    }
    let Some(path) = get("path") else {
        let why =
            if written.node.map().is_some_and(|map| map.entries.is_empty()) { "is empty" } else { "has no `type`" };
        problems.add(
            Problem::at(&written.node.at, format!("this {} {why}, so nobody knows what it is", side.word))
                .next(format!("write  type: {}  (or {})", side.types[0], any_of(side.types[1..].iter().copied()))),
        );
        return None;
    };
    let scalar = path.scalar().filter(|scalar| !scalar.lost)?;
    match ending(&scalar.text) {
        Ending::File(kind) if kind.of_side(side).is_some() => Some(kind),
        Ending::File(_) => {
            let extension = scalar.text.rsplit('.').next().unwrap_or_default();
            problems.add(
                Problem::at(&path.at, format!("files that end in .{extension} are read by hygge and not written"))
                    .next("end the path in .parquet, .arrow or .csv, or in / for a folder"),
            );
            None
        }
        Ending::Folder | Ending::Unknown(_) if is_web(&scalar.text) => {
            problems.keep(super::connection::sound_url(&path.at, &scalar.text, side.word))?;
            problems.add(
                Problem::at(&path.at, "the end of this URL does not tell of which format the file is")
                    .next(format!("write a mapping with  type: {}", any_of(side.types.iter().copied()))),
            );
            None
        }
        Ending::Folder => Some(Kind::Parquet),
        Ending::Unknown(extension) => {
            problems.keep(super::connection::sound_path(&path.at, &scalar.text))?;
            problems.add(
                Problem::at(
                    &path.at,
                    format!("files that end in .{extension} are of no format that {}s know", side.word),
                )
                .next(format!(
                    "write a mapping with  type: {}, or end the path in / if it is a folder",
                    any_of(side.types.iter().copied())
                )),
            );
            None
        }
    }
}

/// What the wider field offers and this version does not.
pub(crate) const LATER: &[&str] = &[
    "postgres",
    "postgresql",
    "mysql",
    "mariadb",
    "mssql",
    "sqlserver",
    "oracle",
    "duckdb",
    "snowflake",
    "delta",
    "adls",
    "onelake",
    "open_mirroring",
];

/// Whether a text is a word of `type:` that hygge knows or will know: nobody else's types go by it.
#[must_use]
pub fn is_own_type(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let own = [HOME_SIDE.types, STORE_SIDE.types].concat();
    own.contains(&lower.as_str()) || LATER.contains(&lower.as_str())
}

fn unknown_kind(at: &Pos, shown: &str, text: &str, side: &Side, more: &[&str]) -> Problem {
    let lower = text.to_ascii_lowercase();
    let known = side.types.iter().chain(more).copied();
    let types = any_of(known.clone());
    if LATER.contains(&lower.as_str()) {
        return Problem::at(
            at,
            format!("a {} of type `{shown}` comes later; this version does not know it", side.word),
        )
        .next(format!("use one of those that work now: {types} (sql is SQLite)"));
    }
    let advice = match nearest(text, known) {
        Some(near) => format!("write {near}, if that was meant"),
        None => format!("write {types}"),
    };
    Problem::at(at, format!("no {} is of type `{shown}`", side.word)).next(advice)
}

/// What the end of a path tells.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ending<'a> {
    /// A file of this format.
    File(Kind),
    /// No extension: a folder.
    Folder,
    /// An extension that says nothing.
    Unknown(&'a str),
}

/// What the end of a path tells of its format.
pub(crate) fn ending(path: &str) -> Ending<'_> {
    let path = without_query(path);
    // What stands behind the scheme of a URL is a server, and no name of a file.
    let path = if is_web(path) { path.splitn(4, '/').nth(3).unwrap_or_default() } else { path };
    let last = path.rsplit('/').next().unwrap_or_default();
    let lower = last.to_ascii_lowercase();
    let (unpacked, _) = Codec::split(&lower);
    let ends = |extensions: &[&str]| extensions.iter().any(|extension| lower.ends_with(extension));
    let packed = |extensions: &[&str]| extensions.iter().any(|extension| unpacked.ends_with(extension));
    if ends(&[".parquet"]) {
        return Ending::File(Kind::Parquet);
    }
    if packed(&[".csv", ".tsv"]) {
        return Ending::File(Kind::Csv);
    }
    if ends(&[".arrow", ".arrows", ".feather", ".ipc"]) {
        return Ending::File(Kind::Arrow);
    }
    if ends(&[".avro"]) {
        return Ending::File(Kind::Avro);
    }
    if ends(&[".xlsx", ".xlsm"]) {
        return Ending::File(Kind::Xlsx);
    }
    if packed(&[".ndjson", ".jsonl"]) {
        return Ending::File(Kind::Ndjson);
    }
    if packed(&[".json"]) {
        return Ending::File(Kind::Json);
    }
    if ends(&[".db", ".sqlite", ".sqlite3", ".db3"]) {
        return Ending::File(Kind::Sql);
    }
    match last.rsplit_once('.') {
        Some((stem, extension))
            if !stem.trim_matches('.').is_empty()
                && (2..=8).contains(&extension.len())
                && extension.starts_with(|c: char| c.is_ascii_alphabetic())
                && extension.chars().all(|c| c.is_ascii_alphanumeric()) =>
        {
            Ending::Unknown(extension)
        }
        _ => Ending::Folder,
    }
}
