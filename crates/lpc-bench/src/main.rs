//! The `lpc-bench` command line.
//!
//! Tables and the lines `figure NAME VALUE` go to the standard output, everything else to the standard error. The exit code is 0
//! if everything was measured that the tools which are installed allow, and 2 if the work could not be done.

mod commands;

use clap::{Args, Parser, Subcommand};
use commands::code::{self, CodeArguments};
use commands::compile::{self, CompileArguments};
use commands::emulator::{self, EmulatorArguments};
use lpc_bench::report::Report;
use lpc_bench::{Error, Result};
use peakmem_alloc::PeakMemAlloc;
use std::alloc::System;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

const EXIT_ERROR: u8 = 2;

/// Counts what is allocated.
#[global_allocator]
static HEAP: PeakMemAlloc<System> = PeakMemAlloc::new(System);

/// Measures lpc beside other tools.
#[derive(Parser)]
#[command(name = "lpc-bench", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    outputs: Outputs,
}

#[derive(Subcommand)]
enum Command {
    Code(CodeArguments),
    Compile(CompileArguments),
    Emulator(EmulatorArguments),
}

/// Where results go besides the standard output.
#[derive(Args)]
struct Outputs {
    /// Writes all tables, plots and figures as JSON.
    #[arg(long, global = true, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Writes each plot as an SVG file of its name to this folder.
    #[arg(long, global = true, value_name = "FOLDER")]
    svg: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("error: {error}");
            ExitCode::from(EXIT_ERROR)
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    // Told before hours of measuring, not after them.
    arguments.outputs.check()?;
    let report = match &arguments.command {
        Command::Code(arguments) => code::run(arguments),
        Command::Compile(arguments) => compile::run(arguments),
        Command::Emulator(arguments) => emulator::run(arguments),
    }?;
    arguments.outputs.write(&report)?;
    anstream::print!("{report}");
    Ok(())
}

impl Outputs {
    /// Makes the folder and the file, so that they can be written later.
    fn check(&self) -> Result<()> {
        if let Some(folder) = &self.svg {
            fs::create_dir_all(folder).map_err(|error| Error::file(folder, error))?;
        }
        if let Some(file) = &self.json {
            fs::write(file, "").map_err(|error| Error::file(file, error))?;
        }
        Ok(())
    }

    fn write(&self, report: &Report) -> Result<()> {
        if let Some(folder) = &self.svg {
            for plot in &report.plots {
                let file = folder.join(plot.name()).with_extension("svg");
                fs::write(&file, plot.to_svg()).map_err(|error| Error::file(&file, error))?;
            }
        }
        if let Some(file) = &self.json {
            fs::write(file, report.to_json()).map_err(|error| Error::file(file, error))?;
        }
        Ok(())
    }
}
