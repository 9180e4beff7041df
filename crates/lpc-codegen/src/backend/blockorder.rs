//! The order in which blocks are lowered and laid out, and the blocks that split critical edges.
//!
//! An edge is critical when its block has several successors and leads to a block with several predecessors: there is no
//! place for the moves of its block arguments, neither at the end of the one (they would be made on the other edges too)
//! nor at the start of the other. Such an edge gets a block of its own, which is laid out right behind the block it leaves.
//!
//! ```text
//!    block0: brif v0, block2(v1), block1          block0
//!             │            │                       │   └──────► edge block: jump block2(v1)
//!             ▼            ▼                       ▼                 │
//!           block1 ─►    block2                  block1 ─► block2 ◄──┘
//! ```
//!
//! Edges of one terminator that lead to the same block and pass no arguments are one edge: a table with a thousand entries
//! for a block counts as one predecessor of it. The edges of a table that do pass arguments get blocks of their own even where
//! they are not critical: the allocator searches for an edge with arguments among all that leave the block, which would take
//! quadratic time for a large table.
//!
//! The order is the reverse postorder of the blocks that can be reached, so each block stands behind all its predecessors
//! except those at the end of a loop. Blocks that cannot be reached are left out.

use super::ranges::Ranges;
use super::vcode::{BlockFlags, BlockIndex};
use alloc::vec::Vec;
use lpc_lpir::analysis::{ControlFlowGraph, DominatorTree};
use lpc_lpir::entity::SecondaryMap;
use lpc_lpir::heap::{Heap, HeapError, bytes_of};
use lpc_lpir::ir::{Block, BlockCall, Function};

/// A block of the lowered function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoweredBlock {
    /// A block of the function.
    Orig(Block),
    /// An edge that is critical, or that passes arguments from a table.
    CriticalEdge {
        /// The block that it leaves.
        pred: Block,
        /// The block it leads to.
        succ: Block,
        /// Its number among the branches of the terminator of `pred`.
        branch: u32,
    },
}

/// The order of the lowered blocks, and where their branches lead.
#[derive(Debug)]
pub struct BlockLoweringOrder {
    blocks: Vec<LoweredBlock>,
    flags: Vec<BlockFlags>,
    /// Where the branches of each block lead, one block after the other.
    branches: Vec<BlockIndex>,
    branch_ranges: Ranges,
    /// The edges that leave each block, one block after the other.
    succs: Vec<Successor>,
    succ_ranges: Ranges,
}

/// An edge to another block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Successor {
    /// The block that it leads to.
    pub block: BlockIndex,
    /// The first branch of the terminator that takes it. Others that do are like it: they pass no arguments.
    pub branch: u32,
}

impl BlockLoweringOrder {
    /// The order of the blocks of `func`, which `cfg` and `domtree` were computed for, in memory of `heap`.
    ///
    /// # Errors
    /// [`HeapError`] where there is none.
    pub fn new(
        func: &Function,
        cfg: &ControlFlowGraph,
        domtree: &DominatorTree,
        heap: &mut Heap,
    ) -> Result<Self, HeapError> {
        let edges = Edges::of(func, cfg, domtree, heap)?;
        let num_split = edges.list.iter().filter(|edge| edge.is_split).count();
        let num_blocks = domtree.cfg_postorder().len() + num_split;
        let mut order = Self {
            blocks: heap.vec(num_blocks)?,
            flags: heap.vec(num_blocks)?,
            branches: heap.vec(edges.of_branch.len() + num_split)?,
            branch_ranges: Ranges::with_capacity(num_blocks, heap)?,
            succs: heap.vec(edges.list.len() + num_split)?,
            succ_ranges: Ranges::with_capacity(num_blocks, heap)?,
        };
        let mut index_of = SecondaryMap::with_default(BlockIndex::invalid());
        index_of.resize_in(func.dfg.num_blocks(), heap)?;
        // For each edge that is split its block; the others stay invalid.
        let mut edge_blocks = heap.vec(edges.list.len())?;
        for (position, &block) in domtree.cfg_postorder().iter().rev().enumerate() {
            let is_cold = func.layout.is_cold(block);
            index_of[block] = order.push(LoweredBlock::Orig(block), is_cold);
            for edge in &edges.list[edges.of_block.get(position)] {
                edge_blocks.push(if edge.is_split {
                    let lowered = LoweredBlock::CriticalEdge {
                        pred: block,
                        succ: edge.succ,
                        branch: edge.branch,
                    };
                    order.push(lowered, is_cold || func.layout.is_cold(edge.succ))
                } else {
                    BlockIndex::invalid()
                });
            }
        }
        order.resolve_branches(&edges, &edge_blocks, &index_of);
        heap.free(edge_blocks);
        heap.give_back(index_of.heap_bytes() + edges.heap_bytes());
        Ok(order)
    }

    /// The bytes that the order takes.
    pub fn heap_bytes(&self) -> usize {
        bytes_of(&self.blocks)
            + bytes_of(&self.flags)
            + bytes_of(&self.branches)
            + self.branch_ranges.heap_bytes()
            + bytes_of(&self.succs)
            + self.succ_ranges.heap_bytes()
    }

    /// The blocks in order.
    pub fn blocks(&self) -> &[LoweredBlock] {
        &self.blocks
    }

    /// What the block is.
    pub fn flags(&self, block: BlockIndex) -> BlockFlags {
        self.flags[block.index()]
    }

