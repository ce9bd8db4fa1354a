//! JSON patches from clients.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| jeroboam_api::fuzz::json_patch(input));
