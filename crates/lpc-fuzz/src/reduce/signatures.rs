//! Passes that make signatures simpler, with all functions that have them and all calls.
//!
//! Each is tried for a function alone, with the calls that name it, and for all functions and declarations with that signature,
//! so that calls through addresses still find what they expect.

use super::Edit;
use super::draft::{Draft, edit_function};
use super::surgery::{insts, make_constant, replace_value, set_terminator};
use lpc_lpir::entity::{EntityRef, SecondaryMap};
use lpc_lpir::ir::{
    AbiParam, CallConv, ExternalName, FuncId, FuncRef, Function, ImportKind, Inst, InstructionData,
    Opcode, SigRef, Signature, Value, ValueList,
};

/// Whose signature is changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// A function's.
    Function,
    /// That of everything with the same one.
    Everywhere,
}

/// Removes results.
pub(super) fn results(draft: &Draft) -> Vec<Edit> {
    removals(draft, |signature| signature.returns.len(), remove_result)
}

/// Removes parameters; zero stands for those that are used.
pub(super) fn params(draft: &Draft) -> Vec<Edit> {
    removals(draft, |signature| signature.params.len(), remove_param)
}

/// The edits that remove one of as many things as `count` tells for a signature.
fn removals(
    draft: &Draft,
    count: fn(&Signature) -> usize,
    remove: fn(&mut Draft, FuncId, Scope, usize) -> bool,
) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    for scope in scopes(draft) {
        for (id, func) in draft.functions() {
            for index in (0..count(&func.signature)).rev() {
                edits.push(Box::new(move |draft| remove(draft, id, scope, index)));
            }
        }
    }
    edits
}

/// Which scopes make a difference.
fn scopes(draft: &Draft) -> Vec<Scope> {
    let mut calls = draft.insts();
    let needs_all = calls.any(|(_, func, inst)| {
        let opcode = func.dfg.inst(inst).opcode();
        opcode.is_call() && opcode != Opcode::Call
    });
    if needs_all {
        vec![Scope::Function, Scope::Everywhere]
    } else {
        vec![Scope::Function]
    }
}

/// Lets functions that return a value in one place return instead what it is computed from, of whatever type that is.
pub(super) fn operands_of_results(draft: &Draft) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (id, func) in draft.functions() {
        let mut returns = insts(func);
        returns.retain(|&inst| func.dfg.inst(inst).opcode().is_return());
        let [last] = returns[..] else { continue };
        let args: Vec<_> = func.dfg.inst_args(last).collect();
        let ([returned], Opcode::Return) = (&args[..], func.dfg.inst(last).opcode()) else {
            continue;
        };
        let definition = func.dfg.value_inst(*returned).into_iter();
        for value in definition.flat_map(|inst| func.dfg.inst_args(inst)) {
            let ty = func.dfg.value_type(value);
            edits.push(edit_function(id, move |func| {
                func.signature.returns = vec![AbiParam::new(ty)];
                set_list(func, last, &[value]);
                true
            }));
        }
    }
    edits
}

/// Lets functions return what they decide by at the end of their first block.
pub(super) fn decisions(draft: &Draft) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (id, func) in draft.functions() {
        let entry = func.entry_block();
        let Some(last) = entry.and_then(|entry| func.block_terminator(entry)) else {
            continue;
        };
        if func.dfg.branch_destinations(last).is_empty() {
            continue;
        }
        for value in func.dfg.inst_args(last) {
            let ty = func.dfg.value_type(value);
            edits.push(edit_function(id, move |func| {
                func.signature.returns = vec![AbiParam::new(ty)];
                let data = InstructionData::MultiAry {
                    opcode: Opcode::Return,
                    args: ValueList::from_slice(&[value], &mut func.dfg.value_lists),
                };
                set_terminator(func, last, data);
                true
            }));
        }
    }
    edits
}

