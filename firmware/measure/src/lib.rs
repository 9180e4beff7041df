//! Measuring a compiler on the chip: the functions that it compiles, and the counters around it.
//!
//! A program implements [`Compiler`] for each compiler that it has, with a [`Builder`], and calls [`run`]. [`frontend_builder`] makes a
//! builder of a frontend with the names of Cranelift's.
#![no_std]

mod counters;
mod frontend;
mod nothing;
mod shapes;

pub use counters::{Compiled, Compiler, measure, run};
pub use nothing::Nothing;
pub use shapes::{Builder, Operation, Shape};
