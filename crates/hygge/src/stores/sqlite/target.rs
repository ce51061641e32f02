//! The table that a load settles in: what stands there, what must be made, and how rows reach it.

mod staging;
mod standing;

use std::collections::HashMap;

use arrow_schema::{DataType, Schema};
use hygge_core::receipt::{Mode, Question, Receipt};
use hygge_core::store::{ColumnPlan, LoadSpec};
use hygge_core::{Error, Part, Result};
use rusqlite::Connection;

use self::standing::{
    children, fits, has_key, loosened, mentions, names, refuse_actions, refuse_triggers, refuse_updates,
};
use crate::sqlite::declared::kept;
use crate::sqlite::fault::explain;
use crate::sqlite::names::{list, quoted, same_names, yaml};
use crate::sqlite::tables::{self, Kind, MOST_COLUMNS, Table};
use crate::stores::leave_out::leave_out;

/// What the names of the indexes begin with that hygge makes on tables of others.
const KEY_INDEX: &str = "_hygge_key_";

/// How rows reach the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// At once: the table holds no other rows of this load's sight.
    Alone,
    /// At once, behind the rows that are there; those of the load are told by their rowid, under this name.
    Behind(&'static str),
    /// By way of a hidden table in the same transaction, then added.
    StagedAppend,
    /// By way of a hidden table in the same transaction, then merged on the key.
    StagedMerge,
    /// The same in the order of the rows: of several with one key the last stands.
    StagedInOrder,
}

/// What a load will do to its table.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// As it was, or will be, created.
    pub(super) table: String,
    /// Statements that make the table ready, run at the start of the transaction.
    pub(super) before: Vec<String>,
    /// The unique index that they make over rows which are there already, if any: one of `before`.
    pub(super) key_index: Option<String>,
    /// The table is one that hygge made, or makes: no other is ever dropped.
    pub(super) ours: bool,
    pub(super) way: Way,
    /// The columns that identify a row.
    pub(super) key: Vec<String>,
    /// The columns by which a row of the hidden table is found in this one.
    pub(super) identity: Vec<String>,
    /// The column for which SQLite makes up a number where a row has none.
    pub(super) numbered: Option<String>,
    /// The table is the one that the last receipt speaks of.
    pub(super) known: bool,
    /// What a person is shown of it.
    pub(super) ddl: Vec<String>,
    pub(super) warnings: Vec<String>,
}

fn key_of(spec: &LoadSpec) -> &[String] {
    match &spec.mode {
        Mode::Merge { key } => key,
        _ => &spec.key,
    }
}

impl Target {
    /// A table that does not stand yet.
    pub(super) fn fresh(spec: &LoadSpec, table: &str) -> Result<Self> {
        let make = create(&quoted(table), &spec.schema, key_of(spec))?;
        Ok(Self {
            table: table.to_owned(),
            before: vec![make.clone()],
            key_index: None,
            ours: true,
            way: if in_order(spec) { Way::StagedInOrder } else { Way::Alone },
            key: key_of(spec).to_vec(),
            identity: key_of(spec).to_vec(),
            numbered: None,
            known: false,
            ddl: vec![make],
            warnings: Vec::new(),
        })
    }

