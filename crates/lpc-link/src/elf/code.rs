//! The code of functions: `.text`.
//!
//! Functions lie behind each other, each with its constants and jump tables behind it. What of them the linker is to fill in
//! are relocations; so are distances between two places of a function, if the linker may take away bytes in between.

use super::builder::{ObjectBuilder, Place};
use super::object::ObjectError;
use super::relocation::{is_relaxable, reference_type, relocation_type};
use super::shrinking::Shrinking;
use alloc::borrow::Cow;
use alloc::vec::Vec;
use lpc_codegen::CompiledFunction;
use lpc_codegen::backend::buffer::MachBufferFinalized;
use lpc_codegen::backend::machinst::CodeOffset;
use lpc_codegen::backend::reloc::{MachReference, MachReloc, ReferenceKind, RelocTarget};
use lpc_lpir::ir::{ExternalName, FuncId, Linkage};
use lpc_riscv32::compressed::compress;
use lpc_riscv32::{ExtensionSet, Inst};
use object::SymbolKind;
use object::elf::{self, RelocationType};
use object::write::{SectionId, StandardSection, SymbolId};

/// A function in its section.
pub(super) struct PlacedFunction<'a> {
    pub(super) code: &'a MachBufferFinalized,
    /// Its number in the module, which the routines of the compiler have not.
    pub(super) id: Option<FuncId>,
    pub(super) name: &'a ExternalName,
    pub(super) symbol: SymbolId,
    pub(super) section: SectionId,
    /// The bytes in front of it that align it.
    padding: u64,
    /// Where it starts in its section.
    pub(super) start: u64,
    pub(super) shrinking: Shrinking,
}

/// A relocation in the code of a function.
#[derive(Clone, Copy)]
struct CodeRelocation {
    offset: CodeOffset,
    r_type: RelocationType,
    place: Place,
}

/// Places all functions, and defines their symbols.
pub(super) fn add_functions(builder: &mut ObjectBuilder<'_>) -> Result<(), ObjectError> {
    for function in &builder.compiled.functions {
        builder.add_function(function)?;
    }
    Ok(())
}

impl<'a> ObjectBuilder<'a> {
    /// Places the code of `function`.
    fn add_function(&mut self, function: &'a CompiledFunction) -> Result<(), ObjectError> {
        let code = &function.code.buffer;
        let id = self.module.find(&function.name);
        // The routines of the compiler are in every object that needs them.
        let linkage = id.map_or(Linkage::Local, |id| self.module.linkage(id));
        let section = self.section_for(StandardSection::Text, &function.name)?;
        let padding = self.align_code(section, code);
        let shrinking = Shrinking::of(code);
        let start = self.object.append_section_data(
            section,
            &filled_in(code, &shrinking),
            u64::from(MIN_CODE_ALIGNMENT),
        );
        if has_data(code) {
            self.add_mapping_symbol(section, start + u64::from(code.code_size), b"$d");
        }
        let size = code.bytes.len() as u64;
        let place = (section, start);
        let symbol = self.define(&function.name, SymbolKind::Text, linkage, place, size)?;
        self.functions.push(PlacedFunction {
            code,
            id,
            name: &function.name,
            symbol,
            section,
            padding,
            start,
            shrinking,
        });
        Ok(())
    }

    /// Fills the section up to where `code` can start, and returns with how many bytes.
    ///
    /// Behind code that may shrink, the linker decides how much of the padding is needed. It can only take away bytes, so there
    /// are as many as there can be need for.
    fn align_code(&mut self, section: SectionId, code: &MachBufferFinalized) -> u64 {
        let alignment = u64::from(code.alignment.max(MIN_CODE_ALIGNMENT));
        let end = self.object.section(section).data().len() as u64;
        if end == 0 || self.ends_with_data(section) {
            self.add_mapping_symbol(section, end, b"$x");
        }
        if end == 0 {
            let alignment = self.section_alignment(code);
            let section = self.object.section_mut(section);
            section.append_data(&[], u64::from(alignment));
            return 0;
        }
        let padding = if code.relaxable {
            alignment - u64::from(code.instruction_alignment)
        } else {
            end.next_multiple_of(alignment) - end
        };
        let section = self.object.section_mut(section);
        section.append_data(&nops(padding), u64::from(MIN_CODE_ALIGNMENT));
        padding
    }

    /// Whether the last function is in `section` and has constants or tables behind it.
    fn ends_with_data(&self, section: SectionId) -> bool {
        let last = self.functions.last();
        last.is_some_and(|last| last.section == section && has_data(last.code))
    }

    /// What the address of the section is a multiple of that starts with `code`.
    fn section_alignment(&self, code: &MachBufferFinalized) -> u32 {
        let functions = self.compiled.functions.iter();
        let all = functions.map(|function| function.code.buffer.alignment);
        let alignment = if self.options.sections_by_name {
            code.alignment
        } else {
            all.max().unwrap_or_default()
        };
        alignment.max(MIN_CODE_ALIGNMENT)
    }
}

