//! Some rows of a record batch, of which only their bytes are read: a batch that is not packed need not lie in memory
//! whole. What is read becomes a batch of its own, which the library decodes as any other.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_buffer::{BooleanBuffer, Buffer, MutableBuffer};
use arrow_ipc::reader::RecordBatchDecoder;
use arrow_ipc::{FieldNode, MetadataVersion, RecordBatchBuilder, root_as_message};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use hygge_core::context::SplitContext;
use hygge_core::{Error, Result};

use super::messages::Message;
use super::{io_error, unreadable};
use crate::files::positioned::Positioned;

/// Where buffers begin, so that values of every type can be read in their place.
const ALIGNED: usize = 64;

/// A record batch that is read some rows at a time.
pub(super) struct Window {
    /// What the message says of its buffers.
    metadata: Vec<u8>,
    body_at: u64,
    body: u64,
    rows: u64,
    /// The first row that was not read.
    next: u64,
    /// The columns that are read, in the file's order.
    schema: SchemaRef,
    /// Whether each column of the file is read.
    wanted: Vec<bool>,
}

/// Whether some rows of a column can be found without reading the others.
pub(super) fn is_cut(data_type: &DataType) -> bool {
    use DataType as T;
    match data_type {
        T::List(field) | T::LargeList(field) | T::FixedSizeList(field, _) | T::Map(field, _) => {
            is_cut(field.data_type())
        }
        T::Struct(fields) => fields.iter().all(|field| is_cut(field.data_type())),
        T::ListView(_) | T::LargeListView(_) | T::RunEndEncoded(..) | T::Union(..) => false,
        _ => true,
    }
}

impl Window {
    /// Of a message whose columns are all [`is_cut`], with its metadata and where its body begins.
    pub(super) fn new(message: &Message, found: (Vec<u8>, u64), schema: &SchemaRef, wanted: Vec<bool>) -> Self {
        let (metadata, body_at) = found;
        let fields = schema.fields().iter().zip(&wanted).filter(|(_, wanted)| **wanted);
        let schema = Arc::new(Schema::new(fields.map(|(field, _)| Arc::clone(field)).collect::<Vec<_>>()));
        Self { metadata, body_at, body: message.body, rows: message.rows.unwrap_or(0), next: 0, schema, wanted }
    }

    /// The next rows, as many as make about a batch, with the columns that are wanted in the file's order; none at the end.
    pub(super) fn read(
        &mut self,
        (file, shown): (&Positioned, &str),
        all: &SchemaRef,
        dictionaries: &HashMap<i64, ArrayRef>,
        ctx: &SplitContext,
    ) -> Result<Option<RecordBatch>> {
        let left = self.rows - self.next;
        if left == 0 {
            return Ok(None);
        }
        let limit = ctx.batch_bytes();
        let guess = u128::from(self.rows) * limit as u128 / u128::from(self.body.max(1));
        let mut rows = u64::try_from(guess).unwrap_or(u64::MAX).clamp(1, ctx.batch_rows as u64).min(left);
        let message = root_as_message(&self.metadata).map_err(|e| unreadable(shown, e))?;
        let batch = message.header_as_record_batch().ok_or_else(|| contradicts(shown))?;
        loop {
            let mut part = Part {
                file,
                shown,
                ctx,
                body: (self.body_at, self.body),
                nodes: batch
                    .nodes()
                    .map(|nodes| nodes.iter().copied().collect::<Vec<_>>())
                    .unwrap_or_default()
                    .into_iter(),
                buffers: batch
                    .buffers()
                    .map(|all| all.iter().copied().collect::<Vec<_>>())
                    .unwrap_or_default()
                    .into_iter(),
                variadic: batch
                    .variadicBufferCounts()
                    .map(|all| all.iter().collect::<Vec<_>>())
                    .unwrap_or_default()
                    .into_iter(),
                limit: (rows > 1).then_some(limit),
                found: Found::default(),
            };
            let mut columns = all.fields().iter().zip(&self.wanted);
            let taken = columns.try_for_each(|(field, wanted)| {
                if *wanted { part.take(field, self.next, self.next + rows) } else { part.pass(field) }
            });
            match taken {
                Ok(()) => {
                    let batch = part.found.decode(rows, &self.schema, dictionaries, message.version(), shown)?;
                    self.next += rows;
                    return Ok(Some(batch));
                }
                Err(Stop::TooLarge) => rows = rows.div_ceil(2),
                Err(Stop::Wrong(error)) => return Err(error),
            }
        }
    }
}

