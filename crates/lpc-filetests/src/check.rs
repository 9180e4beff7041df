//! Comparing texts with what is expected of them.

use crate::expectation::expected_text;
use crate::subtest::Session;
use filecheck::{CheckerBuilder, NO_VARIABLES};
use lpc_lpir::text::Location;
use similar::TextDiff;

/// Compares what the function that starts in line `function_line` became with the comment behind it; or notes it for the
/// file to be rewritten, when that is asked for.
pub(crate) fn check_precise(actual: &str, function_line: u32, session: &mut Session<'_>) {
    let expected = expected_text(session.text, function_line);
    let actual: Vec<&str> = actual.lines().collect();
    if session.blesses() {
        let lines = actual.iter().map(ToString::to_string).collect();
        session.bless(function_line, lines);
    } else if actual != expected {
        let diff = TextDiff::from_slices(&expected, &actual);
        session.report.fail(
            function_line,
            format_args!(
                "the result is not the expected text (set LPC_TEST_BLESS=1 to rewrite that)\n{}",
                diff.unified_diff().header("expected", "actual")
            ),
        );
        return;
    }
    session.report.pass();
}

/// Matches `actual` with the directives in `comments`, each with its place: `check:`, `nextln:`, `sameln:`, `not:`, `unordered:`, `regex:`, as the
/// crate `filecheck` has them. Without directives every text matches.
///
/// # Errors
/// What does not match, or is no right directive.
pub(crate) fn check_directives<'a>(
    actual: &str,
    comments: impl Iterator<Item = (Location, &'a str)>,
) -> Result<(), String> {
    let mut builder = CheckerBuilder::new();
    for (location, text) in comments {
        let added = builder.directive(text);
        added.map_err(|error| format!("{location}: {error}"))?;
    }
    let checker = builder.finish();
    if checker.is_empty() {
        return Ok(());
    }
    let explained = checker.explain(actual, NO_VARIABLES);
    match explained.map_err(|error| error.to_string())? {
        (true, _) => Ok(()),
        (false, explanation) => Err(format!("no match\n{checker}{explanation}")),
    }
}
