//! The target `binary_module` of `lpc_fuzz::targets`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lpc_fuzz::targets::binary_module::run(data));
