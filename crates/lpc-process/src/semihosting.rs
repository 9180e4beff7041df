//! The operations of RISC-V semihosting, which programs without an operating system use to talk to a debugger.
//!
//! A call is the sequence `slli zero,zero,0x1f; ebreak; srai zero,zero,0x7`, whose `ebreak` no other code contains (RISC-V
//! Semihosting, "Call Sequence"). The operation is in `a0`, its argument or the address of its arguments in `a1`, and the
//! result comes back in `a0`. The operations themselves are those of "Semihosting for AArch32 and AArch64".
//!
//! | operation | what it does |
//! |---|---|
//! | `SYS_WRITEC`, `SYS_WRITE0` | write a character, or a string up to its zero, to the standard output |
//! | `SYS_READC` | reads a character |
//! | `SYS_OPEN` | opens `:tt`, the standard streams, and `:semihosting-features` |
//! | `SYS_READ`, `SYS_WRITE`, `SYS_CLOSE`, `SYS_ISTTY`, `SYS_FLEN` | on what was opened |
//! | `SYS_ISERROR`, `SYS_CLOCK`, `SYS_ELAPSED`, `SYS_TICKFREQ` | an instruction takes a nanosecond |
//! | `SYS_EXIT`, `SYS_EXIT_EXTENDED` | end the process |
//!
//! All others give -1.

use crate::linux::MAX_TRANSFER;
use crate::process::Flow;
use crate::streams::{Output, Streams};
use lpc_riscv32::emulator::{Emulator, OutOfBounds};
use lpc_riscv32::{Gpr, Inst, Opcode, ShiftAmount};

/// The numbers of the operations.
mod operation {
    pub(super) const OPEN: u32 = 0x01;
    pub(super) const CLOSE: u32 = 0x02;
    pub(super) const WRITEC: u32 = 0x03;
    pub(super) const WRITE0: u32 = 0x04;
    pub(super) const WRITE: u32 = 0x05;
    pub(super) const READ: u32 = 0x06;
    pub(super) const READC: u32 = 0x07;
    pub(super) const ISERROR: u32 = 0x08;
    pub(super) const ISTTY: u32 = 0x09;
    pub(super) const FLEN: u32 = 0x0c;
    pub(super) const CLOCK: u32 = 0x10;
    pub(super) const EXIT: u32 = 0x18;
    pub(super) const EXIT_EXTENDED: u32 = 0x20;
    pub(super) const ELAPSED: u32 = 0x30;
    pub(super) const TICKFREQ: u32 = 0x31;
}

/// The reason of an exit that is none for alarm.
const APPLICATION_EXIT: u32 = 0x2_0026;

/// The result of what fails.
const FAILURE: u32 = u32::MAX;

/// The content of `:semihosting-features`: a magic number, and the bits for `SYS_EXIT_EXTENDED` and for a standard error
/// apart from the standard output.
const FEATURES: [u8; 5] = [b'S', b'H', b'F', b'B', 0b11];

/// How many instructions are a hundredth of a second.
const CENTISECOND: u64 = 10_000_000;

/// Whether the `ebreak` at the pc is a call.
pub(crate) fn is_call(machine: &Emulator) -> bool {
    let mark = |opcode, amount| {
        let amount = ShiftAmount::new(amount).expect("the amount is small");
        Inst::shift(opcode, Gpr::ZERO, Gpr::ZERO, amount)
    };
    let is_at = |address, inst: Inst| {
        let word = machine.memory().read_u32(address);
        word.is_ok_and(|word| Inst::decode(word) == Ok(inst))
    };
    let pc = machine.pc();
    is_at(pc.wrapping_sub(4), mark(Opcode::Slli, 0x1f))
        && is_at(pc, Inst::no_operands(Opcode::Ebreak))
        && is_at(pc.wrapping_add(4), mark(Opcode::Srai, 7))
}

/// What a process has opened.
#[derive(Default)]
pub(crate) struct Semihosting {
    /// How many bytes of [`FEATURES`] were read.
    features_position: usize,
}

/// Something that can be opened. A handle is its number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum File {
    Input = 1,
    Output = 2,
    Error = 3,
    Features = 4,
}

