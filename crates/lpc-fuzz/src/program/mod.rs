//! Random programs.
//!
//! A [`TestProgram`] is a module that has passed the verifier, a function of it to call, and arguments to call it with. What it
//! computes is the same in every correct implementation: addresses never reach a result, a branch or memory, nothing is read
//! that was not written, and every loop ends.

mod generate;

pub use generate::generate;

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
