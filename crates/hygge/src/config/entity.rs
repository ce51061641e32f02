//! Joining what an entity, its flow and the defaults say into one meaning.

use std::time::Duration;

use hygge_core::flow::{Missing, Verify};

use super::fields::{Fields, Said};
use super::home::{self, ColumnsSaid, HomePart};
use super::kinds::{ColumnTypes, HomeConfig};
use super::mode::{Facts, WatermarkSaid, Wish, settle, watermark};
use super::problem::{Problem, Problems};
use super::question::{place, source};
use super::resolved::{DEFAULT_BATCH_ROWS, Entity, RootOptions};
use super::source::Pos;
use super::spot::{Spot, Spots};
use super::store::StorePart;

/// The options of one place: an entity, a flow, its defaults, the root's defaults.
#[derive(Default)]
pub(crate) struct Layer {
    wish: Wish,
    watermark: Option<WatermarkSaid>,
    key: Option<Said<Vec<Said<String>>>>,
    columns: Option<ColumnsSaid>,
    filter: Option<Said<String>>,
    batch_rows: Option<u64>,
    readers: Option<u64>,
    verify: Option<&'static str>,
    missing: Option<&'static str>,
    adopt: Option<bool>,
    retries: Option<u64>,
    timeout: Option<Duration>,
}

impl Layer {
    /// Reads the options of one place.
    pub(crate) fn read(fields: &Fields, problems: &mut Problems) -> Self {
        let watermark = watermark(fields, problems);
        let mut key = fields.texts("key");
        if let Some(primary) = watermark.as_ref().and_then(|said| said.key.clone()) {
            let same = |one: &[Said<String>], other: &[Said<String>]| {
                one.iter().map(|said| &said.value).eq(other.iter().map(|said| &said.value))
            };
            match &key {
                Some(key) if !same(&key.value, &primary.value) => problems.add(
                    Problem::at(&primary.at, format!("`primary_key` disagrees with `key` at {}", key.at))
                        .next("keep one of the two")
                        .also(&key.at),
                ),
                _ => key = Some(primary),
            }
        }
        if let Some(said) = &key {
            for (n, one) in said.value.iter().enumerate() {
                if said.value[..n].iter().any(|other| other.value == one.value) {
                    problems.add(
                        Problem::at(&one.at, format!("the key names the column `{}` twice", one.value))
                            .next("keep one of the two"),
                    );
                }
            }
            if said.value.is_empty() {
                problems.add(
                    Problem::at(&said.at, "`key` is an empty list").next("name the columns, or take the line out"),
                );
            }
        }
        Self {
            wish: Wish::read(fields, problems),
            watermark,
            key,
            columns: home::columns(fields, problems),
            filter: fields.text("where"),
            batch_rows: fields.count("batch_size").map(|said| said.value),
            readers: fields.count("readers").map(|said| said.value),
            verify: fields.word("verify").map(|said| said.value),
            missing: fields.word("missing").map(|said| said.value),
            adopt: fields.flag("adopt").map(|said| said.value),
            retries: fields.count("retries").map(|said| said.value),
            timeout: fields.span("timeout").map(|said| said.value),
        }
    }
}

/// Which entity is built.
pub(crate) struct Slot {
    pub(crate) name: Option<String>,
    pub(crate) at: Pos,
    /// Whether the home says by itself what to read, without the entity's name.
    pub(crate) own_home: bool,
    /// Whether the store says by itself where rows settle.
    pub(crate) own_store: bool,
    /// Where the flow, or the entity if it is a mapping, takes another option.
    pub(crate) spot: Spot,
    /// Where an entity takes another option, if its flow lists it.
    pub(crate) entity_spot: Option<Spot>,
    pub(crate) formerly: Option<String>,
}

