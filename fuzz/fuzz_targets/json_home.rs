//! Any bytes as a JSON file: types are told so that all of it can be read, alike whole and in parts, or it is refused.
#![no_main]

mod calm;
mod whole;

use hygge::homes::json::{JsonHome, JsonHomeConfig};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: calm::calm(), |bytes: &[u8]| {
    whole::read("any.json", bytes, whole::Said::Guess, |root| JsonHome::new(JsonHomeConfig::new(root, "any.json", false)).expect("a home"));
});
