//! Constants.

use super::{Ctx, require_word};
use crate::error::CompileError;
use crate::isa::riscv32::inst::MInst;
use lpc_lpir::ir::Inst;

/// A constant that takes one word. A zero is seldom asked for: most instructions name the register `zero` instead.
pub(super) fn lower_iconst(ctx: Ctx, inst: Inst) -> Result<(), CompileError> {
    let result = ctx.result(inst);
    require_word(ctx, inst, result)?;
    let value = ctx.as_constant(result).expect("the result is a constant");
    let rd = ctx.output_reg(result);
    // The upper bits of a narrow value do not matter; sign-extended constants are the shortest.
    ctx.emit(MInst::LoadConst32 {
        rd,
        value: value as i32,
    });
    Ok(())
}
