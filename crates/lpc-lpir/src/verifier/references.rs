//! Checks that what an instruction refers to exists: operands, results, blocks, declarations.

use super::Verifier;
use crate::ir::{
    Block, FuncRef, GlobalValue, GlobalValueData, Inst, InstructionData, JumpTable, SigRef,
    StackSlot, Value, ValueDef,
};
use alloc::format;

impl Verifier<'_> {
    /// Checks the references of `inst`. Returns whether they are all right, so that types can be told.
    pub(super) fn check_references(&mut self, inst: Inst) -> bool {
        let errors_before = self.errors.len();
        let data = *self.func.dfg.inst(inst);
        if data.opcode().format() != data.format() {
            self.report(
                inst,
                "instruction opcode doesn't match instruction format".into(),
            );
        }
        let mut all_defined = true;
        for operand in self.func.dfg.inst_values(inst) {
            all_defined &= self.check_operand(inst, operand);
        }
        for (index, result) in self.func.dfg.inst_results(inst).enumerate() {
            self.check_result(inst, index, result);
        }
        self.check_declared(inst, &data);
        for branch in self.func.dfg.branch_destinations(inst) {
            self.check_destination(inst, branch.block(&self.func.dfg.value_lists));
        }
        all_defined && self.errors.len() == errors_before
    }

    /// Checks that the definition of an operand is known. That of an alias in a cycle is not, which is reported elsewhere.
    fn check_operand(&mut self, inst: Inst, operand: Value) -> bool {
        let dfg = &self.func.dfg;
        let is_undefined = !dfg.value_is_valid(operand)
            || (dfg.alias_target(operand).is_none() && !dfg.value_is_defined(operand));
        if is_undefined {
            self.report(inst, format!("invalid value reference {operand}"));
            return false;
        }
        let Some(original) = self.original(operand) else {
            return false;
        };
        let is_attached = match dfg.value_def(original) {
            ValueDef::Result(definition, index) => {
                dfg.inst_results(definition).nth(index) == Some(original)
            }
            ValueDef::Param(block, index) => dfg.block_params(block).nth(index) == Some(original),
        };
        if !is_attached {
            self.report(
                inst,
                format!("argument {operand} -> {original} is not attached"),
            );
        }
        is_attached
    }

    fn check_result(&mut self, inst: Inst, index: usize, result: Value) {
        let dfg = &self.func.dfg;
        let is_result = dfg.alias_target(result).is_none()
            && dfg.value_def(result) == ValueDef::Result(inst, index);
        if !is_result {
            self.report(
                inst,
                format!("instruction result {result} is not defined by the instruction"),
            );
        }
    }

    fn check_declared(&mut self, inst: Inst, data: &InstructionData) {
        use InstructionData::*;
        match *data {
            Call { func_ref, .. } | FuncAddr { func_ref, .. } => {
                self.check_func_ref(inst, func_ref);
            }
            CallIndirect { sig_ref, args, .. } => {
                self.check_sig_ref(inst, sig_ref);
                if args.is_empty() {
                    self.report(inst, "indirect call without a callee".into());
                }
            }
            StackAddr { stack_slot, .. } => self.check_stack_slot(inst, stack_slot),
            UnaryGlobalValue { global_value, .. } => self.check_symbol(inst, global_value),
            BranchTable { table, .. } => self.check_jump_table(inst, table),
            _ => {}
        }
    }

    fn check_destination(&mut self, inst: Inst, block: Block) {
        let func = self.func;
        if !func.dfg.block_is_valid(block) || !func.layout.is_block_inserted(block) {
            self.report(inst, format!("invalid block reference {block}"));
        } else if func.entry_block() == Some(block) {
            self.report(inst, format!("invalid reference to entry block {block}"));
        }
    }

    /// An invalid signature of the function is reported where the function is declared.
    fn check_func_ref(&mut self, inst: Inst, func_ref: FuncRef) {
        let declared = self.func.dfg.ext_funcs.get(func_ref);
        if declared.is_none_or(|declared| declared.name.is_empty()) {
            self.report(inst, format!("invalid function reference {func_ref}"));
        }
    }

    fn check_sig_ref(&mut self, inst: Inst, sig_ref: SigRef) {
        if !self.func.dfg.signatures.is_valid(sig_ref) {
            self.report(inst, format!("invalid signature reference {sig_ref}"));
        }
    }

    fn check_stack_slot(&mut self, inst: Inst, slot: StackSlot) {
        if !self.func.stack_slots.is_valid(slot) {
            self.report(inst, format!("invalid stack slot {slot}"));
        }
    }

    fn check_symbol(&mut self, inst: Inst, global_value: GlobalValue) {
        match self.func.global_values.get(global_value) {
            Some(GlobalValueData::Symbol { name, .. }) if !name.is_empty() => {}
            Some(_) => self.report(inst, format!("{global_value} is not a symbol")),
            None => self.report(inst, format!("invalid global value {global_value}")),
        }
    }

    fn check_jump_table(&mut self, inst: Inst, table: JumpTable) {
        if !self.func.dfg.jump_tables.is_valid(table) {
            self.report(inst, format!("invalid jump table reference {table}"));
        }
    }
}
