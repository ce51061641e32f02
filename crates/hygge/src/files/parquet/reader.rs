//! Row groups into batches, cut by bytes.

mod bands;
mod groups;
mod sizes;
mod words;

use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, Field, SchemaRef};
use hygge_core::context::SplitContext;
use hygge_core::cut::Cut;
use hygge_core::home::{Batch, BatchStream};
use hygge_core::{Error, ErrorKind, Result};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;

use self::bands::{Ask, Bands};
pub use self::groups::{FileGroups, footer};
use self::sizes::{Fit, chunks, fit};
use super::pages::Needs;
use super::unreadable;
use crate::files::exactly::cast_exactly;
use crate::files::positioned::guarded;

/// The most rows that are looked at first where the footer does not tell how large they are.
const PROBE_ROWS: usize = 256;

/// Opens a file when its turn has come: of many, no more than one at a time is open, and held with its footer.
pub type Opens = Box<dyn FnOnce() -> Result<FileGroups> + Send>;

/// Reads row groups in order, as columns of one schema found by name.
pub struct GroupStream {
    schema: SchemaRef,
    /// Those to come.
    files: VecDeque<Opens>,
    /// The one being read, with the groups to come.
    file: Option<FileGroups>,
    current: Option<Current>,
    /// What was decoded but is too large to be handed on whole.
    pieces: VecDeque<RecordBatch>,
    /// What was decoded of which one word may stand for many rows.
    folded: Option<Folded>,
    /// The most bytes of a row that batches had on average, where the footer left it open.
    seen: Option<usize>,
    ctx: SplitContext,
}

/// The row group being read.
struct Current {
    reader: Reader,
    file: FileGroups,
    group: usize,
    /// Where each column of the schema is in what the reader yields.
    order: Vec<usize>,
    /// How many rows came so far, of how many.
    done: usize,
    rows: usize,
    /// Whether the footer left open how large rows are.
    guessed: bool,
    /// How many rows the reader yields at once.
    step: usize,
    /// Whether words of dictionaries are so large that rows are cut before they are written out.
    folded: bool,
}

/// A batch of which one word may stand for many rows, on its way to be cut.
struct Folded {
    cut: Cut,
    rows: RecordBatch,
    /// How many of its rows were handed on.
    at: usize,
}

/// How a row group is read.
enum Reader {
    Straight(Box<ParquetRecordBatchReader>),
    /// Its pages would not fit into memory together.
    Bands(Bands),
}

impl Current {
    /// Where a row of the batch that came last lies, for people.
    fn row(&self, of: &Folded) -> String {
        let n = self.done.saturating_sub(of.rows.num_rows()) + of.at + 1;
        let column = largest_column(&of.rows.slice(of.at, 1));
        format!("{}, row group {}, row {n}, {column}", self.file.shown, self.group)
    }
}

impl GroupStream {
    /// Reads the groups of `files` as columns of `schema`.
    #[must_use]
    pub fn new(schema: &SchemaRef, files: Vec<Opens>, ctx: &SplitContext) -> Self {
        Self {
            schema: Arc::clone(schema),
            files: files.into(),
            file: None,
            current: None,
            pieces: VecDeque::new(),
            folded: None,
            seen: None,
            ctx: ctx.clone(),
        }
    }

    /// Reads the groups of one file as columns of `schema`.
    ///
    /// # Errors
    /// If the file lacks a column.
    pub fn of(schema: &SchemaRef, file: FileGroups, ctx: &SplitContext) -> Result<Self> {
        order(schema, &file)?;
        Ok(Self { file: Some(file), ..Self::new(schema, Vec::new(), ctx) })
    }

    /// Opens the next row group; false at the end.
    fn advance(&mut self) -> Result<bool> {
        loop {
            let Some(file) = self.file.as_mut().filter(|file| !file.groups.is_empty()) else {
                let Some(opens) = self.files.pop_front() else {
                    self.file = None;
                    return Ok(false);
                };
                // The one before is closed first.
                self.file = None;
                self.file = Some(opens()?);
                continue;
            };
            let group = file.groups.remove(0);
            let file = FileGroups { groups: Vec::new(), ..file.clone() };
            let meta = file.metadata.metadata().row_group(group);
            if meta.num_rows() <= 0 {
                continue;
            }
            let (order, mask) = order(&self.schema, &file)?;
            let ahead = file.file.ahead(chunks(meta, &mask), self.ctx.share.bytes() / 4);
            let file = FileGroups { file: ahead, ..file };
            let meta = file.metadata.metadata().row_group(group);
            let rows = usize::try_from(meta.num_rows()).unwrap_or(usize::MAX);
            let share = &self.ctx.share;
            let Some(needs) = Needs::of(&file, meta, &mask, share.bytes() as u64)? else {
                self.straight(file, group, order, mask, rows)?;
                return Ok(true);
            };
            if let Ok(bytes) = usize::try_from(needs.all())
                && bytes <= share.whole_limit()
            {
                share.admit_whole("the pages of a row group", bytes, self.ctx.cancel(), String::new)?;
                self.straight(file, group, order, mask, rows)?;
                return Ok(true);
            }
            Ask { file: &file, group, needs: &needs, ctx: &self.ctx }.admit()?;
            let largest = words::largest_row(&file, meta, &mask)?;
            let average = match fit(meta, &mask) {
                Fit::Row(bytes) => bytes,
                Fit::AtMost { known, .. } => known,
            };
            // Each band writes its columns out by itself, so all have to go by the largest words there may be.
            let limit = self.ctx.batch_bytes();
            let step = (limit / average.max(1)).min(2 * limit / largest.max(1)).clamp(1, self.ctx.batch_rows);
            let bands = {
                let file = &file;
                let ask = Ask { file, group, needs: &needs, ctx: &self.ctx };
                let some = |roots: &[usize]| {
                    let mask = ProjectionMask::roots(file.metadata.parquet_schema(), roots.iter().copied());
                    self.open(file, group, step, 0, mask, false)
                };
                Bands::decode(&ask, &some, &|rows| decoded(rows, file))?
            };
            let reader = Reader::Bands(bands);
            self.current =
                Some(Current { reader, file, group, order, done: 0, rows, guessed: false, step, folded: false });
            return Ok(true);
        }
    }

