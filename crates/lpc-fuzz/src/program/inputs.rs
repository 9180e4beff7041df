//! Arguments for the calls of a program.

use super::numbers;
use super::random::Random;
use lpc_lpir::ir::{DataValue, Signature, Type};

/// Arguments for `count` calls of a function.
///
/// Some calls get the same number everywhere, or neighboring ones, so that comparisons hold and differences are small; and
/// some differ in a single argument from the call before.
pub(super) fn inputs(
    random: &mut Random,
    signature: &Signature,
    count: usize,
) -> Vec<Vec<DataValue>> {
    let types: Vec<Type> = signature
        .params
        .iter()
        .map(|param| param.value_type)
        .collect();
    let mut calls: Vec<Vec<DataValue>> = Vec::with_capacity(count);
    for _ in 0..count {
        let last = calls.last();
        calls.push(arguments(random, &types, last));
    }
    calls
}

fn arguments(random: &mut Random, types: &[Type], last: Option<&Vec<DataValue>>) -> Vec<DataValue> {
    match (random.below(10), last) {
        (0..=1, _) => {
            let number = numbers::number(random, Type::I128);
            let arguments = types.iter().map(|&ty| DataValue::new(ty, number));
            arguments.collect()
        }
        (2..=3, _) => {
            let ty = random.pick(&[Type::I8, Type::I32, Type::I128]);
            let number = numbers::number(random, ty);
            let arguments = types.iter().map(|&ty| {
                let near = number.wrapping_add(random.below(3).into());
                DataValue::new(ty, near)
            });
            arguments.collect()
        }
        (4..=5, Some(last)) if !types.is_empty() => {
            let mut arguments = last.clone();
            let index = random.below(types.len() as u32) as usize;
            arguments[index] = argument(random, types[index]);
            arguments
        }
        _ => types.iter().map(|&ty| argument(random, ty)).collect(),
    }
}

fn argument(random: &mut Random, ty: Type) -> DataValue {
    DataValue::new(ty, numbers::number(random, ty))
}
