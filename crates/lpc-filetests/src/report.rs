//! What is told about the tests of a file.

use std::fmt::{self, Display};
use std::io::{self, Write};

/// How many tests did what.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// The tests whose expectation was met.
    pub passed: u32,
    /// The tests whose expectation was not met, and files that are no tests.
    pub failed: u32,
    /// The tests that need something that we lack.
    pub skipped: u32,
}

/// Writes the closing line of a run: `12 passed, 0 failed, 3 skipped`.
impl Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            passed,
            failed,
            skipped,
        } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

/// Counts the tests of a file and writes what is to be said about them.
pub(crate) struct Report<'a> {
    file: &'a str,
    output: &'a mut dyn Write,
    summary: Summary,
    /// The first error of writing. What is said behind it is lost.
    error: Option<io::Error>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(file: &'a str, output: &'a mut dyn Write) -> Self {
        Self {
            file,
            output,
            summary: Summary::default(),
            error: None,
        }
    }

    /// Counts a test that passed.
    pub(crate) fn pass(&mut self) {
        self.summary.passed += 1;
    }

    /// Counts a test that failed, and says why.
    pub(crate) fn fail(&mut self, line: u32, why: impl Display) {
        self.summary.failed += 1;
        self.write(line, format_args!("failed: {why}"));
    }

    /// Counts `count` tests that were skipped, and says what is lacking.
    pub(crate) fn skip(&mut self, line: u32, count: u32, what: impl Display) {
        self.summary.skipped += count;
        let tests = if count == 1 { "test" } else { "tests" };
        self.write(line, format_args!("skipped {count} {tests}: {what}"));
    }

    /// Says something that is neither good nor bad.
    pub(crate) fn note(&mut self, line: u32, what: impl Display) {
        self.write(line, format_args!("{what}"));
    }

    fn write(&mut self, line: u32, what: fmt::Arguments<'_>) {
        if self.error.is_none() {
            let written = writeln!(self.output, "{}:{line}: {what}", self.file);
            self.error = written.err();
        }
    }

    /// The counts.
    ///
    /// # Errors
    /// The first error of writing.
    pub(crate) fn finish(self) -> io::Result<Summary> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.summary),
        }
    }
}
