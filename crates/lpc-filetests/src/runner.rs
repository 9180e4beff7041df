//! Running files and folders.

use crate::attempt::catch_panic;
use crate::configuration::Configuration;
use crate::expectation::with_expectations;
use crate::report::{Report, Summary};
use crate::subtest::{Session, is_cranelift_command, subtest, vcode_test};
use crate::vcode_file::VCodeFile;
use lpc_lpir::text::{HeaderKind, HeaderLine, Location, parse_test};
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// How tests are run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// Whether expected texts are rewritten to what comes out, instead of compared with it.
    pub bless: bool,
    /// Whether functions that are executed and have addresses of type `i64` are retyped, instead of skipped.
    pub retype_pointers: bool,
    /// Whether the first file with a test that fails is the last one.
    pub fail_fast: bool,
}

impl Options {
    /// The environment variable that asks for [`Self::bless`] when it is `1`.
    pub const BLESS_VARIABLE: &str = "LPC_TEST_BLESS";
    /// The environment variable that asks for [`Self::fail_fast`] when it is `1`.
    pub const FAIL_FAST_VARIABLE: &str = "LPC_TEST_FAIL_FAST";

    /// What the environment asks for.
    pub fn from_environment() -> Self {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| value == "1");
        Self {
            bless: is_set(Self::BLESS_VARIABLE),
            fail_fast: is_set(Self::FAIL_FAST_VARIABLE),
            ..Self::default()
        }
    }
}

/// Runs the tests in `paths` and writes to `output` what did not pass, and the counts as the last line. A folder stands for
/// all `.clif` and `.vcode` files in it. A file that several paths name is run once.
///
/// # Errors
/// When `output` cannot be written. A file that cannot be read counts as a failed test, and so does a folder without tests.
pub fn run_paths(
    paths: &[PathBuf],
    options: &Options,
    output: &mut dyn Write,
) -> io::Result<Summary> {
    let mut total = Summary::default();
    let mut done = BTreeSet::new();
    'paths: for path in paths {
        let mut has_tests = false;
        let entries = WalkDir::new(path).sort_by_file_name().into_iter();
        for entry in entries {
            let file = match &entry {
                Ok(entry) if entry.file_type().is_dir() => continue,
                Ok(entry) if entry.depth() > 0 && !is_test(entry.path()) => continue,
                Ok(entry) => entry.path(),
                Err(error) => error.path().unwrap_or(path),
            };
            has_tests = true;
            if done.insert(file.canonicalize().unwrap_or_else(|_| file.to_owned())) {
                total += run_file(file, options, output)?;
            }
            if options.fail_fast && total.failed > 0 {
                break 'paths;
            }
        }
        if !has_tests {
            let name = path.display().to_string();
            let mut report = Report::new(&name, output);
            report.fail_file("the folder holds no .clif and no .vcode file");
            total += report.finish()?;
        }
    }
    writeln!(output, "{total}")?;
    Ok(total)
}

/// What some editors put before a text in UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';

fn is_test(path: &Path) -> bool {
    let extension = path.extension();
    extension.is_some_and(|extension| extension == "clif" || extension == "vcode")
}

/// Runs the tests in `path`.
fn run_file(path: &Path, options: &Options, output: &mut dyn Write) -> io::Result<Summary> {
    let name = path.display().to_string();
    let mut report = Report::new(&name, output);
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            report.fail_file(error);
            return report.finish();
        }
    };
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&text);
    let is_vcode = path
        .extension()
        .is_some_and(|extension| extension == "vcode");
    let (mut report, expectations) = if is_vcode {
        run_vcode(text, options, report)
    } else {
        run_clif(text, options, report)
    };
    if !expectations.is_empty() {
        let blessed = with_expectations(text, &expectations);
        if blessed != text
            && let Err(error) = fs::write(path, blessed)
        {
            report.fail_file(error);
        }
    }
    report.finish()
}

/// The report of a file, and its new expected texts.
type FileResult<'a> = (Report<'a>, Vec<(u32, Vec<String>)>);

fn run_clif<'a>(text: &'a str, options: &Options, mut report: Report<'a>) -> FileResult<'a> {
    let file = match parse_test(text) {
        Ok(file) => file,
        Err(error) => {
            report.fail_at(text, error.location, error.message);
            return (report, Vec::new());
        }
    };
    run_commands(
        text,
        &file.header,
        options,
        report,
        &mut |command, session| match subtest(command) {
            Some(test) => {
                test.run(&file, session);
                true
            }
            None => false,
        },
    )
}

fn run_vcode<'a>(text: &'a str, options: &Options, mut report: Report<'a>) -> FileResult<'a> {
    let file = match VCodeFile::parse(text) {
        Ok(file) => file,
        Err(error) => {
            let (line, column) = (error.line, error.column);
            report.fail_at(text, Location { line, column }, error.message);
            return (report, Vec::new());
        }
    };
    run_commands(
        text,
        &file.header,
        options,
        report,
        &mut |command, session| match vcode_test(command) {
            Some(test) => {
                test.run(&file, session);
                true
            }
            None => false,
        },
    )
}

/// Runs each test command of `header`. `run` gives `false` for an unknown one.
fn run_commands<'a>(
    text: &'a str,
    header: &[HeaderLine<'_>],
    options: &Options,
    mut report: Report<'a>,
    run: &mut dyn FnMut(&str, &mut Session<'a>) -> bool,
) -> FileResult<'a> {
    let configuration = match Configuration::from_header(header) {
        Ok(configuration) => configuration,
        Err((line, message)) => {
            report.fail(line, message);
            return (report, Vec::new());
        }
    };
    let mut session = Session::new(text, configuration, report, options);
    let commands: Vec<_> = header
        .iter()
        .filter(|line| line.kind == HeaderKind::Test)
        .collect();
    if commands.is_empty() {
        session.report.fail(1, "the file has no test command");
    }
    let runs = commands.iter().any(|line| line.text.trim() == "run");
    for line in commands {
        let number = line.location.line;
        // All that is interpreted for `test interpret` is interpreted for `test run` as well.
        if runs && line.text.trim() == "interpret" {
            continue;
        }
        match catch_panic(|| run(line.text, &mut session)) {
            Ok(true) => {}
            Ok(false) => {
                let command = line.text.trim();
                let what = format_args!("unknown test command `{command}`");
                if is_cranelift_command(command) {
                    session.report.skip(number, 1, what);
                } else {
                    session.report.fail(number, what);
                }
            }
            Err(panic) => session.report.fail(number, panic),
        }
    }
    session.finish()
}
