//! Register allocation.
//!
//! The seam between the backend and an allocator is exactly what [`regalloc2`] defines: the function as its
//! [`Function`] trait shows it, the registers as a [`MachineEnv`](regalloc2::MachineEnv), and the [`Output`] that says
//! where each operand is and what has to be moved in between. Any allocator that keeps to it can stand here, and
//! `regalloc2`'s checker can judge it.

#[cfg(feature = "ion")]
use super::allocation_cost::{ion_memory_estimate, is_affordable_in};
use super::machinst::{MachInst, MachTerminator};
#[cfg(feature = "checker")]
pub use super::regalloc_validation::run_validated;
#[cfg(feature = "checker")]
use super::regalloc_validation::run_validated_in;
use super::single_pass::SinglePass;
use super::vcode::{BlockIndex, InsnIndex, VCode};
use crate::settings::NOTES_OBJECT_INFO;
use core::fmt;
use lpc_lpir::heap::{Heap, HeapError, bytes_of};
use regalloc2::{
    Function, InstRange, Operand, OperandKind, OperandPos, Output, PRegSet, RegAllocError,
    RegClass, SpillSlot, VReg,
};

/// How registers are allocated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RegallocAlgorithm {
    /// [`Self::SinglePass`], and [`Self::Ion`] instead where that had to spill values for want of registers,
    /// with the feature `ion`.
    ///
    /// Elsewhere the code of neither is better on the whole, and Ion takes several times the time and memory; where there are not enough
    /// registers it is Ion that finds the better values to spill, and the better places for it. What either refuses is refused.
    ///
    /// The peak of memory is that of the function that takes the most, which is Ion's if it gets any: where memory is short, take
    /// [`Self::SinglePass`].
    Adaptive,
    /// `regalloc2`'s backtracking allocator: live ranges are split and coalesced. Good code.
    ///
    /// Its time grows with the square of the size of some functions; those that it [takes too long](super::allocation_cost)
    /// for are given to [`Self::SinglePass`], and all of them without the feature `ion`.
    Ion,
    /// Our own allocator, in `backend/single_pass`: a value has one register or one spill slot, for all its life or that within a block.
    /// Fast, in little memory; somewhat slower code.
    SinglePass,
}

impl RegallocAlgorithm {
    /// The allocators themselves, from which [`Self::Adaptive`] chooses.
    pub const ALLOCATORS: [Self; 2] = [Self::Ion, Self::SinglePass];

    /// All that can be asked for.
    pub const ALL: [Self; 3] = [Self::Adaptive, Self::Ion, Self::SinglePass];

    /// Its name, as Cranelift has it; the first one has none there.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Adaptive => "adaptive",
            Self::Ion => "backtracking",
            Self::SinglePass => "single_pass",
        }
    }
}

/// The most virtual registers of a function: each may be spilled, and the allocator counts spill slots with 24 bits.
pub const MAX_VREGS: usize = SpillSlot::MAX;

/// Why no registers are allocated.
#[derive(Clone, Debug)]
pub enum AllocationError {
    /// There are more than [`MAX_VREGS`] virtual registers.
    TooManyVRegs,
    /// The code breaks an invariant of [`VCode`], or needs more registers at once than there are.
    Refused(RegAllocError),
    /// There is no memory.
    Memory(HeapError),
}

impl From<RegAllocError> for AllocationError {
    fn from(error: RegAllocError) -> Self {
        Self::Refused(error)
    }
}

impl From<HeapError> for AllocationError {
    fn from(error: HeapError) -> Self {
        Self::Memory(error)
    }
}

