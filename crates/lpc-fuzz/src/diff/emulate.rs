//! What compiled programs do, in the emulator.

use super::attempt::catch_panic;
use super::compile::Build;
use super::interpret::Expectation;
use super::outcome::{Observation, Outcome};
use super::timing::{Phase, Times};
use crate::data_memory::memory_in_machine;
use crate::program::TestProgram;
use lpc_codegen::CompiledModule;
use lpc_harness::{MachineOptions, NoHost, Program, RunError};
use lpc_lpir::ir::{DataValue, Module, TrapCode};

/// The bytes of the stack. Programs that need more are run again with [`LARGE_STACK`].
const STACK: u32 = 1 << 16;

/// The bytes of the stack of a program that may need as much.
const LARGE_STACK: u32 = 1 << 22;

/// The instructions that a call may execute: more than any program needs of which as many were interpreted.
fn instruction_limit(interpreted: u64) -> u64 {
    100_000 + 2_000 * interpreted
}

/// Runs `build`, which was made from `program`, with the inputs for which an answer is expected: what can be seen then, in their
/// order.
///
/// With `is_watched` the stack pointer is checked at every call, which is slow.
///
/// # Errors
/// When the program cannot be linked and loaded.
pub fn emulate(
    program: &TestProgram,
    build: &Build,
    expected: &[Result<Expectation, String>],
    is_watched: bool,
    times: &mut Times,
) -> Result<Vec<Observation>, String> {
    let run = |stack_size, times: &mut Times| {
        run(program, build, expected, is_watched, stack_size, times)
    };
    let observations = run(STACK, times)?;
    let is_overflow = |observation: &Observation| {
        observation.outcome == Outcome::Trapped(TrapCode::STACK_OVERFLOW)
    };
    if observations.iter().any(is_overflow) {
        return run(LARGE_STACK, times);
    }
    Ok(observations)
}

fn run(
    program: &TestProgram,
    build: &Build,
    expected: &[Result<Expectation, String>],
    is_watched: bool,
    stack_size: u32,
    times: &mut Times,
) -> Result<Vec<Observation>, String> {
    let module = &program.module;
    let answers = expected.iter().flatten();
    let interpreted = answers.map(|answer| answer.instructions).max();
    let options = MachineOptions {
        memory_size: stack_size + image_size(module, &build.compiled),
        stack_size,
        instruction_limit: instruction_limit(interpreted.unwrap_or_default()),
        check_stack_alignment: is_watched,
        ..MachineOptions::default()
    };
    let load = || Program::load(module, &build.compiled, &build.settings, options, &NoHost);
    let loaded = times.measure(Phase::Load, || catch_panic(load))?;
    let mut machine = loaded.map_err(|error| error.to_string())?;
    let observations = times.measure(Phase::Emulate, || {
        let inputs = program.inputs.iter().zip(expected);
        let inputs = inputs.filter(|(_, expected)| expected.is_ok());
        inputs
            .map(|(arguments, _)| call(program, &mut machine, arguments))
            .collect()
    });
    Ok(observations)
}

fn call(program: &TestProgram, machine: &mut Program, arguments: &[DataValue]) -> Observation {
    machine.reset_data();
    let outcome = match machine.call(&program.entry, arguments, &mut NoHost) {
        Ok(values) => Outcome::Returned(values),
        Err(RunError::Trap { code, .. }) => Outcome::Trapped(code),
        Err(error) => Outcome::Failed(error.to_string()),
    };
    let memory = memory_in_machine(&program.module, machine);
    let memory = memory.expect("the image has the data of the module");
    Observation { outcome, memory }
}

/// More bytes than the image takes.
pub(super) fn image_size(module: &Module, compiled: &CompiledModule) -> u32 {
    let code = compiled.functions.iter().map(|function| {
        let buffer = &function.code.buffer;
        buffer.bytes.len() as u32 + buffer.alignment
    });
    let data = module
        .data_objects()
        .map(|(_, object)| object.footprint() as u32);
    // Each kind of data starts at an address of its own.
    let alignments = module.data_objects().map(|(_, object)| object.alignment);
    64 + code.sum::<u32>() + data.sum::<u32>() + 4 * alignments.max().unwrap_or(1)
}
