//! Carries every split of a scan into a load: several at once, each retried by itself, each counted at both ends.

use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use arrow_array::{BooleanArray, RecordBatch};
use arrow_schema::{Schema, SchemaRef};
use backon::BackoffBuilder as _;

use super::EntitySpec;
use crate::context::{Context, SplitContext};
use crate::event::Event;
use crate::fault::{self, FailPoint};
use crate::home::{Batch, BatchStream, Repeat, Scan};
use crate::limits::Limits;
use crate::split::{Split, Staged};
use crate::store::{Attempt, Load, Writer};
use crate::tally::{Tallier, Tally};
use crate::watermark::{EDGE_LIMIT, Edge, EdgeSet};
use crate::{Error, Result, Retry};

/// All that was staged, and what the reading side knows of it.
pub(super) struct Carried {
    pub staged: Vec<Staged>,
    pub tally: Tally,
    /// The rows to remember; none where they need not be and were too many.
    pub edge: Option<Edge>,
    pub retries: u32,
    /// Rows at the old watermark that changed since they were carried, and were left out.
    pub changed: u64,
}

/// The parts of a running flow that carrying needs.
pub(super) struct Carrier<'a> {
    pub ctx: &'a Context,
    pub spec: &'a EntitySpec,
    pub limits: &'a Limits,
    pub scan: &'a dyn Scan,
    pub load: &'a dyn Load,
    /// What the last receipt remembers, for the split of the window.
    pub old_edge: Option<&'a Edge>,
    /// The cursor alone identifies a row, and rows are not merged: a changed row at the watermark is not a new one.
    pub unique_cursor: bool,
    /// See [`crate::home::ReadRequest::exact_edge`].
    pub exact_edge: bool,
    pub readers: usize,
}

/// What the reading side of one split has seen.
#[derive(Clone)]
struct Seen {
    tally: Tally,
    edge: EdgeSet,
    /// There were more rows at the edge than can be remembered, and none need be.
    edge_overflows: bool,
    changed: u64,
}

