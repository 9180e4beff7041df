//! Data objects: `.data`, `.rodata` and `.bss`.

use super::builder::{ObjectBuilder, Place};
use super::object::ObjectError;
use crate::data_layout::section_unit;
use lpc_lpir::ir::{DataKind, DataObject};
use object::SymbolKind;
use object::elf;
use object::write::StandardSection;

/// Places the data of the module, and defines their symbols.
pub(super) fn add_data(builder: &mut ObjectBuilder<'_>) -> Result<(), ObjectError> {
    for (_, data) in builder.module.data_objects() {
        let section = builder.section_for(standard_section(data), &data.name)?;
        let alignment = u64::from(data.alignment.max(1));
        let unit = section_unit(data.kind).into();
        let offset = match data.kind {
            DataKind::Zeroed => {
                builder.object.append_section_bss(section, 0, unit);
                builder
                    .object
                    .append_section_bss(section, u64::from(data.size), alignment)
            }
            DataKind::Writable | DataKind::ReadOnly => {
                builder.object.append_section_data(section, &[], unit);
                let mut bytes = data.bytes.clone();
                bytes.resize(data.size as usize, 0);
                builder
                    .object
                    .append_section_data(section, &bytes, alignment)
            }
        };
        builder.define(
            &data.name,
            SymbolKind::Data,
            data.linkage,
            (section, offset),
            u64::from(data.size),
        )?;
    }
    Ok(())
}

/// Adds the relocations of the data, which may refer to everything.
pub(super) fn add_data_relocations(builder: &mut ObjectBuilder<'_>) -> Result<(), ObjectError> {
    for (_, data) in builder.module.data_objects() {
        let symbol = builder.symbol(&data.name)?;
        let (section, start) = builder.location(symbol);
        for reloc in &data.relocs {
            let place = Place {
                symbol: builder.symbol(&reloc.target)?,
                addend: i64::from(reloc.addend),
            };
            let offset = start + u64::from(reloc.offset);
            builder.relocate(section, offset, elf::R_RISCV_32, place)?;
        }
    }
    Ok(())
}

/// The section of data of this kind. Addresses in read-only data are filled in before the program starts, so they can stay
/// where the others are.
const fn standard_section(data: &DataObject) -> StandardSection {
    match data.kind {
        DataKind::Writable => StandardSection::Data,
        DataKind::ReadOnly => StandardSection::ReadOnlyData,
        DataKind::Zeroed => StandardSection::UninitializedData,
    }
}
