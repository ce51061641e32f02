//! Row groups into batches, cut by bytes.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use hygge_core::context::SplitContext;
use hygge_core::home::{Batch, BatchStream};
use hygge_core::{Error, Result};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Type as Physical;
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{ChunkReader, Length};

use super::{sealed, types, unreadable};
use crate::files::exactly::cast_exactly;
use crate::files::positioned::{From, Positioned, guarded};

/// The most rows that are looked at first where the footer does not tell how large they are.
const PROBE_ROWS: usize = 256;

impl Length for Positioned {
    fn len(&self) -> u64 {
        self.length()
    }
}

impl ChunkReader for Positioned {
    type T = BufReader<From>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(BufReader::new(From::new(self.clone(), start)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<bytes::Bytes, ParquetError> {
        self.bytes(start, length).map(bytes::Bytes::from).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => ParquetError::EOF("a part lies beyond the end of the file".to_owned()),
            _ => ParquetError::External(Box::new(e)),
        })
    }
}

/// Row groups of one file.
#[derive(Clone)]
pub struct FileGroups {
    /// The file.
    pub file: Positioned,
    /// Its name for messages.
    pub shown: String,
    /// Its footer.
    pub metadata: ArrowReaderMetadata,
    /// Which of its row groups, by position.
    pub groups: Vec<usize>,
}

impl FileGroups {
    /// All row groups of a file.
    ///
    /// # Errors
    /// If its footer cannot be read.
    pub fn whole(file: File, shown: &str) -> Result<Self> {
        let file = Positioned::whole(file, shown)?;
        let metadata = footer(&file, shown)?;
        let groups = (0..metadata.metadata().num_row_groups()).collect();
        Ok(Self { file, shown: shown.to_owned(), metadata, groups })
    }
}

/// Reads a file's footer.
///
/// # Errors
/// If it cannot be read as Parquet.
pub fn footer(file: &Positioned, shown: &str) -> Result<ArrowReaderMetadata> {
    if sealed::is_sealed(file) {
        return Err(Error::failed("the file is encrypted, in whole or in some columns, and hygge has no keys")
            .at(shown)
            .next("give a file that is not encrypted"));
    }
    guarded(shown, || {
        let told = |e| unreadable(shown, e);
        let found = ArrowReaderMetadata::load(file, ArrowReaderOptions::new()).map_err(told)?;
        match types::readable_schema(found.schema()) {
            None => Ok(found),
            Some(schema) => {
                let options = ArrowReaderOptions::new().with_schema(schema);
                ArrowReaderMetadata::try_new(Arc::clone(found.metadata()), options).map_err(told)
            }
        }
    })
}

/// Reads row groups in order, as columns of one schema found by name.
pub struct GroupStream {
    schema: SchemaRef,
    files: VecDeque<FileGroups>,
    current: Option<Current>,
    /// What was decoded but is too large to be handed on whole.
    pieces: VecDeque<RecordBatch>,
    /// The most bytes of a row that batches had on average, where the footer left it open.
    seen: Option<usize>,
    ctx: SplitContext,
}

/// The row group being read.
struct Current {
    reader: ParquetRecordBatchReader,
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
}

impl GroupStream {
    /// Reads the groups of `files` as columns of `schema`.
    ///
    /// # Errors
    /// If a file lacks a column.
    pub fn new(schema: &SchemaRef, files: Vec<FileGroups>, ctx: &SplitContext) -> Result<Self> {
        for file in &files {
            order(schema, file)?;
        }
        Ok(Self {
            schema: Arc::clone(schema),
            files: files.into(),
            current: None,
            pieces: VecDeque::new(),
            seen: None,
            ctx: ctx.clone(),
        })
    }

    /// Opens the next row group; false at the end.
    fn advance(&mut self) -> Result<bool> {
        while let Some(file) = self.files.front_mut() {
            if file.groups.is_empty() {
                self.files.pop_front();
                continue;
            }
            let group = file.groups.remove(0);
            let file = FileGroups { groups: Vec::new(), ..file.clone() };
            let meta = file.metadata.metadata().row_group(group);
            if meta.num_rows() <= 0 {
                continue;
            }
            let (order, mask) = order(&self.schema, &file)?;
            let limit = self.ctx.batch_bytes();
            let (step, guessed) = match (fit(meta, &mask), self.seen) {
                (Fit::Row(bytes), _) => (limit / bytes.max(1), false),
                (Fit::AtMost(_), Some(bytes)) => (limit / bytes.max(1), true),
                (Fit::AtMost(bytes), None) => ((limit / bytes.max(1)).min(PROBE_ROWS), true),
            };
            let step = step.clamp(1, self.ctx.batch_rows);
            let rows = usize::try_from(meta.num_rows()).unwrap_or(usize::MAX);
            let reader = self.open(&file, group, step, 0)?;
            self.current = Some(Current { reader, file, group, order, done: 0, rows, guessed, step });
            return Ok(true);
        }
        Ok(false)
    }

