//! Any bytes as a URL and as redirects from it: no secret is shown or goes elsewhere.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| hygge::files::web::fuzzed::check_url(bytes));
