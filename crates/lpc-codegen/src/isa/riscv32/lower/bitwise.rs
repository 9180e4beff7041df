//! Bitwise instructions, and those that reverse the order of bytes or bits.

use super::narrow::Extend;
use super::words::{Word, Words};
use super::{Ctx, operands};
use crate::backend::lower::Lower;
use crate::isa::riscv32::inst::MInst;
use lpc_lpir::ir::{Inst, Opcode, Value};
use lpc_riscv32::{Extension, Opcode as Op};

pub(super) fn lower(ctx: Ctx, inst: Inst) {
    let result = ctx.result(inst);
    for index in 0..ctx.needed_words(result) {
        if !ctx.is_word_needed(result, index) {
            continue;
        }
        let word = match ctx.data(inst).opcode() {
            Opcode::Bnot => {
                let [x] = operands(ctx, inst);
                let x = ctx.word(x, index);
                ctx.not(x)
            }
            Opcode::Bitselect => {
                let [mask, x, y] = operands(ctx, inst);
                let mask = ctx.word(mask, index);
                let (x, y) = (ctx.word(x, index), ctx.word(y, index));
                ctx.select_bits(mask, x, y)
            }
            opcode => {
                let [x, y] = operands(ctx, inst);
                ctx.combine(opcode, x, y, index)
            }
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

    /// A word of `x` and `y`, combined by the instruction `opcode`.
    fn combine(&mut self, opcode: Opcode, x: Value, y: Value, index: usize) -> Word {
        let is_zero = |&arg: &Value| self.known_word(arg, index) == Some(0);
        if opcode == Opcode::Band && [x, y].iter().any(is_zero) {
            return Word::ZERO;
        }
        if let Some(word) = self.masked_shift(opcode, x, y, index) {
            return word;
        }
        if let Some(word) = self.combine_with_variable_bit(opcode, x, y) {
            return word;
        }
        if let Some(word) = self.combine_with_complement(opcode, x, y, index) {
            return word;
        }
        let (x, y) = (self.word(x, index), self.word(y, index));
        match opcode {
            Opcode::Band => self.and(x, y),
            Opcode::Bor => self.or(x, y),
            _ => self.xor(x, y),
        }
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

    /// Whether the target has the part that Zbb and Zbkb have in common.
    pub(super) fn has_rotations_and_complements(&self) -> bool {
        let extensions = self.settings.extensions;
        extensions.contains(Extension::Zbb) || extensions.contains(Extension::Zbkb)
    }
}

/// `bswap` and `bitrev`. A wide value is its words in the opposite order, each reversed; a narrow one is reversed as the
/// upper part of a word and then shifted down.
pub(super) fn lower_reversal(ctx: Ctx, inst: Inst) {
    let result = ctx.result(inst);
    let bits = ctx.ty(result).bits();
    let opcode = ctx.data(inst).opcode();
    let [x] = operands(ctx, inst);
    let is_zero_extended = ctx.is_extended(x, Extend::Zero);
    let x = ctx.words(x);
    let last = x.len() - 1;
    let words = Words::from_fn(x.len(), |index| {
        let word = x[last - index];
        let word = match bits {
            8 => word,
            16 if is_zero_extended => ctx.swap_two_bytes_of_zero_extended(word),
            16 => ctx.swap_two_bytes(word),
            _ => ctx.swap_bytes(word),
        };
        match opcode {
            Opcode::Bswap => word,
            _ => ctx.reverse_bits_in_bytes(word, bits.min(32)),
        }
    });
    ctx.define(result, &words);
}

impl Lower<'_, MInst> {
    /// Exchanges the two lowest bytes. Those above are undefined.
    pub(super) fn swap_two_bytes(&mut self, x: Word) -> Word {
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

    /// Reverses the four bytes.
    pub(super) fn swap_bytes(&mut self, x: Word) -> Word {
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
        if self.settings.extensions.contains(Extension::Zbkb) {
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
