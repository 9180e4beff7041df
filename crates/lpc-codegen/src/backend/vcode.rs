//! Virtual-register code: a function as a graph of blocks of machine instructions.
//!
//! [`VCode`] is what lowering produces, what the register allocator reads and what emission turns into bytes. It is not
//! changed after it is built, up to emission, which consumes it: an allocation stands beside it. Everything lies in a few
//! flat arrays.
//!
//! ```text
//!  blocks:    │ block0            │ block1          │ …          BlockData: ranges into the arrays below
//!               │      │    │
//!               │      │    └► succs, preds, params               Block, Block, VReg
//!               │      └─────► branch_arg_ranges ► branch_args    one range for each element of `succs`
//!               └────────────► insts ► operand_ranges ► operands  constraints for the allocator
//! ```
//!
//! Invariants:
//! - every block ends in the one terminator that it has, and its successors are the terminator's targets, each once, in the
//!   order in which they are first named;
//! - no edge is critical: where a block has several successors, each of them has that block as its only predecessor;
//! - nothing branches to the entry block, and it has no parameters;
//! - control can get to every block, and each but the first stands behind one of its predecessors: so the blocks that dominate it stand before it;
//! - each virtual register is defined once, in a place that dominates its uses.
//!
//! The first is an assertion of [`VCodeBuilder`](super::vcode_builder::VCodeBuilder). That blocks are reached, who makes the
//! code must see to; the rest is checked by the register allocator.

use super::constants::VCodeConstants;
use super::frame::FrameRequirements;
use super::machinst::{CallType, MachInst, MachTerminator};
use super::ranges::{IndexRange, Ranges};
use super::reg::{Reg, VirtualReg};
use super::value_labels::ValueLabel;
use crate::settings::NOTES_OBJECT_INFO;
use alloc::vec::Vec;
use lpc_lpir::heap::bytes_of;
use lpc_lpir::ir::SourceLoc;
use regalloc2::{InstRange, Operand, PRegSet, VReg};

/// An instruction of a [`VCode`], counted through all blocks.
pub type InsnIndex = regalloc2::Inst;

/// A block of a [`VCode`], in the order in which blocks are laid out.
pub type BlockIndex = regalloc2::Block;

/// What a block is to its function, besides its instructions.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BlockFlags {
    /// The block was made to split a critical edge: it stands for the edge, not for a block of the source.
    pub is_edge: bool,
    /// The block is rarely executed, and is laid out after all that are not cold.
    pub is_cold: bool,
    /// The block starts a loop, and is to be aligned.
    pub is_aligned: bool,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct BlockData {
    pub(super) insns: IndexRange,
    pub(super) params: IndexRange,
    pub(super) succs: IndexRange,
    pub(super) preds: IndexRange,
    pub(super) flags: BlockFlags,
}

/// A function in virtual-register code. See the [module](self) for its shape.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VCode<I: MachInst> {
    pub(super) insts: Vec<I>,
    pub(super) operands: Vec<Operand>,
    /// For each instruction, its part of `operands`.
    pub(super) operand_ranges: Ranges,
    /// The first instruction of each run with the same source location, in order.
    pub(super) srclocs: Vec<(InsnIndex, SourceLoc)>,
    pub(super) blocks: Vec<BlockData>,
    pub(super) params: Vec<VReg>,
    pub(super) succs: Vec<BlockIndex>,
    pub(super) preds: Vec<BlockIndex>,
    /// For each element of `succs`, its part of `branch_args`.
    pub(super) branch_arg_ranges: Vec<IndexRange>,
    pub(super) branch_args: Vec<VReg>,
    pub(super) entry: BlockIndex,
    pub(super) num_vregs: u32,
    pub(super) frame: FrameRequirements,
    pub(super) constants: VCodeConstants,
    pub(super) stack_limit: Vec<I>,
    /// What the labels of [`Self::labelled_vregs`] stand for.
    pub(super) value_labels: Vec<ValueLabel>,
    /// Virtual registers with a label, an index into `value_labels`, in the form that the allocator takes, in their order.
    pub(super) labelled_vregs: Vec<(VReg, InsnIndex, InsnIndex, u32)>,
}

