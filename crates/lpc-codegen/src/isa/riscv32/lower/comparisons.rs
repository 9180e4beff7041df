//! Comparisons, and the conditions of branches, traps and selections.

use super::Ctx;
use super::narrow::Extend;
use super::words::{Word, Words, exponent, num_words};
use crate::backend::lower::Lower;
use crate::backend::reg::Reg;
use crate::isa::riscv32::inst::MInst;
use crate::settings::Settings;
use lpc_lpir::ir::{Inst, InstructionData, IntCC, Opcode, Type, Value};
use lpc_riscv32::{Extension, Opcode as Op};

/// A condition as the branch instructions have them: whether the branch `op` on two words is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Condition {
    op: Op,
    x: Word,
    y: Word,
    /// Whether `x` is 0 or 1 and `y` zero.
    is_of_flag: bool,
}

/// What a word tells of a condition when it is not zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sense {
    /// That it holds.
    Holds,
    /// That it does not.
    Fails,
}

/// A condition whose operands are in registers.
pub(super) struct BranchCondition {
    pub(super) op: Op,
    pub(super) rs1: Reg,
    pub(super) rs2: Reg,
}

impl Condition {
    /// Whether the branch `op` on `x` and `y` is taken.
    fn new(op: Op, x: Word, y: Word) -> Self {
        Self {
            op,
            x,
            y,
            is_of_flag: false,
        }
    }

    /// Whether `word` is not zero.
    pub(super) fn nonzero(word: Word) -> Self {
        Self::new(Op::Bne, word, Word::ZERO)
    }

    /// Whether `flag`, which is 0 or 1, is 1.
    pub(super) fn flag(flag: Word) -> Self {
        Self {
            is_of_flag: true,
            ..Self::nonzero(flag)
        }
    }

    /// Whether `word` is zero.
    pub(super) fn zero(word: Word) -> Self {
        Self::nonzero(word).complement()
    }

    /// Whether `word` is negative.
    pub(super) fn negative(word: Word) -> Self {
        Self::new(Op::Blt, word, Word::ZERO)
    }

    /// Whether `x < y`, as unsigned numbers.
    pub(super) fn less_unsigned(x: Word, y: Word) -> Self {
        Self::new(Op::Bltu, x, y)
    }

    /// The condition that holds exactly when this one does not.
    pub(super) fn complement(self) -> Self {
        let op = match self.op {
            Op::Beq => Op::Bne,
            Op::Bne => Op::Beq,
            Op::Blt => Op::Bge,
            Op::Bge => Op::Blt,
            Op::Bltu => Op::Bgeu,
            Op::Bgeu => Op::Bltu,
            op => unreachable!("{op:?} is not a conditional branch"),
        };
        Self { op, ..self }
    }

    /// How many instructions more than for a comparison it takes to have it as 0 or 1.
    pub(super) fn cost_of_flag(self) -> u32 {
        match self.op {
            Op::Bne => u32::from(!self.is_of_flag),
            Op::Bge | Op::Bgeu | Op::Beq => 1,
            _ => 0,
        }
    }

    /// Whether it holds, if that is known. At `-O none`, that is asked for tests of bits of a constant.
    pub(super) fn known(self, settings: &Settings) -> Option<bool> {
        let (Word::Const(x), Word::Const(y)) = (self.x, self.y) else {
            return None;
        };
        Some(match self.op {
            Op::Beq => x == y,
            Op::Bne => x != y,
            _ if !settings.optimizes() => return None,
            Op::Blt => x < y,
            Op::Bge => x >= y,
            Op::Bltu => (x as u32) < y as u32,
            _ => x as u32 >= y as u32,
        })
    }
}

/// A comparison: `x cond y`.
#[derive(Clone, Copy)]
pub(super) struct Comparison {
    pub(super) cond: IntCC,
    pub(super) x: Value,
    pub(super) y: Value,
}

