//! Traps.

use super::comparisons::{BranchCondition, Condition};
use super::{Ctx, operands};
use crate::backend::lower::Lower;
use crate::isa::riscv32::inst::MInst;
use lpc_lpir::ir::{Inst, InstructionData, Opcode, TrapCode};

pub(super) fn lower(ctx: Ctx, inst: Inst) {
    match *ctx.data(inst) {
        InstructionData::Trap { code, .. } => ctx.emit(MInst::Udf { code }),
        InstructionData::CondTrap { opcode, arg, code } => {
            let condition = ctx.is_true(arg);
            let condition = match opcode {
                Opcode::Trapz => condition.complement(),
                _ => condition,
            };
            ctx.trap_if(condition, code);
        }
        InstructionData::IntAddTrap { code, .. } => {
            let [x, y] = operands(ctx, inst);
            let x = ctx.words(x);
            let y = ctx.words(y);
            let (sum, overflows) = ctx.add_with_overflow(&x, &y);
            ctx.trap_if(overflows, code);
            let result = ctx.result(inst);
            ctx.define(result, &sum);
        }
        InstructionData::NullAry { .. } => ctx.emit(MInst::Ebreak),
        ref data => unreachable!("{data:?} is not a trap"),
    }
}

impl Lower<'_, MInst> {
    /// Traps with `code` if the condition holds.
    pub(super) fn trap_if(&mut self, condition: Condition, code: TrapCode) {
        let BranchCondition { op, rs1, rs2 } = self.branch_condition(condition);
        self.emit(MInst::TrapIf { op, rs1, rs2, code });
    }
}
