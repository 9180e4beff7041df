//! Values that are narrower than a register.

use super::{Ctx, rri_const, rri_temp};
use crate::backend::reg::{Reg, Writable};
use lpc_lpir::ir::{InstructionData, Opcode, Type, Value};
use lpc_riscv32::{Extension, Opcode as Op};

/// How the bits above a narrow value continue it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Extend {
    /// With zeros.
    Zero,
    /// With copies of the sign.
    Sign,
}

/// The register with the one-word value `value`, extended to the whole register.
pub(super) fn extended(ctx: Ctx, value: Value, extend: Extend) -> Reg {
    let ty = ctx.ty(value);
    if super::as_imm12(ctx, value).is_some_and(|imm| imm.get() == 0) {
        return super::zero_reg();
    }
    let reg = ctx.put_in_reg(value);
    if is_extended(ctx, value, extend) {
        return reg;
    }
    let rd = ctx.temp();
    extend_to(ctx, rd, reg, ty, extend);
    rd.to_reg()
}

/// Extends the value of type `from` in `rs`, whose upper bits are undefined, to the whole register `rd`.
pub(super) fn extend_to(ctx: Ctx, rd: Writable<Reg>, rs: Reg, from: Type, extend: Extend) {
    let has_zbb = ctx.settings.extensions.contains(Extension::Zbb);
    let unary = |op| crate::isa::riscv32::inst::MInst::AluRR { op, rd, rs };
    match (from, extend) {
        (Type::I8, Extend::Zero) => rri_const(ctx, Op::Andi, rd, rs, 0xff),
        (Type::I8, Extend::Sign) if has_zbb => ctx.emit(unary(Op::SextB)),
        (Type::I16, Extend::Sign) if has_zbb => ctx.emit(unary(Op::SextH)),
        (Type::I16, Extend::Zero) if has_zbb => ctx.emit(unary(Op::ZextH)),
        (_, extend) => {
            let amount = 32 - from.bits() as i32;
            let high = rri_temp(ctx, Op::Slli, rs, amount);
            let op = match extend {
                Extend::Zero => Op::Srli,
                Extend::Sign => Op::Srai,
            };
            rri_const(ctx, op, rd, high, amount);
        }
    }
}

/// Whether the register of `value` is known to hold it extended.
fn is_extended(ctx: Ctx, value: Value, extend: Extend) -> bool {
    let ty = ctx.ty(value);
    if ty.bits() >= 32 {
        return true;
    }
    let Some(inst) = ctx.func.dfg.value_inst(value) else {
        return false;
    };
    match *ctx.data(inst) {
        // A comparison gives 0 or 1, whose sign bit is zero in every type.
        InstructionData::IntCompare { .. } => true,
        InstructionData::UnaryImm {
            opcode: Opcode::Iconst,
            ..
        } => match extend {
            Extend::Sign => true,
            Extend::Zero => ctx.as_constant(value).is_some_and(|constant| constant >= 0),
        },
        InstructionData::Load { opcode, .. } => match opcode {
            Opcode::Load | Opcode::Uload8 | Opcode::Uload16 => extend == Extend::Zero,
            Opcode::Sload8 | Opcode::Sload16 => extend == Extend::Sign,
            _ => false,
        },
        _ => false,
    }
}
