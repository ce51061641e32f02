//! Tables in memory, with locks, staging and receipts like any other store.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};

use crate::context::{Context, SplitContext};
use crate::home::{Batch, BatchStream};
use crate::place::PlaceId;
use crate::receipt::{Mode, Options, Owner, RECEIPTS_KEPT, Receipt, Replaced};
use crate::split::{Split, Staged};
use crate::store::{
    Attempt, Capabilities, ColumnPlan, Commit, Live, Load, LoadPlan, LoadSpec, Place, Settled, Store, Writer,
};
use crate::tally::{RowHash, Tallier};
use crate::{Error, Result};

/// What several stores (as of several processes) share.
#[derive(Clone, Default)]
pub struct MemoryDatabase(Arc<Mutex<Tables>>);

#[derive(Default)]
struct Tables {
    tables: HashMap<String, Table>,
}

#[derive(Default)]
struct Table {
    rows: Vec<RecordBatch>,
    receipts: Vec<Receipt>,
    holder: Weak<Held>,
}

/// Proof of holding a place; the lock is free when it is dropped.
struct Held {
    owner: String,
    run: String,
}

impl MemoryDatabase {
    /// The rows that readers of a table see.
    #[must_use]
    pub fn visible(&self, table: &str) -> Vec<RecordBatch> {
        self.lock().tables.get(table).map(|t| t.rows.clone()).unwrap_or_default()
    }

    /// Takes away the lock of a table without its holder's knowledge, as a file system without reliable locks would.
    pub fn lose_lock(&self, table: &str) {
        if let Some(table) = self.lock().tables.get_mut(table) {
            table.holder = Weak::new();
        }
    }

    /// Takes away the rows of a table behind the store's back, and leaves its receipts.
    pub fn lose_rows(&self, table: &str) {
        if let Some(table) = self.lock().tables.get_mut(table) {
            table.rows.clear();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A store whose places are tables of a [`MemoryDatabase`].
pub struct MemoryStore {
    database: MemoryDatabase,
    table: String,
    parallel: bool,
}

impl MemoryStore {
    /// Settles in `table`, or in the table of the entity's name where there are entities.
    #[must_use]
    pub fn new(database: &MemoryDatabase, table: &str) -> Self {
        Self { database: database.clone(), table: table.to_owned(), parallel: true }
    }

    /// One split at a time, like a database with one writer.
    #[must_use]
    pub fn with_one_writer(mut self) -> Self {
        self.parallel = false;
        self
    }
}

fn table_of(place: &PlaceId) -> &str {
    place.path.last().map_or("", String::as_str)
}

impl Store for MemoryStore {
    fn kind(&self) -> &'static str {
        "memory"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            parallel_writers: self.parallel,
            loads_at_once: usize::MAX,
            staging: true,
            receipts: true,
            merge: true,
            append: true,
            scan_must_end_first: false,
        }
    }

    fn place(&self, entity: Option<&str>) -> Result<PlaceId> {
        let table = entity.unwrap_or(&self.table).to_owned();
        Ok(PlaceId {
            resource: format!("memory:{:p}", Arc::as_ptr(&self.database.0)),
            shown: table.clone(),
            path: vec![table],
        })
    }

    fn writing(&self) -> Options {
        Options::new()
    }

    fn agreeing(&self) -> &'static [&'static str] {
        &[]
    }

    fn check(&self, _: &Context, _: &PlaceId) -> Result<Vec<String>> {
        Ok(vec!["memory".to_owned()])
    }

    fn peek(&self, _: &Context, place: &PlaceId) -> Result<Option<Receipt>> {
        Ok(self.database.lock().tables.get(table_of(place)).and_then(|t| t.receipts.last().cloned()))
    }

    fn plan(&self, _: &Context, spec: &LoadSpec, _: Option<&Receipt>) -> Result<LoadPlan> {
        let column = |f: &Arc<arrow_schema::Field>| ColumnPlan {
            name: f.name().clone(),
            arrow: f.data_type().to_string(),
            store: f.data_type().to_string(),
            exact_text: false,
        };
        Ok(LoadPlan {
            publish: "rows and receipt under one lock".to_owned(),
            guarantee: "exactly once, while the process lives".to_owned(),
            columns: spec.schema.fields().iter().map(column).collect(),
            ..LoadPlan::default()
        })
    }

