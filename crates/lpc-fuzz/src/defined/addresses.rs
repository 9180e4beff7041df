//! Gives a function other addresses than there are, and takes the difference back where they are used.
//!
//! ```text
//!   v1 = stack_addr.i32 ss0            v5 = stack_addr.i32 ss0
//!                                      v1 = iadd v5, distance
//!   v2 = load.i32 v1                   v6 = isub v1, distance
//!                                      v2 = load.i32 v6
//! ```

use super::guards::{insert, insert_constant};
use lpc_lpir::ir::{Function, Inst, InstructionData, Opcode, Type, Value};

/// Adds `distance` to all addresses that `func` takes.
pub(super) fn move_addresses(func: &mut Function, distance: i32) {
    let blocks = func.layout.blocks();
    let insts = blocks.flat_map(|block| func.layout.block_insts(block));
    for inst in insts.collect::<Vec<_>>() {
        let data = *func.dfg.inst(inst);
        if data.opcode().gives_address() {
            let exact = insert(func, inst, data, Some(Type::POINTER));
            let exact = exact.expect("an address is a result");
            let args = [exact, distance_before(func, inst, distance)];
            let opcode = Opcode::Iadd;
            *func.dfg.inst_mut(inst) = InstructionData::Binary { opcode, args };
        } else if let Some(address) = address_operand(func, inst) {
            let args = [address, distance_before(func, inst, distance)];
            let opcode = Opcode::Isub;
            let data = InstructionData::Binary { opcode, args };
            let exact = insert(func, inst, data, Some(Type::POINTER));
            set_address_operand(func, inst, exact.expect("a difference is a result"));
        }
    }
}

fn distance_before(func: &mut Function, inst: Inst, distance: i32) -> Value {
    insert_constant(func, inst, Type::POINTER, distance.into())
}

/// The operand that is the address of what `inst` accesses or calls.
fn address_operand(func: &Function, inst: Inst) -> Option<Value> {
    let mut data = *func.dfg.inst(inst);
    if let InstructionData::CallIndirect { args, .. } = data {
        return args.first(&func.dfg.value_lists);
    }
    operand_in_place(&mut data).copied()
}

fn set_address_operand(func: &mut Function, inst: Inst, with: Value) {
    if let InstructionData::CallIndirect { mut args, .. } = *func.dfg.inst(inst) {
        args.set(0, with, &mut func.dfg.value_lists);
    } else if let Some(operand) = operand_in_place(func.dfg.inst_mut(inst)) {
        *operand = with;
    }
}

/// As [`address_operand`], for instructions whose operands are in no list.
fn operand_in_place(data: &mut InstructionData) -> Option<&mut Value> {
    use InstructionData::*;
    match data {
        // It has memory flags for the order of its bytes, and accesses none.
        LoadNoOffset {
            opcode: Opcode::Bitcast,
            ..
        } => None,
        Load { arg, .. } | LoadNoOffset { arg, .. } => Some(arg),
        Store { args, .. } | StoreNoOffset { args, .. } => Some(&mut args[1]),
        AtomicRmw { args, .. } => Some(&mut args[0]),
        AtomicCas { args, .. } => Some(&mut args[0]),
        _ => None,
    }
}
