//! Lowering: from the instructions of LPIR to those of the machine, with virtual registers.
//!
//! The blocks are lowered from the last to the first, and each block from its end to its start. So every use of a value is
//! seen before its definition, which gives two things for nothing:
//!
//! - an instruction whose results nobody needed, and that has no effect, is never lowered;
//! - an instruction may look through the definition of an operand and do its work too (a branch compares, and at the levels
//!   that optimize a load adds). It then does not ask for the operand's register, and if no other instruction does either, the definition
//!   vanishes.
//!
//! Looking through a definition is right because values never change: whatever the operands of the definition were, they
//! are the same wherever the definition dominates. Only instructions without effects are looked through.
//!
//! Each value gets its virtual registers (one, two or four words, the low one first) when they are asked for first. An
//! instruction defines them by writing to [`Lower::output_word`], or by naming other registers that hold its result already:
//! [`Lower::alias_output_word`].
//!
//! What is particular to a machine is behind [`LowerBackend`].
//!
//! **Errors stay.** A rule that cannot do its work leaves the error with [`Lower::fail`], or with the heap, and returns. Nothing comes of
//! what has been lowered by then, and lowering ends with the instruction.

use super::abi::{AbiSignature, FunctionAbis, WORD_BYTES, words_of};
use super::blockorder::{BlockLoweringOrder, LoweredBlock, Successor};
use super::buffer::MachLabel;
use super::frame::{FrameRequirements, MAX_FRAME_SIZE, STACK_ALIGNMENT};
use super::machinst::MachInst;
use super::reg::{Reg, RegClass, VirtualReg, Writable};
use super::value_labels::ValueLabel;
use super::vcode::{BlockFlags, BlockIndex};
use super::vcode_builder::{VCodeBuildDirection, VCodeBuilder, VCodeSize, VRegAllocator};
use crate::error::{CompileError, UnsupportedFeature};
use crate::settings::{CodeAlignment, Settings};
use alloc::vec::Vec;
use lpc_lpir::analysis::LoopAnalysis;
use lpc_lpir::entity::EntityRef;
use lpc_lpir::heap::{Boxed, Heap, bytes_of};
use lpc_lpir::ir::{
    Block, Function, Inst, InstructionData, Opcode, SourceLoc, StackSlot, StackSlotData, Type,
    Value,
};
use regalloc2::VReg;

/// Stands for the registers of values that have none yet.
const NO_VREG: VReg = VReg::invalid();

/// What a machine adds to lowering.
pub trait LowerBackend {
    /// Its instructions.
    type Inst: MachInst;

