//! Emission: from virtual-register code and its allocation to machine code, in one pass.
//!
//! Blocks are emitted in their order. Instructions get their allocated registers, the allocator's moves are put between them, the
//! prologue in front.
//!
//! Levels that optimize look for a better order: blocks that are cold come after the others, and loops end with the branch that leaves
//! them. A block that does nothing but jump is not emitted then: its label is made the same as its target's. That is how the blocks
//! which split critical edges vanish where the allocator had nothing to move on the edge.
//!
//! Whether a jump can be left out because its target comes next is decided by the order of the blocks alone, never by code
//! offsets.

use super::buffer::{CodePlace, MachBuffer, MachBufferFinalized, MachLabel};
use super::constants::{HAS_CONSTANTS, VCodeConstant, constant_alignment};
use super::frame::{AllocationSummary, FrameLayout, FrameTooLarge};
use super::machinst::{CallType, CodeOffset, MachInst};
use super::operands::AllocationApplier;
use super::reg::{RealReg, Writable};
use super::regalloc::RegallocAlgorithm;
use super::value_labels::add_value_locations;
use super::vcode::{BlockIndex, InsnIndex, SrclocCursor, VCode};
use crate::settings::NOTES_OBJECT_INFO;
use alloc::vec::Vec;
use core::fmt;
use lpc_lpir::heap::{Heap, HeapError};
use lpc_lpir::ir::SourceLoc;
use regalloc2::{Allocation, Edit, InstOrEdit, OperandKind, Output, PRegSet};

/// The machine code of a function, and what is known about it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CompiledCode {
    /// The code with its relocations, traps and source locations.
    pub buffer: MachBufferFinalized,
    /// The frame.
    pub frame: FrameLayout,
    /// What was counted on the way.
    pub stats: CodegenStats,
}

/// Figures about one compiled function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct CodegenStats {
    /// Blocks of virtual-register code.
    pub vcode_blocks: u32,
    /// Instructions of virtual-register code.
    pub vcode_insts: u32,
    /// Virtual registers.
    pub vregs: u32,
    /// Calls, those in the place of a return included.
    pub calls: u32,
    /// Moves between registers that the allocator inserted.
    pub moves: u32,
    /// Stores to spill slots.
    pub spills: u32,
    /// Loads from spill slots.
    pub reloads: u32,
    /// Spill slots, in words.
    pub spillslots: u32,
    /// What registers were allocated by, where that is known: one of [`RegallocAlgorithm::ALLOCATORS`].
    pub regalloc: Option<RegallocAlgorithm>,
}

/// Why a function cannot be emitted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EmitError {
    /// Its frame is too large.
    FrameTooLarge(FrameTooLarge),
    /// Its code is larger than signed 32-bit distances span.
    CodeTooLarge,
    /// There is no memory for it.
    Memory(HeapError),
}

impl fmt::Display for EmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FrameTooLarge(error) => error.fmt(f),
            Self::CodeTooLarge => f.write_str("the code of the function is larger than 2 GiB"),
            Self::Memory(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for EmitError {}

impl From<FrameTooLarge> for EmitError {
    fn from(error: FrameTooLarge) -> Self {
        Self::FrameTooLarge(error)
    }
}

impl From<HeapError> for EmitError {
    fn from(error: HeapError) -> Self {
        Self::Memory(error)
    }
}

/// What emitting an instruction must know of the function around it.
pub struct EmitContext<'a> {
    /// The frame.
    pub frame: &'a FrameLayout,
    /// The label of the block that is emitted after the current one.
    next_block: Option<MachLabel>,
    constants: &'a [MachLabel],
}

impl EmitContext<'_> {
    /// Whether control gets to `label` from the end of the current block without a jump.
    pub fn falls_through_to<I: MachInst>(&self, buffer: &MachBuffer<I>, label: MachLabel) -> bool {
        self.next_block == Some(buffer.resolve_label(label))
    }

    /// Where a constant of the function lies, if there is such a constant.
    pub fn constant_label(&self, constant: VCodeConstant) -> Option<MachLabel> {
        match HAS_CONSTANTS {
            true => self.constants.get(constant.index() as usize).copied(),
            false => None,
        }
    }
}

