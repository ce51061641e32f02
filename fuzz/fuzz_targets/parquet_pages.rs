//! Any bytes as the header of a page of Parquet, and as what makes one: read as it was written.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| hygge::files::parquet::fuzzed::check(bytes));
