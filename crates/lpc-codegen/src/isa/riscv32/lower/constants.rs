//! Constants.

use super::Ctx;
use super::words::Word;
use lpc_lpir::ir::Inst;

/// The words of a constant that some instruction wants in a register: block arguments, call arguments and results, and
/// operands for which no instruction has an immediate. The upper bits of a narrow constant do not matter; it is kept
/// sign-extended, which is shortest.
pub(super) fn lower_iconst(ctx: Ctx, inst: Inst) {
    let result = ctx.result(inst);
    let value = ctx.as_constant(result).expect("the result is a constant");
    let words = [value as i32, (value >> 32) as i32].map(Word::Const);
    let needed = ctx.needed_words(result);
    ctx.define(result, &words[..needed]);
}