/// Emits a function, whose instructions are given their registers in place.
///
/// `relaxable` keeps what a linker needs to shorten calls: see [`MachBufferFinalized::relaxable`].
///
/// # Errors
/// [`EmitError`] where the frame or the code exceed what 32-bit distances span, or there is no memory.
pub fn emit<I: MachInst>(
    vcode: VCode<I>,
    allocation: &Output,
    info: I::EmitInfo,
    relaxable: bool,
) -> Result<CompiledCode, EmitError> {
    let mut code = CompiledCode::default();
    emit_in(
        vcode,
        allocation,
        info,
        relaxable,
        &mut Heap::unlimited(),
        &mut code,
    )?;
    Ok(code)
}

/// As [`emit`], in memory of `heap`. What is emitted goes to `code`, which is empty before.
///
/// # Errors
/// Those of [`emit`].
#[cfg_attr(target_os = "none", inline(never))]
pub fn emit_in<I: MachInst>(
    mut vcode: VCode<I>,
    allocation: &Output,
    info: I::EmitInfo,
    relaxable: bool,
    heap: &mut Heap,
    code: &mut CompiledCode,
) -> Result<(), EmitError> {
    let (num_blocks, num_insts) = (vcode.num_blocks(), vcode.insts().len());
    heap.require(MachBuffer::<I>::bytes_at_start(num_blocks, num_insts))?;
    let boxed_in_insts = heap.boxed_bytes();
    let CompiledCode {
        buffer: finished,
        frame,
        stats,
    } = code;
    let summary = summarize(&vcode, allocation, &info, stats)?;
    *frame = I::compute_frame_layout(vcode.frame(), &summary)?;

    let mut buffer = MachBuffer::new(info, num_blocks, num_insts, core::mem::take(heap));
    let constants = add_constants(&vcode, &mut buffer);
    let order = match I::optimizes(buffer.info()) {
        true => Some(emission_order(&vcode, allocation, &mut buffer)?),
        false => None,
    };
    let num_emitted = order.as_ref().map_or(num_blocks, Vec::len);
    let block_at = |position: usize| match &order {
        Some(order) => order[position],
        None => BlockIndex::new(position),
    };

    let mut context = EmitContext {
        frame,
        next_block: None,
        constants: &constants,
    };
    I::emit_prologue(vcode.stack_limit(), &mut buffer, &context);
    let prologue_size = match cfg!(debug_assertions) {
        true => buffer.largest_size(),
        false => 0,
    };
    let mut places = EmissionPlaces::new(&vcode, buffer.heap())?;
    for position in 0..num_emitted {
        let next = position + 1;
        context.next_block = (next < num_emitted).then(|| MachLabel::from_block(block_at(next)));
        emit_block(
            &mut vcode,
            allocation,
            block_at(position),
            &mut buffer,
            &context,
            &mut places,
        );
        buffer.heap().check()?;
    }
    debug_assert!(
        buffer.largest_size() - prologue_size <= summary.code_size,
        "instructions take more bytes than they say"
    );
    if NOTES_OBJECT_INFO {
        add_value_locations(&vcode, allocation, &places, &mut buffer, &context);
    }
    let vcode_bytes = vcode.heap_bytes() + boxed_in_insts;
    drop(vcode);
    buffer.heap().give_back(vcode_bytes);
    if let Some(order) = order {
        buffer.heap().free(order);
    }
    buffer.finish(relaxable, heap, finished)?;
    Ok(())
}

/// Where the code of each instruction is, in functions whose values are labelled.
pub(super) struct EmissionPlaces {
    of_insts: Vec<Option<(CodePlace, CodePlace)>>,
}

impl EmissionPlaces {
    fn new<I: MachInst>(vcode: &VCode<I>, heap: &mut Heap) -> Result<Self, HeapError> {
        let of_insts = match vcode.value_labels() {
            [] => Vec::new(),
            _ => heap.filled(None, vcode.insts().len())?,
        };
        Ok(Self { of_insts })
    }

    fn note(&mut self, inst: InsnIndex, start: CodePlace, end: CodePlace) {
        if !NOTES_OBJECT_INFO {
            return;
        }
        if let Some(place) = self.of_insts.get_mut(inst.index()) {
            *place = Some((start, end));
        }
    }

    /// Where the code of `inst` starts, if it is emitted.
    pub(super) fn before(&self, inst: InsnIndex) -> Option<CodePlace> {
        self.of_insts[inst.index()].map(|(start, _)| start)
    }

