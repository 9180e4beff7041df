//! Why bytes are no module, and why a module cannot be made bytes.

use super::VERSION;
use crate::ir::{AnyEntity, ExternalName, ModuleError};
use alloc::boxed::Box;
use core::fmt;

/// Why bytes are not a module, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DecodeError {
    /// Where the byte, number or name starts that is wrong, counted from the start of the message in bytes.
    pub offset: usize,
    /// What is wrong with it.
    pub kind: DecodeErrorKind,
}

/// What is wrong with bytes that are not a module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DecodeErrorKind {
    /// The message does not start with [`MAGIC`](super::MAGIC).
    NotBinary,
    /// It is of this version, and not of [`VERSION`].
    Version(u8),
    /// The message ends here, and more belongs to it.
    Truncated,
    /// The module ends here, and the message does not.
    TrailingBytes,
    /// A number does not fit, or is longer than it need be.
    BadNumber,
    /// There are fewer bytes left than so many entities take.
    TooLong,
    /// There is no memory for what the message states here.
    OutOfMemory {
        /// The bytes that it takes.
        size: usize,
    },
    /// A byte has no meaning where it stands for this: a type, an opcode.
    Unknown(&'static str),
    /// An entity of this kind is referred to that does not exist.
    Undefined(&'static str),
    /// A name is not UTF-8.
    NotUtf8,
    /// There are more of these than a function may have.
    TooMany(&'static str),
    /// A function has fewer or more of these than it states.
    WrongCount(&'static str),
    /// The module cannot have this part besides the others.
    Module(Box<ModuleError>),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use DecodeErrorKind as Kind;
        write!(f, "byte {}: ", self.offset)?;
        match &self.kind {
            Kind::NotBinary => f.write_str("not LPIR in its binary form"),
            Kind::Version(version) => {
                write!(
                    f,
                    "version {version} of the binary form is not supported, only {VERSION}"
                )
            }
            Kind::Truncated => f.write_str("the bytes end before the module does"),
            Kind::TrailingBytes => f.write_str("the module ends before the bytes do"),
            Kind::BadNumber => {
                f.write_str("a number does not fit, or is not as short as it can be")
            }
            Kind::TooLong => f.write_str("a list is longer than all that follows"),
            Kind::OutOfMemory { size } => {
                write!(f, "there is no memory for the {size} bytes that this takes")
            }
            Kind::Unknown(what) => write!(f, "there is no such {what}"),
            Kind::Undefined(what) => write!(f, "this {what} is not defined"),
            Kind::NotUtf8 => f.write_str("a name is not UTF-8"),
            Kind::TooMany(what) => write!(f, "too many {what}"),
            Kind::WrongCount(what) => write!(f, "the number of {what} is not what is stated"),
            Kind::Module(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for DecodeError {}

/// Why a module cannot be encoded: a part of a function is such that the verifier refuses it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EncodeError {
    /// The function.
    pub function: ExternalName,
    /// The part of it.
    pub location: AnyEntity,
    /// What is wrong with it.
    pub message: &'static str,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.function, self.location, self.message)
    }
}

impl core::error::Error for EncodeError {}
