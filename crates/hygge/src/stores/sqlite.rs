//! The SQLite store: rows and receipt in one transaction of the database that holds them.
//!
//! The place lock is a file in the hidden folder `.<database>.hygge` beside the database, held for the load and never
//! removed. What decides in the end is the number of the last commit, read again inside the transaction that writes.

mod bind;
mod kept;
mod ledger;
mod load;
mod target;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hygge_core::context::{Context, SplitContext};
use hygge_core::fault::{self, FailPoint};
use hygge_core::home::BatchStream;
use hygge_core::place::PlaceId;
use hygge_core::receipt::{Options, Owner, Question, Receipt};
use hygge_core::store::{Capabilities, Live, LoadPlan, LoadSpec, Place, Store};
use hygge_core::{Error, Part, Result};
use rusqlite::{Connection, OptionalExtension as _};

use self::kept::Kept;
use self::load::SqlitePlace;
use self::target::Target;
use crate::files::durable::Disk;
use crate::files::place::lock::PlaceLock;
use crate::files::place::{Shape, Sibling};
use crate::files::platform;
use crate::sqlite::connect::{BUSY_TIMEOUT, Opening, Readers};
use crate::sqlite::fault::{before_anything, explain};
use crate::sqlite::file::DbFile;
use crate::sqlite::names::{is_own, list, quoted};
use crate::sqlite::stream::{self, MisfitAdvice, Reading};
use crate::sqlite::tables;
use crate::stores::plain::plain;

/// What a SQLite store is made of.
#[derive(Debug, Clone)]
pub struct SqliteStoreConfig {
    /// The database file; it is made where it is missing.
    pub path: PathBuf,
    /// The path as the project wrote it, for people.
    pub shown: String,
    /// The table, which may hold `{entity}`; none takes the entity's name.
    pub table: Option<String>,
    /// How long to wait for a lock that another program holds.
    pub busy_timeout: Duration,
}

impl SqliteStoreConfig {
    /// The defaults for a file.
    pub fn new(path: impl Into<PathBuf>, shown: impl Into<String>) -> Self {
        Self { path: path.into(), shown: shown.into(), table: None, busy_timeout: BUSY_TIMEOUT }
    }
}

/// A database file that rows settle in.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    file: DbFile,
    config: SqliteStoreConfig,
    /// What loads of several tables share.
    kept: Arc<Kept>,
}

impl SqliteStore {
    /// A store of this configuration. Nothing is opened or made yet.
    #[must_use]
    pub fn new(config: SqliteStoreConfig) -> Self {
        Self { file: DbFile::new(&config.path, &config.shown), config, kept: Arc::default() }
    }

    /// Looks into the database without leaving a trace; none where it has no table yet.
    fn look_inside<T>(&self, look: impl FnOnce(&Connection) -> Result<T>) -> Result<Option<T>> {
        if !self.file.path.exists() {
            return Ok(None);
        }
        let header = self.file.header()?;
        if header.empty {
            return Ok(None);
        }
        let readers = Readers::open(&self.file, header, Opening::one(self.config.busy_timeout))?;
        look(&readers.connections[0]).map(Some)
    }

    /// Whether the file may be written, and the folder in which SQLite and the place's lock keep files of their own.
    fn check_rights(&self) -> Result<()> {
        let real = self.file.real();
        if real.exists() {
            platform::may_change(&real)
                .map_err(|e| Error::io("write to", Path::new(&self.file.shown), e).as_refusal())?;
        }
        match real.ancestors().skip(1).find(|folder| folder.exists()) {
            Some(folder) => platform::may_write(folder).map_err(|e| Error::io("write in", folder, e).as_refusal()),
            None => Ok(()),
        }
    }

    fn sibling(&self, place: &PlaceId) -> Result<Sibling> {
        let live = self.file.real();
        let (Some(parent), Some(name)) = (live.parent(), live.file_name()) else {
            return Err(Error::refused(format!("{} can be no database file", self.file.shown)));
        };
        let parent = parent.to_path_buf();
        let base = parent.join(format!(".{}.hygge", name.to_string_lossy()));
        Ok(Sibling { live, parent, base, shape: Shape::OneFile, place: place.clone() })
    }
}

