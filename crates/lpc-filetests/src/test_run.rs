//! `test run` and `test interpret`: functions are called as the directives behind them say.
//!
//! ```text
//! ; run: %f(1, 2) == 3            the result, or the results in brackets: [3, 4]
//! ; run: %f(1, 2) != 3            anything else
//! ; run                           a function without parameters gives something that is not zero
//! ; trap: %f(1, 0) == int_divz    the function traps with this code
//! ; print: %f(1, 2)               the function returns, and the results are shown
//! ```
//!
//! A directive is about the function above it, and it has to come true on every engine: the interpreter and, for `test run`,
//! the emulator with each register allocator and optimization level. The name that it states may be that of another
//! function of the file, as in some of Cranelift's tests; a name that no function of the file has is an error. So is a
//! comment that looks like a directive and is none, such as `; rum: %f(1) == 2`.

use crate::engine::{CallOutcome, Engine, emulators, interpreter};
use crate::program::{Lacking, add_function, executable_part};
use crate::retype_pointers::parse_and_retype;
use crate::subtest::{Session, SubTest};
use lpc_lpir::ir::{ExternalName, Module};
use lpc_lpir::text::{
    Comment, Location, Outcome, RunCommand, TestFile, TestFunction, parse_run_command_at,
};
use lpc_lpir::verifier::verify_module;

/// `test run`, or `test interpret`.
pub(crate) struct TestRun {
    compiles: bool,
}

impl TestRun {
    /// `test run`.
    pub(crate) fn new() -> Self {
        Self { compiles: true }
    }

    /// `test interpret`.
    pub(crate) fn interpreter_only() -> Self {
        Self { compiles: false }
    }
}

impl SubTest for TestRun {
    fn run(&self, file: &TestFile<'_>, session: &mut Session<'_>) {
        if !session.retype_pointers {
            return self.run_file(file, session);
        }
        match parse_and_retype(session.text) {
            Ok(retyped) => self.run_file(&retyped, session),
            Err(error) => session
                .report
                .fail_at(session.text, error.location, error.message),
        }
    }
}

impl TestRun {
    fn run_file(&self, file: &TestFile<'_>, session: &mut Session<'_>) {
        let (module, lacking) = executable_functions(file, session);
        let mut engines: Vec<Box<dyn Engine + '_>> = Vec::new();
        if !module.is_empty() {
            engines.push(Box::new(interpreter(&module)));
        }
        if !module.is_empty() && self.compiles {
            let emulators = emulators(&module, &session.configuration.run_settings());
            engines.extend(emulators.into_iter().map(|engine| Box::new(engine) as _));
        }
        for function in &file.functions {
            match lacking.get(&function.name) {
                Some(what) => skip_function(function, what, session),
                None => test_function(file, function, &mut engines, session),
            }
        }
    }
}

/// The functions of `file` that can be executed, and why the others cannot. Those that are wrong are reported.
fn executable_functions(file: &TestFile<'_>, session: &mut Session<'_>) -> (Module, Lacking) {
    let mut module = file.module.clone();
    let mut lacking = Lacking::new();
    for function in &file.functions {
        match &function.outcome {
            Outcome::Parsed(parsed) => {
                if let Err(error) = add_function(&mut module, function, parsed) {
                    session.report.fail(function.location.line, error);
                }
            }
            Outcome::Skipped(reason) => {
                lacking.insert(function.name.clone(), reason.message.clone());
            }
        }
    }
    if let Err(errors) = verify_module(&module) {
        for errors in errors.0 {
            let (name, errors) = (errors.name, errors.errors);
            let what = format_args!("{name} does not pass the verifier\n{errors}");
            session.report.fail(line_of(file, &name), what);
            lacking.insert(name, "does not pass the verifier".to_owned());
        }
    }
    (executable_part(&module, &mut lacking), lacking)
}

fn line_of(file: &TestFile<'_>, name: &ExternalName) -> u32 {
    let mut functions = file.functions.iter();
    let function = functions.find(|function| function.name == *name);
    function.map_or(0, |function| function.location.line)
}

/// Reports a function that cannot be executed.
fn skip_function(function: &TestFunction<'_>, what: &str, session: &mut Session<'_>) {
    let directives = function.comments.iter().filter(|comment| {
        let content = comment.content();
        let word = content.split([':', ' ']).next().unwrap_or_default();
        word == "run" || word == "print" || comment.directive("trap:").is_some()
    });
    let count = directives.count() as u32;
    let line = function.location.line;
    session
        .report
        .skip(line, count, format_args!("{}: {what}", function.name));
}

