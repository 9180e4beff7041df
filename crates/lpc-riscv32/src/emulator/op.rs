//! Instructions in the form that executes fastest.

use super::code::Code;
use super::handlers;
use super::hart::{Hart, Tally};
use super::registers::Registers;
use crate::fetch::FetchedInst;
use crate::format::Format;
use crate::gpr::Gpr;
use crate::inst::Inst;
use crate::table::Opcode;

/// Executes the first of the ops that it is given, and then those behind it, by calling the handler of the next one as its very
/// last action, until one op is left or something rare happens. Then it notes in the hart how it ended, and returns.
///
/// Calls of that kind become jumps in optimized code, and each handler ends with a jump of its own, which the processor
/// predicts by itself. Nothing depends on that: calls are nested as deeply as there are ops in the slice at most.
///
/// The slice has one op more than may be executed. A jump takes as many at its target.
///
/// The number is that of the register [`Op::taken`] of the first op.
pub(super) type Handler = fn(&mut Hart, &Code, &[Op], Tally, u32);

/// An instruction in the form that executes fastest.
#[derive(Clone, Copy)]
pub(super) struct Op {
    pub(super) handler: Handler,
    /// The address of the instruction.
    pub(super) pc: u32,
    /// For branches and `jal` the index of the op at the target, or [`Op::UNLINKED`]; the parcel of the target if that is
    /// misaligned, and of what is behind the end of a run. For `lui` and `auipc` the result, otherwise [`Inst::imm`].
    pub(super) imm: i32,
    pub(super) opcode: Opcode,
    /// The length of the instruction in bytes.
    pub(super) length: u8,
    /// Where the result goes: [`Registers::destination`].
    pub(super) rd: u8,
    pub(super) rs1: u8,
    pub(super) rs2: u8,
    /// The register whose value the handler takes as it is passed on to it, if it takes one so.
    pub(super) taken: u8,
    /// The register whose value the handler passes on, or [`Op::NONE`].
    passed: u8,
}

/// Where an op takes its operands from: the registers, or one of them as the op before passes it on.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Source {
    Registers,
    Rs1,
    Rs2,
}

/// What a machine does not allow.
#[derive(Clone, Copy)]
pub(super) struct Strictness {
    /// Whether misaligned loads and stores trap.
    pub(super) traps_misaligned: bool,
    /// Parcel bits that are zero in the target of a jump.
    pub(super) misaligned_parcel_bits: u32,
}

impl Op {
    /// Stands for the index of an op that is not known. There is no memory for so many.
    pub(super) const UNLINKED: u32 = u32::MAX;

    /// No register.
    const NONE: u8 = u8::MAX;

    /// The op of the instruction at `pc`, which is at `parcel`, directly behind `previous` in a run.
    pub(super) fn new(
        fetched: FetchedInst,
        pc: u32,
        parcel: u32,
        previous: Option<&Op>,
        machine: Strictness,
    ) -> Op {
        let FetchedInst { inst, length, .. } = fetched;
        let opcode = inst.opcode;
        let target = parcel.wrapping_add_signed(inst.imm >> 1);
        let has_target = opcode.is_branch() || opcode == Opcode::Jal;
        let is_misaligned = target & machine.misaligned_parcel_bits != 0;
        let mut op = Op {
            handler: handlers::end_of_run,
            pc,
            imm: match opcode {
                Opcode::Lui => inst.imm << 12,
                Opcode::Auipc => pc.wrapping_add_signed(inst.imm << 12) as i32,
                _ if !has_target => inst.imm,
                _ if is_misaligned => target as i32,
                _ => Op::UNLINKED as i32,
            },
            opcode,
            length: length as u8,
            rd: Registers::destination(inst.rd),
            rs1: inst.rs1.number(),
            rs2: inst.rs2.number(),
            taken: 0,
            passed: Op::NONE,
        };
        op.handler = match opcode {
            Opcode::Jal if is_misaligned => handlers::jump_to_misaligned,
            _ if opcode.is_branch() && is_misaligned => handlers::branch_to_misaligned,
            Opcode::Addi if inst.rs1 == Gpr::ZERO => handlers::constant,
            _ => match copied(inst) {
                Some(source) => {
                    op.rs1 = source.number();
                    handlers::copy
                }
                None => {
                    let source = op.choose_source(previous);
                    handlers::of_opcode(opcode, source, machine.traps_misaligned)
                }
            },
        };
        op.passed = op.passed_on();
        op
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
            taken: 0,
            passed: Op::NONE,
        }
    }

    /// Takes an operand from `previous`, if that passes one on.
    fn choose_source(&mut self, previous: Option<&Op>) -> Source {
        let format = self.opcode.format();
        let Some(passed) = previous.map(|op| op.passed) else {
            return Source::Registers;
        };
        if is_commutative(self.opcode) && self.rs2 == passed && self.rs1 != passed {
            core::mem::swap(&mut self.rs1, &mut self.rs2);
        }
        if format.has_rs1() && self.rs1 == passed {
            self.taken = self.rs1;
            Source::Rs1
        } else if format.has_rs2() && self.rs2 == passed {
            self.taken = self.rs2;
            Source::Rs2
        } else {
            Source::Registers
        }
    }

    /// The register whose value the handler passes on.
    fn passed_on(&self) -> u8 {
        match self.opcode.format() {
            Format::R
            | Format::Unary
            | Format::I
            | Format::Shift
            | Format::Upper
            | Format::Load
                if self.rd != Registers::SINK =>
            {
                self.rd
            }
            Format::Branch | Format::Store => self.rs1,
            _ => Op::NONE,
        }
    }

    /// The address behind the instruction.
    #[inline(always)]
    pub(super) fn next_pc(&self) -> u32 {
        self.pc.wrapping_add(u32::from(self.length))
    }
}

/// The register that an instruction copies, if that is what it does.
fn copied(inst: Inst) -> Option<Gpr> {
    match (inst.opcode, inst.rs1, inst.rs2) {
        (Opcode::Addi, source, _) if inst.imm == 0 => Some(source),
        (Opcode::Add, source, Gpr::ZERO) | (Opcode::Add, Gpr::ZERO, source) => Some(source),
        _ => None,
    }
}

/// Whether the order of the source registers does not matter.
fn is_commutative(opcode: Opcode) -> bool {
    matches!(
        opcode,
        Opcode::Add
            | Opcode::Xor
            | Opcode::Or
            | Opcode::And
            | Opcode::Mul
            | Opcode::Mulh
            | Opcode::Mulhu
            | Opcode::Beq
            | Opcode::Bne
    )
}
