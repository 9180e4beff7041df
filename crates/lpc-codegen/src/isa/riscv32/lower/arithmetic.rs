//! Addition, subtraction, multiplication, minimum and maximum.

use super::narrow::Extend;
use super::words::{Word, Words, num_words};
use super::{Ctx, operands, require_multiplication};
use crate::backend::lower::{CurrentInst, Lower};
use crate::isa::riscv32::inst::MInst;
use lpc_lpir::ir::{Inst, IntCC, Opcode, Type, Value};
use lpc_riscv32::{Extension, Opcode as Op};

/// The words of the product of two `i128`.
const MAX_PRODUCT_WORDS: usize = 8;

/// The words of a product, the low one first. Those beyond it are zero.
pub(super) type Product = [Word; MAX_PRODUCT_WORDS];

/// `iadd`, `isub` and `ineg`.
pub(super) fn lower_sum(ctx: Ctx, _: Inst) {
    let CurrentInst {
        opcode,
        result,
        args: [x, y, _],
        ..
    } = ctx.current;
    if opcode == Opcode::Iadd
        && let Some(sum) = ctx.scaled_sum(x, y)
    {
        return ctx.define(result, &[sum]);
    }
    let needed = ctx.needed_words(result);
    let x = match opcode {
        Opcode::Ineg => Words::filled(needed, Word::ZERO),
        _ => ctx.low_words(x, needed),
    };
    let y = ctx.low_words(y, needed);
    let words = match opcode {
        Opcode::Iadd => ctx.sum(&x, &y),
        _ => ctx.sum_words(SumOp::Sub, &x, &y),
    };
    ctx.define(result, &words);
}

/// Whether to add or to subtract.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SumOp {
    Add,
    Sub,
}

/// Whether the carry out of the last word is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CarryOut {
    Wanted,
    Unwanted,
}

/// An operation on two words.
type BinaryOp<'f> = fn(&mut Lower<'f, MInst>, Word, Word) -> Word;

impl<'f> Lower<'f, MInst> {
    /// The words of `value`, extended to a whole word where it is narrower.
    pub(super) fn extended_words(&mut self, value: Value, extend: Extend) -> Words {
        match num_words(self.ty(value)) {
            1 => Words::one(self.extended(value, extend)),
            _ => self.words(value),
        }
    }

    /// `x + y`.
    fn sum(&mut self, x: &[Word], y: &[Word]) -> Words {
        if self.settings.optimizes()
            && let Some(words) = self.sum_with_small_negative(x, y)
        {
            return words;
        }
        self.sum_words(SumOp::Add, x, y)
    }

    /// `x + y` or `x - y`.
    pub(super) fn sum_words(&mut self, op: SumOp, x: &[Word], y: &[Word]) -> Words {
        let mut no_carry = Word::ZERO;
        self.sum_with_carry(op, x, y, &mut no_carry, CarryOut::Unwanted)
    }

    /// `x + y + carry` or `x - y - carry`, where the carry or borrow is 0 or 1, and becomes that out of the last word where it is
    /// wanted.
    pub(super) fn sum_with_carry(
        &mut self,
        op: SumOp,
        x: &[Word],
        y: &[Word],
        carry: &mut Word,
        carry_out: CarryOut,
    ) -> Words {
        Words::from_fn(x.len(), |index| {
            let is_carry_wanted = index + 1 < x.len() || carry_out == CarryOut::Wanted;
            let (x, y) = (x[index], y[index]);
            match op {
                // Of the two sums, at most one carries.
                SumOp::Add => {
                    let combine = is_carry_wanted.then_some(Self::or as BinaryOp);
                    self.add_with_carry(x, y, carry, combine)
                }
                SumOp::Sub => self.sub_with_borrow(x, y, carry, is_carry_wanted),
            }
        })
    }

    /// `x + y + carry`. The carry out of that, where it is wanted, is what `combine` makes of those of the two sums.
    ///
    /// A sum of two words carries exactly when it is less than either of them.
    fn add_with_carry(
        &mut self,
        x: Word,
        y: Word,
        carry: &mut Word,
        combine: Option<BinaryOp<'f>>,
    ) -> Word {
        let sum = self.add(x, y);
        let total = self.add(sum, *carry);
        if let Some(combine) = combine {
            let sum_carry = self.carry_of_sum(sum, x, y);
            let total_carry = self.carry_of_sum(total, sum, *carry);
            *carry = combine(self, sum_carry, total_carry);
        }
        total
    }