impl fmt::Display for AllocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyVRegs => write!(f, "there are more than {MAX_VREGS} virtual registers"),
            Self::Refused(error) => error.fmt(f),
            Self::Memory(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for AllocationError {}

/// The memory of the allocators.
#[derive(Default)]
pub struct Allocators {
    #[cfg(feature = "ion")]
    /// Takes memory as soon as it is made.
    ion: Option<regalloc2::Ctx>,
    single_pass: SinglePass,
}

impl Allocators {
    /// The bytes that our own allocator keeps.
    pub fn heap_bytes(&self) -> usize {
        self.single_pass.heap_bytes()
    }
}

/// The registers of a function, allocated.
#[derive(Clone, Debug)]
pub struct Allocation {
    /// The place of each operand, and the moves in between.
    pub output: Output,
    /// What they were allocated by: one of [`RegallocAlgorithm::ALLOCATORS`].
    pub algorithm: RegallocAlgorithm,
}

impl Allocation {
    /// The bytes that it takes.
    pub fn heap_bytes(&self) -> usize {
        bytes_of(&self.output.edits)
            + bytes_of(&self.output.allocs)
            + bytes_of(&self.output.inst_alloc_offsets)
            + bytes_of(&self.output.debug_locations)
    }
}

/// Allocates registers, in memory of `heap`. `allocators` keep memory from one function to the next.
///
/// In debug builds with the feature `checker`, and with the feature `check-regalloc`, this is `run_validated`, unless the heap
/// has a limit: what the checks take is not counted. Else lowering and the allocator are trusted.
///
/// # Errors
/// [`AllocationError`] where the code is too large, or breaks an invariant of [`VCode`], or there is no memory.
///
/// # Panics
/// If the allocation is validated and wrong.
pub fn run<I: MachInst>(
    vcode: &VCode<I>,
    algorithm: RegallocAlgorithm,
    allocators: &mut Allocators,
    heap: &mut Heap,
) -> Result<Allocation, AllocationError> {
    #[cfg(feature = "checker")]
    if cfg!(any(debug_assertions, feature = "check-regalloc")) && !heap.is_limited() {
        return run_validated_in(vcode, algorithm, heap);
    }
    allocate(vcode, algorithm, false, allocators, heap)
}

/// Whether the place of `operand` is taken when its instruction starts, and when it ends.
pub(super) fn points_taken(operand: Operand) -> [bool; 2] {
    match (operand.kind(), operand.pos()) {
        (OperandKind::Use, OperandPos::Early) => [true, false],
        (OperandKind::Def, OperandPos::Late) => [false, true],
        (OperandKind::Use, OperandPos::Late) | (OperandKind::Def, OperandPos::Early) => {
            [true, true]
        }
    }
}

pub(super) fn check_num_vregs<I: MachInst>(vcode: &VCode<I>) -> Result<(), AllocationError> {
    match vcode.num_vregs() > MAX_VREGS {
        true => Err(AllocationError::TooManyVRegs),
        false => Ok(()),
    }
}

/// Allocates registers. If `validate_ssa`, Ion checks first that `vcode` is in SSA form.
#[cfg_attr(
    not(feature = "ion"),
    expect(unused_variables, reason = "`validate_ssa` is for Ion only")
)]
pub(super) fn allocate<I: MachInst>(
    vcode: &VCode<I>,
    algorithm: RegallocAlgorithm,
    validate_ssa: bool,
    allocators: &mut Allocators,
    heap: &mut Heap,
) -> Result<Allocation, AllocationError> {
    check_num_vregs(vcode)?;
    match algorithm {
        #[cfg(feature = "ion")]
        RegallocAlgorithm::Adaptive => {
            let others = heap.used() - allocators.heap_bytes().min(heap.used());
            let allocation = allocate_in_single_pass(vcode, allocators, heap)?;
            if !allocators.single_pass.lacked_registers || !is_affordable_in(vcode, heap)? {
                return Ok(allocation);
            }
            drop(allocation);
            // Ion needs all the memory that there is, and so much time that it costs little to take this anew.
            allocators.single_pass = SinglePass::default();
            heap.set_used(others);
            allocate_by_ion(vcode, validate_ssa, allocators, heap)
        }
        #[cfg(feature = "ion")]
        RegallocAlgorithm::Ion if is_affordable_in(vcode, heap)? => {
            allocate_by_ion(vcode, validate_ssa, allocators, heap)
        }
        _ => allocate_in_single_pass(vcode, allocators, heap),
    }
}