    /// Looks at what stands, and refuses what cannot be held.
    pub(super) fn find(
        conn: &Connection,
        spec: &LoadSpec,
        last: Option<&Receipt>,
        table: &str,
        shown: &str,
    ) -> Result<Self> {
        let told = |e| explain(e, "read", shown);
        let mut target = Self::fresh(spec, table)?;
        let Some(found) = tables::find(conn, table).map_err(told)? else { return Ok(target) };
        let at = &spec.place.shown;
        if found.kind != Kind::Table {
            return Err(Error::refused(format!("{table} is a view or a virtual table; rows settle in tables"))
                .at(at)
                .next_set(Part::Store, "table: NAME"));
        }
        // A table of others in the place of ours is theirs as any other is.
        let known = last.filter(|last| speaks_of(last, &found));
        if known.is_none() && !spec.adopt {
            let whose = match last {
                None => format!("there is a table {table} that hygge did not make"),
                Some(_) => not_ours(table),
            };
            return Err(Error::refused(whose).at(at).next_set(Part::Flow, "adopt: true"));
        }
        let last = known;
        refuse_triggers(conn, &found, at, shown)?;
        target.table.clone_from(&found.name);
        target.known = last.is_some();
        let replace = spec.mode == Mode::Replace;
        if replace {
            refuse_actions(conn, &found, at, shown)?;
        } else if matches!(spec.mode, Mode::Merge { .. }) {
            refuse_updates(conn, &found, &target.key, at, shown)?;
        }
        target.ours = match last {
            Some(last) => made_by_us(&found, last)?,
            None => false,
        };
        let renewed = replace && target.ours;
        let misfit = match fits(&found, &spec.schema) {
            Err(misfit) if !renewed && replace && last.is_some() => {
                return Err(misfit.at(at).next(format!(
                    "change {table} by hand, or drop it and run again: hygge drops only what it made itself"
                )));
            }
            Err(misfit) if !renewed => return Err(misfit.at(at)),
            answer => answer.is_err(),
        };
        // A table that we made is made anew where its key is to be another, or a column of it may be NULL from now on.
        let rekeyed = last.is_some_and(|last| !last.question.key.is_empty() || !key_of(spec).is_empty())
            && !same_names(&found.key, key_of(spec));
        let children = if renewed { children(conn, &found).map_err(told)? } else { Vec::new() };
        let why = if misfit {
            Some("the columns changed")
        } else if loosened(&found, &spec.schema, &target.key) {
            Some("a column may be NULL from now on")
        } else {
            // A key where there was none is an index, too: what refers to the table need not keep it from that.
            let must = rekeyed && (children.is_empty() || !found.key.is_empty());
            must.then_some("the key is another")
        };
        if let Some(why) = why.filter(|_| renewed) {
            // Views go on where the columns are the same.
            let views = if misfit { mentions(conn, &found).map_err(told)? } else { Vec::new() };
            if let Some(name) = children.iter().chain(&views).next() {
                return Err(Error::refused(format!("{why}, so {table} must be made anew, but {name} refers to it"))
                    .at(at)
                    .next(format!("drop {name} first, or let the flow settle in another table")));
            }
            target.drop_first(conn, &found).map_err(told)?;
            return Ok(target);
        }
        target.numbered.clone_from(&found.rowid_column);
        target.before.clear();
        target.ddl.clear();
        let empty = || -> Result<bool> {
            let sql = format!("SELECT NOT EXISTS (SELECT 1 FROM {})", quoted(&found.name));
            conn.query_row(&sql, [], |r| r.get(0)).map_err(told)
        };
        if replace {
            target.before.push(format!("DELETE FROM {}", quoted(&found.name)));
            target.drop_key_indexes(conn, &found).map_err(told)?;
        }
        let merge = matches!(spec.mode, Mode::Merge { .. });
        let keyed = merge || in_order(spec) || (renewed && rekeyed && !target.key.is_empty());
        if keyed && !has_key(conn, &found, &target.key, at, shown)? {
            target.add_key_index(conn, &found).map_err(told)?;
        }
        target.way = if in_order(spec) {
            Way::StagedInOrder
        } else if replace || empty()? {
            Way::Alone
        } else if merge {
            Way::StagedMerge
        } else {
            // Where the rowid is a column, its value says nothing of when a row came.
            if let Some(rowid) = found.rowid.filter(|_| found.rowid_column.is_none()) {
                Way::Behind(rowid)
            } else {
                target.identity.clone_from(&found.key);
                Way::StagedAppend
            }
        };
        Ok(target)
    }

    /// Makes the table anew, and says which indexes go with the old one.
    fn drop_first(&mut self, conn: &Connection, table: &Table) -> rusqlite::Result<()> {
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ?1 \
                   COLLATE NOCASE ORDER BY name";
        let gone = names(conn, sql, &table.name)?;
        let gone: Vec<String> = gone.into_iter().filter(|name| !name.starts_with(KEY_INDEX)).collect();
        if !gone.is_empty() {
            self.warnings.push(format!("{} is made anew, without its indexes: {}", table.name, gone.join(", ")));
        }
        let drop = format!("DROP TABLE {}", quoted(&table.name));
        self.ddl.insert(0, drop.clone());
        self.before.insert(0, drop);
        Ok(())
    }

    /// Drops the indexes that hygge made for another key than the one there is now: they would refuse rows of it.
    fn drop_key_indexes(&mut self, conn: &Connection, table: &Table) -> rusqlite::Result<()> {
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?1 COLLATE NOCASE ORDER BY name";
        for index in names(conn, sql, &table.name)?.iter().filter(|name| name.starts_with(KEY_INDEX)) {
            let columns = names(conn, "SELECT coalesce(name, '') FROM pragma_index_info(?1)", index)?;
            if !same_names(&columns, &self.key) {
                let drop = format!("DROP INDEX {}", quoted(index));
                self.ddl.push(drop.clone());
                self.before.push(drop);
            }
        }
        Ok(())
    }

