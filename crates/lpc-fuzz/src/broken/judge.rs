//! What becomes of a program that may be broken.

use super::certain::certainly_wrong;
use super::routines::add_routines;
use crate::data_memory::memory_in_machine;
use crate::defined::{Observation, defined_observations};
use crate::diff::attempt::catch_panic;
use crate::program::TestProgram;
use lpc_codegen::backend::regalloc::run_validated;
use lpc_codegen::{
    CompileError, CompiledFunction, CompiledModule, OptLevel, RegallocAlgorithm, Settings,
    emit_function, lower_function,
};
use lpc_harness::{MachineOptions, NoHost, Program, ProgramError, RunError};
use lpc_interp::Limits;
use lpc_lpir::ir::{DataValue, Function, Module};
use lpc_lpir::text::parse_module;
use lpc_lpir::verifier::{VerifierError, verify_module};
use std::fmt;

/// What a program may use in the interpreter.
const LIMITS: Limits = Limits {
    stack_size: 1 << 14,
    heap_size: 0,
    call_depth: 50,
    instructions: 20_000,
};

/// The machine that compiled programs run on. Larger programs are not executed.
const MACHINE: MachineOptions = MachineOptions {
    memory_size: 1 << 18,
    stack_size: 1 << 17,
    misaligned: lpc_riscv32::emulator::Misaligned::Allow,
    instruction_limit: 4_000_000,
    check_stack_alignment: false,
    section_alignment: 1,
};

/// What becomes of a program if all is right.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The verifier rejects it.
    Rejected,
    /// The compiler refuses it with an error.
    Refused,
    /// It is compiled.
    Compiled {
        /// Whether it was executed too, and did what it must.
        is_executed: bool,
    },
}

/// Something that is not right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// Where.
    pub stage: Stage,
    /// What.
    pub what: String,
}

/// Where something was not right.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// In the verifier: a panic, or a wrong judgement.
    Verifier,
    /// The text of an accepted program does not give the same again.
    Text,
    /// In the interpreter: a panic.
    Interpreter,
    /// In the compiler: a panic, or an error that must not occur.
    Compiler,
    /// In the compiled code: it does something else than the interpreter.
    Emulator,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.stage {
            Stage::Verifier => "verifier",
            Stage::Text => "text",
            Stage::Interpreter => "interpreter",
            Stage::Compiler => "compiler",
            Stage::Emulator => "emulator",
        };
        write!(f, "{stage}: {}", self.what)
    }
}

impl Stage {
    fn failure(self, what: impl Into<String>) -> Failure {
        let what = what.into();
        Failure { stage: self, what }
    }
}

/// Takes `program` as far as it gets, with `settings` and each optimization level and register allocator.
///
/// # Errors
/// What is not right with lpc.
pub fn judge(program: &TestProgram, settings: &Settings) -> Result<Verdict, Failure> {
    let module = &program.module;
    let errors = catch_panic(|| match verify_module(module) {
        Ok(()) => Vec::new(),
        Err(errors) => {
            // The messages are to be printable too.
            let _ = errors.to_string();
            let functions = errors.0.into_iter();
            functions.flat_map(|function| function.errors.0).collect()
        }
    });
    let errors: Vec<VerifierError> = errors.map_err(|what| Stage::Verifier.failure(what))?;
    check_verifier(module, &errors)?;
    if !errors.is_empty() {
        return Ok(Verdict::Rejected);
    }
    check_text(module)?;
    let observations = catch_panic(|| defined_observations(program, LIMITS))
        .map_err(|what| Stage::Interpreter.failure(what))?;
    let builds = compile(module, settings)?;
    if builds.is_empty() {
        return Ok(Verdict::Refused);
    }
    // The limit of a stack may have become any number.
    let mut functions = module.functions();
    let has_limit = functions.any(|(_, func)| func.stack_limit.is_some());
    let mut is_executed = false;
    if let Some(observations) = observations.filter(|_| !has_limit) {
        for (settings, compiled) in &builds {
            is_executed |= check_execution(program, settings, compiled, &observations)?;
        }
    }
    Ok(Verdict::Compiled { is_executed })
}

/// Compares what the verifier says with what is certain.
fn check_verifier(module: &Module, errors: &[VerifierError]) -> Result<(), Failure> {
    let mut is_dominance_wrong = false;
    for (_, func) in module.functions() {
        let wrong = catch_panic(|| certainly_wrong(func));
        let wrong = wrong.map_err(|what| Stage::Verifier.failure(format!("certain: {what}")))?;
        if let (Some(wrong), true) = (&wrong, errors.is_empty()) {
            return Err(Stage::Verifier.failure(format!("accepts {}: {wrong}", func.name)));
        }
        // What comes first hides what may follow.
        is_dominance_wrong |= wrong.is_some();
    }
    let is_about_dominance = |error: &&VerifierError| {
        error.message.contains("non-dominating") || error.message.contains("from itself")
    };
    match errors.iter().find(is_about_dominance) {
        Some(error) if !is_dominance_wrong => {
            Err(Stage::Verifier.failure(format!("rejects for no reason: {error}")))
        }
        _ => Ok(()),
    }
}

