//! What is read of any stream of PostgreSQL's COPY is written and read again as what it was.
#![no_main]

#[path = "../../crates/hygge-pgcopy/tests/it/any.rs"]
#[expect(dead_code, reason = "each target uses its own part")]
mod any;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    any::round(bytes);
});
