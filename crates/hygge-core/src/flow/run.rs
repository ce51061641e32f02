//! The life of a run, for one place: lock, open, plan, carry, finish, commit.

use std::sync::mpsc;
use std::time::Duration;

use super::carry::{Carried, Carrier, pauses};
use super::plan::unchanged;
use super::resolve::{self, Resolved};
use super::{EntitySpec, Missing, Outcome, PlannedFlow, Settlement, Verify};
use crate::context::{Cancellation, Context, SplitContext};
use crate::event::Event;
use crate::fault::{self, FailPoint};
use crate::home::{BatchStream, Opened, Scan};
use crate::limits::{Limits, LoadAsk};
use crate::place::PlaceId;
use crate::receipt::{Mode, RECEIPT_FORMAT, Receipt, Replaced};
use crate::split::Staged;
use crate::store::{Cleanup, Commit, Coverage, Live, Load, LoadSpec, Settled};
use crate::tally::{Tallier, Tally};
use crate::watermark::{Bound, EDGE_LIMIT, Edge, Watermark};
use crate::{Error, ErrorKind, Result, Retry};

/// Runs a flow (one entity of it) to its end, trying again where that can help.
///
/// Never panics and never returns early: every end is an [`Outcome`]. The second value is what must be tidied at the
/// end of the whole run.
pub fn run_entity(ctx: &Context, spec: &EntitySpec, limits: &Limits) -> (Outcome, Option<Cleanup>) {
    match within(ctx, spec.timeout, |ctx| run_with_retries(ctx, spec, limits)) {
        Ok((outcome, cleanup)) => (outcome, cleanup),
        Err(error) if error.kind() == ErrorKind::Cancelled => (Outcome::Cancelled, None),
        Err(error) => (Outcome::Failed(error), None),
    }
}

/// Does work that can be stopped alone, and is when it takes longer than `limit`.
pub(crate) fn within<T>(ctx: &Context, limit: Option<Duration>, work: impl FnOnce(&Context) -> T) -> T {
    let cancel = ctx.cancel.child();
    let ctx = ctx.with_cancel(cancel.clone());
    let Some(limit) = limit else { return work(&ctx) };
    std::thread::scope(|scope| {
        let (done, waiting) = mpsc::channel::<()>();
        scope.spawn(move || {
            if waiting.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                cancel.time_out(limit);
            }
        });
        let ended = work(&ctx);
        drop(done);
        ended
    })
}

type Ended = (Outcome, Option<Cleanup>);

fn run_with_retries(ctx: &Context, spec: &EntitySpec, limits: &Limits) -> Result<Ended> {
    let place = spec.store.place(spec.owner.entity.as_deref())?;
    check_apart(spec, &place)?;
    ctx.tell(&Event::Started {
        owner: spec.owner.clone(),
        home: spec.home.shown(&spec.source),
        place: place.shown.clone(),
    });
    let mut pauses = pauses();
    let mut attempt = 1;
    loop {
        let mut tried_seq = None;
        let error = match attempt_entity(ctx, spec, limits, &place, &mut tried_seq) {
            Ok(ended) => return Ok(ended),
            Err(error) => error,
        };
        if error.kind() == ErrorKind::CommitUnknown {
            // Whoever takes the lock waits for the old transaction's end; then the receipt tells.
            // Neither a stop nor a failure on the way to the answer makes the load one that failed.
            let asking = ctx.with_cancel(Cancellation::default());
            match settle_doubt(&asking, spec, limits, &place, tried_seq) {
                Ok(Some(settled)) => return Ok((settled, None)),
                Ok(None) => {}
                Err(why) => return Err(error.because(why)),
            }
        }
        if error.retry() == Retry::Never || attempt > spec.retries || ctx.cancel.is_asked() {
            return Err(error);
        }
        let after = pauses.next().unwrap_or_default();
        ctx.tell(&Event::Retrying { owner: spec.owner.clone(), split: None, attempt, error: error.to_string(), after });
        ctx.cancel.sleep(after);
        ctx.cancel.check()?;
        attempt += 1;
    }
}

