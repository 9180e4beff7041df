//! The control flow graph: the edges between blocks, from either end.
//!
//! Both directions are stored as one flat array each, cut into a range per block:
//!
//! ```text
//!  successor_starts    0   2   3   3          block0 ends in  brif v0, block1, block2
//!                      │   │   └───┴─┐        block1 ends in  jump block2
//!  successors        [ 1   2 │ 2 │ ]          block2 ends in  return
//! ```
//!
//! Edges come in the order in which the terminators name them. A terminator that names a block twice makes two edges.

use crate::entity::EntityRef;
use crate::heap::{Heap, HeapError, bytes_of};
use crate::ir::{Block, Function, Inst};
use alloc::vec::Vec;

/// An edge seen from where it leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockPredecessor {
    /// The block that the edge comes from.
    pub block: Block,
    /// The branch that ends this block.
    pub inst: Inst,
}

/// The edges between the blocks of a function.
#[derive(Clone, Debug, Default)]
pub struct ControlFlowGraph {
    /// For each block the start of its range in `successors`; one more entry for the end of the last.
    successor_starts: Vec<u32>,
    successors: Vec<Block>,
    /// For each block the start of its range in `predecessors`; one more entry for the end of the last.
    predecessor_starts: Vec<u32>,
    predecessors: Vec<BlockPredecessor>,
}

impl ControlFlowGraph {
    /// A graph without blocks.
    pub const fn new() -> Self {
        Self {
            successor_starts: Vec::new(),
            successors: Vec::new(),
            predecessor_starts: Vec::new(),
            predecessors: Vec::new(),
        }
    }

    /// The graph of `func`.
    pub fn with_function(func: &Function) -> Self {
        let mut cfg = Self::new();
        cfg.compute(func);
        cfg
    }

    /// Makes this the graph of `func`.
    ///
    /// Edges to blocks that are not part of the function, which the verifier refuses, are left out.
    pub fn compute(&mut self, func: &Function) {
        Heap::unbounded(|heap| self.compute_in(func, heap));
    }

    /// As [`Self::compute`], in memory of `heap`.
    ///
    /// # Errors
    /// [`HeapError`] where there is none.
    pub fn compute_in(&mut self, func: &Function, heap: &mut Heap) -> Result<(), HeapError> {
        let num_blocks = func.dfg.num_blocks();
        self.clear();
        heap.refill(&mut self.successor_starts, 0, num_blocks + 1)?;
        heap.refill(&mut self.predecessor_starts, 0, num_blocks + 1)?;
        for block in func.layout.blocks() {
            for successor in successors_in_function(func, block) {
                self.successor_starts[block.index()] += 1;
                self.predecessor_starts[successor.index()] += 1;
            }
        }
        let num_edges = counts_to_ends(&mut self.successor_starts);
        counts_to_ends(&mut self.predecessor_starts);
        self.fill(func, num_edges, heap)
    }

    /// Writes the edges from the last to the first, which turns each end of a range into its start.
    fn fill(
        &mut self,
        func: &Function,
        num_edges: usize,
        heap: &mut Heap,
    ) -> Result<(), HeapError> {
        let nothing = Block::from_u32(0);
        heap.refill(&mut self.successors, nothing, num_edges)?;
        let no_predecessor = BlockPredecessor {
            block: nothing,
            inst: Inst::from_u32(0),
        };
        heap.refill(&mut self.predecessors, no_predecessor, num_edges)?;
        let last = func.layout.last_block();
        let backward = core::iter::successors(last, |&block| func.layout.prev_block(block));
        for block in backward {
            let Some(inst) = func.layout.last_inst(block) else {
                continue;
            };
            for successor in successors_in_function(func, block).rev() {
                let slot = next_slot(&mut self.successor_starts, block);
                self.successors[slot] = successor;
                let slot = next_slot(&mut self.predecessor_starts, successor);
                self.predecessors[slot] = BlockPredecessor { block, inst };
            }
        }
        Ok(())
    }

    /// The bytes that the graph has taken.
    pub fn heap_bytes(&self) -> usize {
        bytes_of(&self.successor_starts)
            + bytes_of(&self.successors)
            + bytes_of(&self.predecessor_starts)
            + bytes_of(&self.predecessors)
    }

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.successor_starts.clear();
        self.successors.clear();
        self.predecessor_starts.clear();
        self.predecessors.clear();
    }

    /// The blocks that may follow `block`, in the order in which its terminator names them.
    pub fn successors(&self, block: Block) -> &[Block] {
        range_of(&self.successor_starts, &self.successors, block)
    }

    /// The edges that lead to `block`, in the order of the blocks they come from.
    pub fn predecessors(&self, block: Block) -> &[BlockPredecessor] {
        range_of(&self.predecessor_starts, &self.predecessors, block)
    }

    /// The number of block numbers that the graph covers; those of blocks that are not part of the function have no edges.
    pub fn num_blocks(&self) -> usize {
        self.successor_starts.len().saturating_sub(1)
    }

    /// The number of edges.
    pub fn num_edges(&self) -> usize {
        self.successors.len()
    }
}

