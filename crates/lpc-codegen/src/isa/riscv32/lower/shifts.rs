//! Shifts and rotations.
//!
//! The amount is taken modulo the width of the value, which for a word is what the instructions do by themselves: they look
//! at the low five bits only. A wide value is shifted in two steps:
//!
//! ```text
//!   by whole words:   one bit of the amount after the other (64, 32) selects between the words and the words moved up
//!   by 0 to 31 bits:  word[i] = word[i] << n  |  (word[i-1] >> 1) >> (31 - n)
//! ```
//!
//! The bits that come in from the next word are shifted in two steps, by one and by 31 - n, since a single shift by 32 - n
//! would be none at all when n is zero. 31 - n is the complement of n, modulo 32.

use super::comparisons::Condition;
use super::narrow::Extend;
use super::single_bits::shifted_one;
use super::words::{Word, Words, num_words};
use super::{Ctx, operands};
use crate::backend::lower::Lower;
use crate::isa::riscv32::inst::MInst;
use lpc_lpir::ir::{Inst, Opcode, Type, Value};
use lpc_riscv32::Opcode as Op;

/// Where bits go, and what comes in at the other end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shift {
    Left,
    /// To the right, filled with zeros.
    Unsigned,
    /// To the right, filled with the sign.
    Signed,
}

pub(super) fn lower_shift(ctx: Ctx, inst: Inst) {
    let result = ctx.result(inst);
    let [value, amount] = operands(ctx, inst);
    let shift = match ctx.data(inst).opcode() {
        Opcode::Ishl => Shift::Left,
        Opcode::Ushr => Shift::Unsigned,
        _ => Shift::Signed,
    };
    let ty = ctx.ty(result);
    if shift == Shift::Left && ty == Type::I64 && ctx.as_constant(value) == Some(1) {
        let bit = ctx.single_bit(amount);
        ctx.define(result, &bit);
        return;
    }
    if let Some(bit) = shifted_one(ctx, inst) {
        ctx.define(result, &[bit]);
        return;
    }
    let amount = ctx.shift_amount(amount, ty);
    let words = match (shift, amount) {
        (_, Word::Const(amount)) if num_words(ty) > 1 => {
            ctx.words_that_stay(value, amount as usize / 32, shift)
        }
        (Shift::Left, _) => ctx.words(value),
        (Shift::Unsigned, _) => ctx.extended_words(value, Extend::Zero),
        (Shift::Signed, _) => ctx.extended_words(value, Extend::Sign),
    };
    let is_needed =
        core::array::from_fn(|index| index < words.len() && ctx.is_word_needed(result, index));
    let words = match amount {
        Word::Const(amount) => ctx.shift_words_by(&words, amount, shift, is_needed),
        Word::Reg(_) => ctx.shift_words(&words, amount, shift, is_needed),
    };
    ctx.define(result, &words);
}

/// Which words are needed.
type Needed = [bool; 4];

