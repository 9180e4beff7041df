//! Values that are narrower than a word: `i8` and `i16`.
//!
//! The bits of the register above such a value are undefined. Instructions to whose result these bits do not matter
//! (addition, the bitwise ones, …) ignore them; the others ask for an operand that is [`extended`](Lower::extended).

use super::operands;
use super::words::Word;
use crate::backend::lower::Lower;
use crate::isa::riscv32::inst::MInst;
use lpc_lpir::ir::{
    ArgumentExtension, Block, InstructionData, IntCC, Opcode, OperandType, Type, Value, ValueDef,
};
use lpc_riscv32::{Extension, Opcode as Op};

/// The most definitions that the search for an extension looks through.
const MAX_DEPTH: usize = 4;

/// How the bits above a narrow value continue it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Extend {
    /// With zeros.
    Zero,
    /// With copies of the sign.
    Sign,
}

impl Extend {
    /// How to extend what is compared by `cond`.
    pub(super) fn of_comparison(cond: IntCC) -> Self {
        match cond.is_signed() {
            true => Self::Sign,
            false => Self::Zero,
        }
    }
}

impl Lower<'_, MInst> {
    /// The one-word value `value`, extended to the whole word.
    pub(super) fn extended(&mut self, value: Value, extend: Extend) -> Word {
        let ty = self.ty(value);
        if self.is_extended(value, extend) {
            return self.word(value, 0);
        }
        if self.settings.optimizes()
            && let Some(word) = self.extended_shift(value, extend)
        {
            return word;
        }
        let word = self.word(value, 0);
        self.extend(word, ty, extend)
    }

    /// The `i16` that is shifted to the left by a constant, extended: by shifting it further to the left, and back. Without
    /// Zbb that is one shift less than to extend it after.
    fn extended_shift(&mut self, value: Value, extend: Extend) -> Option<Word> {
        let shift = self.def_with_opcode(value, Opcode::Ishl)?;
        if self.ty(value) != Type::I16 || self.settings.optimizes_with(Extension::Zbb) {
            return None;
        }
        let [x, amount] = operands(self, shift);
        let amount = self.as_constant(amount)? as i32 & 15;
        let word = self.word(x, 0);
        let top = self.shl(word, Word::Const(16 + amount));
        Some(match extend {
            Extend::Zero => self.shr(top, Word::Const(16)),
            Extend::Sign => self.sar(top, Word::Const(16)),
        })
    }

    /// Extends the value of type `from` in `word` to the whole word.
    pub(super) fn extend(&mut self, word: Word, from: Type, extend: Extend) -> Word {
        let optimizes = self.settings.optimizes();
        let has_zbb = self.settings.optimizes_with(Extension::Zbb);
        match (from, extend, word) {
            _ if from.bits() >= 32 => word,
            (_, Extend::Zero, _) if from == Type::I8 || optimizes => {
                self.and(word, Word::Const((1 << from.bits()) - 1))
            }
            (Type::I8, Extend::Sign, Word::Reg(_)) if has_zbb => self.rr(Op::SextB, word),
            (Type::I16, Extend::Sign, Word::Reg(_)) if has_zbb => self.rr(Op::SextH, word),
            _ => {
                let amount = Word::Const(32 - from.bits() as i32);
                let high = self.shl(word, amount);
                self.shift_right(high, amount, extend)
            }
        }
    }

    /// Whether the register of `value` is known to hold it extended. At `-O none`, little is known of narrow values.
    pub(super) fn is_extended(&self, value: Value, extend: Extend) -> bool {
        match self.settings.optimizes() {
            true => self.is_extended_within(value, extend, MAX_DEPTH),
            false => {
                self.ty(value).bits() >= 32 || self.def_with_opcode(value, Opcode::Icmp).is_some()
            }
        }
    }

    /// As [`Self::is_extended`], looking through no more than `depth` definitions.
    fn is_extended_within(&self, value: Value, extend: Extend, depth: usize) -> bool {
        let ty = self.ty(value);
        if ty.bits() >= Type::I32.bits() {
            return true;
        }
        if let Some(constant) = self.as_constant(value) {
            return extend == Extend::Sign || constant >= 0;
        }
        let Some(depth) = depth.checked_sub(1) else {
            return false;
        };
        let is_extended = |value, extend| self.is_extended_within(value, extend, depth);
        let (inst, position) = match self.func.dfg.value_def(value) {
            ValueDef::Param(block, position) => {
                return self.is_extended_by_caller(block, position, extend);
            }
            ValueDef::Result(inst, position) => (inst, position),
        };
        match *self.data(inst) {
            InstructionData::Load { opcode, .. } => match opcode {
                Opcode::Load | Opcode::Uload8 => extend == Extend::Zero,
                Opcode::Sload8 => extend == Extend::Sign,
                _ => false,
            },
            InstructionData::LoadNoOffset {
                opcode: Opcode::AtomicLoad,
                ..
            } => extend == Extend::Zero,
            InstructionData::Unary { opcode, arg } => match opcode {
                // What is extended from a narrower type is extended beyond the wider one too.
                Opcode::Uextend => true,
                Opcode::Sextend | Opcode::Bmask => extend == Extend::Sign,
                Opcode::Bnot => extend == Extend::Sign && is_extended(arg, Extend::Sign),
                // The instruction reverses all four bytes, and then the upper ones come down.
                Opcode::Bswap => extend == Extend::Zero && self.has_rotations_and_complements(),
                // Without `brev8`, the last step masks off all that is above.
                Opcode::Bitrev => {
                    let has_brev8 = self.settings.optimizes_with(Extension::Zbkb);
                    extend == Extend::Zero && (ty == Type::I16 || !has_brev8)
                }
                // Counts are small.
                Opcode::Clz | Opcode::Cls | Opcode::Ctz | Opcode::Popcnt => true,
                // The upper half is shifted down; the lower one is just another name for both.
                Opcode::Isplit => {
                    position == 1 && extend == Extend::Zero && is_extended(arg, Extend::Zero)
                }
                _ => false,
            },
            InstructionData::Binary { opcode, args } => match (opcode, extend) {
                (Opcode::Band, Extend::Zero) => {
                    args.into_iter().any(|arg| is_extended(arg, Extend::Zero))
                }
                (Opcode::Band | Opcode::Bor | Opcode::Bxor, _) => {
                    args.into_iter().all(|arg| is_extended(arg, extend))
                }
                // The lower half is cleared above to make room for the upper one.
                (Opcode::Iconcat, Extend::Zero) => is_extended(args[1], Extend::Zero),
                // These work on extended operands, and so are their results.
                (Opcode::Ushr | Opcode::Udiv | Opcode::Urem | Opcode::Umulhi, Extend::Zero)
                | (Opcode::Umin | Opcode::Umax, Extend::Zero)
                | (Opcode::Sshr | Opcode::Sdiv | Opcode::Srem | Opcode::Smulhi, Extend::Sign)
                | (Opcode::Smin | Opcode::Smax, Extend::Sign) => true,
                _ => self.is_zero_or_one(value),
            },
            InstructionData::Ternary {
                opcode: Opcode::Bitselect,
                args: [_, x, y],
            } => extend == Extend::Zero && is_extended(x, extend) && is_extended(y, extend),
            InstructionData::Ternary {
                opcode: Opcode::Select | Opcode::SelectSpectreGuard,
                args: [_, if_true, if_false],
            } => is_extended(if_true, extend) && is_extended(if_false, extend),
            _ => self.is_zero_or_one(value),
        }
    }

    /// Whether parameter number `position` of `block` is one of the function's that the caller extends.
    fn is_extended_by_caller(&self, block: Block, position: usize, extend: Extend) -> bool {
        if self.func.entry_block() != Some(block) {
            return false;
        }
        let param = self.abi.args().get(position);
        param.is_some_and(|param| match param.extension {
            ArgumentExtension::Uext => extend == Extend::Zero,
            ArgumentExtension::Sext => extend == Extend::Sign,
            ArgumentExtension::None => false,
        })
    }

    /// Whether `value` is a flag, which its register holds as 0 or 1: the result of a comparison, or the second result of
    /// an instruction that tells whether it overflows.
    pub(super) fn is_zero_or_one(&self, value: Value) -> bool {
        let value = self.func.dfg.resolve_aliases(value);
        let Some(inst) = self.func.dfg.value_inst(value) else {
            return false;
        };
        match *self.data(inst) {
            InstructionData::IntCompare { .. } => true,
            InstructionData::Binary { opcode, .. } | InstructionData::Ternary { opcode, .. } => {
                opcode.result(1) == Some(OperandType::I8)
                    && self.func.dfg.first_result(inst) != value
            }
            _ => false,
        }
    }
}
