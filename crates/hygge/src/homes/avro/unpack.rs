//! Blocks unpacked, within the memory of their split.

use std::io::{self, Read};

use hygge_core::Result;
use hygge_core::context::SplitContext;

/// How much is unpacked before memory is asked for again, in bytes.
const STEP: usize = 256 << 10;

/// How blocks are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    None,
    Deflate,
    Snappy,
    Zstd,
    Bzip2,
    Xz,
}

impl Packing {
    /// By the name that a header gives.
    pub(super) fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"null" | b"" => Self::None,
            b"deflate" => Self::Deflate,
            b"snappy" => Self::Snappy,
            b"zstandard" => Self::Zstd,
            b"bzip2" => Self::Bzip2,
            b"xz" => Self::Xz,
            _ => return None,
        })
    }

    /// Unpacks a block behind what `out` holds. The error inside is of the unpacking: the block is damaged.
    pub(super) fn unpack(
        self,
        block: &[u8],
        out: &mut Vec<u8>,
        ctx: &SplitContext,
        shown: &str,
    ) -> Result<io::Result<()>> {
        let from: Box<dyn Read + '_> = match self {
            Self::None => Box::new(block),
            Self::Deflate => Box::new(flate2::read::DeflateDecoder::new(block)),
            Self::Zstd => match zstd::stream::read::Decoder::with_buffer(block) {
                Ok(decoder) => Box::new(decoder),
                Err(error) => return Ok(Err(error)),
            },
            Self::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(block)),
            Self::Xz => Box::new(liblzma::read::XzDecoder::new_multi_decoder(block)),
            Self::Snappy => return snappy(block, out, ctx, shown),
        };
        all(from, out, ctx, shown)
    }
}

fn all(mut from: impl Read, out: &mut Vec<u8>, ctx: &SplitContext, shown: &str) -> Result<io::Result<()>> {
    let begin = out.len();
    loop {
        let step = out.len();
        // A vector grows by doubling: for a moment both lie in memory.
        admit((step - begin).saturating_mul(3), ctx, shown)?;
        match from.by_ref().take(STEP as u64).read_to_end(out) {
            Ok(0) => return Ok(Ok(())),
            Ok(_) => {}
            Err(error) => return Ok(Err(error)),
        }
    }
}

/// A block's length stands at its beginning, and a checksum at its end.
fn snappy(block: &[u8], out: &mut Vec<u8>, ctx: &SplitContext, shown: &str) -> Result<io::Result<()>> {
    let damaged = || Ok(Err(io::Error::from(io::ErrorKind::InvalidData)));
    let Some((packed, checksum)) = block.split_last_chunk::<4>() else { return damaged() };
    let Ok(len) = snap::raw::decompress_len(packed) else { return damaged() };
    admit(len.saturating_mul(2), ctx, shown)?;
    let begin = out.len();
    out.resize(begin + len, 0);
    let unpacked = snap::raw::Decoder::new().decompress(packed, &mut out[begin..]);
    if unpacked.ok() != Some(len) || crc32fast::hash(&out[begin..]) != u32::from_be_bytes(*checksum) {
        return damaged();
    }
    Ok(Ok(()))
}

/// Asks for memory for what a block holds.
pub(super) fn admit(bytes: usize, ctx: &SplitContext, shown: &str) -> Result<()> {
    ctx.share.admit_whole("an Avro block", bytes, ctx.cancel(), || shown.to_owned())
}
