//! Programs in text, from the reader to their execution.

use super::defined::is_defined;
use super::pipeline;
use lpc_codegen::{CompiledModule, Settings};
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
    if verify_module(&module).is_err() || data_size > MOST_DATA {
        return;
    }
    let checksum = checksum(data);
    let settings = pipeline::settings(checksum as u16);
    for (settings, compiled) in pipeline::compile(&module, &settings) {
        check_files(&module, &compiled, &settings);
        check_insts(&module, &compiled);
    }
    check_execution(&module, &settings, u64::from(checksum));
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

/// Calls each function in the interpreter and, if that comes to an end, in the emulator, with each register allocator, and
/// compares what can be compared.
pub(super) fn check_execution(module: &Module, settings: &Settings, seed: u64) {
    let is_defined = is_defined(module);
    let programs: Vec<_> = pipeline::compile(module, settings)
        .into_iter()
        .filter_map(|(settings, compiled)| {
            let program = pipeline::load(module, &compiled, &settings).ok()?;
            Some((settings, program))
        })
        .collect();
    let mut random = fastrand::Rng::with_seed(seed);
    for (_, function) in module.functions() {
        let arguments = pipeline::arguments(function, &mut random);
        let mut interpreter = pipeline::interpreter(module);
        let expected = pipeline::interpret(&mut interpreter, &function.name, &arguments);
        let Some(expected) = expected else {
            continue;
        };
        for (settings, program) in &programs {
            let mut program = program.clone();
            let found = pipeline::emulate(&mut program, &function.name, &arguments);
            let is_same = found.as_ref().is_ok_and(|found| *found == expected);
            assert!(
                is_same || !is_defined,
                "{} with {arguments:?}: {expected:?} in the interpreter, {found:?} in the emulator, with {settings:?}\n\
                 {module}",
                function.name
            );
        }
    }
}
