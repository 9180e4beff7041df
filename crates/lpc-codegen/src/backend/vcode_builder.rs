//! Building virtual-register code.
//!
//! Lowering walks the blocks from the last to the first and each block from its end to its start, so that it knows the
//! uses of a value before it meets its definition. A [`VCodeBuilder`] accepts instructions in that order, and turns
//! everything round once, when the function is complete. The text parser builds forwards.
//!
//! For each block, in any order among themselves: [`push`](VCodeBuilder::push) its instructions,
//! [`add_block_param`](VCodeBuilder::add_block_param), and [`add_branch_arg`](VCodeBuilder::add_branch_arg) and
//! [`add_succ`](VCodeBuilder::add_succ) in their own order, which
//! is never reversed. Then [`end_block`](VCodeBuilder::end_block).

use super::constants::VCodeConstants;
use super::frame::FrameRequirements;
use super::machinst::MachInst;
use super::operands::OperandCollector;
use super::ranges::{IndexRange, Ranges};
use super::reg::{Reg, VirtualReg};
use super::value_labels::ValueLabel;
use super::vcode::{BlockData, BlockFlags, BlockIndex, InsnIndex, VCode, allocator_vreg};
use super::vreg_numbering::VRegNumbering;
use crate::settings::NOTES_OBJECT_INFO;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use lpc_lpir::heap::{Heap, HeapError};
use lpc_lpir::ir::SourceLoc;
use regalloc2::PRegSet;

pub use super::vreg_numbering::VRegAllocator;

/// The order in which blocks and the instructions of each block are handed to a [`VCodeBuilder`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VCodeBuildDirection {
    /// From the first to the last.
    Forward,
    /// From the last to the first.
    Backward,
}

/// How much room to make for a function.
#[derive(Clone, Copy, Debug)]
pub struct VCodeSize {
    /// Blocks.
    pub blocks: usize,
    /// Instructions.
    pub insts: usize,
    /// Successors of blocks.
    pub edges: usize,
}

/// Collects the instructions of a function.
///
/// Its memory comes from a [`Heap`] that it has meanwhile: what there is no memory for is left out, and [`Self::heap`] has the error.
pub struct VCodeBuilder<I: MachInst> {
    vcode: VCode<I>,
    heap: Heap,
    direction: VCodeBuildDirection,
    /// What has been pushed since the last block ended.
    current: BlockData,
    /// Where the sequence of instructions starts that is being appended.
    sequence_start: usize,
}

impl<I: MachInst> VCodeBuilder<I> {
    /// A builder for a function of about `blocks` blocks and `insts` instructions.
    ///
    /// # Panics
    /// When there is no memory.
    pub fn new(direction: VCodeBuildDirection, blocks: usize, insts: usize) -> Self {
        let mut builder = Self::with_heap(direction, Heap::unlimited());
        builder.make_room(VCodeSize {
            blocks,
            insts,
            edges: 0,
        });
        builder
            .heap
            .check()
            .unwrap_or_else(|error| panic!("{error}"));
        builder
    }

    /// A builder that takes memory of `heap`.
    pub fn with_heap(direction: VCodeBuildDirection, heap: Heap) -> Self {
        Self {
            vcode: VCode {
                insts: Vec::new(),
                operands: Vec::new(),
                operand_ranges: Ranges::default(),
                srclocs: Vec::new(),
                blocks: Vec::new(),
                params: Vec::new(),
                succs: Vec::new(),
                preds: Vec::new(),
                branch_arg_ranges: Vec::new(),
                branch_args: Vec::new(),
                entry: BlockIndex::new(0),
                num_vregs: 0,
                frame: FrameRequirements::default(),
                stack_limit: Vec::new(),
                value_labels: Vec::new(),
                labelled_vregs: Vec::new(),
                constants: VCodeConstants::default(),
            },
            heap,
            direction,
            current: BlockData::default(),
            sequence_start: 0,
        }
    }

