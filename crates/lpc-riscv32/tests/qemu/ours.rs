//! What our emulator does with a case, in the terms of the judge: signals for traps.

use crate::judge::{CODE, CODE_SIZE, Case, Outcome, SCRATCH, SCRATCH_WORDS, Signal};
use lpc_riscv32::emulator::{Emulator, MachineConfig, Memory, Stop, Trap, TrapCause};
use lpc_riscv32::fetch::fetch;
use lpc_riscv32::inst::AtomicOrder;
use lpc_riscv32::{Extension, ExtensionSet, Format, Gpr, Inst, Opcode};

/// More instructions than any case executes that ends.
const LIMIT: u64 = 16;

// Codes of `siginfo_t` for illegal instructions, breakpoints, unmapped addresses, accesses that are not allowed, misaligned
// addresses, and timers.
pub(crate) const ILL_ILLOPC: u32 = 1;
pub(crate) const TRAP_BRKPT: u32 = 1;
const SEGV_MAPERR: u32 = 1;
const SEGV_ACCERR: u32 = 2;
const BUS_ADRALN: u32 = 1;
const SI_KERNEL: u32 = 0x80;

/// An address at which no jump arrives.
const NOWHERE: u32 = 1;

/// The number of no system call, and what Linux returns for it.
pub(crate) const NO_SYSTEM_CALL: u32 = 0x7fff_0000;
const ENOSYS: u32 = 38;

/// Our emulator with the memory of the judge.
pub(crate) struct Ours {
    emulator: Emulator,
    scratch: Vec<u32>,
    fill: u32,
    extensions: ExtensionSet,
}

impl Ours {
    pub(crate) fn new(extensions: ExtensionSet, scratch: Vec<u32>) -> Ours {
        let size = CODE - SCRATCH + CODE_SIZE;
        let memory = Memory::new(SCRATCH, size).unwrap();
        let mut emulator = Emulator::new(MachineConfig::new(extensions), memory);
        emulator.set_halt_address(NOWHERE);
        let fill = breakpoint(extensions);
        for (index, word) in scratch.iter().enumerate() {
            let address = SCRATCH + 4 * index as u32;
            emulator.write_memory(address, &word.to_le_bytes()).unwrap();
        }
        let code = fill.to_le_bytes().repeat(CODE_SIZE as usize / 4);
        emulator.load_code(CODE, &code).unwrap();
        Ours {
            emulator,
            scratch,
            fill,
            extensions,
        }
    }

    /// Executes cases, which the same code surrounds as in the judge.
    pub(crate) fn execute(&mut self, cases: &[Case]) -> Vec<Outcome> {
        for case in cases {
            self.write(case.pc, &case.code());
        }
        let outcomes = cases.iter().map(|case| self.execute_case(case)).collect();
        for case in cases {
            let mut fill = self.fill.to_le_bytes().repeat(2);
            fill.rotate_left(case.pc as usize % 4);
            self.write(case.pc, &fill[..case.length as usize]);
        }
        outcomes
    }

    fn write(&mut self, address: u32, bytes: &[u8]) {
        self.emulator.write_memory(address, bytes).unwrap();
    }

    fn execute_case(&mut self, case: &Case) -> Outcome {
        for (gpr, value) in Gpr::all().skip(1).zip(case.registers) {
            self.emulator.set_gpr(gpr, value);
        }
        self.emulator.set_pc(case.pc);
        if let Some(address) = self.store_to_code(case) {
            return self.outcome(Signal::FAULT, SEGV_ACCERR, address);
        }
        let mut stop = self.emulator.run(LIMIT);
        while stop == Stop::Ecall {
            self.emulator.set_gpr(Gpr::A0, ENOSYS.wrapping_neg());
            stop = self.emulator.run(LIMIT);
        }
        let (signal, code, address) = self.signal(stop);
        let outcome = self.outcome(signal, code, address);
        if signal == Signal::BUS && self.is_store_conditional(outcome.pc) {
            // In QEMU it only fails, and so consumes the reservation.
            self.consume_reservation(case);
        }
        self.restore_scratch(&outcome);
        outcome
    }

    fn is_store_conditional(&self, address: u32) -> bool {
        let bits = self.emulator.memory().read_u32(address);
        let inst = bits.ok().and_then(|bits| Inst::decode(bits).ok());
        inst.is_some_and(|inst| inst.opcode == Opcode::ScW)
    }

