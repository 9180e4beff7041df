//! The code of compilers: what it executes, and how large it is.
//!
//! ```text
//!   kernel.clif ─► lpc, in this process ───────────┐
//!                                                  ├─► executable ─► emulator ─► executed instructions by kind, bytes
//!   kernel.c ────► clang, gcc and their linkers ───┘
//! ```
//!
//! Nothing here depends on time or chance: a second run gives the same numbers.
//!
//! | file | |
//! |---|---|
//! | `candidate.rs` | the compilers with their options, and the machines |
//! | `executable.rs` | an executable of a kernel by one of them |
//! | `measure.rs` | what an executable executes |
//! | `mix.rs` | the kinds of instructions |
//! | `comparison.rs` | all kernels by all compilers |
//! | `present.rs` | what came of that as tables, plot and headline figures |

mod candidate;
mod comparison;
mod executable;
mod measure;
mod mix;
mod present;

pub use candidate::{CANDIDATES, CCompiler, CLANG_O0, CLANG_O2, CLANG_OS, Candidate, MACHINES};
pub use comparison::{Column, Comparison, Failure, compare};
pub use executable::{Builder, build_clif, write_executable};
pub use measure::{Measurement, measure};
pub use mix::{Class, Mix};
pub use present::present;
