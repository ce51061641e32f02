//! One view of files: pinned, and read by their format.

use std::sync::Arc;

use arrow_schema::SchemaRef;
use hygge_core::Result;
use hygge_core::context::{Context, SplitContext};
use hygge_core::event::Note;
use hygge_core::home::{BatchStream, Repeat, Scan};
use hygge_core::split::Split;
use hygge_core::watermark::Bound;
use serde_json::Value;

use super::{Found, together};
use crate::files::settled::ToRead;

/// Files, pinned, and what their format found in them.
pub(super) struct FilesScan {
    pub(super) found: Found,
    pub(super) to_read: ToRead,
}

impl Scan for FilesScan {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.found.schema)
    }

    fn splits(&self) -> &[Split] {
        &self.found.splits
    }

    fn bound(&self) -> Option<&Bound> {
        self.found.bound.as_ref()
    }

    fn repeat(&self) -> Repeat {
        Repeat::Pinned
    }

    fn notes(&self) -> Vec<Note> {
        self.found.notes.clone()
    }

    fn read(&self, split: &Split, ctx: &SplitContext) -> Result<Box<dyn BatchStream>> {
        self.found.rows.read(split, ctx)
    }

    fn finish(self: Box<Self>, ctx: &Context) -> Result<Option<Value>> {
        for pin in &self.to_read.files {
            pin.unchanged()?;
        }
        Ok(Some(together(self.to_read.remember(&ctx.cancel)?, self.found.remember)))
    }
}