    /// Lowers the instruction `inst`, which is not a branch.
    fn lower(ctx: &mut Lower<'_, Self::Inst>, inst: Inst);

    /// Lowers the terminator `inst`, whose branches lead to `targets`, at least two of which are different.
    fn lower_branch(ctx: &mut Lower<'_, Self::Inst>, inst: Inst, targets: &[BlockIndex]);

    /// Gives the parameters of the function their values.
    fn lower_params(ctx: &mut Lower<'_, Self::Inst>);

    /// Appends the instructions that compute the lowest address that the stack may reach, the last one first, or none where the
    /// function does not check that. They stand before the prologue, with physical registers.
    fn lower_stack_limit(ctx: &mut Lower<'_, Self::Inst>);
}

/// The state of lowering a function, as the rules of a machine see it.
pub struct Lower<'f, I: MachInst> {
    /// The function.
    pub func: &'f Function,
    /// The settings of the compilation.
    pub settings: &'f Settings,
    /// The function's own signature.
    pub abi: &'f AbiSignature,
    /// Whether some value of the function is a floating-point number.
    pub has_floats: bool,
    /// What comes of it. Behind one reference, which is all that most rules pass on.
    lowered: &'f mut Lowered<I>,
    /// By value.
    values: Vec<LoweredValue>,
    /// By stack slot.
    slot_offsets: Vec<u32>,
    abis: &'f FunctionAbis,
    /// The address of the memory for results that do not fit in registers.
    return_area_pointer: Option<VirtualReg>,
    /// What is known of loops, where that makes better code.
    loops: Option<&'f LoopAnalysis>,
    /// The instruction of the function that is being lowered: none in blocks of edges, and at the start of the function.
    pub current: CurrentInst,
    /// The block that is being lowered.
    current_block: Option<Block>,
    /// Words of operands of the current instruction that are constants, and that it finds in a register all the same: the
    /// constant, the value it is a word of, and its number there.
    constants_outside_loop: Vec<(i32, Value, usize)>,
    /// Why the function cannot be lowered, unless it is for want of memory.
    error: Option<CompileError>,
}

/// What most rules need of the instruction that is being lowered.
#[derive(Clone, Copy)]
pub struct CurrentInst {
    /// Its opcode.
    pub opcode: Opcode,
    /// Its first result, of those that have one.
    pub result: Value,
    /// The type of that.
    pub ty: Type,
    /// Its operands, of those that have a fixed number of them, which is not more than these. The last one stands in the place of
    /// those that there are not.
    pub args: [Value; 3],
}

impl CurrentInst {
    /// Stands for none.
    const NONE: Self = Self {
        opcode: Opcode::Nop,
        result: Value::from_u32(0),
        ty: Type::I32,
        args: [Value::from_u32(0); 3],
    };

    /// Those of `inst`.
    fn of(func: &Function, inst: Inst) -> Self {
        let data = func.dfg.inst(inst);
        let mut current = Self {
            opcode: data.opcode(),
            ..Self::NONE
        };
        let mut args = data.fixed_arguments();
        for arg in &mut current.args {
            if let [first, rest @ ..] = args {
                *arg = *first;
                if !rest.is_empty() {
                    args = rest;
                }
            }
        }
        if let Some(result) = func.dfg.inst_results(inst).next() {
            current.result = result;
            current.ty = func.dfg.value_type(result);
        }
        current
    }
}

/// A function whose instructions have been lowered: what [`VCodeBuilder::complete`] takes.
pub struct Lowered<I: MachInst> {
    /// Has the instructions.
    pub builder: VCodeBuilder<I>,
    /// Has handed out the registers that they name.
    pub vregs: VRegAllocator,
}

impl<I: MachInst> Lowered<I> {
    /// Nothing yet. What becomes of a function takes memory of `heap`.
    pub fn new(heap: Heap) -> Self {
        Self {
            builder: VCodeBuilder::with_heap(VCodeBuildDirection::Backward, heap),
            vregs: VRegAllocator::new(),
        }
    }
}

/// The function cannot be lowered. [`Lower::check`] has the error.
struct Failed;

/// What the code that has been lowered asks of a value.
#[derive(Clone, Copy)]
struct LoweredValue {
    /// The first of its virtual registers, or [`NO_VREG`].
    first_vreg: VReg,
    /// The words that are read, as a bit set.
    needed: u8,
}

impl Default for LoweredValue {
    fn default() -> Self {
        Self {
            first_vreg: NO_VREG,
            needed: 0,
        }
    }
}

/// Lowers `func`, whose blocks are laid out in `order`, whose loops are `loops`, where they matter, and whose signatures are `abis`.
///
/// All of its instructions go to the `lowered` function, which is empty before and does not need the other one.
///
/// # Errors
/// When an instruction needs something that the machine does not have, and when there is no memory.
pub fn lower<B: LowerBackend>(
    func: &Function,
    settings: &Settings,
    abis: &FunctionAbis,
    order: &BlockLoweringOrder,
    loops: Option<&LoopAnalysis>,
    lowered: &mut Lowered<B::Inst>,
) -> Result<(), CompileError> {
    let mut ctx = Lower::new(func, settings, abis, loops, lowered);
    ctx.make_room(order);
    ctx.check()?;
    ctx.return_area_pointer = ctx.abi.return_area_pointer.map(|_| ctx.alloc_vregs(1));
    ctx.lay_out_frame();
    ctx.check()?;
    for index in (0..order.num_blocks()).rev().map(BlockIndex::new) {
        let block = order.block(index);
        let outcome = match block {
            LoweredBlock::Orig(block) => lower_block::<B>(&mut ctx, order, index, block),
            LoweredBlock::CriticalEdge { pred } => {
                ctx.current_block = None;
                ctx.current = CurrentInst::NONE;
                let terminator = func.layout.last_inst(pred);
                let terminator = terminator.expect("an edge leaves a terminator");
                ctx.lower_jump(order, index, terminator);
                ctx.flush(func.srclocs[terminator])
            }
        };
        if outcome.is_err() {
            break;
        }
        let is_aligned = ctx.is_aligned(block);
        ctx.lowered.builder.end_block(BlockFlags {
            is_aligned,
            ..order.flags(index)
        });
    }
    ctx.check()?;
    if settings.notes_value_labels() {
        ctx.label_values();
    }
    B::lower_stack_limit(&mut ctx);
    ctx.lowered.builder.end_stack_limit();
    ctx.check()?;
    ctx.finish();
    Ok(())
}

fn lower_block<B: LowerBackend>(
    ctx: &mut Lower<'_, B::Inst>,
    order: &BlockLoweringOrder,
    index: BlockIndex,
    block: Block,
) -> Result<(), Failed> {
    let func = ctx.func;
    ctx.current_block = Some(block);
    for inst in func.layout.block_insts(block).rev() {
        let data = func.dfg.inst(inst);
        if ctx.is_any_result_needed(inst) || data.has_side_effects() {
            ctx.current = CurrentInst::of(func, inst);
            match data.opcode().is_branch() {
                true => lower_terminator::<B>(ctx, order, index, inst),
                false => B::lower(ctx, inst),
            }
        }
        ctx.flush(func.srclocs[inst])?;
    }
    ctx.current = CurrentInst::NONE;
    if func.entry_block() == Some(block) {
        B::lower_params(ctx);
        return ctx.flush(SourceLoc::default());
    }
    for param in func.dfg.block_params(block) {
        for index in 0..words_of(ctx.ty(param)) as usize {
            let reg = ctx.value_reg(param, index);
            ctx.lowered.builder.add_block_param(reg);
        }
    }
    Ok(())
}

/// Lowers the branch `inst` at the end of the block `index` and adds the successors of the block.
fn lower_terminator<B: LowerBackend>(
    ctx: &mut Lower<'_, B::Inst>,
    order: &BlockLoweringOrder,
    index: BlockIndex,
    inst: Inst,
) {
    if let [_] = order.successors(index) {
        ctx.lower_jump(order, index, inst);
        return;
    }
    B::lower_branch(ctx, inst, order.branches(index));
    for &successor in order.successors(index) {
        ctx.add_succ(order, inst, successor);
    }
}

impl<'f, I: MachInst> Lower<'f, I> {
    /// The state before there is room for anything.
    fn new(
        func: &'f Function,
        settings: &'f Settings,
        abis: &'f FunctionAbis,
        loops: Option<&'f LoopAnalysis>,
        lowered: &'f mut Lowered<I>,
    ) -> Self {
        Self {
            func,
            settings,
            abi: &abis.own,
            has_floats: has_floats(func),
            lowered,
            values: Vec::new(),
            slot_offsets: Vec::new(),
            abis,
            return_area_pointer: None,
            loops,
            current: CurrentInst::NONE,
            current_block: None,
            constants_outside_loop: Vec::new(),
            error: None,
        }
    }

    /// Makes the room that is known to be needed. If there is none, [`Self::check`] tells.
    fn make_room(&mut self, order: &BlockLoweringOrder) {
        let dfg = &self.func.dfg;
        let num_insts = dfg.num_insts();
        let size = VCodeSize {
            blocks: order.num_blocks(),
            insts: num_insts,
            edges: order.num_edges(),
        };
        // One for the result of each instruction, and one for what it is computed to.
        self.lowered
            .vregs
            .make_room(num_insts * 2, self.lowered.builder.heap());
        let (values, slots) = (dfg.num_values(), self.func.stack_slots.len());
        let heap = self.lowered.builder.heap();
        // The errors stay with the heap.
        let _ = heap.refill(&mut self.values, LoweredValue::default(), values);
        let _ = heap.refill(&mut self.slot_offsets, 0, slots);
        self.lowered.builder.make_room(size);
    }

    fn lay_out_frame(&mut self) {
        let frame = self.lowered.builder.frame();
        frame.incoming_args_size = self.abi.stack_args_size;
        frame.tail_args_size = self.abi.stack_args_size;
        frame.pops_incoming_args = self.abi.callee_pops;
        frame.preserve_frame_pointers = self.settings.preserve_frame_pointers;
        frame.stackslots_align = WORD_BYTES;
        let mut size = 0u32;
        for (slot, data) in self.func.stack_slots.iter() {
            let layout = SlotLayout::of(data);
            size = size.next_multiple_of(layout.align);
            self.slot_offsets[slot.index()] = size;
            size = size.saturating_add(layout.size);
            frame.stackslots_align = frame.stackslots_align.max(layout.align);
            if size > MAX_FRAME_SIZE {
                return self.fail(CompileError::FrameTooLarge);
            }
        }
        frame.stackslots_size = size;
    }

    /// Labels the registers of all values that have some.
    fn label_values(&mut self) {
        for value in self.func.dfg.values() {
            if self.values[value.index()].first_vreg == NO_VREG {
                continue;
            }
            for word in 0..words_of(self.func.dfg.value_type(value)) {
                let reg = self.value_reg(value, word as usize);
                let label = ValueLabel {
                    value,
                    word: word as u8,
                };
                self.lowered.builder.add_value_label(reg, label);
            }
        }
    }

    /// Whether `block` is to be aligned: it starts a loop that matters.
    fn is_aligned(&self, block: LoweredBlock) -> bool {
        let LoweredBlock::Orig(block) = block else {
            return false;
        };
        self.settings.loop_alignment != CodeAlignment::NONE
            && self
                .loops()
                .is_some_and(|loops| loops.is_loop_header(block).is_some())
            && !self.func.layout.is_cold(block)
    }

    /// The loops, where they matter.
    fn loops(&self) -> Option<&'f LoopAnalysis> {
        self.loops.filter(|_| self.settings.optimizes())
    }

    /// Appends `inst` to what the current instruction is lowered to.
    pub fn emit(&mut self, inst: I) {
        self.lowered.builder.append(inst);
    }

    /// What the current instruction has been lowered to so far, first things first.
    pub fn emitted(&self) -> &[I] {
        self.lowered.builder.sequence()
    }

    /// A fresh register for a word.
    pub fn temp(&mut self) -> Writable<Reg> {
        Writable::from_reg(self.alloc_vregs(1).to_reg())
    }

    /// Where the memory comes from.
    ///
    /// When there is none, what is emitted is left out and registers are not to be relied on: the error is reported when
    /// the current instruction has been lowered.
    pub fn heap(&mut self) -> &mut Heap {
        self.lowered.builder.heap()
    }

    /// `value` in a box that belongs to an instruction, where there is memory for it.
    pub fn boxed<T>(&mut self, value: T) -> Option<Boxed<T>> {
        self.heap().boxed(value).ok()
    }

    /// An empty list with room for `capacity` elements that belongs to an instruction. Where there is no memory it has no room: its
    /// elements are added by [`Heap::push`] and [`Heap::extend`].
    pub fn list<T>(&mut self, capacity: usize) -> Vec<T> {
        let heap = self.heap();
        let mut list = Vec::new();
        // The error stays with the heap.
        let _ = heap.reserve(&mut list, capacity);
        heap.keep_in_box(&list);
        list
    }

    /// Refuses the current instruction, `inst`: it needs `what` the machine does not have.
    #[cold]
    pub fn refuse(&mut self, inst: Inst, what: UnsupportedFeature) {
        self.fail(CompileError::Unsupported { inst, what });
    }

    /// Gives up, because of `error`.
    #[cold]
    #[inline(never)]
    pub fn fail(&mut self, error: CompileError) {
        self.error.get_or_insert(error);
    }

    /// The first error that there was.
    fn check(&mut self) -> Result<(), CompileError> {
        match self.error.take() {
            Some(error) => Err(error),
            None => Ok(self.heap().check()?),
        }
    }

    /// The type of `value`.
    #[inline]
    pub fn ty(&self, value: Value) -> Type {
        self.func.dfg.value_type(value)
    }

    /// The operands of `inst`.
    #[inline]
    pub fn data(&self, inst: Inst) -> &'f InstructionData {
        self.func.dfg.inst(inst)
    }

    /// The opcode of `inst`.
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn opcode(&self, inst: Inst) -> Opcode {
        self.data(inst).opcode()
    }

    /// The first result of `inst`.
    pub fn result(&self, inst: Inst) -> Value {
        self.func.dfg.first_result(inst)
    }

    /// The register that holds the word number `index` of `value`, to be read by the current instruction.
    #[inline]
    pub fn put_word_in_reg(&mut self, value: Value, index: usize) -> Reg {
        let value = self.func.dfg.resolve_aliases(value);
        self.put_word_of_original_in_reg(value, index)
    }

    /// As [`Self::put_word_in_reg`], of a `value` that is no alias.
    #[inline]
    pub fn put_word_of_original_in_reg(&mut self, value: Value, index: usize) -> Reg {
        let lowered = &mut self.values[value.index()];
        lowered.needed |= 1 << index;
        let first = match lowered.first_vreg {
            NO_VREG => self.alloc_value_regs(value),
            first => first,
        };
        word_reg(first, index).to_reg()
    }

    /// The register that the current instruction must write for the word number `index` of its result `value`.
    pub fn output_word(&mut self, value: Value, index: usize) -> Writable<Reg> {
        Writable::from_reg(self.value_reg(value, index).to_reg())
    }

    /// Makes `reg`, which is virtual, hold the word number `index` of the result `value` of the current instruction.
    pub fn alias_output_word(&mut self, value: Value, index: usize, reg: Reg) {
        let output = self.value_reg(value, index);
        if self.heap().has_failed() {
            return;
        }
        let reg = reg
            .to_virtual_reg()
            .expect("only virtual registers have aliases");
        self.lowered.vregs.set_alias(output, reg);
    }

    /// Whether some instruction reads the register of the word number `index` of `value`.
    #[inline]
    pub fn is_word_needed(&self, value: Value, index: usize) -> bool {
        self.needed(value) & 1 << index != 0
    }

    /// The words of `value` whose registers some instruction reads, as a bit set.
    #[inline]
    pub fn needed(&self, value: Value) -> u8 {
        self.values[value.index()].needed
    }

    /// How many words of `value`, counted from the low one, must be computed so that all that are needed are.
    pub fn needed_words(&self, value: Value) -> usize {
        let needed = self.needed(value);
        // A few rounds take less than counting zeros, for which the smallest machines have no instruction.
        let mut count = 0;
        while needed >> count != 0 {
            count += 1;
        }
        count
    }

    /// The instruction that defines `value`, if it has the given opcode.
    pub fn def_with_opcode(&self, value: Value, opcode: Opcode) -> Option<Inst> {
        let inst = self.func.dfg.value_inst(value)?;
        (self.data(inst).opcode() == opcode).then_some(inst)
    }

    /// The number that `value` is, if it is a constant: sign-extended from its type.
    #[inline]
    pub fn as_constant(&self, value: Value) -> Option<i64> {
        let inst = self.func.dfg.value_inst(value)?;
        match *self.data(inst) {
            InstructionData::UnaryImm {
                opcode: Opcode::Iconst,
                imm,
            } => Some(imm.sign_extend_from(self.ty(value).bits()).bits()),
            _ => None,
        }
    }

    /// Notes that an operand of the current instruction is `constant`, which is the word number `index` of `value`.
    pub fn note_constant(&mut self, constant: i32, value: Value, index: usize) {
        let Some(loops) = self.loops() else {
            return;
        };
        let level = |block| loops.loop_level(block);
        let definition = self.func.dfg.value_inst(value);
        let definition = definition.and_then(|inst| self.func.layout.inst_block(inst));
        if let (Some(here), Some(there)) = (self.current_block, definition)
            && level(there) < level(here)
        {
            let noted = (constant, value, index);
            self.lowered
                .builder
                .heap()
                .push(&mut self.constants_outside_loop, noted);
        }
    }

    /// The register that holds `constant`, if the current instruction is in a loop and has an operand with this word that
    /// was defined outside.
    pub fn register_outside_loop(&mut self, constant: i32) -> Option<Reg> {
        self.loops()?;
        let known = self.constants_outside_loop.iter();
        let &(_, value, index) = known.into_iter().find(|known| known.0 == constant)?;
        Some(self.put_word_in_reg(value, index))
    }

    /// Where the memory of a stack slot starts, in bytes from the start of the stack slots.
    ///
    /// The slot itself starts there too, unless it is aligned to more than [`STACK_ALIGNMENT`]: then it starts at the first
    /// multiple of its alignment that is not below.
    pub fn slot_offset(&self, slot: StackSlot) -> u32 {
        self.slot_offsets[slot.index()]
    }

    /// The register with the address of the memory for results that do not fit in registers.
    pub fn return_area_pointer(&self) -> Option<VirtualReg> {
        self.return_area_pointer
    }

    /// Where the arguments and results of the call `inst` travel. Fails where that cannot be.
    pub fn abi_of_call(&mut self, inst: Inst) -> Option<&'f AbiSignature> {
        let signature = self.func.dfg.call_signature(inst);
        let signature = signature.expect("a call has a signature");
        match &self.abis.of_calls[signature.index()] {
            Ok(abi) => Some(abi),
            Err(error) => {
                self.fail(CompileError::of_signature(Some(inst), *error));
                None
            }
        }
    }

