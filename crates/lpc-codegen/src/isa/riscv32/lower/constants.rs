//! Constants.

use super::Ctx;
use super::words::num_words;
use lpc_lpir::ir::Inst;

/// The words of a constant that some instruction wants in a register: block arguments, call arguments and results, and
/// operands for which no instruction has an immediate. The upper bits of a narrow constant do not matter; it is kept
/// sign-extended, which is shortest. All words are known, so none is asked for in a register.
pub(super) fn lower_iconst(ctx: Ctx, _: Inst) {
    let result = ctx.current.result;
    ctx.pass_on(result, 0, result, 0, num_words(ctx.ty(result)));
}
