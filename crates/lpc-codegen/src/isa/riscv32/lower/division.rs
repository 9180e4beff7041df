//! Division and remainder.
//!
//! The instructions of the M extension give a defined result where LPIR traps, so the traps are tests of their own. A
//! divisor that is a constant needs none, or just one.

use super::comparisons::Condition;
use super::narrow::Extend;
use super::words::{Word, num_words};
use super::{Ctx, LowerResult, operands, require_multiplication, unsupported};
use lpc_lpir::ir::{Inst, Opcode, TrapCode, Type};
use lpc_riscv32::Opcode as Op;

pub(super) fn lower(ctx: Ctx, inst: Inst) -> LowerResult {
    let result = ctx.result(inst);
    let ty = ctx.ty(result);
    if num_words(ty) > 1 {
        return unsupported(inst, "division of a wide value");
    }
    require_multiplication(ctx, inst)?;
    let (op, extend) = match ctx.data(inst).opcode() {
        Opcode::Udiv => (Op::Divu, Extend::Zero),
        Opcode::Urem => (Op::Remu, Extend::Zero),
        Opcode::Sdiv => (Op::Div, Extend::Sign),
        _ => (Op::Rem, Extend::Sign),
    };
    let [x, y] = operands(ctx, inst).map(|arg| ctx.extended(arg, extend));
    if matches!(y, Word::Const(0) | Word::Reg(_)) {
        ctx.trap_if(Condition::zero(y), TrapCode::INTEGER_DIVISION_BY_ZERO);
    }
    let quotient = ctx.rrr(op, x, y);
    if op == Op::Div && matches!(y, Word::Const(-1) | Word::Reg(_)) {
        trap_on_quotient_overflow(ctx, ty, quotient, x, y);
    }
    ctx.define(result, &[quotient]);
    Ok(())
}

/// Traps when the quotient of two signed numbers does not fit: the least number divided by -1.
fn trap_on_quotient_overflow(ctx: Ctx, ty: Type, quotient: Word, x: Word, y: Word) {
    let condition = if ty == Type::I32 {
        // Two negative numbers have a negative quotient just then, by which the instruction shows the overflow.
        let both = ctx.and(x, y);
        let all = ctx.and(both, quotient);
        Condition::negative(all)
    } else {
        let wrapped = ctx.extend(quotient, ty, Extend::Sign);
        let difference = ctx.xor(wrapped, quotient);
        Condition::nonzero(difference)
    };
    ctx.trap_if(condition, TrapCode::INTEGER_OVERFLOW);
}
