//! Linking in the memory that the code will run from.
//!
//! On a machine with little memory there is no room for the code of a module beside the place where it goes. An
//! [`InPlaceLinker`] is given each function as it is compiled, stores it behind the others, and keeps of it what is needed to
//! fill in addresses later. All functions known, the data are laid out; then the address of the image is fixed and everything is
//! connected:
//!
//! ```text
//!   add_function      add_function          lay_out                        link(base)
//!  ┌──────┬───        ┌──────┬─────┬───    ┌──────┬─────┬ ─ ─ ─ ─ ─ ┐     ┌──────┬─────┬──────┬────────┐
//!  │ %f   │           │ %f   │ %g  │       │ %f   │ %g  │ size known      │ %f   │ %g  │ data │ zeros  │ addresses
//!  └──────┴───        └──────┴─────┴───    └──────┴─────┴ ─ ─ ─ ─ ─ ┘     └──────┴─────┴──────┴────────┘ filled in
//! ```
//!
//! Until it is linked the code may be moved: nothing in it depends on where it is. The result is the same, byte for byte, as
//! that of a [`Linker`](crate::Linker) for the same functions and data, as long as that has no calls to shorten.

use crate::data_layout::{DataLayout, data_alignment};
use crate::error::{LinkError, UndefinedSymbol};
use crate::map::{ImageMap, Symbol, SymbolKind};
use crate::relocation::{self, Malformed};
use alloc::vec::Vec;
use lpc_codegen::backend::buffer::{MachBufferFinalized, MachSrcLoc, MachTrap};
use lpc_codegen::backend::reloc::{RelocKind, RelocTarget};
use lpc_lpir::ir::{DataObject, ExternalName, Linkage};

/// Stores functions where they will run, and links them there. All of them are of one module.
///
/// ```
/// use lpc_codegen::{Compiler, Settings};
/// use lpc_link::InPlaceLinker;
/// use lpc_lpir::ir::{ExternalName, Linkage};
/// use lpc_lpir::text::parse_module;
///
/// let module = parse_module("function %twice(i32) -> i32 {
/// block0(v0: i32):
///     v1 = iadd v0, v0
///     return v1
/// }")?;
/// let mut memory = [0; 64];
/// let mut linker = InPlaceLinker::new();
/// for (_, function) in module.functions() {
///     let compiled = Compiler::new().compile(function, &Settings::default())?;
///     linker.add_function(compiled.name, Linkage::Export, compiled.code.buffer, &mut memory)?;
/// }
/// let image = linker.lay_out()?;
/// assert_eq!((image.size(), image.alignment()), (4, 2));
/// let map = image.link(0x2000_0000, &mut memory, &|_| None)?;
/// assert_eq!(map.address_of(&ExternalName::symbol("twice")), Some(0x2000_0000));
/// assert_eq!(memory[..4], [0x2a, 0x95, 0x82, 0x80]); // add a0,a0,a0; ret
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct InPlaceLinker {
    /// Everything that is defined or referred to, in order.
    names: Vec<(ExternalName, NameId)>,
    /// For each name, what it stands for.
    definitions: Vec<Definition>,
    functions: Vec<PlacedFunction>,
    /// The data objects. Their names and relocations are in `names` and `data_relocs`.
    data: Vec<DataObject>,
    data_relocs: Vec<PendingDataReloc>,
    relocs: Vec<PendingReloc>,
    traps: Vec<MachTrap>,
    srclocs: Vec<MachSrcLoc>,
    /// Where the next function may start.
    text_size: u32,
    text_alignment: u32,
    section_alignment: u32,
}

/// A name, in the order in which they were first seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct NameId(u32);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Definition {
    /// It is only referred to.
    Undefined,
    /// The function at this place of the list.
    Function(u32),
    /// The data object at this place of the list.
    Data(u32),
}

#[derive(Clone, Copy, Debug)]
struct PlacedFunction {
    name: NameId,
    linkage: Linkage,
    start: u32,
    code_size: u32,
    size: u32,
}

