//! Why a call did not return.

use alloc::vec::Vec;
use core::fmt;
use lpc_lpir::ir::{ExternalName, Inst, TrapCode, Type};

/// A trap, and the instruction that trapped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trap {
    /// Why.
    pub code: TrapCode,
    /// The function that the instruction is in.
    pub function: ExternalName,
    /// The instruction.
    pub inst: Inst,
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            code,
            function,
            inst,
        } = self;
        write!(f, "trap {code} at {inst} of {function}")
    }
}

/// Why a call did not return.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Error {
    /// The program trapped.
    Trap(Trap),
    /// The program did something whose effect is undefined.
    Undefined {
        /// What it did.
        what: &'static str,
        /// In which function.
        function: ExternalName,
        /// By which instruction.
        inst: Inst,
    },
    /// As many instructions were executed as one call may.
    OutOfFuel,
    /// A function or datum of this name is neither in the module nor provided by the host.
    UnknownName(ExternalName),
    /// The arguments are not of the types that the function takes, which are these.
    BadArguments(Vec<Type>),
    /// A host function gave results of other types than the program declares.
    BadHostResults(ExternalName),
    /// The value of this instruction is not known to an interpreter.
    Unsupported {
        /// In which function.
        function: ExternalName,
        /// The instruction.
        inst: Inst,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trap(trap) => trap.fmt(f),
            Self::Undefined {
                what,
                function,
                inst,
            } => write!(f, "undefined behavior at {inst} of {function}: {what}"),
            Self::OutOfFuel => f.write_str("instruction limit reached"),
            Self::UnknownName(name) => write!(f, "{name} is not defined"),
            Self::BadArguments(types) => {
                f.write_str("the function takes (")?;
                for (index, ty) in types.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(f, "{separator}{ty}")?;
                }
                f.write_str(")")
            }
            Self::BadHostResults(name) => {
                write!(
                    f,
                    "the host function {name} gave results of other types than declared"
                )
            }
            Self::Unsupported { function, inst } => {
                write!(f, "{inst} of {function} cannot be interpreted")
            }
        }
    }
}

impl core::error::Error for Error {}

/// Why an instruction did not complete, before it is known which one that is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    Trap(TrapCode),
    Undefined(&'static str),
    UnknownName(ExternalName),
    BadHostResults(ExternalName),
    Unsupported,
}

impl From<TrapCode> for Stop {
    fn from(code: TrapCode) -> Self {
        Self::Trap(code)
    }
}

impl Stop {
    /// The error that `inst` of `function` stopped with.
    pub(crate) fn at(self, function: &ExternalName, inst: Inst) -> Error {
        let function = function.clone();
        match self {
            Self::Trap(code) => Error::Trap(Trap {
                code,
                function,
                inst,
            }),
            Self::Undefined(what) => Error::Undefined {
                what,
                function,
                inst,
            },
            Self::UnknownName(name) => Error::UnknownName(name),
            Self::BadHostResults(name) => Error::BadHostResults(name),
            Self::Unsupported => Error::Unsupported { function, inst },
        }
    }
}
