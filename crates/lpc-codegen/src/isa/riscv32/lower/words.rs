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
//! At `-O none`, a word is a constant only where its value is one: no other definition is looked through. What is computed with
//! constants alone is a constant there too, so that words which are known to be zero cost nothing; but an instruction and a
//! constant that fits no immediate become no other instructions.
//!
//! Words are demanded one by one. The upper half of a sum that nobody reads is never computed.

use super::narrow::Extend;
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
        match inst.map(|inst| self.data(inst)) {
            Some(&InstructionData::UnaryImm { imm, .. }) if !self.settings.optimizes() => {
                let constant = imm.sign_extend_from(self.ty(original).bits()).bits();
                Word::Const(word_of_constant(constant, index))
            }
            Some(data) if self.settings.optimizes() && may_pass_on(data.opcode()) => {
                self.source_word(value, index)
            }
            _ => Word::Reg(self.put_word_of_original_in_reg(original, index)),
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
        if !self.settings.optimizes() {
            let constant = self.as_constant(value)?;
            return Some(word_of_constant(constant, index));
        }
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
        let mut words = Words::filled(count, Word::ZERO);
        for (index, word) in words.iter_mut().enumerate() {
            *word = self.word(value, index);
        }
        words
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
        if self.settings.optimizes()
            && let Some(reg) = self.known_constant_reg(constant)
        {
            return reg;
        }
        self.virtual_reg(Word::Const(constant))
    }

    /// A register that holds `constant` already.
    fn known_constant_reg(&mut self, constant: i32) -> Option<Reg> {
        self.register_outside_loop(constant)
            .or_else(|| self.loaded_constant(constant))
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

    /// `x op y`: a constant where that is known, an operand where the other changes nothing, else one instruction, with an
    /// immediate where `y` fits that.
    #[cfg_attr(target_os = "none", inline(never))]
    fn operate(&mut self, x: Word, y: Word, op: WordOp) -> Word {
        let (x, y) = match (x, y) {
            (Word::Const(x), Word::Const(y)) => return Word::Const(op.of(x, y)),
            (Word::Const(_), Word::Reg(_)) if op.is_commutative() => (y, x),
            (x, Word::Const(amount)) if op.is_shift() => (x, Word::Const(amount & 31)),
            (x, y) => (x, y),
        };
        match (op, x, y) {
            (op, _, Word::ZERO) if op.is_zero_with_zero() => Word::ZERO,
            (op, _, Word::ZERO) if op != WordOp::LessSigned => x,
            (op, Word::ZERO, _) if op.is_shift() => x,
            _ if self.settings.optimizes()
                && let Some(word) = self.simplified(x, y, op) =>
            {
                word
            }
            _ => self.one_instruction(x, y, op),
        }
    }

    /// As [`Self::operate`], where that is a constant, an operand, or shorter by another instruction.
    fn simplified(&mut self, x: Word, y: Word, op: WordOp) -> Option<Word> {
        match (op, x, y) {
            (WordOp::And, _, Word::Const(-1)) => Some(x),
            (WordOp::Or, _, Word::Const(-1)) => Some(y),
            (WordOp::ShiftRightSigned, Word::Const(-1), _) => Some(x),
            (WordOp::LessSigned, _, Word::ZERO) => Some(self.shr(x, Word::Const(31))),
            (WordOp::LessSigned, _, Word::Const(i32::MIN)) => Some(Word::ZERO),
            (WordOp::LessUnsigned, Word::Const(-1), _) => Some(Word::ZERO),
            _ => None,
        }
    }

    /// As [`Self::operate`], by one instruction.
    #[cfg_attr(target_os = "none", inline(never))]
    fn one_instruction(&mut self, x: Word, y: Word, op: WordOp) -> Word {
        if let (Some(imm), Some(op)) = (y.as_imm12(), op.with_immediate()) {
            return self.rri(op, x, imm);
        }
        if self.settings.optimizes()
            && let Some(word) = self.combine_with_single_bit(op.on_registers(), x, y)
        {
            return word;
        }
        self.rrr(op.on_registers(), x, y)
    }

    /// `x + y`.
    pub(super) fn add(&mut self, x: Word, y: Word) -> Word {
        if self.settings.optimizes()
            && let Some(sum) = self.add_in_two_parts(x, y)
        {
            return sum;
        }
        self.operate(x, y, WordOp::Add)
    }

    /// `x + y`, if one of them is a constant that is no immediate, but the sum of two.
    fn add_in_two_parts(&mut self, x: Word, y: Word) -> Option<Word> {
        let (x, constant) = as_reg_and_constant(x, y)?;
        if !is_sum_of_imm12(constant) {
            return None;
        }
        let part = if constant < 0 { -2048 } else { 2047 };
        let sum = self.add(x, Word::Const(part));
        Some(self.add(sum, Word::Const(constant - part)))
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
        if self.settings.optimizes()
            && let Some((x, mask)) = as_reg_and_constant(x, y)
            && is_wide_low_mask(mask)
        {
            return self.keep_low_bits(x, mask);
        }
        self.operate(x, y, WordOp::And)
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
        self.operate(x, y, WordOp::Or)
    }

    /// `x ^ y`.
    pub(super) fn xor(&mut self, x: Word, y: Word) -> Word {
        self.operate(x, y, WordOp::Xor)
    }

    /// `!x`.
    pub(super) fn not(&mut self, x: Word) -> Word {
        self.xor(x, Word::Const(-1))
    }

    /// `x << amount`, with the amount taken modulo 32.
    pub(super) fn shl(&mut self, x: Word, amount: Word) -> Word {
        self.operate(x, amount, WordOp::ShiftLeft)
    }

    /// `x >> amount` filled with zeros, with the amount taken modulo 32.
    pub(super) fn shr(&mut self, x: Word, amount: Word) -> Word {
        self.operate(x, amount, WordOp::ShiftRight)
    }

    /// `x >> amount` filled with the sign, with the amount taken modulo 32.
    pub(super) fn sar(&mut self, x: Word, amount: Word) -> Word {
        self.operate(x, amount, WordOp::ShiftRightSigned)
    }

    /// `x >> amount`, filled as `extend` says, with the amount taken modulo 32.
    pub(super) fn shift_right(&mut self, x: Word, amount: Word, extend: Extend) -> Word {
        let op = match extend {
            Extend::Zero => WordOp::ShiftRight,
            Extend::Sign => WordOp::ShiftRightSigned,
        };
        self.operate(x, amount, op)
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
        self.operate(x, y, WordOp::LessSigned)
    }

    /// 1 if `x < y` as unsigned numbers, otherwise 0.
    pub(super) fn less_unsigned(&mut self, x: Word, y: Word) -> Word {
        // The one power of two that neither an immediate nor one instruction gives.
        if self.settings.optimizes() && matches!((x, y), (Word::Reg(_), Word::Const(2048))) {
            let rest = self.shr(x, Word::Const(11));
            return self.is_zero(rest);
        }
        self.operate(x, y, WordOp::LessUnsigned)
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
        // Subtracting a constant takes 2048 too, which is no immediate of `xori`, and both take the others.
        if self.settings.optimizes()
            && let Some((x, constant)) = as_reg_and_constant(x, y)
            && Imm12::maybe(constant.wrapping_neg()).is_some()
        {
            return self.add(x, Word::Const(-constant));
        }
        self.xor(x, y)
    }

    /// The low word of the product.
    pub(super) fn mul(&mut self, x: Word, y: Word) -> Word {
        if self.settings.optimizes()
            && let Some((x, constant)) = as_reg_and_constant(x, y)
            && let Some(product) = self.mul_const(x, constant)
        {
            return product;
        }
        self.operate(x, y, WordOp::Mul)
    }

    /// `x * constant` without a multiplication, where that takes no more instructions.
    fn mul_const(&mut self, x: Word, constant: i32) -> Option<Word> {
        match constant {
            0 => Some(Word::ZERO),
            -1 => Some(self.neg(x)),
            3 | 5 | 9 if self.settings.optimizes_with(Extension::Zba) => {
                let scale = match constant {
                    3 => 1,
                    5 => 2,
                    _ => 3,
                };
                Some(self.add_scaled(x, x, scale))
            }
            _ => match exponent(constant) {
                Some(amount) => Some(self.shl(x, Word::Const(amount))),
                // Where the constant must be loaded, a multiplication takes two instructions at least, and the other more time.
                None => self.mul_near_power_of_two(x, constant),
            },
        }
    }

    /// `(x << amount) + y`, for a constant amount.
    pub(super) fn shift_and_add(&mut self, x: Word, amount: Word, y: Word) -> Word {
        match amount {
            Word::Const(scale @ 1..=3)
                if self.settings.optimizes_with(Extension::Zba) && y != Word::ZERO =>
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
        if self.settings.optimizes()
            && let Some((other, constant)) = as_reg_and_constant(x, y)
        {
            return match (constant, exponent(constant)) {
                (0 | 1, _) => Word::ZERO,
                (_, Some(exponent)) => self.shr(other, Word::Const(32 - exponent)),
                (_, None) => self.rrr(Op::Mulhu, x, y),
            };
        }
        self.operate(x, y, WordOp::Mulhu)
    }
}

/// An operation on two words that may be constants, and that one instruction does. Those whose operands may be exchanged come first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum WordOp {
    Add,
    Xor,
    Or,
    And,
    Mul,
    Mulhu,
    ShiftLeft,
    ShiftRight,
    ShiftRightSigned,
    LessSigned,
    LessUnsigned,
}

