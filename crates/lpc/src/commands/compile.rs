//! `lpc compile`: compiles a file, and shows what each stage of the compiler makes of it.

use crate::asm::AssemblyWriter;
use crate::executable::{ExecutableArguments, executable};
use crate::failure::Failure;
use crate::object::{ObjectArguments, object};
use crate::options::{CompileOptions, parse_address};
use crate::output::{check_not_terminal, write_bytes, write_executable};
use crate::pipeline::{Compilation, allocated_vcode};
use crate::source::SourceModule;
use clap::{Args, ValueEnum};
use lpc_codegen::Settings;
use lpc_link::{Image, Linker};
use lpc_lpir::binary::encode;
use lpc_lpir::ir::{ExternalName, Linkage};
use std::cell::RefCell;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Compile a file
///
/// What is written depends on the name of the output, where --emit does not tell: an object to a file whose name ends in .o, an
/// executable to .elf, machine code to .bin, the program itself to .clif and in the binary form to .lpirb, and else assembly text.
#[derive(Args)]
#[command(after_help = "\
Examples:
  lpc compile examples/gcd.clif
  lpc compile examples/sieve.clif -o sieve.elf
  lpc compile examples/gcd.clif -o gcd.o
  lpc compile examples/gcd.clif -o gcd.lpirb
  lpc compile examples/gcd.clif --emit vcode
  lpc compile examples/gcd.clif --emit bin --base 0x42000000 -o gcd.bin
  lpc compile examples/sieve.clif --emit bin --import putchar=0x40000100 -o sieve.bin
  lpc compile examples/gcd.clif --emit asm -o gcd.s --march rv32imc_zba_zbb")]
pub(crate) struct Arguments {
    /// The file, as text or in the binary form, or - for the standard input
    file: PathBuf,

    /// Where to write the result; - is the standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// What to write
    #[arg(long, value_name = "STAGE", value_enum)]
    emit: Option<Stage>,

    /// The address that the result of --emit bin and --emit elf is linked for [default: 0, for an executable 0x10000]
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    base: Option<u32>,

    /// The address of a function that --emit bin and --emit elf are to find there, and not in the file
    #[arg(long = "import", value_name = "NAME=ADDRESS", value_parser = parse_import)]
    imports: Vec<(ExternalName, u32)>,

    #[command(flatten)]
    object: ObjectArguments,

    #[command(flatten)]
    executable: ExecutableArguments,

