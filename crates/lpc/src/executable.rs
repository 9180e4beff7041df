//! `--emit elf`: a static executable, with its options.

use crate::failure::Failure;
use crate::object::ObjectArguments;
use crate::options::parse_size;
use crate::pipeline::Compilation;
use crate::source::SourceModule;
use clap::Args;
use lpc_codegen::Settings;
use lpc_link::elf::{ExecutableError, ExecutableOptions, Stack, link_executable};
use lpc_lpir::ir::ExternalName;

/// What an executable is to be like.
#[derive(Args)]
#[command(next_help_heading = "Executables")]
pub(crate) struct ExecutableArguments {
    /// Reserve a stack of this size in the executable, for a machine without an operating system: no stack pointer is set
    /// there
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    stack_size: Option<u32>,
}

impl ExecutableArguments {
    /// For each option, whether it is given, its name, and whether it does something for what is written.
    pub(crate) fn effects(&self, is_executable: bool) -> [(bool, &'static str, bool); 1] {
        [(self.stack_size.is_some(), "--stack-size", is_executable)]
    }
}

/// The executable of the program `source`, linked at `base`. Names that it does not define are looked up with `imports` first.
pub(crate) fn executable(
    source: &mut SourceModule,
    settings: &Settings,
    base: Option<u32>,
    imports: &dyn Fn(&ExternalName) -> Option<u32>,
    arguments: &ExecutableArguments,
    debug_arguments: &ObjectArguments,
) -> Result<Vec<u8>, Failure> {
    source.number_instructions();
    let source = &*source;
    let directory = debug_arguments.debug_directory();
    let compilation = Compilation::new(source, settings)?;
    let options = ExecutableOptions {
        base: base.unwrap_or(ExecutableOptions::DEFAULT_BASE),
        stack: match arguments.stack_size {
            Some(size) => Stack::Reserved(size),
            None => Stack::Inherited,
        },
        source: debug_arguments.debug_info(source, &directory),
    };
    let module = &source.module;
    let compiled = &compilation.compiled;
    let executable = link_executable(module, compiled, settings, &options, imports);
    executable.map_err(|error| match &error {
        ExecutableError::Link(error) => source.link_failure(error),
        _ => Failure::message(error),
    })
}
