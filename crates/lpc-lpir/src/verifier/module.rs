//! Checks a module: each of its functions, and that they agree on the signatures they call each other with, and with what the
//! module imports.
//!
//! There is nothing to check about data: a module holds only data objects that are well formed.

use super::context::context;
use super::error::{FunctionErrors, ModuleErrors, VerifierError, VerifierErrors};
use super::function_errors;
use crate::entity::SecondaryMap;
use crate::ir::{
    Definition, ExtFuncData, FuncRef, Function, ImportKind, Inst, InstructionData, Module,
};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Checks all functions of `module`, and the calls among them.
///
/// # Errors
/// Everything that is wrong with them, by function.
pub fn verify_module(module: &Module) -> Result<(), ModuleErrors> {
    let mut all = Vec::new();
    for (id, func) in module.functions() {
        let mut errors = function_errors(func);
        check_callees(module, func, &mut errors);
        if !errors.is_empty() {
            all.push(FunctionErrors {
                function: id,
                name: func.name.clone(),
                errors: VerifierErrors(errors),
            });
        }
    }
    if all.is_empty() {
        Ok(())
    } else {
        Err(ModuleErrors(all))
    }
}

/// Checks that `func` declares functions with the signatures that they have where they are defined, or where the module imports
/// them. What is neither is up to the linker.
fn check_callees(module: &Module, func: &Function, errors: &mut Vec<VerifierError>) {
    let declared = func.dfg.ext_funcs.iter();
    let mismatches: Vec<_> = declared
        .filter_map(|(func_ref, data)| Some((func_ref, mismatch(module, func, data)?)))
        .collect();
    if mismatches.is_empty() {
        return;
    }
    // In a function that is wrong otherwise there may be instructions that cannot be printed.
    let uses = match errors.is_empty() {
        true => first_uses(func),
        false => SecondaryMap::new(),
    };
    errors.extend(mismatches.into_iter().map(|(func_ref, message)| {
        let use_of_it = uses[func_ref].and_then(|inst| context(func, inst));
        VerifierError {
            location: func_ref.into(),
            context: use_of_it,
            message,
        }
    }));
}

/// What is wrong with `data`, a declaration in `func`, in view of what `module` says about the function.
fn mismatch(module: &Module, func: &Function, data: &ExtFuncData) -> Option<String> {
    let declared = func.dfg.signatures.get(data.signature)?;
    let name = &data.name;
    let (verb, signature) = match module.definition(name)? {
        Definition::Function(id) => ("defined", &module.function(id).signature),
        Definition::Import(ImportKind::Function(signature)) => ("imported", signature),
        Definition::Data(_) => {
            return Some(format!(
                "{name} is declared as a function, but defined as data"
            ));
        }
        Definition::Import(ImportKind::Data) => {
            return Some(format!(
                "{name} is declared as a function, but imported as data"
            ));
        }
    };
    (signature != declared).then(|| {
        format!("{name} is declared with signature {declared}, but {verb} with {signature}")
    })
}

/// The first instruction that refers to each function.
fn first_uses(func: &Function) -> SecondaryMap<FuncRef, Option<Inst>> {
    let mut uses = SecondaryMap::new();
    let blocks = func.layout.blocks();
    for inst in blocks.flat_map(|block| func.layout.block_insts(block)) {
        if let InstructionData::Call { func_ref, .. } | InstructionData::FuncAddr { func_ref, .. } =
            *func.dfg.inst(inst)
        {
            let first: &mut Option<Inst> = &mut uses[func_ref];
            first.get_or_insert(inst);
        }
    }
    uses
}