    #[command(flatten)]
    compile: CompileOptions,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Stage {
    /// The program itself, read and written again
    Lpir,
    /// The program in the compact binary form, which is read wherever text is
    Lpirb,
    /// Machine instructions with virtual registers, and beside them the registers that they are given; to be looked at:
    /// what `test lower` prints can be read again
    Vcode,
    /// Assembly text
    Asm,
    /// A relocatable object, which GNU ld and lld link with those of other compilers
    Obj,
    /// Machine code and data, linked for one address: all that must be in memory there, zeros included
    Bin,
    /// A static executable, for `lpc run`, for Linux, or for a machine without an operating system
    Elf,
}

impl Stage {
    /// What belongs into a file of this name.
    fn of_file(output: Option<&Path>) -> Self {
        match output.and_then(Path::extension).and_then(OsStr::to_str) {
            Some("o") => Self::Obj,
            Some("bin") => Self::Bin,
            Some("elf") => Self::Elf,
            Some("clif") => Self::Lpir,
            Some("lpirb") => Self::Lpirb,
            _ => Self::Asm,
        }
    }
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    arguments.compile.start_threads();
    let mut source = SourceModule::read(&arguments.file)?;
    let settings = arguments.compile.settings();
    let output = arguments.output.as_deref();
    let stage = arguments.emit.unwrap_or_else(|| Stage::of_file(output));
    arguments.check_effects(stage)?;
    match stage {
        Stage::Lpir => write_bytes(output, source.module.to_string().as_bytes()),
        Stage::Lpirb => {
            check_not_terminal(output)?;
            let bytes = encode(&source.module).map_err(Failure::message)?;
            write_bytes(output, &bytes)
        }
        Stage::Vcode => write_bytes(output, allocated_vcode(&source, &settings)?.as_bytes()),
        Stage::Asm => {
            source.number_instructions();
            let settings = arguments.compile.linked_settings();
            write_bytes(output, assembly(&source, &settings)?.as_bytes())
        }
        Stage::Obj => {
            check_not_terminal(output)?;
            let object = object(&mut source, &settings, &arguments.object)?;
            write_bytes(output, &object)
        }
        Stage::Bin => {
            check_not_terminal(output)?;
            let imports = Imports::new(&arguments.imports)?;
            let image = link(&source, arguments, &imports)?;
            imports.warn_of_unused();
            let mut memory = image.bytes().to_vec();
            memory.resize(image.memory_size() as usize, 0);
            write_bytes(output, &memory)
        }
        Stage::Elf => {
            check_not_terminal(output)?;
            let imports = Imports::new(&arguments.imports)?;
            let file = executable(
                &mut source,
                &arguments.compile.linked_settings(),
                arguments.base,
                &|name| imports.address_of(name),
                &arguments.executable,
                &arguments.object,
            )?;
            imports.warn_of_unused();
            write_executable(output, &file)
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
        // Other modules have their own routines of the runtime.
        let linkage = id.map_or(Linkage::Local, |id| source.module.linkage(id));
        writer.function(function, linkage);
    }
    for (_, data) in source.module.data_objects() {
        writer.data_object(data);
    }
    Ok(writer.finish())
}

fn link(
    source: &SourceModule,
    arguments: &Arguments,
    imports: &Imports<'_>,
) -> Result<Image, Failure> {
    let compilation = Compilation::new(source, &arguments.compile.linked_settings())?;
    let mut linker = Linker::new();
    let added = linker.add_module(&source.module, &compilation.compiled);
    added.map_err(Failure::message)?;
    linker
        .link(arguments.base.unwrap_or(0), &|name| {
            imports.address_of(name)
        })
        .map_err(|error| source.link_failure(&error))
}

impl Arguments {
    /// Checks that no option is given that does nothing for what is written.
    fn check_effects(&self, stage: Stage) -> Result<(), Failure> {
        let is_linked = matches!(stage, Stage::Bin | Stage::Elf);
        let options = [
            (self.base.is_some(), "--base", is_linked),
            (!self.imports.is_empty(), "--import", is_linked),
        ];
        let options = options
            .into_iter()
            .chain(
                self.object
                    .effects(stage == Stage::Obj, stage == Stage::Elf),
            )
            .chain(self.executable.effects(stage == Stage::Elf));
        for (is_given, option, has_effect) in options {
            if is_given && !has_effect {
                let stage = stage.to_possible_value();
                let stage = stage.as_ref().map_or("", |value| value.get_name());
                return Err(Failure::Message(format!(
                    "{option} has no effect with --emit {stage}"
                )));
            }
        }
        Ok(())
    }
}

/// The addresses that `--import` states, and whether somebody asked for them.
struct Imports<'a> {
    addresses: &'a [(ExternalName, u32)],
    used: RefCell<Vec<bool>>,
}

impl<'a> Imports<'a> {
    fn new(addresses: &'a [(ExternalName, u32)]) -> Result<Self, Failure> {
        for (index, (name, _)) in addresses.iter().enumerate() {
            if addresses[..index].iter().any(|(other, _)| other == name) {
                return Err(Failure::Message(format!("--import states {name} twice")));
            }
        }
        Ok(Self {
            addresses,
            used: RefCell::new(vec![false; addresses.len()]),
        })
    }

    fn address_of(&self, name: &ExternalName) -> Option<u32> {
        let mut addresses = self.addresses.iter();
        let index = addresses.position(|(import, _)| import == name)?;
        self.used.borrow_mut()[index] = true;
        Some(self.addresses[index].1)
    }

    /// Tells the user of those that the program did not need. That is no error: several programs may share a list.
    fn warn_of_unused(&self) {
        for ((name, _), used) in self.addresses.iter().zip(&*self.used.borrow()) {
            if !used {
                anstream::eprintln!(
                    "warning: --import {name}: the program defines that itself, or does not refer to it"
                );
            }
        }
    }
}

fn parse_import(text: &str) -> Result<(ExternalName, u32), String> {
    let (name, address) = text
        .split_once('=')
        .ok_or("expected a name and an address, such as putchar=0x40000100")?;
    let name = name.trim_start_matches('%');
    Ok((ExternalName::symbol(name), parse_address(address)?))
}
