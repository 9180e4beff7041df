//! Why an executable cannot be loaded.

use lpc_link::elf::read::ReadElfError;
use std::fmt;

/// Why an executable cannot be loaded.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum LoadError {
    /// The file cannot be read, is no static executable, or is for an instruction set that is not known.
    Read(ReadElfError),
    /// There is nothing to load.
    NoSegments,
    /// The segments are further apart than the machine has memory.
    TooFarApart {
        /// The lowest address.
        start: u32,
        /// The address behind the highest one.
        end: u64,
        /// The most bytes that may be between them.
        limit: u64,
    },
    /// There is no room for heap and stack behind the highest segment, in the machine's memory or in the address space.
    NoRoomForStack,
    /// There is too little memory, where the emulator runs, for that of the machine.
    OutOfMemory,
    /// The arguments and variables of the environment do not fit onto the stack.
    ArgumentsTooLong,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::NoSegments => f.write_str("there is nothing to load in this executable"),
            Self::TooFarApart { start, end, limit } => write!(
                f,
                "the segments of this executable are too far apart: from {start:#010x} to {end:#010x} are more than {limit} bytes"
            ),
            Self::NoRoomForStack => {
                f.write_str("heap and stack do not fit into the machine's memory")
            }
            Self::OutOfMemory => f.write_str("there is too little memory for that of the machine"),
            Self::ArgumentsTooLong => {
                f.write_str("the arguments of the program do not fit onto the stack")
            }
        }
    }
}

impl std::error::Error for LoadError {}

impl From<ReadElfError> for LoadError {
    fn from(error: ReadElfError) -> Self {
        Self::Read(error)
    }
}
