//! Arithmetic that also tells whether it overflows.

use super::arithmetic::CarryOut;
use super::comparisons::Condition;
use super::narrow::Extend;
use super::words::{Word, Words};
use super::{Ctx, operands, require_multiplication, results};
use crate::backend::lower::Lower;
use crate::isa::riscv32::inst::MInst;
use lpc_lpir::ir::{Inst, Opcode, Type, Value};
use lpc_riscv32::Opcode as Op;

/// A sum or a difference, and 1 if it does not fit, otherwise 0.
pub(super) fn lower(ctx: Ctx, inst: Inst) {
    use Opcode::*;
    let opcode = ctx.data(inst).opcode();
    let is_addition = matches!(
        opcode,
        UaddOverflow | SaddOverflow | UaddOverflowCin | SaddOverflowCin
    );
    let extend = match opcode {
        SaddOverflow | SsubOverflow | SaddOverflowCin | SsubOverflowBin => Extend::Sign,
        _ => Extend::Zero,
    };
    let mut args = ctx.func.dfg.inst_args(inst);
    let mut next = || args.next().expect("the instruction has its operands");
    let (x, y) = (next(), next());
    let carry = match args.next() {
        Some(carry) => ctx.carry_in(carry),
        None => Word::ZERO,
    };
    let [result, overflow] = results(ctx, inst);
    let ty = ctx.ty(result);
    let x = ctx.extended_words(x, extend);
    let y = ctx.extended_words(y, extend);
    let carry_out = match extend {
        Extend::Zero if ty.bits() >= 32 && ctx.is_word_needed(overflow, 0) => CarryOut::Wanted,
        _ => CarryOut::Unwanted,
    };
    let carried = if is_addition {
        ctx.add_words(&x, &y, carry, carry_out)
    } else {
        ctx.sub_words(&x, &y, carry, carry_out)
    };
    ctx.define(result, &carried.words);
    if ctx.is_word_needed(overflow, 0) {
        let word = match extend {
            _ if ty.bits() < 32 => ctx.differs_from_extension(carried.words[0], ty, extend),
            Extend::Zero => carried.carry,
            Extend::Sign => match (&*x, &*y, carry) {
                (&[x], &[y], Word::ZERO) => {
                    ctx.signed_overflow_of_word(x, y, carried.words[0], is_addition)
                }
                _ => ctx.signed_overflow(&x, &y, &carried.words, is_addition),
            },
        };
        ctx.define(overflow, &[word]);
    }
}

impl Lower<'_, MInst> {
    /// A carry that is 0 or 1: any that is not zero is one.
    fn carry_in(&mut self, carry: Value) -> Word {
        let word = self.extended(carry, Extend::Zero);
        match self.is_zero_or_one(carry) {
            true => word,
            false => self.is_nonzero(word),
        }
    }

    /// Whether `word`, the result of computing with extended narrow operands, is not what its low bits extend to.
    fn differs_from_extension(&mut self, word: Word, ty: Type, extend: Extend) -> Word {
        match extend {
            // Bits above the width tell; a difference below zero has the highest of them set.
            Extend::Zero => {
                let above = self.shr(word, Word::Const(ty.bits() as i32));
                self.and(above, Word::Const(1))
            }
            Extend::Sign => {
                let extended = self.extend(word, ty, extend);
                let difference = self.xor(extended, word);
                self.is_nonzero(difference)
            }
        }
    }

    /// Whether the sum or difference `z` of two words overflows: unless it does, it is less than `x` exactly when a negative
    /// number was added or a positive one taken off.
    fn signed_overflow_of_word(&mut self, x: Word, y: Word, z: Word, is_addition: bool) -> Word {
        let is_less_due = match is_addition {
            true => self.less_signed(y, Word::ZERO),
            false => self.less_signed(Word::ZERO, y),
        };
        let is_less = self.less_signed(z, x);
        self.xor(is_less_due, is_less)
    }

    /// A sum overflows if it has a sign that neither operand has. A difference does if the operands have different signs and
    /// it has not that of the first.
    fn signed_overflow(&mut self, x: &[Word], y: &[Word], z: &[Word], is_addition: bool) -> Word {
        let last = x.len() - 1;
        let (x, y, z) = (x[last], y[last], z[last]);
        let from_x = self.xor(x, z);
        let other = match is_addition {
            true => self.xor(y, z),
            false => self.xor(x, y),
        };
        let both = self.and(from_x, other);
        self.less_signed(both, Word::ZERO)
    }
}

