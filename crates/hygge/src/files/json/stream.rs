//! Batches of typed columns out of pieces of files.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;
use hygge_core::context::SplitContext;
use hygge_core::home::{Batch, BatchStream};
use hygge_core::{Error, Result};

use super::blocks::{BLOCK_BYTES, Blocks, Layout, Next, Trouble};
use super::columns::{ColumnBuilder, Form, Misfit, Values, builder, fixed_bytes};
use super::complaint::Complaints;
use super::keys::{Keys, Members};
use super::piece::Piece;

/// The most bytes of a batch: with the greatest row on top, offsets of 32 bits still reach its end.
const BATCH_LIMIT: usize = 256 << 20;

/// The most positions that are found in one pass.
const MOST_SLOTS: usize = 256 << 10;

/// How every piece of a scan is read.
#[derive(Clone)]
pub struct Reading {
    /// The columns of every batch.
    pub schema: SchemaRef,
    /// What their types do not say.
    pub forms: Arc<[Form]>,
    /// For each column, whether nothing but the inferred form is taken.
    pub strict: Arc<[bool]>,
    /// Keys that are known and not read.
    pub unread: Arc<[String]>,
    /// Whether other keys are passed over; else they are an error.
    pub others: bool,
    /// What is said when something does not fit.
    pub complaints: Complaints,
}

impl Reading {
    /// Reads what we wrote as columns of `schema`.
    #[must_use]
    pub fn ours(schema: &SchemaRef) -> Self {
        let columns = schema.fields().len();
        Self {
            schema: Arc::clone(schema),
            forms: vec![Form::Values; columns].into(),
            strict: vec![true; columns].into(),
            unread: Arc::new([]),
            others: false,
            complaints: Complaints { sampled: false, ours: true },
        }
    }
}

/// Reads pieces one behind the other.
pub struct JsonStream {
    reading: Reading,
    ctx: SplitContext,
    pieces: VecDeque<Piece>,
    open: Option<Open>,
    members: Members,
    slots: Vec<u32>,
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

impl JsonStream {
    /// Reads `pieces` in their order.
    ///
    /// # Errors
    /// Refused, if a column's type cannot be read from JSON.
    pub fn new(reading: Reading, pieces: Vec<Piece>, ctx: &SplitContext) -> Result<Self> {
        let fields = reading.schema.fields();
        let builders = fields
            .iter()
            .zip(reading.forms.iter())
            .zip(reading.strict.iter())
            .map(|((field, form), &strict)| builder(field.data_type(), form, strict))
            .collect::<Result<Vec<_>>>()?;
        let fixed_row = fields.iter().map(|f| fixed_bytes(f.data_type())).sum::<usize>().max(1);
        let names = fields.iter().map(|f| f.name()).chain(reading.unread.iter());
        let members = Members { keys: Keys::new(names), others: reading.others };
        Ok(Self {
            ctx: ctx.clone(),
            pieces: pieces.into(),
            open: None,
            members,
            slots: Vec::new(),
            builders,
            fixed_row,
            marks: Vec::new(),
            reading,
        })
    }

    fn open_next(&mut self, batch_row: usize) -> Result<bool> {
        let Some(piece) = self.pieces.pop_front() else { return Ok(false) };
        let block_bytes = (self.ctx.batch_bytes() / 4).clamp(4 << 10, BLOCK_BYTES);
        let blocks = piece.blocks(&self.ctx.bytes_read, block_bytes, self.ctx.share.row_limit())?;
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
        let complaints = self.reading.complaints;
        let ctx = &self.ctx;
        let row = *rows + 1;
        let before = blocks.consumed();
        let mut hold = |bytes| ctx.admit_row(bytes, || complaints.place(piece, row, ""));
        let (members, slots) = (&mut self.members, &mut self.slots);
        let stride = members.stride();
        let most = most.min((MOST_SLOTS / stride.max(1)).max(1));
        slots.clear();
        let mut whole = 0;
        let lines = piece.layout == Layout::Lines;
        let mut find = |bytes: &[u8], at: usize| {
            // A row may be asked for again.
            slots.truncate(whole);
            slots.resize(whole + stride, 0);
            let here = &mut slots[whole..];
            let end = if lines {
                members.find::<true>(bytes, at, 1, here)
            } else {
                members.find::<false>(bytes, at, 1, here)
            }?;
            whole += stride;
            Ok(end)
        };
        let next = match blocks.next(most, &mut find, &mut hold) {
            Ok(next) => next,
            Err(Trouble::Refused(error)) => return Err(error),
            Err(Trouble::Io(error)) => return Err(piece.failed(error)),
        };
        slots.truncate(whole);
        let found = match next {
            Next::Rows(found) => found,
            Next::End => {
                self.open = None;
                return Ok(Some((0, 0)));
            }
            Next::Bad(bad) => return Err(complaints.bad(piece, row, blocks.bytes(), blocks.row_begin(), bad)),
            Next::TooLarge(bytes) => {
                ctx.admit_row(bytes, || complaints.place(piece, row, ""))?;
                return Err(Error::bug("a row was admitted that is greater than can be held"));
            }
        };
        let bytes = blocks.bytes();
        for (column, builder) in self.builders.iter_mut().enumerate() {
            if let Err(misfit) = builder.append(Values { bytes, slots, stride, first: column * 2 }) {
                let (name, strict) = (self.reading.schema.field(column).name(), self.reading.strict[column]);
                return Err(complaints.misfit(piece, row + misfit.row as u64, name, strict, &misfit));
            }
        }
        let read = usize::try_from(blocks.consumed() - before).unwrap_or(usize::MAX);
        *rows += found as u64;
        Ok(Some((found, read)))
    }

    fn finish_batch(&mut self, rows: usize) -> Result<RecordBatch> {
        let mut columns = Vec::with_capacity(self.builders.len());
        for (column, builder) in self.builders.iter_mut().enumerate() {
            columns.push(builder.finish().map_err(|misfit| misfit_of(&self.reading, &self.marks, column, &misfit))?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(self.reading.schema.clone(), columns, &options)?)
    }
}

/// Of a value of a batch, which may have come from any of several pieces.
fn misfit_of(reading: &Reading, marks: &[Mark], column: usize, misfit: &Misfit) -> Error {
    let at = marks.iter().rposition(|m| m.batch_row <= misfit.row).unwrap_or_default();
    let Some(mark) = marks.get(at) else { return Error::bug("a row of a batch came from no file") };
    let row = mark.piece_row + (misfit.row - mark.batch_row) as u64 + 1;
    let name = reading.schema.field(column).name();
    reading.complaints.misfit(&mark.piece, row, name, reading.strict[column], misfit)
}

impl BatchStream for JsonStream {
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