    /// What the function needs of its frame.
    pub fn frame(&mut self) -> &mut FrameRequirements {
        self.lowered.builder.frame()
    }

    /// The register of the word number `index` of `value`. All of a value follow each other.
    #[inline]
    fn value_reg(&mut self, value: Value, index: usize) -> VirtualReg {
        let first = match self.values[value.index()].first_vreg {
            NO_VREG => self.alloc_value_regs(value),
            first => first,
        };
        word_reg(first, index)
    }

    /// The first register of `value`, which has none yet.
    #[inline(never)]
    fn alloc_value_regs(&mut self, value: Value) -> VReg {
        let num_words = words_of(self.ty(value));
        let first = self.alloc_vregs(num_words).to_allocator_vreg();
        self.values[value.index()].first_vreg = first;
        first
    }

    /// The first of `count` fresh registers that follow each other.
    #[inline]
    fn alloc_vregs(&mut self, count: u32) -> VirtualReg {
        match self
            .lowered
            .vregs
            .has_room(count, self.lowered.builder.heap())
        {
            true => self.lowered.vregs.alloc_row(count, RegClass::Int),
            // Any will do, as nothing comes of it.
            false => VirtualReg::from_allocator_vreg(VReg::new(0, RegClass::Int)),
        }
    }

    fn is_any_result_needed(&self, inst: Inst) -> bool {
        self.func
            .dfg
            .inst_results(inst)
            .any(|result| self.values[result.index()].needed != 0)
    }

