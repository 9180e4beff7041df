//! Words: what values are made of on a machine with 32-bit registers, and how to compute with them.
//!
//! A value of one, two or four registers is a row of [`Word`]s, the low one first. A word is in a register or is a constant
//! that is known now. The methods here compute with words and pick the shortest instruction: an immediate where a constant
//! fits one, nothing at all where a constant makes the result known. So the rules for wide values need not look for
//! constants themselves; adding a small constant to a pair, or multiplying two zero-extended words, comes out right.
//!
//! A constant that must be in a register is loaded where it is needed, which is seldom worse than to keep it; but not in a
//! loop, where it takes the register that the program put it in outside.
//!
//! Words are demanded one by one. The upper half of a sum that nobody reads is never computed.

use crate::backend::abi::words_of;
use crate::backend::lower::Lower;
use crate::backend::reg::Reg;
use crate::isa::riscv32::inst::{MAX_SELECTED_WORDS, MInst};
use crate::isa::riscv32::regs::zero_reg;
use lpc_lpir::ir::{Inst, InstructionData, Opcode, Type, Value};
use lpc_riscv32::{Extension, Imm12, Opcode as Op};

/// A word that is an operand of an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Word {
    /// It is known.
    Const(i32),
    /// It is in a virtual register.
    Reg(Reg),
}

impl Word {
    pub(super) const ZERO: Self = Self::Const(0);

    /// The constant, if it fits an immediate.
    pub(super) fn as_imm12(self) -> Option<Imm12> {
        match self {
            Self::Const(value) => Imm12::maybe(value),
            Self::Reg(_) => None,
        }
    }
}

/// How far the search for a constant that is loaded already goes back.
const MAX_INSTS_SEARCHED: usize = 64;

/// The most definitions that the search for the source of a word looks through.
const MAX_DEPTH: usize = 4;

