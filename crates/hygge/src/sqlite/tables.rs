//! Tables and views as the database knows them.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};

use super::names::{is_own, same_names};

/// The most columns that a table can have, and a result.
pub(crate) const MOST_COLUMNS: usize = 2000;

/// A column as the database declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// None where nothing is declared.
    pub(crate) declared: Option<String>,
    pub(crate) not_null: bool,
    /// Computed from others; cannot be written.
    pub(crate) generated: bool,
}

/// What a name in FROM is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Table,
    View,
    Virtual,
}

/// A table or view.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    /// As it was created.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) columns: Vec<Column>,
    /// The primary key's columns, in its order.
    pub(crate) key: Vec<String>,
    /// The name by which a row's id can be had, where rows have one.
    pub(crate) rowid: Option<&'static str>,
    /// The column that is the row's id.
    pub(crate) rowid_column: Option<String>,
    /// The statement that made it.
    pub(crate) sql: String,
}

/// The tables and views that a person may name, sorted, with what they are.
pub(crate) fn catalogue(conn: &Connection) -> rusqlite::Result<Vec<(String, Kind)>> {
    let mut statement = conn.prepare("SELECT name, type FROM pragma_table_list WHERE schema = 'main' ORDER BY name")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let mut out = Vec::new();
    for row in rows {
        let (name, kind) = row?;
        // Shadow tables are the inside of virtual ones.
        if !is_own(&name) && kind != "shadow" {
            out.push((name, kind_of(&kind)));
        }
    }
    Ok(out)
}

fn kind_of(word: &str) -> Kind {
    match word {
        "view" => Kind::View,
        "virtual" => Kind::Virtual,
        _ => Kind::Table,
    }
}

/// A table or view by its name, whose case SQLite does not heed.
pub(crate) fn find(conn: &Connection, name: &str) -> rusqlite::Result<Option<Table>> {
    let found = conn
        .query_row(
            "SELECT l.name, l.type, l.wr, coalesce(s.sql, '') FROM pragma_table_list l LEFT JOIN sqlite_schema s
             ON s.name = l.name AND s.type IN ('table', 'view') WHERE l.schema = 'main' AND l.name = ?1 COLLATE NOCASE",
            [name],
            |row| {
                let (name, kind): (String, String) = (row.get(0)?, row.get(1)?);
                Ok((name, kind_of(&kind), row.get::<_, bool>(2)?, row.get(3)?))
            },
        )
        .optional()?;
    let Some((name, kind, without_rowid, sql)) = found else { return Ok(None) };
    let (mut columns, key) = columns(conn, &name)?;
    let has_rowid = kind == Kind::Table && !without_rowid;
    let rowid = ["rowid", "_rowid_", "oid"]
        .into_iter()
        .find(|id| has_rowid && !columns.iter().any(|c| c.name.eq_ignore_ascii_case(id)));
    let mut rowid_column = None;
    if let (true, [only]) = (has_rowid, key.as_slice()) {
        let is_id = |c: &&mut Column| {
            &c.name == only && c.declared.as_deref().is_some_and(|d| d.eq_ignore_ascii_case("INTEGER"))
        };
        // `PRIMARY KEY DESC` is no id: such a key has an index, and may be NULL.
        let indexed = "SELECT count(*) FROM pragma_index_list(?1) WHERE origin = 'pk'";
        let indexed = conn.query_row(indexed, [&name], |row| row.get::<_, i64>(0))? > 0;
        if let Some(column) = columns.iter_mut().find(|c| !indexed && is_id(c)) {
            column.not_null = true;
            rowid_column = Some(column.name.clone());
        }
    }
    for column in &mut columns {
        // A key of a table WITHOUT ROWID is never NULL; elsewhere SQLite lets NULL into keys, and what a view or a
        // virtual table says of NULL binds nobody.
        column.not_null = kind == Kind::Table && (column.not_null || (without_rowid && key.contains(&column.name)));
    }
    Ok(Some(Table { name, kind, columns, key, rowid, rowid_column, sql }))
}

/// The columns of a table or view, and its key.
pub(crate) fn columns(conn: &Connection, table: &str) -> rusqlite::Result<(Vec<Column>, Vec<String>)> {
    // Hidden columns of kind 1 belong to virtual tables and are no part of `*`; 2 and 3 are generated.
    let mut statement = conn.prepare(
        "SELECT name, type, \"notnull\", pk, hidden FROM pragma_table_xinfo(?1) WHERE hidden <> 1 ORDER BY cid",
    )?;
    let mut key = Vec::new();
    let mut columns = Vec::new();
    let mut rows = statement.query([table])?;
    while let Some(row) = rows.next()? {
        let column = Column {
            name: row.get(0)?,
            declared: row.get::<_, Option<String>>(1)?.filter(|d| !d.is_empty()),
            not_null: row.get(2)?,
            generated: row.get::<_, i64>(4)? != 0,
        };
        let at: u32 = row.get(3)?;
        if at > 0 {
            key.push((at, column.name.clone()));
        }
        columns.push(column);
    }
    key.sort_unstable();
    Ok((columns, key.into_iter().map(|(_, name)| name).collect()))
}

/// How a table tells the values of some columns apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Uniqueness {
    /// It lets rows have the same.
    None,
    /// By a unique index that takes only the same for the same.
    Exact,
    /// By one that compares by this collation, to which different texts may be the same.
    Collated(String),
}

/// How the columns, in any order, are told apart by a unique index of their own.
pub(crate) fn uniqueness(conn: &Connection, table: &Table, columns: &[String]) -> rusqlite::Result<Uniqueness> {
    let mut statement = conn.prepare(
        "SELECT l.name, i.name, i.coll FROM pragma_index_list(?1) l, pragma_index_xinfo(l.name) i
         WHERE l.\"unique\" = 1 AND l.partial = 0 AND i.key = 1 ORDER BY l.name, i.seqno",
    )?;
    let mut found: BTreeMap<String, (Vec<String>, Option<String>)> = BTreeMap::new();
    let mut rows = statement.query([&table.name])?;
    while let Some(row) = rows.next()? {
        let (indexed, collation) = found.entry(row.get(0)?).or_default();
        // An expression has no name, and never equals a column.
        indexed.push(row.get::<_, Option<String>>(1)?.unwrap_or_default());
        let compares: Option<String> = row.get(2)?;
        *collation = collation.take().or(compares.filter(|name| !name.eq_ignore_ascii_case("BINARY")));
    }
    // The id of a row has no index.
    let is_id = table.rowid_column.is_some() && same_names(&table.key, columns);
    let mut answer = if is_id { Uniqueness::Exact } else { Uniqueness::None };
    for (_, collation) in found.into_values().filter(|(found, _)| same_names(found, columns)) {
        match collation {
            Some(collation) => return Ok(Uniqueness::Collated(collation)),
            None => answer = Uniqueness::Exact,
        }
    }
    Ok(answer)
}
