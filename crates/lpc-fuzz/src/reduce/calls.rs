//! Passes that remove functions: by doing without them, by calling them alone, and by putting them into their callers.

use super::Edit;
use super::draft::{Draft, edit_function};
use super::surgery::{
    constant_of, insts, is_inserted, replace_by_constants, replace_value, return_zeros,
};
use lpc_lpir::entity::SecondaryMap;
use lpc_lpir::ir::{
    DataValue, ExtFuncData, ExternalName, FuncId, FuncRef, Function, GlobalValueData, Inst,
    InstructionData, Opcode, Value, ValueDef, ValueList,
};

/// Removes functions with the calls of them, enters the program in another function, and exports functions.
pub(super) fn functions(draft: &Draft) -> Vec<Edit> {
    let mut edits = entered(draft);
    for (id, func) in draft.functions() {
        if func.name != draft.entry {
            let name = func.name.clone();
            edits.push(Box::new(move |draft| {
                for func in draft.functions.values_mut().flatten() {
                    forget(func, &name);
                }
                for object in draft.data.values_mut().flatten() {
                    object.relocs.retain(|reloc| reloc.target != name);
                }
                draft.functions[id].take().is_some()
            }));
        }
        if draft.local_functions.contains(&id) {
            edits.push(Box::new(move |draft| {
                draft.local_functions.retain(|&local| local != id);
                true
            }));
        }
    }
    edits
}

/// Lets zeros stand for what calls of `name` give, and for its address.
fn forget(func: &mut Function, name: &ExternalName) {
    for inst in insts(func) {
        if callee(func, inst) != Some(name) {
            continue;
        }
        if func.dfg.inst(inst).opcode().is_return() {
            return_zeros(func, inst);
        } else {
            replace_by_constants(func, inst, 0);
        }
    }
}

/// The function that `inst` calls by its name, or whose address it takes.
fn callee(func: &Function, inst: Inst) -> Option<&ExternalName> {
    match *func.dfg.inst(inst) {
        InstructionData::Call { func_ref, .. } | InstructionData::FuncAddr { func_ref, .. } => {
            func.dfg.ext_funcs.get(func_ref).map(|data| &data.name)
        }
        _ => None,
    }
}

/// Starts the program with a function that its entry function calls with constants and its own arguments.
fn entered(draft: &Draft) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    let [input] = draft.inputs.as_slice() else {
        return edits;
    };
    for (_, func, inst) in draft.insts() {
        let opcode = func.dfg.inst(inst).opcode();
        if func.name != draft.entry || !matches!(opcode, Opcode::Call | Opcode::ReturnCall) {
            continue;
        }
        let args = func.dfg.inst_args(inst);
        let known: Option<Vec<_>> = args.map(|arg| known_value(func, input, arg)).collect();
        if let (Some(name), Some(known)) = (callee(func, inst).cloned(), known) {
            edits.push(Box::new(move |draft| {
                let is_other = draft.entry != name;
                draft.entry = name.clone();
                draft.inputs = vec![known.clone()];
                is_other
            }));
        }
    }
    edits
}

/// What `value` is when the entry function `func` is called with `input`, if that is plain to see.
fn known_value(func: &Function, input: &[DataValue], value: Value) -> Option<DataValue> {
    let ty = func.dfg.value_type(value);
    match func.dfg.value_def(value) {
        ValueDef::Param(block, index) if func.entry_block() == Some(block) => {
            input.get(index).copied()
        }
        _ => Some(DataValue::from_signed(ty, constant_of(func, value)?.into())),
    }
}

/// Calls functions by their names in the place of calls through addresses.
pub(super) fn direct(draft: &Draft) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    for (caller, func, inst) in draft.insts() {
        let InstructionData::CallIndirect { sig_ref, .. } = *func.dfg.inst(inst) else {
            continue;
        };
        let signature = &func.dfg.signatures[sig_ref];
        for (_, callee) in draft.functions() {
            if callee.signature == *signature {
                let name = callee.name.clone();
                edits.push(edit_function(caller, move |func| {
                    call_directly(func, inst, &name)
                }));
            }
        }
    }
    edits
}

fn call_directly(func: &mut Function, inst: Inst, name: &ExternalName) -> bool {
    let InstructionData::CallIndirect {
        opcode,
        sig_ref,
        mut args,
    } = *func.dfg.inst(inst)
    else {
        return false;
    };
    args.remove(0, &mut func.dfg.value_lists);
    let func_ref = func.dfg.ext_funcs.push(ExtFuncData {
        name: name.clone(),
        signature: sig_ref,
        colocated: false,
    });
    *func.dfg.inst_mut(inst) = InstructionData::Call {
        opcode: match opcode {
            Opcode::ReturnCallIndirect => Opcode::ReturnCall,
            _ => Opcode::Call,
        },
        func_ref,
        args,
    };
    true
}

