//! `lpc-bench emulator`.

use super::select;
use clap::Args;
use lpc_bench::Result;
use lpc_bench::emulator::{Program, QemuRunner, measure, present};
use lpc_bench::report::Report;

/// Measures the emulator beside QEMU: instructions a second.
#[derive(Args)]
pub(crate) struct EmulatorArguments {
    /// Measures only these kernels.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,
    /// How often each program runs; the fastest run counts.
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
}

pub(crate) fn run(arguments: &EmulatorArguments) -> Result<Report> {
    let kernels = select(&arguments.only)?;
    let qemu = QemuRunner::new()?;
    let mut measurements = Vec::new();
    for kernel in &kernels {
        anstream::eprintln!("{}", kernel.name);
        let program = Program::new(kernel)?;
        measurements.push(measure(&program, &qemu, arguments.runs)?);
    }
    Ok(present(&measurements))
}
