//! Why functions cannot be linked.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;
use core::fmt;
use lpc_lpir::ir::ExternalName;

/// A name that is used and that nobody defines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UndefinedSymbol {
    /// The name.
    pub name: ExternalName,
    /// The first function that refers to it.
    pub referenced_by: ExternalName,
}

/// Why functions cannot be linked.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum LinkError {
    /// Two functions have this name.
    DuplicateSymbol(ExternalName),
    /// Names that are neither functions of the image nor imports, each one once, in the order of their first use.
    Undefined(Vec<UndefinedSymbol>),
    /// The address of the image is not a multiple of what its functions need.
    MisalignedBase {
        /// The address.
        base: u32,
        /// What it must be a multiple of.
        alignment: u32,
    },
    /// The image does not end within the address space.
    TooLarge,
    /// There is no memory for the image, or for what must be known to link it.
    OutOfMemory,
    /// The place that an image is linked in is too small for it.
    NoRoom {
        /// The bytes that it takes, as far as it is known.
        needed: u32,
    },
    /// A relocation that is not at an instruction of its kind, or that refers to the upper part of an address where there
    /// is none.
    MalformedRelocation {
        /// The function that the relocation is in.
        function: ExternalName,
        /// Where the relocation is, in bytes from the start of the function.
        offset: u32,
    },
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateSymbol(name) => write!(f, "{name} is defined twice"),
            Self::Undefined(symbols) => {
                for (index, symbol) in symbols.iter().enumerate() {
                    let UndefinedSymbol {
                        name,
                        referenced_by,
                    } = symbol;
                    let separator = if index == 0 { "" } else { "; " };
                    write!(
                        f,
                        "{separator}{name}, which {referenced_by} refers to, is not defined"
                    )?;
                }
                Ok(())
            }
            Self::MisalignedBase { base, alignment } => {
                write!(
                    f,
                    "the image cannot start at {base:#010x}, which is not a multiple of {alignment}"
                )
            }
            Self::OutOfMemory => f.write_str("there is too little memory for the image"),
            Self::NoRoom { needed } => {
                write!(
                    f,
                    "the image takes {needed} bytes, which is more than there is room for"
                )
            }
            Self::TooLarge => f.write_str("the image does not fit into the address space"),
            Self::MalformedRelocation { function, offset } => {
                write!(
                    f,
                    "malformed relocation at offset {offset:#x} of {function}"
                )
            }
        }
    }
}

impl core::error::Error for LinkError {}

impl From<TryReserveError> for LinkError {
    fn from(_: TryReserveError) -> Self {
        Self::OutOfMemory
    }
}
