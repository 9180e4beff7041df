//! Comparisons, and what follows from them.

use super::super::function::FunctionGenerator;
use super::super::numbers;
use lpc_lpir::ir::{IntCC, Opcode, Type, Value};

/// The last constants for which comparisons have a neighbor, and others.
const SMALL: [i64; 10] = [-2049, -2048, -2, -1, 0, 1, 2, 2046, 2047, 2048];

impl FunctionGenerator<'_> {
    /// A comparison with a constant, on either side.
    pub(super) fn comparison_with_constant(&mut self) {
        let ty = self.any_type();
        let value = self.variable_value(ty);
        let constant = match self.random.below(4) {
            0 => {
                let number = self.random.pick(&SMALL);
                self.int(ty, number)
            }
            1 => {
                let bit = 1 << self.random.below(ty.bits());
                self.number(ty, bit)
            }
            _ => {
                let number = numbers::number(self.random, ty);
                self.number(ty, number)
            }
        };
        let cond = self.random.pick(IntCC::ALL);
        let holds = if self.random.chance(75) {
            self.ins().icmp(cond, value, constant)
        } else {
            self.ins().icmp(cond, constant, value)
        };
        self.use_condition(holds);
    }

    /// A comparison of values that are equal or nearly so.
    pub(super) fn comparison_of_neighbors(&mut self) {
        let ty = self.any_type();
        let value = self.variable_value(ty);
        let other = match self.random.below(3) {
            0 => {
                let distance = self.random.signed(-2, 2);
                let distance = self.int(ty, distance.into());
                self.ins().iadd(value, distance)
            }
            1 => {
                let bit = 1 << self.random.below(ty.bits());
                let bit = self.number(ty, bit);
                self.ins().bxor(value, bit)
            }
            _ => {
                let bit = 1 << self.random.below(ty.bits());
                let bit = self.number(ty, bit);
                self.ins().bor(value, bit)
            }
        };
        let cond = self.random.pick(IntCC::ALL);
        let holds = self.ins().icmp(cond, value, other);
        self.use_condition(holds);
    }

    /// A comparison of any two values.
    pub(super) fn used_comparison(&mut self) {
        let ty = self.any_type();
        let (x, y) = (self.variable_value(ty), self.value(ty));
        let cond = self.random.pick(IntCC::ALL);
        let holds = self.ins().icmp(cond, x, y);
        self.use_condition(holds);
    }

    /// What `condition`, which is 0 or 1, is for: once in most cases, or several times.
    pub(super) fn use_condition(&mut self, condition: Value) {
        let uses = self.random.weighted(&[(80, 1), (15, 2), (5, 3)]);
        for _ in 0..uses {
            match self.random.below(10) {
                0..=2 => self.push(condition),
                3..=5 => {
                    let ty = self.any_type();
                    let (x, y) = (self.value(ty), self.value(ty));
                    let chosen = self.ins().select(condition, x, y);
                    self.push(chosen);
                }
                6 => {
                    let ty = self.any_type();
                    self.unary(Opcode::Bmask, ty, condition);
                }
                7 => {
                    let ty = self
                        .random
                        .pick(&[Type::I16, Type::I32, Type::I64, Type::I128]);
                    let opcode = self.random.pick(&[Opcode::Uextend, Opcode::Sextend]);
                    self.unary(opcode, ty, condition);
                }
                8 => {
                    let ty = self.any_type();
                    let (x, y) = (self.value(ty), self.value(ty));
                    let chosen = self.ins().select_spectre_guard(condition, x, y);
                    self.push(chosen);
                }
                _ => self.two_edges(condition),
            }
        }
    }

    /// Whether a comparison does not hold.
    pub(super) fn negated_comparison(&mut self) {
        let ty = self.any_type();
        let (x, y) = (self.variable_value(ty), self.value(ty));
        let cond = self.random.pick(IntCC::ALL);
        let holds = self.ins().icmp(cond, x, y);
        let other = match self.random.below(3) {
            0 => {
                let zero = self.int(Type::I8, 0);
                let cond = self.random.pick(&[IntCC::Equal, IntCC::NotEqual]);
                self.ins().icmp(cond, holds, zero)
            }
            1 => {
                let one = self.int(Type::I8, 1);
                self.ins().bxor(holds, one)
            }
            _ => {
                let another = self.variable_value(Type::I8);
                let cond = self.random.pick(IntCC::ALL);
                self.ins().icmp(cond, holds, another)
            }
        };
        self.use_condition(other);
    }

    /// One of two constants that are close to each other.
    pub(super) fn selected_constants(&mut self) {
        let ty = self.any_type();
        let condition = self.condition();
        let number = match self.random.below(2) {
            0 => self.random.pick(&SMALL),
            _ => i64::from(self.random.signed(-40, 40)),
        };
        let (x, y) = match self.random.below(6) {
            0 => (1, 0),
            1 => (-1, 0),
            2 => (1, -1),
            3 => (1 << self.random.below(31), 0),
            4 => (number, number.wrapping_add(1)),
            _ => (number, self.random.pick(&SMALL)),
        };
        let (x, y) = if self.random.chance(50) {
            (x, y)
        } else {
            (y, x)
        };
        let (x, y) = (self.int(ty, x), self.int(ty, y));
        let chosen = self.ins().select(condition, x, y);
        self.push(chosen);
    }

    /// A selection with a constant, with what was compared, or of a selection.
    pub(super) fn selection(&mut self) {
        let ty = self.any_type();
        let (x, y) = (self.variable_value(ty), self.value(ty));
        let condition = self.condition();
        let (if_true, if_false) = match self.random.below(4) {
            0 => (x, self.int(ty, 0)),
            1 => (self.int(ty, 0), x),
            2 => {
                let inner = self.condition();
                (self.ins().select(inner, x, y), y)
            }
            _ => (x, y),
        };
        let chosen = if self.random.chance(80) {
            self.ins().select(condition, if_true, if_false)
        } else {
            self.ins()
                .select_spectre_guard(condition, if_true, if_false)
        };
        self.push(chosen);
    }

    /// All ones or zero, as a condition says, and a value that is masked by that.
    pub(super) fn mask_of_condition(&mut self) {
        let ty = self.any_type();
        let condition = self.condition();
        let mask = self.unary(Opcode::Bmask, ty, condition);
        if self.random.chance(60) {
            let value = self.value(ty);
            let opcode = self.random.pick(&[Opcode::Band, Opcode::Bor, Opcode::Bxor]);
            self.either_order(opcode, value, mask);
        }
    }
}
