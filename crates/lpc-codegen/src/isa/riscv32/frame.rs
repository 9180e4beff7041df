//! Frames, prologues and epilogues of RV32.
//!
//! ```text
//!  small frame                  frame above 2032 bytes           fp kept
//!  addi sp, sp, -size           addi sp, sp, -setup-clobbers     …
//!  sw   ra, size-4(sp)          sw   ra, …(sp)                   sw   ra, …(sp)
//!  sw   s0, size-8(sp)          sw   s0, …(sp)                   sw   s0, …(sp)
//!  sw   s1, …                   sw   s1, …                       addi s0, sp, size-8
//!                               lui  t0, …                       …
//!                               add  sp, sp, t0
//! ```
//!
//! Where the function checks the stack limit, that comes first, while the stack pointer is still the caller's:
//!
//! ```text
//!  …                            the limit in t0
//!  bltu sp, t0, trap
//!  sub  t0, sp, t0              the room that there is
//!  li   t1, size
//!  bltu t0, t1, trap
//! ```
//!
//! Two comparisons, because `sp - size` may be below zero. `t0` and `t1` carry neither arguments nor anything that the caller
//! wants to keep.
//!
//! A function saves `ra` if it calls (a tail call leaves `ra` as it was), and if emission may need `ra` as a temporary: for
//! offsets beyond 12 bits and for branches beyond 1 MiB. It has no prologue where there is nothing to save and nothing to
//! store.

use super::inst::{AMode, MInst};
use super::regs::{
    CALLEE_SAVED, FRAME_TEMPORARY, STACK_CHECK_TEMPORARY, fp_reg, real_reg, stack_reg, x_reg,
};
use crate::backend::frame::{
    AllocationSummary, FrameLayout, FrameRequirements, FrameTooLarge, MAX_FRAME_SIZE,
    STACK_ALIGNMENT,
};
use crate::backend::machinst::{CallType, CodeOffset};
use crate::backend::reg::{RealReg, Writable};
use crate::backend::unwind::UnwindInst;
use alloc::vec::Vec;
use lpc_lpir::ir::TrapCode;
use lpc_riscv32::{Gpr, Imm12, Opcode};

const WORD_BYTES: u32 = 4;

/// `ra` and `s0`.
const SETUP_AREA_SIZE: u32 = 2 * WORD_BYTES;

/// The largest frame that is taken with one instruction: a multiple of the alignment that `addi` can add and subtract.
const MAX_SMALL_FRAME: u32 = 2032;

/// The largest offset into the frame that a load or store holds.
const MAX_NEAR_OFFSET: u64 = 2047;

/// The largest code, in bytes, all of whose branches are within the reach of `jal`; the prologue is not counted in it.
const MAX_NEAR_CODE: CodeOffset = (1 << 20) - 256;

/// Lays out the frame.
///
/// # Errors
/// [`FrameTooLarge`] if it, together with the arguments above it, is larger than [`MAX_FRAME_SIZE`].
pub fn compute_frame_layout(
    requirements: &FrameRequirements,
    allocation: &AllocationSummary,
) -> Result<FrameLayout, FrameTooLarge> {
    debug_assert!(requirements.tail_args_size >= requirements.incoming_args_size);
    debug_assert!(requirements.stackslots_align.max(1) <= STACK_ALIGNMENT);
    // Sums of 32-bit sizes cannot overflow 64 bits.
    let outgoing = u64::from(requirements.outgoing_args_size);
    let spills = u64::from(allocation.num_spillslots) * u64::from(WORD_BYTES);
    let slots = u64::from(requirements.stackslots_size);
    let slots_offset =
        (outgoing + spills).next_multiple_of(u64::from(requirements.stackslots_align.max(1)));
    let storage_end = slots_offset + slots;
    let tail_args = u64::from(requirements.tail_args_size);

    let mut saves = callee_saves(allocation, requirements.preserve_frame_pointers);
    // The setup area, the clobbers and the padding are within the 256 bytes.
    let reach = storage_end + tail_args + 256;
    if reach > u64::from(MAX_FRAME_SIZE) {
        return Err(FrameTooLarge);
    }
    let saves_link = allocation.function_calls == CallType::Regular
        || requirements.preserve_frame_pointers
        || allocation.code_size > MAX_NEAR_CODE
        || reach > MAX_NEAR_OFFSET;
    let fp = real_reg(Gpr::FP);
    let saves_frame_pointer =
        requirements.preserve_frame_pointers || saves_link && saves.contains(&fp);
    if saves_frame_pointer {
        saves.retain(|&reg| reg != fp);
    }
    let setup_area_size = if saves_link { SETUP_AREA_SIZE } else { 0 };
    let clobber_size = saves.len() as u32 * WORD_BYTES;
    let saved = u64::from(setup_area_size + clobber_size);
    let total = (storage_end + saved).next_multiple_of(u64::from(STACK_ALIGNMENT));
    Ok(FrameLayout {
        word_bytes: WORD_BYTES,
        incoming_args_size: requirements.incoming_args_size,
        tail_args_size: requirements.tail_args_size,
        setup_area_size,
        clobber_size,
        fixed_frame_storage_size: (total - saved - outgoing) as u32,
        stackslots_size: requirements.stackslots_size,
        outgoing_args_size: requirements.outgoing_args_size,
        unchecked_stack: requirements.unchecked_stack,
        stackslots_offset: slots_offset as u32,
        clobbered_callee_saves: saves,
        saves_frame_pointer,
        preserve_frame_pointers: requirements.preserve_frame_pointers,
        pops_incoming_args: requirements.pops_incoming_args,
        function_calls: allocation.function_calls,
    })
}

