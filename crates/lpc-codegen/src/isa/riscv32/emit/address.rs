//! Loads, stores and addresses, with offsets of any size.
//!
//! An offset into the frame that does not fit 12 bits is formed in a register: `lui t, hi; add t, t, sp`, with the low part
//! left to the instruction. A load forms it in its own destination; a store in `ra`, which frames of that size save.

use super::{LabelUse, note_trap, put};
use crate::backend::buffer::{MachBuffer, MachLabel};
use crate::backend::emit::EmitContext;
use crate::backend::frame::FrameLayout;
use crate::isa::riscv32::inst::{AMode, MInst};
use crate::isa::riscv32::regs::gpr;
use lpc_lpir::ir::TrapCode;
use lpc_riscv32::immediate::split_hi_lo;
use lpc_riscv32::{Gpr, Imm12, Inst, Opcode};

/// An address, once the frame is known.
enum Address {
    Register(Gpr, Imm12),
    /// Bytes from the stack pointer.
    Frame(i32),
    Label(MachLabel),
}

impl Address {
    fn of(addr: &AMode, context: &EmitContext<'_>) -> Self {
        let frame = context.frame;
        match *addr {
            AMode::RegOffset(base, offset) => Self::Register(gpr(base), offset),
            // The offset of an address that is never accessed may be anything; addresses wrap around.
            AMode::SlotOffset(offset) => {
                Self::Frame((frame.stackslots_offset as i32).wrapping_add(offset))
            }
            AMode::IncomingArg(offset) => Self::Frame(frame.incoming_arg_offset(offset)),
            AMode::OutgoingArg(offset) => Self::Frame(offset),
            AMode::TailArg { args_size, offset } => {
                Self::Frame(frame.tail_arg_offset(args_size, offset))
            }
            AMode::SpillSlot(slot) => Self::Frame(frame.spillslot_offset(slot) as i32),
            AMode::Const(constant) => Self::Label(context.constant_label(constant)),
        }
    }
}

/// Loads `rd` from `addr`.
pub(super) fn emit_load(
    op: Opcode,
    rd: Gpr,
    addr: &AMode,
    trap: Option<TrapCode>,
    buffer: &mut MachBuffer<MInst>,
    context: &EmitContext<'_>,
) {
    match Address::of(addr, context) {
        Address::Register(base, offset) => {
            note_trap(trap, buffer);
            put(buffer, Inst::load(op, rd, base, offset));
        }
        Address::Frame(offset) => emit_frame_load(op, rd, offset, trap, buffer),
        // A constant can be read without a trap: nobody would notice.
        Address::Label(_) if rd == Gpr::ZERO => {}
        Address::Label(label) => buffer.use_label(LabelUse::Load { op, rd }, label),
    }
}

/// Loads `rd` from `offset` bytes above the stack pointer.
pub(super) fn emit_frame_load(
    op: Opcode,
    rd: Gpr,
    offset: i32,
    trap: Option<TrapCode>,
    buffer: &mut MachBuffer<MInst>,
) {
    let temporary = if rd == Gpr::ZERO { Gpr::RA } else { rd };
    let (base, offset) = frame_base(offset, temporary, buffer);
    note_trap(trap, buffer);
    put(buffer, Inst::load(op, rd, base, offset));
}

/// Stores `src` to `addr`.
pub(super) fn emit_store(
    op: Opcode,
    src: Gpr,
    addr: &AMode,
    trap: Option<TrapCode>,
    buffer: &mut MachBuffer<MInst>,
    context: &EmitContext<'_>,
) {
    let (base, offset) = match Address::of(addr, context) {
        Address::Register(base, offset) => (base, offset),
        Address::Frame(offset) => {
            debug_assert!(is_near(offset) || saves_link(context.frame));
            frame_base(offset, Gpr::RA, buffer)
        }
        Address::Label(_) => unreachable!("constants are not stored to"),
    };
    note_trap(trap, buffer);
    put(buffer, Inst::store(op, src, base, offset));
}

/// Puts the address `addr` into `rd`.
pub(super) fn emit_load_address(
    rd: Gpr,
    addr: &AMode,
    buffer: &mut MachBuffer<MInst>,
    context: &EmitContext<'_>,
) {
    if rd == Gpr::ZERO {
        return;
    }
    let (base, offset) = match Address::of(addr, context) {
        Address::Register(base, offset) => (base, offset),
        Address::Frame(offset) => frame_base(offset, rd, buffer),
        Address::Label(label) => {
            buffer.use_label(LabelUse::Address { rd }, label);
            return;
        }
    };
    if rd != base || offset != Imm12::ZERO {
        put(buffer, Inst::i(Opcode::Addi, rd, base, offset));
    }
}

fn is_near(offset: i32) -> bool {
    Imm12::new(offset).is_ok()
}

fn saves_link(frame: &FrameLayout) -> bool {
    frame.setup_area_size > 0
}

/// A register and an offset that together are `offset` bytes above the stack pointer. Where it is far, the register is
/// `temporary`.
fn frame_base(offset: i32, temporary: Gpr, buffer: &mut MachBuffer<MInst>) -> (Gpr, Imm12) {
    if let Ok(near) = Imm12::new(offset) {
        return (Gpr::SP, near);
    }
    let (high, low) = split_hi_lo(offset);
    put(buffer, Inst::upper(Opcode::Lui, temporary, high));
    put(buffer, Inst::r(Opcode::Add, temporary, temporary, Gpr::SP));
    (temporary, low)
}
