//! Reading CSV files that are cut into splits, by types that are fixed.

use hygge_core::context::SplitContext;
use hygge_core::home::BatchStream;
use hygge_core::split::Split;
use hygge_core::{Error, Result};

use crate::files::csv::piece::Piece;
use crate::files::csv::stream::{CsvStream, Reading};
use crate::homes::files::text::Part;
use crate::homes::files::{ReadSplit, parts_by_file, payload};

/// What is read of CSV files.
pub(super) struct Pieces {
    pub(super) reading: Reading,
    /// Each file as one piece, its fields those of the columns that are read.
    pub(super) files: Vec<Piece>,
}

impl ReadSplit for Pieces {
    fn read(&self, split: &Split, ctx: &SplitContext) -> Result<Box<dyn BatchStream>> {
        let parts: Vec<Part> = payload(split)?;
        let pieces = parts
            .into_iter()
            .map(|Part { file, begin, end }| match self.files.get(file) {
                Some(whole) => Ok(Piece { begin, end, ..whole.clone() }),
                None => Err(Error::bug("a split names a file that the scan does not hold")),
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Box::new(CsvStream::new(self.reading.clone(), pieces, ctx)?))
    }

    fn by_file(&self, split: &Split, alike: &dyn Fn(usize, usize) -> bool) -> Result<Vec<(usize, Split)>> {
        parts_by_file(split, payload::<Vec<Part>>(split)?, |part| part.file, alike, |parts| parts)
    }
}
