//! Addition, subtraction, multiplication, minimum and maximum.

use super::narrow::Extend;
use super::words::{Word, Words, num_words};
use super::{Ctx, operands, require_multiplication};
use crate::backend::lower::Lower;
use crate::isa::riscv32::inst::MInst;
use lpc_lpir::ir::{Inst, IntCC, Opcode, Type, Value};
use lpc_riscv32::{Extension, Opcode as Op};

/// The words of the product of two `i128`.
const MAX_PRODUCT_WORDS: usize = 8;

/// `iadd` and `isub`.
pub(super) fn lower_sum(ctx: Ctx, inst: Inst) {
    let result = ctx.result(inst);
    let needed = ctx.needed_words(result);
    let is_addition = ctx.data(inst).opcode() == Opcode::Iadd;
    if is_addition && let Some(sum) = ctx.scaled_sum(inst) {
        return ctx.define(result, &[sum]);
    }
    let [x, y] = operands(ctx, inst);
    if needed == 1 {
        let (x, y) = (ctx.word(x, 0), ctx.word(y, 0));
        let word = match is_addition {
            true => ctx.add(x, y),
            false => ctx.sub(x, y),
        };
        return ctx.define_word(result, 0, word);
    }
    let (x, y) = (ctx.low_words(x, needed), ctx.low_words(y, needed));
    let words = match is_addition {
        true => ctx.sum(&x, &y),
        false => ctx.subtract(&x, &y),
    };
    ctx.define(result, &words);
}

/// `ineg` and `iabs`.
pub(super) fn lower(ctx: Ctx, inst: Inst) {
    let result = ctx.result(inst);
    let needed = ctx.needed_words(result);
    let words = match ctx.data(inst).opcode() {
        Opcode::Ineg => {
            let [x] = operands(ctx, inst);
            let x = ctx.low_words(x, needed);
            ctx.neg_words(&x)
        }
        Opcode::Iabs => {
            let [x] = operands(ctx, inst);
            let x = ctx.extended_words(x, Extend::Sign);
            ctx.absolute(&x)
        }
        opcode => unreachable!("{opcode} is not arithmetic"),
    };
    ctx.define(result, &words);
}

/// A sum or a difference, and the carry or borrow out of its last word: 0 or 1, where it was asked for.
pub(super) struct Carried {
    pub(super) words: Words,
    pub(super) carry: Word,
}

/// Whether the carry out of the last word is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CarryOut {
    Wanted,
    Unwanted,
}

