//! What programs for Linux expect: the stack at the start, and some system calls.
//!
//! # The stack at the start
//!
//! As in the System V ABI, "Process Initialization". The stack pointer is a multiple of 16:
//!
//! ```text
//!   sp ─► argc │ argv[0] … argv[argc-1] │ 0 │ 0 (no environment) │ auxiliary vector │ … │ strings
//! ```
//!
//! The auxiliary vector has `AT_PAGESZ`, `AT_ENTRY` and `AT_RANDOM`, whose bytes are always the same.
//!
//! # System calls
//!
//! The number is in `a7`, arguments in `a0` to `a6`; the result comes back in `a0`, where `-errno` is an error. Numbers and
//! structures are those that Linux has for all newer 32-bit machines (`asm-generic`).
//!
//! | call | what it does |
//! |---|---|
//! | `read`, `write`, `readv`, `writev` | on the standard streams |
//! | `close`, `ioctl`, `llseek`, `fstat64`, `statx` | say that the standard streams are character devices, which cannot be positioned |
//! | `brk` | grows and shrinks the heap |
//! | `clock_gettime`, `clock_gettime64` | an instruction takes a nanosecond |
//! | `exit`, `exit_group` | end the process |
//!
//! All others fail with `ENOSYS`.

use crate::error::LoadError;
use crate::process::Flow;
use crate::streams::{Output, Streams};
use lpc_riscv32::Gpr;
use lpc_riscv32::emulator::{Emulator, OutOfBounds};
use std::ops::Range;

/// The errors that system calls give, by their numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i32)]
enum Errno {
    NoEntry = 2,
    InputOutput = 5,
    BadDescriptor = 9,
    BadAddress = 14,
    InvalidArgument = 22,
    NoTerminal = 25,
    NoSeek = 29,
    NoSystemCall = 38,
}

impl From<OutOfBounds> for Errno {
    fn from(_: OutOfBounds) -> Self {
        Self::BadAddress
    }
}

/// The heap, whose end `brk` moves.
pub(crate) struct Heap {
    start: u32,
    end: u32,
    /// The largest `end` so far: above it memory is zero still.
    highest: u32,
    limit: u32,
}

impl Heap {
    /// An empty heap at `start` that may grow up to `limit`.
    pub(crate) fn new(start: u32, limit: u32) -> Self {
        Self {
            start,
            end: start,
            highest: start,
            limit,
        }
    }

    /// Moves the end if it may be there, and returns it.
    fn set_end(&mut self, end: u32, machine: &mut Emulator) -> Result<u32, Errno> {
        if (self.start..=self.limit).contains(&end) {
            let used_before = self.end..end.min(self.highest);
            for start in used_before.clone().step_by(ZEROS.len()) {
                let length = ZEROS.len().min((used_before.end - start) as usize);
                machine.write_memory(start, &ZEROS[..length])?;
            }
            self.end = end;
            self.highest = self.highest.max(end);
        }
        Ok(self.end)
    }
}

/// What memory is filled with that was used before, piece by piece.
const ZEROS: [u8; 1 << 12] = [0; 1 << 12];

/// The most that one call reads or writes. What is beyond is left for the next call, as the calls allow.
pub(crate) const MAX_TRANSFER: u32 = 1 << 20;

/// The most parts that `readv` and `writev` take.
const MAX_PARTS: u32 = 1024;

/// Serves the system call whose `ecall` was just executed.
pub(crate) fn serve(machine: &mut Emulator, heap: &mut Heap, streams: &mut Streams<'_>) -> Flow {
    let [a0, a1, a2, _, a4, ..] = Gpr::ARGUMENTS.map(|gpr| machine.gpr(gpr));
    let result = match machine.gpr(Gpr::A7) {
        29 => check_descriptor(a0).and(Err(Errno::NoTerminal)),
        57 => check_descriptor(a0),
        62 => check_descriptor(a0).and(Err(Errno::NoSeek)),
        63 => read(machine, streams, a0, a1, a2),
        64 => write(machine, streams, a0, a1, a2),
        65 => for_each_part(machine, a1, a2, |machine, address, length| {
            read(machine, streams, a0, address, length)
        }),
        66 => for_each_part(machine, a1, a2, |machine, address, length| {
            write(machine, streams, a0, address, length)
        }),
        80 => check_descriptor(a0).and_then(|_| write_stat(machine, a1)),
        93 | 94 => return Flow::Exit(a0),
        113 => write_time(machine, a1, TimeSize::Word),
        214 => heap.set_end(a0, machine),
        // Only descriptors can be asked about: there are no files with names.
        291 if a2 & AT_EMPTY_PATH != 0 => {
            check_descriptor(a0).and_then(|_| write_statx(machine, a4))
        }
        291 => Err(Errno::NoEntry),
        403 => write_time(machine, a1, TimeSize::DoubleWord),
        _ => Err(Errno::NoSystemCall),
    };
    let result = result.unwrap_or_else(|errno| (errno as u32).wrapping_neg());
    machine.set_gpr(Gpr::A0, result);
    Flow::Continue
}