fn allocate_in_single_pass<I: MachInst>(
    vcode: &VCode<I>,
    allocators: &mut Allocators,
    heap: &mut Heap,
) -> Result<Allocation, AllocationError> {
    let env = &I::machine_env(vcode.frame().preserve_frame_pointers);
    Ok(Allocation {
        output: allocators.single_pass.run(vcode, env, heap)?,
        algorithm: RegallocAlgorithm::SinglePass,
    })
}

/// `regalloc2` takes its memory itself, and aborts where there is none. So it is not called where it might take more than
/// `heap` allows, nor, if that has a limit, where the allocator of the program does not have as much in one piece.
#[cfg(feature = "ion")]
fn allocate_by_ion<I: MachInst>(
    vcode: &VCode<I>,
    validate_ssa: bool,
    allocators: &mut Allocators,
    heap: &mut Heap,
) -> Result<Allocation, AllocationError> {
    let estimate = ion_memory_estimate(vcode);
    if heap.is_limited() {
        let room = heap.vec::<u8>(estimate)?;
        heap.free(room);
    }
    heap.take(estimate)?;
    let options = regalloc2::RegallocOptions {
        verbose_log: false,
        validate_ssa,
        algorithm: regalloc2::Algorithm::Ion,
    };
    let env = &I::machine_env(vcode.frame().preserve_frame_pointers);
    let ctx = allocators.ion.get_or_insert_default();
    regalloc2::run_with_ctx(vcode, env, &options, ctx)?;
    heap.give_back(estimate);
    Ok(Allocation {
        output: core::mem::take(&mut ctx.output),
        algorithm: RegallocAlgorithm::Ion,
    })
}

impl<I: MachInst> Function for VCode<I> {
    fn num_insts(&self) -> usize {
        self.insts().len()
    }

    fn num_blocks(&self) -> usize {
        self.num_blocks()
    }

    fn entry_block(&self) -> BlockIndex {
        self.entry()
    }

    fn block_insns(&self, block: BlockIndex) -> InstRange {
        self.block_insns(block)
    }

    fn block_succs(&self, block: BlockIndex) -> &[BlockIndex] {
        self.block_succs(block)
    }

    fn block_preds(&self, block: BlockIndex) -> &[BlockIndex] {
        self.block_preds(block)
    }

    fn block_params(&self, block: BlockIndex) -> &[VReg] {
        self.block_param_vregs(block)
    }

    /// Whether `insn` leaves the function: by returning, by a tail call or by a trap.
    fn is_ret(&self, insn: InsnIndex) -> bool {
        self.leaves_function(insn)
    }

    fn is_branch(&self, insn: InsnIndex) -> bool {
        self.inst(insn).is_term() == MachTerminator::Branch
    }

    fn branch_blockparams(&self, block: BlockIndex, _insn: InsnIndex, succ: usize) -> &[VReg] {
        self.branch_arg_vregs(block, succ)
    }

    fn inst_operands(&self, insn: InsnIndex) -> &[Operand] {
        self.inst_operands(insn)
    }

    #[inline(always)]
    fn inst_clobbers(&self, insn: InsnIndex) -> PRegSet {
        self.inst_clobbers(insn)
    }

    fn num_vregs(&self) -> usize {
        self.num_vregs()
    }

    fn debug_value_labels(&self) -> &[(VReg, InsnIndex, InsnIndex, u32)] {
        match NOTES_OBJECT_INFO {
            true => &self.labelled_vregs,
            false => &[],
        }
    }

    fn spillslot_size(&self, class: RegClass) -> usize {
        I::spillslot_words(class) as usize
    }
}
