//! What a flow would do: peek, open with one reader and no guard, ask the store. Nothing is written.

use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::open;
use super::prepare::{planned, prepare};
use super::resolve::{self, Resolved};
use super::run::check_apart;
use super::{EntitySpec, PlannedFlow};
use crate::Result;
use crate::context::Context;
use crate::home::{Opened, Unchanged};
use crate::place::PlaceId;
use crate::receipt::Receipt;
use crate::store::LoadPlan;

/// Plans a flow (one entity of it) without leaving a trace.
///
/// # Errors
/// Refused, if the flow could not hold what is promised; or what went wrong while looking.
pub fn plan_entity(ctx: &Context, spec: &EntitySpec) -> Result<PlannedFlow> {
    let place = spec.store.place(spec.owner.entity.as_deref())?;
    check_apart(spec, &place)?;
    let last = spec.store.peek(ctx, &place)?;
    let mut resolved = resolve::resolve(spec, &place, last.as_ref(), false)?;
    resolved.request.plan_only = true;
    resolved.request.split_bytes = ctx.budget.share_bytes() as u64;
    match open::open(ctx, spec, &place, &mut resolved, last.as_ref())? {
        Opened::Unchanged(how) => Ok(unchanged(spec, &place, &resolved, last.as_ref(), how)),
        Opened::Scan(scan) if !scan.knows_columns() => {
            let mut plan = planned(spec, &place, &resolved, scan.as_ref());
            plan.load = untold(ctx, spec, &place, &resolved, last.as_ref())?;
            plan.first = first(spec, last.as_ref());
            plan.schema = last.map(|last| last.schema);
            scan.finish(ctx)?;
            Ok(plan)
        }
        Opened::Scan(scan) => {
            let prepared = prepare(spec, &place, &resolved, scan.as_ref(), last.as_ref())?;
            let load = spec.store.plan(ctx, &prepared.load, last.as_ref())?;
            let mut plan = planned(spec, &place, &resolved, scan.as_ref());
            plan.load = load;
            plan.first = first(spec, last.as_ref());
            scan.finish(ctx)?;
            Ok(plan)
        }
    }
}

/// Whether the run would leave the first receipt in its place.
fn first(spec: &EntitySpec, last: Option<&Receipt>) -> bool {
    last.is_none() && spec.store.capabilities().receipts
}

/// What a store would do with columns that only reading tells: what it says for those that settled last, or for none.
fn untold(
    ctx: &Context,
    spec: &EntitySpec,
    place: &PlaceId,
    resolved: &Resolved,
    last: Option<&Receipt>,
) -> Result<LoadPlan> {
    let told = last.map(|last| last.schema.clone());
    let load = resolve::load_spec(spec, place, resolved, &told.clone().unwrap_or_else(|| stand_in(&spec.key)));
    resolve::check_ways(spec, &load)?;
    if told.is_none() && spec.adopt {
        // Whether what is there has the columns that will come only those can tell.
        spec.store.check(ctx, place)?;
        return Ok(LoadPlan::default());
    }
    let plan = spec.store.plan(ctx, &load, last)?;
    Ok(if told.is_some() { plan } else { LoadPlan { ddl: Vec::new(), columns: Vec::new(), ..plan } })
}

/// Columns to ask a store about what does not hang on columns: those of the key, or one.
fn stand_in(key: &[String]) -> SchemaRef {
    let names: Vec<&str> = if key.is_empty() { vec!["column"] } else { key.iter().map(String::as_str).collect() };
    SchemaRef::new(Schema::new(
        names.into_iter().map(|name| Field::new(name, DataType::Utf8, true)).collect::<Vec<_>>(),
    ))
}

/// The plan of a flow that has nothing to do.
pub(super) fn unchanged(
    spec: &EntitySpec,
    place: &PlaceId,
    resolved: &Resolved,
    last: Option<&Receipt>,
    how: Unchanged,
) -> PlannedFlow {
    PlannedFlow {
        owner: spec.owner.clone(),
        home: spec.home.shown(&spec.source),
        place: place.clone(),
        mode: resolved.mode.word(),
        coverage: resolved.coverage,
        unchanged: Some(how.why),
        schema: last.map(|last| last.schema.clone()),
        splits: Vec::new(),
        bound: None,
        load: LoadPlan::default(),
        notes: resolved.notes.iter().cloned().chain(how.notes).collect(),
        every_run: spec.every_run,
        first: first(spec, last),
    }
}
