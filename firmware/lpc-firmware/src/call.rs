//! Calling the functions of a program.

use crate::failure::Failure;
use crate::line::{MAX_DATA, Receiver, Sender};
use crate::program::{Function, Program};
use crate::sandbox::{DoesNotFit, Sandbox};
use alloc::vec::Vec;
use board::timer;
use board::user::{Context, Exception, Trap};
use lpc_codegen::backend::abi::{AbiSlot, AbiValue, words_of};
use lpc_codegen::backend::transfer::Garbage;
use lpc_codegen::isa::riscv32::regs::{CALLER_SAVED, gpr};
use lpc_device::frame::decode;
use lpc_device::{Cause, Execution, FailureKind, HostFunction, Reply, Request};
use lpc_lpir::ir::{DataValue, TrapCode};
use lpc_riscv32::Gpr;

/// How often a program that runs is looked at, in ticks of the timer: every millisecond.
const TICKS: u64 = timer::TICKS_PER_SECOND / 1000;

/// The most calls that one request asks for: as many as have results of a word.
const MAX_CALLS: u32 = MAX_DATA as u32 / 4;

/// Calls of a function that were asked for.
pub(crate) struct Job {
    /// The position of the function in the program.
    function: usize,
    instruction_limit: u64,
    calls: u32,
    /// The words of all arguments.
    arguments: Vec<u32>,
}

impl Job {
    /// Calls of the function with this number.
    ///
    /// # Errors
    /// When there is no such function, or when it takes other arguments.
    pub(crate) fn new(
        program: &Program,
        number: u32,
        instruction_limit: u64,
        calls: u32,
        arguments: &[u8],
    ) -> Result<Self, Failure> {
        let number = number as usize;
        let function = program.functions.get(number);
        let function = function.ok_or_else(|| Failure::request("there is no such function"))?;
        let (words, rest) = arguments.as_chunks::<4>();
        let expected = u64::from(calls) * words_of_all(function.abi.args()) as u64;
        if words.len() as u64 != expected || !rest.is_empty() {
            return Err(Failure::request("the function takes other arguments"));
        }
        let results = u64::from(calls) * 4 * words_of_all(function.abi.rets()) as u64;
        if results > MAX_DATA as u64 {
            return Err(Failure::request("the results are too many at once"));
        }
        // Neither arguments nor results need limit their number.
        if calls > MAX_CALLS {
            return Err(Failure::request("the calls are too many at once"));
        }
        Ok(Self {
            function: number,
            instruction_limit,
            calls,
            arguments: words.iter().copied().map(u32::from_le_bytes).collect(),
        })
    }

    /// Runs the calls, and answers.
    pub(crate) fn run(
        &self,
        program: &Program,
        sandbox: &mut Sandbox,
        receiver: &mut Receiver,
        sender: &mut Sender,
    ) {
        let function = &program.functions[self.function];
        let mut run = Run {
            program,
            function,
            instruction_limit: self.instruction_limit,
            sandbox,
            receiver,
            console: Console::new(sender),
            context: Context::default(),
            garbage: Garbage::new(),
        };
        run.sandbox.paint_stack();
        let start = timer::microseconds();
        let mut results = Vec::new();
        let mut returned = 0;
        let mut stopped = Ok(());
        while returned < self.calls && stopped.is_ok() {
            let size = words_of_all(function.abi.args());
            let arguments = &self.arguments[returned as usize * size..][..size];
            stopped = run.call(arguments, &mut results);
            returned += u32::from(stopped.is_ok());
        }
        timer::stop();
        let execution = Execution {
            instructions: run.context.instructions,
            microseconds: timer::microseconds() - start,
            stack: run.sandbox.used_stack(),
        };
        let pc = run.context.pc;
        let sender = run.console.finish();
        match stopped {
            Ok(()) => sender.send(&Reply::Returned {
                results: &results,
                execution,
            }),
            Err(Stop::Cause(cause)) => sender.send(&Reply::Stopped {
                returned,
                cause,
                place: program.place(pc),
                execution,
            }),
            Err(Stop::Input) => sender.send_failure(&Failure::new(
                FailureKind::Request,
                "something else came than the input that the program waited for",
            )),
        }
    }
}

