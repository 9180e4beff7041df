//! `--emit elf`: a static executable, with its options.

use crate::failure::Failure;
use crate::options::parse_size;
use crate::source::SourceModule;
use clap::Args;
use lpc_codegen::Settings;
use lpc_link::Linker;
use lpc_link::elf::{ExecutableError, ExecutableOptions, Stack, link_executable};

/// What an executable is to be like.
#[derive(Args)]
#[command(next_help_heading = "Executables")]
pub(crate) struct ExecutableArguments {
    /// Reserve a stack of this size in the executable, for a machine without an operating system: no stack pointer is set
    /// there
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    stack_size: Option<u32>,
}

/// The executable of the program `source`, of which `linker` has the functions.
pub(crate) fn executable(
    source: &SourceModule,
    linker: Linker,
    settings: &Settings,
    base: Option<u32>,
    arguments: &ExecutableArguments,
) -> Result<Vec<u8>, Failure> {
    let options = ExecutableOptions {
        base: base.unwrap_or(ExecutableOptions::DEFAULT_BASE),
        stack: match arguments.stack_size {
            Some(size) => Stack::Reserved(size),
            None => Stack::Inherited,
        },
    };
    let executable = link_executable(linker, &source.module, settings, &options);
    executable.map_err(|error| match &error {
        ExecutableError::Link(error) => source.link_failure(error),
        _ => Failure::message(error),
    })
}
