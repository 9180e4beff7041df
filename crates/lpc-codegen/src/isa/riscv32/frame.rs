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

use super::emit::{LabelUse, emit_constant, emit_trap_if, note_unwind, put};
use super::inst::MInst;
use super::regs::{CALLEE_SAVED, FRAME_TEMPORARY, STACK_CHECK_TEMPORARY, gpr, real_reg};
use crate::backend::buffer::MachBuffer;
use crate::backend::frame::{
    AllocationSummary, FrameLayout, FrameRequirements, FrameTooLarge, MAX_FRAME_SIZE,
    STACK_ALIGNMENT,
};
use crate::backend::machinst::{CallType, CodeOffset};
use crate::backend::reg::RealReg;
use crate::backend::unwind::UnwindInst;
use lpc_lpir::ir::TrapCode;
use lpc_riscv32::{Gpr, Imm12, Inst, Opcode};

type Buffer = MachBuffer<MInst>;

const WORD_BYTES: u32 = 4;

/// `ra` and `s0`.
const SETUP_AREA_SIZE: u32 = 2 * WORD_BYTES;

/// The largest frame that is taken with one instruction: a multiple of the alignment that `addi` can add and subtract.
const MAX_SMALL_FRAME: u32 = 2032;

/// The largest offset into the frame that a load or store holds.
const MAX_NEAR_OFFSET: u32 = 2047;

/// The largest code, in bytes, all of whose branches are within the reach of `jal`; the prologue is not counted in it.
const MAX_NEAR_CODE: CodeOffset = (1 << 20) - 256;

/// Lays out the frame.
///
/// # Errors
/// [`FrameTooLarge`] if it, together with the arguments above it, is larger than [`MAX_FRAME_SIZE`].
#[cfg_attr(target_os = "none", inline(never))]
pub fn compute_frame_layout(
    requirements: &FrameRequirements,
    allocation: &AllocationSummary,
) -> Result<FrameLayout, FrameTooLarge> {
    debug_assert!(requirements.tail_args_size >= requirements.incoming_args_size);
    debug_assert!(requirements.stackslots_align.max(1) <= STACK_ALIGNMENT);
    let outgoing = requirements.outgoing_args_size;
    let spills = allocation.num_spillslots.saturating_mul(WORD_BYTES);
    let slots = requirements.stackslots_size;
    let tail_args = requirements.tail_args_size;
    let parts = [outgoing, spills, slots, tail_args];
    if parts.iter().any(|&part| part > MAX_FRAME_SIZE) {
        return Err(FrameTooLarge);
    }
    // Sums of so few parts that are no larger cannot overflow.
    let slots_offset = (outgoing + spills).next_multiple_of(requirements.stackslots_align.max(1));
    let storage_end = slots_offset + slots;
    // The setup area, the clobbers and the padding are within the 256 bytes.
    let reach = storage_end + tail_args + 256;
    if reach > MAX_FRAME_SIZE {
        return Err(FrameTooLarge);
    }
    let saves_link = allocation.function_calls == CallType::Regular
        || requirements.preserve_frame_pointers
        || allocation.code_size > MAX_NEAR_CODE
        || reach > MAX_NEAR_OFFSET;
    let fp = real_reg(Gpr::FP).preg();
    let mut saves = allocation.clobbered;
    saves.intersect_from(CALLEE_SAVED);
    let saves_frame_pointer =
        requirements.preserve_frame_pointers || saves_link && saves.contains(fp);
    if saves_frame_pointer {
        saves.remove(fp);
    }
    let setup_area_size = if saves_link { SETUP_AREA_SIZE } else { 0 };
    let clobber_size = saves.into_iter().count() as u32 * WORD_BYTES;
    let saved = setup_area_size + clobber_size;
    let total = (storage_end + saved).next_multiple_of(STACK_ALIGNMENT);
    Ok(FrameLayout {
        word_bytes: WORD_BYTES,
        incoming_args_size: requirements.incoming_args_size,
        tail_args_size: requirements.tail_args_size,
        setup_area_size,
        clobber_size,
        fixed_frame_storage_size: total - saved - outgoing,
        stackslots_size: requirements.stackslots_size,
        outgoing_args_size: requirements.outgoing_args_size,
        unchecked_stack: requirements.unchecked_stack,
        stackslots_offset: slots_offset,
        clobbered_callee_saves: saves,
        saves_frame_pointer,
        preserve_frame_pointers: requirements.preserve_frame_pointers,
        pops_incoming_args: requirements.pops_incoming_args,
        function_calls: allocation.function_calls,
    })
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
    let clobbers = frame.clobbered_callee_saves.into_iter();
    let clobbers = clobbers.map(RealReg::from).zip(first_clobber..);
    setup
        .chain(clobbers)
        .map(|(reg, words)| (reg, words * WORD_BYTES))
}

