//! ELF files, as the RISC-V psABI lays them down ("RISC-V ELF Specification"), for machines of 32 bits.
//!
//! * [`read`]: executables and relocatable objects of any compiler, as segments, sections, symbols and relocations.
//! * [`ElfListing`]: the code of such a file, as text.
//! * [`write_object`]: a relocatable object of a module, for linkers and debuggers.
//! * [`link_executable`]: a static executable of a module, with start-up code and the functions of the host.
//! * [`traps`]: the section that says why code traps.

mod attributes;
mod builder;
mod code;
mod data;
mod debug_info;
mod debug_line;
mod debug_section;
mod debug_values;
mod executable;
mod frame;
mod host_functions;
mod image_lines;
mod listing;
mod object;
pub mod read;
mod relocation;
mod shrinking;
mod start;
mod trap_table;
pub mod traps;
mod write;

pub use debug_info::{DebugInfo, LineMap};
pub use executable::{ExecutableError, ExecutableOptions, link_executable};
pub use listing::ElfListing;
pub use object::{ObjectError, ObjectOptions, write_object};
pub use start::Stack;
