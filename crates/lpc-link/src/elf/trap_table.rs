//! The section `.debug.lpc_traps` of an object, whose addresses the linker fills in.

use super::builder::ObjectBuilder;
use super::object::ObjectError;
use super::traps::{self, ENTRY_SIZE, SECTION, TrapEntry};
use alloc::vec::Vec;
use object::SectionKind;
use object::elf;

/// Adds the section, with an entry for each instruction that may trap.
pub(super) fn add_trap_table(builder: &mut ObjectBuilder<'_>) -> Result<(), ObjectError> {
    let mut entries = Vec::new();
    let mut places = Vec::new();
    for function in 0..builder.functions.len() {
        for trap in &builder.functions[function].code.traps {
            entries.push(TrapEntry {
                address: 0,
                code: trap.code,
            });
            places.push(builder.place(function, trap.offset));
        }
    }
    if entries.is_empty() {
        return Ok(());
    }
    let data = traps::encode(entries);
    let section = builder.add_note(SECTION, SectionKind::Metadata, data);
    for (index, place) in places.into_iter().enumerate() {
        let offset = (index * ENTRY_SIZE) as u64;
        builder.relocate(section, offset, elf::R_RISCV_32, place)?;
    }
    Ok(())
}