/// Why rows were not read.
enum Stop {
    /// They are more than a batch; fewer may not be.
    TooLarge,
    Wrong(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Wrong(error)
    }
}

fn contradicts(shown: &str) -> Error {
    Error::failed("the Arrow file is damaged: a record batch is not what its columns say")
        .at(shown)
        .next("write the file anew, or take it away")
}

/// A batch in the making, in the library's own terms.
#[derive(Default)]
struct Found {
    body: MutableBuffer,
    nodes: Vec<FieldNode>,
    buffers: Vec<arrow_ipc::Buffer>,
    variadic: Vec<i64>,
}

impl Found {
    fn push(&mut self, bytes: &[u8]) {
        let at = self.body.len();
        self.body.extend_from_slice(bytes);
        self.body.resize(self.body.len().next_multiple_of(ALIGNED), 0);
        self.buffers.push(arrow_ipc::Buffer::new(signed(at as u64), signed(bytes.len() as u64)));
    }

    fn decode(
        self,
        rows: u64,
        schema: &SchemaRef,
        dictionaries: &HashMap<i64, ArrayRef>,
        version: MetadataVersion,
        shown: &str,
    ) -> Result<RecordBatch> {
        let mut builder = flatbuffers::FlatBufferBuilder::new();
        let nodes = builder.create_vector(&self.nodes);
        let buffers = builder.create_vector(&self.buffers);
        let variadic = (!self.variadic.is_empty()).then(|| builder.create_vector(&self.variadic));
        let mut batch = RecordBatchBuilder::new(&mut builder);
        batch.add_length(signed(rows));
        batch.add_nodes(nodes);
        batch.add_buffers(buffers);
        if let Some(variadic) = variadic {
            batch.add_variadicBufferCounts(variadic);
        }
        let root = batch.finish();
        builder.finish(root, None);
        let batch = flatbuffers::root::<arrow_ipc::RecordBatch<'_>>(builder.finished_data());
        let batch = batch.map_err(|e| Error::bug("a part of a record batch is none").because(e))?;
        let body = Buffer::from(self.body);
        let decoder = RecordBatchDecoder::try_new(&body, batch, Arc::clone(schema), dictionaries, &version);
        decoder.and_then(RecordBatchDecoder::read_record_batch).map_err(|e| unreadable(shown, e))
    }
}

/// Lengths and positions are checked against the file, and no file is so long.
fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Rows while they are read.
struct Part<'a> {
    file: &'a Positioned,
    shown: &'a str,
    ctx: &'a SplitContext,
    /// Where the body begins, and its length.
    body: (u64, u64),
    nodes: std::vec::IntoIter<FieldNode>,
    buffers: std::vec::IntoIter<arrow_ipc::Buffer>,
    variadic: std::vec::IntoIter<i64>,
    /// The most bytes; none, where a row by itself asks for memory.
    limit: Option<usize>,
    found: Found,
}

