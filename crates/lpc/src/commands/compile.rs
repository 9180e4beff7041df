//! `lpc compile`: compiles a file, and shows what each stage of the compiler makes of it.

use crate::asm::AssemblyWriter;
use crate::failure::Failure;
use crate::options::{CompileOptions, parse_address};
use crate::output::{check_not_terminal, write_bytes};
use crate::pipeline::{Compilation, allocated_vcode};
use crate::source::SourceModule;
use clap::{Args, ValueEnum};
use lpc_codegen::Settings;
use lpc_link::{Image, Linker};
use lpc_lpir::ir::{ExternalName, Linkage};
use std::path::PathBuf;

/// Compile a file
///
/// Writes assembly text to the standard output if nothing else is asked for.
#[derive(Args)]
#[command(after_help = "\
Examples:
  lpc compile examples/gcd.clif
  lpc compile examples/gcd.clif --emit vcode
  lpc compile examples/gcd.clif --emit bin --base 0x42000000 -o gcd.bin
  lpc compile examples/sieve.clif --emit bin --import putchar=0x40000100 -o sieve.bin
  lpc compile examples/gcd.clif --emit asm -o gcd.s --march rv32imc_zba_zbb")]
pub(crate) struct Arguments {
    /// The file, or - for the standard input
    file: PathBuf,

    /// Where to write the result; - is the standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// What to write
    #[arg(long, value_name = "STAGE", value_enum, default_value_t = Stage::Asm)]
    emit: Stage,

    /// The address that the result of --emit bin is linked for
    #[arg(long, value_name = "ADDRESS", default_value = "0", value_parser = parse_address)]
    base: u32,

    /// The address of a function that --emit bin is to find there, and not in the file
    #[arg(long = "import", value_name = "NAME=ADDRESS", value_parser = parse_import)]
    imports: Vec<(ExternalName, u32)>,

    #[command(flatten)]
    compile: CompileOptions,
}

#[derive(Clone, Copy, ValueEnum)]
enum Stage {
    /// The program itself, read and written again
    Lpir,
    /// Machine instructions with virtual registers, and beside them the registers that they are given; to be looked at:
    /// what `test lower` prints can be read again
    Vcode,
    /// Assembly text
    Asm,
    /// Machine code, linked for one address
    Bin,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut source = SourceModule::read(&arguments.file)?;
    let settings = arguments.compile.settings();
    let output = arguments.output.as_deref();
    match arguments.emit {
        Stage::Lpir => write_bytes(output, source.module.to_string().as_bytes()),
        Stage::Vcode => write_bytes(output, allocated_vcode(&source, &settings)?.as_bytes()),
        Stage::Asm => {
            source.number_instructions();
            write_bytes(output, assembly(&source, &settings)?.as_bytes())
        }
        Stage::Bin => {
            check_not_terminal(output)?;
            let image = link(&source, &settings, arguments)?;
            write_bytes(output, image.bytes())
        }
    }
}

fn assembly(source: &SourceModule, settings: &Settings) -> Result<String, Failure> {
    let compilation = Compilation::new(source, settings)?;
    let comment = |name: &_, srcloc| {
        // The routines of the runtime are not in the module.
        let id = source.module.find(name)?;
        let inst = source.instruction(srcloc)?;
        Some(source.module.function(id).display_inst(inst).to_string())
    };
    let mut writer = AssemblyWriter::new(settings.extensions, &comment);
    for function in &compilation.compiled.functions {
        let id = source.module.find(&function.name);
        let linkage = id.map_or(Linkage::Export, |id| source.module.linkage(id));
        writer.function(function, linkage);
    }
    for (_, data) in source.module.data_objects() {
        writer.data_object(data);
    }
    Ok(writer.finish())
}

fn link(
    source: &SourceModule,
    settings: &Settings,
    arguments: &Arguments,
) -> Result<Image, Failure> {
    let compilation = Compilation::new(source, settings)?;
    let mut linker = Linker::new();
    for function in &compilation.compiled.functions {
        let added = linker.add_function(&function.name, &function.code.buffer);
        added.map_err(Failure::message)?;
    }
    let address_of_import = |name: &ExternalName| {
        let mut imports = arguments.imports.iter();
        let (_, address) = imports.find(|(import, _)| import == name)?;
        Some(*address)
    };
    linker
        .link(arguments.base, &address_of_import)
        .map_err(|error| source.link_failure(&error))
}

fn parse_import(text: &str) -> Result<(ExternalName, u32), String> {
    let (name, address) = text
        .split_once('=')
        .ok_or("expected a name and an address, such as putchar=0x40000100")?;
    let name = name.trim_start_matches('%');
    Ok((ExternalName::symbol(name), parse_address(address)?))
}
