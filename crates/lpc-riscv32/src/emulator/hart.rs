//! The state that instructions work on.

use super::Counters;
use super::machine_csr::MachineCsrs;
use super::memory::Memory;
use super::registers::Registers;
use super::trap::Exit;

/// The state that instructions work on.
#[derive(Clone)]
pub(super) struct Hart {
    pub(super) registers: Registers,
    pub(super) memory: Memory,
    pub(super) csrs: MachineCsrs,
    pub(super) counters: Counters,
    /// Parcel bits that are zero in the target of a jump.
    pub(super) misaligned_parcel_bits: u32,
    /// The address of the last `lr.w` that no `sc.w` has consumed.
    pub(super) reservation: Option<u32>,
    /// How the last ops ended.
    pub(super) ended: Ended,
}

/// How the execution of ops ended.
#[derive(Clone, Copy)]
pub(super) struct Ended {
    pub(super) reason: Reason,
    /// The address where control is.
    pub(super) pc: u32,
    /// How many more ops were allowed.
    pub(super) left: usize,
    pub(super) tally: Tally,
}

/// Why the execution of ops ended.
#[derive(Clone, Copy)]
pub(super) enum Reason {
    /// No op is left, or the one at the pc is not decoded.
    Paused,
    /// There was a store to this address, which changed code that is decoded.
    StoredToCode(u32),
    /// The instruction at the pc accesses a control and status register, which is left to the caller.
    AccessCsr,
    /// The branch at the pc is taken, or a `jal` is there, and its op does not know its target yet, which is left to the caller.
    FirstJump,
    /// Something that ends a run. The pc is at the instruction, or behind it if that is an `ecall`.
    Exit(Exit),
}

impl Hart {
    /// Notes how the execution of ops ended.
    pub(super) fn end(&mut self, reason: Reason, pc: u32, left: usize, tally: Tally) {
        self.ended = Ended {
            reason,
            pc,
            left,
            tally,
        };
    }
}

impl Ended {
    /// Nothing was executed.
    pub(super) const NEVER: Ended = Ended {
        reason: Reason::Paused,
        pc: 0,
        left: 0,
        tally: Tally::ZERO,
    };
}

/// Loads, stores and taken branches among at most [`Tally::MAX`] instructions, in one number, which stays in a register.
#[derive(Clone, Copy)]
pub(super) struct Tally(u32);

impl Tally {
    pub(super) const ZERO: Tally = Tally(0);

    /// The instructions that can be counted.
    pub(super) const MAX: usize = (1 << Self::BITS) - 1;

    const BITS: u32 = 10;

    #[inline(always)]
    pub(super) fn with_load(self) -> Tally {
        Tally(self.0 + 1)
    }

    #[inline(always)]
    pub(super) fn with_store(self) -> Tally {
        Tally(self.0 + (1 << Self::BITS))
    }

    #[inline(always)]
    pub(super) fn with_taken_branch(self) -> Tally {
        Tally(self.0 + (1 << (2 * Self::BITS)))
    }

    /// What was counted, among so many instructions.
    pub(super) fn counters(self, instructions: u64) -> Counters {
        let field = |index| u64::from(self.0 >> (index * Self::BITS)) & Self::MAX as u64;
        Counters {
            instructions,
            loads: field(0),
            stores: field(1),
            taken_branches: field(2),
        }
    }
}
