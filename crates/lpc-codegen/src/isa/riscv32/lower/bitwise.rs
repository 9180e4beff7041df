//! Bitwise instructions, and those that reverse the order of bytes or bits.

use super::narrow::Extend;
use super::words::{Word, Words};
use super::{Ctx, operands};
use crate::backend::lower::{CurrentInst, Lower};
use crate::isa::riscv32::inst::MInst;
use lpc_lpir::ir::{Inst, Opcode, Value};
use lpc_riscv32::{Extension, Opcode as Op};

/// `band`, `bor`, `bxor`, `bnot` and `bitselect`.
pub(super) fn lower(ctx: Ctx, _: Inst) {
    let CurrentInst {
        opcode,
        result,
        args: [x, y, z],
        ..
    } = ctx.current;
    for index in 0..ctx.needed_words(result) {
        if !ctx.is_word_needed(result, index) {
            continue;
        }
        if ctx.settings.optimizes()
            && let Some(word) = ctx.special_combination(opcode, x, y, index)
        {
            ctx.define_word(result, index, word);
            continue;
        }
        let x = ctx.word(x, index);
        // A complement differs everywhere.
        let y = match opcode {
            Opcode::Bnot => Word::Const(-1),
            _ => ctx.word(y, index),
        };
        let word = match opcode {
            Opcode::Band => ctx.and(x, y),
            Opcode::Bor => ctx.or(x, y),
            Opcode::Bitselect => {
                let z = ctx.word(z, index);
                ctx.select_bits(x, y, z)
            }
            _ => ctx.xor(x, y),
        };
        ctx.define_word(result, index, word);
    }
}

impl Lower<'_, MInst> {
    /// Where the mask has a one, the difference of the two flips the bit of the second to that of the first.
    pub(super) fn select_bits(&mut self, mask: Word, x: Word, y: Word) -> Word {
        let difference = self.xor(x, y);
        let selected = self.and(difference, mask);
        self.xor(selected, y)
    }
}

/// Shorter ways to combine.
impl Lower<'_, MInst> {
    /// A word of `x` and `y`, combined by the instruction `opcode`, if there is a shorter way.
    fn special_combination(
        &mut self,
        opcode: Opcode,
        x: Value,
        y: Value,
        index: usize,
    ) -> Option<Word> {
        if matches!(opcode, Opcode::Bnot | Opcode::Bitselect) {
            return None;
        }
        let is_zero = |&arg: &Value| self.known_word(arg, index) == Some(0);
        if opcode == Opcode::Band && [x, y].iter().any(is_zero) {
            return Some(Word::ZERO);
        }
        self.masked_shift(opcode, x, y, index)
            .or_else(|| self.combine_with_variable_bit(opcode, x, y))
            .or_else(|| self.combine_with_complement(opcode, x, y, index))
    }

    /// The low word of `x` shifted to the right by a constant, and masked by the constant `y` so that nothing is left of what
    /// comes in from the next word.
    fn masked_shift(&mut self, opcode: Opcode, x: Value, y: Value, index: usize) -> Option<Word> {
        if opcode != Opcode::Band || index > 0 || self.ty(x).bits() < 32 {
            return None;
        }
        let shift = self.def_with_opcode(x, Opcode::Ushr)?;
        let [x, amount] = operands(self, shift);
        let amount = self.as_constant(amount)? as u32 & (self.ty(x).bits() - 1);
        let mask = self.known_word(y, 0)?;
        if (mask as u32).leading_zeros() < amount % 32 {
            return None;
        }
        let word = self.word(x, amount as usize / 32);
        let amount = amount as i32 % 32;
        if mask == 1 {
            return Some(self.extract_bit(word, amount));
        }
        let shifted = self.shr(word, Word::Const(amount));
        Some(self.and(shifted, Word::Const(mask)))
    }

    /// The instruction of Zbb or Zbkb that also complements its second operand, where one operand is a complement.
    fn combine_with_complement(
        &mut self,
        opcode: Opcode,
        x: Value,
        y: Value,
        index: usize,
    ) -> Option<Word> {
        if !self.has_rotations_and_complements() {
            return None;
        }
        let op = match opcode {
            Opcode::Band => Op::Andn,
            Opcode::Bor => Op::Orn,
            _ => Op::Xnor,
        };
        self.combine_with_complement_of(op, x, y, index)
            .or_else(|| self.combine_with_complement_of(op, y, x, index))
    }

    /// As [`Self::combine_with_complement`], if it is `y` that is the complement.
    fn combine_with_complement_of(
        &mut self,
        op: Op,
        x: Value,
        y: Value,
        index: usize,
    ) -> Option<Word> {
        let complement = self.def_with_opcode(y, Opcode::Bnot)?;
        let [y] = operands(self, complement);
        let (x, y) = (self.word(x, index), self.word(y, index));
        Some(self.rrr(op, x, y))
    }

    /// Whether to use the part that Zbb and Zbkb have in common.
    pub(super) fn has_rotations_and_complements(&self) -> bool {
        let settings = self.settings;
        settings.optimizes_with(Extension::Zbb) || settings.optimizes_with(Extension::Zbkb)
    }
}

/// What is done with the lower and the upper half of each field of a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Halves {
    /// They change places.
    Exchange,
    /// They are added.
    Add,
}

/// The lower halves of the fields of a word, whose halves are 1, 2, 4 and 8 bits wide.
const LOWER_HALVES: [i32; 4] = [0x5555_5555, 0x3333_3333, 0x0f0f_0f0f, 0x00ff_00ff];

/// The number of steps until halves are half a word.
const STEPS: usize = 5;

/// The first step that moves bytes.
const BYTES: usize = 3;

