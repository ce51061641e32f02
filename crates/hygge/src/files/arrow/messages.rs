//! Where the messages of an Arrow file or stream lie, told without reading their bodies.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_ipc::{MessageHeader, MetadataVersion, root_as_footer, root_as_message};
use arrow_schema::{Field, Schema, SchemaRef};
use hygge_core::{Error, Result};

use super::{io_error, unreadable};
use crate::files::positioned::{Positioned, guarded};

/// How a file of Arrow's begins and ends.
const MAGIC: &[u8; 6] = b"ARROW1";

/// Where the first message of a file lies.
const FILE_HEAD: u64 = 8;

/// The most bytes that a footer, or what stands before a body, may have: beyond them it is damage, and no memory is taken.
const METADATA_MOST: u64 = 256 << 20;

/// A message that holds rows, or values of dictionaries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where it begins.
    pub at: u64,
    /// The bytes before its body.
    pub head: usize,
    /// The bytes of its body.
    pub body: u64,
    /// Rows; none in a dictionary.
    pub rows: Option<u64>,
    /// The dictionary whose values it holds.
    pub dictionary: Option<i64>,
    /// Whether its buffers are packed.
    pub packed: bool,
}

/// What a file or a stream holds.
#[derive(Debug)]
pub struct Index {
    /// Its columns, with all that their writer said of them.
    pub schema: SchemaRef,
    /// In the order in which they are to be read: a dictionary holds for what is behind it.
    pub messages: Vec<Message>,
    /// What the footer says beside.
    pub notes: HashMap<String, String>,
    /// Whether the end is marked: a stream may end without, and then nobody knows whether it was cut between batches.
    pub ended: bool,
}

impl Index {
    /// Looks at a file or a stream, whichever its first bytes say.
    ///
    /// # Errors
    /// If it is neither, or is cut short or damaged.
    pub fn of(file: &Positioned, shown: &str) -> Result<Self> {
        guarded(shown, || {
            let head =
                file.bytes(0, 8.min(usize::try_from(file.length()).unwrap_or(8))).map_err(|e| io_error(shown, e))?;
            match head.as_slice() {
                [b'A', b'R', b'R', b'O', b'W', b'1', ..] => Self::of_file(file, shown),
                [b'F', b'E', b'A', b'1', ..] => {
                    Err(Error::refused("the file is of Feather's first version, which is not Arrow")
                        .at(shown)
                        .next("write it anew as Feather 2, which pyarrow.feather does by itself"))
                }
                [] => Err(Error::failed("the file is empty, which no Arrow file is")
                    .at(shown)
                    .next("write the file anew, or take it away")),
                _ => Self::of_stream(file, shown),
            }
        })
    }

    fn of_file(file: &Positioned, shown: &str) -> Result<Self> {
        let cut = || {
            Error::failed("the Arrow file has no footer: it was cut short, or is still being written")
                .at(shown)
                .next("write the file anew, or take it away")
        };
        let tail_at = file.length().checked_sub(10).filter(|at| *at >= FILE_HEAD).ok_or_else(cut)?;
        let tail = file.bytes(tail_at, 10).map_err(|e| io_error(shown, e))?;
        let (length, magic) = tail.split_at(4);
        if magic != MAGIC {
            return Err(cut());
        }
        let length = u32::from_le_bytes(length.try_into().map_err(|_| cut())?);
        let fits = u64::from(length) <= METADATA_MOST;
        let footer_at = tail_at.checked_sub(u64::from(length)).filter(|_| fits).ok_or_else(cut)?;
        let bytes = file.bytes(footer_at, length as usize).map_err(|e| io_error(shown, e))?;
        let footer = root_as_footer(&bytes).map_err(|e| unreadable(shown, e))?;
        let schema = schema_of(footer.schema(), shown)?;
        let blocks = |blocks: Option<flatbuffers::Vector<'_, arrow_ipc::Block>>| -> Result<Vec<Message>> {
            let all = blocks.iter().flat_map(flatbuffers::Vector::iter);
            all.map(|block| {
                message_at(file, u64::try_from(block.offset()).unwrap_or(u64::MAX), shown)?
                    .ok_or_else(|| damaged(shown))
            })
            .collect()
        };
        let mut messages = blocks(footer.dictionaries())?;
        messages.extend(blocks(footer.recordBatches())?);
        let notes = footer.custom_metadata().into_iter().flat_map(|all| all.iter());
        let notes = notes.filter_map(|pair| Some((pair.key()?.to_owned(), pair.value()?.to_owned()))).collect();
        Ok(Self { schema, messages, notes, ended: true })
    }

    fn of_stream(file: &Positioned, shown: &str) -> Result<Self> {
        let neither = || {
            Error::failed("the file is neither an Arrow file nor an Arrow stream")
                .at(shown)
                .next("name files of one format only, or say which it is with `type:`")
        };
        let (bytes, mut at) = metadata_at(file, 0, shown).ok().flatten().ok_or_else(neither)?;
        let message = root_as_message(&bytes).map_err(|e| neither().because(e))?;
        if message.header_type() != MessageHeader::Schema {
            return Err(neither());
        }
        let schema = schema_of(message.header_as_schema(), shown)?;
        let mut messages = Vec::new();
        let mut ended = false;
        while at < file.length() {
            let Some(message) = message_at(file, at, shown)? else {
                ended = true;
                break;
            };
            at = message.at + message.head as u64 + message.body;
            messages.push(message);
        }
        // The mark is of eight bytes, and of four in streams of before version 0.15.
        let behind = file.length().saturating_sub(at);
        if behind > 8 || (behind == 8 && file.bytes(at + 4, 4).map_err(|e| io_error(shown, e))? != [0; 4]) {
            return Err(another(shown));
        }
        Ok(Self { schema, messages, notes: HashMap::new(), ended })
    }

    /// All rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.messages.iter().filter_map(|message| message.rows).sum()
    }
}

