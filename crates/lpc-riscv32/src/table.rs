//! The instruction table: every 32-bit instruction, one row each.
//!
//! A row names the [`Opcode`] variant, the assembler mnemonic, the [`Format`], the bits that
//! identify the instruction and the extensions any one of which brings it. Encoding, decoding and
//! disassembly all read this table and nothing else.
//!
//! Where the bits of one row are a special case of another's (`zext.h` of `pack`, `pause` of
//! `fence`), the special one stands first, because decoding takes the first row that matches.

use crate::extension::{Extension, ExtensionSet};
use crate::format::Format;

macro_rules! instructions {
    ($($opcode:ident $mnemonic:literal $format:ident ($bits:expr) [$($extension:ident)+];)*) => {
        /// An instruction of the base set or an extension, without its operands.
        ///
        /// The mnemonic in lower case with dots removed is the variant's name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Opcode {
            $(#[doc = concat!("`", $mnemonic, "`")] $opcode,)*
        }

        impl Opcode {
            /// All opcodes in table order.
            pub const ALL: &'static [Opcode] = &[$(Opcode::$opcode),*];
        }

        /// What encoding asks for. The rest stands apart, so that a program which only encodes does not contain it.
        static FORMATS: [Format; Opcode::ALL.len()] = [$(Format::$format),*];

        /// The instruction's own bits; zero where an operand stands.
        static BITS: [u32; Opcode::ALL.len()] = [$($bits),*];

        /// The bits that must equal those of [`BITS`].
        static MASKS: [u32; Opcode::ALL.len()] = [$(Format::$format.fixed_mask()),*];

        static EXTENSIONS: [&[Extension]; Opcode::ALL.len()] = [$(&[$(Extension::$extension),+]),*];

        static MNEMONICS: [&str; Opcode::ALL.len()] = [$($mnemonic),*];
    };
}

// Major opcodes: bits 6–0 (unprivileged manual, "RV32/64G Instruction Set Listings").
const LOAD: u32 = 0x03;
const MISC_MEM: u32 = 0x0f;
const OP_IMM: u32 = 0x13;
const AUIPC: u32 = 0x17;
const STORE: u32 = 0x23;
const AMO: u32 = 0x2f;
const OP: u32 = 0x33;
const LUI: u32 = 0x37;
const BRANCH: u32 = 0x63;
const JALR: u32 = 0x67;
const JAL: u32 = 0x6f;
const SYSTEM: u32 = 0x73;

/// funct3, bits 14–12.
const fn f3(value: u32) -> u32 {
    value << 12
}

/// funct7, bits 31–25.
const fn f7(value: u32) -> u32 {
    value << 25
}

/// funct12, bits 31–20.
const fn f12(value: u32) -> u32 {
    value << 20
}

/// funct5 of an atomic instruction, bits 31–27.
const fn f5(value: u32) -> u32 {
    value << 27
}

