//! Conversions between integer types.

use super::narrow::{Extend, extend_to};
use super::{Ctx, operands, require_word};
use crate::error::CompileError;
use lpc_lpir::ir::{Inst, Opcode};

pub(super) fn lower(ctx: Ctx, inst: Inst) -> Result<(), CompileError> {
    let result = ctx.result(inst);
    let [arg] = operands(ctx, inst);
    require_word(ctx, inst, result)?;
    require_word(ctx, inst, arg)?;
    let from = ctx.ty(arg);
    let rs = ctx.put_in_regs(arg);
    let extend = match ctx.data(inst).opcode() {
        Opcode::Uextend => Extend::Zero,
        Opcode::Sextend => Extend::Sign,
        // The bits above a narrow value are undefined, so reducing it is just another name for the register.
        _ => {
            ctx.alias_output(result, rs);
            return Ok(());
        }
    };
    let rd = ctx.output_reg(result);
    extend_to(ctx, rd, rs.regs()[0], from, extend);
    Ok(())
}
