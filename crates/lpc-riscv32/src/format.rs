//! Instruction formats: which operands an instruction has and where they lie in its 32 bits.
//!
//! ```text
//!       31        25 24   20 19   15 14    12 11         7 6      0
//!  R   │   funct7   │  rs2  │  rs1  │ funct3 │     rd     │ opcode │
//!  I   │     imm[11:0]      │  rs1  │ funct3 │     rd     │ opcode │
//!  S   │ imm[11:5]  │  rs2  │  rs1  │ funct3 │  imm[4:0]  │ opcode │
//!  B   │imm[12|10:5]│  rs2  │  rs1  │ funct3 │imm[4:1|11] │ opcode │
//!  U   │             imm[31:12]              │     rd     │ opcode │
//!  J   │        imm[20|10:1|11|19:12]        │     rd     │ opcode │
//! ```
//!
//! A [`Format`] is a list of [`Field`]s. The bits that no field covers are the instruction's own
//! and must match its table row: [`Format::fixed_mask`] is derived, never written down.

use crate::gpr::Gpr;
use crate::immediate::{BranchOffset, Imm12, Imm20, ImmediateRange, JumpOffset, ShiftAmount};
use crate::inst::Inst;

/// One operand field of a 32-bit instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Destination register, bits 11–7.
    Rd,
    /// First source register, bits 19–15.
    Rs1,
    /// Second source register, bits 24–20.
    Rs2,
    /// Sign-extended immediate of the I format, bits 31–20.
    Imm12,
    /// Sign-extended offset of the S format.
    StoreOffset,
    /// Even offset of the B format.
    BranchOffset,
    /// Upper 20 bits of a word, the U format.
    Imm20,
    /// Even offset of the J format.
    JumpOffset,
    /// Shift amount or bit number, bits 24–20.
    ShiftAmount,
    /// Number of a control and status register, bits 31–20; the low 12 bits of [`Inst::imm`].
    Csr,
    /// Unsigned 5-bit operand in place of rs1, bits 19–15; bits 16–12 of [`Inst::imm`].
    CsrImmediate,
    /// Acquire and release, bits 26 and 25; bits 1 and 0 of [`Inst::imm`].
    AcquireRelease,
    /// Predecessor and successor sets of a fence, bits 27–20.
    FenceSets,
}

impl Field {
    /// The instruction bits that the field occupies.
    pub const fn mask(self) -> u32 {
        match self {
            Field::Rd => 0x0000_0f80,
            Field::Rs1 | Field::CsrImmediate => 0x000f_8000,
            Field::Rs2 | Field::ShiftAmount => 0x01f0_0000,
            Field::Imm12 | Field::Csr => 0xfff0_0000,
            Field::StoreOffset | Field::BranchOffset => 0xfe00_0f80,
            Field::Imm20 | Field::JumpOffset => 0xffff_f000,
            Field::AcquireRelease => 0x0600_0000,
            Field::FenceSets => 0x0ff0_0000,
        }
    }

    /// The field's bits for the operands of `inst`. Operands out of range lose bits here.
    #[inline(always)]
    const fn insert(self, inst: Inst) -> u32 {
        let register = match self {
            Field::Rd => inst.rd,
            Field::Rs1 => inst.rs1,
            Field::Rs2 => inst.rs2,
            _ => return self.insert_immediate(inst.imm),
        };
        (register.number() as u32) << self.mask().trailing_zeros()
    }