impl Lower<'_, MInst> {
    /// The words of `value`, extended to a whole word where it is narrower.
    pub(super) fn extended_words(&mut self, value: Value, extend: Extend) -> Words {
        match num_words(self.ty(value)) {
            1 => Words::one(self.extended(value, extend)),
            _ => self.words(value),
        }
    }

    /// The sum `inst` of two words, if Zba shifts one of them as it adds.
    fn scaled_sum(&mut self, inst: Inst) -> Option<Word> {
        let [x, y] = operands(self, inst);
        if !self.settings.extensions.contains(Extension::Zba) || self.ty(x) != Type::I32 {
            return None;
        }
        self.sum_with_scaled(x, y)
            .or_else(|| self.sum_with_scaled(y, x))
    }

    /// The sum of `scaled` and `other`, if it is the former that is shifted.
    fn sum_with_scaled(&mut self, scaled: Value, other: Value) -> Option<Word> {
        let shift = self.def_with_opcode(scaled, Opcode::Ishl)?;
        let [x, amount] = operands(self, shift);
        let scale = self.as_constant(amount)? as u32 & 31;
        if !(1..=3).contains(&scale) {
            return None;
        }
        let (x, y) = (self.word(x, 0), self.word(other, 0));
        Some(self.add_scaled(x, y, scale))
    }

    /// `x + y`, of several words. To add a small negative constant is to subtract a positive one, whose upper words are zero.
    fn sum(&mut self, x: &[Word], y: &[Word]) -> Words {
        if let Some(negated) = negated_if_small(y) {
            return self.subtract(x, &negated);
        }
        if let Some(negated) = negated_if_small(x) {
            return self.subtract(y, &negated);
        }
        self.add_words(x, y, Word::ZERO, CarryOut::Unwanted).words
    }

    /// `x - y`, of several words.
    fn subtract(&mut self, x: &[Word], y: &[Word]) -> Words {
        self.sub_words(x, y, Word::ZERO, CarryOut::Unwanted).words
    }

    /// `x + y + carry`, where the carry is 0 or 1.
    ///
    /// A sum of two words carries exactly when it is less than either of them. Of the two sums that add up three words, at
    /// most one carries.
    pub(super) fn add_words(
        &mut self,
        x: &[Word],
        y: &[Word],
        carry_in: Word,
        carry_out: CarryOut,
    ) -> Carried {
        let mut carry = carry_in;
        let words = Words::from_fn(x.len(), |index| {
            let is_carry_wanted = index + 1 < x.len() || carry_out == CarryOut::Wanted;
            let (x, y) = (x[index], y[index]);
            let sum = self.add(x, y);
            let total = self.add(sum, carry);
            if is_carry_wanted {
                let sum_carry = self.carry_of_sum(sum, x, y);
                let total_carry = self.carry_of_sum(total, sum, carry);
                carry = self.or(sum_carry, total_carry);
            }
            total
        });
        Carried { words, carry }
    }

    /// Whether `x + y`, which is `sum`, is less than it ought to be. Compares with a constant where an instruction does.
    fn carry_of_sum(&mut self, sum: Word, x: Word, y: Word) -> Word {
        match (x, y) {
            (_, Word::Const(0)) | (Word::Const(0), _) => Word::ZERO,
            (Word::Const(_), Word::Reg(_)) => self.carry_of_sum(sum, y, x),
            (x, Word::Const(_)) if y.as_imm12().is_none() => self.less_unsigned(sum, x),
            _ => self.less_unsigned(sum, y),
        }
    }

    /// `x - y - borrow`, where the borrow is 0 or 1.
    ///
    /// A difference of two words borrows exactly when the first is less than the second. Of the two differences that take
    /// two words off a third, at most one borrows.
    pub(super) fn sub_words(
        &mut self,
        x: &[Word],
        y: &[Word],
        borrow_in: Word,
        borrow_out: CarryOut,
    ) -> Carried {
        let mut borrow = borrow_in;
        let words = Words::from_fn(x.len(), |index| {
            let is_borrow_wanted = index + 1 < x.len() || borrow_out == CarryOut::Wanted;
            let (x, y) = (x[index], y[index]);
            let borrow_in = borrow;
            if !is_borrow_wanted {
                let difference = self.sub(x, y);
                return self.sub(difference, borrow_in);
            }
            // The borrow comes first: the difference can then take the register of an operand.
            let difference_borrow = self.less_unsigned(x, y);
            let difference = self.sub(x, y);
            let total_borrow = self.less_unsigned(difference, borrow_in);
            borrow = self.or(difference_borrow, total_borrow);
            self.sub(difference, borrow_in)
        });
        Carried {
            words,
            carry: borrow,
        }
    }

    pub(super) fn neg_words(&mut self, x: &[Word]) -> Words {
        let zero = Words::filled(x.len(), Word::ZERO);
        self.sub_words(&zero, x, Word::ZERO, CarryOut::Unwanted)
            .words
    }

    /// The absolute value of `x`.
    fn absolute(&mut self, x: &[Word]) -> Words {
        if let (&[x], true) = (x, self.settings.extensions.contains(Extension::Zbb)) {
            let negative = self.neg(x);
            return Words::one(self.rrr(Op::Max, x, negative));
        }
        let sign = self.sign(x[x.len() - 1]);
        self.negate_if(x, sign)
    }

    /// `-x` where `sign` is all ones, `x` where it is zero: the complement plus one, or nothing of both.
    pub(super) fn negate_if(&mut self, x: &[Word], sign: Word) -> Words {
        let signs = Words::filled(x.len(), sign);
        let flipped = self.each_word(x, &signs, Self::xor);
        self.sub_words(&flipped, &signs, Word::ZERO, CarryOut::Unwanted)
            .words
    }
}

