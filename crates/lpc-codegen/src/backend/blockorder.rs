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

use super::ranges::IndexRange;
use super::vcode::{BlockFlags, BlockIndex};
use alloc::vec::Vec;
use lpc_lpir::entity::EntityRef;
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
    },
}

/// The order of the lowered blocks, and where their branches lead.
#[derive(Debug)]
pub struct BlockLoweringOrder {
    blocks: Vec<BlockData>,
    /// Where the branches of each block of the function lead.
    branches: Vec<BlockIndex>,
    /// The edges that leave each block.
    succs: Vec<Successor>,
    is_cyclic: bool,
}

#[derive(Debug)]
struct BlockData {
    block: LoweredBlock,
    flags: BlockFlags,
    branches: IndexRange,
    succs: IndexRange,
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
    /// The order of the blocks of `func`, in memory of `heap`.
    ///
    /// # Errors
    /// [`HeapError`] where there is none.
    pub fn new(func: &Function, heap: &mut Heap) -> Result<Self, HeapError> {
        let mut work = Work {
            func,
            blocks: Vec::new(),
            postorder: Vec::new(),
            num_branches: 0,
        };
        let mut order = Self {
            blocks: Vec::new(),
            branches: Vec::new(),
            succs: Vec::new(),
            is_cyclic: false,
        };
        work.find(&mut order, heap)?;
        heap.free(work.blocks);
        heap.free(work.postorder);
        Ok(order)
    }

    /// The bytes that the order takes.
    pub fn heap_bytes(&self) -> usize {
        bytes_of(&self.blocks) + bytes_of(&self.branches) + bytes_of(&self.succs)
    }

    /// Whether control may come back to a block.
    pub fn is_cyclic(&self) -> bool {
        self.is_cyclic
    }

    /// How many blocks there are.
    pub fn num_blocks(&self) -> usize {
        self.blocks.len()
    }

    /// A block of the order.
    pub fn block(&self, block: BlockIndex) -> LoweredBlock {
        self.blocks[block.index()].block
    }

    /// What the block is.
    pub fn flags(&self, block: BlockIndex) -> BlockFlags {
        self.blocks[block.index()].flags
    }

    /// Where each branch of the terminator leads, in the order of the terminator, of a block of the function. The same block may
    /// stand there more than once.
    pub fn branches(&self, block: BlockIndex) -> &[BlockIndex] {
        &self.branches[self.blocks[block.index()].branches.as_usize()]
    }

    /// The edges that leave the block.
    pub fn successors(&self, block: BlockIndex) -> &[Successor] {
        &self.succs[self.blocks[block.index()].succs.as_usize()]
    }

    /// How many edges there are.
    pub fn num_edges(&self) -> usize {
        self.succs.len()
    }
}

/// What finding the order needs.
struct Work<'f> {
    func: &'f Function,
    /// By block.
    blocks: Vec<BlockState>,
    /// The blocks that can be reached, each after those of its successors that are not reached before it.
    postorder: Vec<Block>,
    /// How many branches they end with.
    num_branches: usize,
}

/// What is known of a block.
#[derive(Clone, Copy)]
struct BlockState {
    /// How many of its branches the walk has not taken yet, or [`UNREACHED`] or [`LEFT`].
    untaken: u32,
    /// The block from which the walk came.
    parent: Block,
    /// The edges that lead to it.
    in_degree: u32,
    /// The last edge to it that passes no arguments.
    shared_edge: u32,
    /// The edges that leave it.
    edges: IndexRange,
    /// Where its terminator leads.
    branches: IndexRange,
    /// Its place in the order.
    index: BlockIndex,
}

const UNREACHED: u32 = u32::MAX;

/// All that the walk reaches through the block has been seen.
const LEFT: u32 = u32::MAX - 1;

impl Default for BlockState {
    fn default() -> Self {
        Self {
            untaken: UNREACHED,
            parent: Block::from_u32(0),
            in_degree: 0,
            shared_edge: u32::MAX,
            edges: IndexRange::default(),
            branches: IndexRange::default(),
            index: BlockIndex::invalid(),
        }
    }
}