fn damaged(shown: &str) -> Error {
    Error::failed("the Arrow file is damaged: a part is not where it should be, or was cut off")
        .at(shown)
        .next("write the file anew, or take it away")
}

/// Only the rows of the first stream would be read.
fn another(shown: &str) -> Error {
    Error::refused("something stands behind the end of the Arrow stream, maybe another stream")
        .at(shown)
        .next("let each file hold one stream")
}

fn schema_of(schema: Option<arrow_ipc::Schema<'_>>, shown: &str) -> Result<SchemaRef> {
    let schema = schema.ok_or_else(|| damaged(shown))?;
    if !schema.endianness().equals_to_target_endianness() {
        return Err(Error::refused("the file was written on a machine that orders bytes the other way round")
            .at(shown)
            .next("write it anew in little-endian order, which pyarrow does by itself"));
    }
    // The library panics at a type that it does not know: one by one, so that it can be named.
    let fields = schema.fields().ok_or_else(|| damaged(shown))?.iter().map(|field| {
        guarded(shown, || Ok(Field::from(field))).map_err(|_| {
            let name = field.name().unwrap_or_default();
            Error::refused("the column is of a type that hygge does not know, and Arrow's own readers may not, either")
                .at(format!("{shown}, column {name}"))
                .next("write the file anew with the column as another type")
        })
    });
    Ok(Arc::new(Schema::new(fields.collect::<Result<Vec<_>>>()?)))
}

/// The metadata of the message at a position, and where its body begins; none at the end of a stream.
pub(super) fn metadata_at(file: &Positioned, at: u64, shown: &str) -> Result<Option<(Vec<u8>, u64)>> {
    let word = |at: u64| -> Result<u32> {
        let bytes = file.bytes(at, 4).map_err(|e| io_error(shown, e))?;
        Ok(u32::from_le_bytes(bytes.try_into().map_err(|_| damaged(shown))?))
    };
    let (length, from) = match word(at)? {
        u32::MAX => (word(at + 4)?, at + 8),
        // As it was written before version 0.15.
        length => (length, at + 4),
    };
    if length == 0 {
        return Ok(None);
    }
    if u64::from(length) > METADATA_MOST {
        return Err(damaged(shown));
    }
    let bytes = file.bytes(from, length as usize).map_err(|e| io_error(shown, e))?;
    Ok(Some((bytes, from + u64::from(length))))
}

fn message_at(file: &Positioned, at: u64, shown: &str) -> Result<Option<Message>> {
    let Some((bytes, body_at)) = metadata_at(file, at, shown)? else { return Ok(None) };
    let message = root_as_message(&bytes).map_err(|e| unreadable(shown, e))?;
    if message.version() < MetadataVersion::V4 {
        return Err(Error::refused("the file was written by a version of Arrow before 0.8, which is no longer read")
            .at(shown)
            .next("write it anew with a newer version"));
    }
    let body = u64::try_from(message.bodyLength()).map_err(|_| damaged(shown))?;
    if body_at.checked_add(body).is_none_or(|end| end > file.length()) {
        return Err(damaged(shown));
    }
    let (rows, dictionary, packed) = match message.header_type() {
        MessageHeader::RecordBatch => {
            let batch = message.header_as_record_batch().ok_or_else(|| damaged(shown))?;
            let rows = u64::try_from(batch.length()).map_err(|_| damaged(shown))?;
            (Some(rows), None, batch.compression().is_some())
        }
        MessageHeader::DictionaryBatch => {
            let batch = message.header_as_dictionary_batch().ok_or_else(|| damaged(shown))?;
            (None, Some(batch.id()), batch.data().is_some_and(|data| data.compression().is_some()))
        }
        MessageHeader::Schema => return Err(another(shown)),
        _ => {
            return Err(Error::refused("the file holds tensors, which are no rows")
                .at(shown)
                .next("take it out of the folder or the pattern"));
        }
    };
    let head = usize::try_from(body_at - at).map_err(|_| damaged(shown))?;
    Ok(Some(Message { at, head, body, rows, dictionary, packed }))
}
