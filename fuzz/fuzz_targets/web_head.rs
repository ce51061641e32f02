//! Any bytes as the headers of an answer: understood as the protocol has it, or not at all.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| hygge::files::web::fuzzed::check_head(bytes));
