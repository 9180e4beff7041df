//! The spill slots of values that have no home. Each block uses the same ones, as a value of a block lives in that alone.

use alloc::vec::Vec;
use lpc_lpir::heap::Heap;
use regalloc2::SpillSlot;

/// The spill slots of values that have no home.
pub(super) struct Slots {
    /// The number of the first one: those before are homes.
    first: usize,
    /// The number behind the last that the current block uses.
    end: usize,
    /// Slots below that number which the current block uses no longer.
    unused: Vec<SpillSlot>,
    /// The highest end of all blocks.
    pub(super) max_end: usize,
    /// The same with slots that moves used.
    pub(super) max_temporary: usize,
}

impl Slots {
    pub(super) fn new(first: usize) -> Self {
        Self {
            first,
            end: first,
            unused: Vec::new(),
            max_end: first,
            max_temporary: first,
        }
    }

    pub(super) fn start_block(&mut self) {
        self.end = self.first;
        self.unused.clear();
    }

    pub(super) fn take(&mut self) -> SpillSlot {
        self.unused.pop().unwrap_or_else(|| {
            self.end += 1;
            self.max_end = self.max_end.max(self.end);
            SpillSlot::new(self.end - 1)
        })
    }

    /// Makes `slot` free for other values. Without memory for that in `heap` it stays unused.
    pub(super) fn give_back(&mut self, slot: SpillSlot, heap: &mut Heap) {
        heap.push(&mut self.unused, slot);
    }
}
