//! Why a program cannot be made, and why a call did not return.

use alloc::vec::Vec;
use core::fmt;
use lpc_codegen::ModuleCompileError;
use lpc_codegen::backend::abi::AbiError;
use lpc_link::LinkError;
use lpc_lpir::ir::{ExternalName, SourceLoc, TrapCode, Type};
use lpc_riscv32::Gpr;
use lpc_riscv32::emulator::Stop;

/// Why a module cannot be made a program.
#[derive(Clone, Debug)]
pub enum ProgramError {
    /// The module cannot be compiled.
    Compile(ModuleCompileError),
    /// The functions cannot be linked.
    Link(LinkError),
    /// The signature of a function, or of an import, cannot be called from outside.
    Signature {
        /// The function or import.
        name: ExternalName,
        /// What is wrong with its signature.
        error: AbiError,
    },
    /// The stack and the code do not fit into the memory, or there is no memory for the machine.
    OutOfMemory,
}

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compile(error) => error.fmt(f),
            Self::Link(error) => error.fmt(f),
            Self::Signature { name, error } => write!(f, "{name}: {error}"),
            Self::OutOfMemory => f.write_str("stack and code do not fit into the machine's memory"),
        }
    }
}

impl core::error::Error for ProgramError {}

impl From<ModuleCompileError> for ProgramError {
    fn from(error: ModuleCompileError) -> Self {
        Self::Compile(error)
    }
}

impl From<LinkError> for ProgramError {
    fn from(error: LinkError) -> Self {
        Self::Link(error)
    }
}

/// Where a program stopped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The address of the instruction.
    pub pc: u32,
    /// The function that it is in, and its distance from the start of the function in bytes. `None` outside of the program.
    pub function: Option<(ExternalName, u32)>,
    /// Where in the source the instruction comes from, if that is known.
    pub srcloc: Option<SourceLoc>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.function {
            Some((name, offset)) => write!(f, "{name}+{offset:#x}"),
            None => write!(f, "{:#010x}", self.pc),
        }
    }
}

/// Why a call did not return.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RunError {
    /// There is no function of this name.
    UnknownFunction(ExternalName),
    /// The arguments are not of the types that the function takes, which are these.
    BadArguments(Vec<Type>),
    /// The program trapped.
    Trap {
        /// Why.
        code: TrapCode,
        /// At which instruction.
        place: Place,
    },
    /// The machine stopped at an instruction that is not known to trap: the program did what LPIR leaves undefined, or the
    /// compiler is wrong.
    Fault {
        /// What stopped it.
        stop: Stop,
        /// At which instruction.
        place: Place,
    },
    /// As many instructions were executed as one call may: [`MachineOptions::instruction_limit`](crate::MachineOptions::instruction_limit).
    LimitReached {
        /// How many that is.
        limit: u64,
        /// The instruction that would have been next.
        place: Place,
    },
    /// The compiled code did not keep the calling convention: the compiler is wrong.
    Violation {
        /// What is wrong.
        violation: Violation,
        /// Where it was noticed: at the call of the host or in the function that returned.
        place: Place,
    },
    /// The host gave results that are not of the types that the program declares for this import.
    BadHostResults(ExternalName),
}

/// How compiled code failed to keep the calling convention.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Violation {
    /// A register that must be as it was before the call is not: one that the callee saves, the stack pointer, or one that
    /// no function may use.
    Clobbered {
        /// The register.
        register: Gpr,
        /// What it must be.
        expected: u32,
        /// What it is.
        found: u32,
    },
    /// The stack pointer is not a multiple of 16 at a call.
    MisalignedStack(u32),
    /// The bits above a narrow value that is declared `uext` or `sext` are not what that says.
    NotExtended {
        /// The type of the value.
        ty: Type,
        /// The register or word of memory that holds it.
        word: u32,
    },
    /// Arguments in the stack or results in the return area are outside of the memory.
    OutsideMemory,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clobbered {
                register,
                expected,
                found,
            } => write!(
                f,
                "{register} is {found:#010x} and was {expected:#010x} before the call"
            ),
            Self::MisalignedStack(sp) => {
                write!(
                    f,
                    "the stack pointer is {sp:#010x}, which is not a multiple of 16"
                )
            }
            Self::NotExtended { ty, word } => {
                write!(f, "{word:#010x} is not an extended {ty}")
            }
            Self::OutsideMemory => f.write_str("arguments or results are not inside the memory"),
        }
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownFunction(name) => write!(f, "there is no function {name}"),
            Self::BadArguments(types) => {
                f.write_str("the function takes (")?;
                for (index, ty) in types.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(f, "{separator}{ty}")?;
                }
                f.write_str(")")
            }
            Self::Trap { code, place } => write!(f, "trap {code} at {place}"),
            Self::Fault { stop, place } => write!(f, "{stop} at {place}"),
            Self::LimitReached { limit, place } => {
                write!(
                    f,
                    "more than {limit} instructions executed, stopped at {place}"
                )
            }
            Self::Violation { violation, place } => {
                write!(f, "calling convention violated at {place}: {violation}")
            }
            Self::BadHostResults(name) => {
                write!(
                    f,
                    "the host function {name} gave results of other types than declared"
                )
            }
        }
    }
}

impl core::error::Error for RunError {}