/// Checks that the text of `module` is that of a module that is accepted, and that has the same text.
fn check_text(module: &Module) -> Result<(), Failure> {
    let text = catch_panic(|| module.to_string()).map_err(|what| Stage::Text.failure(what))?;
    // Functions with floats can be built, and not read.
    if text.contains("f32") || text.contains("f64") {
        return Ok(());
    }
    let parsed = catch_panic(|| parse_module(&text)).map_err(|what| Stage::Text.failure(what))?;
    let parsed = parsed.map_err(|error| Stage::Text.failure(error.to_string()))?;
    if let Err(errors) = verify_module(&parsed) {
        return Err(Stage::Text.failure(format!("what was read is rejected: {errors}")));
    }
    let again = parsed.to_string();
    if again != text {
        return Err(Stage::Text.failure(format!("what was read prints as\n{again}")));
    }
    Ok(())
}

/// The different codes for `module`, with the first settings of each; none if it is refused.
fn compile(
    module: &Module,
    settings: &Settings,
) -> Result<Vec<(Settings, CompiledModule)>, Failure> {
    let mut builds: Vec<(Settings, CompiledModule)> = Vec::new();
    let mut refusal = None;
    for opt_level in OptLevel::ALL {
        for regalloc in RegallocAlgorithm::ALLOCATORS {
            let settings = Settings {
                opt_level,
                regalloc,
                ..settings.clone()
            };
            let compiled = catch_panic(|| compile_with(module, &settings));
            let compiled = compiled.map_err(|what| {
                Stage::Compiler.failure(format!("{opt_level:?}, {regalloc:?}: {what}"))
            })?;
            match compiled {
                Ok(compiled) => {
                    if !builds.iter().any(|(_, other)| is_same(other, &compiled)) {
                        builds.push((settings, compiled));
                    }
                }
                Err(error @ CompileError::RegisterAllocation(_)) => {
                    return Err(Stage::Compiler.failure(error.to_string()));
                }
                Err(error) => refusal = Some(error),
            }
        }
    }
    Ok(if refusal.is_some() {
        Vec::new()
    } else {
        builds
    })
}

fn compile_with(module: &Module, settings: &Settings) -> Result<CompiledModule, CompileError> {
    let functions = module.functions();
    let functions = functions.map(|(_, func)| compile_function(func, settings));
    let mut compiled = CompiledModule {
        functions: functions.collect::<Result<_, _>>()?,
    };
    add_routines(&mut compiled, settings);
    Ok(compiled)
}

/// As [`lpc_codegen::compile_function`], with a validated allocation in all builds.
fn compile_function(
    func: &Function,
    settings: &Settings,
) -> Result<CompiledFunction, CompileError> {
    let vcode = lower_function(func, settings)?;
    let allocation =
        run_validated(&vcode, settings.regalloc).map_err(CompileError::RegisterAllocation)?;
    let code = emit_function(vcode, &allocation, settings)?;
    let name = func.name.clone();
    Ok(CompiledFunction::new(name, code))
}

/// Whether the machine code is the same.
fn is_same(a: &CompiledModule, b: &CompiledModule) -> bool {
    let bytes = |function: &CompiledFunction| function.code.buffer.bytes.clone();
    a.functions
        .iter()
        .map(bytes)
        .eq(b.functions.iter().map(bytes))
}

/// Executes `compiled`, if it is complete and small enough, and compares what it does with `expected`.
fn check_execution(
    program: &TestProgram,
    settings: &Settings,
    compiled: &CompiledModule,
    expected: &[Observation],
) -> Result<bool, Failure> {
    let load = || Program::load(&program.module, compiled, settings, MACHINE, &NoHost);
    let fail = |what: String| {
        let Settings {
            opt_level,
            regalloc,
            ..
        } = settings;
        Stage::Emulator.failure(format!("{opt_level:?}, {regalloc:?}: {what}"))
    };
    let loaded = match catch_panic(load).map_err(fail)? {
        Ok(loaded) => loaded,
        Err(ProgramError::Compile(error)) => return Err(fail(error.to_string())),
        Err(_) => return Ok(false),
    };
    for (input, expected) in program.inputs.iter().zip(expected) {
        let mut machine = loaded.clone();
        let found =
            observe(program, &mut machine, input).map_err(|error| fail(error.to_string()))?;
        if found != *expected {
            return Err(fail(format!(
                "{found:?}, expected {expected:?} with {input:?}"
            )));
        }
    }
    Ok(true)
}

fn observe(
    program: &TestProgram,
    machine: &mut Program,
    input: &[DataValue],
) -> Result<Observation, RunError> {
    let outcome = match machine.call(&program.entry, input, &mut NoHost) {
        Ok(results) => Ok(results),
        Err(RunError::Trap { code, .. }) => Err(code),
        Err(error) => return Err(error),
    };
    let memory = memory_in_machine(&program.module, machine).unwrap_or_default();
    Ok(Observation { outcome, memory })
}
