//! Why a device does not do what it is asked for.

use crate::{FailureKind, PROTOCOL_VERSION};
use core::fmt;
use std::io;
use std::string::String;
use std::time::Duration;

/// Why a device does not do what it is asked for.
#[derive(Debug)]
pub enum Error {
    /// It says so.
    Failed {
        /// In which respect.
        kind: FailureKind,
        /// What is wrong.
        message: String,
    },
    /// It does not answer.
    TimedOut(Duration),
    /// The line is closed: what is known of the reason.
    Closed(String),
    /// Writing to the line, or opening it, failed.
    Io(io::Error),
    /// What it answers is no answer.
    BadReply,
    /// It speaks another version of the protocol.
    Version(u32),
    /// The program runs, and says nothing.
    StillRunning(Duration),
    /// The module, or the arguments or results of one call, are too large for it.
    TooLarge {
        /// The bytes that they take.
        size: usize,
        /// The bytes that there is room for.
        room: usize,
    },
    /// A tool is missing: its name, and the Debian package that has it.
    MissingTool {
        /// The name of the program.
        tool: &'static str,
        /// The package.
        package: &'static str,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { message, .. } => f.write_str(message),
            Self::TimedOut(time) => write!(f, "the device gave no answer in {time:?}"),
            Self::StillRunning(time) => {
                write!(
                    f,
                    "the program on the device said nothing in {time:?}, and still runs"
                )
            }
            Self::Closed(reason) if reason.is_empty() => f.write_str("the device is gone"),
            Self::Closed(reason) => write!(f, "the device is gone: {reason}"),
            Self::Io(error) => error.fmt(f),
            Self::BadReply => f.write_str("the device gave an answer that is none"),
            Self::Version(version) => write!(
                f,
                "the device speaks version {version} of the protocol, and this is version {PROTOCOL_VERSION}"
            ),
            Self::TooLarge { size, room } => write!(
                f,
                "{size} bytes are more than the device takes or gives at once, which is {room}"
            ),
            Self::MissingTool { tool, package } => {
                write!(
                    f,
                    "{tool} is not installed; Debian has it in the package {package}"
                )
            }
        }
    }
}

impl core::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
