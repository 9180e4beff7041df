//! One instruction with its operands, encoded to and decoded from 32 bits.
//!
//! The operands an opcode does not have are zero, so two equal instructions are equal values.
//! Encoding and decoding go by the fields of the opcode's [`Format`](crate::format::Format); an encoding
//! is accepted only if decoding it gives the same [`Inst`] back, which is the whole check for
//! immediates out of range and for operands that the opcode does not have.

use crate::csr::Csr;
use crate::gpr::Gpr;
use crate::immediate::{BranchOffset, Imm12, Imm20, ImmediateRange, JumpOffset, ShiftAmount};
use crate::table::Opcode;
use core::fmt;

/// An instruction: an opcode and its operands.
///
/// The constructors are named after the formats. They take immediates as types that are known to
/// fit, so what they build encodes without error as long as the opcode has the format in question.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(not(feature = "disassembler"), derive(Debug))]
pub struct Inst {
    /// What to do.
    pub opcode: Opcode,
    /// Destination register.
    pub rd: Gpr,
    /// First source register: the base of an address where there is one.
    pub rs1: Gpr,
    /// Second source register: the value that a store stores.
    pub rs2: Gpr,
    /// The immediate, as the assembler takes it: sign-extended where the instruction does so, an
    /// offset in bytes for branches and jumps, the 20-bit operand of `lui`.
    ///
    /// Packed for three formats: the CSR number with the 5-bit operand of `csrrwi` and its kin
    /// above it (bits 16–12); acquire and release in bits 1 and 0; the predecessor set of `fence`
    /// in bits 7–4 and the successor set in bits 3–0 (input, output, read, write from the top).
    pub imm: i32,
}

/// What assemblers call `unimp`: `csrrw zero, cycle, zero`, a write to a read-only register, which is illegal on every
/// machine.
pub const UNIMP: u32 = 0xc000_1073;

impl Inst {
    /// `addi zero,zero,0`
    pub const NOP: Inst = Inst::i(Opcode::Addi, Gpr::ZERO, Gpr::ZERO, Imm12::ZERO);

    /// An instruction whose operands are all zero.
    #[inline]
    const fn bare(opcode: Opcode) -> Inst {
        Inst {
            opcode,
            rd: Gpr::ZERO,
            rs1: Gpr::ZERO,
            rs2: Gpr::ZERO,
            imm: 0,
        }
    }

    /// `op rd,rs1,rs2`
    #[inline]
    pub const fn r(opcode: Opcode, rd: Gpr, rs1: Gpr, rs2: Gpr) -> Inst {
        Inst {
            rd,
            rs1,
            rs2,
            ..Inst::bare(opcode)
        }
    }

    /// `op rd,rs1`
    pub const fn unary(opcode: Opcode, rd: Gpr, rs1: Gpr) -> Inst {
        Inst {
            rd,
            rs1,
            ..Inst::bare(opcode)
        }
    }

    /// `op rd,rs1,imm`
    #[inline]
    pub const fn i(opcode: Opcode, rd: Gpr, rs1: Gpr, imm: Imm12) -> Inst {
        Inst {
            rd,
            rs1,
            imm: imm.get(),
            ..Inst::bare(opcode)
        }
    }

    /// `op rd,rs1,shamt`
    pub const fn shift(opcode: Opcode, rd: Gpr, rs1: Gpr, amount: ShiftAmount) -> Inst {
        Inst {
            rd,
            rs1,
            imm: amount.get(),
            ..Inst::bare(opcode)
        }
    }

    /// `op rd,offset(base)`
    #[inline]
    pub const fn load(opcode: Opcode, rd: Gpr, base: Gpr, offset: Imm12) -> Inst {
        Inst {
            rd,
            rs1: base,
            imm: offset.get(),
            ..Inst::bare(opcode)
        }
    }

    /// `op value,offset(base)`
    #[inline]
    pub const fn store(opcode: Opcode, value: Gpr, base: Gpr, offset: Imm12) -> Inst {
        Inst {
            rs1: base,
            rs2: value,
            imm: offset.get(),
            ..Inst::bare(opcode)
        }
    }

    /// `op rs1,rs2,offset`
    pub const fn branch(opcode: Opcode, rs1: Gpr, rs2: Gpr, offset: BranchOffset) -> Inst {
        Inst {
            rs1,
            rs2,
            imm: offset.get(),
            ..Inst::bare(opcode)
        }
    }

    /// `op rd,imm`: `lui` and `auipc`
    #[inline]
    pub const fn upper(opcode: Opcode, rd: Gpr, imm: Imm20) -> Inst {
        Inst {
            rd,
            imm: imm.get(),
            ..Inst::bare(opcode)
        }
    }

