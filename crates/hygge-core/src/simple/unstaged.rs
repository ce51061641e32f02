//! A store that takes rows and can neither hold them back nor take them back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::lock::PlaceLock;
use crate::context::{Context, SplitContext};
use crate::home::BatchStream;
use crate::place::PlaceId;
use crate::receipt::{Mode, Options, Owner, Receipt};
use crate::split::{Split, Staged};
use crate::store::{
    Attempt, Capabilities, ColumnPlan, Commit, Live, Load, LoadPlan, LoadSpec, Place, Settled, Store, Writer,
};
use crate::tally::Tallier;
use crate::{Error, Part, Result};

/// Where the rows of unstaged loads go.
pub trait Unstaged: Send + Sync {
    /// One word for the kind.
    fn kind(&self) -> &'static str;

    /// The place where an entity's rows settle.
    ///
    /// # Errors
    /// If the configuration names no usable place.
    fn place(&self, entity: Option<&str>) -> Result<PlaceId>;

    /// Whether each load's rows take the place of all that were given before. Otherwise they join them.
    fn replaces(&self) -> bool;

    /// How rows get there, as a sentence without a full stop.
    fn publish(&self) -> String;

    /// Tries that rows would be taken; makes nothing.
    ///
    /// # Errors
    /// What is wrong.
    fn check(&self, ctx: &Context, place: &PlaceId) -> Result<Vec<String>>;

    /// Begins a load of rows with these columns.
    ///
    /// # Errors
    /// If it cannot be begun.
    fn sink(&self, ctx: &Context, place: &PlaceId, schema: &SchemaRef) -> Result<Box<dyn Sink>>;
}

/// One load's way out. Dropped before [`Sink::end`]: the load is given up, and whoever takes the rows should be told so.
pub trait Sink: Send {
    /// Gives rows. Blocks.
    ///
    /// # Errors
    /// If they are not taken. The load is then given up.
    fn write(&mut self, batch: &RecordBatch) -> Result<()>;

    /// All rows were given; answers with how many were taken, by the count of whoever took them.
    ///
    /// # Errors
    /// If they were not all taken.
    fn end(self: Box<Self>) -> Result<u64>;
}

/// A store over [`Unstaged`]: one split at a time, no retry, no receipts.
pub struct UnstagedStore<T>(Arc<T>);

impl<T: Unstaged> UnstagedStore<T> {
    /// A store whose rows go there.
    pub fn new(inner: T) -> Self {
        Self(Arc::new(inner))
    }
}

impl<T: Unstaged + 'static> Store for UnstagedStore<T> {
    fn kind(&self) -> &'static str {
        self.0.kind()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            parallel_writers: false,
            loads_at_once: usize::MAX,
            staging: false,
            receipts: false,
            merge: false,
            append: !self.0.replaces(),
            scan_must_end_first: false,
        }
    }

    fn place(&self, entity: Option<&str>) -> Result<PlaceId> {
        self.0.place(entity)
    }

    fn writing(&self) -> Options {
        Options::new()
    }

    fn agreeing(&self) -> &'static [&'static str] {
        &[]
    }

    fn check(&self, ctx: &Context, place: &PlaceId) -> Result<Vec<String>> {
        self.0.check(ctx, place)
    }

    fn peek(&self, _: &Context, _: &PlaceId) -> Result<Option<Receipt>> {
        Ok(None)
    }

    fn plan(&self, ctx: &Context, spec: &LoadSpec, _: Option<&Receipt>) -> Result<LoadPlan> {
        self.0.check(ctx, &spec.place)?;
        if spec.mode == Mode::Replace && !self.0.replaces() {
            return Err(Error::refused(format!(
                "stores of type {} only take rows, and cannot replace those that they were given before",
                self.0.kind()
            ))
            .at(&spec.place.shown)
            .next_set(Part::Flow, "append: every_run"));
        }
        let column = |field: &arrow_schema::FieldRef| ColumnPlan {
            name: field.name().clone(),
            arrow: field.data_type().to_string(),
            store: field.data_type().to_string(),
            exact_text: false,
        };
        let guarantee = if self.0.replaces() {
            "at least once, and each load takes the place of the one before; half a load may be seen meanwhile, and after a run that failed"
        } else {
            "at least once; half a load may be seen: what a run gave before it failed stays, and the next run gives all rows again"
        };
        Ok(LoadPlan {
            publish: self.0.publish(),
            guarantee: guarantee.to_owned(),
            columns: spec.schema.fields().iter().map(column).collect(),
            ..LoadPlan::default()
        })
    }

    fn lock(&self, ctx: &Context, place: &PlaceId, owner: &Owner) -> Result<Box<dyn Place>> {
        let lock = PlaceLock::take(ctx, place, owner)?;
        Ok(Box::new(UnstagedPlace { lock, place: place.clone(), store: Arc::clone(&self.0) }))
    }

    fn read_back(&self, _: &SplitContext, place: &PlaceId, _: &Receipt) -> Result<Box<dyn BatchStream>> {
        Err(unreadable(place))
    }
}

