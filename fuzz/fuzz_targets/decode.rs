//! The target `decode` of `lpc_fuzz::targets`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lpc_fuzz::targets::decode::run(data));
