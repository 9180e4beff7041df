//! Reading ELF files of RV32 machines, of any compiler.
//!
//! [`ElfFile::parse`] checks a file and gives views of its bytes. [`ElfFile::check_static_executable`] says whether it can be
//! run as it is. Of everything in the result holds:
//!
//! * segments, sections and their data are inside the file, and no segment leaves the address space or overlaps another;
//! * a symbol that is in a section names one that exists;
//! * memory is taken in proportion to the file, whatever its headers claim. Names are views of the file for that reason:
//!   many symbols may share one long name.
//!
//! The RISC-V parts follow the psABI ("RISC-V ELF Specification"): the flags of the file header, the attributes, and the
//! symbols that map sections to code and data ("Mapping Symbol").

mod error;
mod parse;

pub use error::ReadElfError;

use super::traps;
use alloc::collections::BTreeMap;
use alloc::string::ToString;
use alloc::vec::Vec;
use lpc_lpir::ir::TrapCode;
use lpc_riscv32::{Extension, ExtensionSet};
use object::LittleEndian;
use object::elf;
use parse::stated_isa;

type Header = elf::FileHeader32<LittleEndian>;

const ENDIAN: LittleEndian = LittleEndian;

/// The longest name that is read, in bytes.
const MAX_NAME_LENGTH: usize = 1 << 16;

/// Whether `bytes` start as an ELF file does.
pub fn is_elf(bytes: &[u8]) -> bool {
    bytes.starts_with(&elf::ELFMAG)
}

/// An ELF file of an RV32 machine.
#[derive(Clone, Debug)]
pub struct ElfFile<'data> {
    /// What it is for.
    pub kind: FileKind,
    /// The address of the first instruction; 0 where there is none that comes first.
    pub entry: u32,
    /// What is loaded into memory, in the order of the file.
    pub segments: Vec<Segment<'data>>,
    /// The sections, indexed by [`SectionIndex`]. The first one is the null section.
    pub sections: Vec<Section<'data>>,
    /// The symbols, indexed by the number that relocations use. The first one is the null symbol.
    pub symbols: Vec<Symbol<'data>>,
    /// The symbols that are in sections, by these.
    by_section: Vec<(SectionIndex, u32)>,
    /// The flags of the file header.
    flags: elf::FileFlags,
    /// Whether there is something for a dynamic linker to do.
    is_dynamic: bool,
    /// The content of `.riscv.attributes`.
    attributes: Option<&'data [u8]>,
}

/// What an ELF file is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileKind {
    /// A program.
    Executable,
    /// To be linked.
    Relocatable,
    /// A library, or a program that may be at any address.
    Shared,
}

/// A part of the file that is loaded into memory (`PT_LOAD`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment<'data> {
    /// The address of its first byte while the program runs.
    pub address: u32,
    /// Where its bytes are when a machine without an operating system starts (`p_paddr`): in the ROM of which start-up code
    /// copies them to `address`, where that is another place.
    pub load_address: u32,
    /// The bytes that it takes in memory. Those behind `data` are zero.
    pub memory_size: u32,
    /// Its first bytes.
    pub data: &'data [u8],
    /// Whether it holds instructions.
    pub is_executable: bool,
    /// Whether the program may write to it.
    pub is_writable: bool,
}

impl Segment<'_> {
    /// The address behind its last byte, which may be 2³².
    pub fn end(&self) -> u64 {
        u64::from(self.address) + u64::from(self.memory_size)
    }

    /// Whether the byte at `address` belongs to it.
    pub fn contains(&self, address: u32) -> bool {
        self.address <= address && u64::from(address) < self.end()
    }
}

/// The number of a section.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SectionIndex(pub usize);

/// A section.
#[derive(Clone, Copy, Debug)]
pub struct Section<'data> {
    /// Its name.
    pub name: &'data str,
    /// Its address; 0 where none is fixed yet.
    pub address: u32,
    /// Its size in memory, in bytes.
    pub size: u32,
    /// Its content. Empty if it is all zeros (`SHT_NOBITS`), and if it is compressed, which this reader does not undo.
    pub data: &'data [u8],
    /// Whether it is in memory while the program runs.
    pub is_allocated: bool,
    /// Whether it holds instructions.
    pub is_code: bool,
    relocations: &'data [elf::Rela32<LittleEndian>],
}

/// A place that the linker is to fill in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Relocation {
    /// Where it is: a distance from the start of the section in a relocatable object, an address in an executable.
    pub offset: u32,
    /// Its number in the psABI.
    pub kind: u32,
    /// The number of its symbol; 0 for none.
    pub symbol: u32,
    /// What is added to the address of the symbol.
    pub addend: i32,
}

