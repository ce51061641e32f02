//! Reading the top of the tree: connections, named homes and stores, options, and every flow.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use hygge_core::home::Source;

use super::connection::sqlite_path;
use super::entity::Layer;
use super::fields::{Fields, Known};
use super::flow::{self, Shared};
use super::home::{self, HomePart};
use super::keys::{DEFAULTS, FLOW, Key, ROOT, ROOT_OPTIONS};
use super::order::{self, Waits};
use super::part::{HOME_SIDE, LATER, Names, STORE_SIDE, Side, entry, is_path, is_url};
use super::problem::{Problem, Problems};
use super::resolved::{LogLevel, NamedHome, Project, RootOptions};
use super::store;
use super::yaml::{Map, Name, Node, Value};
use crate::extend::Registry;

/// What the tree does not say: which of its flows came from files of their own.
#[derive(Default)]
pub(crate) struct Layout {
    pub(crate) in_files: HashSet<String>,
}

/// Works out what the tree means. Not to be used if a problem was told.
pub(crate) fn resolve(root: &Node, layout: &Layout, registry: &Arc<Registry>, problems: &mut Problems) -> Project {
    let elsewhere: &[(&'static str, &'static [Key])] =
        &[("the root's `options:`", ROOT_OPTIONS), ("a flow", FLOW), ("a flow", DEFAULTS)];
    // The root has its own `options:`, so a key of it is not looked for in them.
    let known = Known { what: "the top of hygge.yml", tables: &[ROOT], elsewhere };
    let fields = Fields::read(root, &known, problems);
    let options = options(&fields, problems);
    let names = Names {
        homes: section(&fields, "homes", problems),
        stores: section(&fields, "stores", problems),
        connections: section(&fields, "connections", problems),
        registry: Arc::clone(registry),
    };
    connections(&names, problems);
    let homes = homes(&names, problems);
    stores(&names, problems);
    let defaults = group(&fields, "defaults", DEFAULTS, problems).map(|defaults| Layer::read(&defaults, problems));
    let defaults = defaults.unwrap_or_default();
    let shared = Shared { names: &names, options: &options, defaults: &defaults };
    let flows = section(&fields, "flows", problems);
    if !fields.has("flows") && root.map().is_some() {
        problems.add(
            Problem::at(&root.at, "there are no flows here, so there is nothing to do")
                .next("describe one:  flows: {users: {home: …, store: data/users}}"),
        );
    }
    let read: Vec<_> = flows
        .entries
        .iter()
        .map(|(name, node)| flow::read(name, node, layout.in_files.contains(&name.text), &shared, problems))
        .collect();
    let waits: Vec<_> =
        read.iter().map(|flow| Waits { name: flow.name.text.clone(), on: flow.depends_on.clone() }).collect();
    order::check(&waits, problems);
    Project {
        root: PathBuf::new(),
        file: PathBuf::new(),
        name: fields.text("name").map(|said| said.value).unwrap_or_default(),
        is_named: false,
        options,
        flows: read.into_iter().filter_map(|flow| flow.flow).collect(),
        homes,
    }
}

fn group(fields: &Fields, name: &str, table: &'static [Key], problems: &mut Problems) -> Option<Fields> {
    let node = fields.node(name)?;
    let what = format!("`{name}`");
    Some(Fields::read(node, &Known { what: &what, tables: &[table], elsewhere: &[] }, problems))
}

fn options(fields: &Fields, problems: &mut Problems) -> RootOptions {
    let mut out = RootOptions::default();
    let Some(options) = group(fields, "options", ROOT_OPTIONS, problems) else { return out };
    let small = |n: u64| u32::try_from(n).ok();
    if let Some(n) = options.count("concurrency").and_then(|said| usize::try_from(said.value).ok()) {
        out.concurrency = n;
    }
    if let Some(said) = options.flag("continue_on_error") {
        out.continue_on_error = said.value;
    }
    if let Some(said) = options.size("memory") {
        out.memory = said.value;
    }
    out.timeout = options.span("timeout").map(|said| said.value);
    if let Some(n) = options.count("retries").and_then(|said| small(said.value)) {
        out.retries = n;
    }
    if let Some(said) = options.days("keep") {
        out.keep = said.value;
    }
    out.log_level = match options.word("log_level").map(|said| said.value) {
        Some("error") => LogLevel::Error,
        Some("warn") => LogLevel::Warn,
        Some("debug") => LogLevel::Debug,
        Some("trace") => LogLevel::Trace,
        _ => LogLevel::Info,
    };
    out
}

