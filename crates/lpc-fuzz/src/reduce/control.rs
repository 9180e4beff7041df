//! Passes that make the control flow simpler.

use super::Edit;
use super::draft::{Draft, edit_function};
use super::renumber::reachable_blocks;
use super::surgery::{
    blocks, branches_to, is_inserted, make_constant, remove_block_param, replace_value,
    return_zeros, set_branch, set_terminator, trap,
};
use lpc_lpir::entity::PackedOption;
use lpc_lpir::ir::{
    Block, BlockCall, Function, Inst, InstructionData, JumpTableData, Opcode, StackSlotData, Value,
    ValueList,
};

/// Lets blocks return zeros, or trap, in the place of what their last instruction does.
pub(super) fn ends_of_blocks(draft: &Draft) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (id, func) in draft.functions() {
        for block in blocks(func) {
            let Some(last) = func.block_terminator(block) else {
                continue;
            };
            let opcode = func.dfg.inst(last).opcode();
            if opcode == Opcode::Trap {
                continue;
            }
            if opcode != Opcode::Return {
                edits.push(edit_function(id, move |func| {
                    is_inserted(func, last) && return_zeros(func, last)
                }));
            }
            edits.push(edit_function(id, move |func| {
                let is_there = is_inserted(func, last);
                set_terminator(func, last, trap());
                is_there
            }));
        }
    }
    edits
}

/// Lets branches with a choice always take the same way.
pub(super) fn branches(draft: &Draft) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (id, func, inst) in draft.insts() {
        let choices = func.dfg.branch_destinations(inst).len();
        if func.dfg.inst(inst).opcode() == Opcode::Jump {
            continue;
        }
        for choice in 0..choices {
            edits.push(edit_function(id, move |func| {
                let Some(&destination) = func.dfg.branch_destinations(inst).get(choice) else {
                    return false;
                };
                let is_choice = func.dfg.inst(inst).opcode() != Opcode::Jump;
                jump(func, inst, destination);
                is_choice
            }));
        }
    }
    edits
}

/// Puts a jump with the destination and arguments of `destination` in the place of the terminator `inst`.
fn jump(func: &mut Function, inst: Inst, destination: BlockCall) {
    let destination = destination.deep_clone(&mut func.dfg.value_lists);
    let data = InstructionData::Jump {
        opcode: Opcode::Jump,
        destination,
    };
    set_terminator(func, inst, data);
}

/// Removes blocks that cannot be reached.
pub(super) fn unreachable_blocks(draft: &Draft) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (id, func) in draft.functions() {
        let reachable = reachable_blocks(func);
        for block in blocks(func) {
            if !reachable[block] {
                edits.push(edit_function(id, move |func| {
                    func.layout.remove_block(block);
                    true
                }));
            }
        }
    }
    edits
}

/// Leads branches to blocks that do nothing but jump to where these jump.
pub(super) fn forwarded_blocks(draft: &Draft) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (id, func) in draft.functions() {
        for block in blocks(func).into_iter().skip(1) {
            if forwarded(func, block).is_some() {
                edits.push(edit_function(id, move |func| forward(func, block)));
            }
        }
    }
    edits
}

/// Where `block` jumps, if that is all it does and it is not itself.
fn forwarded(func: &Function, block: Block) -> Option<BlockCall> {
    let first = func.layout.first_inst(block)?;
    match *func.dfg.inst(first) {
        InstructionData::Jump { destination, .. }
            if destination.block(&func.dfg.value_lists) != block =>
        {
            Some(destination)
        }
        _ => None,
    }
}

fn forward(func: &mut Function, block: Block) -> bool {
    let Some(destination) = forwarded(func, block) else {
        return false;
    };
    let pool = &func.dfg.value_lists;
    let target = destination.block(pool);
    let forwarded_args: Vec<_> = destination.args(pool).collect();
    let params: Vec<_> = func.dfg.block_params(block).collect();
    for (inst, index) in branches_to(func, block) {
        let branch = func.dfg.branch_destinations(inst)[index];
        let args: Vec<_> = branch.args(&func.dfg.value_lists).collect();
        let passed = forwarded_args.iter().map(|&forwarded| {
            let original = func.dfg.resolve_aliases(forwarded);
            let position = params.iter().position(|&param| param == original);
            let arg = position.and_then(|position| args.get(position));
            *arg.unwrap_or(&forwarded)
        });
        let passed: Vec<_> = passed.collect();
        let branch = BlockCall::new(target, passed, &mut func.dfg.value_lists);
        set_branch(func, inst, index, branch);
    }
    func.layout.remove_block(block);
    true
}

/// Appends blocks to the only one that jumps to them.
pub(super) fn merged_blocks(draft: &Draft) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (id, func) in draft.functions() {
        for block in blocks(func).into_iter().skip(1) {
            if only_jump_to(func, block).is_some() {
                edits.push(edit_function(id, move |func| merge(func, block)));
            }
        }
    }
    edits
}

/// The jump to `block`, if no other branch leads there.
fn only_jump_to(func: &Function, block: Block) -> Option<Inst> {
    let branches = branches_to(func, block);
    let [(inst, _)] = branches[..] else {
        return None;
    };
    let is_jump = func.dfg.inst(inst).opcode() == Opcode::Jump;
    (is_jump && func.layout.inst_block(inst) != Some(block)).then_some(inst)
}

