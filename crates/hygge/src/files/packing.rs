//! Packing on the way into a file of text, and knowing where a packed part of one ends.

use std::fs::File;
use std::io::{self, BufRead, BufWriter, Read, Write};

use hygge_core::{Error, Result};
use zstd::zstd_safe::CParameter;

use super::codec::{Codec, ZSTD_WINDOW_LOG};

/// How packed files are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packing {
    /// The way.
    pub codec: Codec,
    /// How hard: 0 to 9 for gzip, 1 to 22 for Zstandard; none is the usual. Zstandard's hardest levels have their tables
    /// cut to what a writer may hold.
    pub level: Option<u32>,
}

impl Packing {
    /// Refuses a level that the way of packing does not know.
    ///
    /// # Errors
    /// As said.
    pub(crate) fn check(self) -> Result<()> {
        let Some(level) = self.level else { return Ok(()) };
        let (least, most) = match self.codec {
            Codec::Plain => (0, 0),
            Codec::Gzip => (0, 9),
            Codec::Zstd => (1, 22),
        };
        if (least..=most).contains(&level) {
            return Ok(());
        }
        let found = format!("{level} is no level of this compression, which knows {least} to {most}");
        Err(Error::refused(found).next("give a level in between, or none"))
    }

    /// The end of a packed file's name.
    pub(crate) fn extension(self, base: &str) -> String {
        match self.codec {
            Codec::Plain => base.to_owned(),
            Codec::Gzip => format!("{base}.gz"),
            Codec::Zstd => format!("{base}.zst"),
        }
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
    if window > (most - 2).min(ZSTD_WINDOW_LOG) {
        cut.push(CParameter::WindowLog((most - 2).min(ZSTD_WINDOW_LOG)));
    }
    if chain > most - 5 {
        cut.push(CParameter::ChainLog(most - 5));
    }
    if hash > most - 5 {
        cut.push(CParameter::HashLog(most - 5));
    }
    cut
}

/// What bytes go through on their way into a file.
pub(crate) enum Sink<W: Write = File> {
    Plain(BufWriter<W>),
    Gzip(Box<flate2::write::GzEncoder<BufWriter<W>>>),
    Zstd(Box<zstd::stream::write::Encoder<'static, BufWriter<W>>>),
}

impl<W: Write> Sink<W> {
    /// What holds back at most about `memory` bytes on the way into `file`.
    pub(crate) fn new(packing: Packing, file: W, memory: usize) -> io::Result<Self> {
        let file = BufWriter::with_capacity(128 << 10, file);
        Ok(match packing.codec {
            Codec::Plain => Self::Plain(file),
            Codec::Gzip => {
                let level = packing.level.map_or_else(flate2::Compression::default, flate2::Compression::new);
                Self::Gzip(Box::new(flate2::write::GzEncoder::new(file, level)))
            }
            Codec::Zstd => {
                let level = packing.level.unwrap_or(3);
                let mut encoder = zstd::stream::write::Encoder::new(file, level.cast_signed())?;
                for table in zstd_tables(level, memory) {
                    encoder.set_parameter(table)?;
                }
                Self::Zstd(Box::new(encoder))
            }
        })
    }

    pub(crate) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.write_all(bytes),
            Self::Gzip(encoder) => encoder.write_all(bytes),
            Self::Zstd(encoder) => encoder.write_all(bytes),
        }
    }

    pub(crate) fn finish(self) -> io::Result<W> {
        let file = match self {
            Self::Plain(file) => file,
            Self::Gzip(encoder) => encoder.finish()?,
            Self::Zstd(encoder) => encoder.finish()?,
        };
        file.into_inner().map_err(io::IntoInnerError::into_error)
    }
}
