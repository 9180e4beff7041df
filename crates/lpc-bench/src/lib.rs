//! Benchmarks: what lpc costs, and what its code costs, beside what a user would take instead.
//!
//! | module | what it is for |
//! |---|---|
//! | [`code`] | what code executes and how large it is, lpc's and that of C compilers |
//! | [`compile`] | what compiling takes, beside Cranelift |
//! | [`device`] | what the compiler takes on the chip, beside Cranelift |
//! | [`emulator`] | how fast the emulator is, beside QEMU |
//! | [`kernels`] | the programs that code is compared on, each in C and in CLIF |
//! | [`report`] | tables, plots and headline figures, as text, JSON and SVG |
//! | [`statistics`] | means and exponents |
//! | [`tools`] | the programs of others, where they are installed |
//!
//! Everything is measured in one run, alternating between the candidates, so that a noisy machine disturbs all alike.

pub mod code;
pub mod compile;
pub mod device;
pub mod emulator;
mod error;
pub mod kernels;
pub mod report;
pub mod statistics;
pub mod tools;

pub use error::{Error, Result};
