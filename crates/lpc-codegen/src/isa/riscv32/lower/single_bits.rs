//! Single bits of words: testing, setting, clearing and flipping them.
//!
//! Zbs has an instruction for each. Without it, a bit that no immediate reaches is tested by shifting it to the sign. All this is for
//! better code only: at `-O none` these are computed as they are written.

use super::comparisons::{Comparison, Condition};
use super::words::{Word, exponent};
use super::{Ctx, operands};
use crate::backend::lower::{CurrentInst, Lower};
use crate::isa::riscv32::inst::MInst;
use lpc_lpir::ir::{IntCC, Opcode, Type, Value};
use lpc_riscv32::{Extension, Opcode as Op};

/// Whether a bit of a value is set, or is not.
#[derive(Clone, Copy)]
pub(super) struct BitTest {
    value: Value,
    /// The number of the word and of the bit there.
    word: usize,
    bit: i32,
    is_for_set: bool,
}

impl Lower<'_, MInst> {
    fn has_zbs(&self) -> bool {
        self.settings.optimizes_with(Extension::Zbs)
    }

    /// The test of a single bit that `comparison` is, where that is shorter than to compare.
    pub(super) fn as_bit_test(&mut self, comparison: Comparison) -> Option<BitTest> {
        let Comparison { cond, x, y } = comparison;
        let is_for_set = match cond {
            IntCC::Equal => false,
            IntCC::NotEqual => true,
            _ => return None,
        };
        let inst = self.def_with_opcode(x, Opcode::Band)?;
        let [value, mask] = operands(self, inst);
        if self.as_constant(y) != Some(0) {
            return None;
        }
        let mask = self.as_constant(mask)?;
        let bits = self.ty(value).bits();
        let low = mask as i32 & (u32::MAX >> (32 - bits.min(32))) as i32;
        let high = (mask >> 32) as i32;
        let (word, mask) = match (low, high) {
            _ if bits > 64 => return None,
            (low, 0) => (0, low),
            (low, _) if bits <= 32 => (0, low),
            (0, high) => (1, high),
            _ => return None,
        };
        let bit = exponent(mask)?;
        // Bits below are reached by the immediate of `andi`; it is the instruction of Zbs that saves one even there.
        (bit > 10 || is_for_set && self.has_zbs()).then_some(BitTest {
            value,
            word,
            bit,
            is_for_set,
        })
    }

    /// The condition that `test` succeeds, for a branch.
    pub(super) fn bit_condition(&mut self, test: BitTest) -> Condition {
        let word = self.word(test.value, test.word);
        let is_set = if test.bit <= 10 {
            Condition::nonzero(self.and(word, Word::Const(1 << test.bit)))
        } else {
            Condition::negative(self.shl(word, Word::Const(31 - test.bit)))
        };
        match test.is_for_set {
            true => is_set,
            false => is_set.complement(),
        }
    }

    /// 1 if `test` succeeds, otherwise 0.
    pub(super) fn bit_flag(&mut self, test: BitTest) -> Word {
        let word = self.word(test.value, test.word);
        let flag = self.extract_bit(word, test.bit);
        match test.is_for_set {
            true => flag,
            false => self.flip(flag),
        }
    }

    /// The bit number `bit` of `word`, as 0 or 1.
    pub(super) fn extract_bit(&mut self, word: Word, bit: i32) -> Word {
        match bit {
            0 => self.and(word, Word::Const(1)),
            31 => self.shr(word, Word::Const(31)),
            _ if self.has_zbs() => self.shift_imm(Op::Bexti, word, bit),
            _ => {
                let shifted = self.shr(word, Word::Const(bit));
                self.and(shifted, Word::Const(1))
            }
        }
    }

    /// The instruction of Zbs that combines `x` with the single bit of the constant `y`, where no immediate does.
    pub(super) fn combine_with_single_bit(&mut self, op: Op, x: Word, y: Word) -> Option<Word> {
        let Word::Const(constant) = y else {
            return None;
        };
        let (op, bit) = match op {
            Op::And => (Op::Bclri, !constant),
            Op::Or => (Op::Bseti, constant),
            Op::Xor => (Op::Binvi, constant),
            _ => return None,
        };
        if !self.has_zbs() || y.as_imm12().is_some() {
            return None;
        }
        Some(self.shift_imm(op, x, exponent(bit)?))
    }

    /// The instruction of Zbs that `x` and `y`, of type `i32`, combined by `opcode` are, if they are: one of them is a one
    /// shifted to the left, or its complement, or all of it is a bit shifted down.
    pub(super) fn combine_with_variable_bit(
        &mut self,
        opcode: Opcode,
        x: Value,
        y: Value,
    ) -> Option<Word> {
        if !self.has_zbs() || self.ty(x) != Type::I32 {
            return None;
        }
        self.combine_with_bit(opcode, x, y)
            .or_else(|| self.combine_with_bit(opcode, y, x))
    }

    /// As [`Self::combine_with_variable_bit`], if it is `y` that is the bit.
    fn combine_with_bit(&mut self, opcode: Opcode, x: Value, y: Value) -> Option<Word> {
        let op = match opcode {
            Opcode::Band => return self.clear_bit(x, y).or_else(|| self.test_bit(x, y)),
            Opcode::Bor => Op::Bset,
            _ => Op::Binv,
        };
        let number = self.as_single_bit(y)?;
        let x = self.word(x, 0);
        Some(self.rrr(op, x, number))
    }

    /// `x & !(1 << n)`, if `y` is the complement.
    fn clear_bit(&mut self, x: Value, y: Value) -> Option<Word> {
        let complement = self.def_with_opcode(y, Opcode::Bnot)?;
        let [bit] = operands(self, complement);
        let number = self.as_single_bit(bit)?;
        let x = self.word(x, 0);
        Some(self.rrr(Op::Bclr, x, number))
    }

    /// `(x >> n) & 1`, if `y` is one.
    fn test_bit(&mut self, x: Value, y: Value) -> Option<Word> {
        if self.as_constant(y) != Some(1) {
            return None;
        }
        let shift = self.def_with_opcode(x, Opcode::Ushr)?;
        let [x, number] = operands(self, shift);
        let (x, number) = (self.word(x, 0), self.word(number, 0));
        Some(self.rrr(Op::Bext, x, number))
    }

    /// The number of the bit, modulo 32, if `value` is a one shifted to the left by an amount in a register.
    fn as_single_bit(&mut self, value: Value) -> Option<Word> {
        let shift = self.def_with_opcode(value, Opcode::Ishl)?;
        let [one, number] = operands(self, shift);
        if self.as_constant(one) != Some(1) || self.as_constant(number).is_some() {
            return None;
        }
        Some(self.word(number, 0))
    }
}

/// The result of the current instruction, if that is a one shifted to the left and there are instructions for it.
pub(super) fn shifted_one(ctx: Ctx) -> Option<Word> {
    let CurrentInst { result, ty, .. } = ctx.current;
    if !ctx.has_zbs() || ty != Type::I32 {
        return None;
    }
    let number = ctx.as_single_bit(result)?;
    Some(ctx.rrr(Op::Bset, Word::ZERO, number))
}
