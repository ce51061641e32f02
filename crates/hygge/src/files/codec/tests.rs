use std::io::Write;

use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};

use super::lz4::{LEGACY, PASSED_OVER};
use super::*;
use crate::files::packing::{Packing, Sink};

fn text() -> String {
    let lines: Vec<String> = (0..3_000_u32).map(|n| format!("{n},{}\n", n.wrapping_mul(2_654_435_761))).collect();
    lines.concat()
}

fn packed(codec: Codec, text: &str) -> Vec<u8> {
    let mut sink = Sink::new(Packing { codec, level: None }, Vec::new(), 8 << 20).expect("begins");
    sink.write_all(text.as_bytes()).expect("packs");
    sink.finish().expect("packs")
}

fn unpacked(codec: Codec, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    codec.reader(io::Cursor::new(bytes.to_vec()))?.read_to_end(&mut out)?;
    Ok(out)
}

fn told(codec: Codec, bytes: &[u8]) -> Error {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join(format!("a.csv{}", codec.end()));
    std::fs::write(&path, bytes).expect("writes");
    let file = PinnedFile::pin(&path, "a.csv".to_owned()).expect("pins");
    codec.error(Said::Name, &file, unpacked(codec, bytes).expect_err("must not be read"))
}

#[test]
fn a_file_that_was_cut_anywhere_is_never_taken_for_a_whole_one() {
    for codec in PACKED {
        let (text, tail) = (text(), "the last line\n".repeat(5));
        let first = packed(codec, &text);
        let whole = [first.clone(), packed(codec, &tail)].concat();
        assert_eq!(unpacked(codec, &whole).expect("is whole"), [text, tail].concat().as_bytes(), "{codec:?}");
        let near = (1..40).chain(first.len() - 40..whole.len()).chain((40..first.len()).step_by(997));
        for cut in near.filter(|&cut| cut != first.len()) {
            let error = told(codec, &whole[..cut]);
            assert!(error.found().contains("ends in the middle"), "{codec:?} at {cut}: {error}");
        }
    }
}

#[test]
fn a_file_that_was_damaged_is_never_taken_for_a_whole_one() {
    for codec in PACKED {
        let whole = packed(codec, &text());
        for at in (20..whole.len()).step_by(whole.len() / 50) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            // What says how long a match is may be damaged so that more is asked for than there is.
            let error = unpacked(codec, &damaged).map(|read| read == text().as_bytes());
            assert!(!matches!(error, Ok(false)), "{codec:?}, byte {at}: other bytes were read");
        }
        assert!(unpacked(codec, &[whole, b"no frame".to_vec()].concat()).is_err(), "{codec:?}: what comes behind");
    }
}

#[test]
fn one_kind_is_told_from_another() {
    for codec in PACKED {
        for other in PACKED.into_iter().filter(|other| *other != codec) {
            let error = told(codec, &packed(other, &text()));
            let found = format!("this is no {} file: it is a {} file", codec.word(), other.word());
            assert_eq!(error.found(), found);
        }
        let error = told(codec, b"id,name\n1,Ada\n");
        assert_eq!(error.found(), format!("this is no {} file: it is not packed", codec.word()));
    }
}

#[test]
fn a_dictionary_beyond_the_memory_that_is_kept_for_it_is_refused() {
    let packed = |level| {
        let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), level);
        encoder.write_all(text().as_bytes()).expect("packs");
        encoder.finish().expect("packs")
    };
    assert_eq!(unpacked(Codec::Xz, &packed(6)).expect("is taken"), text().as_bytes());
    let error = told(Codec::Xz, &packed(9));
    assert_eq!(error.found(), "the xz file asks for a dictionary of more than 8 MiB of memory");
}

#[test]
fn lz4_files_of_other_shapes_are_read_or_told() {
    let plain = packed(Codec::Lz4, "a,b\n1,2\n");
    let beside = [&PASSED_OVER.to_le_bytes()[..], &3_u32.to_le_bytes(), b"abc"].concat();
    let read = |parts: &[&[u8]]| unpacked(Codec::Lz4, &parts.concat());
    assert_eq!(read(&[&beside, &plain, &beside, &plain]).expect("is whole"), b"a,b\n1,2\na,b\n1,2\n");
    assert_eq!(read(&[&plain, &beside[..9]]).expect_err("cut").kind(), io::ErrorKind::UnexpectedEof);
    let error = told(Codec::Lz4, &[&LEGACY.to_le_bytes()[..], &8_u32.to_le_bytes(), b"whatever"].concat());
    assert!(error.found().contains("of the old kind"), "{error}");
    // Blocks of other sizes behind one another, and blocks that refer to those before.
    let frame = |info: FrameInfo| {
        let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
        encoder.write_all(text().as_bytes()).expect("packs");
        encoder.finish().expect("packs")
    };
    let large = frame(FrameInfo::new().block_size(BlockSize::Max4MB));
    let linked = frame(FrameInfo::new().block_size(BlockSize::Max64KB).block_mode(BlockMode::Linked));
    assert_eq!(read(&[&large, &linked, &large]).expect("is whole"), text().repeat(3).as_bytes());
}
