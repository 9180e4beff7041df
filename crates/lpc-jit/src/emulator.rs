//! Code in the memory of an emulated machine, on any host.
//!
//! ```text
//!   MEMORY_BASE ┌────────────┐
//!               │ stack      │  stack_size; grows down, and overflows out of the memory
//!               ├────────────┤
//!               │ host calls │  one `ecall; ret` for each host function; which one it is, its address tells
//!               ├────────────┤
//!               │ nothing    │  so much that no call from below reaches above without `auipc`
//!               ├────────────┤
//!               │ modules    │  code_size
//!               └────────────┘
//! ```
//!
//! What is written to a region is seen by the machine only after it was published, as with a cache between the two. Until then there are zeros,
//! which are no instructions.

use crate::code_memory::{CodeMemory, Region};
use crate::execute::{Execute, NativeCall, WordCall};
use crate::host::HostFunction;
use crate::regions::RegionAllocator;
use crate::types::{FunctionType, Results};
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt;
use lpc_codegen::backend::abi::{AbiSignature, WORD_BYTES};
use lpc_codegen::backend::transfer::Garbage;
use lpc_codegen::isa::riscv32::abi::abi_signature;
use lpc_codegen::isa::riscv32::regs;
use lpc_link::Sections;
use lpc_lpir::ir::DataValue;
use lpc_riscv32::emulator::{Emulator, MachineConfig, Memory, MemoryError, OutOfBounds, Stop};
use lpc_riscv32::host_call::{HOST_CALL_SIZE, host_call};
use lpc_riscv32::{ExtensionSet, Gpr};

/// The address of the first byte of the emulated memory. Its top bit is set, so that code which compares addresses as signed numbers does not
/// get away with it.
pub const MEMORY_BASE: u32 = 0x8000_0000;

/// The emulated machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EmulatorOptions {
    /// Its instruction set.
    pub extensions: ExtensionSet,
    /// The bytes for modules.
    pub code_size: u32,
    /// The bytes of the stack.
    pub stack_size: u32,
    /// The most instructions that one call may execute, those of host functions apart.
    pub instruction_limit: u64,
}

impl Default for EmulatorOptions {
    /// RV32IMAC, 1 MiB for modules, 256 KiB of stack and a billion instructions.
    fn default() -> Self {
        Self {
            extensions: ExtensionSet::RV32IMAC,
            code_size: 1 << 20,
            stack_size: 256 << 10,
            instruction_limit: 1_000_000_000,
        }
    }
}

/// The memory of an emulated machine.
#[derive(Debug)]
pub struct EmulatorMemory {
    machine: EmulatedMachine,
    regions: RegionAllocator,
    /// What was written to regions that are not published yet, by their addresses.
    written: BTreeMap<u32, Vec<u8>>,
}

/// An emulated machine, which calls the code in its memory. Clones are the same machine.
#[derive(Clone, Debug)]
pub struct EmulatedMachine(Rc<RefCell<Machine>>);

struct Machine {
    emulator: Emulator,
    options: EmulatorOptions,
    /// The host functions, in the order of their calls in memory.
    host: Vec<HostFunction>,
    /// Where the stack ends and the calls to the host start.
    stack_top: u32,
    /// How many calls have not returned yet, because host functions make calls.
    depth: u32,
    garbage: Garbage,
}

/// Why a call in the emulator did not return.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EmulatorError {
    /// The machine stopped. What it means when that is in a module, [`JitModule::trap_at`](crate::JitModule::trap_at) tells.
    Stopped {
        /// Why.
        stop: Stop,
        /// The address of the instruction.
        pc: u32,
    },
    /// Arguments or results are not inside the memory: the stack has overflowed.
    OutsideMemory(OutOfBounds),
}

