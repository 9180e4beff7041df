//! An object in the making: its sections and symbols, and what refers to them.

use super::code::PlacedFunction;
use super::object::{ObjectError, ObjectOptions};
use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use lpc_codegen::CompiledModule;
use lpc_codegen::backend::machinst::CodeOffset;
use lpc_lpir::ir::{ExternalName, Linkage, Module};
use lpc_riscv32::Extension;
use object::elf::{self, RelocationType};
use object::write::{Object, Relocation, SectionId, StandardSection, Symbol, SymbolId};
use object::write::{SymbolScope, SymbolSection};
use object::{Architecture, BinaryFormat, Endianness, FileFlags, RelocationFlags};
use object::{SectionKind, SymbolFlags, SymbolKind};

/// An object in the making.
pub(super) struct ObjectBuilder<'a> {
    pub(super) module: &'a Module,
    pub(super) compiled: &'a CompiledModule,
    pub(super) options: &'a ObjectOptions<'a>,
    pub(super) object: Object<'static>,
    /// The functions in the order of their places.
    pub(super) functions: Vec<PlacedFunction<'a>>,
    symbols: BTreeMap<String, SymbolId>,
    /// The labels of places in functions, by the number of the function.
    labels: BTreeMap<(usize, CodeOffset), SymbolId>,
}

/// A place that a relocation can refer to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) symbol: SymbolId,
    pub(super) addend: i64,
}

impl<'a> ObjectBuilder<'a> {
    /// An object without anything, for the module `module`, whose functions are compiled to `compiled`.
    pub(super) fn new(
        module: &'a Module,
        compiled: &'a CompiledModule,
        options: &'a ObjectOptions<'a>,
    ) -> Self {
        let mut object = Object::new(BinaryFormat::Elf, Architecture::Riscv32, Endianness::Little);
        let has_compressed = options.extensions.contains(Extension::Zca);
        let compressed = if has_compressed {
            elf::EF_RISCV_RVC.0
        } else {
            0
        };
        object.flags = FileFlags::Elf {
            os_abi: elf::ELFOSABI_NONE,
            abi_version: 0,
            e_flags: elf::FileFlags(elf::EF_RISCV_FLOAT_ABI_SOFT.0 | compressed),
        };
        if let Some(source) = &options.source {
            object.add_file_symbol(source.file.as_bytes().to_vec());
        }
        Self {
            module,
            compiled,
            options,
            object,
            functions: Vec::new(),
            symbols: BTreeMap::new(),
            labels: BTreeMap::new(),
        }
    }

    /// The section of what is called `name` and belongs into the section `standard`.
    pub(super) fn section_for(
        &mut self,
        standard: StandardSection,
        name: &ExternalName,
    ) -> Result<SectionId, ObjectError> {
        Ok(if self.options.sections_by_name {
            let name = symbol_name(name)?;
            self.object.add_subsection(standard, name.as_bytes())
        } else {
            self.object.section_id(standard)
        })
    }

    /// States what the bytes of a section are from `offset` on (psABI, "Mapping Symbol").
    pub(super) fn add_mapping_symbol(&mut self, section: SectionId, offset: u64, name: &[u8]) {
        self.object
            .add_symbol(local_symbol(name, SymbolKind::Label, section, offset));
    }

    /// Defines the symbol of a function or datum.
    pub(super) fn define(
        &mut self,
        name: &ExternalName,
        kind: SymbolKind,
        linkage: Linkage,
        (section, offset): (SectionId, u64),
        size: u64,
    ) -> Result<SymbolId, ObjectError> {
        let name = symbol_name(name)?;
        if self.symbols.contains_key(&name) {
            return Err(ObjectError::DuplicateSymbol(name));
        }
        let scope = match linkage {
            Linkage::Local => SymbolScope::Compilation,
            Linkage::Export => SymbolScope::Dynamic,
        };
        let symbol = self.object.add_symbol(Symbol {
            size,
            scope,
            ..local_symbol(name.as_bytes(), kind, section, offset)
        });
        self.symbols.insert(name, symbol);
        Ok(symbol)
    }

