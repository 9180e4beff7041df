//! Passes that remove instructions.

use super::Edit;
use super::draft::{Draft, edit_function};
use super::surgery::{insts, is_constant, is_inserted, replace_by_constants, replace_value};
use lpc_lpir::ir::{
    Function, Inst, InstructionData, MemFlags, Offset32, Opcode, Properties, Value,
};

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

/// Lets an operand stand for the result.
pub(super) fn by_operands(draft: &Draft) -> Vec<Edit> {
    by_values(draft, |func, inst| func.dfg.inst_args(inst).collect())
}

/// Lets a parameter of the function stand for the result.
pub(super) fn by_params(draft: &Draft) -> Vec<Edit> {
    by_values(draft, |func, inst| {
        let is_constant = matches!(func.dfg.inst(inst), InstructionData::UnaryImm { .. });
        let entry = func.entry_block().filter(|_| !is_constant);
        let params = entry
            .into_iter()
            .flat_map(|entry| func.dfg.block_params(entry));
        params.collect()
    })
}

/// Lets what is stored somewhere stand for what is loaded.
pub(super) fn by_stored_values(draft: &Draft) -> Vec<Edit> {
    by_values(draft, |func, inst| {
        if !func.dfg.inst(inst).opcode().has(Properties::LOADS) {
            return Vec::new();
        }
        let stored = insts(func).into_iter().filter_map(|inst| {
            let opcode = func.dfg.inst(inst).opcode();
            let is_store = opcode.has(Properties::STORES);
            is_store.then(|| func.dfg.inst_args(inst).next())?
        });
        stored.collect()
    })
}

/// Lets one of the values that `substitutes` gives for an instruction stand for its only result, if it is of its type.
fn by_values(draft: &Draft, substitutes: fn(&Function, Inst) -> Vec<Value>) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (id, func, inst) in draft.insts() {
        let mut results = func.dfg.inst_results(inst);
        let (Some(result), None) = (results.next(), results.next()) else {
            continue;
        };
        let mut substitutes = substitutes(func, inst);
        let ty = func.dfg.value_type(result);
        substitutes.retain(|&value| func.dfg.value_type(value) == ty);
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

/// Lets zeros stand for the results.
pub(super) fn by_zeros(draft: &Draft) -> Vec<Edit> {
    by_numbers(draft, 0)
}

/// Lets ones stand for the results.
pub(super) fn by_ones(draft: &Draft) -> Vec<Edit> {
    by_numbers(draft, 1)
}

fn by_numbers(draft: &Draft, number: i64) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (id, func, inst) in draft.insts() {
        let mut results = func.dfg.inst_results(inst);
        if results.len() > 0 && !results.all(|result| is_constant(func, result)) {
            edits.push(edit_function(id, move |func| {
                replace_by_constants(func, inst, number)
            }));
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
