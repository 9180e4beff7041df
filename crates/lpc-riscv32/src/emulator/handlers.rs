//! The handlers of the ops: what each instruction does.
//!
//! Results are often used by the very next instruction. So each handler passes a value on, and the next op can take it from
//! there instead of waiting until it can be read from the registers, where it is written to as well:
//!
//! ```text
//!   slli a4,a5,2     passes a4 on
//!   add  a4,a4,a3    takes rs1 as it was passed on, passes a4 on
//!   lw   a4,0(a4)    takes rs1 as it was passed on, passes a4 on
//! ```
//!
//! Which operand an op takes so is decided where it is decoded ([`Source`]). A jump to the middle of such code passes on what
//! the op there wants.
//!
//! What happens rarely is in functions of its own, which a handler ends with, so that it needs no stack frame.

use super::code::Code;
use super::hart::{Hart, Reason, Tally};
use super::op::{Handler, Op, Source};
use super::operations::{evaluate, holds};
use super::trap::{Exit, TrapCause};
use crate::format::Format;
use crate::table::Opcode;

/// The handler for an opcode and a source: `handlers!(opcode, source; <generic> Opcode ...; ... plain Opcode ...; ...)`,
/// where a generic one is compiled for each of its opcodes with each source.
macro_rules! handlers {
    ($opcode:expr, $source:expr; $(<$generic:ident> $($variant:ident)+;)+ $($plain:ident $($other:ident)+;)+) => {
        match ($opcode, $source) {
            $($(
                (Opcode::$variant, Source::Registers) => {
                    $generic::<{ Opcode::$variant as u8 }, { Source::Registers as u8 }>
                }
                (Opcode::$variant, Source::Rs1) => {
                    $generic::<{ Opcode::$variant as u8 }, { Source::Rs1 as u8 }>
                }
                (Opcode::$variant, Source::Rs2) => {
                    $generic::<{ Opcode::$variant as u8 }, { Source::Rs2 as u8 }>
                }
            )+)+
            $(($(Opcode::$other)|+, _) => $plain,)+
        }
    };
}