/// A home must not be its own place.
pub(super) fn check_apart(spec: &EntitySpec, place: &PlaceId) -> Result<()> {
    match spec.home.location(&spec.source) {
        // A whole database as home does not clash with a table that is not read from it; the tables are told apart there.
        Some(home) if home.clashes(place) && !(home.path.is_empty() && home.resource != "file:") => Err(
            Error::refused(format!("{} is home and store at once: it would be read while it is written", place.shown))
                .next("let the store settle somewhere else"),
        ),
        _ => Ok(()),
    }
}

fn settle_doubt(
    ctx: &Context,
    spec: &EntitySpec,
    limits: &Limits,
    place: &PlaceId,
    tried_seq: Option<u64>,
) -> Result<Option<Outcome>> {
    let _turn = permit(ctx, spec, limits, place, None)?;
    let held = spec.store.lock(ctx, place, &spec.owner)?;
    let Some(last) = held.last_receipt() else { return Ok(None) };
    if last.run != *ctx.run || Some(last.seq) != tried_seq {
        return Ok(None);
    }
    Ok(Some(Outcome::Settled(Box::new(Settlement {
        receipt: last.clone(),
        home: spec.home.shown(&spec.source),
        place: place.shown.clone(),
        coverage: Coverage::Full,
        bytes: 0,
        retries: 0,
    }))))
}

fn permit<'a>(
    ctx: &Context,
    spec: &EntitySpec,
    limits: &'a Limits,
    place: &PlaceId,
    scan: Option<&str>,
) -> Result<crate::limits::Permit<'a>> {
    let can = spec.store.capabilities();
    let load = LoadAsk { resource: &place.resource, most: can.loads_at_once, alone: can.scan_must_end_first };
    limits.flow(scan, load, &ctx.cancel)
}

fn attempt_entity(
    ctx: &Context,
    spec: &EntitySpec,
    limits: &Limits,
    place: &PlaceId,
    tried_seq: &mut Option<u64>,
) -> Result<Ended> {
    let can = spec.store.capabilities();
    let scan_resource = spec.home.location(&spec.source).map(|p| p.resource);
    if can.scan_must_end_first && scan_resource.as_deref() == Some(&place.resource) {
        return Err(Error::refused(format!(
            "home and store are tables of {}, which cannot be read while it is written",
            place.resource.split_once(':').map_or(place.resource.as_str(), |(_, path)| path)
        ))
        .next("switch the database to write-ahead logging once: PRAGMA journal_mode=WAL"));
    }
    let _turn = permit(ctx, spec, limits, place, scan_resource.as_deref())?;
    let held = spec.store.lock(ctx, place, &spec.owner)?;
    let last = held.last_receipt().cloned();
    let reload = missing_rows(ctx, spec, held.as_ref(), last.as_ref(), place)?;
    let mut resolved = resolve::resolve(spec, place, last.as_ref(), reload)?;
    resolved.request.readers = readers(ctx, spec);
    resolved.request.split_bytes = ctx.budget.share_bytes() as u64;

    let scan = match super::open::open(ctx, spec, place, &mut resolved, last.as_ref())? {
        Opened::Unchanged(how) => {
            let why = how.why.clone();
            if !how.notes.is_empty() {
                let plan = Box::new(unchanged(spec, place, &resolved, last.as_ref(), how));
                ctx.tell(&Event::Planned { owner: spec.owner.clone(), plan });
            }
            let held_back = last.as_ref().and_then(|last| held_back(last.watermark.as_ref().map(|w| &w.bound)));
            return Ok((Outcome::Unchanged { why, held_back }, None));
        }
        Opened::Scan(scan) => scan,
    };
    fault::pass(FailPoint::Opened)?;
    let prepared = prepare(spec, place, &resolved, scan.as_ref(), last.as_ref())?;
    let plan = spec.store.plan(ctx, &prepared.load, last.as_ref())?;
    let mut planned = planned(spec, place, &resolved, scan.as_ref());
    planned.load.clone_from(&plan);
    let adopts = plan.adopts;
    ctx.tell(&Event::Planned { owner: spec.owner.clone(), plan: Box::new(planned) });

    let nothing = Outcome::Unchanged { why: "nothing new".to_owned(), held_back: held_back(scan.bound()) };
    if !adopts && nothing_new(&resolved, scan.as_ref(), last.as_ref()) {
        scan.finish(ctx)?;
        return Ok((nothing, None));
    }
    let load = held.open(ctx, &prepared.load, &plan)?;
    fault::pass(FailPoint::LoadOpened)?;
    let work = Work { ctx, spec, limits, resolved: &resolved, prepared: &prepared, last: last.as_ref(), adopts };
    match work.carry_and_prove(scan, load.as_ref()) {
        Err(error) => {
            load.abort();
            Err(given_away(ctx, spec, place, error))
        }
        Ok(None) => {
            load.abort();
            Ok((nothing, None))
        }
        Ok(Some(ready)) => {
            ctx.cancel.check()?;
            fault::pass(FailPoint::BeforeCommit)?;
            *tried_seq = Some(ready.commit.receipt.seq);
            let settled = load.commit(ctx, ready.commit).map_err(|error| given_away(ctx, spec, place, error));
            let Settled { receipt, cleanup } = settled?;
            let settlement = Settlement {
                receipt,
                home: spec.home.shown(&spec.source),
                place: place.shown.clone(),
                coverage: resolved.coverage,
                bytes: ready.bytes,
                retries: ready.retries,
            };
            Ok((Outcome::Settled(Box::new(settlement)), cleanup))
        }
    }
}

