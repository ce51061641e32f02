//! Any bytes as a cell, a number, a date, a declared type: all ways of reading agree, and what is written is read again.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| hygge::files::cell::fuzzed::check(bytes));
