//! What is certainly wrong with a function, found in the simplest way there is.
//!
//! This shares no code with the verifier: dominance is decided by looking for a way from the entry that avoids the definition,
//! block by block.

use lpc_lpir::entity::SecondaryMap;
use lpc_lpir::ir::{Block, Function, Inst, Opcode, Value, ValueDef};
use std::fmt;

/// Something that is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Wrong {
    /// There is no block.
    Empty,
    /// The block does not end with its only terminator.
    Terminators(Block),
    /// The instruction uses a value that nothing defines, or that is defined by what is not part of the function.
    Undefined(Inst, Value),
    /// The instruction uses a value that is not always defined before.
    Dominance(Inst, Value),
    /// The instruction branches to the entry block, or to a block that is not part of the function.
    Destination(Inst),
    /// The instruction branches with another number of arguments than the block has parameters.
    BranchArguments(Inst),
    /// The instruction calls with another number of arguments than the signature has parameters, or returns another number of
    /// values than the signature has results.
    Arguments(Inst),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there are no blocks"),
            Self::Terminators(block) => write!(f, "{block} does not end with its terminator"),
            Self::Undefined(inst, value) => write!(f, "{inst} uses {value}, which is undefined"),
            Self::Dominance(inst, value) => {
                write!(f, "{inst} uses {value}, which may not be defined yet")
            }
            Self::Destination(inst) => write!(f, "{inst} branches to a wrong block"),
            Self::BranchArguments(inst) => {
                write!(f, "{inst} branches with a wrong number of arguments")
            }
            Self::Arguments(inst) => write!(f, "{inst} has a wrong number of operands"),
        }
    }
}

/// Larger functions are not looked at, as that would take too long.
const MOST_BLOCKS: usize = 200;

/// The first thing that is certainly wrong with `func`. What the types of operands must be is not looked at.
pub(super) fn certainly_wrong(func: &Function) -> Option<Wrong> {
    let blocks: Vec<Block> = func.layout.blocks().collect();
    let Some(&entry) = blocks.first() else {
        return Some(Wrong::Empty);
    };
    if blocks.len() > MOST_BLOCKS {
        return None;
    }
    for &block in &blocks {
        let insts: Vec<Inst> = func.layout.block_insts(block).collect();
        let is_terminator = |&inst: &Inst| func.dfg.inst(inst).opcode().is_terminator();
        let terminators = insts.iter().filter(|inst| is_terminator(inst)).count();
        if terminators != 1 || !insts.last().is_some_and(is_terminator) {
            return Some(Wrong::Terminators(block));
        }
        for inst in insts {
            for branch in func.dfg.branch_destinations(inst) {
                let target = branch.block(&func.dfg.value_lists);
                if target == entry || !blocks.contains(&target) {
                    return Some(Wrong::Destination(inst));
                }
                let params = func.dfg.num_block_params(target);
                if branch.num_args(&func.dfg.value_lists) != params {
                    return Some(Wrong::BranchArguments(inst));
                }
            }
            if has_wrong_number_of_operands(func, inst) {
                return Some(Wrong::Arguments(inst));
            }
        }
    }
    wrong_use(func, &blocks)
}

fn has_wrong_number_of_operands(func: &Function, inst: Inst) -> bool {
    let found = func.dfg.inst_args(inst).len();
    match func.dfg.inst(inst).opcode() {
        Opcode::Return => found != func.signature.returns.len(),
        opcode if opcode.is_call() => {
            let signature = func.dfg.call_signature(inst);
            let signature = signature.and_then(|signature| func.dfg.signatures.get(signature));
            let callee = usize::from(!matches!(opcode, Opcode::Call | Opcode::ReturnCall));
            signature.is_none_or(|signature| found != signature.params.len() + callee)
        }
        _ => false,
    }
}

/// The first use of a value that is undefined, or that is not dominated by its definition.
fn wrong_use(func: &Function, blocks: &[Block]) -> Option<Wrong> {
    let reachable = reachable_without(func, blocks[0], None);
    let mut without = SecondaryMap::<Block, Option<SecondaryMap<Block, bool>>>::new();
    for &block in blocks {
        let mut before: Vec<Inst> = Vec::new();
        for inst in func.layout.block_insts(block) {
            for operand in func.dfg.inst_values(inst) {
                let Some(original) = original(func, operand) else {
                    return Some(Wrong::Undefined(inst, operand));
                };
                let (defined_in, is_before) = match func.dfg.value_def(original) {
                    ValueDef::Param(block, _) => (Some(block), true),
                    ValueDef::Result(definition, _) => (
                        func.layout.inst_block(definition),
                        before.contains(&definition),
                    ),
                };
                let Some(defined_in) = defined_in.filter(|block| blocks.contains(block)) else {
                    return Some(Wrong::Undefined(inst, operand));
                };
                if !reachable[block] {
                    continue;
                }
                let is_dominated = if defined_in == block {
                    is_before
                } else {
                    let avoiding = without[defined_in].get_or_insert_with(|| {
                        reachable_without(func, blocks[0], Some(defined_in))
                    });
                    !avoiding[block]
                };
                if !is_dominated {
                    return Some(Wrong::Dominance(inst, operand));
                }
            }
            before.push(inst);
        }
    }
    None
}

/// What `value` stands for, if that is defined.
fn original(func: &Function, value: Value) -> Option<Value> {
    if !func.dfg.value_is_valid(value) {
        return None;
    }
    let original = func.dfg.try_resolve_aliases(value)?;
    func.dfg.value_is_defined(original).then_some(original)
}

/// The blocks to which there is a way from `entry` that does not go through `avoided`.
fn reachable_without(
    func: &Function,
    entry: Block,
    avoided: Option<Block>,
) -> SecondaryMap<Block, bool> {
    let mut reached = SecondaryMap::new();
    let mut work = vec![entry];
    while let Some(block) = work.pop() {
        if Some(block) != avoided && !std::mem::replace(&mut reached[block], true) {
            work.extend(func.block_successors(block));
        }
    }
    reached
}
