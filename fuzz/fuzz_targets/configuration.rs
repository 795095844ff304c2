//! See `targets::configuration`.

#![no_main]

#[path = "../targets.rs"]
#[expect(dead_code, reason = "one of its functions is fuzzed here")]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::configuration(bytes));