/// Takes conventions and extensions from signatures.
pub(super) fn unadorned(draft: &Draft) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    for (id, func) in draft.functions() {
        if func.signature.call_conv != CallConv::default() {
            edits.push(Box::new(move |draft| {
                change(draft, id, Scope::Everywhere, |signature| {
                    signature.call_conv = CallConv::default();
                })
                .is_some()
            }));
        }
        let mut adorned = func.signature.params.iter().chain(&func.signature.returns);
        if adorned.any(|param| *param != AbiParam::new(param.value_type)) {
            edits.push(Box::new(move |draft| {
                change(draft, id, Scope::Everywhere, |signature| {
                    let params = signature.params.iter_mut();
                    for param in params.chain(&mut signature.returns) {
                        *param = AbiParam::new(param.value_type);
                    }
                })
                .is_some()
            }));
        }
    }
    edits
}

fn remove_param(draft: &mut Draft, id: FuncId, scope: Scope, index: usize) -> bool {
    let Some(changed) = change(draft, id, scope, |signature| {
        if index < signature.params.len() {
            signature.params.remove(index);
        }
    }) else {
        return false;
    };
    for (caller, call) in changed.calls {
        let func = draft.functions[caller].as_mut().expect("it has calls");
        let mut args: Vec<_> = func.dfg.inst_args(call).collect();
        let is_indirect = matches!(func.dfg.inst(call), InstructionData::CallIndirect { .. });
        let position = index + usize::from(is_indirect);
        if position < args.len() {
            args.remove(position);
        }
        set_list(func, call, &args);
    }
    for id in changed.functions {
        let func = draft.functions[id].as_mut().expect("it was changed");
        if func.name == draft.entry {
            for args in draft.inputs.iter_mut().filter(|args| index < args.len()) {
                args.remove(index);
            }
        }
        remove_entry_param(func, index);
    }
    true
}

fn remove_entry_param(func: &mut Function, index: usize) -> Option<()> {
    let entry = func.entry_block()?;
    let param = func.dfg.block_params(entry).nth(index)?;
    let first = func.layout.first_inst(entry)?;
    let ty = func.dfg.value_type(param);
    let zero = make_constant(func, first, ty, 0)?;
    func.dfg.remove_block_param(param);
    replace_value(func, param, zero);
    Some(())
}

fn remove_result(draft: &mut Draft, id: FuncId, scope: Scope, index: usize) -> bool {
    let Some(changed) = change(draft, id, scope, |signature| {
        if index < signature.returns.len() {
            signature.returns.remove(index);
        }
    }) else {
        return false;
    };
    for (caller, call) in changed.calls {
        let func = draft.functions[caller].as_mut().expect("it has calls");
        if !func.dfg.inst(call).opcode().is_return() {
            call_without_result(func, call, index);
        }
    }
    for id in changed.functions {
        let func = draft.functions[id].as_mut().expect("it was changed");
        for inst in insts(func) {
            if func.dfg.inst(inst).opcode() == Opcode::Return {
                let mut args: Vec<_> = func.dfg.inst_args(inst).collect();
                if index < args.len() {
                    args.remove(index);
                }
                set_list(func, inst, &args);
            }
        }
    }
    true
}

/// Lets a call without the result number `index` stand for `call`.
fn call_without_result(func: &mut Function, call: Inst, index: usize) {
    let data = *func.dfg.inst(call);
    let copy = func.dfg.make_inst(data);
    func.layout.insert_inst_before(copy, call);
    let results: Vec<_> = func.dfg.inst_results(call).collect();
    for (position, result) in results.into_iter().enumerate() {
        let ty = func.dfg.value_type(result);
        if position != index {
            let with = func.dfg.append_result(copy, ty);
            replace_value(func, result, with);
        } else if let Some(zero) = make_constant(func, copy, ty, 0) {
            replace_value(func, result, zero);
        }
    }
    func.layout.remove_inst(call);
}

