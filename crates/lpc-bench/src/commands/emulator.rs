//! `lpc-bench emulator`.

use clap::Args;
use lpc_bench::Result;
use lpc_bench::report::Report;

/// Measures the emulator beside QEMU: instructions a second.
#[derive(Args)]
pub(crate) struct EmulatorArguments {}

pub(crate) fn run(_arguments: &EmulatorArguments) -> Result<Report> {
    Ok(Report::default())
}