    /// Where each branch of the block's terminator leads, in the order of the terminator. The same block may stand there
    /// more than once.
    pub fn branches(&self, block: BlockIndex) -> &[BlockIndex] {
        &self.branches[self.branch_ranges.get(block.index())]
    }

    /// The edges that leave the block.
    pub fn successors(&self, block: BlockIndex) -> &[Successor] {
        &self.succs[self.succ_ranges.get(block.index())]
    }

    /// How many edges there are.
    pub fn num_edges(&self) -> usize {
        self.succs.len()
    }

    fn push(&mut self, block: LoweredBlock, is_cold: bool) -> BlockIndex {
        let index = BlockIndex::new(self.blocks.len());
        let is_edge = matches!(block, LoweredBlock::CriticalEdge { .. });
        self.blocks.push(block);
        self.flags.push(BlockFlags {
            is_edge,
            is_cold,
            is_aligned: false,
        });
        index
    }

    fn resolve_branches(
        &mut self,
        edges: &Edges,
        edge_blocks: &[BlockIndex],
        index_of: &SecondaryMap<Block, BlockIndex>,
    ) {
        let target_of = |edge: usize| match edge_blocks[edge] {
            edge_block if edge_block.is_valid() => edge_block,
            _ => index_of[edges.list[edge].succ],
        };
        let mut position = 0;
        for lowered in &self.blocks {
            match *lowered {
                LoweredBlock::CriticalEdge { succ, branch, .. } => {
                    let block = index_of[succ];
                    self.branches.push(block);
                    self.succs.push(Successor { block, branch });
                }
                LoweredBlock::Orig(_) => {
                    let branches = &edges.of_branch[edges.branch_ranges.get(position)];
                    let targets = branches.iter().map(|&edge| target_of(edge as usize));
                    self.branches.extend(targets);
                    for edge in edges.of_block.get(position) {
                        self.succs.push(Successor {
                            block: target_of(edge),
                            branch: edges.list[edge].branch,
                        });
                    }
                    position += 1;
                }
            }
            self.branch_ranges.push_end(self.branches.len());
            self.succ_ranges.push_end(self.succs.len());
        }
    }
}

/// The edges between blocks that can be reached. Blocks are counted in reverse postorder.
struct Edges {
    list: Vec<Edge>,
    /// For each block, the edges that leave it.
    of_block: Ranges,
    /// For each branch of each block, the index of its edge.
    of_branch: Vec<u32>,
    branch_ranges: Ranges,
}

struct Edge {
    succ: Block,
    branch: u32,
    passes_args: bool,
    /// Whether it gets a block of its own.
    is_split: bool,
}

impl Edges {
    fn of(
        func: &Function,
        cfg: &ControlFlowGraph,
        domtree: &DominatorTree,
        heap: &mut Heap,
    ) -> Result<Self, HeapError> {
        let pool = &func.dfg.value_lists;
        let num_blocks = domtree.cfg_postorder().len();
        let mut edges = Self {
            list: heap.vec(cfg.num_edges())?,
            of_block: Ranges::with_capacity(num_blocks, heap)?,
            of_branch: heap.vec(cfg.num_edges())?,
            branch_ranges: Ranges::with_capacity(num_blocks, heap)?,
        };
        let mut reached = SecondaryMap::<Block, ReachedBlock>::new();
        reached.resize_in(func.dfg.num_blocks(), heap)?;
        for &block in domtree.cfg_postorder().iter().rev() {
            let first = edges.list.len() as u32;
            for (branch, call) in (0..).zip(terminator_branches(func, block)) {
                let succ = call.block(pool);
                let passes_args = call.num_args(pool) != 0;
                let reached = &mut reached[succ];
                let known = reached.shared_edge.filter(|&edge| edge >= first);
                let edge = known.filter(|_| !passes_args).unwrap_or_else(|| {
                    edges.list.push(Edge {
                        succ,
                        branch,
                        passes_args,
                        is_split: false,
                    });
                    reached.in_degree += 1;
                    edges.list.len() as u32 - 1
                });
                if !passes_args {
                    reached.shared_edge = Some(edge);
                }
                edges.of_branch.push(edge);
            }
            edges.of_block.push_end(edges.list.len());
            edges.branch_ranges.push_end(edges.of_branch.len());
        }
        edges.split(&reached);
        heap.give_back(reached.heap_bytes());
        Ok(edges)
    }

    fn heap_bytes(&self) -> usize {
        bytes_of(&self.list)
            + self.of_block.heap_bytes()
            + bytes_of(&self.of_branch)
            + self.branch_ranges.heap_bytes()
    }

    /// Decides which edges are split.
    fn split(&mut self, reached: &SecondaryMap<Block, ReachedBlock>) {
        for range in self.of_block.iter() {
            let block_edges = &mut self.list[range];
            let out_degree = block_edges.len();
            for edge in block_edges {
                let is_critical = out_degree > 1 && reached[edge.succ].in_degree > 1;
                let is_of_table = out_degree > 2 && edge.passes_args;
                edge.is_split = is_critical || is_of_table;
            }
        }
    }
}

/// A block, as the edges that lead to it are met.
#[derive(Clone, Copy, Default)]
struct ReachedBlock {
    /// How many edges there are so far.
    in_degree: u32,
    /// The last one that passes no arguments.
    shared_edge: Option<u32>,
}

fn terminator_branches(func: &Function, block: Block) -> &[BlockCall] {
    match func.layout.last_inst(block) {
        Some(inst) => func.dfg.branch_destinations(inst),
        None => &[],
    }
}
