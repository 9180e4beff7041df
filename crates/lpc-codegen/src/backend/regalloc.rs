//! Register allocation.
//!
//! The seam between the backend and an allocator is exactly what [`regalloc2`] defines: the function as its
//! [`Function`] trait shows it, the registers as a [`MachineEnv`](regalloc2::MachineEnv), and the [`Output`] that says
//! where each operand is and what has to be moved in between. Any allocator that keeps to it can stand here, and
//! `regalloc2`'s checker can judge it.

use super::allocation_cost::is_affordable_for_ion;
use super::branch_args::check_branch_args;
use super::machinst::{MachInst, MachTerminator};
use super::single_pass::SinglePass;
use super::vcode::{BlockIndex, InsnIndex, VCode};
use core::fmt;
use regalloc2::checker::Checker;
use regalloc2::{
    Ctx, Function, InstRange, Operand, OperandKind, OperandPos, Output, PReg, PRegSet,
    RegAllocError, RegClass, RegallocOptions, SpillSlot, VReg,
};

/// How registers are allocated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RegallocAlgorithm {
    /// [`Self::SinglePass`], and where that spills, [`Self::Ion`] instead.
    ///
    /// Where every value has a register the code of both is as fast, and Ion would take several times the time and memory for it; where there
    /// are not enough registers it is Ion that finds the better ones to spill.
    #[default]
    Adaptive,
    /// `regalloc2`'s backtracking allocator: live ranges are split and coalesced. Good code.
    ///
    /// Its time grows with the square of the size of some functions; those that it [takes too long](super::allocation_cost)
    /// for are given to [`Self::SinglePass`].
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

/// The most blocks times instructions of a function that is checked to be in SSA form: for each use the checker may walk over all
/// blocks.
const MAX_SSA_STEPS: u64 = 1 << 26;

/// The most blocks times places (registers and spill slots) of an allocation that is verified: the checker notes for each block what
/// is in each place, which takes about a hundred bytes.
const MAX_VERIFIED_PLACES: u64 = 1 << 19;

/// The most instructions times places of an allocation that is verified: at each definition the checker looks at all places.
const MAX_VERIFIED_STEPS: u64 = 1 << 26;

/// Why no registers are allocated.
#[derive(Clone, Debug)]
pub enum AllocationError {
    /// There are more than [`MAX_VREGS`] virtual registers.
    TooManyVRegs,
    /// The code breaks an invariant of [`VCode`], or needs more registers at once than there are.
    Refused(RegAllocError),
}

