//! `lpc-bench emulator`.

use super::Selection;
use clap::Args;
use lpc_bench::Result;
use lpc_bench::emulator::{Program, QemuRunner, measure, present};
use lpc_bench::report::Report;

/// More runs than this, of a second each, are a mistake.
const MOST_RUNS: i64 = 1000;

/// Measures the emulator beside QEMU: instructions a second.
#[derive(Args)]
pub(crate) struct EmulatorArguments {
    #[command(flatten)]
    selection: Selection,
    /// How often each program runs; the fastest run counts.
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=MOST_RUNS))]
    runs: u32,
}

pub(crate) fn run(arguments: &EmulatorArguments) -> Result<Report> {
    let kernels = arguments.selection.kernels();
    let qemu = QemuRunner::new()?;
    let mut measurements = Vec::new();
    for kernel in &kernels {
        anstream::eprintln!("{}", kernel.name);
        let program = Program::new(kernel)?;
        measurements.push(measure(&program, &qemu, arguments.runs)?);
    }
    Ok(present(&measurements))
}