/// The table of a place, as the store spells it.
fn table_of(place: &PlaceId) -> &str {
    // What follows the last colon of `shop.db:Users` keeps the case that the path gave up.
    let folded = place.path.last().map_or("", String::as_str);
    let shown = place.shown.get(place.shown.len().saturating_sub(folded.len())..).unwrap_or_default();
    if shown.eq_ignore_ascii_case(folded) { shown } else { folded }
}

impl Store for SqliteStore {
    fn kind(&self) -> &'static str {
        "sqlite"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            parallel_writers: false,
            loads_at_once: 1,
            staging: true,
            receipts: true,
            merge: true,
            append: true,
            // A file that hygge makes is in WAL mode, where readers and the writer do not meet.
            scan_must_end_first: self.file.path.exists() && self.file.header().is_ok_and(|h| !h.empty && !h.wal),
        }
    }

    fn place(&self, entity: Option<&str>) -> Result<PlaceId> {
        let table = match (&self.config.table, entity) {
            (Some(template), Some(entity)) => template.replace("{entity}", entity),
            (Some(table), None) if !table.contains("{entity}") => table.clone(),
            (None, Some(entity)) => entity.to_owned(),
            _ => {
                return Err(Error::refused(format!("{} is a database: rows settle in which table?", self.file.shown))
                    .next_set(Part::Store, "table: NAME"));
            }
        };
        if table.trim().is_empty() || is_own(&table) || table.contains('\0') {
            return Err(Error::refused(format!("`{table}` cannot be the name of a table of yours"))
                .at(&self.file.shown)
                .next_set(Part::Store, "table: NAME"));
        }
        Ok(self.file.place(Some(&table)))
    }

    fn writing(&self) -> Options {
        Options::new()
    }

    fn agreeing(&self) -> &'static [&'static str] {
        &[]
    }

    fn check(&self, _: &Context, place: &PlaceId) -> Result<Vec<String>> {
        let table = table_of(place);
        let found = self.look_inside(|conn| {
            let told = |e| explain(e, "read", &self.file.shown);
            let mode: String = conn.query_row("PRAGMA journal_mode", [], |r| r.get(0)).map_err(told)?;
            Ok((mode, tables::find(conn, table).map_err(told)?.is_some()))
        });
        let mut lines = vec![format!("SQLite {}", rusqlite::version())];
        match found.map_err(before_anything)? {
            Some((mode, exists)) => {
                lines.push(format!("journal mode {mode}"));
                lines.push(format!("table {table} {}", if exists { "is there" } else { "will be made" }));
            }
            None => lines.push(format!("{} will be made", self.file.shown)),
        }
        self.check_rights()?;
        Ok(lines)
    }

    fn peek(&self, _: &Context, place: &PlaceId) -> Result<Option<Receipt>> {
        let found = self.look_inside(|conn| ledger::last(conn, place, &self.file.shown));
        Ok(found.map_err(before_anything)?.flatten())
    }

    fn plan(&self, _: &Context, spec: &LoadSpec, last: Option<&Receipt>) -> Result<LoadPlan> {
        let target = self.look_inside(|conn| Target::find(conn, spec, last, table_of(&spec.place), &self.file.shown));
        let target = match target.map_err(before_anything)? {
            Some(target) => target,
            None => Target::fresh(spec, table_of(&spec.place))?,
        };
        self.check_rights()?;
        let mut warnings = target.warnings.clone();
        if self.capabilities().scan_must_end_first {
            warnings.push(format!("{} is not in WAL mode: readers wait while it loads", self.file.shown));
        }
        Ok(LoadPlan {
            publish: "rows and receipt become visible in one transaction".to_owned(),
            guarantee: "every row once: a load settles whole, or not at all".to_owned(),
            ddl: target.ddl.clone(),
            columns: target::column_plans(&spec.schema)?,
            warnings,
            adopts: false,
        })
    }

    fn lock(&self, ctx: &Context, place: &PlaceId, owner: &Owner) -> Result<Box<dyn Place>> {
        let lock = PlaceLock::take(&self.sibling(place)?, &Disk::default(), ctx, owner)?;
        fault::pass(FailPoint::Locked)?;
        // Whoever may write also puts right what a program that died left; nothing of ours outlives its transaction.
        let mut last = None;
        if self.file.path.exists() && !self.file.header()?.empty {
            let how = Opening { readers: 1, no_trace: false, busy: self.config.busy_timeout };
            let readers = Readers::open(&self.file, self.file.header()?, how)?;
            last = ledger::last(&readers.connections[0], place, &self.file.shown)?;
        }
        Ok(Box::new(SqlitePlace {
            file: self.file.clone(),
            busy: self.config.busy_timeout,
            place: place.clone(),
            kept: Arc::clone(&self.kept),
            _lock: lock,
            last,
        }))
    }

    fn read_back(&self, ctx: &SplitContext, place: &PlaceId, receipt: &Receipt) -> Result<Box<dyn BatchStream>> {
        let table = table_of(place);
        let how = Opening { readers: 1, no_trace: true, busy: self.config.busy_timeout };
        let Readers { mut connections, keeper, .. } = Readers::open(&self.file, self.file.header()?, how)?;
        let conn = connections.pop().ok_or_else(|| Error::bug("no reader was opened"))?;
        match tables::find(&conn, table).map_err(|e| explain(e, "read", &self.file.shown))? {
            Some(found) if target::speaks_of(receipt, &found) => {}
            Some(_) => {
                return Err(Error::refused(target::not_ours(table)).at(&place.shown).next_anew(
                    "once  adopt: true  stands in the flow: its rows go, and all settle in it as the home holds them now",
                ));
            }
            None => {
                return Err(Error::refused(format!("there is no table {table} in {}", self.file.shown))
                    .next_anew("to settle it anew"));
            }
        }
        let reading = reading(&receipt.schema, &quoted(table), "", &place.shown);
        let give_back = move |conn: Connection| {
            drop(conn);
            drop(keeper);
        };
        stream::start(conn, Box::new(give_back), reading, ctx)
    }
}