impl fmt::Display for AllocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyVRegs => write!(f, "there are more than {MAX_VREGS} virtual registers"),
            Self::Refused(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for AllocationError {}

/// The memory of the allocators.
#[derive(Default)]
pub struct Allocators {
    ion: Ctx,
    single_pass: SinglePass,
}

/// The registers of a function, allocated.
#[derive(Clone, Debug)]
pub struct Allocation {
    /// The place of each operand, and the moves in between.
    pub output: Output,
    /// What they were allocated by: one of [`RegallocAlgorithm::ALLOCATORS`].
    pub algorithm: RegallocAlgorithm,
}

/// Allocates registers. `allocators` keep memory from one function to the next.
///
/// In debug builds, and with the feature `check-regalloc`, this is [`run_validated`]; else lowering and the allocator are
/// trusted.
///
/// # Errors
/// [`AllocationError`] where the code is too large, or breaks an invariant of [`VCode`].
///
/// # Panics
/// If the allocation is validated and wrong.
pub fn run<I: MachInst>(
    vcode: &VCode<I>,
    algorithm: RegallocAlgorithm,
    allocators: &mut Allocators,
) -> Result<Allocation, AllocationError> {
    if cfg!(any(debug_assertions, feature = "check-regalloc")) {
        return run_validated(vcode, algorithm);
    }
    allocate(vcode, algorithm, false, allocators)
}

/// Allocates registers for code that nobody vouches for, such as parsed text: the function is checked to be in SSA form first,
/// and the result is verified afterwards.
///
/// Both are left out for huge functions, for which they take time and memory that grow with the square of the size: the first for more
/// than 2²⁶ pairs of a block and an instruction, the second for more than 2¹⁹ pairs of a block and a place, or 2²⁶ of an
/// instruction and a place: a register or a spill slot.
///
/// # Errors
/// [`AllocationError`] where the code is too large, or breaks an invariant of [`VCode`].
///
/// # Panics
/// If the allocation is wrong.
pub fn run_validated<I: MachInst>(
    vcode: &VCode<I>,
    algorithm: RegallocAlgorithm,
) -> Result<Allocation, AllocationError> {
    check_num_vregs(vcode)?;
    let blocks = vcode.num_blocks() as u64;
    let insts = vcode.insts().len() as u64;
    let validate_ssa = blocks * insts <= MAX_SSA_STEPS;
    if validate_ssa {
        check_branch_args(vcode).map_err(AllocationError::Refused)?;
    }
    let does_ion_validate = algorithm == RegallocAlgorithm::Ion && is_affordable_for_ion(vcode);
    if validate_ssa && !does_ion_validate {
        validate(vcode).map_err(AllocationError::Refused)?;
    }
    let allocation = allocate(vcode, algorithm, validate_ssa, &mut Allocators::default())?;
    let places = (PReg::NUM_INDEX + allocation.output.num_spillslots) as u64;
    if blocks * places <= MAX_VERIFIED_PLACES && insts * places <= MAX_VERIFIED_STEPS {
        verify(vcode, &allocation);
    }
    Ok(allocation)
}

fn verify<I: MachInst>(vcode: &VCode<I>, allocation: &Allocation) {
    let env = I::machine_env(vcode.frame().preserve_frame_pointers);
    let mut checker = Checker::new(vcode, env);
    checker.prepare(&allocation.output);
    if let Err(errors) = checker.run() {
        panic!("the register allocation is wrong: {errors:?}");
    }
    for inst in (0..vcode.insts().len()).map(InsnIndex::new) {
        check_conflicts(
            vcode.inst_operands(inst),
            allocation.output.inst_allocs(inst),
        );
    }
}

/// Checks what the checker does not look at: that different values are in different places while an instruction reads and writes them.
fn check_conflicts(operands: &[Operand], places: &[regalloc2::Allocation]) {
    for (index, (&one, place)) in operands.iter().zip(places).enumerate() {
        for (&other, other_place) in operands.iter().zip(places).skip(index + 1) {
            let mut points = points_taken(one).into_iter().zip(points_taken(other));
            let is_conflict = points.any(|(one, other)| one && other);
            assert!(
                place != other_place || one.vreg() == other.vreg() || !is_conflict,
                "the register allocation is wrong: {one} and {other} are both in {place}"
            );
        }
    }
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

fn check_num_vregs<I: MachInst>(vcode: &VCode<I>) -> Result<(), AllocationError> {
    match vcode.num_vregs() > MAX_VREGS {
        true => Err(AllocationError::TooManyVRegs),
        false => Ok(()),
    }
}

fn allocate<I: MachInst>(
    vcode: &VCode<I>,
    algorithm: RegallocAlgorithm,
    validate_ssa: bool,
    allocators: &mut Allocators,
) -> Result<Allocation, AllocationError> {
    check_num_vregs(vcode)?;
    let Allocators { ion, single_pass } = allocators;
    let env = I::machine_env(vcode.frame().preserve_frame_pointers);
    let mut single_pass =
        || allocated_by(RegallocAlgorithm::SinglePass, single_pass.run(vcode, env));
    let mut ion = || allocated_by(RegallocAlgorithm::Ion, run_ion(vcode, validate_ssa, ion));
    match algorithm {
        RegallocAlgorithm::Adaptive => {
            let allocation = single_pass()?;
            if allocation.output.num_spillslots == 0 || !is_affordable_for_ion(vcode) {
                return Ok(allocation);
            }
            drop(allocation);
            ion()
        }
        RegallocAlgorithm::Ion if is_affordable_for_ion(vcode) => ion(),
        RegallocAlgorithm::Ion | RegallocAlgorithm::SinglePass => single_pass(),
    }
}

fn allocated_by(
    algorithm: RegallocAlgorithm,
    output: Result<Output, RegAllocError>,
) -> Result<Allocation, AllocationError> {
    let output = output.map_err(AllocationError::Refused)?;
    Ok(Allocation { output, algorithm })
}

fn run_ion<I: MachInst>(
    vcode: &VCode<I>,
    validate_ssa: bool,
    ctx: &mut Ctx,
) -> Result<Output, RegAllocError> {
    let options = RegallocOptions {
        verbose_log: false,
        validate_ssa,
        algorithm: regalloc2::Algorithm::Ion,
    };
    let env = I::machine_env(vcode.frame().preserve_frame_pointers);
    regalloc2::run_with_ctx(vcode, env, &options, ctx)?;
    Ok(core::mem::take(&mut ctx.output))
}

/// Checks that `vcode` keeps the invariants that `regalloc2` checks before it allocates: so its fast allocator is run, and its result left.
fn validate<I: MachInst>(vcode: &VCode<I>) -> Result<(), RegAllocError> {
    let options = RegallocOptions {
        verbose_log: false,
        validate_ssa: true,
        algorithm: regalloc2::Algorithm::Fastalloc,
    };
    let env = I::machine_env(vcode.frame().preserve_frame_pointers);
    match regalloc2::run(vcode, env, &options) {
        Err(error) if !matches!(error, RegAllocError::TooManyLiveRegs) => Err(error),
        _ => Ok(()),
    }
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

    fn inst_clobbers(&self, insn: InsnIndex) -> PRegSet {
        self.inst_clobbers(insn)
    }

    fn num_vregs(&self) -> usize {
        self.num_vregs()
    }

    fn debug_value_labels(&self) -> &[(VReg, InsnIndex, InsnIndex, u32)] {
        &self.labelled_vregs
    }

    fn spillslot_size(&self, class: RegClass) -> usize {
        I::spillslot_words(class) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regalloc2::{Allocation as Place, OperandConstraint::Reg};

    /// Whether two operands of one instruction may share a register.
    fn may_share(one: (OperandKind, OperandPos), other: (OperandKind, OperandPos)) -> bool {
        let operand =
            |number, (kind, pos)| Operand::new(VReg::new(number, RegClass::Int), Reg, kind, pos);
        let operands = [operand(0, one), operand(1, other)];
        let places = [Place::reg(PReg::new(3, RegClass::Int)); 2];
        std::panic::catch_unwind(|| check_conflicts(&operands, &places)).is_ok()
    }

    #[test]
    fn what_is_read_late_or_written_early_shares_nothing() {
        use OperandKind::{Def, Use};
        use OperandPos::{Early, Late};
        assert!(may_share((Use, Early), (Def, Late)));
        assert!(!may_share((Use, Early), (Use, Early)));
        assert!(!may_share((Use, Early), (Def, Early)));
        assert!(!may_share((Def, Early), (Def, Late)));
        assert!(!may_share((Use, Late), (Def, Late)));
        assert!(!may_share((Def, Late), (Def, Late)));
        let value = VReg::new(0, RegClass::Int);
        let twice = [Operand::reg_use(value); 2];
        check_conflicts(&twice, &[Place::reg(PReg::new(3, RegClass::Int)); 2]);
    }
}
