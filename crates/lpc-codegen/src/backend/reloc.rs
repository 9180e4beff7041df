//! Relocations: places in the code that depend on where other things end up.

use super::machinst::CodeOffset;
use lpc_lpir::ir::ExternalName;

/// How the distance to, or the address of, a target is written into the code.
///
/// The kinds are those of the RISC-V psABI ("Relocations" in riscv-elf); the name of each there is given.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RelocKind {
    /// A call through the pair `auipc`, `jalr` (`R_RISCV_CALL_PLT`).
    Call,
    /// The upper 20 bits of a distance, in an `auipc` (`R_RISCV_PCREL_HI20`).
    PcRelHi20,
    /// The lower 12 bits of the distance whose upper part stands in the `auipc` that is the target, in an instruction of
    /// the I format (`R_RISCV_PCREL_LO12_I`).
    PcRelLo12I,
    /// The same in an instruction of the S format (`R_RISCV_PCREL_LO12_S`).
    PcRelLo12S,
    /// The upper 20 bits of an address, in a `lui` (`R_RISCV_HI20`).
    Hi20,
    /// The lower 12 bits of an address, in an instruction of the I format (`R_RISCV_LO12_I`).
    Lo12I,
    /// The same in an instruction of the S format (`R_RISCV_LO12_S`).
    Lo12S,
    /// A whole address in a word of data (`R_RISCV_32`).
    Abs32,
}

/// What a relocation refers to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RelocTarget {
    /// A function or datum.
    External(ExternalName),
    /// A place in the code of the same function.
    Local(CodeOffset),
}

/// A place in the code that is to be filled in when addresses are known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MachReloc {
    /// Where the instruction (or the first one of a pair) or the word starts.
    pub offset: CodeOffset,
    /// How it is filled in.
    pub kind: RelocKind,
    /// What it refers to.
    pub target: RelocTarget,
    /// The bytes to be added to the address of the target.
    pub addend: i32,
}
