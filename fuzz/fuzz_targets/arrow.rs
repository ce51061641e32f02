//! Any bytes as a file of Arrow: read alike whole and in parts, with the rows that were told, or refused.
#![no_main]

mod whole;

use hygge::homes::arrow::ArrowHome;
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: whole::calm(), |bytes: &[u8]| {
    std::fs::write(whole::folder().join("any.arrow"), bytes).expect("writes");
    whole::read(&ArrowHome::new(whole::folder(), "any.arrow"));
});
