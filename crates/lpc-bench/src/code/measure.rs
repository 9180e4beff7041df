//! What an executable of a kernel executes, and how large its code is.

use super::executable::is_of_kernel;
use super::mix::{Class, Mix};
use crate::error::{Error, Result};
use crate::kernels::{ENTRY, MEMORY_SIZE, STACK_SIZE};
use lpc_link::elf::read::{ElfFile, Mapping, SectionIndex, SymbolKind, SymbolPlace};
use lpc_process::{End, Process, ProcessOptions, Streams};
use lpc_riscv32::ExtensionSet;
use lpc_riscv32::emulator::Profile;
use lpc_riscv32::fetch::fetch;
use std::collections::BTreeMap;
use std::io;

/// More than any kernel executes.
const INSTRUCTION_LIMIT: u64 = 1 << 32;

/// What was counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Measurement {
    /// The instructions that are executed from the entry of the kernel up to its return, whoever wrote them.
    pub executed: Mix,
    /// The bytes of instructions of the kernel's own functions in the linked file: start-up code and libraries do not count,
    /// nor do tables, which compilers put to different places.
    pub text: u64,
}

/// Runs the kernel in `executable` on the machine that its attributes state, and counts.
///
/// # Errors
/// When it does not return `expected`.
pub fn measure(executable: &[u8], expected: u32) -> Result<Measurement> {
    let in_words = |error: &dyn std::fmt::Display| Error::Other(error.to_string());
    let options = ProcessOptions {
        heap_and_stack_size: MEMORY_SIZE,
        stack_size: STACK_SIZE,
        instruction_limit: INSTRUCTION_LIMIT,
    };
    let mut process =
        Process::load(executable, None, &[], options).map_err(|error| in_words(&error))?;
    let entry = process.file().address_of(ENTRY);
    let entry = entry.ok_or_else(|| Error::Other(format!("there is no symbol {ENTRY}")))?;
    let mut profile = Profile::new();
    let (mut input, mut output, mut errors) = (io::empty(), io::sink(), io::sink());
    let mut streams = Streams::new(&mut input, &mut output, &mut errors);
    let end = process.call_profiled(entry, &[], &mut streams, &mut profile);
    match end.map_err(|error| in_words(&error))? {
        End::Returned(result) if result == expected => {}
        End::Returned(result) => {
            return Err(Error::Other(format!(
                "it returns {result:#010x} instead of {expected:#010x}"
            )));
        }
        end => return Err(Error::Other(format!("it does not return: {end:?}"))),
    }
    let executed = mix(process.file(), &profile)?;
    assert_eq!(
        executed.total(),
        process.counters().instructions,
        "the profile has every instruction that the machine counts"
    );
    Ok(Measurement {
        executed,
        text: text_size(process.file()),
    })
}

/// What the instructions in `profile` are.
fn mix(file: &ElfFile<'_>, profile: &Profile) -> Result<Mix> {
    let mut mix = Mix::default();
    for (pc, executions) in profile.iter() {
        let segment = file.segments.iter().find(|segment| segment.contains(pc));
        let bytes = segment.and_then(|segment| segment.data.get((pc - segment.address) as usize..));
        let fetched = bytes.and_then(|bytes| fetch(bytes, ExtensionSet::all()).ok());
        let fetched = fetched
            .ok_or_else(|| Error::Other(format!("no instruction of the file is at {pc:#x}")))?;
        mix.add(Class::of(&fetched.inst), executions.count);
    }
    Ok(mix)
}

/// The bytes of instructions in the kernel's own functions.
fn text_size(file: &ElfFile<'_>) -> u64 {
    // Functions that were merged have several names.
    let mut functions = BTreeMap::new();
    for symbol in &file.symbols {
        if let SymbolPlace::Section(section) = symbol.place
            && symbol.kind == SymbolKind::Function
            && is_of_kernel(symbol.name)
        {
            functions.insert(symbol.value, (symbol.size, section));
        }
    }
    let sizes = functions.into_iter();
    sizes
        .map(|(address, (size, section))| u64::from(code_size(file, section, address, size)))
        .sum()
}

/// The bytes of instructions, not data, among the `size` bytes at `address` in `section`.
fn code_size(file: &ElfFile<'_>, section: SectionIndex, address: u32, size: u32) -> u32 {
    let end = address + size;
    let mut code = 0;
    let mut start = Some(address);
    for (place, mapping) in file.mappings(section).range(address..end) {
        match mapping {
            Mapping::Data => code += start.take().map_or(0, |start| place - start),
            Mapping::Code(_) => start = start.or(Some(*place)),
        }
    }
    code + start.map_or(0, |start| end - start)
}
