//! The dominator tree: block A dominates block B when every path from the entry block to B goes through A.
//!
//! ```text
//!    block0                 block0            1..=5
//!    ↙    ↘               ↙   ↓   ↘
//!  block1  block2     block1 block2 block3    2, 3, 4..=5
//!    ↘    ↙                         ↓
//!    block3                       block4      5
//!      ↓
//!    block4               dominator tree, with the range of numbers of each subtree
//! ```
//!
//! The blocks are numbered so that each subtree of the dominator tree is a range of numbers; then A dominates B when the
//! number of B is in the range of A.
//!
//! The immediate dominators are found with the algorithm of Lengauer and Tarjan ("A Fast Algorithm for Finding Dominators in
//! a Flowgraph", 1979) in its simple form, with path compression. It takes O(m log n) for n blocks and m edges. The shorter
//! iterative algorithms take quadratic time already on a long chain of blocks that all may leave to one common exit, and such
//! chains are ordinary.

use super::flowgraph::ControlFlowGraph;
use crate::entity::{PackedOption, SecondaryMap};
use crate::heap::{Heap, HeapError, bytes_of};
use crate::ir::{Block, Function};
use alloc::vec::Vec;

/// Which block dominates which.
#[derive(Clone, Debug, Default)]
pub struct DominatorTree {
    nodes: SecondaryMap<Block, Node>,
    postorder: Vec<Block>,
}

/// What is known of a block. All zero for one that cannot be reached.
#[derive(Clone, Copy, Debug, Default)]
struct Node {
    idom: PackedOption<Block>,
    /// The position in reverse post order, counted from 1.
    rpo_number: u32,
    /// The position in a walk over the dominator tree that visits a block before the blocks it dominates, counted from 1.
    pre_number: u32,
    /// The number of blocks that it dominates, itself included.
    subtree_size: u32,
}

impl DominatorTree {
    /// A tree without blocks.
    pub fn new() -> Self {
        Self::default()
    }

    /// The dominator tree of `func`, whose control flow graph is `cfg`.
    pub fn with_function(func: &Function, cfg: &ControlFlowGraph) -> Self {
        let mut tree = Self::new();
        tree.compute(func, cfg);
        tree
    }

    /// Makes this the dominator tree of `func`, whose control flow graph is `cfg`.
    pub fn compute(&mut self, func: &Function, cfg: &ControlFlowGraph) {
        Heap::unbounded(|heap| self.compute_in(func, cfg, heap));
    }

    /// As [`Self::compute`], in memory of `heap`.
    ///
    /// # Errors
    /// [`HeapError`] where there is none.
    pub fn compute_in(
        &mut self,
        func: &Function,
        cfg: &ControlFlowGraph,
        heap: &mut Heap,
    ) -> Result<(), HeapError> {
        if let Some(spanning_tree) = self.compute_order(func, cfg, heap)? {
            self.compute_dominators(&spanning_tree, cfg, heap)?;
            heap.free(spanning_tree.visits);
            heap.give_back(spanning_tree.numbers.heap_bytes());
        }
        Ok(())
    }

    /// The bytes that the tree has taken.
    pub fn heap_bytes(&self) -> usize {
        self.nodes.heap_bytes() + bytes_of(&self.postorder)
    }

    /// Finds the order of the blocks.
    fn compute_order(
        &mut self,
        func: &Function,
        cfg: &ControlFlowGraph,
        heap: &mut Heap,
    ) -> Result<Option<SpanningTree>, HeapError> {
        self.clear();
        let Some(entry) = func.entry_block() else {
            return Ok(None);
        };
        self.nodes.resize_in(cfg.num_blocks(), heap)?;
        let spanning_tree = SpanningTree::walk(entry, cfg, &mut self.postorder, heap)?;
        for (number, &block) in (1..).zip(self.postorder.iter().rev()) {
            self.nodes[block].rpo_number = number;
        }
        Ok(Some(spanning_tree))
    }

