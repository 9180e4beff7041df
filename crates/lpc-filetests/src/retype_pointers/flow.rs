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
use lpc_lpir::entity::EntityRef;
use lpc_lpir::ir::{
    ArgumentPurpose, Function, Inst, InstructionData, InstructionFormat, Opcode, OperandType,
    SigRef, Signature, Type, Value, ValueList,
};

/// Whether instructions with `opcode` can be retyped with all their operands and results, and mean the same then for
/// addresses.
pub(super) fn is_plain(opcode: Opcode) -> bool {
    matches!(
        opcode,
        Opcode::Iconst
            | Opcode::Iadd
            | Opcode::Isub
            | Opcode::Imul
            | Opcode::Ineg
            | Opcode::Band
            | Opcode::Bor
            | Opcode::Bxor
            | Opcode::Bnot
            | Opcode::Select
            | Opcode::SelectSpectreGuard
            | Opcode::Icmp
            | Opcode::Brif
            | Opcode::Trapz
            | Opcode::Trapnz
    )
}

/// Whether instructions with `opcode` extend their operand. From the width of a pointer to the same width that is nothing.
pub(super) fn extends(opcode: Opcode) -> bool {
    matches!(opcode, Opcode::Uextend | Opcode::Sextend)
}

/// The members of a file and their classes.
pub(super) struct Flow {
    /// For each function its members.
    functions: Vec<Members>,
    classes: Classes,
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
            flow.add_function(index, function);
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

    fn add_function(&mut self, index: usize, function: &Function) {
        let own_signature = self.own_signature(index);
        self.add_signature(own_signature, &function.signature);
        for (sig_ref, signature) in function.dfg.signatures.iter() {
            self.add_signature(self.declared_signature(index, sig_ref), signature);
        }
        if let Some(entry) = function.entry_block() {
            for (position, param) in function.dfg.block_params(entry).enumerate() {
                if position < function.signature.params.len() {
                    self.join(index, function, param, own_signature + position);
                }
            }
        }
        for block in function.layout.blocks() {
            for inst in function.layout.block_insts(block) {
                self.add_inst(index, function, inst);
            }
        }
    }

    /// Parameters with a special purpose are addresses.
    fn add_signature(&mut self, first: usize, signature: &Signature) {
        for (position, param) in signature
            .params
            .iter()
            .chain(&signature.returns)
            .enumerate()
        {
            if param.value_type == WIDE && param.purpose != ArgumentPurpose::Normal {
                self.classes.facts(first + position).is_address = true;
            }
        }
    }

    fn add_inst(&mut self, index: usize, function: &Function, inst: Inst) {
        self.add_typed_operands(index, function, inst);
        self.add_results(index, function, inst);
        self.add_transfers(index, function, inst);
        if let InstructionData::UnaryImm { imm, .. } = *function.dfg.inst(inst) {
            let fits = i32::try_from(imm.bits()).is_ok() || u32::try_from(imm.bits()).is_ok();
            if !fits {
                self.obstruct(
                    index,
                    function,
                    function.dfg.first_result(inst),
                    "is too large",
                );
            }
        }
    }

    /// The operands that stand in the opcode table, and the results that must have their type.
    fn add_typed_operands(&mut self, index: usize, function: &Function, inst: Inst) {
        let dfg = &function.dfg;
        let opcode = dfg.inst(inst).opcode();
        let is_callee = opcode.format() == InstructionFormat::CallIndirect;
        let mut same = None;
        for (operand, ty) in dfg.inst_args(inst).zip(opcode.info().operands) {
            match ty {
                OperandType::Same if is_callee => self.set_address(index, function, operand),
                OperandType::Address => self.set_address(index, function, operand),
                // Only whether it is zero matters, or what is left of it modulo the width of another operand.
                OperandType::AnyInt => {}
                OperandType::Same if is_plain(opcode) => {
                    let first = *same.get_or_insert(self.member(index, function, operand));
                    self.join(index, function, operand, first);
                }
                _ => self.obstruct(index, function, operand, &format!("`{opcode}` takes")),
            }
        }
        if let Some(same) = same {
            for (result, ty) in dfg.inst_results(inst).zip(opcode.info().results) {
                if *ty == OperandType::Same {
                    self.join(index, function, result, same);
                }
            }
        }
    }