/// An address to be filled in: that of `target`, plus `addend`. Where distances are written, they are from `origin`.
#[derive(Clone, Copy, Debug)]
struct PendingReloc {
    offset: u32,
    /// The address that a distance is from: that of the instruction, or of the `auipc` that it belongs to.
    origin: u32,
    target: NameId,
    addend: i32,
    kind: RelocKind,
}

/// An address in a data object, to be filled in.
#[derive(Clone, Copy, Debug)]
struct PendingDataReloc {
    /// The place of the object in the list.
    object: u32,
    /// Whose name it has.
    name: NameId,
    /// In the object.
    offset: u32,
    target: NameId,
    addend: i32,
}

impl Default for InPlaceLinker {
    fn default() -> Self {
        Self::new()
    }
}

impl InPlaceLinker {
    /// A linker without functions and data.
    pub const fn new() -> Self {
        Self {
            names: Vec::new(),
            definitions: Vec::new(),
            functions: Vec::new(),
            data: Vec::new(),
            data_relocs: Vec::new(),
            relocs: Vec::new(),
            traps: Vec::new(),
            srclocs: Vec::new(),
            text_size: 0,
            text_alignment: 1,
            section_alignment: 1,
        }
    }

    /// Makes the address of every section of the image a multiple of `alignment`, a power of two, as memory protection needs
    /// it.
    pub fn align_sections(&mut self, alignment: u32) {
        debug_assert!(alignment.is_power_of_two());
        self.section_alignment = alignment;
    }

    /// Stores the function `name` in `memory`, behind those that are there, and tells how many bytes from the start that is.
    ///
    /// # Errors
    /// When the name is taken, when the code is malformed, when `memory` is too small, which is [`LinkError::NoRoom`], or when there is no
    /// memory for what is to be known of it. Then nothing can be done with this linker.
    ///
    /// # Panics
    /// When the code was compiled with [`linker_relaxation`](lpc_codegen::Settings::linker_relaxation): it is not complete.
    pub fn add_function(
        &mut self,
        name: ExternalName,
        linkage: Linkage,
        code: MachBufferFinalized,
        memory: &mut [u8],
    ) -> Result<u32, LinkError> {
        assert!(!code.relaxable, "calls cannot be shortened in place");
        let alignment = code.alignment.max(1);
        let start = self.text_size.next_multiple_of(alignment) as usize;
        let end = start + code.bytes.len();
        let needed = u32::try_from(end).map_err(|_| LinkError::TooLarge)?;
        if end > memory.len() {
            return Err(LinkError::NoRoom { needed });
        }
        let name = self.define(name, Definition::Function(self.functions.len() as u32))?;
        self.functions.try_reserve(1)?;
        self.functions.push(PlacedFunction {
            name,
            linkage,
            start: start as u32,
            code_size: code.code_size,
            size: code.bytes.len() as u32,
        });
        memory[self.text_size as usize..start].fill(0);
        memory[start..end].copy_from_slice(&code.bytes);
        self.text_size = end as u32;
        self.text_alignment = self.text_alignment.max(alignment);
        self.add_tables(name, start as u32, code)?;
        Ok(start as u32)
    }

    /// Adds a data object, one that [`DataObject::check`] accepts. It is stored when everything is linked.
    ///
    /// # Errors
    /// When the name is taken, or when there is no memory for what is to be known of it. Then nothing can be done with this linker.
    pub fn add_data(&mut self, mut object: DataObject) -> Result<(), LinkError> {
        let index = self.data.len() as u32;
        let name = core::mem::replace(&mut object.name, ExternalName::user(0, 0));
        let name = self.define(name, Definition::Data(index))?;
        let relocs = core::mem::take(&mut object.relocs);
        self.data_relocs.try_reserve(relocs.len())?;
        for reloc in relocs {
            let target = self.refer_to(reloc.target)?;
            self.data_relocs.push(PendingDataReloc {
                object: index,
                name,
                offset: reloc.offset,
                target,
                addend: reloc.addend,
            });
        }
        self.data.try_reserve(1)?;
        self.data.push(object);
        Ok(())
    }

    /// The names that are used and not defined yet, in their order.
    pub fn undefined_names(&self) -> impl Iterator<Item = &ExternalName> {
        let names = self.names.iter();
        names.filter_map(|(name, id)| (!self.is_defined(*id)).then_some(name))
    }

