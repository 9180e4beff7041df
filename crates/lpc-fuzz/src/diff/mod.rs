//! The differential fuzzer: random programs do the same in the reference interpreter and as compiled code.
//!
//! ```text
//!                      ┌─► interpreter ─────────────────────────────────────────► results, memory, traps ─┐
//!   seed ─► program ───┤                                                                                  ├─► equal
//!                      └─► compiler, all settings ─► different codes ─► emulator ─► results, memory, traps ─┘
//!                            │                                       └► QEMU, of some
//!                            └► regalloc2's checker
//! ```
//!
//! | file | |
//! |---|---|
//! | [`configuration`] | the settings that programs are compiled with |
//! | [`interpret`] | what a program must do |
//! | [`compile`] | from a program to its different codes |
//! | [`emulate`] | what compiled code does in the emulator |
//! | [`qemu`] | what it does in QEMU |
//! | [`outcome`] | what is compared |
//! | [`check`] | all of that for one program |
//! | [`run`](run()) | many programs, in threads |
//! | [`files`] | programs from files |
//! | [`keep`](keep()) | files with programs that failed |
//! | [`faults`] | mistakes on purpose |

pub(crate) mod attempt;
pub mod check;
pub mod compile;
pub mod configuration;
pub mod emulate;
pub mod faults;
pub mod files;
pub mod interpret;
mod keep;
pub mod outcome;
pub mod qemu;
mod run;
pub mod timing;

pub use keep::keep;
pub use run::{Mismatch, Options, Reduced, Report, reduce, run, run_programs};
