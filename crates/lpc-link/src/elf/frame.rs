//! The section `.eh_frame`: how to find the caller's frame from any instruction (Linux Standard Base, "Exception Frames";
//! DWARF 5, section 6.4).
//!
//! ```text
//!  CIE   what all functions have in common: at their entry the CFA is sp, and the return address is in ra
//!  FDE   a function: where it is, and how its frame changes, from offset to offset
//!  FDE   …
//! ```
//!
//! How far it is from one change to the next is a number of bytes in the opcode or behind it. Where a linker may take away bytes
//! in between, that number is a difference of two labels, which the linker computes: a relocation puts the second one in, another
//! one takes the first one away. The number takes as much room as the distance needs before anything shrinks.

use super::builder::{ObjectBuilder, Place};
use super::debug_section::put;
use super::object::ObjectError;
use alloc::vec::Vec;
use gimli::constants;
use gimli::write::{EndianVec, Writer};
use gimli::{DwCfa, LittleEndian};
use lpc_codegen::backend::machinst::CodeOffset;
use lpc_codegen::backend::reg::RealReg;
use lpc_codegen::backend::unwind::UnwindInst;
use lpc_codegen::isa::riscv32::regs::gpr;
use lpc_riscv32::Gpr;
use object::elf::{self, RelocationType};
use object::write::{SectionId, StandardSection};

/// Advances count bytes. A larger unit would not do: linkers put in differences of addresses as they are.
const CODE_ALIGNMENT_FACTOR: u64 = 1;
/// Places of saved registers count words downwards.
const DATA_ALIGNMENT_FACTOR: i64 = -(WORD_BYTES as i64);
const WORD_BYTES: u32 = 4;

/// A relocation of the section that is being written.
struct SectionReloc {
    offset: usize,
    r_type: RelocationType,
    place: Place,
}

/// A section in the making.
struct FrameWriter {
    bytes: EndianVec<LittleEndian>,
    relocs: Vec<SectionReloc>,
}

/// Adds the section, with an entry for each function.
pub(super) fn add_unwind_tables(builder: &mut ObjectBuilder<'_>) -> Result<(), ObjectError> {
    if builder.functions.is_empty() {
        return Ok(());
    }
    let mut writer = FrameWriter {
        bytes: EndianVec::new(LittleEndian),
        relocs: Vec::new(),
    };
    writer.common_information();
    for function in 0..builder.functions.len() {
        writer.frame_description(builder, function);
    }
    let section = builder.object.section_id(StandardSection::EhFrame);
    let data = writer.bytes.into_vec();
    builder
        .object
        .set_section_data(section, data, u64::from(WORD_BYTES));
    add_relocations(builder, section, writer.relocs)
}

fn add_relocations(
    builder: &mut ObjectBuilder<'_>,
    section: SectionId,
    relocs: Vec<SectionReloc>,
) -> Result<(), ObjectError> {
    for reloc in relocs {
        builder.relocate(section, reloc.offset as u64, reloc.r_type, reloc.place)?;
    }
    Ok(())
}

impl FrameWriter {
    fn common_information(&mut self) {
        let start = self.start_entry();
        put(self.bytes.write_u32(0)); // In the place where an FDE has the distance to its CIE.
        put(self.bytes.write_u8(1)); // The version.
        put(self.bytes.write(b"zR\0")); // There are augmentation data, and they state how addresses are written.
        put(self.bytes.write_uleb128(CODE_ALIGNMENT_FACTOR));
        put(self.bytes.write_sleb128(DATA_ALIGNMENT_FACTOR));
        put(self.bytes.write_u8(dwarf_number(Gpr::RA)));
        put(self.bytes.write_uleb128(1)); // The size of the augmentation data.
        put(self
            .bytes
            .write_u8((constants::DW_EH_PE_pcrel | constants::DW_EH_PE_sdata4).0));
        self.opcode(constants::DW_CFA_def_cfa);
        put(self.bytes.write_uleb128(u64::from(dwarf_number(Gpr::SP))));
        put(self.bytes.write_uleb128(0));
        self.end_entry(start);
    }