impl Lower<'_, MInst> {
    /// Whether `value`, of any integer type, is not zero. Looks through a comparison.
    pub(super) fn is_true(&mut self, value: Value) -> Condition {
        if let Some(inst) = self.def_with_opcode(value, Opcode::Icmp) {
            return self.condition(inst);
        }
        if self.settings.optimizes() && self.is_zero_or_one(value) {
            return Condition::flag(self.word(value, 0));
        }
        let words = self.words_to_compare_with_zero(value);
        Condition::nonzero(self.or_words(&words))
    }

    /// Words that are zero exactly when `value` is.
    fn words_to_compare_with_zero(&mut self, value: Value) -> Words {
        if !self.settings.optimizes() {
            return self.extended_words(value, Extend::Zero);
        }
        let words = self.words(value);
        if self.is_extended(value, Extend::Zero) || self.is_extended(value, Extend::Sign) {
            return words;
        }
        Words::one(self.shift_to_top(words[0], self.ty(value)))
    }

    /// The value of type `ty` in `word`, shifted so that nothing is above it. Such words compare as the values do.
    pub(super) fn shift_to_top(&mut self, word: Word, ty: Type) -> Word {
        self.shl(word, Word::Const(32 - ty.bits() as i32))
    }

    /// The condition that the comparison `inst` holds.
    fn condition(&mut self, inst: Inst) -> Condition {
        let comparison = self.comparison(inst);
        if self.settings.optimizes() {
            if let Some(test) = self.as_bit_test(comparison) {
                return self.bit_condition(test);
            }
            let (cond, x, y) = self.compared_words(comparison);
            return self.compare(cond, &x, &y);
        }
        let Comparison { cond, x, y } = comparison;
        let extend = Extend::of_comparison(cond);
        let x = self.extended_words(x, extend);
        let y = self.extended_words(y, extend);
        self.compare(cond, &x, &y)
    }

    /// The comparison that `inst` is.
    fn comparison(&self, inst: Inst) -> Comparison {
        match *self.data(inst) {
            InstructionData::IntCompare {
                cond, args: [x, y], ..
            } => Comparison { cond, x, y },
            ref data => unreachable!("{data:?} is no comparison"),
        }
    }

    /// The words to compare, with a constant on the right.
    fn compared_words(&mut self, comparison: Comparison) -> (IntCC, Words, Words) {
        let Comparison {
            mut cond,
            mut x,
            mut y,
        } = comparison;
        if self.as_constant(x).is_some() && self.as_constant(y).is_none() {
            (cond, x, y) = (cond.swap_args(), y, x);
        }
        let is_of_sign = matches!(
            cond,
            IntCC::SignedLessThan | IntCC::SignedGreaterThanOrEqual
        ) && (0..num_words(self.ty(y)))
            .all(|index| self.known_word(y, index) == Some(0));
        let (x, y) = match num_words(self.ty(x)) {
            // The highest word has the sign.
            len @ 2.. if is_of_sign => (Words::one(self.word(x, len - 1)), Words::one(Word::ZERO)),
            1 => {
                let (x, y) = self.compared_narrow_words(cond, x, y);
                (Words::one(x), Words::one(y))
            }
            _ => (self.words(x), self.words(y)),
        };
        (cond, x, y)
    }

    /// Values of one word are compared as they are where both are known to be extended alike. Otherwise both are shifted to
    /// the top of their words, or extended, which is shorter where one of them is extended already.
    fn compared_narrow_words(&mut self, cond: IntCC, x: Value, y: Value) -> (Word, Word) {
        let ty = self.ty(x);
        let extend = Extend::of_comparison(cond);
        let is_x_extended = self.is_extended(x, extend);
        let is_y_extended = self.is_extended(y, extend);
        let is_equality = matches!(cond, IntCC::Equal | IntCC::NotEqual);
        let are_extended = is_x_extended && is_y_extended
            || is_equality
                && self.is_extended(x, Extend::Sign)
                && self.is_extended(y, Extend::Sign);
        if are_extended {
            (self.word(x, 0), self.word(y, 0))
        } else if is_equality {
            let (x, y) = (self.word(x, 0), self.word(y, 0));
            let difference = self.difference(x, y);
            (self.shift_to_top(difference, ty), Word::ZERO)
        } else if is_x_extended || is_y_extended {
            (self.extended(x, extend), self.extended(y, extend))
        } else {
            (self.value_at_top(x), self.value_at_top(y))
        }
    }

    /// The one-word value `value`, shifted so that nothing is above it.
    fn value_at_top(&mut self, value: Value) -> Word {
        let word = self.word(value, 0);
        self.shift_to_top(word, self.ty(value))
    }

    /// All bits of `words` in one word.
    pub(super) fn or_words(&mut self, words: &[Word]) -> Word {
        words
            .iter()
            .fold(Word::ZERO, |all, &word| self.or(all, word))
    }

    /// The bits that all of `words` have, in one word.
    fn and_words(&mut self, words: &[Word]) -> Word {
        words
            .iter()
            .fold(Word::Const(-1), |common, &word| self.and(common, word))
    }

    /// A word that is zero exactly when `x` and `y` are equal.
    pub(super) fn words_difference(&mut self, x: &[Word], y: &[Word]) -> Word {
        let minus_one = Word::Const(-1);
        if self.settings.optimizes() && x.len() > 1 && y.iter().all(|&word| word == minus_one) {
            let common = self.and_words(x);
            return self.difference(common, minus_one);
        }
        // Nothing but zero or not is asked of a single difference; several are combined bit by bit.
        if self.settings.optimizes()
            && let (&[x], &[y]) = (x, y)
        {
            return self.difference(x, y);
        }
        let differences = self.each_word(x, y, Self::xor);
        self.or_words(&differences)
    }

    /// The condition `x cond y` in the form of a branch.
    pub(super) fn compare(&mut self, cond: IntCC, x: &[Word], y: &[Word]) -> Condition {
        match self.settings.optimizes() {
            true => self.compare_simplified(cond, x, y),
            false => self.compare_words(cond, x, y),
        }
    }

    /// As [`Self::compare`], with another constant where the comparison with it is simpler.
    fn compare_simplified(&mut self, cond: IntCC, x: &[Word], y: &[Word]) -> Condition {
        use IntCC::*;
        let simplest = simplest_comparison(cond, y);
        let (cond, y) = simplest.as_ref().map_or((cond, y), Neighbor::parts);
        if x.len() == 1 {
            return self.compare_words(cond, x, y);
        }
        // To compare for less than a constant takes no instruction to load it.
        let neighbor = match cond {
            SignedGreaterThan
            | UnsignedGreaterThan
            | SignedLessThanOrEqual
            | UnsignedLessThanOrEqual => neighboring_comparison(cond, y),
            _ => None,
        };
        let (cond, y) = neighbor.as_ref().map_or((cond, y), Neighbor::parts);
        if let Some(amount) = power_of_two(y)
            && matches!(cond, UnsignedLessThan | UnsignedGreaterThanOrEqual)
        {
            let mut above = Words::of(x);
            above[0] = self.shr(x[0], Word::Const(amount));
            let any = self.or_words(&above);
            return match cond {
                UnsignedLessThan => Condition::zero(any),
                _ => Condition::nonzero(any),
            };
        }
        let is_zero = is_zero(y);
        match cond {
            SignedLessThan if is_zero => Condition::negative(x[x.len() - 1]),
            SignedGreaterThanOrEqual if is_zero => Condition::negative(x[x.len() - 1]).complement(),
            _ => self.compare_words(cond, x, y),
        }
    }

    /// As [`Self::compare`], with these words.
    fn compare_words(&mut self, cond: IntCC, x: &[Word], y: &[Word]) -> Condition {
        let (op, is_swapped) = BRANCHES[cond as usize];
        let (x, y) = if is_swapped { (y, x) } else { (x, y) };
        if let (&[x], &[y]) = (x, y) {
            return Condition::new(op, x, y);
        }
        let is_equality = matches!(op, Op::Beq | Op::Bne);
        let word = match is_equality {
            true => self.words_difference(x, y),
            false => self.less_words(x, y, cond.is_signed()),
        };
        Condition {
            op: match op {
                Op::Beq | Op::Bge | Op::Bgeu => Op::Beq,
                _ => Op::Bne,
            },
            x: word,
            y: Word::ZERO,
            is_of_flag: !is_equality,
        }
    }

    /// 1 if `x < y`, otherwise 0: what the highest word that differs says.
    fn less_words(&mut self, x: &[Word], y: &[Word], is_signed: bool) -> Word {
        let last = x.len() - 1;
        let mut less = self.less_unsigned(x[0], y[0]);
        if self.settings.optimizes()
            && !is_signed
            && let Some(less) = self.less_than_single_word(x, y, less)
        {
            return less;
        }
        for index in 1..x.len() {
            let (x, y) = (x[index], y[index]);
            let word_less = if is_signed && index == last {
                self.less_signed(x, y)
            } else {
                self.less_unsigned(x, y)
            };
            less = self.select_word(Condition::new(Op::Beq, x, y), less, word_less);
        }
        less
    }

    /// 1 if `x < y` as unsigned numbers, otherwise 0, if one of them is a single word: what that says, as `less`, where the other
    /// is one too.
    fn less_than_single_word(&mut self, x: &[Word], y: &[Word], less: Word) -> Option<Word> {
        if is_zero(&y[1..]) {
            let upper = self.or_words(&x[1..]);
            return Some(self.unless(upper, less));
        }
        if is_zero(&x[1..]) {
            let upper = self.or_words(&y[1..]);
            let is_upper_set = self.is_nonzero(upper);
            return Some(self.or(is_upper_set, less));
        }
        None
    }

    /// `flag`, which is 0 or 1, where `word` is zero, otherwise 0.
    fn unless(&mut self, word: Word, flag: Word) -> Word {
        if self.settings.optimizes_with(Extension::Zicond) && word != Word::ZERO {
            return self.rrr(Op::CzeroNez, flag, word);
        }
        let is_zero = self.is_zero(word);
        self.and(is_zero, flag)
    }

    /// 1 if `x cond y`, otherwise 0.
    fn set_if(&mut self, cond: IntCC, x: &[Word], y: &[Word]) -> Word {
        use IntCC::*;
        let simplest = simplest_comparison(cond, y);
        let (cond, y) = simplest.as_ref().map_or((cond, y), Neighbor::parts);
        match cond {
            Equal => {
                let difference = self.words_difference(x, y);
                self.is_zero(difference)
            }
            // All words but the greatest are less than that.
            NotEqual if y.iter().all(|&word| word == Word::Const(-1)) => {
                let common = self.and_words(x);
                self.less_unsigned(common, Word::Const(-1))
            }
            NotEqual => {
                let difference = self.words_difference(x, y);
                self.is_nonzero(difference)
            }
            SignedLessThan | UnsignedLessThan => self.set_if_less(x, y, cond.is_signed()),
            SignedGreaterThan | UnsignedGreaterThan => self.set_if_less(y, x, cond.is_signed()),
            SignedGreaterThanOrEqual if is_zero(y) => {
                let is_negative = self.set_if_less(x, y, true);
                self.flip(is_negative)
            }
            // With a constant there is an equivalent comparison that needs not be complemented.
            _ => match neighboring_comparison(cond, y) {
                Some(Neighbor {
                    cond: SignedLessThan | UnsignedLessThan,
                    y,
                }) => self.set_if_less(x, &y, cond.is_signed()),
                Some(Neighbor { y, .. }) => self.set_if_less(&y, x, cond.is_signed()),
                None => {
                    let complement = self.set_if(cond.complement(), x, y);
                    self.flip(complement)
                }
            },
        }
    }

    fn set_if_less(&mut self, x: &[Word], y: &[Word], is_signed: bool) -> Word {
        let is_zero = is_zero(y);
        match (x, y) {
            (&[.., high], _) if is_signed && is_zero => self.less_signed(high, Word::ZERO),
            (&[x], &[y]) if is_signed => self.less_signed(x, y),
            (&[x], &[y]) => self.less_unsigned(x, y),
            _ => self.less_words(x, y, is_signed),
        }
    }

    /// 1 if the condition holds, otherwise 0.
    pub(super) fn flag_of(&mut self, condition: Condition) -> Word {
        let Condition {
            op,
            x,
            y,
            is_of_flag,
        } = condition;
        let flag = match op {
            Op::Beq | Op::Bne if is_of_flag => x,
            Op::Beq => {
                let difference = self.difference(x, y);
                return self.is_zero(difference);
            }
            Op::Bne => {
                let difference = self.difference(x, y);
                return self.is_nonzero(difference);
            }
            Op::Blt | Op::Bge => self.less_signed(x, y),
            _ => self.less_unsigned(x, y),
        };
        match op {
            Op::Beq | Op::Bge | Op::Bgeu => self.flip(flag),
            _ => flag,
        }
    }

    /// A word that is zero or not according to whether the condition holds, and what it means not to be zero.
    pub(super) fn truth_of(&mut self, condition: Condition) -> (Word, Sense) {
        let Condition { op, x, y, .. } = condition;
        match op {
            Op::Bne => (self.difference(x, y), Sense::Holds),
            Op::Beq => (self.difference(x, y), Sense::Fails),
            Op::Blt => (self.less_signed(x, y), Sense::Holds),
            Op::Bge => (self.less_signed(x, y), Sense::Fails),
            Op::Bltu => (self.less_unsigned(x, y), Sense::Holds),
            _ => (self.less_unsigned(x, y), Sense::Fails),
        }
    }

    /// The condition with its operands in registers.
    pub(super) fn branch_condition(&mut self, condition: Condition) -> BranchCondition {
        let Condition { op, x, y, .. } = condition;
        let (rs1, rs2) = (self.reg(x), self.reg(y));
        BranchCondition { op, rs1, rs2 }
    }
}

