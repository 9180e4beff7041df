//! Conversions between integer types. Most pass words on: their results are other names of the operand's registers.

use super::narrow::Extend;
use super::words::{Word, num_words};
use super::{Ctx, operands, results};
use crate::backend::lower::Lower;
use crate::isa::riscv32::inst::MInst;
use lpc_lpir::ir::{Inst, Opcode, Type, Value};
use lpc_riscv32::{Extension, Opcode as Op};

/// The low words are the reduced value, and the bits above a narrow one are undefined. A bit cast between types of the same width
/// changes nothing.
pub(super) fn lower_reduction(ctx: Ctx, inst: Inst) {
    let [arg] = operands(ctx, inst);
    let result = ctx.result(inst);
    let needed = ctx.needed_words(result);
    let words = ctx.low_words(arg, needed);
    ctx.define(result, &words);
}

pub(super) fn lower_extension(ctx: Ctx, inst: Inst) {
    let extend = match ctx.data(inst).opcode() {
        Opcode::Uextend => Extend::Zero,
        _ => Extend::Sign,
    };
    let [arg] = operands(ctx, inst);
    let result = ctx.result(inst);
    let needed = ctx.needed_words(result);
    let source = ctx.extended_words(arg, extend);
    let fill = match extend {
        Extend::Sign if needed > source.len() => ctx.sign(source[source.len() - 1]),
        _ => Word::ZERO,
    };
    for index in 0..needed {
        let word = source.get(index).copied().unwrap_or(fill);
        ctx.define_needed_word(result, index, word);
    }
}

pub(super) fn lower_isplit(ctx: Ctx, inst: Inst) {
    let [arg] = operands(ctx, inst);
    let [low, high] = results(ctx, inst);
    let half = ctx.ty(low);
    if half.bits() < 32 {
        // Both halves lie in one word; the bits above the low one need not be cleared.
        let word = ctx.word(arg, 0);
        ctx.define(low, &[word]);
        if ctx.is_word_needed(high, 0) {
            let upper = ctx.shr(word, Word::Const(half.bits() as i32));
            ctx.define(high, &[upper]);
        }
        return;
    }
    let count = num_words(half);
    for (part, first) in [(low, 0), (high, count)] {
        for index in 0..ctx.needed_words(part) {
            let word = ctx.word(arg, first + index);
            ctx.define_needed_word(part, index, word);
        }
    }
}

pub(super) fn lower_iconcat(ctx: Ctx, inst: Inst) {
    let [low, high] = operands(ctx, inst);
    let result = ctx.result(inst);
    let half = ctx.ty(low);
    if half.bits() < 32 {
        let word = ctx.concatenate_narrow(low, high, half);
        ctx.define(result, &[word]);
        return;
    }
    let count = num_words(half);
    for index in 0..ctx.needed_words(result) {
        let word = match index.checked_sub(count) {
            None => ctx.word(low, index),
            Some(index) => ctx.word(high, index),
        };
        ctx.define_needed_word(result, index, word);
    }
}

impl Lower<'_, MInst> {
    fn concatenate_narrow(&mut self, low: Value, high: Value, half: Type) -> Word {
        if self.settings.extensions.contains(Extension::Zbkb) {
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
