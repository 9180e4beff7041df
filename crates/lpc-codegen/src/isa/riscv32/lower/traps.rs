//! Traps.

use super::comparisons::{Condition, is_not_zero};
use super::{Ctx, operands, reg_or_zero, require_word, rrr};
use crate::error::CompileError;
use crate::isa::riscv32::inst::MInst;
use lpc_lpir::ir::{Inst, InstructionData, Opcode, TrapCode};
use lpc_riscv32::Opcode as Op;

pub(super) fn lower(ctx: Ctx, inst: Inst) -> Result<(), CompileError> {
    match *ctx.data(inst) {
        InstructionData::Trap { code, .. } => ctx.emit(MInst::Udf { code }),
        InstructionData::CondTrap { opcode, arg, code } => {
            let condition = is_not_zero(ctx, inst, arg)?;
            trap_if(
                ctx,
                code,
                match opcode {
                    Opcode::Trapz => condition.complement(),
                    _ => condition,
                },
            );
        }
        InstructionData::IntAddTrap { code, .. } => lower_uadd_overflow_trap(ctx, inst, code)?,
        InstructionData::NullAry { .. } => ctx.emit(MInst::Ebreak),
        ref data => unreachable!("{data:?} is not a trap"),
    }
    Ok(())
}

fn trap_if(ctx: Ctx, code: TrapCode, Condition { op, rs1, rs2 }: Condition) {
    ctx.emit(MInst::TrapIf { op, rs1, rs2, code });
}

/// A sum overflows exactly when it is less than either operand.
fn lower_uadd_overflow_trap(ctx: Ctx, inst: Inst, code: TrapCode) -> Result<(), CompileError> {
    let result = ctx.result(inst);
    require_word(ctx, inst, result)?;
    let [x, y] = operands(ctx, inst).map(|arg| reg_or_zero(ctx, arg));
    let rd = ctx.output_reg(result);
    rrr(ctx, Op::Add, rd, x, y);
    trap_if(
        ctx,
        code,
        Condition {
            op: Op::Bltu,
            rs1: rd.to_reg(),
            rs2: x,
        },
    );
    Ok(())
}
