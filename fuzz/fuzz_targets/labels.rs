//! Labels of templates and clusters.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| jeroboam_api::fuzz::labels(input));