/// A section of named entries, with names that can be referred to.
fn section(fields: &Fields, name: &str, problems: &mut Problems) -> Map {
    let Some(map) = fields.node(name).and_then(Node::map) else { return Map::default() };
    for (name, _) in &map.entries {
        problems.keep(sound_name(name));
    }
    map.clone()
}

fn sound_name(name: &Name) -> Result<(), Problem> {
    let sound = !name.text.is_empty()
        && !name.text.starts_with('-')
        && name.text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if sound {
        return Ok(());
    }
    Err(Problem::at(&name.at, format!("`{}` cannot be a name", super::source::mask(&name.text)))
        .next("use letters, digits, _ and - for names; a path or a pattern is told from a name by its / . and *"))
}

fn connections(names: &Names, problems: &mut Problems) {
    for (_, node) in &names.connections.entries {
        let kind = node.map().and_then(|map| map.get("type")).and_then(Node::scalar);
        if let Some(kind) = kind.filter(|kind| LATER.contains(&kind.text.to_ascii_lowercase().as_str())) {
            problems.add(
                Problem::at(&node.at, format!("connections of type `{}` come later", kind.shown()))
                    .next("take it out, with the flows that use it; this version knows  sqlite:///shop.db"),
            );
            continue;
        }
        let Some(scalar) = node.scalar().filter(|scalar| !scalar.is_null()) else {
            problems.add(
                Problem::at(&node.at, format!("a connection is one URL, and this is {}", node.kind()))
                    .next("write a URL such as sqlite:///shop.db"),
            );
            continue;
        };
        if scalar.lost {
            continue;
        }
        if is_url(&scalar.text) {
            problems.keep(sqlite_path(&node.at, &scalar.text));
        } else {
            problems
                .add(Problem::at(&node.at, "a connection is a URL, and this is none").next("write sqlite:///shop.db"));
        }
    }
}

/// Every named entry is read, used or not: a mistake in it is told before it is needed.
fn entries<'n>(map: &'n Map, side: &'static Side, problems: &mut Problems) -> Vec<(&'n Name, &'n Node)> {
    let mut out = Vec::new();
    for (name, node) in &map.entries {
        match &node.value {
            Value::Scalar(scalar) if scalar.lost => {}
            Value::Scalar(scalar) if is_path(&scalar.text) => out.push((name, node)),
            Value::Map(_) => out.push((name, node)),
            _ => problems.add(
                Problem::at(
                    &node.at,
                    format!("a {} is written as a mapping or a path, and this is {}", side.word, node.kind()),
                )
                .next("write  key: value  lines below its name, beginning with  type:"),
            ),
        }
    }
    out
}

fn homes(names: &Names, problems: &mut Problems) -> Vec<NamedHome> {
    let mut out = Vec::new();
    for (name, node) in entries(&names.homes, &HOME_SIDE, problems) {
        let Some(written) = entry(name, node) else { continue };
        let Some(part) = home::read(&written, names, problems) else { continue };
        out.push(named(name.text.clone(), part));
    }
    out
}

fn named(name: String, part: HomePart) -> NamedHome {
    let source = match (part.table, part.query) {
        (Some(table), _) => Some(Source::Table(table.value)),
        (_, Some(query)) => Some(Source::Query(query.value)),
        _ if part.is_sql => None,
        _ => Some(Source::Whole { entity: None }),
    };
    NamedHome {
        name,
        home: part.config,
        source,
        columns: part.columns.and_then(|said| said.chosen),
        filter: part.filter.map(|said| said.value),
        spot: part.spot,
    }
}

fn stores(names: &Names, problems: &mut Problems) {
    for (name, node) in entries(&names.stores, &STORE_SIDE, problems) {
        if let Some(written) = entry(name, node) {
            store::read(&written, names, problems);
        }
    }
}