const STANDARD_INPUT: u32 = 0;
const STANDARD_OUTPUT: u32 = 1;
const STANDARD_ERROR: u32 = 2;

fn check_descriptor(descriptor: u32) -> Result<u32, Errno> {
    match descriptor {
        STANDARD_INPUT | STANDARD_OUTPUT | STANDARD_ERROR => Ok(0),
        _ => Err(Errno::BadDescriptor),
    }
}

fn read(
    machine: &mut Emulator,
    streams: &mut Streams<'_>,
    descriptor: u32,
    address: u32,
    length: u32,
) -> Result<u32, Errno> {
    if descriptor != STANDARD_INPUT {
        return Err(Errno::BadDescriptor);
    }
    let length = length.min(MAX_TRANSFER) as usize;
    // Nothing is taken from the input that cannot be stored.
    machine.memory().read(address, length)?;
    let mut buffer = vec![0; length];
    let count = streams.read(&mut buffer).map_err(|_| Errno::InputOutput)?;
    machine.write_memory(address, &buffer[..count])?;
    Ok(count as u32)
}

fn write(
    machine: &Emulator,
    streams: &mut Streams<'_>,
    descriptor: u32,
    address: u32,
    length: u32,
) -> Result<u32, Errno> {
    let output = match descriptor {
        STANDARD_OUTPUT => Output::Standard,
        STANDARD_ERROR => Output::Error,
        _ => return Err(Errno::BadDescriptor),
    };
    let length = length.min(MAX_TRANSFER);
    let bytes = machine.memory().read(address, length as usize)?;
    streams
        .write(output, bytes)
        .map_err(|_| Errno::InputOutput)?;
    Ok(length)
}

/// Calls `transfer` for each part of a vector of addresses and lengths until one is not transferred as a whole, and returns
/// how many bytes that were.
fn for_each_part(
    machine: &mut Emulator,
    vector: u32,
    count: u32,
    mut transfer: impl FnMut(&mut Emulator, u32, u32) -> Result<u32, Errno>,
) -> Result<u32, Errno> {
    if count > MAX_PARTS {
        return Err(Errno::InvalidArgument);
    }
    let mut sum: u32 = 0;
    for index in 0..count {
        let part = vector.wrapping_add(index * 8);
        let address = machine.memory().read_u32(part)?;
        let length = machine.memory().read_u32(part.wrapping_add(4))?;
        match transfer(machine, address, length) {
            Ok(count) => {
                sum += count;
                if count < length {
                    break;
                }
            }
            Err(errno) if sum == 0 => return Err(errno),
            Err(_) => break,
        }
    }
    Ok(sum)
}

/// A character device that its owner may read and write.
const MODE: u32 = 0o020_600;

/// Writes the `struct stat64` of a standard stream: all zero but for the mode and the size of a block.
fn write_stat(machine: &mut Emulator, address: u32) -> Result<u32, Errno> {
    let mut stat = [0; 104];
    stat[16..20].copy_from_slice(&MODE.to_le_bytes());
    stat[20..24].copy_from_slice(&1_u32.to_le_bytes());
    stat[56..60].copy_from_slice(&1024_u32.to_le_bytes());
    machine.write_memory(address, &stat)?;
    Ok(0)
}

/// The flag of `statx` that asks about the descriptor itself.
const AT_EMPTY_PATH: u32 = 0x1000;

/// Writes the `struct statx` of a standard stream, of which type and mode are known.
fn write_statx(machine: &mut Emulator, address: u32) -> Result<u32, Errno> {
    const TYPE_AND_MODE: u32 = 3;
    let mut statx = [0; 256];
    statx[0..4].copy_from_slice(&TYPE_AND_MODE.to_le_bytes());
    statx[4..8].copy_from_slice(&1024_u32.to_le_bytes());
    statx[16..20].copy_from_slice(&1_u32.to_le_bytes());
    statx[28..30].copy_from_slice(&(MODE as u16).to_le_bytes());
    machine.write_memory(address, &statx)?;
    Ok(0)
}

/// The size of the numbers in a `struct timespec`.
enum TimeSize {
    Word,
    DoubleWord,
}

