//! `lpc test`: runs filetests.

use crate::failure::Failure;
use crate::input::read_bytes;
use clap::Args;
use lpc_filetests::{Options, Summary, run_paths};
use lpc_lpir::binary::is_binary;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Run the tests that files contain
///
/// A path may be a folder: all .clif and .vcode files in it are run. What a file is tested for stands in its first lines (test run,
/// test compile, ...). Set LPC_TEST_BLESS=1 to rewrite expected output to what the compiler now gives.
#[derive(Args)]
#[command(after_help = "\
Examples:
  lpc test filetests
  lpc test examples/gcd.clif
  LPC_TEST_BLESS=1 lpc test filetests")]
pub(crate) struct Arguments {
    /// Files and folders
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Run functions with addresses of type i64 as well, where giving these type i32 changes nothing else
    #[arg(long)]
    retype_pointers: bool,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.paths.iter().any(|path| path == Path::new("-")) {
        let message = "`lpc test` takes files and folders, not the standard input";
        return Err(Failure::message(message));
    }
    // Of folders only text is taken.
    for path in arguments.paths.iter().filter(|path| path.is_file()) {
        if is_binary(&read_bytes(path)?) {
            return Err(Failure::message(format_args!(
                "{}: the binary form does not say what to test; `lpc compile --emit lpir` makes text of it",
                path.display()
            )));
        }
    }
    let mut stdout = BufWriter::new(io::stdout().lock());
    let options = Options {
        retype_pointers: arguments.retype_pointers,
        ..Options::from_environment()
    };
    let summary = run_paths(&arguments.paths, &options, &mut stdout)?;
    stdout.flush()?;
    if summary == Summary::default() {
        return Err(Failure::message("the files state nothing to test"));
    }
    match summary.failed {
        0 => Ok(()),
        1 => Err(Failure::message("1 test failed")),
        failed => Err(Failure::message(format_args!("{failed} tests failed"))),
    }
}