impl Lower<'_, MInst> {
    /// The word number `index` of `value`.
    ///
    /// Looks through conversions, so that the upper word of a zero-extended value is the constant zero.
    pub(super) fn word(&mut self, value: Value, index: usize) -> Word {
        let (original, inst) = self.func.dfg.original_and_inst(value);
        match inst {
            Some(inst) if may_pass_on(self.data(inst).opcode()) => self.source_word(value, index),
            inst => {
                debug_assert!(inst.is_none_or(|inst| self.source_in(inst, index).is_none()));
                Word::Reg(self.put_word_of_original_in_reg(original, index))
            }
        }
    }

    /// As [`Self::word`], of a value that may have its words from others.
    #[cfg_attr(target_os = "none", inline(never))]
    fn source_word(&mut self, value: Value, index: usize) -> Word {
        let (mut value, mut index) = (value, index);
        for _ in 0..MAX_DEPTH {
            let Some(inst) = self.func.dfg.value_inst(value) else {
                break;
            };
            if let InstructionData::UnaryImm { .. } = self.data(inst)
                && let Some(constant) = self.as_constant(value)
            {
                let constant = word_of_constant(constant, index);
                self.note_constant(constant, value, index);
                return Word::Const(constant);
            }
            match self.source_in(inst, index) {
                Some(WordSource::Const(constant)) => return Word::Const(constant),
                Some(WordSource::Value(source, source_index)) => {
                    (value, index) = (source, source_index);
                }
                None => break,
            }
        }
        Word::Reg(self.put_word_in_reg(value, index))
    }

    /// The word number `index` of `value`, if it is known. Asks for no register.
    pub(super) fn known_word(&self, value: Value, index: usize) -> Option<i32> {
        let (mut value, mut index) = (value, index);
        for _ in 0..MAX_DEPTH {
            if let Some(constant) = self.as_constant(value) {
                return Some(word_of_constant(constant, index));
            }
            let inst = self.func.dfg.value_inst(value)?;
            match self.source_in(inst, index)? {
                WordSource::Const(constant) => return Some(constant),
                WordSource::Value(source, source_index) => (value, index) = (source, source_index),
            }
        }
        None
    }

    /// Where the word number `index` of the result of `inst` comes from, if the instruction just passes it on.
    fn source_in(&self, inst: Inst, index: usize) -> Option<WordSource> {
        match *self.data(inst) {
            InstructionData::Unary {
                opcode: Opcode::Uextend,
                arg,
            } => {
                let from = self.ty(arg);
                if from.bits() < 32 {
                    return (index > 0).then_some(WordSource::Const(0));
                }
                Some(if index < words_of(from) as usize {
                    WordSource::Value(arg, index)
                } else {
                    WordSource::Const(0)
                })
            }
            InstructionData::Unary {
                opcode: Opcode::Sextend,
                arg,
            } => {
                let from = self.ty(arg);
                let is_passed_on = from.bits() >= 32 && index < words_of(from) as usize;
                match self.as_constant(arg) {
                    Some(constant) => Some(WordSource::Const(word_of_constant(constant, index))),
                    None => is_passed_on.then_some(WordSource::Value(arg, index)),
                }
            }
            // Counts fit the low word.
            InstructionData::Unary {
                opcode: Opcode::Clz | Opcode::Cls | Opcode::Ctz | Opcode::Popcnt,
                ..
            } => (index > 0).then_some(WordSource::Const(0)),
            InstructionData::Unary {
                opcode: Opcode::Ireduce,
                arg,
            } => Some(WordSource::Value(arg, index)),
            InstructionData::Binary {
                opcode: Opcode::Iconcat,
                args: [low, high],
            } => {
                let half = words_of(self.ty(low)) as usize;
                if self.ty(low).bits() < 32 {
                    return None;
                }
                Some(if index < half {
                    WordSource::Value(low, index)
                } else {
                    WordSource::Value(high, index - half)
                })
            }
            InstructionData::Binary {
                opcode: Opcode::Band,
                args,
            } => args
                .into_iter()
                .any(|arg| self.is_zero_in_constant(arg, index))
                .then_some(WordSource::Const(0)),
            InstructionData::Binary {
                opcode: opcode @ (Opcode::Ishl | Opcode::Ushr),
                args: [arg, amount],
            } => self.source_of_shifted_word(opcode, arg, amount, index),
            _ => None,
        }
    }

    /// Whether `value` is a constant with a word number `index` that is zero.
    fn is_zero_in_constant(&self, value: Value, index: usize) -> bool {
        self.as_constant(value)
            .is_some_and(|constant| word_of_constant(constant, index) == 0)
    }

    /// A word of `arg` shifted by a constant, if it is zero or a whole word of `arg`.
    fn source_of_shifted_word(
        &self,
        opcode: Opcode,
        arg: Value,
        amount: Value,
        index: usize,
    ) -> Option<WordSource> {
        let ty = self.ty(arg);
        let len = words_of(ty) as usize;
        if len == 1 {
            return None;
        }
        let amount = self.as_constant(amount)? as usize & (ty.bits() as usize - 1);
        let (distance, is_whole) = (amount / 32, amount.is_multiple_of(32));
        let source = match opcode {
            Opcode::Ishl => index.checked_sub(distance),
            _ => Some(index + distance).filter(|&source| source < len),
        };
        match source {
            None => Some(WordSource::Const(0)),
            Some(source) => is_whole.then_some(WordSource::Value(arg, source)),
        }
    }

    /// All words of `value`.
    pub(super) fn words(&mut self, value: Value) -> Words {
        self.low_words(value, num_words(self.ty(value)))
    }

    /// The lowest `count` words of `value`.
    pub(super) fn low_words(&mut self, value: Value, count: usize) -> Words {
        match count {
            1 => Words::one(self.word(value, 0)),
            _ => Words::from_fn(count, |index| self.word(value, index)),
        }
    }

    /// Makes `word` the word number `index` of the result `value` of the current instruction.
    pub(super) fn define_word(&mut self, value: Value, index: usize, word: Word) {
        match word {
            Word::Reg(reg) => self.alias_output_word(value, index, reg),
            Word::Const(constant) => {
                let rd = self.output_word(value, index);
                self.emit(MInst::LoadConst32 {
                    rd,
                    value: constant,
                });
            }
        }
    }

    /// As [`Self::define_word`], if that word is needed.
    pub(super) fn define_needed_word(&mut self, value: Value, index: usize, word: Word) {
        if self.is_word_needed(value, index) {
            self.define_word(value, index, word);
        }
    }

    /// What `op` gives for each pair of words of `x` and `y`.
    pub(super) fn each_word(
        &mut self,
        x: &[Word],
        y: &[Word],
        op: fn(&mut Self, Word, Word) -> Word,
    ) -> Words {
        let mut words = Words::of(x);
        for (x, &y) in words.iter_mut().zip(y) {
            *x = op(self, *x, y);
        }
        words
    }

    /// Makes `words` the result `value` of the current instruction, as far as it is needed.
    pub(super) fn define(&mut self, value: Value, words: &[Word]) {
        let needed = self.needed(value);
        for (index, &word) in words.iter().enumerate() {
            if needed & 1 << index != 0 {
                self.define_word(value, index, word);
            }
        }
    }

    /// A register that holds `word`. What the current instruction needs more than once it loads once.
    #[inline]
    pub(super) fn reg(&mut self, word: Word) -> Reg {
        match word {
            Word::Reg(reg) => reg,
            Word::Const(0) => zero_reg(),
            Word::Const(constant) => self.constant_reg(constant),
        }
    }

    /// A register that holds `constant`.
    #[cfg_attr(target_os = "none", inline(never))]
    fn constant_reg(&mut self, constant: i32) -> Reg {
        self.register_outside_loop(constant)
            .or_else(|| self.loaded_constant(constant))
            .unwrap_or_else(|| self.virtual_reg(Word::Const(constant)))
    }

    /// The register in which the current instruction has loaded `constant` just before.
    fn loaded_constant(&self, constant: i32) -> Option<Reg> {
        let latest = self.emitted().iter().rev().take(MAX_INSTS_SEARCHED);
        latest.into_iter().find_map(|inst| match *inst {
            MInst::LoadConst32 { rd, value } if value == constant => Some(rd.to_reg()),
            _ => None,
        })
    }

    /// A virtual register that holds `word`, even where it is zero: for what the register allocator moves.
    pub(super) fn virtual_reg(&mut self, word: Word) -> Reg {
        match word {
            Word::Reg(reg) => reg,
            Word::Const(value) => {
                let rd = self.temp();
                self.emit(MInst::LoadConst32 { rd, value });
                rd.to_reg()
            }
        }
    }

    /// Emits `op` on two registers.
    pub(super) fn rrr(&mut self, op: Op, x: Word, y: Word) -> Word {
        let (rs1, rs2) = (self.reg(x), self.reg(y));
        let rd = self.temp();
        self.emit(MInst::AluRRR { op, rd, rs1, rs2 });
        Word::Reg(rd.to_reg())
    }

    /// Emits `op` on a register.
    pub(super) fn rr(&mut self, op: Op, x: Word) -> Word {
        let rs = self.reg(x);
        let rd = self.temp();
        self.emit(MInst::AluRR { op, rd, rs });
        Word::Reg(rd.to_reg())
    }

    /// Emits `op` on a register and an immediate.
    fn rri(&mut self, op: Op, x: Word, imm: Imm12) -> Word {
        let rs = self.reg(x);
        let rd = self.temp();
        self.emit(MInst::AluRRImm12 { op, rd, rs, imm });
        Word::Reg(rd.to_reg())
    }

    /// Emits `op_imm` where `y` fits an immediate, otherwise `op`.
    fn rr_or_imm(&mut self, op: Op, op_imm: Op, x: Word, y: Word) -> Word {
        match (y, y.as_imm12()) {
            (Word::Reg(_), _) => self.rrr(op, x, y),
            (_, Some(imm)) => self.rri(op_imm, x, imm),
            (_, None) => self
                .combine_with_single_bit(op, x, y)
                .unwrap_or_else(|| self.rrr(op, x, y)),
        }
    }

    /// `x + y`.
    pub(super) fn add(&mut self, x: Word, y: Word) -> Word {
        match (x, y) {
            (Word::Const(x), Word::Const(y)) => Word::Const(x.wrapping_add(y)),
            (x, Word::Const(0)) | (Word::Const(0), x) => x,
            (Word::Const(_), Word::Reg(_)) => self.add(y, x),
            (_, Word::Const(constant)) if is_sum_of_imm12(constant) => {
                let part = if constant < 0 { -2048 } else { 2047 };
                let sum = self.add(x, Word::Const(part));
                self.add(sum, Word::Const(constant - part))
            }
            _ => self.rr_or_imm(Op::Add, Op::Addi, x, y),
        }
    }

    /// `x - y`.
    pub(super) fn sub(&mut self, x: Word, y: Word) -> Word {
        match y {
            // -2048 is an immediate and 2048 is not, so it is the negated constant that counts.
            Word::Const(constant) => self.add(x, Word::Const(constant.wrapping_neg())),
            Word::Reg(_) => self.rrr(Op::Sub, x, y),
        }
    }

    /// `-x`.
    pub(super) fn neg(&mut self, x: Word) -> Word {
        self.sub(Word::ZERO, x)
    }

    /// `x & y`.
    pub(super) fn and(&mut self, x: Word, y: Word) -> Word {
        match (x, y) {
            (Word::Const(x), Word::Const(y)) => Word::Const(x & y),
            (_, Word::Const(0)) | (Word::Const(0), _) => Word::ZERO,
            (x, Word::Const(-1)) | (Word::Const(-1), x) => x,
            (Word::Const(_), Word::Reg(_)) => self.and(y, x),
            (_, Word::Const(mask)) if is_wide_low_mask(mask) => self.keep_low_bits(x, mask),
            _ => self.rr_or_imm(Op::And, Op::Andi, x, y),
        }
    }

    /// `x & mask`, for a mask of low bits: two shifts are shorter than to load it, and no longer than to load most.
    fn keep_low_bits(&mut self, x: Word, mask: i32) -> Word {
        if let Some(cleared) = self.combine_with_single_bit(Op::And, x, Word::Const(mask)) {
            return cleared;
        }
        if mask == 0xffff && self.has_rotations_and_complements() {
            return self.rr(Op::ZextH, x);
        }
        let amount = Word::Const(mask.leading_zeros() as i32);
        let high = self.shl(x, amount);
        self.shr(high, amount)
    }

    /// `x | y`.
    pub(super) fn or(&mut self, x: Word, y: Word) -> Word {
        match (x, y) {
            (Word::Const(x), Word::Const(y)) => Word::Const(x | y),
            (x, Word::Const(0)) | (Word::Const(0), x) => x,
            (_, Word::Const(-1)) | (Word::Const(-1), _) => Word::Const(-1),
            (Word::Const(_), Word::Reg(_)) => self.rr_or_imm(Op::Or, Op::Ori, y, x),
            _ => self.rr_or_imm(Op::Or, Op::Ori, x, y),
        }
    }

    /// `x ^ y`.
    pub(super) fn xor(&mut self, x: Word, y: Word) -> Word {
        match (x, y) {
            (Word::Const(x), Word::Const(y)) => Word::Const(x ^ y),
            (x, Word::Const(0)) | (Word::Const(0), x) => x,
            (Word::Const(_), Word::Reg(_)) => self.rr_or_imm(Op::Xor, Op::Xori, y, x),
            _ => self.rr_or_imm(Op::Xor, Op::Xori, x, y),
        }
    }

    /// `!x`.
    pub(super) fn not(&mut self, x: Word) -> Word {
        self.xor(x, Word::Const(-1))
    }

    /// `x << amount`, with the amount taken modulo 32.
    pub(super) fn shl(&mut self, x: Word, amount: Word) -> Word {
        match (x, amount) {
            (Word::Const(x), Word::Const(amount)) => Word::Const(x.wrapping_shl(amount as u32)),
            (Word::Const(0), _) => Word::ZERO,
            _ => self.shift(Op::Sll, Op::Slli, x, amount),
        }
    }

    /// `x >> amount` filled with zeros, with the amount taken modulo 32.
    pub(super) fn shr(&mut self, x: Word, amount: Word) -> Word {
        match (x, amount) {
            (Word::Const(x), Word::Const(amount)) => {
                Word::Const((x as u32).wrapping_shr(amount as u32) as i32)
            }
            (Word::Const(0), _) => Word::ZERO,
            _ => self.shift(Op::Srl, Op::Srli, x, amount),
        }
    }

    /// `x >> amount` filled with the sign, with the amount taken modulo 32.
    pub(super) fn sar(&mut self, x: Word, amount: Word) -> Word {
        match (x, amount) {
            (Word::Const(x), Word::Const(amount)) => Word::Const(x.wrapping_shr(amount as u32)),
            (Word::Const(0 | -1), _) => x,
            _ => self.shift(Op::Sra, Op::Srai, x, amount),
        }
    }

    fn shift(&mut self, op: Op, op_imm: Op, x: Word, amount: Word) -> Word {
        match amount {
            Word::Const(amount) if amount & 31 == 0 => x,
            Word::Const(amount) => self.shift_imm(op_imm, x, amount & 31),
            Word::Reg(_) => self.rrr(op, x, amount),
        }
    }

    /// Emits the shift or rotation `op` by a constant from 0 to 31.
    pub(super) fn shift_imm(&mut self, op: Op, x: Word, amount: i32) -> Word {
        let imm = Imm12::maybe(amount).expect("shift amounts fit an immediate");
        self.rri(op, x, imm)
    }

    /// The sign of `x`: 0 or all ones.
    pub(super) fn sign(&mut self, x: Word) -> Word {
        self.sar(x, Word::Const(31))
    }

    /// 1 if `x < y` as signed numbers, otherwise 0.
    pub(super) fn less_signed(&mut self, x: Word, y: Word) -> Word {
        match (x, y) {
            (Word::Const(x), Word::Const(y)) => Word::Const((x < y).into()),
            (_, Word::Const(i32::MIN)) => Word::ZERO,
            (x, Word::Const(0)) => self.shr(x, Word::Const(31)),
            _ => self.rr_or_imm(Op::Slt, Op::Slti, x, y),
        }
    }

    /// 1 if `x < y` as unsigned numbers, otherwise 0.
    pub(super) fn less_unsigned(&mut self, x: Word, y: Word) -> Word {
        match (x, y) {
            (Word::Const(x), Word::Const(y)) => Word::Const(((x as u32) < y as u32).into()),
            (_, Word::Const(0)) | (Word::Const(-1), _) => Word::ZERO,
            // The one power of two that neither an immediate nor one instruction gives.
            (_, Word::Const(2048)) => {
                let rest = self.shr(x, Word::Const(11));
                self.is_zero(rest)
            }
            _ => self.rr_or_imm(Op::Sltu, Op::Sltiu, x, y),
        }
    }

    /// 1 if `x` is zero, otherwise 0.
    pub(super) fn is_zero(&mut self, x: Word) -> Word {
        self.less_unsigned(x, Word::Const(1))
    }

    /// 1 if `x` is not zero, otherwise 0.
    pub(super) fn is_nonzero(&mut self, x: Word) -> Word {
        self.less_unsigned(Word::ZERO, x)
    }

    /// 1 for 0, and 0 for 1.
    pub(super) fn flip(&mut self, x: Word) -> Word {
        self.xor(x, Word::Const(1))
    }

    /// A word that is zero exactly when `x` and `y` are equal.
    pub(super) fn difference(&mut self, x: Word, y: Word) -> Word {
        match (x, y) {
            // Subtracting a constant takes 2048 too, which is no immediate of `xori`, and both take the others.
            (Word::Reg(_), Word::Const(constant)) if constant != i32::MIN && y.negated_fits() => {
                self.add(x, Word::Const(-constant))
            }
            (Word::Const(_), Word::Reg(_)) => self.difference(y, x),
            _ => self.xor(x, y),
        }
    }

    /// The low word of the product.
    pub(super) fn mul(&mut self, x: Word, y: Word) -> Word {
        match (x, y) {
            (Word::Const(x), Word::Const(y)) => Word::Const(x.wrapping_mul(y)),
            (Word::Reg(_), Word::Const(constant)) => self.mul_const(x, constant),
            (Word::Const(constant), Word::Reg(_)) => self.mul_const(y, constant),
            _ => self.rrr(Op::Mul, x, y),
        }
    }

    fn mul_const(&mut self, x: Word, constant: i32) -> Word {
        match constant {
            0 => Word::ZERO,
            -1 => self.neg(x),
            3 | 5 | 9 if self.settings.extensions.contains(Extension::Zba) => {
                let scale = match constant {
                    3 => 1,
                    5 => 2,
                    _ => 3,
                };
                self.add_scaled(x, x, scale)
            }
            _ => match exponent(constant) {
                Some(amount) => self.shl(x, Word::Const(amount)),
                // Where the constant must be loaded, a multiplication takes two instructions at least, and the other more time.
                None => self
                    .mul_near_power_of_two(x, constant)
                    .unwrap_or_else(|| self.rrr(Op::Mul, x, Word::Const(constant))),
            },
        }
    }

    /// `(x << amount) + y`, for a constant amount.
    pub(super) fn shift_and_add(&mut self, x: Word, amount: Word, y: Word) -> Word {
        match amount {
            Word::Const(scale @ 1..=3)
                if self.settings.extensions.contains(Extension::Zba) && y != Word::ZERO =>
            {
                self.add_scaled(x, y, scale as u32)
            }
            _ => {
                let shifted = self.shl(x, amount);
                self.add(shifted, y)
            }
        }
    }

    /// `(x << scale) + y`, in one instruction of Zba. The scale is 1, 2 or 3.
    pub(super) fn add_scaled(&mut self, x: Word, y: Word, scale: u32) -> Word {
        let op = match scale {
            1 => Op::Sh1add,
            2 => Op::Sh2add,
            _ => Op::Sh3add,
        };
        self.rrr(op, x, y)
    }

    /// `x * constant`, if that is next to a power of two or to the negative of one: `(x << n) + x`, `(x << n) - x` or
    /// `x - (x << n)`.
    fn mul_near_power_of_two(&mut self, x: Word, constant: i32) -> Option<Word> {
        if let Some(amount) = exponent(constant.wrapping_sub(1)) {
            let multiple = self.shl(x, Word::Const(amount));
            return Some(self.add(multiple, x));
        }
        if let Some(amount) = exponent(constant.wrapping_add(1)) {
            let multiple = self.shl(x, Word::Const(amount));
            return Some(self.sub(multiple, x));
        }
        let amount = exponent(1i32.wrapping_sub(constant))?;
        let multiple = self.shl(x, Word::Const(amount));
        Some(self.sub(x, multiple))
    }

    /// The high word of the unsigned product.
    pub(super) fn mulhu(&mut self, x: Word, y: Word) -> Word {
        match (x, y) {
            (Word::Const(x), Word::Const(y)) => {
                let product = u64::from(x as u32) * u64::from(y as u32);
                Word::Const((product >> 32) as i32)
            }
            (_, Word::Const(0 | 1)) | (Word::Const(0 | 1), _) => Word::ZERO,
            (other, Word::Const(constant)) | (Word::Const(constant), other) => {
                match exponent(constant) {
                    Some(exponent) => self.shr(other, Word::Const(32 - exponent)),
                    None => self.rrr(Op::Mulhu, x, y),
                }
            }
            _ => self.rrr(Op::Mulhu, x, y),
        }
    }
}