/// The error of a load that had begun. Without staging, what was given away stays where it is, and to try again would give
/// it once more: that is for a person to decide.
fn given_away(ctx: &Context, spec: &EntitySpec, place: &PlaceId, error: Error) -> Error {
    if spec.store.capabilities().staging {
        return error;
    }
    note(ctx, spec, format!("{place} stages nothing: rows that it was given before the end may be there"));
    error.retry_as(Retry::Never)
}

/// Whether settled rows are gone and all must be read again.
fn missing_rows(
    ctx: &Context,
    spec: &EntitySpec,
    held: &dyn crate::store::Place,
    last: Option<&Receipt>,
    place: &PlaceId,
) -> Result<bool> {
    if last.is_none() || spec.full {
        return Ok(false);
    }
    let Live::Missing(what) = held.live(ctx)? else { return Ok(false) };
    if spec.settling == super::Settling::Replace {
        note(ctx, spec, format!("{place}: {what}; all rows are settled anew"));
        return Ok(true);
    }
    if spec.missing == Missing::Ignore {
        note(ctx, spec, format!("{place}: {what}; going on with what is there"));
        return Ok(false);
    }
    Err(Error::refused(format!("{place} is not as the last run left it: {what}"))
        .next_anew("to settle everything anew, or set `missing: ignore` to go on with what is there"))
}

pub(super) fn readers(ctx: &Context, spec: &EntitySpec) -> usize {
    let most = spec.home.max_readers().min(ctx.budget.shares());
    spec.readers.map_or(most, |n| n.min(most)).max(1)
}

/// What is known once the scan is open.
pub(super) struct Prepared {
    pub load: LoadSpec,
    pub question: crate::receipt::Question,
}

pub(super) fn prepare(
    spec: &EntitySpec,
    place: &PlaceId,
    resolved: &Resolved,
    scan: &dyn Scan,
    last: Option<&Receipt>,
) -> Result<Prepared> {
    let question = resolve::question(spec, scan.bound());
    if let Some(last) = last.filter(|_| !spec.full) {
        resolve::check_question(spec, place, &resolved.mode, last, &question)?;
        // A place without rows may take another form when all of it is replaced.
        if resolved.mode != Mode::Replace || last.total.is_none_or(|total| total.rows > 0) {
            resolve::check_schema(place, &last.schema, &scan.schema())?;
        }
    }
    let load = resolve::load_spec(spec, place, resolved, &scan.schema());
    resolve::check_load(spec, &load)?;
    check_splits(scan)?;
    Ok(Prepared { load, question })
}

