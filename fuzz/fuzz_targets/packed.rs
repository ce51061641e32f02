//! Any bytes as a packed file, and packed: comes back, and is never taken for whole where it was cut.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| hygge::files::codec::fuzzed::check(bytes));
