//! Any bytes as the XML of a workbook's sheet: read as it was counted, or refused.
#![no_main]

mod calm;
mod whole;

use hygge::homes::xlsx::{HeaderAt, XlsxHome, XlsxHomeConfig, fuzzed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: calm::calm(), |bytes: &[u8]| {
    whole::read("any.xlsx", &fuzzed::of(bytes), whole::Said::Counted, |root| {
        XlsxHome::new(XlsxHomeConfig {
            root: root.to_path_buf(),
            path: "any.xlsx".to_owned(),
            columns: Vec::new(),
            sheet: None,
            range: None,
            header: HeaderAt::First,
            nulls: Vec::new(),
        })
    });
});
