//! Comparisons, and what depends on them: conditions of branches, traps and selections.

use super::narrow::{Extend, extended};
use super::{Ctx, imm12, operands, reg_or_zero, require_word, rri, rri_const, rrr, rrr_temp};
use crate::backend::reg::{Reg, Writable};
use crate::error::CompileError;
use crate::isa::riscv32::inst::MInst;
use crate::isa::riscv32::regs::zero_reg;
use lpc_lpir::ir::{Inst, InstructionData, IntCC, Type, Value};
use lpc_riscv32::Opcode as Op;

/// A condition as the branch instructions have them: whether the branch `op` on `rs1` and `rs2` is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Condition {
    pub(super) op: Op,
    pub(super) rs1: Reg,
    pub(super) rs2: Reg,
}

impl Condition {
    /// The condition that holds exactly when this one does not.
    pub(super) fn complement(self) -> Self {
        let op = match self.op {
            Op::Beq => Op::Bne,
            Op::Bne => Op::Beq,
            Op::Blt => Op::Bge,
            Op::Bge => Op::Blt,
            Op::Bltu => Op::Bgeu,
            Op::Bgeu => Op::Bltu,
            op => unreachable!("{op:?} is not a conditional branch"),
        };
        Self { op, ..self }
    }
}

/// A comparison of two values of one word: `x cond y`.
#[derive(Clone, Copy)]
struct Comparison {
    cond: IntCC,
    x: Value,
    y: Value,
}

/// What comparing with a constant comes to.
enum Simplified {
    /// `x cond constant`, with the constant as it appears sign-extended from its type.
    With(IntCC, i64),
    /// It always holds, or never.
    Known(bool),
}

/// Whether `value`, of any integer type that takes one word, is not zero.
pub(super) fn is_not_zero(ctx: Ctx, inst: Inst, value: Value) -> Result<Condition, CompileError> {
    require_word(ctx, inst, value)?;
    if let Some(comparison) = as_comparison(ctx, value) {
        return Ok(branch_condition(ctx, comparison));
    }
    let rs1 = extended(ctx, value, Extend::Zero);
    Ok(Condition {
        op: Op::Bne,
        rs1,
        rs2: zero_reg(),
    })
}

/// The comparison of words that `value` is the result of.
fn as_comparison(ctx: Ctx, value: Value) -> Option<Comparison> {
    let inst = ctx.func.dfg.value_inst(value)?;
    match *ctx.data(inst) {
        InstructionData::IntCompare {
            cond, args: [x, y], ..
        } if ctx.ty(x).bits() <= 32 => Some(Comparison { cond, x, y }),
        _ => None,
    }
}

impl Comparison {
    /// The same comparison with a constant, if there is one, on the right.
    fn normalized(self, ctx: Ctx) -> Self {
        if ctx.as_constant(self.x).is_some() && ctx.as_constant(self.y).is_none() {
            return Self {
                cond: self.cond.swap_args(),
                x: self.y,
                y: self.x,
            };
        }
        self
    }

    /// How narrow operands must be extended. Equality does not care, as long as both are extended alike.
    fn extend(self) -> Extend {
        if self.cond.is_signed() {
            Extend::Sign
        } else {
            Extend::Zero
        }
    }
}