    /// Makes room for a function of about `size`. If there is none, [`Self::heap`] has the error.
    pub fn make_room(&mut self, size: VCodeSize) {
        let Self { vcode, heap, .. } = self;
        // The errors stay with the heap.
        let _ = heap.reserve(&mut vcode.insts, size.insts);
        let _ = heap.reserve(&mut vcode.blocks, size.blocks);
        let _ = heap.reserve(&mut vcode.succs, size.edges);
        let _ = heap.reserve(&mut vcode.branch_arg_ranges, size.edges);
    }

    /// Where the memory comes from.
    #[inline]
    pub fn heap(&mut self) -> &mut Heap {
        &mut self.heap
    }

    /// Asks where `reg`, a word of a value, is while the function runs.
    pub fn add_value_label(&mut self, reg: VirtualReg, label: ValueLabel) {
        let index = self.vcode.value_labels.len() as u32;
        self.heap.push(&mut self.vcode.value_labels, label);
        let start = InsnIndex::new(0);
        let vreg = reg.to_allocator_vreg();
        let labelled = (vreg, start, start, index);
        self.heap.push(&mut self.vcode.labelled_vregs, labelled);
    }

    /// Makes the function check the stack, with the current sequence, whose last instruction comes first, to compute its limit.
    pub fn end_stack_limit(&mut self) {
        while self.vcode.insts.len() > self.sequence_start
            && let Some(inst) = self.vcode.insts.pop()
        {
            self.heap.push(&mut self.vcode.stack_limit, inst);
        }
    }

    /// Makes the function check the stack, with the instructions that compute its limit.
    pub fn set_stack_limit(&mut self, insts: Vec<I>) {
        self.vcode.stack_limit = insts;
    }

    /// What the function needs of its frame.
    pub fn frame(&mut self) -> &mut FrameRequirements {
        &mut self.vcode.frame
    }

    /// The constants that are placed after the code.
    pub fn constants(&mut self) -> &mut VCodeConstants {
        &mut self.vcode.constants
    }

    /// The blocks that have been ended.
    pub fn num_blocks(&self) -> usize {
        self.vcode.blocks.len()
    }

    /// The instructions pushed so far.
    pub fn num_insts(&self) -> usize {
        self.vcode.insts.len()
    }

    /// Adds an instruction to the current block: after those pushed before it when building forwards, in front of them
    /// when building backwards.
    pub fn push(&mut self, inst: I, srcloc: SourceLoc) {
        self.append(inst);
        self.end_sequence(srcloc);
    }

    /// Adds an instruction to the current sequence, after those it has, in either direction.
    pub fn append(&mut self, inst: I) {
        self.heap.push(&mut self.vcode.insts, inst);
    }

    /// The current sequence, first things first.
    pub fn sequence(&self) -> &[I] {
        &self.vcode.insts[self.sequence_start..]
    }

    /// Adds the current sequence, which comes from `srcloc`, to the current block as [`Self::push`] adds an instruction, and
    /// starts the next one.
    #[inline]
    pub fn end_sequence(&mut self, srcloc: SourceLoc) {
        let (start, end) = (self.sequence_start, self.vcode.insts.len());
        if start == end {
            return;
        }
        if self.direction == VCodeBuildDirection::Backward && end - start > 1 {
            self.vcode.insts[start..].reverse();
        }
        self.sequence_start = end;
        if NOTES_OBJECT_INFO {
            self.note_srcloc(InsnIndex::new(start), srcloc);
        }
    }

    /// Notes that the instructions from `first` on come from `srcloc`.
    fn note_srcloc(&mut self, first: InsnIndex, srcloc: SourceLoc) {
        let is_same = match self.vcode.srclocs.last() {
            Some(&(_, last)) => last == srcloc,
            None => false,
        };
        if !is_same {
            self.heap.push(&mut self.vcode.srclocs, (first, srcloc));
        }
    }

