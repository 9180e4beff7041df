//! Shifts, rotations, fields and single bits.

use super::super::function::FunctionGenerator;
use super::super::numbers;
use lpc_lpir::ir::{IntCC, Opcode, Type, Value};

const LOGIC: [Opcode; 3] = [Opcode::Band, Opcode::Bor, Opcode::Bxor];
const SHIFTS: [Opcode; 3] = [Opcode::Ishl, Opcode::Ushr, Opcode::Sshr];

impl FunctionGenerator<'_> {
    /// A word, or a value of another type now and then.
    fn mostly_word(&mut self) -> Type {
        match self.random.below(3) {
            0 => self.any_type(),
            _ => Type::I32,
        }
    }

    /// A value combined with the complement of another.
    pub(super) fn complement(&mut self) {
        let ty = self.any_type();
        let (x, y) = (self.value(ty), self.variable_value(ty));
        let opcode = self.random.pick(&LOGIC);
        if self.random.chance(70) {
            let complement = self.unary(Opcode::Bnot, ty, y);
            self.either_order(opcode, x, complement);
        } else {
            let combined = self.binary(opcode, [x, y]);
            self.unary(Opcode::Bnot, ty, combined);
        }
    }

    /// Whether a bit is set, and what follows from that.
    pub(super) fn single_bit_test(&mut self) {
        let ty = match self.random.below(3) {
            0 => Type::I64,
            _ => self.any_type(),
        };
        let value = self.variable_value(ty);
        let bit = 1 << self.random.below(ty.bits());
        let bit = self.number(ty, bit);
        let masked = match self.random.below(5) {
            0 => self.ins().band(bit, value),
            _ => self.ins().band(value, bit),
        };
        let zero = self.int(ty, 0);
        let cond = self
            .random
            .pick(&[IntCC::Equal, IntCC::NotEqual, IntCC::NotEqual]);
        let compared_with = if self.random.chance(85) { zero } else { bit };
        let is_set = self.ins().icmp(cond, masked, compared_with);
        self.use_condition(is_set);
    }

    /// A bit whose number is a value, which is set, cleared, flipped or tested.
    pub(super) fn variable_bit(&mut self) {
        let ty = self.mostly_word();
        let value = self.variable_value(ty);
        let number_type = self.mostly_word();
        let number = self.variable_value(number_type);
        if self.random.chance(25) {
            let shifted = self.binary(Opcode::Ushr, [value, number]);
            let one = self.int(ty, 1);
            self.either_order(Opcode::Band, shifted, one);
            return;
        }
        let one = self.int(ty, 1);
        let bit = self.binary(Opcode::Ishl, [one, number]);
        match self.random.below(5) {
            0 => {}
            1 => {
                let others = self.unary(Opcode::Bnot, ty, bit);
                self.either_order(Opcode::Band, value, others);
            }
            _ => {
                let opcode = self.random.pick(&LOGIC);
                self.either_order(opcode, value, bit);
            }
        }
    }

    /// A bit whose number is constant, which is set, cleared or flipped.
    pub(super) fn constant_bit(&mut self) {
        let ty = self.any_type();
        let value = self.variable_value(ty);
        let bit: u128 = 1 << self.random.below(ty.bits());
        let mask = if self.random.chance(50) { bit } else { !bit };
        let mask = self.number(ty, mask & ty.mask());
        let opcode = self.random.pick(&LOGIC);
        self.either_order(opcode, value, mask);
    }

    /// A few bits, brought to the bottom: by a shift and a mask, or by two shifts.
    pub(super) fn bit_field(&mut self) {
        let ty = self.any_type();
        let value = self.variable_value(ty);
        let amount = self.amount_within(ty);
        match self.random.below(3) {
            0 => {
                let second = self.amount_within(ty);
                let raised = self.binary(Opcode::Ishl, [value, amount]);
                let opcode = self.random.pick(&SHIFTS);
                self.binary(opcode, [raised, second]);
            }
            _ => {
                let opcode = self
                    .random
                    .pick(&[Opcode::Ushr, Opcode::Ushr, Opcode::Sshr]);
                let shifted = self.binary(opcode, [value, amount]);
                let width = self.random.between(1, ty.bits() - 1);
                let mask = self.number(ty, (1 << width) - 1);
                self.either_order(Opcode::Band, shifted, mask);
            }
        }
    }

    /// A constant less than the width of `ty`, of any type.
    fn amount_within(&mut self, ty: Type) -> Value {
        let amount = self.random.below(ty.bits());
        let amount_type = self.any_type();
        self.int(amount_type, amount.into())
    }

    /// A rotation: as such, or by two shifts.
    pub(super) fn rotation(&mut self) {
        let ty = self.any_type();
        let value = self.variable_value(ty);
        if self.random.chance(60) {
            let opcode = self.random.pick(&[Opcode::Rotl, Opcode::Rotr]);
            let amount = self.shift_amount();
            self.binary(opcode, [value, amount]);
            return;
        }
        let amount = self.random.below(ty.bits());
        let forth = self.int(Type::I8, amount.into());
        let back = self.int(Type::I8, (ty.bits() - amount).into());
        let left = self.ins().ishl(value, forth);
        let right = self.ins().ushr(value, back);
        self.either_order(Opcode::Bor, left, right);
    }

    /// A shift by an amount that was computed, in a type that may be narrower or wider than the value, and perhaps masked.
    pub(super) fn masked_shift_amount(&mut self) {
        let (ty, amount_type) = (self.any_type(), self.any_type());
        let (value, amount) = (self.value(ty), self.variable_value(amount_type));
        let amount = match self.random.below(4) {
            0 => {
                let mask = i64::from(ty.bits() - 1).min(127);
                let mask = self.int(amount_type, mask);
                self.either_order(Opcode::Band, amount, mask)
            }
            1 => {
                let width = self.int(amount_type, ty.bits().into());
                self.binary(Opcode::Isub, [width, amount])
            }
            2 => self.unary(Opcode::Bnot, amount_type, amount),
            _ => {
                let more = self.value(amount_type);
                self.binary(Opcode::Iadd, [amount, more])
            }
        };
        let mut opcodes = SHIFTS.to_vec();
        opcodes.extend([Opcode::Rotl, Opcode::Rotr]);
        let opcode = self.random.pick(&opcodes);
        self.binary(opcode, [value, amount]);
    }

    /// Bits of two values by a mask: as such, or in one of the ways in which it is written.
    pub(super) fn bit_selection(&mut self) {
        let ty = self.any_type();
        let (mask, x, y) = (self.value(ty), self.value(ty), self.value(ty));
        match self.random.below(3) {
            0 => {
                let selected = self.ins().bitselect(mask, x, y);
                self.push(selected);
            }
            1 => {
                let others = self.ins().bnot(mask);
                let (x, y) = (self.ins().band(x, mask), self.ins().band(y, others));
                self.either_order(Opcode::Bor, x, y);
            }
            _ => {
                let difference = self.ins().bxor(x, y);
                let masked = self.ins().band(difference, mask);
                self.either_order(Opcode::Bxor, masked, y);
            }
        }
    }

    /// Bytes or bits in the opposite order, and what is done with them.
    pub(super) fn reversal(&mut self) {
        let ty = self
            .random
            .pick(&[Type::I16, Type::I32, Type::I64, Type::I128]);
        let value = self.variable_value(ty);
        let opcode = self.random.pick(&[Opcode::Bswap, Opcode::Bitrev]);
        let reversed = self.unary(opcode, ty, value);
        match self.random.below(4) {
            0 => {
                let opcode = self.random.pick(&[Opcode::Clz, Opcode::Ctz, Opcode::Cls]);
                self.unary(opcode, ty, reversed);
            }
            1 => {
                let half = self.int(Type::I8, (ty.bits() / 2).into());
                self.binary(Opcode::Ushr, [reversed, half]);
            }
            2 if ty == Type::I16 => {
                let opcode = self.random.pick(&[Opcode::Uextend, Opcode::Sextend]);
                self.unary(opcode, Type::I32, reversed);
            }
            _ => {
                let number = numbers::number(self.random, ty);
                let constant = self.number(ty, number);
                self.either_order(Opcode::Bxor, reversed, constant);
            }
        }
    }
}
