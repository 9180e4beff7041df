//! The registers of RV32, as the backend sees them.
//!
//! | registers | role |
//! |---|---|
//! | `a0`–`a7`, `t0`–`t6` | allocatable, clobbered by calls, preferred |
//! | `s1`–`s11` | allocatable, saved by the callee |
//! | `s0` | the same, unless it is the frame pointer |
//! | `ra` | holds the return address; where that has been saved in the frame, the temporary of emission for far branches and far offsets |
//! | `zero`, `sp`, `gp`, `tp` | named directly; the allocator never hears of them |

use crate::backend::reg::{RealReg, Reg, RegClass, Writable};
use alloc::vec::Vec;
use lpc_riscv32::Gpr;
use regalloc2::{MachineEnv, PReg, PRegSet};

/// All registers in the order in which the allocator numbers them, from [`FIRST_NUMBER`].
///
/// The order steers `regalloc2`, which prefers caller-saved registers in any case. Among them, and then among the others,
/// Ion searches upwards from a number that grows with the place in the code, from 0 to 62 and again, and goes on with the
/// lowest. So the first of each are used the most: those that compressed instructions can name, and of these the ones that
/// seldom hold an argument. The single-pass allocator takes the first that is free of each.
const NUMBERING: [Gpr; 32] = [
    Gpr::S0,
    Gpr::S1,
    Gpr::S2,
    Gpr::S3,
    Gpr::S4,
    Gpr::S5,
    Gpr::S6,
    Gpr::S7,
    Gpr::S8,
    Gpr::S9,
    Gpr::S10,
    Gpr::S11,
    Gpr::A5,
    Gpr::A4,
    Gpr::A3,
    Gpr::A2,
    Gpr::A1,
    Gpr::A0,
    Gpr::A7,
    Gpr::A6,
    Gpr::T0,
    Gpr::T1,
    Gpr::T2,
    Gpr::T3,
    Gpr::T4,
    Gpr::T5,
    Gpr::T6,
    Gpr::RA,
    Gpr::ZERO,
    Gpr::SP,
    Gpr::GP,
    Gpr::TP,
];

/// The allocator's number of the first register of [`NUMBERING`]: the highest that leaves room for all of them below the
/// number that means no register. As none is lower, Ion's search in a short function starts with the first registers.
const FIRST_NUMBER: usize = PReg::MAX - NUMBERING.len();

/// The place of each register in [`NUMBERING`].
const PLACES: [u8; 32] = {
    let mut places = [0; 32];
    let mut place = 0;
    while place < NUMBERING.len() {
        places[NUMBERING[place].index()] = place as u8;
        place += 1;
    }
    places
};

const fn preg(gpr: Gpr) -> PReg {
    PReg::new(FIRST_NUMBER + PLACES[gpr.index()] as usize, RegClass::Int)
}

/// The integer register `gpr`.
pub const fn real_reg(gpr: Gpr) -> RealReg {
    RealReg::new(preg(gpr))
}

/// The integer register `gpr` as an operand.
pub const fn x_reg(gpr: Gpr) -> Reg {
    real_reg(gpr).to_reg()
}

/// The register that reads as zero.
pub const fn zero_reg() -> Reg {
    x_reg(Gpr::ZERO)
}

/// The register that takes results which nobody wants.
pub const fn writable_zero_reg() -> Writable<Reg> {
    Writable::from_reg(zero_reg())
}

/// The stack pointer.
pub const fn stack_reg() -> Reg {
    x_reg(Gpr::SP)
}

/// The frame pointer, in functions that preserve frame pointers.
pub const fn fp_reg() -> Reg {
    x_reg(Gpr::FP)
}

/// Where the target of an indirect tail call is, and the temporary of a direct one, as in the psABI's `tail`.
pub const TAIL_CALL_TARGET: RealReg = real_reg(Gpr::T1);

/// The temporary of prologues and epilogues: neither an argument nor a result, nor [`TAIL_CALL_TARGET`].
pub const FRAME_TEMPORARY: Gpr = Gpr::T0;

/// The second temporary of the check of the stack limit, at the entry of a function, where no value is in it.
pub const STACK_CHECK_TEMPORARY: Gpr = Gpr::T1;