    fn frame_description(&mut self, builder: &mut ObjectBuilder<'_>, function: usize) {
        let code = builder.functions[function].code;
        let start = self.start_entry();
        // The CIE is at the start of the section.
        let distance_to_cie = self.bytes.len() as u32;
        put(self.bytes.write_u32(distance_to_cie));
        self.relocate(elf::R_RISCV_32_PCREL, builder.place(function, 0));
        put(self.bytes.write_u32(0));
        let size = Distance {
            function,
            from: 0,
            to: code.code_size,
        };
        self.distance(&FOUR_BYTES, size, builder);
        put(self.bytes.write_uleb128(0)); // The size of the augmentation data.
        let mut from = 0;
        for (to, inst) in changes(&code.unwind, code.code_size) {
            if to != from {
                self.advance(Distance { function, from, to }, builder);
                from = to;
            }
            self.change(inst);
        }
        self.end_entry(start);
    }

    /// Writes room for the length of an entry, and returns where the entry starts.
    fn start_entry(&mut self) -> usize {
        put(self.bytes.write_u32(0));
        self.bytes.len()
    }

    /// Fills the entry up to a whole word, and writes its length.
    fn end_entry(&mut self, start: usize) {
        while !self.bytes.len().is_multiple_of(WORD_BYTES as usize) {
            self.opcode(constants::DW_CFA_nop);
        }
        let length = (self.bytes.len() - start) as u64;
        put(self
            .bytes
            .write_udata_at(start - WORD_BYTES as usize, length, WORD_BYTES as u8));
    }

    fn change(&mut self, inst: UnwindInst) {
        match inst {
            UnwindInst::DefCfaOffset(offset) => match u64::try_from(offset) {
                Ok(offset) => {
                    self.opcode(constants::DW_CFA_def_cfa_offset);
                    put(self.bytes.write_uleb128(offset));
                }
                Err(_) => {
                    self.opcode(constants::DW_CFA_def_cfa_offset_sf);
                    let factored = i64::from(offset) / DATA_ALIGNMENT_FACTOR;
                    put(self.bytes.write_sleb128(factored));
                }
            },
            UnwindInst::SaveReg { reg, below_cfa } => {
                self.register_opcode(constants::DW_CFA_offset, reg);
                put(self.bytes.write_uleb128(u64::from(below_cfa / WORD_BYTES)));
            }
            UnwindInst::RestoreReg(reg) => self.register_opcode(constants::DW_CFA_restore, reg),
            UnwindInst::RememberState => self.opcode(constants::DW_CFA_remember_state),
            UnwindInst::RestoreState => self.opcode(constants::DW_CFA_restore_state),
        }
    }

    fn opcode(&mut self, opcode: DwCfa) {
        put(self.bytes.write_u8(opcode.0));
    }

    /// An opcode that holds the number of a register.
    fn register_opcode(&mut self, opcode: DwCfa, reg: RealReg) {
        put(self
            .bytes
            .write_u8(opcode.0 | dwarf_number(gpr(reg.to_reg()))));
    }

    /// What follows holds from the end of `distance` on.
    fn advance(&mut self, distance: Distance, builder: &mut ObjectBuilder<'_>) {
        let bytes = distance.to - distance.from;
        if bytes <= MAX_DISTANCE_IN_OPCODE {
            return self.distance(&SIX_BITS_OF_OPCODE, distance, builder);
        }
        let (opcode, field) = match bytes {
            0..=0xff => (constants::DW_CFA_advance_loc1, &ONE_BYTE),
            0x100..=0xffff => (constants::DW_CFA_advance_loc2, &TWO_BYTES),
            _ => (constants::DW_CFA_advance_loc4, &FOUR_BYTES),
        };
        self.opcode(opcode);
        self.distance(field, distance, builder);
    }

    /// Writes `distance` to a field of this kind.
    fn distance(
        &mut self,
        field: &DistanceField,
        distance: Distance,
        builder: &mut ObjectBuilder<'_>,
    ) {
        let Distance { function, from, to } = distance;
        let mut value = to - from;
        if builder.functions[function].shrinking.is_between(from, to) {
            // Without addends: GNU ld adds that of a subtraction.
            self.relocate(field.set, builder.label_place(function, to));
            self.relocate(field.subtract, builder.label_place(function, from));
            value = 0;
        }
        let value = u64::from(field.opcode) | u64::from(value);
        put(self.bytes.write_udata(value, field.bytes));
    }

