//! The laws of the contract as checks that any home and any store can be put to.
//!
//! A law panics with what it found; run them from a test. [`store_laws()`] asks for a [`StoreUnderTest`], which knows how
//! to read the place without the store's own code; [`home_laws()`] for a [`HomeUnderTest`].

mod home_laws;
mod store_laws;

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{Array as _, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

pub use self::home_laws::{HomeUnderTest, home_laws};
pub use self::store_laws::{StoreUnderTest, store_laws};
use crate::budget::Budget;
use crate::context::{Cancellation, Context, SplitContext, SystemClock, new_run_id};
use crate::event::Silent;

/// A law: its name, and the check that panics when it is broken.
type Law<T> = (&'static str, fn(&T));

/// A row of the laws' table: `id BIGINT NOT NULL, name TEXT`.
pub type Row = (i64, Option<String>);

/// The laws' table.
#[must_use]
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false), Field::new("name", DataType::Utf8, true)]))
}

/// Rows `from..to` of the laws' table; every seventh name is NULL, every fifth empty.
#[must_use]
pub fn rows(from: i64, to: i64) -> Vec<Row> {
    let name = |id: i64| match id {
        id if id % 7 == 0 => None,
        id if id % 5 == 0 => Some(String::new()),
        id => Some(format!("name {id} – ✓")),
    };
    (from..to).map(|id| (id, name(id))).collect()
}

/// Rows as a batch of the laws' table.
///
/// # Panics
/// Never: the columns are those of the schema.
#[must_use]
pub fn batch(rows: &[Row]) -> RecordBatch {
    let ids: Int64Array = rows.iter().map(|(id, _)| *id).collect::<Vec<_>>().into();
    let names: StringArray = rows.iter().map(|(_, name)| name.clone()).collect();
    RecordBatch::try_new(schema(), vec![Arc::new(ids), Arc::new(names)]).expect("the columns are those of the schema")
}

/// A batch of the laws' table as rows.
#[must_use]
pub fn rows_of(batch: &RecordBatch) -> Vec<Row> {
    let ids = batch.column(0).as_primitive::<Int64Type>();
    let names = batch.column(1).as_string::<i32>();
    (0..batch.num_rows()).map(|i| (ids.value(i), names.is_valid(i).then(|| names.value(i).to_owned()))).collect()
}

/// A run of its own, with a budget of 64 MiB.
///
/// # Panics
/// Never: the budget is large enough.
#[must_use]
pub fn context(root: PathBuf) -> Context {
    Context {
        run: new_run_id(&SystemClock).into(),
        root: Arc::new(root),
        budget: Budget::new(64 << 20, 4).expect("64 MiB are enough"),
        cancel: Cancellation::default(),
        clock: Arc::new(SystemClock),
        observer: Arc::new(Silent),
    }
}

/// A first attempt at a split of that run, with batches of at most `batch_rows`.
///
/// # Panics
/// If the run was told to stop.
#[must_use]
pub fn split_context(ctx: &Context, batch_rows: usize) -> SplitContext {
    SplitContext {
        run: ctx.clone(),
        share: ctx.budget.share(&ctx.cancel).expect("nobody stops the run"),
        attempt: 1,
        batch_rows,
        bytes_read: Arc::default(),
    }
}
