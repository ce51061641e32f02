//! What is done in an open load: its rows are carried and proved, and the receipt is written out.

use super::carry::{Carried, Carrier};
use super::prepare::Prepared;
use super::resolve::Resolved;
use super::run::note;
use super::{EntitySpec, Missing, Verify};
use crate::context::{Context, SplitContext};
use crate::event::Event;
use crate::fault::{self, FailPoint};
use crate::home::{BatchStream, Scan};
use crate::limits::Limits;
use crate::receipt::{Mode, RECEIPT_FORMAT, Receipt, Replaced};
use crate::split::Staged;
use crate::store::{Commit, Coverage, Load};
use crate::tally::{Tallier, Tally};
use crate::watermark::{Bound, EDGE_LIMIT, Edge, Watermark};
use crate::{Error, Result};

/// An open load, and what is to be done in it.
pub(super) struct Work<'a> {
    pub(super) ctx: &'a Context,
    pub(super) spec: &'a EntitySpec,
    pub(super) limits: &'a Limits,
    pub(super) resolved: &'a Resolved,
    pub(super) prepared: &'a Prepared,
    pub(super) last: Option<&'a Receipt>,
    /// Whether what others put there is taken over, which settles though no row is new.
    pub(super) adopts: bool,
}

/// What is to be committed.
pub(super) struct Ready {
    pub(super) commit: Commit,
    pub(super) bytes: u64,
    pub(super) retries: u32,
}

impl Work<'_> {
    /// Everything up to the commit. None when it turns out that there is nothing new to settle.
    pub(super) fn carry_and_prove(&self, scan: Box<dyn Scan>, load: &dyn Load) -> Result<Option<Ready>> {
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
