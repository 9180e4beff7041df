//! Checks that the definition of each operand dominates its use: whichever way control comes to the use, it has come through
//! the definition before.
//!
//! Within a block, the order of the instructions decides. In blocks that cannot be reached anything may be used.

use super::Verifier;
use crate::ir::{Block, Inst, Value, ValueDef};
use alloc::format;

impl Verifier<'_> {
    /// Checks the operands of `inst`, which is in `block`.
    pub(super) fn check_dominance(&mut self, inst: Inst, block: Block) {
        let func = self.func;
        for operand in func.dfg.inst_values(inst) {
            let Some(original) = self.original(operand) else {
                continue;
            };
            match func.dfg.value_def(original) {
                ValueDef::Result(definition, _) => {
                    self.check_result_use(inst, block, operand, definition);
                }
                ValueDef::Param(definition, _) => {
                    self.check_param_use(inst, block, operand, definition);
                }
            }
        }
    }

    fn check_result_use(&mut self, inst: Inst, block: Block, operand: Value, definition: Inst) {
        let Some(from) = self.func.layout.inst_block(definition) else {
            let message = format!("{operand} is defined by {definition} which has no block");
            return self.report(inst, message);
        };
        if definition == inst {
            if self.domtree.is_reachable(block) {
                self.report(inst, format!("uses value {operand} from itself"));
            }
            return;
        }
        let is_before = if from == block {
            self.positions[definition] < self.positions[inst] || !self.domtree.is_reachable(block)
        } else {
            self.domtree.dominates(from, block)
        };
        if !is_before {
            let message = format!("uses value {operand} from non-dominating {definition}");
            self.report(inst, message);
        }
    }

    fn check_param_use(&mut self, inst: Inst, block: Block, operand: Value, definition: Block) {
        if !self.func.layout.is_block_inserted(definition) {
            let message =
                format!("{operand} is defined by {definition} which is not in the layout");
            self.report(inst, message);
        } else if !self.domtree.dominates(definition, block) {
            let message = format!("uses value arg from non-dominating {definition}");
            self.report(inst, message);
        }
    }
}
