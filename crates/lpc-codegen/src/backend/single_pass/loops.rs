//! The loops of a function, as stretches of blocks in their order.
//!
//! An edge that leads back, to its own block or to one before it, closes a loop: the stretch from the block that it leads to up to the
//! one it leaves. Stretches that overlap are made to lie one in the other, so that the loops around a block are a chain:
//!
//! ```text
//!   block  0  1  2  3  4  5  6          edges back: 3 ─► 1, 6 ─► 2
//!             ├─────┤                   overlap
//!                ├──────────┤
//!             ├─────────────┤           becomes
//!                ├──────────┤
//! ```

use alloc::vec::Vec;
use lpc_lpir::heap::{Heap, HeapError, bytes_of};
use regalloc2::{Block, Function};

/// The loops of a function.
#[derive(Default)]
pub(super) struct Loops {
    loops: Vec<Loop>,
    /// For each block, the innermost loop around it.
    innermost: Vec<Option<LoopIndex>>,
}

/// A loop, counted in the order of the first blocks, so that outer ones come first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct LoopIndex(u32);

#[derive(Clone, Copy, Debug)]
struct Loop {
    first: Block,
    last: Block,
    parent: Option<LoopIndex>,
    /// How many loops it lies in, itself included.
    depth: u32,
}

impl Loops {
    /// Finds the loops of `func`, in memory of `heap`.
    ///
    /// # Errors
    /// [`HeapError`] where there is none.
    pub(super) fn compute(
        &mut self,
        func: &impl Function,
        heap: &mut Heap,
    ) -> Result<(), HeapError> {
        self.loops.clear();
        self.innermost.clear();
        heap.reserve(&mut self.innermost, func.num_blocks())?;
        let mut open: Option<LoopIndex> = None;
        for block in (0..func.num_blocks()).map(Block::new) {
            while let Some(index) = open
                && self.get(index).last < block
            {
                open = self.close(index);
            }
            let back = func
                .block_preds(block)
                .iter()
                .filter(|&&pred| pred >= block);
            if let Some(&last) = back.max() {
                if !heap.has_room(&mut self.loops, 1) {
                    break;
                }
                open = Some(self.open(block, last, open));
            }
            self.innermost.push(open);
        }
        while let Some(index) = open {
            open = self.close(index);
        }
        heap.check()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        bytes_of(&self.loops) + bytes_of(&self.innermost)
    }

    /// Opens the loop from `first` to `last` in the loop `parent`.
    fn open(&mut self, first: Block, last: Block, parent: Option<LoopIndex>) -> LoopIndex {
        let depth = 1 + parent.map_or(0, |parent| self.get(parent).depth);
        self.loops.push(Loop {
            first,
            last,
            parent,
            depth,
        });
        LoopIndex(self.loops.len() as u32 - 1)
    }

    /// Closes a loop: the one that it lies in, which is open still, is at least as long. Gives that one.
    fn close(&mut self, index: LoopIndex) -> Option<LoopIndex> {
        let &Loop { last, parent, .. } = self.get(index);
        if let Some(parent) = parent {
            let parent = &mut self.loops[parent.0 as usize];
            parent.last = parent.last.max(last);
        }
        parent
    }

    fn get(&self, index: LoopIndex) -> &Loop {
        &self.loops[index.0 as usize]
    }

    /// How many loops `block` lies in.
    pub(super) fn depth(&self, block: Block) -> u32 {
        self.innermost[block.index()].map_or(0, |index| self.get(index).depth)
    }

    /// The last block of the outermost loop that has `last` in it, but not `first`: a value that is defined in `first` and read in `last`
    /// is read again when the loop goes around, and lives to its end.
    pub(super) fn last_block_around(&self, first: Block, last: Block) -> Option<Block> {
        let mut end = None;
        let mut around = self.innermost[last.index()];
        while let Some(index) = around
            && self.get(index).first > first
        {
            end = Some(self.get(index).last);
            around = self.get(index).parent;
        }
        end
    }

    /// Whether an edge leads back to `block`.
    pub(super) fn is_header(&self, block: Block) -> bool {
        self.innermost[block.index()].is_some_and(|index| self.get(index).first == block)
    }
}
