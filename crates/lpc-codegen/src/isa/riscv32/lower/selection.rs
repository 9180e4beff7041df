//! Selections: one of two values, as a condition says.
//!
//! Between constants that are close to each other, the condition is computed as 0 or 1, and the selected number from that.
//! With Zicond, words that may become zero are made so by its instructions. All others are moves that a branch skips: one branch for
//! all words, and at `-O none`, where nothing else is done either, one for each.

use super::Ctx;
use super::comparisons::{BranchCondition, Condition, Sense};
use super::words::{Word, Words, exponent};
use crate::backend::lower::Lower;
use crate::isa::riscv32::inst::{MAX_SELECTED_WORDS, MInst, SelectedWord, SelectedWords};
use lpc_lpir::ir::{Inst, Opcode};
use lpc_riscv32::{Extension, Opcode as Op};

/// `select` and `select_spectre_guard`.
pub(super) fn lower(ctx: Ctx, _: Inst) {
    let result = ctx.current.result;
    let [condition, x, y] = ctx.current.args;
    let condition = ctx.is_true(condition);
    let needed = ctx.needed_words(result);
    let (x, y) = (ctx.low_words(x, needed), ctx.low_words(y, needed));
    let words = match ctx.current.opcode {
        Opcode::Select => ctx.select_words(condition, &x, &y),
        _ => ctx.select_words_by_mask(condition, x, &y),
    };
    ctx.define(result, &words);
}

impl Lower<'_, MInst> {
    /// `if_true` if the condition holds, otherwise `if_false`.
    pub(super) fn select_word(
        &mut self,
        condition: Condition,
        if_true: Word,
        if_false: Word,
    ) -> Word {
        if self.settings.optimizes() {
            return self.select_words(condition, &[if_true], &[if_false])[0];
        }
        match condition.known(self.settings) {
            Some(true) => if_true,
            Some(false) => if_false,
            None if if_true == if_false => if_true,
            None => {
                let rd = self.temp();
                let word = SelectedWord {
                    rd,
                    if_true: self.reg(if_true),
                    if_false: self.reg(if_false),
                };
                self.select_one(condition, &word);
                Word::Reg(rd.to_reg())
            }
        }
    }

    /// The words of `if_true` if the condition holds, otherwise those of `if_false`.
    pub(super) fn select_words(
        &mut self,
        condition: Condition,
        if_true: &[Word],
        if_false: &[Word],
    ) -> Words {
        let mut results = Words::of(if_true);
        if !self.settings.optimizes() {
            for (word, &if_false) in results.iter_mut().zip(if_false) {
                *word = self.select_word(condition, *word, if_false);
            }
            return results;
        }
        match condition.known(self.settings) {
            Some(true) => return results,
            Some(false) => return Words::of(if_false),
            None => {}
        }
        if let Some(words) = self.select_without_branch(condition, if_true, if_false) {
            return words;
        }
        // The moves of what is on the true side are left to the register allocator, which makes them vanish, unless there is
        // no register to keep the result in.
        let zeros = |words: &[Word]| words.iter().filter(|word| **word == Word::ZERO).count();
        let (condition, if_true, if_false) = if zeros(if_true) > zeros(if_false) {
            (condition.complement(), if_false, if_true)
        } else {
            (condition, if_true, if_false)
        };
        let mut selected = [SelectedWord::NONE; MAX_SELECTED_WORDS];
        let mut count = 0;
        for (index, (&if_true, &if_false)) in if_true.iter().zip(if_false).enumerate() {
            if if_true == if_false {
                continue;
            }
            let rd = self.temp();
            results[index] = Word::Reg(rd.to_reg());
            selected[count] = SelectedWord {
                rd,
                if_true: self.reg(if_true),
                if_false: self.reg(if_false),
            };
            count += 1;
        }
        match &selected[..count] {
            [] => {}
            [word] => self.select_one(condition, word),
            words => self.select_several(condition, words),
        }
        results
    }

    /// As [`Self::select_words`], with a mask in the place of a branch that could be predicted: all ones or zero.
    ///
    /// The condition is what the mask is made of. A comparison of wide values finds that by a branch of its own.
    fn select_words_by_mask(
        &mut self,
        condition: Condition,
        if_true: Words,
        if_false: &[Word],
    ) -> Words {
        let flag = self.flag_of(condition);
        let mask = self.neg(flag);
        let mut words = if_true;
        for (word, &if_false) in words.iter_mut().zip(if_false) {
            *word = self.select_bits(mask, *word, if_false);
        }
        words
    }

    /// The selection in instructions that compute, where they are shorter than a branch and moves.
    fn select_without_branch(
        &mut self,
        condition: Condition,
        if_true: &[Word],
        if_false: &[Word],
    ) -> Option<Words> {
        if let Some(words) = self.select_constants(condition, if_true, if_false) {
            return Some(words);
        }
        self.is_zicond_shorter(if_true, if_false)
            .then(|| self.select_with_zicond(condition, if_true, if_false))
    }

    fn select_several(&mut self, condition: Condition, selected: &[SelectedWord]) {
        let mut words = self.list(selected.len());
        self.heap().extend(&mut words, selected);
        let BranchCondition { op, rs1, rs2 } = self.branch_condition(condition);
        if let Some(words) = SelectedWords::new(words) {
            self.emit(MInst::SelectWide {
                op,
                rs1,
                rs2,
                words,
            });
        }
    }

    fn select_one(&mut self, condition: Condition, word: &SelectedWord) {
        let BranchCondition { op, rs1, rs2 } = self.branch_condition(condition);
        let SelectedWord {
            rd,
            if_true,
            if_false,
        } = *word;
        self.emit(MInst::Select {
            op,
            rd,
            rs1,
            rs2,
            if_true,
            if_false,
        });
    }
}

