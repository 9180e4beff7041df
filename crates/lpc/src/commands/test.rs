//! `lpc test`: runs filetests.

use crate::failure::Failure;
use clap::Args;
use std::path::PathBuf;

/// Run the tests that files contain
///
/// A path may be a folder: all .clif files in it are run. What a file is tested for stands in its first lines (test run,
/// test compile, ...). Set LPC_BLESS=1 to rewrite expected output to what the compiler now gives.
#[derive(Args)]
#[command(after_help = "\
Examples:
  lpc test filetests
  lpc test filetests/run/arithmetic.clif
  LPC_BLESS=1 lpc test filetests/compile")]
pub(crate) struct Arguments {
    /// Files and folders
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let _ = &arguments.paths;
    Err(Failure::message("not wired"))
}
