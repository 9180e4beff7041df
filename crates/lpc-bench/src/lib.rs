//! Benchmarks: what lpc costs, and what its code costs, beside what a user would take instead.
//!
//! | module | what it is for |
//! |---|---|
//! | [`kernels`] | the programs that code is compared on, each in C and in CLIF |
//! | [`report`] | tables, plots and headline figures, as text, JSON and SVG |
//! | [`statistics`] | means and exponents |
//!
//! Everything is measured in one run, alternating between the candidates, so that a noisy machine disturbs all alike.

mod error;
pub mod kernels;
pub mod report;
pub mod statistics;

pub use error::{Error, Result};
