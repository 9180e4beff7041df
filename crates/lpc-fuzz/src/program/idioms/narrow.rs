//! Values that are narrower than a register, above which there may be anything.

use super::super::function::FunctionGenerator;
use lpc_lpir::ir::{Opcode, Type, Value};

/// Opcodes whose results are extended in some way, or leave something above.
const BINARY: [Opcode; 22] = {
    use Opcode::*;
    [
        Iadd, Isub, Imul, Band, Bor, Bxor, Ishl, Ushr, Sshr, Rotl, Rotr, Smin, Umin, Smax, Umax,
        Umulhi, Smulhi, Udiv, Sdiv, Urem, Srem, Iadd,
    ]
};
const UNARY: [Opcode; 8] = {
    use Opcode::*;
    [Bnot, Ineg, Iabs, Clz, Cls, Ctz, Popcnt, Bitrev]
};

impl FunctionGenerator<'_> {
    fn narrow_type(&mut self) -> Type {
        self.random.pick(&[Type::I8, Type::I16])
    }

    /// A narrow value of any origin.
    pub(in super::super) fn narrow_value(&mut self, ty: Type) -> Value {
        match self.random.below(6) {
            0 => self.variable_value(ty),
            1 => {
                let wide = self.random.pick(&[Type::I32, Type::I64, Type::I128]);
                let value = self.variable_value(wide);
                self.ins().ireduce(ty, value)
            }
            2 if ty == Type::I16 => {
                let byte = self.variable_value(Type::I8);
                let opcode = self.random.pick(&[Opcode::Uextend, Opcode::Sextend]);
                self.unary(opcode, ty, byte)
            }
            3 => {
                let opcode = self.random.pick(&UNARY);
                let operand = self.variable_value(ty);
                self.unary(opcode, ty, operand)
            }
            _ => {
                let opcode = self.random.pick(&BINARY);
                let (x, mut y) = (self.variable_value(ty), self.value(ty));
                if matches!(
                    opcode,
                    Opcode::Udiv | Opcode::Sdiv | Opcode::Urem | Opcode::Srem
                ) {
                    y = self.not_zero(y);
                }
                self.binary(opcode, [x, y])
            }
        }
    }

    /// A narrow result that is extended: to any wider type, and perhaps back and forth.
    pub(super) fn extended_result(&mut self) {
        let ty = self.narrow_type();
        let mut value = self.narrow_value(ty);
        for _ in 0..self.random.between(1, 2) {
            let wider = self
                .random
                .pick(&[Type::I32, Type::I32, Type::I64, Type::I128]);
            let wider = match self.random.below(4) {
                0 if self.type_of(value) == Type::I8 => Type::I16,
                _ => wider,
            };
            let opcode = self.random.pick(&[Opcode::Uextend, Opcode::Sextend]);
            value = self.unary(opcode, wider, value);
            if self.random.chance(40) {
                let narrower = if wider == Type::I16 {
                    Type::I8
                } else {
                    self.narrow_type()
                };
                value = self.unary(Opcode::Ireduce, narrower, value);
            } else {
                break;
            }
        }
    }

    /// A narrow result as the operand of what looks at all of a register: comparisons, divisions, shifts, conditions.
    pub(super) fn extended_operand(&mut self) {
        let ty = self.narrow_type();
        let (x, y) = (self.narrow_value(ty), self.narrow_value(ty));
        match self.random.below(5) {
            0..=1 => {
                let cond = self.random.pick(lpc_lpir::ir::IntCC::ALL);
                let holds = self.ins().icmp(cond, x, y);
                self.use_condition(holds);
            }
            2 => {
                let ty = self.any_type();
                let (if_true, if_false) = (self.value(ty), self.value(ty));
                let chosen = self.ins().select(x, if_true, if_false);
                self.push(chosen);
            }
            3 => {
                let opcode = self.random.pick(&BINARY);
                let y = self.not_zero(y);
                self.binary(opcode, [x, y]);
            }
            _ => self.two_edges(x),
        }
    }

    /// The two bytes of a half word, each extended or compared, or two bytes as a half word.
    pub(super) fn halves_of_narrow(&mut self) {
        if self.random.chance(40) {
            let (low, high) = (self.narrow_value(Type::I8), self.narrow_value(Type::I8));
            let both = self.binary(Opcode::Iconcat, [low, high]);
            let opcode = self.random.pick(&[Opcode::Uextend, Opcode::Sextend]);
            self.unary(opcode, Type::I32, both);
            return;
        }
        let value = self.narrow_value(Type::I16);
        let (low, high) = self.ins().isplit(value);
        for half in [low, high] {
            match self.random.below(3) {
                0 => self.push(half),
                _ => {
                    let opcode = self.random.pick(&[Opcode::Uextend, Opcode::Sextend]);
                    self.unary(opcode, Type::I32, half);
                }
            }
        }
    }

    /// A narrow value that is shifted to the left, and then looked at as a whole.
    pub(super) fn shifted_and_extended(&mut self) {
        let ty = self.narrow_type();
        let value = self.narrow_value(ty);
        let amount = self.random.below(ty.bits());
        let amount = self.int(ty, amount.into());
        let shifted = self.binary(Opcode::Ishl, [value, amount]);
        match self.random.below(3) {
            0 => {
                let other = self.value(ty);
                let cond = self.random.pick(lpc_lpir::ir::IntCC::ALL);
                let holds = self.ins().icmp(cond, shifted, other);
                self.use_condition(holds);
            }
            1 => {
                let opcode = self.random.pick(&[Opcode::Sshr, Opcode::Ushr]);
                let amount = self.shift_amount();
                self.binary(opcode, [shifted, amount]);
            }
            _ => {
                let opcode = self.random.pick(&[Opcode::Uextend, Opcode::Sextend]);
                let wider = self.random.pick(&[Type::I32, Type::I64]);
                self.unary(opcode, wider, shifted);
            }
        }
    }
}
