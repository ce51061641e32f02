//! A flow: what is asked for, what is planned, and how it ended.

mod carry;
mod open;
mod plan;
mod prepare;
mod resolve;
mod run;
mod verify;
mod work;

use std::sync::Arc;
use std::time::Duration;

use arrow_schema::SchemaRef;

use crate::Error;
use crate::event::Note;
use crate::home::{CursorSpec, Home, Source};
use crate::place::PlaceId;
use crate::receipt::{Owner, Receipt};
use crate::split::Split;
use crate::store::{Coverage, LoadPlan, Store};
use crate::watermark::Bound;

pub use self::plan::plan_entity;
pub use self::resolve::schema_differences;
pub use self::run::run_entity;
pub(crate) use self::run::within;
pub use self::verify::{Verified, verify_entity};

/// How rows are to settle, before a store was asked what it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settling {
    /// All rows take the place of all rows.
    Replace,
    /// New rows are added.
    Append,
    /// Rows are inserted, or updated by key.
    Merge,
}

/// How sure a flow wants to be of what it moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    /// Rows and hashes at both ends, and the store's own row count.
    #[default]
    Counted,
    /// Also read back with the store's own reader before the load becomes visible.
    Contents,
}

/// What to do when what the last receipt calls live is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missing {
    /// Fail, with two ways out.
    #[default]
    Error,
    /// Go on with what is there.
    Ignore,
}

/// One home's rows to one place: a flow, or one entity of it.
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the configuration, none excludes another")]
pub struct EntitySpec {
    /// Whose place it will be.
    pub owner: Owner,
    /// The name that the flow had when it last ran, if it was renamed.
    pub formerly: Option<String>,
    /// Where rows are.
    pub home: Arc<dyn Home>,
    /// Which of them.
    pub source: Source,
    /// Which columns; none means all.
    pub columns: Option<Vec<String>>,
    /// A condition in the home's own language.
    pub filter: Option<String>,
    /// Where rows settle.
    pub store: Arc<dyn Store>,
    /// How.
    pub settling: Settling,
    /// Read only what is new since the receipt (rows after the watermark, files not settled yet).
    pub incremental: bool,
    /// The cursor; a full load with one seeds later incremental runs.
    pub cursor: Option<CursorSpec>,
    /// The columns that identify a row.
    pub key: Vec<String>,
    /// Settle everything anew, whatever the receipt says (`--full-drop`).
    pub full: bool,
    /// Run though the home is unchanged (`--force`).
    pub force: bool,
    /// Append all rows on every run, remembering nothing (`append: every_run`).
    pub every_run: bool,
    /// The most rows of a batch.
    pub batch_rows: usize,
    /// The most splits read at once; none leaves it to home and budget.
    pub readers: Option<usize>,
    /// How sure.
    pub verify: Verify,
    /// What if settled rows are gone.
    pub missing: Missing,
    /// Take over what no receipt names.
    pub adopt: bool,
    /// How often a split, and then the flow, is tried again.
    pub retries: u32,
    /// The longest the flow may take.
    pub timeout: Option<Duration>,
}

impl EntitySpec {
    /// Whether what has settled is left out without a cursor to go by, as files are.
    #[must_use]
    pub fn skips_settled(&self) -> bool {
        let joins = !self.full && self.settling != Settling::Replace;
        joins && self.cursor.is_none() && !self.every_run && (self.incremental || self.settling == Settling::Append)
    }
}

/// The entities of a flow.
#[derive(Clone)]
pub enum Entities {
    /// Known from the configuration; a flow without entities has one.
    Listed(Vec<EntitySpec>),
    /// The tables of the home whose names match, found when the flow is planned.
    Matching {
        /// A glob (`*`, `sales_*`).
        pattern: String,
        /// Globs of names to leave out.
        exclude: Vec<String>,
        /// Only these, by name, where the command line chose some.
        only: Vec<String>,
        /// What each entity is like: its name, source and owner are filled in.
        template: Box<EntitySpec>,
    },
}

/// A flow of a project.
#[derive(Clone)]
pub struct FlowSpec {
    /// Its name.
    pub name: String,
    /// The flows that must have settled, or have nothing to do, before this one begins.
    pub depends_on: Vec<String>,
    /// What it moves.
    pub entities: Entities,
}

/// What a flow (one entity of it) would do.
#[derive(Debug, Clone)]
pub struct PlannedFlow {
    /// Which.
    pub owner: Owner,
    /// Its home, for people.
    pub home: String,
    /// Its place.
    pub place: PlaceId,
    /// `replace`, `append`, `merge`.
    pub mode: &'static str,
    /// Everything, or what is new.
    pub coverage: Coverage,
    /// Set when there is nothing to do; says how the home knows.
    pub unchanged: Option<String>,
    /// The columns.
    pub schema: Option<SchemaRef>,
    /// What would be read.
    pub splits: Vec<Split>,
    /// The end of what would be read.
    pub bound: Option<Bound>,
    /// What the store would do.
    pub load: LoadPlan,
    /// What the home and the engine have to say.
    pub notes: Vec<Note>,
    /// All rows are appended again on every run.
    pub every_run: bool,
    /// The run would leave the first receipt in its place: none is there yet, and the store keeps them.
    pub first: bool,
}

impl PlannedFlow {
    /// The home's guess of rows, where every split has one.
    #[must_use]
    pub fn rows(&self) -> Option<u64> {
        self.splits.iter().map(|s| s.rows).sum()
    }

    /// The home's guess of bytes, where every split has one.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        self.splits.iter().map(|s| s.bytes).sum()
    }
}

/// A load that settled, with what the closing screen says of it.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// As it was stored.
    pub receipt: Receipt,
    /// Its home, for people.
    pub home: String,
    /// Its place, for people.
    pub place: String,
    /// Everything, or what was new.
    pub coverage: Coverage,
    /// Bytes as they lie in the store.
    pub bytes: u64,
    /// Attempts beyond the first.
    pub retries: u32,
}

/// How a flow (one entity of it) ended.
#[derive(Debug)]
pub enum Outcome {
    /// Its rows are home.
    Settled(Box<Settlement>),
    /// There was nothing to do.
    Unchanged {
        /// How that is known.
        why: String,
        /// The end of what was read, where rows at it are held back: too many share its value to be remembered.
        held_back: Option<Box<Bound>>,
    },
    /// Nothing of it is visible, unless the error is a lost answer to a commit.
    Failed(Error),
    /// It did not begin; says because of which flow, or of what.
    Skipped(String),
    /// The run was told to stop before it settled.
    Cancelled,
}

impl Outcome {
    /// Whether flows that depend on this one may begin.
    #[must_use]
    pub fn lets_dependants_run(&self) -> bool {
        matches!(self, Self::Settled(_) | Self::Unchanged { .. })
    }
}
