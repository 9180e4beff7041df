//! Random programs.
//!
//! A [`TestProgram`] is a module that has passed the verifier, a function of it to call, and arguments to call it with. What it
//! computes is the same in every correct implementation: addresses never reach a result, a branch or memory, nothing is read
//! that was not written, and every loop ends.
//!
//! | file | generates |
//! |---|---|
//! | `generate` | the module |
//! | `profile` | says how often what occurs |
//! | `plan` | data objects and signatures |
//! | `function` | functions: their start, their end, and the values between |
//! | `shape` | control flow |
//! | `instructions` | single instructions, from the opcode table |
//! | `idioms` | patterns of instructions that the compiler knows |
//! | `memory`, `atomics` | accesses and their addresses |
//! | `calls`, `recursion` | calls |
//! | `traps` | traps that seldom happen |
//! | `oddities` | what says nothing, and what is never executed |
//! | `inputs`, `numbers` | arguments and constants |
//!
//! [`Statistics`] tell what occurs.

mod atomics;
mod calls;
mod function;
mod generate;
mod idioms;
mod inputs;
mod instructions;
mod memory;
mod numbers;
mod oddities;
mod plan;
mod profile;
mod random;
mod recursion;
mod scope;
mod shape;
mod statistics;
mod traps;

pub use generate::generate;
pub use statistics::Statistics;

use lpc_lpir::ir::{DataValue, ExternalName, Module};

/// A program and what to call it with.
#[derive(Clone, Debug)]
pub struct TestProgram {
    /// The program. Its writable data objects are memory whose contents are part of what it computes.
    pub module: Module,
    /// The function that is called.
    pub entry: ExternalName,
    /// The arguments of each call. Each starts from the initial contents of the data objects.
    pub inputs: Vec<Vec<DataValue>>,
}