/// Writes the seconds and nanoseconds since the start.
fn write_time(machine: &mut Emulator, address: u32, size: TimeSize) -> Result<u32, Errno> {
    const NANOSECONDS: u64 = 1_000_000_000;
    let now = machine.counters().instructions;
    let bytes: Vec<u8> = [now / NANOSECONDS, now % NANOSECONDS]
        .into_iter()
        .flat_map(|number| match size {
            TimeSize::Word => (number as u32).to_le_bytes().to_vec(),
            TimeSize::DoubleWord => number.to_le_bytes().to_vec(),
        })
        .collect();
    machine.write_memory(address, &bytes)?;
    Ok(0)
}

/// The entries of the auxiliary vector.
const AT_NULL: u32 = 0;
const AT_PAGESZ: u32 = 6;
const AT_ENTRY: u32 = 9;
const AT_RANDOM: u32 = 25;

/// What is left of the stack at least when the program starts.
const MIN_STACK: u32 = 1024;

/// Writes what a program finds on its stack, which is the memory `stack`, and returns the stack pointer.
pub(crate) fn initial_stack(
    machine: &mut Emulator,
    stack: Range<u32>,
    arguments: &[String],
    entry: u32,
) -> Result<u32, LoadError> {
    let mut strings = [0x5a; 16].to_vec();
    let mut offsets = Vec::new();
    for argument in arguments {
        offsets.push(strings.len());
        strings.extend(argument.bytes());
        strings.push(0);
    }
    let words = 1 + arguments.len() + 2 + 8;
    let size = (strings.len() + 4 * words).next_multiple_of(16);
    let available = (stack.end - stack.start).saturating_sub(MIN_STACK) as usize;
    if size > available {
        return Err(LoadError::ArgumentsTooLong);
    }
    let sp = (stack.end - size as u32) & !15;
    let strings_start = stack.end - strings.len() as u32;

    let mut vector = vec![arguments.len() as u32];
    vector.extend(offsets.iter().map(|offset| strings_start + *offset as u32));
    vector.extend([0, 0]);
    vector.extend([AT_PAGESZ, 4096, AT_ENTRY, entry, AT_RANDOM, strings_start]);
    vector.extend([AT_NULL, 0]);
    let vector: Vec<u8> = vector.into_iter().flat_map(u32::to_le_bytes).collect();
    machine
        .write_memory(sp, &vector)
        .and_then(|()| machine.write_memory(strings_start, &strings))
        .map_err(|_| LoadError::ArgumentsTooLong)?;
    Ok(sp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lpc_riscv32::ExtensionSet;
    use lpc_riscv32::emulator::{MachineConfig, Memory};

    const BASE: u32 = 0x1000;
    const BUFFER: u32 = 0x1800;
    const HEAP: u32 = 0x2000;
    const END: u32 = 0x4000;

    /// A process that only makes system calls.
    struct Caller {
        machine: Emulator,
        heap: Heap,
        input: &'static [u8],
        output: Vec<u8>,
        errors: Vec<u8>,
    }

    impl Caller {
        fn new(input: &'static [u8]) -> Self {
            let memory = Memory::new(BASE, END - BASE).unwrap();
            Self {
                machine: Emulator::new(MachineConfig::new(ExtensionSet::RV32I), memory),
                heap: Heap::new(HEAP, HEAP + 0x1000),
                input,
                output: Vec::new(),
                errors: Vec::new(),
            }
        }

        fn call(&mut self, number: u32, arguments: &[u32]) -> i32 {
            for (gpr, argument) in Gpr::ARGUMENTS.iter().zip(arguments) {
                self.machine.set_gpr(*gpr, *argument);
            }
            self.machine.set_gpr(Gpr::A7, number);
            let mut streams = Streams::new(&mut self.input, &mut self.output, &mut self.errors);
            match serve(&mut self.machine, &mut self.heap, &mut streams) {
                Flow::Continue => self.machine.gpr(Gpr::A0) as i32,
                Flow::Exit(_) => panic!("the process exited"),
            }
        }

        fn store(&mut self, address: u32, bytes: &[u8]) {
            self.machine.write_memory(address, bytes).unwrap();
        }

        fn load(&self, address: u32, length: usize) -> &[u8] {
            self.machine.memory().read(address, length).unwrap()
        }
    }

    #[test]
    fn reading_and_writing() {
        let mut caller = Caller::new(b"input");
        caller.store(BUFFER, b"text");
        assert_eq!(caller.call(64, &[1, BUFFER, 4]), 4);
        assert_eq!(caller.call(64, &[2, BUFFER + 1, 2]), 2);
        assert_eq!(caller.output, b"text");
        assert_eq!(caller.errors, b"ex");
        assert_eq!(caller.call(63, &[0, BUFFER, 3]), 3);
        assert_eq!(caller.call(63, &[0, BUFFER + 3, 9]), 2);
        assert_eq!(caller.call(63, &[0, BUFFER, 9]), 0, "the end of the input");
        assert_eq!(caller.load(BUFFER, 5), b"input");
    }

    #[test]
    fn vectors() {
        let mut caller = Caller::new(b"abcdefg");
        let vector = [BUFFER, 2, BUFFER + 8, 0, BUFFER + 16, 3].map(u32::to_le_bytes);
        caller.store(BASE, vector.as_flattened());
        assert_eq!(caller.call(65, &[0, BASE, 3]), 5);
        assert_eq!(caller.load(BUFFER, 2), b"ab");
        assert_eq!(caller.load(BUFFER + 16, 3), b"cde");
        assert_eq!(caller.call(66, &[1, BASE, 3]), 5);
        assert_eq!(caller.output, b"abcde");
        assert_eq!(
            caller.call(65, &[0, BASE, 3]),
            2,
            "what is left of the input"
        );
        assert_eq!(caller.call(66, &[1, BASE, 1025]), -22);
        assert_eq!(caller.call(66, &[1, END - 4, 1]), -14);
    }

    #[test]
    fn errors() {
        let mut caller = Caller::new(b"input");
        assert_eq!(caller.call(64, &[3, BUFFER, 1]), -9);
        assert_eq!(caller.call(64, &[0, BUFFER, 1]), -9);
        assert_eq!(caller.call(63, &[1, BUFFER, 1]), -9);
        assert_eq!(caller.call(64, &[1, END - 1, 2]), -14);
        assert_eq!(caller.call(63, &[0, BASE - 1, 2]), -14);
        assert_eq!(caller.call(63, &[0, BUFFER, 5]), 5, "nothing was taken");
        assert_eq!(caller.call(29, &[1]), -25);
        assert_eq!(caller.call(29, &[7]), -9);
        assert_eq!(caller.call(57, &[1]), 0);
        assert_eq!(caller.call(62, &[1]), -29);
        assert_eq!(caller.call(222, &[0]), -38);
        assert_eq!(caller.call(291, &[0, 0, 0, 0, BUFFER]), -2);
    }

    #[test]
    fn the_heap_grows_with_zeros() {
        let mut caller = Caller::new(b"");
        let heap = HEAP as i32;
        assert_eq!(caller.call(214, &[0]), heap);
        assert_eq!(caller.call(214, &[HEAP + 0x800]), heap + 0x800);
        caller.store(HEAP, &[1; 0x800]);
        assert_eq!(caller.call(214, &[HEAP + 4]), heap + 4);
        assert_eq!(caller.call(214, &[HEAP + 0x1000]), heap + 0x1000);
        assert_eq!(caller.load(HEAP, 8), [1, 1, 1, 1, 0, 0, 0, 0]);
        assert_eq!(caller.load(HEAP + 0x7fc, 8), [0; 8]);
        assert_eq!(caller.call(214, &[HEAP + 0x1001]), heap + 0x1000);
        assert_eq!(caller.call(214, &[HEAP - 1]), heap + 0x1000);
    }

    #[test]
    fn streams_are_character_devices() {
        let mut caller = Caller::new(b"");
        assert_eq!(caller.call(80, &[1, BUFFER]), 0);
        assert_eq!(caller.load(BUFFER + 16, 4), 0o20600_u32.to_le_bytes());
        assert_eq!(caller.call(291, &[1, 0, 0x1000, 0, BUFFER]), 0);
        assert_eq!(caller.load(BUFFER + 28, 2), 0o20600_u16.to_le_bytes());
        assert_eq!(caller.call(291, &[5, 0, 0x1000, 0, BUFFER]), -9);
        assert_eq!(caller.call(403, &[0, BUFFER]), 0);
        assert_eq!(caller.load(BUFFER, 16), [0; 16]);
    }

    #[test]
    fn the_stack_at_the_start() {
        let mut caller = Caller::new(b"");
        let arguments = ["name".to_owned(), String::new()];
        let machine = &mut caller.machine;
        let sp = initial_stack(machine, HEAP..END, &arguments, 0x1234).unwrap();
        assert_eq!(sp % 16, 0);
        let word = |index: u32| machine.memory().read_u32(sp + 4 * index).unwrap();
        assert_eq!((word(0), word(3), word(4)), (2, 0, 0));
        let string = |address, length| machine.memory().read(address, length).unwrap();
        assert_eq!(string(word(1), 5), b"name\0");
        assert_eq!(string(word(2), 1), b"\0");
        let auxiliary: Vec<_> = (5..13).map(word).collect();
        let random = END - 22;
        assert_eq!(auxiliary, [6, 4096, 9, 0x1234, 25, random, 0, 0]);
        assert_eq!(string(random, 16), [0x5a; 16]);

        let long = ["x".repeat(0x1c00)];
        let error = initial_stack(machine, HEAP..END, &long, 0).unwrap_err();
        assert_eq!(error, LoadError::ArgumentsTooLong);
    }
}
