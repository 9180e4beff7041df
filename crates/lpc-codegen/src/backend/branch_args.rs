//! The part of SSA form that regalloc2 does not validate: that the definitions of branch arguments dominate the branch.
//!
//! regalloc2 looks at the operands of instructions. Branch arguments are no operands, so that a value which is not defined on
//! every way to the branch would be found by its checker only when the allocation is made, and then look like a mistake of
//! the allocator.
//!
//! A register that is defined on every way to its uses is [live](super::live_ranges) nowhere before its definition. If there is a way from
//! the entry to a use that passes the definition by, it is live on all of that way, and so where the function starts.

use super::live_ranges::{Accesses, LiveRange};
use super::machinst::MachInst;
use super::vcode::VCode;
use alloc::vec;
use lpc_lpir::heap::Heap;
use regalloc2::RegAllocError;

/// Checks that each branch argument of `vcode` is defined on every way to the branch. Each register must be defined once.
pub(super) fn check_branch_args<I: MachInst>(vcode: &VCode<I>) -> Result<(), RegAllocError> {
    let mut is_argument = vec![false; vcode.num_vregs()];
    for argument in &vcode.branch_args {
        is_argument[argument.vreg()] = true;
    }
    let (accesses, mut live) = Heap::unbounded(|heap| {
        let accesses = Accesses::new(vcode, |vreg| is_argument[vreg.vreg()], heap)?;
        Ok((accesses, LiveRange::new(vcode, heap)?))
    });
    for block in vcode.blocks() {
        for succ in 0..vcode.block_succs(block).len() {
            for &argument in vcode.branch_arg_vregs(block, succ) {
                if !core::mem::take(&mut is_argument[argument.vreg()]) {
                    continue;
                }
                let register = accesses.of_register(argument);
                live.compute(register);
                let is_live_at_start = || {
                    live.pieces()
                        .any(|piece| piece.block == vcode.entry() && piece.is_live_in)
                };
                if !register.is_defined() || is_live_at_start() {
                    return Err(RegAllocError::SSA(
                        argument,
                        vcode.block_insns(block).last(),
                    ));
                }
            }
        }
    }
    Ok(())
}