impl<I: MachInst> VCode<I> {
    /// The bytes that the lists take. What instructions have in boxes of their own is not counted.
    pub(crate) fn heap_bytes(&self) -> usize {
        bytes_of(&self.insts)
            + bytes_of(&self.operands)
            + self.operand_ranges.heap_bytes()
            + bytes_of(&self.srclocs)
            + bytes_of(&self.blocks)
            + bytes_of(&self.params)
            + bytes_of(&self.succs)
            + bytes_of(&self.preds)
            + bytes_of(&self.branch_arg_ranges)
            + bytes_of(&self.branch_args)
            + bytes_of(&self.stack_limit)
            + bytes_of(&self.value_labels)
            + bytes_of(&self.labelled_vregs)
    }

    /// The instructions of all blocks.
    pub fn insts(&self) -> &[I] {
        &self.insts
    }

    /// One instruction.
    pub fn inst(&self, index: InsnIndex) -> &I {
        &self.insts[index.index()]
    }

    /// What the function needs of its frame, apart from what the register allocation adds.
    pub fn frame(&self) -> &FrameRequirements {
        &self.frame
    }

    /// The instructions that compute the lowest address that the stack may reach, with physical registers, or nothing where
    /// the stack is not checked. They stand before the prologue.
    pub fn stack_limit(&self) -> &[I] {
        &self.stack_limit
    }

    /// The words of values that are labelled, so that it is known where they are: the labels are indices of this list.
    pub fn value_labels(&self) -> &[ValueLabel] {
        match NOTES_OBJECT_INFO {
            true => &self.value_labels,
            false => &[],
        }
    }

