//! Decimals as elements of a prime field, so that 1.50 and 1.5 are one value without stripping zeros.
//!
//! A decimal is `mantissa / 10^scale`. Modulo the prime 2^61 - 1 ten has an inverse, and a division is a multiplication
//! by a constant of the column: equal values give equal elements, whatever their scales. Two mantissas of one scale give
//! the same element only where they differ by a multiple of the prime.

use arrow_buffer::i256;

/// Mantissas from minus this to this are taken by one signed multiplication.
const NARROW: i128 = 1 << 60;

const PRIME: u64 = (1 << 61) - 1;

/// The inverse of ten: `9 * PRIME + 1` is a multiple of it.
#[expect(clippy::cast_possible_truncation, reason = "less than the prime")]
const TENTH: u64 = ((9 * PRIME as u128 + 1) / 10) as u64;

/// The constant of a column and its scale.
#[derive(Clone, Copy)]
pub(super) struct Scaled {
    /// `key * 10^-scale`.
    factor: u64,
}

impl Scaled {
    /// For decimals of `scale`, multiplied by `key`, which keeps the decimals of several columns apart when they are
    /// added.
    pub(super) fn new(scale: i8, key: u64) -> Self {
        let step = if scale < 0 { 10 } else { TENTH };
        Self { factor: (0..scale.unsigned_abs()).fold(reduced(once(key)), |so_far, _| product(so_far, step)) }
    }

    /// Of a mantissa.
    #[inline]
    pub(super) fn element(self, value: i128) -> u64 {
        #[expect(clippy::cast_possible_truncation, reason = "looked at before")]
        if value.wrapping_add(NARROW).cast_unsigned() < 2 * NARROW.cast_unsigned() {
            // Nearly always so, and much less work.
            self.narrow(value as i64)
        } else {
            signed(product(residue(value.unsigned_abs()), self.factor), value < 0)
        }
    }

    /// Of a mantissa below [`NARROW`], with its sign.
    #[expect(clippy::cast_possible_truncation, reason = "61 bits, and what lies above them")]
    #[inline]
    fn narrow(self, value: i64) -> u64 {
        let n = i128::from(value) * i128::from(self.factor);
        // More than -2^60, less than 2^61 + 2^60.
        let sum = (n as i64 & PRIME.cast_signed()) + (n >> 61) as i64;
        let positive = if sum < 0 { sum + PRIME.cast_signed() } else { sum };
        reduced(positive.cast_unsigned())
    }

    pub(super) fn element256(self, value: i256) -> u64 {
        let negative = value.is_negative();
        // The least i256 has no counterpart; its wrapped negation has its magnitude when read without sign.
        let bytes = if negative { value.wrapping_neg() } else { value }.to_le_bytes();
        let mantissa = bytes.rchunks_exact(4).fold(0, |so_far, limb| {
            let limb = limb.iter().rev().fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
            residue(u128::from(so_far) << 32 | u128::from(limb))
        });
        signed(product(mantissa, self.factor), negative)
    }
}

#[inline]
fn signed(element: u64, negative: bool) -> u64 {
    if negative && element != 0 { PRIME - element } else { element }
}

/// Folds what lies above 61 bits onto them: at most a little over the prime is left.
#[inline]
fn once(n: u64) -> u64 {
    (n & PRIME) + (n >> 61)
}

/// The last step, for numbers below twice the prime.
#[inline]
fn reduced(n: u64) -> u64 {
    if n >= PRIME { n - PRIME } else { n }
}

#[expect(clippy::cast_possible_truncation, reason = "61 bits, and what lies above them")]
#[inline]
fn residue(n: u128) -> u64 {
    let parts = (n as u64 & PRIME) + ((n >> 61) as u64 & PRIME) + (n >> 122) as u64;
    reduced(once(parts))
}

/// `a * b`, neither above 2^61 + 7.
#[expect(clippy::cast_possible_truncation, reason = "61 bits, and what lies above them")]
#[inline]
fn product(a: u64, b: u64) -> u64 {
    let n = u128::from(a) * u128::from(b);
    reduced(once((n as u64 & PRIME) + (n >> 61) as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(scale: i8) -> Scaled {
        Scaled::new(scale, 1)
    }

    fn keyed(scale: i8) -> Scaled {
        Scaled::new(scale, 0xDEAD_BEEF_F00D_CAFE)
    }

    #[test]
    fn the_ends_of_what_is_narrow_are_as_the_rest() {
        for edge in [NARROW, -NARROW, 0, i128::from(PRIME), -i128::from(PRIME)] {
            for value in edge - 2..=edge + 2 {
                let scaled = keyed(3);
                let slow = signed(product(residue(value.unsigned_abs()), scaled.factor), value < 0);
                assert_eq!(scaled.element(value), slow, "{value}");
            }
        }
    }

    #[test]
    fn ten_times_a_tenth_is_one() {
        assert_eq!(product(TENTH, 10), 1);
        assert_eq!(plain(2).element(150), plain(1).element(15));
        assert_eq!(plain(0).element(1_500), plain(-2).element(15));
        assert_ne!(plain(2).element(150), plain(2).element(-150));
        assert_eq!(plain(5).element(0), plain(0).element(0));
    }

    proptest! {
        #[test]
        fn narrow_is_the_same(value in any::<i64>(), cut in 0_u32..64, scale in -5_i8..39) {
            let scaled = keyed(scale);
            let value = value >> cut;
            let slow = signed(product(residue(u128::from(value.unsigned_abs())), scaled.factor), value < 0);
            prop_assert_eq!(scaled.element(i128::from(value)), slow);
            prop_assert!(slow < PRIME);
        }

        #[test]
        fn trailing_zeros_do_not_count(value in any::<i64>(), scale in 0_i8..30, zeros in 0_u32..18) {
            let padded = i128::from(value) * 10_i128.pow(zeros);
            let zeros = i8::try_from(zeros).expect("small");
            let plain = keyed(scale).element(i128::from(value));
            prop_assert_eq!(keyed(scale + zeros).element(padded), plain);
            prop_assert_eq!(keyed(scale + zeros).element256(i256::from_i128(padded)), plain);
        }

        #[test]
        fn both_widths_agree(value in any::<i128>(), scale in -5_i8..39) {
            let scaled = keyed(scale);
            prop_assert_eq!(scaled.element(value), scaled.element256(i256::from_i128(value)));
        }
    }
}
