//! Decimals as elements of a prime field, so that 1.50 and 1.5 are one value without stripping zeros.
//!
//! A decimal is `mantissa / 10^scale`. Modulo the prime 2^127 - 1 ten has an inverse, and a division is a
//! multiplication by a constant of the column: equal values give equal elements, whatever their scales.

use arrow_buffer::i256;

const PRIME: u128 = (1 << 127) - 1;

/// The inverse of ten: `(7 * PRIME + 1) / 10`, computed without overflow.
const TENTH: u128 = {
    // 7 * PRIME + 1 = 7 * 2^127 - 6, divided by 10 as quotient and remainder of each part.
    let (q, r) = (PRIME / 10, PRIME % 10);
    q * 7 + (r * 7 + 1) / 10
};

/// The constants of one column's scale.
#[derive(Clone, Copy)]
pub(super) struct Scaled {
    /// 10^-scale.
    factor: u128,
    /// 10^-scale * 2^64.
    high_factor: u128,
}

impl Scaled {
    pub(super) fn new(scale: i8) -> Self {
        let step = if scale < 0 { 10 } else { TENTH };
        let factor = (0..scale.unsigned_abs()).fold(1, |so_far, _| product(so_far, step));
        Self { factor, high_factor: product(factor, 1 << 64) }
    }

    #[inline]
    pub(super) fn element(self, value: i128) -> u128 {
        let magnitude = value.unsigned_abs();
        #[expect(clippy::cast_possible_truncation, reason = "the two halves are what is wanted")]
        let (low, high) = (magnitude as u64, (magnitude >> 64) as u64);
        let mut element = narrow_product(self.factor, low);
        if high != 0 {
            element = reduced(element + narrow_product(self.high_factor, high));
        }
        signed(element, value < 0)
    }

    pub(super) fn element256(self, value: i256) -> u128 {
        let negative = value.is_negative();
        // The least i256 has no counterpart; its wrapped negation has its magnitude when read without sign.
        let bytes = if negative { value.wrapping_neg() } else { value }.to_le_bytes();
        let mantissa = bytes.rchunks_exact(8).fold(0, |so_far, limb| {
            let limb = limb.iter().rev().fold(0_u128, |n, byte| n << 8 | u128::from(*byte));
            reduced(product(so_far, 1 << 64) + limb)
        });
        signed(product(mantissa, self.factor), negative)
    }
}

#[inline]
fn signed(element: u128, negative: bool) -> u128 {
    if negative && element != 0 { PRIME - element } else { element }
}

/// For numbers below twice the prime.
#[inline]
fn reduced(n: u128) -> u128 {
    if n >= PRIME { n - PRIME } else { n }
}

/// `a * b`, `a` below the prime.
#[inline]
fn narrow_product(a: u128, b: u64) -> u128 {
    const LOW: u128 = u64::MAX as u128;
    let low = (a & LOW) * u128::from(b);
    let high = (a >> 64) * u128::from(b) + (low >> 64);
    // The product is high * 2^64 + the low half of low; 2^127 is 1.
    let folded = ((high & (LOW >> 1)) << 64 | (low & LOW)) + (high >> 63);
    reduced(folded)
}

fn product(a: u128, b: u128) -> u128 {
    #[expect(clippy::cast_possible_truncation, reason = "the two halves are what is wanted")]
    let (low, high) = (b as u64, (b >> 64) as u64);
    let shifted = narrow_product(narrow_product(a, 1 << 63), 2);
    reduced(narrow_product(a, low) + narrow_product(shifted, high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ten_times_a_tenth_is_one() {
        assert_eq!(product(TENTH, 10), 1);
        assert_eq!(Scaled::new(2).element(150), Scaled::new(1).element(15));
        assert_eq!(Scaled::new(0).element(1_500), Scaled::new(-2).element(15));
        assert_ne!(Scaled::new(2).element(150), Scaled::new(2).element(-150));
        assert_eq!(Scaled::new(5).element(0), Scaled::new(0).element(0));
    }

    proptest! {
        #[test]
        fn trailing_zeros_do_not_count(value in any::<i64>(), scale in 0_i8..30, zeros in 0_u32..18) {
            let padded = i128::from(value) * 10_i128.pow(zeros);
            let zeros = i8::try_from(zeros).expect("small");
            let plain = Scaled::new(scale).element(i128::from(value));
            prop_assert_eq!(Scaled::new(scale + zeros).element(padded), plain);
            prop_assert_eq!(Scaled::new(scale + zeros).element256(i256::from_i128(padded)), plain);
        }

        #[test]
        fn both_widths_agree(value in any::<i128>(), scale in -5_i8..39) {
            let scaled = Scaled::new(scale);
            prop_assert_eq!(scaled.element(value), scaled.element256(i256::from_i128(value)));
        }
    }
}
