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
//!
//! A rotation is the same, of words in a circle. A narrow value is rotated as a word that holds it as often as fits.

use super::Ctx;
use super::comparisons::Condition;
use super::narrow::Extend;
use super::single_bits::shifted_one;
use super::words::{Word, Words, num_words};
use crate::backend::lower::{CurrentInst, Lower};
use crate::isa::riscv32::inst::MInst;
use lpc_lpir::ir::{Inst, Opcode, Type, Value};
use lpc_riscv32::Opcode as Op;

/// Where bits go, and what comes in at the other end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Shift {
    is_left: bool,
    incoming: Incoming,
}

/// What comes in where bits are shifted away from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Incoming {
    Zeros,
    /// Copies of the sign.
    Signs,
    /// What falls out at the other end.
    Rotated,
}

impl Shift {
    /// What the instruction `opcode` does.
    pub(super) fn of(opcode: Opcode) -> Self {
        use Opcode::*;
        Self {
            is_left: matches!(opcode, Ishl | Rotl),
            incoming: match opcode {
                Ishl | Ushr => Incoming::Zeros,
                Sshr => Incoming::Signs,
                _ => Incoming::Rotated,
            },
        }
    }

    /// The word of `words` that comes to the place `index` when they move by `distance` words. From beyond the end comes `fill`,
    /// unless the words move in a circle.
    fn source(self, words: &[Word], index: usize, distance: usize, fill: Word) -> Word {
        let source = match self.is_left {
            true => index.wrapping_sub(distance),
            false => index + distance,
        };
        match self.incoming {
            // There are one, two or four words.
            Incoming::Rotated => words[source % words.len()],
            _ => words.get(source).copied().unwrap_or(fill),
        }
    }
}

/// `ishl`, `ushr`, `sshr`, `rotl` and `rotr`.
pub(super) fn lower(ctx: Ctx, _: Inst) {
    let CurrentInst {
        opcode,
        result,
        ty,
        args: [value, amount, _],
    } = ctx.current;
    let shift = Shift::of(opcode);
    if ctx.settings.optimizes()
        && let Some(words) = ctx.special_shift(shift)
    {
        return ctx.define(result, &words);
    }
    let amount = ctx.shift_amount(amount, ty);
    let mut words = match shift.incoming {
        Incoming::Zeros if shift.is_left => ctx.words(value),
        Incoming::Signs => ctx.extended_words(value, Extend::Sign),
        _ => ctx.extended_words(value, Extend::Zero),
    };
    let mut needed = ctx.needed(result);
    if shift.incoming == Incoming::Rotated {
        needed = u8::MAX;
        words[0] = ctx.repeat(words[0], ty);
    }
    ctx.shift_words(&mut words, amount, shift, needed);
    ctx.define(result, &words);
}

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

    /// A word that holds the zero-extended value of type `ty` in `word` as often as fits.
    fn repeat(&mut self, word: Word, ty: Type) -> Word {
        let mut word = word;
        let mut width = ty.bits();
        while width < Type::I32.bits() {
            let moved = self.shl(word, Word::Const(width as i32));
            word = self.or(word, moved);
            width *= 2;
        }
        word
    }

    /// Shifts `words`, by an amount less than their width. Those that are not `needed` are not computed.
    ///
    /// The words are computed from the end that the bits move to: then each can take the register of what it comes from.
    pub(super) fn shift_words(
        &mut self,
        words: &mut Words,
        amount: Word,
        shift: Shift,
        needed: u8,
    ) {
        let len = words.len();
        let is_circle = shift.incoming == Incoming::Rotated;
        let moves_words = len > 1 && !matches!(amount, Word::Const(0..32));
        let fill = match shift.incoming {
            Incoming::Signs if moves_words => self.sign(words[len - 1]),
            _ => Word::ZERO,
        };
        let mut distance = len / 2;
        while distance > 0 {
            let mut moved = words.clone();
            for (index, word) in moved.iter_mut().enumerate() {
                *word = shift.source(words, index, distance, fill);
            }
            let bit = self.and(amount, Word::Const(32 * distance as i32));
            *words = self.select_words(Condition::zero(bit), words, &moved);
            distance /= 2;
        }
        if let Word::Const(amount) = amount
            && amount % 32 == 0
        {
            return;
        }
        let rest = match len {
            1 if !is_circle => Word::ZERO,
            _ => self.not(amount),
        };
        let sources = words.clone();
        for step in 0..len {
            let index = match shift.is_left && !is_circle {
                true => len - 1 - step,
                false => step,
            };
            if needed & 1 << index == 0 {
                continue;
            }
            let word = sources[index];
            let kept = self.shift_one_word(word, amount, shift, index + 1 == len);
            let next = shift.source(&sources, index, 1, Word::ZERO);
            let incoming = match amount {
                Word::Const(amount) => {
                    self.shift_to(!shift.is_left, next, Word::Const(32 - amount % 32))
                }
                Word::Reg(_) => {
                    let next = self.shift_to(!shift.is_left, next, Word::Const(1));
                    self.shift_to(!shift.is_left, next, rest)
                }
            };
            words[index] = self.or(kept, incoming);
        }
    }

    /// The word that bits come in to from no other: `word` shifted, where `is_last` says whether it has the sign.
    fn shift_one_word(&mut self, word: Word, amount: Word, shift: Shift, is_last: bool) -> Word {
        match shift.incoming {
            Incoming::Signs if is_last => self.sar(word, amount),
            _ => self.shift_to(shift.is_left, word, amount),
        }
    }

    /// Shifts a word to the left or to the right, filled with zeros.
    fn shift_to(&mut self, is_left: bool, word: Word, amount: Word) -> Word {
        match is_left {
            true => self.shl(word, amount),
            false => self.shr(word, amount),
        }
    }
}

