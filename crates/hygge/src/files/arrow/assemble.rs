//! Several files into one, record batches copied as they are.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use arrow_ipc::convert::{IpcSchemaEncoder, metadata_to_fb};
use arrow_ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteOptions, write_message};
use arrow_ipc::{Block, FooterBuilder, MetadataVersion};
use arrow_schema::SchemaRef;
use hygge_core::{Error, Result};

use super::messages::Index;
use super::{RECEIPT_KEY, unwritable};
use crate::files::positioned::Positioned;

/// How a file begins, up to its first message.
const HEAD: &[u8; 8] = b"ARROW1\0\0";

/// How much is copied at once, in bytes.
const COPY_BYTES: usize = 1 << 20;

/// Parts that [`super::encoder`] wrote: they have no dictionaries.
pub(super) fn assemble(parts: &[PathBuf], schema: &SchemaRef, receipt: Option<&str>, into: File) -> Result<()> {
    let failed = |e| Error::io("write", Path::new("the Arrow file"), e);
    let mut out = BufWriter::with_capacity(COPY_BYTES, into);
    let options = IpcWriteOptions::default();
    let encoded = IpcDataGenerator {}.schema_to_bytes_with_dictionary_tracker(
        schema,
        &mut DictionaryTracker::new(true),
        &options,
    );
    out.write_all(HEAD).map_err(failed)?;
    let (head, body) = write_message(&mut out, encoded, &options).map_err(unwritable)?;
    let mut at = HEAD.len() as u64 + head as u64 + body as u64;
    let mut blocks = Vec::new();
    let mut buffer = vec![0; COPY_BYTES];
    for part in parts {
        let shown = part.display().to_string();
        let file = Positioned::whole(File::open(part).map_err(|e| Error::io("open", part, e))?, &shown)?;
        for message in Index::of(&file, &shown)?.messages {
            if message.rows.is_none() {
                return Err(Error::bug("a staged Arrow file has a dictionary").at(shown));
            }
            let whole = message.head as u64 + message.body;
            let mut copied = 0;
            while copied < whole {
                let n = usize::try_from(whole - copied).unwrap_or(COPY_BYTES).min(COPY_BYTES);
                file.read_all(&mut buffer[..n], message.at + copied).map_err(|e| Error::io("read", part, e))?;
                out.write_all(&buffer[..n]).map_err(failed)?;
                copied += n as u64;
            }
            let too_large = |e| Error::failed("the file would be too large for Arrow").because(e);
            let (offset, body) = (i64::try_from(at), i64::try_from(message.body));
            let head = i32::try_from(message.head).map_err(too_large)?;
            blocks.push(Block::new(offset.map_err(too_large)?, head, body.map_err(too_large)?));
            at += whole;
        }
    }
    out.write_all(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]).map_err(failed)?;
    let footer = footer(&blocks, schema, receipt);
    out.write_all(&footer).map_err(failed)?;
    let length = i32::try_from(footer.len())
        .map_err(|e| Error::failed("the file has too many record batches for one footer").because(e))?;
    out.write_all(&length.to_le_bytes()).map_err(failed)?;
    out.write_all(&HEAD[..6]).map_err(failed)?;
    out.flush().map_err(failed)
}

fn footer(blocks: &[Block], schema: &SchemaRef, receipt: Option<&str>) -> Vec<u8> {
    let mut builder = flatbuffers::FlatBufferBuilder::new();
    let dictionaries = builder.create_vector::<Block>(&[]);
    let batches = builder.create_vector(blocks);
    let schema = IpcSchemaEncoder::new()
        .with_dictionary_tracker(&mut DictionaryTracker::new(true))
        .schema_to_fb_offset(&mut builder, schema);
    let notes = receipt
        .map(|receipt| metadata_to_fb(&mut builder, &HashMap::from([(RECEIPT_KEY.to_owned(), receipt.to_owned())])));
    let mut footer = FooterBuilder::new(&mut builder);
    footer.add_version(MetadataVersion::V5);
    footer.add_schema(schema);
    footer.add_dictionaries(dictionaries);
    footer.add_recordBatches(batches);
    if let Some(notes) = notes {
        footer.add_custom_metadata(notes);
    }
    let root = footer.finish();
    builder.finish(root, None);
    builder.finished_data().to_vec()
}
