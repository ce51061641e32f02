//! Whether a file is encrypted, in whole or in some columns: without a key its pages look like damage.
//!
//! The library, built without keys, passes over what the footer says of it. So the footer's outermost fields are walked
//! once more; everything in them is stepped over.

use parquet::file::reader::{ChunkReader, Length};

use super::thrift::{END, Walk};
use crate::files::positioned::Positioned;

/// The end of a file: the footer's length and the mark.
const TAIL: u64 = 8;

/// The footer's field that names the algorithm.
pub(super) const ENCRYPTION: i64 = 8;

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
    names(&footer, ENCRYPTION).unwrap_or(false)
}

/// Whether the struct that begins here has a field of this number.
pub(super) fn names(footer: &[u8], wanted: i64) -> Option<bool> {
    let mut walk = Walk::new(footer);
    let mut id = 0;
    loop {
        match walk.field(&mut id)? {
            END => return Some(false),
            _ if id == wanted => return Some(true),
            kind => walk.pass(kind)?,
        }
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
        assert_eq!(names(&sealed, ENCRYPTION), Some(true));
        assert_eq!(names(&[before, &[0]].concat(), ENCRYPTION), Some(false));
        assert_eq!(names(before, ENCRYPTION), None, "cut short");
        assert_eq!(names(&[0x1c; 500], ENCRYPTION), None, "structs without end");
    }

    proptest! {
        #[test]
        fn no_footer_makes_it_panic(bytes: Vec<u8>) {
            let _ = names(&bytes, ENCRYPTION);
        }
    }
}