    /// Reads a row group as it comes, whose pages fit into memory.
    fn straight(
        &mut self,
        file: FileGroups,
        group: usize,
        order: Vec<usize>,
        mask: ProjectionMask,
        rows: usize,
    ) -> Result<()> {
        let limit = self.ctx.batch_bytes();
        let meta = file.metadata.metadata().row_group(group);
        let largest = words::largest_row(&file, meta, &mask)?;
        let (step, guessed) = match (fit(meta, &mask), self.seen) {
            (Fit::Row(bytes), _) => (limit / bytes.max(1), false),
            (Fit::AtMost { .. }, Some(bytes)) => (limit / bytes.max(1), true),
            (Fit::AtMost { most, .. }, None) => ((limit / most.max(1)).min(PROBE_ROWS), true),
        };
        let step = step.clamp(1, self.ctx.batch_rows);
        let folded = largest.saturating_mul(self.ctx.batch_rows) > 2 * limit;
        let reader = Reader::Straight(Box::new(self.open(&file, group, step, 0, mask, folded)?));
        self.current = Some(Current { reader, file, group, order, done: 0, rows, guessed, step, folded });
        Ok(())
    }

    fn open(
        &self,
        file: &FileGroups,
        group: usize,
        batch_rows: usize,
        offset: usize,
        mask: ProjectionMask,
        folded: bool,
    ) -> Result<ParquetRecordBatchReader> {
        let input = file.file.counting(&self.ctx.bytes_read);
        let metadata = if folded { words::with_views(&file.metadata) } else { file.metadata.clone() };
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(input, metadata)
            .with_row_groups(vec![group])
            .with_projection(mask)
            .with_batch_size(batch_rows.max(1));
        if offset > 0 {
            builder = builder.with_offset(offset);
        }
        let told = |e| file.file.trouble().unwrap_or_else(|| unreadable(&file.shown, e));
        guarded(&file.shown, || builder.build().map_err(told))
    }

    /// The next batch as it was decoded, in the schema's order.
    fn decode(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let Some(current) = &mut self.current else {
                if self.advance()? {
                    continue;
                }
                return Ok(None);
            };
            let shown = current.file.shown.clone();
            let next = match &mut current.reader {
                Reader::Straight(rows) => decoded(rows, &current.file)?,
                Reader::Bands(bands) => bands.next()?,
            };
            let Some(batch) = next else {
                if current.done != current.rows {
                    return Err(damaged(&format!(
                        "row group {} has {} rows, and its footer says {}",
                        current.group, current.done, current.rows
                    ))
                    .at(shown));
                }
                self.current = None;
                continue;
            };
            let batch = if current.folded { batch } else { arranged(&batch, &self.schema, current)? };
            current.done += batch.num_rows();
            if current.guessed {
                self.learn(&batch)?;
            }
            return Ok(Some(batch));
        }
    }

    /// Takes larger or smaller batches from here on, where the last one shows how large rows are.
    fn learn(&mut self, batch: &RecordBatch) -> Result<()> {
        let folded = self.current.as_ref().is_some_and(|current| current.folded);
        let bytes = if folded { Cut::size(batch) } else { batch.get_array_memory_size() };
        let bytes = bytes.div_ceil(batch.num_rows().max(1)).max(1);
        let first = self.seen.is_none();
        let bytes = self.seen.map_or(bytes, |seen| seen.max(bytes));
        self.seen = Some(bytes);
        let Some(current) = &self.current else { return Ok(()) };
        let step = (self.ctx.batch_bytes() / bytes).clamp(1, self.ctx.batch_rows);
        // Opening anew has its price, so it is done after the first look, and when rows turn out far larger.
        if current.done >= current.rows || !(first || step < current.step / 2) {
            return Ok(());
        }
        let (_, mask) = order(&self.schema, &current.file)?;
        let reader = self.open(&current.file, current.group, step, current.done, mask, folded)?;
        if let Some(current) = &mut self.current {
            current.reader = Reader::Straight(Box::new(reader));
            current.step = step;
        }
        Ok(())
    }

    /// Cuts a batch that came out larger than was guessed.
    fn cut(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        let bytes = match &self.current {
            // Columns that were kept in a scratch file share the memory they were read into.
            Some(Current { reader: Reader::Bands(_), .. }) => Cut::size(&batch),
            _ => batch.get_array_memory_size(),
        };
        if bytes <= 2 * self.ctx.batch_bytes() {
            return Ok(batch);
        }
        self.halve(&batch)?;
        Ok(self.pieces.pop_front().unwrap_or(batch))
    }

    /// Cuts rows until each piece fits, or is a row by itself.
    fn halve(&mut self, rows: &RecordBatch) -> Result<()> {
        let bytes = Cut::size(rows);
        let n = rows.num_rows();
        if n > 1 && bytes > 2 * self.ctx.batch_bytes() {
            self.halve(&rows.slice(0, n / 2))?;
            return self.halve(&rows.slice(n / 2, n - n / 2));
        }
        let shown = || self.current.as_ref().map_or_else(String::new, |c| c.file.shown.clone());
        if n == 1 {
            self.ctx.admit_row(bytes, || format!("{}, {}", shown(), largest_column(rows)))?;
        }
        self.pieces.push_back(rows.clone());
        Ok(())
    }
}