    /// Consumes the reservation, as any `sc.w` does.
    fn consume_reservation(&mut self, case: &Case) {
        let order = AtomicOrder::RELAXED;
        let sc = Inst::atomic(Opcode::ScW, Gpr::ZERO, Gpr::ZERO, Gpr::ZERO, order);
        self.write(case.pc, &sc.encode().unwrap().to_le_bytes());
        self.emulator.set_pc(case.pc);
        assert_eq!(self.emulator.run(1), Stop::LimitReached);
        self.write(case.pc, &case.code());
    }

    /// The first address in code at which the case stores something. In our emulator that is allowed, in the judge it is not.
    fn store_to_code(&self, case: &Case) -> Option<u32> {
        let inst = first_inst(case, self.extensions)?;
        let base = self.emulator.gpr(inst.rs1);
        let (address, size) = match inst.opcode {
            Opcode::Sb => (base.wrapping_add_signed(inst.imm), 1),
            Opcode::Sh => (base.wrapping_add_signed(inst.imm), 2),
            Opcode::Sw => (base.wrapping_add_signed(inst.imm), 4),
            _ if inst.opcode.format() == Format::AtomicMemory && base.is_multiple_of(4) => {
                (base, 4)
            }
            _ => return None,
        };
        let mut bytes = (0..size).map(|byte| address.wrapping_add(byte));
        bytes.find(|byte| byte.wrapping_sub(CODE) < CODE_SIZE)
    }

    /// The signal that Linux makes of a trap, its code and its address.
    fn signal(&self, stop: Stop) -> (Signal, u32, u32) {
        match stop {
            Stop::Ebreak => (Signal::TRAP, TRAP_BRKPT, self.emulator.pc()),
            Stop::LimitReached => (Signal::ALARM, SI_KERNEL, 0),
            Stop::Trap(Trap { cause, pc, value }) => match cause {
                TrapCause::IllegalInstruction => (Signal::ILLEGAL, ILL_ILLOPC, pc),
                TrapCause::InstructionAccessFault
                | TrapCause::LoadAccessFault
                | TrapCause::StoreAccessFault => {
                    let is_mapped = self.emulator.memory().read(value, 1).is_ok();
                    let code = if is_mapped { SEGV_ACCERR } else { SEGV_MAPERR };
                    (Signal::FAULT, code, value)
                }
                TrapCause::LoadAddressMisaligned | TrapCause::StoreAddressMisaligned => {
                    (Signal::BUS, BUS_ADRALN, value)
                }
                TrapCause::InstructionAddressMisaligned => (Signal::JUMP_MISALIGNED, 0, value),
            },
            Stop::Ecall | Stop::Halted => panic!("{stop}"),
        }
    }

    fn outcome(&self, signal: Signal, code: u32, address: u32) -> Outcome {
        let mut registers = [0; 31];
        for (register, gpr) in registers.iter_mut().zip(Gpr::all().skip(1)) {
            *register = self.emulator.gpr(gpr);
        }
        let mut outcome = Outcome {
            signal,
            code,
            address,
            pc: self.emulator.pc(),
            registers,
            changed: 0,
            changes: [(0, 0); 2],
        };
        let memory = self
            .emulator
            .memory()
            .read(SCRATCH, 4 * SCRATCH_WORDS)
            .unwrap();
        let words = memory
            .chunks_exact(4)
            .map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap()));
        for (index, (is, was)) in words.zip(&self.scratch).enumerate() {
            if is != *was {
                if let Some(change) = outcome.changes.get_mut(outcome.changed as usize) {
                    *change = (index as u32, is);
                }
                outcome.changed += 1;
            }
        }
        outcome
    }

    fn restore_scratch(&mut self, outcome: &Outcome) {
        let changed = outcome.changed as usize;
        assert!(changed <= outcome.changes.len(), "a case stores one word");
        for (index, _) in &outcome.changes[..changed] {
            let bytes = self.scratch[*index as usize].to_le_bytes();
            self.emulator
                .write_memory(SCRATCH + 4 * index, &bytes)
                .unwrap();
        }
    }
}

/// A breakpoint in as many bits as an instruction of the machine has at least, twice where those are 16.
pub(crate) fn breakpoint(extensions: ExtensionSet) -> u32 {
    match extensions.contains(Extension::Zca) {
        true => 0x9002_9002,
        false => 0x0010_0073,
    }
}

/// The instruction with which a case starts, if our machine has it.
pub(crate) fn first_inst(case: &Case, extensions: ExtensionSet) -> Option<Inst> {
    Some(fetch(&case.code(), extensions).ok()?.inst)
}
