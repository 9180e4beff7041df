//! Calling the functions of a program.

use crate::error::{Place, RunError, Violation};
use crate::host::HostFunctions;
use crate::options::{MEMORY_BASE, MachineOptions};
use crate::transfer::{read_value, write_value};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use lpc_codegen::backend::abi::AbiSignature;
use lpc_codegen::backend::frame::STACK_ALIGNMENT;
use lpc_codegen::backend::transfer::Garbage;
use lpc_codegen::isa::riscv32::regs;
use lpc_link::{Image, Sections};
use lpc_lpir::ir::{DataValue, ExternalName, TrapCode};
use lpc_riscv32::emulator::{Counters, Emulator, Stop, TraceEvent, TrapCause};
use lpc_riscv32::host_call::HOST_CALL_SIZE;
use lpc_riscv32::{Gpr, Inst, Opcode};

/// A module, loaded into a machine. See the [crate documentation](crate).
///
/// ```
/// use lpc_codegen::Settings;
/// use lpc_harness::{MachineOptions, NoHost, Program};
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
/// let options = MachineOptions::default();
/// let mut program = Program::new(&module, &Settings::default(), options, &NoHost)?;
/// let seven = DataValue::from_signed(Type::I32, 7);
/// let results = program.call(&ExternalName::symbol("half"), &[seven], &mut NoHost)?;
/// assert_eq!(results[0].signed(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Program {
    pub(crate) emulator: Emulator,
    pub(crate) image: Image,
    pub(crate) entries: BTreeMap<ExternalName, Entry>,
    /// The host functions, in the order of their calls in memory.
    pub(crate) imports: Vec<Import>,
    /// Where the stack ends and the calls to the host start.
    pub(crate) stack_top: u32,
    pub(crate) options: MachineOptions,
    pub(crate) garbage: Garbage,
}

/// A function that can be called from outside.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) address: u32,
    pub(crate) abi: Arc<AbiSignature>,
}

/// A call that was started by [`Program::start_call`].
#[derive(Clone, Debug)]
pub struct StartedCall {
    /// The function.
    address: u32,
    abi: Arc<AbiSignature>,
    before: Preserved,
    return_area: u32,
}

/// A function that the program calls at the host.
#[derive(Clone, Debug)]
pub(crate) struct Import {
    pub(crate) name: ExternalName,
    pub(crate) abi: Arc<AbiSignature>,
}

impl Program {
    /// Calls the function `name` and returns its results.
    ///
    /// Memory stays as it was left, from call to call; registers do not.
    ///
    /// # Errors
    /// When the function cannot be called so, when it does not return, and when it does not return as the calling convention
    /// demands.
    pub fn call(
        &mut self,
        name: &ExternalName,
        arguments: &[DataValue],
        host: &mut dyn HostFunctions,
    ) -> Result<Vec<DataValue>, RunError> {
        let call = self.start_call(name, arguments)?;
        self.run(host)?;
        self.end_call(&call)
    }

    /// Makes the machine what it is when the function `name` starts, as by [`Self::call`]. What executes it, and leaves
    /// registers and memory as they are when it returns, is up to the user.
    ///
    /// # Errors
    /// When the function cannot be called so.
    pub fn start_call(
        &mut self,
        name: &ExternalName,
        arguments: &[DataValue],
    ) -> Result<StartedCall, RunError> {
        let Some(Entry { address, abi }) = self.entries.get(name).cloned() else {
            return Err(RunError::UnknownFunction(name.clone()));
        };
        let types = abi.args().iter().map(|arg| arg.ty);
        if !types.clone().eq(arguments.iter().map(|data| data.ty())) {
            return Err(RunError::BadArguments(types.collect()));
        }
        self.emulator.set_pc(address);
        let return_area = self
            .enter(&abi, arguments)
            .map_err(|violation| self.violation(violation))?;
        Ok(StartedCall {
            address,
            abi,
            before: Preserved::of(&self.emulator),
            return_area,
        })
    }

    /// The results of a call that was [started](Self::start_call) and has returned.
    ///
    /// # Errors
    /// When it did not return as the calling convention demands.
    pub fn end_call(&self, call: &StartedCall) -> Result<Vec<DataValue>, RunError> {
        self.leave(&call.abi, &call.before, call.return_area)
            .map_err(|violation| self.returned_with(violation, call.address))
    }

    /// Sets registers and stack for a call, and returns the address of the return area.
    fn enter(&mut self, abi: &AbiSignature, arguments: &[DataValue]) -> Result<u32, Violation> {
        for gpr in Gpr::all() {
            self.emulator.set_gpr(gpr, self.garbage.word());
        }
        let return_area = self.stack_top.wrapping_sub(abi.return_area_size) & !15;
        let stack_pointer = return_area.wrapping_sub(abi.stack_args_size);
        self.emulator.set_gpr(Gpr::SP, stack_pointer);
        self.emulator
            .set_gpr(Gpr::RA, Emulator::DEFAULT_HALT_ADDRESS);
        if let Some(pointer) = abi.return_area_pointer {
            self.emulator
                .set_gpr(regs::gpr(pointer.to_reg()), return_area);
        }
        for (value, data) in abi.args().iter().zip(arguments) {
            write_value(
                &mut self.emulator,
                abi,
                value,
                stack_pointer,
                *data,
                &mut self.garbage,
            )?;
        }
        Ok(return_area)
    }

