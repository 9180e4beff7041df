//! The reference interpreter of LPIR: what each instruction means, written to be read.
//!
//! It shares no code with the backend, so that the two can be compared. It executes functions as they stand, one
//! instruction after the other, and knows values only as numbers of a type: there are no registers, and a narrow value has
//! no upper bits that could be garbage.
//!
//! ```text
//!  Interpreter ── frames: Vec<Frame>      one for each function that has been called and has not returned
//!       │                   └── values of its SSA values, addresses of its stack slots, the next instruction
//!       ├── memory: Memory                data, stack and heap in one 32-bit address space
//!       ├── data                          which address stands for which data object
//!       └── functions                     which address stands for which function
//! ```
//!
//! # What the program must keep to
//!
//! The functions must have passed the verifier: what that refuses may make the interpreter panic. What a verified program
//! may still do wrong, and machine code would answer with anything at all, is reported as [`Error::Undefined`]: an access
//! with the flag `notrap` outside of the memory or that would change read-only data, one with the flag `aligned` or an atomic one at an address that is not a
//! multiple of its size, and calls of a function through a signature that is not its own or of an address that is no
//! function.
//!
//! # What differs from machine to machine
//!
//! Addresses are not those that compiled code sees. A stack slot holds the byte [`UNINITIALIZED`] until it is written. The
//! stack of every call takes at least [`FRAME_OVERHEAD`] bytes. A `stack_limit` is not looked at, as it is about frames of
//! compiled code, and `debugtrap` does nothing, as there is no debugger.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod data;
mod error;
mod evaluate;
mod frame;
mod functions;
mod host;
mod interpreter;
mod memory;
mod memory_access;
mod step;

pub use error::{Error, Trap};
pub use frame::{FRAME_OVERHEAD, UNINITIALIZED};
pub use host::{HostFunctions, NoHost};
pub use interpreter::{Interpreter, Limits};
pub use memory::{DATA_BASE, MEMORY_BASE, Memory, MemoryFault};
