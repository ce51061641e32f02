//! Reading a flow and its entities.

use super::entity::{Layer, Slot, build};
use super::fields::{Fields, Known, Said};
use super::home::{self, HomePart};
use super::keys::{DEFAULTS, ENTITY, FLOW, FLOW_FILE, HOMES, Key, QUESTION, STORES};
use super::part::{HOME_SIDE, Names, STORE_SIDE, Side, Written, overlay, written};
use super::problem::{Problem, Problems};
use super::resolved::{Entities, Entity, Flow, RootOptions};
use super::source::Pos;
use super::spot::Spot;
use super::store::{self, StorePart};
use super::yaml::{Name, Node, Value};

/// What every flow of a project shares.
pub(crate) struct Shared<'p> {
    pub(crate) names: &'p Names,
    pub(crate) options: &'p RootOptions,
    pub(crate) defaults: &'p Layer,
}

/// A flow as it was read, with its unchecked dependencies.
pub(crate) struct ReadFlow {
    pub(crate) name: Name,
    pub(crate) depends_on: Vec<Said<String>>,
    pub(crate) flow: Option<Flow>,
}

/// Reads a flow. `in_file` says that it has a file of its own, and may name itself.
pub(crate) fn read(name: &Name, node: &Node, in_file: bool, shared: &Shared<'_>, problems: &mut Problems) -> ReadFlow {
    let tables: &[&'static [Key]] =
        if in_file { &[FLOW, QUESTION, DEFAULTS, FLOW_FILE] } else { &[FLOW, QUESTION, DEFAULTS] };
    let elsewhere = elsewhere();
    let fields = Fields::read(node, &Known { what: "a flow", tables, elsewhere: &elsewhere }, problems);
    let depends_on = fields.texts("depends_on").map(|said| said.value).unwrap_or_default();
    let before = problems.told();
    let entities = read_entities(name, &fields, shared, problems);
    let flow = entities.filter(|_| problems.told() == before).map(|entities| Flow {
        name: name.text.clone(),
        at: Some(name.at.clone()),
        depends_on: depends_on.iter().map(|said| said.value.clone()).collect(),
        entities,
    });
    ReadFlow { name: name.clone(), depends_on, flow }
}

/// Where keys belong that a flow does not take.
fn elsewhere() -> Vec<(&'static str, &'static [Key])> {
    let homes = HOMES.iter().map(|part| ("the home", part.own()));
    let stores = STORES.iter().map(|part| ("the store", part.own()));
    homes.chain(stores).chain([("the root's `options:`", super::keys::ROOT_OPTIONS)]).collect()
}

fn read_entities(name: &Name, fields: &Fields, shared: &Shared<'_>, problems: &mut Problems) -> Option<Entities> {
    let defaults = fields.node("defaults").map(|node| {
        Fields::read(node, &Known { what: "`defaults`", tables: &[DEFAULTS], elsewhere: &elsewhere() }, problems)
    });
    if let Some(defaults) = &defaults {
        for (key, at) in defaults.written() {
            if let Some(beside) = fields.at(key) {
                problems.add(
                    Problem::at(at, format!("`{key}` is given twice, in `defaults:` and at {beside}"))
                        .next("keep one of the two")
                        .also(beside),
                );
            }
        }
    }
    let flow_spot = fields.spot();
    let flow_layer = Layer::read(fields, problems);
    let default_layer = defaults.map(|defaults| Layer::read(&defaults, problems)).unwrap_or_default();
    let home = part(fields, &HOME_SIDE, shared, problems);
    let store = part(fields, &STORE_SIDE, shared, problems);
    let base = Base {
        home: home.as_ref(),
        store: store.as_ref(),
        has_home: fields.has("home"),
        has_store: fields.has("store"),
    };
    let formerly = fields.text("formerly").map(|said| said.value);
    let Some(list) = fields.node("entities") else {
        if fields.has("entities") {
            return None;
        }
        for (side, part) in [(&HOME_SIDE, &home), (&STORE_SIDE, &store)] {
            if part.is_none() && !fields.has(side.word) && !fields.strange {
                let example = if side.word == "home" { "users" } else { "data/users" };
                problems.add(
                    Problem::at(&name.at, format!("the flow `{}` has no {}", name.text, side.word))
                        .next(format!("add  {}: {example}  (a name, a path or a mapping)", side.word)),
                );
            }
        }
        let home = home::read(home.as_ref()?, shared.names, problems);
        let store = store::read(store.as_ref()?, shared.names, problems);
        let (home, store) = (home?, store?);
        let slot = Slot {
            name: None,
            at: name.at.clone(),
            own_home: true,
            own_store: true,
            spot: flow_spot,
            entity_spot: None,
            formerly,
        };
        let layers = [&flow_layer, &default_layer, shared.defaults];
        let entity = build(slot, &home, &store, &layers, shared.options, problems)?;
        return Some(match &home.tables {
            None => Entities::Listed(vec![entity]),
            Some(tables) => Entities::Tables {
                pattern: tables.value.clone(),
                exclude: home
                    .exclude
                    .as_ref()
                    .map(|said| said.value.iter().map(|one| one.value.clone()).collect())
                    .unwrap_or_default(),
                template: Box::new(entity),
            },
        });
    };
    let Value::List(items) = &list.value else { return None };
    if items.is_empty() {
        problems.add(
            Problem::at(&list.at, "`entities` is an empty list, so the flow would move nothing")
                .next("name the entities, or take the line out"),
        );
    }
    let mut out: Vec<Entity> = Vec::new();
    let mut seen: Vec<(String, Pos)> = Vec::new();
    for item in items {
        let Some(one) = read_entity(item, &base, &flow_spot, shared, problems) else { continue };
        if let Some((_, first)) = seen.iter().find(|(name, _)| *name == one.name.value) {
            problems.add(
                Problem::at(&one.name.at, format!("the entity `{}` is given twice, first at {first}", one.name.value))
                    .next("keep one of the two, or give one another name")
                    .also(first),
            );
            continue;
        }
        seen.push((one.name.value.clone(), one.name.at.clone()));
        let slot = Slot {
            name: Some(one.name.value),
            at: one.name.at,
            own_home: one.own_home,
            own_store: one.own_store,
            spot: one.spot,
            entity_spot: Some(one.entity_spot),
            formerly: formerly.clone(),
        };
        let layers = [&one.layer, &flow_layer, &default_layer, shared.defaults];
        out.extend(build(slot, &one.home, &one.store, &layers, shared.options, problems));
    }
    Some(Entities::Listed(out))
}

fn part(fields: &Fields, side: &Side, shared: &Shared<'_>, problems: &mut Problems) -> Option<Written> {
    written(fields.at(side.word)?, fields.node(side.word)?, side, shared.names, problems)
}

/// The flow's own home and store.
struct Base<'f> {
    home: Option<&'f Written>,
    store: Option<&'f Written>,
    /// Whether one was written, sound or not.
    has_home: bool,
    has_store: bool,
}