/// The word number `index` of a constant: of what is beyond its 64 bits, there is its sign only.
fn word_of_constant(constant: i64, index: usize) -> i32 {
    (constant >> (32 * index).min(63)) as i32
}

/// Whether `constant` is no immediate of `addi`, but the sum of two.
fn is_sum_of_imm12(constant: i32) -> bool {
    Imm12::maybe(constant).is_none() && (-4096..=4094).contains(&constant)
}

/// Whether `mask` is low bits only, and no immediate.
fn is_wide_low_mask(mask: i32) -> bool {
    Imm12::maybe(mask).is_none() && mask & mask.wrapping_add(1) == 0
}

/// The exponent of `constant` as an unsigned number, if it is a power of two.
#[cfg_attr(target_os = "none", inline(never))]
pub(super) fn exponent(constant: i32) -> Option<i32> {
    let constant = constant as u32;
    let is_power = constant.is_power_of_two();
    is_power.then(|| constant.trailing_zeros() as i32)
}

impl Word {
    fn negated_fits(self) -> bool {
        match self {
            Self::Const(constant) => Self::Const(constant.wrapping_neg()).as_imm12().is_some(),
            Self::Reg(_) => false,
        }
    }
}

/// Whether an instruction may pass on words of its operands, or give constants: the others are not looked through.
#[inline]
fn may_pass_on(opcode: Opcode) -> bool {
    use Opcode::*;
    matches!(
        opcode,
        Iconst
            | Uextend
            | Sextend
            | Clz
            | Cls
            | Ctz
            | Popcnt
            | Ireduce
            | Iconcat
            | Band
            | Ishl
            | Ushr
    )
}