/// The integer register in `reg`, after allocation.
///
/// # Panics
/// If `reg` is virtual or of another class: the numbers of all those are higher.
#[cfg_attr(not(target_os = "none"), inline)]
#[cfg_attr(target_os = "none", inline(never))]
pub fn gpr(reg: Reg) -> Gpr {
    NUMBERING[reg.index() as usize - FIRST_NUMBER]
}

const fn set(gprs: &[Gpr]) -> PRegSet {
    let mut set = PRegSet::empty();
    let mut index = 0;
    while index < gprs.len() {
        set.add(preg(gprs[index]));
        index += 1;
    }
    set
}

/// The allocatable registers that a call may change (RISC-V psABI, "Integer Register Convention"), without `ra`.
pub const CALLER_SAVED: PRegSet = set(&[
    Gpr::A0,
    Gpr::A1,
    Gpr::A2,
    Gpr::A3,
    Gpr::A4,
    Gpr::A5,
    Gpr::A6,
    Gpr::A7,
    Gpr::T0,
    Gpr::T1,
    Gpr::T2,
    Gpr::T3,
    Gpr::T4,
    Gpr::T5,
    Gpr::T6,
]);

const CALLEE_SAVED_BUT_FP: PRegSet = set(&[
    Gpr::S1,
    Gpr::S2,
    Gpr::S3,
    Gpr::S4,
    Gpr::S5,
    Gpr::S6,
    Gpr::S7,
    Gpr::S8,
    Gpr::S9,
    Gpr::S10,
    Gpr::S11,
]);

/// The registers that a function must leave as it found them: `s0`–`s11`.
pub const CALLEE_SAVED: PRegSet = CALLEE_SAVED_BUT_FP.with(preg(Gpr::FP));

/// The registers that may be allocated, in a function that keeps a frame pointer in `s0`, or in another. Callee-saved ones cost a save
/// and a restore, so they come second.
// Made when it is asked for, as it is little but empty sets.
pub fn machine_env(preserve_frame_pointers: bool) -> MachineEnv {
    let callee_saved = match preserve_frame_pointers {
        true => CALLEE_SAVED_BUT_FP,
        false => CALLEE_SAVED,
    };
    MachineEnv {
        preferred_regs_by_class: [CALLER_SAVED, PRegSet::empty(), PRegSet::empty()],
        non_preferred_regs_by_class: [callee_saved, PRegSet::empty(), PRegSet::empty()],
        scratch_by_class: [None; 3],
        fixed_stack_slots: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};

    fn names(set: PRegSet) -> Vec<String> {
        set.into_iter()
            .map(|preg| gpr(Reg::from(preg)).to_string())
            .collect()
    }

    #[test]
    fn sets_of_the_calling_convention() {
        assert_eq!(
            names(CALLER_SAVED).join(" "),
            "a5 a4 a3 a2 a1 a0 a7 a6 t0 t1 t2 t3 t4 t5 t6"
        );
        assert_eq!(
            names(CALLEE_SAVED).join(" "),
            "s0 s1 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11"
        );
    }

    #[test]
    fn what_may_be_allocated() {
        let allocatable = PRegSet::from(&machine_env(false));
        let with_fp = PRegSet::from(&machine_env(true));
        for reg in [Gpr::ZERO, Gpr::RA, Gpr::SP, Gpr::GP, Gpr::TP] {
            assert!(!allocatable.contains(preg(reg)), "{reg}");
        }
        assert_eq!((allocatable.len(), with_fp.len()), (27, 26));
        assert!(allocatable.contains(preg(Gpr::S0)));
        assert!(!with_fp.contains(preg(Gpr::S0)));
        let preferred = machine_env(false).preferred_regs_by_class;
        assert_eq!(preferred[0], CALLER_SAVED);
    }

    #[test]
    fn conversions() {
        for register in Gpr::all() {
            assert_eq!(gpr(x_reg(register)), register);
        }
        assert_eq!(gpr(writable_zero_reg().to_reg()), Gpr::ZERO);
        assert_eq!(zero_reg(), writable_zero_reg().to_reg());
    }
}