    fn compute_dominators(
        &mut self,
        spanning_tree: &SpanningTree,
        cfg: &ControlFlowGraph,
        heap: &mut Heap,
    ) -> Result<(), HeapError> {
        let vertices = Dominators::compute(spanning_tree, cfg, heap)?;
        let visits = &spanning_tree.visits;
        for (visit, vertex) in visits.iter().zip(&vertices).skip(1) {
            self.nodes[visit.block].idom = visits[vertex.idom as usize].block.into();
        }
        heap.free(vertices);
        self.number_subtrees(cfg.num_blocks(), heap)
    }

    /// Numbers the blocks so that each subtree is a range.
    fn number_subtrees(&mut self, num_blocks: usize, heap: &mut Heap) -> Result<(), HeapError> {
        // An immediate dominator comes after the blocks it dominates in post order, so each size is complete when it is
        // added to that of the next block up.
        for &block in &self.postorder {
            self.nodes[block].subtree_size += 1;
            if let Some(idom) = self.nodes[block].idom.expand() {
                self.nodes[idom].subtree_size += self.nodes[block].subtree_size;
            }
        }
        // The number for the next child of each block.
        let mut next_child = SecondaryMap::<Block, u32>::new();
        next_child.resize_in(num_blocks, heap)?;
        for &block in self.postorder.iter().rev() {
            let pre_number = match self.nodes[block].idom.expand() {
                None => 1,
                Some(idom) => {
                    let number = next_child[idom];
                    next_child[idom] += self.nodes[block].subtree_size;
                    number
                }
            };
            self.nodes[block].pre_number = pre_number;
            next_child[block] = pre_number + 1;
        }
        heap.give_back(next_child.heap_bytes());
        Ok(())
    }

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.nodes.clear();
        self.postorder.clear();
    }

    /// The blocks that can be reached from the entry block, each after those of its successors that are not reached before
    /// it. Backward, this is a reverse post order: without cycles, every block comes after all its predecessors, and the
    /// first successor of a block tends to follow it.
    pub fn cfg_postorder(&self) -> &[Block] {
        &self.postorder
    }

    /// The blocks that can be reached, in reverse post order.
    pub fn cfg_rpo(&self) -> impl DoubleEndedIterator<Item = Block> + ExactSizeIterator + '_ {
        self.postorder.iter().rev().copied()
    }

    /// Whether `block` can be reached from the entry block.
    pub fn is_reachable(&self, block: Block) -> bool {
        self.nodes[block].rpo_number != 0
    }

    /// The immediate dominator of `block`: the last block, besides itself, that all paths to it go through. The entry block
    /// and blocks that cannot be reached have none.
    pub fn idom(&self, block: Block) -> Option<Block> {
        self.nodes[block].idom.expand()
    }

    /// Whether every path from the entry block to `b` goes through `a`. Takes constant time.
    ///
    /// A block dominates itself. No path leads to a block that cannot be reached, so all blocks dominate it, and it
    /// dominates only its like.
    pub fn dominates(&self, a: Block, b: Block) -> bool {
        if !self.is_reachable(b) {
            return true;
        }
        let Node {
            pre_number,
            subtree_size,
            ..
        } = self.nodes[a];
        let distance = self.nodes[b].pre_number.wrapping_sub(pre_number);
        distance < subtree_size
    }

    /// The position of `block` in reverse post order, counted from 1, and 0 when it cannot be reached.
    pub fn rpo_number(&self, block: Block) -> u32 {
        self.nodes[block].rpo_number
    }
}

/// The blocks that can be reached, numbered in the order in which a depth-first walk meets them.
struct SpanningTree {
    visits: Vec<Visit>,
    /// The number of each block, and `UNREACHED` where the walk does not come.
    numbers: SecondaryMap<Block, u32>,
}

