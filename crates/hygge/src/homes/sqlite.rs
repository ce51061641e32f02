//! The SQLite home: tables, views and queries of a database file, in one state, by several readers.

mod columns;
mod cursor;
mod ranges;
mod scan;
mod shape;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use arrow_schema::DataType;
use hygge_core::context::Context;
use hygge_core::event::Note;
use hygge_core::home::{Home, Opened, ReadRequest, Source, TableInfo};
use hygge_core::place::PlaceId;
use hygge_core::receipt::Options;
use hygge_core::split::{Split, how_many};
use hygge_core::{Error, Part as ConfigPart, Result};
use rusqlite::Connection;

pub use self::columns::TYPE_KEY;
use self::columns::Types;
use self::cursor::Cursor;
use self::ranges::{Look, Spread, id_sql};
use self::scan::{Part, Plan, Pool, Range, Remembered, SqliteScan};
use self::shape::{Shape, is_timeless};
use crate::homes::typed::column_line;
use crate::sqlite::connect::{BUSY_TIMEOUT, Opening, Readers};
use crate::sqlite::fault::{before_anything, explain};
use crate::sqlite::file::{DbFile, Stamp};
use crate::sqlite::names::grouped;
use crate::sqlite::tables::{self, Kind, MOST_COLUMNS};

/// What is asked beside the columns where rows are looked at: the rowid, and whether the row is wanted.
const LOOKED_AT_BESIDE: usize = 2;

/// How many readers a database stands, where nothing else is configured.
const READERS: usize = 8;

/// What a SQLite home is made of.
#[derive(Debug, Clone)]
pub struct SqliteHomeConfig {
    /// The database file.
    pub path: PathBuf,
    /// The path as the project wrote it, for people.
    pub shown: String,
    /// Who the home is for receipts: the path relative to the project's root where it lies below it.
    pub identity: String,
    /// Types that a person chose, by column.
    pub types: BTreeMap<String, DataType>,
    /// Whether they are meant for many tables: for each that has such a column, or for one as `table.column`.
    pub many_tables: bool,
    /// How long to wait for a lock that another program holds.
    pub busy_timeout: Duration,
    /// The most readers at once.
    pub readers: usize,
}

impl SqliteHomeConfig {
    /// The defaults for a file.
    pub fn new(path: impl Into<PathBuf>, shown: impl Into<String>) -> Self {
        let shown = shown.into();
        Self {
            path: path.into(),
            identity: shown.clone(),
            shown,
            types: BTreeMap::new(),
            many_tables: false,
            busy_timeout: BUSY_TIMEOUT,
            readers: READERS,
        }
    }
}

/// A database file that rows are read from.
#[derive(Debug, Clone)]
pub struct SqliteHome {
    file: DbFile,
    config: SqliteHomeConfig,
}

impl SqliteHome {
    /// A home of this configuration. Nothing is opened yet.
    #[must_use]
    pub fn new(config: SqliteHomeConfig) -> Self {
        Self { file: DbFile::new(&config.path, &config.shown), config }
    }

    fn look_inside<T>(&self, ctx: &Context, look: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        ctx.cancel.check()?;
        let header = self.file.header()?;
        let readers = Readers::open(&self.file, header, Opening::one(self.config.busy_timeout))?;
        look(&readers.connections[0])
    }

    fn types(&self) -> String {
        let lines = self.config.types.iter().map(|(name, data_type)| column_line(name, data_type));
        lines.collect::<Vec<_>>().join(", ")
    }

    /// Whether the file is as it was when the receipt was left. Looks at the file only, never opens the database.
    fn unchanged(&self, request: &ReadRequest) -> Result<bool> {
        let state = request.since.as_ref().and_then(|s| s.state.clone()).filter(|_| !request.force);
        let Some(before) = state.and_then(|s| serde_json::from_value::<Remembered>(s).ok()) else { return Ok(false) };
        Ok(before.types == self.types() && self.file.stamp()? == Some(before.stamp))
    }