    /// Adds a parameter to the current block, after those it has.
    pub fn add_block_param(&mut self, param: VirtualReg) {
        let vreg = param.to_allocator_vreg();
        self.heap.push(&mut self.vcode.params, vreg);
    }

    /// Adds an argument for a parameter of the successor that is added next, after those that were added for it already.
    pub fn add_branch_arg(&mut self, arg: Reg) {
        self.heap
            .push(&mut self.vcode.branch_args, allocator_vreg(arg));
    }

    /// Adds a successor to the current block, after those it has.
    ///
    /// The successors must be the targets of the block's terminator, each once, in the order in which they are first named.
    /// Blocks are named by their final index.
    pub fn add_succ(&mut self, block: BlockIndex) {
        self.heap.push(&mut self.vcode.succs, block);
        let start = self.vcode.branch_arg_ranges.last();
        let start = start.map_or(0, |range| range.end as usize);
        let range = IndexRange::new(start, self.vcode.branch_args.len());
        self.heap.push(&mut self.vcode.branch_arg_ranges, range);
    }

    /// Ends the current block and starts the next: the one after it when building forwards, the one before it when
    /// building backwards.
    pub fn end_block(&mut self, flags: BlockFlags) {
        let start = core::mem::take(&mut self.current);
        let block = BlockData {
            insns: IndexRange::new(start.insns.start as usize, self.vcode.insts.len()),
            params: IndexRange::new(start.params.start as usize, self.vcode.params.len()),
            succs: IndexRange::new(start.succs.start as usize, self.vcode.succs.len()),
            preds: IndexRange::default(),
            flags,
        };
        self.current.insns.start = block.insns.end;
        self.current.params.start = block.params.end;
        self.current.succs.start = block.succs.end;
        self.heap.push(&mut self.vcode.blocks, block);
    }

    /// Completes the function, whose first block is its entry.
    ///
    /// `vregs` is the allocator of all virtual registers that the instructions name; they are [numbered](VRegNumbering) here.
    ///
    /// # Panics
    /// When there was no memory.
    pub fn build(mut self, vregs: VRegAllocator) -> VCode<I> {
        match self.complete(vregs) {
            Ok(()) => self.vcode,
            Err(error) => panic!("{error}"),
        }
    }

    /// As [`Self::build`], in place: the function is then to be had from [`Self::into_parts`].
    ///
    /// # Errors
    /// [`HeapError`] where there was no memory.
    pub fn complete(&mut self, vregs: VRegAllocator) -> Result<(), HeapError> {
        self.heap.check()?;
        if self.direction == VCodeBuildDirection::Backward {
            self.reverse();
        }
        let mut numbering = vregs.into_numbering();
        self.collect_operands(&mut numbering)?;
        if NOTES_OBJECT_INFO {
            self.number_value_labels(&mut numbering);
        }
        self.vcode.num_vregs = numbering.num_vregs();
        self.heap.give_back(numbering.heap_bytes());
        drop(numbering);
        self.compute_preds()?;
        // The check takes memory that is not counted.
        debug_assert!(self.heap.is_limited() || self.targets_are_successors());
        Ok(())
    }

    /// The function, when it is complete, and the heap that its memory is of.
    pub fn into_parts(self) -> (VCode<I>, Heap) {
        (self.vcode, self.heap)
    }

    /// The bytes that the lists of the function take.
    pub(crate) fn vcode_bytes(&self) -> usize {
        self.vcode.heap_bytes()
    }

    /// Turns blocks and instructions round. What is indexed by ranges (parameters, successors, arguments) stays where it
    /// lies.
    fn reverse(&mut self) {
        let num_insts = self.vcode.insts.len();
        self.vcode.insts.reverse();
        self.vcode.blocks.reverse();
        for block in &mut self.vcode.blocks {
            let insns = block.insns.as_usize();
            block.insns = IndexRange::new(num_insts - insns.end, num_insts - insns.start);
        }
        if NOTES_OBJECT_INFO {
            self.reverse_srclocs(num_insts);
        }
    }

