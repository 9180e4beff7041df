//! The test runner behind `lpc test`.
//!
//! A test is a text file. Its first lines say what is to be tested, comments in it what must come of that:
//!
//! ```text
//! test run
//! set opt_level=speed
//!
//! function %half(i32) -> i32 {
//! block0(v0: i32):
//!     v1 = iconst.i32 1
//!     v2 = sshr v0, v1
//!     return v2
//! }
//!
//! ; run: %half(7) == 3
//! ; run: %half(-1) == -1
//! ```
//!
//! Each test command is in a file of its own; `.clif` files hold LPIR, `.vcode` files
//! virtual-register code.
//!
//! | command | of | tests |
//! |---|---|---|
//! | `test run` | `.clif` | results and traps, on the interpreter and on the emulator with every register allocator and optimization level |
//! | `test interpret` | `.clif` | the same, on the interpreter alone |
//! | `test compile [precise-output]` | `.clif` | machine code |
//! | `test lower` | `.clif` | virtual-register code |
//! | `test verifier` | `.clif` | the errors of the verifier |
//! | `test cat` | `.clif` | what is read, printed again |
//! | `test regalloc` | `.vcode` | the registers that are allocated |
//! | `test emit` | `.vcode` | machine code |
//!
//! The emulator has one hart: code that is right only where there are no others is run as well, whether or not the file has
//! `set single_hart`.
//!
//! A directive or annotation counts as one test, a text that is compared as a whole as well. What needs something that we
//! lack is skipped and named: a test command that only Cranelift has, a function with a type or opcode that we do not
//! have, one that the backend cannot compile, and those that call it. Everything else in the file is tested.
//!
//! All directives and settings are listed in `docs/testing.md`.
//!
//! Files are run in the order of their names, and the same files give the same output.

mod attempt;
mod check;
mod configuration;
mod engine;
mod expectation;
mod host;
mod machine_code;
mod program;
mod report;
mod retype_pointers;
mod runner;
pub mod stress;
mod subtest;
mod test_cat;
mod test_compile;
mod test_emit;
mod test_lower;
mod test_regalloc;
mod test_run;
mod test_verifier;
mod vcode_file;

pub use host::TestHost;
pub use report::Summary;
pub use runner::{Options, run_paths};
