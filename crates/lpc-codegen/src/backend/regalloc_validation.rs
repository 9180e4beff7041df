//! Register allocation that is not trusted: what the allocator is given is checked before, and what it gives afterwards.

#[cfg(feature = "ion")]
use super::allocation_cost::is_affordable_in;
use super::branch_args::check_branch_args;
use super::machinst::MachInst;
use super::regalloc::{
    Allocation, AllocationError, Allocators, RegallocAlgorithm, allocate, check_num_vregs,
    points_taken,
};
use super::vcode::{InsnIndex, VCode};
use lpc_lpir::heap::Heap;
use regalloc2::checker::Checker;
use regalloc2::{Operand, PReg, RegAllocError, RegallocOptions};

/// The most blocks times instructions of a function that is checked to be in SSA form: for each use the checker may walk over all
/// blocks.
const MAX_SSA_STEPS: u64 = 1 << 26;

/// The most blocks times places (registers and spill slots) of an allocation that is verified: the checker notes for each block what
/// is in each place, which takes about a hundred bytes.
const MAX_VERIFIED_PLACES: u64 = 1 << 19;

/// The most instructions times places of an allocation that is verified: at each definition the checker looks at all places.
const MAX_VERIFIED_STEPS: u64 = 1 << 26;

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
    run_validated_in(vcode, algorithm, &mut Heap::unlimited())
}

/// As [`run_validated`], in memory of `heap`, except for the checks.
pub(super) fn run_validated_in<I: MachInst>(
    vcode: &VCode<I>,
    algorithm: RegallocAlgorithm,
    heap: &mut Heap,
) -> Result<Allocation, AllocationError> {
    check_num_vregs(vcode)?;
    let blocks = vcode.num_blocks() as u64;
    let insts = vcode.insts().len() as u64;
    let validate_ssa = blocks * insts <= MAX_SSA_STEPS;
    if validate_ssa {
        check_branch_args(vcode)?;
    }
    #[cfg(feature = "ion")]
    let does_ion_validate = algorithm == RegallocAlgorithm::Ion && is_affordable_in(vcode, heap)?;
    #[cfg(not(feature = "ion"))]
    let does_ion_validate = false;
    if validate_ssa && !does_ion_validate {
        validate(vcode)?;
    }
    let mut allocators = Allocators::default();
    let allocation = allocate(vcode, algorithm, validate_ssa, &mut allocators, heap)?;
    let places = (PReg::NUM_INDEX + allocation.output.num_spillslots) as u64;
    if blocks * places <= MAX_VERIFIED_PLACES && insts * places <= MAX_VERIFIED_STEPS {
        verify(vcode, &allocation);
    }
    Ok(allocation)
}

fn verify<I: MachInst>(vcode: &VCode<I>, allocation: &Allocation) {
    let env = &I::machine_env(vcode.frame().preserve_frame_pointers);
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

/// Checks that `vcode` keeps the invariants that `regalloc2` checks before it allocates: so its fast allocator is run, and its result left.
fn validate<I: MachInst>(vcode: &VCode<I>) -> Result<(), RegAllocError> {
    let options = RegallocOptions {
        verbose_log: false,
        validate_ssa: true,
        algorithm: regalloc2::Algorithm::Fastalloc,
    };
    let env = &I::machine_env(vcode.frame().preserve_frame_pointers);
    match regalloc2::run(vcode, env, &options) {
        Err(error) if !matches!(error, RegAllocError::TooManyLiveRegs) => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regalloc2::OperandConstraint::Reg;
    use regalloc2::{Allocation as Place, OperandKind, OperandPos, RegClass, VReg};

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
