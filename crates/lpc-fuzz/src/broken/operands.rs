//! Breaks of operands and values.

use super::breaks::in_function;
use super::pick;
use fastrand::Rng;
use lpc_lpir::ir::{Function, Inst, Module, Value};

/// An operand becomes any value of the function.
pub(super) fn any_value(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let with = pick::value(func, random)?;
        set_any_operand(func, random, |_, _| Some(with))
    })
}

/// An operand becomes another value of its type, wherever that is defined.
pub(super) fn value_of_same_type(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let number = random.usize(..);
        set_any_operand(func, random, |func, operand| {
            let ty = func.dfg.value_type(operand);
            let values = func.dfg.values();
            let values = values.filter(|&value| func.dfg.value_type(value) == ty);
            let values: Vec<_> = values.filter(|&value| value != operand).collect();
            values.get(number.checked_rem(values.len())?).copied()
        })
    })
}

/// An operand becomes a value that is not defined, or has no number at all.
pub(super) fn no_value(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let with = match random.u8(..3) {
            0 => func.dfg.reserve_value(),
            1 => func.dfg.next_value(),
            _ => Value::from_u32(u32::MAX - 1),
        };
        set_any_operand(func, random, |_, _| Some(with))
    })
}

/// Two operands of an instruction are exchanged.
pub(super) fn exchanged(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let inst = pick::inst(func, random, |inst| func.dfg.inst_values(inst).count() > 1)?;
        let mut operands: Vec<_> = func.dfg.inst_values(inst).collect();
        let (a, b) = (
            random.usize(..operands.len()),
            random.usize(..operands.len()),
        );
        operands.swap(a, b);
        let mut operands = operands.into_iter();
        func.dfg
            .map_inst_values(inst, |value| operands.next().unwrap_or(value));
        Some(())
    })
}

/// A value becomes another name of another value.
pub(super) fn alias(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let value = pick::value(func, random)?;
        let original = pick::value(func, random)?;
        func.dfg.change_to_alias(value, original);
        Some(())
    })
}

/// Up to three values become names of each other.
pub(super) fn alias_cycle(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let values: Option<Vec<_>> = (0..random.usize(1..4))
            .map(|_| pick::value(func, random))
            .collect();
        let values = values?;
        for (index, &value) in values.iter().enumerate() {
            let next = values[(index + 1) % values.len()];
            func.dfg.change_to_alias(value, next);
        }
        Some(())
    })
}

/// Lets `with` choose what becomes of an operand, branch arguments included.
fn set_any_operand(
    func: &mut Function,
    random: &mut Rng,
    with: impl FnOnce(&Function, Value) -> Option<Value>,
) -> Option<()> {
    let inst = pick::inst(func, random, |inst| {
        func.dfg.inst_values(inst).next().is_some()
    })?;
    let operands: Vec<_> = func.dfg.inst_values(inst).collect();
    let index = random.usize(..operands.len());
    let with = with(func, operands[index])?;
    set_operand(func, inst, index, with);
    Some(())
}

fn set_operand(func: &mut Function, inst: Inst, index: usize, with: Value) {
    let mut position = 0;
    func.dfg.map_inst_values(inst, |value| {
        position += 1;
        if position == index + 1 { with } else { value }
    });
}
