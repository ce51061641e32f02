//! Packing on the way into a file of text, and knowing where a packed part of one ends.

use std::fs::File;
use std::io::{self, BufRead, BufWriter, Read, Write};

use hygge_core::{Error, Result};
use liblzma::stream::{Check, Filters, LzmaOptions, Stream};
use liblzma::write::XzEncoder;
use lz4_flex::frame::{BlockSize, FrameEncoder, FrameInfo};
use zstd::zstd_safe::CParameter;

use super::codec::{Codec, WINDOW_LOG};

/// How packed files are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packing {
    /// The way.
    pub codec: Codec,
    /// How hard, within [`Codec::levels`]; none is the usual. Levels that would hold more than a writer may have their
    /// tables cut.
    pub level: Option<u32>,
}

/// How hard a codec can be told to work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Levels {
    /// The fastest.
    pub least: u32,
    /// The smallest files.
    pub most: u32,
    /// The one that is taken where none is given.
    pub usual: u32,
}

impl Codec {
    /// Its levels, where it has some.
    #[must_use]
    pub fn levels(self) -> Option<Levels> {
        let (least, most, usual) = match self {
            Self::Plain | Self::Lz4 => return None,
            Self::Gzip | Self::Xz => (0, 9, 6),
            Self::Zstd => (1, 22, 3),
            Self::Bzip2 => (1, 9, 9),
        };
        Some(Levels { least, most, usual })
    }
}

impl Packing {
    /// Refuses a level that the way of packing does not know.
    ///
    /// # Errors
    /// As said.
    pub(crate) fn check(self) -> Result<()> {
        let Some(level) = self.level else { return Ok(()) };
        let Some(Levels { least, most, .. }) = self.codec.levels() else {
            let found = format!("{} has no levels", self.codec.word());
            return Err(Error::refused(found).next("give no level"));
        };
        if (least..=most).contains(&level) {
            return Ok(());
        }
        let found = format!("{level} is no level of this compression, which knows {least} to {most}");
        Err(Error::refused(found).next("give a level in between, or none"))
    }

    /// The end of a packed file's name.
    pub(crate) fn extension(self, base: &str) -> String {
        format!("{base}{}", self.codec.end())
    }

    /// As receipts keep it.
    pub(crate) fn described(self) -> String {
        let level = self.level.map(|level| format!(" {level}")).unwrap_or_default();
        format!("{}{level}", self.codec.word())
    }
}

/// Knows how many bytes were taken from it.
pub(crate) struct Tracked<R> {
    pub(crate) inner: R,
    pub(crate) passed: u64,
}

impl<R: BufRead> Read for Tracked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.passed += n as u64;
        Ok(n)
    }
}

impl<R: BufRead> BufRead for Tracked<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.inner.consume(amount);
        self.passed += amount as u64;
    }
}

/// The memory that packs a header.
pub(crate) const HEADER_MEMORY: usize = 1 << 20;

/// Cuts the tables of a level of Zstandard to a part of `memory`, where the level would make them larger.
fn zstd_tables(level: u32, memory: usize) -> Vec<CParameter> {
    // Window, chain and hash table of the levels, as powers of two.
    let (window, chain, hash) = match level {
        0..=6 => (21, 18, 19),
        7..=8 => (21, 19, 20),
        9..=11 => (22, 21, 22),
        12..=16 => (22, 22, 23),
        17..=19 => (23, 24, 23),
        _ => (27, 27, 25),
    };
    // Half of the memory is the window with its buffers; chains and hashes have four bytes each.
    let most = memory.max(1 << 20).ilog2();
    let mut cut = Vec::new();
    if window > (most - 2).min(WINDOW_LOG) {
        cut.push(CParameter::WindowLog((most - 2).min(WINDOW_LOG)));
    }
    if chain > most - 5 {
        cut.push(CParameter::ChainLog(most - 5));
    }
    if hash > most - 5 {
        cut.push(CParameter::HashLog(most - 5));
    }
    cut
}