instructions! {
    // RV32I
    Lui      "lui"       Upper            (LUI)                          [I];
    Auipc    "auipc"     Upper            (AUIPC)                        [I];
    Jal      "jal"       Jump             (JAL)                          [I];
    Jalr     "jalr"      JumpRegister     (JALR | f3(0))                 [I];
    Beq      "beq"       Branch           (BRANCH | f3(0))               [I];
    Bne      "bne"       Branch           (BRANCH | f3(1))               [I];
    Blt      "blt"       Branch           (BRANCH | f3(4))               [I];
    Bge      "bge"       Branch           (BRANCH | f3(5))               [I];
    Bltu     "bltu"      Branch           (BRANCH | f3(6))               [I];
    Bgeu     "bgeu"      Branch           (BRANCH | f3(7))               [I];
    Lb       "lb"        Load             (LOAD | f3(0))                 [I];
    Lh       "lh"        Load             (LOAD | f3(1))                 [I];
    Lw       "lw"        Load             (LOAD | f3(2))                 [I];
    Lbu      "lbu"       Load             (LOAD | f3(4))                 [I];
    Lhu      "lhu"       Load             (LOAD | f3(5))                 [I];
    Sb       "sb"        Store            (STORE | f3(0))                [I];
    Sh       "sh"        Store            (STORE | f3(1))                [I];
    Sw       "sw"        Store            (STORE | f3(2))                [I];
    Addi     "addi"      I                (OP_IMM | f3(0))               [I];
    Slti     "slti"      I                (OP_IMM | f3(2))               [I];
    Sltiu    "sltiu"     I                (OP_IMM | f3(3))               [I];
    Xori     "xori"      I                (OP_IMM | f3(4))               [I];
    Ori      "ori"       I                (OP_IMM | f3(6))               [I];
    Andi     "andi"      I                (OP_IMM | f3(7))               [I];
    Slli     "slli"      Shift            (OP_IMM | f3(1) | f7(0x00))    [I];
    Srli     "srli"      Shift            (OP_IMM | f3(5) | f7(0x00))    [I];
    Srai     "srai"      Shift            (OP_IMM | f3(5) | f7(0x20))    [I];
    Add      "add"       R                (OP | f3(0) | f7(0x00))        [I];
    Sub      "sub"       R                (OP | f3(0) | f7(0x20))        [I];
    Sll      "sll"       R                (OP | f3(1) | f7(0x00))        [I];
    Slt      "slt"       R                (OP | f3(2) | f7(0x00))        [I];
    Sltu     "sltu"      R                (OP | f3(3) | f7(0x00))        [I];
    Xor      "xor"       R                (OP | f3(4) | f7(0x00))        [I];
    Srl      "srl"       R                (OP | f3(5) | f7(0x00))        [I];
    Sra      "sra"       R                (OP | f3(5) | f7(0x20))        [I];
    Or       "or"        R                (OP | f3(6) | f7(0x00))        [I];
    And      "and"       R                (OP | f3(7) | f7(0x00))        [I];
    // Zihintpause only gives a meaning to this fence, which is legal without it.
    Pause    "pause"     NoOperands       (MISC_MEM | f12(0x010))        [I];
    FenceTso "fence.tso" NoOperands       (MISC_MEM | f12(0x833))        [I];
    Fence    "fence"     Fence            (MISC_MEM)                     [I];
    Ecall    "ecall"     NoOperands       (SYSTEM | f12(0x000))          [I];
    Ebreak   "ebreak"    NoOperands       (SYSTEM | f12(0x001))          [I];
    // Privileged instructions of machine mode, the mode that every hart has.
    Mret     "mret"      NoOperands       (SYSTEM | f12(0x302))          [I];
    Wfi      "wfi"       NoOperands       (SYSTEM | f12(0x105))          [I];

    // Zifencei
    FenceI   "fence.i"   NoOperands       (MISC_MEM | f3(1))             [Zifencei];

    // Zicsr
    Csrrw    "csrrw"     CsrRegister      (SYSTEM | f3(1))               [Zicsr];
    Csrrs    "csrrs"     CsrRegister      (SYSTEM | f3(2))               [Zicsr];
    Csrrc    "csrrc"     CsrRegister      (SYSTEM | f3(3))               [Zicsr];
    Csrrwi   "csrrwi"    CsrImmediate     (SYSTEM | f3(5))               [Zicsr];
    Csrrsi   "csrrsi"    CsrImmediate     (SYSTEM | f3(6))               [Zicsr];
    Csrrci   "csrrci"    CsrImmediate     (SYSTEM | f3(7))               [Zicsr];

    // M
    Mul      "mul"       R                (OP | f3(0) | f7(0x01))        [Zmmul];
    Mulh     "mulh"      R                (OP | f3(1) | f7(0x01))        [Zmmul];
    Mulhsu   "mulhsu"    R                (OP | f3(2) | f7(0x01))        [Zmmul];
    Mulhu    "mulhu"     R                (OP | f3(3) | f7(0x01))        [Zmmul];
    Div      "div"       R                (OP | f3(4) | f7(0x01))        [M];
    Divu     "divu"      R                (OP | f3(5) | f7(0x01))        [M];
    Rem      "rem"       R                (OP | f3(6) | f7(0x01))        [M];
    Remu     "remu"      R                (OP | f3(7) | f7(0x01))        [M];

    // A
    LrW      "lr.w"      LoadReserved     (AMO | f3(2) | f5(0x02))       [Zalrsc];
    ScW      "sc.w"      StoreConditional (AMO | f3(2) | f5(0x03))       [Zalrsc];
    AmoswapW "amoswap.w" AtomicMemory     (AMO | f3(2) | f5(0x01))       [Zaamo];
    AmoaddW  "amoadd.w"  AtomicMemory     (AMO | f3(2) | f5(0x00))       [Zaamo];
    AmoxorW  "amoxor.w"  AtomicMemory     (AMO | f3(2) | f5(0x04))       [Zaamo];
    AmoandW  "amoand.w"  AtomicMemory     (AMO | f3(2) | f5(0x0c))       [Zaamo];
    AmoorW   "amoor.w"   AtomicMemory     (AMO | f3(2) | f5(0x08))       [Zaamo];
    AmominW  "amomin.w"  AtomicMemory     (AMO | f3(2) | f5(0x10))       [Zaamo];
    AmomaxW  "amomax.w"  AtomicMemory     (AMO | f3(2) | f5(0x14))       [Zaamo];
    AmominuW "amominu.w" AtomicMemory     (AMO | f3(2) | f5(0x18))       [Zaamo];
    AmomaxuW "amomaxu.w" AtomicMemory     (AMO | f3(2) | f5(0x1c))       [Zaamo];

    // Zba
    Sh1add   "sh1add"    R                (OP | f3(2) | f7(0x10))        [Zba];
    Sh2add   "sh2add"    R                (OP | f3(4) | f7(0x10))        [Zba];
    Sh3add   "sh3add"    R                (OP | f3(6) | f7(0x10))        [Zba];

    // Zbb, and what Zbkb shares with it
    Andn     "andn"      R                (OP | f3(7) | f7(0x20))        [Zbb Zbkb];
    Orn      "orn"       R                (OP | f3(6) | f7(0x20))        [Zbb Zbkb];
    Xnor     "xnor"      R                (OP | f3(4) | f7(0x20))        [Zbb Zbkb];
    Clz      "clz"       Unary            (OP_IMM | f3(1) | f12(0x600))  [Zbb];
    Ctz      "ctz"       Unary            (OP_IMM | f3(1) | f12(0x601))  [Zbb];
    Cpop     "cpop"      Unary            (OP_IMM | f3(1) | f12(0x602))  [Zbb];
    SextB    "sext.b"    Unary            (OP_IMM | f3(1) | f12(0x604))  [Zbb];
    SextH    "sext.h"    Unary            (OP_IMM | f3(1) | f12(0x605))  [Zbb];
    // Under Zbkb this is `pack` with rs2 = zero.
    ZextH    "zext.h"    Unary            (OP | f3(4) | f12(0x080))      [Zbb Zbkb];
    Max      "max"       R                (OP | f3(6) | f7(0x05))        [Zbb];
    Maxu     "maxu"      R                (OP | f3(7) | f7(0x05))        [Zbb];
    Min      "min"       R                (OP | f3(4) | f7(0x05))        [Zbb];
    Minu     "minu"      R                (OP | f3(5) | f7(0x05))        [Zbb];
    Rol      "rol"       R                (OP | f3(1) | f7(0x30))        [Zbb Zbkb];
    Ror      "ror"       R                (OP | f3(5) | f7(0x30))        [Zbb Zbkb];
    Rori     "rori"      Shift            (OP_IMM | f3(5) | f7(0x30))    [Zbb Zbkb];
    OrcB     "orc.b"     Unary            (OP_IMM | f3(5) | f12(0x287))  [Zbb];
    Rev8     "rev8"      Unary            (OP_IMM | f3(5) | f12(0x698))  [Zbb Zbkb];

    // Zbkb
    Pack     "pack"      R                (OP | f3(4) | f7(0x04))        [Zbkb];
    Packh    "packh"     R                (OP | f3(7) | f7(0x04))        [Zbkb];
    Brev8    "brev8"     Unary            (OP_IMM | f3(5) | f12(0x687))  [Zbkb];
    Zip      "zip"       Unary            (OP_IMM | f3(1) | f12(0x08f))  [Zbkb];
    Unzip    "unzip"     Unary            (OP_IMM | f3(5) | f12(0x08f))  [Zbkb];

    // Zbs
    Bclr     "bclr"      R                (OP | f3(1) | f7(0x24))        [Zbs];
    Bclri    "bclri"     Shift            (OP_IMM | f3(1) | f7(0x24))    [Zbs];
    Bext     "bext"      R                (OP | f3(5) | f7(0x24))        [Zbs];
    Bexti    "bexti"     Shift            (OP_IMM | f3(5) | f7(0x24))    [Zbs];
    Binv     "binv"      R                (OP | f3(1) | f7(0x34))        [Zbs];
    Binvi    "binvi"     Shift            (OP_IMM | f3(1) | f7(0x34))    [Zbs];
    Bset     "bset"      R                (OP | f3(1) | f7(0x14))        [Zbs];
    Bseti    "bseti"     Shift            (OP_IMM | f3(1) | f7(0x14))    [Zbs];

    // Zicond
    CzeroEqz "czero.eqz" R                (OP | f3(5) | f7(0x07))        [Zicond];
    CzeroNez "czero.nez" R                (OP | f3(7) | f7(0x07))        [Zicond];
}

