//! Arithmetic that also tells whether it overflows.
//!
//! Narrow values are computed with at the top of their words, where they overflow as the words do.

use super::arithmetic::{CarryOut, Product, SumOp};
use super::comparisons::Condition;
use super::narrow::Extend;
use super::words::{Word, Words, num_words};
use super::{Ctx, results};
use crate::backend::lower::{CurrentInst, Lower};
use crate::isa::riscv32::inst::MInst;
use lpc_lpir::ir::{Inst, Opcode, Type, Value};
use lpc_riscv32::Opcode as Op;

/// A sum or a difference, and 1 if it does not fit, otherwise 0.
pub(super) fn lower(ctx: Ctx, inst: Inst) {
    use Opcode::*;
    let CurrentInst {
        opcode,
        ty,
        args: [x, y, carry],
        ..
    } = ctx.current;
    let op = match opcode {
        UaddOverflow | SaddOverflow | UaddOverflowCin | SaddOverflowCin => SumOp::Add,
        _ => SumOp::Sub,
    };
    let extend = match opcode {
        SaddOverflow | SsubOverflow | SaddOverflowCin | SsubOverflowBin => Extend::Sign,
        _ => Extend::Zero,
    };
    let [result, overflow] = results(ctx, inst);
    if ctx.settings.optimizes() && ty.bits() < 32 {
        return ctx.lower_narrow_sum(inst, op, extend);
    }
    let carry = match opcode {
        UaddOverflowCin | SaddOverflowCin | UsubOverflowBin | SsubOverflowBin => {
            ctx.carry_in(carry)
        }
        _ => Word::ZERO,
    };
    let (x, y) = (ctx.words_at_top(x), ctx.words_at_top(y));
    let carry_in = ctx.shift_to_top(carry, ty);
    let mut carry = carry_in;
    let is_overflow_needed = !ctx.settings.optimizes() || ctx.is_word_needed(overflow, 0);
    let carry_out = match extend {
        Extend::Zero if is_overflow_needed => CarryOut::Wanted,
        _ => CarryOut::Unwanted,
    };
    let mut sum = ctx.sum_with_carry(op, &x, &y, &mut carry, carry_out);
    let last = x.len() - 1;
    let high = sum[last];
    sum[0] = ctx.shift_from_top(sum[0], ty);
    ctx.define(result, &sum);
    if is_overflow_needed {
        let word = match extend {
            Extend::Zero => carry,
            Extend::Sign => match (last, carry_in) {
                (0, Word::ZERO) if ctx.settings.optimizes() => {
                    ctx.signed_overflow_of_word(op, x[0], y[0], high)
                }
                _ => ctx.signed_overflow(op, x[last], y[last], high),
            },
        };
        ctx.define(overflow, &[word]);
    }
}

impl Lower<'_, MInst> {
    /// The words of `value`, which is shifted to the top of its word if it is narrow.
    pub(super) fn words_at_top(&mut self, value: Value) -> Words {
        let mut words = self.words(value);
        words[0] = self.shift_to_top(words[0], self.ty(value));
        words
    }

    /// The narrow value of type `ty` that was shifted to the top of `word`; and any other as it is.
    fn shift_from_top(&mut self, word: Word, ty: Type) -> Word {
        self.shr(word, Word::Const(32 - ty.bits() as i32))
    }

    /// A carry that is 0 or 1: any that is not zero is one.
    fn carry_in(&mut self, carry: Value) -> Word {
        let word = self.extended(carry, Extend::Zero);
        match self.settings.optimizes() && self.is_zero_or_one(carry) {
            true => word,
            false => self.is_nonzero(word),
        }
    }

    /// Whether the sum or difference `z` of words overflows, of which `x`, `y` and `z` are the highest ones.
    ///
    /// A sum overflows if it has a sign that neither operand has. A difference does if the operands have different signs and
    /// it has not that of the first.
    fn signed_overflow(&mut self, op: SumOp, x: Word, y: Word, z: Word) -> Word {
        let from_x = self.xor(x, z);
        let other = match op {
            SumOp::Add => self.xor(y, z),
            SumOp::Sub => self.xor(x, y),
        };
        let both = self.and(from_x, other);
        self.less_signed(both, Word::ZERO)
    }
}

