//! What an entity reads and where it settles: tables, queries and paths, with `{entity}` in them.

use hygge_core::home::Source;

use super::entity::Slot;
use super::home::HomePart;
use super::kinds::StoreConfig;
use super::problem::{Problem, Problems};
use super::source::Pos;
use super::store::StorePart;

const ENTITY: &str = "{entity}";

/// What to read for an entity.
pub(crate) fn source(slot: &Slot, home: &HomePart, problems: &mut Problems) -> Option<Source> {
    if home.is_free {
        return super::custom::source(slot, home, problems);
    }
    let path = home.config.path();
    let written = [home.table.as_ref(), home.query.as_ref()].into_iter().flatten().next();
    let mut texts = vec![(path, &home.at)];
    // Braces in a query are its own: only {entity} means something in it.
    texts.extend(home.table.as_ref().map(|said| (said.value.as_str(), &said.at)));
    for (text, at) in texts {
        problems.keep(only_entity(text, at));
    }
    let holds = path.contains(ENTITY) || written.is_some_and(|said| said.value.contains(ENTITY));
    let Some(name) = &slot.name else {
        if home.tables.is_some() {
            return Some(Source::Whole { entity: None });
        }
        if holds {
            let at = written.map_or(&home.at, |said| &said.at);
            problems.add(
                Problem::at(at, "`{entity}` stands for the name of an entity, and the flow has none")
                    .next("list them in the flow:  entities: [users, orders]"),
            );
            return None;
        }
        return match (&home.table, &home.query) {
            (Some(table), _) => Some(Source::Table(table.value.clone())),
            (_, Some(query)) => Some(Source::Query(query.value.clone())),
            _ if home.is_sql => {
                let same = match home.spot.as_bare() {
                    Some((key, same)) => format!("write  {key}: {{{same}, table: users}}"),
                    None => "add  table: users  to it".to_owned(),
                };
                problems.add(
                    Problem::at(&home.at, "this home is a whole database, and nothing says which table").next(format!(
                        "{same}, or list tables as  entities:  of the flow, or write  tables: \"*\"  for all of them"
                    )),
                );
                None
            }
            _ => Some(Source::Whole { entity: None }),
        };
    };
    if let Some(tables) = &home.tables {
        problems.add(
            Problem::at(&tables.at, "`tables` finds the flow's entities, and the flow also lists them itself")
                .next("keep one of the two: `tables` in the home, or `entities` in the flow"),
        );
        return None;
    }
    if !holds && !slot.own_home {
        if let Some(said) = written {
            problems.add(
                Problem::at(&said.at, "every entity of the flow would read the same rows from here")
                    .next("take the line out: the entity's name is the table's; or put {entity} into it")
                    .also(&slot.at),
            );
            return None;
        }
        if !home.is_sql && (path.contains('*') || super::part::ending(path) != super::part::Ending::Folder) {
            problems.add(
                Problem::at(&home.at, "every entity of the flow would read the same files from here")
                    .next("put {entity} into the path, as in data/{entity}.csv")
                    .also(&slot.at),
            );
            return None;
        }
    }
    let filled = |text: &str| text.replace(ENTITY, name);
    match (&home.table, &home.query) {
        (Some(table), _) => Some(Source::Table(filled(&table.value))),
        (_, Some(query)) => {
            if query.value.contains(ENTITY) && !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
                problems.add(
                    Problem::at(&slot.at, format!("the name `{name}` cannot stand in a query without quotes"))
                        .next("give this entity a query of its own:  home: {query: …}"),
                );
                return None;
            }
            Some(Source::Query(filled(&query.value)))
        }
        _ if home.is_sql => Some(Source::Table(name.clone())),
        // A path of its own is the whole of it; otherwise the home fills the name in, or appends it.
        _ if slot.own_home && !holds => Some(Source::Whole { entity: None }),
        _ => Some(Source::Whole { entity: Some(name.clone()) }),
    }
}

