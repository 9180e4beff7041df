//! Loading an executable and running it to its end.

use crate::error::LoadError;
use crate::linux::{self, Heap};
use crate::memory_map::{MemoryMap, has_copy};
use crate::semihosting::{self, Semihosting};
use crate::source_line::{self, SourceLine};
use crate::streams::Streams;
use lpc_link::elf::read::{ElfFile, Segment};
use lpc_lpir::ir::TrapCode;
use lpc_riscv32::emulator::{
    Counters, Emulator, MachineConfig, Memory, MemoryError, OutOfBounds, Profile, Stop, Trap,
    TrapCause,
};
use lpc_riscv32::{ExtensionSet, Gpr};
use std::fmt;

/// How a process may use the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProcessOptions {
    /// The memory behind the segments, in bytes.
    pub heap_and_stack_size: u32,
    /// The part of it that is the stack, in bytes; rounded up to whole pages.
    pub stack_size: u32,
    /// The most instructions that the process may execute.
    pub instruction_limit: u64,
}

/// An executable in a machine. See the [crate documentation](crate).
pub struct Process<'data> {
    file: ElfFile<'data>,
    machine: Emulator,
    heap: Heap,
    semihosting: Semihosting,
    stack_top: u32,
    options: ProcessOptions,
}

/// How a process ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// It exited with this status, of which a parent process sees the lowest eight bits.
    Exited(u32),
    /// The function that was [called](Process::call) returned; this is in `a0`.
    Returned(u32),
    /// It trapped.
    Trapped {
        /// What stopped the machine.
        stop: Stop,
        /// Why the instruction traps, where the file tells.
        code: Option<TrapCode>,
        /// At which instruction.
        place: Place,
    },
    /// As many instructions were executed as [`ProcessOptions::instruction_limit`] allows.
    LimitReached {
        /// The instruction that would have been next.
        place: Place,
    },
}

/// A place in an executable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The address of the instruction.
    pub pc: u32,
    /// The function or label that it belongs to, and the distance from there.
    pub symbol: Option<(String, u32)>,
    /// Where in the source it comes from, where the file tells.
    pub line: Option<SourceLine>,
}

/// `main+0x12`, or the address where no symbol is known.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.symbol {
            Some((name, offset)) => write!(f, "{name}+{offset:#x}"),
            None => write!(f, "{:#010x}", self.pc),
        }
    }
}

/// What becomes of a process after a call to its environment.
pub(crate) enum Flow {
    Continue,
    Exit(u32),
}

impl<'data> Process<'data> {
    /// Loads the executable with the content `bytes` into a machine with `extensions`, by default those that the executable
    /// states. `arguments` are the strings of `argv`, of which the first one is the name of the program.
    ///
    /// # Errors
    /// When the bytes are no executable, or one that this machine cannot hold.
    pub fn load(
        bytes: &'data [u8],
        extensions: Option<ExtensionSet>,
        arguments: &[String],
        options: ProcessOptions,
    ) -> Result<Self, LoadError> {
        let file = ElfFile::parse(bytes)?;
        file.check_static_executable()?;
        let extensions = match extensions {
            Some(extensions) => extensions,
            None => file.extensions()?,
        };
        let map = MemoryMap::new(&file.segments, &options)?;
        let memory = Memory::new(map.base, map.size).map_err(|error| match error {
            MemoryError::OutOfBounds(_) => LoadError::NoRoomForStack,
            MemoryError::OutOfMemory => LoadError::OutOfMemory,
        })?;
        let mut machine = Emulator::new(MachineConfig::new(extensions), memory);
        match load_segments(&mut machine, &file.segments, map.code) {
            Ok(()) => {}
            Err(MemoryError::OutOfMemory) => return Err(LoadError::OutOfMemory),
            Err(MemoryError::OutOfBounds(_)) => {
                unreachable!("the memory has room for all segments")
            }
        }
        let stack = map.heap_limit..map.end();
        let sp = linux::initial_stack(&mut machine, stack, arguments, file.entry)?;
        machine.set_gpr(Gpr::SP, sp);
        machine.set_pc(file.entry);
        Ok(Self {
            file,
            machine,
            heap: Heap::new(map.heap_start, map.heap_limit),
            semihosting: Semihosting::default(),
            stack_top: sp,
            options,
        })
    }

    /// Runs the program from its entry point on.
    pub fn run(&mut self, streams: &mut Streams<'_>) -> End {
        self.run_with(streams, Emulator::run)
    }