    /// `jal rd,offset`
    pub const fn jal(rd: Gpr, offset: JumpOffset) -> Inst {
        Inst {
            rd,
            imm: offset.get(),
            ..Inst::bare(Opcode::Jal)
        }
    }

    /// `jalr rd,offset(base)`
    pub const fn jalr(rd: Gpr, base: Gpr, offset: Imm12) -> Inst {
        Inst {
            rd,
            rs1: base,
            imm: offset.get(),
            ..Inst::bare(Opcode::Jalr)
        }
    }

    /// `lr.w rd,(address)`
    pub const fn load_reserved(rd: Gpr, address: Gpr, order: AtomicOrder) -> Inst {
        Inst {
            rd,
            rs1: address,
            imm: order.bits(),
            ..Inst::bare(Opcode::LrW)
        }
    }

    /// `op rd,value,(address)`: `sc.w` and the atomic memory operations
    pub const fn atomic(
        opcode: Opcode,
        rd: Gpr,
        value: Gpr,
        address: Gpr,
        order: AtomicOrder,
    ) -> Inst {
        Inst {
            opcode,
            rd,
            rs1: address,
            rs2: value,
            imm: order.bits(),
        }
    }

    /// `op rd,csr,rs1`
    pub const fn csr(opcode: Opcode, rd: Gpr, csr: Csr, rs1: Gpr) -> Inst {
        Inst {
            rd,
            rs1,
            imm: csr.number() as i32,
            ..Inst::bare(opcode)
        }
    }

    /// `op rd,csr,imm`: the forms with a 5-bit unsigned operand
    pub const fn csr_immediate(opcode: Opcode, rd: Gpr, csr: Csr, imm: ShiftAmount) -> Inst {
        Inst {
            rd,
            imm: imm.get() << 12 | csr.number() as i32,
            ..Inst::bare(opcode)
        }
    }

    /// `fence iorw,iorw`
    pub const fn fence() -> Inst {
        Inst::fence_between(FenceSet::ALL, FenceSet::ALL)
    }

    /// `fence predecessors,successors`
    pub const fn fence_between(predecessors: FenceSet, successors: FenceSet) -> Inst {
        Inst {
            imm: (predecessors.0 as i32) << 4 | successors.0 as i32,
            ..Inst::bare(Opcode::Fence)
        }
    }

    /// `op`: `ecall` and others without operands
    pub const fn no_operands(opcode: Opcode) -> Inst {
        Inst::bare(opcode)
    }

    /// The register that a [`CsrRegister`](crate::format::Format::CsrRegister) or [`CsrImmediate`](crate::format::Format::CsrImmediate) instruction names.
    pub const fn csr_operand(self) -> Csr {
        Csr::from_field(self.imm as u32)
    }

    /// The 5-bit operand of a [`CsrImmediate`](crate::format::Format::CsrImmediate) instruction.
    pub const fn csr_immediate_operand(self) -> u32 {
        self.imm as u32 >> 12
    }

    /// The ordering of a load-reserved, store-conditional or atomic memory instruction.
    pub const fn atomic_order(self) -> AtomicOrder {
        AtomicOrder {
            acquire: self.imm & 2 != 0,
            release: self.imm & 1 != 0,
        }
    }

    /// The register that the instruction writes, if its format has one and it is not `zero`.
    pub fn written_register(self) -> Option<Gpr> {
        (self.opcode.format().has_rd() && self.rd != Gpr::ZERO).then_some(self.rd)
    }

    /// The 32-bit encoding.
    ///
    /// # Errors
    /// [`EncodeError::ImmediateOutOfRange`] if the immediate does not fit its field,
    /// [`EncodeError::UnusedOperand`] if an operand is set that the opcode does not have.
    pub fn encode(self) -> Result<u32, EncodeError> {
        let word = self.insert_operands();
        let decoded = Inst::with_operands_of(self.opcode, word);
        if decoded == self {
            return Ok(word);
        }
        Err(if decoded.imm != self.imm {
            EncodeError::ImmediateOutOfRange {
                value: self.imm,
                range: self.opcode.format().immediate_range(),
            }
        } else {
            EncodeError::UnusedOperand {
                opcode: self.opcode,
            }
        })
    }

    /// The 32-bit encoding of an instruction whose operands are known to fit, as those of all constructors do that are given an
    /// opcode of their format. What does not fit loses bits: see [`Self::encode`].
    pub fn to_word(self) -> u32 {
        // What the format does not have is zero.
        let registers = (self.rd.number() as u32) << 7
            | (self.rs1.number() as u32) << 15
            | (self.rs2.number() as u32) << 20;
        let immediate = self.opcode.format().insert_immediate(self.imm);
        let word = self.opcode.bits() | registers | immediate;
        debug_assert_eq!(self.encode(), Ok(word));
        word
    }

    fn insert_operands(self) -> u32 {
        self.opcode.bits() | self.opcode.format().insert(self)
    }

