//! Linking: from the code of single functions to an image in memory.
//!
//! A [`Linker`] takes functions one by one, as they are compiled, and lays them out one behind the other. [`Linker::link`]
//! then fixes the address at which the image will run, fills in the relocations and returns an [`Image`]:
//!
//! ```text
//!   add_function(%f)  add_function(%g)            link(base, imports)
//!        │                 │                            │
//!        ▼                 ▼                            ▼
//!   ┌──────────┬─────┬──────────┐    base ─► ┌──────────┬─────┬──────────┐
//!   │ %f       │ pad │ %g       │            │ %f       │ pad │ %g       │ + symbols, traps, source locations by address
//!   └──────────┴─────┴──────────┘            └──────────┴─────┴──────────┘
//! ```
//!
//! An image is bytes and tables; nothing is written anywhere. Where the bytes are stored, and whether the memory is seen at
//! one address to write it and at another to execute it, is up to the user: only the address of execution matters here.
#![no_std]

extern crate alloc;
#[cfg(any(test, feature = "elf"))]
extern crate std;

#[cfg(feature = "elf")]
pub mod elf;
mod error;
mod image;
mod insts;
mod linker;
mod relocation;

pub use error::{LinkError, UndefinedSymbol};
pub use image::{Image, Location, Symbol};
pub use insts::{ModuleToInstsError, PlacedInst, compile_module_to_insts};
pub use linker::Linker;