fn merge(func: &mut Function, block: Block) -> bool {
    let Some(jump) = only_jump_to(func, block) else {
        return false;
    };
    let Some(into) = func.layout.inst_block(jump) else {
        return false;
    };
    let destination = func.dfg.branch_destinations(jump)[0];
    let args: Vec<_> = destination.args(&func.dfg.value_lists).collect();
    let params: Vec<_> = func.dfg.block_params(block).collect();
    func.layout.remove_inst(jump);
    for (param, arg) in params.into_iter().zip(args) {
        func.dfg.remove_block_param(param);
        replace_value(func, param, arg);
    }
    let moved: Vec<_> = func.layout.block_insts(block).collect();
    func.layout.remove_block(block);
    for inst in moved {
        func.layout.append_inst(inst, into);
    }
    true
}

/// Removes parameters of blocks other than the entry block; one of the arguments stands for them, or zero.
pub(super) fn block_params(draft: &Draft) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (id, func) in draft.functions() {
        for block in blocks(func).into_iter().skip(1) {
            for (index, param) in func.dfg.block_params(block).enumerate() {
                let mut substitutes = arguments_for(func, block, index);
                substitutes.dedup();
                for with in substitutes {
                    edits.push(edit_function(id, move |func| {
                        func.layout.is_block_inserted(block)
                            && remove_block_param(func, block, param, with)
                    }));
                }
                edits.push(edit_function(id, move |func| {
                    let first = func.layout.first_inst(block);
                    let ty = func.dfg.value_type(param);
                    let zero = first.and_then(|first| make_constant(func, first, ty, 0));
                    zero.is_some_and(|zero| remove_block_param(func, block, param, zero))
                }));
            }
        }
    }
    edits
}

/// What the branches to `block` pass for its parameter number `index`.
fn arguments_for(func: &Function, block: Block, index: usize) -> Vec<Value> {
    let branches = branches_to(func, block).into_iter();
    let arguments = branches.filter_map(|(inst, branch)| {
        let branch = func.dfg.branch_destinations(inst)[branch];
        branch.args(&func.dfg.value_lists).nth(index)
    });
    arguments.collect()
}

/// Shortens tables of branches.
pub(super) fn table_entries(draft: &Draft) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (id, func, inst) in draft.insts() {
        let InstructionData::BranchTable { table, .. } = *func.dfg.inst(inst) else {
            continue;
        };
        let count = func.dfg.jump_tables[table].entries().len();
        for entry in (0..count).rev() {
            edits.push(edit_function(id, move |func| {
                let old = &func.dfg.jump_tables[table];
                let mut entries = old.entries().to_vec();
                if entry >= entries.len() {
                    return false;
                }
                entries.remove(entry);
                func.dfg.jump_tables[table] = JumpTableData::new(old.default_branch(), &entries);
                true
            }));
        }
    }
    edits
}

/// Removes what functions declare and blocks are marked with: limits of the stack, source locations, stack slots, cold blocks.
pub(super) fn declarations(draft: &Draft) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (id, func) in draft.functions() {
        if func.stack_limit.is_some() {
            edits.push(edit_function(id, |func| {
                func.stack_limit = PackedOption::NONE;
                true
            }));
        }
        if !func.srclocs.is_empty() {
            edits.push(edit_function(id, |func| {
                func.srclocs.clear();
                true
            }));
        }
        for (slot, &old) in func.stack_slots.iter() {
            let halves = std::iter::successors(Some(0), |&size| Some(size * 2 + 4));
            let sizes = halves.take_while(|&size| size < old.size);
            let mut smaller: Vec<_> = sizes
                .map(|size| StackSlotData::new(size, old.align_shift))
                .collect();
            if old.align_shift > 0 {
                smaller.push(StackSlotData::new(old.size, 0));
            }
            for data in smaller {
                edits.push(edit_function(id, move |func| {
                    func.stack_slots[slot] = data;
                    true
                }));
            }
        }
        for block in blocks(func) {
            if func.layout.is_cold(block) {
                edits.push(edit_function(id, move |func| warm(func, block)));
            }
        }
    }
    edits
}

/// Takes the mark from a cold block.
fn warm(func: &mut Function, block: Block) -> bool {
    let Some(before) = func.layout.prev_block(block) else {
        return false;
    };
    let insts: Vec<_> = func.layout.block_insts(block).collect();
    func.layout.remove_block(block);
    func.layout.insert_block_after(block, before);
    for inst in insts {
        func.layout.append_inst(inst, block);
    }
    true
}

/// Lets blocks return values that are computed in them, in the place of what their last instruction does.
pub(super) fn early_returns(draft: &Draft) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (id, func) in draft.functions() {
        let [result] = func.signature.returns.as_slice() else {
            continue;
        };
        for block in blocks(func) {
            let Some(last) = func.block_terminator(block) else {
                continue;
            };
            if func.dfg.inst(last).opcode() == Opcode::Return {
                continue;
            }
            let insts = func.layout.block_insts(block);
            for value in insts.flat_map(|inst| func.dfg.inst_results(inst)) {
                if func.dfg.value_type(value) == result.value_type {
                    edits.push(edit_function(id, move |func| {
                        let args = ValueList::from_slice(&[value], &mut func.dfg.value_lists);
                        let opcode = Opcode::Return;
                        let data = InstructionData::MultiAry { opcode, args };
                        set_terminator(func, last, data);
                        true
                    }));
                }
            }
        }
    }
    edits
}
