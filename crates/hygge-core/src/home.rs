//! Where rows live now: the source side of the contract.

use arrow_array::{BooleanArray, RecordBatch};
use arrow_schema::{Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::context::{Context, SplitContext};
use crate::event::Note;
use crate::place::PlaceId;
use crate::receipt::Options;
use crate::split::Split;
use crate::watermark::{Bound, Watermark};

/// What to read of a home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// A table or view by its name.
    Table(String),
    /// A query in the home's own language.
    Query(String),
    /// All that the home's configuration names (a file, a folder), with the entity's name where the flow has entities.
    Whole {
        /// Fills `{entity}`, or is appended to the folder's path.
        entity: Option<String>,
    },
}

impl Source {
    /// A short word for messages: the table's name, `query`, or the entity.
    #[must_use]
    pub fn shown(&self) -> Option<&str> {
        match self {
            Self::Table(name) => Some(name),
            Self::Query(_) => Some("query"),
            Self::Whole { entity } => entity.as_deref(),
        }
    }
}

/// What to do about rows whose cursor is NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NullCursor {
    /// Fail: such rows would never be seen again.
    #[default]
    Error,
    /// Leave them out, and say so.
    Skip,
}

/// What to do when the source ends below what has been read, as after a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rewound {
    /// Fail: rows below the watermark would be missed.
    #[default]
    Error,
    /// Carry on above the old watermark.
    Ignore,
}

/// What to do when the cursor's greatest value is a time that has not come yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Future {
    /// Fail: every row before that time would be missed.
    #[default]
    Error,
    /// The column may hold times to come.
    Allow,
}

/// The cursor of an incremental flow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CursorSpec {
    /// The column; none lets the home take the single-column integer primary key, or refuse.
    pub column: Option<String>,
    /// How far below the watermark to read again, in the unit of the column (`10` for numbers, `2h`, `3d` for times).
    pub lookback: Option<String>,
    /// NULLs.
    pub nulls: NullCursor,
    /// A source that went back.
    pub rewound: Rewound,
    /// Times to come.
    pub future: Future,
}

/// What the last receipt tells the home.
#[derive(Debug, Clone, Default)]
pub struct Since {
    /// How far the flow has read; none reads everything.
    pub watermark: Option<Watermark>,
    /// What the home asked to be shown again.
    pub state: Option<serde_json::Value>,
}

/// One question to a home.
///
/// A home obeys every part of it, or refuses with an error that names the part.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent switch of the question")]
pub struct ReadRequest {
    /// What to read.
    pub source: Source,
    /// Which columns, in this order; none means all.
    pub columns: Option<Vec<String>>,
    /// A condition in the home's own language.
    pub filter: Option<String>,
    /// The cursor, for incremental flows, also on their first run and on a full one.
    pub cursor: Option<CursorSpec>,
    /// What the last receipt tells; none on a first or full run.
    pub since: Option<Since>,
    /// What the home asked to be shown again, where rows that were added or merged are dropped and all settles anew:
    /// only for a note on what is no longer there to settle.
    pub dropped: Option<serde_json::Value>,
    /// Nothing need be left to read of what `dropped` speaks of: it is only compared.
    pub may_be_empty: bool,
    /// Leave out what `since.state` calls settled (files to append once). Otherwise `since.state` only serves to tell
    /// whether anything changed at all, and whatever is read is read whole.
    pub skip_settled: bool,
    /// Every row from the new bound's `low` on must be remembered, because nothing else keeps it from being carried
    /// twice: with more than [`crate::watermark::EDGE_LIMIT`] such rows the home must take closed values only
    /// ([`Bound::inclusive`] false), or refuse. False where rows are merged by key: then a settled file that changed may
    /// be read again, too.
    pub exact_edge: bool,
    /// Read even if `since` says that nothing changed.
    pub force: bool,
    /// How many splits may be read at once, at least 1.
    pub readers: usize,
    /// Whether the scan will only be planned, never read: take no locks, make nothing, open one reader.
    pub plan_only: bool,
    /// About how many bytes a split should hold in memory, so that it is one unit of work and of retry.
    pub split_bytes: u64,
    /// The columns as they settled: types that are otherwise told from rows are to be these, wherever they fit.
    pub like: Option<SchemaRef>,
}

impl ReadRequest {
    /// Everything of a source, with one reader.
    #[must_use]
    pub fn all(source: Source) -> Self {
        Self {
            source,
            columns: None,
            filter: None,
            cursor: None,
            since: None,
            dropped: None,
            may_be_empty: false,
            skip_settled: false,
            exact_edge: false,
            force: false,
            readers: 1,
            plan_only: false,
            split_bytes: 64 << 20,
            like: None,
        }
    }

    /// Whether only what is new since the receipt is asked for.
    #[must_use]
    pub fn continues(&self) -> bool {
        let since = self.since.as_ref();
        since.is_some_and(|since| since.watermark.is_some() || (self.skip_settled && since.state.is_some()))
    }
}

/// A home's answer to [`Home::open`].
pub enum Opened {
    /// There is something to read, or no way to tell.
    Scan(Box<dyn Scan>),
    /// Nothing has changed since the receipt; says how the home knows (`shop.db is as it was`).
    Unchanged(Unchanged),
}

/// That there is nothing to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unchanged {
    /// How the home knows.
    pub why: String,
    /// What a person should know all the same (what was left out).
    pub notes: Vec<Note>,
}

impl From<String> for Unchanged {
    fn from(why: String) -> Self {
        Self { why, notes: Vec::new() }
    }
}

