//! Requests that are not granted.

use alloc::string::{String, ToString};
use core::fmt::Display;
use lpc_device::FailureKind;

/// Why a request was not granted.
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(kind: FailureKind, message: impl Display) -> Self {
        Self {
            kind,
            message: message.to_string(),
        }
    }

    /// The failure of a request that makes no sense.
    pub(crate) fn request(message: &str) -> Self {
        Self::new(FailureKind::Request, message)
    }
}
