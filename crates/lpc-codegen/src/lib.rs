//! Code generation: from LPIR to RV32 machine code.

#![no_std]

extern crate alloc;
