//! Loops of `lr.w` and `sc.w`: what no single instruction does atomically.
//!
//! ```text
//! again:  lr.w.aqrl  old, (addr)        what the word is
//!         ...                           new = what it becomes
//!         sc.w.rl    new, new, (addr)   stores unless someone else did in between
//!         bnez       new, again
//! ```
//!
//! A part of a word is put into the word with `new = ((new ^ old) & mask) ^ old`: the bits that the mask selects come from
//! `new`, the others stay.
//!
//! The loops are what the manual calls constrained, so that they end whatever others do: at most
//! [`MAX_INSTRUCTIONS`] instructions, all of the base set, with no access to memory and no branch back between the two
//! accesses (volume I, section "Eventual Success of Store-Conditional Instructions"). Acquire and release on the load, and
//! release on the store, make the whole sequentially consistent (appendix "Code Porting and Mapping Guidelines").

use super::{LabelUse, dest, emit_move, note_trap, put};
use crate::backend::buffer::{MachBuffer, MachLabel};
use crate::backend::machinst::CodeOffset;
use crate::isa::riscv32::inst::{AtomicLoopInfo, AtomicLoopOp, MInst};
use crate::isa::riscv32::regs::gpr;
use lpc_lpir::ir::{AtomicRmwOp, TrapCode};
use lpc_riscv32::inst::AtomicOrder;
use lpc_riscv32::{Gpr, Imm12, Inst, Opcode};

/// The most instructions that a loop has.
pub(super) const MAX_INSTRUCTIONS: CodeOffset = 16;

type Buffer = MachBuffer<MInst>;

/// Appends the loop that changes memory.
#[cfg_attr(target_os = "none", inline(never))]
pub(super) fn emit_atomic_loop(info: &AtomicLoopInfo, buffer: &mut Buffer) {
    let [old, new] = [info.old, info.new].map(dest);
    let addr = gpr(info.addr);
    let mask = info.part.map(|part| gpr(part.mask));
    let again = start_loop(old, addr, info.trap, buffer);
    let done = buffer.get_label();
    let mut value = match info.op {
        AtomicLoopOp::Combine(op) => emit_combination(op, info, buffer),
        AtomicLoopOp::Replace { expected } => {
            let found = match mask {
                Some(mask) => {
                    put(buffer, Inst::r(Opcode::And, new, old, mask));
                    new
                }
                None => old,
            };
            let differs = LabelUse::branch(Opcode::Bne, found, gpr(expected));
            buffer.use_label(differs, done);
            gpr(info.operand)
        }
    };
    if let Some(mask) = mask {
        emit_insertion(new, value, old, mask, buffer);
        value = new;
    }
    end_loop(again, new, value, addr, info.trap, buffer);
    buffer.bind_label(done);
}

fn start_loop(old: Gpr, addr: Gpr, trap: Option<TrapCode>, buffer: &mut Buffer) -> MachLabel {
    let again = buffer.get_label();
    buffer.bind_label(again);
    note_trap(trap, buffer);
    let order = AtomicOrder::SEQUENTIALLY_CONSISTENT;
    put(
        buffer,
        Inst::atomic(Opcode::LrW, old, Gpr::ZERO, addr, order),
    );
    again
}

/// Stores `value`, and starts `again` if that failed, which `failure` tells.
fn end_loop(
    again: MachLabel,
    failure: Gpr,
    value: Gpr,
    addr: Gpr,
    trap: Option<TrapCode>,
    buffer: &mut Buffer,
) {
    note_trap(trap, buffer);
    let order = AtomicOrder {
        acquire: false,
        release: true,
    };
    put(
        buffer,
        Inst::atomic(Opcode::ScW, failure, value, addr, order),
    );
    let retry = LabelUse::branch(Opcode::Bne, failure, Gpr::ZERO);
    buffer.use_label(retry, again);
}

/// Combines `old` and the operand, and gives the register that holds the result.
fn emit_combination(op: AtomicRmwOp, info: &AtomicLoopInfo, buffer: &mut Buffer) -> Gpr {
    let [old, new] = [info.old, info.new].map(dest);
    let operand = gpr(info.operand);
    let opcode = match op {
        AtomicRmwOp::Add => Opcode::Add,
        AtomicRmwOp::Sub => Opcode::Sub,
        AtomicRmwOp::And | AtomicRmwOp::Nand => Opcode::And,
        AtomicRmwOp::Or => Opcode::Or,
        AtomicRmwOp::Xor => Opcode::Xor,
        AtomicRmwOp::Xchg => return operand,
        AtomicRmwOp::Umin | AtomicRmwOp::Umax | AtomicRmwOp::Smin | AtomicRmwOp::Smax => {
            emit_min_max(op, info, buffer);
            return new;
        }
    };
    put(buffer, Inst::r(opcode, new, old, operand));
    if op == AtomicRmwOp::Nand {
        let all_ones = Imm12::maybe(-1).expect("-1 is small");
        put(buffer, Inst::i(Opcode::Xori, new, new, all_ones));
    }
    new
}

/// `new` = the lesser or the greater of `old` and the operand, in the part of the word if only a part counts.
///
/// A signed part is compared at the top of the register, where its sign is. What stands below it there does not matter: it
/// decides only between equals.
fn emit_min_max(op: AtomicRmwOp, info: &AtomicLoopInfo, buffer: &mut Buffer) {
    let [old, new] = [info.old, info.new].map(dest);
    let operand = gpr(info.operand);
    let is_signed = matches!(op, AtomicRmwOp::Smin | AtomicRmwOp::Smax);
    match info.part {
        None => emit_move(new, old, buffer),
        Some(part) if is_signed => put(buffer, Inst::r(Opcode::Sll, new, old, gpr(part.above))),
        Some(part) => put(buffer, Inst::r(Opcode::And, new, old, gpr(part.mask))),
    }
    let not_less = if is_signed { Opcode::Bge } else { Opcode::Bgeu };
    let keeps_old = match op {
        AtomicRmwOp::Smax | AtomicRmwOp::Umax => LabelUse::branch(not_less, new, operand),
        _ => LabelUse::branch(not_less, operand, new),
    };
    let chosen = buffer.get_label();
    buffer.use_label(keeps_old, chosen);
    emit_move(new, operand, buffer);
    buffer.bind_label(chosen);
    if let Some(part) = info.part
        && is_signed
    {
        put(buffer, Inst::r(Opcode::Srl, new, new, gpr(part.above)));
    }
}

/// `new` = `part` in the bits of `mask`, and `old` in the others.
fn emit_insertion(new: Gpr, part: Gpr, old: Gpr, mask: Gpr, buffer: &mut Buffer) {
    put(buffer, Inst::r(Opcode::Xor, new, part, old));
    put(buffer, Inst::r(Opcode::And, new, new, mask));
    put(buffer, Inst::r(Opcode::Xor, new, new, old));
}
