//! The `lpc-bench` command line.
//!
//! Tables and the lines `figure NAME VALUE` go to the standard output, everything else to the standard error. The exit code is 0
//! if everything was measured that the tools which are installed allow, and 1 for every error, in the input or in the use.

mod commands;

use clap::{Args, Parser, Subcommand};
use commands::code::{self, CodeArguments};
use commands::compile::{self, CompileArguments};
use commands::device::{self, DeviceArguments};
use commands::emulator::{self, EmulatorArguments};
use lpc_bench::report::Report;
use lpc_bench::{Error, Result};
use peakmem_alloc::PeakMemAlloc;
use std::alloc::System;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const EXIT_ERROR: u8 = 1;

/// Counts what is allocated.
#[global_allocator]
static HEAP: PeakMemAlloc<System> = PeakMemAlloc::new(System);

/// Measures lpc beside other tools.
#[derive(Parser)]
#[command(
    name = "lpc-bench",
    version,
    after_help = "The exit code is 0 if everything was measured that the installed tools allow, and 1 for every error."
)]
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
    Device(DeviceArguments),
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
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let is_error = error.use_stderr();
            // There is nobody left to tell when this fails.
            let _ = error.print();
            return ExitCode::from(if is_error { EXIT_ERROR } else { 0 });
        }
    };
    match run(&arguments) {
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
        Command::Device(arguments) => device::run(arguments),
        Command::Emulator(arguments) => emulator::run(arguments),
    }?;
    // What took long to measure is written to as many places as there are.
    let printed = print(&report);
    arguments.outputs.write(&report)?;
    printed
}

/// Prints `report` to whoever reads the standard output.
fn print(report: &Report) -> Result<()> {
    let mut stdout = anstream::stdout().lock();
    match write!(stdout, "{report}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::Other(format!(
            "cannot write the standard output: {error}"
        ))),
        _ => Ok(()),
    }
}

impl Outputs {
    /// Makes the folder, and finds out whether files can be written later. What is there stays as it is until then.
    fn check(&self) -> Result<()> {
        if let Some(folder) = &self.svg {
            fs::create_dir_all(folder).map_err(|error| Error::file(folder, error))?;
            tempfile::tempfile_in(folder).map_err(|error| Error::file(folder, error))?;
        }
        if let Some(file) = &self.json {
            check_writable(file).map_err(|error| Error::file(file, error))?;
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

/// Fails where `file` cannot be written. Leaves it as it is, or away.
fn check_writable(file: &Path) -> io::Result<()> {
    let is_there = file.try_exists()?;
    OpenOptions::new().append(true).create(true).open(file)?;
    match is_there {
        true => Ok(()),
        false => fs::remove_file(file),
    }
}

#[cfg(test)]
mod tests {
    use super::Outputs;
    use lpc_bench::report::Report;
    use std::fs;

    #[test]
    fn files_are_left_alone_until_there_are_results() {
        let folder = tempfile::tempdir().unwrap();
        let [old, new, away] = ["old.json", "new.json", "away/new.json"].map(|name| Outputs {
            json: Some(folder.path().join(name)),
            svg: None,
        });
        let path = |outputs: &Outputs| outputs.json.clone().unwrap();
        fs::write(path(&old), "results of yesterday").unwrap();
        old.check().unwrap();
        new.check().unwrap();
        away.check().unwrap_err();
        let kept = fs::read_to_string(path(&old)).unwrap();
        assert_eq!(kept, "results of yesterday");
        assert!(!path(&new).exists());

        let report = Report::default();
        old.write(&report).unwrap();
        assert_eq!(fs::read_to_string(path(&old)).unwrap(), report.to_json());
    }
}