/// A product, and 1 if it does not fit, otherwise 0.
pub(super) fn lower_multiplication(ctx: Ctx, inst: Inst) {
    if !require_multiplication(ctx, inst) {
        return;
    }
    let [x, y] = operands(ctx, inst);
    let [result, overflow] = results(ctx, inst);
    let ty = ctx.ty(result);
    let extend = match ctx.data(inst).opcode() {
        Opcode::SmulOverflow => Extend::Sign,
        _ => Extend::Zero,
    };
    let x = ctx.extended_words(x, extend);
    let y = ctx.extended_words(y, extend);
    let (low, word) = match ty {
        Type::I8 | Type::I16 => {
            let product = ctx.mul(x[0], y[0]);
            let word = match extend {
                Extend::Zero => {
                    let above = ctx.shr(product, Word::Const(ty.bits() as i32));
                    ctx.is_nonzero(above)
                }
                Extend::Sign => ctx.differs_from_extension(product, ty, extend),
            };
            (Words::one(product), word)
        }
        Type::I32 => {
            let low = ctx.mul(x[0], y[0]);
            let high = match extend {
                Extend::Zero => ctx.mulhu(x[0], y[0]),
                Extend::Sign => ctx.rrr(Op::Mulh, x[0], y[0]),
            };
            let sign = match extend {
                Extend::Zero => Word::ZERO,
                Extend::Sign => ctx.sign(low),
            };
            let difference = ctx.xor(high, sign);
            (Words::one(low), ctx.is_nonzero(difference))
        }
        Type::I64 if extend == Extend::Zero => ctx.multiply_pairs_with_overflow(&x, &y),
        _ => ctx.multiply_wide_with_overflow(&x, &y, extend),
    };
    ctx.define(result, &low);
    ctx.define(overflow, &[word]);
}

impl Lower<'_, MInst> {
    /// The low half of the unsigned product of two pairs, and whether there is more: both upper words are not zero, or one of
    /// the products of an upper and a lower word does not fit the upper word of the result, or their sum with what is carried
    /// there does not. Unless both upper words are not zero, one of these products is zero.
    fn multiply_pairs_with_overflow(&mut self, x: &[Word], y: &[Word]) -> (Words, Word) {
        let (x0, x1, y0, y1) = (x[0], x[1], y[0], y[1]);
        let x_upper = self.is_nonzero(x1);
        let y_upper = self.is_nonzero(y1);
        let both = self.and(x_upper, y_upper);
        let beyond_y = self.mulhu(x1, y0);
        let beyond_x = self.mulhu(x0, y1);
        let beyond = self.or(beyond_y, beyond_x);
        let is_beyond = self.is_nonzero(beyond);
        let crossed_y = self.mul(x1, y0);
        let crossed_x = self.mul(x0, y1);
        let crossed = self.add(crossed_y, crossed_x);
        let carried = self.mulhu(x0, y0);
        let high = self.add(crossed, carried);
        let is_carried_beyond = self.less_unsigned(high, carried);
        let overflow = self.or(both, is_beyond);
        let overflow = self.or(overflow, is_carried_beyond);
        let low = self.mul(x0, y0);
        (Words::pair(low, high), overflow)
    }

    /// The low half of the product of two wide values, and whether the high half is not just its extension.
    fn multiply_wide_with_overflow(
        &mut self,
        x: &[Word],
        y: &[Word],
        extend: Extend,
    ) -> (Words, Word) {
        let len = x.len();
        let product = self.multiply(x, y, 0, 2 * len);
        let low = Words::of(&product[..len]);
        let mut high = Words::of(&product[len..][..len]);
        let mut sign = Word::ZERO;
        if extend == Extend::Sign {
            high = self.make_high_product_signed(&high, x, y);
            sign = self.sign(low[len - 1]);
        }
        let differences = self.each_word(&high, &Words::filled(len, sign), Self::xor);
        let any = self.or_words(&differences);
        (low, self.is_nonzero(any))
    }

    /// `x + y` as unsigned numbers, and the condition that it does not fit.
    pub(super) fn add_with_overflow(&mut self, x: &[Word], y: &[Word]) -> (Words, Condition) {
        if let (&[x], &[y]) = (x, y) {
            let sum = self.add(x, y);
            return (Words::one(sum), Condition::less_unsigned(sum, x));
        }
        let carried = self.add_words(x, y, Word::ZERO, CarryOut::Wanted);
        (carried.words, Condition::nonzero(carried.carry))
    }
}