    fn plan(
        &self,
        conn: &Connection,
        shape: &Shape,
        ctx: &Context,
        request: &ReadRequest,
        notes: &mut Vec<Note>,
    ) -> Result<Plan> {
        if request.skip_settled && request.cursor.is_none() {
            return Err(Error::refused("a database cannot tell which rows have settled without a watermark")
                .at(&self.file.shown)
                .next_set(ConfigPart::Flow, "watermark: NAME"));
        }
        let chosen = columns::chosen(shape, request.columns.as_deref())?;
        if let Some(filter) = &request.filter {
            shape.check_filter(conn, filter, &self.file.shown)?;
        }
        let given = Types { chosen: &self.config.types, many_tables: self.config.many_tables };
        given.check(conn, shape)?;
        let typed = columns::typed(conn, shape, &chosen, &given, ctx)?;
        notes.extend(typed.notes);
        let old = request.since.as_ref().and_then(|s| s.watermark.as_ref()).map(|w| &w.bound);
        let cursor = match &request.cursor {
            Some(spec) => cursor::resolve(conn, shape, request, spec, old, ctx, notes)?,
            None => None,
        };
        let integer_key = match shape.key.as_slice() {
            [only] if shape.table.is_some() && shape.rowid.is_none() => Some(only.as_str()),
            _ => None,
        };
        Ok(Plan {
            schema: typed.schema,
            lenient: typed.lenient,
            from: shape.from.clone(),
            at: shape.at.clone(),
            filter: request.filter.clone(),
            id: id_sql(shape.rowid, integer_key),
            id_column: shape.rowid_column.clone().or_else(|| integer_key.map(str::to_owned)),
            rowid: shape.rowid.is_some(),
            cursor,
        })
    }
}

impl Home for SqliteHome {
    fn kind(&self) -> &'static str {
        "sqlite"
    }

    fn shown(&self, _: &Source) -> String {
        self.file.shown.clone()
    }

    fn identity(&self) -> String {
        format!("sqlite:{}", self.config.identity)
    }

    fn reading(&self) -> Options {
        // Types that are given are compared with those of the receipt, and remembered with the file's stamp.
        Options::new()
    }

    fn location(&self, source: &Source) -> Option<PlaceId> {
        Some(match source {
            Source::Table(name) => self.file.place(Some(name)),
            Source::Query(_) | Source::Whole { .. } => self.file.place(None),
        })
    }

    fn max_readers(&self) -> usize {
        self.config.readers.max(1)
    }

    fn check(&self, ctx: &Context, source: &Source, _settled: bool) -> Result<Vec<String>> {
        let lines = self.look_inside(ctx, |conn| {
            let told = |e| explain(e, "read", &self.file.shown);
            let all = tables::catalogue(conn).map_err(told)?;
            let views = all.iter().filter(|(_, kind)| *kind == Kind::View).count();
            let mode: String = conn.query_row("PRAGMA journal_mode", [], |r| r.get(0)).map_err(told)?;
            let mut lines = vec![
                format!("SQLite {}", rusqlite::version()),
                format!("{}, {}", counted(all.len() - views, "table"), counted(views, "view")),
                format!("journal mode {mode}"),
            ];
            if !matches!(source, Source::Whole { .. }) {
                let shape = Shape::of(conn, source, &self.file.shown)?;
                lines.push(format!("{}: {}", shape.at, counted(shape.columns.len(), "column")));
            }
            Ok(lines)
        });
        lines.map_err(before_anything)
    }

    fn tables(&self, ctx: &Context, pattern: &str) -> Result<Vec<TableInfo>> {
        let glob = globset::GlobBuilder::new(pattern).case_insensitive(true).build().map_err(|e| {
            Error::refused(format!("`tables: {pattern}` is no pattern"))
                .next_set(ConfigPart::Home, "tables: \"*\"")
                .because(e)
        })?;
        let glob = glob.compile_matcher();
        let tables = self.look_inside(ctx, |conn| {
            let told = |e| explain(e, "read", &self.file.shown);
            let all = tables::catalogue(conn).map_err(told)?;
            let mut out = Vec::new();
            for (name, ..) in all.into_iter().filter(|(name, ..)| glob.is_match(name)) {
                let (columns, key) = tables::columns(conn, &name).map_err(told)?;
                let columns = columns.into_iter().map(|c| (c.name, c.declared.unwrap_or_default())).collect();
                out.push(TableInfo { name, rows: None, key, columns });
            }
            Ok(out)
        });
        tables.map_err(before_anything)
    }

    fn open(&self, ctx: &Context, request: &ReadRequest) -> Result<Opened> {
        ctx.cancel.check()?;
        if self.unchanged(request)? {
            return Ok(Opened::Unchanged(format!("{} is as it was", self.file.shown).into()));
        }
        let header = self.file.header().map_err(before_anything)?;
        // Only tables are read in parts.
        let splittable = matches!(request.source, Source::Table(_)) && !request.plan_only;
        let readers = if splittable { request.readers.clamp(1, self.max_readers()) } else { 1 };
        let how = Opening { readers, no_trace: request.plan_only, busy: self.config.busy_timeout };
        let Readers { mut connections, pinned, keeper } =
            Readers::open(&self.file, header, how).map_err(before_anything)?;
        // With the state fixed the file can only look otherwise if somebody wrote after it.
        let stamp: Option<Stamp> = if request.plan_only { None } else { self.file.stamp()? };
        let mut notes = Vec::new();
        if pinned.is_some() {
            notes.push(
                format!("{} lies where nothing can be written: it is read as it lies, by one reader", self.file.shown)
                    .into(),
            );
        }
        let conn = &connections[0];
        let shape = Shape::of(conn, &request.source, &self.file.shown)?;
        let plan = self.plan(conn, &shape, ctx, request, &mut notes)?;
        let wanted = if request.plan_only { request.readers.clamp(1, self.max_readers()) } else { connections.len() };
        let nothing = request.cursor.is_some() && plan.cursor.is_none();
        let splits = if nothing { Vec::new() } else { cut(conn, &plan, ctx, wanted, request.split_bytes)? };
        connections.truncate(splits.len().max(1));
        let timeless = shape.timeless && request.filter.as_deref().is_none_or(is_timeless);
        let remember =
            stamp.filter(|_| timeless && pinned.is_none()).map(|stamp| Remembered { stamp, types: self.types() });
        let pool = Pool::of(connections);
        let (file, keeper) = (self.file.clone(), std::sync::Mutex::new(keeper));
        Ok(Opened::Scan(Box::new(SqliteScan { plan, splits, notes, pool, keeper, pinned, file, remember })))
    }
}

