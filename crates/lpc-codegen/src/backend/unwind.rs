//! How to find the caller's frame from any instruction of a function.
//!
//! The *canonical frame address* (CFA) is the stack pointer at the entry of the function. Prologues and epilogues say how far
//! it is above the stack pointer and where registers are saved; in between nothing changes. At the entry the distance is zero
//! and all registers are as the caller left them. These are the notions of DWARF ("Call Frame Information", section 6.4 of
//! DWARF 5), and each [`UnwindInst`] is one of its instructions.

use super::reg::RealReg;

/// A change of the frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnwindInst {
    /// The CFA is so many bytes above the stack pointer: below it where the number is negative, as at the return of a function
    /// that has removed its arguments.
    DefCfaOffset(i32),
    /// The caller's value of a register is in memory.
    SaveReg {
        /// The register.
        reg: RealReg,
        /// Its distance from the CFA, in bytes, towards lower addresses.
        below_cfa: u32,
    },
    /// A register has the caller's value again.
    RestoreReg(RealReg),
    /// What follows changes the frame for one path only; the state here is that of the code behind it.
    RememberState,
    /// The state is that of the matching [`Self::RememberState`].
    RestoreState,
}
