//! Why a function cannot be compiled.

use crate::backend::abi::AbiError;
use crate::backend::emit::EmitError;
use crate::backend::regalloc::AllocationError;
use core::fmt;
use lpc_lpir::heap::{HeapError, Pass};
use lpc_lpir::ir::{FuncId, Function, Inst, Opcode};

/// Why a function cannot be compiled. The function must have passed the verifier; what that refuses is not reported here.
#[derive(Clone, Debug)]
pub enum CompileError {
    /// An instruction needs something that the backend lacks.
    Unsupported {
        /// The instruction.
        inst: Inst,
        /// What it needs.
        what: UnsupportedFeature,
    },
    /// The signature of the function, or that of a call, cannot be passed.
    Signature {
        /// The call, or `None` for the function itself.
        call: Option<Inst>,
        /// What is wrong with it.
        error: AbiError,
    },
    /// The limit of the stack is computed with something that the backend lacks.
    StackLimit(UnsupportedFeature),
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

/// What the backend lacks, or the machine that it compiles for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnsupportedFeature {
    /// Instructions with this opcode.
    Opcode(Opcode),
    /// Floating-point numbers in registers.
    FloatingPointOperand,
    /// Multiplication: the M or the Zmmul extension.
    Multiplication,
    /// Division: the M extension.
    Division,
    /// Atomic accesses besides loads and stores: the A extension, or a machine with a single hart.
    AtomicAccess,
    /// Atomic accesses of more than 32 bits: a machine with a single hart.
    WideAtomicAccess,
    /// An address that is 2 GiB or more from its stack slot.
    FarStackAddress,
    /// The address of a global value that is not a symbol.
    AddressOfNoSymbol,
    /// A big-endian load.
    BigEndianLoad,
}

impl fmt::Display for UnsupportedFeature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Opcode(opcode) => opcode.name(),
            Self::FloatingPointOperand => "a floating-point operand",
            Self::Multiplication => "a multiplication without the M or Zmmul extension",
            Self::Division => "a division without the M extension",
            Self::AtomicAccess => {
                "an atomic access other than a load or store without the A extension or the setting `single_hart`"
            }
            Self::WideAtomicAccess => {
                "an atomic access of more than 32 bits without the setting `single_hart`"
            }
            Self::FarStackAddress => "an address so far from its stack slot",
            Self::AddressOfNoSymbol => "a global value that is not a symbol",
            Self::BigEndianLoad => "a big-endian load",
        })
    }
}

impl From<HeapError> for CompileError {
    #[cold]
    #[inline(never)]
    fn from(error: HeapError) -> Self {
        let (bytes, pass) = (error.bytes(), error.pass());
        match error.is_over_limit() {
            true => Self::OverBudget {
                needed: bytes,
                pass,
            },
            false => Self::OutOfMemory { size: bytes, pass },
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
            &Self::OverBudget { needed, pass } => HeapError::over_limit(needed, pass).fmt(f),
            &Self::OutOfMemory { size, pass } => HeapError::exhausted(size, pass).fmt(f),
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