    /// Where the code of `inst` ends, if it is emitted.
    pub(super) fn after(&self, inst: InsnIndex) -> Option<CodePlace> {
        self.of_insts[inst.index()].map(|(_, end)| end)
    }
}

/// A move that the allocator asks for.
pub(super) enum Move {
    Registers(RealReg, Writable<RealReg>),
    Spill(RealReg, regalloc2::SpillSlot),
    Reload(regalloc2::SpillSlot, Writable<RealReg>),
}

/// What has to be done for a move: nothing, where a value changes its name but not its place.
#[inline]
pub(super) fn move_kind(from: Allocation, to: Allocation) -> Option<Move> {
    if from == to {
        return None;
    }
    let to_reg = to
        .as_reg()
        .map(|preg| Writable::from_reg(RealReg::from(preg)));
    Some(match (from.as_reg().map(RealReg::from), to_reg) {
        (Some(from), Some(to)) => Move::Registers(from, to),
        (Some(from), None) => Move::Spill(from, to.as_stack().expect("a place to move to")),
        (None, Some(to)) => Move::Reload(from.as_stack().expect("a place to move from"), to),
        (None, None) => unreachable!("the allocator moves nothing from memory to memory"),
    })
}

/// Collects what the frame must know of the allocation, and counts what the allocator did.
#[cfg_attr(target_os = "none", inline(never))]
fn summarize<I: MachInst>(
    vcode: &VCode<I>,
    allocation: &Output,
    info: &I::EmitInfo,
    stats: &mut CodegenStats,
) -> Result<AllocationSummary, EmitError> {
    *stats = CodegenStats {
        vcode_blocks: vcode.num_blocks() as u32,
        vcode_insts: vcode.insts().len() as u32,
        vregs: vcode.num_vregs() as u32,
        spillslots: allocation.num_spillslots as u32,
        ..CodegenStats::default()
    };
    let mut clobbered = PRegSet::empty();
    debug_assert_eq!(vcode.operands.len(), allocation.allocs.len());
    for (operand, alloc) in vcode.operands.iter().zip(&allocation.allocs) {
        if operand.kind() == OperandKind::Def
            && let Some(preg) = alloc.as_reg()
        {
            clobbered.add(preg);
        }
    }
    let mut function_calls = CallType::None;
    let mut size: CodeOffset = 0;
    for inst in vcode.insts() {
        function_calls = function_calls.max(inst.call_type());
        stats.calls += u32::from(inst.call_type() != CallType::None);
        if inst.call_type() != CallType::None {
            clobbered.union_from(inst.clobbers());
        }
        size = size.saturating_add(inst.worst_case_size());
    }
    if I::optimizes(info) {
        let padding = I::loop_alignment(info).bytes();
        let aligned = |&block: &BlockIndex| vcode.block_flags(block).is_aligned;
        let num_aligned = vcode.blocks().filter(aligned).count() as u32;
        size = size.saturating_add(num_aligned.saturating_mul(padding));
    }
    for (_, Edit::Move { from, to }) in &allocation.edits {
        if from == to {
            continue;
        }
        match to.as_reg() {
            Some(preg) => {
                clobbered.add(preg);
                match from.is_reg() {
                    true => stats.moves += 1,
                    false => stats.reloads += 1,
                }
            }
            None => stats.spills += 1,
        }
        size = size.saturating_add(I::WORST_CASE_MOVE_SIZE);
    }
    if size > MAX_CODE_SIZE {
        return Err(EmitError::CodeTooLarge);
    }
    Ok(AllocationSummary {
        num_spillslots: allocation.num_spillslots as u32,
        clobbered,
        function_calls,
        code_size: size,
    })
}

/// The largest code whose distances fit a signed 32-bit number, with room for prologue and constants.
const MAX_CODE_SIZE: CodeOffset = 1 << 30;

#[inline]
pub(super) fn gen_move<I: MachInst>(kind: Move) -> I {
    match kind {
        Move::Registers(from, to) => I::gen_move(to.map(RealReg::to_reg), from.to_reg()),
        Move::Spill(from, to) => I::gen_spill(to, from),
        Move::Reload(from, to) => I::gen_reload(to, from),
    }
}

fn add_constants<I: MachInst>(vcode: &VCode<I>, buffer: &mut MachBuffer<I>) -> Vec<MachLabel> {
    let mut labels = Vec::new();
    if !HAS_CONSTANTS {
        return labels;
    }
    for (_, bytes) in vcode.constants().iter() {
        let label = buffer.add_data(bytes, constant_alignment(bytes.len()));
        buffer.heap().push(&mut labels, label);
    }
    labels
}

