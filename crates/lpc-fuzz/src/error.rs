//! Why a fuzzer cannot do its work. What it finds is no error.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a fuzzer cannot do its work.
#[derive(Debug)]
pub enum Error {
    /// A program is not installed.
    MissingTool {
        /// Its name.
        program: &'static str,
        /// The Debian package that it is in.
        package: &'static str,
    },
    /// A program lacks something that newer versions have.
    OldTool {
        /// Its name.
        program: &'static str,
        /// The Debian package that it is in.
        package: &'static str,
        /// What it lacks.
        lacks: &'static str,
    },
    /// A program that must succeed failed.
    Tool {
        /// How it was started.
        command: String,
        /// What it wrote.
        output: String,
    },
    /// A compiler of someone else has a mistake that a program shows.
    CompilerCrash {
        /// How it was started.
        command: String,
        /// What it wrote.
        output: String,
    },
    /// A file cannot be read or written.
    File(PathBuf, io::Error),
    /// The standard output cannot be written to.
    Output(io::Error),
    /// It does not tell for which target the input in a file is.
    UnknownTarget(PathBuf),
    /// A device does not answer.
    Device(lpc_device::host::Error),
    /// lpc does not accept a program that the fuzzer has written.
    Lpc(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingTool { program, package } => {
                write!(
                    f,
                    "{program} is missing: install the Debian package {package}"
                )
            }
            Self::OldTool {
                program,
                package,
                lacks,
            } => write!(
                f,
                "{program} has no {lacks}: install a newer version of the Debian package {package}"
            ),
            Self::Tool { command, output } => write!(f, "{command} failed: {output}"),
            Self::CompilerCrash { command, output } => write!(f, "{command} crashed: {output}"),
            Self::File(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Output(error) => write!(f, "the standard output: {error}"),
            Self::UnknownTarget(path) => write!(
                f,
                "{}: no folder in this path, or in that folder, is named after a target: name one with --target",
                path.display()
            ),
            Self::Device(error) => write!(f, "device: {error}"),
            Self::Lpc(message) => write!(f, "lpc: {message}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<lpc_device::host::Error> for Error {
    fn from(error: lpc_device::host::Error) -> Self {
        Self::Device(error)
    }
}
