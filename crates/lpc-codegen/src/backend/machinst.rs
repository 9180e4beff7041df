//! What the backend must know of a machine instruction, whatever the machine.
//!
//! Everything in `backend` works on a type that implements [`MachInst`]; nothing there names an architecture.

use super::buffer::{MachBuffer, MachInstLabelUse, MachLabel};
use super::emit::EmitContext;
use super::frame::{AllocationSummary, FrameLayout, FrameRequirements, FrameTooLarge};
use super::operands::OperandVisitor;
use super::reg::{RealReg, Reg, RegClass, SpillSlot, Writable};
use crate::settings::CodeAlignment;
use alloc::vec::Vec;
use core::fmt::Debug;
use regalloc2::{MachineEnv, PRegSet};

/// A distance in bytes from the start of the function's code.
pub type CodeOffset = u32;

/// A machine instruction whose registers are virtual before register allocation and physical after it.
///
/// One `MachInst` may be several instructions of the machine, and what is one of them may take several forms; the register
/// allocator sees just the operands that [`MachInst::get_operands`] describes.
pub trait MachInst: Clone + Debug + Sized {
    /// What emission must know besides the frame: the extensions of the target, for example.
    type EmitInfo: Copy + Debug;

    /// The ways in which an instruction refers to a place in the same function.
    type LabelUse: MachInstLabelUse<Info = Self::EmitInfo>;

    /// The machine code that always traps, for the traps that [`MachBuffer::defer_trap`] puts behind the function.
    fn trap_opcode(info: &Self::EmitInfo) -> &'static [u8];

    /// What the address of a function must be a multiple of, in bytes.
    fn function_alignment(info: &Self::EmitInfo) -> u32;

    /// What the address of a function is to be a multiple of beyond that.
    fn preferred_function_alignment(info: &Self::EmitInfo) -> CodeAlignment;

    /// What the address of a loop is to be a multiple of.
    fn loop_alignment(info: &Self::EmitInfo) -> CodeAlignment;

    /// Whether to look for a better order of the blocks than the plain one.
    fn optimizes(info: &Self::EmitInfo) -> bool;

    /// Appends `size` bytes of instructions that do nothing. `size` is a multiple of [`Self::function_alignment`].
    fn gen_nops(size: CodeOffset, code: &mut Vec<u8>);

    /// Calls `visitor` for each register operand, always in the same order.
    fn get_operands(&mut self, visitor: &mut impl OperandVisitor);

    /// Whether the instruction ends a block, and how.
    fn is_term(&self) -> MachTerminator;

    /// The destination and the source of a move between registers.
    fn is_move(&self) -> Option<(Writable<Reg>, Reg)>;

    /// The target of an unconditional jump.
    fn is_jump(&self) -> Option<MachLabel>;

    /// Whether the instruction calls a function.
    fn call_type(&self) -> CallType;

    /// The registers that hold arbitrary values after the instruction, where it is a call that returns. It must not define them as well.
    fn clobbers(&self) -> PRegSet;

    /// Calls `visit` for each label that the instruction may branch to. A label may be named more than once; the successors
    /// of the block are in the order in which they are first named.
    fn visit_targets(&self, visit: &mut dyn FnMut(MachLabel));

    /// The largest [`Self::worst_case_size`] of moves, stores to spill slots and loads from them.
    const WORST_CASE_MOVE_SIZE: CodeOffset;

    /// A move between two registers of one class.
    fn gen_move(to: Writable<Reg>, from: Reg) -> Self;

    /// A store of `from` to the spill slot `to`.
    fn gen_spill(to: SpillSlot, from: RealReg) -> Self;

    /// A load of the spill slot `from` to `to`.
    fn gen_reload(to: Writable<RealReg>, from: SpillSlot) -> Self;

    /// An unconditional jump.
    fn gen_jump(target: MachLabel) -> Self;

    /// How many words of the frame a spilled register of `class` takes.
    fn spillslot_words(class: RegClass) -> u32;

    /// The registers that may be allocated, in a function that does or does not keep a frame pointer.
    fn machine_env(preserve_frame_pointers: bool) -> MachineEnv;

    /// Lays out the frame, once everything that goes into it is known.
    ///
    /// # Errors
    /// [`FrameTooLarge`] if it is larger than [`MAX_FRAME_SIZE`](super::frame::MAX_FRAME_SIZE).
    fn compute_frame_layout(
        requirements: &FrameRequirements,
        allocation: &AllocationSummary,
    ) -> Result<FrameLayout, FrameTooLarge>;

    /// Appends the instructions that set up the frame. The ones that take it down are part of emitting a return.
    ///
    /// `stack_limit` puts the lowest address that the stack may reach into the register where the machine wants it; where it
    /// is empty, the stack is not checked.
    fn emit_prologue(
        stack_limit: &[Self],
        buffer: &mut MachBuffer<Self>,
        context: &EmitContext<'_>,
    );

    /// An upper bound of the bytes that [`MachInst::emit`] adds, wherever its branches lead.
    fn worst_case_size(&self) -> CodeOffset;

    /// Appends the machine code of the instruction, whose registers are physical, to `buffer`.
    fn emit(&self, buffer: &mut MachBuffer<Self>, context: &EmitContext<'_>);
}

/// How an instruction ends its block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MachTerminator {
    /// It does not: control goes on to the next instruction.
    None,
    /// It returns to the caller, or it traps always.
    Ret,
    /// It calls a function that returns in the place of this one.
    RetCall,
    /// It goes on to one of the successors of its block.
    Branch,
}

/// Whether and how an instruction calls a function.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum CallType {
    /// It does not call.
    #[default]
    None,
    /// It calls in the place of returning, after the frame has been taken down.
    TailCall,
    /// It calls and goes on after the call.
    Regular,
}
