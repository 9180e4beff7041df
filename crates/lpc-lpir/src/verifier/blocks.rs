//! Checks the blocks: the entry block, parameters, and that each block ends in its only terminator.

use super::Verifier;
use crate::ir::{AnyEntity, Block, ValueDef};
use alloc::format;

impl Verifier<'_> {
    /// Checks that the layout consists of blocks and instructions that exist. Where it does not, nothing else can be said.
    pub(super) fn check_layout(&mut self) -> bool {
        let func = self.func;
        let errors_before = self.errors.len();
        for block in func.layout.blocks() {
            if !func.dfg.block_is_valid(block) {
                self.report(
                    AnyEntity::Function,
                    format!("invalid block reference {block}"),
                );
            }
            for inst in func.layout.block_insts(block) {
                if !func.dfg.inst_is_valid(inst) {
                    self.report(block, format!("invalid instruction reference {inst}"));
                }
            }
        }
        self.errors.len() == errors_before
    }

    pub(super) fn check_blocks(&mut self) {
        let func = self.func;
        match func.entry_block() {
            Some(entry) => self.check_entry_block(entry),
            None => self.report(AnyEntity::Function, "function has no blocks".into()),
        }
        for block in func.layout.blocks() {
            self.check_params(block);
            self.check_terminator(block);
        }
    }

    fn check_entry_block(&mut self, entry: Block) {
        let func = self.func;
        if func.layout.is_cold(entry) {
            self.report(entry, "entry block cannot be marked as cold".into());
        }
        let (found, expected) = (
            func.dfg.num_block_params(entry),
            func.signature.params.len(),
        );
        if found != expected {
            let message = format!(
                "entry block parameters ({found}) must match function signature ({expected})"
            );
            return self.report(entry, message);
        }
        let params = func.dfg.block_params(entry).zip(&func.signature.params);
        for (index, (param, expected)) in params.enumerate() {
            let ty = func.dfg.value_type(param);
            if ty != expected.value_type {
                let message = format!(
                    "entry block parameter {index} expected to have type {expected}, got {ty}"
                );
                self.report(entry, message);
            }
        }
    }

    /// Checks that the parameters of `block` are defined as such.
    fn check_params(&mut self, block: Block) {
        let dfg = &self.func.dfg;
        for (index, param) in dfg.block_params(block).enumerate() {
            let is_param = dfg.alias_target(param).is_none()
                && dfg.value_def(param) == ValueDef::Param(block, index);
            if !is_param {
                self.report(param, format!("does not belong to {block}"));
            }
        }
    }

    fn check_terminator(&mut self, block: Block) {
        let func = self.func;
        let mut insts = func.layout.block_insts(block);
        let Some(last) = insts.next_back() else {
            return self.report(block, format!("{block} cannot be empty"));
        };
        for inst in insts {
            if func.dfg.inst(inst).opcode().is_terminator() {
                let message =
                    format!("a terminator instruction was encountered before the end of {block}");
                self.report(inst, message);
            }
        }
        if !func.dfg.inst(last).opcode().is_terminator() {
            self.report(
                block,
                "block does not end in a terminator instruction".into(),
            );
        }
    }
}
