//! Filling in relocations.
//!
//! The formulas are those of the RISC-V psABI ("Relocations" in riscv-elf), with `S` the address of the target, `A` the
//! addend and `P` the address of the place. On a 32-bit machine every sum wraps, and every address can be reached.

use lpc_codegen::backend::reloc::{ReferenceKind, RelocKind};
use lpc_riscv32::compressed::{compress, expand};
use lpc_riscv32::immediate::split_hi_lo;
use lpc_riscv32::{ExtensionSet, Inst, Opcode};

/// The place cannot take the relocation: it is outside the bytes, or its instruction is of another kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Malformed;

/// Whether a relocation of this kind writes a distance, and not an address.
pub(crate) const fn is_relative(kind: RelocKind) -> bool {
    match kind {
        RelocKind::Call | RelocKind::PcRelHi20 | RelocKind::PcRelLo12I | RelocKind::PcRelLo12S => {
            true
        }
        RelocKind::Hi20 | RelocKind::Lo12I | RelocKind::Lo12S | RelocKind::Abs32 => false,
    }
}

/// Writes `value`, an address or a distance, to the start of `place` as relocations of `kind` do.
pub(crate) fn apply(kind: RelocKind, place: &mut [u8], value: u32) -> Result<(), Malformed> {
    let (high, low) = split_hi_lo(value as i32);
    match kind {
        RelocKind::Call => apply_call(place, value as i32),
        RelocKind::PcRelHi20 => patch(place, 0, &[Opcode::Auipc], high.get()),
        RelocKind::Hi20 => patch(place, 0, &[Opcode::Lui], high.get()),
        RelocKind::PcRelLo12I | RelocKind::Lo12I => patch(place, 0, LOW_PART_I, low.get()),
        RelocKind::PcRelLo12S | RelocKind::Lo12S => patch(place, 0, LOW_PART_S, low.get()),
        RelocKind::Abs32 => {
            *place.first_chunk_mut().ok_or(Malformed)? = value.to_le_bytes();
            Ok(())
        }
    }
}

/// Writes the distance to a function to a call, in whichever form that is: see [`relax`](crate::relax).
fn apply_call(place: &mut [u8], distance: i32) -> Result<(), Malformed> {
    const JUMP: &[Opcode] = &[Opcode::Jal];
    match inst_at(place, 0) {
        Some(inst) if inst.opcode == Opcode::Jal => patch(place, 0, JUMP, distance),
        Some(_) => {
            let (high, low) = split_hi_lo(distance);
            patch(place, 0, &[Opcode::Auipc], high.get())?;
            patch(place, 4, &[Opcode::Jalr], low.get())
        }
        None => patch_compressed(place, JUMP, distance),
    }
}

/// Writes the distance to a place of the same function to the start of `place`. Words of tables count from any fixed place:
/// `target` is the distance from it.
pub(crate) fn apply_reference(
    kind: ReferenceKind,
    place: &mut [u8],
    target: u32,
    distance: u32,
) -> Result<(), Malformed> {
    let (high, low) = split_hi_lo(distance as i32);
    match kind {
        ReferenceKind::Branch => patch(place, 0, BRANCHES, distance as i32),
        ReferenceKind::Jal => patch(place, 0, &[Opcode::Jal], distance as i32),
        ReferenceKind::RvcBranch => patch_compressed(place, BRANCHES, distance as i32),
        ReferenceKind::RvcJump => patch_compressed(place, &[Opcode::Jal], distance as i32),
        ReferenceKind::Pair => {
            patch(place, 0, &[Opcode::Auipc], high.get())?;
            patch(place, 4, LOW_PART_I, low.get())
        }
        ReferenceKind::Add32 => add(place, target),
        ReferenceKind::Sub32 => add(place, target.wrapping_neg()),
        ReferenceKind::Align => Ok(()),
    }
}

/// The instruction of 32 bits at `offset`.
pub(crate) fn inst_at(bytes: &[u8], offset: u32) -> Option<Inst> {
    let word = bytes.get(offset as usize..)?.first_chunk()?;
    Inst::decode(u32::from_le_bytes(*word)).ok()
}

/// The conditional branches.
const BRANCHES: &[Opcode] = &[
    Opcode::Beq,
    Opcode::Bne,
    Opcode::Blt,
    Opcode::Bge,
    Opcode::Bltu,
    Opcode::Bgeu,
];

/// Adds `value` to the word at the start of `place`.
fn add(place: &mut [u8], value: u32) -> Result<(), Malformed> {
    let word: &mut [u8; 4] = place.first_chunk_mut().ok_or(Malformed)?;
    *word = u32::from_le_bytes(*word).wrapping_add(value).to_le_bytes();
    Ok(())
}

