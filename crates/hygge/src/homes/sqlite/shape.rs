//! What a source is: its columns, its key, and by what its rows can be told apart.

use hygge_core::home::Source;
use hygge_core::shell::argument;
use hygge_core::{Error, Result};
use rusqlite::Connection;

use crate::sqlite::fault::{bad_sql, explain};
use crate::sqlite::names::{is_own, nearest, quoted};
use crate::sqlite::tables::{self, Column, Kind, catalogue};

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
    /// The name of the table or view; none for queries.
    pub(super) name: Option<String>,
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

fn table(conn: &Connection, name: &str, shown: &str) -> Result<Shape> {
    let told = |e| explain(e, "read", shown);
    if is_own(name) {
        return Err(
            Error::refused(format!("{name} is not a table of yours: its name is SQLite's or hygge's own")).at(shown)
        );
    }
    let Some(found) = tables::find(conn, name).map_err(told)? else {
        let all = catalogue(conn).map_err(told)?;
        let error = Error::refused(format!("there is no table or view `{name}`")).at(shown);
        return Err(match nearest(name, all.iter().map(|(n, ..)| n.as_str())) {
            Some(near) => error.next(format!("did you mean `{near}`?")),
            None => error.next(format!("see which there are: sqlite3 {} .tables", argument(shown))),
        });
    };
    let timeless = match found.kind {
        Kind::Table => true,
        Kind::View => views_are_timeless(conn).map_err(told)?,
        Kind::Virtual => false,
    };
    Ok(Shape {
        from: quoted(&found.name),
        at: format!("{shown}, {} {}", if found.kind == Kind::View { "view" } else { "table" }, found.name),
        columns: found.columns,
        key: found.key,
        rowid: found.rowid,
        rowid_column: found.rowid_column,
        auto_increment: found.sql.to_ascii_uppercase().contains("AUTOINCREMENT"),
        name: Some(found.name.clone()),
        table: (found.kind == Kind::Table).then_some(found.name),
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
        columns.push(Column {
            name,
            declared: column.decl_type().map(str::to_owned),
            not_null: false,
            generated: false,
        });
    }
    Ok(Shape {
        from,
        at: format!("{shown}, query"),
        columns,
        key: Vec::new(),
        rowid: None,
        rowid_column: None,
        auto_increment: false,
        name: None,
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