    /// Whether `x + y`, which is `sum`, is less than it ought to be. Compares with a constant where an instruction does.
    fn carry_of_sum(&mut self, sum: Word, x: Word, y: Word) -> Word {
        let (x, y) = match x {
            Word::Const(_) => (y, x),
            Word::Reg(_) => (x, y),
        };
        let bound = match y {
            Word::Const(_) if self.settings.optimizes() && y.as_imm12().is_none() => x,
            _ => y,
        };
        self.less_unsigned(sum, bound)
    }

    /// `x - y - borrow`, and the borrow out of that where it is wanted.
    ///
    /// A difference of two words borrows exactly when the first is less than the second. Of the two differences that take
    /// two words off a third, at most one borrows.
    fn sub_with_borrow(
        &mut self,
        x: Word,
        y: Word,
        borrow: &mut Word,
        is_borrow_wanted: bool,
    ) -> Word {
        // The borrow comes first: the difference can then take the register of an operand.
        let difference_borrow = is_borrow_wanted.then(|| self.less_unsigned(x, y));
        let difference = self.sub(x, y);
        let borrow_in = *borrow;
        if let Some(difference_borrow) = difference_borrow {
            let total_borrow = self.less_unsigned(difference, borrow_in);
            *borrow = self.or(difference_borrow, total_borrow);
        }
        self.sub(difference, borrow_in)
    }
}

