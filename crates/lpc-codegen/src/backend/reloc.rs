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

/// How code refers to another place of the same function. The distance does not change, and is filled in, unless a linker
/// takes away bytes in between.
///
/// The names in the psABI ("Relocations" in riscv-elf) are given.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ReferenceKind {
    /// A conditional branch (`R_RISCV_BRANCH`).
    Branch,
    /// A jump (`R_RISCV_JAL`).
    Jal,
    /// A compressed conditional branch (`R_RISCV_RVC_BRANCH`).
    RvcBranch,
    /// A compressed jump (`R_RISCV_RVC_JUMP`).
    RvcJump,
    /// The distance in an `auipc` and the instruction of the I format behind it (`R_RISCV_PCREL_HI20` and, on the second
    /// one, `R_RISCV_PCREL_LO12_I`).
    Pair,
    /// A word to which the address of the target is added (`R_RISCV_ADD32`).
    Add32,
    /// A word from which the address of the target is subtracted (`R_RISCV_SUB32`).
    Sub32,
    /// Padding up to the target, whose address must be a multiple of the smallest power of two that is larger than the
    /// padding (`R_RISCV_ALIGN`).
    Align,
}

/// A place in the code that refers to another one of the same function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MachReference {
    /// Where the instruction (or the first one of a pair), the word or the padding starts.
    pub offset: CodeOffset,
    /// How it refers to the target.
    pub kind: ReferenceKind,
    /// What it refers to.
    pub target: CodeOffset,
}

impl MachReference {
    /// What the address of the target of [`ReferenceKind::Align`] must be a multiple of.
    pub const fn alignment(&self) -> u32 {
        (self.target - self.offset + 1).next_power_of_two()
    }
}
