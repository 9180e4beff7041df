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

use super::traps;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use lpc_lpir::ir::TrapCode;
use lpc_riscv32::extension::ParseExtensionError;
use lpc_riscv32::{Extension, ExtensionSet};
use object::LittleEndian;
use object::elf;
use object::read::elf::{AttributesSection, FileHeader, ProgramHeader, SectionHeader, Sym};
use object::read::{SectionIndex as ObjectSection, StringTable, SymbolIndex as ObjectSymbol};

type Header = elf::FileHeader32<LittleEndian>;
type SectionTable<'data> = object::read::elf::SectionTable<'data, Header>;

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
    }

    /// Which symbols are preferred where several name one place.
    fn rank(&self) -> (bool, bool) {
        (self.kind == SymbolKind::Function, self.is_global)
    }
}

/// Why a file is not read, or cannot be run.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ReadElfError {
    /// It does not start as an ELF file does.
    NotElf,
    /// It is for machines of 64 bits.
    Not32Bit,
    /// It is big-endian.
    BigEndian,
    /// It is for another machine than RISC-V: this number in the ELF registry.
    OtherMachine(u16),
    /// It is none of the [kinds](FileKind) of files that are read.
    OtherKind(u16),
    /// It is not an executable, but an object that is to be linked.
    NotLinked,
    /// It is not a statically linked executable: it may be at any address, or has an interpreter.
    NotStatic,
    /// Its functions pass floating-point numbers in registers that the machine lacks.
    HardFloat,
    /// It is for RV32E, which has 16 registers.
    Embedded,
    /// It is truncated, or contradicts itself. The text says where.
    Malformed(String),
    /// A name is longer than this reader takes, or not UTF-8.
    BadName,
    /// A segment does not end within the address space.
    SegmentOutside {
        /// Its address.
        address: u32,
        /// Its size in memory.
        size: u32,
    },
    /// Two segments have bytes at the same address, which is this.
    SegmentsOverlap(u32),
    /// The entry point is in no executable segment.
    BadEntry(u32),
    /// The instruction set that the attributes state is not known.
    Isa {
        /// What they state.
        isa: String,
        /// What is wrong with it.
        error: ParseExtensionError,
    },
}

impl fmt::Display for ReadElfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotElf => f.write_str("not an ELF file"),
            Self::Not32Bit => f.write_str("an ELF file for machines of 64 bits, not of 32"),
            Self::BigEndian => f.write_str("an ELF file for big-endian machines"),
            Self::OtherMachine(machine) => {
                let name = elf::Machine(*machine).name();
                f.write_str("an ELF file for another machine than RISC-V: ")?;
                match name {
                    Some(name) => f.write_str(name),
                    None => write!(f, "{machine}"),
                }
            }
            Self::OtherKind(kind) => write!(
                f,
                "an ELF file of a kind that is not supported: {}",
                elf::FileType(*kind).name().unwrap_or("unknown")
            ),
            Self::NotLinked => f.write_str("an object that is not linked yet"),
            Self::NotStatic => f.write_str(
                "not a statically linked executable; link with `-static`, and not with `-pie`",
            ),
            Self::HardFloat => {
                f.write_str("compiled for floating-point registers; compile with `-mabi=ilp32`")
            }
            Self::Embedded => f.write_str("compiled for RV32E, which is not supported"),
            Self::Malformed(what) => write!(f, "malformed ELF file: {what}"),
            Self::BadName => write!(
                f,
                "malformed ELF file: a name is not UTF-8, or longer than {MAX_NAME_LENGTH} bytes"
            ),
            Self::SegmentOutside { address, size } => write!(
                f,
                "malformed ELF file: {size} bytes at {address:#010x} are not inside the address space"
            ),
            Self::SegmentsOverlap(address) => {
                write!(
                    f,
                    "malformed ELF file: two segments overlap at {address:#010x}"
                )
            }
            Self::BadEntry(entry) => write!(
                f,
                "malformed ELF file: the entry point {entry:#010x} is in no executable segment"
            ),
            Self::Isa { isa, error } => write!(f, "compiled for `{isa}`: {error}"),
        }
    }
}

impl core::error::Error for ReadElfError {}

