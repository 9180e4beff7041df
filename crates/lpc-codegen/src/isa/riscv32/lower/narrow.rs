//! Values that are narrower than a word: `i8` and `i16`.
//!
//! The bits of the register above such a value are undefined. Instructions to whose result these bits do not matter
//! (addition, the bitwise ones, …) ignore them; the others ask for an operand that is [`extended`](Lower::extended).

use super::words::Word;
use crate::backend::lower::Lower;
use crate::isa::riscv32::inst::MInst;
use lpc_lpir::ir::{InstructionData, Opcode, OperandType, Type, Value};
use lpc_riscv32::{Extension, Opcode as Op};

/// How the bits above a narrow value continue it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Extend {
    /// With zeros.
    Zero,
    /// With copies of the sign.
    Sign,
}

impl Lower<'_, MInst> {
    /// The one-word value `value`, extended to the whole word.
    pub(super) fn extended(&mut self, value: Value, extend: Extend) -> Word {
        let ty = self.ty(value);
        let is_extended = self.is_extended(value, extend);
        let word = self.word(value, 0);
        if is_extended {
            return word;
        }
        self.extend(word, ty, extend)
    }

    /// Extends the value of type `from` in `word` to the whole word.
    pub(super) fn extend(&mut self, word: Word, from: Type, extend: Extend) -> Word {
        let has_zbb = self.settings.extensions.contains(Extension::Zbb);
        match (from, extend, word) {
            (Type::I32 | Type::I64 | Type::I128, ..) => word,
            (Type::I8, Extend::Zero, _) => self.and(word, Word::Const(0xff)),
            (Type::I8, Extend::Sign, Word::Reg(_)) if has_zbb => self.rr(Op::SextB, word),
            (Type::I16, Extend::Sign, Word::Reg(_)) if has_zbb => self.rr(Op::SextH, word),
            (Type::I16, Extend::Zero, Word::Reg(_)) if has_zbb => self.rr(Op::ZextH, word),
            (from, extend, _) => {
                let amount = Word::Const(32 - from.bits() as i32);
                let high = self.shl(word, amount);
                match extend {
                    Extend::Zero => self.shr(high, amount),
                    Extend::Sign => self.sar(high, amount),
                }
            }
        }
    }

    /// Whether the register of `value` is known to hold it extended.
    fn is_extended(&self, value: Value, extend: Extend) -> bool {
        if self.ty(value).bits() >= Type::I32.bits() {
            return true;
        }
        let Some(inst) = self.func.dfg.value_inst(value) else {
            return false;
        };
        match *self.data(inst) {
            InstructionData::UnaryImm { .. } => match extend {
                Extend::Sign => true,
                Extend::Zero => self
                    .as_constant(value)
                    .is_some_and(|constant| constant >= 0),
            },
            InstructionData::Load { opcode, .. } => match opcode {
                Opcode::Load | Opcode::Uload8 => extend == Extend::Zero,
                Opcode::Sload8 => extend == Extend::Sign,
                _ => false,
            },
            // What is extended from a narrower type is extended beyond the wider one too.
            InstructionData::Unary {
                opcode: Opcode::Uextend,
                ..
            } => true,
            InstructionData::Unary {
                opcode: Opcode::Sextend,
                ..
            } => extend == Extend::Sign,
            _ => self.is_zero_or_one(value),
        }
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
                let results = opcode.info().results;
                results.get(1) == Some(&OperandType::I8)
                    && self.func.dfg.first_result(inst) != value
            }
            _ => false,
        }
    }
}
