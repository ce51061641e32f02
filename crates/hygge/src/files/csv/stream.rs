//! Batches of typed columns out of pieces of files.

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;
use hygge_core::context::SplitContext;
use hygge_core::{Error, Result};

use super::blocks::{Blocks, Next};
use super::column::{ColumnBuilder, Rules, builder, fixed_bytes, unquoted};
use super::complaint::Complaints;
use super::index::Indexer;
use super::piece::Piece;
use crate::files::buffer::Trouble;
use crate::files::pieces::{Intake, Marks, Open, PieceStream, Room, Taken};

/// How every piece of a scan is read.
#[derive(Clone)]
pub struct Reading {
    /// The columns of every batch.
    pub schema: SchemaRef,
    /// For each column, whether nothing but the inferred form is taken.
    pub strict: Vec<bool>,
    /// NULLs and quotes.
    pub rules: Rules,
    /// What is said when something does not fit.
    pub complaints: Complaints,
}

/// Reads pieces one behind the other.
pub(crate) type CsvStream = PieceStream<CsvIntake>;

/// The columns of CSV in the making.
pub(crate) struct CsvIntake {
    reading: Reading,
    builders: Vec<Box<dyn ColumnBuilder>>,
    fixed_row: usize,
}

impl CsvStream {
    /// Reads `pieces` in their order.
    ///
    /// # Errors
    /// Refused, if a column's type cannot be read from text.
    pub(crate) fn new(reading: Reading, pieces: Vec<Piece>, ctx: &SplitContext) -> Result<Self> {
        let builders = reading
            .schema
            .fields()
            .iter()
            .zip(&reading.strict)
            .map(|(field, &strict)| builder(field.data_type(), strict, &reading.rules))
            .collect::<Result<_>>()?;
        let fixed_row = reading.schema.fields().iter().map(|f| fixed_bytes(f.data_type())).sum::<usize>().max(1);
        Ok(Self::of(CsvIntake { reading, builders, fixed_row }, pieces, ctx))
    }
}

impl Intake for CsvIntake {
    type Piece = Piece;
    type Blocks = Blocks;

    fn open(&self, piece: &Piece, ctx: &SplitContext, block_bytes: usize) -> Result<Blocks> {
        let source = piece.open(&ctx.bytes_read)?;
        let indexer = Indexer::new(self.reading.complaints.dialect, piece.width);
        Ok(Blocks::new(source, indexer, piece.ending(), block_bytes, ctx.share.row_limit()))
    }

    fn take(&mut self, open: &mut Open<Piece, Blocks>, ctx: &SplitContext, room: Room) -> Result<Option<Taken>> {
        let Open { blocks, piece, rows } = open;
        let complaints = &self.reading.complaints;
        let row = *rows + 1;
        let before = blocks.consumed();
        let mut hold = |bytes| {
            let place = || complaints.place(piece, row, None);
            ctx.admit_row(bytes, place)
        };
        let next = match blocks.next(room.rows(self.fixed_row), &mut hold) {
            Ok(next) => next,
            Err(Trouble::Refused(error)) => return Err(error),
            Err(Trouble::Io(error)) => return Err(piece.failed(error)),
        };
        match next {
            Next::Records => {}
            Next::End => return Ok(None),
            Next::Fault(fault) => return Err(complaints.fault(piece, row, fault)),
            Next::Loose => return Err(complaints.loose(piece)),
            Next::TooLarge { bytes, column } => {
                ctx.admit_row(bytes, || complaints.place(piece, row, column))?;
                return Err(Error::bug("a row was admitted that is greater than can be held"));
            }
        }
        let block = blocks.block();
        for (column, (builder, &field)) in self.builders.iter_mut().zip(piece.fields.iter()).enumerate() {
            if let Err(misfit) = builder.append(&block, field) {
                let mut scratch = Vec::new();
                let text = unquoted(block.field(misfit.row, field), self.reading.rules.quote, &mut scratch);
                return Err(complaints.misfit(piece, row + misfit.row as u64, &self.reading, column, text));
            }
        }
        let rows = block.rows();
        let read = usize::try_from(blocks.consumed() - before).unwrap_or(usize::MAX);
        Ok(Some(Taken { rows, bytes: read + rows * self.fixed_row }))
    }

    fn finish_batch(&mut self, rows: usize, marks: &Marks<Piece>) -> Result<RecordBatch> {
        let mut columns = Vec::with_capacity(self.builders.len());
        for (column, builder) in self.builders.iter_mut().enumerate() {
            match builder.finish() {
                Ok(array) => columns.push(array),
                Err(misfit) => {
                    let (piece, row) = marks.of(misfit.row)?;
                    return Err(self.reading.complaints.not_text(piece, row, column));
                }
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(self.reading.schema.clone(), columns, &options)?)
    }
}
