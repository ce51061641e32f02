//! Reading homes and stores of types that were registered, and those that are programs.

use hygge_core::home::Source;

use super::entity::Slot;
use super::fields::{Fields, Known};
use super::home::{HomePart, columns};
use super::keys::{HOME, STORE};
use super::kinds::{Argument, CustomHome, CustomStore, Exec, HomeConfig, StoreConfig};
use super::part::{Names, Opened, Written, flat};
use super::problem::{Problem, Problems};
use super::source::Pos;
use super::store::StorePart;
use super::yaml::{Map, Name, Node, Scalar, Value};
use crate::extend::{HomeType, Options, StoreType};

const ENTITY: &str = "{entity}";

/// The word of `type:`, where it is one.
fn type_of(written: &Written) -> Option<String> {
    let entries = flat(&written.node);
    let (_, node) = entries.iter().find(|(name, _)| name.text == "type")?;
    node.scalar().filter(|scalar| !scalar.lost).map(|scalar| scalar.text.clone())
}

/// Parts the keys that every home or store takes from those of the type, which may stand inside `options:` or beside it.
fn parted(written: &Written, own: &[super::keys::Key]) -> (Node, Vec<(Name, Node)>) {
    let (own, other): (Vec<_>, Vec<_>) =
        flat(&written.node).into_iter().partition(|(name, _)| own.iter().any(|key| key.name == name.text));
    (Node { at: written.node.at.clone(), value: Value::Map(Map { entries: own }) }, other)
}

fn options(written: &Written, what: String, entries: Vec<(Name, Node)>, problems: &mut Problems) -> Options {
    for (n, (name, _)) in entries.iter().enumerate() {
        if let Some((first, _)) = entries[..n].iter().find(|(first, _)| first.text == name.text) {
            problems.add(
                Problem::at(&name.at, format!("`{}` is given twice, first at {}", name.text, first.at))
                    .next("keep one of the two, inside `options:` or beside it")
                    .also(&first.at),
            );
        }
    }
    Options::new(&written.node.at, what, entries)
}

/// The registered type that a home is of, if it is of one.
pub(crate) fn home_type(written: &Written, names: &Names) -> Option<(String, HomeType)> {
    let kind = type_of(written)?;
    let made_by = names.registry.home_type(&kind)?.clone();
    Some((kind, made_by))
}

/// The registered type that a store is of, if it is of one.
pub(crate) fn store_type(written: &Written, names: &Names) -> Option<(String, StoreType)> {
    let kind = type_of(written)?;
    let made_by = names.registry.store_type(&kind)?.clone();
    Some((kind, made_by))
}

/// Reads a home of a registered type. None: it is broken, and why has been told.
pub(crate) fn home(written: &Written, of: (String, HomeType), problems: &mut Problems) -> Option<HomePart> {
    let (kind, made_by) = of;
    let before = problems.told();
    let (own, entries) = parted(written, HOME);
    let what = format!("a home of type {kind}");
    let fields = Fields::read(&own, &Known { what: &what, tables: &[HOME], elsewhere: &[] }, problems);
    let columns = columns(&fields, problems);
    no_types(columns.as_ref().filter(|said| !said.types.is_empty()).map(|said| &said.at), problems);
    let options = options(written, what, entries, problems);
    if let Some(problem) = (made_by.check)(&options).err().and_then(|wrong| wrong.problem(&options)) {
        problems.add(problem);
    }
    let config = HomeConfig::Custom(CustomHome { kind, options, made_by });
    (problems.told() == before).then(|| free(&fields, config, columns, fields.spot()))
}

/// Reads a store of a registered type. None: it is broken, and why has been told.
pub(crate) fn store(written: &Written, of: (String, StoreType), problems: &mut Problems) -> Option<StorePart> {
    let (kind, made_by) = of;
    let before = problems.told();
    let (own, entries) = parted(written, STORE);
    let what = format!("a store of type {kind}");
    let fields = Fields::read(&own, &Known { what: &what, tables: &[STORE], elsewhere: &[] }, problems);
    let options = options(written, what, entries, problems);
    if let Some(problem) = (made_by.check)(&options).err().and_then(|wrong| wrong.problem(&options)) {
        problems.add(problem);
    }
    let config = StoreConfig::Custom(CustomStore { kind, options, made_by });
    let (at, spot) = (fields.at.clone(), fields.spot());
    (problems.told() == before).then(|| StorePart { place_at: at.clone(), at, config, spot })
}

