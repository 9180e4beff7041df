//! Passes that make constants simpler.

use super::Edit;
use super::draft::{Draft, edit_function};
use super::surgery::{is_inserted, replace_value};
use lpc_lpir::ir::{FuncId, Function, Imm64, Inst, InstructionData, Type, Value};

/// Lets one constant stand for all others with its number and type, and stand at the start of the function.
pub(super) fn shared(draft: &Draft) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut known: Vec<(FuncId, Type, i64, Value)> = Vec::new();
    for (id, inst, imm, func) in all(draft) {
        let value = func.dfg.first_result(inst);
        let ty = func.dfg.value_type(value);
        let same = known
            .iter()
            .find(|&&(of, known_type, number, _)| (of, known_type, number) == (id, ty, imm.bits()));
        match same {
            Some(&(_, _, _, with)) => edits.push(edit_function(id, move |func| {
                let replaced = is_inserted(func, inst) && replace_value(func, value, with);
                if replaced {
                    func.layout.remove_inst(inst);
                }
                replaced
            })),
            None => known.push((id, ty, imm.bits(), value)),
        }
    }
    edits
}

/// Lets constants be zero, one, or half of what they are.
pub(super) fn simpler(draft: &Draft) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (id, inst, imm, _) in all(draft) {
        for number in simpler_numbers(i128::from(imm.bits())) {
            edits.push(edit_function(id, move |func| {
                match func.dfg.inst_mut(inst) {
                    InstructionData::UnaryImm { imm, .. } => *imm = Imm64::new(number as i64),
                    _ => return false,
                }
                true
            }));
        }
    }
    edits
}

/// Simpler numbers than `number`, the simplest first.
pub(super) fn simpler_numbers(number: i128) -> Vec<i128> {
    match number {
        0 => vec![],
        1 => vec![0],
        -1 => vec![0, 1],
        _ => {
            let mut numbers = vec![0, 1, number / 2];
            if number < 0 {
                numbers.push(-1);
            }
            numbers.dedup();
            numbers
        }
    }
}

/// All constants.
fn all(draft: &Draft) -> impl Iterator<Item = (FuncId, Inst, Imm64, &Function)> {
    draft
        .insts()
        .filter_map(|(id, func, inst)| match *func.dfg.inst(inst) {
            InstructionData::UnaryImm { imm, .. } => Some((id, inst, imm, func)),
            _ => None,
        })
}