    fn lock(&self, ctx: &Context, place: &PlaceId, owner: &Owner) -> Result<Box<dyn Place>> {
        let mut tables = self.database.lock();
        let table = tables.tables.entry(table_of(place).to_owned()).or_default();
        if let Some(holder) = table.holder.upgrade() {
            return Err(Error::refused(format!("{place} is held by {} (run {})", holder.owner, holder.run))
                .next("wait for it to end"));
        }
        let held = Arc::new(Held { owner: owner.to_string(), run: ctx.run.to_string() });
        table.holder = Arc::downgrade(&held);
        Ok(Box::new(MemoryPlace {
            database: self.database.clone(),
            table: table_of(place).to_owned(),
            last: table.receipts.last().cloned(),
            held,
        }))
    }

    fn read_back(&self, _: &SplitContext, place: &PlaceId, _: &Receipt) -> Result<Box<dyn BatchStream>> {
        Ok(Box::new(Batches(self.database.visible(table_of(place)).into_iter())))
    }
}

struct MemoryPlace {
    database: MemoryDatabase,
    table: String,
    last: Option<Receipt>,
    held: Arc<Held>,
}

impl Place for MemoryPlace {
    fn last_receipt(&self) -> Option<&Receipt> {
        self.last.as_ref()
    }

    fn live(&self, _: &Context) -> Result<Live> {
        let there: usize = self.database.visible(&self.table).iter().map(RecordBatch::num_rows).sum();
        Ok(match self.last.as_ref().and_then(|last| last.total) {
            Some(total) if total.rows != there as u64 => {
                Live::Missing(format!("{there} of {} rows are there", total.rows))
            }
            _ => Live::Present,
        })
    }

    fn open(self: Box<Self>, _: &Context, spec: &LoadSpec, _: &LoadPlan) -> Result<Box<dyn Load>> {
        Ok(Box::new(MemoryLoad { place: *self, spec: spec.clone(), staging: Arc::default() }))
    }
}

type Staging = Arc<Mutex<BTreeMap<u32, (Staged, Vec<RecordBatch>)>>>;

struct MemoryLoad {
    place: MemoryPlace,
    spec: LoadSpec,
    staging: Staging,
}

impl Load for MemoryLoad {
    fn writer(&self, split: &Split, ctx: &SplitContext) -> Result<Attempt> {
        if let Some((staged, _)) = self.staging.lock().unwrap_or_else(PoisonError::into_inner).get(&split.ordinal) {
            return Ok(Attempt::AlreadyStaged(staged.clone()));
        }
        Ok(Attempt::Write(Box::new(MemoryWriter {
            split: split.ordinal,
            attempt: ctx.attempt,
            tallier: Tallier::new(&self.spec.schema),
            rows: Vec::new(),
            staging: Arc::clone(&self.staging),
        })))
    }

    fn read_back(&self, staged: &[Staged], _: &SplitContext) -> Result<Box<dyn BatchStream>> {
        let staging = self.staging.lock().unwrap_or_else(PoisonError::into_inner);
        let rows: Vec<_> =
            staged.iter().filter_map(|s| staging.get(&s.split)).flat_map(|(_, rows)| rows.clone()).collect();
        Ok(Box::new(Batches(rows.into_iter())))
    }