    /// Makes the index that a merge needs, under a name that nothing has.
    fn add_key_index(&mut self, conn: &Connection, table: &Table) -> rusqlite::Result<()> {
        let taken = names(conn, "SELECT name FROM sqlite_schema WHERE name LIKE ?1 || '%'", KEY_INDEX)?;
        let mut name = format!("{KEY_INDEX}{}", table.name);
        let mut more = 1;
        while taken.iter().any(|other| other.eq_ignore_ascii_case(&name)) {
            more += 1;
            name = format!("{KEY_INDEX}{}_{more}", table.name);
        }
        // A column may be declared to compare otherwise.
        let key: Vec<String> = self.key.iter().map(|column| format!("{} COLLATE BINARY", quoted(column))).collect();
        let index = format!("CREATE UNIQUE INDEX {} ON {} ({})", quoted(&name), quoted(&table.name), key.join(", "));
        self.ddl.push(index.clone());
        self.before.push(index.clone());
        self.key_index = Some(index);
        Ok(())
    }
}

/// Whether the receipt is of this table, or of another one of its name. An older receipt does not say.
pub(super) fn speaks_of(last: &Receipt, table: &Table) -> bool {
    let made = last.live.get("made").and_then(|made| made.as_str());
    made.is_none_or(|made| made == Question::digest(&table.sql))
}

/// What is so of a table in the place of the one that a receipt speaks of.
pub(super) fn not_ours(table: &str) -> String {
    format!("the table {table} is not the one that settled: others made it anew, or altered it")
}

/// Whether the table that the receipt speaks of is one that hygge made. Where it does not say so, only the very words that
/// hygge would have made it with tell.
fn made_by_us(table: &Table, last: &Receipt) -> Result<bool> {
    if let Some(ours) = last.live.get("made_by_hygge").and_then(serde_json::Value::as_bool) {
        return Ok(ours);
    }
    let key = match &last.mode {
        Mode::Merge { key } => key,
        _ => &last.question.key,
    };
    Ok(table.sql == create(&quoted(&table.name), &last.schema, key)?)
}

/// Whether rows come in an order, and keys tell which of them stand.
fn in_order(spec: &LoadSpec) -> bool {
    spec.last_wins && !key_of(spec).is_empty()
}

/// How each column arrives.
pub(super) fn column_plans(schema: &Schema) -> Result<Vec<ColumnPlan>> {
    if schema.fields().len() > MOST_COLUMNS {
        return Err(Error::refused(format!(
            "a table of SQLite has at most {MOST_COLUMNS} columns, and there are {}",
            schema.fields().len()
        ))
        .next("choose some with `columns:`"));
    }
    refuse_names_of_one_spelling(schema)?;
    let can_keep = |data_type: &DataType| kept(data_type).is_some();
    let one = |field: &std::sync::Arc<arrow_schema::Field>| {
        let kept = kept(field.data_type()).ok_or_else(|| {
            let error = Error::refused(format!("SQLite has no exact form for {}", field.data_type()));
            leave_out(error.at(format!("column {}", field.name())), schema, &can_keep)
        })?;
        Ok(ColumnPlan {
            name: field.name().clone(),
            arrow: field.data_type().to_string(),
            store: kept.declared,
            exact_text: kept.exact_text,
        })
    };
    schema.fields().iter().map(one).collect()
}

/// SQLite takes no notice of the case of ASCII letters in names.
fn refuse_names_of_one_spelling(schema: &Schema) -> Result<()> {
    let mut seen = HashMap::new();
    for field in schema.fields() {
        let Some(first) = seen.insert(field.name().to_ascii_lowercase(), field.name()) else { continue };
        let others = schema.fields().iter().filter(|other| other.name() != field.name());
        let others: Vec<String> = others.map(|other| yaml(other.name())).collect();
        return Err(Error::refused(format!(
            "the columns {first} and {} differ only in case, and SQLite takes them for one",
            field.name()
        ))
        .at(format!("column {}", field.name()))
        .next_set(Part::Home, format!("columns: [{}]", others.join(", "))));
    }
    Ok(())
}

/// The statement that makes a table; `table` is quoted.
fn create(table: &str, schema: &Schema, key: &[String]) -> Result<String> {
    let is_key = |name: &str| key.iter().any(|k| k.eq_ignore_ascii_case(name));
    let mut lines: Vec<String> = Vec::new();
    for (plan, field) in column_plans(schema)?.iter().zip(schema.fields()) {
        // SQLite would let NULL into a key.
        let not_null = if !field.is_nullable() || is_key(&plan.name) { " NOT NULL" } else { "" };
        lines.push(format!("{} {}{not_null}", quoted(&plan.name), plan.store));
    }
    if !key.is_empty() {
        lines.push(format!("PRIMARY KEY ({})", list(key.iter().map(String::as_str))));
    }
    Ok(format!("CREATE TABLE {table} ({})", lines.join(", ")))
}
