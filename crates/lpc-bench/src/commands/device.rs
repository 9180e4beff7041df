//! `lpc-bench device`.

use clap::Args;
use lpc_bench::Result;
use lpc_bench::report::Report;

/// Measures the compiler on the chip, beside Cranelift: flash, heap, stack and executed instructions.
#[derive(Args)]
pub(crate) struct DeviceArguments {
    /// Leaves out Cranelift, which takes minutes to build, and the passes one by one.
    #[arg(long)]
    quick: bool,
}

pub(crate) fn run(arguments: &DeviceArguments) -> Result<Report> {
    lpc_bench::device::run(arguments.quick)
}