impl Carrier<'_> {
    /// Stages every split, or none that anyone will see.
    ///
    /// # Errors
    /// The first error that retrying could not mend.
    pub(super) fn carry(&self) -> Result<Carried> {
        let splits = self.scan.splits();
        let parallel = if self.spec.store.capabilities().parallel_writers { self.readers } else { 1 };
        let workers = parallel.min(splits.len()).min(self.ctx.budget.shares()).max(1);
        let pipelined = workers == 1 && std::thread::available_parallelism().is_ok_and(|n| n.get() > 1);
        let stop = self.ctx.cancel.child();
        let ctx = self.ctx.with_cancel(stop.clone());
        let next = AtomicUsize::new(0);
        let retries = AtomicU32::new(0);
        let failed: Mutex<Option<Error>> = Mutex::new(None);
        let done: Mutex<Vec<(Staged, Seen)>> = Mutex::new(Vec::with_capacity(splits.len()));
        let work = || {
            while let Some(split) = splits.get(next.fetch_add(1, Ordering::Relaxed)) {
                if stop.is_asked() {
                    return;
                }
                match self.carry_split(&ctx, split, pipelined, &retries) {
                    Ok(carried) => done.lock().unwrap_or_else(PoisonError::into_inner).push(carried),
                    Err(error) => {
                        failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                        stop.cancel("another split of the flow failed");
                        return;
                    }
                }
            }
        };
        if workers == 1 {
            work();
        } else {
            std::thread::scope(|scope| {
                for _ in 0..workers {
                    scope.spawn(work);
                }
            });
        }
        if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        ctx.cancel.check()?;
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_by_key(|(staged, _)| staged.split);
        if done.len() != splits.len() {
            return Err(Error::bug(format!("{} of {} splits were staged", done.len(), splits.len())));
        }
        self.gather(done, retries.into_inner())
    }

    fn gather(&self, done: Vec<(Staged, Seen)>, retries: u32) -> Result<Carried> {
        let mut edge = EdgeSet::default();
        let mut tally = Tally::default();
        let (mut changed, mut overflows) = (0, false);
        let mut staged = Vec::with_capacity(done.len());
        for (one, seen) in done {
            tally = tally.plus(seen.tally);
            changed += seen.changed;
            overflows |= seen.edge_overflows;
            edge.absorb(seen.edge);
            if !self.exact_edge && edge.distinct() > EDGE_LIMIT {
                edge = EdgeSet::default();
                overflows = true;
            }
            staged.push(one);
        }
        let edge = if overflows {
            None
        } else if edge.len() <= EDGE_LIMIT {
            Some(edge.into_edge())
        } else if self.exact_edge {
            return Err(Error::bug(format!("{} rows at the watermark are more than can be remembered", edge.len())));
        } else {
            None
        };
        Ok(Carried { staged, tally, edge, retries, changed })
    }

    fn carry_split(
        &self,
        ctx: &Context,
        split: &Split,
        pipelined: bool,
        retries: &AtomicU32,
    ) -> Result<(Staged, Seen)> {
        let mut pauses = pauses();
        let mut attempt = 1;
        let mut read_to_the_end = None;
        loop {
            let shown = Shown { ctx, spec: self.spec, rows: AtomicU64::new(0) };
            match self.attempt(ctx, split, attempt, pipelined, &mut read_to_the_end, &shown) {
                Ok(done) => return Ok(done),
                Err(error)
                    if error.retry() == Retry::Split
                        && self.scan.repeat() != Repeat::Once
                        // What an attempt has given to a store without staging cannot be taken back.
                        && self.spec.store.capabilities().staging
                        && attempt <= self.spec.retries
                        && !ctx.cancel.is_asked() =>
                {
                    shown.take_back();
                    let after = pauses.next().unwrap_or(Duration::from_secs(30));
                    ctx.tell(&Event::Retrying {
                        owner: self.spec.owner.clone(),
                        split: Some(split.label.clone()),
                        attempt,
                        error: error.to_string(),
                        after,
                    });
                    ctx.cancel.sleep(after);
                    ctx.cancel.check()?;
                    retries.fetch_add(1, Ordering::Relaxed);
                    attempt += 1;
                }
                Err(error) => {
                    shown.take_back();
                    // Enough attempts at the split were made; where it cannot be read twice a new run may help.
                    let retry = match error.retry() {
                        Retry::Split if self.scan.repeat() == Repeat::Once => Retry::Run,
                        Retry::Split => Retry::Never,
                        other => other,
                    };
                    return Err(error.retry_as(retry));
                }
            }
        }
    }

    /// One attempt: read, write, finish, and compare what both ends counted.
    fn attempt(
        &self,
        ctx: &Context,
        split: &Split,
        attempt: u32,
        pipelined: bool,
        read_to_the_end: &mut Option<Seen>,
        shown: &Shown<'_>,
    ) -> Result<(Staged, Seen)> {
        let _reader = self.limits.reader(&self.spec.home.identity(), self.readers, &ctx.cancel)?;
        // Nobody knows how long a source that is read once takes for its next row: where the writer fails, it need not wait.
        let once = (self.scan.repeat() == Repeat::Once).then(|| ctx.with_cancel(ctx.cancel.child()));
        let ctx = once.as_ref().unwrap_or(ctx);
        let ctx = SplitContext {
            run: ctx.clone(),
            share: ctx.budget.share(&ctx.cancel)?,
            attempt,
            batch_rows: self.spec.batch_rows.max(1),
            bytes_read: Arc::new(AtomicU64::new(0)),
        };
        let mut writer = match self.load.writer(split, &ctx)? {
            Attempt::Write(writer) => writer,
            Attempt::AlreadyStaged(staged) => {
                let seen = read_to_the_end
                    .clone()
                    .ok_or_else(|| Error::bug("the store has a split staged that this run never read to its end"))?;
                check_counts(split, &staged, &seen)?;
                return Ok((staged, seen));
            }
        };
        let stream = self.scan.read(split, &ctx)?;
        let side = ReadSide {
            schema: self.scan.schema(),
            tallier: Tallier::new(&self.scan.schema()),
            old: self.old_edge.filter(|_| split.window).map(EdgeSet::of),
            unique_cursor: self.unique_cursor,
            hasher: Tallier::new(&self.scan.schema()),
            seen: Seen { tally: Tally::default(), edge: EdgeSet::default(), edge_overflows: false, changed: 0 },
            exact_edge: self.exact_edge,
        };
        let seen = if pipelined {
            pump_in_two(stream, side, writer.as_mut(), &ctx, shown, once.is_some())?
        } else {
            pump(stream, side, writer.as_mut(), &ctx, shown)?
        };
        *read_to_the_end = Some(seen.clone());
        ctx.cancel().check()?;
        fault::pass(FailPoint::BeforeFinish)?;
        let staged = writer.finish()?;
        fault::pass(FailPoint::SplitStaged)?;
        check_counts(split, &staged, &seen)?;
        Ok((staged, seen))
    }
}

