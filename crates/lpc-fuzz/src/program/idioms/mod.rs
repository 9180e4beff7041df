//! Patterns of instructions that the compiler knows, or that code is often made of.
//!
//! Most rules of lowering look through the definition of an operand: for a constant, a shift, a complement, a comparison, an
//! extension. Instructions that are picked one by one seldom meet such a rule; each function here leads to one or a few.

mod arithmetic;
mod bits;
mod comparisons;
mod narrow;
mod wide;

use super::function::FunctionGenerator;
use lpc_lpir::ir::{Opcode, Type, Value};

/// Generates a pattern.
type Idiom<'a> = fn(&mut FunctionGenerator<'a>);

impl<'a> FunctionGenerator<'a> {
    /// The patterns, and how often which is generated.
    const IDIOMS: &'a [(u32, Idiom<'a>)] = &[
        (10, Self::sum_with_constant),
        (8, Self::scaled_sum),
        (8, Self::carry_chain),
        (8, Self::widening_product),
        (6, Self::product_with_constant),
        (6, Self::quotient_and_remainder),
        (5, Self::quotient_by_constant),
        (4, Self::clamp),
        (6, Self::tested_overflow),
        (6, Self::complement),
        (8, Self::single_bit_test),
        (6, Self::variable_bit),
        (6, Self::constant_bit),
        (8, Self::bit_field),
        (7, Self::rotation),
        (8, Self::masked_shift_amount),
        (4, Self::bit_selection),
        (4, Self::reversal),
        (9, Self::comparison_with_constant),
        (7, Self::comparison_of_neighbors),
        (8, Self::used_comparison),
        (5, Self::negated_comparison),
        (8, Self::selected_constants),
        (6, Self::selection),
        (6, Self::mask_of_condition),
        (10, Self::extended_result),
        (7, Self::extended_operand),
        (6, Self::halves_of_narrow),
        (6, Self::shifted_and_extended),
        (7, Self::part_of_wide_result),
        (6, Self::exchanged_halves),
        (7, Self::wide_shift),
        (6, Self::comparison_of_equal_halves),
    ];
}

impl FunctionGenerator<'_> {
    /// One of the patterns.
    pub(super) fn idiom(&mut self) {
        let idiom = self.random.weighted(Self::IDIOMS);
        idiom(self);
    }

    /// The constant `number` of type `ty`.
    fn int(&mut self, ty: Type, number: i64) -> Value {
        self.number(ty, i128::from(number) as u128 & ty.mask())
    }

    /// `x` and `y` combined by `opcode`, in any order.
    fn either_order(&mut self, opcode: Opcode, x: Value, y: Value) -> Value {
        let operands = if self.random.chance(50) {
            [x, y]
        } else {
            [y, x]
        };
        self.binary(opcode, operands)
    }

    /// The first result of a binary `opcode`.
    fn binary(&mut self, opcode: Opcode, operands: [Value; 2]) -> Value {
        let ty = self.type_of(operands[0]);
        let result = self.instruction_with(opcode, Some(ty), &operands);
        result.expect("the instruction has a result")
    }

    /// The result of a unary `opcode` of type `ty`.
    fn unary(&mut self, opcode: Opcode, ty: Type, operand: Value) -> Value {
        let result = self.instruction_with(opcode, Some(ty), &[operand]);
        result.expect("the instruction has a result")
    }
}