    /// The data, placed behind the functions.
    ///
    /// # Errors
    /// When there is no memory to know where they are.
    pub fn lay_out(self) -> Result<InPlaceImage, LinkError> {
        let layout = DataLayout::new(self.text_size, self.data.iter(), self.section_alignment)?;
        Ok(InPlaceImage {
            linker: self,
            layout,
        })
    }

    fn is_defined(&self, name: NameId) -> bool {
        self.definitions[name.0 as usize] != Definition::Undefined
    }

    fn position(&self, name: &ExternalName) -> Result<usize, usize> {
        self.names.binary_search_by(|(other, _)| other.cmp(name))
    }

    fn refer_to(&mut self, name: ExternalName) -> Result<NameId, LinkError> {
        let place = match self.position(&name) {
            Ok(place) => return Ok(self.names[place].1),
            Err(place) => place,
        };
        let id = NameId(self.definitions.len() as u32);
        self.names.try_reserve(1)?;
        self.definitions.try_reserve(1)?;
        self.names.insert(place, (name, id));
        self.definitions.push(Definition::Undefined);
        Ok(id)
    }

    fn define(&mut self, name: ExternalName, as_what: Definition) -> Result<NameId, LinkError> {
        if let Ok(place) = self.position(&name)
            && self.is_defined(self.names[place].1)
        {
            return Err(LinkError::DuplicateSymbol(name));
        }
        let id = self.refer_to(name)?;
        self.definitions[id.0 as usize] = as_what;
        Ok(id)
    }

    /// Adds what is known of the code of the function `name`, which starts at `start`.
    fn add_tables(
        &mut self,
        name: NameId,
        start: u32,
        code: MachBufferFinalized,
    ) -> Result<(), LinkError> {
        self.traps.try_reserve(code.traps.len())?;
        self.traps.extend(code.traps.iter().map(|trap| MachTrap {
            offset: trap.offset + start,
            ..*trap
        }));
        self.srclocs.try_reserve(code.srclocs.len())?;
        self.srclocs
            .extend(code.srclocs.iter().map(|run| MachSrcLoc {
                start: run.start + start,
                end: run.end + start,
                ..*run
            }));
        self.relocs.try_reserve(code.relocs.len())?;
        let first = self.relocs.len();
        for reloc in code.relocs {
            let (target, origin, addend) = match (reloc.kind, reloc.target) {
                // To be completed by that of the `auipc`.
                (RelocKind::PcRelLo12I | RelocKind::PcRelLo12S, RelocTarget::Local(auipc)) => {
                    (name, auipc, 0)
                }
                (_, RelocTarget::Local(offset)) => {
                    let addend = reloc.addend.wrapping_add_unsigned(offset);
                    (name, reloc.offset, addend)
                }
                (_, RelocTarget::External(target)) => {
                    (self.refer_to(target)?, reloc.offset, reloc.addend)
                }
            };
            self.relocs.push(PendingReloc {
                offset: reloc.offset + start,
                origin: origin + start,
                target,
                addend,
                kind: reloc.kind,
            });
        }
        self.complete_low_parts(first)
    }

    /// Gives the low parts of distances, of the relocations from number `first` on, what the relocation of their `auipc` states. Relocations
    /// are in the order of their offsets.
    fn complete_low_parts(&mut self, first: usize) -> Result<(), LinkError> {
        for index in first..self.relocs.len() {
            let PendingReloc { offset, origin, .. } = self.relocs[index];
            if offset == origin {
                continue;
            }
            let relocs = &self.relocs[first..];
            let auipc = relocs.binary_search_by_key(&origin, |reloc| reloc.offset);
            let stating = auipc.ok().map(|auipc| relocs[auipc]);
            let stating = stating.filter(|reloc| reloc.kind == RelocKind::PcRelHi20);
            let PendingReloc { target, addend, .. } =
                stating.ok_or_else(|| self.malformed(offset))?;
            self.relocs[index] = PendingReloc {
                target,
                addend,
                ..self.relocs[index]
            };
        }
        Ok(())
    }

