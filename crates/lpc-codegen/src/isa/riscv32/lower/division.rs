//! Division and remainder.
//!
//! The instructions of the M extension give a defined result where LPIR traps, so the traps are tests of their own. A
//! divisor that is a constant needs none, or just one. Wide values are divided by routines of the [runtime](crate::runtime).

use super::call::MAX_ROUTINE_WORDS;
use super::comparisons::Condition;
use super::narrow::Extend;
use super::words::{Word, Words};
use super::{Ctx, require_division};
use crate::backend::lower::{CurrentInst, Lower};
use crate::isa::riscv32::inst::MInst;
use crate::runtime::Routine;
use lpc_lpir::ir::{Inst, Opcode, TrapCode, Type};
use lpc_riscv32::Opcode as Op;

pub(super) fn lower(ctx: Ctx, inst: Inst) {
    if !require_division(ctx, inst) {
        return;
    }
    let CurrentInst {
        opcode,
        result,
        ty,
        args: [x, y, _],
    } = ctx.current;
    let extend = match opcode {
        Opcode::Udiv | Opcode::Urem => Extend::Zero,
        _ => Extend::Sign,
    };
    let x = ctx.extended_words(x, extend);
    let y = ctx.extended_words(y, extend);
    if may_be(&y, 0) {
        let any = ctx.or_words(&y);
        ctx.trap_if(Condition::zero(any), TrapCode::INTEGER_DIVISION_BY_ZERO);
    }
    let len = x.len();
    let may_overflow = opcode == Opcode::Sdiv && may_be(&y, -1);
    // Before a routine is called, as nothing need be kept for it then.
    let is_tested_before = ctx.settings.optimizes() && len > 1;
    if may_overflow && is_tested_before {
        ctx.trap_if_quotient_overflows(&x, &y);
    }
    let mut words = [Word::ZERO; MAX_ROUTINE_WORDS];
    let mut first = 0;
    if len == 1 {
        words[0] = ctx.rrr(instruction(opcode), x[0], y[0]);
    } else {
        words[..len].copy_from_slice(&x);
        words[len..2 * len].copy_from_slice(&y);
        words = ctx.call_routine(routine(extend, ty), &words[..2 * len]);
        if matches!(opcode, Opcode::Urem | Opcode::Srem) {
            first = len;
        }
    }
    let words = &words[first..][..len];
    if may_overflow && !is_tested_before {
        ctx.trap_on_quotient_overflow(ty, words[len - 1], x[len - 1], y[len - 1]);
    }
    ctx.define(result, words);
}

/// The instruction that divides words.
fn instruction(opcode: Opcode) -> Op {
    match opcode {
        Opcode::Udiv => Op::Divu,
        Opcode::Urem => Op::Remu,
        Opcode::Sdiv => Op::Div,
        _ => Op::Rem,
    }
}

/// The routine that divides values of more than one word. It gives the quotient and the remainder.
fn routine(extend: Extend, ty: Type) -> Routine {
    match (extend, ty) {
        (Extend::Zero, Type::I64) => Routine::Udivrem64,
        (Extend::Zero, _) => Routine::Udivrem128,
        (Extend::Sign, Type::I64) => Routine::Sdivrem64,
        (Extend::Sign, _) => Routine::Sdivrem128,
    }
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
