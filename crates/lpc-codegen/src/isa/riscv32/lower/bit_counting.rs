//! Counting bits: `clz`, `cls`, `ctz` and `popcnt`.
//!
//! The ones of a word are counted in fields that grow from one bit to 32. The other counts are the places of `x` without some
//! ones: those of `x` with its highest one spread to all lower places leave its leading zeros, those of `x | -x`, which has its
//! lowest one spread to all higher places, leave its trailing zeros.
//!
//! There are shorter ways. Zbb counts in one instruction. Without it, fields of eight bits are added up by a multiplication;
//! and narrow values need not be counted as words.

use super::Ctx;
use super::arithmetic::SumOp;
use super::bitwise::Halves;
use super::comparisons::Condition;
use super::narrow::Extend;
use super::shifts::Shift;
use super::words::{Word, Words};
use crate::backend::lower::{CurrentInst, Lower};
use crate::isa::riscv32::inst::MInst;
use lpc_lpir::ir::{Inst, Opcode, Type, Value};
use lpc_riscv32::{Extension, Opcode as Op};

pub(super) fn lower(ctx: Ctx, _: Inst) {
    let CurrentInst {
        opcode,
        result,
        ty,
        args: [x, ..],
    } = ctx.current;
    let count = match ctx.settings.optimizes() {
        true => ctx.special_count(opcode, x, ty),
        false => ctx.count(opcode, x, ty),
    };
    ctx.define(result, &[count, Word::ZERO, Word::ZERO, Word::ZERO]);
}

impl Lower<'_, MInst> {
    /// The bits of `x`, of type `ty`, that `opcode` counts.
    fn count(&mut self, opcode: Opcode, x: Value, ty: Type) -> Word {
        let mut places = ty.bits() as i32;
        let mut words = match opcode {
            Opcode::Ctz => self.words_at_top(x),
            Opcode::Cls => self.extended_words(x, Extend::Sign),
            _ => self.extended_words(x, Extend::Zero),
        };
        match opcode {
            Opcode::Popcnt => return self.count_ones(&words),
            Opcode::Ctz => {
                let zeros = Words::filled(words.len(), Word::ZERO);
                let negated = self.sum_words(SumOp::Sub, &zeros, &words);
                self.add_ones(&mut words, &negated);
            }
            _ => {
                if opcode == Opcode::Cls {
                    // Places that differ from the sign become ones, and the sign itself a zero, which does not count.
                    self.flip_by_sign(&mut words);
                    places -= 1;
                }
                let mut distance = 1;
                while distance < ty.bits() {
                    let mut shifted = words.clone();
                    let amount = Word::Const(distance as i32);
                    self.shift_words(&mut shifted, amount, Shift::of(Opcode::Ushr), u8::MAX);
                    self.add_ones(&mut words, &shifted);
                    distance *= 2;
                }
            }
        }
        let others = self.count_ones(&words);
        self.sub(Word::Const(places), others)
    }

    /// Sets all bits in `words` that are set in `others`.
    fn add_ones(&mut self, words: &mut Words, others: &Words) {
        for (word, &other) in words.iter_mut().zip(others.iter()) {
            *word = self.or(*word, other);
        }
    }

    /// The ones of `words`.
    fn count_ones(&mut self, words: &[Word]) -> Word {
        let mut sum = Word::ZERO;
        for &word in words {
            let count = self.join_halves(word, 0, Halves::Add);
            sum = self.add(sum, count);
        }
        // There are 128 at most, and something is left above.
        self.and(sum, Word::Const(0xff))
    }
}

