//! Code generation: from LPIR to RV32 machine code.

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod backend;
pub mod isa;