impl Opcode {
    /// The assembler mnemonic, such as `amoadd.w`.
    pub const fn mnemonic(self) -> &'static str {
        MNEMONICS[self as usize]
    }

    /// The opcode with the given mnemonic.
    pub fn from_mnemonic(mnemonic: &str) -> Option<Opcode> {
        Self::ALL
            .iter()
            .copied()
            .find(|opcode| opcode.mnemonic() == mnemonic)
    }

    /// The first row whose bits are those of `word`.
    pub(crate) fn matching(word: u32) -> Option<Opcode> {
        let mut rows = BITS.iter().zip(&MASKS);
        let index = rows.position(|(&bits, mask)| word & mask == bits)?;
        Some(Self::ALL[index])
    }

    /// Which operands the instruction has.
    #[inline]
    pub const fn format(self) -> Format {
        FORMATS[self as usize]
    }

    /// The encoding with all operands zero.
    #[inline]
    pub const fn bits(self) -> u32 {
        BITS[self as usize]
    }

    /// The bits that identify the instruction: a word `w` is this instruction if
    /// `w & opcode.mask() == opcode.bits()` and no row before it matches.
    pub const fn mask(self) -> u32 {
        MASKS[self as usize]
    }

    /// The extensions that bring the instruction: any one of them is enough.
    pub const fn extensions(self) -> &'static [Extension] {
        EXTENSIONS[self as usize]
    }

    /// Whether a machine with the given extensions has the instruction.
    pub fn is_in(self, extensions: ExtensionSet) -> bool {
        self.extensions()
            .iter()
            .any(|extension| extensions.contains(*extension))
    }

    /// Whether the instruction reads memory.
    pub const fn is_load(self) -> bool {
        matches!(
            self.format(),
            Format::Load | Format::LoadReserved | Format::AtomicMemory
        )
    }

    /// Whether the instruction writes memory.
    pub const fn is_store(self) -> bool {
        matches!(
            self.format(),
            Format::Store | Format::StoreConditional | Format::AtomicMemory
        )
    }

    /// Whether the instruction is a conditional branch.
    pub const fn is_branch(self) -> bool {
        matches!(self.format(), Format::Branch)
    }

    /// Whether the instruction is an unconditional jump: `jal` or `jalr`.
    pub const fn is_jump(self) -> bool {
        matches!(self.format(), Format::Jump | Format::JumpRegister)
    }

    /// The branch taken exactly when this one is not, with the same operands; `None` if this is
    /// no conditional branch.
    pub const fn inverted_branch(self) -> Option<Opcode> {
        Some(match self {
            Opcode::Beq => Opcode::Bne,
            Opcode::Bne => Opcode::Beq,
            Opcode::Blt => Opcode::Bge,
            Opcode::Bge => Opcode::Blt,
            Opcode::Bltu => Opcode::Bgeu,
            Opcode::Bgeu => Opcode::Bltu,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_bits_stay_clear_of_operands() {
        for opcode in Opcode::ALL {
            assert_eq!(opcode.bits() & !opcode.mask(), 0, "{opcode:?}");
            assert_eq!(opcode.bits() & 3, 3, "{opcode:?}");
        }
    }

    #[test]
    fn rows_overlap_only_as_special_cases_that_stand_first() {
        for (index, first) in Opcode::ALL.iter().enumerate() {
            for second in &Opcode::ALL[index + 1..] {
                let names = [first, second].map(|opcode| opcode.mnemonic());
                let common = first.mask() & second.mask();
                if (first.bits() ^ second.bits()) & common == 0 {
                    assert_eq!(common, second.mask(), "{names:?}");
                    assert_ne!(first.mask(), second.mask(), "{names:?}");
                }
            }
        }
    }

    #[test]
    fn mnemonics_name_one_opcode() {
        for opcode in Opcode::ALL {
            assert_eq!(Opcode::from_mnemonic(opcode.mnemonic()), Some(*opcode));
        }
        assert_eq!(Opcode::from_mnemonic("addw"), None);
    }

    #[test]
    fn inversion_is_its_own_inverse() {
        for opcode in Opcode::ALL {
            let inverted = opcode.inverted_branch();
            assert_eq!(inverted.is_some(), opcode.is_branch());
            if let Some(inverted) = inverted {
                assert_ne!(inverted, *opcode);
                assert_eq!(inverted.inverted_branch(), Some(*opcode));
                // The pairs differ in the lowest bit of funct3.
                assert_eq!(inverted.bits() ^ opcode.bits(), f3(1));
            }
        }
    }
}
