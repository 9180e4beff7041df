//! The interpreter: calls, frames and limits.

use crate::data::DataLayout;
use crate::error::{Error, Stop};
use crate::frame::Frame;
use crate::functions::{Callee, Functions};
use crate::host::HostFunctions;
use crate::memory::{MEMORY_BASE, Memory};
use crate::step::{Flow, Step};
use alloc::vec::Vec;
use core::ops::Range;
use lpc_lpir::ir::{DataValue, ExternalName, FuncId, Module, Signature, TrapCode};

/// How much a program may use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The bytes of the stack. A call that does not find room in it traps with `stk_ovf`.
    pub stack_size: u32,
    /// The bytes of the heap.
    pub heap_size: u32,
    /// How many functions may have been called and not have returned. A further call traps with `stk_ovf`.
    pub call_depth: u32,
    /// The most instructions that one call from outside may execute.
    pub instructions: u64,
}

impl Default for Limits {
    /// 4 MiB of stack and 4 MiB of heap, 200,000 calls deep, and a billion instructions.
    fn default() -> Self {
        Self {
            stack_size: 4 << 20,
            heap_size: 4 << 20,
            call_depth: 200_000,
            instructions: 1_000_000_000,
        }
    }
}

/// Executes the functions of a module. See the [crate documentation](crate).
///
/// ```
/// use lpc_interp::{Interpreter, Limits, NoHost};
/// use lpc_lpir::ir::{DataValue, ExternalName, Type};
/// use lpc_lpir::text::parse_module;
///
/// let text = "function %half(i32) -> i32 {
/// block0(v0: i32):
///     v1 = iconst.i32 1
///     v2 = sshr v0, v1
///     return v2
/// }";
/// let module = parse_module(text)?;
/// let mut interpreter = Interpreter::new(&module, Limits::default());
/// let seven = DataValue::from_signed(Type::I32, 7);
/// let results = interpreter.call(&ExternalName::symbol("half"), &[seven], &mut NoHost)?;
/// assert_eq!(results[0].signed(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Interpreter<'m> {
    module: &'m Module,
    memory: Memory,
    functions: Functions,
    data: DataLayout,
    limits: Limits,
    /// The instructions executed so far, in all calls.
    executed: u64,
}

impl<'m> Interpreter<'m> {
    /// An interpreter of `module`, which must have passed the verifier. Its data is as it is before a program starts.
    pub fn new(module: &'m Module, limits: Limits) -> Self {
        let mut functions = Functions::default();
        let data = DataLayout::of(module);
        let segments = data.segments(module, &mut functions);
        let size = limits.stack_size.saturating_add(limits.heap_size);
        Self {
            module,
            memory: Memory::new(size, segments),
            functions,
            data,
            limits,
            executed: 0,
        }
    }

    /// Calls the function `name` and returns its results.
    ///
    /// Memory stays as it was left, from call to call, and so does the data.
    ///
    /// # Errors
    /// When the function cannot be called so, and when it does not return.
    pub fn call(
        &mut self,
        name: &ExternalName,
        arguments: &[DataValue],
        host: &mut dyn HostFunctions,
    ) -> Result<Vec<DataValue>, Error> {
        match self.module.find(name) {
            Some(id) => self.call_function(id, arguments, host),
            None => Err(Error::UnknownName(name.clone())),
        }
    }

    /// Calls the function `id` and returns its results. As [`Self::call`].
    ///
    /// # Errors
    /// When the arguments are not of the right types, and when the function does not return.
    pub fn call_function(
        &mut self,
        id: FuncId,
        arguments: &[DataValue],
        host: &mut dyn HostFunctions,
    ) -> Result<Vec<DataValue>, Error> {
        let signature = &self.module.function(id).signature;
        let types = signature.params.iter().map(|param| param.value_type);
        if !types.clone().eq(arguments.iter().map(|data| data.ty())) {
            return Err(Error::BadArguments(types.collect()));
        }
        let mut run = Run {
            interpreter: self,
            host,
            frames: Vec::new(),
        };
        run.run_to_end(id, arguments)
    }

    /// The memory of the program.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The memory of the program, mutably.
    pub fn memory_mut(&mut self) -> &mut Memory {
        &mut self.memory
    }

    /// The address of the data object `name` of the module.
    pub fn data_address(&self, name: &ExternalName) -> Option<u32> {
        Some(self.data.address(self.module.find_data(name)?))
    }

    /// The addresses of the heap.
    pub fn heap(&self) -> Range<u32> {
        let start = self.stack_top();
        start..start.saturating_add(self.limits.heap_size)
    }

    /// The instructions executed so far, in all calls.
    pub fn executed_instructions(&self) -> u64 {
        self.executed
    }

    /// Where the stack starts to grow downward.
    fn stack_top(&self) -> u32 {
        MEMORY_BASE.saturating_add(self.limits.stack_size) & !15
    }
}

