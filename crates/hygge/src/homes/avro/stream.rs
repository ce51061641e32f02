//! Blocks into batches.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{Array as _, RecordBatch, RecordBatchOptions, new_null_array};
use arrow_schema::SchemaRef;
use hygge_core::context::SplitContext;
use hygge_core::cut::Cut;
use hygge_core::home::{Batch, BatchStream};
use hygge_core::{Error, Result};

use super::container::{Block, Header, put_header, put_number};
use super::schema::{self, Chosen, Columns, MARK};
use super::unpack::{Packing, admit};
use crate::files::exactly::cast_exactly;
use crate::files::listing::PinnedFile;
use crate::files::positioned::{Positioned, guarded};
use crate::homes::files::described::Range;

/// Packed bytes become about so many.
const PACKED: u64 = 3;

/// While rows are decoded, what they are decoded from is there so often; and what they become, since arrays grow by
/// doubling, at most twice.
const COPIES: u64 = 3;

/// The most rows of a block that has no data.
const MOST_EMPTY: u64 = 1 << 24;

/// Reads blocks in order, some at a time, as columns of one schema found by name.
pub(super) struct BlockStream {
    file: Positioned,
    shown: String,
    schema: SchemaRef,
    packing: Packing,
    /// The header of a container that is not packed: what is unpacked goes behind it.
    head: Vec<u8>,
    sync: [u8; 16],
    /// What is decoded of a row.
    chosen: Chosen,
    blocks: VecDeque<Block>,
    ready: VecDeque<RecordBatch>,
    ctx: SplitContext,
}

impl BlockStream {
    pub(super) fn new(pin: &PinnedFile, part: Range, schema: &SchemaRef, ctx: &SplitContext) -> Result<Self> {
        let file = pin.open()?.counting(&ctx.bytes_read);
        let shown = pin.shown.clone();
        let header = Header::read(&file, &shown)?;
        let columns = guarded(&shown, || Columns::of(&header.schema, &shown))?;
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let chosen = columns.choose(&names, &shown)?;
        let blocks = header.blocks(&file, (part.begin, part.end), &shown)?.into();
        let mut head = Vec::new();
        put_header(&mut head, &columns.json, header.sync);
        Ok(Self {
            file,
            shown,
            schema: Arc::clone(schema),
            packing: header.packing,
            head,
            sync: header.sync,
            chosen,
            blocks,
            ready: VecDeque::new(),
            ctx: ctx.clone(),
        })
    }