/// A level of xz with its dictionary cut to what may be held, and to what is read again.
fn xz_stream(level: u32, memory: usize) -> io::Result<Stream> {
    // The dictionaries of the levels, as powers of two.
    const LEVELS: [u32; 10] = [18, 20, 21, 22, 22, 23, 23, 24, 25, 26];
    // Finding what repeats takes up to twelve times the dictionary.
    let most = (memory / 12).max(1 << 16).ilog2().min(WINDOW_LOG);
    let level_log = LEVELS.get(level as usize).copied().unwrap_or(WINDOW_LOG);
    let mut options = LzmaOptions::new_preset(level)?;
    options.dict_size(1 << level_log.min(most));
    Ok(Stream::new_stream_encoder(Filters::new().lzma2(&options), Check::Crc64)?)
}

/// Blocks are small and stand alone, so that readers need little memory; a checksum tells damage.
fn lz4_frame() -> FrameInfo {
    FrameInfo::new().block_size(BlockSize::Max256KB).content_checksum(true)
}

/// What bytes go through on their way into a file.
pub(crate) enum Sink<W: Write = File> {
    Plain(BufWriter<W>),
    Gzip(Box<flate2::write::GzEncoder<BufWriter<W>>>),
    Zstd(Box<zstd::stream::write::Encoder<'static, BufWriter<W>>>),
    Bzip2(Box<bzip2::write::BzEncoder<BufWriter<W>>>),
    Xz(Box<XzEncoder<BufWriter<W>>>),
    Lz4(Box<FrameEncoder<BufWriter<W>>>),
}

impl<W: Write> Sink<W> {
    /// What holds back at most about `memory` bytes on the way into `file`.
    pub(crate) fn new(packing: Packing, file: W, memory: usize) -> io::Result<Self> {
        let file = BufWriter::with_capacity(128 << 10, file);
        let level = packing.level.or(packing.codec.levels().map(|levels| levels.usual)).unwrap_or_default();
        Ok(match packing.codec {
            Codec::Plain => Self::Plain(file),
            Codec::Gzip => Self::Gzip(Box::new(flate2::write::GzEncoder::new(file, flate2::Compression::new(level)))),
            Codec::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(file, level.cast_signed())?;
                // As the zstd program does: damage is told when the file is read.
                encoder.include_checksum(true)?;
                for table in zstd_tables(level, memory) {
                    encoder.set_parameter(table)?;
                }
                Self::Zstd(Box::new(encoder))
            }
            Codec::Bzip2 => Self::Bzip2(Box::new(bzip2::write::BzEncoder::new(file, bzip2::Compression::new(level)))),
            Codec::Xz => Self::Xz(Box::new(XzEncoder::new_stream(file, xz_stream(level, memory)?))),
            Codec::Lz4 => Self::Lz4(Box::new(FrameEncoder::with_frame_info(lz4_frame(), file))),
        })
    }

    pub(crate) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.write_all(bytes),
            Self::Gzip(encoder) => encoder.write_all(bytes),
            Self::Zstd(encoder) => encoder.write_all(bytes),
            Self::Bzip2(encoder) => encoder.write_all(bytes),
            Self::Xz(encoder) => encoder.write_all(bytes),
            Self::Lz4(encoder) => encoder.write_all(bytes),
        }
    }

    pub(crate) fn finish(self) -> io::Result<W> {
        let file = match self {
            Self::Plain(file) => file,
            Self::Gzip(encoder) => encoder.finish()?,
            Self::Zstd(encoder) => encoder.finish()?,
            Self::Bzip2(encoder) => encoder.finish()?,
            Self::Xz(encoder) => encoder.finish()?,
            Self::Lz4(encoder) => encoder.finish()?,
        };
        file.into_inner().map_err(io::IntoInnerError::into_error)
    }
}
