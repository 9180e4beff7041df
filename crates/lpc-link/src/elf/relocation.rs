//! The numbers of relocations in the psABI ("Relocations").

use lpc_codegen::backend::reloc::{ReferenceKind, RelocKind};
use object::elf::{self, RelocationType};

/// The number of the relocation that fills in places of this kind.
pub(super) const fn relocation_type(kind: RelocKind) -> RelocationType {
    match kind {
        RelocKind::Call => elf::R_RISCV_CALL_PLT,
        RelocKind::PcRelHi20 => elf::R_RISCV_PCREL_HI20,
        RelocKind::PcRelLo12I => elf::R_RISCV_PCREL_LO12_I,
        RelocKind::PcRelLo12S => elf::R_RISCV_PCREL_LO12_S,
        RelocKind::Hi20 => elf::R_RISCV_HI20,
        RelocKind::Lo12I => elf::R_RISCV_LO12_I,
        RelocKind::Lo12S => elf::R_RISCV_LO12_S,
        RelocKind::Abs32 => elf::R_RISCV_32,
    }
}

/// The number of the relocation of a place that refers to another one of the same function in this way. That of a pair of
/// instructions is for the first one.
pub(super) const fn reference_type(kind: ReferenceKind) -> RelocationType {
    match kind {
        ReferenceKind::Branch => elf::R_RISCV_BRANCH,
        ReferenceKind::Jal => elf::R_RISCV_JAL,
        ReferenceKind::RvcBranch => elf::R_RISCV_RVC_BRANCH,
        ReferenceKind::RvcJump => elf::R_RISCV_RVC_JUMP,
        ReferenceKind::Pair => elf::R_RISCV_PCREL_HI20,
        ReferenceKind::Add32 => elf::R_RISCV_ADD32,
        ReferenceKind::Sub32 => elf::R_RISCV_SUB32,
        ReferenceKind::Align => elf::R_RISCV_ALIGN,
    }
}

/// Whether linkers shorten the instructions that such a relocation fills in when they are told that they may, by an
/// `R_RISCV_RELAX` beside it.
pub(super) const fn is_relaxable(kind: RelocKind) -> bool {
    !matches!(kind, RelocKind::Abs32)
}
