//! The functions of a file that can be executed.

use crate::host::TestHost;
use lpc_lpir::ir::{ExternalName, Function, GlobalValueData, InstructionData, Module, Signature};
use std::collections::BTreeMap;

/// Functions that cannot be executed, and why not.
pub(crate) type Lacking = BTreeMap<ExternalName, String>;

/// The functions of `module` that can be executed, which are those that are neither in `lacking` nor call one that is. The
/// others are added to `lacking`.
pub(crate) fn executable_part(module: &Module, lacking: &mut Lacking) -> Module {
    loop {
        let before = lacking.len();
        for (_, function) in module.functions() {
            if lacking.contains_key(&function.name) {
                continue;
            }
            if let Some(callee) = missing_callee(function, module, lacking) {
                let reason = match lacking.get(&callee) {
                    Some(reason) => format!("calls {callee}: {reason}"),
                    None => format!("calls {callee}, which is not defined"),
                };
                lacking.insert(function.name.clone(), reason);
            }
        }
        if lacking.len() == before {
            break;
        }
    }
    let mut part = Module::new();
    for (_, function) in module.functions() {
        if !lacking.contains_key(&function.name) {
            let added = part.add_function(function.clone());
            added.expect("the names in a module are different");
        }
    }
    part
}

/// A function that `function` refers to, and that cannot be executed.
fn missing_callee(function: &Function, module: &Module, lacking: &Lacking) -> Option<ExternalName> {
    let is_there = |name: &ExternalName, signature: Option<&Signature>| {
        if module.find(name).is_some() {
            return !lacking.contains_key(name);
        }
        signature.is_some_and(|signature| TestHost::has(name, signature))
    };
    let blocks = function.layout.blocks();
    let mut insts = blocks.flat_map(|block| function.layout.block_insts(block));
    insts.find_map(|inst| {
        let (name, signature) = match *function.dfg.inst(inst) {
            InstructionData::Call { func_ref, .. } | InstructionData::FuncAddr { func_ref, .. } => {
                let callee = &function.dfg.ext_funcs[func_ref];
                (
                    &callee.name,
                    Some(&function.dfg.signatures[callee.signature]),
                )
            }
            InstructionData::UnaryGlobalValue { global_value, .. } => {
                match &function.global_values[global_value] {
                    GlobalValueData::Symbol { name, .. } => (name, None),
                    _ => return None,
                }
            }
            _ => return None,
        };
        (!is_there(name, signature)).then(|| name.clone())
    })
}
