//! Arrow IPC streams, message by message, so that the size of each is known before it is read.

use std::collections::HashMap;
use std::io::{self, BufReader, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::{ArrayRef, RecordBatch};
use arrow_buffer::{Buffer, MutableBuffer};
use arrow_ipc::reader::{read_dictionary, read_record_batch};
use arrow_ipc::{MessageHeader, MetadataVersion, root_as_message};
use arrow_schema::{ArrowError, SchemaRef};

/// What every message begins with.
const CONTINUATION: [u8; 4] = [0xff; 4];

/// The longest head of a message, in bytes: it grows with the columns, not with the rows.
const LONGEST_HEAD: usize = 16 << 20;

/// The longest body of a message, in bytes: beyond that no memory could be set that would do.
const LONGEST_BODY: u64 = 1 << 40;

/// The beginning of a stream: the columns are known.
pub struct IpcStream<R> {
    from: BufReader<R>,
    schema: SchemaRef,
    dictionaries: HashMap<i64, ArrayRef>,
    /// Bytes of each dictionary that is kept.
    kept: HashMap<i64, usize>,
    batches: u64,
}

/// Why a stream cannot be read on.
#[derive(Debug)]
pub enum Broken {
    /// The pipe: whoever knows the program says why.
    Pipe(io::Error),
    /// It ended before its end; how much had come.
    Short(String),
    /// It is no such stream, or a broken one.
    Rubbish(String),
    /// Nothing came at all.
    Nothing,
}

impl Broken {
    /// What was found, as part of a sentence that begins with the program.
    #[must_use]
    pub fn found(&self) -> String {
        match self {
            Self::Pipe(error) => format!("the program's stream cannot be read ({error})"),
            Self::Short(after) => format!("the program's stream breaks off {after}"),
            Self::Rubbish(what) => format!("what the program writes is no sound Arrow IPC stream ({what})"),
            Self::Nothing => "the program wrote nothing to its standard output".to_owned(),
        }
    }

    /// What the program is to do instead; none where what it said last tells more.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Pipe(_) => None,
            Self::Short(_) => Some("let it end its stream (in Python  stream.close()) before it ends itself"),
            Self::Rubbish(_) | Self::Nothing => Some(
                "let it write one Arrow IPC stream to its standard output, and whatever it has to say to standard error",
            ),
        }
    }
}

impl From<ArrowError> for Broken {
    fn from(error: ArrowError) -> Self {
        // Its text may hold values.
        let what = match error {
            ArrowError::IpcError(_) => "a message is not what it says it is",
            ArrowError::InvalidArgumentError(_) => "a column is not what the schema says",
            _ => "a message cannot be decoded",
        };
        Self::Rubbish(what.to_owned())
    }
}

/// A message that was announced and not read yet.
pub struct Message {
    head: Vec<u8>,
    /// Bytes of its body.
    pub bytes: usize,
}

impl<R: Read> IpcStream<R> {
    /// Reads the schema.
    ///
    /// # Errors
    /// If there is none.
    pub fn open(from: R) -> Result<Self, Broken> {
        let mut from = BufReader::with_capacity(64 << 10, from);
        let Some(message) = announced(&mut from, None)? else {
            return Err(Broken::Rubbish("it ends without a schema".to_owned()));
        };
        let schema = sound(|| {
            let head = parse(&message.head)?;
            let schema = head.header_as_schema().filter(|_| message.bytes == 0);
            let schema = schema.ok_or_else(|| Broken::Rubbish("it does not begin with a schema".to_owned()))?;
            if !schema.endianness().equals_to_target_endianness() {
                return Err(Broken::Rubbish("its bytes are ordered the other way round".to_owned()));
            }
            Ok(arrow_ipc::convert::fb_to_schema(schema))
        })?;
        let schema = SchemaRef::new(schema);
        Ok(Self { from, schema, dictionaries: HashMap::new(), kept: HashMap::new(), batches: 0 })
    }

    /// The columns.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// How many batches were read.
    #[must_use]
    pub fn batches(&self) -> u64 {
        self.batches
    }

    /// The pipe.
    pub fn pipe(&mut self) -> &mut R {
        self.from.get_mut()
    }

    /// Whether bytes that came with the last message's are left.
    #[must_use]
    pub fn has_more(&self) -> bool {
        !self.from.buffer().is_empty()
    }

    /// The next message, whose body is not read yet; none at the end of the stream.
    ///
    /// # Errors
    /// If it breaks off, or no message comes.
    pub fn announced(&mut self) -> Result<Option<Message>, Broken> {
        announced(&mut self.from, Some(self.batches))
    }

    /// Bytes of the dictionaries that are kept beside the batch in hand.
    #[must_use]
    pub fn kept_bytes(&self) -> usize {
        self.kept.values().sum()
    }