/// The condition as a branch has it. A comparison with one more or one less than zero becomes one with zero, which needs no
/// register.
fn branch_condition(ctx: Ctx, comparison: Comparison) -> Condition {
    use IntCC::*;
    let comparison = comparison.normalized(ctx);
    let constant = ctx.as_constant(comparison.y);
    let with_zero = match (comparison.cond, constant) {
        (SignedLessThan, Some(1)) => Some(SignedLessThanOrEqual),
        (SignedGreaterThanOrEqual, Some(1)) => Some(SignedGreaterThan),
        (SignedGreaterThan, Some(-1)) => Some(SignedGreaterThanOrEqual),
        (SignedLessThanOrEqual, Some(-1)) => Some(SignedLessThan),
        (UnsignedLessThan, Some(1)) => Some(Equal),
        (UnsignedGreaterThanOrEqual, Some(1)) => Some(NotEqual),
        _ => None,
    };
    let extend = comparison.extend();
    let x = extended(ctx, comparison.x, extend);
    let (cond, y) = match with_zero {
        Some(cond) => (cond, zero_reg()),
        None => (comparison.cond, extended(ctx, comparison.y, extend)),
    };
    let (op, rs1, rs2) = match cond {
        Equal => (Op::Beq, x, y),
        NotEqual => (Op::Bne, x, y),
        SignedLessThan => (Op::Blt, x, y),
        SignedGreaterThanOrEqual => (Op::Bge, x, y),
        SignedGreaterThan => (Op::Blt, y, x),
        SignedLessThanOrEqual => (Op::Bge, y, x),
        UnsignedLessThan => (Op::Bltu, x, y),
        UnsignedGreaterThanOrEqual => (Op::Bgeu, x, y),
        UnsignedGreaterThan => (Op::Bltu, y, x),
        UnsignedLessThanOrEqual => (Op::Bgeu, y, x),
    };
    Condition { op, rs1, rs2 }
}

pub(super) fn lower_icmp(ctx: Ctx, inst: Inst) -> Result<(), CompileError> {
    let result = ctx.result(inst);
    let [x, _] = operands(ctx, inst);
    require_word(ctx, inst, x)?;
    let comparison = as_comparison(ctx, result).expect("the instruction compares words");
    let rd = ctx.output_reg(result);
    set_if(ctx, rd, comparison);
    Ok(())
}

/// Sets `rd` to 1 if the comparison holds, otherwise to 0.
fn set_if(ctx: Ctx, rd: Writable<Reg>, comparison: Comparison) {
    let comparison = comparison.normalized(ctx);
    if let Some(constant) = ctx.as_constant(comparison.y) {
        return set_if_constant(ctx, rd, comparison, constant);
    }
    let extend = comparison.extend();
    let [x, y] = [comparison.x, comparison.y].map(|value| extended(ctx, value, extend));
    let less = match extend {
        Extend::Sign => Op::Slt,
        Extend::Zero => Op::Sltu,
    };
    use IntCC::*;
    match comparison.cond {
        Equal => {
            let difference = rrr_temp(ctx, Op::Xor, x, y);
            rri_const(ctx, Op::Sltiu, rd, difference, 1);
        }
        NotEqual => {
            let difference = rrr_temp(ctx, Op::Xor, x, y);
            rrr(ctx, Op::Sltu, rd, zero_reg(), difference);
        }
        SignedLessThan | UnsignedLessThan => rrr(ctx, less, rd, x, y),
        SignedGreaterThan | UnsignedGreaterThan => rrr(ctx, less, rd, y, x),
        SignedGreaterThanOrEqual | UnsignedGreaterThanOrEqual => {
            let opposite = rrr_temp(ctx, less, x, y);
            rri_const(ctx, Op::Xori, rd, opposite, 1);
        }
        SignedLessThanOrEqual | UnsignedLessThanOrEqual => {
            let opposite = rrr_temp(ctx, less, y, x);
            rri_const(ctx, Op::Xori, rd, opposite, 1);
        }
    }
}

/// As [`set_if`], for a comparison with a constant: only `<`, `>=`, `==` and `!=` have an immediate.
fn set_if_constant(ctx: Ctx, rd: Writable<Reg>, comparison: Comparison, constant: i64) {
    let ty = ctx.ty(comparison.x);
    let extend = comparison.extend();
    let (cond, constant) = match simplify(comparison.cond, ty, constant) {
        Simplified::With(cond, constant) => (cond, constant),
        Simplified::Known(holds) => {
            return ctx.emit(MInst::LoadConst32 {
                rd,
                value: holds.into(),
            });
        }
    };
    let x = extended(ctx, comparison.x, extend);
    // The constant as the extended operand would hold it.
    let constant = match extend {
        Extend::Sign => constant as i32,
        Extend::Zero => (constant & ty.mask() as i64) as u32 as i32,
    };
    use IntCC::*;
    match cond {
        Equal | NotEqual => {
            let difference = difference_from(ctx, x, constant);
            if cond == Equal {
                rri_const(ctx, Op::Sltiu, rd, difference, 1);
            } else {
                rrr(ctx, Op::Sltu, rd, zero_reg(), difference);
            }
        }
        SignedLessThan | UnsignedLessThan => set_if_less(ctx, rd, x, constant, extend),
        SignedGreaterThanOrEqual | UnsignedGreaterThanOrEqual => {
            let opposite = ctx.temp();
            set_if_less(ctx, opposite, x, constant, extend);
            rri_const(ctx, Op::Xori, rd, opposite.to_reg(), 1);
        }
        _ => unreachable!("{cond} was simplified"),
    }
}

