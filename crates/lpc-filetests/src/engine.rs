//! Ways to execute functions.

use crate::attempt::{NoResult, attempt, catch_panic};
use crate::host::TestHost;
use crate::program::{Lacking, executable_part};
use lpc_codegen::{CompiledModule, Settings, compile_function};
use lpc_harness::{MachineOptions, RunError};
use lpc_interp::{Interpreter, Limits};
use lpc_lpir::ir::{DataValue, ExternalName, Module, TrapCode};
use std::fmt;

/// The most instructions that a call may execute.
const INSTRUCTION_LIMIT: u64 = 200_000_000;

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
            Self::Returned(values) => match values.as_slice() {
                [value] => write!(f, "{value}"),
                _ => {
                    f.write_str("[")?;
                    for (index, value) in values.iter().enumerate() {
                        let separator = if index == 0 { "" } else { ", " };
                        write!(f, "{separator}{value}")?;
                    }
                    f.write_str("]")
                }
            },
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
        ..Limits::default()
    };
    Interpreter::new(module, limits)
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

impl EmulatorEngine {
    /// The functions of `module`, compiled with `settings`.
    pub(crate) fn new(module: &Module, settings: &Settings) -> Self {
        let (mut lacking, mut failed) = (Lacking::new(), Lacking::new());
        let mut compiled = CompiledModule::default();
        for (_, function) in module.functions() {
            let name = &function.name;
            match attempt(function, || compile_function(function, settings)) {
                Ok(compiled_function) => compiled.functions.push(compiled_function),
                Err(NoResult::Lacking(what)) => {
                    lacking.insert(name.clone(), what);
                }
                Err(NoResult::Failed(what)) => {
                    failed.insert(name.clone(), what);
                }
            }
        }
        // A function that calls one on which the compiler failed can be tested as little as one that calls what we lack.
        lacking.extend(failed.clone());
        let part = executable_part(module, &mut lacking);
        compiled
            .functions
            .retain(|function| !lacking.contains_key(&function.name));
        compiled.add_routines(&part, settings);
        let options = MachineOptions {
            instruction_limit: INSTRUCTION_LIMIT,
            ..MachineOptions::default()
        };
        let program = catch_panic(|| {
            lpc_harness::Program::load(&part, &compiled, settings, options, &TestHost)
                .map_err(|error| error.to_string())
        });
        Self {
            name: format!("emulator, {:?}", settings.regalloc).to_lowercase(),
            program: program.and_then(|program| program),
            lacking,
            failed,
        }
    }
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
