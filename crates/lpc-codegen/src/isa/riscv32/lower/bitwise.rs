//! Bitwise instructions, shifts and rotations.

use super::narrow::{Extend, extended};
use super::{
    Ctx, as_imm12, operands, reg_or_zero, require_word, rri, rri_const, rri_temp, rrr, rrr_temp,
    unsupported,
};
use crate::backend::abi::words_of;
use crate::backend::reg::{Reg, Writable};
use crate::error::CompileError;
use crate::isa::riscv32::regs::zero_reg;
use lpc_lpir::ir::{Inst, Opcode, Type, Value};
use lpc_riscv32::{Extension, Opcode as Op};

pub(super) fn lower(ctx: Ctx, inst: Inst) -> Result<(), CompileError> {
    let result = ctx.result(inst);
    require_word(ctx, inst, result)?;
    let rd = ctx.output_reg(result);
    match ctx.data(inst).opcode() {
        Opcode::Band => lower_binary(ctx, inst, rd, Op::And, Op::Andi),
        Opcode::Bor => lower_binary(ctx, inst, rd, Op::Or, Op::Ori),
        Opcode::Bxor => lower_binary(ctx, inst, rd, Op::Xor, Op::Xori),
        Opcode::Bnot => {
            let [arg] = operands(ctx, inst);
            let rs = ctx.put_in_reg(arg);
            rri_const(ctx, Op::Xori, rd, rs, -1);
        }
        Opcode::Bitselect => {
            // Where the mask has a one, the difference of the two flips the bit of the second to that of the first.
            let [mask, x, y] = operands(ctx, inst).map(|arg| reg_or_zero(ctx, arg));
            let difference = rrr_temp(ctx, Op::Xor, x, y);
            let selected = rrr_temp(ctx, Op::And, difference, mask);
            rrr(ctx, Op::Xor, rd, selected, y);
        }
        opcode => unreachable!("{opcode} is not bitwise"),
    }
    Ok(())
}

fn lower_binary(ctx: Ctx, inst: Inst, rd: Writable<Reg>, op: Op, op_imm: Op) {
    let [x, y] = operands(ctx, inst);
    for (x, y) in [(x, y), (y, x)] {
        if let Some(imm) = as_imm12(ctx, y) {
            let rs = reg_or_zero(ctx, x);
            return rri(ctx, op_imm, rd, rs, imm);
        }
    }
    if let Some((op, x, y)) = with_complement(ctx, op, x, y) {
        return rrr(ctx, op, rd, x, y);
    }
    let [x, y] = [x, y].map(|arg| ctx.put_in_reg(arg));
    rrr(ctx, op, rd, x, y);
}

/// The instruction of Zbb or Zbkb that also complements its second operand, where one operand is a complement.
fn with_complement(ctx: Ctx, op: Op, x: Value, y: Value) -> Option<(Op, Reg, Reg)> {
    let extensions = ctx.settings.extensions;
    if !extensions.contains(Extension::Zbb) && !extensions.contains(Extension::Zbkb) {
        return None;
    }
    let op = match op {
        Op::And => Op::Andn,
        Op::Or => Op::Orn,
        _ => Op::Xnor,
    };
    [(x, y), (y, x)].into_iter().find_map(|(x, y)| {
        let complement = ctx.def_with_opcode(y, Opcode::Bnot)?;
        let [y] = operands(ctx, complement);
        Some((op, ctx.put_in_reg(x), ctx.put_in_reg(y)))
    })
}

/// The instructions look at the low five bits of the amount only, which is what LPIR asks for a word; the amount for a
/// narrow value is masked first.
pub(super) fn lower_shift(ctx: Ctx, inst: Inst) -> Result<(), CompileError> {
    let result = ctx.result(inst);
    require_word(ctx, inst, result)?;
    let ty = ctx.ty(result);
    let rd = ctx.output_reg(result);
    let [value, amount] = operands(ctx, inst);
    let amount = Amount::of(ctx, amount, ty);
    match ctx.data(inst).opcode() {
        Opcode::Ishl => {
            let rs = reg_or_zero(ctx, value);
            amount.shift(ctx, rd, rs, Op::Sll, Op::Slli);
        }
        Opcode::Ushr => {
            let rs = extended(ctx, value, Extend::Zero);
            amount.shift(ctx, rd, rs, Op::Srl, Op::Srli);
        }
        Opcode::Sshr => {
            let rs = extended(ctx, value, Extend::Sign);
            amount.shift(ctx, rd, rs, Op::Sra, Op::Srai);
        }
        Opcode::Rotl if ty == Type::I32 => lower_rotl(ctx, rd, value, amount),
        Opcode::Rotr if ty == Type::I32 => lower_rotr(ctx, rd, value, amount),
        _ => return unsupported(inst, "a rotation of a narrow value"),
    }
    Ok(())
}