/// Rewrites `<=` and `>` to `<` and `>=` with the next constant. `constant` is sign-extended from `ty`.
fn simplify(cond: IntCC, ty: Type, constant: i64) -> Simplified {
    use IntCC::*;
    let bits = ty.bits();
    let greatest = match cond {
        SignedLessThanOrEqual | SignedGreaterThan => (1i64 << (bits - 1)) - 1,
        // All ones, which is -1 when it is sign-extended.
        UnsignedLessThanOrEqual | UnsignedGreaterThan => -1,
        _ => return Simplified::With(cond, constant),
    };
    let (cond, beyond) = match cond {
        SignedLessThanOrEqual => (SignedLessThan, true),
        UnsignedLessThanOrEqual => (UnsignedLessThan, true),
        SignedGreaterThan => (SignedGreaterThanOrEqual, false),
        _ => (UnsignedGreaterThanOrEqual, false),
    };
    if constant == greatest {
        return Simplified::Known(beyond);
    }
    Simplified::With(cond, constant + 1)
}

/// A register that is zero exactly when `x` is `constant`.
fn difference_from(ctx: Ctx, x: Reg, constant: i32) -> Reg {
    if constant == 0 {
        return x;
    }
    let difference = ctx.temp();
    if let Some(imm) = imm12(-i64::from(constant)) {
        rri(ctx, Op::Addi, difference, x, imm);
    } else {
        let y = load_constant(ctx, constant);
        rrr(ctx, Op::Xor, difference, x, y);
    }
    difference.to_reg()
}

fn set_if_less(ctx: Ctx, rd: Writable<Reg>, x: Reg, constant: i32, extend: Extend) {
    let (op, op_imm) = match extend {
        Extend::Sign => (Op::Slt, Op::Slti),
        Extend::Zero => (Op::Sltu, Op::Sltiu),
    };
    if let Some(imm) = imm12(constant.into()) {
        rri(ctx, op_imm, rd, x, imm);
    } else {
        let y = load_constant(ctx, constant);
        rrr(ctx, op, rd, x, y);
    }
}

fn load_constant(ctx: Ctx, value: i32) -> Reg {
    let rd = ctx.temp();
    ctx.emit(MInst::LoadConst32 { rd, value });
    rd.to_reg()
}

pub(super) fn lower_select(ctx: Ctx, inst: Inst) -> Result<(), CompileError> {
    let result = ctx.result(inst);
    require_word(ctx, inst, result)?;
    let [condition, x, y] = operands(ctx, inst);
    let Condition { op, rs1, rs2 } = is_not_zero(ctx, inst, condition)?;
    let [if_true, if_false] = [x, y].map(|value| reg_or_zero(ctx, value));
    let rd = ctx.output_reg(result);
    ctx.emit(MInst::Select {
        op,
        rd,
        rs1,
        rs2,
        if_true,
        if_false,
    });
    Ok(())
}

/// All ones is zero minus one.
pub(super) fn lower_bmask(ctx: Ctx, inst: Inst) -> Result<(), CompileError> {
    let result = ctx.result(inst);
    require_word(ctx, inst, result)?;
    let [arg] = operands(ctx, inst);
    require_word(ctx, inst, arg)?;
    let x = extended(ctx, arg, Extend::Zero);
    let is_set = rrr_temp(ctx, Op::Sltu, zero_reg(), x);
    let rd = ctx.output_reg(result);
    rrr(ctx, Op::Sub, rd, zero_reg(), is_set);
    Ok(())
}
