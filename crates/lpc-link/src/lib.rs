//! Linking: from compiled functions and data to an image in memory.
//!
//! A [`Linker`] takes functions and data objects one by one, as they come, and lays them out one behind the other.
//! [`Linker::link`] then fixes the address at which the image will run, shortens calls, fills in the relocations and returns an
//! [`Image`]:
//!
//! ```text
//!   add_module, add_function, add_data               link(base, imports)
//!        │          │          │                              │
//!        ▼          ▼          ▼                              ▼
//!   ┌──────────┬─────┬──────────┐  ┌────────┐       base ─► ┌──────────────────┬──────┐
//!   │ %f       │ pad │ %g       │  │ %table │               │ %f, %g           │%table│ + symbols, traps, source locations
//!   └──────────┴─────┴──────────┘  └────────┘               └──────────────────┴──────┘
//!    text                           data                     text                data
//! ```
//!
//! | what | file |
//! |---|---|
//! | who means what by a name | `symbols.rs` |
//! | the code of all functions | `text.rs` |
//! | shorter calls where the distance is known | `relax.rs` |
//! | addresses in code and data | `resolve.rs`, `relocation.rs` |
//! | where data go | `data_layout.rs` |
//! | what is where, for questions about addresses | `map.rs` |
//!
//! An image is bytes and tables; nothing is written anywhere. Where the bytes are stored, and whether the memory is seen at
//! one address to write it and at another to execute it, is up to the user: only the address of execution matters here.
//!
//! An [`InPlaceLinker`] does without an image: each function is stored in the memory that it will run from as soon as it is
//! compiled. That is for machines with little memory.
#![no_std]

extern crate alloc;
#[cfg(any(test, feature = "elf"))]
extern crate std;

mod data_layout;
#[cfg(feature = "elf")]
pub mod elf;
mod error;
mod image;
mod in_place;
mod insts;
mod linker;
mod map;
mod relax;
mod relocation;
mod resolve;
mod symbols;
mod text;

pub use error::{LinkError, UndefinedSymbol};
pub use image::Image;
pub use in_place::{InPlaceImage, InPlaceLinker};
pub use insts::{ModuleToInstsError, PlacedInst, compile_module_to_insts};
pub use linker::Linker;
pub use map::{ImageMap, Location, Sections, Symbol, SymbolKind};