    fn reverse_srclocs(&mut self, num_insts: usize) {
        // The run that started at instruction `first` ended before the run after it.
        let mut end = num_insts;
        for (first, _) in self.vcode.srclocs.iter_mut().rev() {
            let start = first.index();
            *first = InsnIndex::new(num_insts - end);
            end = start;
        }
        self.vcode.srclocs.reverse();
    }

    /// Describes all instructions to the allocator, and gives all registers their numbers.
    fn collect_operands(&mut self, numbering: &mut VRegNumbering) -> Result<(), HeapError> {
        let (vcode, heap) = (&mut self.vcode, &mut self.heap);
        // Room was made for a guess of how many there would be, and they stay until the code is emitted.
        heap.shrink(&mut vcode.insts);
        let allocatable = match cfg!(debug_assertions) {
            true => (&I::machine_env(vcode.frame.preserve_frame_pointers)).into(),
            // Nobody looks.
            false => PRegSet::empty(),
        };
        vcode.operand_ranges = Ranges::with_capacity(vcode.insts.len(), heap)?;
        let mut collector = OperandCollector::new(vcode.insts.len(), allocatable, numbering, heap)?;
        for inst in &mut vcode.insts {
            inst.get_operands(&mut collector);
            vcode.operand_ranges.push_end(collector.num_operands());
        }
        vcode.operands = collector.finish()?;
        for vreg in vcode.params.iter_mut().chain(&mut vcode.branch_args) {
            *vreg = numbering.number(*vreg);
        }
        Ok(())
    }

    /// Gives each label the register that stands for its own, and the whole function: the allocator looks at it where the
    /// register is live.
    fn number_value_labels(&mut self, numbering: &mut VRegNumbering) {
        let vcode = &mut self.vcode;
        let end = InsnIndex::new(vcode.insts.len());
        for (vreg, _, label_end, _) in &mut vcode.labelled_vregs {
            *vreg = numbering.number(*vreg);
            *label_end = end;
        }
        vcode
            .labelled_vregs
            .sort_unstable_by_key(|&(vreg, .., label)| (vreg.vreg(), label));
    }

    /// Groups the edges by the block they lead to, in linear time.
    fn compute_preds(&mut self) -> Result<(), HeapError> {
        let (vcode, heap) = (&mut self.vcode, &mut self.heap);
        let mut next = heap.filled(0u32, vcode.blocks.len())?;
        for succ in &vcode.succs {
            next[succ.index()] += 1;
        }
        let mut start = 0;
        for (block, count) in vcode.blocks.iter_mut().zip(&mut next) {
            block.preds = IndexRange {
                start,
                end: start + *count,
            };
            *count = start;
            start = block.preds.end;
        }
        vcode.preds = heap.filled(BlockIndex::invalid(), vcode.succs.len())?;
        for (pred, block) in vcode.blocks.iter().enumerate() {
            for succ in &vcode.succs[block.succs.as_usize()] {
                let slot = &mut next[succ.index()];
                vcode.preds[*slot as usize] = BlockIndex::new(pred);
                *slot += 1;
            }
        }
        heap.free(next);
        Ok(())
    }

    fn targets_are_successors(&self) -> bool {
        self.vcode.blocks().all(|block| {
            let last = self.vcode.block_insns(block).last();
            distinct_targets(self.vcode.inst(last)) == self.vcode.block_succs(block)
        })
    }
}

/// The blocks that `inst` may go to, each once, in the order in which they are first named.
pub(super) fn distinct_targets<I: MachInst>(inst: &I) -> Vec<BlockIndex> {
    let mut targets = Vec::new();
    let mut seen = BTreeSet::new();
    inst.visit_targets(&mut |label| {
        if seen.insert(label) {
            targets.push(label.to_block());
        }
    });
    targets
}