    /// The field's bits for an immediate; none if it is a register. What is out of range loses bits here.
    #[inline(always)]
    const fn insert_immediate(self, imm: i32) -> u32 {
        let imm = imm as u32;
        let bits = match self {
            Field::Rd | Field::Rs1 | Field::Rs2 => return 0,
            Field::Imm12 | Field::ShiftAmount | Field::Csr | Field::FenceSets => imm << 20,
            Field::StoreOffset => imm >> 5 << 25 | (imm & 0x1f) << 7,
            Field::BranchOffset => {
                (imm >> 12 & 1) << 31
                    | (imm >> 5 & 0x3f) << 25
                    | (imm >> 1 & 0xf) << 8
                    | (imm >> 11 & 1) << 7
            }
            Field::Imm20 => imm << 12,
            Field::JumpOffset => {
                (imm >> 20 & 1) << 31
                    | (imm >> 1 & 0x3ff) << 21
                    | (imm >> 11 & 1) << 20
                    | (imm >> 12 & 0xff) << 12
            }
            Field::CsrImmediate => imm >> 12 << 15,
            Field::AcquireRelease => imm << 25,
        };
        bits & self.mask()
    }

    /// Sets the operand of `inst` that the field holds in `word`.
    pub(crate) const fn extract(self, word: u32, inst: &mut Inst) {
        let sign = word as i32 >> 31;
        match self {
            Field::Rd => inst.rd = Gpr::from_field(word >> 7),
            Field::Rs1 => inst.rs1 = Gpr::from_field(word >> 15),
            Field::Rs2 => inst.rs2 = Gpr::from_field(word >> 20),
            Field::Imm12 => inst.imm = word as i32 >> 20,
            Field::StoreOffset => {
                inst.imm = sign << 11 | (word >> 25 << 5 | word >> 7 & 0x1f) as i32
            }
            Field::BranchOffset => {
                let low = (word >> 7 & 1) << 11 | (word >> 25 & 0x3f) << 5 | (word >> 8 & 0xf) << 1;
                inst.imm = sign << 12 | low as i32;
            }
            Field::Imm20 => inst.imm = (word >> 12) as i32,
            Field::JumpOffset => {
                let low =
                    (word >> 12 & 0xff) << 12 | (word >> 20 & 1) << 11 | (word >> 21 & 0x3ff) << 1;
                inst.imm = sign << 20 | low as i32;
            }
            Field::ShiftAmount => inst.imm = (word >> 20 & 0x1f) as i32,
            Field::Csr => inst.imm |= (word >> 20) as i32,
            Field::CsrImmediate => inst.imm |= (word >> 15 & 0x1f) as i32 * 0x1000,
            Field::AcquireRelease => inst.imm = (word >> 25 & 3) as i32,
            Field::FenceSets => inst.imm = (word >> 20 & 0xff) as i32,
        }
    }

    /// The values of [`Inst::imm`] that the field can hold; `None` for a register.
    const fn immediate_range(self) -> Option<ImmediateRange> {
        match self {
            Field::Rd | Field::Rs1 | Field::Rs2 => None,
            Field::Imm12 | Field::StoreOffset => Some(Imm12::RANGE),
            Field::BranchOffset => Some(BranchOffset::RANGE),
            Field::Imm20 => Some(Imm20::RANGE),
            Field::JumpOffset => Some(JumpOffset::RANGE),
            Field::ShiftAmount => Some(ShiftAmount::RANGE),
            Field::Csr => Some(unsigned(12)),
            // Shares `imm` with the 12 bits of the register number.
            Field::CsrImmediate => Some(unsigned(17)),
            Field::AcquireRelease => Some(unsigned(2)),
            Field::FenceSets => Some(unsigned(8)),
        }
    }
}

const fn unsigned(bits: u32) -> ImmediateRange {
    ImmediateRange {
        min: 0,
        max: (1 << bits) - 1,
        multiple_of: 1,
    }
}

