//! Why the emulator stops.

use core::fmt;

/// Why [`run`](super::Emulator::run) returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// An `ecall` was executed. The pc is behind it: after serving the call, running again resumes.
    Ecall,
    /// An `ebreak` was reached. The pc is at it.
    Ebreak,
    /// An instruction trapped. The pc is at it and it had no effect.
    Trap(Trap),
    /// As many instructions were executed as the limit allows.
    LimitReached,
    /// Control arrived at the halt address.
    Halted,
}

/// An exception of the hart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trap {
    /// What happened.
    pub cause: TrapCause,
    /// Address of the instruction that trapped.
    pub pc: u32,
    /// What `mtval` would hold: the address of the access that failed, the target of the misaligned
    /// jump, or the bits of the illegal instruction.
    pub value: u32,
}

/// The exceptions, numbered as in `mcause` (privileged manual, "Machine Cause Register").
///
/// The causes of `ebreak` and `ecall` are [`Stop::Ebreak`] and [`Stop::Ecall`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum TrapCause {
    /// A taken branch or jump to an address that no instruction can have.
    InstructionAddressMisaligned = 0,
    /// Fetch from outside the executable range.
    InstructionAccessFault = 1,
    /// A reserved encoding, an instruction of an extension that is off, or a control and status
    /// register that does not exist or cannot be written.
    IllegalInstruction = 2,
    /// A misaligned load where the machine traps on it, or a misaligned `lr.w`.
    LoadAddressMisaligned = 4,
    /// A load from outside the memory.
    LoadAccessFault = 5,
    /// A misaligned store where the machine traps on it, or a misaligned `sc.w` or atomic
    /// operation.
    StoreAddressMisaligned = 6,
    /// A store or atomic operation outside the memory, or to a protected part of it.
    StoreAccessFault = 7,
}

/// What ends a run, without the address where it happened.
#[derive(Clone, Copy)]
pub(super) enum Exit {
    Ecall,
    Ebreak,
    Halted,
    Trap(TrapCause, u32),
}

impl Exit {
    /// The exit at the instruction at `pc`.
    pub(super) fn at(self, pc: u32) -> Stop {
        match self {
            Exit::Ecall => Stop::Ecall,
            Exit::Ebreak => Stop::Ebreak,
            Exit::Halted => Stop::Halted,
            Exit::Trap(cause, value) => Stop::Trap(Trap { cause, pc, value }),
        }
    }
}

impl TrapCause {
    /// The exception code in `mcause`.
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// The name in the privileged manual.
    pub const fn name(self) -> &'static str {
        match self {
            TrapCause::InstructionAddressMisaligned => "instruction address misaligned",
            TrapCause::InstructionAccessFault => "instruction access fault",
            TrapCause::IllegalInstruction => "illegal instruction",
            TrapCause::LoadAddressMisaligned => "load address misaligned",
            TrapCause::LoadAccessFault => "load access fault",
            TrapCause::StoreAddressMisaligned => "store/AMO address misaligned",
            TrapCause::StoreAccessFault => "store/AMO access fault",
        }
    }
}

impl fmt::Display for TrapCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.cause {
            TrapCause::IllegalInstruction => "encoding",
            TrapCause::InstructionAddressMisaligned => "target",
            _ => "address",
        };
        let Trap { cause, pc, value } = self;
        write!(f, "{cause} at pc {pc:#010x} ({what} {value:#010x})")
    }
}

impl core::error::Error for Trap {}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Ecall => f.write_str("environment call"),
            Stop::Ebreak => f.write_str("breakpoint"),
            Stop::Trap(trap) => trap.fmt(f),
            Stop::LimitReached => f.write_str("instruction limit reached"),
            Stop::Halted => f.write_str("halted"),
        }
    }
}