/// Gives `inst` the operands `values`, which are in a list.
fn set_list(func: &mut Function, inst: Inst, values: &[Value]) {
    let list = ValueList::from_slice(values, &mut func.dfg.value_lists);
    match func.dfg.inst_mut(inst) {
        InstructionData::Call { args, .. }
        | InstructionData::CallIndirect { args, .. }
        | InstructionData::MultiAry { args, .. } => *args = list,
        _ => {}
    }
}

/// What a changed signature is about.
struct Changed {
    functions: Vec<FuncId>,
    calls: Vec<(FuncId, Inst)>,
}

/// Changes the signature of `id`, and those of `scope`, in functions, declarations and imports. `None` if it stays the same.
fn change(
    draft: &mut Draft,
    id: FuncId,
    scope: Scope,
    change: impl FnOnce(&mut Signature),
) -> Option<Changed> {
    let old = draft.functions[id].as_ref()?.signature.clone();
    let mut new = old.clone();
    change(&mut new);
    if new == old {
        return None;
    }
    let mut changed = Changed {
        functions: Vec::new(),
        calls: Vec::new(),
    };
    let mut names = Vec::new();
    for (other, func) in draft.functions() {
        if other == id || scope == Scope::Everywhere && func.signature == old {
            changed.functions.push(other);
            names.push(func.name.clone());
        }
    }
    for &function in &changed.functions {
        let func = draft.functions[function].as_mut()?;
        func.signature = new.clone();
    }
    for (caller, func) in draft.functions.keys().zip(draft.functions.values_mut()) {
        let Some(func) = func else { continue };
        let calls = match scope {
            Scope::Function => redeclare(func, &names, &new),
            Scope::Everywhere => replace_signature(func, &old, &new),
        };
        changed
            .calls
            .extend(calls.into_iter().map(|call| (caller, call)));
    }
    if scope == Scope::Everywhere {
        for import in &mut draft.imports {
            match &mut import.kind {
                ImportKind::Function(signature) if *signature == old => *signature = new.clone(),
                _ => {}
            }
        }
    }
    Some(changed)
}

/// Declares the functions `names` with the signature `new`. Returns the calls of them.
fn redeclare(func: &mut Function, names: &[ExternalName], new: &Signature) -> Vec<Inst> {
    let mut is_changed = SecondaryMap::<FuncRef, bool>::new();
    for index in 0..func.dfg.ext_funcs.len() {
        let func_ref = FuncRef::new(index);
        if names.contains(&func.dfg.ext_funcs[func_ref].name) {
            func.dfg.ext_funcs[func_ref].signature = func.dfg.signatures.push(new.clone());
            is_changed[func_ref] = true;
        }
    }
    calls_where(func, |inst| match *inst {
        InstructionData::Call { func_ref, .. } => is_changed[func_ref],
        _ => false,
    })
}

/// Puts `new` in the place of all signatures that are `old`. Returns the calls with them.
fn replace_signature(func: &mut Function, old: &Signature, new: &Signature) -> Vec<Inst> {
    let mut is_changed = SecondaryMap::<SigRef, bool>::new();
    for index in 0..func.dfg.signatures.len() {
        let sig_ref = SigRef::new(index);
        if func.dfg.signatures[sig_ref] == *old {
            func.dfg.signatures[sig_ref] = new.clone();
            is_changed[sig_ref] = true;
        }
    }
    let ext_funcs = &func.dfg.ext_funcs;
    calls_where(func, |inst| match *inst {
        InstructionData::Call { func_ref, .. } => is_changed[ext_funcs[func_ref].signature],
        InstructionData::CallIndirect { sig_ref, .. } => is_changed[sig_ref],
        _ => false,
    })
}

fn calls_where(func: &Function, condition: impl Fn(&InstructionData) -> bool) -> Vec<Inst> {
    let mut calls = insts(func);
    calls.retain(|&inst| condition(func.dfg.inst(inst)));
    calls
}