fn check_splits(scan: &dyn Scan) -> Result<()> {
    let splits = scan.splits();
    if splits.iter().enumerate().any(|(i, split)| split.ordinal as usize != i) {
        return Err(Error::bug("the splits of a scan are not numbered from 0 without gaps"));
    }
    if splits.iter().filter(|split| split.window).count() > 1 {
        return Err(Error::bug("the watermark's window lies in more than one split"));
    }
    Ok(())
}

pub(super) fn planned(spec: &EntitySpec, place: &PlaceId, resolved: &Resolved, scan: &dyn Scan) -> PlannedFlow {
    PlannedFlow {
        owner: spec.owner.clone(),
        home: spec.home.shown(&spec.source),
        place: place.clone(),
        mode: resolved.mode.word(),
        coverage: resolved.coverage,
        unchanged: None,
        schema: Some(scan.schema()),
        splits: scan.splits().to_vec(),
        bound: scan.bound().cloned(),
        load: crate::store::LoadPlan::default(),
        notes: resolved.notes.iter().cloned().chain(scan.notes()).collect(),
        every_run: spec.every_run,
        first: false,
    }
}

/// The end of what was read, where the rows at it are too many to remember and were left for when a greater value is there.
fn held_back(bound: Option<&Bound>) -> Option<Box<Bound>> {
    bound.filter(|bound| !bound.inclusive).cloned().map(Box::new)
}

/// A run since the watermark that has no split to read needs no load.
fn nothing_new(resolved: &Resolved, scan: &dyn Scan, last: Option<&Receipt>) -> bool {
    resolved.coverage == Coverage::Since && last.is_some() && scan.splits().is_empty()
}

fn note(ctx: &Context, spec: &EntitySpec, text: String) {
    ctx.tell(&Event::Note { owner: spec.owner.clone(), text });
}

struct Work<'a> {
    ctx: &'a Context,
    spec: &'a EntitySpec,
    limits: &'a Limits,
    resolved: &'a Resolved,
    prepared: &'a Prepared,
    last: Option<&'a Receipt>,
    /// Whether what others put there is taken over, which settles though no row is new.
    adopts: bool,
}

struct Ready {
    commit: Commit,
    bytes: u64,
    retries: u32,
}

