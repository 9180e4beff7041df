//! ELF files: reading, listing, running.

use lpc_link::elf::ElfListing;
use lpc_link::elf::read::{ElfFile, SectionIndex};
use lpc_process::{Process, ProcessOptions, Streams};
use lpc_riscv32::ExtensionSet;
use std::io;

const OPTIONS: ProcessOptions = ProcessOptions {
    heap_and_stack_size: 1 << 16,
    stack_size: 1 << 14,
    instruction_limit: 1_000,
};

/// Reads `data` as an ELF file, looks at all that is in it, lists its code and runs it.
///
/// # Panics
/// If one of these does.
pub fn run(data: &[u8]) {
    if let Ok(file) = ElfFile::parse(data) {
        check_file(&file);
    }
    let arguments = ["program".to_owned(), "argument".to_owned()];
    if let Ok(mut process) = Process::load(data, None, &arguments, OPTIONS) {
        let (mut input, mut output, mut errors) = (&b"input"[..], io::sink(), io::sink());
        let mut streams = Streams::new(&mut input, &mut output, &mut errors);
        process.run(&mut streams);
        let _ = process.call(process.file().entry, &[1, 2, 3], &mut streams);
    }
}

fn check_file(file: &ElfFile<'_>) {
    let extensions = file.extensions().unwrap_or(ExtensionSet::all());
    let _ = file.check_static_executable();
    let _ = file.trap_at(file.entry);
    for symbol in &file.symbols {
        let _ = (
            file.address_of(symbol.name),
            file.locate(symbol.value),
            symbol.mapping(),
        );
    }
    for index in (0..file.sections.len()).map(SectionIndex) {
        let _ = (file.labels(index), file.mappings(index));
    }
    let listing = ElfListing {
        file,
        extensions,
        pseudo: true,
    };
    let _ = listing.to_string();
}