/// The handler of the instructions with an opcode. `traps_misaligned` says whether misaligned loads and stores trap.
pub(super) fn of_opcode(opcode: Opcode, source: Source, traps_misaligned: bool) -> Handler {
    if traps_misaligned && matches!(opcode.format(), Format::Load | Format::Store) {
        return aligned_access;
    }
    handlers! { opcode, source;
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

/// The first operand of an op with this source.
#[inline(always)]
fn rs1(source: u8, hart: &Hart, op: &Op, last: u32) -> u32 {
    match source == Source::Rs1 as u8 {
        true => last,
        false => hart.registers.read(op.rs1),
    }
}

/// The second operand of an op with this source.
#[inline(always)]
fn rs2(source: u8, hart: &Hart, op: &Op, last: u32) -> u32 {
    match source == Source::Rs2 as u8 {
        true => last,
        false => hart.registers.read(op.rs2),
    }
}

/// Executes up to `allowed` instructions from the one at `parcel` on, which is decoded. How that ended is in the hart.
pub(super) fn execute_at(hart: &mut Hart, code: &Code, parcel: u32, allowed: usize) {
    go_to(hart, code, parcel, allowed, Tally::ZERO);
}

/// The first of `ops` and those behind it, unless it is the one that may not be executed any more.
#[inline(always)]
fn split(ops: &[Op]) -> Option<(&Op, &[Op])> {
    match ops {
        // One comparison; with a test of the rest for ops it would be two.
        [op, _, ..] => Some((op, &ops[1..])),
        _ => None,
    }
}

/// Control to the first of `ops`.
#[inline(always)]
fn next(hart: &mut Hart, code: &Code, ops: &[Op], tally: Tally, last: u32) {
    match ops {
        [op, ..] => (op.handler)(hart, code, ops, tally, last),
        [] => unreachable!("there is one op more than may be executed"),
    }
}

/// Control to the first of `ops`, from somewhere else than the op before it.
#[inline(always)]
fn enter(hart: &mut Hart, code: &Code, ops: &[Op], tally: Tally) {
    match ops {
        [op, ..] => {
            let last = hart.registers.read(op.taken);
            (op.handler)(hart, code, ops, tally, last);
        }
        [] => unreachable!("there is one op more than may be executed"),
    }
}

/// Control to the instruction at `parcel`, and `left` may be executed.
#[inline(always)]
fn go_to(hart: &mut Hart, code: &Code, parcel: u32, left: usize, tally: Tally) {
    match code.ops_at(parcel, left + 1) {
        Some(ops) => enter(hart, code, ops, tally),
        None => pause_at(hart, code.pc_of(parcel), left, tally),
    }
}

/// The jump or taken branch `op` is executed for the first time.
#[cold]
fn first_jump(hart: &mut Hart, op: &Op, rest: &[Op], tally: Tally) {
    hart.end(Reason::FirstJump, op.pc, rest.len(), tally);
}

#[cold]
fn pause(hart: &mut Hart, code: &Code, ops: &[Op], tally: Tally, _: u32) {
    let pc = ops.first().map_or(code.pc_of(0), |op| op.pc);
    pause_at(hart, pc, 0, tally);
}

#[cold]
fn pause_at(hart: &mut Hart, pc: u32, left: usize, tally: Tally) {
    hart.end(Reason::Paused, pc, left, tally);
}

/// The instruction traps without effect. `rest` is what is behind it.
#[cold]
fn trap(hart: &mut Hart, op: &Op, rest: &[Op], tally: Tally, cause: TrapCause, value: u32) {
    let exit = Exit::Trap(cause, value);
    hart.end(Reason::Exit(exit), op.pc, rest.len(), tally);
}

/// Behind a run. This is no instruction, so that as many may be executed as before.
pub(super) fn end_of_run(hart: &mut Hart, code: &Code, ops: &[Op], tally: Tally, last: u32) {
    match ops {
        [op, rest @ ..] => go_to(hart, code, op.imm as u32, rest.len(), tally),
        [] => pause(hart, code, ops, tally, last),
    }
}

fn nothing(hart: &mut Hart, code: &Code, ops: &[Op], tally: Tally, last: u32) {
    let Some((_, rest)) = split(ops) else {
        return pause(hart, code, ops, tally, last);
    };
    next(hart, code, rest, tally, last);
}

/// The immediate is the result.
pub(super) fn constant(hart: &mut Hart, code: &Code, ops: &[Op], tally: Tally, last: u32) {
    let Some((op, rest)) = split(ops) else {
        return pause(hart, code, ops, tally, last);
    };
    let value = op.imm as u32;
    hart.registers.write(op.rd, value);
    next(hart, code, rest, tally, value);
}

/// rs1 is the result.
pub(super) fn copy(hart: &mut Hart, code: &Code, ops: &[Op], tally: Tally, last: u32) {
    let Some((op, rest)) = split(ops) else {
        return pause(hart, code, ops, tally, last);
    };
    let value = hart.registers.read(op.rs1);
    hart.registers.write(op.rd, value);
    next(hart, code, rest, tally, value);
}

fn binary<const OPCODE: u8, const SOURCE: u8>(
    hart: &mut Hart,
    code: &Code,
    ops: &[Op],
    tally: Tally,
    last: u32,
) {
    let Some((op, rest)) = split(ops) else {
        return pause(hart, code, ops, tally, last);
    };
    let (a, b) = (rs1(SOURCE, hart, op, last), rs2(SOURCE, hart, op, last));
    let value = evaluate(const { opcode(OPCODE) }, a, b);
    hart.registers.write(op.rd, value);
    next(hart, code, rest, tally, value);
}

/// Also for those with one operand, which have no use for the immediate.
fn immediate<const OPCODE: u8, const SOURCE: u8>(
    hart: &mut Hart,
    code: &Code,
    ops: &[Op],
    tally: Tally,
    last: u32,
) {
    let Some((op, rest)) = split(ops) else {
        return pause(hart, code, ops, tally, last);
    };
    let a = rs1(SOURCE, hart, op, last);
    let value = evaluate(const { opcode(OPCODE) }, a, op.imm as u32);
    hart.registers.write(op.rd, value);
    next(hart, code, rest, tally, value);
}

fn branch<const OPCODE: u8, const SOURCE: u8>(
    hart: &mut Hart,
    code: &Code,
    ops: &[Op],
    tally: Tally,
    last: u32,
) {
    let Some((op, rest)) = split(ops) else {
        return pause(hart, code, ops, tally, last);
    };
    let (a, b) = (rs1(SOURCE, hart, op, last), rs2(SOURCE, hart, op, last));
    if holds(const { opcode(OPCODE) }, a, b) {
        match code.linked(op, rest.len()) {
            Some(target) => enter(hart, code, target, tally.with_taken_branch()),
            None => first_jump(hart, op, rest, tally),
        }
    } else {
        next(hart, code, rest, tally, a);
    }
}

/// A branch to where no instruction can be.
pub(super) fn branch_to_misaligned(
    hart: &mut Hart,
    code: &Code,
    ops: &[Op],
    tally: Tally,
    last: u32,
) {
    let Some((op, rest)) = split(ops) else {
        return pause(hart, code, ops, tally, last);
    };
    let (a, b) = (hart.registers.read(op.rs1), hart.registers.read(op.rs2));
    match holds(op.opcode, a, b) {
        true => jump_to_misaligned(hart, code, ops, tally, last),
        false => next(hart, code, rest, tally, a),
    }
}

/// A jump to where no instruction can be.
pub(super) fn jump_to_misaligned(
    hart: &mut Hart,
    code: &Code,
    ops: &[Op],
    tally: Tally,
    last: u32,
) {
    let Some((op, rest)) = split(ops) else {
        return pause(hart, code, ops, tally, last);
    };
    let target = code.pc_of(op.imm as u32);
    let cause = TrapCause::InstructionAddressMisaligned;
    trap(hart, op, rest, tally, cause, target);
}

fn jump_and_link(hart: &mut Hart, code: &Code, ops: &[Op], tally: Tally, last: u32) {
    let Some((op, rest)) = split(ops) else {
        return pause(hart, code, ops, tally, last);
    };
    match code.linked(op, rest.len()) {
        Some(target) => {
            hart.registers.write(op.rd, op.next_pc());
            enter(hart, code, target, tally);
        }
        None => first_jump(hart, op, rest, tally),
    }
}

fn jump_and_link_register(hart: &mut Hart, code: &Code, ops: &[Op], tally: Tally, last: u32) {
    let Some((op, rest)) = split(ops) else {
        return pause(hart, code, ops, tally, last);
    };
    let target = code.parcel_of(hart.registers.read(op.rs1).wrapping_add_signed(op.imm) & !1);
    if target & hart.misaligned_parcel_bits != 0 {
        let cause = TrapCause::InstructionAddressMisaligned;
        return trap(hart, op, rest, tally, cause, code.pc_of(target));
    }
    hart.registers.write(op.rd, op.next_pc());
    go_to(hart, code, target, rest.len() - 1, tally);
}

fn return_from_machine_mode(hart: &mut Hart, code: &Code, ops: &[Op], tally: Tally, last: u32) {
    let Some((op, rest)) = split(ops) else {
        return pause(hart, code, ops, tally, last);
    };
    let target = code.parcel_of(hart.csrs.mepc());
    if target & hart.misaligned_parcel_bits != 0 {
        let cause = TrapCause::InstructionAddressMisaligned;
        return trap(hart, op, rest, tally, cause, code.pc_of(target));
    }
    go_to(hart, code, target, rest.len() - 1, tally);
}

fn load<const OPCODE: u8, const SOURCE: u8>(
    hart: &mut Hart,
    code: &Code,
    ops: &[Op],
    tally: Tally,
    last: u32,
) {
    let Some((op, rest)) = split(ops) else {
        return pause(hart, code, ops, tally, last);
    };
    let address = rs1(SOURCE, hart, op, last).wrapping_add_signed(op.imm);
    match loaded(const { opcode(OPCODE) }, hart, address) {
        Some(value) => {
            hart.registers.write(op.rd, value);
            next(hart, code, rest, tally.with_load(), value);
        }
        None => {
            let cause = TrapCause::LoadAccessFault;
            trap(hart, op, rest, tally, cause, address);
        }
    }
}

/// What a load reads, if it is inside the memory.
#[inline(always)]
fn loaded(opcode: Opcode, hart: &Hart, address: u32) -> Option<u32> {
    let memory = &hart.memory;
    Some(match opcode {
        Opcode::Lb => memory.load::<1>(address)?[0] as i8 as u32,
        Opcode::Lbu => u32::from(memory.load::<1>(address)?[0]),
        Opcode::Lh => i16::from_le_bytes(memory.load(address)?) as u32,
        Opcode::Lhu => u32::from(u16::from_le_bytes(memory.load(address)?)),
        _ => u32::from_le_bytes(memory.load(address)?),
    })
}

fn store<const OPCODE: u8, const SOURCE: u8>(
    hart: &mut Hart,
    code: &Code,
    ops: &[Op],
    tally: Tally,
    last: u32,
) {
    let Some((op, rest)) = split(ops) else {
        return pause(hart, code, ops, tally, last);
    };
    let base = rs1(SOURCE, hart, op, last);
    let address = base.wrapping_add_signed(op.imm);
    let value = rs2(SOURCE, hart, op, last);
    let memory = &mut hart.memory;
    let stored = match const { opcode(OPCODE) } {
        Opcode::Sb => memory.store_unwatched(address, [value as u8]),
        Opcode::Sh => memory.store_unwatched(address, (value as u16).to_le_bytes()),
        _ => memory.store_unwatched(address, value.to_le_bytes()),
    };
    match stored {
        Some(()) => next(hart, code, rest, tally.with_store(), base),
        None => watched_store(hart, code, ops, tally, last),
    }
}

/// A store to where it may be forbidden, or change code.
#[cold]
fn watched_store(hart: &mut Hart, code: &Code, ops: &[Op], tally: Tally, last: u32) {
    let Some((op, rest)) = split(ops) else {
        return pause(hart, code, ops, tally, last);
    };
    let base = hart.registers.read(op.rs1);
    let address = base.wrapping_add_signed(op.imm);
    let bytes = hart.registers.read(op.rs2).to_le_bytes();
    let bytes = &bytes[..size_of_access(op.opcode)];
    if hart.memory.store(address, bytes).is_none() {
        let cause = TrapCause::StoreAccessFault;
        return trap(hart, op, rest, tally, cause, address);
    }
    stored(hart, code, op, rest, tally, address);
}

/// Counts the store by `op` to `address`, which may have changed code.
fn stored(hart: &mut Hart, code: &Code, op: &Op, rest: &[Op], tally: Tally, address: u32) {
    let tally = tally.with_store();
    if code.is_decoded(address, 4) {
        let reason = Reason::StoredToCode(address);
        return hart.end(reason, op.next_pc(), rest.len() - 1, tally);
    }
    let base = hart.registers.read(op.rs1);
    next(hart, code, rest, tally, base);
}

/// A load or store on a machine where misaligned ones trap.
fn aligned_access(hart: &mut Hart, code: &Code, ops: &[Op], tally: Tally, last: u32) {
    let Some((op, rest)) = split(ops) else {
        return pause(hart, code, ops, tally, last);
    };
    let address = hart.registers.read(op.rs1).wrapping_add_signed(op.imm);
    if address & (size_of_access(op.opcode) as u32 - 1) == 0 {
        let handler = of_opcode(op.opcode, Source::Registers, false);
        return handler(hart, code, ops, tally, last);
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

fn load_reserved(hart: &mut Hart, code: &Code, ops: &[Op], tally: Tally, last: u32) {
    let Some((op, rest)) = split(ops) else {
        return pause(hart, code, ops, tally, last);
    };
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
    next(hart, code, rest, tally.with_load(), value);
}

/// Succeeds if the last `lr.w` was at the same address and no `sc.w` came in between.
fn store_conditional(hart: &mut Hart, code: &Code, ops: &[Op], tally: Tally, last: u32) {
    let Some((op, rest)) = split(ops) else {
        return pause(hart, code, ops, tally, last);
    };
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
        false => next(hart, code, rest, tally, last),
    }
}

fn atomic(hart: &mut Hart, code: &Code, ops: &[Op], tally: Tally, last: u32) {
    let Some((op, rest)) = split(ops) else {
        return pause(hart, code, ops, tally, last);
    };
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

fn access_csr(hart: &mut Hart, code: &Code, ops: &[Op], tally: Tally, last: u32) {
    let Some((op, rest)) = split(ops) else {
        return pause(hart, code, ops, tally, last);
    };
    hart.end(Reason::AccessCsr, op.pc, rest.len(), tally);
}

fn environment_call(hart: &mut Hart, code: &Code, ops: &[Op], tally: Tally, last: u32) {
    let Some((op, rest)) = split(ops) else {
        return pause(hart, code, ops, tally, last);
    };
    let reason = Reason::Exit(Exit::Ecall);
    hart.end(reason, op.next_pc(), rest.len() - 1, tally);
}

fn breakpoint(hart: &mut Hart, code: &Code, ops: &[Op], tally: Tally, last: u32) {
    let Some((op, rest)) = split(ops) else {
        return pause(hart, code, ops, tally, last);
    };
    let reason = Reason::Exit(Exit::Ebreak);
    hart.end(reason, op.pc, rest.len(), tally);
}
