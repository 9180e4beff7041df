//! `lpc-bench compile`.

use crate::HEAP;
use clap::Args;
use lpc_bench::Result;
use lpc_bench::report::Report;
use std::path::PathBuf;

/// Measures the compiler beside Cranelift: time and memory.
#[derive(Args)]
pub(crate) struct CompileArguments {
    /// Measures the functions of all `.clif` files in these folders too.
    #[arg(value_name = "FOLDER")]
    folders: Vec<PathBuf>,
    /// Takes seconds instead of minutes: fewer functions, compiled less often, and none of the largest.
    #[arg(long)]
    quick: bool,
}

pub(crate) fn run(arguments: &CompileArguments) -> Result<Report> {
    lpc_bench::compile::run(&arguments.folders, arguments.quick, &HEAP)
}
