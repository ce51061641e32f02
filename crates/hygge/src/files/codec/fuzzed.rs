//! What must hold of packed files, whoever packed them.

use std::io::{self, BufReader, Read};

use super::{Codec, PACKED};
use crate::files::packing::{Packing, Sink};

/// What is unpacked of one input, at most: a few bytes may stand for very many.
const MOST: u64 = 1 << 20;

/// All but the first byte as a packed file, and as what is packed: it is unpacked alike in pieces of any size, what was
/// packed comes back, and what was cut is never taken for whole.
///
/// # Panics
/// If that does not hold.
pub fn check(bytes: &[u8]) {
    let Some((&chosen, bytes)) = bytes.split_first() else { return };
    let codec = PACKED[usize::from(chosen) % PACKED.len()];
    let whole = unpacked(codec, bytes, usize::MAX);
    let by_piece = unpacked(codec, bytes, 1 + usize::from(chosen >> 5));
    assert_eq!(whole.as_ref().ok(), by_piece.as_ref().ok(), "{codec:?}");
    passes(codec, bytes);

    let packed = |bytes: &[u8]| {
        let mut sink = Sink::new(Packing { codec, level: None }, Vec::new(), 1 << 20).expect("begins");
        sink.write_all(bytes).expect("packs");
        sink.finish().expect("packs")
    };
    let mut file = packed(bytes);
    assert_eq!(unpacked(codec, &file, 3).expect("is whole"), bytes);
    let end = file.len();
    let cut =
        1 + bytes.iter().fold(usize::from(chosen), |sum, &byte| sum * 31 % 65_521 + usize::from(byte)) % (end - 1);
    assert!(unpacked(codec, &file[..cut], usize::MAX).is_err(), "{codec:?}: {cut} of {end} bytes are taken for whole");
    file.extend_from_slice(bytes);
    let mut from = &file[..];
    codec.pass_first(&mut from).expect("is whole");
    assert_eq!(from.len(), bytes.len(), "{codec:?}: one member is passed, and not a byte more");
}

/// What is passed is whole by itself, and what it holds is what all of it begins with.
fn passes(codec: Codec, bytes: &[u8]) {
    let mut from = BufReader::with_capacity(16, bytes);
    if unpacked(codec, bytes, usize::MAX).is_err() || codec.pass_first(&mut from).is_err() {
        return;
    }
    let mut rest = Vec::new();
    from.read_to_end(&mut rest).expect("bytes in memory");
    let (first, rest) = bytes.split_at(bytes.len() - rest.len());
    let all = unpacked(codec, bytes, usize::MAX).expect("it was whole before");
    if all.len() < usize::try_from(MOST).expect("small") {
        // Between streams of xz there may be zeros, and before the first there may not.
        let padding = rest.iter().take_while(|&&byte| codec == Codec::Xz && byte == 0).count();
        let parts = [first, &rest[padding..]].map(|part| if part.is_empty() { Vec::new() } else { read(codec, part) });
        assert!(parts.concat() == all, "{codec:?}");
    }
}

fn read(codec: Codec, bytes: &[u8]) -> Vec<u8> {
    unpacked(codec, bytes, usize::MAX).expect("each part is whole")
}

/// Hands out at most so many bytes at once.
struct Pieces {
    bytes: io::Cursor<Vec<u8>>,
    most: usize,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.most);
        self.bytes.read(&mut buffer[..most])
    }
}

fn unpacked(codec: Codec, bytes: &[u8], most: usize) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let from = Pieces { bytes: io::Cursor::new(bytes.to_vec()), most };
    codec.reader(from)?.take(MOST).read_to_end(&mut out)?;
    Ok(out)
}

#[cfg(test)]
#[test]
fn the_fuzzing_corpus_of_packed_files_holds() {
    crate::fuzzed::replay("packed", 10, check);
}