/// The negative of the constant `words`, if its upper words are all ones and become zero.
fn negated_if_small(words: &[Word]) -> Option<Words> {
    let (&low, upper) = words.split_first()?;
    let Word::Const(low) = low else {
        return None;
    };
    let is_negative =
        low != 0 && !upper.is_empty() && upper.iter().all(|&word| word == Word::Const(-1));
    is_negative.then(|| {
        let mut negated = Words::filled(words.len(), Word::ZERO);
        negated[0] = Word::Const(low.wrapping_neg());
        negated
    })
}

pub(super) fn lower_multiplication(ctx: Ctx, inst: Inst) {
    if !require_multiplication(ctx, inst) {
        return;
    }
    let result = ctx.result(inst);
    let ty = ctx.ty(result);
    let [x, y]: [Value; 2] = operands(ctx, inst);
    let words = match ctx.data(inst).opcode() {
        Opcode::Imul => {
            let needed = ctx.needed_words(result);
            ctx.product(x, y, needed)
        }
        Opcode::Umulhi => ctx.high_product(x, y, ty, Extend::Zero),
        _ => ctx.high_product(x, y, ty, Extend::Sign),
    };
    ctx.define(result, &words);
}

impl Lower<'_, MInst> {
    /// The lowest `count` words of the product.
    fn product(&mut self, x: Value, y: Value, count: usize) -> Words {
        if count == 2
            && let Some([x, y]) = self.as_sign_extended_words([x, y])
        {
            let low = self.mul(x, y);
            let high = self.rrr(Op::Mulh, x, y);
            return Words::pair(low, high);
        }
        if count == 2 {
            let product = self.product_of_sign_extended(x, y);
            if let Some((low, high)) = product.or_else(|| self.product_of_sign_extended(y, x)) {
                return Words::pair(low, high);
            }
        }
        if count == 1 {
            let (x, y) = (self.word(x, 0), self.word(y, 0));
            return Words::one(self.mul(x, y));
        }
        let (x, y) = (self.low_words(x, count), self.low_words(y, count));
        if y.iter().all(|&word| word == Word::Const(-1)) {
            return self.neg_words(&x);
        }
        let columns = self.multiply(&x, &y, 0, count);
        Words::of(&columns[..count])
    }

    /// The product of `x`, if that is a sign-extended word, and the pair `y`.
    fn product_of_sign_extended(&mut self, x: Value, y: Value) -> Option<(Word, Word)> {
        let extension = self.def_with_opcode(x, Opcode::Sextend)?;
        let [word] = operands(self, extension);
        if self.ty(word) != Type::I32 || self.as_constant(word).is_some() {
            return None;
        }
        let x = self.word(word, 0);
        let (low, high) = (self.word(y, 0), self.word(y, 1));
        let carry = self.rrr(Op::Mulhsu, x, low);
        let product = self.mul(x, high);
        let high = self.add(carry, product);
        let low = self.mul(x, low);
        Some((low, high))
    }

    /// The words that both values are the sign extensions of.
    fn as_sign_extended_words(&mut self, values: [Value; 2]) -> Option<[Word; 2]> {
        let mut sources = values;
        for source in &mut sources {
            let inst = self.def_with_opcode(*source, Opcode::Sextend)?;
            [*source] = operands(self, inst);
            if self.ty(*source).bits() > Type::I32.bits() {
                return None;
            }
        }
        Some(sources.map(|source| self.extended(source, Extend::Sign)))
    }

    /// The words of the product of `x` and `y` from number `first` up to number `end`; those below are not all computed, and
    /// those from `end` on are zero.
    ///
    /// Row by row, as on paper: to the words that are there, each word of `x` adds its product with `y`. The carry into the
    /// next column is a word that never overflows, since the greatest product of two words leaves room for two more words.
    pub(super) fn multiply(
        &mut self,
        x: &[Word],
        y: &[Word],
        first: usize,
        end: usize,
    ) -> [Word; MAX_PRODUCT_WORDS] {
        let mut words = [Word::ZERO; MAX_PRODUCT_WORDS];
        for (row, &x) in x.iter().enumerate() {
            let mut carry = Word::ZERO;
            for (column, &y) in (row..end).zip(y) {
                let is_last = column + 1 == end;
                if column > 0 {
                    let low = self.mul(x, y);
                    let added = self.add_three(words[column], low, carry, !is_last);
                    words[column] = added.words[0];
                    carry = added.carry;
                }
                if !is_last {
                    let high = self.mulhu(x, y);
                    carry = self.add(high, carry);
                }
            }
            if let Some(above) = words[..end].get_mut(row + y.len()) {
                *above = carry;
            }
        }
        if first == 0 {
            // One product, without a carry. It comes last: it can then take the register of an operand.
            words[0] = self.mul(x[0], y[0]);
        }
        words
    }

    /// The sum of three words, and its carry where that is wanted, which may be 2.
    fn add_three(&mut self, x: Word, y: Word, z: Word, is_carry_wanted: bool) -> Carried {
        let sum = self.add(x, y);
        let total = self.add(sum, z);
        let carry = match is_carry_wanted {
            true => {
                let sum_carry = self.carry_of_sum(sum, x, y);
                let total_carry = self.carry_of_sum(total, sum, z);
                self.add(sum_carry, total_carry)
            }
            false => Word::ZERO,
        };
        Carried {
            words: Words::one(total),
            carry,
        }
    }

    /// The upper half of the whole product of two values of type `ty`.
    fn high_product(&mut self, x: Value, y: Value, ty: Type, extend: Extend) -> Words {
        let x = self.extended_words(x, extend);
        let y = self.extended_words(y, extend);
        match (ty, extend) {
            (Type::I8 | Type::I16, _) => {
                // The whole product of two narrow numbers fits a word.
                let product = self.mul(x[0], y[0]);
                let width = Word::Const(ty.bits() as i32);
                Words::one(match extend {
                    Extend::Zero => self.shr(product, width),
                    Extend::Sign => self.sar(product, width),
                })
            }
            (Type::I32, Extend::Sign) => Words::one(self.rrr(Op::Mulh, x[0], y[0])),
            (Type::I32, Extend::Zero) => Words::one(self.mulhu(x[0], y[0])),
            _ => {
                let len = x.len();
                let product = self.multiply(&x, &y, len, 2 * len);
                let high = Words::of(&product[len..][..len]);
                match extend {
                    Extend::Zero => high,
                    Extend::Sign => self.make_high_product_signed(&high, &x, &y),
                }
            }
        }
    }

    /// As a signed number, a value with its sign bit set is less by two to the power of its width than as an unsigned one.
    /// So the other factor comes off the upper half of the unsigned product.
    pub(super) fn make_high_product_signed(
        &mut self,
        high: &[Word],
        x: &[Word],
        y: &[Word],
    ) -> Words {
        let mut high = Words::of(high);
        for (factor, other) in [(x, y), (y, x)] {
            let sign = self.sign(factor[factor.len() - 1]);
            let excess = self.each_word(other, &Words::filled(other.len(), sign), Self::and);
            high = self
                .sub_words(&high, &excess, Word::ZERO, CarryOut::Unwanted)
                .words;
        }
        high
    }
}

