//! The speed of the emulator, beside that of QEMU in user mode, which is a just-in-time compiler.
//!
//! Both run the same executables: a kernel, compiled by lpc, whose function is called as often as the first argument of the
//! program says. What is measured is the time of the processor that *many* calls take, minus that of none: neither
//! the start of a process nor what the loader does is in it. What QEMU spends on translation is.
//!
//! How many calls are many depends on who runs them, so that everyone is measured for about as long. The runs alternate, and
//! the fastest one of each counts.

mod measure;
mod present;
mod program;

pub use measure::{Measurement, QemuRunner, measure};
pub use present::present;
pub use program::Program;