/// By [`IntCC`], the branch that is taken where it holds for two words, and whether it is so for the words exchanged.
static BRANCHES: [(Op, bool); IntCC::ALL.len()] = branches();

const fn branches() -> [(Op, bool); IntCC::ALL.len()] {
    use IntCC::*;
    let mut branches = [(Op::Beq, false); IntCC::ALL.len()];
    let mut index = 0;
    while index < branches.len() {
        let cond = IntCC::ALL[index];
        branches[cond as usize] = match cond {
            Equal => (Op::Beq, false),
            NotEqual => (Op::Bne, false),
            SignedLessThan => (Op::Blt, false),
            SignedGreaterThanOrEqual => (Op::Bge, false),
            SignedGreaterThan => (Op::Blt, true),
            SignedLessThanOrEqual => (Op::Bge, true),
            UnsignedLessThan => (Op::Bltu, false),
            UnsignedGreaterThanOrEqual => (Op::Bgeu, false),
            UnsignedGreaterThan => (Op::Bltu, true),
            UnsignedLessThanOrEqual => (Op::Bgeu, true),
        };
        index += 1;
    }
    branches
}

/// A comparison with a constant that holds for the same numbers as another one.
struct Neighbor {
    cond: IntCC,
    y: Words,
}

impl Neighbor {
    fn parts(&self) -> (IntCC, &[Word]) {
        (self.cond, &self.y)
    }
}

