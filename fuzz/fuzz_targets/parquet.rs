//! Any bytes as a file of Parquet: read alike whole, in parts and along a column, with the rows that were told, or refused.
#![no_main]

mod calm;
mod whole;

use hygge::homes::parquet::ParquetHome;
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: calm::calm(), |bytes: &[u8]| {
    whole::read("any.parquet", bytes, whole::Said::Counted, |root| ParquetHome::new(root, "any.parquet"));
});
