//! Messages into batches.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_buffer::{Buffer, MutableBuffer};
use arrow_ipc::reader::{RecordBatchDecoder, read_dictionary};
use arrow_ipc::root_as_message;
use arrow_schema::SchemaRef;
use hygge_core::context::SplitContext;
use hygge_core::home::{Batch, BatchStream};
use hygge_core::{Error, Result};

use super::messages::{Index, Message, metadata_at};
use super::{io_error, unreadable};
use crate::files::exactly::cast_exactly;
use crate::files::positioned::{Positioned, guarded};

/// Reads record batches in order, as columns of one schema found by name, cut to size.
pub struct MessageStream {
    file: Positioned,
    shown: String,
    schema: SchemaRef,
    index: Arc<Index>,
    /// Where each column of the schema is in the file.
    order: Vec<usize>,
    /// Which messages are left, by position.
    messages: std::ops::Range<usize>,
    /// How many batches are passed over, and how many are then read.
    skip: u64,
    take: u64,
    dictionaries: HashMap<i64, ArrayRef>,
    /// A batch of which a part was handed on, and how much.
    held: Option<(RecordBatch, usize)>,
    ctx: SplitContext,
}

impl MessageStream {
    /// Reads the record batches from the `begin`th up to the `end`th as columns of `schema`; `index` is the file's.
    ///
    /// # Errors
    /// If the file lacks a column.
    pub fn new(
        file: &Positioned,
        shown: &str,
        index: Arc<Index>,
        (begin, end): (u64, u64),
        schema: &SchemaRef,
        ctx: &SplitContext,
    ) -> Result<Self> {
        let find = |name: &str| {
            let found = index.schema.index_of(name);
            found.map_err(|_| Error::failed(format!("the file has no column {name}")).at(shown))
        };
        let order = schema.fields().iter().map(|field| find(field.name())).collect::<Result<Vec<_>>>()?;
        Ok(Self {
            file: file.counting(&ctx.bytes_read),
            shown: shown.to_owned(),
            schema: Arc::clone(schema),
            order,
            messages: 0..index.messages.len(),
            index,
            skip: begin,
            take: end.saturating_sub(begin),
            dictionaries: HashMap::new(),
            held: None,
            ctx: ctx.clone(),
        })
    }

    /// The next batch as it lies in the file.
    fn decode(&mut self) -> Result<Option<RecordBatch>> {
        while self.take > 0 {
            self.ctx.cancel().check()?;
            let Some(at) = self.messages.next() else { break };
            let message = self.index.messages[at].clone();
            if message.rows.is_some() && self.skip > 0 {
                self.skip -= 1;
                continue;
            }
            let shown = self.shown.clone();
            if let Some(batch) = guarded(&shown, || self.message(&message))? {
                self.take -= 1;
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }

    /// Reads a message; none was a dictionary, which is kept.
    fn message(&mut self, message: &Message) -> Result<Option<RecordBatch>> {
        let shown = &self.shown;
        let (bytes, body_at) = metadata_at(&self.file, message.at, shown)?
            .ok_or_else(|| Error::moved_on("the file has changed while it was read").at(shown))?;
        let length = usize::try_from(message.body).unwrap_or(usize::MAX);
        self.admit(message, length)?;
        let mut body = MutableBuffer::from_len_zeroed(length);
        self.file.read_all(&mut body, body_at).map_err(|e| io_error(shown, e))?;
        let body = Buffer::from(body);
        let parsed = root_as_message(&bytes).map_err(|e| unreadable(shown, e))?;
        let damaged = || Error::failed("the Arrow file is damaged: a message says nothing").at(shown);
        if message.packed {
            let batch = parsed.header_as_record_batch();
            let batch = batch.or_else(|| parsed.header_as_dictionary_batch().and_then(|batch| batch.data()));
            let unpacked = batch.map_or(Some(0), |batch| unpacked(&batch, &body)).ok_or_else(damaged)?;
            self.admit(message, length.saturating_add(unpacked))?;
        }
        let refused = |e| unreadable(shown, e);
        if message.rows.is_none() {
            let batch = parsed.header_as_dictionary_batch().ok_or_else(damaged)?;
            let (schema, version) = (&self.index.schema, parsed.version());
            read_dictionary(&body, batch, schema, &mut self.dictionaries, &version).map_err(refused)?;
            return Ok(None);
        }
        let batch = parsed.header_as_record_batch().ok_or_else(damaged)?;
        let version = parsed.version();
        let schema = Arc::clone(&self.index.schema);
        let all = self.order.iter().copied().eq(0..schema.fields().len());
        let decoder =
            RecordBatchDecoder::try_new(&body, batch, schema, &self.dictionaries, &version).map_err(refused)?;
        let decoder = decoder.with_projection((!all).then_some(self.order.as_slice()));
        let read = decoder.read_record_batch().map_err(refused)?;
        let columns = read.columns().iter().zip(self.schema.fields()).map(|(column, field)| {
            cast_exactly(column, field).map_err(|e| e.at(format!("{shown}, column {}", field.name())))
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(read.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options).map(Some).map_err(|e| {
            Error::failed("the rows do not have the columns that the file says they have").at(shown).because(e)
        })
    }

    /// Asks for memory before it is taken.
    fn admit(&self, message: &Message, bytes: usize) -> Result<()> {
        let what = if message.rows.is_some() { "a record batch" } else { "a dictionary" };
        self.ctx.share.admit_whole(what, bytes, self.ctx.cancel(), || self.shown.clone())
    }

    /// A part of a batch that is small enough, and what is left.
    fn cut(&mut self, batch: RecordBatch, from: usize) -> Result<RecordBatch> {
        let bytes = batch.get_array_memory_size();
        let limit = self.ctx.batch_bytes();
        let rows = batch.num_rows();
        let most = if bytes <= limit { rows } else { rows / bytes.div_ceil(limit.max(1)) };
        let most = most.clamp(1, self.ctx.batch_rows);
        if rows == 1 && bytes > limit {
            self.ctx.admit_row(bytes, || format!("{}, a batch of one row", self.shown))?;
        }
        let part = batch.slice(from, most.min(rows - from));
        let done = from + part.num_rows();
        if done < rows {
            self.held = Some((batch, done));
        }
        Ok(part)
    }
}

impl BatchStream for MessageStream {
    fn next(&mut self) -> Result<Option<Batch>> {
        self.ctx.cancel().check()?;
        if let Some((batch, from)) = self.held.take() {
            return Ok(Some(self.cut(batch, from)?.into()));
        }
        loop {
            let Some(batch) = self.decode()? else { return Ok(None) };
            if batch.num_rows() > 0 {
                return Ok(Some(self.cut(batch, 0)?.into()));
            }
        }
    }
}

/// How large packed buffers are once they are unpacked: each says so in its first eight bytes.
fn unpacked(batch: &arrow_ipc::RecordBatch<'_>, body: &Buffer) -> Option<usize> {
    let mut sum = 0_usize;
    for buffer in batch.buffers().iter().flat_map(flatbuffers::Vector::iter) {
        if buffer.length() == 0 {
            continue;
        }
        let at = usize::try_from(buffer.offset()).ok()?;
        let length = i64::from_le_bytes(body.get(at..at.checked_add(8)?)?.try_into().ok()?);
        // -1 is a buffer that did not get smaller.
        sum = sum.saturating_add(usize::try_from(length.max(0)).ok()?);
    }
    Some(sum)
}
