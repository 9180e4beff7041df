//! The `lpc-fuzz` command line.
//!
//! The last line on the standard output counts what was done and found; everything else goes to the standard error. The exit
//! code is 0 if nothing was found, 1 if something was, and 2 if the work could not be done.

mod commands;

use clap::{Parser, Subcommand};
use commands::abi::{self, AbiArguments};
use commands::broken::{self, BrokenArguments};
use commands::device::{self, DeviceArguments};
use commands::diff::{self, DiffArguments};
use commands::replay::{self, ReplayArguments};
use std::process::ExitCode;

const EXIT_FOUND: u8 = 1;
const EXIT_ERROR: u8 = 2;

/// Compares lpc with other tools on random programs.
#[derive(Parser)]
#[command(name = "lpc-fuzz", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Abi(AbiArguments),
    Broken(BrokenArguments),
    Replay(ReplayArguments),
    Diff(DiffArguments),
    Device(DeviceArguments),
}

fn main() -> ExitCode {
    let found_nothing = match Arguments::parse().command {
        Command::Abi(arguments) => abi::run(&arguments),
        Command::Broken(arguments) => broken::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Device(arguments) => device::run(&arguments),
    };
    match found_nothing {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(EXIT_FOUND),
        Err(error) => {
            anstream::eprintln!("error: {error}");
            ExitCode::from(EXIT_ERROR)
        }
    }
}
