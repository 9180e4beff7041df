//! Instructions in the form that executes fastest.

use super::code::Code;
use super::handlers;
use super::hart::{Hart, Tally};
use super::registers::Registers;
use crate::fetch::FetchedInst;
use crate::gpr::Gpr;
use crate::table::Opcode;

/// Executes the op that it is given, and then those behind it, by calling the handler of the next one as its very last
/// action, until no op is left or something rare happens. Then it notes in the hart how it ended, and returns.
///
/// Calls of that kind become jumps in optimized code, and each handler ends with a jump of its own, which the processor
/// predicts by itself. Nothing depends on that: calls are nested as deeply as there are ops in the slice at most.
///
/// The slice are the ops behind this one, as many as may still be executed. A jump takes as many at its target.
pub(super) type Handler = fn(&mut Hart, &Code, &Op, &[Op], Tally);

/// An instruction in the form that executes fastest.
#[derive(Clone, Copy)]
pub(super) struct Op {
    pub(super) handler: Handler,
    /// The address of the instruction.
    pub(super) pc: u32,
    /// For branches and `jal` the parcel of the target, for `lui` and `auipc` the result, otherwise
    /// [`Inst::imm`](crate::Inst::imm).
    pub(super) imm: i32,
    pub(super) opcode: Opcode,
    /// The length of the instruction in bytes.
    pub(super) length: u8,
    /// Where the result goes: [`Registers::destination`].
    pub(super) rd: u8,
    pub(super) rs1: u8,
    pub(super) rs2: u8,
}

impl Op {
    /// The op of the instruction at `pc`, which is at `parcel`.
    pub(super) fn new(fetched: FetchedInst, pc: u32, parcel: u32, machine: Strictness) -> Op {
        let FetchedInst { inst, length, .. } = fetched;
        let opcode = inst.opcode;
        let target = parcel.wrapping_add_signed(inst.imm >> 1);
        let is_misaligned = target & machine.misaligned_parcel_bits != 0;
        let is_branch = opcode.is_branch();
        let handler: Handler = match opcode {
            Opcode::Jal if is_misaligned => handlers::jump_to_misaligned,
            _ if is_branch && is_misaligned => handlers::branch_to_misaligned,
            Opcode::Addi if inst.rs1 == Gpr::ZERO => handlers::constant,
            Opcode::Addi if inst.imm == 0 => handlers::copy,
            _ => handlers::of_opcode(opcode, machine.traps_misaligned),
        };
        Op {
            handler,
            pc,
            imm: match opcode {
                Opcode::Lui => inst.imm << 12,
                Opcode::Auipc => pc.wrapping_add_signed(inst.imm << 12) as i32,
                Opcode::Jal => target as i32,
                _ if is_branch => target as i32,
                _ => inst.imm,
            },
            opcode,
            length: length as u8,
            rd: Registers::destination(inst.rd),
            rs1: inst.rs1.number(),
            rs2: inst.rs2.number(),
        }
    }

    /// What stands behind the last op of a run: control goes on at `pc`, which is at `parcel`. It is no instruction.
    pub(super) const fn end_of_run(pc: u32, parcel: u32) -> Op {
        Op {
            handler: handlers::end_of_run,
            pc,
            imm: parcel as i32,
            opcode: Opcode::Jal,
            length: 0,
            rd: 0,
            rs1: 0,
            rs2: 0,
        }
    }

    /// The address behind the instruction.
    #[inline(always)]
    pub(super) fn next_pc(&self) -> u32 {
        self.pc.wrapping_add(u32::from(self.length))
    }
}

/// What a machine does not allow.
#[derive(Clone, Copy)]
pub(super) struct Strictness {
    /// Whether misaligned loads and stores trap.
    pub(super) traps_misaligned: bool,
    /// Parcel bits that are zero in the target of a jump.
    pub(super) misaligned_parcel_bits: u32,
}