    fn name_of(&self, id: NameId) -> &ExternalName {
        let found = self.names.iter().find(|(_, other)| *other == id);
        found.map(|(name, _)| name).expect("every id has a name")
    }

    /// The error that what is at `offset` is not what its relocation says.
    fn malformed(&self, offset: u32) -> LinkError {
        let behind = self
            .functions
            .partition_point(|function| function.start <= offset);
        let function = &self.functions[behind - 1];
        LinkError::MalformedRelocation {
            function: self.name_of(function.name).clone(),
            offset: offset - function.start,
        }
    }
}

/// Functions in memory whose data have their places, to be linked for an address.
#[derive(Debug)]
pub struct InPlaceImage {
    linker: InPlaceLinker,
    layout: DataLayout,
}

impl InPlaceImage {
    /// The bytes that the image takes in memory.
    pub fn size(&self) -> u32 {
        self.layout.sections.zeroed.end
    }

    /// What the address of the image must be a multiple of.
    pub fn alignment(&self) -> u32 {
        let text = self.linker.text_alignment;
        let text = text.max(self.linker.section_alignment);
        text.max(data_alignment(self.linker.data.iter()))
    }

    /// Links the image to run at the address `base`. Its functions are at the start of `memory`, which has at least
    /// [`Self::size`] bytes. Names that are neither functions nor data here are looked up with `imports`, each one once.
    ///
    /// # Errors
    /// When names are not defined, when the image cannot be at that address, or when the memory is too small.
    pub fn link(
        self,
        base: u32,
        memory: &mut [u8],
        imports: &dyn Fn(&ExternalName) -> Option<u32>,
    ) -> Result<ImageMap, LinkError> {
        self.link_apart(base, base, memory, imports)
    }

    /// As [`Self::link`], for a processor that executes the memory at `base` and has data in it at `data_base`: data objects are there, as
    /// if the image were. What lies behind the code of a function, its constants and jump tables, is part of the code.
    ///
    /// # Errors
    /// Those of [`Self::link`].
    pub fn link_apart(
        self,
        base: u32,
        data_base: u32,
        memory: &mut [u8],
        imports: &dyn Fn(&ExternalName) -> Option<u32>,
    ) -> Result<ImageMap, LinkError> {
        let alignment = self.alignment();
        for base in [base, data_base] {
            if !base.is_multiple_of(alignment) {
                return Err(LinkError::MisalignedBase { base, alignment });
            }
            self.layout.check_end(base)?;
        }
        let memory = memory.get_mut(..self.size() as usize);
        let memory = memory.ok_or(LinkError::NoRoom {
            needed: self.size(),
        })?;
        let addresses = self.addresses(base, data_base, imports)?;
        self.fill_in_text(base, &addresses, memory)?;
        self.place_data(&addresses, memory);
        self.into_map(base, data_base)
    }

    /// The address of each name.
    fn addresses(
        &self,
        base: u32,
        data_base: u32,
        imports: &dyn Fn(&ExternalName) -> Option<u32>,
    ) -> Result<Vec<u32>, LinkError> {
        let linker = &self.linker;
        let mut addresses = Vec::new();
        addresses.try_reserve_exact(linker.definitions.len())?;
        addresses.resize(linker.definitions.len(), 0);
        let mut is_anything_undefined = false;
        for (name, id) in &linker.names {
            let address = match linker.definitions[id.0 as usize] {
                Definition::Function(index) => {
                    Some(base.wrapping_add(linker.functions[index as usize].start))
                }
                Definition::Data(index) => {
                    Some(data_base.wrapping_add(self.layout.offsets[index as usize]))
                }
                Definition::Undefined => imports(name),
            };
            match address {
                Some(address) => addresses[id.0 as usize] = address,
                None => is_anything_undefined = true,
            }
        }
        if is_anything_undefined {
            return Err(self.undefined(imports));
        }
        Ok(addresses)
    }