impl Work<'_> {
    /// Fills `order`, which is empty before.
    #[cfg_attr(target_os = "none", inline(never))]
    fn find(&mut self, order: &mut BlockLoweringOrder, heap: &mut Heap) -> Result<(), HeapError> {
        let num_blocks = self.func.dfg.num_blocks();
        self.blocks = heap.filled(BlockState::default(), num_blocks)?;
        heap.reserve(&mut self.postorder, num_blocks)?;
        order.is_cyclic = self.walk();
        heap.reserve(&mut order.branches, self.num_branches)?;
        heap.reserve(&mut order.succs, self.num_branches)?;
        self.collect_edges(order);
        let num_split = self.count_split_edges(order);
        heap.reserve(&mut order.blocks, self.postorder.len() + num_split)?;
        heap.reserve(&mut order.succs, num_split)?;
        self.place_blocks(order);
        self.resolve_edges(order);
        Ok(())
    }

    /// Finds the blocks that can be reached. Says whether control may come back to one.
    fn walk(&mut self) -> bool {
        let mut is_cyclic = false;
        let Some(entry) = self.func.entry_block() else {
            return is_cyclic;
        };
        let mut current = entry;
        self.meet(entry, entry);
        loop {
            let state = &mut self.blocks[current.index()];
            if state.untaken == 0 {
                state.untaken = LEFT;
                self.postorder.push(current);
                if current == entry {
                    return is_cyclic;
                }
                current = state.parent;
                continue;
            }
            // The last branch first, so that the first successor is left last and follows its block in the order.
            state.untaken -= 1;
            let branch = terminator_branches(self.func, current)[state.untaken as usize];
            let succ = branch.block(&self.func.dfg.value_lists);
            match self.blocks[succ.index()].untaken {
                UNREACHED => {
                    self.meet(succ, current);
                    current = succ;
                }
                LEFT => {}
                _ => is_cyclic = true,
            }
        }
    }

    fn meet(&mut self, block: Block, parent: Block) {
        let num_branches = terminator_branches(self.func, block).len();
        self.num_branches += num_branches;
        let state = &mut self.blocks[block.index()];
        state.untaken = num_branches as u32;
        state.parent = parent;
    }

    /// Collects the edges. Until they are resolved, an edge leads to the number that its block has in the function, and a branch to
    /// the number of its edge.
    fn collect_edges(&mut self, order: &mut BlockLoweringOrder) {
        let pool = &self.func.dfg.value_lists;
        for &block in self.postorder.iter().rev() {
            let first_edge = order.succs.len();
            let first_branch = order.branches.len();
            for (branch, call) in (0..).zip(terminator_branches(self.func, block)) {
                let succ = call.block(pool);
                let passes_args = call.num_args(pool) != 0;
                let state = &mut self.blocks[succ.index()];
                let mut edge = state.shared_edge as usize;
                if passes_args || !(first_edge..order.succs.len()).contains(&edge) {
                    edge = order.succs.len();
                    let block = BlockIndex::new(succ.index());
                    order.succs.push(Successor { block, branch });
                    state.in_degree += 1;
                }
                if !passes_args {
                    state.shared_edge = edge as u32;
                }
                order.branches.push(BlockIndex::new(edge));
            }
            let state = &mut self.blocks[block.index()];
            state.edges = IndexRange::new(first_edge, order.succs.len());
            state.branches = IndexRange::new(first_branch, order.branches.len());
        }
    }

    /// How many edges are split.
    fn count_split_edges(&self, order: &BlockLoweringOrder) -> usize {
        let mut count = 0;
        for &block in &self.postorder {
            let edges = self.blocks[block.index()].edges.as_usize();
            count += edges
                .filter(|&edge| self.is_split(order, block, edge))
                .count();
        }
        count
    }

    /// Whether an edge of `block` gets a block of its own.
    fn is_split(&self, order: &BlockLoweringOrder, block: Block, edge: usize) -> bool {
        let out_degree = self.blocks[block.index()].edges.as_usize().len();
        let Successor {
            block: succ,
            branch,
        } = order.succs[edge];
        let is_critical = out_degree > 1 && self.blocks[succ.index()].in_degree > 1;
        let passes_args = || {
            let call = terminator_branches(self.func, block)[branch as usize];
            call.num_args(&self.func.dfg.value_lists) != 0
        };
        is_critical || out_degree > 2 && passes_args()
    }

    /// Puts the blocks in their order. A block of an edge has the edge that it stands for until its own is resolved.
    fn place_blocks(&mut self, order: &mut BlockLoweringOrder) {
        let layout = &self.func.layout;
        for &block in self.postorder.iter().rev() {
            let BlockState {
                edges, branches, ..
            } = self.blocks[block.index()];
            let is_cold = layout.is_cold(block);
            self.blocks[block.index()].index = BlockIndex::new(order.blocks.len());
            order.blocks.push(BlockData {
                block: LoweredBlock::Orig(block),
                flags: BlockFlags {
                    is_cold,
                    ..BlockFlags::default()
                },
                branches,
                succs: edges,
            });
            for edge in edges.as_usize() {
                if !self.is_split(order, block, edge) {
                    continue;
                }
                let succ = Block::new(order.succs[edge].block.index());
                order.blocks.push(BlockData {
                    block: LoweredBlock::CriticalEdge { pred: block },
                    flags: BlockFlags {
                        is_edge: true,
                        is_cold: is_cold || layout.is_cold(succ),
                        is_aligned: false,
                    },
                    branches: IndexRange::default(),
                    succs: IndexRange::new(edge, edge + 1),
                });
            }
        }
    }

    /// Makes edges and branches lead to blocks of the order.
    fn resolve_edges(&self, order: &mut BlockLoweringOrder) {
        for succ in &mut order.succs {
            succ.block = self.blocks[succ.block.index()].index;
        }
        for (index, data) in order.blocks.iter_mut().enumerate() {
            if data.flags.is_edge {
                let edge = data.succs.start as usize;
                data.succs = IndexRange::new(order.succs.len(), order.succs.len() + 1);
                order.succs.push(order.succs[edge]);
                order.succs[edge].block = BlockIndex::new(index);
            }
        }
        for branch in &mut order.branches {
            *branch = order.succs[branch.index()].block;
        }
    }
}

