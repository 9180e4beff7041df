//! What programs must do, by the reference interpreter.

use super::outcome::{Observation, Outcome};
use crate::data_memory::memory_in_interpreter;
use crate::program::TestProgram;
use lpc_interp::{Error, Interpreter, Limits, NoHost};
use lpc_lpir::ir::{DataValue, TrapCode};

/// What a program may use. It is much less than the machine has on which compiled code runs, so that code which reaches a limit
/// there is wrong.
const LIMITS: Limits = Limits {
    stack_size: 1 << 14,
    heap_size: 0,
    call_depth: 100,
    instructions: 200_000,
};

/// What must come of a call.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// What can be seen of it.
    pub observation: Observation,
    /// The instructions that were interpreted.
    pub instructions: u64,
}

/// What must come of each call of `program`; or why it is not known for one.
///
/// A call has no answer if it takes more than there is of something, or does what LPIR leaves undefined.
pub fn interpret(program: &TestProgram) -> Vec<Result<Expectation, String>> {
    let inputs = program.inputs.iter();
    inputs.map(|arguments| call(program, arguments)).collect()
}

fn call(program: &TestProgram, arguments: &[DataValue]) -> Result<Expectation, String> {
    let module = &program.module;
    let mut interpreter = Interpreter::new(module, LIMITS);
    let outcome = match interpreter.call(&program.entry, arguments, &mut NoHost) {
        Ok(values) => Outcome::Returned(values),
        Err(Error::Trap(trap)) if trap.code != TrapCode::STACK_OVERFLOW => {
            Outcome::Trapped(trap.code)
        }
        Err(error) => return Err(error.to_string()),
    };
    let memory = memory_in_interpreter(module, &interpreter);
    let memory = memory.expect("the interpreter has the data of its module");
    Ok(Expectation {
        observation: Observation { outcome, memory },
        instructions: interpreter.executed_instructions(),
    })
}