struct OneEntity {
    name: Said<String>,
    home: HomePart,
    store: StorePart,
    /// Whether it says itself what to read, rather than the flow with the entity's name filled in.
    own_home: bool,
    own_store: bool,
    layer: Layer,
    spot: Spot,
    entity_spot: Spot,
}

fn read_entity(
    item: &Node,
    base: &Base<'_>,
    flow_spot: &Spot,
    shared: &Shared<'_>,
    problems: &mut Problems,
) -> Option<OneEntity> {
    let mut layer = Layer::default();
    let mut spot = flow_spot.clone();
    let (mut home, mut store) = (base.home.cloned(), base.store.cloned());
    let (mut own_home, mut own_store) = (false, false);
    let mut entity_spot = None;
    let name = if item.map().is_some() {
        let tables: &[&'static [Key]] = &[ENTITY, QUESTION, DEFAULTS];
        let fields = Fields::read(item, &Known { what: "an entity", tables, elsewhere: &elsewhere() }, problems);
        layer = Layer::read(&fields, problems);
        spot = fields.spot();
        entity_spot = Some(spot.clone());
        (home, own_home) = own_part(&fields, &HOME_SIDE, home, shared, problems);
        (store, own_store) = own_part(&fields, &STORE_SIDE, store, shared, problems);
        match fields.text("name") {
            Some(name) => name,
            None if fields.has("name") => return None,
            None => {
                problems.add(Problem::at(&item.at, "this entity has no name").next("add  name: users"));
                return None;
            }
        }
    } else {
        let scalar = item.scalar().filter(|scalar| !scalar.lost)?;
        Said { value: scalar.text.clone(), at: item.at.clone() }
    };
    problems.keep(sound_name(&name))?;
    for (part, written, word) in [(&home, base.has_home, "home"), (&store, base.has_store, "store")] {
        if part.is_none() && !written {
            problems.add(
                Problem::at(&name.at, format!("neither the entity `{}` nor its flow has a {word}", name.value))
                    .next(format!("add a  {word}:  to the flow")),
            );
        }
    }
    let home = home::read(home.as_ref()?, shared.names, problems);
    let store = store::read(store.as_ref()?, shared.names, problems);
    let entity_spot = entity_spot.unwrap_or_else(|| Spot::name(&name.at, &name.value));
    Some(OneEntity { name, home: home?, store: store?, own_home, own_store, layer, spot, entity_spot })
}

/// An entity's own home or store: another one, or the flow's with some keys changed.
fn own_part(
    fields: &Fields,
    side: &Side,
    base: Option<Written>,
    shared: &Shared<'_>,
    problems: &mut Problems,
) -> (Option<Written>, bool) {
    let Some(node) = fields.node(side.word) else { return (base, false) };
    let at = fields.at(side.word).unwrap_or(&fields.at);
    let Some(map) = node.map() else { return (written(at, node, side, shared.names, problems), true) };
    let says = |key: &str| {
        map.get(key).is_some()
            || map.get("options").and_then(Node::map).is_some_and(|options| options.get(key).is_some())
    };
    match base {
        Some(base) if !says("type") => {
            let own = ["path", "table", "query", "command"].iter().any(|key| says(key));
            (Some(overlay(&base, node)), own)
        }
        _ => (written(at, node, side, shared.names, problems), true),
    }
}

/// Refuses names of entities that cannot be a table's and a folder's.
fn sound_name(name: &Said<String>) -> Result<(), Problem> {
    let text = &name.value;
    if text.starts_with("_hygge")
        || text.starts_with('.')
        || text.contains(['/', '\\', '{', '}'])
        || text.contains(char::is_control)
    {
        return Err(Problem::at(&name.at, format!("an entity cannot be called `{}`", super::source::mask(text)))
            .next("use a name without / \\ { } that begins with neither . nor _hygge"));
    }
    Ok(())
}
