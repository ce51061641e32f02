//! Any bytes as the folders of a path and as values that name folders: read and written so that they come back.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| hygge::files::hive::fuzzed::check(bytes));