/// Both ends must agree, and the store's own count with them.
fn check_counts(split: &Split, staged: &Staged, seen: &Seen) -> Result<()> {
    if staged.split != split.ordinal {
        return Err(Error::bug(format!("split {} was staged as split {}", split.ordinal, staged.split)));
    }
    if staged.tally.rows != seen.tally.rows || staged.stored_rows != seen.tally.rows {
        return Err(Error::failed(format!(
            "{}: {} rows were read, {} written, and the store holds {}; nothing was published",
            split.label, seen.tally.rows, staged.tally.rows, staged.stored_rows
        )));
    }
    if staged.tally != seen.tally {
        return Err(Error::failed(format!(
            "{}: the rows that were written are not those that were read, though their number agrees; nothing was published",
            split.label
        )));
    }
    Ok(())
}

/// Exponential pauses with jitter, without end.
pub(super) fn pauses() -> impl Iterator<Item = Duration> {
    backon::ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(30))
        .with_factor(3.0)
        .with_jitter()
        .without_max_times()
        .build()
}

/// Tells progress, and takes it back when an attempt fails.
struct Shown<'a> {
    ctx: &'a Context,
    spec: &'a EntitySpec,
    rows: AtomicU64,
}

impl Shown<'_> {
    fn add(&self, rows: usize, ctx: &SplitContext) {
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
        let bytes = ctx.bytes_read.swap(0, Ordering::Relaxed);
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        self.ctx.tell(&Event::Progress { owner: self.spec.owner.clone(), rows, bytes });
    }

    fn take_back(&self) {
        let rows = i64::try_from(self.rows.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        if rows > 0 {
            self.ctx.tell(&Event::Progress { owner: self.spec.owner.clone(), rows: -rows, bytes: 0 });
        }
    }
}

/// The reading side: counts where the home decodes, drops what was carried before, remembers the new edge.
struct ReadSide {
    schema: SchemaRef,
    tallier: Tallier,
    hasher: Tallier,
    old: Option<EdgeSet>,
    unique_cursor: bool,
    exact_edge: bool,
    seen: Seen,
}

impl ReadSide {
    fn admit(&mut self, batch: Batch) -> Result<Option<RecordBatch>> {
        let Batch { rows, edge, window } = batch;
        check_columns(&self.schema, &rows)?;
        if let Some(edge) = edge.filter(|mask| mask.true_count() > 0 && !self.seen.edge_overflows) {
            let at_edge = arrow_select::filter::filter_record_batch(&rows, &edge)?;
            for hash in self.hasher.row_hashes(&at_edge)? {
                self.seen.edge.add(hash);
            }
            if !self.exact_edge && self.seen.edge.distinct() > EDGE_LIMIT {
                self.seen.edge = EdgeSet::default();
                self.seen.edge_overflows = true;
            }
        }
        let rows = match &mut self.old {
            None => rows,
            Some(old) => {
                let hashes = self.hasher.row_hashes(&rows)?;
                let mut changed = 0;
                let keep: BooleanArray = hashes
                    .into_iter()
                    .enumerate()
                    .map(|(i, hash)| {
                        let inside = window.as_ref().is_none_or(|mask| mask.value(i));
                        let carried = inside && old.take(hash);
                        let only_changed = !carried && self.unique_cursor && inside && window.is_some();
                        changed += u64::from(only_changed);
                        Some(!carried && !only_changed)
                    })
                    .collect();
                self.seen.changed += changed;
                if keep.true_count() == rows.num_rows() {
                    rows
                } else {
                    arrow_select::filter::filter_record_batch(&rows, &keep)?
                }
            }
        };
        if rows.num_rows() == 0 {
            return Ok(None);
        }
        self.tallier.add(&rows)?;
        Ok(Some(rows))
    }

