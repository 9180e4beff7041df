//! Why a function cannot be compiled.

use crate::backend::abi::AbiError;
use crate::backend::emit::EmitError;
use crate::backend::regalloc::AllocationError;
use core::fmt;
use lpc_lpir::heap::{HeapError, Pass};
use lpc_lpir::ir::{FuncId, Function, Inst};

/// Why a function cannot be compiled. The function must have passed the verifier; what that refuses is not reported here.
#[derive(Clone, Debug)]
pub enum CompileError {
    /// An instruction needs something that the backend lacks.
    Unsupported {
        /// The instruction.
        inst: Inst,
        /// What it needs.
        what: &'static str,
    },
    /// The signature of the function, or that of a call, cannot be passed.
    Signature {
        /// The call, or `None` for the function itself.
        call: Option<Inst>,
        /// What is wrong with it.
        error: AbiError,
    },
    /// The limit of the stack is computed with something that the backend lacks.
    StackLimit(&'static str),
    /// The frame is larger than [`MAX_FRAME_SIZE`](crate::backend::frame::MAX_FRAME_SIZE).
    FrameTooLarge,
    /// The code is larger than what 32-bit distances span.
    CodeTooLarge,
    /// The function needs more memory than the [`CompileBudget`](crate::CompileBudget) allows.
    OverBudget {
        /// The bytes that would have been in use at once.
        needed: usize,
        /// The pass that needs them.
        pass: Pass,
    },
    /// The allocator of the program has no more memory.
    OutOfMemory {
        /// The bytes that were asked for.
        size: usize,
        /// The pass that needs them.
        pass: Pass,
    },
    /// No registers are allocated for the function: it is too large. That the allocator refuses the code,
    /// [`AllocationError::Refused`], is an error of the compiler.
    RegisterAllocation(AllocationError),
}

impl From<HeapError> for CompileError {
    #[cold]
    #[inline(never)]
    fn from(error: HeapError) -> Self {
        match error {
            HeapError::OverLimit { needed, pass } => Self::OverBudget { needed, pass },
            HeapError::Exhausted { size, pass } => Self::OutOfMemory { size, pass },
        }
    }
}

impl From<AllocationError> for CompileError {
    fn from(error: AllocationError) -> Self {
        match error {
            AllocationError::Memory(error) => error.into(),
            error => Self::RegisterAllocation(error),
        }
    }
}

impl From<EmitError> for CompileError {
    fn from(error: EmitError) -> Self {
        match error {
            EmitError::FrameTooLarge(_) => Self::FrameTooLarge,
            EmitError::CodeTooLarge => Self::CodeTooLarge,
            EmitError::Memory(error) => error.into(),
        }
    }
}

impl CompileError {
    /// That the signature of the function, or that of `call`, cannot be passed.
    pub(crate) fn of_signature(call: Option<Inst>, error: AbiError) -> Self {
        match error {
            AbiError::Memory(error) => error.into(),
            error => Self::Signature { call, error },
        }
    }

    /// The instruction that is to blame.
    pub fn inst(&self) -> Option<Inst> {
        match *self {
            Self::Unsupported { inst, .. } => Some(inst),
            Self::Signature { call, .. } => call,
            _ => None,
        }
    }

    /// The error as a text that names the instruction as it is written in `func`.
    pub fn display<'a>(&'a self, func: &'a Function) -> impl fmt::Display + 'a {
        DisplayError { error: self, func }
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported { what, .. } => write!(f, "{what} is not supported"),
            Self::Signature { error, .. } => fmt::Display::fmt(error, f),
            Self::StackLimit(what) => write!(f, "{what} in the stack limit is not supported"),
            Self::FrameTooLarge => f.write_str("the stack frame is too large"),
            Self::CodeTooLarge => f.write_str("the code of the function is too large"),
            &Self::OverBudget { needed, pass } => HeapError::OverLimit { needed, pass }.fmt(f),
            &Self::OutOfMemory { size, pass } => HeapError::Exhausted { size, pass }.fmt(f),
            Self::RegisterAllocation(error) => write!(f, "register allocation failed: {error}"),
        }
    }
}

impl core::error::Error for CompileError {}

/// Why a module cannot be compiled.
#[derive(Clone, Debug)]
pub struct ModuleCompileError {
    /// The function to blame. Where a routine of the [runtime](crate::runtime) cannot be compiled, the first one that calls any.
    pub function: FuncId,
    /// What is wrong with it.
    pub error: CompileError,
}

impl fmt::Display for ModuleCompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.function, self.error)
    }
}

impl core::error::Error for ModuleCompileError {}

struct DisplayError<'a> {
    error: &'a CompileError,
    func: &'a Function,
}

impl fmt::Display for DisplayError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.func.name)?;
        if let Some(inst) = self.error.inst() {
            write!(f, ", {inst} ({})", self.func.dfg.inst(inst).opcode())?;
        }
        write!(f, ": {}", self.error)
    }
}