/// Where an entity settles.
pub(crate) fn place(slot: &Slot, home: &HomePart, store: &StorePart, problems: &mut Problems) -> Option<StoreConfig> {
    if store.config.is_free() {
        return super::custom::place(slot, home.tables.is_some(), store, problems);
    }
    let mut config = store.config.clone();
    problems.keep(only_entity(config.path(), &store.place_at))?;
    let table = match &config {
        StoreConfig::Sqlite(store) => store.table.clone(),
        _ => None,
    };
    if let Some(table) = &table {
        problems.keep(only_entity(table, &store.place_at))?;
    }
    let holds = config.path().contains(ENTITY) || table.as_ref().is_some_and(|table| table.contains(ENTITY));
    let several = slot.name.is_some() || home.tables.is_some();
    if !several {
        if holds {
            problems.add(
                Problem::at(&store.place_at, "`{entity}` stands for the name of an entity, and the flow has none")
                    .next("list them in the flow:  entities: [users, orders]"),
            );
            return None;
        }
        if let StoreConfig::Sqlite(sqlite) = &mut config
            && sqlite.table.is_none()
        {
            sqlite.table = home.stem();
            if sqlite.table.is_none() {
                problems.add(
                    Problem::at(&store.at, "this store is a whole database, and nothing says which table")
                        .next("add  table: users  to it"),
                );
                return None;
            }
        }
        return Some(config);
    }
    let own = slot.own_store && slot.name.is_some();
    match &mut config {
        _ if holds => {}
        StoreConfig::Sqlite(sqlite) if sqlite.table.is_some() && !own => {
            problems.add(
                Problem::at(&store.place_at, "every entity of the flow would settle in this one table")
                    .next("take the line out: the entity's name is the table's; or put {entity} into it")
                    .also(&slot.at),
            );
            return None;
        }
        StoreConfig::Sqlite(_) => {}
        config if config.is_one_file() => {
            problems.add(
                Problem::at(&store.place_at, "every entity of the flow would settle in this one file")
                    .next("write a folder, or put {entity} into the file's name")
                    .also(&slot.at),
            );
            return None;
        }
        // The store appends the name; a path that ends in it already says the same.
        StoreConfig::Parquet(files) if own => files.path = own_folder(&files.path, slot, store, problems)?,
        StoreConfig::Csv(files) if own => files.path = own_folder(&files.path, slot, store, problems)?,
        StoreConfig::Json(files) if own => files.path = own_folder(&files.path, slot, store, problems)?,
        StoreConfig::Arrow(files) if own => files.path = own_folder(&files.path, slot, store, problems)?,
        _ => {}
    }
    Some(config)
}

fn own_folder(path: &str, slot: &Slot, store: &StorePart, problems: &mut Problems) -> Option<String> {
    let name = slot.name.as_deref()?;
    let (above, last) = path.rsplit_once('/').map_or((None, path), |(above, last)| (Some(above), last));
    if last == name {
        return Some(above.map_or_else(|| ENTITY.to_owned(), |above| format!("{above}/{ENTITY}")));
    }
    problems.add(
        Problem::at(
            &store.place_at,
            format!("the entity settles in a folder of its name, and this path does not end in {name}"),
        )
        .next(format!("write  path: {path}/{name}")),
    );
    None
}

/// Refuses any other name in braces than `{entity}`.
fn only_entity(text: &str, at: &Pos) -> Result<(), Problem> {
    for part in text.split('{').skip(1) {
        let Some((inside, _)) = part.split_once('}') else { continue };
        if inside != "entity" && !inside.is_empty() && inside.chars().all(|c| c.is_alphanumeric() || c == '_') {
            return Err(Problem::at(at, format!("`{{{inside}}}` stands for nothing; only {{entity}} does"))
                .next("write {entity}, or take the braces out"));
        }
    }
    Ok(())
}

impl HomePart {
    /// The name that a table gets which nobody named: the table's that is read, or the file's.
    pub(crate) fn stem(&self) -> Option<String> {
        if let Some(table) = &self.table {
            return Some(table.value.clone());
        }
        if self.is_sql {
            return None;
        }
        let last =
            super::part::without_query(self.config.path()).trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let stem = last.split('.').next().unwrap_or_default();
        (!stem.is_empty() && !stem.contains(['*', '?', '[', '{'])).then(|| stem.to_owned())
    }
}
