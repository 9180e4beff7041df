//! What the instructions of a function say about the types of its values.

use super::WIDE;
use super::flow::Flow;
use lpc_lpir::ir::{
    Function, Inst, InstructionData, InstructionFormat, Opcode, OperandType, Type, Value, ValueList,
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

fn is_signed_comparison(data: &InstructionData) -> bool {
    matches!(data, InstructionData::IntCompare { cond, .. } if cond.is_signed())
}

/// Whether instructions with `opcode` extend their operand. From the width of a pointer to the same width that is nothing.
pub(super) fn extends(opcode: Opcode) -> bool {
    matches!(opcode, Opcode::Uextend | Opcode::Sextend)
}

/// A function whose members are being put into classes.
pub(super) struct FunctionFlow<'a> {
    flow: &'a mut Flow,
    /// The number of the function.
    index: usize,
    function: &'a Function,
}

impl<'a> FunctionFlow<'a> {
    /// Joins the members of `function`, which is number `index`.
    pub(super) fn add(flow: &'a mut Flow, index: usize, function: &'a Function) {
        let mut this = Self {
            flow,
            index,
            function,
        };
        this.add_signatures();
        for block in function.layout.blocks() {
            for inst in function.layout.block_insts(block) {
                this.add_operands(inst);
                this.add_results(inst);
                this.add_branches(inst);
                this.add_returned_values(inst);
                this.add_call(inst);
            }
        }
    }

    fn add_signatures(&mut self) {
        let function = self.function;
        let own_signature = self.flow.own_signature(self.index);
        self.flow.add_signature(own_signature, &function.signature);
        for (sig_ref, signature) in function.dfg.signatures.iter() {
            let first = self.flow.declared_signature(self.index, sig_ref);
            self.flow.add_signature(first, signature);
        }
        if let Some(entry) = function.entry_block() {
            let params = function.dfg.block_params(entry);
            let count = function.signature.params.len();
            for (position, param) in params.enumerate().take(count) {
                self.join(param, own_signature + position);
            }
        }
    }

    /// The operands that stand in the opcode table, and the results that must have their type.
    fn add_operands(&mut self, inst: Inst) {
        let dfg = &self.function.dfg;
        let opcode = dfg.inst(inst).opcode();
        let is_callee = opcode.format() == InstructionFormat::CallIndirect;
        let mut same = None;
        for (operand, ty) in dfg.inst_args(inst).zip(opcode.operands()) {
            match ty {
                OperandType::Same if is_callee => self.set_address(operand),
                OperandType::Address => self.set_address(operand),
                // Only whether it is zero matters, or what is left of it modulo the width of another operand.
                OperandType::AnyInt => {}
                // An address of 2 GiB or more is negative as an `i32`, and was positive as an `i64`.
                OperandType::Same if is_signed_comparison(dfg.inst(inst)) => {
                    self.obstruct(operand, "is compared as a signed number".to_owned());
                }
                OperandType::Same if is_plain(opcode) => {
                    let first = *same.get_or_insert(self.member(operand));
                    self.join(operand, first);
                }
                _ => self.obstruct(operand, format!("`{opcode}` takes")),
            }
        }
        let Some(same) = same else { return };
        for (result, ty) in dfg.inst_results(inst).zip(opcode.results()) {
            if ty == OperandType::Same {
                self.join(result, same);
            }
        }
    }

    fn add_results(&mut self, inst: Inst) {
        let dfg = &self.function.dfg;
        let data = dfg.inst(inst);
        let opcode = data.opcode();
        let mut args = dfg.inst_args(inst);
        let is_free = extends(opcode) && args.all(|arg| dfg.value_type(arg) == Type::POINTER);
        for (result, _) in dfg.inst_results(inst).zip(opcode.results()) {
            if opcode.gives_address() {
                self.set_address(result);
            } else if !is_plain(opcode) && !is_free {
                self.obstruct(result, format!("`{opcode}` gives"));
            }
            if let InstructionData::UnaryImm { imm, .. } = *data
                && i32::try_from(imm.bits()).is_err()
                && u32::try_from(imm.bits()).is_err()
            {
                self.obstruct(result, "is too large".to_owned());
            }
        }
    }

    fn add_branches(&mut self, inst: Inst) {
        let dfg = &self.function.dfg;
        for branch in dfg.branch_destinations(inst) {
            let block = branch.block(&dfg.value_lists);
            if !dfg.block_is_valid(block) {
                continue;
            }
            for (arg, param) in branch.args(&dfg.value_lists).zip(dfg.block_params(block)) {
                let param = self.member(param);
                self.join(arg, param);
            }
        }
    }

    fn add_returned_values(&mut self, inst: Inst) {
        if let InstructionData::MultiAry { args, .. } = *self.function.dfg.inst(inst) {
            let count = self.function.signature.returns.len();
            let first = self.own_returns();
            for (position, value) in self.values(args).enumerate().take(count) {
                self.join(value, first + position);
            }
        }
    }

    fn add_call(&mut self, inst: Inst) {
        let dfg = &self.function.dfg;
        let (args, first_arg) = match *dfg.inst(inst) {
            InstructionData::Call { args, .. } => (args, 0),
            InstructionData::CallIndirect { args, .. } => (args, 1),
            _ => return,
        };
        let Some(sig_ref) = dfg.call_signature(inst) else {
            return;
        };
        let Some(signature) = dfg.signatures.get(sig_ref) else {
            return;
        };
        let params = self.flow.declared_signature(self.index, sig_ref);
        let returns = params + signature.params.len();
        let args = self.values(args).skip(first_arg);
        for (position, arg) in args.enumerate().take(signature.params.len()) {
            self.join(arg, params + position);
        }
        for (position, result) in dfg.inst_results(inst).enumerate() {
            self.join(result, returns + position);
        }
        if dfg.inst(inst).opcode().is_return() {
            let own_returns = self.own_returns();
            let count = self.function.signature.returns.len();
            for position in 0..count.min(signature.returns.len()) {
                let classes = &mut self.flow.classes;
                classes.join(own_returns + position, returns + position);
            }
        }
    }

    /// The member that is the first result of the function.
    fn own_returns(&self) -> usize {
        self.flow.own_signature(self.index) + self.function.signature.params.len()
    }

    fn values(&self, list: ValueList) -> impl Iterator<Item = Value> + use<'a> {
        list.iter(&self.function.dfg.value_lists)
    }

    fn member(&self, value: Value) -> usize {
        let value = self.function.dfg.resolve_aliases(value);
        self.flow.value(self.index, value)
    }

    /// The member that is `value`, if it has the type of those that are retyped. Others are alone in their classes.
    fn wide_member(&self, value: Value) -> Option<usize> {
        (self.function.dfg.value_type(value) == WIDE).then(|| self.member(value))
    }

    fn join(&mut self, value: Value, member: usize) {
        if let Some(value) = self.wide_member(value) {
            self.flow.classes.join(value, member);
        }
    }

    fn set_address(&mut self, value: Value) {
        if let Some(member) = self.wide_member(value) {
            self.flow.classes.facts(member).is_address = true;
        }
    }

    fn obstruct(&mut self, value: Value, obstacle: String) {
        if let Some(member) = self.wide_member(value) {
            self.flow.classes.facts(member).obstacle = Some(obstacle);
        }
    }
}
