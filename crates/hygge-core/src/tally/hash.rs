//! The arithmetic: folded multiplication of 64-bit words.
//!
//! The cells of a row are summed in a lane of 64 bits, and the lane is mixed at the row's end. Two rows that differ by
//! mistake meet with a chance of about 2^-64. Where rows are told apart by their hash alone, two lanes are taken, which
//! share no number.

use super::RowHash;

/// How many lanes there are.
pub(super) const LANES: usize = 2;

const MULTIPLIERS: [u64; LANES] = [0x9E37_79B9_7F4A_7C15, 0xD6E8_FEB8_6659_FD93];
const FINISHERS: [u64; 2] = [0xA076_1D64_78BD_642F, 0xE703_7ED1_A0B4_28DB];

/// Multiplies to 128 bits and folds the halves: every input bit reaches the whole output.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    #[expect(clippy::cast_possible_truncation, reason = "the two halves are what is wanted")]
    let folded = (product as u64) ^ ((product >> 64) as u64);
    folded
}

/// A column's own constants in one lane, so that equal values in different columns hash differently.
#[derive(Clone, Copy)]
pub(super) struct ColumnKey {
    key: u64,
    high: u64,
    multiplier: u64,
    null: u64,
}

impl ColumnKey {
    /// For a lane below [`LANES`].
    pub(super) fn new(ordinal: usize, lane: usize) -> Self {
        let place = (ordinal * LANES + lane) as u64;
        let mut state = place.wrapping_mul(0xD1B5_4A32_D192_ED03).wrapping_add(1);
        let mut next = || {
            // splitmix64
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ (z >> 31)
        };
        Self { key: next(), high: next() | 1, multiplier: MULTIPLIERS[lane], null: next() }
    }

    /// NULL: a constant that no value is likely to hash to.
    #[inline]
    pub(super) fn null(self) -> u64 {
        self.null
    }

    /// A value of 64 bits.
    #[inline]
    pub(super) fn word(self, x: u64) -> u64 {
        fold(x ^ self.key, self.multiplier)
    }

    /// A signed value; equal to [`Self::word`] of it where it fits 64 bits.
    #[inline]
    pub(super) fn wide(self, x: i128) -> u64 {
        if let Ok(narrow) = i64::try_from(x) {
            return self.word(narrow.cast_unsigned());
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the two halves are what is wanted"
        )]
        let (low, high) = (x as u64, (x >> 64) as u64);
        self.pair(low, high)
    }

    #[inline]
    fn pair(self, low: u64, high: u64) -> u64 {
        fold(low ^ self.key, high ^ self.high)
    }

    /// Bytes with their length.
    #[inline]
    pub(super) fn bytes(self, bytes: &[u8]) -> u64 {
        let length = bytes.len() as u64;
        let mut state = Self { key: self.key ^ length.wrapping_mul(self.multiplier), ..self };
        let (low, high) = match bytes.len() {
            0 => (0, 0),
            1..=3 => {
                let n = bytes.len();
                let packed = u64::from(bytes[0]) << 16 | u64::from(bytes[n / 2]) << 8 | u64::from(bytes[n - 1]);
                (packed, 0)
            }
            4..=7 => (u64::from(word32(bytes)), u64::from(word32(&bytes[bytes.len() - 4..]))),
            8..=16 => (word64(bytes), word64(&bytes[bytes.len() - 8..])),
            _ => {
                let mut rest = bytes;
                while rest.len() > 16 {
                    state.key = state.pair(word64(rest), word64(&rest[8..]));
                    rest = &rest[16..];
                }
                let tail = &bytes[bytes.len() - 16..];
                (word64(tail), word64(&tail[8..]))
            }
        };
        state.pair(low, high)
    }

    /// One more hash in an ordered sequence (items of a list, fields of a struct).
    #[inline]
    pub(super) fn chain(self, so_far: u64, item: u64) -> u64 {
        fold(so_far ^ self.high, item ^ self.multiplier)
    }
}

#[inline]
fn word64(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[..8]);
    u64::from_le_bytes(word)
}

#[inline]
fn word32(bytes: &[u8]) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[..4]);
    u32::from_le_bytes(word)
}

/// Mixes the summed cells of a row, so that cells swapped between rows change the sum of rows.
#[inline]
pub(super) fn finish(lane: u64) -> RowHash {
    both(fold(lane ^ FINISHERS[0], MULTIPLIERS[1]), fold(lane ^ FINISHERS[1], MULTIPLIERS[0]))
}

/// Both lanes of a row.
#[inline]
pub(super) fn both(first: u64, second: u64) -> RowHash {
    RowHash(u128::from(first) << 64 | u128::from(second))
}