/// Makes the label of each block that only jumps the same as that of the block where control ends up, and tells which blocks
/// those are.
///
/// The entry block stays: the prologue runs into it. In a cycle of such blocks one stays, and jumps to itself.
fn thread_jumps<I: MachInst>(
    vcode: &VCode<I>,
    allocation: &Output,
    buffer: &mut MachBuffer<I>,
) -> Result<Vec<bool>, HeapError> {
    let blocks = (0..vcode.num_blocks()).map(BlockIndex::new);
    let mut leads_to = buffer.heap().collect(blocks)?;
    for block in vcode.blocks() {
        if block == vcode.entry() {
            continue;
        }
        if let Some(target) = only_jumps(vcode, allocation, block) {
            // Where that is the block itself, a cycle has been closed.
            leads_to[block.index()] = end_of_path(&mut leads_to, target.to_block());
        }
    }
    let mut threaded = buffer.heap().filled(false, vcode.num_blocks())?;
    for block in vcode.blocks() {
        let end = end_of_path(&mut leads_to, block);
        if end != block {
            threaded[block.index()] = true;
            buffer.alias_label(MachLabel::from_block(block), MachLabel::from_block(end));
        }
    }
    buffer.heap().free(leads_to);
    Ok(threaded)
}

/// Follows `leads_to` from `block` to a block that leads to itself, and shortens the path for those who follow it again.
fn end_of_path(leads_to: &mut [BlockIndex], block: BlockIndex) -> BlockIndex {
    let mut end = block;
    while leads_to[end.index()] != end {
        end = leads_to[end.index()];
    }
    let mut step = block;
    while step != end {
        step = core::mem::replace(&mut leads_to[step.index()], end);
    }
    end
}

/// Where `block` jumps to, if it does nothing else.
fn only_jumps<I: MachInst>(
    vcode: &VCode<I>,
    allocation: &Output,
    block: BlockIndex,
) -> Option<MachLabel> {
    let last = vcode.block_insns(block).last();
    let target = vcode.inst(last).is_jump()?;
    // The instructions are looked at first: most blocks that end in a jump have others, and their edits must be searched for.
    let mut others = vcode.block_insns(block).iter().filter(|&inst| inst != last);
    let is_empty = others.all(|inst| moves_nothing(vcode, allocation, inst))
        && allocation
            .block_insts_and_edits(vcode, block)
            .all(|inst_or_edit| match inst_or_edit {
                InstOrEdit::Inst(_) => true,
                InstOrEdit::Edit(Edit::Move { from, to }) => from == to,
            });
    is_empty.then_some(target)
}

/// Whether `inst` is a move whose source and destination were given the same register.
fn moves_nothing<I: MachInst>(vcode: &VCode<I>, allocation: &Output, inst: InsnIndex) -> bool {
    vcode.inst(inst).is_move().is_some()
        && matches!(allocation.inst_allocs(inst), [from, to] if from == to)
}

/// The blocks that are emitted: the entry first, cold blocks last, else in the order of the function, but for loops.
///
/// A loop that ends with a jump to its head would execute that jump each time around. So the last block is laid out in front of
/// the head, or the head behind the last block, and the jump is executed once, by who enters the loop:
///
/// ```text
///   entry                entry: jump head       entry                    entry: jump head
///   head: …              edge:  moves           head: branch exit        body: …
///         branch exit    head:  …               body: …             ──►  head: branch body
///   edge: moves     ──►         branch edge           jump head          exit
///         jump head      exit                   exit
///   exit
/// ```
fn emission_order<I: MachInst>(
    vcode: &VCode<I>,
    allocation: &Output,
    buffer: &mut MachBuffer<I>,
) -> Result<Vec<BlockIndex>, HeapError> {
    let mut is_placed = thread_jumps(vcode, allocation, buffer)?;
    let heap = buffer.heap();
    let mut order = heap.vec(vcode.num_blocks())?;
    is_placed[vcode.entry().index()] = true;
    let turned_loops = turned_loops(vcode, &is_placed, heap)?;
    for moved in &turned_loops {
        is_placed[moved.block.index()] = true;
    }
    let mut turned = turned_loops.iter().peekable();
    let placed = |is_cold: bool| {
        let blocks = vcode.blocks().filter(|block| !is_placed[block.index()]);
        blocks.filter(move |&block| vcode.block_flags(block).is_cold == is_cold)
    };
    order.push(vcode.entry());
    for block in placed(false) {
        match turned.next_if(|moved| moved.neighbor == block) {
            Some(moved) if moved.is_before => order.extend([moved.block, block]),
            Some(moved) => order.extend([block, moved.block]),
            None => order.push(block),
        }
    }
    order.extend(placed(true));
    heap.free(is_placed);
    heap.free(turned_loops);
    Ok(order)
}

