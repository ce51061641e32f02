//! Any bytes as a file of Arrow: read alike whole and in parts, with the rows that were told, or refused.
#![no_main]

mod calm;
mod whole;

use hygge::homes::arrow::ArrowHome;
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: calm::calm(), |bytes: &[u8]| {
    whole::read("any.arrow", bytes, whole::Said::Counted, |root| ArrowHome::new(root, "any.arrow"));
});