    /// Reads the body of a message; none if it was no batch but a dictionary.
    ///
    /// # Errors
    /// If it breaks off, or is not what it says it is.
    pub fn read(&mut self, message: &Message) -> Result<Option<RecordBatch>, Broken> {
        let mut body = MutableBuffer::from_len_zeroed(message.bytes);
        self.from.read_exact(body.as_slice_mut()).map_err(|error| short(error, self.batches))?;
        let body: Buffer = body.into();
        let (schema, dictionaries, kept) = (&self.schema, &mut self.dictionaries, &mut self.kept);
        let batch = sound(|| {
            let head = parse(&message.head)?;
            match head.header_type() {
                MessageHeader::RecordBatch => {
                    let batch = head.header_as_record_batch();
                    let batch = batch.ok_or_else(|| Broken::Rubbish("a batch without a head".to_owned()))?;
                    uncompressed(batch.compression().is_some())?;
                    Ok(Some(read_record_batch(&body, batch, schema.clone(), dictionaries, None, &head.version())?))
                }
                MessageHeader::DictionaryBatch => {
                    let dictionary = head.header_as_dictionary_batch();
                    let dictionary =
                        dictionary.ok_or_else(|| Broken::Rubbish("a dictionary without a head".to_owned()))?;
                    uncompressed(dictionary.data().is_some_and(|data| data.compression().is_some()))?;
                    read_dictionary(&body, dictionary, schema, dictionaries, &head.version())?;
                    let before = kept.get(&dictionary.id()).copied().filter(|_| dictionary.isDelta()).unwrap_or(0);
                    kept.insert(dictionary.id(), before + body.len());
                    Ok(None)
                }
                _ => Err(Broken::Rubbish("a message is neither a batch nor a dictionary".to_owned())),
            }
        })?;
        self.batches += u64::from(batch.is_some());
        Ok(batch)
    }
}

/// Decodes, and takes a panic of the decoder for what it is: bytes that it did not expect.
fn sound<T>(decode: impl FnOnce() -> Result<T, Broken>) -> Result<T, Broken> {
    catch_unwind(AssertUnwindSafe(decode))
        .unwrap_or_else(|_| Err(Broken::Rubbish("a message cannot be decoded".to_owned())))
}

fn uncompressed(compressed: bool) -> Result<(), Broken> {
    if compressed {
        return Err(Broken::Rubbish("its batches are compressed, and a pipe needs none of that".to_owned()));
    }
    Ok(())
}

fn parse(head: &[u8]) -> Result<arrow_ipc::Message<'_>, Broken> {
    let message = root_as_message(head).map_err(|_| Broken::Rubbish("a message has no sound head".to_owned()))?;
    // Others lay the same words out otherwise.
    if !(MetadataVersion::V4..=MetadataVersion::V5).contains(&message.version()) {
        return Err(Broken::Rubbish("a message is of a version that is not known".to_owned()));
    }
    Ok(message)
}

fn short(error: io::Error, batches: u64) -> Broken {
    if error.kind() != io::ErrorKind::UnexpectedEof {
        return Broken::Pipe(error);
    }
    Broken::Short(match batches {
        0 => "before its first batch is whole".to_owned(),
        1 => "after 1 batch".to_owned(),
        n => format!("after {n} batches"),
    })
}

/// `batches` came before; none: not even a schema.
fn announced(from: &mut impl Read, batches: Option<u64>) -> Result<Option<Message>, Broken> {
    let begun = batches.is_some();
    let batches = batches.unwrap_or(0);
    let mut word = [0; 4];
    let mut filled = 0;
    while filled < word.len() {
        match from.read(&mut word[filled..]) {
            Ok(0) if filled == 0 && !begun => return Err(Broken::Nothing),
            Ok(0) => return Err(short(io::ErrorKind::UnexpectedEof.into(), batches)),
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Broken::Pipe(error)),
        }
    }
    if word != CONTINUATION {
        return Err(Broken::Rubbish("a message does not begin as one".to_owned()));
    }
    from.read_exact(&mut word).map_err(|error| short(error, batches))?;
    let length = usize::try_from(u32::from_le_bytes(word)).unwrap_or(usize::MAX);
    if length == 0 {
        return Ok(None);
    }
    if length > LONGEST_HEAD {
        return Err(Broken::Rubbish("a message has a head of more than 16 MiB".to_owned()));
    }
    let mut head = vec![0; length];
    from.read_exact(&mut head).map_err(|error| short(error, batches))?;
    let bytes = usize::try_from(parse(&head)?.bodyLength());
    let bytes = bytes.map_err(|_| Broken::Rubbish("a message is shorter than nothing".to_owned()))?;
    if bytes as u64 > LONGEST_BODY {
        return Err(Broken::Rubbish("a message is said to be larger than any memory".to_owned()));
    }
    Ok(Some(Message { head, bytes }))
}
