//! The arithmetic: folded multiplication of 64-bit words.
//!
//! The cells of a row are summed in a lane of 64 bits, and the lane is mixed at the row's end. Two rows that differ by
//! mistake meet with a chance of about 2^-64. Where rows are told apart by their hash alone, two lanes are taken, which
//! share no number.

use super::RowHash;

/// How many lanes there are.
pub(super) const LANES: usize = 2;

const MULTIPLIERS: [u64; LANES] = [0x9E37_79B9_7F4A_7C15, 0xD6E8_FEB8_6659_FD93];
const FINISHER: u64 = 0xA076_1D64_78BD_642F;

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

    /// What an element of a prime field is multiplied by: the hash of a decimal, but for its scale.
    pub(super) fn factor(self) -> u64 {
        self.high
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
        self.bytes_within(bytes, 0, bytes.len())
    }

    /// The bytes of `all` from `at`, `length` of them, which must be there.
    ///
    /// Sixteen at a time; the last ones with zeros behind them. What lies behind them in `all` is read and masked:
    /// lengths that vary would be branches that nothing foretells.
    #[inline]
    pub(super) fn bytes_within(self, all: &[u8], mut at: usize, length: usize) -> u64 {
        let mut state = Self { key: self.key ^ (length as u64).wrapping_mul(self.multiplier), ..self };
        let mut left = length;
        while left > BLOCK {
            state.key = state.block(block(&all[at..at + BLOCK]));
            at += BLOCK;
            left -= BLOCK;
        }
        let last = if let Some(bytes) = all.get(at..at + BLOCK) {
            block(bytes) & MASKS[left % MASKS.len()]
        } else {
            let mut padded = [0; BLOCK];
            padded[..left].copy_from_slice(&all[at..at + left]);
            u128::from_le_bytes(padded)
        };
        state.block(last)
    }

    /// A text of at most [`BLOCK`] bytes, with zeros behind them.
    #[inline]
    pub(super) fn padded(self, length: u32, bytes: u128) -> u64 {
        Self { key: self.key ^ u64::from(length).wrapping_mul(self.multiplier), ..self }.block(bytes)
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the two halves are what is wanted")]
    fn block(self, bytes: u128) -> u64 {
        self.pair(bytes as u64, (bytes >> 64) as u64)
    }

    /// One more hash in an ordered sequence (items of a list, fields of a struct).
    #[inline]
    pub(super) fn chain(self, so_far: u64, item: u64) -> u64 {
        fold(so_far ^ self.high, item ^ self.multiplier)
    }
}

/// How many bytes are hashed at once.
const BLOCK: usize = 16;

/// What is kept of a block, by how many bytes count. A power of two of them, so that nothing looks whether one is there.
const MASKS: [u128; 32] = {
    let mut masks = [u128::MAX; 32];
    let mut n = 0;
    while n < BLOCK {
        masks[n] = (1 << (8 * n)) - 1;
        n += 1;
    }
    masks
};

#[inline]
fn block(bytes: &[u8]) -> u128 {
    let mut block = [0; BLOCK];
    block.copy_from_slice(bytes);
    u128::from_le_bytes(block)
}

/// Mixes the summed cells of a row, so that cells swapped between rows change the sum of rows.
#[inline]
pub(super) fn finish(lane: u64) -> u64 {
    fold(lane ^ FINISHER, MULTIPLIERS[1])
}

/// Both lanes of a row.
#[inline]
pub(super) fn both(first: u64, second: u64) -> RowHash {
    RowHash(u128::from(first) << 64 | u128::from(second))
}