impl Lower<'_, MInst> {
    /// How far to shift a value of type `shifted`. Only the bits below its width count, for a wide value by the way it is
    /// shifted.
    fn shift_amount(&mut self, amount: Value, shifted: Type) -> Word {
        let width = shifted.bits() as i32;
        match self.word(amount, 0) {
            Word::Const(amount) => Word::Const(amount & (width - 1)),
            amount if width < 32 => self.and(amount, Word::Const(width - 1)),
            amount => amount,
        }
    }

    /// The words of `value` of which anything is left when it is shifted by `distance` words and some bits.
    fn words_that_stay(&mut self, value: Value, distance: usize, shift: Shift) -> Words {
        let len = num_words(self.ty(value));
        Words::from_fn(len, |index| {
            let stays = match shift {
                Shift::Left => index + distance < len,
                Shift::Unsigned | Shift::Signed => index >= distance,
            };
            match stays {
                true => self.word(value, index),
                false => Word::ZERO,
            }
        })
    }

    /// The `i64` with the bit number `amount` set: one shifted by the low five bits of the amount in the word that the next
    /// one names, and zero shifted in the other.
    fn single_bit(&mut self, amount: Value) -> Words {
        let amount = self.word(amount, 0);
        let number_of_word = self.shr(amount, Word::Const(5));
        let is_high = self.and(number_of_word, Word::Const(1));
        let is_low = self.flip(is_high);
        let high = self.shl(is_high, amount);
        let low = self.shl(is_low, amount);
        Words::pair(low, high)
    }

    /// Shifts by a constant that is less than the width. Words that are not needed are not computed.
    ///
    /// The words are computed from the end that the bits move to: then each can take the register of what it comes from.
    fn shift_words_by(
        &mut self,
        words: &[Word],
        amount: i32,
        shift: Shift,
        is_needed: Needed,
    ) -> Words {
        let (distance, bits) = ((amount / 32) as usize, Word::Const(amount % 32));
        let rest = Word::Const(32 - amount % 32);
        let is_whole = amount % 32 == 0;
        let last = words.len() - 1;
        let mut fill = None;
        Words::from_fn_in_order(words.len(), shift == Shift::Left, |index| {
            if !is_needed[index] {
                return Word::ZERO;
            }
            // The word that comes to this place, and the one whose bits come in from the side.
            let (source, below, above) = match shift {
                Shift::Left if index < distance => return Word::ZERO,
                Shift::Left => {
                    let source = index - distance;
                    (source, source.checked_sub(1), Some(source))
                }
                _ => {
                    let source = index + distance;
                    (
                        source,
                        Some(source),
                        Some(source + 1).filter(|&above| above <= last),
                    )
                }
            };
            match (below, above) {
                _ if source > last => match shift {
                    Shift::Signed => *fill.get_or_insert_with(|| self.sign(words[last])),
                    _ => Word::ZERO,
                },
                (Some(below), Some(above)) if !is_whole => {
                    let (up, down) = match shift {
                        Shift::Left => (bits, rest),
                        _ => (rest, bits),
                    };
                    let low = self.shr(words[below], down);
                    self.shift_and_add(words[above], up, low)
                }
                _ => self.shift_word(words[source], bits, shift, source == last),
            }
        })
    }

    /// The word that bits come in to from no other: `word` shifted, where `is_last` says whether it has the sign.
    fn shift_word(&mut self, word: Word, amount: Word, shift: Shift, is_last: bool) -> Word {
        match shift {
            Shift::Left => self.shl(word, amount),
            Shift::Signed if is_last => self.sar(word, amount),
            _ => self.shr(word, amount),
        }
    }

    /// Shifts by an amount in a register. Words that are not needed are not computed.
    fn shift_words(
        &mut self,
        words: &[Word],
        amount: Word,
        shift: Shift,
        is_needed: Needed,
    ) -> Words {
        let fill = match shift {
            Shift::Signed if words.len() > 1 => self.sign(words[words.len() - 1]),
            _ => Word::ZERO,
        };
        let mut words = Words::of(words);
        let mut distance = words.len() / 2;
        while distance > 0 {
            let moved = move_words(&words, distance, fill, shift);
            let bit = self.and(amount, Word::Const(32 * distance as i32));
            words = self.select_words(Condition::zero(bit), &words, &moved);
            distance /= 2;
        }
        let rest = match words.len() {
            1 => Word::ZERO,
            _ => self.not(amount),
        };
        let last = words.len() - 1;
        let is_left = shift == Shift::Left;
        Words::from_fn_in_order(words.len(), is_left, |index| {
            if !is_needed[index] {
                return Word::ZERO;
            }
            let end = if is_left { 0 } else { last };
            if index == end {
                return self.shift_word(words[index], amount, shift, index == last);
            }
            let next = if is_left { index - 1 } else { index + 1 };
            self.funnel(words[index], words[next], amount, rest, is_left)
        })
    }

    /// `word << amount`, filled from the top of `next`, or `word >> amount`, filled from the bottom of `next`. `rest` is the complement
    /// of the amount.
    fn funnel(&mut self, word: Word, next: Word, amount: Word, rest: Word, is_left: bool) -> Word {
        let kept = self.shift_left_or_right(word, amount, is_left);
        let incoming = match amount {
            Word::Const(amount) => {
                self.shift_left_or_right(next, Word::Const(32 - amount % 32), !is_left)
            }
            Word::Reg(_) => {
                let next = self.shift_left_or_right(next, Word::Const(1), !is_left);
                self.shift_left_or_right(next, rest, !is_left)
            }
        };
        self.or(kept, incoming)
    }

    fn shift_left_or_right(&mut self, word: Word, amount: Word, is_left: bool) -> Word {
        match is_left {
            true => self.shl(word, amount),
            false => self.shr(word, amount),
        }
    }
}

