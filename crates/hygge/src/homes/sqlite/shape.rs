//! What a source is: its columns, its key, and by what its rows can be told apart.

use hygge_core::home::Source;
use hygge_core::{Error, Result};
use rusqlite::{Connection, OptionalExtension};

use crate::sqlite::fault::{bad_sql, explain};
use crate::sqlite::names::{is_own, nearest, quoted};

/// A column as the database declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    /// None where nothing is declared.
    pub(super) declared: Option<String>,
    pub(super) not_null: bool,
}

/// A table, view or query as it is.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    /// What stands behind FROM.
    pub(super) from: String,
    /// For messages: `shop.db, table orders`.
    pub(super) at: String,
    pub(super) columns: Vec<Column>,
    /// The primary key's columns, in its order.
    pub(super) key: Vec<String>,
    /// The name by which a row's id can be had.
    pub(super) rowid: Option<&'static str>,
    /// The column that is the row's id.
    pub(super) rowid_column: Option<String>,
    /// Whether ids are never given twice.
    pub(super) auto_increment: bool,
    /// The table's own name; none for views and queries.
    pub(super) table: Option<String>,
    /// Whether the same file always gives the same answer.
    pub(super) timeless: bool,
}

impl Shape {
    /// Finds out.
    pub(super) fn of(conn: &Connection, source: &Source, shown: &str) -> Result<Self> {
        match source {
            Source::Table(name) => table(conn, name, shown),
            Source::Query(text) => query(conn, text, shown),
            Source::Whole { .. } => Err(Error::refused(format!("{shown} is a database: which rows of it?"))
                .next_set(hygge_core::Part::Home, "table: NAME")),
        }
    }

    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        let exact = self.columns.iter().find(|c| c.name == name);
        exact.or_else(|| self.columns.iter().find(|c| c.name.eq_ignore_ascii_case(name)))
    }

    /// The column, or an error that says what `option` may have meant.
    pub(super) fn require(&self, name: &str, option: &str) -> Result<&Column> {
        self.column(name).ok_or_else(|| {
            let names = || self.columns.iter().map(|c| c.name.as_str());
            let error = Error::refused(format!("there is no column `{name}`, which `{option}:` names")).at(&self.at);
            match nearest(name, names()) {
                Some(near) => error.next(format!("did you mean `{near}`?")),
                None => error.next(format!("choose of: {}", names().collect::<Vec<_>>().join(", "))),
            }
        })
    }

    /// Whether SQLite finds the rows above a value of the column without reading all.
    pub(super) fn is_indexed(&self, conn: &Connection, column: &str) -> rusqlite::Result<bool> {
        if self.rowid_column.as_deref() == Some(column) {
            return Ok(true);
        }
        let Some(table) = &self.table else { return Ok(false) };
        conn.query_row(
            "SELECT EXISTS (SELECT 1 FROM pragma_index_list(?1) l, pragma_index_info(l.name) i \
             WHERE l.partial = 0 AND i.seqno = 0 AND i.name = ?2)",
            [table, column],
            |row| row.get(0),
        )
    }

    /// Checks a condition that a person wrote, alone and in brackets, so that it cannot reach beyond itself.
    pub(super) fn check_filter(&self, conn: &Connection, filter: &str, shown: &str) -> Result<()> {
        let columns: Vec<_> = self.columns.iter().map(|c| c.name.as_str()).collect();
        for sql in [
            format!("SELECT 1 FROM {} WHERE ({filter}\n)", self.from),
            format!("SELECT 1 FROM {} WHERE {filter}", self.from),
        ] {
            let checked = conn.prepare(&sql);
            checked.map_err(|e| bad_sql(e, "where", shown, &columns, &[]))?;
        }
        Ok(())
    }
}

/// The tables and views that a person may name, with their kind and whether they are WITHOUT ROWID.
pub(super) fn catalogue(conn: &Connection) -> rusqlite::Result<Vec<(String, String, bool)>> {
    let mut statement =
        conn.prepare("SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' ORDER BY name")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let mut all = rows.collect::<rusqlite::Result<Vec<(String, String, bool)>>>()?;
    all.retain(|(name, kind, _)| !is_own(name) && kind != "shadow");
    Ok(all)
}

/// The columns of a table or view, and its key.
pub(super) fn columns(conn: &Connection, table: &str) -> rusqlite::Result<(Vec<Column>, Vec<String>)> {
    // Hidden columns of kind 1 belong to virtual tables and are no part of `*`; 2 and 3 are generated.
    let mut statement =
        conn.prepare("SELECT name, type, \"notnull\", pk FROM pragma_table_xinfo(?1) WHERE hidden <> 1 ORDER BY cid")?;
    let mut key = Vec::new();
    let rows = statement.query_map([table], |row| {
        let declared: Option<String> = row.get(1)?;
        let column = Column { name: row.get(0)?, declared: declared.filter(|d| !d.is_empty()), not_null: row.get(2)? };
        Ok((column, row.get::<_, u32>(3)?))
    })?;
    let mut columns = Vec::new();
    for row in rows {
        let (column, at) = row?;
        if at > 0 {
            key.push((at, column.name.clone()));
        }
        columns.push(column);
    }
    key.sort_unstable();
    Ok((columns, key.into_iter().map(|(_, name)| name).collect()))
}