/// A block that is laid out beside another one, by which a loop has no jump to its head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct MovedBlock {
    block: BlockIndex,
    neighbor: BlockIndex,
    /// Whether it stands before its neighbor, or else behind it.
    is_before: bool,
}

/// The blocks to move, in the order of their neighbors, of which none is moved itself. `is_placed` are the blocks that stay.
fn turned_loops<I: MachInst>(
    vcode: &VCode<I>,
    is_placed: &[bool],
    heap: &mut Heap,
) -> Result<Vec<MovedBlock>, HeapError> {
    let is_free = |block: BlockIndex| {
        let flags = vcode.block_flags(block);
        !is_placed[block.index()] && !flags.is_cold && !flags.is_aligned
    };
    let mut turned = Vec::new();
    let mut is_taken = heap.filled(false, vcode.num_blocks())?;
    for end in vcode.blocks() {
        let jump = vcode.inst(vcode.block_insns(end).last()).is_jump();
        let Some(head) = jump.map(MachLabel::to_block) else {
            continue;
        };
        if head >= end || !is_free(head) || !is_free(end) {
            continue;
        }
        // A head that leaves the loop goes on behind its end.
        let leaves = |succ: &BlockIndex| *succ > end;
        let is_test =
            vcode.block_succs(head).len() == 2 && vcode.block_succs(head).iter().any(leaves);
        let moved = match vcode.block_flags(end).is_edge {
            true => MovedBlock {
                block: end,
                neighbor: head,
                is_before: true,
            },
            false if is_test => MovedBlock {
                block: head,
                neighbor: end,
                is_before: false,
            },
            false => continue,
        };
        // Of several loops with one head the first one counts: the others are around it.
        if !is_taken[head.index()] && !is_taken[end.index()] {
            is_taken[head.index()] = true;
            is_taken[end.index()] = true;
            heap.push(&mut turned, moved);
        }
    }
    heap.free(is_taken);
    turned.sort_unstable_by_key(|moved| moved.neighbor);
    heap.check()?;
    Ok(turned)
}

fn emit_block<I: MachInst>(
    vcode: &mut VCode<I>,
    allocation: &Output,
    block: BlockIndex,
    buffer: &mut MachBuffer<I>,
    context: &EmitContext<'_>,
    places: &mut EmissionPlaces,
) {
    if I::optimizes(buffer.info()) && vcode.block_flags(block).is_aligned {
        buffer.align_to(I::loop_alignment(buffer.info()).bytes());
    }
    buffer.bind_label(MachLabel::from_block(block));
    let mut srclocs = SrclocCursor::new(&vcode.srclocs, vcode.block_insns(block).first());
    for inst_or_edit in allocation.block_insts_and_edits(vcode, block) {
        match inst_or_edit {
            InstOrEdit::Inst(index) => {
                if let Some(srcloc) = srclocs.changed(index) {
                    buffer.set_srcloc(srcloc);
                }
                let allocations = &allocation.allocs[vcode.operand_ranges.get(index.index())];
                let inst = &mut vcode.insts[index.index()];
                inst.get_operands(&mut AllocationApplier::new(allocations));
                let start = buffer.cur_place();
                inst.emit(buffer, context);
                debug_assert!(buffer.largest_size_since(start) <= inst.worst_case_size());
                places.note(index, start, buffer.cur_place());
            }
            InstOrEdit::Edit(Edit::Move { from, to }) => {
                if let Some(kind) = move_kind(*from, *to) {
                    let inst = gen_move::<I>(kind);
                    let start = buffer.cur_place();
                    inst.emit(buffer, context);
                    debug_assert!(buffer.largest_size_since(start) <= inst.worst_case_size());
                }
            }
        }
    }
    buffer.set_srcloc(SourceLoc::default());
}
