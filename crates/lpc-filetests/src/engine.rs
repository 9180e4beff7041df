//! Ways to execute functions.

use crate::attempt::{NoResult, attempt, catch_panic};
use crate::host::TestHost;
use crate::program::{Lacking, executable_part};
use lpc_codegen::{
    CompileError, CompiledFunction, CompiledModule, OptLevel, Settings, compile_function,
};
use lpc_harness::{MachineOptions, RunError};
use lpc_interp::{Interpreter, Limits};
use lpc_lpir::ir::{DataValue, ExternalName, Function, Module, TrapCode};
use lpc_lpir::text::Results;
use std::fmt;

/// The most instructions that a call may execute.
const INSTRUCTION_LIMIT: u64 = 200_000_000;

/// The bytes of the stack of a program.
const STACK_SIZE: u32 = 4 << 20;

/// The bytes of the memory of the emulated machine: the stack, and room for code. There is a machine for each file and each way
/// to compile it, so that setting up the memory takes most of the time when it is much larger.
const MEMORY_SIZE: u32 = STACK_SIZE + (2 << 20);

/// What came of a call.
#[derive(Clone, Debug)]
pub(crate) enum CallOutcome {
    /// The function returned.
    Returned(Vec<DataValue>),
    /// The function trapped.
    Trapped(TrapCode),
    /// Something happened that no test may expect.
    Failed(String),
    /// The function cannot be executed.
    Lacking(String),
}

impl fmt::Display for CallOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Returned(values) => Results(values).fmt(f),
            Self::Trapped(code) => write!(f, "trap {code}"),
            Self::Failed(what) | Self::Lacking(what) => f.write_str(what),
        }
    }
}

/// A way to execute the functions of a module.
pub(crate) trait Engine {
    /// The name, for messages.
    fn name(&self) -> &str;

    /// Calls `function` with arguments of the right types.
    fn call(&mut self, function: &ExternalName, arguments: &[DataValue]) -> CallOutcome;
}

impl Engine for Interpreter<'_> {
    fn name(&self) -> &str {
        "interpreter"
    }

    fn call(&mut self, function: &ExternalName, arguments: &[DataValue]) -> CallOutcome {
        match Interpreter::call(self, function, arguments, &mut TestHost) {
            Ok(results) => CallOutcome::Returned(results),
            Err(lpc_interp::Error::Trap(trap)) => CallOutcome::Trapped(trap.code),
            Err(error) => CallOutcome::Failed(error.to_string()),
        }
    }
}

/// An interpreter of `module`.
pub(crate) fn interpreter(module: &Module) -> Interpreter<'_> {
    let limits = Limits {
        instructions: INSTRUCTION_LIMIT,
        stack_size: STACK_SIZE,
        heap_size: 0,
        ..Limits::default()
    };
    Interpreter::new(module, limits)
}

/// The functions of `module` in the emulator, compiled with each of `settings`.
///
/// Settings that differ in the optimization level alone and give the same code share an engine.
pub(crate) fn emulators(module: &Module, settings: &[Settings]) -> Vec<EmulatorEngine> {
    let mut compilations: Vec<Compilation> = Vec::new();
    for settings in settings {
        let new = Compilation::new(module, settings);
        match compilations.iter_mut().find(|old| old.is_same_code(&new)) {
            Some(old) => old.opt_levels.push(settings.opt_level),
            None => compilations.push(new),
        }
    }
    let engines = compilations.into_iter();
    engines
        .map(|compilation| compilation.into_engine(module))
        .collect()
}

/// Compiles `function` for the emulated machine. That has one hart, so that what is impossible where there are more is compiled
/// with this setting.
fn compile_for_one_hart(
    function: &Function,
    settings: &Settings,
) -> Result<CompiledFunction, CompileError> {
    compile_function(function, settings).or_else(|error| match error {
        CompileError::Unsupported { .. } if !settings.single_hart => {
            let settings = Settings {
                single_hart: true,
                ..settings.clone()
            };
            compile_function(function, &settings).map_err(|_| error)
        }
        _ => Err(error),
    })
}

