//! The handlers of the ops: what each instruction does.
//!
//! What happens rarely is in functions of its own, which a handler ends with, so that it needs no stack frame.

use super::code::Code;
use super::hart::{Hart, Reason, Tally};
use super::op::{Handler, Op};
use super::operations::{evaluate, holds};
use super::trap::{Exit, TrapCause};
use crate::format::Format;
use crate::table::Opcode;

/// The handler for an opcode: `handlers!(opcode; <generic> Opcode ...; ... plain Opcode ...; ...)`, where a generic one is
/// compiled for each of its opcodes.
macro_rules! handlers {
    ($opcode:expr; $(<$generic:ident> $($variant:ident)+;)+ $($plain:ident $($other:ident)+;)+) => {
        match $opcode {
            $($(Opcode::$variant => $generic::<{ Opcode::$variant as u8 }>,)+)+
            $($(Opcode::$other)|+ => $plain,)+
        }
    };
}

/// The handler of the instructions with an opcode. `traps_misaligned` says whether misaligned loads and stores trap.
pub(super) fn of_opcode(opcode: Opcode, traps_misaligned: bool) -> Handler {
    if traps_misaligned && matches!(opcode.format(), Format::Load | Format::Store) {
        return aligned_access;
    }
    handlers! { opcode;
        <binary> Add Sub Sll Slt Sltu Xor Srl Sra Or And Mul Mulh Mulhsu Mulhu Div Divu Rem Remu
            Sh1add Sh2add Sh3add Andn Orn Xnor Max Maxu Min Minu Rol Ror Pack Packh
            Bclr Bext Binv Bset CzeroEqz CzeroNez;
        <immediate> Addi Slti Sltiu Xori Ori Andi Slli Srli Srai Rori Bclri Bexti Binvi Bseti
            Clz Ctz Cpop SextB SextH ZextH OrcB Rev8 Brev8 Zip Unzip;
        <branch> Beq Bne Blt Bge Bltu Bgeu;
        <load> Lb Lh Lw Lbu Lhu;
        <store> Sb Sh Sw;

        constant Lui Auipc;
        jump_and_link Jal;
        jump_and_link_register Jalr;
        // One hart and no caches: memory and fetch are always in order.
        nothing Fence FenceTso FenceI Pause Wfi;
        load_reserved LrW;
        store_conditional ScW;
        atomic AmoswapW AmoaddW AmoxorW AmoandW AmoorW AmominW AmomaxW AmominuW AmomaxuW;
        access_csr Csrrw Csrrs Csrrc Csrrwi Csrrsi Csrrci;
        return_from_machine_mode Mret;
        environment_call Ecall;
        breakpoint Ebreak;
    }
}

/// The opcode that a generic handler is for.
const fn opcode(number: u8) -> Opcode {
    Opcode::ALL[number as usize]
}

/// Executes up to `allowed` instructions from the one at `parcel` on, which is decoded. How that ended is in the hart.
pub(super) fn execute_at(hart: &mut Hart, code: &Code, parcel: u32, allowed: usize) {
    go_to(hart, code, parcel, allowed, Tally::ZERO);
}

/// Control to the next op.
#[inline(always)]
fn next(hart: &mut Hart, code: &Code, op: &Op, rest: &[Op], tally: Tally) {
    match rest {
        [next, rest @ ..] => (next.handler)(hart, code, next, rest, tally),
        [] => pause_behind(hart, code, op, rest, tally),
    }
}

/// Control to the instruction at `parcel`, and `left` more may be executed.
#[inline(always)]
fn go_to(hart: &mut Hart, code: &Code, parcel: u32, left: usize, tally: Tally) {
    match code.ops_at(parcel, left) {
        Some([op, rest @ ..]) => (op.handler)(hart, code, op, rest, tally),
        _ => pause_at(hart, code.pc_of(parcel), left, tally),
    }
}

#[cold]
fn pause_behind(hart: &mut Hart, _: &Code, op: &Op, rest: &[Op], tally: Tally) {
    hart.end(Reason::Paused, op.next_pc(), rest.len(), tally);
}

