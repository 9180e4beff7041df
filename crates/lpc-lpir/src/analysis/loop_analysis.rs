//! The natural loops of a function and how they are nested.
//!
//! A *back edge* leads to a block that dominates the block it comes from. All back edges to one block, the *header*, make one
//! loop: the header and the blocks from which a back edge can be reached without going through the header.
//!
//! ```text
//!    block0                  loop0: header block1, blocks 1 2 3 4
//!      ↓                     loop1: header block2, blocks 2 3, inside loop0
//!    block1 ◄─────┐
//!      ↓          │
//!    block2 ◄┐    │
//!      ↓     │    │
//!    block3 ─┘    │
//!      ↓          │
//!    block4 ──────┘
//! ```
//!
//! Two loops are disjoint or one is inside the other. A cycle that is entered at more than one block has no header that
//! dominates it and does not count as a loop.

use super::dominator_tree::DominatorTree;
use super::flowgraph::ControlFlowGraph;
use crate::entity::{PackedOption, PrimaryMap, SecondaryMap};
use crate::entity_impl;
use crate::heap::{Heap, HeapError};
use crate::ir::Block;
use alloc::vec::Vec;

entity_impl!(
    /// A natural loop.
    Loop, "loop"
);

/// The loops of a function. A loop has a smaller number than the loops inside it.
#[derive(Clone, Debug, Default)]
pub struct LoopAnalysis {
    loops: PrimaryMap<Loop, LoopData>,
    innermost: SecondaryMap<Block, PackedOption<Loop>>,
}

#[derive(Clone, Copy, Debug)]
struct LoopData {
    header: Block,
    parent: PackedOption<Loop>,
    /// The number of loops that it is inside, itself included.
    level: u32,
}

impl LoopAnalysis {
    /// An analysis without loops.
    pub fn new() -> Self {
        Self::default()
    }

    /// Finds the loops of the function whose graph is `cfg` and whose dominator tree is `domtree`.
    pub fn compute(&mut self, cfg: &ControlFlowGraph, domtree: &DominatorTree) {
        Heap::unbounded(|heap| self.compute_in(cfg, domtree, heap));
    }

    /// As [`Self::compute`], in memory of `heap`.
    ///
    /// # Errors
    /// [`HeapError`] where there is none.
    pub fn compute_in(
        &mut self,
        cfg: &ControlFlowGraph,
        domtree: &DominatorTree,
        heap: &mut Heap,
    ) -> Result<(), HeapError> {
        self.clear();
        self.innermost.resize_in(cfg.num_blocks(), heap)?;
        self.find_headers(cfg, domtree, heap)?;
        self.find_members(cfg, domtree, heap)?;
        // An outer loop has a smaller number, so its level is known first.
        for lp in self.loops.keys() {
            let parent = self.loops[lp].parent.expand();
            self.loops[lp].level = 1 + parent.map_or(0, |parent| self.loops[parent].level);
        }
        Ok(())
    }

    /// The bytes that the analysis has taken.
    pub fn heap_bytes(&self) -> usize {
        self.loops.heap_bytes() + self.innermost.heap_bytes()
    }

    fn find_headers(
        &mut self,
        cfg: &ControlFlowGraph,
        domtree: &DominatorTree,
        heap: &mut Heap,
    ) -> Result<(), HeapError> {
        let is_header = |&header: &Block| back_edges(header, cfg, domtree).next().is_some();
        let count = domtree.cfg_rpo().filter(is_header).count();
        self.loops.reserve_in(count, heap)?;
        for header in domtree.cfg_rpo() {
            if is_header(&header) {
                let lp = self.loops.push(LoopData {
                    header,
                    parent: PackedOption::NONE,
                    level: 0,
                });
                self.innermost[header] = lp.into();
            }
        }
        Ok(())
    }

