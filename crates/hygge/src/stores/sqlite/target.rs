//! The table that a load settles in: what stands there, what must be made, and how rows reach it.

use arrow_schema::{DataType, Schema};
use hygge_core::receipt::{Mode, Receipt};
use hygge_core::store::{ColumnPlan, LoadSpec};
use hygge_core::{Error, Part, Result};
use rusqlite::Connection;

use crate::sqlite::declared::{keeps, kept};
use crate::sqlite::fault::explain;
use crate::sqlite::names::{list, quoted};
use crate::sqlite::tables::{self, Kind, Table, is_unique};
use crate::stores::leave_out::leave_out;

/// The most columns that a table can have.
const MOST_COLUMNS: usize = 2000;

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
    pub(super) way: Way,
    /// The columns that identify a row.
    pub(super) key: Vec<String>,
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
            way: if in_order(spec) { Way::StagedInOrder } else { Way::Alone },
            key: key_of(spec).to_vec(),
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
        if last.is_none() && !spec.adopt {
            return Err(Error::refused(format!("there is a table {table} that hygge did not make"))
                .at(at)
                .next_set(Part::Flow, "adopt: true"));
        }
        refuse_triggers(conn, &found, at, shown)?;
        target.table.clone_from(&found.name);
        let replace = spec.mode == Mode::Replace;
        if replace {
            refuse_actions(conn, &found, at, shown)?;
        }
        let misfit = fits(&found, &spec.schema).err();
        // A table that we made is made anew where its key is to be another.
        let ours = replace && last.is_some_and(|last| !last.question.key.is_empty() || !key_of(spec).is_empty());
        if misfit.is_some() || (ours && !same_names(&found.key, key_of(spec))) {
            if let Some(misfit) = misfit
                && !(replace && last.is_some())
            {
                return Err(misfit.at(at));
            }
            refuse_dependants(conn, &found, at, shown)?;
            let drop = format!("DROP TABLE {}", quoted(&found.name));
            target.ddl.insert(0, drop.clone());
            target.before.insert(0, drop);
            return Ok(target);
        }
        target.before.clear();
        target.ddl.clear();
        let merge = matches!(spec.mode, Mode::Merge { .. });
        if (merge || in_order(spec)) && !is_unique(conn, &found, &target.key).map_err(told)? {
            let index = format!(
                "CREATE UNIQUE INDEX {} ON {} ({})",
                quoted(&format!("{}_key", found.name)),
                quoted(&found.name),
                list(target.key.iter().map(String::as_str))
            );
            target.ddl.push(index.clone());
            target.before.push(index);
        }
        let empty = || -> Result<bool> {
            let sql = format!("SELECT NOT EXISTS (SELECT 1 FROM {})", quoted(&found.name));
            conn.query_row(&sql, [], |r| r.get(0)).map_err(told)
        };
        if replace {
            target.before.push(format!("DELETE FROM {}", quoted(&found.name)));
        }
        target.way = if in_order(spec) {
            Way::StagedInOrder
        } else if replace || empty()? {
            Way::Alone
        } else if merge {
            Way::StagedMerge
        } else {
            // Where the rowid is a column, its value says nothing of when a row came.
            match found.rowid.filter(|_| found.rowid_column.is_none()) {
                Some(rowid) => Way::Behind(rowid),
                None => Way::StagedAppend,
            }
        };
        Ok(target)
    }

    /// The hidden table of the transaction.
    pub(super) fn stage(&self) -> String {
        quoted(&format!("_hygge_stage_{}", &blake3::hash(self.table.as_bytes()).to_hex()[..16]))
    }

    /// Where writers insert, quoted.
    pub(super) fn into(&self) -> String {
        match self.way {
            Way::Alone | Way::Behind(_) => quoted(&self.table),
            Way::StagedAppend | Way::StagedMerge | Way::StagedInOrder => self.stage(),
        }
    }

    /// Statements at the start of the transaction.
    pub(super) fn begin(&self, schema: &Schema) -> Result<Vec<String>> {
        let mut out = self.before.clone();
        let key: &[String] = match self.way {
            Way::StagedAppend | Way::StagedInOrder => &[],
            Way::StagedMerge => &self.key,
            Way::Alone | Way::Behind(_) => return Ok(out),
        };
        out.push(format!("DROP TABLE IF EXISTS {}", self.stage()));
        out.push(create(&self.stage(), schema, key)?);
        Ok(out)
    }

    /// Statements at its end, that bring staged rows in.
    pub(super) fn end(&self, schema: &Schema) -> Vec<String> {
        let columns = || schema.fields().iter().map(|f| f.name().as_str());
        let all = list(columns());
        let insert = format!("INSERT INTO {} ({all}) SELECT {all} FROM {} WHERE 1", quoted(&self.table), self.stage());
        let drop = format!("DROP TABLE {}", self.stage());
        match self.way {
            Way::Alone | Way::Behind(_) => Vec::new(),
            Way::StagedAppend => vec![insert, drop],
            Way::StagedMerge | Way::StagedInOrder => {
                let order = if self.way == Way::StagedInOrder { by_rowid(schema) } else { String::new() };
                let key = list(self.key.iter().map(String::as_str));
                let set: Vec<String> = columns()
                    .filter(|c| !self.key.iter().any(|k| k.eq_ignore_ascii_case(c)))
                    .map(|c| format!("{0} = excluded.{0}", quoted(c)))
                    .collect();
                let action =
                    if set.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {}", set.join(", ")) };
                vec![format!("{insert}{order} ON CONFLICT ({key}) DO {action}"), drop]
            }
        }
    }
}