    /// The blocks that have instructions of `insts`.
    pub fn blocks_of(
        &self,
        insts: core::ops::Range<InsnIndex>,
    ) -> impl Iterator<Item = BlockIndex> + use<'_, I> {
        let first = self
            .blocks
            .partition_point(|block| block.insns.as_usize().end <= insts.start.index());
        let end = insts.end.index();
        (first..self.blocks.len())
            .take_while(move |&block| self.blocks[block].insns.as_usize().start < end)
            .map(BlockIndex::new)
    }

    /// The constants that are placed after the code.
    pub fn constants(&self) -> &VCodeConstants {
        &self.constants
    }

    /// Where control enters.
    pub fn entry(&self) -> BlockIndex {
        self.entry
    }

    /// The number of blocks.
    pub fn num_blocks(&self) -> usize {
        self.blocks.len()
    }

    /// All blocks in order.
    pub fn blocks(&self) -> impl DoubleEndedIterator<Item = BlockIndex> + use<I> {
        (0..self.blocks.len()).map(BlockIndex::new)
    }

    /// What `block` is to the function.
    pub fn block_flags(&self, block: BlockIndex) -> BlockFlags {
        self.blocks[block.index()].flags
    }

    /// The instructions of `block`.
    pub fn block_insns(&self, block: BlockIndex) -> InstRange {
        let insns = self.blocks[block.index()].insns;
        InstRange::new(
            InsnIndex::new(insns.start as usize),
            InsnIndex::new(insns.end as usize),
        )
    }

    /// The successors of `block`: the targets of its terminator, each once, in the order in which they are first named.
    pub fn block_succs(&self, block: BlockIndex) -> &[BlockIndex] {
        &self.succs[self.blocks[block.index()].succs.as_usize()]
    }

    /// The predecessors of `block`, once for each edge.
    pub fn block_preds(&self, block: BlockIndex) -> &[BlockIndex] {
        &self.preds[self.blocks[block.index()].preds.as_usize()]
    }

    /// The parameters of `block`.
    pub fn block_params(&self, block: BlockIndex) -> impl ExactSizeIterator<Item = VirtualReg> {
        self.block_param_vregs(block)
            .iter()
            .map(|&vreg| VirtualReg::from_allocator_vreg(vreg))
    }

    /// The arguments that `block` passes to the parameters of its successor number `succ`.
    pub fn branch_args(
        &self,
        block: BlockIndex,
        succ: usize,
    ) -> impl ExactSizeIterator<Item = VirtualReg> {
        self.branch_arg_vregs(block, succ)
            .iter()
            .map(|&vreg| VirtualReg::from_allocator_vreg(vreg))
    }

    pub(super) fn block_param_vregs(&self, block: BlockIndex) -> &[VReg] {
        &self.params[self.blocks[block.index()].params.as_usize()]
    }

    pub(super) fn branch_arg_vregs(&self, block: BlockIndex, succ: usize) -> &[VReg] {
        let first = self.blocks[block.index()].succs.start as usize;
        &self.branch_args[self.branch_arg_ranges[first + succ].as_usize()]
    }

    /// The constraints on the registers of an instruction, in the order in which it describes them.
    pub fn inst_operands(&self, inst: InsnIndex) -> &[Operand] {
        &self.operands[self.operand_ranges.get(inst.index())]
    }

    /// The registers that hold arbitrary values after an instruction.
    // It is asked of every instruction, more than once, and has no answer for most.
    #[inline(always)]
    pub fn inst_clobbers(&self, inst: InsnIndex) -> PRegSet {
        let inst = self.inst(inst);
        match inst.call_type() {
            CallType::Regular => inst.clobbers(),
            _ => PRegSet::empty(),
        }
    }

    /// Where in the source an instruction comes from.
    pub fn srcloc(&self, inst: InsnIndex) -> SourceLoc {
        let after = self.srclocs.partition_point(|&(first, _)| first <= inst);
        match after.checked_sub(1) {
            Some(run) => self.srclocs[run].1,
            None => SourceLoc::default(),
        }
    }

    /// How many virtual registers there are: they are numbered without gaps.
    pub fn num_vregs(&self) -> usize {
        self.num_vregs as usize
    }

    /// Whether the instruction ends its block without going on to another block of the function.
    pub(super) fn leaves_function(&self, inst: InsnIndex) -> bool {
        matches!(
            self.inst(inst).is_term(),
            MachTerminator::Ret | MachTerminator::RetCall
        )
    }
}

/// Where the instructions of a block come from, that are asked for in their order.
pub(super) struct SrclocCursor<'a> {
    /// The runs with the same location that were not come to yet, or are the one that the block starts in.
    runs: &'a [(InsnIndex, SourceLoc)],
}

impl<'a> SrclocCursor<'a> {
    /// For the block that starts with `first`. `runs` are those of the function.
    pub(super) fn new(runs: &'a [(InsnIndex, SourceLoc)], first: InsnIndex) -> Self {
        if !NOTES_OBJECT_INFO {
            return Self { runs: &[] };
        }
        let after = runs.partition_point(|&(start, _)| start <= first);
        Self {
            runs: &runs[after.saturating_sub(1)..],
        }
    }

    /// Where `inst` comes from, unless that is what was told last, or nothing is known from the start of the function.
    #[inline]
    pub(super) fn changed(&mut self, inst: InsnIndex) -> Option<SourceLoc> {
        let (&(start, srcloc), rest) = self.runs.split_first()?;
        if start > inst {
            return None;
        }
        self.runs = rest;
        Some(srcloc)
    }
}

/// The virtual register in `reg`, as the allocator knows it.
pub(super) fn allocator_vreg(reg: Reg) -> VReg {
    reg.to_virtual_reg()
        .expect("block parameters and arguments are virtual registers")
        .to_allocator_vreg()
}
