//! A program as a test file.

use crate::program::TestProgram;
use lpc_lpir::ir::{DataValue, TrapCode};
use lpc_lpir::text::{Comparison, Invocation, RunCommand};

/// What must come of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expectation {
    /// It returns, with these results.
    Results(Vec<DataValue>),
    /// It traps.
    Trap(TrapCode),
}

/// The text of a file with `test run` for `target` that calls `program` with its first input, and says what must come of that.
pub fn to_filetest(program: &TestProgram, target: &str, expectation: &Expectation) -> String {
    let invocation = Invocation {
        name: Some(program.entry.clone()),
        args: program.inputs.first().cloned().unwrap_or_default(),
    };
    let command = match expectation {
        Expectation::Results(expected) => RunCommand::Run {
            invocation,
            comparison: Comparison::Equal,
            expected: expected.clone(),
        },
        Expectation::Trap(code) => RunCommand::Trap {
            invocation,
            code: *code,
        },
    };
    let mut text = program.module.to_string();
    // A directive is about the function above it.
    let entry = program.module.find(&program.entry);
    let entry = entry.map(|id| program.module.function(id).to_string());
    let end = entry.and_then(|entry| Some(text.find(&entry)? + entry.len()));
    text.insert_str(end.unwrap_or(text.len()), &format!("\n; {command}\n"));
    format!("test run\ntarget {target}\n\n{text}")
}
