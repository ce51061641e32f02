//! Compression of whole files, several members, frames or streams one behind the other.

#[cfg(any(test, fuzzing))]
pub mod fuzzed;
mod lz4;

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use hygge_core::{Error, Part};
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};

use self::lz4::{Lz4Frames, Trouble};
use super::pinned::PinnedFile;

/// How a file's bytes are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// Not at all.
    Plain,
    /// Gzip members.
    Gzip,
    /// Zstandard frames.
    Zstd,
    /// bzip2 streams.
    Bzip2,
    /// xz streams.
    Xz,
    /// LZ4 frames.
    Lz4,
}

/// Who says how a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// The end of its name.
    Name,
    /// The home's `compression:`, whatever its name is.
    Option,
}

/// What packs files.
const PACKED: [Codec; 5] = [Codec::Gzip, Codec::Zstd, Codec::Bzip2, Codec::Xz, Codec::Lz4];

/// The greatest window of a Zstandard frame, and dictionary of an xz stream, that is taken, as a power of two: what
/// `zstd -19` and `xz -6` make, and no more, since it lies in memory beside the budget's shares.
pub const WINDOW_LOG: u32 = 23;

/// What unpacking xz takes beside the dictionary, in bytes.
const XZ_BESIDE: u64 = 1 << 20;

/// Formats' extensions with those of their packed files behind.
macro_rules! packed_extensions {
    ($($base:literal),+) => {
        &[$(
            $base,
            concat!($base, ".gz"),
            concat!($base, ".zst"),
            concat!($base, ".bz2"),
            concat!($base, ".xz"),
            concat!($base, ".lz4"),
            concat!($base, ".gzip"),
            concat!($base, ".zstd")
        ),+]
    };
}
pub(crate) use packed_extensions;

