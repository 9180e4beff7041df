//! Instructions that refer to a label, in the forms that reach near and far.
//!
//! | | compressed | near | ±1 MiB | everywhere |
//! |---|---|---|---|---|
//! | conditional branch | `c.bccz label` | `bcc label` | `bncc .+8; j label` | `bncc .+12; auipc ra; jr ra` |
//! | jump | `c.j label` | | `j label` | `auipc ra; jr ra` |
//! | address, load | | | | `auipc rd; addi` or load |
//!
//! A use starts in its compressed form where the target has one and, for a branch, it compares one of the registers that
//! compressed instructions can name with zero. The forms that need `ra` occur in functions that have saved it only; the frame sees to that by the size of the code.

use super::EmitInfo;
use crate::backend::buffer::{LabelUseForm, LabelUseForms, MachInstLabelUse};
use crate::backend::reloc::ReferenceKind;
use alloc::vec::Vec;
use lpc_riscv32::compressed;
use lpc_riscv32::immediate::{ImmediateRange, split_hi_lo};
use lpc_riscv32::{BranchOffset, Gpr, Imm12, Inst, JumpOffset, Opcode};

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

/// The number of the form of a jump or branch that is one compressed instruction.
const COMPRESSED: u8 = 0;

/// The number of the form of a jump or branch that is one instruction of 4 bytes.
const SINGLE: u8 = 1;

const JUMP_FORMS: [LabelUseForm; 3] = [
    form(2, compressed::JUMP_RANGE, 0),
    form(4, JumpOffset::RANGE, 0),
    LabelUseForm::anywhere(8),
];

/// Behind those that are one instruction, each is a branch over the form of a jump whose number is one lower.
const BRANCH_FORMS: [LabelUseForm; 4] = [
    form(2, compressed::BRANCH_RANGE, 0),
    form(4, BranchOffset::RANGE, 0),
    form(8, JumpOffset::RANGE, AFTER_BRANCH),
    LabelUseForm::anywhere(12),
];

const PAIR_FORMS: [LabelUseForm; 1] = [LabelUseForm::anywhere(8)];

/// A form whose offset stands in an instruction `start` bytes into it.
const fn form(size: u8, range: ImmediateRange, start: i32) -> LabelUseForm {
    LabelUseForm {
        size,
        min: range.min + start,
        max: range.max + start,
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

impl LabelUseForms for LabelUse {
    fn forms(&self) -> &'static [LabelUseForm] {
        match self {
            Self::Jump => &JUMP_FORMS,
            Self::Branch { .. } => &BRANCH_FORMS,
            Self::Address { .. } | Self::Load { .. } => &PAIR_FORMS,
        }
    }
}

impl MachInstLabelUse for LabelUse {
    type Info = EmitInfo;

    fn first_form(&self, info: &EmitInfo) -> u8 {
        let first = |inst| match info.compress(inst) {
            Some(_) => COMPRESSED,
            None => SINGLE,
        };
        match *self {
            Self::Jump => first(Inst::jal(Gpr::ZERO, JumpOffset::default())),
            Self::Branch { op, rs1, rs2 } => {
                first(Inst::branch(op, rs1, rs2, BranchOffset::default()))
            }
            Self::Address { .. } | Self::Load { .. } => 0,
        }
    }

    fn encode(&self, form: u8, distance: i32, info: &EmitInfo, code: &mut Vec<u8>) {
        match *self {
            Self::Jump => encode_jump(form, distance, info, code),
            Self::Branch { op, rs1, rs2 } if form <= SINGLE => {
                let offset = BranchOffset::maybe(distance).expect("the form reaches");
                put_in_form(form, Inst::branch(op, rs1, rs2, offset), info, code);
            }
            Self::Branch { op, rs1, rs2 } => {
                let over = i32::from(BRANCH_FORMS[usize::from(form)].size);
                let over = BranchOffset::maybe(over).expect("sequences are short");
                put(code, Inst::branch(inverted(op), rs1, rs2, over));
                encode_jump(form - 1, distance.wrapping_sub(AFTER_BRANCH), info, code);
            }
            Self::Address { rd } => {
                encode_pair(Inst::i(Opcode::Addi, rd, rd, Imm12::ZERO), distance, code);
            }
            Self::Load { op, rd } => {
                encode_pair(Inst::load(op, rd, rd, Imm12::ZERO), distance, code);
            }
        }
    }

    fn reference(&self, form: u8) -> (ReferenceKind, u8) {
        match self {
            Self::Jump => (jump_reference(form), 0),
            Self::Branch { .. } => match form {
                COMPRESSED => (ReferenceKind::RvcBranch, 0),
                SINGLE => (ReferenceKind::Branch, 0),
                // What the branch leaps over is never shortened.
                _ => (jump_reference(form - 1), AFTER_BRANCH as u8),
            },
            Self::Address { .. } | Self::Load { .. } => (ReferenceKind::Pair, 0),
        }
    }
}

/// How a jump in the form number `form` of [`JUMP_FORMS`] refers to its label.
const fn jump_reference(form: u8) -> ReferenceKind {
    match form {
        COMPRESSED => ReferenceKind::RvcJump,
        SINGLE => ReferenceKind::Jal,
        _ => ReferenceKind::Pair,
    }
}

/// A jump in the form number `form` of [`JUMP_FORMS`].
fn encode_jump(form: u8, distance: i32, info: &EmitInfo, code: &mut Vec<u8>) {
    if form <= SINGLE {
        let offset = JumpOffset::maybe(distance).expect("the form reaches");
        put_in_form(form, Inst::jal(Gpr::ZERO, offset), info, code);
    } else {
        let jump = Inst::jalr(Gpr::ZERO, Gpr::RA, Imm12::ZERO);
        encode_pair(jump, distance, code);
    }
}

/// `auipc` and `inst`, which reads what that has written, together with the low part of `distance`.
fn encode_pair(inst: Inst, distance: i32, code: &mut Vec<u8>) {
    let (high, low) = split_hi_lo(distance);
    put(code, Inst::upper(Opcode::Auipc, inst.rs1, high));
    let imm = low.get();
    put(code, Inst { imm, ..inst });
}

/// The form [`COMPRESSED`] or [`SINGLE`] of a jump or branch.
fn put_in_form(form: u8, inst: Inst, info: &EmitInfo, code: &mut Vec<u8>) {
    if form == COMPRESSED {
        let halfword = info.compress(inst).expect("the first form can be taken");
        code.extend_from_slice(&halfword.to_le_bytes());
    } else {
        put(code, inst);
    }
}

fn put(code: &mut Vec<u8>, inst: Inst) {
    let word = inst.to_word();
    code.extend_from_slice(&word.to_le_bytes());
}
