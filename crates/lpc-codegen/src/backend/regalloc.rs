//! Register allocation.
//!
//! The seam between the backend and an allocator is exactly what [`regalloc2`] defines: the function as its
//! [`Function`] trait shows it, the registers as a [`MachineEnv`], and the [`Output`] that says
//! where each operand is and what has to be moved in between. Any allocator that keeps to it can stand here, and
//! `regalloc2`'s checker can judge it.

use super::branch_args::check_branch_args;
use super::machinst::{MachInst, MachTerminator};
use super::vcode::{BlockIndex, InsnIndex, VCode};
use regalloc2::checker::Checker;
use regalloc2::{
    Function, InstRange, MachineEnv, Operand, Output, PRegSet, RegAllocError, RegClass,
    RegallocOptions, VReg,
};

/// How registers are allocated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RegallocAlgorithm {
    /// `regalloc2`'s backtracking allocator: live ranges are split and coalesced. Good code.
    ///
    /// Its time grows with the square of the size of some functions, so those of more than [`MAX_ION_BLOCKS`] blocks or
    /// [`MAX_ION_VREGS`] virtual registers are given to [`Self::Fastalloc`].
    #[default]
    Ion,
    /// `regalloc2`'s single-pass allocator. Fast, in little memory; slower code.
    Fastalloc,
}

impl RegallocAlgorithm {
    /// All algorithms.
    pub const ALL: [Self; 2] = [Self::Ion, Self::Fastalloc];

    /// The algorithm that is used for `vcode` where this one is asked for.
    pub fn for_code<I: MachInst>(self, vcode: &VCode<I>) -> Self {
        let is_small = vcode.num_blocks() <= MAX_ION_BLOCKS && vcode.num_vregs() <= MAX_ION_VREGS;
        match self {
            Self::Ion if is_small => Self::Ion,
            _ => Self::Fastalloc,
        }
    }
}

/// The most blocks of a function that [`RegallocAlgorithm::Ion`] is used for. It looks at all block parameters for each
/// register, and at all predecessors of a common successor for each of them; with so many blocks that takes about a second.
pub const MAX_ION_BLOCKS: usize = 1 << 13;

/// The most virtual registers of a function that [`RegallocAlgorithm::Ion`] is used for.
pub const MAX_ION_VREGS: usize = 1 << 16;

/// Allocates registers.
///
/// In debug builds, and with the feature `check-regalloc`, this is [`run_validated`]; else lowering and the allocator are
/// trusted.
///
/// # Errors
/// Where the code breaks an invariant of [`VCode`], or needs more registers at once than there are.
///
/// # Panics
/// If the allocation is validated and wrong.
pub fn run<I: MachInst>(
    vcode: &VCode<I>,
    algorithm: RegallocAlgorithm,
) -> Result<Output, RegAllocError> {
    if cfg!(any(debug_assertions, feature = "check-regalloc")) {
        return run_validated(vcode, algorithm);
    }
    allocate(vcode, algorithm, false)
}

/// Allocates registers for code that nobody vouches for, such as parsed text: the function is always checked to be in SSA
/// form first, and the result is verified afterwards.
///
/// # Errors
/// Where the code breaks an invariant of [`VCode`], or needs more registers at once than there are.
///
/// # Panics
/// If the allocation is wrong.
pub fn run_validated<I: MachInst>(
    vcode: &VCode<I>,
    algorithm: RegallocAlgorithm,
) -> Result<Output, RegAllocError> {
    check_branch_args(vcode)?;
    let output = allocate(vcode, algorithm, true)?;
    let mut checker = Checker::new(vcode, machine_env(vcode));
    checker.prepare(&output);
    if let Err(errors) = checker.run() {
        panic!("the register allocation is wrong: {errors:?}");
    }
    Ok(output)
}

fn allocate<I: MachInst>(
    vcode: &VCode<I>,
    algorithm: RegallocAlgorithm,
    validate_ssa: bool,
) -> Result<Output, RegAllocError> {
    let options = RegallocOptions {
        verbose_log: false,
        validate_ssa,
        algorithm: match algorithm.for_code(vcode) {
            RegallocAlgorithm::Ion => regalloc2::Algorithm::Ion,
            RegallocAlgorithm::Fastalloc => regalloc2::Algorithm::Fastalloc,
        },
    };
    regalloc2::run(vcode, machine_env(vcode), &options)
}

fn machine_env<I: MachInst>(vcode: &VCode<I>) -> &'static MachineEnv {
    I::machine_env(vcode.frame().preserve_frame_pointers)
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