impl From<object::read::Error> for ReadElfError {
    fn from(error: object::read::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}

fn malformed(what: &str) -> ReadElfError {
    ReadElfError::Malformed(what.to_string())
}

impl<'data> ElfFile<'data> {
    /// Reads the file with the content `bytes`.
    ///
    /// # Errors
    /// When it is no ELF file of an RV32 machine, or is malformed.
    pub fn parse(bytes: &'data [u8]) -> Result<Self, ReadElfError> {
        let header = parse_header(bytes)?;
        let kind = match header.e_type(ENDIAN) {
            elf::ET_EXEC => FileKind::Executable,
            elf::ET_REL => FileKind::Relocatable,
            elf::ET_DYN => FileKind::Shared,
            other => return Err(ReadElfError::OtherKind(other.0)),
        };
        let sections = header.sections(ENDIAN, bytes)?;
        let attributes = sections
            .iter()
            .find(|section| section.sh_type(ENDIAN) == elf::SHT_RISCV_ATTRIBUTES)
            .map(|section| section.data(ENDIAN, bytes))
            .transpose()?;
        let program_headers = header.program_headers(ENDIAN, bytes)?;
        let file = Self {
            kind,
            entry: header.e_entry(ENDIAN),
            segments: parse_segments(program_headers, bytes)?,
            symbols: parse_symbols(&sections, bytes)?,
            sections: parse_sections(&sections, bytes)?,
            flags: header.e_flags(ENDIAN),
            is_dynamic: program_headers.iter().any(|header| {
                let kind = header.p_type(ENDIAN);
                kind == elf::PT_INTERP || kind == elf::PT_DYNAMIC
            }),
            attributes,
        };
        file.check()?;
        Ok(file)
    }

    /// Checks what the parts promise of each other.
    fn check(&self) -> Result<(), ReadElfError> {
        check_disjoint(&self.segments)?;
        for symbol in &self.symbols {
            if let SymbolPlace::Section(SectionIndex(index)) = symbol.place
                && index >= self.sections.len()
            {
                return Err(malformed("a symbol is in a section that does not exist"));
            }
        }
        Ok(())
    }

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
        let contains = |symbol: &&Symbol<'data>| {
            symbol.kind == SymbolKind::Function && address.wrapping_sub(symbol.value) < symbol.size
        };
        let section = self.sections.iter().position(|section| {
            section.is_allocated && address.wrapping_sub(section.address) < section.size
        });
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
        let symbols = self.symbols.iter();
        symbols.filter(move |symbol| symbol.place == SymbolPlace::Section(index))
    }

    /// Why the instruction at `address` traps, if the file says so.
    pub fn trap_at(&self, address: u32) -> Option<TrapCode> {
        traps::find(self.section(traps::SECTION)?.data, address)
    }
}

fn parse_header(bytes: &[u8]) -> Result<&Header, ReadElfError> {
    if !is_elf(bytes) {
        return Err(ReadElfError::NotElf);
    }
    // Class and byte order stand in front of everything whose place depends on them.
    let byte_at = |index: usize| {
        bytes
            .get(index)
            .copied()
            .ok_or_else(|| malformed("the header is truncated"))
    };
    match elf::FileClass(byte_at(4)?) {
        elf::ELFCLASS32 => {}
        elf::ELFCLASS64 => return Err(ReadElfError::Not32Bit),
        _ => return Err(malformed("the header states no class that exists")),
    }
    match elf::DataEncoding(byte_at(5)?) {
        elf::ELFDATA2LSB => {}
        elf::ELFDATA2MSB => return Err(ReadElfError::BigEndian),
        _ => return Err(malformed("the header states no byte order that exists")),
    }
    let header = Header::parse(bytes)?;
    let machine = header.e_machine(ENDIAN);
    if machine != elf::EM_RISCV {
        return Err(ReadElfError::OtherMachine(machine.0));
    }
    Ok(header)
}

fn parse_segments<'data>(
    program_headers: &[elf::ProgramHeader32<LittleEndian>],
    bytes: &'data [u8],
) -> Result<Vec<Segment<'data>>, ReadElfError> {
    let is_loaded = |header: &&elf::ProgramHeader32<_>| header.p_type(ENDIAN) == elf::PT_LOAD;
    let mut segments = Vec::new();
    for program_header in program_headers.iter().filter(is_loaded) {
        let data = program_header
            .data(ENDIAN, bytes)
            .map_err(|()| malformed("a segment is not inside the file"))?;
        let flags = program_header.p_flags(ENDIAN);
        let segment = Segment {
            address: program_header.p_vaddr(ENDIAN),
            load_address: program_header.p_paddr(ENDIAN),
            memory_size: program_header.p_memsz(ENDIAN),
            data,
            is_executable: flags.contains(elf::PF_X),
            is_writable: flags.contains(elf::PF_W),
        };
        if segment.data.len() > segment.memory_size as usize {
            return Err(malformed("a segment has more bytes than memory"));
        }
        if segment.end() > 1 << 32 {
            return Err(ReadElfError::SegmentOutside {
                address: segment.address,
                size: segment.memory_size,
            });
        }
        if segment.memory_size > 0 {
            segments.push(segment);
        }
    }
    Ok(segments)
}

