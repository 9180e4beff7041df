//! Which values, parameters and results of a file must have the same type.
//!
//! Each is a *member*, a number. A function has members for its values, and for each of its signatures, its own and those it
//! declares, one for each parameter and then one for each result:
//!
//! ```text
//!   │ values of f │ own params, returns │ sig0 params, returns │ … │ values of g │ …
//! ```

use super::WIDE;
use super::classes::Classes;
use super::function_flow::FunctionFlow;
use lpc_lpir::entity::EntityRef;
use lpc_lpir::ir::{ArgumentPurpose, Function, InstructionData, SigRef, Signature, Value};

/// The members of a file and their classes.
pub(super) struct Flow {
    /// For each function its members.
    functions: Vec<Members>,
    pub(super) classes: Classes,
}

/// The numbers of the members of a function.
struct Members {
    values: usize,
    own_signature: usize,
    declared_signatures: Vec<usize>,
    end: usize,
}

impl Flow {
    /// The members of `functions`.
    pub(super) fn of(functions: &[&mut Function]) -> Self {
        let mut next = 0;
        let mut take = |count: usize| {
            next += count;
            next - count
        };
        let size = |signature: &Signature| signature.params.len() + signature.returns.len();
        let members = functions.iter().map(|function| Members {
            values: take(function.dfg.num_values()),
            own_signature: take(size(&function.signature)),
            declared_signatures: function
                .dfg
                .signatures
                .values()
                .map(|signature| take(size(signature)))
                .collect(),
            end: take(0),
        });
        let members: Vec<_> = members.collect();
        let mut flow = Self {
            functions: members,
            classes: Classes::new(next),
        };
        for (index, function) in functions.iter().enumerate() {
            FunctionFlow::add(&mut flow, index, function);
            flow.join_callees(index, functions);
        }
        flow.join_indirect_signatures(functions);
        flow
    }

    /// The member that is `value`, which is no alias, of the function number `function`.
    pub(super) fn value(&self, function: usize, value: Value) -> usize {
        self.functions[function].values + value.index()
    }

    /// The first member of the signature of the function number `function`.
    pub(super) fn own_signature(&self, function: usize) -> usize {
        self.functions[function].own_signature
    }

    /// The first member of a signature that the function number `function` declares.
    pub(super) fn declared_signature(&self, function: usize, signature: SigRef) -> usize {
        self.functions[function].declared_signatures[signature.index()]
    }

    /// Whether the class of `member` is to be retyped.
    pub(super) fn is_address(&mut self, member: usize) -> bool {
        let facts = self.classes.facts(member);
        facts.is_address && facts.obstacle.is_none()
    }

    /// Why the function number `function` cannot be retyped, if it cannot.
    pub(super) fn obstacle(&mut self, function: usize) -> Option<String> {
        let Members { values, end, .. } = self.functions[function];
        (values..end).find_map(|member| {
            let facts = self.classes.facts(member);
            facts.obstacle.clone().filter(|_| facts.is_address)
        })
    }

    /// Parameters with a special purpose are addresses.
    pub(super) fn add_signature(&mut self, first: usize, signature: &Signature) {
        let params = signature.params.iter().chain(&signature.returns);
        for (position, param) in params.enumerate() {
            if param.value_type == WIDE && param.purpose != ArgumentPurpose::Normal {
                self.classes.facts(first + position).is_address = true;
            }
        }
    }

    /// Joins the signatures of declared functions with those of their definitions.
    fn join_callees(&mut self, index: usize, functions: &[&mut Function]) {
        for callee in functions[index].dfg.ext_funcs.values() {
            let declared = &functions[index].dfg.signatures[callee.signature];
            let first = self.declared_signature(index, callee.signature);
            let definition = functions
                .iter()
                .position(|function| function.name == callee.name);
            match definition {
                Some(definition) if functions[definition].signature == *declared => {
                    self.join_signatures(first, self.own_signature(definition), declared);
                }
                _ => {
                    for member in first..first + declared.params.len() + declared.returns.len() {
                        let obstacle = format!("{} takes or gives", callee.name);
                        self.classes.facts(member).obstacle = Some(obstacle);
                    }
                }
            }
        }
    }

    /// Joins equal signatures of functions whose address is taken and of indirect calls: any of the former may be called by any
    /// of the latter.
    fn join_indirect_signatures(&mut self, functions: &[&mut Function]) {
        let mut seen: Vec<(&Signature, usize)> = Vec::new();
        for (index, function) in functions.iter().enumerate() {
            let dfg = &function.dfg;
            let insts = function
                .layout
                .blocks()
                .flat_map(|block| function.layout.block_insts(block));
            for inst in insts {
                let sig_ref = match *dfg.inst(inst) {
                    InstructionData::CallIndirect { sig_ref, .. } => sig_ref,
                    InstructionData::FuncAddr { func_ref, .. } => dfg.ext_funcs[func_ref].signature,
                    _ => continue,
                };
                let first = self.declared_signature(index, sig_ref);
                let signature = &dfg.signatures[sig_ref];
                match seen.iter().find(|(other, _)| *other == signature) {
                    Some(&(_, other)) => self.join_signatures(first, other, signature),
                    None => seen.push((signature, first)),
                }
            }
        }
    }

    /// Joins the members of two signatures that both are `signature`.
    fn join_signatures(&mut self, a: usize, b: usize, signature: &Signature) {
        for position in 0..signature.params.len() + signature.returns.len() {
            self.classes.join(a + position, b + position);
        }
    }
}