/// Tests all directives behind `function` of `file`.
fn test_function(
    file: &TestFile<'_>,
    function: &TestFunction<'_>,
    engines: &mut [Box<dyn Engine + '_>],
    session: &mut Session<'_>,
) {
    let Outcome::Parsed(parsed) = &function.outcome else {
        return;
    };
    let signature = &parsed.function.signature;
    let mut skipped = 0;
    let mut lacking = None;
    for comment in &function.comments {
        let command = parse_run_command_at(comment.text, behind_marker(comment), signature);
        match command {
            Ok(None) => {
                if let Some(word) = misspelt_directive(comment) {
                    let what = format_args!(
                        "there is no directive `{word}:`; there are `run:`, `trap:` and `print:`"
                    );
                    session.report.fail(comment.location.line, what);
                }
            }
            Ok(Some(command)) => {
                if let Some(name) = unknown_name(file, &command) {
                    let what = format_args!("{command}: there is no function {name} in this file");
                    session.report.fail(comment.location.line, what);
                    continue;
                }
                let verdict = test_command(function, &command, comment, engines, session);
                if let Some(what) = verdict {
                    skipped += 1;
                    lacking = Some(what);
                }
            }
            Err(error) => session.report.fail(comment.location.line, error.message),
        }
    }
    if let Some(what) = lacking {
        session.report.skip(function.location.line, skipped, what);
    }
}

/// The name that `command` states, if no function of `file` has it.
fn unknown_name<'a>(file: &TestFile<'_>, command: &'a RunCommand) -> Option<&'a ExternalName> {
    let name = command.invocation().name.as_ref()?;
    let mut functions = file.functions.iter();
    (!functions.any(|function| function.name == *name)).then_some(name)
}

/// The words of directives that are not about a function, which the reader takes care of.
const MODULE_DIRECTIVES: [&str; 3] = ["data", "local", "import"];

/// The word with which `comment` starts, if a colon and a call of a function follow.
fn misspelt_directive<'a>(comment: &Comment<'a>) -> Option<&'a str> {
    let (word, rest) = comment.content().split_once(':')?;
    let is_word = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    let (name, _) = rest.trim_start().strip_prefix('%')?.split_once('(')?;
    let is_directive =
        is_word && !name.contains(char::is_whitespace) && !MODULE_DIRECTIVES.contains(&word);
    is_directive.then_some(word)
}

/// Where the text of `comment` starts.
fn behind_marker(comment: &Comment<'_>) -> Location {
    Location {
        column: comment.location.column + 1,
        ..comment.location
    }
}

/// Tests one directive. Gives what an engine lacks, when the test is to be skipped for that.
fn test_command(
    function: &TestFunction<'_>,
    command: &RunCommand,
    comment: &Comment<'_>,
    engines: &mut [Box<dyn Engine + '_>],
    session: &mut Session<'_>,
) -> Option<String> {
    let arguments = &command.invocation().args;
    let mut failures = String::new();
    let mut lacking = None;
    for engine in engines {
        let outcome = engine.call(&function.name, arguments);
        if let CallOutcome::Lacking(what) = outcome {
            lacking = Some(format!("{}: {what}", engine.name()));
        } else if !comes_true(command, &outcome) {
            failures += &format!("\n  {}: {outcome}", engine.name());
        } else if matches!(command, RunCommand::Print(_)) {
            let what = format_args!("{}: {command}: {outcome}", engine.name());
            session.report.note(comment.location.line, what);
        }
    }
    if !failures.is_empty() {
        let what = format_args!("{command}{failures}");
        session.report.fail(comment.location.line, what);
    } else if lacking.is_none() {
        session.report.pass();
    } else {
        return lacking;
    }
    None
}

/// Whether `outcome` is what `command` expects.
fn comes_true(command: &RunCommand, outcome: &CallOutcome) -> bool {
    match (command, outcome) {
        (
            RunCommand::Run {
                comparison,
                expected,
                ..
            },
            CallOutcome::Returned(results),
        ) => comparison.holds(results, expected),
        (RunCommand::Print(_), CallOutcome::Returned(_)) => true,
        (RunCommand::Trap { code, .. }, CallOutcome::Trapped(trapped)) => code == trapped,
        _ => false,
    }
}