fn free(
    fields: &Fields,
    config: HomeConfig,
    columns: Option<super::home::ColumnsSaid>,
    spot: super::spot::Spot,
) -> HomePart {
    HomePart {
        at: fields.at.clone(),
        config,
        is_sql: false,
        is_free: true,
        table: None,
        query: None,
        tables: None,
        exclude: None,
        columns,
        filter: None,
        batch_rows: fields.count("batch_size"),
        readers: fields.count("readers"),
        spot,
    }
}

/// Tells that types cannot be given, where some are.
pub(crate) fn no_types(at: Option<&Pos>, problems: &mut Problems) {
    if let Some(at) = at {
        problems.add(
            Problem::at(at, "this home knows the types of its columns, so none can be given here")
                .next("write the names only:  columns: [id, name]"),
        );
    }
}

/// The program of a home or store of type `exec`.
pub(crate) fn exec(opened: &Opened, problems: &mut Problems) -> Option<Exec> {
    let fields = &opened.fields;
    let argument = |scalar: &Scalar| Argument { text: scalar.text.clone(), written: scalar.written.clone() };
    let Some(node) = fields.node("command") else {
        if !fields.has("command") && !fields.strange {
            problems.add(
                Problem::at(&fields.at, format!("{} needs a `command`", opened.shown))
                    .next("write  command: [python3, my_program.py]"),
            );
        }
        return None;
    };
    let Value::List(items) = &node.value else { return None };
    let command: Vec<Argument> = items.iter().filter_map(Node::scalar).map(argument).collect();
    if command.first().is_none_or(|program| program.text.is_empty()) {
        problems
            .add(Problem::at(&node.at, "`command` names no program").next("write  command: [python3, my_program.py]"));
        return None;
    }
    let variables = fields.node("env").and_then(Node::map).map(|map| map.entries.as_slice()).unwrap_or_default();
    for (name, _) in variables {
        if name.text.is_empty() || name.text.contains(['=', '\0']) {
            problems.add(
                Problem::at(&name.at, "this can be no variable's name").next("write a name of letters, digits and _"),
            );
        }
    }
    let env = variables.iter().filter_map(|(name, node)| Some((name.text.clone(), argument(node.scalar()?)))).collect();
    Some(Exec { command, env, replaces: fields.flag("replaces").is_some_and(|said| said.value) })
}

/// What an entity reads of a home that decides by itself what there is: all of it.
pub(crate) fn source(slot: &Slot, home: &HomePart, problems: &mut Problems) -> Option<Source> {
    if let HomeConfig::Exec(program) = &home.config {
        entity_in(slot, slot.own_home, program, &home.at, "the home's command", problems)?;
    }
    Some(Source::Whole { entity: slot.name.clone() })
}

/// Where an entity settles, if its store decides that by itself.
pub(crate) fn place(slot: &Slot, many: bool, store: &StorePart, problems: &mut Problems) -> Option<StoreConfig> {
    if let StoreConfig::Exec(program) = &store.config {
        if many && slot.name.is_none() {
            // Each table that is found fills it in.
            if !program.holds(ENTITY) {
                problems.add(every_entity(&store.at, slot));
                return None;
            }
        } else {
            entity_in(slot, slot.own_store, program, &store.at, "the store's command", problems)?;
        }
    }
    Some(store.config.clone())
}

fn every_entity(at: &Pos, slot: &Slot) -> Problem {
    Problem::at(at, "every entity of the flow would run the same command")
        .next("put {entity} into the command, as in  command: [python3, my_program.py, \"{entity}\"]")
        .also(&slot.at)
}

fn entity_in(slot: &Slot, own: bool, program: &Exec, at: &Pos, what: &str, problems: &mut Problems) -> Option<()> {
    let holds = program.holds(ENTITY);
    match &slot.name {
        None if holds => problems.add(
            Problem::at(at, format!("`{{entity}}` in {what} stands for the name of an entity, and the flow has none"))
                .next("list them in the flow:  entities: [users, orders]"),
        ),
        Some(_) if !holds && !own => problems.add(every_entity(at, slot)),
        _ => return Some(()),
    }
    None
}