    /// Runs from the pc to the end of the call, and serves the calls to the host on the way.
    fn run(&mut self, host: &mut dyn HostFunctions) -> Result<(), RunError> {
        let start = self.emulator.counters().instructions;
        loop {
            let executed = self.emulator.counters().instructions - start;
            let limit = self.options.instruction_limit.saturating_sub(executed);
            match self.run_machine(limit)? {
                Stop::Halted => return Ok(()),
                Stop::LimitReached => {
                    return Err(RunError::LimitReached {
                        limit: self.options.instruction_limit,
                        place: self.place(self.emulator.pc()),
                    });
                }
                Stop::Ecall => self.call_host(host)?,
                stop => return Err(self.trapped(stop)),
            }
        }
    }

    fn run_machine(&mut self, limit: u64) -> Result<Stop, RunError> {
        if !self.options.check_stack_alignment {
            return Ok(self.emulator.run(limit));
        }
        let mut misaligned = None;
        let image = &self.image;
        let stop = self.emulator.run_traced(limit, &mut |event| {
            let stack_pointer = event.gpr(Gpr::SP);
            if !stack_pointer.is_multiple_of(STACK_ALIGNMENT) && is_call(event, image) {
                misaligned.get_or_insert((event.pc, stack_pointer));
            }
        });
        match misaligned {
            Some((pc, stack_pointer)) => Err(RunError::Violation {
                violation: Violation::MisalignedStack(stack_pointer),
                place: self.place(pc),
            }),
            None => Ok(stop),
        }
    }

    /// Serves the call to the host whose `ecall` was just executed.
    fn call_host(&mut self, host: &mut dyn HostFunctions) -> Result<(), RunError> {
        let offset = self.emulator.pc().wrapping_sub(self.stack_top);
        let index = (offset / HOST_CALL_SIZE) as usize;
        let Some(import) = self.imports.get(index).cloned() else {
            return Err(self.trapped(Stop::Ecall));
        };
        let arguments = self
            .host_arguments(&import.abi)
            .map_err(|violation| self.violation(violation))?;
        let results = host
            .call(&import.name, &arguments, &mut self.emulator)
            .map_err(|code| RunError::Trap {
                code,
                place: self.place(self.call_site()),
            })?;
        let types = import.abi.rets().iter().map(|value| value.ty);
        if !types.eq(results.iter().map(|data| data.ty())) {
            return Err(RunError::BadHostResults(import.name));
        }
        self.return_from_host(&import.abi, &results)
            .map_err(|violation| self.violation(violation))
    }

    fn host_arguments(&self, abi: &AbiSignature) -> Result<Vec<DataValue>, Violation> {
        let stack_pointer = self.emulator.gpr(Gpr::SP);
        if !stack_pointer.is_multiple_of(STACK_ALIGNMENT) {
            return Err(Violation::MisalignedStack(stack_pointer));
        }
        abi.args()
            .iter()
            .map(|value| read_value(&self.emulator, abi, value, stack_pointer))
            .collect()
    }

    fn return_from_host(
        &mut self,
        abi: &AbiSignature,
        results: &[DataValue],
    ) -> Result<(), Violation> {
        let return_area = abi
            .return_area_pointer
            .map_or(0, |pointer| self.emulator.gpr(regs::gpr(pointer.to_reg())));
        for preg in regs::CALLER_SAVED {
            let gpr = regs::gpr(preg.into());
            self.emulator.set_gpr(gpr, self.garbage.word());
        }
        if abi.callee_pops {
            let stack_pointer = self.emulator.gpr(Gpr::SP);
            self.emulator
                .set_gpr(Gpr::SP, stack_pointer.wrapping_add(abi.stack_args_size));
        }
        for (value, data) in abi.rets().iter().zip(results) {
            write_value(
                &mut self.emulator,
                abi,
                value,
                return_area,
                *data,
                &mut self.garbage,
            )?;
        }
        Ok(())
    }

    /// The results of a call that has returned.
    fn leave(
        &self,
        abi: &AbiSignature,
        before: &Preserved,
        return_area: u32,
    ) -> Result<Vec<DataValue>, Violation> {
        let popped = if abi.callee_pops {
            abi.stack_args_size
        } else {
            0
        };
        before.check(&self.emulator, popped)?;
        abi.rets()
            .iter()
            .map(|value| read_value(&self.emulator, abi, value, return_area))
            .collect()
    }

