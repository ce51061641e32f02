//! Any bytes as a file of Avro: read alike whole and in parts, with the rows that were told, or refused.
#![no_main]

mod calm;
mod whole;

use hygge::homes::avro::AvroHome;
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: calm::calm(), |bytes: &[u8]| {
    whole::read("any.avro", bytes, whole::Said::Counted, |root| AvroHome::new(root, "any.avro"));
});
