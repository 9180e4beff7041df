//! Why an ELF file is not read, or cannot be run.

use super::MAX_NAME_LENGTH;
use alloc::string::{String, ToString};
use core::fmt;
use lpc_riscv32::extension::ParseExtensionError;
use object::elf;

/// Why a file is not read, or cannot be run.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ReadElfError {
    /// It does not start as an ELF file does.
    NotElf,
    /// It is for machines of 64 bits.
    Not32Bit,
    /// It is big-endian.
    BigEndian,
    /// It is for another machine than RISC-V: this number in the ELF registry.
    OtherMachine(u16),
    /// It is none of the [kinds](super::FileKind) of files that are read.
    OtherKind(u16),
    /// It is not an executable, but an object that is to be linked.
    NotLinked,
    /// It is not a statically linked executable: it may be at any address, or has an interpreter.
    NotStatic,
    /// Its functions pass floating-point numbers in registers that the machine lacks.
    HardFloat,
    /// It is for RV32E, which has 16 registers.
    Embedded,
    /// It is truncated, or contradicts itself. The text says where.
    Malformed(String),
    /// A name is longer than this reader takes, or not UTF-8.
    BadName,
    /// A segment does not end within the address space.
    SegmentOutside {
        /// Its address.
        address: u32,
        /// Its size in memory.
        size: u32,
    },
    /// Two segments have bytes at the same address, which is this.
    SegmentsOverlap(u32),
    /// The entry point is in no executable segment.
    BadEntry(u32),
    /// The instruction set that the attributes state is not known.
    Isa {
        /// What they state.
        isa: String,
        /// What is wrong with it.
        error: ParseExtensionError,
    },
}

impl fmt::Display for ReadElfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotElf => f.write_str("not an ELF file"),
            Self::Not32Bit => f.write_str("an ELF file for machines of 64 bits, not of 32"),
            Self::BigEndian => f.write_str("an ELF file for big-endian machines"),
            Self::OtherMachine(machine) => {
                let name = elf::Machine(*machine).name();
                f.write_str("an ELF file for another machine than RISC-V: ")?;
                match name {
                    Some(name) => f.write_str(name),
                    None => write!(f, "{machine}"),
                }
            }
            Self::OtherKind(kind) => write!(
                f,
                "an ELF file of a kind that is not supported: {}",
                elf::FileType(*kind).name().unwrap_or("unknown")
            ),
            Self::NotLinked => f.write_str("an object that is not linked yet"),
            Self::NotStatic => f.write_str(
                "not a statically linked executable; link with `-static`, and not with `-pie`",
            ),
            Self::HardFloat => {
                f.write_str("compiled for floating-point registers; compile with `-mabi=ilp32`")
            }
            Self::Embedded => f.write_str("compiled for RV32E, which is not supported"),
            Self::Malformed(what) => write!(f, "malformed ELF file: {what}"),
            Self::BadName => write!(
                f,
                "malformed ELF file: a name is not UTF-8, or longer than {MAX_NAME_LENGTH} bytes"
            ),
            Self::SegmentOutside { address, size } => write!(
                f,
                "malformed ELF file: {size} bytes at {address:#010x} are not inside the address space"
            ),
            Self::SegmentsOverlap(address) => {
                write!(
                    f,
                    "malformed ELF file: two segments overlap at {address:#010x}"
                )
            }
            Self::BadEntry(entry) => write!(
                f,
                "malformed ELF file: the entry point {entry:#010x} is in no executable segment"
            ),
            Self::Isa { isa, error } => write!(f, "compiled for `{isa}`: {error}"),
        }
    }
}

impl core::error::Error for ReadElfError {}

impl From<object::read::Error> for ReadElfError {
    fn from(error: object::read::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// The file contradicts itself: `what`.
pub(super) fn malformed(what: &str) -> ReadElfError {
    ReadElfError::Malformed(what.to_string())
}
