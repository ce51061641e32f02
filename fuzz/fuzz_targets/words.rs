//! Any bytes as an env file, a value in one, a size, a span, a type, an area: what is written is read as what it was.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| hygge::config::fuzzed::check(bytes));