/// Shorter ways for some sums.
impl Lower<'_, MInst> {
    /// The sum of two words, if Zba shifts one of them as it adds.
    fn scaled_sum(&mut self, x: Value, y: Value) -> Option<Word> {
        if !self.settings.optimizes_with(Extension::Zba) || self.ty(x) != Type::I32 {
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

    /// `x + y`, if one of them is a small negative constant: to add it is to subtract a positive one, whose upper words are
    /// zero.
    fn sum_with_small_negative(&mut self, x: &[Word], y: &[Word]) -> Option<Words> {
        let (x, negated) = match negated_if_small(y) {
            Some(negated) => (x, negated),
            None => (y, negated_if_small(x)?),
        };
        Some(self.sum_words(SumOp::Sub, x, &negated))
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

/// The absolute value: the complement plus one where the sign is all ones, or nothing of both where it is zero.
pub(super) fn lower_iabs(ctx: Ctx, _: Inst) {
    let CurrentInst {
        result,
        args: [x, ..],
        ..
    } = ctx.current;
    let mut x = ctx.extended_words(x, Extend::Sign);
    if let (&[x], true) = (&*x, ctx.settings.optimizes_with(Extension::Zbb)) {
        let negative = ctx.neg(x);
        let absolute = ctx.rrr(Op::Max, x, negative);
        return ctx.define(result, &[absolute]);
    }
    let sign = ctx.flip_by_sign(&mut x);
    let absolute = ctx.sum_words(SumOp::Sub, &x, &Words::filled(x.len(), sign));
    ctx.define(result, &absolute);
}

impl Lower<'_, MInst> {
    /// Makes `words` their complement if they are negative. Gives the sign.
    pub(super) fn flip_by_sign(&mut self, words: &mut Words) -> Word {
        let sign = self.sign(words[words.len() - 1]);
        for word in words.iter_mut() {
            *word = self.xor(*word, sign);
        }
        sign
    }
}

/// `imul`, `umulhi`, `smulhi`, `umul_overflow` and `smul_overflow`.
pub(super) fn lower_multiplication(ctx: Ctx, inst: Inst) {
    if !require_multiplication(ctx, inst) {
        return;
    }
    let CurrentInst {
        opcode,
        result,
        ty,
        args: [x, y, _],
    } = ctx.current;
    let extend = match opcode {
        Opcode::Smulhi | Opcode::SmulOverflow => Extend::Sign,
        _ => Extend::Zero,
    };
    if ctx.settings.optimizes() && ctx.lower_special_multiplication(inst, extend) {
        return;
    }
    let (words_of_x, words_of_y, end);
    if opcode == Opcode::Imul {
        end = ctx.needed_words(result);
        words_of_x = ctx.low_words(x, end);
        words_of_y = ctx.low_words(y, end);
    } else {
        // Narrow numbers give a product of two words: with one of them at the top of its word, the lower half of theirs is at the top of
        // the lower word, and the upper half is in the upper word.
        end = 2 * num_words(ty);
        words_of_x = ctx.extended_words(x, extend);
        words_of_y = ctx.words_at_top(y);
    }
    let (x, y) = (&words_of_x, &words_of_y);
    let first = match opcode {
        Opcode::Umulhi | Opcode::Smulhi => x.len(),
        _ => 0,
    };
    let mut product = ctx.multiply(x, y, extend, first, end);
    match opcode {
        Opcode::UmulOverflow | Opcode::SmulOverflow => {
            ctx.define_product_with_overflow(inst, &mut product, ty, extend);
        }
        _ => ctx.define(result, &product[first..end]),
    }
}

impl<'f> Lower<'f, MInst> {
    /// The words of the product of `x` and `y`, which are as long, from number `first` up to number `end`; those below are not all
    /// computed, and those from `end` on are zero. Beyond their words, the factors go on as `extend` says.
    ///
    /// Row by row, as on paper: to the words that are there, each word of `x` adds its product with `y`. The carry into the
    /// next column is a word that never overflows, since the greatest product of two words leaves room for two more words.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn multiply(
        &mut self,
        x: &[Word],
        y: &[Word],
        extend: Extend,
        first: usize,
        end: usize,
    ) -> Product {
        // There is an instruction for the upper half of the product of signed words.
        let is_of_signed_words = extend == Extend::Sign && x.len() == 1;
        let (mut beyond_x, mut beyond_y) = (Word::ZERO, Word::ZERO);
        if extend == Extend::Sign && !is_of_signed_words {
            beyond_x = self.sign(x[x.len() - 1]);
            beyond_y = self.sign(y[x.len() - 1]);
        }
        let mut words = [Word::ZERO; MAX_PRODUCT_WORDS];
        for row in 0..end {
            let x = *x.get(row).unwrap_or(&beyond_x);
            let mut carry = Word::ZERO;
            for (column, word) in words[..end].iter_mut().enumerate().skip(row) {
                let y = *y.get(column - row).unwrap_or(&beyond_y);
                let is_last = column + 1 == end;
                if column > 0 {
                    let low = self.mul(x, y);
                    let combine = (!is_last).then_some(Self::add as BinaryOp<'f>);
                    *word = self.add_with_carry(*word, low, &mut carry, combine);
                }
                if !is_last {
                    let high = match is_of_signed_words {
                        true => self.rrr(Op::Mulh, x, y),
                        false => self.mulhu(x, y),
                    };
                    carry = self.add(high, carry);
                }
            }
        }
        if first == 0 {
            // One product, without a carry. It comes last: it can then take the register of an operand.
            words[0] = self.mul(x[0], y[0]);
        }
        words
    }
}

/// Shorter ways for some products.
impl Lower<'_, MInst> {
    /// Lowers the multiplication `inst`, the current instruction, if there is a shorter way. Says whether there is.
    fn lower_special_multiplication(&mut self, inst: Inst, extend: Extend) -> bool {
        let CurrentInst {
            opcode,
            result,
            ty,
            args: [x, y, _],
        } = self.current;
        let words = match opcode {
            Opcode::Imul => self.special_low_product(x, y, self.needed_words(result)),
            Opcode::Umulhi | Opcode::Smulhi => Some(self.special_high_product(x, y, ty, extend)),
            _ => {
                self.lower_multiplication_with_overflow(inst, extend);
                return true;
            }
        };
        if let Some(words) = &words {
            self.define(result, words);
        }
        words.is_some()
    }

    /// The lowest `count` words of the product, if there is a shorter way.
    fn special_low_product(&mut self, x: Value, y: Value, count: usize) -> Option<Words> {
        if count == 1 {
            return None;
        }
        if count == 2
            && let Some([x, y]) = self.as_sign_extended_words([x, y])
        {
            let low = self.mul(x, y);
            let high = self.rrr(Op::Mulh, x, y);
            return Some(Words::pair(low, high));
        }
        if count == 2 {
            let product = self.product_of_sign_extended(x, y);
            if let Some((low, high)) = product.or_else(|| self.product_of_sign_extended(y, x)) {
                return Some(Words::pair(low, high));
            }
        }
        let is_minus_one = (0..count).all(|index| self.known_word(y, index) == Some(-1));
        is_minus_one.then(|| {
            let x = self.low_words(x, count);
            self.sum_words(SumOp::Sub, &Words::filled(count, Word::ZERO), &x)
        })
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

    /// The upper half of the whole product of two values of type `ty`.
    fn special_high_product(&mut self, x: Value, y: Value, ty: Type, extend: Extend) -> Words {
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
                let product = self.multiply(&x, &y, Extend::Zero, len, 2 * len);
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
            high = self.sum_words(SumOp::Sub, &high, &excess);
        }
        high
    }
}

pub(super) fn lower_min_max(ctx: Ctx, _: Inst) {
    let CurrentInst {
        opcode,
        result,
        args: [x, y, _],
        ..
    } = ctx.current;
    let extend = match opcode {
        Opcode::Smin | Opcode::Smax => Extend::Sign,
        _ => Extend::Zero,
    };
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
        if x.len() == 1 && self.settings.optimizes_with(Extension::Zbb) {
            return Words::one(self.rrr(op, x[0], y[0]));
        }
        let condition = self.compare(cond, x, y);
        self.select_words(condition, x, y)
    }
}