/// Defines [`Format`] with the fields of each.
macro_rules! formats {
    ($($(#[$doc:meta])* $format:ident [$($field:ident)*];)*) => {
        /// The operands of an instruction, as a list of fields.
        ///
        /// Formats with the same fields are kept apart where the assembler syntax or the kind of operation
        /// differs: [`Format::I`] and [`Format::Load`], for example.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Format {
            $($(#[$doc])* $format,)*
        }

        impl Format {
            /// The fields.
            pub const fn fields(self) -> &'static [Field] {
                match self {
                    $(Format::$format => &[$(Field::$field),*],)*
                }
            }

            /// The bits of all fields for the operands of `inst`. Operands out of range lose bits here.
            ///
            /// Code for each format, with nothing left to look up: whoever encodes does so for every instruction.
            pub(crate) const fn insert(self, inst: Inst) -> u32 {
                match self {
                    $(Format::$format => 0 $(| Field::$field.insert(inst))*,)*
                }
            }

            /// The bits of an immediate, as [`Self::insert`].
            pub(crate) const fn insert_immediate(self, imm: i32) -> u32 {
                match self {
                    $(Format::$format => 0 $(| Field::$field.insert_immediate(imm))*,)*
                }
            }
        }
    };
}

formats! {
    /// `add rd,rs1,rs2`
    R [Rd Rs1 Rs2];
    /// `clz rd,rs1`: the rs2 field belongs to the operation.
    Unary [Rd Rs1];
    /// `addi rd,rs1,imm`
    I [Rd Rs1 Imm12];
    /// `slli rd,rs1,shamt`
    Shift [Rd Rs1 ShiftAmount];
    /// `lw rd,imm(rs1)`
    Load [Rd Rs1 Imm12];
    /// `jalr rd,imm(rs1)`
    JumpRegister [Rd Rs1 Imm12];
    /// `sw rs2,imm(rs1)`
    Store [Rs1 Rs2 StoreOffset];
    /// `beq rs1,rs2,offset`
    Branch [Rs1 Rs2 BranchOffset];
    /// `lui rd,imm`
    Upper [Rd Imm20];
    /// `jal rd,offset`
    Jump [Rd JumpOffset];
    /// `lr.w rd,(rs1)`
    LoadReserved [Rd Rs1 AcquireRelease];
    /// `sc.w rd,rs2,(rs1)`
    StoreConditional [Rd Rs1 Rs2 AcquireRelease];
    /// `amoadd.w rd,rs2,(rs1)`
    AtomicMemory [Rd Rs1 Rs2 AcquireRelease];
    /// `csrrw rd,csr,rs1`
    CsrRegister [Rd Rs1 Csr];
    /// `csrrwi rd,csr,imm`
    CsrImmediate [Rd Csr CsrImmediate];
    /// `fence pred,succ`
    Fence [FenceSets];
    /// `ecall`: no operands.
    NoOperands [];
}

impl Format {
    /// The bits that no operand occupies: they identify the instruction.
    pub const fn fixed_mask(self) -> u32 {
        let fields = self.fields();
        let mut operands = 0;
        let mut i = 0;
        while i < fields.len() {
            operands |= fields[i].mask();
            i += 1;
        }
        !operands
    }

    /// The values that [`Inst::imm`] may have in this format. Only 0 if it has no immediate.
    pub const fn immediate_range(self) -> ImmediateRange {
        let fields = self.fields();
        // The last field that has a range covers those before it.
        let mut i = fields.len();
        while i > 0 {
            i -= 1;
            if let Some(range) = fields[i].immediate_range() {
                return range;
            }
        }
        unsigned(0)
    }

    /// Whether the instruction writes a register, rd.
    pub const fn has_rd(self) -> bool {
        self.has(Field::Rd)
    }

    /// Whether the instruction reads rs1.
    pub const fn has_rs1(self) -> bool {
        self.has(Field::Rs1)
    }

    /// Whether the instruction reads rs2.
    pub const fn has_rs2(self) -> bool {
        self.has(Field::Rs2)
    }

    const fn has(self, field: Field) -> bool {
        // Of the fields that share bits with a register field, none stands in a format with it.
        let fields = self.fields();
        let mut i = 0;
        while i < fields.len() {
            if fields[i] as u8 == field as u8 {
                return true;
            }
            i += 1;
        }
        false
    }
}