/// Whether rows come in an order, and keys tell which of them stand.
fn in_order(spec: &LoadSpec) -> bool {
    spec.last_wins && !key_of(spec).is_empty()
}

/// Puts rows of the hidden table in the order in which they came.
fn by_rowid(schema: &Schema) -> String {
    let is_column = |id: &str| schema.fields().iter().any(|f| f.name().eq_ignore_ascii_case(id));
    let rowid = ["rowid", "_rowid_", "oid"].into_iter().find(|id| !is_column(id));
    // Without a name for it: a scan of a table goes by it, too.
    rowid.map_or_else(String::new, |rowid| format!(" ORDER BY {rowid}"))
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

/// The columns must be the same, and keep the values as they are.
fn fits(table: &Table, schema: &Schema) -> Result<()> {
    let differs = |what: String| {
        Err(Error::refused(format!("the table {} does not fit: {what}", table.name))
            .next("let the flow settle in another table, or change this one by hand"))
    };
    for field in schema.fields() {
        let Some(column) = table.columns.iter().find(|c| c.name.eq_ignore_ascii_case(field.name())) else {
            return differs(format!("it has no column {}", field.name()));
        };
        if column.generated {
            return differs(format!("its column {} is generated", field.name()));
        }
        let declared = column.declared.as_deref();
        if kept(field.data_type()).is_some_and(|kept| !keeps(declared, kept.class)) {
            return differs(format!(
                "its column {} is {}, which would change values of {}",
                field.name(),
                declared.unwrap_or("undeclared"),
                field.data_type()
            ));
        }
    }
    let more = table
        .columns
        .iter()
        .find(|c| !c.generated && !schema.fields().iter().any(|field| field.name().eq_ignore_ascii_case(&c.name)));
    match more {
        Some(column) => differs(format!("its column {} does not come", column.name)),
        None => Ok(()),
    }
}

fn names(conn: &Connection, sql: &str, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = conn.prepare(sql)?;
    let rows = statement.query_map([table], |row| row.get(0))?;
    rows.collect()
}

fn refuse_triggers(conn: &Connection, table: &Table, at: &str, shown: &str) -> Result<()> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE";
    match names(conn, sql, &table.name).map_err(|e| explain(e, "read", shown))?.first() {
        None => Ok(()),
        Some(name) => Err(Error::refused(format!(
            "the table {} has a trigger ({name}): what it would write could not be counted",
            table.name
        ))
        .at(at)
        .next("drop the trigger, or let the flow settle in another table")),
    }
}

/// Rows of other tables that would go, or change, with the rows of this one.
fn refuse_actions(conn: &Connection, table: &Table, at: &str, shown: &str) -> Result<()> {
    let sql = "SELECT s.name FROM sqlite_schema s, pragma_foreign_key_list(s.name) f WHERE s.type = 'table' \
               AND f.\"table\" = ?1 COLLATE NOCASE AND f.on_delete <> 'NO ACTION' AND s.name <> ?1 COLLATE NOCASE";
    match names(conn, sql, &table.name).map_err(|e| explain(e, "read", shown))?.first() {
        None => Ok(()),
        Some(child) => Err(Error::refused(format!(
            "rows of {child} refer to rows of {} by a foreign key with ON DELETE: replacing these would change those",
            table.name
        ))
        .at(at)
        .next_set(Part::Flow, "mode: merge")),
    }
}

/// What would break if the table were dropped and made anew.
fn refuse_dependants(conn: &Connection, table: &Table, at: &str, shown: &str) -> Result<()> {
    let told = |e| explain(e, "read", shown);
    let children = "SELECT s.name FROM sqlite_schema s, pragma_foreign_key_list(s.name) f WHERE s.type = 'table' \
                    AND f.\"table\" = ?1 COLLATE NOCASE AND s.name <> ?1 COLLATE NOCASE";
    let views = "SELECT name FROM sqlite_schema WHERE type IN ('view', 'trigger') AND instr(lower(sql), lower(?1)) > 0";
    let mut found = names(conn, children, &table.name).map_err(told)?;
    found.extend(names(conn, views, &table.name).map_err(told)?);
    match found.first() {
        None => Ok(()),
        Some(name) => Err(Error::refused(format!(
            "the columns of {} changed, so that it must be made anew, but {name} refers to it",
            table.name
        ))
        .at(at)
        .next(format!("drop {name} first, or let the flow settle in another table"))),
    }
}
/// Whether two lists name the same columns, in any order, as SQLite compares names.
fn same_names(a: &[String], b: &[String]) -> bool {
    a.len() == b.len() && a.iter().all(|name| b.iter().any(|other| other.eq_ignore_ascii_case(name)))
}
