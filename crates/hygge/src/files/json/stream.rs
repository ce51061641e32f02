//! Batches of typed columns out of pieces of files.

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;
use hygge_core::context::SplitContext;
use hygge_core::{Error, Result};

use super::blocks::{Blocks, Layout, Next};
use super::columns::{ColumnBuilder, Form, Scales, Values, builder, fixed_bytes, positions};
use super::complaint::Complaints;
use super::keys::{Keys, Members};
use super::lexer::Halt;
use super::piece::Piece;
use crate::files::buffer::Trouble;
use crate::files::pieces::{Intake, Marks, Open, PieceStream, Room, Taken, most_bytes};

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
pub(crate) type JsonStream = PieceStream<JsonIntake>;

/// The columns of JSON in the making.
pub(crate) struct JsonIntake {
    reading: Reading,
    members: Members,
    slots: Vec<u32>,
    builders: Vec<Box<dyn ColumnBuilder>>,
    fixed_row: usize,
    /// Positions of a row, those within objects and those of keys that are not read among them.
    positions: usize,
    scales: Scales,
    /// What the builders held after the last rows.
    held: usize,
}

impl JsonStream {
    /// Reads `pieces` in their order.
    ///
    /// # Errors
    /// Refused, if a column's type cannot be read from JSON.
    pub(crate) fn new(reading: Reading, pieces: Vec<Piece>, ctx: &SplitContext) -> Result<Self> {
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
        let nested: usize = fields.iter().map(|f| positions(f.data_type())).sum();
        let intake = JsonIntake {
            positions: members.stride() + nested * 2,
            scales: Scales::new(&reading.schema),
            reading,
            members,
            slots: Vec::new(),
            builders,
            fixed_row,
            held: 0,
        };
        Ok(Self::of(intake, pieces, ctx))
    }
}

impl Intake for JsonIntake {
    type Piece = Piece;
    type Blocks = Blocks;

    fn open(&self, piece: &Piece, ctx: &SplitContext, block_bytes: usize) -> Result<Blocks> {
        piece.blocks(&ctx.bytes_read, block_bytes, ctx.share.row_limit())
    }

    fn take(&mut self, open: &mut Open<Piece, Blocks>, ctx: &SplitContext, room: Room) -> Result<Option<Taken>> {
        let Open { blocks, piece, rows } = open;
        let complaints = self.reading.complaints;
        let row = *rows + 1;
        let before = blocks.consumed();
        let mut hold = |bytes| ctx.admit_row(bytes, || complaints.place(piece, row, ""));
        let (members, slots) = (&mut self.members, &mut self.slots);
        let stride = members.stride();
        let most = room.rows(self.fixed_row).min((MOST_SLOTS / self.positions.max(1)).max(1));
        slots.clear();
        let (mut whole, mut begin, mut end) = (0, 0, 0);
        // What the rows may come to at worst is half a batch, unless it is one row.
        let (worst, enough) = (self.scales.worst, most_bytes(ctx) / 2);
        let mut heavy = 0_usize;
        let lines = piece.layout == Layout::Lines;
        let mut find = |bytes: &[u8], at: usize| {
            if heavy >= enough && whole > 0 {
                return Err(Halt::Enough);
            }
            // A row may be asked for again.
            slots.truncate(whole);
            slots.resize(whole + stride, 0);
            let here = &mut slots[whole..];
            let found = if lines {
                members.find::<true>(bytes, at, 1, here)
            } else {
                members.find::<false>(bytes, at, 1, here)
            }?;
            let weight = (found - at).saturating_mul(worst);
            if whole == 0 {
                (begin, heavy) = (at, 0);
            } else if weight > enough {
                return Err(Halt::Enough);
            }
            heavy = heavy.saturating_add(weight);
            whole += stride;
            end = found;
            Ok(end)
        };
        let next = match blocks.next(most, &mut find, &mut hold) {
            Ok(next) => next,
            Err(Trouble::Refused(error)) => return Err(error),
            Err(Trouble::Io(error)) => return Err(piece.failed(error)),
        };
        slots.truncate(whole);
        let rows = match next {
            Next::Rows(rows) => rows,
            Next::End => return Ok(None),
            Next::Bad(bad) => return Err(complaints.bad(piece, row, blocks.bytes(), blocks.row_begin(), bad)),
            Next::TooLarge { bytes, key } => {
                ctx.admit_row(bytes, || complaints.place(piece, row, &key.unwrap_or_default()))?;
                return Err(Error::bug("a row was admitted that is greater than can be held"));
            }
        };
        let bytes = blocks.bytes();
        if heavy > enough && rows == 1 {
            let (weight, column) = self.scales.weigh(bytes, slots.chunks(2).map(|slot| slot[0] as usize));
            let name = || complaints.place(piece, row, self.reading.schema.field(column).name());
            ctx.admit_row(weight.saturating_add(end - begin), name)?;
        }
        // What is read is checked as it is read.
        let unread = self.reading.others || !self.reading.unread.is_empty();
        if let Some(Err(error)) = unread.then(|| std::str::from_utf8(&bytes[begin..end])) {
            return Err(complaints.not_utf8(piece, row, bytes, begin, begin + error.valid_up_to()));
        }
        for (column, builder) in self.builders.iter_mut().enumerate() {
            if let Err(misfit) = builder.append(Values { bytes, slots, stride, first: column * 2 }) {
                let (name, strict) = (self.reading.schema.field(column).name(), self.reading.strict[column]);
                return Err(complaints.misfit(piece, row + misfit.row as u64, name, strict, &misfit));
            }
        }
        let read = usize::try_from(blocks.consumed() - before).unwrap_or(usize::MAX);
        let mut taken = Taken { rows, bytes: read + rows * self.fixed_row };
        if worst > 0 {
            let all: usize = self.builders.iter().map(|builder| builder.held()).sum();
            taken.bytes = taken.bytes.max(all.saturating_sub(self.held));
            self.held = all;
        }
        Ok(Some(taken))
    }

    fn finish_batch(&mut self, rows: usize, marks: &Marks<Piece>) -> Result<RecordBatch> {
        self.held = 0;
        let Reading { schema, strict, complaints, .. } = &self.reading;
        let mut columns = Vec::with_capacity(self.builders.len());
        for (column, builder) in self.builders.iter_mut().enumerate() {
            match builder.finish() {
                Ok(array) => columns.push(array),
                Err(misfit) => {
                    let (piece, row) = marks.of(misfit.row)?;
                    let name = schema.field(column).name();
                    return Err(complaints.misfit(piece, row, name, strict[column], &misfit));
                }
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
    }
}
