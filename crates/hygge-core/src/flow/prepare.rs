//! What is known of a run once its scan is open, before anything is written.

use super::resolve::{self, Resolved};
use super::{EntitySpec, PlannedFlow};
use crate::context::Context;
use crate::home::Scan;
use crate::place::PlaceId;
use crate::receipt::{Mode, Receipt};
use crate::store::LoadSpec;
use crate::{Error, Result};

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
