//! Any bytes as a CSV file: types are told so that all of it can be read, alike whole and in parts, or it is refused.
#![no_main]

mod calm;
mod whole;

use hygge::homes::csv::{CsvHome, CsvHomeConfig};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: calm::calm(), |bytes: &[u8]| {
    whole::read("any.csv", bytes, whole::Said::Guess, |root| CsvHome::new(CsvHomeConfig::new(root, "any.csv")).expect("a home"));
});
