//! Loads, stores and addresses, with offsets of any size.
//!
//! An offset into the frame that does not fit 12 bits is formed in a register: `lui t, hi; add t, t, sp`, with the low part
//! left to the instruction. A load forms it in its own destination; a store in `ra`, which frames of that size save.

use super::{LabelUse, note_trap, put};
use crate::backend::buffer::{MachBuffer, MachLabel};
use crate::backend::emit::EmitContext;
use crate::backend::frame::FrameLayout;
use crate::backend::reg::Reg;
use crate::isa::riscv32::inst::{AMode, MInst};
use crate::isa::riscv32::regs::gpr;
use lpc_lpir::ir::TrapCode;
use lpc_riscv32::immediate::split_hi_lo;
use lpc_riscv32::{Gpr, Imm12, Inst, Opcode};

/// An address, once the frame is known.
pub(super) enum Address {
    Register(Reg, Imm12),
    /// Bytes from the stack pointer.
    Frame(i32),
    Label(MachLabel),
}

impl Address {
    pub(super) fn of(addr: &AMode, context: &EmitContext<'_>) -> Self {
        let frame = context.frame;
        Self::Frame(match *addr {
            AMode::RegOffset(base, offset) => return Self::Register(base, offset),
            // The offset of an address that is never accessed may be anything; addresses wrap around.
            AMode::SlotOffset(offset) => (frame.stackslots_offset as i32).wrapping_add(offset),
            AMode::IncomingArg(offset) => frame.incoming_arg_offset(offset),
            AMode::OutgoingArg(offset) => offset,
            AMode::TailArg { args_size, offset } => frame.tail_arg_offset(args_size, offset),
            AMode::SpillSlot(slot) => frame.spillslot_offset(slot) as i32,
            AMode::Const(constant) => {
                let label = context.constant_label(constant);
                return Self::Label(label.expect("there is such a constant"));
            }
        })
    }

    /// The register and the offset that together are the address, where it is no label. A far one is formed in `temporary`.
    fn base(&self, temporary: Gpr, buffer: &mut MachBuffer<MInst>) -> Option<(Gpr, Imm12)> {
        match *self {
            Self::Register(base, offset) => Some((gpr(base), offset)),
            Self::Frame(offset) => Some(frame_base(offset, temporary, buffer)),
            Self::Label(_) => None,
        }
    }
}

/// Loads `rd` from `address`.
pub(super) fn emit_load(
    op: Opcode,
    rd: Gpr,
    address: Address,
    trap: Option<TrapCode>,
    buffer: &mut MachBuffer<MInst>,
) {
    // A constant can be read without a trap: nobody would notice.
    if let Address::Label(label) = address {
        if rd != Gpr::ZERO {
            buffer.use_label(LabelUse::Load { op, rd }, label);
        }
        return;
    }
    let temporary = if rd == Gpr::ZERO { Gpr::RA } else { rd };
    if let Some((base, offset)) = address.base(temporary, buffer) {
        note_trap(trap, buffer);
        put(buffer, Inst::load(op, rd, base, offset));
    }
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
    let address = Address::of(addr, context);
    debug_assert!(match address {
        Address::Frame(offset) => is_near(offset) || saves_link(context.frame),
        _ => true,
    });
    let base = address.base(Gpr::RA, buffer);
    let (base, offset) = base.expect("constants are not stored to");
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
    let address = Address::of(addr, context);
    if let Address::Label(label) = address {
        buffer.use_label(LabelUse::Address { rd }, label);
    }
    if let Some((base, offset)) = address.base(rd, buffer)
        && (rd != base || offset != Imm12::ZERO)
    {
        put(buffer, Inst::i(Opcode::Addi, rd, base, offset));
    }
}

fn is_near(offset: i32) -> bool {
    Imm12::maybe(offset).is_some()
}

fn saves_link(frame: &FrameLayout) -> bool {
    frame.setup_area_size > 0
}

/// A register and an offset that together are `offset` bytes above the stack pointer. Where it is far, the register is
/// `temporary`.
fn frame_base(offset: i32, temporary: Gpr, buffer: &mut MachBuffer<MInst>) -> (Gpr, Imm12) {
    if let Some(near) = Imm12::maybe(offset) {
        return (Gpr::SP, near);
    }
    let (high, low) = split_hi_lo(offset);
    put(buffer, Inst::upper(Opcode::Lui, temporary, high));
    put(buffer, Inst::r(Opcode::Add, temporary, temporary, Gpr::SP));
    (temporary, low)
}
