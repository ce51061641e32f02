//! The life of a run, for one place: lock, open, plan, carry, finish, commit.

use std::sync::mpsc;
use std::time::Duration;

use super::carry::pauses;
use super::plan::unchanged;
use super::prepare::{planned, prepare, readers};
use super::resolve::{self, Resolved};
use super::work::Work;
use super::{EntitySpec, Missing, Outcome, Settlement};
use crate::context::{Cancellation, Context};
use crate::event::Event;
use crate::fault::{self, FailPoint};
use crate::home::{Opened, Scan};
use crate::limits::{Limits, LoadAsk};
use crate::place::PlaceId;
use crate::receipt::Receipt;
use crate::store::{Cleanup, Coverage, Live, Settled};
use crate::watermark::Bound;
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

/// The end of what was read, where the rows at it are too many to remember and were left for when a greater value is there.
fn held_back(bound: Option<&Bound>) -> Option<Box<Bound>> {
    bound.filter(|bound| !bound.inclusive).cloned().map(Box::new)
}

/// A run since the watermark that has no split to read needs no load.
fn nothing_new(resolved: &Resolved, scan: &dyn Scan, last: Option<&Receipt>) -> bool {
    resolved.coverage == Coverage::Since && last.is_some() && scan.splits().is_empty()
}

pub(super) fn note(ctx: &Context, spec: &EntitySpec, text: String) {
    ctx.tell(&Event::Note { owner: spec.owner.clone(), text });
}