/// The comparison that is equivalent to the one with `y`, and whose constant is easier to have in a register, if there is one.
fn simplest_comparison(cond: IntCC, y: &[Word]) -> Option<Neighbor> {
    let mut simplest = neighboring_comparison(cond, y);
    if let Some(neighbor) = &simplest
        && load_cost(&neighbor.y) >= load_cost(y)
    {
        simplest = None;
    }
    let (cond, y) = simplest.as_ref().map_or((cond, y), Neighbor::parts);
    let equality = match cond {
        IntCC::UnsignedLessThanOrEqual => IntCC::Equal,
        IntCC::UnsignedGreaterThan => IntCC::NotEqual,
        _ => return simplest,
    };
    match is_zero(y) {
        true => Some(Neighbor {
            cond: equality,
            y: Words::of(y),
        }),
        false => simplest,
    }
}

/// The comparison with the constant before or after `y` that holds for the same numbers as `cond` does with `y`. It is
/// strict where `cond` is not.
fn neighboring_comparison(cond: IntCC, y: &[Word]) -> Option<Neighbor> {
    use IntCC::*;
    let (neighbor, distance) = match cond {
        Equal | NotEqual => return None,
        SignedLessThan => (SignedLessThanOrEqual, -1),
        SignedLessThanOrEqual => (SignedLessThan, 1),
        SignedGreaterThan => (SignedGreaterThanOrEqual, 1),
        SignedGreaterThanOrEqual => (SignedGreaterThan, -1),
        UnsignedLessThan => (UnsignedLessThanOrEqual, -1),
        UnsignedLessThanOrEqual => (UnsignedLessThan, 1),
        UnsignedGreaterThan => (UnsignedGreaterThanOrEqual, 1),
        UnsignedGreaterThanOrEqual => (UnsignedGreaterThan, -1),
    };
    let mut words = Words::of(y);
    // The carry or borrow goes on as long as a word wraps around; if it goes beyond the last, there is no such number.
    let mut carry = distance;
    for (index, word) in words.iter_mut().enumerate() {
        let Word::Const(constant) = *word else {
            return None;
        };
        let is_sign = cond.is_signed() && index + 1 == y.len();
        let (next, wraps) = match is_sign {
            true => constant.overflowing_add(carry),
            false => {
                let (next, wraps) = (constant as u32).overflowing_add_signed(carry);
                (next as i32, wraps)
            }
        };
        *word = Word::Const(next);
        if !wraps {
            carry = 0;
        }
    }
    (carry == 0).then_some(Neighbor {
        cond: neighbor,
        y: words,
    })
}