    /// Walks backward from the back edges of each loop, inner loops first, so that a block or a loop that is met for the
    /// first time has this loop as its innermost one.
    fn find_members(
        &mut self,
        cfg: &ControlFlowGraph,
        domtree: &DominatorTree,
        heap: &mut Heap,
    ) -> Result<(), HeapError> {
        let mut outermost = OutermostLoops::default();
        outermost.around.resize_in(self.loops.len(), heap)?;
        let mut work = Vec::new();
        for lp in self.loops.keys().rev() {
            let header = self.loops[lp].header;
            for block in back_edges(header, cfg, domtree) {
                heap.push(&mut work, block);
            }
            while let Some(block) = work.pop() {
                // What is to be walked from: this block, or the header of the whole loop nest that it is in.
                let from = match self.innermost[block].expand() {
                    None => {
                        self.innermost[block] = lp.into();
                        block
                    }
                    Some(inner) => {
                        let nest = outermost.find(inner);
                        if nest == lp {
                            continue;
                        }
                        self.loops[nest].parent = lp.into();
                        outermost.put_inside(nest, lp);
                        self.loops[nest].header
                    }
                };
                let predecessors = cfg.predecessors(from).iter().map(|edge| edge.block);
                for block in predecessors.filter(|&block| domtree.is_reachable(block)) {
                    heap.push(&mut work, block);
                }
            }
        }
        heap.free(work);
        heap.give_back(outermost.around.heap_bytes());
        heap.check()
    }

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.loops.clear();
        self.innermost.clear();
    }

    /// All loops, outer ones before those inside them.
    pub fn loops(&self) -> impl DoubleEndedIterator<Item = Loop> + ExactSizeIterator {
        self.loops.keys()
    }

    /// The block at which `lp` is entered.
    pub fn loop_header(&self, lp: Loop) -> Block {
        self.loops[lp].header
    }

    /// The innermost loop that `lp` is inside.
    pub fn loop_parent(&self, lp: Loop) -> Option<Loop> {
        self.loops[lp].parent.expand()
    }

    /// The innermost loop that `block` is in.
    pub fn innermost_loop(&self, block: Block) -> Option<Loop> {
        self.innermost[block].expand()
    }

    /// The loop that has `block` as its header.
    pub fn is_loop_header(&self, block: Block) -> Option<Loop> {
        self.innermost_loop(block)
            .filter(|&lp| self.loop_header(lp) == block)
    }

    /// The number of loops that `block` is in.
    pub fn loop_level(&self, block: Block) -> u32 {
        self.innermost_loop(block)
            .map_or(0, |lp| self.loops[lp].level)
    }

    /// Whether `block` is in `lp`, or in a loop inside it.
    pub fn is_in_loop(&self, block: Block, lp: Loop) -> bool {
        let innermost = self.innermost_loop(block);
        // A loop inside `lp` has a larger number, so the search ends there.
        core::iter::successors(innermost, |&inner| self.loop_parent(inner))
            .take_while(|&inner| inner >= lp)
            .any(|inner| inner == lp)
    }
}

/// The blocks that have a back edge to `header`.
fn back_edges(
    header: Block,
    cfg: &ControlFlowGraph,
    domtree: &DominatorTree,
) -> impl Iterator<Item = Block> {
    let predecessors = cfg.predecessors(header).iter().map(|edge| edge.block);
    predecessors
        .filter(move |&block| domtree.is_reachable(block) && domtree.dominates(header, block))
}

/// The outermost loop around each loop, as far as loops were put inside others: a union-find structure, so that deep nests
/// are not walked again and again.
#[derive(Default)]
struct OutermostLoops {
    around: SecondaryMap<Loop, PackedOption<Loop>>,
}

impl OutermostLoops {
    fn find(&mut self, lp: Loop) -> Loop {
        let mut current = lp;
        while let Some(around) = self.around[current].expand() {
            // Path halving: each step makes the next search from here shorter.
            if let Some(further) = self.around[around].expand() {
                self.around[current] = further.into();
            }
            current = around;
        }
        current
    }

