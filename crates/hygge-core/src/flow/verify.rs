//! Compares, on demand, what a place holds with what its receipt says and with what its home holds now.

use super::prepare::readers;
use super::work::{reading_context, tally_of};
use super::{EntitySpec, Settling, plan_entity};
use crate::context::Context;
use crate::home::{Opened, ReadRequest};
use crate::receipt::Receipt;
use crate::store::Coverage;
use crate::tally::Tally;
use crate::watermark::Bound;
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
    /// Whether every run appends all rows again, so that the place holds as many copies as there were runs.
    pub every_run: bool,
    /// Whether a plain run would carry something. Only asked where home and place differ.
    pub carries: bool,
    /// Where rows are added or merged: which of what settled the home no longer has, as a sentence. Then it is no measure
    /// of the place.
    pub gone: Option<String>,
}

impl Verified {
    /// Whether the place still holds exactly what was settled; none where the receipt cannot tell (after a merge).
    #[must_use]
    pub fn store_is_as_settled(&self) -> Option<bool> {
        self.receipt.total.map(|total| total == self.store)
    }

    /// Whether home and place hold the same rows, but for those that were taken over from others.
    #[must_use]
    pub fn home_equals_store(&self) -> bool {
        with_adopted(self.home, &self.receipt) == self.store
    }

    /// Whether home and place can be compared by more than their numbers of rows: not where rows were taken over from
    /// others when another version of hygge hashed them.
    #[must_use]
    pub fn is_comparable(&self) -> bool {
        self.receipt.adopted.is_none_or(|adopted| adopted.is_of_this_version())
    }

    /// How many rows of the place were taken over from others.
    #[must_use]
    pub fn adopted_rows(&self) -> u64 {
        self.receipt.adopted.map_or(0, |adopted| adopted.rows)
    }

    /// How many rows the home holds more, where it is no measure of the place: keys come again in it, only the last row of
    /// each stands, and nothing but that can be why.
    #[must_use]
    pub fn gave_way(&self) -> Option<u64> {
        let replaced = self.receipt.replaced?.all;
        let more = self.home.rows.checked_sub(self.store.rows)?;
        let why = more > 0 && more <= replaced && self.adopted_rows() == 0 && !self.carries;
        (why && self.store_is_as_settled() == Some(true)).then_some(more)
    }

    /// Whether nothing speaks against the place. Where every run appends all rows again, rows with the same key took each
    /// other's place, or the home need not keep what has settled, the home is no measure of it.
    #[must_use]
    pub fn holds(&self) -> bool {
        match self.store_is_as_settled() {
            Some(as_settled) => {
                let no_measure = self.every_run || self.gave_way().is_some() || self.gone.is_some() && !self.carries;
                as_settled && (no_measure || self.home_equals_store())
            }
            None => !self.every_run && self.home_equals_store(),
        }
    }

    /// The end of what was read, where the rows at it are too many to remember and are held back.
    #[must_use]
    pub fn held_back(&self) -> Option<&Bound> {
        self.receipt.held_back()
    }
}

/// Reads place and home whole, and compares. Writes nothing.
///
/// # Errors
/// If nothing has settled yet, or one of them cannot be read.
pub fn verify_entity(ctx: &Context, spec: &EntitySpec) -> Result<Verified> {
    let place = spec.store.place(spec.owner.entity.as_deref())?;
    if !spec.store.capabilities().receipts {
        return Err(Error::refused(format!(
            "stores of type {} keep no receipts, so there is nothing to compare their rows with",
            spec.store.kind()
        ))
        .at(&place.shown)
        .next("compare them where they went"));
    }
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
    // Rows that were held back for being too many are no difference.
    request.exact_edge = receipt.held_back().is_some();
    request.readers = readers(ctx, spec);
    request.split_bytes = ctx.budget.share_bytes() as u64;
    request.like = Some(receipt.schema.clone());
    if spec.settling != Settling::Replace {
        request.dropped.clone_from(&receipt.home_state);
        request.may_be_empty = request.dropped.is_some();
    }
    let mut home = Tally::default();
    let notes = match spec.home.open(ctx, &request)? {
        Opened::Scan(scan) => {
            super::resolve::check_schema(&place, &receipt.schema, &scan.schema())?;
            for split in scan.splits() {
                let ctx = reading_context(ctx, spec)?;
                home = home.plus(tally_of(scan.read(split, &ctx)?.as_mut(), &receipt.schema, &ctx)?);
            }
            let notes = scan.notes();
            scan.finish(ctx)?;
            notes
        }
        Opened::Unchanged(unchanged) if request.may_be_empty => unchanged.notes,
        Opened::Unchanged(_) => {
            return Err(Error::bug("a home called itself unchanged though nothing was shown to it"));
        }
    };
    let gone = notes.into_iter().find_map(|note| note.gone);
    // A run that would be refused carries nothing: what ends that ends the difference, too.
    let carries = with_adopted(home, &receipt) != store && carries(ctx, spec).unwrap_or(false);
    Ok(Verified { place: place.shown, receipt, store, home, every_run: spec.every_run, carries, gone })
}

fn with_adopted(home: Tally, receipt: &Receipt) -> Tally {
    receipt.adopted.map_or(home, |adopted| home.plus(adopted))
}

/// Whether a plain run would carry something.
fn carries(ctx: &Context, spec: &EntitySpec) -> Result<bool> {
    let plan = plan_entity(ctx, spec)?;
    let nothing = plan.splits.is_empty() || plan.rows() == Some(0);
    Ok(plan.unchanged.is_none() && (plan.coverage == Coverage::Full || !nothing))
}
