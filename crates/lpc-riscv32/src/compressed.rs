//! The compressed instructions: 16-bit forms of common 32-bit instructions.
//!
//! Each row of the table names a mnemonic, the bits that identify the form, its operands, the
//! opcode that it stands for and the extension that brings it. Expanding reads the operands,
//! compressing writes them. Every restriction (registers, ranges, reserved values) is part of the
//! kind of an operand, and so stands in the table once; a kind refuses the same operands in both
//! directions, which the tests see to for every encoding.
//!
//! This is what C means on RV32 without floating-point registers (Zca), and Zcb.

mod immediates;

use self::immediates::ImmediateKind;
pub use self::immediates::{BRANCH_RANGE, JUMP_RANGE};
use crate::extension::{Extension, ExtensionSet};
use crate::gpr::Gpr;
use crate::immediate::Imm20;
use crate::inst::Inst;
use crate::table::Opcode;

/// What assemblers call `unimp` in code with compressed instructions: bits that are reserved to be illegal on every machine
/// (unprivileged manual, "Base Instruction-Length Encoding").
pub const UNIMP: u16 = 0;

/// `c.nop`.
pub const NOP: u16 = 1;

/// The 32-bit instruction that a 16-bit encoding stands for on a machine with `extensions`.
///
/// `None` if the encoding is reserved, belongs to an extension that the machine lacks, or is the
/// first half of a longer instruction. Hints expand to the instruction without effect that they
/// are.
pub fn expand(bits: u16, extensions: ExtensionSet) -> Option<Inst> {
    if let Some((_, inst)) = find(zca::FORMS, zca::MASKS, bits) {
        return extensions.contains(Extension::Zca).then_some(inst);
    }
    let (_, inst) = find(zcb::FORMS, zcb::MASKS, bits)?;
    has_zcb_form(inst.opcode, extensions).then_some(inst)
}

/// The mnemonic of a 16-bit encoding of any extension, such as `c.addi`.
pub fn mnemonic(bits: u16) -> Option<&'static str> {
    if let Some((index, _)) = find(zca::FORMS, zca::MASKS, bits) {
        return Some(zca::MNEMONICS[index]);
    }
    let (index, _) = find(zcb::FORMS, zcb::MASKS, bits)?;
    Some(zcb::MNEMONICS[index])
}

/// A 16-bit encoding with the effect of `inst` on a machine with `extensions`.
///
/// It expands to `inst` itself or to an instruction of the same effect: `mv` has two forms, and
/// operands may change places where their order does not matter. Hints are never produced.
pub fn compress(inst: Inst, extensions: ExtensionSet) -> Option<u16> {
    if !extensions.contains(Extension::Zca) {
        return None;
    }
    let turned = turned_to_forms(inst)?;
    let bits = match zca::first_form(&turned) {
        None if has_zcb_form(turned.opcode, extensions) => zcb::first_form(&turned),
        bits => bits,
    };
    debug_assert!(bits.is_none_or(|bits| expand(bits, extensions) == Some(turned)));
    bits
}

/// As [`compress`], for who does without Zcb.
pub fn compress_without_zcb(inst: Inst, extensions: ExtensionSet) -> Option<u16> {
    if !extensions.contains(Extension::Zca) {
        return None;
    }
    zca::first_form(&turned_to_forms(inst)?)
}

/// The instruction of the same effect as `inst` that has a compressed form, if only one of them has. `None` for hints.
fn turned_to_forms(inst: Inst) -> Option<Inst> {
    let mut inst = inst;
    turn_to_forms(&mut inst);
    (!is_hint(&inst)).then_some(inst)
}

/// Makes of `inst` the instruction of the same effect that has a compressed form, if only one of them has.
fn turn_to_forms(inst: &mut Inst) {
    let Inst {
        opcode,
        rd,
        rs1,
        rs2,
        imm,
    } = inst;
    match opcode {
        // `mv` as the manuals write it; the compressed one is an addition to `zero`.
        Opcode::Addi if *imm == 0 && *rs1 != Gpr::ZERO => {
            *opcode = Opcode::Add;
            core::mem::swap(rs1, rs2);
        }
        // The first operand is the result, or `zero` in `mv`.
        Opcode::Add if *rs1 != Gpr::ZERO && (rs2 == rd || *rs2 == Gpr::ZERO) => {
            core::mem::swap(rs1, rs2);
        }
        Opcode::And | Opcode::Or | Opcode::Xor | Opcode::Mul if rs2 == rd => {
            core::mem::swap(rs1, rs2);
        }
        Opcode::Beq | Opcode::Bne if *rs1 == Gpr::ZERO => core::mem::swap(rs1, rs2),
        _ => {}
    }
}

