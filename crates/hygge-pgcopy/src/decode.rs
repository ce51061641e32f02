//! From a server's bytes to batches.

mod bytes;
mod cells;
mod column;
mod decimal;
mod ends;
mod fixed;
pub(crate) mod nested;
pub(crate) mod render;
mod scan;
pub(crate) mod times;
mod vector;
mod weight;

use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;

use self::cells::Cells;
use self::column::{Column, Late, column};
use self::scan::{Layout, Row, Step, head};
use crate::error::{Error, Misfit, Result};
use crate::plan::{Planned, ReadPlan, Unfit};

/// From so many bytes on, rows are read where they lie; fewer are gathered first.
const IN_PLACE: usize = 4 << 10;
/// No more is looked at at once: places of cells have 32 bits.
const PIECE: usize = 1 << 30;
/// Gathered rows are decoded when they are so many bytes.
const GATHERED: usize = 64 << 10;
/// No server sends a row as long as this.
const ROW_LIMIT: usize = 2 << 30;
/// Bytes and cells of a block: every column passes over both, so they are to stay in the processor's nearest memory.
const BLOCK_BYTES: usize = 16 << 10;
const BLOCK_CELLS: usize = 2 << 10;
/// Rows of a block.
const BLOCK_ROWS: usize = 512;

/// How large batches may become. A batch ends with the row that reaches either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows of a batch.
    pub rows: usize,
    /// Bytes that a batch takes in memory, told from above.
    pub bytes: usize,
    /// Bytes of a single row as it is sent; a longer one is an error that names its largest column.
    pub row: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rows: 65_536, bytes: 16 << 20, row: 1 << 30 }
    }
}

/// Why [`Decoder::messages`] came to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// What is left is no whole head of a message; more bytes are needed.
    More,
    /// The batch is full: take it.
    Full,
    /// A message of another kind comes next.
    Other(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    Rows,
    Ended,
    Failed,
}

/// Decodes one stream of `COPY … TO STDOUT (FORMAT BINARY)`.
///
/// Bytes go in by [`Decoder::push`] or [`Decoder::messages`], cut anywhere; batches come out by [`Decoder::take`].
pub struct Decoder {
    schema: SchemaRef,
    columns: Vec<Box<dyn Column>>,
    plans: Vec<Planned>,
    layout: Layout,
    limits: Limits,
    state: State,
    /// Bytes that came in small pieces: whole rows whose cells are known, and behind them the beginning of another.
    gathered: Vec<u8>,
    /// The row at the end of what was gathered, as far as it was looked at.
    row: Row,
    /// Where the cells of the block begin, row by row.
    starts: Vec<u32>,
    /// Rows of the block, and of the batch, the block among them.
    block: usize,
    block_bytes: usize,
    batch: usize,
    batch_bytes: usize,
    /// Rows of the stream, before the block.
    done: u64,
    /// What is left of the message at hand.
    message: usize,
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("state", &self.state).field("rows", &self.rows()).finish_non_exhaustive()
    }
}

impl Decoder {
    /// A decoder for a stream of the plan's columns.
    #[must_use]
    pub fn new(plan: &ReadPlan, limits: Limits) -> Self {
        let plans = plan.columns().to_vec();
        let columns = plans.iter().map(|plan| column(&plan.node, plan.unfit == Some(Unfit::Null))).collect();
        let layout = Layout::new(plans.iter().map(|plan| &plan.node));
        let rows = (BLOCK_CELLS / plans.len().max(1)).clamp(16, BLOCK_ROWS);
        Self {
            schema: plan.schema(),
            columns,
            layout,
            limits: Limits { rows: limits.rows.clamp(1, 1 << 30), row: limits.row.min(ROW_LIMIT), ..limits },
            state: State::Head,
            gathered: Vec::new(),
            row: Row::default(),
            starts: vec![0; rows * plans.len()],
            plans,
            block: 0,
            block_bytes: 0,
            batch: 0,
            batch_bytes: 0,
            done: 0,
            message: 0,
        }
    }

