//! The machines for which code is generated.

pub mod riscv32;
