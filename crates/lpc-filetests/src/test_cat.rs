//! `test cat`: what is read prints as the directives say, and what was printed reads and prints as the same.

use crate::check::check_directives;
use crate::subtest::{Session, SubTest, for_each_function};
use lpc_lpir::ir::Function;
use lpc_lpir::text::{TestFile, parse_functions};

/// `test cat`.
pub(crate) struct TestCat;

impl SubTest for TestCat {
    fn run(&self, file: &TestFile<'_>, session: &mut Session<'_>) {
        for_each_function(file, session, |function, parsed, session| {
            let printed = parsed.function.to_string();
            let comments = file.preamble_comments.iter().chain(&function.comments);
            let checked = check_directives(&printed, comments)
                .and_then(|()| check_fixpoint(&parsed.function, &printed));
            match checked {
                Ok(()) => session.report.pass(),
                Err(what) => session.report.fail(
                    function.location.line,
                    format_args!("{}: {what}", function.name),
                ),
            }
        });
    }
}

/// Reads and prints again what `function` printed as.
fn check_fixpoint(function: &Function, printed: &str) -> Result<(), String> {
    let read = parse_functions(printed).map_err(|error| {
        format!(
            "what is printed cannot be read\n{}",
            error.in_text("", printed)
        )
    })?;
    match read.as_slice() {
        [read] if read.to_string() == printed => Ok(()),
        [read] => Err(format!(
            "what is printed is read as another function\n{printed}\n{read}"
        )),
        _ => Err(format!("{} prints as several functions", function.name)),
    }
}