    /// Takes bytes of the stream, as many as it can, and says how many. Where it took fewer than there are, the batch is
    /// full: [`Decoder::take`] it, then come with the rest.
    ///
    /// # Errors
    /// If a value does not fit, or the bytes are none that a server sends. The decoder is then at its end.
    pub fn push(&mut self, bytes: &[u8]) -> Result<usize> {
        self.sound()?;
        let taken = self.pushed(bytes);
        self.note(taken)
    }

    /// Takes the messages of the protocol in which the stream comes: `CopyData` one behind the other, the last perhaps cut.
    /// Says how many bytes it took, and why no more.
    ///
    /// # Errors
    /// As [`Decoder::push`].
    pub fn messages(&mut self, wire: &[u8]) -> Result<(usize, Stop)> {
        self.sound()?;
        let taken = self.messaged(wire);
        self.note(taken)
    }

    /// Whether the batch is full: nothing more is taken before it is.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.batch >= self.limits.rows || self.batch_bytes >= self.limits.bytes
    }

    /// Rows so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.done + self.block as u64
    }

    /// Whether the stream's own end has come.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Bytes of a row that has not come to its end.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.gathered.len() - self.row.start
    }

    /// How many values of a column, counted from 0, became NULL because its type cannot hold them.
    #[must_use]
    pub fn replaced(&self, column: usize) -> u64 {
        self.columns.get(column).map_or(0, |column| column.replaced())
    }

    /// Gives the rows so far as a batch, if there are any.
    ///
    /// # Errors
    /// As [`Decoder::push`].
    pub fn take(&mut self) -> Result<Option<RecordBatch>> {
        self.sound()?;
        let taken = self.taken();
        self.note(taken)
    }

    /// Ends the stream: gives the last rows.
    ///
    /// # Errors
    /// As [`Decoder::push`], and if the stream is not at its own end: it was cut.
    pub fn finish(mut self) -> Result<Option<RecordBatch>> {
        let last = self.take()?;
        if self.state != State::Ended {
            return Err(Error::stream(format!("the stream ends before its own end, after row {}", self.done))
                .next("see why the server stopped sending"));
        }
        Ok(last)
    }

    fn sound(&self) -> Result<()> {
        match self.state {
            State::Failed => Err(Error::misuse("the stream failed before")),
            _ => Ok(()),
        }
    }

    fn note<T>(&mut self, outcome: Result<T>) -> Result<T> {
        if outcome.is_err() {
            self.state = State::Failed;
        }
        outcome
    }

    fn pushed(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut used = 0;
        while used < bytes.len() && !self.is_full() {
            let rest = &bytes[used..bytes.len().min(used + PIECE)];
            used += match self.state {
                State::Head => self.head(rest)?,
                State::Rows if self.gathered.is_empty() && rest.len() >= IN_PLACE => self.in_place(rest)?,
                State::Rows => self.gather(rest)?,
                State::Ended | State::Failed => {
                    return Err(Error::stream("bytes come after the end of the stream"));
                }
            };
        }
        Ok(used)
    }

    /// Takes the head of the stream.
    fn head(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut used = 0;
        loop {
            let need = head(&self.gathered)?;
            if need == 0 {
                self.gathered.clear();
                self.state = State::Rows;
                return Ok(used);
            }
            if used == bytes.len() {
                return Ok(used);
            }
            let more = need.min(bytes.len() - used);
            self.gathered.extend_from_slice(&bytes[used..used + more]);
            used += more;
        }
    }

    /// Reads rows where they lie, and gathers the beginning of the last.
    fn in_place(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut at = 0;
        loop {
            at = self.run::<false>(bytes, at);
            if self.is_full() {
                self.decode(bytes)?;
                return Ok(at);
            }
            if self.block_full() {
                self.decode(bytes)?;
                continue;
            }
            let mut row = Row::at(at);
            match self.scan(bytes, &mut row, None) {
                Ok(Some(Step::Row(end))) => at = end,
                Ok(Some(Step::End(end))) => {
                    self.decode(bytes)?;
                    self.state = State::Ended;
                    return Ok(end);
                }
                Ok(None) => {
                    self.decode(bytes)?;
                    self.gathered.extend_from_slice(&bytes[at..]);
                    self.row = Row::default();
                    return Ok(bytes.len());
                }
                // What is wrong with the rows before comes first.
                Err(error) => {
                    self.decode(bytes)?;
                    return Err(error);
                }
            }
        }
    }

    /// Takes pieces of rows.
    fn gather(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut gathered = std::mem::take(&mut self.gathered);
        let outcome = self.gather_into(&mut gathered, bytes);
        // Rows that are decoded are not kept.
        if self.block == 0 && self.row.start > 0 {
            gathered.drain(..self.row.start);
            self.row = Row::default();
        }
        if gathered.is_empty() && gathered.capacity() > 4 * GATHERED {
            gathered = Vec::new();
        }
        self.gathered = gathered;
        outcome
    }

    fn gather_into(&mut self, gathered: &mut Vec<u8>, bytes: &[u8]) -> Result<usize> {
        let small = bytes.len() < IN_PLACE;
        let mut used = 0;
        if small {
            gathered.extend_from_slice(bytes);
            used = bytes.len();
        }
        loop {
            if self.row.is_new() {
                let end = self.run::<false>(gathered, self.row.start);
                let back = self.is_full() || !small && end > self.row.start;
                self.row = Row::at(end);
                if back || self.block_full() || end >= GATHERED {
                    self.decode(gathered)?;
                    if !back {
                        continue;
                    }
                    // What follows the row goes back: the batch is full, or it is read where it lies.
                    let over = gathered.len() - end;
                    gathered.truncate(end);
                    return Ok(used - over);
                }
                if small && end == gathered.len() {
                    return Ok(used);
                }
            }
            let mut row = self.row;
            let step = self.scan(gathered, &mut row, None);
            self.row = row;
            match step {
                Ok(Some(Step::Row(end))) => {
                    self.row = Row::at(end);
                    if !small {
                        // The rest is read where it lies.
                        self.decode(gathered)?;
                        return Ok(used);
                    }
                }
                Ok(Some(Step::End(end))) => {
                    self.decode(gathered)?;
                    self.state = State::Ended;
                    self.row = Row::at(end);
                    let over = gathered.len() - end;
                    gathered.truncate(end);
                    return Ok(used - over);
                }
                Ok(None) if small => return Ok(used),
                Ok(None) => {
                    let more = self.row.need.min(bytes.len() - used);
                    if more == 0 {
                        return Ok(used);
                    }
                    gathered.extend_from_slice(&bytes[used..used + more]);
                    used += more;
                }
                Err(error) => {
                    self.decode(gathered)?;
                    return Err(error);
                }
            }
        }
    }

    fn messaged(&mut self, wire: &[u8]) -> Result<(usize, Stop)> {
        let mut used = 0;
        loop {
            if self.is_full() {
                return Ok((used, Stop::Full));
            }
            if self.message > 0 {
                let part = &wire[used..wire.len().min(used.saturating_add(self.message))];
                if part.is_empty() {
                    return Ok((used, Stop::More));
                }
                let taken = self.pushed(part)?;
                used += taken;
                self.message -= taken;
                continue;
            }
            if self.state == State::Rows && self.pending() == 0 {
                if self.block > 0 {
                    self.settle()?;
                }
                used = self.whole_messages(wire, used)?;
                if self.is_full() {
                    continue;
                }
            }
            let Some((kind, length)) = message(&wire[used..])? else { return Ok((used, Stop::More)) };
            if kind != b'd' {
                return Ok((used, Stop::Other(kind)));
            }
            used += 5;
            self.message = length;
        }
    }

    /// Decodes the rows that were gathered.
    fn settle(&mut self) -> Result<()> {
        let gathered = std::mem::take(&mut self.gathered);
        let decoded = self.decode(&gathered);
        self.gathered = gathered;
        self.gathered.drain(..self.row.start);
        self.row = Row::default();
        decoded
    }

    /// Reads messages that are one row each, as servers send them, and stops before any other.
    fn whole_messages(&mut self, wire: &[u8], from: usize) -> Result<usize> {
        let mut at = from;
        loop {
            at = self.run::<true>(wire, at);
            if self.is_full() {
                break;
            }
            if self.block_full() {
                self.decode(wire)?;
                continue;
            }
            let Some((b'd', length)) = message(&wire[at..])? else { break };
            let Some(end) = at.checked_add(5 + length).filter(|end| *end <= wire.len().min(PIECE)) else { break };
            let mut row = Row::at(at + 5);
            match self.scan(&wire[..end], &mut row, Some(end)) {
                Ok(Some(Step::Row(_))) => at = end,
                Ok(Some(Step::End(_)) | None) => break,
                Err(error) => {
                    self.decode(wire)?;
                    return Err(error);
                }
            }
        }
        self.decode(wire)?;
        Ok(at)
    }

    fn taken(&mut self) -> Result<Option<RecordBatch>> {
        if self.block > 0 {
            self.settle()?;
        }
        let rows = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        if rows == 0 {
            return Ok(None);
        }
        let first = self.done - rows as u64;
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.columns.len());
        let mut wrong: Option<(usize, usize, Misfit)> = None;
        for (at, column) in self.columns.iter_mut().enumerate() {
            match column.finish() {
                Ok(array) => arrays.push(array),
                Err(Late::Whole(found)) => {
                    return Err(Error::misuse(format!("the values cannot be made a column: {found}"))
                        .of(self.schema.field(at).name()));
                }
                Err(Late::Row(row, misfit)) if wrong.is_none_or(|(other, ..)| row < other) => {
                    wrong = Some((row, at, misfit));
                }
                Err(Late::Row(..)) => {}
            }
        }
        for (at, (array, field)) in arrays.iter().zip(self.schema.fields()).enumerate() {
            if wrong.is_none() && !field.is_nullable() && array.null_count() > 0 {
                let row = array.nulls().and_then(|nulls| nulls.iter().position(|valid| !valid)).unwrap_or(0);
                wrong = Some((row, at, Misfit::Malformed("NULL in a column that is declared NOT NULL")));
            }
        }
        if let Some((row, at, misfit)) = wrong {
            return Err(self.complain(first + row as u64, at, misfit));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)
            .map(Some)
            .map_err(|e| Error::misuse(format!("the columns cannot be made a batch: {e}")))
    }

    fn block_full(&self) -> bool {
        (self.block + 1) * self.columns.len() > self.starts.len()
            || self.block >= BLOCK_ROWS
            || self.block_bytes >= BLOCK_BYTES
    }

    /// Decodes the rows of the block.
    fn decode(&mut self, bytes: &[u8]) -> Result<()> {
        let rows = std::mem::take(&mut self.block);
        self.block_bytes = 0;
        let stride = self.columns.len();
        let mut wrong: Option<(usize, usize, Misfit)> = None;
        if rows > 0 && stride > 0 {
            let starts = &self.starts[..rows * stride];
            self.layout.learn(bytes, starts);
            for (at, column) in self.columns.iter_mut().enumerate() {
                if let Err((row, misfit)) = column.take(Cells { bytes, starts, stride, column: at })
                    && wrong.is_none_or(|(other, ..)| row < other)
                {
                    wrong = Some((row, at, misfit));
                }
            }
        }
        let first = self.done;
        self.done += rows as u64;
        match wrong {
            Some((row, at, misfit)) => Err(self.complain(first + row as u64, at, misfit)),
            None => Ok(()),
        }
    }

    /// What is wrong with a value; the row is counted from 0.
    fn complain(&self, row: u64, at: usize, misfit: Misfit) -> Error {
        let (field, plan) = (self.schema.field(at), &self.plans[at]);
        let error = match misfit {
            Misfit::Unfit(what) => {
                let into = field.data_type();
                let error = Error::value(format!("{what}, which {} may hold and {into} may not", plan.declared));
                error.next("carry the column as text (on_unrepresentable: text), or such values as NULL (on_unrepresentable: null)")
            }
            Misfit::Malformed(what) => Error::stream(format!("{what}; the type is {}", plan.declared)),
        };
        error.row(row + 1).of(field.name())
    }
}

/// The kind of the message that comes next, and how long it is without its head.
fn message(wire: &[u8]) -> Result<Option<(u8, usize)>> {
    let Some([kind, a, b, c, d]) = wire.first_chunk::<5>() else { return Ok(None) };
    let length = usize::try_from(i32::from_be_bytes([*a, *b, *c, *d])).ok().and_then(|length| length.checked_sub(4));
    match length {
        Some(length) => Ok(Some((*kind, length))),
        None => Err(Error::stream("a message whose length is less than its own head")),
    }
}
