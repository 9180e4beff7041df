//! What several targets do with a module that the verifier has accepted.

use lpc_codegen::backend::regalloc::{RegallocAlgorithm, run_validated};
use lpc_codegen::{
    CodeAlignment, CompileError, CompiledFunction, CompiledModule, OptLevel, Settings,
    emit_function, lower_function,
};
use lpc_harness::{MachineOptions, NoHost, Program, ProgramError, RunError};
use lpc_interp::{Interpreter, Limits};
use lpc_lpir::ir::{DataValue, ExternalName, Function, Module, TrapCode};
use lpc_riscv32::{Extension, ExtensionSet};

/// The most instructions that the interpreter executes for a call.
const INTERPRETED: u64 = 1_000;

/// The most machine instructions of a call: one of LPIR becomes up to hundreds.
const EXECUTED: u64 = 500_000;

/// The stack of a program, in bytes.
const STACK_SIZE: u32 = 1 << 16;

/// The memory of the machine, in bytes.
const MEMORY_SIZE: u32 = 1 << 18;

/// The instruction sets that code is made for.
const MACHINES: [ExtensionSet; 5] = [
    ExtensionSet::RV32IMAC,
    ExtensionSet::RV32I,
    ExtensionSet::RV32IM,
    ExtensionSet::RV32IMAC
        .with(Extension::B)
        .with(Extension::Zcb)
        .with(Extension::Zicond),
    ExtensionSet::all(),
];

/// The settings that `bits` select; all bits are worth something.
pub(super) fn settings(bits: u16) -> Settings {
    let machine = usize::from(bits >> 8) % MACHINES.len();
    let flag = |bit: u32| bits >> bit & 1 != 0;
    let alignment = |is_large| match is_large {
        true => CodeAlignment::new(16).expect("a power of two"),
        false => CodeAlignment::NONE,
    };
    Settings {
        extensions: MACHINES[machine],
        opt_level: OptLevel::ALL[usize::from(bits >> 6 & 3) % OptLevel::ALL.len()],
        regalloc: RegallocAlgorithm::Ion,
        preserve_frame_pointers: flag(0),
        single_hart: !flag(1),
        linker_relaxation: flag(2),
        unwind_info: flag(3),
        value_labels: flag(4),
        function_alignment: alignment(flag(5)),
        loop_alignment: alignment(flag(5)),
    }
}

/// Compiles `module` with each register allocator, whose work is judged by regalloc2's checker. What the compiler refuses
/// is left out.
///
/// # Panics
/// If an allocation is wrong, or an allocator refuses what lowering gives it.
pub(super) fn compile(module: &Module, settings: &Settings) -> Vec<(Settings, CompiledModule)> {
    let compilations = RegallocAlgorithm::ALL.into_iter().map(|regalloc| {
        let settings = Settings {
            regalloc,
            ..settings.clone()
        };
        let functions = module.functions();
        let functions = functions.map(|(_, function)| compile_function(function, &settings));
        let functions = functions.collect::<Result<_, _>>().ok()?;
        let mut compiled = CompiledModule { functions };
        compiled.add_routines(&settings);
        Some((settings, compiled))
    });
    compilations.flatten().collect()
}

/// As [`lpc_codegen::compile_function`], with a validated allocation in all builds.
fn compile_function(
    func: &Function,
    settings: &Settings,
) -> Result<CompiledFunction, CompileError> {
    let vcode = lower_function(func, settings)?;
    let allocation = run_validated(&vcode, settings.regalloc)
        .unwrap_or_else(|error| panic!("{}: the allocator refuses it: {error}", func.name));
    let code = emit_function(vcode, &allocation, settings)?;
    Ok(CompiledFunction {
        name: func.name.clone(),
        code,
    })
}

/// The program in the emulator, if the module is complete and small enough.
pub(super) fn load(
    module: &Module,
    compiled: &CompiledModule,
    settings: &Settings,
) -> Result<Program, ProgramError> {
    let options = MachineOptions {
        memory_size: MEMORY_SIZE,
        stack_size: STACK_SIZE,
        instruction_limit: EXECUTED,
        check_stack_alignment: true,
        ..MachineOptions::default()
    };
    Program::load(module, compiled, settings, options, &NoHost)
}

/// The interpreter of `module`, with as much memory as the emulator has.
pub(super) fn interpreter(module: &Module) -> Interpreter<'_> {
    let limits = Limits {
        stack_size: STACK_SIZE,
        heap_size: 0,
        instructions: INTERPRETED,
        ..Limits::default()
    };
    Interpreter::new(module, limits)
}

/// How a call ended, where every correct implementation agrees on it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Outcome {
    /// With these results.
    Returned(Vec<DataValue>),
    /// With this trap.
    Trapped(TrapCode),
}

/// The outcome of a call in the interpreter, if it is one that every correct implementation has.
pub(super) fn interpret(
    interpreter: &mut Interpreter<'_>,
    function: &ExternalName,
    arguments: &[DataValue],
) -> Option<Outcome> {
    match interpreter.call(function, arguments, &mut lpc_interp::NoHost) {
        Ok(results) => Some(Outcome::Returned(results)),
        // How deep calls can be is up to the size of frames.
        Err(lpc_interp::Error::Trap(trap)) if trap.code != TrapCode::STACK_OVERFLOW => {
            Some(Outcome::Trapped(trap.code))
        }
        Err(_) => None,
    }
}

/// The outcome of a call in the emulator.
pub(super) fn emulate(
    program: &mut Program,
    function: &ExternalName,
    arguments: &[DataValue],
) -> Result<Outcome, RunError> {
    match program.call(function, arguments, &mut NoHost) {
        Ok(results) => Ok(Outcome::Returned(results)),
        Err(RunError::Trap { code, .. }) => Ok(Outcome::Trapped(code)),
        Err(error) => Err(error),
    }
}

/// Arguments for `function`, made of `random`.
pub(super) fn arguments(function: &Function, random: &mut fastrand::Rng) -> Vec<DataValue> {
    let params = function.signature.params.iter();
    let values = params.map(|param| {
        let number = match random.u8(..4) {
            0 => random.i128(-3..4),
            1 => 1 << random.u8(..127),
            _ => random.i128(..),
        };
        DataValue::from_signed(param.value_type, number)
    });
    values.collect()
}