/// How a constant comes from a condition that is 0 or 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum FromFlag {
    /// It does not depend on the condition.
    Constant(i32),
    /// The condition added to a number.
    Add(i32),
    /// 0 or -1.
    Negate,
    /// The condition shifted to the left.
    Shift(i32),
    /// -1 or 1.
    Sign,
}

impl FromFlag {
    /// How `if_true` comes from a condition that is 1, and `if_false` from one that is 0.
    fn of(if_true: Word, if_false: Word) -> Option<Self> {
        let (Word::Const(one), Word::Const(zero)) = (if_true, if_false) else {
            return None;
        };
        if one == zero {
            return Some(Self::Constant(one));
        }
        if let (0, Some(amount)) = (zero, exponent(one)) {
            return Some(Self::Shift(amount));
        }
        match (one, zero) {
            (-1, 0) => Some(Self::Negate),
            (1, -1) => Some(Self::Sign),
            _ if zero.checked_add(1) == Some(one) && if_false.as_imm12().is_some() => {
                Some(Self::Add(zero))
            }
            _ => None,
        }
    }
}

/// Whether all of `if_true` and `if_false` come from a condition that is 1 or 0.
fn are_from_flag(if_true: &[Word], if_false: &[Word]) -> bool {
    let mut pairs = if_true.iter().zip(if_false);
    pairs.all(|(&one, &zero)| FromFlag::of(one, zero).is_some())
}

impl Lower<'_, MInst> {
    /// Selects between constants that are close to each other.
    fn select_constants(
        &mut self,
        condition: Condition,
        if_true: &[Word],
        if_false: &[Word],
    ) -> Option<Words> {
        let complement = condition.complement();
        let mut way = (condition, if_true, if_false);
        let mut other_way = (complement, if_false, if_true);
        if complement.cost_of_flag() < condition.cost_of_flag() {
            (way, other_way) = (other_way, way);
        }
        if !are_from_flag(way.1, way.2) {
            way = other_way;
            if !are_from_flag(way.1, way.2) {
                return None;
            }
        }
        let (condition, one, zero) = way;
        let flag = self.flag_of(condition);
        let mut done: Option<(FromFlag, Word)> = None;
        Some(Words::from_fn_in_order(one.len(), true, |index| {
            let way = FromFlag::of(one[index], zero[index]).expect("all words come from the flag");
            match done {
                Some((same, word)) if same == way => word,
                Some((FromFlag::Add(-1), all_or_none)) if way == FromFlag::Sign => {
                    self.or(all_or_none, Word::Const(1))
                }
                _ => {
                    let word = self.number_of_flag(flag, way);
                    done = Some((way, word));
                    word
                }
            }
        }))
    }

    fn number_of_flag(&mut self, flag: Word, way: FromFlag) -> Word {
        match way {
            FromFlag::Constant(constant) => Word::Const(constant),
            FromFlag::Add(number) => self.add(flag, Word::Const(number)),
            FromFlag::Negate => self.neg(flag),
            FromFlag::Shift(amount) => self.shl(flag, Word::Const(amount)),
            FromFlag::Sign => {
                let all_or_none = self.add(flag, Word::Const(-1));
                self.or(all_or_none, Word::Const(1))
            }
        }
    }

    /// Whether the instructions of Zicond are there and take no more code than a branch: for words one of which is zero
    /// they do, and for a single word they come close and need no guess.
    fn is_zicond_shorter(&self, if_true: &[Word], if_false: &[Word]) -> bool {
        let mut pairs = if_true.iter().zip(if_false);
        self.settings.optimizes_with(Extension::Zicond)
            && (if_true.len() == 1
                || pairs.all(|(&x, &y)| x == y || x == Word::ZERO || y == Word::ZERO))
    }

    /// `word` or zero, as the instruction `keep` says of `truth`.
    fn keep_or_zero(&mut self, keep: Op, word: Word, truth: Word) -> Word {
        match word {
            Word::ZERO => Word::ZERO,
            word => self.rrr(keep, word, truth),
        }
    }

    fn select_with_zicond(
        &mut self,
        condition: Condition,
        if_true: &[Word],
        if_false: &[Word],
    ) -> Words {
        let (truth, sense) = self.truth_of(condition);
        let (keep_true, keep_false) = match sense {
            Sense::Holds => (Op::CzeroEqz, Op::CzeroNez),
            Sense::Fails => (Op::CzeroNez, Op::CzeroEqz),
        };
        Words::from_fn(if_true.len(), |index| {
            let (x, y) = (if_true[index], if_false[index]);
            if x == y {
                return x;
            }
            let x = self.keep_or_zero(keep_true, x, truth);
            let y = self.keep_or_zero(keep_false, y, truth);
            self.or(x, y)
        })
    }
}