/// Whether the compressed form of `inst` would be a hint: the instruction has no effect and is not
/// `nop`. The manuals reserve hints for meanings of their own.
fn is_hint(inst: &Inst) -> bool {
    match inst.opcode {
        Opcode::Addi | Opcode::Slli | Opcode::Srli | Opcode::Srai => {
            let keeps_its_register = inst.rd == inst.rs1 && inst.imm == 0;
            (inst.rd == Gpr::ZERO || keeps_its_register) && *inst != Inst::NOP
        }
        Opcode::Add | Opcode::Lui => inst.rd == Gpr::ZERO,
        _ => false,
    }
}

/// The first of `forms` that `bits` match in all restrictions: its place, and what they stand for. `masks` are those of the forms.
fn find(forms: &[Form], masks: &[u16], bits: u16) -> Option<(usize, Inst)> {
    let mut forms = forms.iter().zip(masks).enumerate();
    forms.find_map(|(index, (form, mask))| match bits & mask == form.bits {
        true => Some((index, form.extract(bits)?)),
        false => None,
    })
}

/// What the table says about one compressed form, apart from what only decoding asks for.
struct Form {
    /// The form's own bits; zero where an operand stands.
    bits: u16,
    opcode: Opcode,
    operands: [Operand; MAX_OPERANDS],
}

const MAX_OPERANDS: usize = 3;

impl Form {
    const fn new<const N: usize>(bits: u16, opcode: Opcode, operands: [Operand; N]) -> Self {
        Self {
            bits,
            opcode,
            operands: padded(operands),
        }
    }

    /// What `bits` stand for; `None` if an operand has a value that it may not have.
    fn extract(&self, bits: u16) -> Option<Inst> {
        let mut inst = Inst::no_operands(self.opcode);
        for operand in self.operands {
            operand.extract(bits, &mut inst)?;
        }
        Some(inst)
    }

    /// The encoding of `inst`, which has the opcode, if each operand can hold what it has there.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn insert(&self, inst: &Inst) -> Option<u16> {
        let mut bits = self.bits;
        for operand in &self.operands {
            bits |= operand.insert(inst)?;
        }
        Some(bits)
    }
}

/// For each opcode up to the last one that has a form, the place of its first form in a table that is in the order of the opcodes. An
/// opcode without a form has the place of the next one.
const fn first_forms<const N: usize>(forms: &[Form]) -> [u8; N] {
    let mut first_forms = [0; N];
    let mut form = 0;
    let mut opcode = 0;
    while opcode < N {
        first_forms[opcode] = form as u8;
        while form < forms.len() && forms[form].opcode as usize == opcode {
            form += 1;
        }
        opcode += 1;
    }
    assert!(
        form == forms.len(),
        "the forms are in the order of the opcodes"
    );
    first_forms
}

/// The encoding of `inst` in the first of `forms` that can hold its operands. `first_forms` are the places in it, by opcode.
fn first_form_of(forms: &[Form], first_forms: &[u8], inst: &Inst) -> Option<u16> {
    let first = *first_forms.get(inst.opcode as usize)?;
    let forms = forms.get(first.into()..)?.iter();
    let mut forms = forms.take_while(|form| form.opcode == inst.opcode);
    forms.find_map(|form| form.insert(inst))
}

/// Whether a machine with `extensions` has the forms of `opcode` that Zcb brings: they need the instruction too.
fn has_zcb_form(opcode: Opcode, extensions: ExtensionSet) -> bool {
    // Zbkb has `zext.h` too, as a case of `pack`; its compressed form comes with Zbb only (Zc manual, "c.zext.h").
    extensions.contains(Extension::Zcb)
        && opcode.is_in(extensions)
        && (opcode != Opcode::ZextH || extensions.contains(Extension::Zbb))
}