/// `bswap` and `bitrev`. A wide value is its words in the opposite order, each reversed; a narrow one is reversed as the
/// upper part of a word and then shifted down.
pub(super) fn lower_reversal(ctx: Ctx, _: Inst) {
    let CurrentInst {
        opcode,
        result,
        ty,
        args: [x, ..],
    } = ctx.current;
    if ctx.settings.optimizes() {
        let words = ctx.special_reversal(opcode, x);
        return ctx.define(result, &words);
    }
    let first = match opcode {
        Opcode::Bswap => BYTES,
        _ => 0,
    };
    let unused = Word::Const(32 - ty.bits() as i32);
    let mut words = ctx.words(x);
    words.reverse();
    for word in words.iter_mut() {
        let reversed = ctx.join_halves(*word, first, Halves::Exchange);
        *word = ctx.shr(reversed, unused);
    }
    ctx.define(result, &words);
}

impl Lower<'_, MInst> {
    /// Joins the halves of the fields of `x` in steps: those of 2, 4, 8, 16 and 32 bits one after the other, from step number
    /// `first` on.
    ///
    /// When all halves have been exchanged, the bits are in the opposite order. When all have been added, the low 16 bits are
    /// the number of ones.
    pub(super) fn join_halves(&mut self, x: Word, first: usize, halves: Halves) -> Word {
        let mut x = x;
        for step in first..STEPS {
            let distance = Word::Const(1 << step);
            let mut upper = self.shr(x, distance);
            let mut lower = x;
            // From half a word, nothing comes along that must be masked away, or nothing that matters.
            if let Some(&mask) = LOWER_HALVES.get(step) {
                let mask = Word::Reg(self.virtual_reg(Word::Const(mask)));
                upper = self.and(upper, mask);
                lower = self.and(lower, mask);
            }
            if halves == Halves::Exchange {
                lower = self.shl(lower, distance);
            }
            x = self.add(lower, upper);
        }
        x
    }

    /// The two lowest bytes, exchanged. Those above are undefined.
    pub(super) fn swap_two_bytes(&mut self, x: Word) -> Word {
        if self.settings.optimizes() {
            return self.swap_two_bytes_shorter(x);
        }
        let swapped = self.swap_bytes(x);
        self.shr(swapped, Word::Const(16))
    }

    /// The four bytes in the opposite order.
    pub(super) fn swap_bytes(&mut self, x: Word) -> Word {
        match self.settings.optimizes() {
            true => self.swap_bytes_shorter(x),
            false => self.join_halves(x, BYTES, Halves::Exchange),
        }
    }
}

/// Shorter ways to reverse bytes and bits.
impl Lower<'_, MInst> {
    /// The words of `x`, with bytes or bits reversed as `opcode` says.
    fn special_reversal(&mut self, opcode: Opcode, x: Value) -> Words {
        let bits = self.ty(x).bits();
        let is_zero_extended = self.is_extended(x, Extend::Zero);
        let x = self.words(x);
        let last = x.len() - 1;
        Words::from_fn(x.len(), |index| {
            let word = x[last - index];
            let word = match bits {
                8 => word,
                16 if is_zero_extended => self.swap_two_bytes_of_zero_extended(word),
                16 => self.swap_two_bytes(word),
                _ => self.swap_bytes(word),
            };
            match opcode {
                Opcode::Bswap => word,
                _ => self.reverse_bits_in_bytes(word, bits.min(32)),
            }
        })
    }

    /// As [`Self::swap_two_bytes`].
    fn swap_two_bytes_shorter(&mut self, x: Word) -> Word {
        if self.has_rev8() {
            let swapped = self.rr(Op::Rev8, x);
            return self.shr(swapped, Word::Const(16));
        }
        let top = self.shl(x, Word::Const(16));
        let low = self.shr(top, Word::Const(24));
        let high = self.shl(x, Word::Const(8));
        self.or(high, low)
    }

    /// As [`Self::swap_two_bytes`], where the bytes above are zero in `x`.
    pub(super) fn swap_two_bytes_of_zero_extended(&mut self, x: Word) -> Word {
        if self.has_rev8() {
            return self.swap_two_bytes(x);
        }
        let low = self.shr(x, Word::Const(8));
        let high = self.shl(x, Word::Const(8));
        self.or(high, low)
    }

    /// As [`Self::swap_bytes`].
    fn swap_bytes_shorter(&mut self, x: Word) -> Word {
        if self.has_rev8() {
            return self.rr(Op::Rev8, x);
        }
        let byte_1 = Word::Const(0xff00);
        let top = self.shl(x, Word::Const(24));
        let bottom = self.shr(x, Word::Const(24));
        let low = self.and(x, byte_1);
        let upper = self.shl(low, Word::Const(8));
        let high = self.shr(x, Word::Const(8));
        let lower = self.and(high, byte_1);
        let outer = self.or(top, bottom);
        let inner = self.or(upper, lower);
        self.or(outer, inner)
    }

    fn has_rev8(&self) -> bool {
        self.has_rotations_and_complements()
    }

    /// Reverses the bits of each byte among the lowest `bits`: exchanges halves, then quarters of them, then neighbors.
    fn reverse_bits_in_bytes(&mut self, x: Word, bits: u32) -> Word {
        if self.settings.optimizes_with(Extension::Zbkb) {
            return self.rr(Op::Brev8, x);
        }
        [(4, 0x0f0f_0f0f_u32), (2, 0x3333_3333), (1, 0x5555_5555)]
            .into_iter()
            .fold(x, |x, (distance, mask)| {
                let distance = Word::Const(distance);
                let mask = Word::Const((mask >> (32 - bits)) as i32);
                let shifted = self.shr(x, distance);
                let down = self.and(shifted, mask);
                let kept = self.and(x, mask);
                self.shift_and_add(kept, distance, down)
            })
    }
}