impl File {
    fn from_handle(handle: u32) -> Option<Self> {
        let all = [Self::Input, Self::Output, Self::Error, Self::Features];
        all.into_iter().find(|file| *file as u32 == handle)
    }
}

/// An operation cannot be done.
struct Failed;

impl From<OutOfBounds> for Failed {
    fn from(_: OutOfBounds) -> Self {
        Self
    }
}

impl Semihosting {
    /// Serves the call at whose `ebreak` the machine is.
    pub(crate) fn serve(&mut self, machine: &mut Emulator, streams: &mut Streams<'_>) -> Flow {
        let argument = machine.gpr(Gpr::A1);
        let result = match machine.gpr(Gpr::A0) {
            operation::EXIT => return Flow::Exit(exit_status(argument, 0)),
            operation::EXIT_EXTENDED => match arguments(machine, argument) {
                Ok([reason, status]) => return Flow::Exit(exit_status(reason, status)),
                Err(_) => Err(Failed),
            },
            operation => self.operate(operation, argument, machine, streams),
        };
        machine.set_gpr(Gpr::A0, result.unwrap_or(FAILURE));
        machine.set_pc(machine.pc().wrapping_add(4));
        Flow::Continue
    }

    fn operate(
        &mut self,
        operation: u32,
        argument: u32,
        machine: &mut Emulator,
        streams: &mut Streams<'_>,
    ) -> Result<u32, Failed> {
        let instructions = machine.counters().instructions;
        match operation {
            operation::OPEN => self.open(machine, argument),
            operation::CLOSE => file(machine, argument).map(|_| 0),
            operation::WRITEC => {
                let bytes = machine.memory().read(argument, 1)?;
                write(streams, Output::Standard, bytes)
            }
            operation::WRITE0 => {
                let bytes = string_at(machine, argument)?;
                write(streams, Output::Standard, bytes)
            }
            operation::WRITE => {
                let [handle, address, length] = arguments(machine, argument)?;
                let output = match File::from_handle(handle) {
                    Some(File::Output) => Output::Standard,
                    Some(File::Error) => Output::Error,
                    _ => return Ok(length),
                };
                let bytes = machine.memory().read(address, length as usize)?;
                write(streams, output, bytes)
            }
            operation::READ => self.read(machine, streams, argument),
            operation::READC => {
                let mut byte = [0];
                match streams.read(&mut byte) {
                    Ok(1) => Ok(byte[0].into()),
                    _ => Err(Failed),
                }
            }
            operation::ISERROR => {
                let [status] = arguments(machine, argument)?;
                Ok(u32::from((status as i32) < 0))
            }
            operation::ISTTY => Ok(u32::from(file(machine, argument)? != File::Features)),
            operation::FLEN => Ok(match file(machine, argument)? {
                File::Features => FEATURES.len() as u32,
                _ => 0,
            }),
            operation::CLOCK => Ok((instructions / CENTISECOND) as u32),
            operation::ELAPSED => {
                machine.write_memory(argument, &instructions.to_le_bytes())?;
                Ok(0)
            }
            operation::TICKFREQ => Ok(1_000_000_000),
            _ => Err(Failed),
        }
    }

    fn open(&mut self, machine: &Emulator, argument: u32) -> Result<u32, Failed> {
        let [name, mode, length] = arguments(machine, argument)?;
        // The mode is that of `fopen`: four for reading, four for writing, four for appending.
        let file = match (machine.memory().read(name, length as usize)?, mode) {
            (b":tt", 0..=3) => File::Input,
            (b":tt", 4..=7) => File::Output,
            (b":tt", 8..=11) => File::Error,
            (b":semihosting-features", 0 | 1) => File::Features,
            _ => return Err(Failed),
        };
        if file == File::Features {
            self.features_position = 0;
        }
        Ok(file as u32)
    }

    /// Reads, and returns how many bytes were not.
    fn read(
        &mut self,
        machine: &mut Emulator,
        streams: &mut Streams<'_>,
        argument: u32,
    ) -> Result<u32, Failed> {
        let [handle, address, length] = arguments(machine, argument)?;
        machine.memory().read(address, length as usize)?;
        let bytes = match File::from_handle(handle) {
            Some(File::Features) => {
                let rest = &FEATURES[self.features_position..];
                let bytes = &rest[..rest.len().min(length as usize)];
                self.features_position += bytes.len();
                bytes.to_vec()
            }
            Some(File::Input) => {
                let mut buffer = vec![0; length.min(MAX_TRANSFER) as usize];
                let count = streams.read(&mut buffer).map_err(|_| Failed)?;
                buffer.truncate(count);
                buffer
            }
            _ => return Err(Failed),
        };
        machine.write_memory(address, &bytes)?;
        Ok(length - bytes.len() as u32)
    }
}