impl Relocation {
    /// The name of its kind in the psABI, such as `R_RISCV_CALL_PLT`.
    pub fn kind_name(&self) -> Option<&'static str> {
        elf::NAMES_R_RISCV.name(elf::RelocationType(self.kind))
    }
}

impl Section<'_> {
    /// Its relocations, in the order of their places.
    pub fn relocations(&self) -> Vec<Relocation> {
        let mut relocations: Vec<_> = self
            .relocations
            .iter()
            .map(|rela| Relocation {
                offset: rela.r_offset.get(ENDIAN),
                kind: rela.r_type(ENDIAN).0,
                symbol: rela.r_sym(ENDIAN),
                addend: rela.r_addend.get(ENDIAN),
            })
            .collect();
        relocations.sort_by_key(|relocation| relocation.offset);
        relocations
    }
}

/// A symbol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Symbol<'data> {
    /// Its name. Symbols of sections have none of their own.
    pub name: &'data str,
    /// Its address; a distance from the start of its section in a relocatable object.
    pub value: u32,
    /// Its size in bytes; 0 if that is unknown.
    pub size: u32,
    /// Where it is defined.
    pub place: SymbolPlace,
    /// What it names.
    pub kind: SymbolKind,
    /// Whether other files may refer to it.
    pub is_global: bool,
}

/// Where a symbol is defined.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SymbolPlace {
    /// In another file.
    Undefined,
    /// It is a number, and no place in the program.
    Absolute,
    /// In this section.
    Section(SectionIndex),
    /// Somewhere else, such as in a common block.
    Other,
}

/// What a symbol names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SymbolKind {
    /// A function.
    Function,
    /// Data.
    Object,
    /// A section.
    Section,
    /// The source file.
    File,
    /// Nothing in particular.
    Other,
}

/// What stands in a section from the place of a symbol on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mapping {
    /// Data (`$d`).
    Data,
    /// Instructions (`$x`), of the instruction set that the symbol names, if it does.
    Code(Option<ExtensionSet>),
}

impl Symbol<'_> {
    /// What it says about what follows it, if it says something.
    ///
    /// Mapping symbols say it outright. Where there is none, functions and data objects do: compilers that write no mapping
    /// symbols put such objects between functions all the same.
    pub fn mapping(&self) -> Option<Mapping> {
        match self.kind {
            SymbolKind::Function => return Some(Mapping::Code(None)),
            SymbolKind::Object => return Some(Mapping::Data),
            _ => {}
        }
        let name = self.name.strip_prefix('$')?;
        // What follows a dot makes the name unique.
        let name = name.split('.').next().unwrap_or_default();
        match (name.as_bytes().first()?, &name[1..]) {
            (b'd', "") => Some(Mapping::Data),
            (b'x', "") => Some(Mapping::Code(None)),
            (b'x', isa) => Some(Mapping::Code(isa.parse().ok())),
            _ => None,
        }
    }

    /// Whether it names a place in code or data, for people.
    fn is_label(&self) -> bool {
        let names_place = !matches!(self.kind, SymbolKind::Section | SymbolKind::File);
        names_place
            && matches!(self.place, SymbolPlace::Section(_))
            && !self.name.is_empty()
            && !self.name.starts_with('$')
            // What assemblers name for relocations alone.
            && !self.name.starts_with(".L0 ")
    }

    /// Which symbols are preferred where several name one place.
    fn rank(&self) -> (bool, bool) {
        (self.kind == SymbolKind::Function, self.is_global)
    }
}

impl<'data> ElfFile<'data> {
    /// Checks that the file is a program that a machine with general-purpose registers can run when its segments are loaded.
    ///
    /// # Errors
    /// Why it is not.
    pub fn check_static_executable(&self) -> Result<(), ReadElfError> {
        match self.kind {
            FileKind::Executable if !self.is_dynamic => {}
            FileKind::Relocatable => return Err(ReadElfError::NotLinked),
            FileKind::Executable | FileKind::Shared => return Err(ReadElfError::NotStatic),
        }
        if self.flags.contains(elf::EF_RISCV_RVE) {
            return Err(ReadElfError::Embedded);
        }
        if self.flags.riscv_float_abi() != elf::EF_RISCV_FLOAT_ABI_SOFT {
            return Err(ReadElfError::HardFloat);
        }
        let mut code = self.segments.iter().filter(|segment| segment.is_executable);
        if code.any(|segment| segment.contains(self.entry)) {
            Ok(())
        } else {
            Err(ReadElfError::BadEntry(self.entry))
        }
    }

