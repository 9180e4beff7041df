//! What it costs to allocate registers, before that is done: some functions take the allocators of `regalloc2` time that grows
//! with the square of their size.
//!
//! | algorithm | takes a step | where it grows |
//! |---|---|---|
//! | [`Ion`](RegallocAlgorithm::Ion) | for each instruction at which a register is live: those that live there too are in the way | many values live at once |
//! | | for each edge to a block in which a register is live: a move may be needed | values that live across many blocks |
//! | | for each register, over the arguments of all edges, if it is never split | many blocks with parameters |
//! | | for each block, over the predecessors of its successors | many edges to one block |
//! | [`Fastalloc`](RegallocAlgorithm::Fastalloc) | for each edge to a block in which a register is live: it is looked for in the branch | values that live across many blocks |
//!
//! Each of the products has a limit. Below it an allocation takes about a second at most; what is too much for `Ion` is given to
//! `Fastalloc`, and what is too much for that is refused. Nothing is added up where a bound that is known without looking at the
//! code is below the limit already, as for all functions of ordinary size.

use super::live_ranges::{Accesses, LiveRange, Piece};
use super::machinst::MachInst;
use super::regalloc::RegallocAlgorithm;
use super::vcode::VCode;

/// The most blocks of a function that [`RegallocAlgorithm::Ion`] is used for.
pub const MAX_ION_BLOCKS: usize = 1 << 13;

/// The most virtual registers of a function that [`RegallocAlgorithm::Ion`] is used for.
pub const MAX_ION_VREGS: usize = 1 << 16;

/// The most steps along live ranges that [`RegallocAlgorithm::Ion`] is to take.
pub const MAX_ION_STEPS: u64 = 1 << 25;

/// The most steps over the arguments of edges that [`RegallocAlgorithm::Ion`] is to take, which are faster.
pub const MAX_ION_ARGUMENT_STEPS: u64 = 1 << 27;

/// The most steps along live ranges that [`RegallocAlgorithm::Fastalloc`] is to take.
pub const MAX_FASTALLOC_STEPS: u64 = 1 << 28;

/// Whether `algorithm` allocates registers for `vcode` in reasonable time.
pub(super) fn is_affordable<I: MachInst>(vcode: &VCode<I>, algorithm: RegallocAlgorithm) -> bool {
    match algorithm {
        RegallocAlgorithm::Ion => {
            vcode.num_blocks() <= MAX_ION_BLOCKS
                && vcode.num_vregs() <= MAX_ION_VREGS
                && product(vcode.num_vregs(), vcode.branch_args.len()) <= MAX_ION_ARGUMENT_STEPS
                && live_ranges_are_within(vcode, MAX_ION_STEPS, Measure::InstsAndEdges)
        }
        RegallocAlgorithm::Fastalloc => {
            live_ranges_are_within(vcode, MAX_FASTALLOC_STEPS, Measure::Edges)
        }
    }
}

/// How the length of a live range is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Measure {
    /// The edges to blocks in which the register is live at the start, and the blocks themselves.
    Edges,
    /// The same, and the instructions at which it is live.
    InstsAndEdges,
}

impl Measure {
    /// The length that no live range of `vcode` exceeds.
    fn longest<I: MachInst>(self, vcode: &VCode<I>) -> usize {
        let edges = vcode.num_blocks() + vcode.preds.len();
        match self {
            Self::Edges => edges,
            Self::InstsAndEdges => edges + vcode.insts().len(),
        }
    }

    fn length<I: MachInst>(self, vcode: &VCode<I>, piece: Piece) -> u64 {
        let edges = match piece.is_live_in {
            true => 1 + vcode.block_preds(piece.block).len() as u64,
            false => 0,
        };
        let insts = piece.last.inst().index() - piece.first.inst().index() + 1;
        match self {
            Self::Edges => edges,
            Self::InstsAndEdges => edges + insts as u64,
        }
    }
}

/// Whether all live ranges of `vcode` together are at most `limit` long. Takes no more than about `limit` steps.
fn live_ranges_are_within<I: MachInst>(vcode: &VCode<I>, limit: u64, measure: Measure) -> bool {
    if product(vcode.num_vregs(), measure.longest(vcode)) <= limit {
        return true;
    }
    let accesses = Accesses::new(vcode, |_| true);
    let mut live = LiveRange::new(vcode);
    let mut total: u64 = 0;
    for register in accesses.by_register() {
        live.compute(register);
        let lengths = live.pieces().map(|piece| measure.length(vcode, piece));
        total += lengths.sum::<u64>();
        if total > limit {
            return false;
        }
    }
    true
}

fn product(one: usize, other: usize) -> u64 {
    (one as u64).saturating_mul(other as u64)
}
