//! Policy files and rules.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| jeroboam_api::fuzz::policy(input));