    /// The section that is called `name`.
    pub fn section(&self, name: &str) -> Option<&Section<'data>> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// The instruction set that the code is for: the one that the attributes state. Without attributes it is everything that
    /// is known, except for compressed instructions where the header does not state that there are some.
    ///
    /// # Errors
    /// When the attributes are malformed, or state something that is not known.
    pub fn extensions(&self) -> Result<ExtensionSet, ReadElfError> {
        let stated = self.attributes.map(stated_isa).transpose()?.flatten();
        match stated {
            Some(isa) => isa.parse().map_err(|error| ReadElfError::Isa {
                isa: isa.to_string(),
                error,
            }),
            None if self.flags.contains(elf::EF_RISCV_RVC) => Ok(ExtensionSet::all()),
            None => Ok(without_compressed()),
        }
    }

    /// The value of the symbol `name` that is defined here, global ones first.
    pub fn address_of(&self, name: &str) -> Option<u32> {
        let defined = self
            .symbols
            .iter()
            .filter(|symbol| symbol.name == name && symbol.place != SymbolPlace::Undefined);
        let symbol = defined.max_by_key(|symbol| symbol.is_global)?;
        Some(symbol.value)
    }

    /// The function that `address` of a linked file is in, and the distance from its start. Where no function is known to
    /// reach so far it is the next label before the address in its section.
    pub fn locate(&self, address: u32) -> Option<(&'data str, u32)> {
        // A size that leads beyond the end of the address space does not lead back to its start.
        let is_in = |start: u32, size: u32| {
            let offset = address.checked_sub(start);
            offset.is_some_and(|offset| offset < size)
        };
        let contains = |symbol: &&Symbol<'data>| {
            symbol.kind == SymbolKind::Function && is_in(symbol.value, symbol.size)
        };
        let section = self
            .sections
            .iter()
            .position(|section| section.is_allocated && is_in(section.address, section.size));
        let labels = || self.symbols.iter().filter(|symbol| symbol.is_label());
        let is_before = |symbol: &&Symbol<'data>| {
            let place = section.map(|index| SymbolPlace::Section(SectionIndex(index)));
            symbol.value <= address && Some(symbol.place) == place
        };
        let symbol = labels().filter(contains).max_by_key(|symbol| symbol.rank());
        let symbol = symbol.or_else(|| {
            let before = labels().filter(is_before);
            before.max_by_key(|symbol| (symbol.value, symbol.rank()))
        })?;
        Some((symbol.name, address - symbol.value))
    }

    /// Names for the places in the section `index`, by their addresses, or by their distance from its start in a relocatable
    /// object.
    pub fn labels(&self, index: SectionIndex) -> BTreeMap<u32, &'data str> {
        let mut labels: BTreeMap<u32, &Symbol<'data>> = BTreeMap::new();
        for symbol in self.symbols_in(index).filter(|symbol| symbol.is_label()) {
            let label = labels.entry(symbol.value).or_insert(symbol);
            if symbol.rank() > label.rank() {
                *label = symbol;
            }
        }
        let names = labels.into_iter();
        names
            .map(|(address, symbol)| (address, symbol.name))
            .collect()
    }

    /// What the section `index` holds, by the places where that changes. Before the first one it is code, if the section is.
    pub fn mappings(&self, index: SectionIndex) -> BTreeMap<u32, Mapping> {
        let mut symbols: Vec<_> = self
            .symbols_in(index)
            .filter_map(|symbol| Some((symbol, symbol.mapping()?)))
            .collect();
        // Of several at one place the last one is kept.
        symbols.sort_by_key(|(symbol, _)| symbol.name.starts_with('$'));
        let mappings = symbols.into_iter();
        mappings
            .map(|(symbol, mapping)| (symbol.value, mapping))
            .collect()
    }

    fn symbols_in(&self, index: SectionIndex) -> impl Iterator<Item = &Symbol<'data>> {
        let start = self
            .by_section
            .partition_point(|(section, _)| *section < index);
        self.by_section[start..]
            .iter()
            .take_while(move |(section, _)| *section == index)
            .map(|&(_, symbol)| &self.symbols[symbol as usize])
    }

    /// Why the instruction at `address` traps, if the file says so.
    pub fn trap_at(&self, address: u32) -> Option<TrapCode> {
        traps::find(self.section(traps::SECTION)?.data, address)
    }
}

/// All extensions that have no compressed instructions.
fn without_compressed() -> ExtensionSet {
    let is_compressed = |extension: &Extension| {
        matches!(extension, Extension::C | Extension::Zca)
            || extension.implied().contains(&Extension::Zca)
    };
    let others = Extension::ALL
        .iter()
        .filter(|extension| !is_compressed(extension));
    others.fold(ExtensionSet::EMPTY, |set, extension| set.with(*extension))
}