    fn commit(self: Box<Self>, _: &Context, commit: Commit) -> Result<Settled> {
        let staging = std::mem::take(&mut *self.staging.lock().unwrap_or_else(PoisonError::into_inner));
        let new: Vec<RecordBatch> = staging.into_values().flat_map(|(_, rows)| rows).collect();
        let mut tables = self.place.database.lock();
        let table = tables.tables.entry(self.place.table.clone()).or_default();
        let seq = table.receipts.last().map_or(0, |r| r.seq);
        if seq + 1 != commit.receipt.seq {
            return Err(Error::failed(format!(
                "another run settled in {} meanwhile; nothing of this one was published",
                self.spec.place
            ))
            .retry_as(crate::Retry::Run));
        }
        let mut receipt = commit.receipt;
        let count = |rows: &[RecordBatch]| rows.iter().map(|rows| rows.num_rows() as u64).sum::<u64>();
        let (carried, before) = (count(&new), count(&table.rows));
        let new = if self.spec.last_wins {
            let key = if let Mode::Merge { key } = &self.spec.mode { key } else { &self.spec.key };
            last_of_each(&new, key)?
        } else {
            new
        };
        let brought = count(&new);
        match &self.spec.mode {
            Mode::Replace => table.rows = new,
            Mode::Append => table.rows.extend(new),
            Mode::Merge { key } => table.rows = merge(&table.rows, &new, key)?,
        }
        if self.spec.last_wins {
            let mut tallier = Tallier::new(&self.spec.schema);
            for rows in &table.rows {
                tallier.add(rows)?;
            }
            let total = tallier.tally();
            let updated = if self.spec.mode == Mode::Replace { 0 } else { before + brought - total.rows };
            let load = carried - brought;
            let all = receipt.replaced.map_or(0, |replaced| replaced.all) + load + updated;
            receipt.replaced = (all > 0).then_some(Replaced { load, all });
            receipt.total = Some(total);
        }
        receipt.live = serde_json::json!({ "table": self.place.table });
        table.receipts.push(receipt.clone());
        let surplus = table.receipts.len().saturating_sub(RECEIPTS_KEPT);
        table.receipts.drain(..surplus);
        drop(tables);
        drop(self.place.held);
        Ok(Settled { receipt, cleanup: None })
    }

    fn abort(self: Box<Self>) {}
}

struct MemoryWriter {
    split: u32,
    attempt: u32,
    tallier: Tallier,
    rows: Vec<RecordBatch>,
    staging: Staging,
}

impl Writer for MemoryWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.tallier.add(batch)?;
        self.rows.push(batch.clone());
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Staged> {
        let stored: usize = self.rows.iter().map(RecordBatch::num_rows).sum();
        let staged = Staged {
            split: self.split,
            attempt: self.attempt,
            tally: self.tallier.tally(),
            stored_rows: stored as u64,
            bytes: self.rows.iter().map(|rows| rows.get_array_memory_size() as u64).sum(),
            payload: serde_json::Value::Null,
        };
        let mut staging = self.staging.lock().unwrap_or_else(PoisonError::into_inner);
        if staging.contains_key(&self.split) {
            return Err(Error::failed("another attempt at the split is staged already"));
        }
        staging.insert(self.split, (staged.clone(), self.rows));
        Ok(staged)
    }
}

/// The last row of each key.
fn last_of_each(rows: &[RecordBatch], key: &[String]) -> Result<Vec<RecordBatch>> {
    let mut seen = std::collections::HashSet::new();
    let mut out = Vec::with_capacity(rows.len());
    for batch in rows.iter().rev() {
        let mut last: Vec<bool> = key_hashes(batch, key)?.into_iter().rev().map(|hash| seen.insert(hash)).collect();
        last.reverse();
        out.push(arrow_select::filter::filter_record_batch(batch, &last.into())?);
    }
    out.reverse();
    Ok(out)
}

/// Old rows whose key does not come again, then the new rows.
fn merge(old: &[RecordBatch], new: &[RecordBatch], key: &[String]) -> Result<Vec<RecordBatch>> {
    let mut keys = std::collections::HashSet::new();
    for batch in new {
        for hash in key_hashes(batch, key)? {
            if !keys.insert(hash) {
                return Err(Error::failed(format!("two rows of the load have the same {}", key.join(", "))));
            }
        }
    }
    let mut rows = Vec::with_capacity(old.len() + new.len());
    for batch in old {
        let stays: arrow_array::BooleanArray =
            key_hashes(batch, key)?.into_iter().map(|hash| Some(!keys.contains(&hash))).collect();
        rows.push(arrow_select::filter::filter_record_batch(batch, &stays)?);
    }
    rows.extend(new.iter().cloned());
    Ok(rows)
}

fn key_hashes(batch: &RecordBatch, key: &[String]) -> Result<Vec<RowHash>> {
    let schema: SchemaRef = batch.schema();
    let positions: Vec<usize> = key.iter().map(|name| schema.index_of(name)).collect::<std::result::Result<_, _>>()?;
    let keys = batch.project(&positions)?;
    let projected: &Schema = &keys.schema();
    Tallier::new(projected).row_hashes(&keys)
}

struct Batches(std::vec::IntoIter<RecordBatch>);

impl BatchStream for Batches {
    fn next(&mut self) -> Result<Option<Batch>> {
        Ok(self.0.next().map(Batch::from))
    }
}
