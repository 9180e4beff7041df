//! The `lpc` command line.
//!
//! Results go to the standard output, everything else to the standard error. The exit code says what kind of end it was:
//! see [`failure`].

mod asm;
mod commands;
mod device;
mod diagnostics;
mod executable;
mod failure;
mod host;
mod input;
mod object;
mod options;
mod output;
mod pipeline;
mod source;
mod stats;

use clap::{Parser, Subcommand};
use failure::EXIT_ERROR;
use peakmem_alloc::PeakMemAlloc;
use std::alloc::System;
use std::process::ExitCode;

/// Counts the bytes that are allocated, for `run --stats`.
#[global_allocator]
static HEAP: PeakMemAlloc<System> = PeakMemAlloc::new(System);

/// Compiles an SSA IR, in Cranelift's CLIF text, to 32-bit RISC-V machine code, and runs it.
#[derive(Parser)]
#[command(name = "lpc", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(commands::run::Arguments),
    Compile(commands::compile::Arguments),
    Test(commands::test::Arguments),
    Dis(commands::dis::Arguments),
    Render(commands::render::Arguments),
    Device(commands::device::Arguments),
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
    let result = match &arguments.command {
        Command::Run(arguments) => commands::run::run(arguments),
        Command::Compile(arguments) => commands::compile::run(arguments),
        Command::Test(arguments) => commands::test::run(arguments),
        Command::Dis(arguments) => commands::dis::run(arguments),
        Command::Render(arguments) => commands::render::run(arguments),
        Command::Device(arguments) => commands::device::run(arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