    /// What it means that the machine stopped at the pc.
    fn trapped(&self, stop: Stop) -> RunError {
        let place = self.place(self.emulator.pc());
        if self.is_stack_overflow(stop) {
            let code = TrapCode::STACK_OVERFLOW;
            return RunError::Trap { code, place };
        }
        match self.image.trap_at(place.pc) {
            Some(code) => RunError::Trap { code, place },
            None => RunError::Fault { stop, place },
        }
    }

    /// Whether the machine stopped because the stack has grown out of the memory and was accessed there.
    fn is_stack_overflow(&self, stop: Stop) -> bool {
        let Stop::Trap(trap) = stop else {
            return false;
        };
        let is_access = matches!(
            trap.cause,
            TrapCause::LoadAccessFault | TrapCause::StoreAccessFault
        );
        is_access && (self.emulator.gpr(Gpr::SP)..MEMORY_BASE).contains(&trap.value)
    }

    fn violation(&self, violation: Violation) -> RunError {
        RunError::Violation {
            violation,
            place: self.place(self.call_site()),
        }
    }

    fn returned_with(&self, violation: Violation, function: u32) -> RunError {
        RunError::Violation {
            violation,
            place: self.place(function),
        }
    }

    /// The last instruction of the call that the host is serving.
    fn call_site(&self) -> u32 {
        // The pc is in the code of the host call, whose caller the return address knows. Calls may be two bytes long.
        self.emulator.gpr(Gpr::RA).wrapping_sub(2)
    }

    fn place(&self, pc: u32) -> Place {
        let location = self.image.locate(pc);
        Place {
            pc,
            function: location.map(|location| (location.function.clone(), location.offset)),
            srcloc: self.image.srcloc_at(pc),
        }
    }

    /// Makes all data what they are before a program starts.
    pub fn reset_data(&mut self) {
        let Sections {
            writable, zeroed, ..
        } = self.image.sections();
        let base = self.image.base();
        let content = &self.image.bytes()[writable.start as usize..writable.end as usize];
        let zeros = vec![0; zeroed.len()];
        self.emulator
            .write_memory(base + writable.start, content)
            .and_then(|()| self.emulator.write_memory(base + zeroed.start, &zeros))
            .expect("the image is inside the memory");
    }

    /// What the program has executed so far.
    pub fn counters(&self) -> Counters {
        self.emulator.counters()
    }

    /// Sets all counters to zero.
    pub fn reset_counters(&mut self) {
        self.emulator.reset_counters();
    }

    /// The address behind the stack.
    pub fn stack_top(&self) -> u32 {
        self.stack_top
    }

    /// The linked code.
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// The machine, to look into its memory.
    pub fn emulator(&self) -> &Emulator {
        &self.emulator
    }

    /// The machine, to write to its memory.
    pub fn emulator_mut(&mut self) -> &mut Emulator {
        &mut self.emulator
    }

    /// The addresses that are neither stack nor code, aligned to 16.
    pub fn free_memory(&self) -> core::ops::Range<u32> {
        let image_end = self.image.base() + self.image.memory_size();
        image_end.next_multiple_of(16)..self.emulator.memory().end()
    }
}

/// Whether the instruction leads to the start of a function: as a call, or as a tail call, which is a jump that keeps no
/// return address.
fn is_call(event: &TraceEvent<'_>, image: &Image) -> bool {
    let Inst {
        opcode,
        rd,
        rs1,
        imm,
        ..
    } = event.inst;
    let target = match opcode {
        _ if opcode.is_jump() && rd == Gpr::RA => return true,
        Opcode::Jal => event.pc.wrapping_add_signed(imm),
        Opcode::Jalr => event.gpr(rs1).wrapping_add_signed(imm) & !1,
        _ => return false,
    };
    image
        .locate(target)
        .is_some_and(|location| location.offset == 0)
}

/// The registers that a call must leave as they are.
#[derive(Clone, Debug)]
struct Preserved([u32; 32]);

impl Preserved {
    fn of(emulator: &Emulator) -> Self {
        let mut values = [0; 32];
        for gpr in Gpr::all() {
            values[gpr.index()] = emulator.gpr(gpr);
        }
        Self(values)
    }

    /// Compares the registers with those before the call, which took `popped` bytes from the stack.
    fn check(&self, emulator: &Emulator, popped: u32) -> Result<(), Violation> {
        let callee_saved = regs::CALLEE_SAVED.into_iter();
        let callee_saved = callee_saved.map(|preg| regs::gpr(preg.into()));
        for register in callee_saved.chain([Gpr::SP, Gpr::GP, Gpr::TP]) {
            let popped = if register == Gpr::SP { popped } else { 0 };
            let expected = self.0[register.index()].wrapping_add(popped);
            let found = emulator.gpr(register);
            if found != expected {
                return Err(Violation::Clobbered {
                    register,
                    expected,
                    found,
                });
            }
        }
        Ok(())
    }
}
