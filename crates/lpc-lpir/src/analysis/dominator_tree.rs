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
use crate::ir::{Block, Function};
use alloc::vec;
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
        self.clear();
        let Some(entry) = func.entry_block() else {
            return;
        };
        self.nodes.resize(cfg.num_blocks());
        let spanning_tree = SpanningTree::walk(entry, cfg, &mut self.postorder);
        for (number, &block) in (1..).zip(self.postorder.iter().rev()) {
            self.nodes[block].rpo_number = number;
        }
        let idoms = Dominators::compute(&spanning_tree, cfg);
        for (index, &block) in spanning_tree.blocks.iter().enumerate().skip(1) {
            self.nodes[block].idom = spanning_tree.blocks[idoms[index] as usize].into();
        }
        self.number_subtrees();
    }

    /// Numbers the blocks so that each subtree is a range.
    fn number_subtrees(&mut self) {
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
    blocks: Vec<Block>,
    /// The number from which each was met; the entry block has its own.
    parents: Vec<u32>,
    /// The inverse of `blocks`, and `UNREACHED` elsewhere.
    numbers: SecondaryMap<Block, u32>,
}

const UNREACHED: u32 = u32::MAX;

impl SpanningTree {
    /// Walks from `entry`, and appends each block to `postorder` when it is left.
    fn walk(entry: Block, cfg: &ControlFlowGraph, postorder: &mut Vec<Block>) -> Self {
        let mut tree = Self {
            blocks: Vec::new(),
            parents: Vec::new(),
            numbers: SecondaryMap::with_default(UNREACHED),
        };
        tree.numbers.resize(cfg.num_blocks());
        tree.meet(entry, 0);
        // The path from the entry block to where the walk stands, each block with the number of successors not yet seen.
        let mut path = vec![(entry, cfg.successors(entry).len())];
        while let Some((block, unseen)) = path.last_mut() {
            if *unseen == 0 {
                postorder.push(*block);
                path.pop();
                continue;
            }
            // Last successor first, so that the first one is left last and follows its block in reverse post order.
            *unseen -= 1;
            let parent = *block;
            let successor = cfg.successors(parent)[*unseen];
            if tree.numbers[successor] == UNREACHED {
                tree.meet(successor, tree.numbers[parent]);
                path.push((successor, cfg.successors(successor).len()));
            }
        }
        tree
    }

    fn meet(&mut self, block: Block, parent: u32) {
        self.numbers[block] = self.blocks.len() as u32;
        self.blocks.push(block);
        self.parents.push(parent);
    }
}

/// The state of the algorithm of Lengauer and Tarjan. Blocks are named by their numbers in the spanning tree.
struct Dominators {
    /// The semidominator of each block that was processed; the others have themselves.
    semi: Vec<u32>,
    /// The forest of processed blocks: each block's ancestor in it, or `UNLINKED`.
    ancestor: Vec<u32>,
    /// The block with the least semidominator on the path from here up to (and without) the ancestor.
    label: Vec<u32>,
    /// The path that is being compressed.
    path: Vec<u32>,
}

const UNLINKED: u32 = u32::MAX;

impl Dominators {
    /// The immediate dominator of each block; the entry block has itself.
    fn compute(tree: &SpanningTree, cfg: &ControlFlowGraph) -> Vec<u32> {
        let count = tree.blocks.len() as u32;
        let mut state = Self {
            semi: (0..count).collect(),
            ancestor: vec![UNLINKED; count as usize],
            label: (0..count).collect(),
            path: Vec::new(),
        };
        let mut idoms = vec![0; count as usize];
        // The blocks whose semidominator is each block, as lists linked through `next_in_bucket`.
        let mut bucket = vec![UNLINKED; count as usize];
        let mut next_in_bucket = vec![UNLINKED; count as usize];
        for block in (1..count).rev() {
            let semi = state.semidominator(block, tree, cfg);
            state.semi[block as usize] = semi;
            next_in_bucket[block as usize] = bucket[semi as usize];
            bucket[semi as usize] = block;
            let parent = tree.parents[block as usize];
            state.ancestor[block as usize] = parent;
            let mut member = core::mem::replace(&mut bucket[parent as usize], UNLINKED);
            while member != UNLINKED {
                let least = state.least_on_path(member);
                let is_semi = state.semi[least as usize] == state.semi[member as usize];
                idoms[member as usize] = if is_semi { parent } else { least };
                member = next_in_bucket[member as usize];
            }
        }
        for block in 1..count as usize {
            if idoms[block] != state.semi[block] {
                idoms[block] = idoms[idoms[block] as usize];
            }
        }
        idoms
    }

    fn semidominator(&mut self, block: u32, tree: &SpanningTree, cfg: &ControlFlowGraph) -> u32 {
        let mut semi = block;
        for edge in cfg.predecessors(tree.blocks[block as usize]) {
            let predecessor = tree.numbers[edge.block];
            if predecessor != UNREACHED {
                let least = self.least_on_path(predecessor);
                semi = semi.min(self.semi[least as usize]);
            }
        }
        semi
    }

    /// The block with the least semidominator on the path from `block` to the root of its tree in the forest, the root left
    /// out; `block` itself when it is a root.
    fn least_on_path(&mut self, block: u32) -> u32 {
        let mut current = block;
        loop {
            let ancestor = self.ancestor[current as usize];
            if ancestor == UNLINKED || self.ancestor[ancestor as usize] == UNLINKED {
                break;
            }
            self.path.push(current);
            current = ancestor;
        }
        // From the root down, so that what stands above each block is already compressed.
        while let Some(below) = self.path.pop() {
            let above = self.ancestor[below as usize] as usize;
            let candidate = self.label[above];
            if self.semi[candidate as usize] < self.semi[self.label[below as usize] as usize] {
                self.label[below as usize] = candidate;
            }
            self.ancestor[below as usize] = self.ancestor[above];
        }
        self.label[block as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_graph::{block, function_with_edge_lists, function_with_edges};
    use super::*;
    use crate::ir::{ExternalName, Signature};

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