/// Shorter ways for some shifts.
impl Lower<'_, MInst> {
    /// What the current instruction, a shift, gives, if there is a shorter way.
    fn special_shift(&mut self, shift: Shift) -> Option<Words> {
        let CurrentInst {
            result,
            ty,
            args: [value, amount, _],
            ..
        } = self.current;
        if shift.incoming == Incoming::Rotated {
            return self.rotate_one_word(value, amount, ty, shift.is_left);
        }
        if shift.is_left && ty == Type::I64 && self.as_constant(value) == Some(1) {
            return Some(self.single_bit(amount));
        }
        if let Some(bit) = shifted_one(self) {
            return Some(Words::one(bit));
        }
        if num_words(ty) == 1 {
            return None;
        }
        let Word::Const(amount) = self.shift_amount(amount, ty) else {
            return None;
        };
        let words = self.words_that_stay(value, amount as usize / 32, shift);
        let needed = self.needed(result);
        Some(self.shift_words_by(&words, amount, shift, needed))
    }

    /// The words of `value` of which anything is left when it is shifted by `distance` words and some bits.
    fn words_that_stay(&mut self, value: Value, distance: usize, shift: Shift) -> Words {
        let len = num_words(self.ty(value));
        Words::from_fn(len, |index| {
            let stays = match shift.is_left {
                true => index + distance < len,
                false => index >= distance,
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
    fn shift_words_by(&mut self, words: &[Word], amount: i32, shift: Shift, needed: u8) -> Words {
        let (distance, bits) = ((amount / 32) as usize, Word::Const(amount % 32));
        let rest = Word::Const(32 - amount % 32);
        let is_whole = amount % 32 == 0;
        let last = words.len() - 1;
        let mut fill = None;
        Words::from_fn_in_order(words.len(), shift.is_left, |index| {
            if needed & 1 << index == 0 {
                return Word::ZERO;
            }
            // The word that comes to this place, and the one whose bits come in from the side.
            let (source, below, above) = match shift.is_left {
                true if index < distance => return Word::ZERO,
                true => {
                    let source = index - distance;
                    (source, source.checked_sub(1), Some(source))
                }
                false => {
                    let source = index + distance;
                    (
                        source,
                        Some(source),
                        Some(source + 1).filter(|&above| above <= last),
                    )
                }
            };
            match (below, above) {
                _ if source > last => match shift.incoming {
                    Incoming::Signs => *fill.get_or_insert_with(|| self.sign(words[last])),
                    _ => Word::ZERO,
                },
                (Some(below), Some(above)) if !is_whole => {
                    let (up, down) = match shift.is_left {
                        true => (bits, rest),
                        false => (rest, bits),
                    };
                    let low = self.shr(words[below], down);
                    self.shift_and_add(words[above], up, low)
                }
                _ => self.shift_one_word(words[source], bits, shift, source == last),
            }
        })
    }

    /// Rotates a value that is not wide. A narrow one takes two shifts and a combination.
    fn rotate_one_word(
        &mut self,
        value: Value,
        amount: Value,
        ty: Type,
        is_left: bool,
    ) -> Option<Words> {
        if num_words(ty) > 1 {
            return None;
        }
        let amount = self.shift_amount(amount, ty);
        let word = self.extended(value, Extend::Zero);
        Some(Words::one(match ty {
            Type::I32 => self.rotate_word(word, amount, is_left),
            _ => self.rotate_narrow(word, amount, ty, is_left),
        }))
    }

    /// Rotates the zero-extended value of type `ty` in `x`, by two shifts.
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
}