impl Codec {
    /// What the end of a file's name says.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        path.extension().and_then(|e| e.to_str()).map_or(Self::Plain, Self::of_end)
    }

    fn of_end(end: &str) -> Self {
        match end.to_ascii_lowercase().as_str() {
            "gz" | "gzip" => Self::Gzip,
            "zst" | "zstd" => Self::Zstd,
            "bz2" => Self::Bzip2,
            "xz" => Self::Xz,
            "lz4" => Self::Lz4,
            _ => Self::Plain,
        }
    }

    /// What the end of a name says, and the name before it.
    #[must_use]
    pub fn split(name: &str) -> (&str, Self) {
        match name.rsplit_once('.') {
            Some((stem, end)) if Self::of_end(end) != Self::Plain => (stem, Self::of_end(end)),
            _ => (name, Self::Plain),
        }
    }

    /// What `compression:` calls it, and what its program is called.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Plain => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Lz4 => "lz4",
        }
    }

    /// What `compression:` means by a word.
    #[must_use]
    pub fn said(word: &str) -> Option<Self> {
        [Self::Plain].into_iter().chain(PACKED).find(|codec| codec.word() == word)
    }

    /// What it adds to a file's name, with its dot.
    #[must_use]
    pub fn end(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
            Self::Bzip2 => ".bz2",
            Self::Xz => ".xz",
            Self::Lz4 => ".lz4",
        }
    }

    /// Unpacks what `from` yields.
    ///
    /// # Errors
    /// If the unpacking cannot begin.
    pub fn reader(self, from: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
        let buffered = |from| BufReader::with_capacity(64 << 10, from);
        Ok(match self {
            Self::Plain => Box::new(from),
            Self::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(buffered(from))),
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::new(from)?;
                decoder.window_log_max(WINDOW_LOG)?;
                Box::new(decoder)
            }
            Self::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(buffered(from))),
            Self::Xz => {
                let stream = Stream::new_stream_decoder((1 << WINDOW_LOG) + XZ_BESIDE, CONCATENATED)?;
                Box::new(XzDecoder::new_stream(buffered(from), stream))
            }
            Self::Lz4 => Box::new(Lz4Frames::new(buffered(from))),
        })
    }

    /// Reads past the first member, frame or stream of `from`, and not a byte further.
    ///
    /// # Errors
    /// If it cannot be unpacked.
    pub(crate) fn pass_first(self, from: &mut impl BufRead) -> io::Result<()> {
        match self {
            Self::Plain => return Ok(()),
            Self::Gzip => io::copy(&mut flate2::bufread::GzDecoder::new(from), &mut io::sink())?,
            Self::Zstd => {
                let mut frame = zstd::stream::read::Decoder::with_buffer(from)?.single_frame();
                io::copy(&mut frame, &mut io::sink())?
            }
            Self::Bzip2 => io::copy(&mut bzip2::bufread::BzDecoder::new(from), &mut io::sink())?,
            Self::Xz => io::copy(&mut XzDecoder::new(from), &mut io::sink())?,
            Self::Lz4 => io::copy(&mut Lz4Frames::first(from), &mut io::sink())?,
        };
        Ok(())
    }

    /// How files of this kind begin.
    fn magic(self) -> &'static [u8] {
        match self {
            Self::Plain => &[],
            Self::Gzip => &[0x1f, 0x8b],
            Self::Zstd => &[0x28, 0xb5, 0x2f, 0xfd],
            Self::Bzip2 => b"BZh",
            Self::Xz => &[0xfd, b'7', b'z', b'X', b'Z', 0],
            Self::Lz4 => &[0x04, 0x22, 0x4d, 0x18],
        }
    }

    /// What to say where the file never was what it was taken for.
    fn other_than_said(self, said: Said, file: &PinnedFile) -> Option<Error> {
        let name = self.word();
        let mut first = Vec::new();
        file.stream(0).ok()?.take(6).read_to_end(&mut first).ok()?;
        let (path, shown) = (&file.path, &file.shown);
        let known = first.len().min(self.magic().len());
        if first.is_empty() {
            return Some(
                Error::failed(format!("the file is empty, which no {name} file is"))
                    .at(shown)
                    .next("fetch the file anew, or take it out of the folder or the pattern"),
            );
        }
        if first[..known] == self.magic()[..known] {
            return None;
        }
        let packed = PACKED.into_iter().find(|codec| first.starts_with(codec.magic()));
        let is = packed.map_or_else(|| "not packed".to_owned(), |codec| format!("a {} file", codec.word()));
        // What it was called before it was called packed.
        let plain = path.file_stem().and_then(|stem| Path::new(stem).extension()).and_then(|end| end.to_str());
        let end = packed.map_or_else(|| format!(".{}", plain.unwrap_or("csv")), |codec| codec.end().to_owned());
        let truly = packed.unwrap_or(Self::Plain);
        let error = Error::failed(format!("this is no {name} file: it is {is}")).at(shown);
        Some(match said {
            Said::Name => error.next(format!("give the file a name that ends in {end}")),
            Said::Option if Self::of(path) == truly => error.next_set(Part::Home, "compression: auto"),
            Said::Option => error.next_set(Part::Home, format!("compression: {}", truly.word())),
        })
    }

    /// What to say of a failure to read or unpack the file.
    #[must_use]
    pub fn error(self, said: Said, file: &PinnedFile, error: io::Error) -> Error {
        // Errors of the system carry its number; those of the unpacking do not.
        let of_the_source = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()).is_some();
        if self == Self::Plain || error.raw_os_error().is_some() || of_the_source {
            return Error::io("read", &file.path, error);
        }
        let name = self.word();
        let trouble = error.get_ref().and_then(|inner| inner.downcast_ref::<Trouble>()).copied();
        if trouble.is_none()
            && let Some(other) = self.other_than_said(said, file)
        {
            return other.because(error);
        }
        let text = error.to_string();
        let cut = error.kind() == io::ErrorKind::UnexpectedEof || text.contains("incomplete frame");
        let large = match self {
            Self::Zstd => text.contains("too much memory"),
            Self::Xz => text == liblzma::stream::Error::MemLimit.to_string(),
            _ => false,
        };
        let (found, advice) = if let Some(Trouble::Legacy) = trouble {
            let found =
                "the lz4 file is of the old kind, in which one that was cut short cannot be told from a whole one";
            (found.to_owned(), "pack it anew without -l".to_owned())
        } else if cut {
            let found = format!("the {name} file ends in the middle: it was cut short, or is still being written");
            (found, format!("fetch the file anew; `{name} -t` tells whether it is whole"))
        } else if large {
            let (what, how) = match self {
                Self::Xz => ("dictionary", "with xz -6 or less"),
                _ => ("window", "without --long and --ultra"),
            };
            let most = (1_u32 << WINDOW_LOG) >> 20;
            let found = format!("the {name} file asks for a {what} of more than {most} MiB of memory");
            (found, format!("pack it anew {how}"))
        } else {
            let found = format!("the {name} file is broken: it cannot be unpacked");
            (found, format!("fetch the file anew; `{name} -t` tells whether it is whole"))
        };
        Error::failed(found).at(&file.shown).next(advice).because(error)
    }
}

#[cfg(test)]
mod tests;
