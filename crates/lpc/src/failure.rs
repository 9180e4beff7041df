//! How a command can fail, and the exit code of each way.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | the command did what it was asked for |
//! | 1 | an error in the input or in the use of the command |
//! | 3 | the program that was run trapped |
//!
//! An executable that ends by itself lends its own status to `lpc run`, as to every shell. What went wrong with `lpc` itself is
//! told apart by what is printed: an executable that returns 1 or 3 prints nothing of it.

use crate::diagnostics::Diagnostics;
use std::fmt::Display;
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// The exit code for errors in the input and in the use of a command.
pub(crate) const EXIT_ERROR: u8 = 1;

/// The exit code when the program that was run trapped.
const EXIT_TRAP: u8 = 3;

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Errors at places of a text.
    Diagnostics(Diagnostics),
    /// Any other error in the input or in the use of the command.
    Message(String),
    /// The program trapped.
    Trap(String),
    /// The executable that was run ended with this status.
    Status(u8),
    /// Nobody reads the output any more.
    BrokenPipe,
}

impl Failure {
    /// The failure with the text `message`.
    pub(crate) fn message(message: impl Display) -> Self {
        Self::Message(message.to_string())
    }

    /// The failure to read or write `path`.
    pub(crate) fn file(path: &Path, error: &io::Error) -> Self {
        Self::Message(format!("{}: {error}", path.display()))
    }

    /// Tells the user, and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Diagnostics(diagnostics) => {
                diagnostics.print();
                EXIT_ERROR
            }
            Self::Message(message) => {
                anstream::eprintln!("error: {message}");
                EXIT_ERROR
            }
            Self::Trap(message) => {
                anstream::eprintln!("{message}");
                EXIT_TRAP
            }
            Self::Status(status) => status,
            Self::BrokenPipe => 0,
        })
    }
}

/// A failure to write the output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::BrokenPipe
        } else {
            Self::Message(format!("cannot write the output: {error}"))
        }
    }
}

impl From<Diagnostics> for Failure {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Diagnostics(diagnostics)
    }
}