impl BatchStream for GroupStream {
    fn next(&mut self) -> Result<Option<Batch>> {
        self.ctx.cancel().check()?;
        loop {
            if let Some(piece) = self.pieces.pop_front() {
                return Ok(Some(piece.into()));
            }
            if let (Some(folded), Some(current)) = (&mut self.folded, &self.current)
                && let Some(piece) = folded.cut.next()
            {
                let piece = piece.map_err(|e| match e.kind() {
                    ErrorKind::Cancelled => e,
                    _ => e.at(current.row(folded)),
                })?;
                folded.at += piece.num_rows();
                return arranged(&piece, &self.schema, current).map(|rows| Some(rows.into()));
            }
            self.folded = None;
            let Some(batch) = self.decode()? else { return Ok(None) };
            if self.current.as_ref().is_none_or(|current| !current.folded) {
                return Ok(Some(self.cut(batch)?.into()));
            }
            // Of its memory there is enough: the pages that it shows were asked for.
            let cut = Cut::admitted(batch.clone(), 0, &self.ctx, String::new());
            self.folded = Some(Folded { cut, rows: batch, at: 0 });
        }
    }
}

/// Rows as they were decoded, as columns of `schema`.
fn arranged(rows: &RecordBatch, schema: &SchemaRef, current: &Current) -> Result<RecordBatch> {
    let shown = &current.file.shown;
    let column = |(&at, field): (&usize, &Arc<Field>)| {
        cast_exactly(rows.column(at), field).map_err(|e| e.at(format!("{shown}, column {}", field.name())))
    };
    let columns = current.order.iter().zip(schema.fields()).map(column).collect::<Result<Vec<_>>>()?;
    let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
        .map_err(|e| Error::failed("the rows do not have the columns that the footer names").at(shown).because(e))
}

/// Of a file whose parts contradict one another.
fn damaged(found: &str) -> Error {
    Error::failed(format!("the file is damaged: {found}")).next("write the file anew, or take it away")
}

/// The next rows of a row group; damage may make the library panic.
fn decoded(rows: &mut ParquetRecordBatchReader, file: &FileGroups) -> Result<Option<RecordBatch>> {
    let told = |error: ArrowError| {
        let unreadable = || unreadable(&file.shown, ParquetError::ArrowError(error.to_string()));
        file.file.trouble().unwrap_or_else(unreadable)
    };
    guarded(&file.shown, || rows.next().transpose().map_err(told))
}

/// Where each column of `schema` comes in what a reader of the file yields, and which leaves to read for it.
fn order(schema: &SchemaRef, file: &FileGroups) -> Result<(Vec<usize>, ProjectionMask)> {
    let found = file.metadata.schema();
    let roots = schema
        .fields()
        .iter()
        .map(|field| {
            found
                .index_of(field.name())
                .map_err(|_| Error::failed(format!("the file has no column {}", field.name())).at(&file.shown))
        })
        .collect::<Result<Vec<_>>>()?;
    let mut sorted = roots.clone();
    sorted.sort_unstable();
    let order = roots.iter().map(|root| sorted.partition_point(|other| other < root)).collect();
    Ok((order, ProjectionMask::roots(file.metadata.parquet_schema(), roots)))
}

fn largest_column(batch: &RecordBatch) -> String {
    batch
        .columns()
        .iter()
        .zip(batch.schema_ref().fields())
        .max_by_key(|(column, field)| {
            let alone = RecordBatch::try_from_iter([(field.name(), Arc::clone(column))]);
            alone.map_or(0, |column| Cut::size(&column))
        })
        .map_or_else(String::new, |(_, field)| format!("column {}", field.name()))
}