/// The exponent of the constant `words`, if it is a power of two whose upper words are zero.
fn power_of_two(words: &[Word]) -> Option<i32> {
    let (&low, upper) = words.split_first()?;
    let Word::Const(low) = low else {
        return None;
    };
    exponent(low).filter(|_| is_zero(upper))
}

/// Whether all of `words` are zero.
fn is_zero(words: &[Word]) -> bool {
    words.iter().all(|&word| word == Word::ZERO)
}

/// How many instructions load the constants `words`, where they are not immediates.
fn load_cost(words: &[Word]) -> u32 {
    let cost = |&word: &Word| match word {
        Word::Reg(_) | Word::ZERO => 0,
        Word::Const(constant) if word.as_imm12().is_some() || constant & 0xfff == 0 => 1,
        Word::Const(_) => 2,
    };
    words.iter().map(cost).sum()
}

pub(super) fn lower_icmp(ctx: Ctx, inst: Inst) {
    let result = ctx.current.result;
    let word = match ctx.settings.optimizes() {
        true => ctx.flag_of_comparison(inst),
        false => {
            let condition = ctx.condition(inst);
            ctx.flag_of(condition)
        }
    };
    ctx.define_word(result, 0, word);
}

impl Lower<'_, MInst> {
    /// 1 if the comparison `inst` holds, otherwise 0.
    fn flag_of_comparison(&mut self, inst: Inst) -> Word {
        let comparison = self.comparison(inst);
        if let Some(test) = self.as_bit_test(comparison) {
            return self.bit_flag(test);
        }
        let (cond, x, y) = self.compared_words(comparison);
        self.set_if(cond, &x, &y)
    }
}

/// All ones is zero minus one.
pub(super) fn lower_bmask(ctx: Ctx, _: Inst) {
    let result = ctx.current.result;
    let [arg, ..] = ctx.current.args;
    let is_set = if ctx.settings.optimizes() && ctx.def_with_opcode(arg, Opcode::Icmp).is_some() {
        ctx.word(arg, 0)
    } else {
        let condition = ctx.is_true(arg);
        ctx.flag_of(condition)
    };
    let mask = ctx.neg(is_set);
    ctx.define(result, &Words::filled(num_words(ctx.ty(result)), mask));
}
