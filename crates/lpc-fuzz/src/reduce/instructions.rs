//! Passes that remove instructions.

use super::Edit;
use super::draft::{Draft, edit_function};
use super::surgery::{is_constant, is_inserted, replace_by_constants, replace_value};
use lpc_lpir::ir::{InstructionData, MemFlags, Offset32, Opcode, Value};

/// Removes instructions without results.
pub(super) fn without_results(draft: &Draft) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (id, func, inst) in draft.insts() {
        if !func.dfg.has_results(inst) && !func.dfg.inst(inst).opcode().is_terminator() {
            edits.push(edit_function(id, move |func| {
                let is_there = is_inserted(func, inst);
                if is_there {
                    func.layout.remove_inst(inst);
                }
                is_there
            }));
        }
    }
    edits
}

/// Lets an operand stand for the result, or the parameter of the entry block that has its type.
pub(super) fn by_operands(draft: &Draft) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (id, func, inst) in draft.insts() {
        let dfg = &func.dfg;
        let mut results = dfg.inst_results(inst);
        let (Some(result), None) = (results.next(), results.next()) else {
            continue;
        };
        let entry = func.entry_block();
        let params = entry.into_iter().flat_map(|entry| dfg.block_params(entry));
        let mut substitutes: Vec<Value> = dfg.inst_args(inst).chain(params).collect();
        substitutes.retain(|&value| dfg.value_type(value) == dfg.value_type(result));
        substitutes.dedup();
        for with in substitutes {
            edits.push(edit_function(id, move |func| {
                if !is_inserted(func, inst) || !replace_value(func, result, with) {
                    return false;
                }
                func.layout.remove_inst(inst);
                true
            }));
        }
    }
    edits
}

/// Lets zeros stand for the results, or ones.
pub(super) fn by_constants(draft: &Draft) -> Vec<Edit> {
    let mut edits = Vec::new();
    for number in [0, 1] {
        for (id, func, inst) in draft.insts() {
            let mut results = func.dfg.inst_results(inst);
            if results.len() > 0 && !results.all(|result| is_constant(func, result)) {
                edits.push(edit_function(id, move |func| {
                    replace_by_constants(func, inst, number)
                }));
            }
        }
    }
    edits
}

/// Takes the flags from memory accesses, and their offsets.
pub(super) fn plain_memory_accesses(draft: &Draft) -> Vec<Edit> {
    use InstructionData::*;
    let mut edits = Vec::new();
    for (id, func, inst) in draft.insts() {
        let data = func.dfg.inst(inst);
        if data.opcode() == Opcode::Bitcast {
            continue;
        }
        if data
            .mem_flags()
            .is_some_and(|flags| flags != MemFlags::new())
        {
            edits.push(edit_function(id, move |func| {
                match func.dfg.inst_mut(inst) {
                    Load { flags, .. }
                    | LoadNoOffset { flags, .. }
                    | Store { flags, .. }
                    | StoreNoOffset { flags, .. }
                    | AtomicRmw { flags, .. }
                    | AtomicCas { flags, .. } => *flags = MemFlags::new(),
                    _ => return false,
                }
                true
            }));
        }
        let (Load { offset, .. } | Store { offset, .. } | StackAddr { offset, .. }) = *data else {
            continue;
        };
        if offset.bytes() != 0 {
            edits.push(edit_function(id, move |func| {
                match func.dfg.inst_mut(inst) {
                    Load { offset, .. } | Store { offset, .. } | StackAddr { offset, .. } => {
                        *offset = Offset32::new(0);
                    }
                    _ => return false,
                }
                true
            }));
        }
    }
    edits
}