/// Appends the instructions that check that the stack has room for the frame and for callees that do not check it themselves.
/// The lowest address that the stack may reach is in [`FRAME_TEMPORARY`]. The state of the frame is remembered, for the
/// traps that they branch to: see [`MachBuffer::keep_entry_traps`].
pub fn emit_stack_check(frame: &FrameLayout, buffer: &mut Buffer) {
    let (limit, size) = (FRAME_TEMPORARY, STACK_CHECK_TEMPORARY);
    let trap_if_below = |buffer: &mut Buffer, rs1, rs2| {
        let is_below = LabelUse::branch(Opcode::Bltu, rs1, rs2);
        emit_trap_if(is_below, TrapCode::STACK_OVERFLOW, buffer);
    };
    note_unwind(UnwindInst::RememberState, buffer);
    trap_if_below(buffer, Gpr::SP, limit);
    let needed = frame.sp_adjustment() + frame.unchecked_stack;
    if needed == 0 {
        return;
    }
    put(buffer, Inst::r(Opcode::Sub, limit, Gpr::SP, limit));
    emit_constant(size, needed as i32, buffer);
    trap_if_below(buffer, limit, size);
}

/// Whether the function takes room on the stack, itself or by calls.
pub fn needs_stack(frame: &FrameLayout) -> bool {
    frame.sp_adjustment() > 0 || frame.function_calls != CallType::None
}

/// Appends the instructions that take the frame and save registers.
#[cfg_attr(target_os = "none", inline(never))]
pub fn emit_prologue(frame: &FrameLayout, buffer: &mut Buffer) {
    let top = save_area_top(frame);
    let taken = frame.tail_args_growth() + top;
    move_sp(-(taken as i32), taken as i32, buffer);
    for (reg, distance) in saved_registers(frame) {
        let offset = imm12((top - distance) as i32);
        put(
            buffer,
            Inst::store(Opcode::Sw, gpr(reg.to_reg()), Gpr::SP, offset),
        );
        let below_cfa = frame.tail_args_growth() + distance;
        note_unwind(UnwindInst::SaveReg { reg, below_cfa }, buffer);
    }
    if frame.preserve_frame_pointers {
        let offset = imm12((top - frame.setup_area_size) as i32);
        put(buffer, Inst::i(Opcode::Addi, Gpr::FP, Gpr::SP, offset));
    }
    let rest = frame.frame_size() - top;
    move_sp(-(rest as i32), (taken + rest) as i32, buffer);
}

/// Appends the instructions that restore registers and give the frame back, for a return.
pub fn emit_epilogue(frame: &FrameLayout, buffer: &mut Buffer) {
    let popped = if frame.pops_incoming_args {
        frame.incoming_args_size
    } else {
        0
    };
    restore(frame, frame.tail_args_growth() + popped, buffer);
}

/// Appends the instructions that restore registers and give the frame back, for a tail call that passes `args_size` bytes on
/// the stack.
pub fn emit_tail_call_epilogue(frame: &FrameLayout, args_size: u32, buffer: &mut Buffer) {
    let first_arg = frame.tail_arg_offset(args_size, 0) as u32;
    restore(frame, first_arg - frame.frame_size(), buffer);
}