    fn put_inside(&mut self, lp: Loop, outer: Loop) {
        self.around[lp] = outer.into();
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_graph::{block, function_with_edge_lists, function_with_edges};
    use super::*;
    use crate::ir::Function;
    use std::vec;

    fn loops_of(func: &Function) -> LoopAnalysis {
        let cfg = ControlFlowGraph::with_function(func);
        let domtree = DominatorTree::with_function(func, &cfg);
        let mut loops = LoopAnalysis::new();
        loops.compute(&cfg, &domtree);
        loops
    }

    fn levels(loops: &LoopAnalysis, count: u32) -> Vec<u32> {
        let level = |number| loops.loop_level(block(number));
        (0..count).map(level).collect()
    }

    #[test]
    fn no_loops() {
        let loops = loops_of(&function_with_edges(&[&[1, 2], &[2], &[]]));
        assert_eq!(loops.loops().len(), 0);
        assert_eq!(levels(&loops, 3), [0, 0, 0]);
    }

    #[test]
    fn nested_loops() {
        let loops = loops_of(&function_with_edges(&[
            &[1],
            &[2],
            &[3],
            &[2, 4],
            &[1, 5],
            &[],
        ]));
        assert_eq!(levels(&loops, 6), [0, 1, 2, 2, 1, 0]);
        let outer = loops.is_loop_header(block(1)).unwrap();
        let inner = loops.is_loop_header(block(2)).unwrap();
        assert_eq!(loops.is_loop_header(block(3)), None);
        assert_eq!(loops.loop_parent(inner), Some(outer));
        assert_eq!(loops.loop_parent(outer), None);
        assert_eq!(loops.innermost_loop(block(3)), Some(inner));
        assert!(loops.is_in_loop(block(3), outer) && loops.is_in_loop(block(3), inner));
        assert!(loops.is_in_loop(block(4), outer) && !loops.is_in_loop(block(4), inner));
        assert!(!loops.is_in_loop(block(5), outer));
    }

    #[test]
    fn two_loops_inside_one_with_a_shared_exit() {
        // 1 { 2 { 3 } 4 { 4 } } 5, and 3 continues the outer loop.
        let edges: [&[u32]; 6] = [&[1], &[2, 5], &[3, 4], &[2, 1], &[4, 1], &[]];
        let loops = loops_of(&function_with_edges(&edges));
        assert_eq!(levels(&loops, 6), [0, 1, 2, 2, 2, 0]);
        let outer = loops.is_loop_header(block(1)).unwrap();
        for header in [2, 4] {
            let lp = loops.is_loop_header(block(header)).unwrap();
            assert_eq!(loops.loop_parent(lp), Some(outer));
        }
    }

    #[test]
    fn a_block_that_follows_itself_and_two_back_edges_to_one_header() {
        let loops = loops_of(&function_with_edges(&[
            &[1],
            &[1, 2],
            &[3, 1],
            &[1, 4],
            &[],
        ]));
        assert_eq!(loops.loops().len(), 1);
        assert_eq!(levels(&loops, 5), [0, 1, 1, 1, 0]);
    }

    #[test]
    fn an_irreducible_cycle_is_no_loop_and_unreachable_blocks_are_in_none() {
        let loops = loops_of(&function_with_edges(&[
            &[1, 2],
            &[2, 3],
            &[1],
            &[],
            &[4, 3],
        ]));
        assert_eq!(loops.loops().len(), 0);
        assert_eq!(levels(&loops, 5), [0; 5]);
    }

    #[test]
    fn an_unreachable_block_that_leads_into_a_loop_is_not_in_it() {
        let loops = loops_of(&function_with_edges(&[&[1], &[1, 2], &[], &[1]]));
        assert_eq!(levels(&loops, 4), [0, 1, 0, 0]);
    }

    #[test]
    fn deep_nests_take_no_deep_stack_and_no_quadratic_time() {
        // Block n is a header; the last block may continue any of the loops.
        let depth = 20_000;
        let mut edges: Vec<Vec<u32>> = (1..=depth).map(|next| vec![next]).collect();
        edges.push((1..depth).collect());
        let loops = loops_of(&function_with_edge_lists(&edges));
        assert_eq!(loops.loops().len(), depth as usize - 1);
        assert_eq!(loops.loop_level(block(depth)), depth - 1);
        assert_eq!(loops.loop_level(block(7)), 7);
    }
}