/// The execution of a call from outside.
struct Run<'r, 'm> {
    interpreter: &'r mut Interpreter<'m>,
    host: &'r mut dyn HostFunctions,
    /// The functions that have been called and have not returned. All but the last are at the instruction that called.
    frames: Vec<Frame<'m>>,
}

impl<'m> Run<'_, 'm> {
    /// Calls `id` and executes instructions until it returns.
    fn run_to_end(&mut self, id: FuncId, arguments: &[DataValue]) -> Result<Vec<DataValue>, Error> {
        let limit = self.interpreter.limits.instructions;
        let limit = self.interpreter.executed.saturating_add(limit);
        self.enter(id, arguments).map_err(|stop| {
            // Nothing was executed yet; the trap is that of the function's first instruction.
            let function = self.interpreter.module.function(id);
            let entry = function.layout.entry_block();
            let first = entry.and_then(|entry| function.layout.first_inst(entry));
            let first = first.expect("a verified function has instructions");
            stop.at(&function.name, first)
        })?;
        loop {
            if self.interpreter.executed == limit {
                return Err(Error::OutOfFuel);
            }
            self.interpreter.executed += 1;
            let frame = self.current();
            let (name, inst) = (&frame.function.name, frame.inst);
            match self.step() {
                Ok(None) => {}
                Ok(Some(results)) => return Ok(results),
                Err(stop) => return Err(stop.at(name, inst)),
            }
        }
    }

    fn current(&mut self) -> &mut Frame<'m> {
        let current = self.frames.last_mut();
        current.expect("a frame stays until its function returns")
    }

    /// Executes one instruction; gives the results when the outermost function returns.
    fn step(&mut self) -> Result<Option<Vec<DataValue>>, Stop> {
        let frame = self.frames.last_mut();
        let mut step = Step {
            module: self.interpreter.module,
            frame: frame.expect("a frame stays until its function returns"),
            memory: &mut self.interpreter.memory,
            functions: &mut self.interpreter.functions,
            data: &self.interpreter.data,
            host: self.host,
        };
        match step.execute()? {
            Flow::Next => self.current().advance(),
            Flow::Branch(branch) => self.current().branch(branch),
            Flow::Call(Callee::Module(id), arguments) => self.enter(id, &arguments)?,
            Flow::Call(Callee::Host(name), arguments) => {
                let results = self.call_host(name, &arguments)?;
                self.resume(&results);
            }
            Flow::TailCall(Callee::Module(id), arguments) => {
                self.frames.pop();
                self.enter(id, &arguments)?;
            }
            Flow::TailCall(Callee::Host(name), arguments) => {
                let results = self.call_host(name, &arguments)?;
                return Ok(self.leave(results));
            }
            Flow::Return(results) => return Ok(self.leave(results)),
        }
        Ok(None)
    }

    /// Makes the frame of a call of `id`.
    fn enter(&mut self, id: FuncId, arguments: &[DataValue]) -> Result<(), Stop> {
        if self.frames.len() >= self.interpreter.limits.call_depth as usize {
            return Err(TrapCode::STACK_OVERFLOW.into());
        }
        let top = match self.frames.last() {
            Some(caller) => caller.stack_pointer,
            None => self.interpreter.stack_top(),
        };
        let function = self.interpreter.module.function(id);
        let memory = &mut self.interpreter.memory;
        self.frames
            .push(Frame::new(function, arguments, top, memory)?);
        Ok(())
    }

    /// Returns from the current function; gives the results when that was called from outside.
    fn leave(&mut self, results: Vec<DataValue>) -> Option<Vec<DataValue>> {
        self.frames.pop();
        if self.frames.is_empty() {
            return Some(results);
        }
        self.resume(&results);
        None
    }

    /// Goes on behind the call that the current function is at, which gave `results`.
    fn resume(&mut self, results: &[DataValue]) {
        let frame = self.current();
        let function = frame.function;
        frame.define_all(function.dfg.inst_results(frame.inst), results);
        frame.advance();
    }

    /// Calls the host function `name` for the call that the current function is at.
    fn call_host(
        &mut self,
        name: ExternalName,
        arguments: &[DataValue],
    ) -> Result<Vec<DataValue>, Stop> {
        let memory = &mut self.interpreter.memory;
        let results = self.host.call(&name, arguments, memory)?;
        let types = self.called_signature().returns.iter();
        let types = types.map(|result| result.value_type);
        if types.eq(results.iter().map(|data| data.ty())) {
            Ok(results)
        } else {
            Err(Stop::BadHostResults(name))
        }
    }

    /// The signature of the call that the current function is at.
    fn called_signature(&mut self) -> &'m Signature {
        let frame = self.current();
        let dfg = &frame.function.dfg;
        let signature = dfg.call_signature(frame.inst);
        &dfg.signatures[signature.expect("a verified call has a signature")]
    }
}