/// The successors of `block` that are part of the function.
fn successors_in_function(
    func: &Function,
    block: Block,
) -> impl DoubleEndedIterator<Item = Block> + '_ {
    let is_part =
        |block: &Block| func.dfg.block_is_valid(*block) && func.layout.is_block_inserted(*block);
    func.block_successors(block).filter(is_part)
}

/// Replaces each count by the sum of all counts up to and with it. Returns the sum of all.
fn counts_to_ends(counts: &mut [u32]) -> usize {
    let mut sum = 0;
    for count in counts {
        sum += *count;
        *count = sum;
    }
    sum as usize
}

fn next_slot(starts: &mut [u32], block: Block) -> usize {
    let start = &mut starts[block.index()];
    *start -= 1;
    *start as usize
}

fn range_of<'a, T>(starts: &[u32], items: &'a [T], block: Block) -> &'a [T] {
    match starts.get(block.index()..block.index() + 2) {
        Some(&[start, end]) => &items[start as usize..end as usize],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_graph::{block, function_with_edges};
    use super::*;
    use crate::ir::{InstructionData, Opcode};
    use std::vec;

    fn predecessors(cfg: &ControlFlowGraph, number: u32) -> Vec<u32> {
        let edges = cfg.predecessors(block(number)).iter();
        edges.map(|edge| edge.block.as_u32()).collect()
    }

    #[test]
    fn edges_from_both_ends() {
        let func = function_with_edges(&[&[1, 2], &[3], &[3, 2, 1, 0], &[]]);
        let cfg = ControlFlowGraph::with_function(&func);
        assert_eq!(cfg.successors(block(0)), [1, 2].map(block));
        assert_eq!(cfg.successors(block(2)), [3, 2, 1, 0].map(block));
        assert!(cfg.successors(block(3)).is_empty());
        assert_eq!(predecessors(&cfg, 0), [2]);
        assert_eq!(predecessors(&cfg, 1), [0, 2]);
        assert_eq!(predecessors(&cfg, 2), [0, 2]);
        assert_eq!(predecessors(&cfg, 3), [1, 2]);
        assert_eq!((cfg.num_blocks(), cfg.num_edges()), (4, 7));
        let inst = func.layout.last_inst(block(1)).unwrap();
        assert_eq!(cfg.predecessors(block(3))[0].inst, inst);
    }

    #[test]
    fn both_edges_of_a_branch_to_one_block_are_two_edges() {
        let cfg = ControlFlowGraph::with_function(&function_with_edges(&[&[1, 1], &[]]));
        assert_eq!(cfg.successors(block(0)), [1, 1].map(block));
        assert_eq!(predecessors(&cfg, 1), [0, 0]);
    }

    #[test]
    fn computing_again_forgets_the_last_function() {
        let mut cfg = ControlFlowGraph::with_function(&function_with_edges(&[&[1], &[2], &[]]));
        cfg.compute(&function_with_edges(&[&[1], &[]]));
        assert_eq!((cfg.num_blocks(), cfg.num_edges()), (2, 1));
        assert_eq!(predecessors(&cfg, 1), [0]);
        assert!(cfg.successors(block(1000)).is_empty());
    }

    #[test]
    fn edges_to_blocks_outside_the_function_are_left_out() {
        let mut func = function_with_edges(&[&[1, 2], &[], &[]]);
        func.layout.remove_block(block(1));
        let cfg = ControlFlowGraph::with_function(&func);
        assert_eq!(cfg.successors(block(0)), [block(2)]);
        assert_eq!(predecessors(&cfg, 1), vec![]);
    }

    #[test]
    fn a_block_that_does_not_end_in_a_branch_has_no_successors() {
        let mut func = function_with_edges(&[&[1], &[]]);
        let nop = func.dfg.make_inst(InstructionData::NullAry {
            opcode: Opcode::Nop,
        });
        func.layout.append_inst(nop, block(0));
        let cfg = ControlFlowGraph::with_function(&func);
        assert_eq!(cfg.num_edges(), 0);
    }
}