/// A line of a home's catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableInfo {
    /// The name that `table:` takes.
    pub name: String,
    /// Rows, where the home knows without reading them.
    pub rows: Option<u64>,
    /// The primary key's columns.
    pub key: Vec<String>,
    /// Columns with the home's own type names.
    pub columns: Vec<(String, String)>,
}

/// Whether reading a split again yields the same rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// All splits read one snapshot that the scan holds.
    Snapshot,
    /// What is read is pinned (files by identity and length) and checked at the end.
    Pinned,
    /// A second reading may differ: one split, and a retry is a new run.
    Once,
}

/// A source of rows.
///
/// # Laws
/// - Splits cover every row of the answer once, and batches match the scan's schema.
/// - All splits and the new bound come from one state of the source, fixed when `open` returns.
/// - A scan with [`Repeat::Once`] has one split.
/// - Batches are cut by bytes ([`SplitContext::batch_bytes`]) and rows ([`SplitContext::batch_rows`]), whichever comes first.
/// - `open` with `plan_only` leaves no trace.
pub trait Home: Send + Sync {
    /// One word for the kind (`sqlite`, `csv`).
    fn kind(&self) -> &'static str;

    /// How the home is shown to people (`shop.db`, `weather.csv.gz`), without secrets.
    fn shown(&self, source: &Source) -> String;

    /// Who the home is for the receipt's question: relative to the project's root where it lies below it, without
    /// user, password and options that change no rows.
    fn identity(&self) -> String;

    /// The options that decide which rows are read out of the same bytes, by their names in the configuration: with
    /// others the flow asks another question. Empty where the source alone decides.
    fn reading(&self) -> Options;

    /// Those of [`Self::reading`]'s options that only say more than `before` did, so that rows may join those that
    /// settled by it in columns of the schema `settled`. Each with a sentence, without a full stop, on what is more. A
    /// home of which none can answers none.
    fn widened(&self, before: &Options, settled: &Schema) -> Vec<(&'static str, String)> {
        let _ = (before, settled);
        Vec::new()
    }

    /// The place that this home reads, in the stores' terms, where there is such a place.
    fn location(&self, source: &Source) -> Option<PlaceId>;

    /// How many splits it stands reading at once; the configuration may lower it.
    fn max_readers(&self) -> usize;

    /// Tries that the home answers; says what it found in lines for people. Where rows have `settled` and only new ones
    /// are asked for, none need be there: a folder of files may have been emptied.
    ///
    /// # Errors
    /// What is wrong with the home as configured.
    fn check(&self, ctx: &Context, source: &Source, settled: bool) -> Result<Vec<String>>;

    /// The tables whose names match a glob pattern (`*`), sorted by name. Names of hygge's own are never listed.
    ///
    /// # Errors
    /// If the home cannot be reached, or has no catalogue.
    fn tables(&self, ctx: &Context, pattern: &str) -> Result<Vec<TableInfo>>;

    /// Fixes one state of the source and says how to read it.
    ///
    /// # Errors
    /// If the request cannot be answered exactly as asked.
    fn open(&self, ctx: &Context, request: &ReadRequest) -> Result<Opened>;
}

/// One view of a source: schema, splits and the new bound, fixed before reading.
pub trait Scan: Send + Sync {
    /// The columns of every batch.
    fn schema(&self) -> SchemaRef;

    /// What to read. May be empty: then there are no rows.
    fn splits(&self) -> &[Split];

    /// The new end of what is read. None without cursor, and where there is no row to name an end.
    fn bound(&self) -> Option<&Bound>;

    /// Whether [`Self::schema`] is known. A home that learns its columns only by reading may answer no where the question
    /// is only planned ([`ReadRequest::plan_only`]); its schema is then empty.
    fn knows_columns(&self) -> bool {
        true
    }

    /// Whether a split may be read again.
    fn repeat(&self) -> Repeat;

    /// Notes for the plan and the screen (what the cursor does not see, what was left out).
    fn notes(&self) -> Vec<Note>;

    /// Reads a split from its start. Several splits may be read at once from several threads.
    ///
    /// # Errors
    /// If the split cannot be opened; see [`crate::Retry`] for who may try again.
    fn read(&self, split: &Split, ctx: &SplitContext) -> Result<Box<dyn BatchStream>>;

    /// Ends the scan: checks that what was pinned did not change, and lets the source go.
    ///
    /// Answers with what the home wants to be shown next time.
    ///
    /// # Errors
    /// If the source changed under the scan; the load must then not commit.
    fn finish(self: Box<Self>, ctx: &Context) -> Result<Option<serde_json::Value>>;
}

/// Rows with what the home alone can say of them.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The rows.
    pub rows: RecordBatch,
    /// For a scan with a bound: which rows lie at or above its `low` (and so are remembered). No NULLs.
    pub edge: Option<BooleanArray>,
    /// For the split marked [`Split::window`]: which rows lie at or below the last receipt's `upper` (and so may have
    /// been carried before). No NULLs. Needed where the cursor is unique, so that a row that changed at the watermark
    /// itself is told from a new one.
    pub window: Option<BooleanArray>,
}

impl From<RecordBatch> for Batch {
    fn from(rows: RecordBatch) -> Self {
        Self { rows, edge: None, window: None }
    }
}

/// The rows of a split, in batches.
pub trait BatchStream: Send {
    /// The next batch, or none at the end. Blocks; looks at [`Context::cancel`] at least once a batch.
    ///
    /// # Errors
    /// See [`crate::Retry`] for who may try again. After an error the stream is not asked again.
    fn next(&mut self) -> Result<Option<Batch>>;
}
