//! Addition, subtraction, multiplication, division, minimum and maximum.

use super::narrow::{Extend, extended};
use super::{
    Ctx, as_imm12, imm12, operands, reg_or_zero, require_extension, require_word, rri, rri_temp,
    rrr, rrr_temp, unsupported,
};
use crate::backend::reg::{Reg, Writable};
use crate::error::CompileError;
use crate::isa::riscv32::inst::MInst;
use crate::isa::riscv32::regs::zero_reg;
use lpc_lpir::ir::{Inst, Opcode, TrapCode, Type, Value};
use lpc_riscv32::{Extension, Opcode as Op};

pub(super) fn lower(ctx: Ctx, inst: Inst) -> Result<(), CompileError> {
    let result = ctx.result(inst);
    require_word(ctx, inst, result)?;
    let rd = ctx.output_reg(result);
    match ctx.data(inst).opcode() {
        Opcode::Iadd => lower_iadd(ctx, inst, rd),
        Opcode::Isub => lower_isub(ctx, inst, rd),
        Opcode::Ineg => {
            let [arg] = operands(ctx, inst);
            let rs = ctx.put_in_reg(arg);
            rrr(ctx, Op::Sub, rd, zero_reg(), rs);
        }
        Opcode::Iabs => lower_iabs(ctx, inst, rd),
        Opcode::Imul => {
            require_multiplication(ctx, inst)?;
            let [x, y] = operands(ctx, inst).map(|arg| reg_or_zero(ctx, arg));
            rrr(ctx, Op::Mul, rd, x, y);
        }
        Opcode::Umulhi => lower_mulhi(ctx, inst, rd, Op::Mulhu, Extend::Zero)?,
        Opcode::Smulhi => lower_mulhi(ctx, inst, rd, Op::Mulh, Extend::Sign)?,
        Opcode::Smin => lower_min_max(ctx, inst, rd, Op::Min),
        Opcode::Umin => lower_min_max(ctx, inst, rd, Op::Minu),
        Opcode::Smax => lower_min_max(ctx, inst, rd, Op::Max),
        Opcode::Umax => lower_min_max(ctx, inst, rd, Op::Maxu),
        opcode => unreachable!("{opcode} is not arithmetic"),
    }
    Ok(())
}

fn lower_iadd(ctx: Ctx, inst: Inst, rd: Writable<Reg>) {
    let [x, y] = operands(ctx, inst);
    for (x, y) in [(x, y), (y, x)] {
        if let Some(imm) = as_imm12(ctx, y) {
            let rs = reg_or_zero(ctx, x);
            return rri(ctx, Op::Addi, rd, rs, imm);
        }
    }
    let [x, y] = [x, y].map(|arg| ctx.put_in_reg(arg));
    rrr(ctx, Op::Add, rd, x, y);
}

fn lower_isub(ctx: Ctx, inst: Inst, rd: Writable<Reg>) {
    let [x, y] = operands(ctx, inst);
    // -2048 is an immediate and 2048 is not, so the negated constant decides.
    let negated = ctx.as_constant(y).and_then(|constant| imm12(-constant));
    let rs1 = reg_or_zero(ctx, x);
    if let Some(imm) = negated {
        return rri(ctx, Op::Addi, rd, rs1, imm);
    }
    let rs2 = ctx.put_in_reg(y);
    rrr(ctx, Op::Sub, rd, rs1, rs2);
}

/// `x ^ sign - sign`, where the sign is all ones for a negative number: its complement plus one.
fn lower_iabs(ctx: Ctx, inst: Inst, rd: Writable<Reg>) {
    let [arg] = operands(ctx, inst);
    let x = extended(ctx, arg, Extend::Sign);
    let sign = rri_temp(ctx, Op::Srai, x, 31);
    let flipped = rrr_temp(ctx, Op::Xor, x, sign);
    rrr(ctx, Op::Sub, rd, flipped, sign);
}

