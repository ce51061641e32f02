//! Any values as columns of PostgreSQL: refused by the plan or by their row, or read again as what they were.
#![no_main]

#[path = "../../crates/hygge-pgcopy/tests/it/any.rs"]
#[expect(dead_code, reason = "each target uses its own part")]
mod any;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    any::encode(bytes);
});
