//! What stands in the way of a load: tables that do not fit, and what else hangs on them.

use arrow_schema::Schema;
use hygge_core::{Error, Part, Result};
use rusqlite::Connection;

use crate::sqlite::declared::{keeps, kept};
use crate::sqlite::fault::explain;
use crate::sqlite::tables::{Table, Uniqueness, uniqueness};

/// The columns must be the same, and keep the values as they are.
pub(super) fn fits(table: &Table, schema: &Schema) -> Result<()> {
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

/// The one column of a query about a table.
pub(super) fn names(conn: &Connection, sql: &str, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = conn.prepare(sql)?;
    let rows = statement.query_map([table], |row| row.get(0))?;
    rows.collect()
}

pub(super) fn refuse_triggers(conn: &Connection, table: &Table, at: &str, shown: &str) -> Result<()> {
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
pub(super) fn refuse_actions(conn: &Connection, table: &Table, at: &str, shown: &str) -> Result<()> {
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
pub(super) fn refuse_dependants(conn: &Connection, table: &Table, at: &str, shown: &str) -> Result<()> {
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

/// Whether the key has a unique index. One that takes different values for the same cannot tell rows apart.
pub(super) fn has_key(conn: &Connection, table: &Table, key: &[String], at: &str, shown: &str) -> Result<bool> {
    match uniqueness(conn, table, key).map_err(|e| explain(e, "read", shown))? {
        Uniqueness::None => Ok(false),
        Uniqueness::Exact => Ok(true),
        Uniqueness::Collated(collation) => Err(Error::refused(format!(
            "the table {} compares its key ({}) by {collation}: rows whose keys differ would take each other's place",
            table.name,
            key.join(", ")
        ))
        .at(at)
        .next(format!("let the flow settle in another table, or make this one's key without COLLATE {collation}"))),
    }
}