    /// Lowers `terminator` to a jump to the only successor of the block `index`.
    fn lower_jump(&mut self, order: &BlockLoweringOrder, index: BlockIndex, terminator: Inst) {
        let successor = order.successors(index)[0];
        self.emit(I::gen_jump(MachLabel::from_block(successor.block)));
        self.add_succ(order, terminator, successor);
    }

    /// Adds a successor of the current block, with the arguments that `terminator` passes to it, unless it is an edge block:
    /// that has no parameters, and passes them on itself.
    fn add_succ(&mut self, order: &BlockLoweringOrder, terminator: Inst, successor: Successor) {
        if !order.flags(successor.block).is_edge {
            let func = self.func;
            let call = func.dfg.branch_destinations(terminator)[successor.branch as usize];
            for value in call.args(&func.dfg.value_lists) {
                for index in 0..words_of(self.ty(value)) as usize {
                    let reg = self.put_word_in_reg(value, index);
                    self.lowered.builder.add_branch_arg(reg);
                }
            }
        }
        self.lowered.builder.add_succ(successor.block);
    }

    /// Gives back all that does not come of the function.
    fn finish(self) {
        let bytes = bytes_of(&self.constants_outside_loop)
            + bytes_of(&self.values)
            + bytes_of(&self.slot_offsets);
        self.lowered.builder.heap().give_back(bytes);
    }

