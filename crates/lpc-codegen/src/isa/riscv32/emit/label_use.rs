//! Instructions that refer to a label, in the forms that reach near and far.
//!
//! | | near | ±1 MiB | everywhere |
//! |---|---|---|---|
//! | conditional branch | `bcc label` | `bncc .+8; j label` | `bncc .+12; auipc ra; jr ra` |
//! | jump | | `j label` | `auipc ra; jr ra` |
//! | address, load | | | `auipc rd; addi` or load |
//!
//! The forms that need `ra` occur in functions that have saved it only; the frame sees to that by the size of the code.

use crate::backend::buffer::{LabelUseForm, MachInstLabelUse};
use alloc::vec::Vec;
use lpc_riscv32::immediate::{ImmediateRange, split_hi_lo};
use lpc_riscv32::{BranchOffset, Gpr, Imm20, Inst, JumpOffset, Opcode};

/// An instruction, or a short sequence, that refers to a label.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LabelUse {
    /// Goes to the label.
    Jump,
    /// Goes to the label if the branch instruction `op` on `rs1` and `rs2` is taken.
    Branch {
        /// The condition.
        op: Opcode,
        /// The first operand.
        rs1: Gpr,
        /// The second operand.
        rs2: Gpr,
    },
    /// Puts the address of the label into `rd`.
    Address {
        /// The result.
        rd: Gpr,
    },
    /// Loads `rd` from the label.
    Load {
        /// How much is loaded.
        op: Opcode,
        /// The result, and the register in which the address is formed.
        rd: Gpr,
    },
}

/// The offset behind a short sequence that consists of one branch of 4 bytes.
const AFTER_BRANCH: i32 = 4;

const JUMP_FORMS: [LabelUseForm; 2] = [form(4, JumpOffset::RANGE, 0), anywhere(8)];

const BRANCH_FORMS: [LabelUseForm; 3] = [
    form(4, BranchOffset::RANGE, 0),
    form(8, JumpOffset::RANGE, AFTER_BRANCH),
    anywhere(12),
];

const PAIR_FORMS: [LabelUseForm; 1] = [anywhere(8)];

/// A form whose offset stands in an instruction `start` bytes into it.
const fn form(size: u8, range: ImmediateRange, start: i32) -> LabelUseForm {
    LabelUseForm {
        size,
        min: range.min + start,
        max: range.max + start,
    }
}

const fn anywhere(size: u8) -> LabelUseForm {
    LabelUseForm {
        size,
        min: i32::MIN,
        max: i32::MAX,
    }
}

impl LabelUse {
    /// The conditional branch `op rs1, rs2`.
    pub const fn branch(op: Opcode, rs1: Gpr, rs2: Gpr) -> Self {
        Self::Branch { op, rs1, rs2 }
    }

    /// The conditional branch that is taken where this one is not.
    ///
    /// # Panics
    /// If this is not a conditional branch.
    pub const fn inverted(self) -> Self {
        match self {
            Self::Branch { op, rs1, rs2 } => Self::Branch {
                op: inverted(op),
                rs1,
                rs2,
            },
            _ => panic!("only conditional branches have an inverse"),
        }
    }
}

const fn inverted(op: Opcode) -> Opcode {
    op.inverted_branch()
        .expect("conditions are opcodes of branches")
}

impl MachInstLabelUse for LabelUse {
    fn forms(&self) -> &'static [LabelUseForm] {
        match self {
            Self::Jump => &JUMP_FORMS,
            Self::Branch { .. } => &BRANCH_FORMS,
            Self::Address { .. } | Self::Load { .. } => &PAIR_FORMS,
        }
    }

    fn encode(&self, form: usize, distance: i32, code: &mut Vec<u8>) {
        match *self {
            Self::Jump => encode_jump(form, distance, code),
            Self::Branch { op, rs1, rs2 } if form == 0 => {
                let offset = BranchOffset::new(distance).expect("the form reaches");
                put(code, Inst::branch(op, rs1, rs2, offset));
            }
            Self::Branch { op, rs1, rs2 } => {
                let over = i32::from(BRANCH_FORMS[form].size);
                let over = BranchOffset::new(over).expect("sequences are short");
                put(code, Inst::branch(inverted(op), rs1, rs2, over));
                encode_jump(form - 1, distance.wrapping_sub(AFTER_BRANCH), code);
            }
            Self::Address { rd } => {
                let (high, low) = split_hi_lo(distance);
                put_auipc(rd, high, code);
                put(code, Inst::i(Opcode::Addi, rd, rd, low));
            }
            Self::Load { op, rd } => {
                let (high, low) = split_hi_lo(distance);
                put_auipc(rd, high, code);
                put(code, Inst::load(op, rd, rd, low));
            }
        }
    }
}

/// A jump in the form number `form` of [`JUMP_FORMS`].
fn encode_jump(form: usize, distance: i32, code: &mut Vec<u8>) {
    if form == 0 {
        let offset = JumpOffset::new(distance).expect("the form reaches");
        put(code, Inst::jal(Gpr::ZERO, offset));
    } else {
        let (high, low) = split_hi_lo(distance);
        put_auipc(Gpr::RA, high, code);
        put(code, Inst::jalr(Gpr::ZERO, Gpr::RA, low));
    }
}

fn put_auipc(rd: Gpr, high: Imm20, code: &mut Vec<u8>) {
    put(code, Inst::upper(Opcode::Auipc, rd, high));
}

fn put(code: &mut Vec<u8>, inst: Inst) {
    let word = inst.encode().expect("operands fit their opcode");
    code.extend_from_slice(&word.to_le_bytes());
}