fn table(conn: &Connection, name: &str, shown: &str) -> Result<Shape> {
    let told = |e| explain(e, "read", shown);
    if is_own(name) {
        return Err(
            Error::refused(format!("{name} is not a table of yours: its name is SQLite's or hygge's own")).at(shown)
        );
    }
    let known: Option<(String, String, bool)> = conn
        .query_row(
            "SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' AND name = ?1 COLLATE NOCASE",
            [name],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()
        .map_err(told)?;
    let Some((name, kind, without_rowid)) = known else {
        let all = catalogue(conn).map_err(told)?;
        let error = Error::refused(format!("there is no table or view `{name}`")).at(shown);
        return Err(match nearest(name, all.iter().map(|(n, ..)| n.as_str())) {
            Some(near) => error.next(format!("did you mean `{near}`?")),
            None => error.next(format!("see which there are: sqlite3 {shown} .tables")),
        });
    };
    let (mut columns, key) = columns(conn, &name).map_err(told)?;
    let is_table = kind == "table";
    let has_rowid = is_table && !without_rowid;
    let rowid = ["rowid", "_rowid_", "oid"]
        .into_iter()
        .find(|id| has_rowid && !columns.iter().any(|c| c.name.eq_ignore_ascii_case(id)));
    let mut rowid_column = None;
    if let (true, [only]) = (has_rowid, key.as_slice()) {
        let is_id = |c: &&mut Column| {
            &c.name == only && c.declared.as_deref().is_some_and(|d| d.eq_ignore_ascii_case("INTEGER"))
        };
        if let Some(column) = columns.iter_mut().find(is_id) {
            column.not_null = true;
            rowid_column = Some(column.name.clone());
        }
    }
    for column in &mut columns {
        // A key of a table WITHOUT ROWID is never NULL; elsewhere SQLite lets NULL into keys, and what a view or a
        // virtual table says of NULL binds nobody.
        column.not_null = is_table && (column.not_null || (without_rowid && key.contains(&column.name)));
    }
    let sql: String = conn
        .query_row(
            "SELECT coalesce(sql, '') FROM sqlite_schema WHERE name = ?1 AND type IN ('table', 'view')",
            [&name],
            |r| r.get(0),
        )
        .optional()
        .map_err(told)?
        .unwrap_or_default();
    let timeless = match kind.as_str() {
        "table" => true,
        "view" => views_are_timeless(conn).map_err(told)?,
        _ => false,
    };
    Ok(Shape {
        from: quoted(&name),
        at: format!("{shown}, {} {name}", if kind == "view" { "view" } else { "table" }),
        columns,
        key,
        rowid,
        rowid_column,
        auto_increment: sql.to_ascii_uppercase().contains("AUTOINCREMENT"),
        table: is_table.then_some(name),
        timeless,
    })
}

fn query(conn: &Connection, text: &str, shown: &str) -> Result<Shape> {
    let told = |e| explain(e, "read", shown);
    let text = text.trim().trim_end_matches(';').trim_end();
    let tables = catalogue(conn).map_err(told)?;
    let tables: Vec<_> = tables.iter().map(|(name, ..)| name.as_str()).collect();
    // In brackets only a query can stand.
    let from = format!("({text}\n)");
    let told_sql = |e| bad_sql(e, "query", shown, &[], &tables);
    conn.prepare(&format!("SELECT * FROM {from}")).map_err(told_sql)?;
    let statement = conn.prepare(text).map_err(told_sql)?;
    let mut columns: Vec<Column> = Vec::new();
    for column in statement.columns() {
        let name = column.name().to_owned();
        if columns.iter().any(|c| c.name.eq_ignore_ascii_case(&name)) {
            return Err(Error::refused(format!("two columns of the query are called `{name}`"))
                .at(shown)
                .next(format!("name one of them otherwise: … AS {name}_2")));
        }
        columns.push(Column { name, declared: column.decl_type().map(str::to_owned), not_null: false });
    }
    Ok(Shape {
        from,
        at: format!("{shown}, query"),
        columns,
        key: Vec::new(),
        rowid: None,
        rowid_column: None,
        auto_increment: false,
        table: None,
        timeless: is_timeless(text) && views_are_timeless(conn).map_err(told)?,
    })
}

fn views_are_timeless(conn: &Connection) -> rusqlite::Result<bool> {
    let mut statement = conn.prepare("SELECT sql FROM sqlite_schema WHERE type = 'view'")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if row.get::<_, Option<String>>(0)?.is_some_and(|sql| !is_timeless(&sql)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether SQL names nothing that may give another answer though the file is the same; too careful rather than not.
pub(super) fn is_timeless(sql: &str) -> bool {
    let lower: String = sql.to_lowercase().split_whitespace().collect();
    !["now", "current_", "random", "date(", "time(", "julianday", "strftime", "unixepoch", "timediff", "changes("]
        .iter()
        .any(|word| lower.contains(word))
}