#[cold]
fn pause_at(hart: &mut Hart, pc: u32, left: usize, tally: Tally) {
    hart.end(Reason::Paused, pc, left, tally);
}

/// The instruction traps without effect.
#[cold]
fn trap(hart: &mut Hart, op: &Op, rest: &[Op], tally: Tally, cause: TrapCause, value: u32) {
    let exit = Exit::Trap(cause, value);
    hart.end(Reason::Exit(exit), op.pc, rest.len() + 1, tally);
}

/// Behind a run. This is no instruction, so that one more may be executed.
pub(super) fn end_of_run(hart: &mut Hart, code: &Code, op: &Op, rest: &[Op], tally: Tally) {
    go_to(hart, code, op.imm as u32, rest.len() + 1, tally);
}

fn nothing(hart: &mut Hart, code: &Code, op: &Op, rest: &[Op], tally: Tally) {
    next(hart, code, op, rest, tally);
}

pub(super) fn constant(hart: &mut Hart, code: &Code, op: &Op, rest: &[Op], tally: Tally) {
    hart.registers.write(op.rd, op.imm as u32);
    next(hart, code, op, rest, tally);
}

pub(super) fn copy(hart: &mut Hart, code: &Code, op: &Op, rest: &[Op], tally: Tally) {
    hart.registers.write(op.rd, hart.registers.read(op.rs1));
    next(hart, code, op, rest, tally);
}

fn binary<const OPCODE: u8>(hart: &mut Hart, code: &Code, op: &Op, rest: &[Op], tally: Tally) {
    let (a, b) = (hart.registers.read(op.rs1), hart.registers.read(op.rs2));
    let value = evaluate(const { opcode(OPCODE) }, a, b);
    hart.registers.write(op.rd, value);
    next(hart, code, op, rest, tally);
}

/// Also for those with one operand, which have no use for the immediate.
fn immediate<const OPCODE: u8>(hart: &mut Hart, code: &Code, op: &Op, rest: &[Op], tally: Tally) {
    let value = evaluate(
        const { opcode(OPCODE) },
        hart.registers.read(op.rs1),
        op.imm as u32,
    );
    hart.registers.write(op.rd, value);
    next(hart, code, op, rest, tally);
}

fn branch<const OPCODE: u8>(hart: &mut Hart, code: &Code, op: &Op, rest: &[Op], tally: Tally) {
    let (a, b) = (hart.registers.read(op.rs1), hart.registers.read(op.rs2));
    if holds(const { opcode(OPCODE) }, a, b) {
        let tally = tally.with_taken_branch();
        go_to(hart, code, op.imm as u32, rest.len(), tally);
    } else {
        next(hart, code, op, rest, tally);
    }
}

/// A branch to where no instruction can be.
pub(super) fn branch_to_misaligned(
    hart: &mut Hart,
    code: &Code,
    op: &Op,
    rest: &[Op],
    tally: Tally,
) {
    let (a, b) = (hart.registers.read(op.rs1), hart.registers.read(op.rs2));
    if holds(op.opcode, a, b) {
        jump_to_misaligned(hart, code, op, rest, tally);
    } else {
        next(hart, code, op, rest, tally);
    }
}

/// A jump to where no instruction can be.
pub(super) fn jump_to_misaligned(hart: &mut Hart, code: &Code, op: &Op, rest: &[Op], tally: Tally) {
    let target = code.pc_of(op.imm as u32);
    let cause = TrapCause::InstructionAddressMisaligned;
    trap(hart, op, rest, tally, cause, target);
}

fn jump_and_link(hart: &mut Hart, code: &Code, op: &Op, rest: &[Op], tally: Tally) {
    hart.registers.write(op.rd, op.next_pc());
    go_to(hart, code, op.imm as u32, rest.len(), tally);
}

fn jump_and_link_register(hart: &mut Hart, code: &Code, op: &Op, rest: &[Op], tally: Tally) {
    let target = code.parcel_of(hart.address(op) & !1);
    if target & hart.misaligned_parcel_bits != 0 {
        return indirect_jump_to_misaligned(hart, code, op, rest, tally);
    }
    hart.registers.write(op.rd, op.next_pc());
    go_to(hart, code, target, rest.len(), tally);
}