/// An operand of a compressed form: where it lies, or the value that it always has.
///
/// Every register and immediate that an instruction of the opcode has is set by one of the operands.
#[derive(Clone, Copy)]
enum Operand {
    /// rd, bits 11–7.
    Rd,
    /// rd, bits 11–7, where 0 is reserved.
    RdNotZero,
    /// rd, bits 11–7, where 2 is another form.
    RdNotSp,
    /// rd and rs1 at once, bits 11–7.
    RdRs1,
    /// rs1, bits 11–7, where 0 is reserved or another form.
    Rs1NotZero,
    /// rs2, bits 6–2.
    Rs2,
    /// rs2, bits 6–2, where 0 is another form.
    Rs2NotZero,
    /// rd, bits 4–2: `x8` to `x15`.
    ShortRd,
    /// rs1, bits 9–7: `x8` to `x15`.
    ShortRs1,
    /// rd and rs1 at once, bits 9–7: `x8` to `x15`.
    ShortRdRs1,
    /// rs2, bits 4–2: `x8` to `x15`.
    ShortRs2,
    /// An immediate.
    Imm(ImmediateKind),
    /// The 20-bit operand of `lui`, of which [`ImmediateKind::Upper`] is the sign-extended low part.
    UpperImm,
    /// rd is always this register.
    RdIs(Gpr),
    /// rs1 is always this register.
    Rs1Is(Gpr),
    /// rs2 is always this register.
    Rs2Is(Gpr),
    /// The immediate is always zero.
    ImmIsZero,
    /// The immediate is always 255.
    ImmIsByteMask,
    /// The immediate is always -1.
    ImmIsAllOnes,
    /// There are fewer operands than a form may have.
    Nothing,
}

/// The operands of a form, with nothing behind those that it has.
const fn padded<const N: usize>(operands: [Operand; N]) -> [Operand; MAX_OPERANDS] {
    let mut padded = [Operand::Nothing; MAX_OPERANDS];
    let mut i = 0;
    while i < N {
        padded[i] = operands[i];
        i += 1;
    }
    padded
}

/// Defines the table of the forms of an extension, and how instructions are compressed by it. What only decoding asks for stands in
/// lists of their own, so that a program that just compresses does not contain them.
macro_rules! compressed {
    ($extension:ident: $($mnemonic:literal $bits:literal [$($operand:expr),*] $opcode:ident;)*) => {
        mod $extension {
            use super::ImmediateKind::*;
            use super::Operand::*;
            use super::*;

            #[expect(
                clippy::unusual_byte_groupings,
                reason = "the digits are grouped by the fields of the instruction"
            )]
            pub(super) static FORMS: &[Form] =
                &[$(Form::new($bits, Opcode::$opcode, [$($operand),*])),*];

            const LAST_OPCODE: Opcode = FORMS[FORMS.len() - 1].opcode;

            pub(super) static FIRST_FORMS: &[u8] = &first_forms::<{ LAST_OPCODE as usize + 1 }>(FORMS);

            /// The bits that no operand occupies.
            pub(super) static MASKS: &[u16] = &[$(!operands_mask(&[$($operand),*])),*];

            pub(super) static MNEMONICS: &[&str] = &[$($mnemonic),*];

            /// The encoding of `inst` in the first form that can hold its operands.
            ///
            /// On hosts it is code for each form, with nothing left to look up: this is asked for every instruction of a program. On the
            /// chip it walks over the table, as the code for all forms takes 12 KB.
            pub(super) fn first_form(inst: &Inst) -> Option<u16> {
                match cfg!(target_os = "none") {
                    true => first_form_of(FORMS, FIRST_FORMS, inst),
                    false => first_form_in_code(inst),
                }
            }

            #[expect(
                clippy::unusual_byte_groupings,
                reason = "the digits are grouped by the fields of the instruction"
            )]
            fn first_form_in_code(inst: &Inst) -> Option<u16> {
                match inst.opcode {
                    $(Opcode::$opcode if let Some(bits) = const {
                        Form::new($bits, Opcode::$opcode, [$($operand),*])
                    }.insert(inst) => Some(bits),)*
                    _ => None,
                }
            }
        }
    };
}

