//! Random code runs in any portions as it does instruction by instruction, each decoded anew.
//!
//! The code overwrites itself, jumps into the middle of what is decoded and of instructions, arrives at the halt address, and traps
//! wherever it can: the state is compared behind every portion.

use lpc_riscv32::compressed::compress;
use lpc_riscv32::emulator::{
    Counters, Emulator, Executions, MachineConfig, Memory, Misaligned, Profile, Stop,
};
use lpc_riscv32::{Csr, Extension, ExtensionSet, Format, Gpr, Inst, Opcode};
use random::Random;
use std::collections::BTreeMap;

#[path = "support/random.rs"]
mod random;

const BASE: u32 = 0x8000_0000;
const SIZE: u32 = 0x1000;
const CODE: u32 = BASE + 0x400;
const CODE_SIZE: u32 = 0x100;

/// As many instructions are executed from one start at most: enough for the largest portions that the emulator executes
/// at once.
const LIMIT: u64 = 1200;

/// How many starts there are in the code of one seed.
const STARTS: u32 = 8;

const SEEDS: u64 = 1000;

/// Registers that the code uses: few, so that results are used.
const REGISTERS: [Gpr; 8] = [
    Gpr::ZERO,
    Gpr::RA,
    Gpr::SP,
    Gpr::T0,
    Gpr::S0,
    Gpr::S1,
    Gpr::A0,
    Gpr::A5,
];

#[derive(Clone, PartialEq, Eq, Debug)]
struct State {
    pc: u32,
    registers: Vec<u32>,
    counters: Counters,
}

impl State {
    fn of(emulator: &Emulator) -> State {
        State {
            pc: emulator.pc(),
            registers: Gpr::all().map(|gpr| emulator.gpr(gpr)).collect(),
            counters: emulator.counters(),
        }
    }
}

/// What happens instruction by instruction.
struct Reference {
    /// The state at the start, and behind each instruction.
    states: Vec<State>,
    stop: Stop,
    memory: Vec<u8>,
    profile: BTreeMap<u32, Executions>,
}

impl Reference {
    fn of(mut emulator: Emulator) -> Reference {
        let mut states = vec![State::of(&emulator)];
        let mut profile: BTreeMap<u32, Executions> = BTreeMap::new();
        let stop = loop {
            let before = states.last().unwrap();
            if before.counters.instructions == LIMIT {
                break emulator.run(0);
            }
            emulator.set_executable(CODE, CODE_SIZE).unwrap();
            let stop = emulator.step();
            let after = State::of(&emulator);
            let before = before.clone();
            if after.counters.instructions != before.counters.instructions {
                let executions = profile.entry(before.pc).or_default();
                executions.count += 1;
                executions.taken += after.counters.taken_branches - before.counters.taken_branches;
                states.push(after);
            } else {
                assert_eq!(after, before, "what traps has no effect");
            }
            if let Err(stop) = stop {
                break stop;
            }
        };
        Reference {
            states,
            stop,
            memory: memory(&emulator),
            profile,
        }
    }

    fn check_end(&self, emulator: &Emulator, stop: Stop, how: &str) {
        assert_eq!(stop, self.stop, "{how}");
        assert_eq!(State::of(emulator), *self.states.last().unwrap(), "{how}");
        assert!(
            memory(emulator) == self.memory,
            "{how}: memory is different"
        );
    }
}

fn memory(emulator: &Emulator) -> Vec<u8> {
    emulator
        .memory()
        .read(BASE, SIZE as usize)
        .unwrap()
        .to_vec()
}

#[test]
fn portions_of_any_size_do_the_same() {
    let mut executed = 0;
    let mut stored = 0;
    let mut stops = [0; 6];
    for seed in 0..SEEDS {
        let mut random = Random::new(seed);
        // What one start has decoded is there for the next one.
        let mut machine = machine(&mut random);
        for start in 0..STARTS {
            prepare(&mut machine, &mut random);
            let reference = Reference::of(machine.clone());
            for portion in [1, 2, 3, 7, 60, 1000, LIMIT] {
                let how = format!("seed {seed}, start {start}, portions of {portion}");
                let mut emulator = machine.clone();
                let stop = loop {
                    let done = emulator.counters().instructions;
                    let stop = emulator.run(portion.min(LIMIT - done));
                    let done = emulator.counters().instructions;
                    if stop != Stop::LimitReached || done == LIMIT {
                        break stop;
                    }
                    assert_eq!(
                        State::of(&emulator),
                        reference.states[done as usize],
                        "{how}"
                    );
                };
                reference.check_end(&emulator, stop, &how);
            }
            let how = format!("seed {seed}, start {start}, watched");
            check_watched(&machine, &reference, &how);
            let stop = machine.run(LIMIT);
            reference.check_end(&machine, stop, &how);
            executed += machine.counters().instructions;
            stored += machine.counters().stores;
            stops[kind(stop)] += 1;
        }
    }
    assert!(executed > 300_000, "{executed} instructions");
    assert!(stored > 10_000, "{stored} stores");
    assert!(stops.iter().all(|count| *count > 20), "{stops:?}");
}

fn check_watched(machine: &Emulator, reference: &Reference, how: &str) {
    let mut traced = machine.clone();
    let mut pcs = Vec::new();
    let stop = traced.run_traced(LIMIT, &mut |event| pcs.push(event.pc));
    reference.check_end(&traced, stop, how);
    let executed = reference.states.len() - 1;
    let expected = reference.states.iter().map(|state| state.pc);
    assert!(pcs.iter().copied().eq(expected.take(pcs.len())), "{how}");
    assert!((executed..=executed + 1).contains(&pcs.len()), "{how}");

    let mut profiled = machine.clone();
    let mut profile = Profile::new();
    let stop = profiled.run_profiled(LIMIT, &mut profile);
    reference.check_end(&profiled, stop, how);
    assert_eq!(
        profile.iter().collect::<BTreeMap<_, _>>(),
        reference.profile,
        "{how}"
    );
}

