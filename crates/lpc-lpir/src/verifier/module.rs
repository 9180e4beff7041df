//! Checks a module: each of its functions, and that they agree on the signatures they call each other with.

use super::error::{FunctionErrors, ModuleErrors, VerifierError, VerifierErrors};
use super::function_errors;
use crate::ir::{Function, Module};
use alloc::format;
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

/// Checks that `func` declares the functions of the module with the signatures that they have. Those of other modules are up to
/// the linker.
fn check_callees(module: &Module, func: &Function, errors: &mut Vec<VerifierError>) {
    for (func_ref, data) in func.dfg.ext_funcs.iter() {
        let Some(callee) = module.find(&data.name) else {
            continue;
        };
        let Some(declared) = func.dfg.signatures.get(data.signature) else {
            continue;
        };
        let defined = &module.function(callee).signature;
        if declared != defined {
            errors.push(VerifierError {
                location: func_ref.into(),
                context: None,
                message: format!(
                    "{} is declared with signature {declared}, but defined with {defined}",
                    data.name
                ),
            });
        }
    }
}