fn check_disjoint(segments: &[Segment<'_>]) -> Result<(), ReadElfError> {
    let mut sorted: Vec<_> = segments.iter().collect();
    sorted.sort_by_key(|segment| segment.address);
    for pair in sorted.windows(2) {
        if pair[0].end() > u64::from(pair[1].address) {
            return Err(ReadElfError::SegmentsOverlap(pair[1].address));
        }
    }
    Ok(())
}

fn parse_sections<'data>(
    table: &SectionTable<'data>,
    bytes: &'data [u8],
) -> Result<Vec<Section<'data>>, ReadElfError> {
    let mut sections = Vec::with_capacity(table.len());
    for header in table.iter() {
        let flags = header.sh_flags(ENDIAN);
        let is_compressed = flags.contains(elf::SHF_COMPRESSED);
        let data = header.data(ENDIAN, bytes)?;
        sections.push(Section {
            name: name_of(table.section_name(ENDIAN, header)?)?,
            address: header.sh_addr(ENDIAN),
            size: header.sh_size(ENDIAN),
            data: if is_compressed { &[] } else { data },
            is_allocated: flags.contains(elf::SHF_ALLOC),
            is_code: flags.contains(elf::SHF_EXECINSTR),
            relocations: &[],
        });
    }
    for header in table.iter() {
        let Some((relocations, _)) = header.rela(ENDIAN, bytes)? else {
            continue;
        };
        let target = sections
            .get_mut(header.sh_info(ENDIAN) as usize)
            .ok_or_else(|| malformed("relocations are for a section that does not exist"))?;
        if !target.relocations.is_empty() {
            return Err(malformed("a section has two tables of relocations"));
        }
        target.relocations = relocations;
    }
    Ok(sections)
}

fn parse_symbols<'data>(
    sections: &SectionTable<'data>,
    bytes: &'data [u8],
) -> Result<Vec<Symbol<'data>>, ReadElfError> {
    let table = sections.symbols(ENDIAN, bytes, elf::SHT_SYMTAB)?;
    let strings = table.strings();
    let mut symbols = Vec::with_capacity(table.len());
    for (index, symbol) in table.enumerate() {
        let place = match symbol.st_shndx(ENDIAN) {
            elf::SHN_UNDEF => SymbolPlace::Undefined,
            elf::SHN_ABS => SymbolPlace::Absolute,
            _ => match table.symbol_section(ENDIAN, symbol, index)? {
                Some(ObjectSection(index)) => SymbolPlace::Section(SectionIndex(index)),
                None => SymbolPlace::Other,
            },
        };
        symbols.push(Symbol {
            name: symbol_name(symbol, index, strings)?,
            value: symbol.st_value(ENDIAN),
            size: symbol.st_size(ENDIAN),
            place,
            kind: match symbol.st_type() {
                elf::STT_FUNC => SymbolKind::Function,
                elf::STT_OBJECT => SymbolKind::Object,
                elf::STT_SECTION => SymbolKind::Section,
                elf::STT_FILE => SymbolKind::File,
                _ => SymbolKind::Other,
            },
            is_global: symbol.st_bind() != elf::STB_LOCAL,
        });
    }
    Ok(symbols)
}

fn symbol_name<'data>(
    symbol: &elf::Sym32<LittleEndian>,
    index: ObjectSymbol,
    strings: StringTable<'data>,
) -> Result<&'data str, ReadElfError> {
    // The null symbol has no name, even where there is no table of names.
    if index == ObjectSymbol(0) {
        return Ok("");
    }
    name_of(symbol.name(ENDIAN, strings)?)
}

fn name_of(bytes: &[u8]) -> Result<&str, ReadElfError> {
    if bytes.len() > MAX_NAME_LENGTH {
        return Err(ReadElfError::BadName);
    }
    core::str::from_utf8(bytes).map_err(|_| ReadElfError::BadName)
}

/// `Tag_RISCV_arch`, the one tag that is needed. By the rule of the psABI the value of an even tag is a number, and that of an
/// odd tag a string.
const TAG_ARCH: u64 = 5;

/// The instruction set that the section `.riscv.attributes` with the content `bytes` states for the whole file.
fn stated_isa(bytes: &[u8]) -> Result<Option<&str>, ReadElfError> {
    let section = AttributesSection::<Header>::new(ENDIAN, bytes)?;
    for subsection in section.subsections()? {
        let subsection = subsection?;
        if subsection.vendor() != b"riscv" {
            continue;
        }
        for attributes in subsection.subsubsections() {
            let attributes = attributes?;
            if attributes.tag() != elf::Tag_File {
                continue;
            }
            let mut reader = attributes.attributes();
            while let Some(tag) = reader.read_tag()? {
                if tag == TAG_ARCH {
                    return name_of(reader.read_string()?).map(Some);
                } else if tag.is_multiple_of(2) {
                    reader.read_integer()?;
                } else {
                    reader.read_string()?;
                }
            }
        }
    }
    Ok(None)
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
