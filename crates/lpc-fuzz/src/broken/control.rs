//! Breaks of blocks, branches and the order of instructions.

use super::breaks::in_function;
use super::pick;
use fastrand::Rng;
use lpc_lpir::ir::{
    Block, BlockCall, Function, Inst, InstructionData, JumpTable, JumpTableData, Module, Opcode,
    Value,
};

/// An instruction stands elsewhere.
pub(super) fn moved_inst(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let inst = pick::inst(func, random, |_| true)?;
        let before = pick::inst(func, random, |other| other != inst)?;
        func.layout.remove_inst(inst);
        func.layout.insert_inst_before(inst, before);
        Some(())
    })
}

/// A copy of an instruction, with results of its own, stands somewhere.
pub(super) fn repeated_inst(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let inst = pick::inst(func, random, |_| true)?;
        let copy = copy(func, inst);
        let before = pick::inst(func, random, |_| true)?;
        func.layout.insert_inst_before(copy, before);
        Some(())
    })
}

/// An instruction is no longer there; others may use its results.
pub(super) fn removed_inst(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let inst = pick::inst(func, random, |inst| {
            !func.dfg.inst(inst).opcode().is_terminator()
        })?;
        func.layout.remove_inst(inst);
        Some(())
    })
}

/// A block stands elsewhere, which may give the function another entry block.
pub(super) fn moved_block(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let block = pick::block(func, random)?;
        let after = pick::block(func, random).filter(|&after| after != block)?;
        let insts: Vec<_> = func.layout.block_insts(block).collect();
        func.layout.remove_block(block);
        func.layout.insert_block_after(block, after);
        for inst in insts {
            func.layout.append_inst(inst, block);
        }
        Some(())
    })
}

/// A block is no longer there; others may branch to it and use its values.
pub(super) fn removed_block(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let block = pick::block(func, random)?;
        func.layout.remove_block(block);
        Some(())
    })
}

/// The end of a block becomes another block, which nothing leads to unless a branch does.
pub(super) fn split_block(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let inst = pick::inst(func, random, |_| true)?;
        let block = func.layout.inst_block(inst)?;
        let insts = func.layout.block_insts(block);
        let moved: Vec<_> = insts.skip_while(|&other| other != inst).collect();
        let behind = func.dfg.make_block();
        func.layout.insert_block_after(behind, block);
        for inst in moved {
            func.layout.remove_inst(inst);
            func.layout.append_inst(inst, behind);
        }
        if random.bool() {
            let data = jump(func, behind);
            let jump = func.dfg.make_inst(data);
            func.layout.append_inst(jump, block);
        }
        Some(())
    })
}

/// A branch goes to another block: the entry block, one that is not there, or any.
pub(super) fn redirected_branch(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let (inst, index) = any_branch(func, random)?;
        let target = match random.u8(..8) {
            0 => func.entry_block()?,
            1 => pick::reference(func.dfg.num_blocks(), random),
            _ => pick::block(func, random)?,
        };
        let (branches, pool) = func.dfg.branch_destinations_mut(inst);
        branches[index].set_block(target, pool);
        if random.bool() {
            adapt_arguments(func, inst, index, target, random);
        }
        Some(())
    })
}

/// Gives a branch arguments of the types that `target` takes, wherever they are defined.
fn adapt_arguments(
    func: &mut Function,
    inst: Inst,
    index: usize,
    target: Block,
    random: &mut Rng,
) -> Option<()> {
    let params: Vec<_> = func.dfg.block_params(target).collect();
    let mut args = Vec::new();
    for param in params {
        let ty = func.dfg.value_type(param);
        let values = func.dfg.values();
        let values = values.filter(|&value| func.dfg.value_type(value) == ty);
        args.push(random.choice(values.collect::<Vec<_>>())?);
    }
    let branch = BlockCall::new(target, args, &mut func.dfg.value_lists);
    let (branches, _) = func.dfg.branch_destinations_mut(inst);
    branches[index] = branch;
    Some(())
}

/// A branch has one more argument, any value.
pub(super) fn more_branch_args(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let (inst, index) = any_branch(func, random)?;
        let arg = pick::value(func, random)?;
        let (branches, pool) = func.dfg.branch_destinations_mut(inst);
        branches[index].append_arg(arg, pool);
        Some(())
    })
}

/// A branch has one less argument.
pub(super) fn fewer_branch_args(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let (inst, index) = any_branch(func, random)?;
        let (branches, pool) = func.dfg.branch_destinations_mut(inst);
        let count = branches[index].num_args(pool);
        if count == 0 {
            return None;
        }
        branches[index].remove_arg(random.usize(..count), pool);
        Some(())
    })
}