/// By [`WordOp`], the instruction for two registers, and the one for a register and an immediate. The compiler would make code of a
/// `match`.
static INSTRUCTIONS: [(Op, Option<Op>); 11] = [
    (Op::Add, Some(Op::Addi)),
    (Op::Xor, Some(Op::Xori)),
    (Op::Or, Some(Op::Ori)),
    (Op::And, Some(Op::Andi)),
    (Op::Mul, None),
    (Op::Mulhu, None),
    (Op::Sll, Some(Op::Slli)),
    (Op::Srl, Some(Op::Srli)),
    (Op::Sra, Some(Op::Srai)),
    (Op::Slt, Some(Op::Slti)),
    (Op::Sltu, Some(Op::Sltiu)),
];

impl WordOp {
    fn is_commutative(self) -> bool {
        self <= Self::Mulhu
    }

    /// Whether the result is zero where the second operand is.
    fn is_zero_with_zero(self) -> bool {
        matches!(
            self,
            Self::And | Self::Mul | Self::Mulhu | Self::LessUnsigned
        )
    }

    fn is_shift(self) -> bool {
        matches!(
            self,
            Self::ShiftLeft | Self::ShiftRight | Self::ShiftRightSigned
        )
    }

    /// The instruction for two registers.
    fn on_registers(self) -> Op {
        INSTRUCTIONS[self as usize].0
    }

