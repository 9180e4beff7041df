//! Division and remainder.
//!
//! The instructions of the M extension give a defined result where LPIR traps, so the traps are tests of their own. A
//! divisor that is a constant needs none, or just one. Wide values are divided by routines of the [runtime](crate::runtime).

use super::call::MAX_ROUTINE_WORDS;
use super::comparisons::Condition;
use super::narrow::Extend;
use super::words::{Word, Words, num_words};
use super::{Ctx, operands, require_division};
use crate::backend::lower::Lower;
use crate::isa::riscv32::inst::MInst;
use crate::runtime::Routine;
use lpc_lpir::ir::{Inst, Opcode, TrapCode, Type};
use lpc_riscv32::Opcode as Op;

pub(super) fn lower(ctx: Ctx, inst: Inst) {
    if !require_division(ctx, inst) {
        return;
    }
    let result = ctx.result(inst);
    let ty = ctx.ty(result);
    let opcode = ctx.opcode(inst);
    let extend = match opcode {
        Opcode::Udiv | Opcode::Urem => Extend::Zero,
        _ => Extend::Sign,
    };
    let [x, y] = operands(ctx, inst);
    let x = ctx.extended_words(x, extend);
    let y = ctx.extended_words(y, extend);
    if may_be(&y, 0) {
        let any = ctx.or_words(&y);
        ctx.trap_if(Condition::zero(any), TrapCode::INTEGER_DIVISION_BY_ZERO);
    }
    let is_word = num_words(ty) == 1;
    let may_overflow = opcode == Opcode::Sdiv && may_be(&y, -1);
    // Before a routine is called, as nothing need be kept for it then.
    let is_tested_before = ctx.settings.optimizes() && !is_word;
    if may_overflow && is_tested_before {
        ctx.trap_if_quotient_overflows(&x, &y);
    }
    let words = match is_word {
        true => Words::one(ctx.divide_words(opcode, x[0], y[0])),
        false => ctx.divide_wide(opcode, ty, &x, &y),
    };
    if may_overflow && !is_tested_before {
        let last = x.len() - 1;
        ctx.trap_on_quotient_overflow(ty, words[last], x[last], y[last]);
    }
    ctx.define(result, &words);
}

/// Whether `words` may be `constant`, extended with its sign.
fn may_be(words: &[Word], constant: i32) -> bool {
    words.iter().enumerate().all(|(index, &word)| match word {
        Word::Const(word) if index == 0 => word == constant,
        Word::Const(word) => word == constant >> 31,
        Word::Reg(_) => true,
    })
}

impl Lower<'_, MInst> {
    /// Divides words.
    fn divide_words(&mut self, opcode: Opcode, x: Word, y: Word) -> Word {
        let op = match opcode {
            Opcode::Udiv => Op::Divu,
            Opcode::Urem => Op::Remu,
            Opcode::Sdiv => Op::Div,
            _ => Op::Rem,
        };
        self.rrr(op, x, y)
    }

    /// Traps when the quotient of two signed numbers does not fit: the least number divided by -1. Two negative numbers have a
    /// negative quotient just then, by which both the instruction and the routines show the overflow. These are the highest words.
    fn trap_on_quotient_overflow(&mut self, ty: Type, quotient: Word, x: Word, y: Word) {
        if self.settings.optimizes() && ty.bits() < 32 {
            return self.trap_if_extension_differs(ty, quotient);
        }
        let both = self.and(x, y);
        let quotient = self.shift_to_top(quotient, ty);
        let all = self.and(both, quotient);
        self.trap_if(Condition::negative(all), TrapCode::INTEGER_OVERFLOW);
    }

    /// Traps when the narrow `quotient` of type `ty` is not what its low bits extend to.
    fn trap_if_extension_differs(&mut self, ty: Type, quotient: Word) {
        let wrapped = self.extend(quotient, ty, Extend::Sign);
        let difference = self.xor(wrapped, quotient);
        self.trap_if(Condition::nonzero(difference), TrapCode::INTEGER_OVERFLOW);
    }

    /// Divides values of more than one word.
    fn divide_wide(&mut self, opcode: Opcode, ty: Type, x: &[Word], y: &[Word]) -> Words {
        let routine = match (opcode, ty) {
            (Opcode::Udiv | Opcode::Urem, Type::I64) => Routine::Udivrem64,
            (Opcode::Udiv | Opcode::Urem, _) => Routine::Udivrem128,
            (_, Type::I64) => Routine::Sdivrem64,
            _ => Routine::Sdivrem128,
        };
        let mut args = [Word::ZERO; MAX_ROUTINE_WORDS];
        args[..x.len()].copy_from_slice(x);
        args[x.len()..][..y.len()].copy_from_slice(y);
        let results = self.call_routine(routine, &args[..x.len() + y.len()]);
        let first = match opcode {
            Opcode::Udiv | Opcode::Sdiv => 0,
            _ => x.len(),
        };
        Words::of(&results[first..][..x.len()])
    }

    /// Traps when `x` is the least number and `y` is -1.
    fn trap_if_quotient_overflows(&mut self, x: &[Word], y: &[Word]) {
        let last = x.len() - 1;
        let mut least = Words::filled(x.len(), Word::ZERO);
        least[last] = Word::Const(i32::MIN);
        let minus_one = Words::filled(y.len(), Word::Const(-1));
        let from_least = self.words_difference(x, &least);
        let from_minus_one = self.words_difference(y, &minus_one);
        let any = self.or(from_least, from_minus_one);
        self.trap_if(Condition::zero(any), TrapCode::INTEGER_OVERFLOW);
    }
}
