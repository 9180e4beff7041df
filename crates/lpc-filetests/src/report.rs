//! What is told about the tests of a file.

use lpc_lpir::text::{Excerpt, Location};
use std::fmt::{self, Display};
use std::io::{self, Write};
use std::ops::AddAssign;

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

impl AddAssign for Summary {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
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

    /// Counts a file that cannot be tested for what stands at `location` of its `text`, and shows that place.
    pub(crate) fn fail_at(&mut self, text: &str, location: Location, why: impl Display) {
        self.summary.failed += 1;
        let file = self.file;
        let message = &format_args!("failed: {why}");
        self.write_line(format_args!(
            "{}",
            Excerpt {
                file,
                text,
                location,
                message
            }
        ));
    }

    /// Counts a file or folder that cannot be tested.
    pub(crate) fn fail_file(&mut self, why: impl Display) {
        self.summary.failed += 1;
        let file = self.file;
        self.write_line(format_args!("{file}: failed: {why}"));
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
        let file = self.file;
        self.write_line(format_args!("{file}:{line}: {what}"));
    }

    fn write_line(&mut self, line: fmt::Arguments<'_>) {
        if self.error.is_none() {
            let written = writeln!(self.output, "{line}");
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
