//! ELF executables in the emulator, with what they need of an environment.
//!
//! A [`Process`] is an executable of any compiler that was loaded into the machine of [`lpc_riscv32::emulator`], and runs there
//! until it exits or traps. It may talk to the outside in two ways:
//!
//! * by `ecall`, as programs for Linux do: see [`linux`], which also says how the stack looks at the start;
//! * by the semihosting operations of the RISC-V specification of that name: see [`semihosting`].
//!
//! Neither gives it more than the three standard streams: there are no files, no clock (time is counted in instructions,
//! so that a run can be repeated), and no other process.
//!
//! The memory of the machine is one region, from the lowest segment on:
//!
//! ```text
//!   lowest segment  ┌────────────────┐
//!                   │ segments       │  and whatever is between them, at most MAX_SPAN
//!                   ├────────────────┤
//!                   │ heap           │  grows up, by `brk`
//!                   │ stack          │  grows down, from the end
//!                   └────────────────┘  heap_and_stack_size
//! ```
//!
//! Instructions are fetched from executable segments and the gaps between them only. Stores to segments that are not writable
//! trap, apart from segments that start-up code copies from their load address.

mod error;
pub mod linux;
mod memory_map;
mod process;
pub mod semihosting;
mod source_line;
mod streams;

pub use error::LoadError;
pub use memory_map::MAX_SPAN;
pub use process::{End, Place, Process, ProcessOptions};
pub use source_line::SourceLine;
pub use streams::Streams;
