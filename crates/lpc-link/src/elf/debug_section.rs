//! Sections of debug information, with their relocations.

use super::builder::{ObjectBuilder, Place};
use super::object::ObjectError;
use alloc::vec::Vec;
use gimli::LittleEndian;
use gimli::write::{Address, EndianVec, RelocateWriter, Relocation, RelocationTarget, Sections};
use lpc_codegen::backend::machinst::CodeOffset;
use object::SectionKind;
use object::elf;

/// Takes the result of writing to memory, which nothing can prevent.
pub(super) fn put(result: gimli::write::Result<()>) {
    result.expect("memory takes every byte");
}

/// The places that debug information refers to. To gimli a place is its number here.
#[derive(Default)]
pub(super) struct Places(Vec<Place>);

impl Places {
    /// The place at `offset` of the function number `function`.
    pub(super) fn address(
        &mut self,
        builder: &mut ObjectBuilder<'_>,
        function: usize,
        offset: CodeOffset,
    ) -> Address {
        self.0.push(builder.place(function, offset));
        Address::Symbol {
            symbol: self.0.len() - 1,
            addend: 0,
        }
    }
}

/// A section in the making.
#[derive(Clone)]
pub(super) struct DebugSection {
    bytes: EndianVec<LittleEndian>,
    relocations: Vec<Relocation>,
}

impl DebugSection {
    pub(super) fn new() -> Self {
        Self {
            bytes: EndianVec::new(LittleEndian),
            relocations: Vec::new(),
        }
    }
}

impl RelocateWriter for DebugSection {
    type Writer = EndianVec<LittleEndian>;

    fn writer(&self) -> &Self::Writer {
        &self.bytes
    }

    fn writer_mut(&mut self) -> &mut Self::Writer {
        &mut self.bytes
    }

    fn relocate(&mut self, relocation: Relocation) {
        self.relocations.push(relocation);
    }
}

/// Adds all sections that are not empty.
pub(super) fn add_sections(
    builder: &mut ObjectBuilder<'_>,
    sections: &mut Sections<DebugSection>,
    places: &Places,
) -> Result<(), ObjectError> {
    let mut added = Vec::new();
    sections
        .for_each_mut(|id, section| {
            let data = section.bytes.take();
            if !data.is_empty() {
                let kind = if id.is_string() {
                    SectionKind::DebugString
                } else {
                    SectionKind::Debug
                };
                added.push((id, builder.add_note(id.name(), kind, data)));
            }
            gimli::write::Result::Ok(())
        })
        .expect("nothing fails");
    for &(id, section) in &added {
        let relocations = sections.get(id).map(|section| &section.relocations[..]);
        for relocation in relocations.unwrap_or_default() {
            let place = match relocation.target {
                RelocationTarget::Symbol(number) => places.0[number],
                RelocationTarget::Section(target) => {
                    let (_, target) = added
                        .iter()
                        .find(|(added, _)| *added == target)
                        .expect("what is referred to is not empty");
                    Place {
                        symbol: builder.object.section_symbol(*target),
                        addend: 0,
                    }
                }
            };
            let place = Place {
                addend: place.addend + relocation.addend,
                ..place
            };
            builder.relocate(section, relocation.offset as u64, elf::R_RISCV_32, place)?;
        }
    }
    Ok(())
}