#[cold]
fn indirect_jump_to_misaligned(hart: &mut Hart, _: &Code, op: &Op, rest: &[Op], tally: Tally) {
    let target = hart.address(op) & !1;
    let cause = TrapCause::InstructionAddressMisaligned;
    trap(hart, op, rest, tally, cause, target);
}

fn return_from_machine_mode(hart: &mut Hart, code: &Code, op: &Op, rest: &[Op], tally: Tally) {
    let target = code.parcel_of(hart.csrs.mepc());
    if target & hart.misaligned_parcel_bits != 0 {
        let cause = TrapCause::InstructionAddressMisaligned;
        return trap(hart, op, rest, tally, cause, code.pc_of(target));
    }
    go_to(hart, code, target, rest.len(), tally);
}

fn load<const OPCODE: u8>(hart: &mut Hart, code: &Code, op: &Op, rest: &[Op], tally: Tally) {
    let Some(value) = loaded(const { opcode(OPCODE) }, hart, op) else {
        return failed_load(hart, code, op, rest, tally);
    };
    hart.registers.write(op.rd, value);
    next(hart, code, op, rest, tally.with_load());
}

/// What a load reads, if it is inside the memory.
#[inline(always)]
fn loaded(opcode: Opcode, hart: &Hart, op: &Op) -> Option<u32> {
    let address = hart.address(op);
    let memory = &hart.memory;
    Some(match opcode {
        Opcode::Lb => memory.load::<1>(address)?[0] as i8 as u32,
        Opcode::Lbu => u32::from(memory.load::<1>(address)?[0]),
        Opcode::Lh => i16::from_le_bytes(memory.load(address)?) as u32,
        Opcode::Lhu => u32::from(u16::from_le_bytes(memory.load(address)?)),
        _ => u32::from_le_bytes(memory.load(address)?),
    })
}

#[cold]
fn failed_load(hart: &mut Hart, _: &Code, op: &Op, rest: &[Op], tally: Tally) {
    let address = hart.address(op);
    let cause = TrapCause::LoadAccessFault;
    trap(hart, op, rest, tally, cause, address);
}

fn store<const OPCODE: u8>(hart: &mut Hart, code: &Code, op: &Op, rest: &[Op], tally: Tally) {
    let address = hart.address(op);
    let value = hart.registers.read(op.rs2);
    let memory = &mut hart.memory;
    let stored = match const { opcode(OPCODE) } {
        Opcode::Sb => memory.store_unwatched(address, [value as u8]),
        Opcode::Sh => memory.store_unwatched(address, (value as u16).to_le_bytes()),
        _ => memory.store_unwatched(address, value.to_le_bytes()),
    };
    match stored {
        Some(()) => next(hart, code, op, rest, tally.with_store()),
        None => watched_store(hart, code, op, rest, tally),
    }
}

/// A store to where it may be forbidden, or change code.
#[cold]
fn watched_store(hart: &mut Hart, code: &Code, op: &Op, rest: &[Op], tally: Tally) {
    let address = hart.address(op);
    let bytes = hart.registers.read(op.rs2).to_le_bytes();
    let bytes = &bytes[..size_of_access(op.opcode)];
    match hart.memory.store(address, bytes) {
        Some(()) => stored(hart, code, op, rest, tally, address),
        None => trap(hart, op, rest, tally, TrapCause::StoreAccessFault, address),
    }
}

/// Counts a store to `address`, which may have changed code.
fn stored(hart: &mut Hart, code: &Code, op: &Op, rest: &[Op], tally: Tally, address: u32) {
    let tally = tally.with_store();
    if code.is_decoded(address, 4) {
        let reason = Reason::StoredToCode(address);
        return hart.end(reason, op.next_pc(), rest.len(), tally);
    }
    next(hart, code, op, rest, tally);
}

