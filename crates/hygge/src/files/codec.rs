//! Compression of whole files: gzip and Zstandard, several members or frames one behind the other.

use std::io::{self, Read};
use std::path::Path;

use hygge_core::{Error, Part};

/// How a file's bytes are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// Not at all.
    Plain,
    /// Gzip members.
    Gzip,
    /// Zstandard frames.
    Zstd,
}

/// Who says how a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// The end of its name.
    Name,
    /// The home's `compression:`, whatever its name is.
    Option,
}

/// The greatest window of a Zstandard frame that is taken, as a power of two: what `zstd -19` makes, and no more, since
/// it lies in memory beside the budget's shares.
pub const ZSTD_WINDOW_LOG: u32 = 23;

impl Codec {
    /// What the end of a file's name says.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        match path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase).as_deref() {
            Some("gz" | "gzip") => Self::Gzip,
            Some("zst" | "zstd") => Self::Zstd,
            _ => Self::Plain,
        }
    }

    /// What `compression:` calls it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Plain => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// Unpacks what `from` yields.
    ///
    /// # Errors
    /// If the unpacking cannot begin.
    pub fn reader(self, from: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::Plain => Box::new(from),
            Self::Gzip => Box::new(flate2::read::MultiGzDecoder::new(from)),
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::new(from)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Box::new(decoder)
            }
        })
    }

    /// How files of this kind begin.
    fn magic(self) -> &'static [u8] {
        match self {
            Self::Plain => &[],
            Self::Gzip => &[0x1f, 0x8b],
            Self::Zstd => &[0x28, 0xb5, 0x2f, 0xfd],
        }
    }

    /// What to say where the file never was what it was taken for.
    fn other_than_said(self, said: Said, path: &Path, shown: &str) -> Option<Error> {
        let name = self.word();
        let mut first = Vec::new();
        std::fs::File::open(path).ok()?.take(4).read_to_end(&mut first).ok()?;
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
        let packed = [Self::Gzip, Self::Zstd].into_iter().find(|codec| first.starts_with(codec.magic()));
        let (is, end) = match packed {
            Some(Self::Gzip) => ("a gzip file", ".gz"),
            Some(_) => ("a zstd file", ".zst"),
            None => ("not packed", ""),
        };
        // What it was called before it was called packed.
        let plain = path.file_stem().and_then(|stem| Path::new(stem).extension()).and_then(|end| end.to_str());
        let end = if end.is_empty() { format!(".{}", plain.unwrap_or("csv")) } else { end.to_owned() };
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
    pub fn error(self, said: Said, path: &Path, shown: &str, error: io::Error) -> Error {
        let name = match self {
            Self::Plain => return Error::io("read", path, error),
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        };
        // Errors of the system carry its number; those of the unpacking do not.
        if error.raw_os_error().is_some() {
            return Error::io("read", path, error);
        }
        if let Some(other) = self.other_than_said(said, path, shown) {
            return other.because(error);
        }
        let text = error.to_string();
        let cut = error.kind() == io::ErrorKind::UnexpectedEof || text.contains("incomplete frame");
        let found = if cut {
            format!("the {name} file ends in the middle: it was cut short, or is still being written")
        } else if text.contains("too much memory") {
            format!("the {name} file asks for a window of more than {} MiB of memory", (1_u32 << ZSTD_WINDOW_LOG) >> 20)
        } else {
            format!("the {name} file is broken: it cannot be unpacked")
        };
        let advice = if text.contains("too much memory") {
            "pack it anew without --long and --ultra".to_owned()
        } else {
            format!("fetch the file anew; `{name} -t` tells whether it is whole")
        };
        Error::failed(found).at(shown).next(advice).because(error)
    }
}
