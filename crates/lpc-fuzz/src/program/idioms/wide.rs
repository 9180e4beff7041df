//! Values of several registers, of which not all may be needed.

use super::super::function::FunctionGenerator;
use super::super::numbers;
use lpc_lpir::ir::{IntCC, Opcode, Type};

/// Opcodes of which each word of the result depends on some words of the operands alone.
const BINARY: [Opcode; 12] = {
    use Opcode::*;
    [
        Iadd, Isub, Imul, Band, Bor, Bxor, Ishl, Ushr, Sshr, Rotl, Rotr, Umulhi,
    ]
};

impl FunctionGenerator<'_> {
    fn wide_type(&mut self) -> Type {
        self.random.pick(&[Type::I64, Type::I64, Type::I128])
    }

    /// A wide result of which only a part is needed.
    pub(super) fn part_of_wide_result(&mut self) {
        let ty = self.wide_type();
        let opcode = self.random.pick(&BINARY);
        let (x, y) = (self.variable_value(ty), self.value(ty));
        let operands = [x, y];
        let data = self.ins_binary(opcode, operands);
        match self.random.below(4) {
            0 => {
                let (low, high) = self.ins().isplit(data);
                let half = if self.random.chance(50) { low } else { high };
                self.push(half);
            }
            1 => {
                let amount = self.random.pick(&[31, 32, 33, 63, 64, 96, 127]);
                let amount = self.int(Type::I32, amount);
                let shifted = self.ins_binary(Opcode::Ushr, [data, amount]);
                let narrower = self.random.pick(&[Type::I8, Type::I16, Type::I32]);
                self.unary(Opcode::Ireduce, narrower, shifted);
            }
            _ => {
                let narrower = self
                    .random
                    .pick(&[Type::I8, Type::I16, Type::I32, Type::I32]);
                self.unary(Opcode::Ireduce, narrower, data);
            }
        }
    }

    /// The result of a binary `opcode`, for one use.
    fn ins_binary(
        &mut self,
        opcode: Opcode,
        operands: [lpc_lpir::ir::Value; 2],
    ) -> lpc_lpir::ir::Value {
        let ty = self.type_of(operands[0]);
        let result = self.binary(opcode, operands);
        self.scope.take_last(ty);
        result
    }

    /// A wide value put together from the parts of others.
    pub(super) fn exchanged_halves(&mut self) {
        let ty = self
            .random
            .pick(&[Type::I16, Type::I32, Type::I64, Type::I128]);
        let value = self.variable_value(ty);
        let (low, high) = self.ins().isplit(value);
        let half = self.type_of(low);
        let other = match self.random.below(4) {
            0 => high,
            1 => self.value(half),
            2 => self.int(half, 0),
            _ => self.ins().bxor(low, high),
        };
        self.either_order(Opcode::Iconcat, low, other);
    }

    /// A shift of a wide value by an amount around the width of a register.
    pub(super) fn wide_shift(&mut self) {
        let ty = self.wide_type();
        let value = self.variable_value(ty);
        let opcode = self.random.pick(&[
            Opcode::Ishl,
            Opcode::Ushr,
            Opcode::Sshr,
            Opcode::Rotl,
            Opcode::Rotr,
        ]);
        let amount = if self.random.chance(50) {
            self.shift_amount()
        } else {
            // A multiple of some power of two, so that it is zero now and then.
            let amount_type = self.random.pick(&[Type::I8, Type::I32, Type::I64]);
            let any = self.variable_value(amount_type);
            let mask = self.random.pick(&[1, 31, 32, 64, 96, 0xe0, 0x61]);
            let mask = self.int(amount_type, mask);
            self.ins().band(any, mask)
        };
        self.binary(opcode, [value, amount]);
    }

    /// A comparison of wide values of which a half is equal.
    pub(super) fn comparison_of_equal_halves(&mut self) {
        let ty = self.wide_type();
        let half = ty.half_width().expect("a wide type has a half");
        let same = self.value(half);
        let (x, y) = (self.variable_value(half), self.value(half));
        let is_high_same = self.random.chance(60);
        let [x, y] = [x, y].map(|other| match is_high_same {
            true => self.ins().iconcat(other, same),
            false => self.ins().iconcat(same, other),
        });
        let y = if self.random.chance(20) {
            let number = numbers::number(self.random, half);
            self.number(ty, number)
        } else {
            y
        };
        let cond = self.random.pick(IntCC::ALL);
        let holds = self.ins().icmp(cond, x, y);
        self.use_condition(holds);
    }
}