    /// As [`Self::run`], and adds to `profile` how often each instruction was executed.
    pub fn run_profiled(&mut self, streams: &mut Streams<'_>, profile: &mut Profile) -> End {
        self.run_with(streams, |machine, limit| {
            machine.run_profiled(limit, profile)
        })
    }

    fn run_with(
        &mut self,
        streams: &mut Streams<'_>,
        run_machine: impl FnMut(&mut Emulator, u64) -> Stop,
    ) -> End {
        match self.execute(streams, run_machine) {
            // Nothing was called: the program jumped to where functions return that are.
            End::Returned(_) => {
                let pc = self.machine.pc();
                self.trapped(Stop::Trap(Trap {
                    cause: TrapCause::InstructionAccessFault,
                    pc,
                    value: pc,
                }))
            }
            end => end,
        }
    }

    /// Calls the function at `address` with words as arguments, as the standard calling convention does, and without the
    /// start-up code of the program.
    ///
    /// # Errors
    /// [`OutOfBounds`] if there are more arguments than fit onto the stack.
    pub fn call(
        &mut self,
        address: u32,
        arguments: &[u32],
        streams: &mut Streams<'_>,
    ) -> Result<End, OutOfBounds> {
        self.start_call(address, arguments)?;
        Ok(self.execute(streams, Emulator::run))
    }

    /// As [`Self::call`], and adds to `profile` how often each instruction was executed.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub fn call_profiled(
        &mut self,
        address: u32,
        arguments: &[u32],
        streams: &mut Streams<'_>,
        profile: &mut Profile,
    ) -> Result<End, OutOfBounds> {
        self.start_call(address, arguments)?;
        Ok(self.execute(streams, |machine, limit| {
            machine.run_profiled(limit, profile)
        }))
    }

    /// Makes the machine what it is when the function at `address` starts.
    fn start_call(&mut self, address: u32, arguments: &[u32]) -> Result<(), OutOfBounds> {
        // Linkers make code address data relative to `gp` where they define this symbol.
        if let Some(pointer) = self.file.address_of("__global_pointer$") {
            self.machine.set_gpr(Gpr::GP, pointer);
        }
        // Nothing is executed yet: the registers, the stack and the pc are set.
        self.machine.call(address, self.stack_top, arguments, 0)?;
        Ok(())
    }

    /// Runs on until something ends the process, and serves its calls on the way. `run_machine` executes so many
    /// instructions at most.
    fn execute(
        &mut self,
        streams: &mut Streams<'_>,
        mut run_machine: impl FnMut(&mut Emulator, u64) -> Stop,
    ) -> End {
        loop {
            let executed = self.machine.counters().instructions;
            let allowed = self.options.instruction_limit.saturating_sub(executed);
            let flow = match run_machine(&mut self.machine, allowed) {
                Stop::Ecall => linux::serve(&mut self.machine, &mut self.heap, streams),
                Stop::Ebreak if semihosting::is_call(&self.machine) => {
                    self.semihosting.serve(&mut self.machine, streams)
                }
                Stop::Halted => return End::Returned(self.machine.gpr(Gpr::A0)),
                Stop::LimitReached => {
                    let place = self.place(self.machine.pc());
                    return End::LimitReached { place };
                }
                stop => return self.trapped(stop),
            };
            if let Flow::Exit(status) = flow {
                return End::Exited(status);
            }
        }
    }

    /// The executable.
    pub fn file(&self) -> &ElfFile<'data> {
        &self.file
    }

    /// What was executed so far.
    pub fn counters(&self) -> Counters {
        self.machine.counters()
    }

    fn trapped(&self, stop: Stop) -> End {
        let pc = self.machine.pc();
        End::Trapped {
            stop,
            code: self.file.trap_at(pc),
            place: self.place(pc),
        }
    }

    fn place(&self, pc: u32) -> Place {
        let symbol = self.file.locate(pc);
        Place {
            pc,
            symbol: symbol.map(|(name, offset)| (name.to_owned(), offset)),
            line: source_line::find(&self.file, pc),
        }
    }
}

/// Copies `segments` to where they belong, protects those that are not writable, and makes the bytes of `code`, an address and a size, executable.
fn load_segments(
    machine: &mut Emulator,
    segments: &[Segment<'_>],
    code: (u32, u32),
) -> Result<(), MemoryError> {
    for segment in segments {
        machine.write_memory(segment.address, segment.data)?;
        // Start-up code writes to a segment that it copies, whatever the program may do later.
        if has_copy(segment, segments) {
            machine.write_memory(segment.load_address, segment.data)?;
        } else if !segment.is_writable {
            machine.protect(segment.address, segment.memory_size)?;
        }
    }
    machine.set_executable(code.0, code.1)
}
