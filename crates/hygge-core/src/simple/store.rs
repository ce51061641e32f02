//! A store that can only say: give me the rows.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::unstaged::{Sink, Unstaged, UnstagedStore};
use crate::Result;
use crate::context::Context;
use crate::place::PlaceId;

/// Takes rows.
pub trait WriteBatches: Send {
    /// Takes some rows of a load. Loads come one after the other, each from its first row on.
    ///
    /// # Errors
    /// If they are not taken: the load ends there, and what was taken stays.
    fn write(&mut self, batch: &RecordBatch) -> Result<()>;

    /// A load begins, with these columns. Nothing to do where rows are taken as they come.
    ///
    /// # Errors
    /// If it cannot begin.
    fn begin(&mut self, schema: &SchemaRef) -> Result<()> {
        let _ = schema;
        Ok(())
    }

    /// All rows of the load were given: what is still held back is to be written now.
    ///
    /// # Errors
    /// If they are not all there.
    fn end(&mut self) -> Result<()> {
        Ok(())
    }
}

impl<F: FnMut(&RecordBatch) -> Result<()> + Send> WriteBatches for F {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self(batch)
    }
}

/// Makes a store of a [`WriteBatches`].
pub struct SimpleStore<T> {
    kind: &'static str,
    shown: String,
    replaces: bool,
    inner: Arc<Mutex<T>>,
}

impl<T: WriteBatches + 'static> SimpleStore<T> {
    /// A store of the type `kind`, which only ever adds rows. `shown` is the place's name for people: two flows that settle
    /// in places of one name are refused, and none holds a secret.
    pub fn new(kind: &'static str, shown: impl Into<String>, inner: T) -> UnstagedStore<Self> {
        UnstagedStore::new(Self::of(kind, shown.into(), inner, false))
    }

    /// The same, for one that forgets at [`WriteBatches::begin`] what it was given before.
    pub fn replacing(kind: &'static str, shown: impl Into<String>, inner: T) -> UnstagedStore<Self> {
        UnstagedStore::new(Self::of(kind, shown.into(), inner, true))
    }

    fn of(kind: &'static str, shown: String, inner: T, replaces: bool) -> Self {
        Self { kind, shown, replaces, inner: Arc::new(Mutex::new(inner)) }
    }
}

impl<T: WriteBatches + 'static> Unstaged for SimpleStore<T> {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn place(&self, _: Option<&str>) -> Result<PlaceId> {
        Ok(PlaceId { resource: format!("{}:", self.kind), path: vec![self.shown.clone()], shown: self.shown.clone() })
    }

    fn replaces(&self) -> bool {
        self.replaces
    }

    fn publish(&self) -> String {
        "each batch is written as it comes".to_owned()
    }

    fn check(&self, _: &Context, place: &PlaceId) -> Result<Vec<String>> {
        Ok(vec![format!("{place}: takes rows as they come")])
    }

    fn sink(&self, _: &Context, _: &PlaceId, schema: &SchemaRef) -> Result<Box<dyn Sink>> {
        let inner = Arc::clone(&self.inner);
        held(&inner).begin(schema)?;
        Ok(Box::new(SimpleSink { inner, rows: 0 }))
    }
}

fn held<T>(inner: &Mutex<T>) -> MutexGuard<'_, T> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

struct SimpleSink<T> {
    inner: Arc<Mutex<T>>,
    rows: u64,
}

impl<T: WriteBatches> Sink for SimpleSink<T> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        held(&self.inner).write(batch)?;
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    fn end(self: Box<Self>) -> Result<u64> {
        held(&self.inner).end()?;
        Ok(self.rows)
    }
}
