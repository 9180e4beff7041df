//! The functions of a file that can be executed, and the data that they need.

use crate::host::TestHost;
use lpc_lpir::ir::{
    DataObject, Definition, ExternalName, Function, GlobalValueData, ImportKind, InstructionData,
    Module, ModuleError, Signature,
};
use lpc_lpir::text::{ParsedFunction, TestFunction};
use std::collections::BTreeMap;

/// Functions and data that cannot be used, and why not.
pub(crate) type Lacking = BTreeMap<ExternalName, String>;

/// Adds a function of a file to `module`, with the linkage that the file states.
///
/// # Errors
/// When the module already has something of that name.
pub(crate) fn add_function(
    module: &mut Module,
    function: &TestFunction<'_>,
    parsed: &ParsedFunction,
) -> Result<(), ModuleError> {
    let id = module.add_function(parsed.function.clone())?;
    module.set_linkage(id, function.linkage);
    Ok(())
}

/// The functions and data of `module` that can be used, which are those that are neither in `lacking` nor refer to what is. The
/// others are added to `lacking`.
pub(crate) fn executable_part(module: &Module, lacking: &mut Lacking) -> Module {
    loop {
        let before = lacking.len();
        for (_, function) in module.functions() {
            if !lacking.contains_key(&function.name)
                && let Some(missing) = missing_in_function(function, module, lacking)
            {
                let reason = reason("calls", &missing, lacking);
                lacking.insert(function.name.clone(), reason);
            }
        }
        for (_, data) in module.data_objects() {
            if !lacking.contains_key(&data.name)
                && let Some(missing) = missing_in_data(data, module, lacking)
            {
                let reason = reason("refers to", &missing, lacking);
                lacking.insert(data.name.clone(), reason);
            }
        }
        if lacking.len() == before {
            return part_without(module, lacking);
        }
    }
}

/// Why something cannot be used that refers to `missing`.
fn reason(verb: &str, missing: &ExternalName, lacking: &Lacking) -> String {
    match lacking.get(missing) {
        Some(reason) => format!("{verb} {missing}: {reason}"),
        None => format!("{verb} {missing}, which is not defined"),
    }
}

fn part_without(module: &Module, lacking: &Lacking) -> Module {
    const DIFFERENT: &str = "the names in a module are different";
    let mut part = Module::new();
    for import in module.imports() {
        part.add_import(import.clone()).expect(DIFFERENT);
    }
    for (_, data) in module.data_objects() {
        if !lacking.contains_key(&data.name) {
            part.add_data(data.clone()).expect(DIFFERENT);
        }
    }
    for (id, function) in module.functions() {
        if !lacking.contains_key(&function.name) {
            let added = part.add_function(function.clone()).expect(DIFFERENT);
            part.set_linkage(added, module.linkage(id));
        }
    }
    part
}

/// Whether there is something that can be used under `name`, as a function of `signature` where that is stated.
fn is_there(
    name: &ExternalName,
    signature: Option<&Signature>,
    module: &Module,
    lacking: &Lacking,
) -> bool {
    match module.definition(name) {
        Some(Definition::Function(_) | Definition::Data(_)) => !lacking.contains_key(name),
        Some(Definition::Import(ImportKind::Function(signature))) => TestHost::has(name, signature),
        Some(Definition::Import(ImportKind::Data)) => false,
        None => signature.is_some_and(|signature| TestHost::has(name, signature)),
    }
}

/// What `data` refers to, and what cannot be used.
fn missing_in_data(data: &DataObject, module: &Module, lacking: &Lacking) -> Option<ExternalName> {
    let mut targets = data.relocs.iter().map(|reloc| &reloc.target);
    let missing = targets.find(|target| !is_there(target, None, module, lacking));
    missing.cloned()
}

/// What `function` refers to, and what cannot be used.
fn missing_in_function(
    function: &Function,
    module: &Module,
    lacking: &Lacking,
) -> Option<ExternalName> {
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
        (!is_there(name, signature, module, lacking)).then(|| name.clone())
    })
}
