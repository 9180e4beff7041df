//! Memory that is known: how much compiling a function may take, and how much it took.
//!
//! Everything that the compiler takes for a function comes from a [`Heap`], which counts it. So a [limit](CompileBudget) is
//! kept exactly: what would exceed it is an error before the memory is taken, as is what the allocator of the program does not have. Then
//! everything taken so far is given back, and the [`Compiler`](crate::Compiler) can be used as before.
//!
//! What a pass takes at least, and knows before it starts, is asked for first, so that a function which is far too large is refused at once.
//!
//! `regalloc2` takes memory by itself, and aborts where there is none: with a limit it is called only where the limit leaves as much as it
//! may take, and the allocator has that in one piece. How much that is, is [an
//! estimate](crate::backend::allocation_cost::ion_memory_estimate) that no known function exceeds, and no proof.
//!
//! Not counted are the [`Function`](lpc_lpir::ir::Function), which is there before, what allocators add to each block of memory, and the checks of
//! builds with debug assertions, which are left out where there is a limit.

use lpc_lpir::heap::Heap;
pub use lpc_lpir::heap::Pass;

/// How much memory compiling a function may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CompileBudget {
    /// The most bytes that are in use at once, those of the result included.
    pub max_heap: usize,
}

impl CompileBudget {
    /// No limit but the memory that there is.
    pub const UNLIMITED: Self = Self {
        max_heap: usize::MAX,
    };

    /// At most `max_heap` bytes at once.
    pub const fn new(max_heap: usize) -> Self {
        Self { max_heap }
    }

    /// Whether there is no limit.
    pub const fn is_unlimited(self) -> bool {
        self.max_heap == usize::MAX
    }
}

impl Default for CompileBudget {
    fn default() -> Self {
        Self::UNLIMITED
    }
}

/// The memory that compiling a function took.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MemoryUse {
    peaks: [usize; Pass::ALL.len()],
}

impl MemoryUse {
    pub(crate) fn of(heap: &Heap) -> Self {
        Self {
            peaks: Pass::ALL.map(|pass| heap.peak(pass)),
        }
    }

    /// The larger of both in each pass: what compiling one function after the other took.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            peaks: Pass::ALL.map(|pass| self.peak_heap_of(pass).max(other.peak_heap_of(pass))),
        }
    }

    /// The most bytes that were in use at once: with this as its [`CompileBudget`] the function is compiled, with less it may not be.
    ///
    /// Where registers were allocated by `regalloc2`, its part is the estimate. Memory that the compiler had kept from functions before
    /// is counted as well.
    pub fn peak_heap(&self) -> usize {
        self.peaks.into_iter().max().unwrap_or(0)
    }

    /// The most bytes that were in use in `pass`, with what those before have left.
    pub const fn peak_heap_of(&self, pass: Pass) -> usize {
        self.peaks[pass as usize]
    }
}
