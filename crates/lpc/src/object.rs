//! `--emit obj`: a relocatable object, with its options.

use crate::failure::Failure;
use crate::pipeline::Compilation;
use crate::source::SourceModule;
use clap::Args;
use lpc_codegen::Settings;
use lpc_link::elf::{DebugInfo, LineMap, ObjectOptions, write_object};
use lpc_lpir::ir::{AnyEntity, ExternalName, SourceLoc};
use lpc_lpir::text::Location;

/// What an object holds beside code and data. Some of it executables have as well.
#[derive(Args)]
#[command(next_help_heading = "Objects and executables")]
pub(crate) struct ObjectArguments {
    /// Give each function and each datum a section of its own, so that the linker can leave out what nobody refers to
    #[arg(long)]
    function_sections: bool,

    /// Do not let the linker shorten calls and take the freed bytes away; the object is smaller
    #[arg(long)]
    no_relax: bool,

    /// Leave out what debuggers need to show the lines of the source, and why instructions trap
    #[arg(long)]
    no_debug: bool,

    /// Leave out the tables for unwinding the stack, which are loaded into memory with the program
    #[arg(long)]
    no_unwind_tables: bool,

    /// The folder that debuggers look for the source in; by default the current one
    #[arg(long, value_name = "FOLDER")]
    debug_directory: Option<String>,
}

impl ObjectArguments {
    /// For each option, whether it is given, its name, and whether it does something for what is written.
    pub(crate) fn effects(
        &self,
        is_object: bool,
        is_executable: bool,
    ) -> [(bool, &'static str, bool); 5] {
        let has_debug_info = is_object || is_executable;
        [
            (self.function_sections, "--function-sections", is_object),
            (self.no_relax, "--no-relax", is_object),
            (self.no_debug, "--no-debug", has_debug_info),
            (self.no_unwind_tables, "--no-unwind-tables", is_object),
            (
                self.debug_directory.is_some(),
                "--debug-directory",
                has_debug_info,
            ),
        ]
    }
}

/// The object of the program `source`.
pub(crate) fn object(
    source: &mut SourceModule,
    settings: &Settings,
    arguments: &ObjectArguments,
) -> Result<Vec<u8>, Failure> {
    let settings = Settings {
        linker_relaxation: !arguments.no_relax,
        value_labels: !arguments.no_debug,
        unwind_info: !arguments.no_unwind_tables,
        ..settings.clone()
    };
    source.number_instructions();
    let source = &*source;
    let compilation = Compilation::new(source, &settings)?;
    let directory = arguments.debug_directory();
    let options = ObjectOptions {
        extensions: settings.extensions,
        sections_by_name: arguments.function_sections,
        unwind_tables: !arguments.no_unwind_tables,
        trap_table: !arguments.no_debug,
        source: arguments.debug_info(source, &directory),
    };
    write_object(&source.module, &compilation.compiled, &options).map_err(Failure::message)
}

impl ObjectArguments {
    /// The folder that debuggers look for the source in.
    pub(crate) fn debug_directory(&self) -> String {
        match &self.debug_directory {
            Some(directory) => directory.clone(),
            None => current_directory(),
        }
    }

    /// What debuggers need to know of `source`, which is in `directory`, unless it is to be left out.
    pub(crate) fn debug_info<'a>(
        &self,
        source: &'a SourceModule,
        directory: &'a str,
    ) -> Option<DebugInfo<'a>> {
        (!self.no_debug).then_some(DebugInfo {
            file: source.name(),
            directory,
            lines: source,
        })
    }
}

/// The current folder, or the one that every path counts from where that is not known.
fn current_directory() -> String {
    let directory = std::env::current_dir();
    directory.map_or_else(|_| ".".to_owned(), |path| path.display().to_string())
}

impl LineMap for SourceModule {
    fn function(&self, name: &ExternalName) -> Option<Location> {
        self.location(self.module.find(name)?, AnyEntity::Function)
    }

    fn instruction(&self, name: &ExternalName, srcloc: SourceLoc) -> Option<Location> {
        let inst = self.instruction(srcloc)?;
        self.location(self.module.find(name)?, AnyEntity::Inst(inst))
    }
}