/// A load or store on a machine where misaligned ones trap.
fn aligned_access(hart: &mut Hart, code: &Code, op: &Op, rest: &[Op], tally: Tally) {
    let address = hart.address(op);
    if address & (size_of_access(op.opcode) as u32 - 1) == 0 {
        return of_opcode(op.opcode, false)(hart, code, op, rest, tally);
    }
    let cause = match op.opcode.is_load() {
        true => TrapCause::LoadAddressMisaligned,
        false => TrapCause::StoreAddressMisaligned,
    };
    trap(hart, op, rest, tally, cause, address);
}

/// The bytes that a load or store accesses.
fn size_of_access(opcode: Opcode) -> usize {
    match opcode {
        Opcode::Lb | Opcode::Lbu | Opcode::Sb => 1,
        Opcode::Lh | Opcode::Lhu | Opcode::Sh => 2,
        _ => 4,
    }
}

// Atomic instructions: with one hart every access is atomic, and ordering holds by itself. Their addresses must be aligned
// whatever the machine does for other accesses.

fn load_reserved(hart: &mut Hart, code: &Code, op: &Op, rest: &[Op], tally: Tally) {
    let address = hart.registers.read(op.rs1);
    if !address.is_multiple_of(4) {
        let cause = TrapCause::LoadAddressMisaligned;
        return trap(hart, op, rest, tally, cause, address);
    }
    let Ok(value) = hart.memory.read_u32(address) else {
        let cause = TrapCause::LoadAccessFault;
        return trap(hart, op, rest, tally, cause, address);
    };
    hart.reservation = Some(address);
    hart.registers.write(op.rd, value);
    next(hart, code, op, rest, tally.with_load());
}

/// Succeeds if the last `lr.w` was at the same address and no `sc.w` came in between.
fn store_conditional(hart: &mut Hart, code: &Code, op: &Op, rest: &[Op], tally: Tally) {
    let address = hart.registers.read(op.rs1);
    if !address.is_multiple_of(4) {
        let cause = TrapCause::StoreAddressMisaligned;
        return trap(hart, op, rest, tally, cause, address);
    }
    let bytes = hart.registers.read(op.rs2).to_le_bytes();
    let succeeds = hart.reservation == Some(address);
    if succeeds && hart.memory.store(address, &bytes).is_none() {
        let cause = TrapCause::StoreAccessFault;
        return trap(hart, op, rest, tally, cause, address);
    }
    hart.reservation = None;
    hart.registers.write(op.rd, u32::from(!succeeds));
    match succeeds {
        true => stored(hart, code, op, rest, tally, address),
        false => next(hart, code, op, rest, tally),
    }
}

fn atomic(hart: &mut Hart, code: &Code, op: &Op, rest: &[Op], tally: Tally) {
    let address = hart.registers.read(op.rs1);
    if !address.is_multiple_of(4) {
        let cause = TrapCause::StoreAddressMisaligned;
        return trap(hart, op, rest, tally, cause, address);
    }
    let operand = hart.registers.read(op.rs2);
    let old = hart.memory.read_u32(address).ok();
    let new = old.map(|old| evaluate(op.opcode, old, operand));
    let done = new.and_then(|new| hart.memory.store(address, &new.to_le_bytes()));
    let (Some(old), Some(())) = (old, done) else {
        let cause = TrapCause::StoreAccessFault;
        return trap(hart, op, rest, tally, cause, address);
    };
    hart.registers.write(op.rd, old);
    stored(hart, code, op, rest, tally.with_load(), address);
}

// What is left to the caller.

fn access_csr(hart: &mut Hart, _: &Code, op: &Op, rest: &[Op], tally: Tally) {
    hart.end(Reason::AccessCsr, op.pc, rest.len() + 1, tally);
}

fn environment_call(hart: &mut Hart, _: &Code, op: &Op, rest: &[Op], tally: Tally) {
    let reason = Reason::Exit(Exit::Ecall);
    hart.end(reason, op.next_pc(), rest.len(), tally);
}

fn breakpoint(hart: &mut Hart, _: &Code, op: &Op, rest: &[Op], tally: Tally) {
    let reason = Reason::Exit(Exit::Ebreak);
    hart.end(reason, op.pc, rest.len() + 1, tally);
}
