//! 32-bit RISC-V.

pub mod abi;
pub mod emit;
pub mod frame;
pub mod inst;
pub mod lower;
pub mod regs;
#[cfg(feature = "vcode-text")]
pub mod text;
