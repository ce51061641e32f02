//! Whether a file is encrypted, in whole or in some columns: without a key its pages look like damage.
//!
//! The library, built without keys, passes over what the footer says of it. So the footer's outermost fields are walked
//! once more; everything in them is stepped over.

use parquet::file::reader::{ChunkReader, Length};

use crate::files::positioned::Positioned;

/// The end of a file: the footer's length and the mark.
const TAIL: u64 = 8;

/// The footer's field that names the algorithm.
const ENCRYPTION: i64 = 8;

/// What stands behind the last field of a struct.
const END: u8 = 0;

/// Structs within structs; the format has about ten.
const DEPTH: usize = 64;

/// Whether the file says that it is encrypted. What cannot be read says nothing.
pub(super) fn is_sealed(file: &Positioned) -> bool {
    let Some(start) = file.len().checked_sub(TAIL) else { return false };
    let Ok(tail) = file.get_bytes(start, 8) else { return false };
    if &tail[4..] == b"PARE" {
        return true;
    }
    let length = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
    let Some(start) = start.checked_sub(length) else { return false };
    let Ok(footer) = file.get_bytes(start, usize::try_from(length).unwrap_or(0)) else { return false };
    Walk { rest: &footer }.names(ENCRYPTION).unwrap_or(false)
}

/// A walk through Thrift's compact form.
struct Walk<'f> {
    rest: &'f [u8],
}

impl Walk<'_> {
    /// Whether the struct that begins here has a field of this number.
    fn names(&mut self, wanted: i64) -> Option<bool> {
        let mut id = 0;
        loop {
            match self.field(&mut id)? {
                END => return Some(false),
                _ if id == wanted => return Some(true),
                kind => self.pass(kind, 0)?,
            }
        }
    }

    /// The kind of the next field, and its number; [`END`] at the end of the struct.
    fn field(&mut self, id: &mut i64) -> Option<u8> {
        let head = self.byte()?;
        if head == END {
            return Some(END);
        }
        *id = match head >> 4 {
            0 => {
                let n = self.varint()?;
                (n >> 1).cast_signed() ^ -((n & 1).cast_signed())
            }
            delta => *id + i64::from(delta),
        };
        Some(head & 15)
    }

    fn pass(&mut self, kind: u8, depth: usize) -> Option<()> {
        if depth > DEPTH {
            return None;
        }
        match kind {
            // Booleans of a field are in its head.
            1 | 2 => {}
            3 => self.step(1)?,
            4..=6 => {
                self.varint()?;
            }
            7 => self.step(8)?,
            8 => {
                let length = self.varint()?;
                self.step(usize::try_from(length).ok()?)?;
            }
            9 | 10 => {
                let head = self.byte()?;
                let count = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
                for _ in 0..count {
                    self.pass_item(head & 15, depth)?;
                }
            }
            11 => {
                let count = self.varint()?;
                if count > 0 {
                    let kinds = self.byte()?;
                    for _ in 0..count {
                        self.pass_item(kinds >> 4, depth)?;
                        self.pass_item(kinds & 15, depth)?;
                    }
                }
            }
            12 => {
                let mut id = 0;
                loop {
                    match self.field(&mut id)? {
                        END => break,
                        kind => self.pass(kind, depth + 1)?,
                    }
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// Booleans of a list have a byte each.
    fn pass_item(&mut self, kind: u8, depth: usize) -> Option<()> {
        if matches!(kind, 1 | 2) { self.step(1) } else { self.pass(kind, depth + 1) }
    }

    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn step(&mut self, bytes: usize) -> Option<()> {
        self.rest = self.rest.get(bytes..)?;
        Some(())
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_algorithm_is_found_behind_whatever_stands_before_it() {
        // 1: i32, 2: a list of two structs of a binary and a boolean, 5: a map of i32 to binary, 8: a struct.
        let before: &[u8] = &[0x15, 2, 0x19, 0x2c, 0x18, 1, b'a', 0x11, 0, 0x18, 0, 0x12, 0, 0x3b, 1, 0x58, 2, 1, b'x'];
        let sealed = [before, &[0x3c, 0, 0]].concat();
        assert_eq!(Walk { rest: &sealed }.names(ENCRYPTION), Some(true));
        assert_eq!(Walk { rest: &[before, &[0]].concat() }.names(ENCRYPTION), Some(false));
        assert_eq!(Walk { rest: before }.names(ENCRYPTION), None, "cut short");
        assert_eq!(Walk { rest: &[0x1c; 500] }.names(ENCRYPTION), None, "structs without end");
    }

    proptest! {
        #[test]
        fn no_footer_makes_it_panic(bytes: Vec<u8>) {
            let _ = Walk { rest: &bytes }.names(ENCRYPTION);
        }
    }
}