/// The words moved by `distance` words.
fn move_words(words: &[Word], distance: usize, fill: Word, shift: Shift) -> Words {
    Words::from_fn(words.len(), |index| match shift {
        Shift::Left => index
            .checked_sub(distance)
            .map_or(Word::ZERO, |source| words[source]),
        Shift::Unsigned | Shift::Signed => *words.get(index + distance).unwrap_or(&fill),
    })
}

pub(super) fn lower_rotation(ctx: Ctx, inst: Inst) {
    let result = ctx.result(inst);
    let [value, amount] = operands(ctx, inst);
    let ty = ctx.ty(result);
    let amount = ctx.shift_amount(amount, ty);
    let is_left = ctx.data(inst).opcode() == Opcode::Rotl;
    let words = match ty {
        Type::I8 | Type::I16 => {
            let word = ctx.extended(value, Extend::Zero);
            Words::one(ctx.rotate_narrow(word, amount, ty, is_left))
        }
        Type::I32 => {
            let word = ctx.word(value, 0);
            Words::one(ctx.rotate_word(word, amount, is_left))
        }
        _ => {
            let words = ctx.words(value);
            ctx.rotate_words(&words, amount, is_left)
        }
    };
    ctx.define(result, &words);
}

impl Lower<'_, MInst> {
    /// Rotates the zero-extended value of type `ty` in `x`: as a word that holds it as often as fits, or by two shifts.
    fn rotate_narrow(&mut self, x: Word, amount: Word, ty: Type, is_left: bool) -> Word {
        let width = ty.bits() as i32;
        let back = match amount {
            Word::Const(amount) => Word::Const(-amount & (width - 1)),
            Word::Reg(_) => {
                let negated = self.neg(amount);
                self.and(negated, Word::Const(width - 1))
            }
        };
        let (left, right) = if is_left {
            (amount, back)
        } else {
            (back, amount)
        };
        let high = self.shl(x, left);
        let low = self.shr(x, right);
        self.or(high, low)
    }

    fn rotate_word(&mut self, x: Word, amount: Word, is_left: bool) -> Word {
        if let Word::Const(amount) = amount {
            let right = if is_left { -amount } else { amount } & 31;
            return self.rotate_word_right_by(x, right);
        }
        let (op, forth, back) = if is_left {
            (Op::Rol, Op::Sll, Op::Srl)
        } else {
            (Op::Ror, Op::Srl, Op::Sll)
        };
        if self.has_rotations_and_complements() {
            return self.rrr(op, x, amount);
        }
        // The shift back by the negated amount, modulo 32, brings the bits that fall out; for an amount of zero both shifts
        // give the word itself.
        let shifted = self.rrr(forth, x, amount);
        let rest = self.neg(amount);
        let fallen = self.rrr(back, x, rest);
        self.or(shifted, fallen)
    }

    fn rotate_word_right_by(&mut self, x: Word, amount: i32) -> Word {
        if amount == 0 {
            return x;
        }
        if self.has_rotations_and_complements() {
            return self.shift_imm(Op::Rori, x, amount);
        }
        let low = self.shr(x, Word::Const(amount));
        let high = self.shl(x, Word::Const(32 - amount));
        self.or(low, high)
    }

    /// By whole words first, in a circle, then by bits.
    fn rotate_words(&mut self, words: &[Word], amount: Word, is_left: bool) -> Words {
        let len = words.len();
        let mut words = Words::of(words);
        let mut distance = len / 2;
        while distance > 0 {
            let moved = Words::from_fn(len, |index| {
                let source = if is_left {
                    index + len - distance
                } else {
                    index + distance
                };
                words[source % len]
            });
            let bit = self.and(amount, Word::Const(32 * distance as i32));
            words = self.select_words(Condition::zero(bit), &words, &moved);
            distance /= 2;
        }
        if let Word::Const(amount) = amount
            && amount & 31 == 0
        {
            return words;
        }
        let rest = self.not(amount);
        Words::from_fn(len, |index| {
            let next = if is_left { index + len - 1 } else { index + 1 };
            self.funnel(words[index], words[next % len], amount, rest, is_left)
        })
    }
}
