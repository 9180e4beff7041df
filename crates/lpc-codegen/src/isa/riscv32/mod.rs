//! 32-bit RISC-V.

pub mod emit;
pub mod frame;
pub mod inst;
pub mod regs;