fn terminator_branches(func: &Function, block: Block) -> &[BlockCall] {
    match func.layout.last_inst(block) {
        Some(inst) => func.dfg.branch_destinations(inst),
        None => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;
    use lpc_lpir::text::parse_functions;

    /// The order of the blocks of a function with the given body, each with the places where its edges lead, and whether it is cyclic.
    fn order_of(body: &str) -> (String, bool) {
        let text = format!("function %f(i32) {{\n{body}\n}}");
        let func = parse_functions(&text).unwrap().remove(0);
        let order = BlockLoweringOrder::new(&func, &mut Heap::unlimited()).unwrap();
        let lines = (0..order.num_blocks()).map(BlockIndex::new).map(|index| {
            let name = match order.block(index) {
                LoweredBlock::Orig(block) => format!("{block}"),
                LoweredBlock::CriticalEdge { pred } => format!("edge of {pred}"),
            };
            let indices = |blocks: &mut dyn Iterator<Item = BlockIndex>| -> Vec<usize> {
                blocks.map(BlockIndex::index).collect()
            };
            let succs = indices(&mut order.successors(index).iter().map(|succ| succ.block));
            let branches = indices(&mut order.branches(index).iter().copied());
            format!("{name} {succs:?} {branches:?}\n")
        });
        (lines.collect(), order.is_cyclic())
    }

    #[test]
    fn a_diamond_in_the_order_of_the_branches() {
        let (order, is_cyclic) = order_of(
            "block0(v0: i32):
                 brif v0, block3, block1
             block1:
                 jump block2
             block2:
                 return
             block3:
                 jump block2",
        );
        let expected = "block0 [1, 2] [1, 2]\nblock3 [3] [3]\nblock1 [3] [3]\nblock2 [] []\n";
        assert_eq!((order.as_str(), is_cyclic), (expected, false));
    }

    #[test]
    fn a_critical_edge_of_a_loop_and_blocks_that_are_not_reached() {
        let (order, is_cyclic) = order_of(
            "block0(v0: i32):
                 jump block1(v0)
             block1(v1: i32):
                 brif v1, block1(v1), block2
             block2:
                 return
             block3:
                 jump block3",
        );
        let expected =
            "block0 [1] [1]\nblock1 [2, 3] [2, 3]\nedge of block1 [1] []\nblock2 [] []\n";
        assert_eq!((order.as_str(), is_cyclic), (expected, true));
    }

    /// Branches of a table to one block are one edge where they pass no arguments; the others get blocks of their own.
    #[test]
    fn edges_of_a_table() {
        let (order, is_cyclic) = order_of(
            "block0(v0: i32):
                 br_table v0, block1, [block1, block2(v0), block1, block2(v0), block3]
             block1:
                 return
             block2(v1: i32):
                 return
             block3:
                 jump block1",
        );
        let expected = "block0 [1, 2, 3, 5] [1, 1, 2, 1, 3, 5]\n\
            edge of block0 [6] []\nedge of block0 [4] []\nedge of block0 [4] []\n\
            block2 [] []\nblock3 [6] [6]\nblock1 [] []\n";
        assert_eq!((order.as_str(), is_cyclic), (expected, false));
    }

    #[test]
    fn cycles_that_are_not_reached_do_not_count() {
        let (_, is_cyclic) = order_of(
            "block0(v0: i32):
                 return
             block1:
                 jump block2
             block2:
                 jump block1",
        );
        assert!(!is_cyclic);
    }
}