/// Restores the registers and moves the stack pointer to `above` bytes above the setup area.
fn restore(frame: &FrameLayout, above: u32, buffer: &mut Buffer) {
    let top = save_area_top(frame);
    let growth = frame.tail_args_growth();
    let rest = frame.frame_size() - top;
    move_sp(rest as i32, (growth + top) as i32, buffer);
    for (reg, distance) in saved_registers(frame) {
        let offset = imm12((top - distance) as i32);
        put(
            buffer,
            Inst::load(Opcode::Lw, gpr(reg.to_reg()), Gpr::SP, offset),
        );
        note_unwind(UnwindInst::RestoreReg(reg), buffer);
    }
    move_sp((top + above) as i32, growth as i32 - above as i32, buffer);
}

/// Moves the stack pointer by `distance` bytes, so that the canonical frame address is `cfa_offset` bytes above it.
fn move_sp(distance: i32, cfa_offset: i32, buffer: &mut Buffer) {
    if distance == 0 {
        return;
    }
    adjust_sp(distance, FRAME_TEMPORARY, buffer);
    note_unwind(UnwindInst::DefCfaOffset(cfa_offset), buffer);
}

/// Moves the stack pointer by `distance` bytes, with `temporary` for a large distance.
pub(super) fn adjust_sp(distance: i32, temporary: Gpr, buffer: &mut Buffer) {
    if let Some(imm) = Imm12::maybe(distance) {
        if imm != Imm12::ZERO {
            put(buffer, Inst::i(Opcode::Addi, Gpr::SP, Gpr::SP, imm));
        }
        return;
    }
    emit_constant(temporary, distance, buffer);
    put(buffer, Inst::r(Opcode::Add, Gpr::SP, Gpr::SP, temporary));
}

