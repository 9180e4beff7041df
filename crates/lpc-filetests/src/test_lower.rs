//! `test lower`: the virtual-register code of a function is the comment behind it. A file whose targets
//! are all other machines is skipped.

use crate::attempt::{NoResult, attempt};
use crate::check::check_precise;
use crate::subtest::{Session, SubTest, for_each_verified_function, skip_foreign_code};
use lpc_codegen::backend::vcode_text::print_vcode;
use lpc_codegen::lower_function;
use lpc_lpir::text::TestFile;

/// `test lower`.
pub(crate) struct TestLower;

impl SubTest for TestLower {
    fn run(&self, file: &TestFile<'_>, session: &mut Session<'_>) {
        if skip_foreign_code(file, session) {
            return;
        }
        for_each_verified_function(file, session, |function, func, session| {
            let line = function.location.line;
            let settings = &session.configuration.settings;
            match attempt(func, || lower_function(func, settings)) {
                Ok(vcode) => check_precise(&print_vcode(&func.name, &vcode), line, session),
                Err(NoResult::Lacking(what)) => session.report.skip(line, 1, what),
                Err(NoResult::Failed(what)) => session.report.fail(line, what),
            }
        });
    }
}