/// The functions of a module, compiled one by one.
struct Compilation<'a> {
    settings: &'a Settings,
    /// The optimization levels that give this code.
    opt_levels: Vec<OptLevel>,
    functions: Vec<CompiledFunction>,
    /// The functions that the backend cannot compile.
    lacking: Lacking,
    /// The functions on which the compiler failed.
    failed: Lacking,
}

impl<'a> Compilation<'a> {
    fn new(module: &Module, settings: &'a Settings) -> Self {
        let mut new = Self {
            settings,
            opt_levels: vec![settings.opt_level],
            functions: Vec::new(),
            lacking: Lacking::new(),
            failed: Lacking::new(),
        };
        for (_, function) in module.functions() {
            match attempt(function, || compile_for_one_hart(function, settings)) {
                Ok(compiled) => new.functions.push(compiled),
                Err(NoResult::Lacking(what)) => {
                    new.lacking.insert(function.name.clone(), what);
                }
                Err(NoResult::Failed(what)) => {
                    new.failed.insert(function.name.clone(), what);
                }
            }
        }
        new
    }

    fn is_same_code(&self, other: &Self) -> bool {
        let mut functions = self.functions.iter().zip(&other.functions);
        self.settings.regalloc == other.settings.regalloc
            && self.settings.extensions == other.settings.extensions
            && self.lacking == other.lacking
            && self.failed == other.failed
            && self.functions.len() == other.functions.len()
            && functions.all(|(a, b)| a.code.buffer == b.code.buffer)
    }

    /// The name of the engine: the allocator, the machine unless it is the default, and the levels unless it stands for all.
    fn name(&self) -> String {
        let mut name = format!("emulator, {}", self.settings.regalloc.name());
        let extensions = self.settings.extensions;
        if extensions != Settings::default().extensions {
            name += &format!(", {extensions}");
        }
        if self.opt_levels.len() != OptLevel::ALL.len() {
            for level in &self.opt_levels {
                name += &format!(" -O {}", format!("{level:?}").to_lowercase());
            }
        }
        name
    }

    /// Loads the functions of `module` that can be executed.
    fn into_engine(mut self, module: &Module) -> EmulatorEngine {
        let name = self.name();
        // A function that calls one on which the compiler failed can be tested as little as one that calls what we lack.
        self.lacking.extend(self.failed.clone());
        let part = executable_part(module, &mut self.lacking);
        self.functions
            .retain(|function| !self.lacking.contains_key(&function.name));
        let mut compiled = CompiledModule {
            functions: self.functions,
        };
        compiled.add_routines(self.settings);
        let machine = MachineOptions {
            memory_size: MEMORY_SIZE,
            stack_size: STACK_SIZE,
            instruction_limit: INSTRUCTION_LIMIT,
            check_stack_alignment: true,
            ..MachineOptions::default()
        };
        let program = catch_panic(|| {
            lpc_harness::Program::load(&part, &compiled, self.settings, machine, &TestHost)
                .map_err(|error| error.to_string())
        });
        EmulatorEngine {
            name,
            program: program.and_then(|program| program),
            lacking: self.lacking,
            failed: self.failed,
        }
    }
}

/// Compiled functions in the emulator.
pub(crate) struct EmulatorEngine {
    name: String,
    program: Result<lpc_harness::Program, String>,
    /// The functions that the backend cannot compile.
    lacking: Lacking,
    /// The functions on which the compiler failed.
    failed: Lacking,
}

impl Engine for EmulatorEngine {
    fn name(&self) -> &str {
        &self.name
    }

    fn call(&mut self, function: &ExternalName, arguments: &[DataValue]) -> CallOutcome {
        if let Some(why) = self.failed.get(function) {
            return CallOutcome::Failed(why.clone());
        }
        if let Some(what) = self.lacking.get(function) {
            return CallOutcome::Lacking(what.clone());
        }
        let program = match &mut self.program {
            Ok(program) => program,
            Err(error) => return CallOutcome::Failed(error.clone()),
        };
        match program.call(function, arguments, &mut TestHost) {
            Ok(results) => CallOutcome::Returned(results),
            Err(RunError::Trap { code, .. }) => CallOutcome::Trapped(code),
            Err(error) => CallOutcome::Failed(error.to_string()),
        }
    }
}
