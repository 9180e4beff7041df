//! Test commands: what they share.

use crate::configuration::Configuration;
use crate::report::Report;
use crate::runner::Options;
use crate::vcode_file::VCodeFile;
use crate::{
    test_cat, test_compile, test_emit, test_lower, test_regalloc, test_run, test_verifier,
};
use lpc_lpir::ir::Function;
use lpc_lpir::text::{Outcome, ParsedFunction, TestFile, TestFunction};
use lpc_lpir::verifier::verify_function;

/// A test command of a `.clif` file.
pub(crate) trait SubTest {
    /// Tests the functions of `file`.
    fn run(&self, file: &TestFile<'_>, session: &mut Session<'_>);
}

/// A test command of a `.vcode` file.
pub(crate) trait VCodeTest {
    /// Tests the functions of `file`.
    fn run(&self, file: &VCodeFile<'_>, session: &mut Session<'_>);
}

/// The test of a `.clif` file that `command`, such as `compile precise-output`, asks for. `None` when there is none.
pub(crate) fn subtest(command: &str) -> Option<Box<dyn SubTest>> {
    Some(match words(command).as_slice() {
        ["run"] => Box::new(test_run::TestRun::new()),
        ["interpret"] => Box::new(test_run::TestRun::interpreter_only()),
        ["compile"] => Box::new(test_compile::TestCompile::default()),
        ["compile", "precise-output"] => Box::new(test_compile::TestCompile {
            precise_output: true,
        }),
        ["lower"] => Box::new(test_lower::TestLower),
        ["verifier"] => Box::new(test_verifier::TestVerifier),
        ["cat"] => Box::new(test_cat::TestCat),
        _ => return None,
    })
}

/// The test of a `.vcode` file that `command` asks for. `None` when there is none.
pub(crate) fn vcode_test(command: &str) -> Option<Box<dyn VCodeTest>> {
    Some(match words(command).as_slice() {
        ["regalloc"] => Box::new(test_regalloc::TestRegalloc),
        ["emit"] => Box::new(test_emit::TestEmit),
        _ => return None,
    })
}

/// The test commands of Cranelift that test what has no counterpart here.
const CRANELIFT_COMMANDS: [&str; 7] = [
    "alias-analysis",
    "domtree",
    "inline",
    "optimize",
    "print-cfg",
    "safepoint",
    "unwind",
];

/// Whether `command` is known to Cranelift alone, so that a file with it is not wrong.
pub(crate) fn is_cranelift_command(command: &str) -> bool {
    match words(command).as_slice() {
        ["compile", "expect-fail"] => true,
        [name, ..] => CRANELIFT_COMMANDS.contains(name),
        [] => false,
    }
}

fn words(command: &str) -> Vec<&str> {
    command.split_whitespace().collect()
}

/// What the tests of a file work with.
pub(crate) struct Session<'a> {
    /// What the file holds.
    pub(crate) text: &'a str,
    /// How its functions are to be compiled.
    pub(crate) configuration: Configuration,
    /// Whether functions that are executed are retyped: [`Options::retype_pointers`].
    pub(crate) retype_pointers: bool,
    /// Where the results go.
    pub(crate) report: Report<'a>,
    /// The new expectations, in the order of the functions; `None` when the old ones are to be met.
    blessed: Option<Vec<(u32, Vec<String>)>>,
}

impl<'a> Session<'a> {
    /// A session about a file that holds `text`.
    pub(crate) fn new(
        text: &'a str,
        configuration: Configuration,
        report: Report<'a>,
        options: &Options,
    ) -> Self {
        Self {
            text,
            configuration,
            retype_pointers: options.retype_pointers,
            report,
            blessed: options.bless.then(Vec::new),
        }
    }

    /// Whether expected texts are gathered.
    pub(crate) fn blesses(&self) -> bool {
        self.blessed.is_some()
    }

    /// Makes `lines` the expected text of the function that starts in line `function_line`.
    pub(crate) fn bless(&mut self, function_line: u32, lines: Vec<String>) {
        if let Some(blessed) = &mut self.blessed {
            blessed.push((function_line, lines));
        }
    }

    /// The results, and the expected texts that were gathered.
    pub(crate) fn finish(self) -> (Report<'a>, Vec<(u32, Vec<String>)>) {
        (self.report, self.blessed.unwrap_or_default())
    }
}

/// Calls `test` with every function of `file` that was read and passes the verifier. The others are reported.
pub(crate) fn for_each_verified_function<'a>(
    file: &TestFile<'_>,
    session: &mut Session<'a>,
    mut test: impl FnMut(&TestFunction<'_>, &Function, &mut Session<'a>),
) {
    for_each_function(
        file,
        session,
        |function, parsed, session| match verify_function(&parsed.function) {
            Ok(()) => test(function, &parsed.function, session),
            Err(errors) => session.report.fail(
                function.location.line,
                format_args!("{} does not pass the verifier\n{errors}", function.name),
            ),
        },
    );
}

/// Skips all functions of `file`, and says so by `true`, when it states the code of other machines only.
pub(crate) fn skip_foreign_code(file: &TestFile<'_>, session: &mut Session<'_>) -> bool {
    let Some(target) = session.configuration.foreign_target().map(str::to_owned) else {
        return false;
    };
    let what = format_args!("the code is that of target {target}");
    let count = file.functions.len() as u32;
    session.report.skip(1, count, what);
    true
}

/// Calls `test` with every function of `file` that was read. The others are reported.
pub(crate) fn for_each_function<'a>(
    file: &TestFile<'_>,
    session: &mut Session<'a>,
    mut test: impl FnMut(&TestFunction<'_>, &ParsedFunction, &mut Session<'a>),
) {
    for function in &file.functions {
        match &function.outcome {
            Outcome::Parsed(parsed) => test(function, parsed, session),
            Outcome::Skipped(reason) => session.report.skip(
                function.location.line,
                1,
                format_args!("{}: {}", function.name, reason.message),
            ),
        }
    }
}