impl fmt::Display for EmulatorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped { stop, pc } => write!(f, "{stop} at {pc:#010x}"),
            Self::OutsideMemory(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for EmulatorError {}

impl From<OutOfBounds> for EmulatorError {
    fn from(error: OutOfBounds) -> Self {
        Self::OutsideMemory(error)
    }
}

/// The most host functions that can be used.
const MAX_HOST_FUNCTIONS: u32 = 1 << 13;

/// From the start of the calls to the host to the modules: more than `jal` reaches.
const HOST_DISTANCE: u32 = 2 << 20;

impl EmulatorMemory {
    /// The memory of a new machine.
    ///
    /// # Errors
    /// When there is no room for the memory, or when it does not fit into the address space.
    pub fn new(options: EmulatorOptions) -> Result<Self, MemoryError> {
        let stack_top = MEMORY_BASE.saturating_add(options.stack_size & !15);
        let code = stack_top.saturating_add(HOST_DISTANCE);
        let end = code.saturating_add(options.code_size);
        let memory = Memory::new(MEMORY_BASE, end - MEMORY_BASE)?;
        let config = MachineConfig::new(options.extensions);
        let mut emulator = Emulator::new(config, memory);
        emulator.set_executable(stack_top, end - stack_top)?;
        let machine = Machine {
            emulator,
            options,
            host: Vec::new(),
            stack_top,
            depth: 0,
            garbage: Garbage::new(),
        };
        Ok(Self {
            machine: EmulatedMachine(Rc::new(RefCell::new(machine))),
            regions: RegionAllocator::new(code, end - code),
            written: BTreeMap::new(),
        })
    }

    /// The machine, to look into its memory.
    pub fn machine(&self) -> EmulatedMachine {
        self.machine.clone()
    }

    fn take_written(&mut self, region: &Region) -> Vec<u8> {
        let mut bytes = self.written.remove(&region.address()).unwrap_or_default();
        bytes.resize(region.size() as usize, 0);
        bytes
    }

    fn write_memory(&self, address: u32, bytes: &[u8]) {
        let mut machine = self.machine.0.borrow_mut();
        let written = machine.emulator.write_memory(address, bytes);
        written.expect("regions are inside the memory");
    }
}

impl CodeMemory for EmulatorMemory {
    type Executor = EmulatedMachine;

    fn executor(&self) -> EmulatedMachine {
        self.machine.clone()
    }

    fn largest_free(&self) -> u32 {
        self.regions.largest_free()
    }

    fn allocate(&mut self, size: u32, alignment: u32) -> Option<Region> {
        self.regions.allocate(size, alignment)
    }

    fn settle(&mut self, region: Region, size: u32, alignment: u32) -> Option<Region> {
        let mut bytes = self.take_written(&region);
        self.regions.free(region);
        let settled = self.regions.allocate(size, alignment)?;
        bytes.truncate(settled.size() as usize);
        self.written.insert(settled.address(), bytes);
        Some(settled)
    }

    fn write_view(&mut self, region: &Region) -> &mut [u8] {
        let bytes = self.take_written(region);
        self.written.entry(region.address()).or_insert(bytes)
    }

    fn publish(&mut self, region: &Region, _: &Sections) {
        let bytes = self.take_written(region);
        self.write_memory(region.address(), &bytes);
    }

    fn free(&mut self, region: Region) {
        self.written.remove(&region.address());
        self.write_memory(region.address(), &vec![0; region.size() as usize]);
        self.regions.free(region);
    }

    fn host_address(&mut self, function: &HostFunction) -> Option<u32> {
        let mut machine = self.machine.0.borrow_mut();
        let known = machine.host.iter().position(|other| {
            other.name() == function.name() && other.address() == function.address()
        });
        let index = known.unwrap_or(machine.host.len()) as u32;
        if index == MAX_HOST_FUNCTIONS {
            return None;
        }
        let address = machine.stack_top + index * HOST_CALL_SIZE;
        if known.is_none() {
            machine.host.push(function.clone());
            let written = machine.emulator.write_memory(address, &host_call());
            written.expect("calls to the host are inside the memory");
        }
        Some(address)
    }
}

impl EmulatedMachine {
    /// What `read` gives for `size` bytes of memory at `address`.
    ///
    /// # Errors
    /// When they are not inside the memory.
    pub fn read<R>(
        &self,
        address: u32,
        size: usize,
        read: impl FnOnce(&[u8]) -> R,
    ) -> Result<R, OutOfBounds> {
        let machine = self.0.borrow();
        machine.emulator.memory().read(address, size).map(read)
    }

    /// Writes `bytes` to memory at `address`.
    ///
    /// # Errors
    /// When they are not inside the memory.
    pub fn write(&self, address: u32, bytes: &[u8]) -> Result<(), OutOfBounds> {
        self.0.borrow_mut().emulator.write_memory(address, bytes)
    }

    /// The number of instructions that were executed so far.
    pub fn instructions(&self) -> u64 {
        self.0.borrow().emulator.counters().instructions
    }

    /// Runs from the pc to the end of the call, and serves the calls to the host on the way.
    fn run(&self) -> Result<(), EmulatorError> {
        let start = self.instructions();
        loop {
            let executed = self.instructions() - start;
            let mut machine = self.0.borrow_mut();
            let limit = machine.options.instruction_limit.saturating_sub(executed);
            let stop = machine.emulator.run(limit);
            let host = (stop == Stop::Ecall).then(|| machine.host_call()).flatten();
            let Some((function, abi)) = host else {
                let pc = machine.emulator.pc();
                return match stop {
                    Stop::Halted => Ok(()),
                    _ => Err(EmulatorError::Stopped { stop, pc }),
                };
            };
            let call = machine.words_of_call(&abi)?;
            // The function may call code in this machine.
            drop(machine);
            let results = function.call(&call.arguments(&abi));
            self.0.borrow_mut().return_from_host(&abi, &results, call);
        }
    }
}

impl Execute for EmulatedMachine {
    type Error = EmulatorError;

    fn call<F: FunctionType + NativeCall>(
        &self,
        address: u32,
        arguments: F::Arguments,
    ) -> Result<F::Results, EmulatorError> {
        let abi = c_abi(&F::SIGNATURE);
        let arguments = F::to_data(arguments);
        let mut call = WordCall::new(&abi, &arguments, &mut self.0.borrow_mut().garbage);
        self.call_words(address, &mut call)?;
        Ok(F::Results::from_data(&call.results(&abi)))
    }

    fn call_words(&self, address: u32, call: &mut WordCall) -> Result<(), EmulatorError> {
        let before = self.0.borrow_mut().save();
        let entered = self.0.borrow_mut().enter(address, call);
        let returned = entered.and_then(|return_area| self.run().map(|()| return_area));
        let mut machine = self.0.borrow_mut();
        let result = returned.and_then(|return_area| machine.leave(return_area, call));
        machine.restore(&before);
        result
    }
}

/// What a call changes and must be as before when a host function has made it.
struct Saved {
    gprs: [u32; 32],
    pc: u32,
}

impl Machine {
    fn save(&mut self) -> Saved {
        self.depth += 1;
        let mut gprs = [0; 32];
        for gpr in Gpr::all() {
            gprs[gpr.index()] = self.emulator.gpr(gpr);
        }
        let pc = self.emulator.pc();
        Saved { gprs, pc }
    }

    fn restore(&mut self, saved: &Saved) {
        self.depth -= 1;
        for gpr in Gpr::all() {
            self.emulator.set_gpr(gpr, saved.gprs[gpr.index()]);
        }
        self.emulator.set_pc(saved.pc);
    }

    /// Sets registers and stack for a call of the function at `address`, and returns the address of the return area.
    fn enter(&mut self, address: u32, call: &WordCall) -> Result<u32, EmulatorError> {
        let top = match self.depth {
            1 => self.stack_top,
            _ => self.emulator.gpr(Gpr::SP),
        };
        let size_of = |words: &[u32]| words.len() as u32 * WORD_BYTES;
        let return_area = top.wrapping_sub(size_of(&call.return_area)) & !15;
        let stack_pointer = return_area.wrapping_sub(size_of(&call.stack));
        for (index, word) in (0..).zip(&call.stack) {
            let address = stack_pointer.wrapping_add(index * WORD_BYTES);
            self.emulator.write_memory(address, &word.to_le_bytes())?;
        }
        for gpr in Gpr::all() {
            self.emulator.set_gpr(gpr, self.garbage.word());
        }
        self.set_arguments(&call.registers);
        if let Some(register) = call.return_area_register {
            self.emulator.set_gpr(Gpr::ARGUMENTS[register], return_area);
        }
        self.emulator.set_gpr(Gpr::SP, stack_pointer);
        self.emulator
            .set_gpr(Gpr::RA, Emulator::DEFAULT_HALT_ADDRESS);
        self.emulator.set_pc(address);
        Ok(return_area)
    }

    /// Reads what a call has returned.
    fn leave(&self, return_area: u32, call: &mut WordCall) -> Result<(), EmulatorError> {
        call.registers = self.arguments();
        for (index, word) in (0..).zip(&mut call.return_area) {
            let address = return_area.wrapping_add(index * WORD_BYTES);
            *word = self.emulator.memory().read_u32(address)?;
        }
        Ok(())
    }

    /// The host function whose `ecall` was just executed, if it was that of one.
    fn host_call(&self) -> Option<(HostFunction, AbiSignature)> {
        let offset = self.emulator.pc().wrapping_sub(self.stack_top);
        let function = self.host.get((offset / HOST_CALL_SIZE) as usize)?.clone();
        let abi = c_abi(function.signature());
        Some((function, abi))
    }

    /// Lets the program go on with `results` of a function of the signature `abi`, which it has made `call` of. All else that a call may change
    /// is garbage.
    fn return_from_host(&mut self, abi: &AbiSignature, results: &[DataValue], mut call: WordCall) {
        for preg in regs::CALLER_SAVED {
            let gpr = regs::gpr(preg.into());
            self.emulator.set_gpr(gpr, self.garbage.word());
        }
        call.set_results(abi, results, &mut self.garbage);
        self.set_arguments(&call.registers);
    }

    /// The words with which a function of the signature `abi` was called.
    fn words_of_call(&self, abi: &AbiSignature) -> Result<WordCall, EmulatorError> {
        let stack_pointer = self.emulator.gpr(Gpr::SP);
        let addresses = (0..abi.stack_args_size).step_by(WORD_BYTES as usize);
        let stack = addresses.map(|offset| {
            let address = stack_pointer.wrapping_add(offset);
            self.emulator.memory().read_u32(address)
        });
        Ok(WordCall {
            registers: self.arguments(),
            stack: stack.collect::<Result<_, _>>()?,
            return_area: Vec::new(),
            return_area_register: None,
        })
    }

    fn arguments(&self) -> [u32; 8] {
        Gpr::ARGUMENTS.map(|gpr| self.emulator.gpr(gpr))
    }

    fn set_arguments(&mut self, words: &[u32; 8]) {
        for (gpr, word) in Gpr::ARGUMENTS.iter().zip(words) {
            self.emulator.set_gpr(*gpr, *word);
        }
    }
}

/// Where the arguments and results of a C function travel.
fn c_abi(signature: &crate::types::CSignature) -> AbiSignature {
    abi_signature(&signature.to_signature()).expect("C signatures have ordinary parameters")
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Machine({:?})", self.options)
    }
}
