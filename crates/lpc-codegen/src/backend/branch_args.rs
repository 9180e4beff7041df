//! The part of SSA form that regalloc2 does not validate: that the definitions of branch arguments dominate the branch.
//!
//! regalloc2 looks at the operands of instructions. Branch arguments are no operands, so that a value which is not defined on
//! every way to the branch would be found by its checker only when the allocation is made, and then look like a mistake of
//! the allocator.

use super::machinst::MachInst;
use super::vcode::{BlockIndex, VCode};
use alloc::vec;
use alloc::vec::Vec;
use regalloc2::{OperandKind, RegAllocError};

/// Checks that each branch argument of `vcode` is defined in the block of the branch or in one that dominates it. Each
/// register must be defined once.
pub(super) fn check_branch_args<I: MachInst>(vcode: &VCode<I>) -> Result<(), RegAllocError> {
    let definitions = defining_blocks(vcode);
    let dominators = Dominators::new(vcode);
    for block in blocks(vcode) {
        let branch = vcode.block_insns(block).last();
        for succ in 0..vcode.block_succs(block).len() {
            for &arg in vcode.branch_arg_vregs(block, succ) {
                let definition = definitions[arg.vreg()];
                if !definition.is_some_and(|definition| dominators.dominates(definition, block)) {
                    return Err(RegAllocError::SSA(arg, branch));
                }
            }
        }
    }
    Ok(())
}

fn blocks<I: MachInst>(vcode: &VCode<I>) -> impl DoubleEndedIterator<Item = BlockIndex> + use<I> {
    (0..vcode.num_blocks()).map(BlockIndex::new)
}

/// The block in which each register is defined.
fn defining_blocks<I: MachInst>(vcode: &VCode<I>) -> Vec<Option<BlockIndex>> {
    let mut definitions = vec![None; vcode.num_vregs()];
    for block in blocks(vcode) {
        let insts = vcode.block_insns(block).iter();
        let operands = insts.flat_map(|inst| vcode.inst_operands(inst));
        let results = operands.filter(|operand| operand.kind() == OperandKind::Def);
        let results = results.map(|operand| operand.vreg());
        let params = vcode.block_param_vregs(block).iter().copied();
        for reg in params.chain(results) {
            definitions[reg.vreg()] = Some(block);
        }
    }
    definitions
}

/// The dominator tree as intervals: a block has a number, and those that it dominates have the next ones.
struct Dominators {
    first: Vec<usize>,
    count: Vec<usize>,
}

impl Dominators {
    /// Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm", 2001.
    fn new<I: MachInst>(vcode: &VCode<I>) -> Self {
        let order = reverse_postorder(vcode);
        let mut position = vec![usize::MAX; vcode.num_blocks()];
        for (index, block) in order.iter().enumerate() {
            position[block.index()] = index;
        }
        // By positions in the order, as everything below; the entry block is its own dominator.
        let mut idom = vec![usize::MAX; order.len()];
        idom[0] = 0;
        let mut is_changed = true;
        while is_changed {
            is_changed = false;
            for index in 1..order.len() {
                let preds = vcode.block_preds(order[index]).iter();
                let preds = preds.map(|pred| position[pred.index()]);
                let known = preds.filter(|&pred| pred != usize::MAX && idom[pred] != usize::MAX);
                let new = known.reduce(|a, b| meet(&idom, a, b));
                let new = new.expect("a block is reached from one before it");
                is_changed |= idom[index] != new;
                idom[index] = new;
            }
        }
        let mut count = vec![1; order.len()];
        for index in (1..order.len()).rev() {
            count[idom[index]] += count[index];
        }
        let mut first = vec![0; order.len()];
        let mut next_child = vec![1; order.len()];
        for index in 1..order.len() {
            first[index] = next_child[idom[index]];
            next_child[idom[index]] += count[index];
            next_child[index] = first[index] + 1;
        }
        let by_block = |values: &[usize]| {
            let of_block = |&position: &usize| values.get(position).copied().unwrap_or(usize::MAX);
            position.iter().map(of_block).collect()
        };
        Self {
            first: by_block(&first),
            count: by_block(&count),
        }
    }

    /// Whether control comes through `a` on every way to `b`.
    fn dominates(&self, a: BlockIndex, b: BlockIndex) -> bool {
        let [first, other] = [a, b].map(|block| self.first[block.index()]);
        // There is no way to a block that is not numbered.
        other == usize::MAX
            || first != usize::MAX && other.wrapping_sub(first) < self.count[a.index()]
    }
}

/// The nearest block that dominates both.
fn meet(idom: &[usize], mut a: usize, mut b: usize) -> usize {
    while a != b {
        if a > b {
            a = idom[a];
        } else {
            b = idom[b];
        }
    }
    a
}

/// The blocks that can be reached, each behind one that leads to it.
fn reverse_postorder<I: MachInst>(vcode: &VCode<I>) -> Vec<BlockIndex> {
    let mut order = Vec::with_capacity(vcode.num_blocks());
    let mut is_seen = vec![false; vcode.num_blocks()];
    is_seen[vcode.entry().index()] = true;
    // Each with the number of its successors that were looked at.
    let mut path = vec![(vcode.entry(), 0)];
    while let Some((block, looked_at)) = path.last_mut() {
        match vcode.block_succs(*block).get(*looked_at) {
            Some(&succ) => {
                *looked_at += 1;
                if !is_seen[succ.index()] {
                    is_seen[succ.index()] = true;
                    path.push((succ, 0));
                }
            }
            None => {
                order.push(*block);
                path.pop();
            }
        }
    }
    order.reverse();
    order
}
