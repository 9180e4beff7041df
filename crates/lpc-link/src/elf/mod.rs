//! ELF files, as the RISC-V psABI lays them down ("RISC-V ELF Specification"), for machines of 32 bits.
//!
//! * [`read`]: executables and relocatable objects of any compiler, as segments, sections, symbols and relocations.
//! * [`link_executable`]: a static executable of a module, with start-up code and the functions of the host.
//! * [`traps`]: the section that says why code traps.

mod attributes;
mod executable;
mod host_functions;
pub mod read;
mod start;
pub mod traps;
mod write;

pub use executable::{ExecutableError, ExecutableOptions, link_executable};
pub use start::Stack;
