//! From the bytes of an ELF file to its parts.

use super::error::{ReadElfError, malformed};
use super::{
    ENDIAN, ElfFile, FileKind, Header, MAX_NAME_LENGTH, Section, SectionIndex, Segment, Symbol,
    SymbolKind, SymbolPlace, is_elf,
};
use alloc::vec::Vec;
use object::LittleEndian;
use object::elf;
use object::read::elf::{AttributesSection, FileHeader, ProgramHeader, SectionHeader, Sym};
use object::read::{SectionIndex as ObjectSection, StringTable, SymbolIndex as ObjectSymbol};

type SectionTable<'data> = object::read::elf::SectionTable<'data, Header>;

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
        let symbols = parse_symbols(&sections, bytes)?;
        let file = Self {
            kind,
            entry: header.e_entry(ENDIAN),
            segments: parse_segments(program_headers, bytes)?,
            by_section: symbols_by_section(&symbols),
            symbols,
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

/// The numbers of the symbols that are in sections, by section and in their order.
fn symbols_by_section(symbols: &[Symbol<'_>]) -> Vec<(SectionIndex, u32)> {
    let numbered = (0..).zip(symbols);
    let mut by_section: Vec<_> = numbered
        .filter_map(|(number, symbol)| match symbol.place {
            SymbolPlace::Section(section) => Some((section, number)),
            _ => None,
        })
        .collect();
    by_section.sort_unstable();
    by_section
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
pub(super) fn stated_isa(bytes: &[u8]) -> Result<Option<&str>, ReadElfError> {
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
