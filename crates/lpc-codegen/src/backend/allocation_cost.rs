//! What it costs to allocate registers with [`Ion`](super::regalloc::RegallocAlgorithm::Ion), before that is done: for some
//! functions it takes time that grows with the square of their size.
//!
//! | it takes a step | where that grows |
//! |---|---|
//! | for each instruction at which a register is live: those that live there too are in the way | many values live at once |
//! | for each edge to a block in which a register is live: a move may be needed | values that live across many blocks |
//! | for each register, over the arguments of all edges, if it is never split | many blocks with parameters |
//! | for each block, over the predecessors of its successors | many edges to one block |
//!
//! Each of the products has a limit. Below it an allocation takes about a second at most; what is too much is given to the
//! [single-pass allocator](super::regalloc::RegallocAlgorithm::SinglePass), whose time grows with the size alone. Nothing is
//! added up where a bound that is known without looking at the code is below the limit already, as for all functions of ordinary size.

use super::live_ranges::{Accesses, LiveRange, Piece};
use super::machinst::{CallType, MachInst};
use super::vcode::VCode;
use lpc_lpir::heap::{Heap, HeapError};

/// The most blocks of a function that [`Ion`](super::regalloc::RegallocAlgorithm::Ion) is used for.
pub const MAX_ION_BLOCKS: usize = 1 << 13;

/// The most virtual registers of a function that [`Ion`](super::regalloc::RegallocAlgorithm::Ion) is used for.
pub const MAX_ION_VREGS: usize = 1 << 16;

/// The most steps along live ranges that [`Ion`](super::regalloc::RegallocAlgorithm::Ion) is to take.
pub const MAX_ION_STEPS: u64 = 1 << 25;

/// The most steps over the arguments of edges that [`Ion`](super::regalloc::RegallocAlgorithm::Ion) is to take, which are faster.
pub const MAX_ION_ARGUMENT_STEPS: u64 = 1 << 27;

/// Whether [`Ion`](super::regalloc::RegallocAlgorithm::Ion) allocates registers for `vcode` in reasonable time.
///
/// # Panics
/// When there is no memory to find out.
pub fn is_affordable_for_ion<I: MachInst>(vcode: &VCode<I>) -> bool {
    Heap::unbounded(|heap| is_affordable_in(vcode, heap))
}

/// As [`is_affordable_for_ion`], in memory of `heap`.
///
/// # Errors
/// [`HeapError`] where there is none.
pub(super) fn is_affordable_in<I: MachInst>(
    vcode: &VCode<I>,
    heap: &mut Heap,
) -> Result<bool, HeapError> {
    Ok(vcode.num_blocks() <= MAX_ION_BLOCKS
        && vcode.num_vregs() <= MAX_ION_VREGS
        && product(vcode.num_vregs(), vcode.branch_args.len()) <= MAX_ION_ARGUMENT_STEPS
        && live_ranges_are_within(vcode, MAX_ION_STEPS, heap)?)
}

/// As many bytes as [`Ion`](super::regalloc::RegallocAlgorithm::Ion) takes for `vcode`, its result included: an estimate that no known function
/// exceeds, and no proof.
///
/// `regalloc2` does not say what it takes. The weights come from measuring some nine thousand functions, with programs of every kind
/// that is likely to be hard, on a machine with pointers of 64 bits: they are the ones for which the estimate is exceeded nowhere and is as low as
/// can be, and a quarter more. That is one and a half times what a function takes on the average.
///
/// With pointers of 32 bits Ion takes much less, and the estimate is about three times that: a chip with a budget refuses functions that it has
/// memory for. It had best use [`SinglePass`](super::regalloc::RegallocAlgorithm::SinglePass).
pub fn ion_memory_estimate<I: MachInst>(vcode: &VCode<I>) -> usize {
    let calls = vcode.insts().iter().map(I::call_type);
    let num_calls = calls.filter(|&call| call == CallType::Regular).count();
    let weighted = [
        (1, 13_000),
        (vcode.insts().len(), 610),
        (vcode.operands.len(), 400),
        (vcode.num_vregs(), 230),
        (vcode.num_blocks(), 64),
        (vcode.preds.len(), 32),
        (vcode.branch_args.len(), 2230),
        (num_calls, 2790),
    ];
    let products = weighted.map(|(count, weight): (usize, usize)| count.saturating_mul(weight));
    products.into_iter().fold(0, usize::saturating_add)
}

/// The length that no live range of `vcode` exceeds.
fn longest<I: MachInst>(vcode: &VCode<I>) -> usize {
    vcode.num_blocks() + vcode.preds.len() + vcode.insts().len()
}

/// How long a piece of a live range is: the instructions at which the register is live, and if it is live at the start of the block, the edges to
/// it and the block itself.
fn length<I: MachInst>(vcode: &VCode<I>, piece: Piece) -> u64 {
    let edges = match piece.is_live_in {
        true => 1 + vcode.block_preds(piece.block).len(),
        false => 0,
    };
    let insts = piece.last.inst().index() - piece.first.inst().index() + 1;
    (edges + insts) as u64
}

/// Whether all live ranges of `vcode` together are at most `limit` long. Takes no more than about `limit` steps.
fn live_ranges_are_within<I: MachInst>(
    vcode: &VCode<I>,
    limit: u64,
    heap: &mut Heap,
) -> Result<bool, HeapError> {
    if product(vcode.num_vregs(), longest(vcode)) <= limit {
        return Ok(true);
    }
    let used = heap.used();
    let accesses = Accesses::new(vcode, |_| true, heap)?;
    let mut live = LiveRange::new(vcode, heap)?;
    heap.set_used(used);
    let mut total: u64 = 0;
    for register in accesses.by_register() {
        live.compute(register);
        let lengths = live.pieces().map(|piece| length(vcode, piece));
        total += lengths.sum::<u64>();
        if total > limit {
            return Ok(false);
        }
    }
    Ok(true)
}

fn product(one: usize, other: usize) -> u64 {
    (one as u64).saturating_mul(other as u64)
}