fn lower_mulhi(
    ctx: Ctx,
    inst: Inst,
    rd: Writable<Reg>,
    op: Op,
    extend: Extend,
) -> Result<(), CompileError> {
    require_multiplication(ctx, inst)?;
    let args: [Value; 2] = operands(ctx, inst);
    let ty = ctx.ty(args[0]);
    let [x, y] = args.map(|arg| extended(ctx, arg, extend));
    if ty == Type::I32 {
        rrr(ctx, op, rd, x, y);
    } else {
        // The whole product of two narrow numbers fits a word.
        let product = rrr_temp(ctx, Op::Mul, x, y);
        super::rri_const(ctx, Op::Srli, rd, product, ty.bits() as i32);
    }
    Ok(())
}

/// With Zbb one instruction, otherwise a branch over a move. `op` is the instruction of Zbb.
fn lower_min_max(ctx: Ctx, inst: Inst, rd: Writable<Reg>, op: Op) {
    let extend = match op {
        Op::Min | Op::Max => Extend::Sign,
        _ => Extend::Zero,
    };
    let [x, y] = operands(ctx, inst).map(|arg| extended(ctx, arg, extend));
    if ctx.settings.extensions.contains(Extension::Zbb) {
        return rrr(ctx, op, rd, x, y);
    }
    let branch = match extend {
        Extend::Sign => Op::Blt,
        Extend::Zero => Op::Bltu,
    };
    let (if_true, if_false) = match op {
        Op::Min | Op::Minu => (x, y),
        _ => (y, x),
    };
    ctx.emit(MInst::Select {
        op: branch,
        rd,
        rs1: x,
        rs2: y,
        if_true,
        if_false,
    });
}

/// The instructions of the M extension give a defined result where LPIR traps, so the traps are tests of their own. A
/// divisor that is a constant needs none, or just one.
pub(super) fn lower_division(ctx: Ctx, inst: Inst) -> Result<(), CompileError> {
    let result = ctx.result(inst);
    require_word(ctx, inst, result)?;
    require_extension(ctx, inst, Extension::M, "division without the M extension")?;
    let (op, extend) = match ctx.data(inst).opcode() {
        Opcode::Udiv => (Op::Divu, Extend::Zero),
        Opcode::Urem => (Op::Remu, Extend::Zero),
        Opcode::Sdiv => (Op::Div, Extend::Sign),
        Opcode::Srem => (Op::Rem, Extend::Sign),
        opcode => unreachable!("{opcode} is not a division"),
    };
    let [x, y] = operands(ctx, inst);
    let divisor = ctx.as_constant(y);
    let rs1 = extended(ctx, x, extend);
    let rs2 = extended(ctx, y, extend);
    if divisor.is_none_or(|constant| constant == 0) {
        ctx.emit(MInst::TrapIf {
            op: Op::Beq,
            rs1: rs2,
            rs2: zero_reg(),
            code: TrapCode::INTEGER_DIVISION_BY_ZERO,
        });
    }
    let rd = ctx.output_reg(result);
    rrr(ctx, op, rd, rs1, rs2);
    if op == Op::Div && divisor.is_none_or(|constant| constant == -1) {
        trap_on_quotient_overflow(ctx, ctx.ty(result), rd.to_reg(), rs1, rs2);
    }
    Ok(())
}

/// Traps when the quotient of two signed numbers does not fit: the least number divided by -1.
fn trap_on_quotient_overflow(ctx: Ctx, ty: Type, quotient: Reg, dividend: Reg, divisor: Reg) {
    let (op, rs1, rs2) = if ty == Type::I32 {
        // Two negative numbers have a negative quotient just then, by which the instruction shows the overflow.
        let both = rrr_temp(ctx, Op::And, dividend, divisor);
        let all = rrr_temp(ctx, Op::And, both, quotient);
        (Op::Blt, all, zero_reg())
    } else {
        let wrapped = ctx.temp();
        super::narrow::extend_to(ctx, wrapped, quotient, ty, Extend::Sign);
        (Op::Bne, wrapped.to_reg(), quotient)
    };
    ctx.emit(MInst::TrapIf {
        op,
        rs1,
        rs2,
        code: TrapCode::INTEGER_OVERFLOW,
    });
}

fn require_multiplication(ctx: Ctx, inst: Inst) -> Result<(), CompileError> {
    if ctx.settings.extensions.contains(Extension::M) {
        return Ok(());
    }
    unsupported(inst, "multiplication without the M extension")
}
