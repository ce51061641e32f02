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

/// Rows of the table itself that a merge would change beside those that come.
pub(super) fn refuse_updates(conn: &Connection, table: &Table, key: &[String], at: &str, shown: &str) -> Result<()> {
    // No column named: the primary key.
    let sql = "SELECT f.\"to\" FROM pragma_foreign_key_list(?1) f WHERE f.\"table\" = ?1 COLLATE NOCASE \
               AND f.on_update NOT IN ('NO ACTION', 'RESTRICT')";
    let mut statement = conn.prepare(sql).map_err(|e| explain(e, "read", shown))?;
    let columns = statement.query_map([&table.name], |row| row.get::<_, Option<String>>(0));
    let columns: rusqlite::Result<Vec<_>> = columns.and_then(Iterator::collect);
    // The columns of the key are never changed.
    let is_key = |column: &String| key.iter().any(|k| k.eq_ignore_ascii_case(column));
    let changes = |column: &Option<String>| match column {
        Some(column) => !is_key(column),
        None => !table.key.iter().all(is_key),
    };
    if !columns.map_err(|e| explain(e, "read", shown))?.iter().any(changes) {
        return Ok(());
    }
    Err(Error::refused(format!(
        "rows of {} refer to each other by a foreign key with ON UPDATE: merging one would change others",
        table.name
    ))
    .at(at)
    .next("take ON UPDATE off the foreign key, or let the flow settle in another table"))
}

/// Whether a column that the table wants for every row may be NULL.
pub(super) fn loosened(table: &Table, schema: &Schema, key: &[String]) -> bool {
    table.columns.iter().filter(|column| column.not_null).any(|column| {
        let is = |name: &String| name.eq_ignore_ascii_case(&column.name);
        !key.iter().any(is) && schema.fields().iter().any(|field| field.is_nullable() && is(field.name()))
    })
}

/// The tables whose foreign keys refer to it.
pub(super) fn children(conn: &Connection, table: &Table) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT DISTINCT s.name FROM sqlite_schema s, pragma_foreign_key_list(s.name) f WHERE s.type = 'table' \
               AND f.\"table\" = ?1 COLLATE NOCASE AND s.name <> ?1 COLLATE NOCASE ORDER BY s.name";
    names(conn, sql, &table.name)
}

/// The views, and triggers of other tables, whose text names it.
pub(super) fn mentions(conn: &Connection, table: &Table) -> rusqlite::Result<Vec<String>> {
    let mut statement = conn
        .prepare("SELECT name, coalesce(sql, '') FROM sqlite_schema WHERE type IN ('view', 'trigger') ORDER BY name")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let found = rows.filter(|row| row.as_ref().map_or(true, |(_, sql)| mentioned(&table.name, sql)));
    found.map(|row| row.map(|(name, _)| name)).collect()
}

/// Whether a name stands in a text, and not as a part of a longer one.
fn mentioned(name: &str, text: &str) -> bool {
    let (name, text) = (name.to_lowercase(), text.to_lowercase());
    let goes_on = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    // In quotes, a quote of the name is doubled.
    [name.replace('"', "\"\""), name].iter().any(|name| {
        text.match_indices(name.as_str())
            .any(|(at, _)| !text[..at].ends_with(goes_on) && !text[at + name.len()..].starts_with(goes_on))
    })
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

#[cfg(test)]
mod tests {
    use super::mentioned;

    #[test]
    fn a_name_is_found_as_a_word_and_not_as_a_part_of_one() {
        for text in ["SELECT * FROM t", "select id from \"T\"", "SELECT [t].id FROM[t]", "t"] {
            assert!(mentioned("t", text), "{text}");
        }
        for text in ["CREATE VIEW v AS SELECT id FROM other", "SELECT t1, _t, tt FROM at", "SELECT \u{e9}t FROM a", ""]
        {
            assert!(!mentioned("t", text), "{text}");
        }
        assert!(mentioned("a\"b", "SELECT 1 FROM \"a\"\"b\"") && mentioned("a\"b", "SELECT 1 FROM [a\"b]"));
    }
}
