//! `lpc-bench compile`.

use clap::Args;
use lpc_bench::Result;
use lpc_bench::report::Report;

/// Measures the compiler beside Cranelift: time and memory.
#[derive(Args)]
pub(crate) struct CompileArguments {}

pub(crate) fn run(_arguments: &CompileArguments) -> Result<Report> {
    Ok(Report::default())
}
