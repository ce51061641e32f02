//! Any bytes as a stream of PostgreSQL's COPY, of columns of any types: sound or an error, the same in pieces of any size.
#![no_main]

#[path = "../../crates/hygge-pgcopy/tests/it/any.rs"]
#[expect(dead_code, reason = "each target uses its own part")]
mod any;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    any::decode(bytes);
});
