//! The bytes of a part of a pinned file, unpacked and counted.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hygge_core::Result;

use super::codec::{Codec, Said};
use super::listing::PinnedFile;

/// The unpacked bytes of `file` from `begin` up to `end`, or to its end. `said` tells who says how it is packed. `count` grows by the bytes that are read of it.
///
/// # Errors
/// If the file cannot be opened, is no longer what was pinned, or cannot be unpacked.
pub(crate) fn open(
    file: &PinnedFile,
    (codec, said): (Codec, Said),
    begin: u64,
    end: Option<u64>,
    count: &Arc<AtomicU64>,
) -> Result<Box<dyn Read + Send>> {
    let failed = |error| codec.error(said, file, error);
    let count = Arc::clone(count);
    if codec == Codec::Plain {
        let inner = file.stream(begin)?.until(end.unwrap_or(file.len));
        return Ok(Box::new(Counted { inner, count }));
    }
    let packed = Counted { inner: file.stream(0)?, count };
    let mut reader = codec.reader(packed).map_err(failed)?;
    let skipped = io::copy(&mut reader.by_ref().take(begin), &mut io::sink()).map_err(failed)?;
    debug_assert_eq!(skipped, begin, "where the part begins was read from the same bytes");
    Ok(match end {
        Some(end) => Box::new(reader.take(end - begin)),
        None => reader,
    })
}

/// Counts what is read.
struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.count.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}