/// Puts functions of one block in the place of calls of them.
pub(super) fn inlined(draft: &Draft) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    for (caller, func, inst) in draft.insts() {
        if func.dfg.inst(inst).opcode() != Opcode::Call {
            continue;
        }
        let Some(name) = callee(func, inst) else {
            continue;
        };
        let mut functions = draft.functions();
        if let Some((callee, _)) = functions.find(|(_, callee)| callee.name == *name)
            && callee != caller
        {
            edits.push(Box::new(move |draft| {
                inline(draft, caller, inst, callee).is_some()
            }));
        }
    }
    edits
}

/// Copies the instructions of `callee` before the call `inst` of `caller`, and removes the call.
fn inline(draft: &mut Draft, caller: FuncId, inst: Inst, callee: FuncId) -> Option<()> {
    let callee = draft.functions[callee].clone()?;
    let func = draft.function_mut(caller)?;
    let entry = callee.entry_block()?;
    let terminator = callee.block_terminator(entry)?;
    if !is_inserted(func, inst) || callee.dfg.inst(terminator).opcode() != Opcode::Return {
        return None;
    }
    let mut values = SecondaryMap::<Value, Option<Value>>::new();
    let args: Vec<_> = func.dfg.inst_args(inst).collect();
    for (param, arg) in callee.dfg.block_params(entry).zip(args) {
        values[param] = Some(arg);
    }
    for copied in callee.layout.block_insts(entry) {
        let operands = callee.dfg.inst_args(copied);
        let operands: Option<Vec<_>> = operands
            .map(|operand| values[callee.dfg.resolve_aliases(operand)])
            .collect();
        let operands = operands?;
        if copied == terminator {
            let results: Vec<_> = func.dfg.inst_results(inst).collect();
            for (result, with) in results.into_iter().zip(operands) {
                replace_value(func, result, with);
            }
            func.layout.remove_inst(inst);
            return Some(());
        }
        let data = imported(func, &callee, copied, &operands)?;
        let copy = func.dfg.make_inst(data);
        let mut next = operands.into_iter();
        if !is_list(&data) {
            func.dfg
                .map_inst_values(copy, |value| next.next().unwrap_or(value));
        }
        func.layout.insert_inst_before(copy, inst);
        for result in callee.dfg.inst_results(copied) {
            let ty = callee.dfg.value_type(result);
            values[result] = Some(func.dfg.append_result(copy, ty));
        }
    }
    None
}

/// Whether the operands are in a list.
fn is_list(data: &InstructionData) -> bool {
    matches!(
        data,
        InstructionData::Call { .. } | InstructionData::CallIndirect { .. }
    )
}

/// The operands of the instruction `inst` of `callee`, with what it refers to declared in `func`.
fn imported(
    func: &mut Function,
    callee: &Function,
    inst: Inst,
    operands: &[Value],
) -> Option<InstructionData> {
    use InstructionData::*;
    let mut data = *callee.dfg.inst(inst);
    match &mut data {
        Call { func_ref, args, .. } => {
            *func_ref = import_function(func, callee, *func_ref);
            *args = ValueList::from_slice(operands, &mut func.dfg.value_lists);
        }
        FuncAddr { func_ref, .. } => *func_ref = import_function(func, callee, *func_ref),
        CallIndirect { sig_ref, args, .. } => {
            let signature = callee.dfg.signatures[*sig_ref].clone();
            *sig_ref = func.dfg.signatures.push(signature);
            *args = ValueList::from_slice(operands, &mut func.dfg.value_lists);
        }
        StackAddr { stack_slot, .. } => {
            *stack_slot = func.stack_slots.push(callee.stack_slots[*stack_slot]);
        }
        UnaryGlobalValue { global_value, .. } => {
            let symbol = &callee.global_values[*global_value];
            if !matches!(symbol, GlobalValueData::Symbol { .. }) {
                return None;
            }
            *global_value = func.global_values.push(symbol.clone());
        }
        _ => {}
    }
    Some(data)
}

fn import_function(func: &mut Function, callee: &Function, func_ref: FuncRef) -> FuncRef {
    let mut data = callee.dfg.ext_funcs[func_ref].clone();
    let signature = callee.dfg.signatures[data.signature].clone();
    data.signature = func.dfg.signatures.push(signature);
    func.dfg.ext_funcs.push(data)
}
