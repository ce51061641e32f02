//! Arrow files and streams as a home, read in groups of record batches.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_schema::SchemaRef;
use hygge_core::Result;
use hygge_core::context::{Context, SplitContext};
use hygge_core::event::Note;
use hygge_core::home::BatchStream;
use hygge_core::receipt::Options;

use super::files::FilesHome;
use super::files::described::{Described, Head, Range, Unit};
use crate::files::arrow::{Index, MessageStream};
use crate::files::listing::PinnedFile;
use crate::files::positioned::Positioned;

/// How Arrow files' names end in a folder.
const EXTENSIONS: &[&str] = &["arrow", "arrows", "feather", "ipc"];

/// A packed byte stands for about so many.
const PACKED: u64 = 3;

/// Arrow files as a home.
pub type ArrowHome = FilesHome<Arrow>;

/// Arrow as it is read: files and streams, whichever their first bytes say.
#[derive(Clone, Default)]
pub struct Arrow {
    /// What was seen of files, so that no split looks for its messages again.
    seen: Arc<Mutex<HashMap<PinnedFile, Arc<Index>>>>,
}

impl Arrow {
    fn index(&self, file: &Positioned, pin: &PinnedFile) -> Result<Arc<Index>> {
        let known = self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(pin).cloned();
        if let Some(index) = known {
            return Ok(index);
        }
        let index = Arc::new(Index::of(file, &pin.shown)?);
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(pin.clone(), Arc::clone(&index));
        Ok(index)
    }
}

impl ArrowHome {
    /// The files at `written` (a file, a folder or a glob, maybe with `{entity}`), from the project's root.
    #[must_use]
    pub fn new(root: &Path, written: &str) -> Self {
        Self::of(root, written, Arrow::default())
    }
}

impl Described for Arrow {
    fn name(&self) -> &'static str {
        "arrow"
    }

    fn shown(&self) -> &'static str {
        "Arrow"
    }

    fn extensions(&self) -> &'static [&'static str] {
        EXTENSIONS
    }

    fn reading(&self) -> Options {
        Options::new()
    }

    fn unit(&self) -> &'static str {
        "batch"
    }

    fn head(&self, pin: &PinnedFile, _ctx: &Context) -> Result<Head> {
        let index = self.index(&pin.open()?, pin)?;
        let batches = index.messages.iter().filter(|message| message.rows.is_some());
        let unit = |(at, message): (u64, &crate::files::arrow::Message)| Unit {
            range: Range { begin: at, end: at + 1 },
            rows: message.rows,
            bytes: if message.packed { message.body.saturating_mul(PACKED) } else { message.body },
        };
        let units = (0..).zip(batches).map(unit).collect();
        let unended = (!index.ended).then(|| {
            format!(
                "{}: the stream has no mark of its end; if it was cut between two batches, nobody can tell",
                pin.shown
            )
        });
        Ok(Head { schema: index.schema.as_ref().clone(), units, notes: unended.into_iter().map(Note::from).collect() })
    }

    fn read(
        &self,
        pin: &PinnedFile,
        part: Range,
        schema: &SchemaRef,
        ctx: &SplitContext,
    ) -> Result<Box<dyn BatchStream>> {
        let file = pin.open()?;
        let index = self.index(&file, pin)?;
        Ok(Box::new(MessageStream::new(&file, &pin.shown, index, (part.begin, part.end), schema, ctx)?))
    }
}

#[cfg(test)]
mod tests;
