//! Avro's object container files: where their blocks lie, told without unpacking them.

use hygge_core::{Error, Result};

use super::unpack::Packing;
use crate::files::positioned::Positioned;

/// How a container file begins.
const MAGIC: &[u8; 4] = b"Obj\x01";

/// The bytes between blocks.
const SYNC: usize = 16;

/// The most bytes of a number.
const VARINT: usize = 10;

/// What is read at first of a header.
const HEADER_FIRST: usize = 64 << 10;

/// The most bytes of a header.
const HEADER_MOST: usize = 64 << 20;

/// What the header of a container says.
pub(super) struct Header {
    /// The columns, as JSON.
    pub(super) schema: String,
    /// How blocks are packed.
    pub(super) packing: Packing,
    /// What stands between blocks.
    pub(super) sync: [u8; SYNC],
    /// Where the first block begins.
    pub(super) end: u64,
}

/// A block of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    /// Where it begins.
    pub(super) at: u64,
    /// Where its data begins.
    pub(super) data: u64,
    /// The bytes of its data, packed.
    pub(super) len: u64,
    /// Its rows.
    pub(super) rows: u64,
}

impl Block {
    /// Where the block behind it begins.
    pub(super) fn end(&self) -> u64 {
        self.data + self.len + SYNC as u64
    }
}

impl Header {
    /// Reads the header of a file.
    pub(super) fn read(file: &Positioned, shown: &str) -> Result<Self> {
        let mut size = HEADER_FIRST;
        loop {
            let have = usize::try_from(file.length()).unwrap_or(usize::MAX).min(size);
            let bytes = file.bytes(0, have).map_err(|e| Error::io("read", std::path::Path::new(shown), e))?;
            if !bytes.starts_with(MAGIC) {
                let found = if bytes.is_empty() { "the file is empty" } else { "the file does not begin like one" };
                return Err(Error::failed(format!("{found}: it is no Avro container file"))
                    .at(shown)
                    .next("name container files (.avro) only; bare Avro data has no schema to be read by"));
            }
            if let Some(header) = Self::parse(&bytes, shown)? {
                return Ok(header);
            }
            if have < size || size >= HEADER_MOST {
                return Err(cut_short(shown));
            }
            size = (size * 8).min(HEADER_MOST);
        }
    }

    /// None: there are too few bytes.
    fn parse(bytes: &[u8], shown: &str) -> Result<Option<Self>> {
        let mut from = Cursor { bytes, at: MAGIC.len() };
        let (mut schema, mut packing) = (None, Packing::None);
        loop {
            let Some(count) = from.number() else { return Ok(None) };
            if count == 0 {
                break;
            }
            if count < 0 && from.number().is_none() {
                return Ok(None);
            }
            for _ in 0..count.unsigned_abs() {
                let (Some(key), Some(value)) = (from.text(), from.text()) else { return Ok(None) };
                match key {
                    b"avro.schema" => schema = Some(value.to_vec()),
                    b"avro.codec" => {
                        packing = Packing::of(value).ok_or_else(|| {
                            Error::refused(format!(
                                "the blocks are packed by {:?}, which hygge does not know",
                                String::from_utf8_lossy(value)
                            ))
                            .at(shown)
                            .next("write the file anew with deflate, snappy, zstandard, bzip2, xz or null")
                        })?;
                    }
                    _ => {}
                }
            }
        }
        let Some(sync) = from.take(SYNC) else { return Ok(None) };
        let schema = schema.and_then(|schema| String::from_utf8(schema).ok()).ok_or_else(|| {
            Error::failed("the Avro file has no schema").at(shown).next("write the file anew, or take it away")
        })?;
        let sync = sync.try_into().map_err(|_| cut_short(shown))?;
        Ok(Some(Self { schema, packing, sync, end: from.at as u64 }))
    }

    /// Finds the blocks from a position up to another, which is the end of one.
    pub(super) fn blocks(&self, file: &Positioned, (begin, end): (u64, u64), shown: &str) -> Result<Vec<Block>> {
        let failed = |e| Error::io("read", std::path::Path::new(shown), e);
        let mut out = Vec::new();
        let mut at = begin;
        // What is behind a block and the beginning of the next are read at once.
        let mut ahead = [0; SYNC + 2 * VARINT];
        let mut have = file.read_some(&mut ahead[SYNC..], at).map_err(failed)?;
        while at < end {
            let mut from = Cursor { bytes: &ahead[SYNC..SYNC + have], at: 0 };
            let (Some(rows), Some(len)) = (from.number(), from.number()) else { return Err(cut_short(shown)) };
            let (Ok(rows), Ok(len)) = (u64::try_from(rows), u64::try_from(len)) else { return Err(damaged(shown)) };
            if rows == 0 && len > 0 && self.packing == Packing::None {
                return Err(damaged(shown));
            }
            let block = Block { at, data: at + from.at as u64, len, rows };
            let sync_at = block.data.checked_add(len).ok_or_else(|| damaged(shown))?;
            if sync_at.checked_add(SYNC as u64).is_none_or(|end| end > file.length()) {
                return Err(cut_short(shown));
            }
            have = file.read_some(&mut ahead, sync_at).map_err(failed)?.saturating_sub(SYNC);
            if ahead[..SYNC] != self.sync {
                return Err(damaged(shown));
            }
            at = block.end();
            out.push(block);
        }
        Ok(out)
    }
}

fn cut_short(shown: &str) -> Error {
    Error::failed("the Avro file ends in the middle: it was cut short, or is still being written")
        .at(shown)
        .next("write the file anew, or take it away")
}

fn damaged(shown: &str) -> Error {
    Error::failed("the Avro file is damaged: a block does not end where it says")
        .at(shown)
        .next("write the file anew, or take it away")
}

/// A number as Avro writes it: zigzag, seven bits a byte, the least first.
pub(super) fn put_number(out: &mut Vec<u8>, number: u64) {
    let mut rest = number << 1;
    loop {
        let [byte, ..] = (rest & 0x7f).to_le_bytes();
        rest >>= 7;
        if rest == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

/// The header of a container that is not packed.
pub(super) fn put_header(out: &mut Vec<u8>, schema: &str, sync: [u8; SYNC]) {
    out.extend_from_slice(MAGIC);
    put_number(out, 1);
    for text in ["avro.schema", schema] {
        put_number(out, text.len() as u64);
        out.extend_from_slice(text.as_bytes());
    }
    put_number(out, 0);
    out.extend_from_slice(&sync);
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let bytes = self.bytes.get(self.at..self.at.checked_add(len)?)?;
        self.at += len;
        Some(bytes)
    }

    fn number(&mut self) -> Option<i64> {
        let mut number = 0_u64;
        for byte in 0..VARINT {
            let next = self.take(1)?[0];
            number |= u64::from(next & 0x7f) << (7 * byte).min(63);
            if next & 0x80 == 0 {
                return Some((number >> 1).cast_signed() ^ -((number & 1).cast_signed()));
            }
        }
        None
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.number()?).ok()?;
        self.take(len)
    }
}
