//! Plans whatever can be planned before anything starts.

use super::{expand, with_ancestors};
use crate::context::Context;
use crate::flow::{Entities, EntitySpec, FlowSpec, PlannedFlow, plan_entity, within};
use crate::place::PlaceId;
use crate::receipt::Owner;
use crate::{Error, ErrorKind, Part, Result, Retry};

/// What is known of one flow (entity) before the run.
pub enum Planned {
    /// What it would do.
    Ready(Box<PlannedFlow>),
    /// It reads what the named flow settles, and is planned after it.
    After(String),
    /// It cannot be planned. Only a [`Preflight::refusals`] stops the run; a passing fault is left to the run itself.
    Not(Error),
}

/// What is known of a whole project before the run.
pub struct Preflight {
    /// Every flow and entity that is known now, in the project's order.
    pub flows: Vec<(Owner, Planned)>,
}

impl Preflight {
    /// Whether a place is known that is to have its first receipt.
    #[must_use]
    pub fn has_first(&self) -> bool {
        self.flows.iter().any(|(_, planned)| matches!(planned, Planned::Ready(plan) if plan.first))
    }

    /// What forbids the run to start.
    pub fn refusals(&self) -> impl Iterator<Item = (&Owner, &Error)> {
        self.flows.iter().filter_map(|(owner, planned)| match planned {
            Planned::Not(error) if error.retry() == Retry::Never && error.kind() != ErrorKind::Cancelled => {
                Some((owner, error))
            }
            _ => None,
        })
    }
}

/// Plans every flow whose home is not the place of a flow that it depends on. Writes nothing.
#[must_use]
pub fn preflight(ctx: &Context, flows: &[FlowSpec]) -> Preflight {
    let mut out = Vec::new();
    let mut places: Vec<(PlaceId, Owner)> = Vec::new();
    for flow in flows {
        if ctx.cancel.is_asked() {
            break;
        }
        if let Entities::Matching { template, .. } = &flow.entities
            && let Some(upstream) = reads_from(flows, flow, template)
        {
            out.push((template.owner.clone(), Planned::After(upstream)));
            continue;
        }
        let entities = match expand(ctx, flow) {
            Ok(entities) => entities,
            Err(error) => {
                out.push((flow_owner(flow), Planned::Not(error)));
                continue;
            }
        };
        for entity in entities {
            let planned = plan_one(ctx, flows, flow, &entity, &mut places);
            out.push((entity.owner, planned));
        }
    }
    Preflight { flows: out }
}

fn plan_one(
    ctx: &Context,
    flows: &[FlowSpec],
    flow: &FlowSpec,
    entity: &EntitySpec,
    places: &mut Vec<(PlaceId, Owner)>,
) -> Planned {
    if let Err(error) = claim(places, entity) {
        return Planned::Not(error);
    }
    if let Some(upstream) = reads_from(flows, flow, entity) {
        return Planned::After(upstream);
    }
    // A source that hangs while it is looked at is as bad as one that hangs while it is read.
    match within(ctx, entity.timeout, |ctx| plan_entity(ctx, entity)) {
        Ok(plan) => Planned::Ready(Box::new(plan)),
        Err(error) => Planned::Not(in_place_of_another(ctx, flows, flow, entity).unwrap_or(error)),
    }
}

/// What is wrong with an entity whose home cannot be read because another flow has yet to settle there.
fn in_place_of_another(ctx: &Context, flows: &[FlowSpec], flow: &FlowSpec, entity: &EntitySpec) -> Option<Error> {
    let home = entity.home.location(&entity.source)?;
    let ancestors = with_ancestors(flows, &flow.name);
    let others = flows.iter().enumerate().filter(|(i, other)| !ancestors.contains(i) && other.name != flow.name);
    let other = others.map(|(_, other)| other).find(|other| has_yet_to_settle_in(ctx, other, &home))?;
    entity.home.check(ctx, &entity.source, false).is_err().then(|| {
        Error::refused(format!("its home is the place of the flow {}, where nothing has settled yet", other.name))
            .at(entity.home.shown(&entity.source))
            .next_set(Part::Flow, format!("depends_on: [{}]", other.name))
    })
}

fn has_yet_to_settle_in(ctx: &Context, flow: &FlowSpec, home: &PlaceId) -> bool {
    match &flow.entities {
        Entities::Listed(entities) => entities.iter().any(|e| {
            let place = e.store.place(e.owner.entity.as_deref()).ok().filter(|place| place.clashes(home));
            place.is_some_and(|place| matches!(e.store.peek(ctx, &place), Ok(None)))
        }),
        Entities::Matching { .. } => settles_in(flow, home),
    }
}

/// Notes that an entity will settle in its place.
///
/// # Errors
/// Refused, when another one settles there, or in a place within it or around it.
pub(super) fn claim(places: &mut Vec<(PlaceId, Owner)>, entity: &EntitySpec) -> Result<()> {
    let place = entity.store.place(entity.owner.entity.as_deref())?;
    if let Some((other, owner)) = places.iter().find(|(other, _)| other.shares(&place)) {
        return Err(Error::refused(format!(
            "{} and {owner} would settle in one place: {place} and {other} are the same, or one lies in the other",
            entity.owner
        ))
        .next("give each flow a place of its own"));
    }
    places.push((place, entity.owner.clone()));
    Ok(())
}

/// The flow, of those it depends on, that settles where the entity reads.
fn reads_from(flows: &[FlowSpec], flow: &FlowSpec, entity: &EntitySpec) -> Option<String> {
    let home = entity.home.location(&entity.source)?;
    let ancestors = with_ancestors(flows, &flow.name).into_iter().map(|i| &flows[i]);
    ancestors.filter(|other| other.name != flow.name && settles_in(other, &home)).map(|other| other.name.clone()).next()
}

fn settles_in(flow: &FlowSpec, home: &PlaceId) -> bool {
    match &flow.entities {
        Entities::Listed(entities) => {
            entities.iter().any(|e| e.store.place(e.owner.entity.as_deref()).is_ok_and(|place| place.clashes(home)))
        }
        Entities::Matching { template, .. } => template.store.place(Some("entity")).is_ok_and(|mut place| {
            place.path.pop();
            place.clashes(home)
        }),
    }
}

/// The owner to name when a flow's entities are not known.
pub(super) fn flow_owner(flow: &FlowSpec) -> Owner {
    let owner = match &flow.entities {
        Entities::Listed(entities) => entities.first().map(|e| e.owner.clone()),
        Entities::Matching { template, .. } => Some(template.owner.clone()),
    };
    let mut owner = owner.unwrap_or_else(|| Owner { project: String::new(), flow: flow.name.clone(), entity: None });
    owner.entity = None;
    owner
}
