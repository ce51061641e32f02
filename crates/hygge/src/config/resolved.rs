//! The resolved form: what a project means once names, defaults and variables are worked out.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hygge_core::flow::{Missing, Settling, Verify};
use hygge_core::home::{CursorSpec, Source};
use hygge_core::{Error, Part, Result};

use super::kinds::{HomeConfig, StoreConfig};
use super::source::Pos;
use super::spot::{Spot, Spots};

/// The most rows of a batch where nothing else is said.
pub const DEFAULT_BATCH_ROWS: usize = 8_192;

/// A project, ready to be given living homes and stores.
#[derive(Clone, Debug)]
pub struct Project {
    /// The folder that every relative path starts from; absolute.
    pub root: PathBuf,
    /// The hygge.yml; absolute.
    pub file: PathBuf,
    /// The name that receipts carry; the folder's where the file gives none, so that two projects are not taken for one.
    pub name: String,
    /// Whether the file gives the name.
    pub is_named: bool,
    /// How the whole project runs.
    pub options: RootOptions,
    /// In the order in which they are written; flows of folders follow, by name.
    pub flows: Vec<Flow>,
    /// The entries of `homes:`, for `preview` and `check`.
    pub homes: Vec<NamedHome>,
}

impl Project {
    /// A path as the project writes it, from the root.
    #[must_use]
    pub fn path(&self, written: impl AsRef<Path>) -> PathBuf {
        self.root.join(written)
    }

    /// A flow by its name.
    #[must_use]
    pub fn flow(&self, name: &str) -> Option<&Flow> {
        self.flows.iter().find(|flow| flow.name == name)
    }

    /// An entry of `homes:` by its name.
    #[must_use]
    pub fn home(&self, name: &str) -> Option<&NamedHome> {
        self.homes.iter().find(|home| home.name == name)
    }
}

/// The root's `options:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootOptions {
    /// How many flows run at once, at least 1.
    pub concurrency: usize,
    /// Whether independent flows go on after one failed.
    pub continue_on_error: bool,
    /// The bytes that everything in flight may take.
    pub memory: u64,
    /// The longest a flow may take.
    pub timeout: Option<Duration>,
    /// How often what can pass is tried again.
    pub retries: u32,
    /// How much the run's log tells.
    pub log_level: LogLevel,
    /// How many days run logs are kept.
    pub keep: u32,
}

impl Default for RootOptions {
    fn default() -> Self {
        Self {
            concurrency: std::thread::available_parallelism().map_or(1, usize::from),
            continue_on_error: true,
            memory: 512 << 20,
            timeout: None,
            retries: 3,
            log_level: LogLevel::Info,
            keep: 90,
        }
    }
}

/// How much the run's log tells, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// What went wrong.
    Error,
    /// And what may.
    Warn,
    /// And what happened.
    Info,
    /// And why.
    Debug,
    /// And every step.
    Trace,
}

/// A flow.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Its name.
    pub name: String,
    /// Where it is written; none for a flow of the command line.
    pub at: Option<Pos>,
    /// The flows that must have settled, or have nothing to do, before; all of them are in the project, without a circle.
    pub depends_on: Vec<String>,
    /// What it moves.
    pub entities: Entities,
}

/// The entities of a flow.
#[derive(Clone, Debug)]
pub enum Entities {
    /// Known now. A flow without entities has one, without a name.
    Listed(Vec<Entity>),
    /// The tables of the home whose names match, found when the flow is planned.
    Tables {
        /// A glob (`*`, `sales_*`).
        pattern: String,
        /// Globs of names to leave out.
        exclude: Vec<String>,
        /// What each is like. Its name and its source are to be filled in.
        template: Box<Entity>,
    },
}

/// One home's rows to one place: a flow, or one entity of it.
#[derive(Clone, Debug)]
pub struct Entity {
    /// The entity's name; none for a flow without entities.
    pub name: Option<String>,
    /// Where rows are. May hold `{entity}` in a path.
    pub home: HomeConfig,
    /// Which of them; `{entity}` is filled in for tables and queries.
    pub source: Source,
    /// Which columns, in this order; none means all.
    pub columns: Option<Vec<String>>,
    /// A condition in the home's own language.
    pub filter: Option<String>,
    /// Where rows settle. May hold `{entity}`.
    pub store: StoreConfig,
    /// How rows settle.
    pub settling: Settling,
    /// Read only what is new since the receipt.
    pub incremental: bool,
    /// The cursor; a replace with one seeds later incremental runs.
    pub cursor: Option<CursorSpec>,
    /// The columns that identify a row.
    pub key: Vec<String>,
    /// Append all rows on every run, remembering nothing.
    pub every_run: bool,
    /// The most rows of a batch.
    pub batch_rows: usize,
    /// The most splits read at once; none leaves it to home and budget.
    pub readers: Option<usize>,
    /// How sure the flow wants to be.
    pub verify: Verify,
    /// What if settled rows are gone.
    pub missing: Missing,
    /// Take over what no receipt names.
    pub adopt: bool,
    /// The name that the flow had when it last ran, if it was renamed.
    pub formerly: Option<String>,
    /// How often a split, and then the flow, is tried again.
    pub retries: u32,
    /// The longest the flow may take.
    pub timeout: Option<Duration>,
    /// Where another option of the home, the store or the flow would be written.
    pub spots: Spots,
}

impl Entity {
    /// Reads only what is new, whatever the file says: `--incremental`. Rows merge where there is a key and the store can,
    /// and are appended elsewhere, as with `incremental: true`.
    ///
    /// # Errors
    /// Refused where new rows cannot be told, or cannot be added to the store.
    pub fn make_incremental(&mut self) -> Result<()> {
        if self.store.is_one_file() {
            return Err(Error::refused(
                "one file can only be replaced as a whole, and --incremental adds to what is there",
            )
            .next("give the store a folder as its path, or leave --incremental out"));
        }
        let is_sql = matches!(self.home, HomeConfig::Sqlite(_));
        if is_sql && self.cursor.is_none() && matches!(self.source, Source::Query(_)) {
            return Err(Error::refused("a query has no primary key to tell new rows by")
                .next_set(Part::Flow, "watermark: updated_at"));
        }
        if is_sql && self.cursor.is_none() {
            self.cursor = Some(CursorSpec::default());
        }
        if self.settling != Settling::Merge {
            let merges = self.store.can_merge() && !self.key.is_empty();
            let keeps = self.incremental && self.settling == Settling::Append;
            self.settling = if merges && !keeps { Settling::Merge } else { Settling::Append };
        }
        self.incremental = true;
        self.every_run = false;
        Ok(())
    }
}

/// An entry of `homes:`, with what it asks for.
#[derive(Clone, Debug)]
pub struct NamedHome {
    /// Its name.
    pub name: String,
    /// Where rows are.
    pub home: HomeConfig,
    /// Which of them; none for a database of which no table is named.
    pub source: Option<Source>,
    /// Which columns; none means all.
    pub columns: Option<Vec<String>>,
    /// A condition in the home's own language.
    pub filter: Option<String>,
    /// Where another option of it would be written.
    pub spot: Spot,
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        })
    }
}