fn imm12(value: i32) -> Imm12 {
    Imm12::maybe(value).expect("registers are saved within reach of the stack pointer")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::buffer::MachBufferFinalized;
    use crate::isa::riscv32::emit::EmitInfo;
    use alloc::vec;
    use alloc::vec::Vec;
    use lpc_lpir::heap::Heap;
    use lpc_riscv32::ExtensionSet;
    use regalloc2::PRegSet;

    fn layout(stackslots_size: u32, code_size: CodeOffset) -> Result<FrameLayout, FrameTooLarge> {
        let requirements = FrameRequirements {
            stackslots_size,
            ..FrameRequirements::default()
        };
        let allocation = AllocationSummary {
            num_spillslots: 0,
            clobbered: PRegSet::empty(),
            function_calls: CallType::None,
            code_size,
        };
        compute_frame_layout(&requirements, &allocation)
    }

    #[test]
    fn the_largest_frame() {
        let largest = MAX_FRAME_SIZE - 256;
        assert_eq!(layout(largest, 0).unwrap().stackslots_size, largest);
        assert_eq!(layout(largest + 1, 0), Err(FrameTooLarge));
    }

    /// In a frame that is too large for immediates, and in code that is too large for `jal`, `ra` is a temporary.
    #[test]
    fn what_is_far_needs_the_link_register() {
        let saves_link = |slots, code| layout(slots, code).unwrap().setup_area_size > 0;
        let largest_slots = 2047 - 256;
        let largest_code = 1024 * 1024 - 256;
        assert!(!saves_link(largest_slots, largest_code));
        assert!(saves_link(largest_slots + 1, 0));
        assert!(saves_link(0, largest_code + 1));
    }

    #[test]
    fn frames_and_calls_need_stack() {
        let needs_stack = |fixed_frame_storage_size, function_calls| {
            needs_stack(&FrameLayout {
                fixed_frame_storage_size,
                function_calls,
                ..FrameLayout::default()
            })
        };
        assert!(!needs_stack(0, CallType::None));
        assert!(needs_stack(0, CallType::TailCall));
        assert!(needs_stack(0, CallType::Regular));
        assert!(needs_stack(16, CallType::None));
    }

    /// The frame and the callees that do not check are one number, which is compared with what is left above the limit.
    #[test]
    fn the_stack_check_counts_what_callees_need() {
        let steps = |fixed_frame_storage_size, unchecked_stack| {
            let frame = FrameLayout {
                fixed_frame_storage_size,
                unchecked_stack,
                ..FrameLayout::default()
            };
            let code = emitted(|buffer| emit_stack_check(&frame, buffer));
            let words = code.bytes.chunks(4);
            let insts =
                words.map(|word| Inst::decode(u32::from_le_bytes(word.try_into().unwrap())));
            let constants = insts.filter_map(|inst| match inst.ok()? {
                Inst {
                    opcode: Opcode::Addi,
                    imm,
                    ..
                } => Some(imm),
                _ => None,
            });
            (constants.collect::<Vec<_>>(), code.traps.len())
        };
        assert_eq!(steps(0, 0), (vec![], 1));
        assert_eq!(steps(32, 100), (vec![132], 2));
    }

    /// A frame with everything: 16 bytes more for the arguments of tail calls, 12 bytes for saved registers.
    fn frame_with_growth(fixed_frame_storage_size: u32) -> FrameLayout {
        FrameLayout {
            tail_args_size: 32,
            incoming_args_size: 16,
            pops_incoming_args: true,
            setup_area_size: SETUP_AREA_SIZE,
            clobber_size: WORD_BYTES,
            clobbered_callee_saves: PRegSet::empty().with(real_reg(Gpr::S1).preg()),
            fixed_frame_storage_size,
            ..FrameLayout::default()
        }
    }

    /// The code that `emit` appends, with what it notes of the frame.
    fn emitted(emit: impl FnOnce(&mut Buffer)) -> MachBufferFinalized {
        let info = EmitInfo {
            unwind_info: true,
            ..EmitInfo::new(ExtensionSet::RV32I)
        };
        let mut buffer = MachBuffer::new(info, 0, 0, Heap::unlimited());
        emit(&mut buffer);
        let mut code = MachBufferFinalized::default();
        buffer
            .finish(false, &mut Heap::unlimited(), &mut code)
            .unwrap();
        code
    }

    fn unwind_steps(emit: impl FnOnce(&mut Buffer)) -> Vec<UnwindInst> {
        let unwind = emitted(emit).unwind.into_iter();
        unwind.map(|(_, step)| step).collect()
    }

    /// The canonical frame address, where the stack pointer was, is counted from the stack pointer.
    #[test]
    fn unwind_information_follows_the_stack_pointer() {
        use UnwindInst::{DefCfaOffset, RestoreReg, SaveReg};
        let [ra, s1] = [Gpr::RA, Gpr::S1].map(real_reg);
        let save = |reg, below_cfa| SaveReg { reg, below_cfa };
        let restores = [RestoreReg(ra), RestoreReg(s1)];

        let small = frame_with_growth(20);
        let prologue = [DefCfaOffset(48), save(ra, 20), save(s1, 28)];
        assert_eq!(
            unwind_steps(|buffer| emit_prologue(&small, buffer)),
            prologue
        );
        let epilogue = [restores[0], restores[1], DefCfaOffset(-16)];
        assert_eq!(
            unwind_steps(|buffer| emit_epilogue(&small, buffer)),
            epilogue
        );
        let tail_call = [restores[0], restores[1], DefCfaOffset(8)];
        let steps = unwind_steps(|buffer| emit_tail_call_epilogue(&small, 24, buffer));
        assert_eq!(steps, tail_call);

        // The registers are saved near the upper end, before the rest is taken.
        let large = frame_with_growth(4084);
        let prologue = [
            DefCfaOffset(32),
            save(ra, 20),
            save(s1, 28),
            DefCfaOffset(4112),
        ];
        assert_eq!(
            unwind_steps(|buffer| emit_prologue(&large, buffer)),
            prologue
        );
        let epilogue = [
            DefCfaOffset(32),
            restores[0],
            restores[1],
            DefCfaOffset(-16),
        ];
        assert_eq!(
            unwind_steps(|buffer| emit_epilogue(&large, buffer)),
            epilogue
        );
    }
}