impl Work<'_> {
    /// Everything up to the commit. None when it turns out that there is nothing new to settle.
    fn carry_and_prove(&self, scan: Box<dyn Scan>, load: &dyn Load) -> Result<Option<Ready>> {
        let since = self.resolved.request.since.as_ref().and_then(|s| s.watermark.as_ref());
        let bound = scan.bound().cloned();
        let carried = Carrier {
            ctx: self.ctx,
            spec: self.spec,
            limits: self.limits,
            scan: scan.as_ref(),
            load,
            old_edge: since.map(|w| &w.edge),
            unique_cursor: bound.as_ref().is_some_and(|b| b.unique) && self.resolved.request.exact_edge,
            exact_edge: self.resolved.request.exact_edge && bound.as_ref().is_some_and(|b| b.inclusive),
            readers: self.resolved.request.readers,
        }
        .carry()?;
        if carried.changed > 0 {
            note(
                self.ctx,
                self.spec,
                "the row at the watermark changed after it was carried; by key alone, changes to old rows are not carried"
                    .to_owned(),
            );
        }
        let state = scan.finish(self.ctx)?;
        fault::pass(FailPoint::ScanFinished)?;

        let watermark = match bound {
            Some(bound) => self.watermark(bound, since, carried.edge.as_ref()),
            // No row named an end: what was known stays known.
            None => since.cloned(),
        };
        if self.resolved.coverage == Coverage::Since
            && !self.adopts
            && carried.tally.rows == 0
            && self.last.is_some_and(|last| last.watermark == watermark)
        {
            return Ok(None);
        }
        let proved = self.spec.verify == Verify::Contents;
        if proved {
            self.ctx.tell(&Event::Proving { owner: self.spec.owner.clone() });
            self.prove(load, &carried)?;
        }
        let bytes = carried.staged.iter().map(|s| s.bytes).sum();
        let retries = carried.retries;
        let receipt = self.receipt(&carried, watermark, state, proved);
        Ok(Some(Ready { commit: Commit { receipt, staged: carried.staged }, bytes, retries }))
    }

    /// The new end with the rows at it. None where a replace found too many to remember: an append could not go on from
    /// there, and is refused until it starts anew.
    fn watermark(&self, bound: Bound, since: Option<&Watermark>, edge: Option<&Edge>) -> Option<Watermark> {
        let Some(edge) = edge else {
            let merges = self.spec.settling == super::Settling::Merge;
            return merges.then(|| Watermark { bound, edge: Edge::empty() });
        };
        // Where the end did not move, what was appended before stays appended though the source may not show it now. A merge
        // knows by key: a row that is again what it once was is a change like any other.
        let appends = self.spec.settling == super::Settling::Append;
        let same_end = |old: &&Watermark| old.bound.upper == bound.upper && old.bound.low == bound.low;
        let edge = match since.filter(|old| appends && same_end(old)) {
            Some(old) => {
                Some(old.edge.union(edge)).filter(|both| both.len() <= EDGE_LIMIT).unwrap_or_else(|| edge.clone())
            }
            None => edge.clone(),
        };
        Some(Watermark { bound, edge })
    }

    fn prove(&self, load: &dyn Load, carried: &Carried) -> Result<()> {
        let staged: Vec<Staged> = carried.staged.iter().filter(|s| s.stored_rows > 0).cloned().collect();
        let ctx = reading_context(self.ctx, self.spec)?;
        let found = tally_of(load.read_back(&staged, &ctx)?.as_mut(), &self.prepared.load.schema, &ctx)?;
        if found == carried.tally {
            return Ok(());
        }
        Err(Error::failed(format!(
            "the store's own reader found {} rows that are not the {} that were read; nothing was published",
            found.rows, carried.tally.rows
        )))
    }

    fn receipt(
        &self,
        carried: &Carried,
        watermark: Option<Watermark>,
        home_state: Option<serde_json::Value>,
        proved: bool,
    ) -> Receipt {
        let total = match (&self.resolved.mode, self.last) {
            (Mode::Replace, _) => Some(carried.tally),
            (_, None) => Some(carried.tally).filter(|_| !self.spec.adopt),
            (Mode::Append, Some(last)) => {
                last.total.filter(|_| self.spec.missing == Missing::Error).map(|total| total.plus(carried.tally))
            }
            (Mode::Merge { .. }, Some(_)) => None,
        };
        let mut question = self.prepared.question.clone();
        if watermark.is_none() && self.resolved.mode == Mode::Replace && carried.edge.is_none() {
            question.cursor = None;
        }
        Receipt {
            format: RECEIPT_FORMAT,
            seq: self.last.map_or(0, |last| last.seq) + 1,
            run: self.ctx.run.to_string(),
            committed_at: self.ctx.clock.now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            owner: self.spec.owner.clone(),
            question,
            schema: self.prepared.load.schema.clone(),
            mode: self.resolved.mode.clone(),
            watermark,
            home_state,
            load: carried.tally,
            total,
            replaced: self
                .last
                .and_then(|last| last.replaced)
                .filter(|_| self.resolved.mode != Mode::Replace)
                .map(|replaced| Replaced { load: 0, ..replaced }),
            adopted: self.last.and_then(|last| last.adopted).filter(|_| self.resolved.mode != Mode::Replace),
            proved,
            live: serde_json::Value::Null,
            writing: Some(self.spec.store.writing()),
        }
    }
}

/// What reading outside of carrying is handed: one share.
pub(super) fn reading_context(ctx: &Context, spec: &EntitySpec) -> Result<SplitContext> {
    Ok(SplitContext {
        run: ctx.clone(),
        share: ctx.budget.share(&ctx.cancel)?,
        attempt: 1,
        batch_rows: spec.batch_rows.max(1),
        bytes_read: std::sync::Arc::default(),
    })
}

/// Counts and hashes all rows of a stream.
pub(super) fn tally_of(
    stream: &mut dyn BatchStream,
    schema: &arrow_schema::Schema,
    ctx: &SplitContext,
) -> Result<Tally> {
    let mut tallier = Tallier::new(schema);
    while let Some(batch) = stream.next()? {
        ctx.cancel().check()?;
        tallier.add(&batch.rows)?;
    }
    Ok(tallier.tally())
}