/// The words that values of these types take.
fn words_of_all(values: &[AbiValue]) -> usize {
    values.iter().map(|value| words_of(value.ty) as usize).sum()
}

/// Why a call did not return.
enum Stop {
    Cause(Cause),
    /// The host does not send the input that the program waits for.
    Input,
}

impl From<TrapCode> for Stop {
    fn from(code: TrapCode) -> Self {
        Self::Cause(Cause::Trap(code.as_raw().get()))
    }
}

/// Arguments or results are outside of the memory of programs.
impl From<DoesNotFit> for Stop {
    fn from(_: DoesNotFit) -> Self {
        TrapCode::STACK_OVERFLOW.into()
    }
}

/// A program that runs.
struct Run<'a> {
    program: &'a Program,
    function: &'a Function,
    instruction_limit: u64,
    sandbox: &'a mut Sandbox,
    receiver: &'a mut Receiver,
    console: Console<'a>,
    context: Context,
    garbage: Garbage,
}

impl Run<'_> {
    /// Calls the function with the words `arguments`, and adds the words of its results to `results`.
    fn call(&mut self, arguments: &[u32], results: &mut Vec<u8>) -> Result<(), Stop> {
        let return_area = self.enter(arguments)?;
        self.run()?;
        self.leave(return_area, results)
    }

    /// Sets registers and stack, and returns the address of the return area. What the convention leaves undefined is garbage.
    fn enter(&mut self, arguments: &[u32]) -> Result<u32, Stop> {
        let Function { abi, address, .. } = self.function;
        for register in &mut self.context.registers {
            *register = self.garbage.word();
        }
        let return_area = self.sandbox.stack().end.wrapping_sub(abi.return_area_size) & !15;
        let stack_pointer = return_area.wrapping_sub(abi.stack_args_size);
        self.context.pc = *address;
        self.set(Gpr::SP, stack_pointer);
        self.set(Gpr::RA, self.sandbox.return_address());
        if let Some(pointer) = abi.return_area_pointer {
            self.set(gpr(pointer.to_reg()), return_area);
        }
        let Self {
            context,
            sandbox,
            garbage,
            ..
        } = self;
        let mut words = arguments.iter().copied();
        for value in abi.args() {
            let words = words.by_ref().take(words_of(value.ty) as usize);
            abi.store_words(value, words, garbage, |slot, word| match slot {
                AbiSlot::Reg(register) => {
                    context.registers[gpr(register.to_reg()).index()] = word;
                    Ok(())
                }
                AbiSlot::Memory(offset) => {
                    sandbox.write(stack_pointer.wrapping_add(offset), &word.to_le_bytes())
                }
            })?;
        }
        Ok(return_area)
    }

    fn leave(&mut self, return_area: u32, results: &mut Vec<u8>) -> Result<(), Stop> {
        let abi = &self.function.abi;
        for value in abi.rets() {
            let bits = abi.load_bits(value, |slot| match slot {
                AbiSlot::Reg(register) => Ok(self.get(gpr(register.to_reg()))),
                AbiSlot::Memory(offset) => {
                    let word = self.sandbox.word(return_area.wrapping_add(offset));
                    word.ok_or(DoesNotFit)
                }
            })?;
            let words = DataValue::new(value.ty, bits).words();
            results.extend(words.flat_map(u32::to_le_bytes));
        }
        Ok(())
    }

    /// Runs to the end of the call, and serves the calls to the host on the way.
    fn run(&mut self) -> Result<(), Stop> {
        let executed = self.context.instructions;
        let limit = executed.saturating_add(self.instruction_limit);
        timer::interrupt_after(TICKS);
        loop {
            // SAFETY: the sandbox is borrowed, so that nobody in the firmware looks at its memory.
            match unsafe { self.context.run() } {
                Trap::Call if self.context.pc == self.sandbox.return_address() => {
                    // The call of the firmware is not the program's.
                    self.context.instructions -= 1;
                    return Ok(());
                }
                Trap::Call => self.call_host()?,
                // Only here, so that a program cannot put it off by calling the host.
                Trap::Timer => timer::interrupt_after(TICKS),
                Trap::Exception { cause, value } => return Err(self.exception(cause, value)),
            }
            if self.context.instructions >= limit {
                return Err(Stop::Cause(Cause::Limit));
            }
        }
    }

    /// What an exception means to LPIR.
    fn exception(&self, cause: Exception, value: u32) -> Stop {
        let is_access = matches!(
            cause,
            Exception::LOAD_ACCESS_FAULT | Exception::STORE_ACCESS_FAULT
        );
        let below_stack = self.get(Gpr::SP)..self.sandbox.stack().start;
        if is_access && below_stack.contains(&value) {
            return TrapCode::STACK_OVERFLOW.into();
        }
        match self.program.image.trap_at(self.context.pc) {
            Some(code) => code.into(),
            None => Stop::Cause(Cause::Exception {
                cause: cause.0,
                value,
            }),
        }
    }

    /// Serves the call to the host whose `ecall` the program is at, and lets it go on behind that.
    fn call_host(&mut self) -> Result<(), Stop> {
        let offset = self.context.pc.wrapping_sub(self.sandbox.program().start);
        let Some(function) = HostFunction::at(offset) else {
            // An `ecall` of the program's own.
            return Err(self.exception(Exception::USER_CALL, 0));
        };
        let arguments = [Gpr::A0, Gpr::A1].map(|register| self.get(register));
        for register in CALLER_SAVED {
            let word = self.garbage.word();
            self.set(gpr(register.into()), word);
        }
        match function {
            HostFunction::PutChar => self.console.write(&[arguments[0] as u8]),
            HostFunction::GetChar => {
                let byte = self.console.read(self.receiver)?;
                self.set(Gpr::A0, byte.map_or(u32::MAX, u32::from));
            }
            HostFunction::Write => {
                let [address, length] = arguments;
                match self.sandbox.bytes(address, length) {
                    Some(bytes) => self.console.write(bytes),
                    None => {
                        // Where the program called; calls may be two bytes long.
                        self.context.pc = self.get(Gpr::RA).wrapping_sub(2);
                        return Err(TrapCode::HEAP_OUT_OF_BOUNDS.into());
                    }
                }
            }
        }
        self.context.pc += 4;
        Ok(())
    }

    fn get(&self, register: Gpr) -> u32 {
        self.context.registers[register.index()]
    }

    fn set(&mut self, register: Gpr, value: u32) {
        self.context.registers[register.index()] = value;
    }
}