    /// A relocation of what is written next.
    fn relocate(&mut self, r_type: RelocationType, place: Place) {
        self.relocs.push(SectionReloc {
            offset: self.bytes.len(),
            r_type,
            place,
        });
    }
}

/// The changes within a function of `code_size` bytes that have an effect: none behind its end, and no state is remembered
/// that nobody restores.
fn changes(
    unwind: &[(CodeOffset, UnwindInst)],
    code_size: CodeOffset,
) -> Vec<(CodeOffset, UnwindInst)> {
    let mut changes = Vec::with_capacity(unwind.len());
    // Where in the list states are remembered that have not been restored yet.
    let mut remembered = Vec::new();
    for &(offset, inst) in unwind.iter().filter(|(offset, _)| *offset < code_size) {
        match inst {
            UnwindInst::RememberState => remembered.push(changes.len()),
            UnwindInst::RestoreState => {
                let start = remembered.pop();
                if start.is_some_and(|start: usize| start + 1 == changes.len()) {
                    changes.pop();
                    continue;
                }
            }
            _ => {}
        }
        changes.push((offset, inst));
    }
    for index in remembered.into_iter().rev() {
        changes.remove(index);
    }
    changes
}

/// The distance between two places in a function, in the order of their offsets.
#[derive(Clone, Copy)]
struct Distance {
    function: usize,
    from: CodeOffset,
    to: CodeOffset,
}

/// A field that holds a distance.
struct DistanceField {
    bytes: u8,
    /// What the field holds besides.
    opcode: u8,
    /// The relocation that puts an address in.
    set: RelocationType,
    /// The relocation that subtracts one.
    subtract: RelocationType,
}

const MAX_DISTANCE_IN_OPCODE: CodeOffset = 0x3f;

const SIX_BITS_OF_OPCODE: DistanceField = DistanceField {
    bytes: 1,
    opcode: constants::DW_CFA_advance_loc.0,
    set: elf::R_RISCV_SET6,
    subtract: elf::R_RISCV_SUB6,
};

const ONE_BYTE: DistanceField = DistanceField {
    bytes: 1,
    opcode: 0,
    set: elf::R_RISCV_SET8,
    subtract: elf::R_RISCV_SUB8,
};

const TWO_BYTES: DistanceField = DistanceField {
    bytes: 2,
    opcode: 0,
    set: elf::R_RISCV_SET16,
    subtract: elf::R_RISCV_SUB16,
};

/// The field is zero before, so that adding is putting in. There is a relocation for that too, but assemblers do not use it.
const FOUR_BYTES: DistanceField = DistanceField {
    bytes: 4,
    opcode: 0,
    set: elf::R_RISCV_ADD32,
    subtract: elf::R_RISCV_SUB32,
};

/// The number of a register in DWARF (psABI, "DWARF Register Numbers").
pub(super) fn dwarf_number(reg: Gpr) -> u8 {
    reg.number()
}

#[cfg(test)]
mod tests {
    use super::*;
    use UnwindInst::{DefCfaOffset, RememberState, RestoreState};

    #[test]
    fn states_that_nobody_restores_are_not_remembered() {
        let frame = [
            (2, DefCfaOffset(16)),
            (8, RememberState),
            (10, DefCfaOffset(0)),
        ];
        let with_end = |end: &[_]| [&frame[..], end].concat();
        let restored = with_end(&[(12, RestoreState)]);
        assert_eq!(changes(&restored, 20), restored);
        let left = [(2, DefCfaOffset(16)), (10, DefCfaOffset(0))];
        assert_eq!(changes(&restored, 12), left);
        let no_frame = [(4, RememberState), (6, RestoreState), (8, RememberState)];
        assert_eq!(changes(&no_frame, 10), []);
        let nested = [&[(0, RememberState)], &restored[..], &[(16, RestoreState)]].concat();
        assert_eq!(changes(&nested, 20), nested);
        assert_eq!(changes(&nested, 16), restored);
        assert_eq!(changes(&nested, 12), left);
    }
}