/// All rows of a table of ours, as columns of a schema.
fn reading(schema: &arrow_schema::SchemaRef, from: &str, condition: &str, at: &str) -> Reading {
    let columns = list(schema.fields().iter().map(|f| f.name().as_str()));
    let schema = plain(schema);
    Reading {
        sql: format!("SELECT {columns} FROM {from}{condition}"),
        params: Vec::new(),
        lenient: vec![false; schema.fields().len()],
        schema,
        edge: false,
        window: false,
        rowid: false,
        at: at.to_owned(),
        advice: MisfitAdvice::SettleAnew,
    }
}

/// The digest of the statement that made a table. Another one in its place, of the same name, has another, unless it was
/// made in the very same words.
fn made(conn: &Connection, table: &str) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE";
    let text: Option<String> = conn.query_row(sql, [table], |r| r.get(0)).optional()?;
    Ok(text.map(|text| Question::digest(&text)))
}

/// Whether what a receipt calls live is there.
fn live(conn: &Connection, receipt: &Receipt, table: &str) -> rusqlite::Result<Live> {
    let Some(found) = tables::find(conn, table)? else {
        return Ok(Live::Missing(format!("the table {table} is gone")));
    };
    let gone: Vec<&str> = receipt
        .schema
        .fields()
        .iter()
        .map(|f| f.name().as_str())
        .filter(|name| !found.columns.iter().any(|c| c.name.eq_ignore_ascii_case(name)))
        .collect();
    let was = receipt.live.get("made").and_then(|made| made.as_str());
    let other = was.is_some() && made(conn, table)?.as_deref() != was;
    Ok(match gone.as_slice() {
        [] if other => Live::Missing(format!("the table {table} was made anew or altered")),
        [] => Live::Present,
        [one] => Live::Missing(format!("the column {one} of {table} is gone")),
        many => Live::Missing(format!("{} columns of {table} are gone, first {}", many.len(), many[0])),
    })
}

#[cfg(test)]
mod tests;