pub(super) fn lower_min_max(ctx: Ctx, inst: Inst) {
    let result = ctx.result(inst);
    let opcode = ctx.data(inst).opcode();
    let extend = match opcode {
        Opcode::Smin | Opcode::Smax => Extend::Sign,
        _ => Extend::Zero,
    };
    let [x, y] = operands(ctx, inst);
    let x = ctx.extended_words(x, extend);
    let y = ctx.extended_words(y, extend);
    let words = ctx.min_max(opcode, &x, &y);
    ctx.define(result, &words);
}

impl Lower<'_, MInst> {
    /// The minimum or maximum of extended values, as `opcode` says: with Zbb one instruction for a word, otherwise a
    /// comparison and a selection.
    pub(super) fn min_max(&mut self, opcode: Opcode, x: &[Word], y: &[Word]) -> Words {
        let (op, cond) = match opcode {
            Opcode::Smin => (Op::Min, IntCC::SignedLessThan),
            Opcode::Umin => (Op::Minu, IntCC::UnsignedLessThan),
            Opcode::Smax => (Op::Max, IntCC::SignedGreaterThan),
            _ => (Op::Maxu, IntCC::UnsignedGreaterThan),
        };
        if x.len() == 1 && self.settings.extensions.contains(Extension::Zbb) {
            return Words::one(self.rrr(op, x[0], y[0]));
        }
        let condition = self.compare(cond, x, y);
        self.select_words(condition, x, y)
    }
}
