//! Breaks of calls and of what functions and their callers agree on.

use super::breaks::in_function;
use super::pick;
use fastrand::Rng;
use lpc_lpir::ir::{
    AbiParam, CallConv, ExternalName, Function, Inst, InstructionData, Module, ValueList,
};

/// A call or a return has one more operand.
pub(super) fn more_args(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let inst = with_list(func, random)?;
        let value = pick::value(func, random)?;
        let mut args: Vec<_> = func.dfg.inst_args(inst).collect();
        args.insert(random.usize(..=args.len()), value);
        set_list(func, inst, &args)
    })
}

/// A call or a return has one less operand.
pub(super) fn fewer_args(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let inst = with_list(func, random)?;
        let mut args: Vec<_> = func.dfg.inst_args(inst).collect();
        if args.is_empty() {
            return None;
        }
        args.remove(random.usize(..args.len()));
        set_list(func, inst, &args)
    })
}

fn with_list(func: &Function, random: &mut Rng) -> Option<Inst> {
    pick::inst(func, random, |inst| {
        matches!(
            func.dfg.inst(inst),
            InstructionData::Call { .. }
                | InstructionData::CallIndirect { .. }
                | InstructionData::MultiAry { .. }
        )
    })
}

fn set_list(func: &mut Function, inst: Inst, values: &[lpc_lpir::ir::Value]) -> Option<()> {
    let list = ValueList::from_slice(values, &mut func.dfg.value_lists);
    let (InstructionData::Call { args, .. }
    | InstructionData::CallIndirect { args, .. }
    | InstructionData::MultiAry { args, .. }) = func.dfg.inst_mut(inst)
    else {
        return None;
    };
    *args = list;
    Some(())
}

/// A call or the address of a function refers to another function, maybe one that is not declared.
pub(super) fn other_callee(module: &mut Module, random: &mut Rng) -> Option<()> {
    use InstructionData::{Call, FuncAddr};
    in_function(module, random, |func, random| {
        let inst = pick::inst(func, random, |inst| {
            matches!(func.dfg.inst(inst), Call { .. } | FuncAddr { .. })
        })?;
        let count = func.dfg.ext_funcs.len();
        let (Call { func_ref, .. } | FuncAddr { func_ref, .. }) = func.dfg.inst_mut(inst) else {
            return None;
        };
        *func_ref = pick::reference(count, random);
        Some(())
    })
}

/// An indirect call has another signature, maybe one that is not declared.
pub(super) fn other_signature(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let inst = pick::inst(func, random, |inst| {
            matches!(func.dfg.inst(inst), InstructionData::CallIndirect { .. })
        })?;
        let count = func.dfg.signatures.len();
        let InstructionData::CallIndirect { sig_ref, .. } = func.dfg.inst_mut(inst) else {
            return None;
        };
        *sig_ref = pick::reference(count, random);
        Some(())
    })
}

/// A function is declared with another signature, maybe one that is not declared.
pub(super) fn declared_signature(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let count = func.dfg.signatures.len();
        let declared = func.dfg.ext_funcs.values_mut();
        let declared = random.choice(declared.collect::<Vec<_>>())?;
        declared.signature = pick::reference(count, random);
        Some(())
    })
}

/// A declaration of a function is about another one, about data, or about something that is not there.
pub(super) fn declared_name(module: &mut Module, random: &mut Rng) -> Option<()> {
    let functions = module.functions().map(|(_, func)| func.name.clone());
    let data = module.data_objects().map(|(_, object)| object.name.clone());
    let names = functions.chain(data).chain([
        ExternalName::symbol("not_there"),
        ExternalName::symbol("__lpc_udivrem64"),
        ExternalName::symbol(""),
    ]);
    let name = random.choice(names.collect::<Vec<_>>())?;
    in_function(module, random, |func, random| {
        let declared = func.dfg.ext_funcs.values_mut();
        random.choice(declared.collect::<Vec<_>>())?.name = name;
        Some(())
    })
}

/// The signature of a function, or one that it declares, has a parameter or result more or less.
pub(super) fn length_of_signature(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let signatures = func.dfg.signatures.values_mut();
        let signatures = signatures.chain([&mut func.signature]);
        let signature = random.choice(signatures.collect::<Vec<_>>())?;
        let list = match random.bool() {
            true => &mut signature.params,
            false => &mut signature.returns,
        };
        if random.bool() {
            list.insert(random.usize(..=list.len()), AbiParam::new(pick::ty(random)));
        } else if !list.is_empty() {
            list.remove(random.usize(..list.len()));
        } else {
            return None;
        }
        Some(())
    })
}

/// A function, or one that it declares, has another calling convention.
pub(super) fn convention(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let signatures = func.dfg.signatures.values_mut();
        let signatures = signatures.chain([&mut func.signature]);
        let signature = random.choice(signatures.collect::<Vec<_>>())?;
        signature.call_conv = random.choice(CallConv::ALL)?;
        Some(())
    })
}
