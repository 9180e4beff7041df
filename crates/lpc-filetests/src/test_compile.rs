//! `test compile`: functions can be compiled, and their machine code is what is expected.
//!
//! With `precise-output` the machine code is the comment behind the function; without, it matches the directives there, if
//! there are some. A file whose targets are all other machines is skipped.

use crate::attempt::{NoResult, attempt};
use crate::check::{check_directives, check_precise};
use crate::machine_code::print_code;
use crate::subtest::{Session, SubTest, for_each_verified_function, skip_foreign_code};
use lpc_codegen::compile_function;
use lpc_lpir::text::TestFile;

/// `test compile`.
#[derive(Default)]
pub(crate) struct TestCompile {
    /// Whether the machine code is expected as a whole.
    pub(crate) precise_output: bool,
}

impl SubTest for TestCompile {
    fn run(&self, file: &TestFile<'_>, session: &mut Session<'_>) {
        if skip_foreign_code(file, session) {
            return;
        }
        for_each_verified_function(file, session, |function, func, session| {
            let line = function.location.line;
            let settings = session.configuration.settings.clone();
            let code = match attempt(func, || compile_function(func, &settings)) {
                Ok(compiled) => print_code(&compiled.code.buffer, settings.extensions),
                Err(NoResult::Lacking(what)) => return session.report.skip(line, 1, what),
                Err(NoResult::Failed(what)) => return session.report.fail(line, what),
            };
            if self.precise_output {
                return check_precise(&code, line, session);
            }
            let comments = file.preamble_comments.iter().chain(&function.comments);
            let directives = comments.map(|comment| (comment.location, comment.text));
            match check_directives(&code, directives) {
                Ok(()) => session.report.pass(),
                Err(what) => session.report.fail(line, what),
            }
        });
    }
}
