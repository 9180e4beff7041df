//! Compiling and running on a chip, over a serial line.
//!
//! ```text
//!   host                                                     device
//!
//!   Load { settings, module }          ──►                   reads, verifies, compiles, links
//!                                      ◄──   Loaded { where, costs }   or Failed
//!   Call { function, arguments }       ──►                   runs it
//!                                      ◄──   Output { bytes }          while it runs
//!                                      ◄──   Returned or Stopped
//! ```
//!
//! Every [`Request`] has one answer, and before it any number of [`Reply::Output`] and [`Reply::NeedsInput`]. What the device cannot
//! read as a request is answered as well, with [`Reply::Failed`].
//!
//! | what | file |
//! |---|---|
//! | what is said | `message.rs` |
//! | how that is made bytes on a line, and found there again | `frame.rs` |
//! | the settings of the compiler on the line | `settings.rs` |
//! | functions that programs can call at the host | `host_functions.rs` |
//! | talking to a device, in QEMU or behind a serial port (feature `host`) | `host/` |
#![no_std]

#[cfg(any(test, feature = "host"))]
extern crate std;

pub mod frame;
#[cfg(feature = "host")]
pub mod host;
mod host_functions;
mod message;
mod settings;

pub use host_functions::HostFunction;
pub use message::{
    Cause, Cost, Description, Execution, FailureKind, Loaded, PROTOCOL_VERSION, Place, Reply,
    Request,
};
pub use settings::{BadSettings, WireSettings};