    /// Decodes the next blocks, as many as make about a batch.
    fn decode(&mut self) -> Result<()> {
        let mut list = Vec::new();
        let mut rows = 0_u64;
        let (mut packed, mut unpacked) = (Vec::new(), Vec::new());
        while let Some(block) = self.blocks.pop_front() {
            self.unpack(block, &mut packed, &mut unpacked)?;
            if block.rows > 0 {
                put_number(&mut list, block.rows);
                list.extend_from_slice(&unpacked);
                rows = rows.saturating_add(block.rows);
            }
            let Some(next) = self.blocks.front() else { break };
            let more = if self.packing == Packing::None { next.len } else { next.len.saturating_mul(PACKED) };
            let bytes = (list.len() as u64).saturating_add(more);
            let full = self.chosen.cost.rows(rows.saturating_add(next.rows), bytes) >= self.ctx.batch_bytes();
            if full || rows >= self.ctx.batch_rows as u64 {
                break;
            }
        }
        drop((packed, unpacked));
        let bytes = list.len() as u64;
        let from = usize::try_from(bytes.saturating_mul(COPIES)).unwrap_or(usize::MAX);
        let into = self.chosen.cost.rows(rows, bytes).saturating_mul(2);
        admit(from.saturating_add(into), &self.ctx, &self.shown)?;
        if self.chosen.nothing {
            return self.nothing(rows);
        }
        list.push(0);
        list.extend_from_slice(MARK);
        let mut bytes = self.head.clone();
        put_number(&mut bytes, 1);
        put_number(&mut bytes, list.len() as u64);
        bytes.append(&mut list);
        bytes.extend_from_slice(&self.sync);
        let found = guarded(&self.shown, || Ok(schema::rows(bytes, self.chosen.json.as_deref())))?;
        let damaged = || {
            Error::failed("the Avro file is damaged: its rows are not what its schema says")
                .at(&self.shown)
                .next("write the file anew, or take it away")
        };
        let found = found.filter(|found| found.len() as u64 == rows).ok_or_else(damaged)?;
        let columns = self.chosen.order.iter().zip(self.schema.fields()).map(|(at, field)| {
            let Some(at) = *at else { return Ok(new_null_array(field.data_type(), found.len())) };
            let column = found.columns().get(at).ok_or_else(damaged)?;
            cast_exactly(column, field).map_err(|e| e.at(format!("{}, column {}", self.shown, field.name())))
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(found.len()));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(|e| damaged().because(e))?;
        if batch.num_rows() > 0 {
            self.cut(&batch)?;
        }
        Ok(())
    }

    /// Rows without a byte: they have nothing but NULLs.
    fn nothing(&mut self, rows: u64) -> Result<()> {
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        let columns = self.schema.fields().iter().map(|field| new_null_array(field.data_type(), rows)).collect();
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(|e| {
            Error::failed("the Avro file is damaged: its rows are not what its schema says").at(&self.shown).because(e)
        })?;
        if rows > 0 { self.cut(&batch) } else { Ok(()) }
    }

    /// Reads a block and unpacks it.
    fn unpack(&self, block: Block, packed: &mut Vec<u8>, unpacked: &mut Vec<u8>) -> Result<()> {
        let damaged = |found: &str| {
            Error::failed(format!("the Avro file is damaged: {found}"))
                .at(format!("{}, the block at byte {}", self.shown, block.at))
                .next("write the file anew, or take it away")
        };
        let len = usize::try_from(block.len).unwrap_or(usize::MAX);
        admit(len, &self.ctx, &self.shown)?;
        packed.resize(len, 0);
        self.file.read_all(packed, block.data).map_err(|e| Error::io("read", Path::new(&self.shown), e))?;
        unpacked.clear();
        let done = self.packing.unpack(packed, unpacked, &self.ctx, &self.shown)?;
        done.map_err(|e| damaged("a block cannot be unpacked").because(e))?;
        let least = block.rows.saturating_mul(self.chosen.least as u64);
        // Rows without a byte have nothing but NULLs, and nobody has so many of them.
        if (unpacked.len() as u64) < least || (self.chosen.least == 0 && block.rows > MOST_EMPTY) {
            return Err(damaged("a block has fewer bytes than its rows"));
        }
        if self.chosen.nothing && !unpacked.is_empty() {
            return Err(damaged("a block has bytes, and its rows have none"));
        }
        Ok(())
    }

    /// Cuts a batch that came out larger than was guessed.
    fn cut(&mut self, batch: &RecordBatch) -> Result<()> {
        let (bytes, limit, rows) = (Cut::size(batch), self.ctx.batch_bytes(), batch.num_rows());
        if rows == 1 && bytes > limit {
            self.ctx.admit_row(bytes, || self.shown.clone())?;
        }
        let most = if bytes <= limit { rows } else { rows / bytes.div_ceil(limit.max(1)) };
        let most = most.clamp(1, self.ctx.batch_rows);
        for at in (0..rows).step_by(most) {
            self.ready.push_back(batch.slice(at, most.min(rows - at)));
        }
        Ok(())
    }
}

impl BatchStream for BlockStream {
    fn next(&mut self) -> Result<Option<Batch>> {
        loop {
            self.ctx.cancel().check()?;
            if let Some(batch) = self.ready.pop_front() {
                return Ok(Some(batch.into()));
            }
            if self.blocks.is_empty() {
                return Ok(None);
            }
            self.decode()?;
        }
    }
}