    fn open(
        &self,
        file: &FileGroups,
        group: usize,
        batch_rows: usize,
        offset: usize,
    ) -> Result<ParquetRecordBatchReader> {
        let (_, mask) = order(&self.schema, file)?;
        let input = file.file.counting(&self.ctx.bytes_read);
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(input, file.metadata.clone())
            .with_row_groups(vec![group])
            .with_projection(mask)
            .with_batch_size(batch_rows.max(1));
        if offset > 0 {
            builder = builder.with_offset(offset);
        }
        guarded(&file.shown, || builder.build().map_err(|e| unreadable(&file.shown, e)))
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
            let next = guarded(&shown, || match current.reader.next() {
                None => Ok(None),
                Some(Ok(batch)) => Ok(Some(batch)),
                Some(Err(error)) => Err(unreadable(&shown, ParquetError::ArrowError(error.to_string()))),
            })?;
            let Some(batch) = next else {
                self.current = None;
                continue;
            };
            let columns = current
                .order
                .iter()
                .zip(self.schema.fields())
                .map(|(&at, field)| {
                    cast_exactly(batch.column(at), field).map_err(|e| e.at(format!("{shown}, column {}", field.name())))
                })
                .collect::<Result<Vec<_>>>()?;
            current.done += batch.num_rows();
            if current.guessed {
                self.learn(&batch)?;
            }
            let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            return RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options).map(Some).map_err(
                |e| Error::failed("the rows do not have the columns that the footer names").at(shown).because(e),
            );
        }
    }

    /// Takes larger or smaller batches from here on, where the last one shows how large rows are.
    fn learn(&mut self, batch: &RecordBatch) -> Result<()> {
        let bytes = batch.get_array_memory_size().div_ceil(batch.num_rows().max(1)).max(1);
        let first = self.seen.is_none();
        let bytes = self.seen.map_or(bytes, |seen| seen.max(bytes));
        self.seen = Some(bytes);
        let Some(current) = &self.current else { return Ok(()) };
        let step = (self.ctx.batch_bytes() / bytes).clamp(1, self.ctx.batch_rows);
        // Opening anew has its price, so it is done after the first look, and when rows turn out far larger.
        if current.done >= current.rows || !(first || step < current.step / 2) {
            return Ok(());
        }
        let reader = self.open(&current.file, current.group, step, current.done)?;
        if let Some(current) = &mut self.current {
            current.reader = reader;
            current.step = step;
        }
        Ok(())
    }

    /// Cuts a batch that came out larger than was guessed.
    fn cut(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        let bytes = batch.get_array_memory_size();
        let limit = self.ctx.batch_bytes();
        if bytes <= 2 * limit || batch.num_rows() <= 1 {
            if bytes > limit && batch.num_rows() == 1 {
                let shown = self.current.as_ref().map_or_else(String::new, |c| c.file.shown.clone());
                self.ctx.admit_row(bytes, || format!("{shown}, {}", largest_column(&batch)))?;
            }
            return Ok(batch);
        }
        let rows = (batch.num_rows() / bytes.div_ceil(limit)).max(1);
        let mut at = 0;
        while at < batch.num_rows() {
            let n = rows.min(batch.num_rows() - at);
            self.pieces.push_back(batch.slice(at, n));
            at += n;
        }
        Ok(self.pieces.pop_front().unwrap_or(batch))
    }
}

impl BatchStream for GroupStream {
    fn next(&mut self) -> Result<Option<Batch>> {
        self.ctx.cancel().check()?;
        if let Some(piece) = self.pieces.pop_front() {
            return Ok(Some(piece.into()));
        }
        match self.decode()? {
            None => Ok(None),
            Some(batch) => Ok(Some(self.cut(batch)?.into())),
        }
    }
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

/// How large the rows of a row group are.
enum Fit {
    /// So many bytes on average, as the footer says.
    Row(usize),
    /// No single one larger than this: the footer does not say how often a text of the dictionary comes.
    AtMost(usize),
}

fn fit(group: &RowGroupMetaData, mask: &ProjectionMask) -> Fit {
    let mut bytes = 0_u64;
    let mut guess = 0_u64;
    for (leaf, column) in group.columns().iter().enumerate() {
        if !mask.leaf_included(leaf) {
            continue;
        }
        let values = column.num_values().unsigned_abs();
        let width = match column.column_type() {
            Physical::BOOLEAN => 1,
            Physical::INT32 | Physical::FLOAT => 4,
            Physical::INT64 | Physical::DOUBLE | Physical::INT96 => 8,
            Physical::FIXED_LEN_BYTE_ARRAY => {
                u64::try_from(column.column_descr().type_length()).unwrap_or_default().max(16)
            }
            Physical::BYTE_ARRAY => {
                match column.unencoded_byte_array_data_bytes() {
                    Some(text) => bytes = bytes.saturating_add(text.unsigned_abs()),
                    None if column.dictionary_page_offset().is_none() => {
                        bytes = bytes.saturating_add(column.uncompressed_size().unsigned_abs());
                    }
                    None => guess = guess.saturating_add(column.uncompressed_size().unsigned_abs()),
                }
                8
            }
        };
        bytes = bytes.saturating_add(values.saturating_mul(width));
    }
    let a_row = bytes.div_ceil(group.num_rows().unsigned_abs().max(1)).max(1);
    let whole = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    if guess == 0 { Fit::Row(whole(a_row)) } else { Fit::AtMost(whole(a_row.saturating_add(guess))) }
}

fn largest_column(batch: &RecordBatch) -> String {
    batch
        .columns()
        .iter()
        .zip(batch.schema_ref().fields())
        .max_by_key(|(column, _)| column.get_array_memory_size())
        .map_or_else(String::new, |(_, field)| format!("column {}", field.name()))
}
