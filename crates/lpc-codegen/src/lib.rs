//! Code generation: from LPIR to RV32 machine code.

#![no_std]

extern crate alloc;
#[cfg(any(test, feature = "parallel"))]
extern crate std;

pub mod backend;
pub mod budget;
pub mod compile;
pub mod error;
pub mod isa;
pub mod runtime;
pub mod settings;
pub mod stack;

pub use budget::{CompileBudget, MemoryUse, Pass};
pub use compile::{
    CompiledFunction, CompiledModule, Compiler, allocate_registers, compile_function,
    compile_module, compile_module_within, emit_function, lower_function, map_functions,
};
pub use error::{CompileError, ModuleCompileError, UnsupportedFeature};
pub use settings::{CodeAlignment, OptLevel, RegallocAlgorithm, Settings};
pub use stack::{StackUse, Unbounded};
