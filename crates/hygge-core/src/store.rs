//! Where rows settle: the destination side of the contract.

use std::time::Instant;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::Result;
use crate::context::{Context, SplitContext};
use crate::home::BatchStream;
use crate::place::PlaceId;
use crate::receipt::{Mode, Options, Owner, Receipt};
use crate::split::{Split, Staged};

/// What a store can do, as data that the coordinator obeys.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent fact of a store")]
pub struct Capabilities {
    /// Whether several splits of a load may be written at once.
    pub parallel_writers: bool,
    /// How many loads may be open at once on one [`PlaceId::resource`].
    pub loads_at_once: usize,
    /// Whether it stages: nothing is visible before `commit`. Without it the guarantee is weaker, and the plan says so.
    pub staging: bool,
    /// Whether it keeps receipts. Without them nobody knows what has settled: every run carries all rows, and nothing can
    /// be verified later.
    pub receipts: bool,
    /// Whether rows can be merged on a key.
    pub merge: bool,
    /// Whether rows can be appended to those that are there.
    pub append: bool,
    /// Whether an open load keeps the home's scan from ending when both lie in this resource (see [`crate::home::Home::location`]).
    pub scan_must_end_first: bool,
}

/// Whether a load brings all rows of the question or some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// Every row that the question names.
    Full,
    /// Rows since the watermark, or files not settled yet.
    Since,
}

/// What a load is to do to a place.
#[derive(Debug, Clone)]
pub struct LoadSpec {
    /// Where.
    pub place: PlaceId,
    /// For whom.
    pub owner: Owner,
    /// The columns that will come.
    pub schema: SchemaRef,
    /// How rows join those that are there.
    pub mode: Mode,
    /// The columns that identify a row, where the flow says; a table is made with them as its key in every mode.
    pub key: Vec<String>,
    /// All rows, or some.
    pub coverage: Coverage,
    /// Take over what no receipt names (files in the folder, a table that stands).
    pub adopt: bool,
    /// Rows have an order, and of several with one key the last stands: the splits in theirs, the rows of each in theirs.
    /// Otherwise two rows of one load with one key are an error. Only for loads that merge, or replace what was merged.
    pub last_wins: bool,
}

/// How one column arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnPlan {
    /// The column.
    pub name: String,
    /// Its Arrow type.
    pub arrow: String,
    /// The store's type for it.
    pub store: String,
    /// Whether the value arrives as it is, or as exact text.
    pub exact_text: bool,
}

/// What a store will do, before anything is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoadPlan {
    /// How the load becomes visible, as a sentence.
    pub publish: String,
    /// What holds and what does not, as a sentence.
    pub guarantee: String,
    /// Statements that would be run to make what is missing.
    pub ddl: Vec<String>,
    /// How each column arrives.
    pub columns: Vec<ColumnPlan>,
    /// What a person should know before it runs.
    pub warnings: Vec<String>,
    /// Whether there is something to take over ([`LoadSpec::adopt`]): then the load settles though no row is new.
    pub adopts: bool,
}

/// Whether what a receipt calls live is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Live {
    /// All of it.
    Present,
    /// Some of it is gone or changed; says what (`3 of 12 files are gone, first: …`).
    Missing(String),
}

/// A destination of rows.
///
/// # Laws
/// - Nothing is visible before [`Load::commit`]; after it, all is. The store itself admits one staged attempt per split.
/// - The receipt in the store is the truth. A crash between commit and journal costs nothing.
/// - Commit is a compare-and-set on (place, seq), read under the lock and never retried with the next number.
/// - A lost answer from commit is settled by locking the place anew and reading its receipt, never by writing again.
/// - Who is alive is asked of the store's lock, never of a clock. Sweeping first renames a dead run's staging away.
/// - `plan` and `peek` leave no trace.
pub trait Store: Send + Sync {
    /// One word for the kind (`parquet`, `sqlite`).
    fn kind(&self) -> &'static str;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// The place where an entity's rows settle; `None` for a flow without entities.
    ///
    /// # Errors
    /// If the configuration names no usable place.
    fn place(&self, entity: Option<&str>) -> Result<PlaceId>;

    /// The options that decide how rows are written, by their names in the configuration: with others a replace writes
    /// all rows anew though the home is unchanged.
    fn writing(&self) -> Options;