    fn end(mut self) -> Seen {
        self.seen.tally = self.tallier.tally();
        self.seen
    }
}

fn check_columns(schema: &Schema, rows: &RecordBatch) -> Result<()> {
    let columns = || schema.fields().iter().zip(rows.columns());
    if schema.fields().len() != rows.num_columns() || columns().any(|(f, column)| f.data_type() != column.data_type()) {
        return Err(Error::bug("the home gave a batch whose columns are not those of its scan"));
    }
    match columns().find(|(field, column)| !field.is_nullable() && column.null_count() > 0) {
        None => Ok(()),
        Some((field, _)) => {
            Err(Error::bug(format!("the home gave NULL in column {}, of which it said there is none", field.name())))
        }
    }
}

/// Reads and writes by turns, in one thread: what was read is still warm when it is written.
fn pump(
    mut stream: Box<dyn BatchStream>,
    mut side: ReadSide,
    writer: &mut dyn Writer,
    ctx: &SplitContext,
    shown: &Shown<'_>,
) -> Result<Seen> {
    while let Some(batch) = stream.next()? {
        ctx.cancel().check()?;
        if let Some(rows) = side.admit(batch)? {
            writer.write(&rows)?;
            shown.add(rows.num_rows(), ctx);
            fault::pass(FailPoint::BatchWritten)?;
        }
    }
    Ok(side.end())
}

/// Dropped: tells a reader that may wait for long that its rows are wanted no more.
struct StopsReader<'a>(Option<&'a SplitContext>);

impl Drop for StopsReader<'_> {
    fn drop(&mut self) {
        if let Some(ctx) = self.0 {
            ctx.cancel().cancel("the rows cannot be written");
        }
    }
}

/// Reads in one thread and writes in another, one batch between them: for a flow that has but one split in flight.
fn pump_in_two(
    stream: Box<dyn BatchStream>,
    side: ReadSide,
    writer: &mut dyn Writer,
    ctx: &SplitContext,
    shown: &Shown<'_>,
    stops_the_reader: bool,
) -> Result<Seen> {
    let (send, receive) = mpsc::sync_channel::<RecordBatch>(1);
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || -> Result<Option<Seen>> {
            let (mut stream, mut side) = (stream, side);
            while let Some(batch) = stream.next()? {
                ctx.cancel().check()?;
                if let Some(rows) = side.admit(batch)?
                    && send.send(rows).is_err()
                {
                    // The writer has failed and says why.
                    return Ok(None);
                }
            }
            Ok(Some(side.end()))
        });
        // Also where the writer panics: nobody would come to tell the reader.
        let mut stop = StopsReader(stops_the_reader.then_some(ctx));
        let written = (|| -> Result<()> {
            for rows in receive {
                ctx.cancel().check()?;
                writer.write(&rows)?;
                shown.add(rows.num_rows(), ctx);
                fault::pass(FailPoint::BatchWritten)?;
            }
            Ok(())
        })();
        if written.is_ok() {
            stop.0 = None;
        }
        drop(stop);
        let read = reader.join().unwrap_or_else(|_| Err(Error::bug("the reading side of a split panicked")));
        written?;
        read?.ok_or_else(|| Error::bug("the reading side of a split ended early"))
    })
}
