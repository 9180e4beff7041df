//! Places and registers for instructions.

use crate::judge::{CODE, CODE_SIZE, Case, MAX_BATCH, PROGRAM, PROGRAM_END, Registers, SCRATCH};
use crate::ours::{NO_SYSTEM_CALL, first_inst};
use crate::random::Random;
use lpc_riscv32::{Extension, ExtensionSet, Format, Gpr, Inst, Opcode};

/// Where the first case of a batch stands: all of ±1 MiB around it is code.
const FIRST_PC: u32 = CODE + 0x10_0000;

/// From one case of a batch to the next: more than a branch reaches.
const STRIDE: u32 = 0x1040;

const _: () = assert!(FIRST_PC + STRIDE * MAX_BATCH as u32 + 0x10_0000 <= CODE + CODE_SIZE);

/// A case for an encoding, or for two of 32 bits, at a place in the batch.
pub(crate) fn new_case(
    bits: u64,
    place: usize,
    extensions: ExtensionSet,
    random: &mut Random,
) -> Case {
    let mut case = Case {
        pc: FIRST_PC + STRIDE * place as u32,
        bits,
        length: match bits {
            _ if bits >> 32 != 0 => 8,
            _ if bits & 3 == 3 => 4,
            _ => 2,
        },
        is_endless: false,
        registers: [0; 31],
    };
    if extensions.contains(Extension::Zca) && place % 2 == 1 {
        // An address that is no multiple of 4.
        case.pc += 2;
    }
    case.registers = registers(first_inst(&case, extensions), random);
    case
}

/// Random registers: numbers of all kinds and pointers to memory and code, and such as `inst` can do something with.
fn registers(inst: Option<Inst>, random: &mut Random) -> Registers {
    let mut registers = [0; 32];
    registers.fill_with(|| value(random));
    if let Some(inst) = inst {
        let (rs1, rs2) = (
            usize::from(inst.rs1.number()),
            usize::from(inst.rs2.number()),
        );
        let is_rare = random.next().is_multiple_of(4);
        match inst.opcode.format() {
            Format::Load | Format::Store if !is_rare => {
                registers[rs1] = address_of_data(random).wrapping_sub(inst.imm as u32);
            }
            Format::LoadReserved => registers[rs1] = address_of_data(random),
            Format::StoreConditional | Format::AtomicMemory if !is_rare => {
                registers[rs1] = address_of_data(random);
            }
            Format::JumpRegister if !is_rare => {
                registers[rs1] = address_of_code(random).wrapping_sub(inst.imm as u32);
            }
            Format::Branch if is_rare => registers[rs2] = registers[rs1],
            _ => {}
        }
        if inst.opcode == Opcode::Ecall {
            registers[usize::from(Gpr::A7.number())] = NO_SYSTEM_CALL;
        }
    }
    for register in &mut registers {
        *register = outside_program(*register);
    }
    registers[1..].try_into().unwrap()
}

fn value(random: &mut Random) -> u32 {
    const SPECIAL: [u32; 8] = [0, 1, u32::MAX, 1 << 31, !(1 << 31), 0x8000, 0xff80, 31];
    match random.next() % 8 {
        0 => (random.next() % 64).wrapping_sub(32),
        1 => SPECIAL[random.next() as usize % SPECIAL.len()],
        2 => address_of_data(random),
        3 => address_of_code(random),
        _ => random.next(),
    }
}

/// An address in the scratch memory or, rarely, a few bytes beside it; most often a multiple of 4.
fn address_of_data(random: &mut Random) -> u32 {
    let offset = match random.next() % 16 {
        0 => random.next() % 8,
        1 => CODE - SCRATCH - random.next() % 8,
        _ => random.next() % (CODE - SCRATCH),
    };
    let mask = if random.next().is_multiple_of(4) {
        0
    } else {
        3
    };
    (SCRATCH - 4 + offset) & !mask
}

/// An address in the code, odd ones included.
fn address_of_code(random: &mut Random) -> u32 {
    CODE + random.next() % CODE_SIZE
}

/// `value`, unless accesses near it could touch the judge.
fn outside_program(value: u32) -> u32 {
    const REACH: u32 = 0x1000;
    match (PROGRAM - REACH..PROGRAM_END + REACH).contains(&value) {
        true => value | 1 << 31,
        false => value,
    }
}