compressed! {
    zca:

    "c.lui"      0b011_0_00000_00000_01    [RdNotSp, UpperImm]                          Lui;
    "c.jal"      0b001_00000000000_01      [RdIs(Gpr::RA), Imm(Jump)]                   Jal;
    "c.j"        0b101_00000000000_01      [RdIs(Gpr::ZERO), Imm(Jump)]                 Jal;
    "c.jr"       0b100_0_00000_00000_10    [RdIs(Gpr::ZERO), Rs1NotZero, ImmIsZero]     Jalr;
    "c.jalr"     0b100_1_00000_00000_10    [RdIs(Gpr::RA), Rs1NotZero, ImmIsZero]       Jalr;
    "c.beqz"     0b110_000_000_00000_01    [ShortRs1, Rs2Is(Gpr::ZERO), Imm(Branch)]    Beq;
    "c.bnez"     0b111_000_000_00000_01    [ShortRs1, Rs2Is(Gpr::ZERO), Imm(Branch)]    Bne;
    "c.lw"       0b010_000_000_00_000_00   [ShortRd, ShortRs1, Imm(WordOffset)]         Lw;
    "c.lwsp"     0b010_0_00000_00000_10    [RdNotZero, Rs1Is(Gpr::SP), Imm(LoadFromStack)] Lw;
    "c.sw"       0b110_000_000_00_000_00   [ShortRs2, ShortRs1, Imm(WordOffset)]        Sw;
    "c.swsp"     0b110_000000_00000_10     [Rs2, Rs1Is(Gpr::SP), Imm(StoreToStack)]     Sw;
    "c.addi4spn" 0b000_00000000_000_00     [ShortRd, Rs1Is(Gpr::SP), Imm(Addi4spn)]     Addi;
    "c.nop"      0b000_0_00000_00000_01    [RdIs(Gpr::ZERO), Rs1Is(Gpr::ZERO), Imm(Signed6)] Addi;
    "c.addi"     0b000_0_00000_00000_01    [RdRs1, Imm(Signed6)]                        Addi;
    "c.li"       0b010_0_00000_00000_01    [Rd, Rs1Is(Gpr::ZERO), Imm(Signed6)]         Addi;
    "c.addi16sp" 0b011_0_00010_00000_01    [RdIs(Gpr::SP), Rs1Is(Gpr::SP), Imm(Addi16sp)] Addi;
    "c.andi"     0b100_0_10_000_00000_01   [ShortRdRs1, Imm(Signed6)]                   Andi;
    "c.slli"     0b000_0_00000_00000_10    [RdRs1, Imm(ShiftAmount)]                    Slli;
    "c.srli"     0b100_0_00_000_00000_01   [ShortRdRs1, Imm(ShiftAmount)]               Srli;
    "c.srai"     0b100_0_01_000_00000_01   [ShortRdRs1, Imm(ShiftAmount)]               Srai;
    "c.mv"       0b100_0_00000_00000_10    [Rd, Rs1Is(Gpr::ZERO), Rs2NotZero]           Add;
    "c.add"      0b100_1_00000_00000_10    [RdRs1, Rs2NotZero]                          Add;
    "c.sub"      0b100_0_11_000_00_000_01  [ShortRdRs1, ShortRs2]                       Sub;
    "c.xor"      0b100_0_11_000_01_000_01  [ShortRdRs1, ShortRs2]                       Xor;
    "c.or"       0b100_0_11_000_10_000_01  [ShortRdRs1, ShortRs2]                       Or;
    "c.and"      0b100_0_11_000_11_000_01  [ShortRdRs1, ShortRs2]                       And;
    "c.ebreak"   0b100_1_00000_00000_10    []                                           Ebreak;
}

compressed! {
    zcb:

    "c.lh"       0b100_001_000_10_000_00   [ShortRd, ShortRs1, Imm(HalfOffset)]         Lh;
    "c.lbu"      0b100_000_000_00_000_00   [ShortRd, ShortRs1, Imm(ByteOffset)]         Lbu;
    "c.lhu"      0b100_001_000_00_000_00   [ShortRd, ShortRs1, Imm(HalfOffset)]         Lhu;
    "c.sb"       0b100_010_000_00_000_00   [ShortRs2, ShortRs1, Imm(ByteOffset)]        Sb;
    "c.sh"       0b100_011_000_00_000_00   [ShortRs2, ShortRs1, Imm(HalfOffset)]        Sh;
    "c.not"      0b100_1_11_000_11_101_01  [ShortRdRs1, ImmIsAllOnes]                   Xori;
    "c.zext.b"   0b100_1_11_000_11_000_01  [ShortRdRs1, ImmIsByteMask]                  Andi;
    "c.mul"      0b100_1_11_000_10_000_01  [ShortRdRs1, ShortRs2]                       Mul;
    "c.sext.b"   0b100_1_11_000_11_001_01  [ShortRdRs1]                                 SextB;
    "c.sext.h"   0b100_1_11_000_11_011_01  [ShortRdRs1]                                 SextH;
    "c.zext.h"   0b100_1_11_000_11_010_01  [ShortRdRs1]                                 ZextH;
}

/// The bits that the operands of a form occupy.
const fn operands_mask(operands: &[Operand]) -> u16 {
    let mut mask = 0;
    let mut i = 0;
    while i < operands.len() {
        mask |= operands[i].mask();
        i += 1;
    }
    mask
}

