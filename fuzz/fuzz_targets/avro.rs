//! Any bytes as a file of Avro: read alike whole and in parts, with the rows that were told, or refused.
#![no_main]

mod whole;

use hygge::homes::avro::AvroHome;
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: whole::calm(), |bytes: &[u8]| {
    std::fs::write(whole::folder().join("any.avro"), bytes).expect("writes");
    whole::read(&AvroHome::new(whole::folder(), "any.avro"));
});