    /// The names among [`Self::writing`] in which all loads of a place must agree, so that it can be read as one table.
    fn agreeing(&self) -> &'static [&'static str];

    /// Tries that the store can be written; makes nothing.
    ///
    /// # Errors
    /// What is wrong with the store as configured.
    fn check(&self, ctx: &Context, place: &PlaceId) -> Result<Vec<String>>;

    /// The last receipt without lock, and nothing written; for plan, status and ls.
    ///
    /// # Errors
    /// If the place cannot be read.
    fn peek(&self, ctx: &Context, place: &PlaceId) -> Result<Option<Receipt>>;

    /// What a load would do. Read-only.
    ///
    /// # Errors
    /// Refused if the load cannot hold what is promised (types, foreign files, modes).
    fn plan(&self, ctx: &Context, spec: &LoadSpec, last: Option<&Receipt>) -> Result<LoadPlan>;

    /// Takes the place for this run until the returned value (and what comes of it) is dropped; then sweeps what dead
    /// runs left, settles their doubts, and reads the last receipt.
    ///
    /// # Errors
    /// Refused, naming the holder, when a living run has it.
    fn lock(&self, ctx: &Context, place: &PlaceId, owner: &Owner) -> Result<Box<dyn Place>>;

    /// Reads all that is live in a place, in the receipt's schema; for `verify`.
    ///
    /// # Errors
    /// If it cannot be read, or if readers of the place would find rows beside those that the receipt speaks of and
    /// that this would not read.
    fn read_back(&self, ctx: &SplitContext, place: &PlaceId, receipt: &Receipt) -> Result<Box<dyn BatchStream>>;
}

/// A place held by this run alone.
pub trait Place: Send {
    /// The newest receipt, read under the lock.
    fn last_receipt(&self) -> Option<&Receipt>;

    /// Whether what the receipt calls live is there.
    ///
    /// # Errors
    /// If it cannot be found out.
    fn live(&self, ctx: &Context) -> Result<Live>;

    /// Begins a load.
    ///
    /// # Errors
    /// If staging cannot be made.
    fn open(self: Box<Self>, ctx: &Context, spec: &LoadSpec, plan: &LoadPlan) -> Result<Box<dyn Load>>;
}

/// A store's answer to [`Load::writer`].
pub enum Attempt {
    /// Write the split.
    Write(Box<dyn Writer>),
    /// An earlier attempt has staged the split whole (its answer was lost): nothing is to be written.
    AlreadyStaged(Staged),
}

/// Rows on their way into a place. Dropped without commit: nothing of it is ever visible.
pub trait Load: Send + Sync {
    /// Begins an attempt at a split.
    ///
    /// # Errors
    /// If the attempt cannot be begun; see [`crate::Retry`].
    fn writer(&self, split: &Split, ctx: &SplitContext) -> Result<Attempt>;

    /// Reads what is staged with the store's own reader, in the load's schema; for `verify: contents`.
    ///
    /// # Errors
    /// If it cannot be read.
    fn read_back(&self, staged: &[Staged], ctx: &SplitContext) -> Result<Box<dyn BatchStream>>;

    /// The only visible step: rows and receipt together.
    ///
    /// # Errors
    /// `Failed` when it is certain that nothing became visible; `CommitUnknown` when it is not.
    fn commit(self: Box<Self>, ctx: &Context, commit: Commit) -> Result<Settled>;

    /// Tidies up at best effort; never what safety rests on.
    fn abort(self: Box<Self>);
}

/// One attempt at a split. Dropped unfinished: nothing it wrote is ever visible.
pub trait Writer: Send {
    /// Takes rows in the load's schema. Blocks.
    ///
    /// # Errors
    /// See [`crate::Retry`]. After an error the writer is dropped.
    fn write(&mut self, batch: &RecordBatch) -> Result<()>;

    /// Makes the attempt durable and the split's one staged attempt.
    ///
    /// # Errors
    /// See [`crate::Retry`].
    fn finish(self: Box<Self>) -> Result<Staged>;
}

/// What [`Load::commit`] publishes.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The receipt to leave: everything but [`Receipt::live`], which the store fills in. Where rows come in an order
    /// ([`LoadSpec::last_wins`]) it also puts into [`Receipt::total`] what stands in the end, and counts the rows that others
    /// took the place of in [`Receipt::replaced`]; rows that it takes over it adds to the total and to
    /// [`Receipt::adopted`]. Its `seq` is one more than that of [`Place::last_receipt`], and
    /// the commit fails if the place has moved on.
    pub receipt: Receipt,
    /// Every split of the load, once.
    pub staged: Vec<Staged>,
}

/// A load that is visible.
pub struct Settled {
    /// As it was stored.
    pub receipt: Receipt,
    /// What remains to be tidied; holds the place's lock until then.
    pub cleanup: Option<Cleanup>,
}

/// Tidying that must wait, so that readers that had begun before the commit can finish.
///
/// Dropping it undone is safe: the next run sweeps.
pub struct Cleanup {
    /// Not before this moment.
    pub not_before: Instant,
    /// Does it, at best effort.
    pub run: Box<dyn FnOnce() + Send>,
}
