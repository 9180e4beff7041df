//! Fuzzers that compare lpc with other tools.
//!
//! They need programs that are not part of this repository; [`Error::MissingTool`] names the Debian package of each.

pub mod abi;
pub mod broken;
pub mod defined;
pub mod diff;
mod error;
pub mod program;
pub mod reduce;
pub mod targets;

pub use error::Error;