impl Part<'_> {
    fn wrong(&self) -> Stop {
        Stop::Wrong(contradicts(self.shown))
    }

    fn node(&mut self) -> Result<FieldNode, Stop> {
        self.nodes.next().ok_or_else(|| contradicts(self.shown).into())
    }

    fn buffer(&mut self) -> Result<arrow_ipc::Buffer, Stop> {
        self.buffers.next().ok_or_else(|| contradicts(self.shown).into())
    }

    fn variadic(&mut self) -> Result<i64, Stop> {
        self.variadic.next().ok_or_else(|| contradicts(self.shown).into())
    }

    /// Bytes of a buffer.
    fn bytes(&self, buffer: arrow_ipc::Buffer, from: u64, to: u64) -> Result<Vec<u8>, Stop> {
        let (Ok(at), Ok(length)) = (u64::try_from(buffer.offset()), u64::try_from(buffer.length())) else {
            return Err(self.wrong());
        };
        let inside = from <= to && to <= length && at.checked_add(to).is_some_and(|end| end <= self.body.1);
        let length = usize::try_from(to.wrapping_sub(from)).ok().filter(|_| inside).ok_or_else(|| self.wrong())?;
        let all = self.found.body.len().saturating_add(length);
        match self.limit {
            Some(limit) if all > limit => return Err(Stop::TooLarge),
            Some(_) => {}
            None => self.ctx.admit_row(all, || format!("{}, a row of a record batch", self.shown))?,
        }
        Ok(self.file.bytes(self.body.0 + at + from, length).map_err(|e| io_error(self.shown, e))?)
    }

    /// Takes bits as a buffer of their own; the number of those that are set.
    fn bits(&mut self, buffer: arrow_ipc::Buffer, from: u64, to: u64) -> Result<usize, Stop> {
        let bytes = Buffer::from(self.bytes(buffer, from / 8, to.div_ceil(8))?);
        let length = usize::try_from(to - from).map_err(|_| self.wrong())?;
        let shift = usize::try_from(from % 8).unwrap_or(0);
        self.found.push(bytes.bit_slice(shift, length).as_slice());
        Ok(BooleanBuffer::new(bytes, shift, length).count_set_bits())
    }

    /// Takes which rows there are.
    fn validity(&mut self, node: FieldNode, from: u64, to: u64) -> Result<(), Stop> {
        let buffer = self.buffer()?;
        if u64::try_from(node.length()).map_or(true, |length| from > to || to > length) {
            return Err(self.wrong());
        }
        let nulls = if node.null_count() == 0 || buffer.length() == 0 {
            self.found.push(&[]);
            0
        } else {
            to - from - self.bits(buffer, from, to)? as u64
        };
        self.found.nodes.push(FieldNode::new(signed(to - from), signed(nulls)));
        Ok(())
    }

    /// Takes positions as if the first were 0; where they begin and end.
    fn offsets(&mut self, wide: bool, from: u64, to: u64) -> Result<(u64, u64), Stop> {
        let buffer = self.buffer()?;
        let width: u64 = if wide { 8 } else { 4 };
        if from == to {
            self.found.push(&[0; 8][..if wide { 8 } else { 4 }]);
            return Ok((0, 0));
        }
        let bytes = self.bytes(buffer, from * width, (to + 1) * width)?;
        let mut out = Vec::with_capacity(bytes.len());
        let (mut first, mut last) = (None, 0_i64);
        for position in bytes.chunks_exact(if wide { 8 } else { 4 }) {
            last = match position {
                [a, b, c, d] => i64::from(i32::from_le_bytes([*a, *b, *c, *d])),
                _ => i64::from_le_bytes(position.try_into().map_err(|_| self.wrong())?),
            };
            let first = *first.get_or_insert(last);
            let moved =
                last.checked_sub(first).filter(|moved| *moved >= 0 && first >= 0).ok_or_else(|| self.wrong())?;
            if wide {
                out.extend_from_slice(&moved.to_le_bytes());
            } else {
                out.extend_from_slice(&i32::try_from(moved).map_err(|_| self.wrong())?.to_le_bytes());
            }
        }
        self.found.push(&out);
        let first = u64::try_from(first.unwrap_or(0)).map_err(|_| self.wrong())?;
        Ok((first, u64::try_from(last).map_err(|_| self.wrong())?))
    }

    /// Takes rows of a column.
    fn take(&mut self, field: &Field, from: u64, to: u64) -> Result<(), Stop> {
        use DataType as T;
        let node = self.node()?;
        if *field.data_type() == T::Null {
            self.found.nodes.push(FieldNode::new(signed(to - from), signed(to - from)));
            return Ok(());
        }
        self.validity(node, from, to)?;
        match field.data_type() {
            T::Boolean => {
                let buffer = self.buffer()?;
                self.bits(buffer, from, to)?;
            }
            data_type @ (T::Utf8 | T::Binary | T::LargeUtf8 | T::LargeBinary) => {
                let wide = matches!(data_type, T::LargeUtf8 | T::LargeBinary);
                let (first, last) = self.offsets(wide, from, to)?;
                let buffer = self.buffer()?;
                let bytes = self.bytes(buffer, first, last)?;
                self.found.push(&bytes);
            }
            T::Utf8View | T::BinaryView => self.views(from, to)?,
            data_type @ (T::List(inner) | T::LargeList(inner) | T::Map(inner, _)) => {
                let (first, last) = self.offsets(matches!(data_type, T::LargeList(_)), from, to)?;
                self.take(inner, first, last)?;
            }
            T::FixedSizeList(inner, length) => {
                let length = u64::try_from(*length).map_err(|_| self.wrong())?;
                self.take(inner, from.saturating_mul(length), to.saturating_mul(length))?;
            }
            T::Struct(fields) => {
                for field in fields {
                    self.take(field, from, to)?;
                }
            }
            data_type => {
                let width = width(data_type).ok_or_else(|| self.wrong())?;
                let buffer = self.buffer()?;
                let bytes = self.bytes(buffer, from.saturating_mul(width), to.saturating_mul(width))?;
                self.found.push(&bytes);
            }
        }
        Ok(())
    }

    /// Takes views, and of what they show elsewhere the part from the first byte to the last.
    fn views(&mut self, from: u64, to: u64) -> Result<(), Stop> {
        let buffer = self.buffer()?;
        let mut views = self.bytes(buffer, from.saturating_mul(16), to.saturating_mul(16))?;
        let count = usize::try_from(self.variadic()?).map_err(|_| self.wrong())?;
        let word = |view: &[u8], at: usize| {
            u64::from(u32::from_le_bytes([view[at], view[at + 1], view[at + 2], view[at + 3]]))
        };
        let is_long = |view: &[u8]| word(view, 0) > 12;
        let mut shown = vec![(u64::MAX, 0_u64); count.min(self.buffers.len())];
        for view in views.chunks_exact(16).filter(|view| is_long(view)) {
            let part =
                shown.get_mut(usize::try_from(word(view, 8)).unwrap_or(usize::MAX)).ok_or_else(|| self.wrong())?;
            *part = (part.0.min(word(view, 12)), part.1.max(word(view, 12) + word(view, 0)));
        }
        for view in views.chunks_exact_mut(16).filter(|view| is_long(view)) {
            let begin = shown[usize::try_from(word(view, 8)).unwrap_or(0)].0;
            let moved = u32::try_from(word(view, 12) - begin).unwrap_or(u32::MAX);
            view[12..].copy_from_slice(&moved.to_le_bytes());
        }
        self.found.push(&views);
        self.found.variadic.push(signed(count as u64));
        for (begin, end) in shown {
            let buffer = self.buffer()?;
            let bytes = if begin < end { self.bytes(buffer, begin, end)? } else { Vec::new() };
            self.found.push(&bytes);
        }
        Ok(())
    }

    /// Passes a column over.
    fn pass(&mut self, field: &Field) -> Result<(), Stop> {
        use DataType as T;
        self.node()?;
        let buffers = match field.data_type() {
            T::Null => 0,
            T::FixedSizeList(..) | T::Struct(_) => 1,
            T::Utf8 | T::Binary | T::LargeUtf8 | T::LargeBinary => 3,
            T::Utf8View | T::BinaryView => 2 + self.variadic()?,
            _ => 2,
        };
        for _ in 0..buffers {
            self.buffer()?;
        }
        match field.data_type() {
            T::List(inner) | T::LargeList(inner) | T::Map(inner, _) | T::FixedSizeList(inner, _) => self.pass(inner),
            T::Struct(fields) => fields.iter().try_for_each(|field| self.pass(field)),
            _ => Ok(()),
        }
    }
}

/// The bytes of a value in its buffer.
fn width(data_type: &DataType) -> Option<u64> {
    let width = match data_type {
        DataType::Dictionary(key, _) => key.primitive_width()?,
        DataType::FixedSizeBinary(width) => usize::try_from(*width).ok()?,
        data_type => data_type.primitive_width()?,
    };
    Some(width as u64)
}
