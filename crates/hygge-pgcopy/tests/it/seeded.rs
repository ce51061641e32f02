//! Numbers by chance, the same with the same seed.

/// A generator of numbers (`SplitMix64`).
pub(crate) struct Chance(u64);

impl Chance {
    /// One that is this test's own, by the seed of the run.
    pub(crate) fn new(own: u64) -> Self {
        let seed = std::env::var("HYGGE_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_130_101_u64);
        Self(seed ^ own.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    /// One below a number above zero.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        u64::try_from((u128::from(self.next()) * u128::from(end)) >> 64).expect("below a number of 64 bits")
    }

    /// One from a number to another, both included.
    pub(crate) fn between(&mut self, from: i64, to: i64) -> i64 {
        let span = to.abs_diff(from);
        let step = if span == u64::MAX { self.next() } else { self.below(span + 1) };
        from.wrapping_add_unsigned(step)
    }

    pub(crate) fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    pub(crate) fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[usize::try_from(self.below(choices.len() as u64)).expect("a small number")]
    }

    /// A whole number of any size up to so many bits, small ones as often as large ones.
    pub(crate) fn sized(&mut self, bits: u32) -> u64 {
        let bits = self.below(u64::from(bits) + 1);
        if bits == 0 { 0 } else { self.next() >> (64 - bits) }
    }
}

/// Whether the heavy proofs run at their full size.
pub(crate) fn soak() -> bool {
    std::env::var_os("HYGGE_SOAK").is_some()
}
