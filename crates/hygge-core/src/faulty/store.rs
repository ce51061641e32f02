//! A store that misbehaves by script.

use std::sync::Arc;

use arrow_array::RecordBatch;

use super::{At, Script};
use crate::Result;
use crate::context::{Context, SplitContext};
use crate::home::BatchStream;
use crate::place::PlaceId;
use crate::receipt::{Options, Owner, Receipt};
use crate::split::{Split, Staged};
use crate::store::{Attempt, Capabilities, Commit, Live, Load, LoadPlan, LoadSpec, Place, Settled, Store, Writer};

/// Passes everything on to another store, but for what its script spoils. Its `abort` does nothing, so that whoever
/// rests safety on it is found out.
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    script: Script,
}

impl FaultyStore {
    /// Wraps a store.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>, script: &Script) -> Self {
        Self { inner, script: script.clone() }
    }
}

impl Store for FaultyStore {
    fn kind(&self) -> &'static str {
        self.inner.kind()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn place(&self, entity: Option<&str>) -> Result<PlaceId> {
        self.inner.place(entity)
    }

    fn writing(&self) -> Options {
        self.inner.writing()
    }

    fn agreeing(&self) -> &'static [&'static str] {
        self.inner.agreeing()
    }

    fn check(&self, ctx: &Context, place: &PlaceId) -> Result<Vec<String>> {
        self.inner.check(ctx, place)
    }

    fn peek(&self, ctx: &Context, place: &PlaceId) -> Result<Option<Receipt>> {
        self.inner.peek(ctx, place)
    }

    fn plan(&self, ctx: &Context, spec: &LoadSpec, last: Option<&Receipt>) -> Result<LoadPlan> {
        self.inner.plan(ctx, spec, last)
    }

    fn lock(&self, ctx: &Context, place: &PlaceId, owner: &Owner) -> Result<Box<dyn Place>> {
        let inner = self.script.around(At::Lock, || self.inner.lock(ctx, place, owner))?;
        Ok(Box::new(FaultyPlace { inner, script: self.script.clone() }))
    }

    fn read_back(&self, ctx: &SplitContext, place: &PlaceId, receipt: &Receipt) -> Result<Box<dyn BatchStream>> {
        self.inner.read_back(ctx, place, receipt)
    }
}

struct FaultyPlace {
    inner: Box<dyn Place>,
    script: Script,
}

impl Place for FaultyPlace {
    fn last_receipt(&self) -> Option<&Receipt> {
        self.inner.last_receipt()
    }

    fn live(&self, ctx: &Context) -> Result<Live> {
        self.inner.live(ctx)
    }

    fn open(self: Box<Self>, ctx: &Context, spec: &LoadSpec, plan: &LoadPlan) -> Result<Box<dyn Load>> {
        let inner = self.inner.open(ctx, spec, plan)?;
        Ok(Box::new(FaultyLoad { inner, script: self.script }))
    }
}

struct FaultyLoad {
    inner: Box<dyn Load>,
    script: Script,
}

impl Load for FaultyLoad {
    fn writer(&self, split: &Split, ctx: &SplitContext) -> Result<Attempt> {
        let attempt = self.script.around(At::Writer, || self.inner.writer(split, ctx))?;
        Ok(match attempt {
            Attempt::AlreadyStaged(staged) => Attempt::AlreadyStaged(staged),
            Attempt::Write(inner) => Attempt::Write(Box::new(FaultyWriter { inner, script: self.script.clone() })),
        })
    }

    fn read_back(&self, staged: &[Staged], ctx: &SplitContext) -> Result<Box<dyn BatchStream>> {
        self.inner.read_back(staged, ctx)
    }

    fn commit(self: Box<Self>, ctx: &Context, commit: Commit) -> Result<Settled> {
        let Self { inner, script } = *self;
        script.around(At::Commit, || inner.commit(ctx, commit))
    }

    fn abort(self: Box<Self>) {}
}

struct FaultyWriter {
    inner: Box<dyn Writer>,
    script: Script,
}

impl Writer for FaultyWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.script.around(At::Write, || self.inner.write(batch))
    }

    fn finish(self: Box<Self>) -> Result<Staged> {
        let Self { inner, script } = *self;
        script.around(At::FinishSplit, || inner.finish())
    }
}