fn counted(n: usize, what: &str) -> String {
    format!("{} {what}{}", grouped(n as i128), if n == 1 { "" } else { "s" })
}

/// Cuts what is to be read into splits.
fn cut(conn: &Connection, plan: &Plan, ctx: &Context, readers: usize, split_bytes: u64) -> Result<Vec<Split>> {
    let mut splits = Vec::new();
    let window = plan.cursor.as_ref().and_then(|c| c.old.as_ref()).is_some_and(|old| old.inclusive);
    let whole = |rows, bytes| {
        let range = Range { part: Part::All, from: None, below: None, window };
        vec![split(0, if window { "the watermark's window and rows above" } else { "all rows" }, range, rows, bytes)]
    };
    let Some(id) = &plan.id else { return Ok(whole(plan.cursor.as_ref().and_then(|c| c.new_rows), None)) };
    let columns = plan.columns(MOST_COLUMNS - LOOKED_AT_BESIDE);
    let filter = plan.filter.as_deref().map_or("1".to_owned(), |f| format!("{f}\n"));
    let look = Look { conn, at: &plan.at, from: &plan.from, id, columns: &columns, filter: &filter, ctx };
    let Some((mut low, high)) = look.ends()? else {
        // No row, or keys that are no integers.
        return Ok(if plan.rowid { Vec::new() } else { whole(None, None) });
    };
    if let Some(Cursor { old: Some(old), column, .. }) = &plan.cursor {
        // Where the cursor is the row's id, only the ids above the old end are looked at.
        if plan.id_column.as_ref() == Some(column) {
            low = old.upper.parse().unwrap_or(low).clamp(low, high);
        }
    }
    let spread: Spread = look.spread(low, high)?;
    let new_rows = plan.cursor.as_ref().and_then(|c| c.new_rows);
    let rows = new_rows.unwrap_or_else(|| spread.rows());
    let bytes = rows.saturating_mul(spread.row_bytes);
    let n = how_many(bytes, readers, split_bytes);
    let cuts = if n > 1 { spread.cuts(n) } else { Vec::new() };
    if cuts.is_empty() {
        return Ok(whole(Some(rows), Some(bytes)));
    }
    let mut part = Part::All;
    if let Some(Cursor { old: Some(_), .. }) = &plan.cursor {
        part = Part::Above;
        if window {
            let range = Range { part: Part::Window, from: None, below: None, window: true };
            splits.push(split(0, "the watermark's window", range, Some(0), Some(0)));
        }
    }
    let n = cuts.len() as u64 + 1;
    let mut from = None;
    for below in cuts.iter().map(|&c| Some(c)).chain([None]) {
        let ordinal = splits.len();
        let label = match (from, below) {
            (None, Some(below)) => format!("ids below {}", grouped(below)),
            (Some(from), Some(below)) => format!("ids {} to {}", grouped(from), grouped(below - 1)),
            (Some(from), None) => format!("ids from {} on", grouped(from)),
            (None, None) => "all rows".to_owned(),
        };
        splits.push(split(
            ordinal,
            &label,
            Range { part, from, below, window: false },
            Some(rows / n),
            Some(bytes / n),
        ));
        from = below;
    }
    Ok(splits)
}

fn split(ordinal: usize, label: &str, range: Range, rows: Option<u64>, bytes: Option<u64>) -> Split {
    Split {
        ordinal: u32::try_from(ordinal).unwrap_or(u32::MAX),
        label: label.to_owned(),
        payload: serde_json::to_value(range).unwrap_or_default(),
        rows,
        bytes,
        window: range.window,
    }
}

#[cfg(test)]
mod tests;