    /// Decodes a 32-bit instruction of any extension.
    ///
    /// Strict: an encoding that the manuals reserve is refused, including the reserved modes and
    /// register fields of `fence`. What is accepted encodes to the same word again.
    ///
    /// # Errors
    /// [`DecodeError`] if the word is no instruction of the table.
    pub fn decode(word: u32) -> Result<Inst, DecodeError> {
        let opcode = Opcode::matching(word).ok_or(DecodeError { word })?;
        Ok(Inst::with_operands_of(opcode, word))
    }

    /// The operands that `word` holds in the format of `opcode`.
    fn with_operands_of(opcode: Opcode, word: u32) -> Inst {
        let mut inst = Inst::bare(opcode);
        for field in opcode.format().fields() {
            field.extract(word, &mut inst);
        }
        inst
    }
}

/// The ordering bits of an atomic instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct AtomicOrder {
    /// No later memory operation is observed before this one.
    pub acquire: bool,
    /// No earlier memory operation is observed after this one.
    pub release: bool,
}

impl AtomicOrder {
    /// No ordering beyond the atomicity of the access.
    pub const RELAXED: AtomicOrder = AtomicOrder {
        acquire: false,
        release: false,
    };
    /// Acquire and release: sequentially consistent.
    pub const SEQUENTIALLY_CONSISTENT: AtomicOrder = AtomicOrder {
        acquire: true,
        release: true,
    };

    /// As it stands in [`Inst::imm`].
    pub const fn bits(self) -> i32 {
        (self.acquire as i32) << 1 | self.release as i32
    }
}

/// The accesses on one side of a fence: the predecessor or the successor set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FenceSet(u8);

impl FenceSet {
    /// `iorw`: all accesses, to devices and to memory.
    pub const ALL: FenceSet = FenceSet(0xf);
    /// `r`: reads of memory.
    pub const READS: FenceSet = FenceSet(2);
    /// `w`: writes to memory.
    pub const WRITES: FenceSet = FenceSet(1);
    /// `rw`: reads of memory and writes to it.
    pub const MEMORY: FenceSet = FenceSet(3);

    /// The letters of the sets, by their bits from the highest.
    const LETTERS: [char; 4] = ['i', 'o', 'r', 'w'];

    /// The set whose bits are the low four of `bits`.
    pub const fn from_bits(bits: i32) -> FenceSet {
        FenceSet((bits & 0xf) as u8)
    }

    /// The set that prints as `letters`, unless that is the empty one.
    pub fn from_letters(letters: &str) -> Option<FenceSet> {
        let mut left = Self::LETTERS.iter();
        let mut bits = 0;
        for letter in letters.chars() {
            left.find(|&&other| other == letter)?;
            bits |= 1 << left.len();
        }
        (bits != 0).then_some(FenceSet(bits))
    }
}

impl fmt::Display for FenceSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("unknown");
        }
        for (index, letter) in Self::LETTERS.iter().enumerate() {
            if self.0 & 8 >> index != 0 {
                write!(f, "{letter}")?;
            }
        }
        Ok(())
    }
}

/// Why an [`Inst`] has no encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// The immediate does not fit its field.
    ImmediateOutOfRange {
        /// The immediate.
        value: i32,
        /// What fits.
        range: ImmediateRange,
    },
    /// An operand is set that the opcode does not have.
    UnusedOperand {
        /// The opcode.
        opcode: Opcode,
    },
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            EncodeError::ImmediateOutOfRange { value, range } => {
                let ImmediateRange {
                    min,
                    max,
                    multiple_of,
                } = range;
                if multiple_of == 1 {
                    write!(f, "immediate {value} is not in the range {min} to {max}")
                } else {
                    write!(
                        f,
                        "immediate {value} is not a multiple of {multiple_of} from {min} to {max}"
                    )
                }
            }
            EncodeError::UnusedOperand { opcode } => {
                write!(
                    f,
                    "`{}` does not have all the operands given",
                    opcode.mnemonic()
                )
            }
        }
    }
}

impl core::error::Error for EncodeError {}

/// The word is no 32-bit instruction: its encoding is reserved, belongs to an extension that this
/// crate lacks, or starts with a 16-bit instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The word.
    pub word: u32,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x} is not a 32-bit instruction", self.word)
    }
}

impl core::error::Error for DecodeError {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn fence_sets_round_trip() {
        for bits in 1..16 {
            let set = FenceSet::from_bits(bits);
            assert_eq!(FenceSet::from_letters(&set.to_string()), Some(set));
        }
        assert_eq!(FenceSet::MEMORY.to_string(), "rw");
        for bad in ["", "wr", "rr", "x", "unknown"] {
            assert_eq!(FenceSet::from_letters(bad), None, "{bad}");
        }
    }
}