    /// The symbol that is called `name`, which is undefined if nothing in the object has that name.
    pub(super) fn symbol(&mut self, name: &ExternalName) -> Result<SymbolId, ObjectError> {
        let name = symbol_name(name)?;
        if let Some(&symbol) = self.symbols.get(&name) {
            return Ok(symbol);
        }
        let symbol = self.object.add_symbol(Symbol {
            name: name.as_bytes().to_vec(),
            value: 0,
            size: 0,
            kind: SymbolKind::Unknown,
            scope: SymbolScope::Unknown,
            weak: false,
            section: SymbolSection::Undefined,
            flags: SymbolFlags::None,
        });
        self.symbols.insert(name, symbol);
        Ok(symbol)
    }

    /// How to refer to the place at `offset` of the function number `function`, which may be its end: by the symbol of the
    /// function where nothing in between may shrink.
    pub(super) fn place(&mut self, function: usize, offset: CodeOffset) -> Place {
        let placed = &self.functions[function];
        if !placed.shrinking.is_between(0, offset) {
            return Place {
                symbol: placed.symbol,
                addend: i64::from(offset),
            };
        }
        self.label_place(function, offset)
    }

    /// The same, by a symbol that is at that place.
    pub(super) fn label_place(&mut self, function: usize, offset: CodeOffset) -> Place {
        let symbol = match offset {
            0 => self.functions[function].symbol,
            _ => self.label(function, offset),
        };
        Place { symbol, addend: 0 }
    }

    /// The label at `offset` of the function number `function`.
    pub(super) fn label(&mut self, function: usize, offset: CodeOffset) -> SymbolId {
        if let Some(&label) = self.labels.get(&(function, offset)) {
            return label;
        }
        let placed = &self.functions[function];
        let label = self.add_label(placed.section, placed.start + u64::from(offset));
        self.labels.insert((function, offset), label);
        label
    }

    /// A new label at `offset` of `section`.
    pub(super) fn add_label(&mut self, section: SectionId, offset: u64) -> SymbolId {
        let symbol = local_symbol(LABEL_NAME, SymbolKind::Label, section, offset);
        self.object.add_symbol(symbol)
    }

    /// Adds a relocation at `offset` of `section`.
    pub(super) fn relocate(
        &mut self,
        section: SectionId,
        offset: u64,
        r_type: RelocationType,
        place: Place,
    ) -> Result<(), ObjectError> {
        let Place { symbol, addend } = place;
        let flags = RelocationFlags::Elf { r_type };
        let relocation = Relocation {
            offset,
            symbol,
            addend,
            flags,
        };
        Ok(self.object.add_relocation(section, relocation)?)
    }

    /// Where the symbol of something that is defined is: in which section, and at which offset.
    pub(super) fn location(&self, symbol: SymbolId) -> (SectionId, u64) {
        let symbol = self.object.symbol(symbol);
        let section = symbol.section.id().expect("it is defined");
        (section, symbol.value)
    }

    /// Adds a section that is no part of the program's memory.
    pub(super) fn add_note(&mut self, name: &str, kind: SectionKind, data: Vec<u8>) -> SectionId {
        let name = name.as_bytes().to_vec();
        let section = self.object.add_section(Vec::new(), name, kind);
        self.object.set_section_data(section, data, 1);
        section
    }
}

/// The name of labels that exist for relocations only. Assemblers use it too, and tools that list symbols leave it out.
const LABEL_NAME: &[u8] = b".L0 ";

fn local_symbol(name: &[u8], kind: SymbolKind, section: SectionId, offset: u64) -> Symbol {
    Symbol {
        name: name.to_vec(),
        value: offset,
        size: 0,
        kind,
        scope: SymbolScope::Compilation,
        weak: false,
        section: SymbolSection::Section(section),
        flags: SymbolFlags::None,
    }
}

/// What a function or datum is called in the symbol table. A name of two numbers becomes a text that assemblers take.
pub(super) fn symbol_name(name: &ExternalName) -> Result<String, ObjectError> {
    match name {
        ExternalName::Symbol(text) if text.contains('\0') => {
            Err(ObjectError::NameWithNul(name.clone()))
        }
        ExternalName::Symbol(text) => Ok(text.as_ref().to_owned()),
        ExternalName::User { namespace, index } => Ok(format!("u{namespace}_{index}")),
    }
}