    fn add_results(&mut self, index: usize, function: &Function, inst: Inst) {
        let opcode = function.dfg.inst(inst).opcode();
        let extends_pointer = extends(opcode)
            && (function.dfg.inst_args(inst))
                .all(|arg| function.dfg.value_type(arg) == Type::POINTER);
        for (result, _) in function.dfg.inst_results(inst).zip(opcode.info().results) {
            if opcode.gives_address() {
                self.set_address(index, function, result);
            } else if !is_plain(opcode) && !extends_pointer {
                self.obstruct(index, function, result, &format!("`{opcode}` gives"));
            }
        }
    }

    /// The values that go to the parameters of blocks and functions, and to results.
    fn add_transfers(&mut self, index: usize, function: &Function, inst: Inst) {
        let dfg = &function.dfg;
        for branch in dfg.branch_destinations(inst) {
            let block = branch.block(&dfg.value_lists);
            if !dfg.block_is_valid(block) {
                continue;
            }
            for (arg, param) in branch.args(&dfg.value_lists).zip(dfg.block_params(block)) {
                let param = self.member(index, function, param);
                self.join(index, function, arg, param);
            }
        }
        let own_returns = self.own_signature(index) + function.signature.params.len();
        let (signature, args): (_, Vec<Value>) = match *dfg.inst(inst) {
            InstructionData::MultiAry { args, .. } => {
                let returned = args.iter(&dfg.value_lists);
                let count = function.signature.returns.len();
                for (position, value) in returned.enumerate().take(count) {
                    self.join(index, function, value, own_returns + position);
                }
                return;
            }
            InstructionData::Call { args, .. } => {
                (dfg.call_signature(inst), list(function, args, 0))
            }
            InstructionData::CallIndirect { args, .. } => {
                (dfg.call_signature(inst), list(function, args, 1))
            }
            _ => return,
        };
        let Some(sig_ref) = signature.filter(|&sig_ref| dfg.signatures.is_valid(sig_ref)) else {
            return;
        };
        let params = self.declared_signature(index, sig_ref);
        let signature = &dfg.signatures[sig_ref];
        let returns = params + signature.params.len();
        for (position, arg) in args.into_iter().enumerate().take(signature.params.len()) {
            self.join(index, function, arg, params + position);
        }
        for (position, result) in dfg.inst_results(inst).enumerate() {
            self.join(index, function, result, returns + position);
        }
        if dfg.inst(inst).opcode().is_return() {
            let count = signature
                .returns
                .len()
                .min(function.signature.returns.len());
            for position in 0..count {
                self.classes
                    .join(own_returns + position, returns + position);
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

    fn member(&self, index: usize, function: &Function, value: Value) -> usize {
        self.value(index, function.dfg.resolve_aliases(value))
    }

    /// Values of other types are alone in their classes.
    fn join(&mut self, index: usize, function: &Function, value: Value, member: usize) {
        if function.dfg.value_type(value) == WIDE {
            let value = self.member(index, function, value);
            self.classes.join(value, member);
        }
    }

    fn set_address(&mut self, index: usize, function: &Function, value: Value) {
        if function.dfg.value_type(value) == WIDE {
            let member = self.member(index, function, value);
            self.classes.facts(member).is_address = true;
        }
    }

    fn obstruct(&mut self, index: usize, function: &Function, value: Value, obstacle: &str) {
        if function.dfg.value_type(value) == WIDE {
            let member = self.member(index, function, value);
            self.classes.facts(member).obstacle = Some(obstacle.to_owned());
        }
    }
}

/// The values of `list` from the position `start` on.
fn list(function: &Function, list: ValueList, start: usize) -> Vec<Value> {
    list.iter(&function.dfg.value_lists).skip(start).collect()
}
