//! Compiled programs in the emulator.
//!
//! A [`Program`] is a module that was compiled, linked and loaded into the machine of [`lpc_riscv32::emulator`]. Its
//! functions are called with [`DataValue`](lpc_lpir::ir::DataValue)s, where the calling convention puts them; where that is
//! stands in the [`AbiSignature`](lpc_codegen::backend::abi::AbiSignature) that the compiler itself uses, and nowhere else.
//!
//! A call is a check as well. Whatever the convention leaves undefined is filled with garbage: the registers that carry no
//! argument, the bits above narrow arguments, fresh stack, and after a call to the host the registers that it may clobber.
//! Whatever the convention promises is verified when the function returns: see [`Violation`].
//!
//! The memory of the machine:
//!
//! ```text
//!   MEMORY_BASE  ┌────────────────┐
//!                │ stack          │  stack_size; grows down, and overflows out of the memory
//!                ├────────────────┤
//!                │ host calls     │  one `ecall; ret` for each import; which one it is, its address tells
//!                │ code           │  the linked image
//!                ├────────────────┤
//!                │ free           │  for the user: `Program::free_memory`
//!                └────────────────┘  memory_size
//! ```
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod error;
mod host;
mod load;
mod options;
mod program;
mod transfer;

pub use error::{Place, ProgramError, RunError, Violation};
pub use host::{HostFunctions, NoHost};
pub use lpc_riscv32::emulator::Emulator;
pub use options::{MEMORY_BASE, MachineOptions};
pub use program::{Program, StartedCall};