fn unreadable(place: &PlaceId) -> Error {
    Error::refused("what was given there cannot be read back").at(&place.shown)
}

struct UnstagedPlace<T> {
    lock: PlaceLock,
    place: PlaceId,
    store: Arc<T>,
}

impl<T: Unstaged> Place for UnstagedPlace<T> {
    fn last_receipt(&self) -> Option<&Receipt> {
        None
    }

    fn live(&self, _: &Context) -> Result<Live> {
        Ok(Live::Present)
    }

    fn open(self: Box<Self>, ctx: &Context, spec: &LoadSpec, _: &LoadPlan) -> Result<Box<dyn Load>> {
        let sink = self.store.sink(ctx, &self.place, &spec.schema)?;
        Ok(Box::new(UnstagedLoad {
            place: self.place,
            schema: spec.schema.clone(),
            given: Arc::new(Mutex::new(Given { sink: Some(sink), done: HashMap::new() })),
            _lock: self.lock,
        }))
    }
}

struct Given {
    sink: Option<Box<dyn Sink>>,
    done: HashMap<u32, Staged>,
}

struct UnstagedLoad {
    place: PlaceId,
    schema: SchemaRef,
    given: Arc<Mutex<Given>>,
    _lock: PlaceLock,
}

fn lock(given: &Mutex<Given>) -> MutexGuard<'_, Given> {
    given.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Load for UnstagedLoad {
    fn writer(&self, split: &Split, ctx: &SplitContext) -> Result<Attempt> {
        if let Some(done) = lock(&self.given).done.get(&split.ordinal) {
            return Ok(Attempt::AlreadyStaged(done.clone()));
        }
        Ok(Attempt::Write(Box::new(UnstagedWriter {
            split: split.ordinal,
            attempt: ctx.attempt,
            tallier: Tallier::new(&self.schema),
            given: Arc::clone(&self.given),
        })))
    }

    fn read_back(&self, _: &[Staged], _: &SplitContext) -> Result<Box<dyn BatchStream>> {
        Err(unreadable(&self.place))
    }

    fn commit(self: Box<Self>, _: &Context, commit: Commit) -> Result<Settled> {
        if commit.receipt.seq != 1 {
            return Err(Error::bug("a place without receipts has no second load").at(&self.place.shown));
        }
        let sink = lock(&self.given).sink.take();
        let sink =
            sink.ok_or_else(|| Error::bug("rows of an attempt that failed were given away").at(&self.place.shown))?;
        let taken = sink.end()?;
        let sent: u64 = commit.staged.iter().map(|staged| staged.stored_rows).sum();
        if taken != sent {
            return Err(Error::failed(format!("{sent} rows were sent, and it says that it took {taken}"))
                .at(&self.place.shown)
                .next("find out which rows are there before it runs again: a run gives all of them once more"));
        }
        Ok(Settled { receipt: commit.receipt, cleanup: None })
    }

    fn abort(self: Box<Self>) {}
}

struct UnstagedWriter {
    split: u32,
    attempt: u32,
    tallier: Tallier,
    given: Arc<Mutex<Given>>,
}

impl Writer for UnstagedWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.tallier.add(batch)?;
        let mut given = lock(&self.given);
        let sink = given.sink.as_mut().ok_or_else(|| Error::bug("rows came after an attempt that failed"))?;
        let written = sink.write(batch);
        if written.is_err() {
            given.sink = None;
        }
        written
    }

    fn finish(self: Box<Self>) -> Result<Staged> {
        let tally = self.tallier.tally();
        let staged = Staged {
            split: self.split,
            attempt: self.attempt,
            tally,
            stored_rows: tally.rows,
            bytes: 0,
            payload: serde_json::Value::Null,
        };
        lock(&self.given).done.insert(self.split, staged.clone());
        Ok(staged)
    }
}

impl Drop for UnstagedWriter {
    fn drop(&mut self) {
        // What an unfinished attempt gave cannot be taken back, so the load cannot be made whole.
        let mut given = lock(&self.given);
        if !given.done.contains_key(&self.split) {
            given.sink = None;
        }
    }
}
