//! Talking to a device.
//!
//! | what | file |
//! |---|---|
//! | requests and their answers, over any two streams of bytes | `client.rs` |
//! | a device in QEMU | `qemu.rs` |
//! | a device behind a serial port | `serial.rs` |

mod client;
mod error;
mod qemu;
mod serial;

pub use client::{Calls, Client, Outcome};
pub use error::Error;
pub use qemu::Qemu;
pub use serial::open_port;
