//! What keeps a benchmark from being run.

use std::fmt;
use std::path::{Path, PathBuf};

/// The result of what can keep a benchmark from being run.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What keeps a benchmark from being run.
#[derive(Debug)]
pub enum Error {
    /// A file could not be read or written.
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A program of someone else failed that must succeed.
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
    /// Something else, in words.
    Other(String),
}

impl Error {
    /// An error at `path`.
    pub fn file(path: &Path, error: std::io::Error) -> Error {
        Error::File {
            path: path.to_path_buf(),
            error,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::File { path, error } => write!(f, "{}: {error}", path.display()),
            Error::Tool { command, output } => write!(f, "{command} failed: {output}"),
            Error::CompilerCrash { command, output } => write!(f, "{command} crashed: {output}"),
            Error::Other(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {}
