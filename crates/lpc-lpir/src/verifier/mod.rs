//! The verifier: says what is wrong with a function, all of it, before anything is compiled.
//!
//! Everything behind the verifier relies on what it has checked, and may panic or give wrong code for a function that it
//! refuses. It takes any function that can be built, without panicking, in time almost linear in its size.
//!
//! | file | checks |
//! |---|---|
//! | `declarations` | signatures, stack slots, imported functions, global values, stack limit |
//! | `blocks` | entry block, parameters, terminators |
//! | `references` | operands and results exist, and so do the blocks and declarations that instructions name |
//! | `types` | types and numbers of operands, results, arguments, returned values; immediates; memory flags |
//! | `dominance` | definitions dominate uses |
//! | `module` | calls between the functions of a module, and of what it imports |
//!
//! An instruction with a wrong reference is not checked for types, which could not be told; it is checked for everything else.
//!
//! Messages are worded as those of Cranelift's verifier where the rule is the same.

mod blocks;
mod chains;
mod context;
mod declarations;
mod dominance;
mod error;
mod module;
mod references;
mod types;

#[cfg(test)]
mod tests;

pub use error::{FunctionErrors, ModuleErrors, VerifierError, VerifierErrors};
pub use module::verify_module;

use crate::analysis::{ControlFlowGraph, DominatorTree};
use crate::entity::SecondaryMap;
use crate::ir::{AnyEntity, Function, Inst, Value};
use alloc::string::String;
use alloc::vec::Vec;
use chains::Chains;
use context::context;

/// Checks `func`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn verify_function(func: &Function) -> Result<(), VerifierErrors> {
    let errors = function_errors(func);
    if errors.is_empty() {
        Ok(())
    } else {
        Err(VerifierErrors(errors))
    }
}

/// All errors of `func`.
fn function_errors(func: &Function) -> Vec<VerifierError> {
    let mut verifier = Verifier::new(func);
    verifier.check_declarations();
    verifier.check_aliases();
    if verifier.check_layout() {
        verifier.check_blocks();
        verifier.check_insts();
    }
    verifier.errors
}

/// What is known while a function is checked.
struct Verifier<'a> {
    func: &'a Function,
    /// What each value stands for.
    originals: Chains<Value>,
    /// Dominators, as far as the layout allows to compute them.
    domtree: DominatorTree,
    /// The position of each instruction in its block.
    positions: SecondaryMap<Inst, u32>,
    errors: Vec<VerifierError>,
    /// The instruction that was printed last, as most errors about an instruction come with others about it.
    last_printed: Option<(Inst, Option<String>)>,
}

impl<'a> Verifier<'a> {
    fn new(func: &'a Function) -> Self {
        Self {
            func,
            originals: Chains::new(func.dfg.num_values(), |value| func.dfg.alias_target(value)),
            domtree: DominatorTree::new(),
            positions: SecondaryMap::new(),
            errors: Vec::new(),
            last_printed: None,
        }
    }

    /// Adds an error, unless it is the same as the last: a `br_table` may have the same wrong branch many times.
    fn report(&mut self, location: impl Into<AnyEntity>, message: String) {
        let location = location.into();
        let context = match location {
            AnyEntity::Inst(inst) => self.printed(inst),
            _ => None,
        };
        let error = VerifierError {
            location,
            context,
            message,
        };
        if self.errors.last() != Some(&error) {
            self.errors.push(error);
        }
    }

    /// The instruction as text, when it is sound enough to be printed.
    fn printed(&mut self, inst: Inst) -> Option<String> {
        if let Some((last, printed)) = &self.last_printed
            && *last == inst
        {
            return printed.clone();
        }
        let mut operands = self.func.dfg.inst_values(inst);
        let printed = operands
            .all(|operand| self.original(operand).is_some())
            .then(|| context(self.func, inst))
            .flatten();
        self.last_printed = Some((inst, printed.clone()));
        printed
    }

    /// The value that `value` stands for, or `None` when it does not exist, is not defined, or is an alias in a cycle.
    fn original(&self, value: Value) -> Option<Value> {
        let dfg = &self.func.dfg;
        if !dfg.value_is_valid(value) {
            return None;
        }
        let original = self.originals.end(value)?;
        dfg.value_is_defined(original).then_some(original)
    }

    fn check_aliases(&mut self) {
        for cycle in core::mem::take(&mut self.originals.cycles) {
            self.report(cycle[0], alloc::format!("alias cycle: {cycle:?}"));
        }
        let dfg = &self.func.dfg;
        for alias in dfg.values() {
            let is_alias = dfg.alias_target(alias).is_some();
            let original = self.original(alias).filter(|_| is_alias);
            let Some(expected) = original.map(|original| dfg.value_type(original)) else {
                continue;
            };
            let ty = dfg.value_type(alias);
            if ty != expected {
                let message = alloc::format!(
                    "alias has type {ty}, and stands for a value of type {expected}"
                );
                self.report(alias, message);
            }
        }
    }

    fn check_insts(&mut self) {
        let func = self.func;
        let cfg = ControlFlowGraph::with_function(func);
        self.domtree.compute(func, &cfg);
        for block in func.layout.blocks() {
            for (position, inst) in (0..).zip(func.layout.block_insts(block)) {
                self.positions[inst] = position;
            }
        }
        for block in func.layout.blocks() {
            for inst in func.layout.block_insts(block) {
                if self.check_references(inst) {
                    self.check_types(inst);
                }
                self.check_dominance(inst, block);
            }
        }
    }
}