impl Operand {
    const fn mask(self) -> u16 {
        match self {
            Operand::Rd
            | Operand::RdNotZero
            | Operand::RdNotSp
            | Operand::RdRs1
            | Operand::Rs1NotZero => 0x0f80,
            Operand::Rs2 | Operand::Rs2NotZero => 0x007c,
            Operand::ShortRs1 | Operand::ShortRdRs1 => 0x0380,
            Operand::ShortRd | Operand::ShortRs2 => 0x001c,
            Operand::Imm(kind) => kind.immediate().mask(),
            Operand::UpperImm => ImmediateKind::Upper.immediate().mask(),
            Operand::RdIs(_)
            | Operand::Rs1Is(_)
            | Operand::Rs2Is(_)
            | Operand::ImmIsZero
            | Operand::ImmIsByteMask
            | Operand::ImmIsAllOnes
            | Operand::Nothing => 0,
        }
    }

    /// The bits for what `inst` has here, if the operand can hold that.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn insert(self, inst: &Inst) -> Option<u16> {
        let number = |gpr: Gpr| u16::from(gpr.number());
        let &Inst {
            rd, rs1, rs2, imm, ..
        } = inst;
        Some(match self {
            Operand::RdNotZero if rd == Gpr::ZERO => return None,
            Operand::Rs1NotZero if rs1 == Gpr::ZERO => return None,
            Operand::Rs2NotZero if rs2 == Gpr::ZERO => return None,
            Operand::RdNotSp if rd == Gpr::SP => return None,
            Operand::RdRs1 | Operand::ShortRdRs1 if rd != rs1 => return None,
            Operand::Rd | Operand::RdNotZero | Operand::RdNotSp | Operand::RdRs1 => number(rd) << 7,
            Operand::Rs1NotZero => number(rs1) << 7,
            Operand::Rs2 | Operand::Rs2NotZero => number(rs2) << 2,
            Operand::ShortRd => rd.compressed_field()? << 2,
            Operand::ShortRs1 | Operand::ShortRdRs1 => rs1.compressed_field()? << 7,
            Operand::ShortRs2 => rs2.compressed_field()? << 2,
            Operand::Imm(kind) => kind.immediate().insert(imm)?,
            // The operand of `lui` is unsigned, of 20 bits.
            Operand::UpperImm => ImmediateKind::Upper.immediate().insert(imm << 12 >> 12)?,
            Operand::RdIs(gpr) => return (rd == gpr).then_some(0),
            Operand::Rs1Is(gpr) => return (rs1 == gpr).then_some(0),
            Operand::Rs2Is(gpr) => return (rs2 == gpr).then_some(0),
            Operand::ImmIsZero => return (imm == 0).then_some(0),
            Operand::ImmIsByteMask => return (imm == 0xff).then_some(0),
            Operand::ImmIsAllOnes => return (imm == -1).then_some(0),
            Operand::Nothing => 0,
        })
    }

    /// Reads the operand from `bits`, if it may have that value.
    fn extract(self, bits: u16, inst: &mut Inst) -> Option<()> {
        let bits = u32::from(bits);
        let upper = Gpr::from_field(bits >> 7);
        let lower = Gpr::from_field(bits >> 2);
        let short_upper = Gpr::from_compressed_field(bits >> 7);
        let short_lower = Gpr::from_compressed_field(bits >> 2);
        match self {
            Operand::RdNotZero | Operand::Rs1NotZero if upper == Gpr::ZERO => return None,
            Operand::RdNotSp if upper == Gpr::SP => return None,
            Operand::Rs2NotZero if lower == Gpr::ZERO => return None,
            Operand::Rd | Operand::RdNotZero | Operand::RdNotSp => inst.rd = upper,
            Operand::RdRs1 => (inst.rd, inst.rs1) = (upper, upper),
            Operand::Rs1NotZero => inst.rs1 = upper,
            Operand::Rs2 | Operand::Rs2NotZero => inst.rs2 = lower,
            Operand::ShortRd => inst.rd = short_lower,
            Operand::ShortRs1 => inst.rs1 = short_upper,
            Operand::ShortRdRs1 => (inst.rd, inst.rs1) = (short_upper, short_upper),
            Operand::ShortRs2 => inst.rs2 = short_lower,
            Operand::Imm(kind) => inst.imm = kind.immediate().extract(bits)?,
            Operand::UpperImm => {
                inst.imm = ImmediateKind::Upper.immediate().extract(bits)? & Imm20::RANGE.max;
            }
            Operand::RdIs(gpr) => inst.rd = gpr,
            Operand::Rs1Is(gpr) => inst.rs1 = gpr,
            Operand::Rs2Is(gpr) => inst.rs2 = gpr,
            Operand::ImmIsZero => inst.imm = 0,
            Operand::ImmIsByteMask => inst.imm = 0xff,
            Operand::ImmIsAllOnes => inst.imm = -1,
            Operand::Nothing => {}
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    fn all_forms() -> impl Iterator<Item = (u16, Inst)> {
        (0..=u16::MAX).filter_map(|bits| Some((bits, expand(bits, ExtensionSet::all())?)))
    }

    #[test]
    fn fixed_bits_stay_clear_of_operands() {
        for (forms, masks) in [(zca::FORMS, zca::MASKS), (zcb::FORMS, zcb::MASKS)] {
            for (form, mask) in forms.iter().zip(masks) {
                assert_eq!(form.bits & !mask, 0, "{:#06x}", form.bits);
                assert_ne!(form.bits & 3, 3, "{:#06x}", form.bits);
            }
        }
    }

    /// Instructions that have two forms, with the one that is produced.
    const TWO_FORMS: [(u16, u16); 4] = [
        // `c.li zero,0` is a hint, and so is a `nop`.
        (0x4001, 0x0001),
        // `c.addi16sp` with an immediate that `c.addi` can hold: 16, -32 and -16.
        (0x6141, 0x0141),
        (0x713d, 0x1101),
        (0x717d, 0x1141),
    ];

    #[test]
    fn what_expands_is_legal_and_compresses_to_the_same_form() {
        for (bits, inst) in all_forms() {
            assert!(inst.encode().is_ok(), "{bits:#06x} {inst}");
            let compressed = compress(inst, ExtensionSet::all());
            let produced = TWO_FORMS.iter().find(|(other, _)| *other == bits);
            if is_hint(&inst) {
                // `c.addi` with immediate 0 is `mv` of a register to itself, which is none as a `c.mv`.
                let is_move = inst.opcode == Opcode::Addi && inst.rd != Gpr::ZERO;
                assert_eq!(compressed.is_some(), is_move, "{bits:#06x} {inst}");
            } else {
                let produced = produced.map_or(bits, |(_, produced)| *produced);
                assert_eq!(compressed, Some(produced), "{bits:#06x} {inst}");
            }
        }
    }

    /// So it does not matter which table is asked first.
    #[test]
    fn forms_that_can_hold_the_same_instruction_are_of_one_extension() {
        let mut with_several = 0;
        for (bits, inst) in all_forms() {
            let holding = |forms: &[Form]| -> Vec<u16> {
                let forms = forms.iter().filter(|form| form.opcode == inst.opcode);
                forms.filter_map(|form| form.insert(&inst)).collect()
            };
            let [zca, zcb] = [zca::FORMS, zcb::FORMS].map(holding);
            assert_ne!(zca.is_empty(), zcb.is_empty(), "{inst}");
            assert!(zca.contains(&bits) || zcb.contains(&bits), "{inst}");
            with_several += usize::from(zca.len() > 1);
        }
        assert!(with_several > 0);
    }

    /// What hosts do and what the chip does.
    #[test]
    fn the_table_and_the_code_give_the_same_forms() {
        let special = special_instructions();
        for inst in all_forms().map(|(_, inst)| inst).chain(special) {
            let zca = first_form_of(zca::FORMS, zca::FIRST_FORMS, &inst);
            assert_eq!(zca, zca::first_form(&inst), "{inst}");
            let zcb = first_form_of(zcb::FORMS, zcb::FIRST_FORMS, &inst);
            assert_eq!(zcb, zcb::first_form(&inst), "{inst}");
        }
    }

    #[test]
    fn without_zcb_only_its_forms_are_missing() {
        let without = "rv32ima_zca_zbb".parse().unwrap();
        for (_, inst) in all_forms() {
            let expected = compress(inst, without);
            assert_eq!(
                compress_without_zcb(inst, ExtensionSet::all()),
                expected,
                "{inst}"
            );
            assert_eq!(compress_without_zcb(inst, ExtensionSet::RV32I), None);
        }
    }

    /// Instructions of registers and immediates that are special to some form.
    #[test]
    fn what_compresses_expands_to_the_same_effect() {
        let mut compressed = 0;
        for inst in special_instructions() {
            if let Some(bits) = compress(inst, ExtensionSet::all()) {
                let expanded = expand(bits, ExtensionSet::all());
                let mut turned = inst;
                turn_to_forms(&mut turned);
                assert_eq!(expanded, Some(turned), "{inst}");
                compressed += 1;
            }
        }
        assert_eq!(compressed, 511);
    }

    fn special_instructions() -> impl Iterator<Item = Inst> {
        let registers = || [Gpr::ZERO, Gpr::RA, Gpr::SP, Gpr::S0, Gpr::A5, Gpr::T6].into_iter();
        let immediates =
            || [-512, -256, -33, -32, -1, 0, 2, 3, 16, 31, 32, 124, 255, 256].into_iter();
        let operands = registers()
            .flat_map(move |rd| registers().map(move |rs1| (rd, rs1)))
            .flat_map(move |(rd, rs1)| registers().map(move |rs2| (rd, rs1, rs2)))
            .flat_map(move |(rd, rs1, rs2)| immediates().map(move |imm| (rd, rs1, rs2, imm)));
        let insts = operands.flat_map(|(rd, rs1, rs2, imm)| {
            Opcode::ALL.iter().map(move |&opcode| Inst {
                opcode,
                rd,
                rs1,
                rs2,
                imm,
            })
        });
        // Where the opcode has no such operand, it is zero.
        insts.filter(|inst| {
            inst.encode()
                .is_ok_and(|word| Inst::decode(word) == Ok(*inst))
        })
    }

    #[test]
    fn number_of_valid_encodings() {
        let count = |isa: &str| {
            let extensions = isa.parse().unwrap();
            (0..=u16::MAX)
                .filter(|bits| expand(*bits, extensions).is_some())
                .count()
        };
        assert_eq!(count("rv32im"), 0);
        assert_eq!(count("rv32i_zca"), count("rv32imac"));
        // What Zcb adds needs the 32-bit instruction as well: 8 forms of registers each.
        assert_eq!(count("rv32ic_zcb_zbb") - count("rv32ic_zcb"), 3 * 8);
        assert_eq!(count("rv32imc_zcb") - count("rv32ic_zcb"), 64);
        // Zbkb has `zext.h`, but not its compressed form.
        assert_eq!(count("rv32ic_zcb_zbkb"), count("rv32ic_zcb"));
        let zext_h = Inst::unary(Opcode::ZextH, Gpr::A0, Gpr::A0);
        let with = |isa: &str| compress(zext_h, isa.parse().unwrap());
        assert_eq!(with("rv32ic_zcb_zbb"), Some(0x9d69));
        assert_eq!(with("rv32ic_zcb_zbkb"), None);
    }

    #[test]
    fn reserved_encodings_are_refused() {
        let reserved = [
            (0x0000, "all zeros"),
            (0x0004, "c.addi4spn with immediate 0"),
            (0x2000, "c.fld"),
            (0x6000, "c.flw"),
            (0x6101, "c.addi16sp with immediate 0"),
            (0x6081, "c.lui with immediate 0"),
            (0x9005, "c.srli with shift amount 33"),
            (0x9401, "c.srai with shift amount 32"),
            (0x9c01, "c.subw"),
            (0x9c21, "c.addw"),
            (0x9c71, "c.zext.w"),
            (0x1082, "c.slli with shift amount 32"),
            (0x4002, "c.lwsp to zero"),
            (0x6082, "c.flwsp"),
            (0x8002, "c.jr to zero"),
            (0xe002, "c.fswsp"),
        ];
        for (bits, what) in reserved {
            assert_eq!(expand(bits, ExtensionSet::all()), None, "{what}");
        }
    }

    #[test]
    fn hints_expand_and_are_never_produced() {
        for (bits, expected) in [
            (0x0005, "addi zero,zero,1"),
            (0x0081, "addi ra,ra,0"),
            (0x4001, "addi zero,zero,0"),
            (0x4005, "addi zero,zero,1"),
            (0x6005, "lui zero,0x1"),
            (0x8006, "add zero,zero,ra"),
            (0x900a, "add zero,zero,sp"),
            (0x0082, "slli ra,ra,0x0"),
            (0x8001, "srli s0,s0,0x0"),
        ] {
            let inst = expand(bits, ExtensionSet::RV32IMAC).unwrap();
            assert_eq!(format!("{inst}"), expected);
            let compressed = compress(inst, ExtensionSet::RV32IMAC);
            match inst {
                Inst::NOP => assert_eq!(compressed, Some(NOP)),
                // The same as `mv ra,ra`, which is no hint.
                _ if bits == 0x0081 => assert_eq!(compressed, Some(0x8086)),
                _ => assert_eq!(compressed, None, "{inst}"),
            }
        }
    }

    #[test]
    fn equivalent_forms_are_found() {
        let compressed = |inst: Inst| -> String {
            let bits = compress(inst, ExtensionSet::all()).unwrap();
            format!(
                "{} {:#}",
                mnemonic(bits).unwrap(),
                expand(bits, ExtensionSet::all()).unwrap()
            )
        };
        let (a0, a1, s7) = (Gpr::A0, Gpr::A1, Gpr::S7);
        let mv = Inst::i(Opcode::Addi, a0, s7, crate::Imm12::ZERO);
        assert_eq!(compressed(mv), "c.mv mv a0,s7");
        let add = Inst::r(Opcode::Add, a0, s7, a0);
        assert_eq!(compressed(add), "c.add add a0,a0,s7");
        let and = Inst::r(Opcode::And, a0, a1, a0);
        assert_eq!(compressed(and), "c.and and a0,a0,a1");
        let offset = crate::BranchOffset::new(-256).unwrap();
        let beq = Inst::branch(Opcode::Beq, Gpr::ZERO, a0, offset);
        assert_eq!(compressed(beq), "c.beqz beqz a0,.-256");
    }

    #[test]
    fn ranges_end_where_the_manual_says() {
        let fits = |inst: Inst| compress(inst, ExtensionSet::RV32IMAC).is_some();
        let imm = |value: i32| crate::Imm12::new(value).unwrap();
        let addi = |rd, rs1, value| Inst::i(Opcode::Addi, rd, rs1, imm(value));
        let (a0, sp) = (Gpr::A0, Gpr::SP);
        for (inst, expected) in [
            (addi(a0, a0, 31), true),
            (addi(a0, a0, 32), false),
            (addi(a0, a0, -32), true),
            (addi(a0, a0, -33), false),
            (addi(sp, sp, 496), true),
            (addi(sp, sp, 512), false),
            (addi(sp, sp, -512), true),
            (addi(sp, sp, 40), false),
            (addi(a0, sp, 1020), true),
            (addi(a0, sp, 1024), false),
            (addi(a0, sp, 6), false),
            (addi(Gpr::A6, sp, 8), false),
            (Inst::load(Opcode::Lw, a0, a0, imm(124)), true),
            (Inst::load(Opcode::Lw, a0, a0, imm(128)), false),
            (Inst::load(Opcode::Lw, a0, a0, imm(-4)), false),
            (Inst::load(Opcode::Lw, a0, a0, imm(2)), false),
            (Inst::load(Opcode::Lw, Gpr::T6, sp, imm(252)), true),
            (Inst::load(Opcode::Lw, Gpr::T6, sp, imm(256)), false),
            (Inst::load(Opcode::Lw, Gpr::ZERO, sp, imm(0)), false),
            (Inst::store(Opcode::Sw, Gpr::ZERO, sp, imm(252)), true),
            (Inst::store(Opcode::Sw, Gpr::ZERO, a0, imm(0)), false),
            (Inst::jal(Gpr::RA, 2046.try_into().unwrap()), true),
            (Inst::jal(Gpr::RA, 2048.try_into().unwrap()), false),
            (Inst::jal(Gpr::ZERO, (-2048).try_into().unwrap()), true),
            (Inst::jal(Gpr::T0, 0.try_into().unwrap()), false),
            (Inst::jalr(Gpr::ZERO, Gpr::RA, imm(0)), true),
            (Inst::jalr(Gpr::ZERO, Gpr::RA, imm(4)), false),
            (Inst::jalr(Gpr::RA, Gpr::ZERO, imm(0)), false),
            (Inst::upper(Opcode::Lui, a0, 31.try_into().unwrap()), true),
            (Inst::upper(Opcode::Lui, a0, 32.try_into().unwrap()), false),
            (
                Inst::upper(Opcode::Lui, a0, 0xf_ffe0.try_into().unwrap()),
                true,
            ),
            (Inst::upper(Opcode::Lui, sp, 1.try_into().unwrap()), false),
            (Inst::upper(Opcode::Lui, a0, 0.try_into().unwrap()), false),
        ] {
            assert_eq!(fits(inst), expected, "{inst}");
        }
    }
}