/// A block that the walk has met.
struct Visit {
    block: Block,
    /// The number of the block from which it was met; the entry block has its own.
    parent: u32,
    /// How many of its successors have not been seen yet.
    unseen: u32,
}

const UNREACHED: u32 = u32::MAX;

impl SpanningTree {
    /// Walks from `entry`, and appends each block to `postorder` when it is left.
    fn walk(
        entry: Block,
        cfg: &ControlFlowGraph,
        postorder: &mut Vec<Block>,
        heap: &mut Heap,
    ) -> Result<Self, HeapError> {
        let num_blocks = cfg.num_blocks();
        let mut tree = Self {
            visits: heap.vec(num_blocks)?,
            numbers: SecondaryMap::with_default(UNREACHED),
        };
        tree.numbers.resize_in(num_blocks, heap)?;
        heap.reserve(postorder, num_blocks)?;
        tree.meet(entry, 0, cfg);
        let mut current = 0;
        loop {
            let visit = &mut tree.visits[current as usize];
            let block = visit.block;
            if visit.unseen == 0 {
                postorder.push(block);
                if current == 0 {
                    return Ok(tree);
                }
                current = visit.parent;
                continue;
            }
            // Last successor first, so that the first one is left last and follows its block in reverse post order.
            visit.unseen -= 1;
            let successor = cfg.successors(block)[visit.unseen as usize];
            let number = tree.numbers[successor];
            if number == UNREACHED {
                current = tree.meet(successor, current, cfg);
            }
        }
    }

    /// Numbers `block`.
    fn meet(&mut self, block: Block, parent: u32, cfg: &ControlFlowGraph) -> u32 {
        let number = self.visits.len() as u32;
        self.numbers[block] = number;
        self.visits.push(Visit {
            block,
            parent,
            unseen: cfg.successors(block).len() as u32,
        });
        number
    }
}

/// The state of the algorithm of Lengauer and Tarjan. Blocks are named by their numbers in the spanning tree.
struct Dominators {
    vertices: Vec<Vertex>,
    /// The path that is being compressed.
    path: Vec<u32>,
}

/// What the algorithm knows of a block.
#[derive(Clone, Copy)]
struct Vertex {
    /// The semidominator of a block that was processed; the others have themselves.
    semi: u32,
    /// The ancestor in the forest of processed blocks, or `UNLINKED`.
    ancestor: u32,
    /// The block with the least semidominator on the path from here up to (and without) the ancestor.
    label: u32,
    /// The immediate dominator, or before the last step a block that has the same one; the entry block has itself.
    idom: u32,
    /// The first of the blocks whose semidominator this is, or `UNLINKED`.
    bucket: u32,
    /// The next one in the bucket that this block is in.
    next_in_bucket: u32,
}

const UNLINKED: u32 = u32::MAX;

impl Dominators {
    /// Finds the immediate dominator of each block.
    fn compute(
        tree: &SpanningTree,
        cfg: &ControlFlowGraph,
        heap: &mut Heap,
    ) -> Result<Vec<Vertex>, HeapError> {
        let count = tree.visits.len() as u32;
        let new_vertex = |number| Vertex {
            semi: number,
            ancestor: UNLINKED,
            label: number,
            idom: 0,
            bucket: UNLINKED,
            next_in_bucket: UNLINKED,
        };
        let mut state = Self {
            vertices: heap.collect((0..count).map(new_vertex))?,
            // No path is longer than there are blocks.
            path: heap.vec(count as usize)?,
        };
        for block in (1..count).rev() {
            let parent = tree.visits[block as usize].parent;
            let semi = state.semidominator(block, tree, cfg);
            let first = core::mem::replace(&mut state.vertices[semi as usize].bucket, block);
            let vertex = &mut state.vertices[block as usize];
            vertex.semi = semi;
            vertex.next_in_bucket = first;
            vertex.ancestor = parent;
            state.empty_bucket(parent);
        }
        heap.free(state.path);
        let mut vertices = state.vertices;
        for block in 1..count as usize {
            let Vertex { idom, semi, .. } = vertices[block];
            if idom != semi {
                vertices[block].idom = vertices[idom as usize].idom;
            }
        }
        Ok(vertices)
    }

