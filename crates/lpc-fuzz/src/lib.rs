//! Fuzzers: random programs, broken ones and any bytes, judged by the reference interpreter, by each other and by other tools.
//!
//! | module | what it compares, or is for |
//! |---|---|
//! | [`diff`] | compiled programs with the interpreter, under QEMU too |
//! | [`broken`] | what the verifier says of broken programs with what becomes of them |
//! | [`abi`] | code of lpc with that of C compilers that it calls, and is called by |
//! | [`targets`] | functions for coverage-guided fuzzers |
//! | [`device`] | programs that a device compiles and runs with what the same compiler and the emulator make of them |
//! | [`program`] | random programs |
//! | [`reduce`] | programs that fail made small |
//! | [`defined`] | whether the behavior of a program is defined |
//!
//! Some need programs that are not part of this repository; [`Error::MissingTool`] names the Debian package of each.

pub mod abi;
pub mod broken;
mod data_memory;
pub mod defined;
pub mod device;
pub mod diff;
mod error;
pub mod program;
pub mod reduce;
pub mod targets;

pub use error::Error;