/// A block has one more parameter.
pub(super) fn more_params(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let block = pick::block(func, random)?;
        func.dfg.append_block_param(block, pick::ty(random));
        Some(())
    })
}

/// A block has one less parameter, of which another value is maybe another name then.
pub(super) fn fewer_params(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let block = pick::block(func, random)?;
        let param: Value = random.choice(func.dfg.block_params(block).collect::<Vec<_>>())?;
        func.dfg.remove_block_param(param);
        if random.bool() {
            let value = pick::value(func, random)?;
            func.dfg.change_to_alias(param, value);
        }
        Some(())
    })
}

/// A block has no terminator.
pub(super) fn removed_terminator(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let block = pick::block(func, random)?;
        func.layout.remove_inst(func.layout.last_inst(block)?);
        Some(())
    })
}

/// A terminator stands before another instruction, or in the place of another terminator.
pub(super) fn early_terminator(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let terminator = pick::inst(func, random, |inst| {
            func.dfg.inst(inst).opcode().is_terminator()
        })?;
        let copy = copy(func, terminator);
        let before = pick::inst(func, random, |_| true)?;
        func.layout.insert_inst_before(copy, before);
        if func.dfg.inst(before).opcode().is_terminator() {
            func.layout.remove_inst(before);
        }
        Some(())
    })
}

/// A jump table has other entries, or a `br_table` another table.
pub(super) fn jump_table(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let inst = pick::inst(func, random, |inst| {
            matches!(func.dfg.inst(inst), InstructionData::BranchTable { .. })
        })?;
        let tables = func.dfg.jump_tables.len();
        let InstructionData::BranchTable { table, .. } = func.dfg.inst_mut(inst) else {
            return None;
        };
        if random.u8(..4) == 0 {
            *table = pick::reference::<JumpTable>(tables, random);
            return Some(());
        }
        let table = *table;
        let old = func.dfg.jump_tables[table].clone();
        let mut branches = old.all_branches().to_vec();
        match random.u8(..3) {
            0 => random.shuffle(&mut branches),
            1 => branches.truncate(1 + random.usize(..branches.len())),
            _ => {
                let repeated = branches[random.usize(..branches.len())];
                branches.push(repeated.deep_clone(&mut func.dfg.value_lists));
            }
        }
        func.dfg.jump_tables[table] = JumpTableData::new(branches[0], &branches[1..]);
        Some(())
    })
}

/// A block is cold, maybe the entry block.
pub(super) fn cold(module: &mut Module, random: &mut Rng) -> Option<()> {
    in_function(module, random, |func, random| {
        let block = pick::block(func, random)?;
        func.layout.set_cold(block);
        Some(())
    })
}

/// A branch of the function: an instruction, and which of its branches.
fn any_branch(func: &Function, random: &mut Rng) -> Option<(Inst, usize)> {
    let inst = pick::inst(func, random, |inst| {
        !func.dfg.branch_destinations(inst).is_empty()
    })?;
    let count = func.dfg.branch_destinations(inst).len();
    Some((inst, random.usize(..count)))
}

fn jump(func: &mut Function, target: Block) -> InstructionData {
    InstructionData::Jump {
        opcode: Opcode::Jump,
        destination: BlockCall::new(target, [], &mut func.dfg.value_lists),
    }
}

/// A copy of `inst` with the same operands, in lists and tables of its own, and results of its own.
fn copy(func: &mut Function, inst: Inst) -> Inst {
    use InstructionData::*;
    let mut data = *func.dfg.inst(inst);
    let pool = &mut func.dfg.value_lists;
    match &mut data {
        MultiAry { args, .. } | Call { args, .. } | CallIndirect { args, .. } => {
            *args = args.deep_clone(pool);
        }
        Jump { destination, .. } => *destination = destination.deep_clone(pool),
        Brif { blocks, .. } => *blocks = blocks.map(|branch| branch.deep_clone(pool)),
        BranchTable { table, .. } => {
            if let Some(old) = func.dfg.jump_tables.get(*table).cloned() {
                let branches = old.all_branches().iter();
                let branches: Vec<_> = branches.map(|branch| branch.deep_clone(pool)).collect();
                let new = JumpTableData::new(branches[0], &branches[1..]);
                *table = func.dfg.jump_tables.push(new);
            }
        }
        _ => {}
    }
    let copy = func.dfg.make_inst(data);
    let results = func.dfg.inst_results(inst);
    let types: Vec<_> = results.map(|result| func.dfg.value_type(result)).collect();
    for ty in types {
        func.dfg.append_result(copy, ty);
    }
    copy
}