fn kind(stop: Stop) -> usize {
    match stop {
        Stop::Ecall => 0,
        Stop::Ebreak => 1,
        Stop::LimitReached => 2,
        Stop::Halted => 3,
        Stop::Trap(trap) if trap.pc == trap.value => 4,
        Stop::Trap(_) => 5,
    }
}

/// A machine with random code.
fn machine(random: &mut Random) -> Emulator {
    let extensions = match random.next() % 4 {
        0 => Extension::ALL
            .iter()
            .filter(|extension| {
                !matches!(extension, Extension::C | Extension::Zca | Extension::Zcb)
            })
            .fold(ExtensionSet::RV32I, |set, extension| set.with(*extension)),
        _ => ExtensionSet::all(),
    };
    let config = MachineConfig {
        extensions,
        misaligned: match random.next() % 4 {
            0 => Misaligned::Trap,
            _ => Misaligned::Allow,
        },
    };
    let mut emulator = Emulator::new(config, Memory::new(BASE, SIZE).unwrap());
    let mut code = Vec::new();
    while code.len() < CODE_SIZE as usize {
        let inst = random_inst(random);
        match compress(inst, extensions) {
            Some(half) => code.extend(half.to_le_bytes()),
            // Whatever is too far away is so for a reason: an instruction that cannot be.
            None => code.extend(inst.encode().unwrap_or(0xffff_ffff).to_le_bytes()),
        }
    }
    code.truncate(CODE_SIZE as usize);
    emulator.load_code(CODE, &code).unwrap();
    if random.next().is_multiple_of(2) {
        emulator.protect(BASE + 0x200, 0x100).unwrap();
    }
    if random.next().is_multiple_of(8) {
        emulator.protect(CODE + 0x10, 0x11).unwrap();
    }
    emulator
}

/// Gives the machine registers, a pc and a halt address.
fn prepare(emulator: &mut Emulator, random: &mut Random) {
    emulator.reset_counters();
    for gpr in Gpr::all() {
        let value = match random.next() % 8 {
            0 => random.next(),
            1 => random.next() % 16,
            2..=3 => CODE + random.next() % CODE_SIZE / 4 * 4,
            // Not far from the ends of the memory and of what is protected.
            4 => BASE.wrapping_add(random.next() % 32).wrapping_sub(16),
            5 => BASE + SIZE - 16 + random.next() % 32,
            6 => BASE + 0x200 - 16 + random.next() % 32,
            _ => BASE + 0x800 + random.next() % 0x400 / 4 * 4,
        };
        emulator.set_gpr(gpr, value);
    }
    emulator.set_pc(CODE + random.next() % CODE_SIZE / 2 * 2);
    emulator.set_halt_address(match random.next() % 2 {
        0 => CODE + random.next() % CODE_SIZE / 2 * 2,
        _ => Emulator::DEFAULT_HALT_ADDRESS,
    });
}

fn random_inst(random: &mut Random) -> Inst {
    let opcode = match random.next() % 32 {
        0 => pick(random, &[Opcode::Ecall, Opcode::Ebreak]),
        1..=2 => Opcode::ALL[random.next() as usize % Opcode::ALL.len()],
        3..=9 => pick(
            random,
            &[Opcode::Addi, Opcode::Addi, Opcode::Lui, Opcode::Auipc],
        ),
        10..=13 => pick(
            random,
            &[Opcode::Lw, Opcode::Lbu, Opcode::Lh, Opcode::Lhu, Opcode::Lb],
        ),
        14..=17 => pick(random, &[Opcode::Sw, Opcode::Sb, Opcode::Sh]),
        18..=23 => pick(
            random,
            &[
                Opcode::Beq,
                Opcode::Bne,
                Opcode::Blt,
                Opcode::Bge,
                Opcode::Bltu,
                Opcode::Bgeu,
                Opcode::Bne,
                Opcode::Jal,
                Opcode::Jalr,
            ],
        ),
        24..=27 => pick(
            random,
            &[
                Opcode::Slli,
                Opcode::Srli,
                Opcode::Andi,
                Opcode::Sltiu,
                Opcode::Xori,
            ],
        ),
        _ => pick(
            random,
            &[
                Opcode::Add,
                Opcode::Sub,
                Opcode::Xor,
                Opcode::Sltu,
                Opcode::And,
                Opcode::Mul,
            ],
        ),
    };
    let mut inst = Inst::no_operands(opcode);
    let format = opcode.format();
    if format.has_rd() {
        inst.rd = pick(random, &REGISTERS);
    }
    if format.has_rs1() {
        inst.rs1 = pick(random, &REGISTERS);
    }
    if format.has_rs2() {
        inst.rs2 = pick(random, &REGISTERS);
    }
    let bits = random.next() as i32;
    inst.imm = match format {
        Format::Shift => bits & 31,
        Format::Upper => pick(random, &[0, 1, 0x80000, bits & 0xfffff]),
        Format::Branch | Format::Jump => bits % 24 * 2,
        Format::I | Format::Load | Format::Store | Format::JumpRegister => {
            pick(random, &[0, 1, -1, 4, 8, -4, bits % 64, bits % 2048])
        }
        Format::CsrRegister | Format::CsrImmediate => {
            i32::from(pick(random, &[Csr::MSCRATCH, Csr::INSTRET, Csr::MEPC]).number())
        }
        _ => 0,
    };
    inst
}

fn pick<T: Copy>(random: &mut Random, choices: &[T]) -> T {
    choices[random.next() as usize % choices.len()]
}