    /// Hands what the current instruction was lowered to over to the builder.
    #[inline]
    fn flush(&mut self, srcloc: SourceLoc) -> Result<(), Failed> {
        self.constants_outside_loop.clear();
        self.lowered.builder.end_sequence(srcloc);
        match self.error.is_some() || self.heap().has_failed() {
            false => Ok(()),
            true => Err(Failed),
        }
    }
}

/// The register of the word number `index` of a value whose first register is `first`.
fn word_reg(first: VReg, index: usize) -> VirtualReg {
    VirtualReg::from_allocator_vreg(VReg::new(first.vreg() + index, RegClass::Int))
}

/// The bytes that lowering `func` takes at once, when it starts. The rest depends on what its instructions become.
pub fn bytes_at_start<I>(func: &Function) -> usize {
    func.dfg.num_insts() * (2 * size_of::<u32>() + size_of::<I>())
        + func.dfg.num_values() * size_of::<LoweredValue>()
}

fn has_floats(func: &Function) -> bool {
    let mut values = func.dfg.values();
    values.any(|value| func.dfg.value_type(value).is_float())
}

/// The alignment of a stack slot in bytes, or the most that can be said.
pub fn slot_alignment(slot: &StackSlotData) -> u32 {
    1u32.checked_shl(slot.align_shift.into())
        .unwrap_or(u32::MAX)
}

/// The memory that is set aside for a stack slot.
struct SlotLayout {
    /// What the offset of the memory is a multiple of.
    align: u32,
    /// The bytes, or the most that can be said.
    size: u32,
}

impl SlotLayout {
    fn of(slot: &StackSlotData) -> Self {
        let wanted = slot_alignment(slot);
        // Whole words are accessed wherever the code does not say that they are unaligned.
        let align = wanted.clamp(WORD_BYTES, STACK_ALIGNMENT);
        let room_to_align = wanted.saturating_sub(align);
        Self {
            align,
            size: room_to_align.saturating_add(slot.size),
        }
    }
}
