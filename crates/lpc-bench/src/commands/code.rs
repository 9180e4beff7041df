//! `lpc-bench code`.

use clap::Args;
use lpc_bench::Result;
use lpc_bench::report::Report;

/// Measures compiled code beside that of C compilers: executed instructions, bytes, and what the instructions are.
#[derive(Args)]
pub(crate) struct CodeArguments {}

pub(crate) fn run(_arguments: &CodeArguments) -> Result<Report> {
    Ok(Report::default())
}
