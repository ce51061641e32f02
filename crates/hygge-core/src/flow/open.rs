//! Opens a home for a load, and asks the store even where the home has nothing new.

use arrow_schema::SchemaRef;

use super::EntitySpec;
use super::resolve::{self, Resolved};
use crate::context::{Context, SplitContext};
use crate::event::Note;
use crate::home::{BatchStream, Opened, Repeat, Scan};
use crate::place::PlaceId;
use crate::receipt::{Mode, Receipt};
use crate::split::Split;
use crate::watermark::Bound;
use crate::{Error, Result};

/// Opens the home.
///
/// Where it is unchanged, the store is asked all the same: what others put into the place stands in the way of the next
/// load, and is told, or taken over, now rather than then.
///
/// # Errors
/// What home or store refuse.
pub(super) fn open(
    ctx: &Context,
    spec: &EntitySpec,
    place: &PlaceId,
    resolved: &mut Resolved,
    last: Option<&Receipt>,
) -> Result<Opened> {
    let opened = spec.home.open(ctx, &resolved.request)?;
    let (Opened::Unchanged(_), Some(last)) = (&opened, last) else { return Ok(opened) };
    let load = resolve::load_spec(spec, place, resolved, &last.schema);
    if !spec.store.plan(ctx, &load, Some(last))?.adopts {
        return Ok(opened);
    }
    if resolved.mode == Mode::Replace {
        resolved.request.force = true;
        return spec.home.open(ctx, &resolved.request);
    }
    let since = resolved.request.since.as_ref().and_then(|since| since.watermark.as_ref());
    Ok(Opened::Scan(Box::new(NothingNew {
        schema: last.schema.clone(),
        bound: since.map(|watermark| watermark.bound.clone()),
        state: last.home_state.clone(),
    })))
}

/// An unchanged home, for a load that only takes over what others put into the place.
struct NothingNew {
    schema: SchemaRef,
    bound: Option<Bound>,
    state: Option<serde_json::Value>,
}

impl Scan for NothingNew {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn splits(&self) -> &[Split] {
        &[]
    }

    fn bound(&self) -> Option<&Bound> {
        self.bound.as_ref()
    }

    fn repeat(&self) -> Repeat {
        Repeat::Snapshot
    }

    fn notes(&self) -> Vec<Note> {
        Vec::new()
    }

    fn read(&self, _: &Split, _: &SplitContext) -> Result<Box<dyn BatchStream>> {
        Err(Error::bug("a split was read of a home that has nothing new"))
    }

    fn finish(self: Box<Self>, _: &Context) -> Result<Option<serde_json::Value>> {
        Ok(self.state)
    }
}
