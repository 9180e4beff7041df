//! Sums, products and quotients.

use super::super::function::FunctionGenerator;
use super::super::numbers;
use lpc_lpir::ir::{IntCC, Opcode, Type};

impl FunctionGenerator<'_> {
    /// A sum or difference with a constant, on either side.
    pub(super) fn sum_with_constant(&mut self) {
        let ty = self.any_type();
        let value = self.variable_value(ty);
        let constant = match self.random.below(3) {
            0 => {
                let number = self.random.signed(-2050, 2050);
                self.int(ty, number.into())
            }
            _ => {
                let number = numbers::number(self.random, ty);
                self.number(ty, number)
            }
        };
        let opcode = self.random.pick(&[Opcode::Iadd, Opcode::Isub]);
        self.either_order(opcode, value, constant);
    }

    /// A value that is shifted by a few bits, and added to another one.
    pub(super) fn scaled_sum(&mut self) {
        let ty = match self.random.below(5) {
            0 => self.any_type(),
            _ => Type::I32,
        };
        let (x, y) = (self.variable_value(ty), self.value(ty));
        let amount = self.random.below(5);
        let amount_type = self.any_type();
        let amount = self.int(amount_type, amount.into());
        let scaled = self.binary(Opcode::Ishl, [x, amount]);
        self.either_order(Opcode::Iadd, scaled, y);
    }

    /// A sum or difference of several parts, with carries from one to the next. The last may be signed.
    pub(super) fn carry_chain(&mut self) {
        use Opcode::*;
        let ty = self.any_type();
        let is_sum = self.random.chance(50);
        let (first, next, last) = match is_sum {
            true => (UaddOverflow, UaddOverflowCin, SaddOverflowCin),
            false => (UsubOverflow, UsubOverflowBin, SsubOverflowBin),
        };
        let (x, y) = (self.value(ty), self.value(ty));
        let mut carry = match self.random.below(3) {
            0 => self.value(Type::I8),
            _ => {
                self.binary(first, [x, y]);
                self.last_flag()
            }
        };
        let parts = self.random.between(1, 3);
        for part in 1..=parts {
            let opcode = if part == parts && self.random.chance(40) {
                last
            } else {
                next
            };
            let (x, y) = (self.value(ty), self.value(ty));
            self.instruction_with(opcode, Some(ty), &[x, y, carry]);
            carry = self.last_flag();
        }
    }

    /// The product of two values that are extended from half the width, and half of it.
    pub(super) fn widening_product(&mut self) {
        let wide = self
            .random
            .pick(&[Type::I16, Type::I32, Type::I64, Type::I64, Type::I128]);
        let mut factors = [(); 2].map(|()| {
            let half = wide.half_width().expect("a wide type has a half");
            let narrow = match self.random.below(4) {
                0 if half != Type::I8 => Type::I8,
                1 => wide,
                _ => half,
            };
            let value = self.value(narrow);
            match self.random.below(2) {
                _ if narrow == wide => value,
                0 => self.ins().uextend(wide, value),
                _ => self.ins().sextend(wide, value),
            }
        });
        if self.random.chance(10) {
            factors[1] = factors[0];
        }
        let product = self.binary(Opcode::Imul, factors);
        if self.random.chance(50) {
            let half = self.int(Type::I8, i64::from(wide.bits() / 2));
            let opcode = self.random.pick(&[Opcode::Ushr, Opcode::Sshr]);
            let high = self.binary(opcode, [product, half]);
            let half = wide.half_width().expect("a wide type has a half");
            self.unary(Opcode::Ireduce, half, high);
        }
    }

    /// A product with a constant near a power of two.
    pub(super) fn product_with_constant(&mut self) {
        let ty = self.any_type();
        let value = self.variable_value(ty);
        let number = match self.random.below(4) {
            0 => u128::MAX,
            1 => 1 << self.random.below(ty.bits()),
            2 => (1u128 << self.random.below(ty.bits()))
                .wrapping_add_signed(self.random.pick(&[-1, 1])),
            _ => numbers::number(self.random, ty),
        };
        let constant = self.number(ty, number & ty.mask());
        let opcode =
            self.random
                .pick(&[Opcode::Imul, Opcode::Imul, Opcode::Umulhi, Opcode::Smulhi]);
        self.either_order(opcode, value, constant);
    }

    /// Both a quotient and a remainder of the same numbers.
    pub(super) fn quotient_and_remainder(&mut self) {
        let ty = self.any_type();
        let (x, y) = (self.value(ty), self.variable_value(ty));
        let y = self.not_zero(y);
        let (divide, remainder) = self
            .random
            .pick(&[(Opcode::Udiv, Opcode::Urem), (Opcode::Sdiv, Opcode::Srem)]);
        let quotient = self.binary(divide, [x, y]);
        let rest = self.binary(remainder, [x, y]);
        if self.random.chance(50) {
            let product = self.binary(Opcode::Imul, [quotient, y]);
            self.binary(Opcode::Iadd, [product, rest]);
        }
    }

    /// A division by a constant, often a power of two or -1.
    pub(super) fn quotient_by_constant(&mut self) {
        let ty = self.any_type();
        let x = self.variable_value(ty);
        let number = match self.random.below(4) {
            0 => u128::MAX,
            1 => 1 << self.random.below(ty.bits()),
            _ => numbers::number(self.random, ty),
        };
        let divisor = self.number(ty, (number & ty.mask()).max(1));
        let opcode = self
            .random
            .pick(&[Opcode::Udiv, Opcode::Sdiv, Opcode::Urem, Opcode::Srem]);
        self.binary(opcode, [x, divisor]);
    }

    /// A value between two others, or the lesser of two by a comparison.
    pub(super) fn clamp(&mut self) {
        let ty = self.any_type();
        let (x, y) = (self.variable_value(ty), self.value(ty));
        if self.random.chance(50) {
            let z = self.value(ty);
            let (low, high) = self.random.pick(&[
                (Opcode::Smax, Opcode::Smin),
                (Opcode::Umax, Opcode::Umin),
                (Opcode::Smin, Opcode::Umax),
            ]);
            let bounded = self.either_order(low, x, y);
            self.either_order(high, bounded, z);
        } else {
            let cond = self.random.pick(IntCC::ALL);
            let holds = self.ins().icmp(cond, x, y);
            let (x, y) = if self.random.chance(50) {
                (x, y)
            } else {
                (y, x)
            };
            let chosen = self.ins().select(holds, x, y);
            self.push(chosen);
        }
    }

    /// Whether something overflows, and what follows from that.
    pub(super) fn tested_overflow(&mut self) {
        use Opcode::*;
        let ty = self.any_type();
        let (x, y) = (self.variable_value(ty), self.value(ty));
        let opcode = match ty {
            Type::I128 => {
                self.random
                    .pick(&[UaddOverflow, SaddOverflow, UsubOverflow, SsubOverflow])
            }
            _ => self.random.pick(&[
                UaddOverflow,
                SaddOverflow,
                UsubOverflow,
                SsubOverflow,
                UmulOverflow,
                SmulOverflow,
            ]),
        };
        self.binary(opcode, [x, y]);
        let flag = self.last_flag();
        self.use_condition(flag);
    }

    /// The flag that was made last.
    fn last_flag(&mut self) -> lpc_lpir::ir::Value {
        self.scope.take_last(Type::I8)
    }
}
