//! A home that misbehaves by script.

use std::sync::Arc;

use arrow_schema::{Schema, SchemaRef};

use super::{At, Script};
use crate::Result;
use crate::context::{Context, SplitContext};
use crate::event::Note;
use crate::home::{Batch, BatchStream, Home, Opened, ReadRequest, Repeat, Scan, Source, TableInfo};
use crate::place::PlaceId;
use crate::receipt::Options;
use crate::split::Split;
use crate::watermark::Bound;

/// Passes everything on to another home, but for what its script spoils.
pub struct FaultyHome {
    inner: Arc<dyn Home>,
    script: Script,
}

impl FaultyHome {
    /// Wraps a home.
    #[must_use]
    pub fn new(inner: Arc<dyn Home>, script: &Script) -> Self {
        Self { inner, script: script.clone() }
    }
}

impl Home for FaultyHome {
    fn kind(&self) -> &'static str {
        self.inner.kind()
    }

    fn shown(&self, source: &Source) -> String {
        self.inner.shown(source)
    }

    fn identity(&self) -> String {
        self.inner.identity()
    }

    fn reading(&self) -> Options {
        self.inner.reading()
    }

    fn widened(&self, before: &Options, settled: &Schema) -> Vec<(&'static str, String)> {
        self.inner.widened(before, settled)
    }

    fn location(&self, source: &Source) -> Option<PlaceId> {
        self.inner.location(source)
    }

    fn max_readers(&self) -> usize {
        self.inner.max_readers()
    }

    fn check(&self, ctx: &Context, source: &Source, settled: bool) -> Result<Vec<String>> {
        self.inner.check(ctx, source, settled)
    }

    fn tables(&self, ctx: &Context, pattern: &str) -> Result<Vec<TableInfo>> {
        self.inner.tables(ctx, pattern)
    }

    fn open(&self, ctx: &Context, request: &ReadRequest) -> Result<Opened> {
        let opened = self.script.around(At::Open, || self.inner.open(ctx, request))?;
        Ok(match opened {
            Opened::Unchanged(why) => Opened::Unchanged(why),
            Opened::Scan(inner) => Opened::Scan(Box::new(FaultyScan { inner, script: self.script.clone() })),
        })
    }
}

struct FaultyScan {
    inner: Box<dyn Scan>,
    script: Script,
}

impl Scan for FaultyScan {
    fn schema(&self) -> SchemaRef {
        self.inner.schema()
    }

    fn splits(&self) -> &[Split] {
        self.inner.splits()
    }

    fn bound(&self) -> Option<&Bound> {
        self.inner.bound()
    }

    fn knows_columns(&self) -> bool {
        self.inner.knows_columns()
    }

    fn repeat(&self) -> Repeat {
        self.inner.repeat()
    }

    fn notes(&self) -> Vec<Note> {
        self.inner.notes()
    }

    fn read(&self, split: &Split, ctx: &SplitContext) -> Result<Box<dyn BatchStream>> {
        let inner = self.script.around(At::Read, || self.inner.read(split, ctx))?;
        Ok(Box::new(FaultyStream { inner, script: self.script.clone() }))
    }

    fn finish(self: Box<Self>, ctx: &Context) -> Result<Option<serde_json::Value>> {
        let Self { inner, script } = *self;
        script.around(At::FinishScan, || inner.finish(ctx))
    }
}

struct FaultyStream {
    inner: Box<dyn BatchStream>,
    script: Script,
}

impl BatchStream for FaultyStream {
    fn next(&mut self) -> Result<Option<Batch>> {
        self.script.around(At::Next, || self.inner.next())
    }
}
