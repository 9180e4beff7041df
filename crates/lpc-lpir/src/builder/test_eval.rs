//! A tiny evaluator of functions on `i32`, for the tests of the SSA construction.

use crate::ir::{Block, BlockCall, Function, Inst, InstructionData, Opcode, Value};
use std::collections::HashMap;
use std::vec::Vec;

/// What the function stores, in order, until it returns or has executed `max_blocks` blocks.
pub(super) fn stored_values(func: &Function, args: &[u32], max_blocks: usize) -> Vec<u32> {
    let mut run = Run {
        func,
        values: HashMap::new(),
        stored: Vec::new(),
    };
    let mut next = func.entry_block().map(|entry| (entry, args.to_vec()));
    for _ in 0..max_blocks {
        let Some((block, args)) = next else { break };
        next = run.block(block, &args);
    }
    run.stored
}

struct Run<'f> {
    func: &'f Function,
    values: HashMap<Value, u32>,
    stored: Vec<u32>,
}

impl Run<'_> {
    fn block(&mut self, block: Block, args: &[u32]) -> Option<(Block, Vec<u32>)> {
        let params: Vec<_> = self.func.dfg.block_params(block).collect();
        assert_eq!(params.len(), args.len(), "arguments of {block}");
        self.values
            .extend(params.into_iter().zip(args.iter().copied()));
        let mut insts = self.func.layout.block_insts(block);
        let last = insts.next_back().expect("blocks are not empty");
        for inst in insts {
            self.inst(inst);
        }
        let taken = self.taken_branch(last)?;
        let pool = &self.func.dfg.value_lists;
        let args = taken.args(pool).map(|arg| self.value(arg)).collect();
        Some((taken.block(pool), args))
    }

    fn inst(&mut self, inst: Inst) {
        let dfg = &self.func.dfg;
        let args: Vec<_> = dfg.inst_args(inst).map(|arg| self.value(arg)).collect();
        let result = match *dfg.inst(inst) {
            InstructionData::UnaryImm { imm, .. } => imm.bits() as u32,
            InstructionData::Binary { opcode, .. } => match opcode {
                Opcode::Iadd => args[0].wrapping_add(args[1]),
                Opcode::Isub => args[0].wrapping_sub(args[1]),
                Opcode::Imul => args[0].wrapping_mul(args[1]),
                Opcode::Band => args[0] & args[1],
                _ => panic!("{opcode} is not evaluated"),
            },
            InstructionData::Store { .. } => return self.stored.push(args[0]),
            ref data => panic!("{} is not evaluated", data.opcode()),
        };
        self.values.insert(dfg.first_result(inst), result);
    }

    fn taken_branch(&self, inst: Inst) -> Option<BlockCall> {
        let dfg = &self.func.dfg;
        let branches = dfg.branch_destinations(inst);
        let selector = dfg.inst_args(inst).next().map(|arg| self.value(arg));
        match dfg.inst(inst).opcode() {
            Opcode::Jump => Some(branches[0]),
            Opcode::Brif if selector == Some(0) => Some(branches[1]),
            Opcode::Brif => Some(branches[0]),
            Opcode::BrTable => {
                let index = selector.unwrap() as usize;
                Some(*branches[1..].get(index).unwrap_or(&branches[0]))
            }
            Opcode::Return => None,
            opcode => panic!("{opcode} is not evaluated"),
        }
    }

    fn value(&self, value: Value) -> u32 {
        let original = self.func.dfg.resolve_aliases(value);
        let known = self.values.get(&original);
        *known.unwrap_or_else(|| panic!("{original} is used before it is defined"))
    }
}
