//! Compiling LPIR into executable memory, and calling it: on the chip itself, or in the emulator.
//!
//! ```
//! use lpc_codegen::Settings;
//! use lpc_jit::{EmulatorMemory, EmulatorOptions, HostFunctions, Jit};
//! use lpc_lpir::text::parse_module;
//!
//! extern "C" fn limit(value: i32) -> i32 {
//!     value.min(100)
//! }
//!
//! let mut host = HostFunctions::new();
//! host.add("limit", limit as extern "C" fn(i32) -> i32)?;
//! // On a chip: `unsafe { RamMemory::new(ram) }`. All else is the same.
//! let memory = EmulatorMemory::new(EmulatorOptions::default())?;
//! let mut jit = Jit::new(memory, host);
//!
//! let module = parse_module("function %scale(i32, i32) -> i32 {
//!     fn0 = %limit(i32) -> i32
//! block0(v0: i32, v1: i32):
//!     v2 = imul v0, v1
//!     v3 = call fn0(v2)
//!     return v3
//! }")?;
//! let module = jit.compile(module, &Settings::default())?;
//! let scale = module.function::<fn(i32, i32) -> i32>("scale")?;
//! assert_eq!(scale.call(6, 7)?, 42);
//! assert_eq!(scale.call(60, 70)?, 100);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | what | file |
//! |---|---|
//! | from modules to code: [`Jit`], [`ModuleBuilder`] | `jit.rs` |
//! | what there is in the end: [`JitModule`], [`TypedFunction`] | `module.rs`, `function.rs` |
//! | Rust's types in calls, and what they are compared with | `types.rs` |
//! | functions that code may call: [`HostFunctions`] | `host.rs` |
//! | memory for code: [`CodeMemory`]; which parts are free | `code_memory.rs`, `regions.rs` |
//! | that of the machine itself, and calls by it | `ram.rs` |
//! | that of an emulated machine | `emulator.rs` |
//! | calls by address: [`Execute`] | `execute.rs` |
//!
//! # What it takes
//!
//! A module is compiled function by function, and the code of each goes at once to where it will run. Besides the one function that is being
//! compiled, what is in the heap is the IR of those that are yet to come, and for each call, trap and name a few words. Who gets functions
//! one by one can do without the former: see [`Jit::builder`].
//!
//! # What it relies on
//!
//! Modules must have passed the verifier, or come from a builder that makes no errors. Code that is compiled on the machine itself can do
//! whatever the machine can: [`RamMemory`] is where that is promised to be right.
#![no_std]

extern crate alloc;
#[cfg(any(test, doctest))]
extern crate std;

mod code_memory;
#[cfg(feature = "emulator")]
mod emulator;
mod error;
mod execute;
mod function;
mod host;
mod jit;
mod module;
mod ram;
mod regions;
mod types;

pub use code_memory::{CodeMemory, Region};
#[cfg(feature = "emulator")]
pub use emulator::{EmulatedMachine, EmulatorError, EmulatorMemory, EmulatorOptions, MEMORY_BASE};
pub use error::{CallError, ImportSignature, JitError, SignatureError};
pub use execute::{Execute, NativeCall, WordCall};
pub use function::TypedFunction;
pub use host::{HostFunction, HostFunctions};
pub use jit::{Jit, ModuleBuilder};
pub use module::JitModule;
pub use ram::{Native, RamMemory, fence_i};
pub use regions::{GRANULE, RegionAllocator};
pub use types::{
    CSignature, CValue, FunctionType, HostFnPointer, HostResults, NotC, Pair, Results, Value, Word,
};
