//! One view of CSV files: pinned, cut into splits, and read by types that are fixed.

use arrow_schema::SchemaRef;
use hygge_core::context::{Context, SplitContext};
use hygge_core::event::Note;
use hygge_core::home::{BatchStream, Repeat, Scan};
use hygge_core::split::Split;
use hygge_core::watermark::Bound;
use hygge_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::Remembered;
use crate::files::csv::piece::Piece;
use crate::files::csv::stream::{CsvStream, Reading};
use crate::files::settled::ToRead;

/// What a split's payload holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    /// Which file of the scan.
    pub(super) file: usize,
    /// Where in it the first record begins, in unpacked bytes.
    pub(super) begin: u64,
    /// Where the record behind the last begins; none reads to the end.
    pub(super) end: Option<u64>,
}

/// A scan of CSV files.
pub(super) struct CsvScan {
    pub(super) reading: Reading,
    pub(super) splits: Vec<Split>,
    /// Each file as one piece, its fields those of the scan's columns.
    pub(super) files: Vec<Piece>,
    pub(super) notes: Vec<Note>,
    pub(super) to_read: ToRead,
    /// The types of all columns, to be remembered.
    pub(super) columns: Vec<(String, arrow_schema::DataType)>,
    /// The columns in the order in which they settle, to be remembered.
    pub(super) order: Vec<String>,
}

impl Scan for CsvScan {
    fn schema(&self) -> SchemaRef {
        self.reading.schema.clone()
    }

    fn splits(&self) -> &[Split] {
        &self.splits
    }

    fn bound(&self) -> Option<&Bound> {
        None
    }

    fn repeat(&self) -> Repeat {
        Repeat::Pinned
    }

    fn notes(&self) -> Vec<Note> {
        self.notes.clone()
    }

    fn read(&self, split: &Split, ctx: &SplitContext) -> Result<Box<dyn BatchStream>> {
        let parts: Vec<Part> = serde_json::from_value(split.payload.clone())
            .map_err(|e| Error::bug("a split of CSV files cannot be read back").because(e))?;
        let pieces = parts
            .into_iter()
            .map(|Part { file, begin, end }| match self.files.get(file) {
                Some(whole) => Ok(Piece { begin, end, ..whole.clone() }),
                None => Err(Error::bug("a split names a file that the scan does not hold")),
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Box::new(CsvStream::new(self.reading.clone(), pieces, ctx)?))
    }

    fn finish(self: Box<Self>, ctx: &Context) -> Result<Option<serde_json::Value>> {
        for piece in &self.files {
            piece.file.unchanged()?;
        }
        let remembered =
            Remembered { files: self.to_read.remember(&ctx.cancel)?, columns: self.columns, order: self.order };
        let value = serde_json::to_value(remembered)
            .map_err(|e| Error::bug("what a CSV home remembers could not be written as JSON").because(e))?;
        Ok(Some(value))
    }
}
