//! The heap: the RAM behind the variables, with counters of what it was asked for.
//!
//! The allocator is TLSF (Masmano et al., 2004), which takes constant time. An allocation that finds no room is noted before it
//! becomes a panic, as `alloc` has it, so that [`recovery`](crate::recovery) can tell it from one.

use crate::start::linked_address;
use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr::{self, NonNull};
use rlsf::Tlsf;

/// What the heap was asked for, in bytes, without what it needs itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// What is allocated.
    pub current: usize,
    /// The most that was allocated at once since [`reset_peak`].
    pub peak: usize,
    /// How many allocations there were since [`init`].
    pub allocations: usize,
}

/// Starts over with a heap of `size` bytes, or what RAM there is if that is less, and returns the bytes that it has. Nothing can
/// be allocated before.
///
/// # Safety
/// Nothing that is allocated may be used any more.
pub unsafe fn init(size: usize) -> usize {
    let (start, end) = (linked_address!(_heap_start), linked_address!(_heap_end));
    let size = size.min(end - start);
    let start = ptr::with_exposed_provenance_mut::<u8>(start);
    let Some(block) = NonNull::new(ptr::slice_from_raw_parts_mut(start, size)) else {
        return 0;
    };
    with_state(|state| {
        *state = State::NEW;
        // SAFETY: the memory is RAM that the linker script gives to nobody else, and the caller is through with what was in it.
        unsafe { state.tlsf.insert_free_block_ptr(block) };
        state.size = size;
    });
    size
}

/// What the heap was asked for.
pub fn usage() -> Usage {
    with_state(|state| state.usage)
}

/// The bytes of the heap.
pub fn size() -> usize {
    with_state(|state| state.size)
}

/// Lets [`Usage::peak`] start over with what is allocated now.
pub fn reset_peak() {
    with_state(|state| state.usage.peak = state.usage.current);
}

/// The size of the last allocation, if that found no room, once.
pub(crate) fn take_failure() -> Option<usize> {
    with_state(|state| state.failed.take())
}

/// Bits of sizes that choose a list of free blocks: blocks of up to 16 << 22 bytes, each power of two in eight parts.
const FIRST_LEVEL: usize = 22;
const SECOND_LEVEL: usize = 8;

struct State {
    tlsf: Tlsf<'static, u32, u32, FIRST_LEVEL, SECOND_LEVEL>,
    usage: Usage,
    size: usize,
    failed: Option<usize>,
}

impl State {
    const NEW: Self = Self {
        tlsf: Tlsf::new(),
        usage: Usage {
            current: 0,
            peak: 0,
            allocations: 0,
        },
        size: 0,
        failed: None,
    };

    /// Notes that `freed` bytes have become `allocated` ones.
    fn count(&mut self, freed: usize, allocated: usize) {
        self.usage.current = self.usage.current - freed + allocated;
        self.usage.peak = self.usage.peak.max(self.usage.current);
        self.usage.allocations += 1;
        // Whoever found no room goes on without it.
        self.failed = None;
    }
}

struct Heap(UnsafeCell<State>);

// SAFETY: there is one hart, and no interrupt handler allocates.
unsafe impl Sync for Heap {}

#[global_allocator]
static HEAP: Heap = Heap(UnsafeCell::new(State::NEW));

/// `work` must not allocate.
fn with_state<R>(work: impl FnOnce(&mut State) -> R) -> R {
    // SAFETY: there is one hart, and what is done here does not come back here.
    work(unsafe { &mut *HEAP.0.get() })
}

// SAFETY: blocks are those of TLSF, and errors are null pointers.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        with_state(|state| match state.tlsf.allocate(layout) {
            Some(block) => {
                state.count(0, layout.size());
                block.as_ptr()
            }
            None => {
                state.failed = Some(layout.size());
                ptr::null_mut()
            }
        })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let Some(block) = NonNull::new(block) else {
            return;
        };
        with_state(|state| {
            // SAFETY: the caller has the block from `alloc` with this layout.
            unsafe { state.tlsf.deallocate(block, layout.align()) };
            state.usage.current -= layout.size();
        });
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let (Some(block), Ok(new_layout)) = (
            NonNull::new(block),
            Layout::from_size_align(new_size, layout.align()),
        ) else {
            return ptr::null_mut();
        };
        // SAFETY: the caller has the block from `alloc` with this layout.
        with_state(
            |state| match unsafe { state.tlsf.reallocate(block, new_layout) } {
                Some(block) => {
                    state.count(layout.size(), new_size);
                    block.as_ptr()
                }
                None => {
                    state.failed = Some(new_size);
                    ptr::null_mut()
                }
            },
        )
    }
}
