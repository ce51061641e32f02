//! The last way of staged rows, into the table: what they do to it, and what stands then.

use std::sync::Arc;

use hygge_core::context::{Context, SplitContext};
use hygge_core::event::Event;
use hygge_core::receipt::{Mode, Receipt, Replaced};
use hygge_core::store::LoadSpec;
use hygge_core::tally::{HASH_VERSION, Tallier, Tally};
use hygge_core::{Error, Result};
use rusqlite::Connection;

use super::{Shared, writer};
use crate::sqlite::fault::explain_or_cancelled;
use crate::sqlite::names::{grouped, quoted};
use crate::sqlite::stream;
use crate::stores::sqlite::reading;
use crate::stores::sqlite::target::{Target, Way};

/// How many rows are read at once, at most.
const BATCH_ROWS: usize = 8192;

impl Shared {
    /// Brings staged rows in; there are `rows` of them. Where they were to be proved, proves that they stand in the table as
    /// they were staged. Where they come in an order, the receipt says what stands then, and how many took another's place.
    pub(super) fn settle(
        &self,
        conn: &Connection,
        target: &Target,
        ctx: &Context,
        rows: u64,
        receipt: &mut Receipt,
    ) -> Result<()> {
        let told = |e| writer::refused(e, target, self.shown(), &ctx.cancel);
        let reader = Reader { conn, target, spec: &self.spec, ctx };
        let in_order = target.way == Way::StagedInOrder;
        let all_ours = receipt.total.is_some();
        let before = if in_order && !all_ours { reader.tally(&target.counterparts())? } else { Tally::default() };
        target.bring_in(conn, &self.spec.schema, rows, self.shown(), told)?;
        if receipt.proved && target.is_staged() {
            receipt.proved = reader.prove(receipt.load)?;
        }
        if in_order && !all_ours {
            let settled = reader.tally(&target.counterparts())?;
            let last = self.place.last.as_ref().filter(|_| target.known).and_then(|last| last.total);
            receipt.total = Some(match last.filter(|total| total.version == HASH_VERSION) {
                Some(total) => total.minus(before).plus(settled),
                None => reader.tally(&quoted(&target.table))?,
            });
            self.count_replaced(ctx, receipt, receipt.load.rows.saturating_sub(settled.rows), before.rows);
        } else if in_order && reader.stand()? != receipt.load.rows {
            let total = reader.tally(&quoted(&target.table))?;
            receipt.total = Some(total);
            self.count_replaced(ctx, receipt, receipt.load.rows.saturating_sub(total.rows), 0);
        }
        target.drop_stage(conn).map_err(told)
    }

    /// Leaves in the receipt how many rows others took the place of: of this load, and of those that stood before.
    fn count_replaced(&self, ctx: &Context, receipt: &mut Receipt, within: u64, before: u64) {
        let all = receipt.replaced.map_or(0, |replaced| replaced.all) + within + before;
        receipt.replaced = (all > 0).then_some(Replaced { load: within, all });
        let text = match within {
            0 => return,
            1 => "1 row has a key that a later row has, too: the later one stands".to_owned(),
            many => {
                format!("{} rows have a key that a later row has, too: the later ones stand", grouped(i128::from(many)))
            }
        };
        ctx.tell(&Event::Note { owner: self.spec.owner.clone(), text });
    }

    /// What a foreign key says at the commit, while the transaction is still open.
    pub(super) fn reference_broken(&self, conn: &Connection) -> Error {
        let table = super::table_of(&self.spec.place);
        let orphans = "SELECT count(*) FROM (SELECT 1 FROM pragma_foreign_key_check(?1) LIMIT 1)";
        if conn.query_row(orphans, [table], |r| r.get::<_, i64>(0)).is_ok_and(|found| found == 0) {
            let found = Error::failed("rows of another table refer to rows that would be gone; nothing was written");
            return if self.spec.mode == Mode::Replace {
                found.next("let the flow merge instead: mode: merge")
            } else {
                found.next("correct the rows that refer to them, or the source")
            };
        }
        Error::failed("rows refer to rows of another table that are not there; nothing was written")
            .next("let the flow of that table settle first: depends_on")
    }
}

/// Reads what stands, inside the transaction.
pub(in super::super) struct Reader<'a> {
    pub(in super::super) conn: &'a Connection,
    pub(in super::super) target: &'a Target,
    pub(in super::super) spec: &'a LoadSpec,
    pub(in super::super) ctx: &'a Context,
}

impl Reader<'_> {
    /// What was read back is what was staged: what the table made of it must be the same. False where nothing can tell which
    /// rows must stand.
    pub(in super::super) fn prove(&self, load: Tally) -> Result<bool> {
        let must = if self.target.way == Way::StagedInOrder {
            let Some(standing) = self.target.last_of_each(&self.spec.schema) else { return Ok(false) };
            self.tally(&standing)?
        } else {
            load
        };
        if self.tally(&self.target.counterparts())? == must {
            return Ok(true);
        }
        let table = &self.target.table;
        Err(Error::failed(format!("{table} made other rows of some that came; nothing was written"))
            .at(&self.spec.place.shown)
            .next("let the flow settle in another table"))
    }

    /// How many rows the table has.
    fn stand(&self) -> Result<u64> {
        let sql = format!("SELECT count(*) FROM {}", quoted(&self.target.table));
        let stand = self.conn.query_row(&sql, [], |r| r.get::<_, i64>(0));
        stand
            .map(i64::unsigned_abs)
            .map_err(|e| explain_or_cancelled(e, "read", &self.spec.place.shown, &self.ctx.cancel))
    }

    /// Counts and hashes rows that the store's own reader reads.
    fn tally(&self, from: &str) -> Result<Tally> {
        let ctx = SplitContext {
            run: self.ctx.clone(),
            share: self.ctx.budget.share(&self.ctx.cancel)?,
            attempt: 1,
            batch_rows: BATCH_ROWS,
            bytes_read: Arc::default(),
        };
        let schema = &self.spec.schema;
        let mut tallier = Tallier::new(schema);
        let reading = reading(schema, from, "", &self.spec.place.shown);
        stream::read(self.conn, &reading, &ctx, |batch| tallier.add(&batch.rows).map(|()| true))?;
        Ok(tallier.tally())
    }
}
