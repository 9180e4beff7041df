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
use lpc_lpir::analysis::DominatorTree;
use lpc_lpir::entity::SecondaryMap;
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
    /// The order of the blocks of `func`, which `domtree` was computed for.
    pub fn new(func: &Function, domtree: &DominatorTree) -> Self {
        let edges = Edges::of(func, domtree);
        let num_blocks = domtree.cfg_postorder().len();
        let mut order = Self {
            blocks: Vec::with_capacity(num_blocks),
            flags: Vec::with_capacity(num_blocks),
            branches: Vec::new(),
            branch_ranges: Ranges::default(),
            succs: Vec::new(),
            succ_ranges: Ranges::default(),
        };
        let mut index_of = SecondaryMap::with_default(BlockIndex::invalid());
        index_of.resize(func.dfg.num_blocks());
        // For each edge that is split its block; the others stay invalid.
        let mut edge_blocks = Vec::with_capacity(edges.list.len());
        for (position, &block) in domtree.cfg_postorder().iter().rev().enumerate() {
            let is_cold = func.layout.is_cold(block);
            index_of[block] = order.push(LoweredBlock::Orig(block), is_cold);
            let block_edges = &edges.list[edges.of_block.get(position)];
            for edge in block_edges {
                let is_critical = block_edges.len() > 1 && edges.in_degree[edge.succ] > 1;
                let is_of_table = block_edges.len() > 2 && edge.passes_args;
                edge_blocks.push(if is_critical || is_of_table {
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
        order
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
        self.branch_ranges = Ranges::with_capacity(self.blocks.len());
        self.succ_ranges = Ranges::with_capacity(self.blocks.len());
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
#[derive(Default)]
struct Edges {
    list: Vec<Edge>,
    /// For each block, the edges that leave it.
    of_block: Ranges,
    /// For each branch of each block, the index of its edge.
    of_branch: Vec<u32>,
    branch_ranges: Ranges,
    /// How many edges lead to a block.
    in_degree: SecondaryMap<Block, u32>,
}

struct Edge {
    succ: Block,
    branch: u32,
    passes_args: bool,
}

impl Edges {
    fn of(func: &Function, domtree: &DominatorTree) -> Self {
        let pool = &func.dfg.value_lists;
        let mut edges = Self::default();
        // The last edge without arguments that leads to a block.
        let mut shared_edge = SecondaryMap::<Block, Option<u32>>::new();
        for &block in domtree.cfg_postorder().iter().rev() {
            let first = edges.list.len() as u32;
            for (branch, call) in (0..).zip(terminator_branches(func, block)) {
                let succ = call.block(pool);
                let passes_args = call.num_args(pool) != 0;
                let known = shared_edge[succ].filter(|&edge| !passes_args && edge >= first);
                let edge = known.unwrap_or_else(|| {
                    edges.list.push(Edge {
                        succ,
                        branch,
                        passes_args,
                    });
                    edges.in_degree[succ] += 1;
                    edges.list.len() as u32 - 1
                });
                if !passes_args {
                    shared_edge[succ] = Some(edge);
                }
                edges.of_branch.push(edge);
            }
            edges.of_block.push_end(edges.list.len());
            edges.branch_ranges.push_end(edges.of_branch.len());
        }
        edges
    }
}

fn terminator_branches(func: &Function, block: Block) -> &[BlockCall] {
    match func.layout.last_inst(block) {
        Some(inst) => func.dfg.branch_destinations(inst),
        None => &[],
    }
}
