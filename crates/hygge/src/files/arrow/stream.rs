//! Messages into batches.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow_array::{Array as _, ArrayRef, RecordBatch};
use arrow_buffer::{Buffer, MutableBuffer};
use arrow_ipc::reader::{RecordBatchDecoder, read_dictionary};
use arrow_ipc::root_as_message;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use hygge_core::context::SplitContext;
use hygge_core::cut::Cut;
use hygge_core::home::{Batch, BatchStream};
use hygge_core::{Error, Result};

use super::messages::{Index, Message, metadata_at};
use super::window::{Window, is_cut};
use super::{io_error, unreadable};
use crate::files::exactly::cast_exactly;
use crate::files::positioned::{Positioned, guarded};

/// Of smaller batches all columns are read at once, also where only some are wanted, in bytes.
const PART_FROM: u64 = 256 << 10;

/// Reads record batches in order, as columns of one schema found by name, cut to size.
pub struct MessageStream {
    file: Positioned,
    shown: String,
    schema: SchemaRef,
    index: Arc<Index>,
    /// The file's columns, each with NULLs: a writer may say that there are none where there are.
    lenient: SchemaRef,
    /// Where each column of the schema is in the file.
    order: Vec<usize>,
    /// Which messages are left, by position.
    messages: std::ops::Range<usize>,
    /// How many batches are passed over, and how many are then read.
    skip: u64,
    take: u64,
    /// The dictionaries of the columns, nested ones too; others are not read.
    wanted: HashSet<i64>,
    dictionaries: HashMap<i64, ArrayRef>,
    /// About how much memory each takes.
    sizes: HashMap<i64, usize>,
    /// A batch of which only some rows are read at a time.
    window: Option<Window>,
    /// What is left of a batch that is handed on in parts.
    cut: Option<Cut>,
    /// How many rows of the file were passed over or decoded.
    passed: u64,
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
        let mut wanted = HashSet::new();
        for &at in &order {
            dictionaries_of(index.schema.field(at), &mut wanted);
        }
        Ok(Self {
            file: file.counting(&ctx.bytes_read),
            shown: shown.to_owned(),
            schema: Arc::clone(schema),
            lenient: lenient(&index.schema),
            wanted,
            order,
            messages: 0..index.messages.len(),
            index,
            skip: begin,
            take: end.saturating_sub(begin),
            dictionaries: HashMap::new(),
            sizes: HashMap::new(),
            window: None,
            cut: None,
            passed: 0,
            ctx: ctx.clone(),
        })
    }

    /// The next batch as it lies in the file.
    fn decode(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            self.ctx.cancel().check()?;
            if let Some(window) = &mut self.window {
                let (from, lenient, ctx) = ((&self.file, self.shown.as_str()), &self.lenient, &self.ctx);
                let found = guarded(&self.shown, || window.read(from, lenient, &self.dictionaries, ctx))?;
                if let Some(found) = found {
                    let kept = |at: &usize| self.order.iter().filter(|other| *other < at).count();
                    let columns: Vec<ArrayRef> =
                        self.order.iter().map(|at| Arc::clone(found.column(kept(at)))).collect();
                    return self.rows(&columns, found.num_rows()).map(Some);
                }
                self.window = None;
            }
            if self.take == 0 {
                break;
            }
            let Some(at) = self.messages.next() else { break };
            let message = self.index.messages[at].clone();
            if let Some(rows) = message.rows
                && self.skip > 0
            {
                self.skip -= 1;
                self.passed = self.passed.saturating_add(rows);
                continue;
            }
            if message.dictionary.is_some_and(|id| !self.wanted.contains(&id)) {
                continue;
            }
            let shown = self.shown.clone();
            if self.is_cut(&message) {
                let found = metadata_at(&self.file, message.at, &shown)?.ok_or_else(|| moved_on(&shown))?;
                let wanted = (0..self.lenient.fields().len()).map(|at| self.order.contains(&at)).collect();
                self.window = Some(Window::new(&message, found, &self.lenient, wanted));
                self.take -= 1;
                continue;
            }
            if let Some(batch) = guarded(&shown, || self.message(&message))? {
                self.take -= 1;
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }

    /// Whether a message's rows are read some at a time: they are more than a batch, or only some columns are wanted.
    fn is_cut(&self, message: &Message) -> bool {
        let fields = self.lenient.fields();
        let large = message.body > self.ctx.batch_bytes() as u64;
        let part = self.order.len() < fields.len() && message.body > PART_FROM;
        message.rows.is_some() && !message.packed && (large || part) && fields.iter().all(|f| is_cut(f.data_type()))
    }

    /// The columns as those of the schema.
    fn rows(&self, columns: &[ArrayRef], rows: usize) -> Result<RecordBatch> {
        let shown = &self.shown;
        let columns = columns.iter().zip(self.schema.fields()).map(|(column, field)| {
            if column.null_count() > 0 && !field.is_nullable() {
                return Err(Error::failed("the column has NULLs, and the file says that it has none")
                    .at(format!("{shown}, column {}", field.name()))
                    .next("write the file anew with a column that may have NULLs"));
            }
            cast_exactly(column, field).map_err(|e| e.at(format!("{shown}, column {}", field.name())))
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options).map_err(|e| {
            Error::failed("the rows do not have the columns that the file says they have").at(shown).because(e)
        })
    }

    /// Reads a message; none was a dictionary, which is kept.
    fn message(&mut self, message: &Message) -> Result<Option<RecordBatch>> {
        let shown = &self.shown;
        let (metadata, body_at) = metadata_at(&self.file, message.at, shown)?.ok_or_else(|| moved_on(shown))?;
        let length = usize::try_from(message.body).unwrap_or(usize::MAX);
        let mut bytes = length;
        self.admit(message, bytes)?;
        let mut body = MutableBuffer::from_len_zeroed(length);
        self.file.read_all(&mut body, body_at).map_err(|e| io_error(shown, e))?;
        let body = Buffer::from(body);
        let parsed = root_as_message(&metadata).map_err(|e| unreadable(shown, e))?;
        let damaged = || Error::failed("the Arrow file is damaged: a message says nothing").at(shown);
        if message.packed {
            let batch = parsed.header_as_record_batch();
            let batch = batch.or_else(|| parsed.header_as_dictionary_batch().and_then(|batch| batch.data()));
            let unpacked = batch.map_or(Some(0), |batch| unpacked(&batch, &body)).ok_or_else(damaged)?;
            bytes = length.saturating_add(unpacked);
            self.admit(message, bytes)?;
        }
        let refused = |e| unreadable(shown, e);
        if message.rows.is_none() {
            let batch = parsed.header_as_dictionary_batch().ok_or_else(damaged)?;
            let (schema, version) = (&self.index.schema, parsed.version());
            let before = if batch.isDelta() { self.sizes.get(&batch.id()).copied().unwrap_or(0) } else { 0 };
            read_dictionary(&body, batch, schema, &mut self.dictionaries, &version).map_err(refused)?;
            self.sizes.insert(batch.id(), before.saturating_add(bytes));
            return Ok(None);
        }
        let batch = parsed.header_as_record_batch().ok_or_else(damaged)?;
        let version = parsed.version();
        let schema = Arc::clone(&self.lenient);
        let all = self.order.iter().copied().eq(0..schema.fields().len());
        let decoder =
            RecordBatchDecoder::try_new(&body, batch, schema, &self.dictionaries, &version).map_err(refused)?;
        let decoder = decoder.with_projection((!all).then_some(self.order.as_slice()));
        let read = decoder.read_record_batch().map_err(refused)?;
        self.rows(read.columns(), read.num_rows()).map(Some)
    }

    /// Asks for memory before it is taken.
    fn admit(&self, message: &Message, bytes: usize) -> Result<()> {
        let held = self.sizes.values().fold(0, |sum: usize, size| sum.saturating_add(*size));
        let what = match (message.rows, held) {
            (None, 0) => "a dictionary",
            (Some(_), 0) => "a record batch",
            (None, _) => "all dictionaries",
            (Some(_), _) => "a record batch with its dictionaries",
        };
        let bytes = bytes.saturating_add(held);
        self.ctx.share.admit_whole(what, bytes, self.ctx.cancel(), || self.shown.clone())
    }
}

impl BatchStream for MessageStream {
    fn next(&mut self) -> Result<Option<Batch>> {
        loop {
            self.ctx.cancel().check()?;
            if let Some(rows) = self.cut.as_mut().and_then(Iterator::next) {
                return Ok(Some(rows?.into()));
            }
            self.cut = None;
            let Some(batch) = self.decode()? else { return Ok(None) };
            let before = self.passed;
            self.passed = before.saturating_add(batch.num_rows() as u64);
            self.cut = Some(Cut::admitted(batch, before, &self.ctx, self.shown.clone()));
        }
    }
}

fn moved_on(shown: &str) -> Error {
    Error::moved_on("the file has changed while it was read").at(shown)
}

/// The same columns, all of which may have NULLs.
fn lenient(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The dictionaries that a column needs, by the numbers that the file gives them.
fn dictionaries_of(field: &Field, out: &mut HashSet<i64>) {
    #[expect(deprecated, reason = "files number their dictionaries, and the library knows the numbers only there")]
    out.extend(field.dict_id());
    inside(field.data_type(), out);
}

fn inside(data_type: &DataType, out: &mut HashSet<i64>) {
    use DataType as T;
    match data_type {
        T::Dictionary(_, values) => inside(values, out),
        T::List(field)
        | T::LargeList(field)
        | T::ListView(field)
        | T::LargeListView(field)
        | T::FixedSizeList(field, _)
        | T::Map(field, _)
        | T::RunEndEncoded(_, field) => dictionaries_of(field, out),
        T::Struct(fields) => fields.iter().for_each(|field| dictionaries_of(field, out)),
        T::Union(fields, _) => fields.iter().for_each(|(_, field)| dictionaries_of(field, out)),
        _ => {}
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
