//! Passes that let instructions use simpler operands, so that the definitions of the old ones may become unused.

use super::Edit;
use super::draft::{Draft, edit_function};
use super::surgery::{is_constant, is_inserted, make_constant};
use lpc_lpir::ir::{Function, Inst, Value};

/// Puts zeros and ones in the place of operands that are no constants, arguments of branches included.
pub(super) fn constants(draft: &Draft) -> Vec<Edit> {
    let mut edits = Vec::new();
    for number in [0, 1] {
        for (id, func, inst) in draft.insts() {
            for (index, operand) in func.dfg.inst_values(inst).enumerate() {
                if !is_constant(func, operand) {
                    let ty = func.dfg.value_type(operand);
                    edits.push(edit_function(id, move |func| {
                        is_inserted(func, inst)
                            && make_constant(func, inst, ty, number)
                                .is_some_and(|constant| set_operand(func, inst, index, constant))
                    }));
                }
            }
        }
    }
    edits
}

/// Puts what the operand is computed from in its place.
pub(super) fn earlier_values(draft: &Draft) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (id, func, inst) in draft.insts() {
        for (index, operand) in func.dfg.inst_values(inst).enumerate() {
            let Some(definition) = func.dfg.value_inst(operand) else {
                continue;
            };
            let ty = func.dfg.value_type(operand);
            for with in func.dfg.inst_args(definition) {
                if func.dfg.value_type(with) == ty {
                    edits.push(edit_function(id, move |func| {
                        is_inserted(func, inst) && set_operand(func, inst, index, with)
                    }));
                }
            }
        }
    }
    edits
}

/// Sets the operand number `index` of `inst`, counted as `inst_values` lists them.
fn set_operand(func: &mut Function, inst: Inst, index: usize, with: Value) -> bool {
    let mut position = 0;
    let mut changed = false;
    func.dfg.map_inst_values(inst, |value| {
        let is_it = position == index;
        position += 1;
        changed |= is_it && value != with;
        if is_it { with } else { value }
    });
    changed
}