    /// The instruction for a register and an immediate, if there is one.
    fn with_immediate(self) -> Option<Op> {
        INSTRUCTIONS[self as usize].1
    }

    /// The result for two constants.
    #[cfg_attr(target_os = "none", inline(never))]
    fn of(self, x: i32, y: i32) -> i32 {
        match self {
            Self::Add => x.wrapping_add(y),
            Self::Xor => x ^ y,
            Self::Or => x | y,
            Self::And => x & y,
            Self::Mul => x.wrapping_mul(y),
            Self::Mulhu => ((u64::from(x as u32) * u64::from(y as u32)) >> 32) as i32,
            Self::ShiftLeft => x.wrapping_shl(y as u32),
            Self::ShiftRight => (x as u32).wrapping_shr(y as u32) as i32,
            Self::ShiftRightSigned => x.wrapping_shr(y as u32),
            Self::LessSigned => (x < y).into(),
            Self::LessUnsigned => ((x as u32) < y as u32).into(),
        }
    }
}

/// The one that is in a register, and the other, if that is a constant.
fn as_reg_and_constant(x: Word, y: Word) -> Option<(Word, i32)> {
    match (x, y) {
        (Word::Reg(_), Word::Const(constant)) => Some((x, constant)),
        (Word::Const(constant), Word::Reg(_)) => Some((y, constant)),
        _ => None,
    }
}

/// The word number `index` of a constant: of what is beyond its 64 bits, there is its sign only.
fn word_of_constant(constant: i64, index: usize) -> i32 {
    match index {
        0 => constant as i32,
        1 => (constant >> 32) as i32,
        _ => (constant >> 63) as i32,
    }
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

/// How many words there are in a row. A type of its own, so that the compiler knows that it is not more than there is room for.
#[derive(Clone, Copy, Debug)]
enum RowLen {
    Zero,
    One,
    Two,
    Three,
    Four,
}

impl RowLen {
    fn new(len: usize) -> Self {
        debug_assert!(len <= MAX_WORDS, "a value has no {len} words");
        match len {
            0 => Self::Zero,
            1 => Self::One,
            2 => Self::Two,
            3 => Self::Three,
            _ => Self::Four,
        }
    }
}

/// The words of a value, the low one first.
#[derive(Clone, Debug)]
pub(super) struct Words {
    words: [Word; MAX_WORDS],
    len: RowLen,
}

impl Words {
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
        let mut row = Self::filled(len, Word::ZERO);
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
            len: RowLen::One,
        }
    }

    /// Two words.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn pair(low: Word, high: Word) -> Self {
        Self {
            words: [low, high, Word::ZERO, Word::ZERO],
            len: RowLen::Two,
        }
    }

    /// `len` times `word`.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn filled(len: usize, word: Word) -> Self {
        Self {
            words: [word, word, word, word],
            len: RowLen::new(len),
        }
    }

    /// Makes it `len` words, up to four, with `word` in the place of those that were not there.
    pub(super) fn extend(&mut self, len: usize, word: Word) {
        self.words[self.len as usize..].fill(word);
        self.len = RowLen::new(len);
    }

    /// The words of `row`, up to four.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn of(row: &[Word]) -> Self {
        let mut copy = Self::filled(row.len(), Word::ZERO);
        for (slot, &word) in copy.iter_mut().zip(row) {
            *slot = word;
        }
        copy
    }
}

impl core::ops::Deref for Words {
    type Target = [Word];

    fn deref(&self) -> &[Word] {
        &self.words[..self.len as usize]
    }
}

impl core::ops::DerefMut for Words {
    fn deref_mut(&mut self) -> &mut [Word] {
        &mut self.words[..self.len as usize]
    }
}

/// The number of registers that a value of type `ty` takes.
pub(super) fn num_words(ty: Type) -> usize {
    words_of(ty) as usize
}