    /// The error that names are not defined, which lists each one once, in the order of their first use.
    fn undefined(&self, imports: &dyn Fn(&ExternalName) -> Option<u32>) -> LinkError {
        let linker = &self.linker;
        let functions = linker.relocs.iter().map(|reloc| {
            let behind = linker
                .functions
                .partition_point(|function| function.start <= reloc.offset);
            let function = &linker.functions[behind - 1];
            (linker.name_of(function.name), reloc.target)
        });
        let data = linker.data_relocs.iter();
        let data = data.map(|reloc| (linker.name_of(reloc.name), reloc.target));
        let mut is_listed = alloc::vec![false; linker.definitions.len()];
        let mut list = Vec::new();
        for (user, id) in functions.chain(data) {
            if linker.is_defined(id) || core::mem::replace(&mut is_listed[id.0 as usize], true) {
                continue;
            }
            let name = linker.name_of(id);
            if imports(name).is_none() {
                list.push(UndefinedSymbol {
                    name: name.clone(),
                    referenced_by: user.clone(),
                });
            }
        }
        LinkError::Undefined(list)
    }

    fn fill_in_text(
        &self,
        base: u32,
        addresses: &[u32],
        memory: &mut [u8],
    ) -> Result<(), LinkError> {
        for reloc in &self.linker.relocs {
            let address = addresses[reloc.target.0 as usize];
            let mut value = address.wrapping_add_signed(reloc.addend);
            if relocation::is_relative(reloc.kind) {
                value = value.wrapping_sub(base.wrapping_add(reloc.origin));
            }
            let text = &mut memory[..self.linker.text_size as usize];
            text.get_mut(reloc.offset as usize..)
                .ok_or(Malformed)
                .and_then(|place| relocation::apply(reloc.kind, place, value))
                .map_err(|Malformed| self.linker.malformed(reloc.offset))?;
        }
        Ok(())
    }

    /// Stores the data, and zeros where there are none.
    fn place_data(&self, addresses: &[u32], memory: &mut [u8]) {
        memory[self.linker.text_size as usize..].fill(0);
        let offsets = &self.layout.offsets;
        for (object, &offset) in self.linker.data.iter().zip(offsets) {
            memory[offset as usize..][..object.bytes.len()].copy_from_slice(&object.bytes);
        }
        for reloc in &self.linker.data_relocs {
            let value = addresses[reloc.target.0 as usize].wrapping_add_signed(reloc.addend);
            let offset = offsets[reloc.object as usize] + reloc.offset;
            relocation::apply(RelocKind::Abs32, &mut memory[offset as usize..], value)
                .expect("the relocations of data objects are inside of them");
        }
    }

    fn into_map(self, base: u32, data_base: u32) -> Result<ImageMap, LinkError> {
        let InPlaceLinker {
            names,
            definitions,
            functions,
            data,
            traps,
            srclocs,
            ..
        } = self.linker;
        let defined = names.into_iter().filter_map(|(name, id)| {
            let (linkage, kind, offset, size) = match definitions[id.0 as usize] {
                Definition::Undefined => return None,
                Definition::Function(index) => {
                    let function = &functions[index as usize];
                    let code_size = function.code_size;
                    let kind = SymbolKind::Function { code_size };
                    (function.linkage, kind, function.start, function.size)
                }
                Definition::Data(index) => {
                    let object = &data[index as usize];
                    let offset = self.layout.offsets[index as usize];
                    let kind = SymbolKind::Data(object.kind);
                    (object.linkage, kind, offset, object.size)
                }
            };
            Some(Symbol {
                name,
                linkage,
                kind,
                offset,
                size,
            })
        });
        let mut symbols = Vec::new();
        symbols.try_reserve_exact(functions.len() + data.len())?;
        symbols.extend(defined);
        // They may be kept for long.
        let (traps, srclocs) = (shrunk(traps), shrunk(srclocs));
        let bases = (base, data_base);
        ImageMap::new(bases, self.layout.sections, symbols, traps, srclocs)
    }
}

/// The same list without room for more, if there is memory to copy it: `shrink_to_fit` may abort.
fn shrunk<T: Copy>(list: Vec<T>) -> Vec<T> {
    let mut copy = Vec::new();
    if list.capacity() == list.len() || copy.try_reserve_exact(list.len()).is_err() {
        return list;
    }
    copy.extend_from_slice(&list);
    copy
}