/// The status of the process that exits for `reason`.
fn exit_status(reason: u32, status: u32) -> u32 {
    if reason == APPLICATION_EXIT {
        status
    } else {
        1
    }
}

/// The words at `address`.
fn arguments<const N: usize>(machine: &Emulator, address: u32) -> Result<[u32; N], Failed> {
    let bytes = machine.memory().read(address, 4 * N)?;
    let (words, _) = bytes.as_chunks();
    let mut result = [0; N];
    for (result, word) in result.iter_mut().zip(words) {
        *result = u32::from_le_bytes(*word);
    }
    Ok(result)
}

/// The file whose handle is the first argument.
fn file(machine: &Emulator, argument: u32) -> Result<File, Failed> {
    let [handle] = arguments(machine, argument)?;
    File::from_handle(handle).ok_or(Failed)
}

/// The bytes from `address` up to a zero.
fn string_at(machine: &Emulator, address: u32) -> Result<&[u8], Failed> {
    let memory = machine.memory();
    let available = memory.end().wrapping_sub(address) as usize;
    let bytes = memory.read(address, available)?;
    let length = bytes.iter().position(|byte| *byte == 0).ok_or(Failed)?;
    Ok(&bytes[..length])
}

/// Writes all of `bytes`, so that no byte is left.
fn write(streams: &mut Streams<'_>, output: Output, bytes: &[u8]) -> Result<u32, Failed> {
    streams.write(output, bytes).map_err(|_| Failed)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lpc_riscv32::ExtensionSet;
    use lpc_riscv32::emulator::{MachineConfig, Memory};

    const BASE: u32 = 0x1000;
    const ARGUMENTS: u32 = 0x1100;
    const BUFFER: u32 = 0x1200;
    const END: u32 = 0x1400;
    const CALL: [u32; 3] = [0x01f0_1013, 0x0010_0073, 0x4070_5013];

    struct Caller {
        machine: Emulator,
        semihosting: Semihosting,
        input: &'static [u8],
        output: Vec<u8>,
        errors: Vec<u8>,
    }

    impl Caller {
        fn new(input: &'static [u8]) -> Self {
            let memory = Memory::new(BASE, END - BASE).unwrap();
            let mut machine = Emulator::new(MachineConfig::new(ExtensionSet::RV32I), memory);
            let code = CALL.map(u32::to_le_bytes);
            machine.write_memory(BASE, code.as_flattened()).unwrap();
            Self {
                machine,
                semihosting: Semihosting::default(),
                input,
                output: Vec::new(),
                errors: Vec::new(),
            }
        }

        /// Calls with the argument `a1`.
        fn call(&mut self, operation: u32, a1: u32) -> Result<i32, u32> {
            self.machine.set_gpr(Gpr::A0, operation);
            self.machine.set_gpr(Gpr::A1, a1);
            self.machine.set_pc(BASE + 4);
            assert!(is_call(&self.machine));
            let mut streams = Streams::new(&mut self.input, &mut self.output, &mut self.errors);
            match self.semihosting.serve(&mut self.machine, &mut streams) {
                Flow::Exit(status) => Err(status),
                Flow::Continue => {
                    assert_eq!(self.machine.pc(), BASE + 8);
                    Ok(self.machine.gpr(Gpr::A0) as i32)
                }
            }
        }

        /// Calls with the arguments `words` in memory.
        fn call_with(&mut self, operation: u32, words: &[u32]) -> Result<i32, u32> {
            for (index, word) in (0..).zip(words) {
                let bytes = word.to_le_bytes();
                self.machine
                    .write_memory(ARGUMENTS + 4 * index, &bytes)
                    .unwrap();
            }
            self.call(operation, ARGUMENTS)
        }

        fn open(&mut self, name: &[u8], mode: u32) -> Result<i32, u32> {
            self.machine.write_memory(BUFFER, name).unwrap();
            self.call_with(operation::OPEN, &[BUFFER, mode, name.len() as u32])
        }

        fn load(&self, address: u32, length: usize) -> &[u8] {
            self.machine.memory().read(address, length).unwrap()
        }
    }

    #[test]
    fn only_the_whole_sequence_is_a_call() {
        for missing in 0..3 {
            let mut caller = Caller::new(b"");
            let address = BASE + 4 * missing;
            let nop = Inst::NOP.encode().unwrap().to_le_bytes();
            caller.machine.write_memory(address, &nop).unwrap();
            caller.machine.set_pc(BASE + 4);
            assert!(!is_call(&caller.machine), "{missing}");
        }
    }

    #[test]
    fn characters_and_strings() {
        let mut caller = Caller::new(b"x");
        caller.machine.write_memory(BUFFER, b"text\0").unwrap();
        assert_eq!(caller.call(operation::WRITEC, BUFFER + 1), Ok(0));
        assert_eq!(caller.call(operation::WRITE0, BUFFER), Ok(0));
        assert_eq!(caller.output, b"etext");
        caller.machine.write_memory(END - 1, b"x").unwrap();
        assert_eq!(caller.call(operation::WRITE0, END - 1), Ok(-1), "no zero");
        assert_eq!(caller.call(operation::WRITEC, END), Ok(-1));
        assert_eq!(caller.call(operation::READC, 0), Ok(i32::from(b'x')));
        assert_eq!(caller.call(operation::READC, 0), Ok(-1));
    }

    #[test]
    fn streams_and_features_are_files() {
        let mut caller = Caller::new(b"in");
        let input = caller.open(b":tt", 0).unwrap() as u32;
        let output = caller.open(b":tt", 4).unwrap() as u32;
        let error = caller.open(b":tt", 8).unwrap() as u32;
        let features = caller.open(b":semihosting-features", 0).unwrap() as u32;
        assert_eq!(caller.open(b":tt", 12), Ok(-1));
        assert_eq!(caller.open(b"file", 0), Ok(-1));

        assert_eq!(
            caller.call_with(operation::READ, &[input, BUFFER, 5]),
            Ok(3)
        );
        assert_eq!(caller.load(BUFFER, 2), b"in");
        assert_eq!(
            caller.call_with(operation::WRITE, &[output, BUFFER, 2]),
            Ok(0)
        );
        assert_eq!(
            caller.call_with(operation::WRITE, &[error, BUFFER + 1, 1]),
            Ok(0)
        );
        assert_eq!(
            caller.call_with(operation::WRITE, &[input, BUFFER, 2]),
            Ok(2)
        );
        assert_eq!((&*caller.output, &*caller.errors), (&b"in"[..], &b"n"[..]));

        assert_eq!(caller.call_with(operation::FLEN, &[features]), Ok(5));
        assert_eq!(
            caller.call_with(operation::READ, &[features, BUFFER, 4]),
            Ok(0)
        );
        assert_eq!(caller.load(BUFFER, 4), b"SHFB");
        assert_eq!(
            caller.call_with(operation::READ, &[features, BUFFER, 4]),
            Ok(3)
        );
        assert_eq!(caller.load(BUFFER, 1), [3]);
        assert_eq!(caller.call_with(operation::ISTTY, &[output]), Ok(1));
        assert_eq!(caller.call_with(operation::ISTTY, &[features]), Ok(0));
        assert_eq!(caller.call_with(operation::ISTTY, &[9]), Ok(-1));
        assert_eq!(caller.call_with(operation::CLOSE, &[features]), Ok(0));
    }

    #[test]
    fn exits() {
        let mut caller = Caller::new(b"");
        assert_eq!(caller.call(operation::EXIT, APPLICATION_EXIT), Err(0));
        assert_eq!(caller.call(operation::EXIT, 0x2_0023), Err(1));
        let extended = operation::EXIT_EXTENDED;
        assert_eq!(caller.call_with(extended, &[APPLICATION_EXIT, 3]), Err(3));
        assert_eq!(caller.call_with(extended, &[0x2_0023, 3]), Err(1));
        assert_eq!(caller.call(extended, END - 4), Ok(-1));
        assert_eq!(caller.call(0x7777, 0), Ok(-1));
    }
}
