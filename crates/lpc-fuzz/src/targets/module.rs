//! Programs in text, from the reader to their execution.

use super::pipeline;
use lpc_codegen::{CompiledModule, Settings, compile_module};
use lpc_link::elf::read::ElfFile;
use lpc_link::elf::{ExecutableOptions, ObjectOptions, link_executable, write_object};
use lpc_link::{Linker, PlacedInst};
use lpc_lpir::ir::Module;
use lpc_lpir::text::parse_module;
use lpc_lpir::verifier::verify_module;

/// Larger data makes machines that are slow to set up.
const MOST_DATA: u32 = 1 << 16;

/// Reads `data` as a program in text, and takes it as far as it gets.
///
/// # Panics
/// If something goes wrong behind the verifier, or the emulator disagrees with the interpreter about what is defined.
pub fn run(data: &[u8]) {
    let Ok(module) = parse_module(&String::from_utf8_lossy(data)) else {
        return;
    };
    let data_size: u32 = module.data_objects().map(|(_, data)| data.size).sum();
    if data_size > MOST_DATA || verify_module(&module).is_err() {
        return;
    }
    let checksum = checksum(data);
    let settings = pipeline::settings(checksum as u16);
    let number = (checksum >> 16) as usize % module.len().max(1);
    let Some((entry, _)) = module.functions().nth(number) else {
        return;
    };
    if pipeline::check(module.clone(), entry, &settings, checksum.into())
        && let Ok(compiled) = compile_module(&module, &settings)
    {
        check_files(&module, &compiled, &settings);
        check_insts(&module, &compiled);
    }
}

/// What is chosen for a text, so that the same text gives the same.
fn checksum(data: &[u8]) -> u32 {
    // FNV-1a.
    let step = |sum: u32, byte: &u8| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    data.iter().fold(0x811c_9dc5, step)
}

/// Writes the module as an object and as an executable, and reads both.
fn check_files(module: &Module, compiled: &CompiledModule, settings: &Settings) {
    let options = ObjectOptions {
        extensions: settings.extensions,
        sections_by_name: true,
        unwind_tables: settings.unwind_info,
        trap_table: true,
        source: None,
    };
    let object = write_object(module, compiled, &options).ok();
    let executable = link_executable(
        module,
        compiled,
        settings,
        &ExecutableOptions::default(),
        &|_| None,
    );
    for file in [object, executable.ok()].into_iter().flatten() {
        if let Err(error) = ElfFile::parse(&file) {
            panic!("a file that was written cannot be read: {error}");
        }
    }
}

/// Links the module, with something for each name that it does not define, and lists its instructions.
fn check_insts(module: &Module, compiled: &CompiledModule) {
    let mut linker = Linker::new();
    if linker.add_module(module, compiled).is_err() {
        return;
    }
    if let Ok(image) = linker.link(0x8000_0000, &|_| Some(0x4000_0000)) {
        let insts: Vec<PlacedInst> = image.insts();
        let text = &image.sections().text;
        let size: u32 = insts.iter().map(|placed| placed.length).sum();
        assert!(size <= text.end - text.start);
    }
}