/// The callee-saved registers that the function writes.
fn callee_saves(allocation: &AllocationSummary, keeps_frame_pointer: bool) -> Vec<RealReg> {
    let mut saves = allocation.clobbered;
    saves.intersect_from(CALLEE_SAVED);
    saves
        .into_iter()
        .map(RealReg::from)
        .filter(|&reg| !(keeps_frame_pointer && reg == real_reg(Gpr::FP)))
        .collect()
}

/// How far the upper end of the setup area is above the stack pointer while registers are saved and restored: the whole
/// frame where it is small, else just what the saved registers need.
fn save_area_top(frame: &FrameLayout) -> u32 {
    if frame.sp_adjustment() <= MAX_SMALL_FRAME {
        return frame.frame_size();
    }
    let saved = frame.setup_area_size + frame.clobber_size;
    saved.next_multiple_of(STACK_ALIGNMENT)
}

/// The saved registers, each with its distance from the upper end of the setup area.
fn saved_registers(frame: &FrameLayout) -> impl Iterator<Item = (RealReg, u32)> {
    let setup = [
        (frame.setup_area_size > 0).then_some(real_reg(Gpr::RA)),
        frame.saves_frame_pointer.then_some(real_reg(Gpr::FP)),
    ];
    let setup = setup.into_iter().flatten().zip(1..);
    let first_clobber = frame.setup_area_size / WORD_BYTES + 1;
    let clobbers = frame
        .clobbered_callee_saves
        .iter()
        .copied()
        .zip(first_clobber..);
    setup
        .chain(clobbers)
        .map(|(reg, words)| (reg, words * WORD_BYTES))
}

/// A step of a prologue or an epilogue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FrameStep {
    /// An instruction.
    Inst(MInst),
    /// What is true of the frame behind the instructions so far.
    Unwind(UnwindInst),
}

/// Where the steps of a prologue or an epilogue go.
type Push<'a> = &'a mut dyn FnMut(FrameStep);

/// Hands to `push` the steps that check that the stack has room for the frame and for callees that do not check it themselves.
/// The lowest address that the stack may reach is in [`FRAME_TEMPORARY`]. The state of the frame is remembered, for the
/// traps that they branch to: see [`MachBuffer::keep_entry_traps`](crate::backend::buffer::MachBuffer::keep_entry_traps).
pub fn gen_stack_check(frame: &FrameLayout, push: Push<'_>) {
    let limit = x_reg(FRAME_TEMPORARY);
    let size = x_reg(STACK_CHECK_TEMPORARY);
    let trap_if_below = |rs1, rs2| {
        FrameStep::Inst(MInst::TrapIf {
            op: Opcode::Bltu,
            rs1,
            rs2,
            code: TrapCode::STACK_OVERFLOW,
        })
    };
    push(FrameStep::Unwind(UnwindInst::RememberState));
    push(trap_if_below(stack_reg(), limit));
    let needed = frame.sp_adjustment() + frame.unchecked_stack;
    if needed == 0 {
        return;
    }
    push(FrameStep::Inst(MInst::AluRRR {
        op: Opcode::Sub,
        rd: Writable::from_reg(limit),
        rs1: stack_reg(),
        rs2: limit,
    }));
    push(FrameStep::Inst(MInst::LoadConst32 {
        rd: Writable::from_reg(size),
        value: needed as i32,
    }));
    push(trap_if_below(limit, size));
}