    fn semidominator(&mut self, block: u32, tree: &SpanningTree, cfg: &ControlFlowGraph) -> u32 {
        let mut semi = block;
        for edge in cfg.predecessors(tree.visits[block as usize].block) {
            let predecessor = tree.numbers[edge.block];
            if predecessor != UNREACHED {
                let least = self.least_on_path(predecessor);
                semi = semi.min(self.vertices[least as usize].semi);
            }
        }
        semi
    }

    /// Finds the dominators of the blocks whose semidominator `parent` is: that, or the one of a block with a lesser
    /// semidominator.
    fn empty_bucket(&mut self, parent: u32) {
        let bucket = &mut self.vertices[parent as usize].bucket;
        let mut member = core::mem::replace(bucket, UNLINKED);
        while member != UNLINKED {
            let least = self.least_on_path(member);
            let least_semi = self.vertices[least as usize].semi;
            let vertex = &mut self.vertices[member as usize];
            let is_semi = least_semi == vertex.semi;
            vertex.idom = if is_semi { parent } else { least };
            member = vertex.next_in_bucket;
        }
    }

    /// The block with the least semidominator on the path from `block` to the root of its tree in the forest, the root left
    /// out; `block` itself when it is a root.
    fn least_on_path(&mut self, block: u32) -> u32 {
        let vertices = &mut self.vertices;
        let mut current = block;
        loop {
            let ancestor = vertices[current as usize].ancestor;
            if ancestor == UNLINKED || vertices[ancestor as usize].ancestor == UNLINKED {
                break;
            }
            self.path.push(current);
            current = ancestor;
        }
        // From the root down, so that what stands above each block is already compressed.
        while let Some(below) = self.path.pop() {
            let above = vertices[vertices[below as usize].ancestor as usize];
            let label = vertices[below as usize].label;
            let is_less = vertices[above.label as usize].semi < vertices[label as usize].semi;
            let below = &mut vertices[below as usize];
            if is_less {
                below.label = above.label;
            }
            below.ancestor = above.ancestor;
        }
        vertices[block as usize].label
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_graph::{block, function_with_edge_lists, function_with_edges};
    use super::*;
    use crate::ir::{ExternalName, Signature};
    use std::vec;

    fn tree_of(edges: &[&[u32]]) -> DominatorTree {
        let func = function_with_edges(edges);
        DominatorTree::with_function(&func, &ControlFlowGraph::with_function(&func))
    }

    fn idoms(tree: &DominatorTree, count: u32) -> Vec<Option<u32>> {
        let idom = |number| tree.idom(block(number)).map(Block::as_u32);
        (0..count).map(idom).collect()
    }

    #[test]
    fn a_function_without_blocks() {
        let mut tree = tree_of(&[&[1], &[]]);
        let func = Function::new(ExternalName::symbol("empty"), Signature::default());
        tree.compute(&func, &ControlFlowGraph::with_function(&func));
        assert!(tree.cfg_postorder().is_empty());
        assert!(!tree.is_reachable(block(0)));
    }

    #[test]
    fn diamond() {
        let tree = tree_of(&[&[1, 2], &[3], &[3], &[4], &[]]);
        assert_eq!(idoms(&tree, 5), [None, Some(0), Some(0), Some(0), Some(3)]);
        assert!(tree.dominates(block(3), block(4)));
        assert!(!tree.dominates(block(1), block(3)));
        assert!(!tree.dominates(block(4), block(3)));
        assert!(tree.dominates(block(2), block(2)));
        let rpo: Vec<_> = tree.cfg_rpo().collect();
        assert_eq!(rpo, [0, 1, 2, 3, 4].map(block));
        assert_eq!(tree.rpo_number(block(0)), 1);
    }

    #[test]
    fn irreducible() {
        // Both 1 and 2 enter the cycle between them, so neither dominates the other.
        let tree = tree_of(&[&[1, 2], &[2, 3], &[1, 3], &[]]);
        assert_eq!(idoms(&tree, 4), [None, Some(0), Some(0), Some(0)]);
        assert!(!tree.dominates(block(1), block(2)));
        assert!(!tree.dominates(block(2), block(1)));
    }

    #[test]
    fn unreachable_blocks() {
        // 2 and 3 form a cycle of their own that leads to 1.
        let tree = tree_of(&[&[1], &[], &[3], &[2, 1]]);
        assert_eq!(idoms(&tree, 4), [None, Some(0), None, None]);
        assert!(tree.is_reachable(block(1)) && !tree.is_reachable(block(2)));
        assert!(tree.dominates(block(1), block(2)) && tree.dominates(block(2), block(3)));
        assert!(!tree.dominates(block(2), block(1)) && !tree.dominates(block(3), block(0)));
        assert_eq!(tree.cfg_postorder(), [1, 0].map(block));
    }

    #[test]
    fn a_branch_back_to_the_entry_block_and_a_block_that_follows_itself() {
        let tree = tree_of(&[&[1, 1], &[1, 0]]);
        assert_eq!(idoms(&tree, 2), [None, Some(0)]);
    }

    /// Whether `b` can be reached from the entry block without going through `a`.
    fn reaches_without(edges: &[Vec<u32>], a: Option<u32>, b: u32) -> bool {
        let mut seen = vec![false; edges.len()];
        let mut work = vec![0u32];
        while let Some(current) = work.pop() {
            if Some(current) == a || core::mem::replace(&mut seen[current as usize], true) {
                continue;
            }
            work.extend(&edges[current as usize]);
        }
        seen[b as usize]
    }

    #[test]
    fn agrees_with_the_definition_on_random_graphs() {
        let mut state = 0x1234_5678_u32;
        let mut random = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % below
        };
        for _ in 0..400 {
            let count = 1 + random(24);
            let edges: Vec<Vec<u32>> = (0..count)
                .map(|_| (0..random(4)).map(|_| random(count)).collect())
                .collect();
            let func = function_with_edge_lists(&edges);
            let tree = DominatorTree::with_function(&func, &ControlFlowGraph::with_function(&func));
            for b in 0..count {
                let reachable = reaches_without(&edges, None, b);
                assert_eq!(tree.is_reachable(block(b)), reachable, "{edges:?}");
                for a in 0..count {
                    let dominates = !reaches_without(&edges, Some(a), b);
                    let found = tree.dominates(block(a), block(b));
                    assert_eq!(found, dominates, "does {a} dominate {b} in {edges:?}?");
                }
                if let Some(idom) = tree.idom(block(b)) {
                    let between =
                        |c: u32| c != b && block(c) != idom && !reaches_without(&edges, Some(c), b);
                    let closer = (0..count).find(|&c| between(c) && tree.dominates(idom, block(c)));
                    assert_eq!(
                        closer, None,
                        "{idom} is not the last dominator of {b} in {edges:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn long_chains_take_no_deep_stack_and_no_quadratic_time() {
        let count = 100_000;
        let exit = count - 1;
        let mut edges: Vec<Vec<u32>> = (1..count).map(|next| vec![next, exit]).collect();
        edges.push(vec![]);
        let func = function_with_edge_lists(&edges);
        let tree = DominatorTree::with_function(&func, &ControlFlowGraph::with_function(&func));
        assert_eq!(tree.idom(block(exit)), Some(block(0)));
        assert_eq!(tree.idom(block(exit - 1)), Some(block(exit - 2)));
        assert!(tree.dominates(block(7), block(exit - 1)));
        assert!(!tree.dominates(block(7), block(exit)));
    }
}
