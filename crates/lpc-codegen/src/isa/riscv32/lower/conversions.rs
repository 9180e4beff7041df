//! Conversions between integer types. Most pass words on: their results are other names of the operand's registers.

use super::narrow::Extend;
use super::words::{Word, num_words};
use super::{Ctx, results};
use crate::backend::lower::Lower;
use crate::isa::riscv32::inst::MInst;
use lpc_lpir::ir::{Inst, Opcode, Type, Value};
use lpc_riscv32::{Extension, Opcode as Op};

/// The low words are the reduced value, and the bits above a narrow one are undefined. A bit cast between types of the same width
/// changes nothing.
pub(super) fn lower_reduction(ctx: Ctx, _: Inst) {
    let [arg, ..] = ctx.current.args;
    let result = ctx.current.result;
    ctx.pass_on(arg, 0, result, 0, num_words(ctx.ty(result)));
}

pub(super) fn lower_extension(ctx: Ctx, _: Inst) {
    let extend = match ctx.current.opcode {
        Opcode::Uextend => Extend::Zero,
        _ => Extend::Sign,
    };
    let [arg, ..] = ctx.current.args;
    let result = ctx.current.result;
    let needed = ctx.needed_words(result);
    let mut words = ctx.extended_words(arg, extend);
    let fill = match (extend, &*words) {
        (Extend::Sign, &[.., high]) if needed > words.len() => ctx.sign(high),
        _ => Word::ZERO,
    };
    words.extend(needed, fill);
    ctx.define(result, &words);
}

pub(super) fn lower_isplit(ctx: Ctx, inst: Inst) {
    let [arg, ..] = ctx.current.args;
    let [low, high] = results(ctx, inst);
    let half = ctx.ty(low);
    if half.bits() < 32 {
        // Both halves lie in one word; the bits above the low one need not be cleared.
        let word = ctx.word(arg, 0);
        ctx.define_needed_word(low, 0, word);
        if ctx.is_word_needed(high, 0) {
            let upper = ctx.shr(word, Word::Const(half.bits() as i32));
            ctx.define_word(high, 0, upper);
        }
        return;
    }
    let count = num_words(half);
    ctx.pass_on(arg, 0, low, 0, count);
    ctx.pass_on(arg, count, high, 0, count);
}

pub(super) fn lower_iconcat(ctx: Ctx, _: Inst) {
    let [low, high, ..] = ctx.current.args;
    let result = ctx.current.result;
    let half = ctx.ty(low);
    if half.bits() < 32 {
        let word = ctx.concatenate_narrow(low, high, half);
        ctx.define_word(result, 0, word);
        return;
    }
    let count = num_words(half);
    ctx.pass_on(low, 0, result, 0, count);
    ctx.pass_on(high, 0, result, count, count);
}

impl Lower<'_, MInst> {
    /// Makes the `count` words of `arg` from number `from` on those of `result` from number `to` on, as far as they are needed.
    pub(super) fn pass_on(
        &mut self,
        arg: Value,
        from: usize,
        result: Value,
        to: usize,
        count: usize,
    ) {
        for index in 0..count {
            if self.is_word_needed(result, to + index) {
                let word = self.word(arg, from + index);
                self.define_word(result, to + index, word);
            }
        }
    }

    fn concatenate_narrow(&mut self, low: Value, high: Value, half: Type) -> Word {
        if self.settings.optimizes_with(Extension::Zbkb) {
            let op = match half {
                Type::I8 => Op::Packh,
                _ => Op::Pack,
            };
            let (low, high) = (self.word(low, 0), self.word(high, 0));
            return self.rrr(op, low, high);
        }
        let low = self.extended(low, Extend::Zero);
        let high = self.word(high, 0);
        let high = self.shl(high, Word::Const(half.bits() as i32));
        self.or(low, high)
    }
}
