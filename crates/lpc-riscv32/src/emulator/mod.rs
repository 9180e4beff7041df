//! An RV32 machine of one hart and one region of RAM, for running compiled code.
//!
//! It is strict: an instruction of an extension that is off is illegal, as is a reserved encoding;
//! fetching is possible from the executable range only; accesses are checked, and misaligned
//! ones trap if the machine is configured so. Traps are precise: they stop the run with the pc at
//! the instruction, which had no effect.
//!
//! ```text
//!              set_gpr, call                        Stop::{Ecall, Ebreak, Trap,
//!  load_code ─► Memory ─► ops (decoded once) ─► execute ─► LimitReached, Halted}
//! ```
//!
//! Stores to the executable range take effect at the next fetch, without `fence.i`, unless it is protected from stores.

mod code;
mod execute;
mod handlers;
mod hart;
mod machine_csr;
mod memory;
mod op;
mod operations;
mod profile;
mod registers;
mod trace;
mod trap;

pub use memory::{Memory, MemoryError, OutOfBounds};
pub use profile::{Executions, Profile};
pub use trace::TraceEvent;
pub use trap::{Stop, Trap, TrapCause};

use crate::extension::{Extension, ExtensionSet};
use crate::gpr::Gpr;
use code::Code;
use core::ops::AddAssign;
use hart::{Ended, Hart};
use machine_csr::MachineCsrs;
use op::Strictness;
use profile::Profiler;
use registers::Registers;
use trace::Observer;

/// What loads and stores at addresses that are no multiple of their size do.
///
/// Atomic instructions trap in either case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Misaligned {
    /// They work, as on chips whose memory interface splits them.
    #[default]
    Allow,
    /// They trap.
    Trap,
}

/// What kind of machine to emulate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MachineConfig {
    /// The instruction set.
    pub extensions: ExtensionSet,
    /// What misaligned loads and stores do.
    pub misaligned: Misaligned,
}

impl MachineConfig {
    /// A machine with the given instruction set that allows misaligned accesses.
    pub const fn new(extensions: ExtensionSet) -> MachineConfig {
        MachineConfig {
            extensions,
            misaligned: Misaligned::Allow,
        }
    }
}

/// What was executed since the machine was made or [`Emulator::reset_counters`] was called.
///
/// Instructions that trapped do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counters {
    /// All instructions.
    pub instructions: u64,
    /// Loads; an atomic memory operation is a load and a store.
    pub loads: u64,
    /// Stores; a `sc.w` that failed is none.
    pub stores: u64,
    /// Conditional branches that were taken.
    pub taken_branches: u64,
}

impl AddAssign for Counters {
    fn add_assign(&mut self, other: Counters) {
        self.instructions += other.instructions;
        self.loads += other.loads;
        self.stores += other.stores;
        self.taken_branches += other.taken_branches;
    }
}

/// The machine. See the [module documentation](self).
#[derive(Clone)]
pub struct Emulator {
    config: MachineConfig,
    pc: u32,
    hart: Hart,
    code: Code,
    halt_address: u32,
}

impl Emulator {
    /// The halt address of a new machine. All instruction sets can jump to it.
    pub const DEFAULT_HALT_ADDRESS: u32 = 0xffff_fffc;

    /// A machine with all registers zero and no executable range.
    pub fn new(config: MachineConfig, memory: Memory) -> Emulator {
        let has_compressed = config.extensions.contains(Extension::Zca);
        let hart = Hart {
            registers: Registers::new(),
            csrs: MachineCsrs::default(),
            memory,
            counters: Counters::default(),
            misaligned_parcel_bits: u32::from(!has_compressed),
            reservation: None,
            ended: Ended::NEVER,
        };
        let strictness = Strictness {
            traps_misaligned: config.misaligned == Misaligned::Trap,
            misaligned_parcel_bits: hart.misaligned_parcel_bits,
        };
        Emulator {
            config,
            pc: 0,
            hart,
            code: Code::empty(config.extensions, strictness),
            halt_address: Self::DEFAULT_HALT_ADDRESS,
        }
    }

    /// The machine's configuration.
    pub fn config(&self) -> MachineConfig {
        self.config
    }

    /// The RAM.
    pub fn memory(&self) -> &Memory {
        &self.hart.memory
    }

    /// Copies `bytes` to `address`. Works on code as well.
    ///
    /// # Errors
    /// [`OutOfBounds`] if they do not fit into the memory; nothing is written then.
    pub fn write_memory(&mut self, address: u32, bytes: &[u8]) -> Result<(), OutOfBounds> {
        self.hart.memory.write(address, bytes)?;
        self.code.invalidate(address, bytes.len());
        Ok(())
    }

    /// Protects the `length` bytes at `address`, in addition to those that already are: a store to any of them traps with
    /// [`TrapCause::StoreAccessFault`]. At first nothing is protected. [`Emulator::write_memory`] writes everywhere.
    ///
    /// # Errors
    /// [`OutOfBounds`] if they are not wholly inside the memory; nothing changes then.
    pub fn protect(&mut self, address: u32, length: u32) -> Result<(), OutOfBounds> {
        self.hart.memory.protect(address, length)
    }