/// Whether the function takes room on the stack, itself or by calls.
pub fn needs_stack(frame: &FrameLayout) -> bool {
    frame.sp_adjustment() > 0 || frame.function_calls != CallType::None
}

/// Hands to `push` the steps that take the frame and save registers.
pub fn gen_prologue(frame: &FrameLayout, push: Push<'_>) {
    let top = save_area_top(frame);
    let taken = frame.tail_args_growth() + top;
    move_sp(-(taken as i32), taken as i32, push);
    for (reg, distance) in saved_registers(frame) {
        push(FrameStep::Inst(MInst::Store {
            op: Opcode::Sw,
            src: reg.to_reg(),
            addr: near_sp(top - distance),
            trap: None,
        }));
        push(FrameStep::Unwind(UnwindInst::SaveReg {
            reg,
            below_cfa: frame.tail_args_growth() + distance,
        }));
    }
    if frame.preserve_frame_pointers {
        push(FrameStep::Inst(MInst::AluRRImm12 {
            op: Opcode::Addi,
            rd: Writable::from_reg(fp_reg()),
            rs: stack_reg(),
            imm: imm12((top - frame.setup_area_size) as i32),
        }));
    }
    let rest = frame.frame_size() - top;
    move_sp(-(rest as i32), (taken + rest) as i32, push);
}

/// Hands to `push` the steps that restore registers and give the frame back, for a return.
pub fn gen_epilogue(frame: &FrameLayout, push: Push<'_>) {
    let popped = if frame.pops_incoming_args {
        frame.incoming_args_size
    } else {
        0
    };
    restore(frame, frame.tail_args_growth() + popped, push);
}

/// Hands to `push` the steps that restore registers and give the frame back, for a tail call that passes `args_size` bytes on
/// the stack.
pub fn gen_tail_call_epilogue(frame: &FrameLayout, args_size: u32, push: Push<'_>) {
    let first_arg = frame.tail_arg_offset(args_size, 0) as u32;
    restore(frame, first_arg - frame.frame_size(), push);
}

/// Restores the registers and moves the stack pointer to `above` bytes above the setup area.
fn restore(frame: &FrameLayout, above: u32, push: Push<'_>) {
    let top = save_area_top(frame);
    let growth = frame.tail_args_growth();
    let rest = frame.frame_size() - top;
    move_sp(rest as i32, (growth + top) as i32, push);
    for (reg, distance) in saved_registers(frame) {
        push(FrameStep::Inst(MInst::Load {
            op: Opcode::Lw,
            rd: Writable::from_reg(reg.to_reg()),
            addr: near_sp(top - distance),
            trap: None,
        }));
        push(FrameStep::Unwind(UnwindInst::RestoreReg(reg)));
    }
    move_sp((top + above) as i32, growth as i32 - above as i32, push);
}

/// Moves the stack pointer by `distance` bytes, so that the canonical frame address is `cfa_offset` bytes above it.
fn move_sp(distance: i32, cfa_offset: i32, push: Push<'_>) {
    if distance == 0 {
        return;
    }
    adjust_sp(distance, FRAME_TEMPORARY, &mut |inst| {
        push(FrameStep::Inst(inst));
    });
    push(FrameStep::Unwind(UnwindInst::DefCfaOffset(cfa_offset)));
}

/// Hands to `push` the instructions that move the stack pointer by `distance` bytes, with `temporary` for a large distance.
pub(super) fn adjust_sp(distance: i32, temporary: Gpr, push: &mut dyn FnMut(MInst)) {
    if distance == 0 {
        return;
    }
    let rd = Writable::from_reg(stack_reg());
    if let Ok(imm) = Imm12::new(distance) {
        push(MInst::AluRRImm12 {
            op: Opcode::Addi,
            rd,
            rs: stack_reg(),
            imm,
        });
        return;
    }
    let temporary = x_reg(temporary);
    push(MInst::LoadConst32 {
        rd: Writable::from_reg(temporary),
        value: distance,
    });
    push(MInst::AluRRR {
        op: Opcode::Add,
        rd,
        rs1: stack_reg(),
        rs2: temporary,
    });
}

fn near_sp(offset: u32) -> AMode {
    AMode::RegOffset(stack_reg(), imm12(offset as i32))
}

fn imm12(value: i32) -> Imm12 {
    Imm12::new(value).expect("registers are saved within reach of the stack pointer")
}
