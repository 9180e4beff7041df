//! A bare RV32IMAC machine, and what programs without an operating system need of it.
//!
//! | what | file |
//! |---|---|
//! | where memory and devices are | `memory.x` |
//! | where the parts of a program lie | `link.x` |
//! | from reset to `main` | `start.rs` |
//! | the serial line | `uart.rs`, and text on it: `console.rs` |
//! | time and the timer's interrupt | `timer.rs` |
//! | counters | `counters.rs` |
//! | the heap, and what it was asked for | `heap.rs` |
//! | how much stack is used | `stack.rs` |
//! | going on after a panic, a trap or the end of memory | `recovery.rs` |
//! | running code that is not trusted | `user.rs`, with memory protection in `pmp.rs` |
//! | the end of the simulation | `exit.rs` |
//!
//! It is written for QEMU's `virt`. To bring it to a board, change `memory.x`, `uart.rs` if the serial line is no 16550, the rate of the
//! clock in `timer.rs`, and `exit.rs`, where there is nothing to exit to. `pmp.rs` needs the mode "top of range" and ten entries,
//! `user.rs` and `counters.rs` the counter `minstret`: not every chip has these.
//!
//! A program names its entry with [`entry!`], and has a build script that prints `cargo:rustc-link-arg-bins=-Tlink.x`.
//!
//! There is one hart, and no interrupt is taken while the firmware itself runs: nothing here is accessed by two at once.
#![no_std]

pub mod console;
pub mod counters;
pub mod exit;
pub mod heap;
pub mod pmp;
pub mod recovery;
pub mod stack;
mod start;
pub mod timer;
pub mod uart;
pub mod user;