impl Lower<'_, MInst> {
    /// The low half of `product`, of values of type `ty`, and 1 if the high half is not just its extension, otherwise 0. That of
    /// narrow values is shifted down from the top of its word where it stands.
    pub(super) fn define_product_with_overflow(
        &mut self,
        inst: Inst,
        product: &mut Product,
        ty: Type,
        extend: Extend,
    ) {
        let [result, overflow] = results(self, inst);
        let (low, high) = product.split_at_mut(num_words(ty));
        let sign = match extend {
            Extend::Zero => Word::ZERO,
            Extend::Sign => self.sign(low[low.len() - 1]),
        };
        let mut any = Word::ZERO;
        for &mut word in &mut high[..low.len()] {
            let difference = self.xor(word, sign);
            any = self.or(any, difference);
        }
        low[0] = self.shift_from_top(low[0], ty);
        self.define(result, low);
        let word = self.is_nonzero(any);
        self.define(overflow, &[word]);
    }

    /// `x + y` as unsigned numbers, and the condition that it does not fit.
    pub(super) fn add_with_overflow(&mut self, x: &[Word], y: &[Word]) -> (Words, Condition) {
        if let (&[x], &[y], true) = (x, y, self.settings.optimizes()) {
            let sum = self.add(x, y);
            return (Words::one(sum), Condition::less_unsigned(sum, x));
        }
        let mut carry = Word::ZERO;
        let sum = self.sum_with_carry(SumOp::Add, x, y, &mut carry, CarryOut::Wanted);
        (sum, Condition::nonzero(carry))
    }
}

/// Shorter ways.
impl Lower<'_, MInst> {
    /// As [`lower`], for narrow values: they are extended, and the result does not fit if its low bits do not extend to it.
    fn lower_narrow_sum(&mut self, inst: Inst, op: SumOp, extend: Extend) {
        let args = self.data(inst).fixed_arguments();
        let mut carry = match args.get(2) {
            Some(&carry) => self.carry_in(carry),
            None => Word::ZERO,
        };
        let [result, overflow] = results(self, inst);
        let x = self.extended_words(args[0], extend);
        let y = self.extended_words(args[1], extend);
        let sum = self.sum_with_carry(op, &x, &y, &mut carry, CarryOut::Unwanted);
        self.define(result, &sum);
        if self.is_word_needed(overflow, 0) {
            let ty = self.ty(result);
            let word = self.differs_from_extension(sum[0], ty, extend);
            self.define(overflow, &[word]);
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
    fn signed_overflow_of_word(&mut self, op: SumOp, x: Word, y: Word, z: Word) -> Word {
        let is_less_due = match op {
            SumOp::Add => self.less_signed(y, Word::ZERO),
            SumOp::Sub => self.less_signed(Word::ZERO, y),
        };
        let is_less = self.less_signed(z, x);
        self.xor(is_less_due, is_less)
    }

    /// The low half of the product, and 1 if it is not all, otherwise 0.
    pub(super) fn lower_multiplication_with_overflow(&mut self, inst: Inst, extend: Extend) {
        let CurrentInst {
            ty,
            args: [x, y, _],
            ..
        } = self.current;
        let [result, overflow] = results(self, inst);
        let x = self.extended_words(x, extend);
        let y = self.extended_words(y, extend);
        let (low, word) = match ty {
            Type::I8 | Type::I16 => {
                let product = self.mul(x[0], y[0]);
                let word = match extend {
                    Extend::Zero => {
                        let above = self.shr(product, Word::Const(ty.bits() as i32));
                        self.is_nonzero(above)
                    }
                    Extend::Sign => self.differs_from_extension(product, ty, extend),
                };
                (Words::one(product), word)
            }
            Type::I32 => {
                let low = self.mul(x[0], y[0]);
                let high = match extend {
                    Extend::Zero => self.mulhu(x[0], y[0]),
                    Extend::Sign => self.rrr(Op::Mulh, x[0], y[0]),
                };
                let sign = match extend {
                    Extend::Zero => Word::ZERO,
                    Extend::Sign => self.sign(low),
                };
                let difference = self.xor(high, sign);
                (Words::one(low), self.is_nonzero(difference))
            }
            Type::I64 if extend == Extend::Zero => self.multiply_pairs_with_overflow(&x, &y),
            _ => self.multiply_wide_with_overflow(&x, &y, extend),
        };
        self.define(result, &low);
        self.define(overflow, &[word]);
    }

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
        let product = self.multiply(x, y, Extend::Zero, 0, 2 * len);
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
}
