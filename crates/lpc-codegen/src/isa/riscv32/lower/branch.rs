//! Branches with more than one target.

use super::comparisons::BranchCondition;
use super::{Ctx, operands};
use crate::backend::buffer::MachLabel;
use crate::backend::vcode::BlockIndex;
use crate::isa::riscv32::inst::MInst;
use lpc_lpir::ir::Inst;

pub(super) fn lower_brif(ctx: Ctx, inst: Inst, targets: &[BlockIndex]) {
    let [condition] = operands(ctx, inst);
    let condition = ctx.is_true(condition);
    let BranchCondition { op, rs1, rs2 } = ctx.branch_condition(condition);
    ctx.emit(MInst::CondBr {
        op,
        rs1,
        rs2,
        taken: MachLabel::from_block(targets[0]),
        not_taken: MachLabel::from_block(targets[1]),
    });
}

pub(super) fn lower_br_table(ctx: Ctx, inst: Inst, targets: &[BlockIndex]) {
    let [index] = operands(ctx, inst);
    let index = ctx.word(index, 0);
    let index = ctx.reg(index);
    let (tmp1, tmp2) = (ctx.temp(), ctx.temp());
    let mut labels = ctx.list(targets.len());
    for &target in targets {
        let label = MachLabel::from_block(target);
        ctx.heap().push(&mut labels, label);
    }
    ctx.emit(MInst::BrTable {
        index,
        tmp1,
        tmp2,
        targets: labels.into_boxed_slice(),
    });
}
