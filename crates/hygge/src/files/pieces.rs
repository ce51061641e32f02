//! Batches of typed columns out of pieces of files, one piece behind the other.
//!
//! What a format does with the bytes of a piece is its [`Intake`]; how many rows a batch has, and of which piece a row of
//! it is, is the same for all.

use std::collections::VecDeque;

use arrow_array::RecordBatch;
use hygge_core::context::SplitContext;
use hygge_core::home::{Batch, BatchStream};
use hygge_core::{Error, Result};

use super::buffer::BLOCK_BYTES;

/// The most bytes of a batch: with the greatest row on top, offsets of 32 bits still reach its end.
const BATCH_LIMIT: usize = 256 << 20;

/// How many bytes a batch may hold.
pub(crate) fn most_bytes(ctx: &SplitContext) -> usize {
    ctx.batch_bytes().min(BATCH_LIMIT)
}

/// Takes the rows of pieces into columns.
pub(crate) trait Intake: Send {
    /// A range of a file's rows.
    type Piece: Clone + Send;
    /// Its rows, block by block.
    type Blocks: Send;

    /// Opens a piece, to be read in blocks of about `block_bytes`.
    ///
    /// # Errors
    /// If it cannot be read.
    fn open(&self, piece: &Self::Piece, ctx: &SplitContext, block_bytes: usize) -> Result<Self::Blocks>;

    /// Takes what is found next into the columns, at least one row where there is one; none at the piece's end.
    ///
    /// # Errors
    /// What is wrong with the next row.
    fn take(
        &mut self,
        open: &mut Open<Self::Piece, Self::Blocks>,
        ctx: &SplitContext,
        room: Room,
    ) -> Result<Option<Taken>>;

    /// All that was taken since the last call, as a batch of so many rows.
    ///
    /// # Errors
    /// What is wrong with a value.
    fn finish_batch(&mut self, rows: usize, marks: &Marks<Self::Piece>) -> Result<RecordBatch>;
}

/// A piece that is being read.
pub(crate) struct Open<P, B> {
    pub(crate) blocks: B,
    pub(crate) piece: P,
    /// How many of its rows were taken.
    pub(crate) rows: u64,
}

/// What a batch still holds.
#[derive(Clone, Copy)]
pub(crate) struct Room {
    rows: usize,
    bytes: usize,
}

impl Room {
    /// How many rows are in it, at least 1, if each takes at least so many bytes.
    pub(crate) fn rows(self, each: usize) -> usize {
        self.rows.min((self.bytes / each.max(1)).max(1))
    }
}

/// What was taken.
pub(crate) struct Taken {
    pub(crate) rows: usize,
    /// In memory, about.
    pub(crate) bytes: usize,
}

/// From which row of a batch on its rows are those of a piece.
struct Mark<P> {
    batch_row: usize,
    piece: P,
    piece_row: u64,
}

/// Where the rows of a batch come from.
pub(crate) struct Marks<P>(Vec<Mark<P>>);

impl<P> Marks<P> {
    /// The piece of a row of the batch, and which of its rows it is, counted from 1.
    ///
    /// # Errors
    /// If the batch has no such row.
    pub(crate) fn of(&self, batch_row: usize) -> Result<(&P, u64)> {
        let mark = self.0.iter().rfind(|mark| mark.batch_row <= batch_row);
        let mark = mark.ok_or_else(|| Error::bug("a row of a batch came from no file"))?;
        Ok((&mark.piece, mark.piece_row + (batch_row - mark.batch_row) as u64 + 1))
    }
}

/// Reads pieces one behind the other.
pub(crate) struct PieceStream<T: Intake> {
    intake: T,
    ctx: SplitContext,
    pieces: VecDeque<T::Piece>,
    open: Option<Open<T::Piece, T::Blocks>>,
    marks: Marks<T::Piece>,
}

impl<T: Intake> PieceStream<T> {
    /// Reads `pieces` in their order.
    pub(crate) fn of(intake: T, pieces: Vec<T::Piece>, ctx: &SplitContext) -> Self {
        Self { intake, ctx: ctx.clone(), pieces: pieces.into(), open: None, marks: Marks(Vec::new()) }
    }

    /// Takes what is found next; none behind the last piece. `batch_row` is the row of the batch that it begins with.
    fn take(&mut self, batch_row: usize, room: Room) -> Result<Option<Taken>> {
        loop {
            let Some(open) = &mut self.open else {
                let Some(piece) = self.pieces.pop_front() else { return Ok(None) };
                let block_bytes = (self.ctx.batch_bytes() / 4).clamp(4 << 10, BLOCK_BYTES);
                let blocks = self.intake.open(&piece, &self.ctx, block_bytes)?;
                self.marks.0.push(Mark { batch_row, piece: piece.clone(), piece_row: 0 });
                self.open = Some(Open { blocks, piece, rows: 0 });
                continue;
            };
            self.ctx.cancel().check()?;
            match self.intake.take(open, &self.ctx, room)? {
                Some(taken) => {
                    open.rows += taken.rows as u64;
                    return Ok(Some(taken));
                }
                None => self.open = None,
            }
        }
    }
}

impl<T: Intake> BatchStream for PieceStream<T> {
    fn next(&mut self) -> Result<Option<Batch>> {
        let most_bytes = most_bytes(&self.ctx);
        let most_rows = self.ctx.batch_rows.max(1);
        let (mut rows, mut bytes) = (0, 0);
        self.marks.0.clear();
        if let Some(open) = &self.open {
            self.marks.0.push(Mark { batch_row: 0, piece: open.piece.clone(), piece_row: open.rows });
        }
        while rows < most_rows && bytes < most_bytes {
            let room = Room { rows: most_rows - rows, bytes: most_bytes - bytes };
            let Some(taken) = self.take(rows, room)? else { break };
            rows += taken.rows;
            bytes += taken.bytes;
        }
        if rows == 0 {
            return Ok(None);
        }
        Ok(Some(self.intake.finish_batch(rows, &self.marks)?.into()))
    }
}
