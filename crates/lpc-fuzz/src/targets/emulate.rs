//! Machine code, as bytes, in the emulator.

use super::decode::split_extensions;
use lpc_riscv32::Gpr;
use lpc_riscv32::emulator::{Emulator, MachineConfig, Memory, Misaligned, Stop};

const BASE: u32 = 0x8000_0000;
const MEMORY_SIZE: u32 = 1 << 12;

/// Where the code is: not at the start of the memory, so that something lies before it.
const CODE_START: u32 = BASE + 0x400;

const LIMIT: u64 = 1_000;

/// Takes the first four bytes of `data` for a set of extensions, four more for what the registers hold and the rest for
/// code, and executes it in three ways: at once, watched, and instruction by instruction.
///
/// # Panics
/// If they do not all end in the same state.
pub fn run(data: &[u8]) {
    let (extensions, rest) = split_extensions(data);
    let (seed, code) = rest.split_first_chunk().unwrap_or((&[0; 4], rest));
    let seed = u32::from_le_bytes(*seed);
    let config = MachineConfig {
        extensions,
        misaligned: match seed & 1 {
            0 => Misaligned::Allow,
            _ => Misaligned::Trap,
        },
    };
    let Some(machine) = machine(config, seed, code) else {
        return;
    };

    let mut at_once = machine.clone();
    let stop = go_on(&mut at_once, |machine, limit| machine.run(limit));

    let mut watched = machine.clone();
    let mut seen = 0;
    let stop_watched = go_on(&mut watched, |machine, limit| {
        machine.run_traced(limit, &mut |_| seen += 1)
    });
    assert_eq!(stop_watched, stop);
    assert_same(&watched, &at_once);
    assert!(seen >= watched.counters().instructions);

    let mut stepped = machine;
    let stop_stepped = go_on(&mut stepped, |machine, limit| {
        let steps = (0..limit).find_map(|_| machine.step().err());
        steps.unwrap_or(Stop::LimitReached)
    });
    assert_eq!(stop_stepped, stop);
    assert_same(&stepped, &at_once);
}

/// A machine at the start of `code`, if that fits. The part of the memory before the code is protected for some seeds.
fn machine(config: MachineConfig, seed: u32, code: &[u8]) -> Option<Emulator> {
    let memory = Memory::new(BASE, MEMORY_SIZE).ok()?;
    let mut machine = Emulator::new(config, memory);
    machine.load_code(CODE_START, code).ok()?;
    if seed & 2 != 0 {
        machine.protect(BASE, 0x100).ok()?;
    }
    // Numbers of all sizes, and addresses around the memory and the code.
    let mut random = fastrand::Rng::with_seed(seed.into());
    for gpr in Gpr::all() {
        let value = match random.u8(..4) {
            0 => random.u32(..8),
            1 => random.u32(..),
            2 => BASE.wrapping_sub(16) + random.u32(..MEMORY_SIZE + 32),
            _ => CODE_START + random.u32(..code.len() as u32 + 1),
        };
        machine.set_gpr(gpr, value);
    }
    machine.set_pc(CODE_START);
    Some(machine)
}

/// Executes up to [`LIMIT`] instructions, also behind calls of the environment, and returns what stopped the machine last.
fn go_on(machine: &mut Emulator, mut run: impl FnMut(&mut Emulator, u64) -> Stop) -> Stop {
    loop {
        let executed = machine.counters().instructions;
        match run(machine, LIMIT.saturating_sub(executed)) {
            Stop::Ecall => {}
            stop => return stop,
        }
    }
}

fn assert_same(machine: &Emulator, expected: &Emulator) {
    assert_eq!(machine.pc(), expected.pc());
    assert_eq!(machine.counters(), expected.counters());
    for gpr in Gpr::all() {
        assert_eq!(machine.gpr(gpr), expected.gpr(gpr), "{gpr}");
    }
    let bytes = |machine: &Emulator| {
        let bytes = machine.memory().read(BASE, MEMORY_SIZE as usize);
        bytes.expect("that is all of the memory").to_vec()
    };
    assert!(bytes(machine) == bytes(expected), "the memory is different");
}