/// Gives the compressed instruction at the start of `place`, which must stand for one of `opcodes`, the immediate `imm`.
fn patch_compressed(place: &mut [u8], opcodes: &[Opcode], imm: i32) -> Result<(), Malformed> {
    const COMPRESSED: ExtensionSet = ExtensionSet::RV32IMAC;
    let bytes: &mut [u8; 2] = place.first_chunk_mut().ok_or(Malformed)?;
    let inst = expand(u16::from_le_bytes(*bytes), COMPRESSED).ok_or(Malformed)?;
    if !opcodes.contains(&inst.opcode) {
        return Err(Malformed);
    }
    let halfword = compress(Inst { imm, ..inst }, COMPRESSED).ok_or(Malformed)?;
    *bytes = halfword.to_le_bytes();
    Ok(())
}

/// The instructions of the I format that take the low part of an address.
const LOW_PART_I: &[Opcode] = &[
    Opcode::Addi,
    Opcode::Jalr,
    Opcode::Lb,
    Opcode::Lh,
    Opcode::Lw,
    Opcode::Lbu,
    Opcode::Lhu,
];

/// The instructions of the S format that take the low part of an address.
const LOW_PART_S: &[Opcode] = &[Opcode::Sb, Opcode::Sh, Opcode::Sw];

/// Gives the instruction at `offset`, which must be one of `opcodes`, the immediate `imm`.
fn patch(place: &mut [u8], offset: usize, opcodes: &[Opcode], imm: i32) -> Result<(), Malformed> {
    let bytes: &mut [u8; 4] = place
        .get_mut(offset..)
        .and_then(<[u8]>::first_chunk_mut)
        .ok_or(Malformed)?;
    let inst = Inst::decode(u32::from_le_bytes(*bytes)).map_err(|_| Malformed)?;
    if !opcodes.contains(&inst.opcode) {
        return Err(Malformed);
    }
    let word = Inst { imm, ..inst }.encode().map_err(|_| Malformed)?;
    *bytes = word.to_le_bytes();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;
    use lpc_riscv32::{Gpr, Imm12, Imm20};

    const ZERO: Imm20 = match Imm20::new(0) {
        Ok(zero) => zero,
        Err(_) => panic!("0 fits"),
    };

    fn applied(kind: RelocKind, insts: &[Inst], value: u32) -> Result<String, Malformed> {
        let words = insts
            .iter()
            .flat_map(|inst| inst.encode().unwrap().to_le_bytes());
        let mut bytes: Vec<u8> = words.collect();
        apply(kind, &mut bytes, value)?;
        let texts: Vec<_> = bytes
            .chunks(4)
            .map(|word| u32::from_le_bytes(word.try_into().unwrap()))
            .map(|word| Inst::decode(word).unwrap().to_string())
            .collect();
        Ok(texts.join("; "))
    }

    #[test]
    fn calls_reach_every_distance() {
        let call = [
            Inst::upper(Opcode::Auipc, Gpr::RA, ZERO),
            Inst::jalr(Gpr::RA, Gpr::RA, Imm12::ZERO),
        ];
        for (distance, text) in [
            (8, "auipc ra,0x0; jalr ra,8(ra)"),
            (2048, "auipc ra,0x1; jalr ra,-2048(ra)"),
            (-4, "auipc ra,0x0; jalr ra,-4(ra)"),
            (0x7fff_f800, "auipc ra,0x80000; jalr ra,-2048(ra)"),
            (i32::MIN, "auipc ra,0x80000; jalr ra,0(ra)"),
        ] {
            let result = applied(RelocKind::Call, &call, distance as u32);
            assert_eq!(result.as_deref(), Ok(text));
        }
    }

    #[test]
    fn parts_of_addresses() {
        let lui = Inst::upper(Opcode::Lui, Gpr::A0, ZERO);
        let addi = Inst::i(Opcode::Addi, Gpr::A0, Gpr::A0, Imm12::ZERO);
        let store = Inst::store(Opcode::Sw, Gpr::A1, Gpr::A0, Imm12::ZERO);
        for (kind, inst, text) in [
            (RelocKind::Hi20, lui, "lui a0,0x12346"),
            (RelocKind::Lo12I, addi, "addi a0,a0,-1384"),
            (RelocKind::Lo12S, store, "sw a1,-1384(a0)"),
        ] {
            let result = applied(kind, &[inst], 0x1234_5a98);
            assert_eq!(result.as_deref(), Ok(text));
        }
    }

    #[test]
    fn a_word_of_data() {
        let mut bytes = [0; 5];
        assert_eq!(
            apply(RelocKind::Abs32, &mut bytes[1..], 0x1234_5678),
            Ok(())
        );
        assert_eq!(bytes, [0, 0x78, 0x56, 0x34, 0x12]);
        assert_eq!(apply(RelocKind::Abs32, &mut bytes[2..], 0), Err(Malformed));
    }

    #[test]
    fn other_instructions_are_refused() {
        let nop = [Inst::NOP, Inst::NOP];
        for kind in [
            RelocKind::Call,
            RelocKind::PcRelHi20,
            RelocKind::Hi20,
            RelocKind::Lo12S,
        ] {
            assert_eq!(applied(kind, &nop, 0), Err(Malformed));
        }
        assert_eq!(
            apply(RelocKind::Call, &mut [0x97, 0, 0, 0], 0),
            Err(Malformed)
        );
    }
}