/// Adds the relocations of all functions, in the order of their places: GNU ld computes what it needs of a padding in that order.
pub(super) fn add_code_relocations(builder: &mut ObjectBuilder<'_>) -> Result<(), ObjectError> {
    for function in 0..builder.functions.len() {
        let PlacedFunction {
            code,
            section,
            padding,
            start,
            ..
        } = builder.functions[function];
        if code.relaxable && padding > 0 {
            let place = Place {
                symbol: builder.add_label(section, start - padding),
                addend: padding as i64,
            };
            builder.relocate(section, start - padding, elf::R_RISCV_ALIGN, place)?;
        }
        let mut relocations = Vec::new();
        for reloc in &code.relocs {
            builder.resolve_reloc(function, reloc, &mut relocations)?;
        }
        for reference in &code.references {
            builder.resolve_reference(function, reference, &mut relocations);
        }
        // Those of one place stay in their order, in which they belong together.
        relocations.sort_by_key(|relocation| relocation.offset);
        for CodeRelocation {
            offset,
            r_type,
            place,
        } in relocations
        {
            builder.relocate(section, start + u64::from(offset), r_type, place)?;
        }
    }
    Ok(())
}

impl ObjectBuilder<'_> {
    /// Appends the relocations of a place that refers to something outside of the function, or to an `auipc` that does.
    fn resolve_reloc(
        &mut self,
        function: usize,
        reloc: &MachReloc,
        relocations: &mut Vec<CodeRelocation>,
    ) -> Result<(), ObjectError> {
        let symbol = match &reloc.target {
            RelocTarget::External(name) => self.symbol(name)?,
            // The low part of a distance refers to the `auipc` by a label, never by an offset (psABI, "PC-Relative Symbol
            // Addresses").
            RelocTarget::Local(offset) => self.label(function, *offset),
        };
        let addend = i64::from(reloc.addend);
        let filled_in = CodeRelocation {
            offset: reloc.offset,
            r_type: relocation_type(reloc.kind),
            place: Place { symbol, addend },
        };
        relocations.push(filled_in);
        if self.functions[function].code.relaxable && is_relaxable(reloc.kind) {
            relocations.push(CodeRelocation {
                r_type: elf::R_RISCV_RELAX,
                ..filled_in
            });
        }
        Ok(())
    }

    /// Appends the relocations of a place that refers to another one of the same function, if the linker may have to change it.
    fn resolve_reference(
        &mut self,
        function: usize,
        reference: &MachReference,
        relocations: &mut Vec<CodeRelocation>,
    ) {
        let MachReference {
            offset,
            kind,
            target,
        } = *reference;
        let shrinking = &self.functions[function].shrinking;
        let may_change = match kind {
            ReferenceKind::Align => true,
            ReferenceKind::Add32 | ReferenceKind::Sub32 => !shrinking.is_empty(),
            _ => shrinking.is_between(offset, target),
        };
        if !may_change {
            return;
        }
        let place = match kind {
            // The symbol is that of the padding, because GNU ld takes the address from there.
            ReferenceKind::Align => Place {
                symbol: self.label(function, offset),
                addend: i64::from(target - offset),
            },
            _ => self.label_place(function, target),
        };
        relocations.push(CodeRelocation {
            offset,
            r_type: reference_type(kind),
            place,
        });
        if kind == ReferenceKind::Pair {
            relocations.push(CodeRelocation {
                offset: offset + AUIPC_SIZE,
                r_type: elf::R_RISCV_PCREL_LO12_I,
                place: Place {
                    symbol: self.label(function, offset),
                    addend: 0,
                },
            });
        }
    }
}

fn has_data(code: &MachBufferFinalized) -> bool {
    code.bytes.len() > code.code_size as usize
}

/// The bytes of `code`, with the distances in jump tables if nothing will change them.
fn filled_in<'a>(code: &'a MachBufferFinalized, shrinking: &Shrinking) -> Cow<'a, [u8]> {
    let mut bytes = Cow::from(&code.bytes);
    if !shrinking.is_empty() {
        return bytes;
    }
    for reference in &code.references {
        let add = match reference.kind {
            ReferenceKind::Add32 => u32::wrapping_add,
            ReferenceKind::Sub32 => u32::wrapping_sub,
            // Instructions are filled in already.
            _ => continue,
        };
        let word = bytes.to_mut()[reference.offset as usize..].first_chunk_mut();
        let word = word.expect("tables consist of words");
        *word = add(u32::from_le_bytes(*word), reference.target).to_le_bytes();
    }
    bytes
}

/// Instructions that do nothing and take `size` bytes, a multiple of the length of an instruction.
fn nops(size: u64) -> Vec<u8> {
    let nop = Inst::NOP.encode().expect("it is an instruction");
    let compressed = compress(Inst::NOP, ExtensionSet::RV32IMC).expect("it can be compressed");
    let mut bytes = Vec::new();
    if !size.is_multiple_of(4) {
        bytes.extend(compressed.to_le_bytes());
    }
    while (bytes.len() as u64) < size {
        bytes.extend(nop.to_le_bytes());
    }
    bytes
}

/// The length of an instruction that relocations fill in, in bytes.
const AUIPC_SIZE: CodeOffset = 4;

/// What every instruction is aligned to, in bytes.
const MIN_CODE_ALIGNMENT: u32 = 2;