    /// Copies `bytes` to `address` and makes them the executable range.
    ///
    /// # Errors
    /// [`MemoryError`] if they do not fit into the memory, or if there is no room for what is decoded of them.
    pub fn load_code(&mut self, address: u32, bytes: &[u8]) -> Result<(), MemoryError> {
        self.hart.memory.write(address, bytes)?;
        self.set_executable(address, bytes.len() as u32)
    }

    /// Makes the `length` bytes at `address`, rounded outwards to words, the one range that
    /// instructions can be fetched from.
    ///
    /// # Errors
    /// [`MemoryError`] if the range is not inside the memory, or if there is no room for what is decoded; nothing changes then.
    pub fn set_executable(&mut self, address: u32, length: u32) -> Result<(), MemoryError> {
        self.hart.memory.read(address, length as usize)?;
        self.code = self.code.of_range(address, length)?;
        self.hart.memory.watch_code(address, length);
        Ok(())
    }

    /// The value of a register.
    pub fn gpr(&self, gpr: Gpr) -> u32 {
        self.hart.registers.read(gpr.number())
    }

    /// Sets a register. Setting `zero` has no effect.
    pub fn set_gpr(&mut self, gpr: Gpr, value: u32) {
        self.hart
            .registers
            .write(Registers::destination(gpr), value);
    }

    /// The address of the instruction that executes next.
    pub fn pc(&self) -> u32 {
        self.pc
    }

    /// Sets the address of the instruction that executes next.
    pub fn set_pc(&mut self, pc: u32) {
        self.pc = pc;
    }

    /// Sets the address at which a run ends with [`Stop::Halted`] instead of executing what is
    /// there. At first it is [`Emulator::DEFAULT_HALT_ADDRESS`].
    pub fn set_halt_address(&mut self, address: u32) {
        self.halt_address = address;
        // Code decoded under the old address would run through the new one.
        self.code.invalidate(address, 1);
    }

    /// What was executed so far.
    pub fn counters(&self) -> Counters {
        self.hart.counters
    }

    /// Sets all counters to zero.
    pub fn reset_counters(&mut self) {
        self.hart.counters = Counters::default();
    }

    /// Executes up to `limit` instructions from the pc on.
    pub fn run(&mut self, limit: u64) -> Stop {
        self.execute(limit, Observer::Nobody)
    }

    /// As [`Emulator::run`], and calls `tracer` before each instruction.
    pub fn run_traced(&mut self, limit: u64, tracer: &mut dyn FnMut(&TraceEvent<'_>)) -> Stop {
        self.execute(limit, Observer::Tracer(tracer))
    }

    /// As [`Emulator::run`], and adds to `profile` how often each instruction was executed.
    pub fn run_profiled(&mut self, limit: u64, profile: &mut Profile) -> Stop {
        self.execute(limit, Observer::Profiler(Profiler::new(profile)))
    }

    /// Executes one instruction.
    ///
    /// # Errors
    /// What stopped the machine, if something did. An `ecall` is executed and reported as well.
    pub fn step(&mut self) -> Result<(), Stop> {
        match self.run(1) {
            Stop::LimitReached => Ok(()),
            stop => Err(stop),
        }
    }

    /// Calls the function at `entry` as the standard calling convention does (RISC-V psABI,
    /// "Integer Calling Convention"): the first eight words of `arguments` in `a0` to `a7`, the
    /// rest on the stack below `stack_top`, and the halt address in `ra`.
    ///
    /// The function has returned if the result is [`Stop::Halted`].
    ///
    /// # Errors
    /// [`OutOfBounds`] if the stack arguments lie outside the memory.
    pub fn call(
        &mut self,
        entry: u32,
        stack_top: u32,
        arguments: &[u32],
        limit: u64,
    ) -> Result<Stop, OutOfBounds> {
        let in_registers = arguments.len().min(Gpr::ARGUMENTS.len());
        let (in_registers, on_stack) = arguments.split_at(in_registers);
        for (gpr, value) in Gpr::ARGUMENTS.iter().zip(in_registers) {
            self.set_gpr(*gpr, *value);
        }
        let stack_pointer = stack_top.wrapping_sub(on_stack.len() as u32 * 4) & !15;
        for (index, value) in on_stack.iter().enumerate() {
            let address = stack_pointer.wrapping_add(index as u32 * 4);
            self.write_memory(address, &value.to_le_bytes())?;
        }
        self.set_gpr(Gpr::SP, stack_pointer);
        self.set_gpr(Gpr::RA, self.halt_address);
        self.set_pc(entry);
        Ok(self.run(limit))
    }

    /// Bits that are zero in the address of an instruction.
    fn misaligned_pc_bits(&self) -> u32 {
        self.hart.misaligned_parcel_bits << 1 | 1
    }
}
