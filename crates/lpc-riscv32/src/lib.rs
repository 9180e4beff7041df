//! RV32 instructions: registers, extensions, encoding, decoding, disassembly and an emulator.

#![no_std]

extern crate alloc;