/// Where a word comes from that an instruction passes on.
enum WordSource {
    /// It is known.
    Const(i32),
    /// It is a word of another value.
    Value(Value, usize),
}

/// The most words of a value.
const MAX_WORDS: usize = MAX_SELECTED_WORDS;

/// The words of a value, the low one first.
#[derive(Clone, Debug)]
pub(super) struct Words {
    words: [Word; MAX_WORDS],
    len: u8,
}

impl Words {
    /// No words yet, but room for `len`, up to four. All that make words fill one of these: so it is made where it is wanted, and
    /// not copied.
    #[inline]
    fn zeros(len: usize) -> Self {
        Self {
            words: [Word::ZERO; MAX_WORDS],
            len: len as u8,
        }
    }

    /// `len` words, up to four, each of which is what `word` gives for its number.
    pub(super) fn from_fn(len: usize, word: impl FnMut(usize) -> Word) -> Self {
        Self::from_fn_in_order(len, false, word)
    }

    /// As [`Self::from_fn`], but asks for the highest word first if the order is to be downward.
    pub(super) fn from_fn_in_order(
        len: usize,
        is_downward: bool,
        mut word: impl FnMut(usize) -> Word,
    ) -> Self {
        let mut row = Self::zeros(len);
        for step in 0..len {
            let index = if is_downward { len - 1 - step } else { step };
            row[index] = word(index);
        }
        row
    }

    /// One word.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn one(word: Word) -> Self {
        Self {
            words: [word, Word::ZERO, Word::ZERO, Word::ZERO],
            len: 1,
        }
    }

    /// Two words.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn pair(low: Word, high: Word) -> Self {
        Self {
            words: [low, high, Word::ZERO, Word::ZERO],
            len: 2,
        }
    }

    /// `len` times `word`.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn filled(len: usize, word: Word) -> Self {
        Self {
            words: [word; MAX_WORDS],
            len: len as u8,
        }
    }

    /// The words of `row`, up to four.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn of(row: &[Word]) -> Self {
        let mut copy = Self::zeros(row.len());
        for (slot, &word) in copy.iter_mut().zip(row) {
            *slot = word;
        }
        copy
    }
}

impl core::ops::Deref for Words {
    type Target = [Word];

    fn deref(&self) -> &[Word] {
        &self.words[..usize::from(self.len)]
    }
}

impl core::ops::DerefMut for Words {
    fn deref_mut(&mut self) -> &mut [Word] {
        &mut self.words[..usize::from(self.len)]
    }
}

/// The number of registers that a value of type `ty` takes.
pub(super) fn num_words(ty: Type) -> usize {
    words_of(ty) as usize
}