/// How far to shift, modulo the width of what is shifted.
#[derive(Clone, Copy)]
enum Amount {
    Constant(i32),
    Register(Reg),
}

impl Amount {
    fn of(ctx: Ctx, amount: Value, shifted: Type) -> Self {
        let width = shifted.bits() as i32;
        if let Some(constant) = ctx.as_constant(amount) {
            return Self::Constant(constant as i32 & (width - 1));
        }
        debug_assert!(words_of(ctx.ty(amount)) > 0);
        let reg = ctx.put_in_regs(amount).regs()[0];
        Self::Register(if width == 32 {
            reg
        } else {
            rri_temp(ctx, Op::Andi, reg, width - 1)
        })
    }

    fn shift(self, ctx: Ctx, rd: Writable<Reg>, rs: Reg, op: Op, op_imm: Op) {
        match self {
            Self::Constant(amount) => rri_const(ctx, op_imm, rd, rs, amount),
            Self::Register(amount) => rrr(ctx, op, rd, rs, amount),
        }
    }
}

fn lower_rotl(ctx: Ctx, rd: Writable<Reg>, value: Value, amount: Amount) {
    let rs = reg_or_zero(ctx, value);
    match amount {
        Amount::Constant(amount) => rotate_by_constant(ctx, rd, rs, 32 - amount),
        Amount::Register(amount) if has_rotations(ctx) => rrr(ctx, Op::Rol, rd, rs, amount),
        Amount::Register(amount) => rotate(ctx, rd, rs, amount, Op::Sll, Op::Srl),
    }
}

fn lower_rotr(ctx: Ctx, rd: Writable<Reg>, value: Value, amount: Amount) {
    let rs = reg_or_zero(ctx, value);
    match amount {
        Amount::Constant(amount) => rotate_by_constant(ctx, rd, rs, amount),
        Amount::Register(amount) if has_rotations(ctx) => rrr(ctx, Op::Ror, rd, rs, amount),
        Amount::Register(amount) => rotate(ctx, rd, rs, amount, Op::Srl, Op::Sll),
    }
}

fn has_rotations(ctx: Ctx) -> bool {
    let extensions = ctx.settings.extensions;
    extensions.contains(Extension::Zbb) || extensions.contains(Extension::Zbkb)
}

/// Rotates right by `amount`, from 0 to 32.
fn rotate_by_constant(ctx: Ctx, rd: Writable<Reg>, rs: Reg, amount: i32) {
    let amount = amount & 31;
    if has_rotations(ctx) {
        return rri_const(ctx, Op::Rori, rd, rs, amount);
    }
    if amount == 0 {
        return rri_const(ctx, Op::Addi, rd, rs, 0);
    }
    let low = rri_temp(ctx, Op::Srli, rs, amount);
    let high = rri_temp(ctx, Op::Slli, rs, 32 - amount);
    rrr(ctx, Op::Or, rd, low, high);
}

/// Rotates in the direction of `forth`. The shift `back` by the negated amount, which is taken modulo 32, brings the bits
/// that fall out; for an amount of zero both shifts give the value itself.
fn rotate(ctx: Ctx, rd: Writable<Reg>, rs: Reg, amount: Reg, forth: Op, back: Op) {
    let shifted = rrr_temp(ctx, forth, rs, amount);
    let rest = rrr_temp(ctx, Op::Sub, zero_reg(), amount);
    let fallen = rrr_temp(ctx, back, rs, rest);
    rrr(ctx, Op::Or, rd, shifted, fallen);
}
