//! Batches of typed columns out of pieces of files.

use std::collections::VecDeque;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;
use hygge_core::context::SplitContext;
use hygge_core::home::{Batch, BatchStream};
use hygge_core::{Error, Result};

use super::blocks::{BLOCK_BYTES, Blocks, Next, Trouble};
use super::column::{ColumnBuilder, Rules, builder, fixed_bytes, unquoted};
use super::complaint::Complaints;
use super::index::Indexer;
use super::piece::Piece;

/// The most bytes of a batch: with the greatest record on top, offsets of 32 bits still reach its end.
const BATCH_LIMIT: usize = 256 << 20;

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
pub struct CsvStream {
    reading: Reading,
    ctx: SplitContext,
    pieces: VecDeque<Piece>,
    open: Option<Open>,
    builders: Vec<Box<dyn ColumnBuilder>>,
    fixed_row: usize,
    marks: Vec<Mark>,
}

struct Open {
    blocks: Blocks,
    piece: Piece,
    rows: u64,
}

/// From which row of the batch on the rows are those of a piece.
struct Mark {
    batch_row: usize,
    piece: Piece,
    piece_row: u64,
}

impl CsvStream {
    /// Reads `pieces` in their order.
    ///
    /// # Errors
    /// Refused, if a column's type cannot be read from text.
    pub fn new(reading: Reading, pieces: Vec<Piece>, ctx: &SplitContext) -> Result<Self> {
        let builders = reading
            .schema
            .fields()
            .iter()
            .zip(&reading.strict)
            .map(|(field, &strict)| builder(field.data_type(), strict, &reading.rules))
            .collect::<Result<_>>()?;
        let fixed_row = reading.schema.fields().iter().map(|f| fixed_bytes(f.data_type())).sum::<usize>().max(1);
        Ok(Self {
            reading,
            ctx: ctx.clone(),
            pieces: pieces.into(),
            open: None,
            builders,
            fixed_row,
            marks: Vec::new(),
        })
    }

    fn open_next(&mut self, batch_row: usize) -> Result<bool> {
        let Some(piece) = self.pieces.pop_front() else { return Ok(false) };
        let source = piece.open(&self.ctx.bytes_read)?;
        let indexer = Indexer::new(self.reading.complaints.dialect, piece.width);
        let block_bytes = (self.ctx.batch_bytes() / 4).clamp(4 << 10, BLOCK_BYTES);
        let blocks = Blocks::new(source, indexer, piece.ending(), block_bytes, self.ctx.share.row_limit());
        self.marks.push(Mark { batch_row, piece: piece.clone(), piece_row: 0 });
        self.open = Some(Open { blocks, piece, rows: 0 });
        Ok(true)
    }

    /// Takes what is found next into the columns, and says how many rows and bytes that were; none at the end.
    fn take(&mut self, batch_row: usize, most: usize) -> Result<Option<(usize, usize)>> {
        if self.open.is_none() && !self.open_next(batch_row)? {
            return Ok(None);
        }
        let Some(Open { blocks, piece, rows }) = &mut self.open else { return Ok(None) };
        let complaints = &self.reading.complaints;
        let ctx = &self.ctx;
        let row = *rows + 1;
        let before = blocks.consumed();
        let mut hold = |bytes| {
            let place = || complaints.place(piece, row, None);
            ctx.admit_row(bytes, place)
        };
        let next = match blocks.next(most, &mut hold) {
            Ok(next) => next,
            Err(Trouble::Refused(error)) => return Err(error),
            Err(Trouble::Io(error)) => return Err(piece.failed(error)),
        };
        match next {
            Next::Records => {}
            Next::End => {
                self.open = None;
                return Ok(Some((0, 0)));
            }
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
        let found = block.rows();
        let bytes = usize::try_from(blocks.consumed() - before).unwrap_or(usize::MAX);
        *rows += found as u64;
        Ok(Some((found, bytes)))
    }

    fn finish_batch(&mut self, rows: usize) -> Result<RecordBatch> {
        let mut columns = Vec::with_capacity(self.builders.len());
        for (column, builder) in self.builders.iter_mut().enumerate() {
            match builder.finish() {
                Ok(array) => columns.push(array),
                Err(misfit) => {
                    let at = self.marks.iter().rposition(|m| m.batch_row <= misfit.row).unwrap_or_default();
                    let Some(mark) = self.marks.get(at) else {
                        return Err(Error::bug("a row of a batch came from no file"));
                    };
                    let row = mark.piece_row + (misfit.row - mark.batch_row) as u64 + 1;
                    return Err(self.reading.complaints.not_text(&mark.piece, row, column));
                }
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(self.reading.schema.clone(), columns, &options)?)
    }
}

impl BatchStream for CsvStream {
    fn next(&mut self) -> Result<Option<Batch>> {
        let most_bytes = self.ctx.batch_bytes().min(BATCH_LIMIT);
        let most_rows = self.ctx.batch_rows.max(1);
        let (mut rows, mut bytes) = (0, 0);
        self.marks.clear();
        if let Some(open) = &self.open {
            self.marks.push(Mark { batch_row: 0, piece: open.piece.clone(), piece_row: open.rows });
        }
        while rows < most_rows && bytes < most_bytes {
            self.ctx.cancel().check()?;
            let most = (most_rows - rows).min(((most_bytes - bytes) / self.fixed_row).max(1));
            let Some((more_rows, more_bytes)) = self.take(rows, most)? else { break };
            rows += more_rows;
            bytes += more_bytes + more_rows * self.fixed_row;
        }
        if rows == 0 {
            return Ok(None);
        }
        Ok(Some(self.finish_batch(rows)?.into()))
    }
}
