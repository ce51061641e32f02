//! Compares, on demand, what a place holds with what its receipt says and with what its home holds now.

use super::EntitySpec;
use super::run::{readers, reading_context, tally_of};
use crate::context::Context;
use crate::home::{Opened, ReadRequest};
use crate::receipt::Receipt;
use crate::tally::Tally;
use crate::{Error, Result};

/// What was found when a place was read.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The place, for people.
    pub place: String,
    /// The last receipt.
    pub receipt: Receipt,
    /// What the place holds.
    pub store: Tally,
    /// What the home holds now, under the receipt's question.
    pub home: Tally,
}

impl Verified {
    /// Whether the place still holds exactly what was settled; none where the receipt cannot tell (after a merge).
    #[must_use]
    pub fn store_is_as_settled(&self) -> Option<bool> {
        self.receipt.total.map(|total| total == self.store)
    }

    /// Whether home and place hold the same rows.
    #[must_use]
    pub fn home_equals_store(&self) -> bool {
        self.home == self.store
    }
}

/// Reads place and home whole, and compares. Writes nothing.
///
/// # Errors
/// If nothing has settled yet, or one of them cannot be read.
pub fn verify_entity(ctx: &Context, spec: &EntitySpec) -> Result<Verified> {
    let place = spec.store.place(spec.owner.entity.as_deref())?;
    let receipt = spec.store.peek(ctx, &place)?.ok_or_else(|| {
        Error::refused(format!("nothing has settled in {place} yet"))
            .next(format!("run  hygge go {}  first", spec.owner.flow))
    })?;
    let store = {
        let split = reading_context(ctx, spec)?;
        tally_of(spec.store.read_back(&split, &place, &receipt)?.as_mut(), &receipt.schema, &split)?
    };
    let mut request = ReadRequest::all(spec.source.clone());
    request.columns.clone_from(&spec.columns);
    request.filter.clone_from(&spec.filter);
    request.cursor.clone_from(&spec.cursor);
    request.readers = readers(ctx, spec);
    request.split_bytes = ctx.budget.share_bytes() as u64;
    let Opened::Scan(scan) = spec.home.open(ctx, &request)? else {
        return Err(Error::bug("a home called itself unchanged though nothing was shown to it"));
    };
    super::resolve::check_schema(&place, &receipt.schema, &scan.schema())?;
    let mut home = Tally::default();
    for split in scan.splits() {
        let ctx = reading_context(ctx, spec)?;
        home = home.plus(tally_of(scan.read(split, &ctx)?.as_mut(), &receipt.schema, &ctx)?);
    }
    scan.finish(ctx)?;
    Ok(Verified { place: place.shown, receipt, store, home })
}