/// Shorter ways to count.
impl Lower<'_, MInst> {
    /// As [`Self::count`].
    fn special_count(&mut self, opcode: Opcode, x: Value, ty: Type) -> Word {
        match opcode {
            Opcode::Popcnt => self.count_ones_of(x),
            Opcode::Ctz => self.count_trailing_zeros_of(x, ty),
            Opcode::Clz => {
                let words = self.extended_words(x, Extend::Zero);
                self.count_leading_zeros(&words, ty)
            }
            _ => {
                let mut words = self.extended_words(x, Extend::Sign);
                self.flip_by_sign(&mut words);
                let zeros = self.count_leading_zeros(&words, ty);
                self.add(zeros, Word::Const(-1))
            }
        }
    }

    fn has_zbb(&self) -> bool {
        self.settings.optimizes_with(Extension::Zbb)
    }

    fn count_ones_of(&mut self, x: Value) -> Word {
        let bits = self.ty(x).bits().min(32);
        let words = self.extended_words(x, Extend::Zero);
        let mut sum = Word::ZERO;
        for &word in words.iter() {
            let count = match self.has_zbb() {
                true => self.rr(Op::Cpop, word),
                false => self.count_ones_in_bytes(word, bits),
            };
            sum = self.add(sum, count);
        }
        match self.has_zbb() {
            true => sum,
            false => self.sum_of_bytes(sum, bits),
        }
    }

    /// The ones of `x`, all of which are among the lowest `bits`.
    fn count_ones_of_word(&mut self, x: Word, bits: u32) -> Word {
        let bytes = self.count_ones_in_bytes(x, bits);
        self.sum_of_bytes(bytes, bits)
    }

    /// The ones of each byte of `x`, in that byte.
    fn count_ones_in_bytes(&mut self, x: Word, bits: u32) -> Word {
        let mask = |pattern: u32| Word::Const((pattern >> (32 - bits)) as i32);
        let odd = self.shr(x, Word::Const(1));
        let odd = self.and(odd, mask(0x5555_5555));
        let pairs = self.sub(x, odd);
        let upper = self.shr(pairs, Word::Const(2));
        let upper = self.and(upper, mask(0x3333_3333));
        let lower = self.and(pairs, mask(0x3333_3333));
        let nibbles = self.add(upper, lower);
        let shifted = self.shr(nibbles, Word::Const(4));
        let doubled = self.add(nibbles, shifted);
        self.and(doubled, mask(0x0f0f_0f0f))
    }

    /// Adds the bytes among the lowest `bits`, whose sum fits one.
    fn sum_of_bytes(&mut self, bytes: Word, bits: u32) -> Word {
        match bits {
            8 => bytes,
            16 => self.sum_of_two_bytes(bytes),
            _ => self.sum_of_four_bytes(bytes),
        }
    }

    /// Adds the two bytes, whose sum fits five bits.
    fn sum_of_two_bytes(&mut self, bytes: Word) -> Word {
        let high = self.shr(bytes, Word::Const(8));
        let total = self.add(bytes, high);
        self.and(total, Word::Const(0x1f))
    }

    /// Adds the four bytes, whose sum fits one.
    fn sum_of_four_bytes(&mut self, bytes: Word) -> Word {
        let total = if self.settings.extensions.contains(Extension::M) {
            self.mul(bytes, Word::Const(0x0101_0101))
        } else {
            let shifted = self.shl(bytes, Word::Const(8));
            let pairs = self.add(bytes, shifted);
            let shifted = self.shl(pairs, Word::Const(16));
            self.add(pairs, shifted)
        };
        self.shr(total, Word::Const(24))
    }

    /// The leading zeros of a value of type `ty`, whose words are zero-extended: those of the highest word that is not
    /// zero, and the words above it.
    fn count_leading_zeros(&mut self, words: &[Word], ty: Type) -> Word {
        let bits = ty.bits().min(32);
        let mut count = self.count_leading_zeros_of_word(words[0], bits);
        for &word in &words[1..] {
            let below = self.add(count, Word::Const(32));
            let here = self.count_leading_zeros_of_word(word, bits);
            count = self.select_word(Condition::zero(word), below, here);
        }
        count
    }

    /// The leading zeros among the lowest `bits` of `x`; those above are zero.
    fn count_leading_zeros_of_word(&mut self, x: Word, bits: u32) -> Word {
        if self.has_zbb() {
            let count = self.rr(Op::Clz, x);
            return self.add(count, Word::Const(bits as i32 - 32));
        }
        let distances = [1, 2, 4, 8, 16].into_iter();
        let distances = distances.filter(|&distance| distance < bits);
        let spread = distances.fold(x, |x, distance| {
            let shifted = self.shr(x, Word::Const(distance as i32));
            self.or(x, shifted)
        });
        let all = Word::Const((u32::MAX >> (32 - bits)) as i32);
        let zeros = self.xor(spread, all);
        self.count_ones_of_word(zeros, bits)
    }

    /// A one above a narrow value stops the count at its width.
    fn count_trailing_zeros_of(&mut self, x: Value, ty: Type) -> Word {
        let words = self.words(x);
        if ty.bits() < 32 {
            let stop = Word::Const(1 << ty.bits());
            let stopped = self.or(words[0], stop);
            return self.count_trailing_zeros_of_word(stopped, ty.bits());
        }
        let last = words.len() - 1;
        let mut count = self.count_trailing_zeros_of_word(words[last], 32);
        for &word in words[..last].iter().rev() {
            let above = self.add(count, Word::Const(32));
            let here = self.count_trailing_zeros_of_word(word, 32);
            count = self.select_word(Condition::zero(word), above, here);
        }
        count
    }

    /// The trailing zeros of `x`, which are at most `bits`.
    fn count_trailing_zeros_of_word(&mut self, x: Word, bits: u32) -> Word {
        if self.has_zbb() {
            return self.rr(Op::Ctz, x);
        }
        let below = self.add(x, Word::Const(-1));
        let complement = self.not(x);
        let zeros = self.and(below, complement);
        self.count_ones_of_word(zeros, bits)
    }
}