/// Joins the layers, strongest first; the last one is the root's defaults.
pub(crate) fn build(
    slot: Slot,
    home: &HomePart,
    store: &StorePart,
    layers: &[&Layer],
    options: &RootOptions,
    problems: &mut Problems,
) -> Option<Entity> {
    let before = problems.told();
    let (own, last) = layers.split_at(layers.len() - 1);
    let wish = layers.iter().fold(Wish::default(), |wish, layer| wish.over(&layer.wish));
    let said_watermark = own.iter().find_map(|layer| layer.watermark.as_ref());
    // A watermark that holds for all flows means those that can have one.
    let watermark =
        said_watermark.or_else(|| last.iter().find_map(|layer| layer.watermark.as_ref()).filter(|_| home.is_sql));
    let key_said = layers.iter().find_map(|layer| layer.key.as_ref());
    let key: Vec<String> =
        key_said.map(|said| said.value.iter().map(|one| one.value.clone()).collect()).unwrap_or_default();
    let (columns, types) = columns(home, own);
    if let (Some(chosen), Some(said)) = (&columns, key_said)
        && let Some(left_out) = said.value.iter().find(|one| !chosen.contains(&one.value))
    {
        problems.add(
            Problem::at(&left_out.at, format!("the key column `{}` is not among the chosen `columns`", left_out.value))
                .next("add it to `columns`, or take it out of the key"),
        );
    }
    let filter = own.iter().find_map(|layer| layer.filter.as_ref()).or(home.filter.as_ref());
    check_question(home, own, problems);
    let source = source(&slot, home, problems);
    let store_config = place(&slot, home, store, problems);
    let facts = Facts {
        at: &slot.at,
        home_is_sql: home.is_sql,
        home_is_free: home.is_free,
        home_is_query: home.query.is_some(),
        store: &store.config,
        store_at: &store.place_at,
        key: &key,
        watermark,
    };
    let settles = settle(&wish, &facts, problems);
    let mut config = with_types(home, types, own, problems);
    if let HomeConfig::Sqlite(home) = &mut config {
        home.many_tables |= slot.name.is_some();
    }
    let rows = own.iter().find_map(|layer| layer.batch_rows);
    let rows = rows.or(home.batch_rows.as_ref().map(|said| said.value)).or(last.iter().find_map(|l| l.batch_rows));
    let readers = own.iter().find_map(|layer| layer.readers);
    let readers = readers.or(home.readers.as_ref().map(|said| said.value)).or(last.iter().find_map(|l| l.readers));
    let first = |pick: fn(&Layer) -> Option<&'static str>| layers.iter().find_map(|layer| pick(layer));
    if problems.told() > before {
        return None;
    }
    let settles = settles?;
    Some(Entity {
        name: slot.name,
        home: config,
        source: source?,
        columns,
        filter: filter.map(|said| said.value.clone()),
        store: store_config?,
        settling: settles.settling,
        incremental: settles.incremental,
        cursor: settles.cursor,
        key,
        every_run: settles.every_run,
        batch_rows: rows.and_then(|n| usize::try_from(n).ok()).unwrap_or(DEFAULT_BATCH_ROWS),
        readers: readers.and_then(|n| usize::try_from(n).ok()),
        verify: if first(|l| l.verify) == Some("contents") { Verify::Contents } else { Verify::Counted },
        missing: if first(|l| l.missing) == Some("ignore") { Missing::Ignore } else { Missing::Error },
        adopt: layers.iter().find_map(|layer| layer.adopt).unwrap_or(false),
        formerly: slot.formerly,
        retries: layers
            .iter()
            .find_map(|layer| layer.retries)
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or(options.retries),
        timeout: layers.iter().find_map(|layer| layer.timeout).or(options.timeout),
        spots: Spots {
            home: home.spot.clone(),
            store: store.spot.clone(),
            flow: slot.spot,
            entity: slot.entity_spot,
            many_tables: home.tables.is_some(),
        },
    })
}

/// The chosen columns of the strongest place that chooses, and the types of all.
fn columns(home: &HomePart, layers: &[&Layer]) -> (Option<Vec<String>>, ColumnTypes) {
    let said = || layers.iter().filter_map(|layer| layer.columns.as_ref()).chain(home.columns.as_ref());
    let mut types: ColumnTypes = Vec::new();
    for (name, kind) in said().flat_map(|said| &said.types) {
        if !types.iter().any(|(other, _)| other == name) {
            types.push((name.clone(), kind.clone()));
        }
    }
    (said().find_map(|said| said.chosen.clone()), types)
}

fn with_types(home: &HomePart, types: ColumnTypes, layers: &[&Layer], problems: &mut Problems) -> HomeConfig {
    let mut config = home.config.clone();
    match &mut config {
        HomeConfig::Sqlite(home) => home.types = types,
        HomeConfig::Csv(home) => home.types = types,
        HomeConfig::Json(home) => home.types = types,
        HomeConfig::Xlsx(home) => home.types = types,
        HomeConfig::Exec(_) | HomeConfig::Custom(_) => {
            let said = layers.iter().filter_map(|l| l.columns.as_ref()).find(|said| !said.types.is_empty());
            super::custom::no_types(said.map(|said| &said.at), problems);
        }
        other => {
            let shown = match other {
                HomeConfig::Arrow(_) => "Arrow",
                HomeConfig::Avro(_) => "Avro",
                _ => "Parquet",
            };
            let said = layers.iter().filter_map(|l| l.columns.as_ref()).find(|said| !said.types.is_empty());
            super::home::no_types(shown, said, problems);
        }
    }
    config
}

/// Refuses parts of the question that this home cannot be asked.
fn check_question(home: &HomePart, layers: &[&Layer], problems: &mut Problems) {
    let filter = layers.iter().find_map(|layer| layer.filter.as_ref());
    if let Some(filter) = filter.filter(|_| !home.is_sql && !home.is_free) {
        problems.add(
            Problem::at(&filter.at, "`where` is a condition in SQL, and files know none")
                .next("take the line out, or carry the files into SQLite first"),
        );
    }
    let Some(tables) = &home.tables else { return };
    let chosen = layers.iter().filter_map(|layer| layer.columns.as_ref()).chain(home.columns.as_ref());
    let chosen = chosen.into_iter().find(|said| said.chosen.is_some());
    for (name, at) in [("where", filter.map(|said| &said.at)), ("columns", chosen.map(|said| &said.at))] {
        if let Some(at) = at {
            problems.add(
                Problem::at(at, format!("one `{name}` cannot be asked of every table that `tables` finds"))
                    .next(format!("list the tables as  entities:  of the flow, each with its own `{name}`"))
                    .also(&tables.at),
            );
        }
    }
}