/// Standard input and output for programs, at the host.
struct Console<'a> {
    sender: &'a mut Sender,
    /// What is to be sent.
    output: [u8; 256],
    length: usize,
    /// What was received and not read.
    input: Vec<u8>,
}

impl<'a> Console<'a> {
    fn new(sender: &'a mut Sender) -> Self {
        Self {
            sender,
            output: [0; 256],
            length: 0,
            input: Vec::new(),
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.length == self.output.len() {
                self.flush();
            }
            self.output[self.length] = *byte;
            self.length += 1;
        }
    }

    fn flush(&mut self) {
        if self.length > 0 {
            self.sender
                .send(&Reply::Output(&self.output[..self.length]));
            self.length = 0;
        }
    }

    /// The next byte of the input, for which the host is asked; `None` at its end.
    fn read(&mut self, receiver: &mut Receiver) -> Result<Option<u8>, Stop> {
        if self.input.is_empty() {
            self.flush();
            self.sender.send(&Reply::NeedsInput);
            match receiver.receive().and_then(decode::<Request<'_>>) {
                Ok(Request::Input(bytes)) => self.input.extend(bytes.iter().rev()),
                _ => return Err(Stop::Input),
            }
        }
        Ok(self.input.pop())
    }

    fn finish(mut self) -> &'a mut Sender {
        self.flush();
        self.sender
    }
}
