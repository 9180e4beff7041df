//! Writing an executable file: headers and tables around parts of memory.
//!
//! ```text
//!   file header
//!   program headers       one PT_LOAD for each run of parts with the same permissions, one PT_GNU_STACK
//!   parts                 at offsets that are their addresses modulo the size of a page
//!   .riscv.attributes
//!   .debug.lpc_traps, debug information
//!   .symtab .strtab .shstrtab
//!   section headers
//! ```
//!
//! A page of memory has one set of permissions, so parts with different ones are in different pages. That is up to whoever
//! gives the addresses.

use super::traps::{self, TrapEntry};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use lpc_riscv32::{Extension, ExtensionSet};
use object::Endianness;
use object::elf::{self, FileFlags};
use object::write::StringId;
use object::write::elf::{FileHeader, ProgramHeader, SectionHeader, SectionIndex, Sym, Writer};

/// The size of a page, the unit of permissions.
pub(super) const PAGE_SIZE: u32 = 4096;

/// An executable, ready to be written.
pub(super) struct ExecutableFile<'a> {
    /// The address of the first instruction.
    pub(super) entry: u32,
    pub(super) extensions: ExtensionSet,
    /// The content of `.riscv.attributes`.
    pub(super) attributes: Vec<u8>,
    /// In the order of their addresses.
    pub(super) parts: Vec<Part>,
    pub(super) symbols: Vec<FileSymbol<'a>>,
    pub(super) traps: Vec<TrapEntry>,
    /// The sections of debug information, each with its name.
    pub(super) debug_sections: Vec<(&'static str, Vec<u8>)>,
}

/// A section that is in memory while the program runs.
pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) address: u32,
    pub(super) content: Content,
    pub(super) alignment: u32,
    pub(super) permissions: Permissions,
}

/// What is in a part.
pub(super) enum Content {
    /// These bytes.
    Bytes(Vec<u8>),
    /// So many bytes that are not in the file.
    Zeros(u32),
}

impl Part {
    pub(super) fn size(&self) -> u32 {
        match &self.content {
            Content::Bytes(bytes) => bytes.len() as u32,
            Content::Zeros(size) => *size,
        }
    }

    fn bytes(&self) -> &[u8] {
        match &self.content {
            Content::Bytes(bytes) => bytes,
            Content::Zeros(_) => &[],
        }
    }
}

/// What the program may do with a part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Permissions {
    /// Read and execute.
    Execute,
    /// Read.
    Read,
    /// Read and write.
    Write,
}

impl Permissions {
    fn of_segment(self) -> elf::ProgramFlags {
        match self {
            Self::Execute => elf::PF_R | elf::PF_X,
            Self::Read => elf::PF_R,
            Self::Write => elf::PF_R | elf::PF_W,
        }
    }

    fn of_section(self) -> elf::SectionFlags {
        match self {
            Self::Execute => elf::SHF_ALLOC | elf::SHF_EXECINSTR,
            Self::Read => elf::SHF_ALLOC,
            Self::Write => elf::SHF_ALLOC | elf::SHF_WRITE,
        }
    }
}

/// A symbol.
pub(super) struct FileSymbol<'a> {
    pub(super) name: &'a str,
    pub(super) address: u32,
    pub(super) size: u32,
    pub(super) kind: FileSymbolKind,
    /// The position of the part that it is in.
    pub(super) part: usize,
    /// Whether it is one that other files may refer to.
    pub(super) is_global: bool,
}

/// What a symbol names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FileSymbolKind {
    Function,
    Object,
    /// A place.
    Label,
}

/// A run of parts with the same permissions: what one program header loads.
struct Load {
    /// The positions of the first part and of the one behind the last.
    first: usize,
    behind: usize,
    permissions: Permissions,
}

impl ExecutableFile<'_> {
    /// The bytes of the file.
    ///
    /// # Errors
    /// What is too large for the format.
    pub(super) fn write(&self) -> Result<Vec<u8>, String> {
        let mut file = Vec::new();
        let mut writer = Writer::new(Endianness::Little, false, &mut file);
        let layout = self.reserve(&mut writer)?;
        self.write_reserved(&mut writer, &layout)
            .map_err(|error| error.to_string())?;
        Ok(file)
    }

    fn loads(&self) -> Vec<Load> {
        let mut loads: Vec<Load> = Vec::new();
        for (index, part) in self.parts.iter().enumerate() {
            match loads.last_mut() {
                Some(load) if load.permissions == part.permissions => load.behind = index + 1,
                _ => loads.push(Load {
                    first: index,
                    behind: index + 1,
                    permissions: part.permissions,
                }),
            }
        }
        loads
    }

    /// The sections that are not in memory: name, kind and content.
    fn extras(&self) -> Vec<(&'static str, elf::SectionType, Vec<u8>)> {
        let traps = traps::encode(self.traps.iter().copied());
        let mut extras = Vec::new();
        extras.push((
            ".riscv.attributes",
            elf::SHT_RISCV_ATTRIBUTES,
            self.attributes.clone(),
        ));
        if !traps.is_empty() {
            extras.push((traps::SECTION, elf::SHT_PROGBITS, traps));
        }
        for (name, bytes) in &self.debug_sections {
            extras.push((name, elf::SHT_PROGBITS, bytes.clone()));
        }
        extras
    }

    /// The symbols in the order in which they are written: those that are not global come first.
    fn sorted_symbols(&self) -> Vec<&FileSymbol<'_>> {
        let mut symbols: Vec<_> = self.symbols.iter().collect();
        symbols.sort_by_key(|symbol| symbol.is_global);
        symbols
    }
}

/// Where everything is in the file. The writer keeps the rest.
struct FileLayout {
    /// For each part its name and its offset.
    parts: Vec<(StringId, u64)>,
    extras: Vec<Extra>,
    /// The names of the symbols, in the order in which they are written.
    symbols: Vec<StringId>,
}

/// A section that is not in memory.
struct Extra {
    name: StringId,
    kind: elf::SectionType,
    offset: u64,
    bytes: Vec<u8>,
}

/// What the offset of an [`Extra`] is a multiple of.
const EXTRA_ALIGNMENT: u64 = 4;

impl<'a> ExecutableFile<'a> {
    /// Gives everything its place, in the order of the file.
    fn reserve<'w>(&'w self, writer: &mut Writer<'w>) -> Result<FileLayout, String> {
        let to_text = |error: object::write::Error| error.to_string();
        writer.reserve_file_header();
        writer.reserve_program_headers(self.loads().len() as u32 + 1);
        writer.reserve_null_section_index();
        let mut parts = Vec::new();
        for part in &self.parts {
            if !part.bytes().is_empty() {
                let page = u64::from(PAGE_SIZE);
                let behind = (u64::from(part.address) + page - writer.reserved_len() % page) % page;
                writer.reserve_until(writer.reserved_len() + behind);
            }
            let offset = writer.reserve(part.bytes().len() as u64, 1);
            writer.reserve_section_index();
            parts.push((writer.add_section_name(part.name.as_bytes()), offset));
        }
        let mut extras = Vec::new();
        for (name, kind, bytes) in self.extras() {
            let offset = writer.reserve(bytes.len() as u64, EXTRA_ALIGNMENT);
            writer.reserve_section_index();
            extras.push(Extra {
                name: writer.add_section_name(name.as_bytes()),
                kind,
                offset,
                bytes,
            });
        }
        writer.reserve_null_symbol_index();
        let mut symbols = Vec::new();
        for symbol in self.sorted_symbols() {
            symbols.push(writer.add_string(symbol.name.as_bytes()));
            writer.reserve_symbol_index(Some(section_of(symbol.part)));
        }
        writer.reserve_symtab_section_index();
        writer.reserve_symtab();
        writer.reserve_strtab_section_index();
        writer.reserve_strtab().map_err(to_text)?;
        writer.reserve_shstrtab_section_index();
        writer.reserve_shstrtab().map_err(to_text)?;
        writer.reserve_section_headers();
        Ok(FileLayout {
            parts,
            extras,
            symbols,
        })
    }

    /// Writes everything in the same order.
    fn write_reserved(
        &self,
        writer: &mut Writer<'_>,
        layout: &FileLayout,
    ) -> Result<(), object::write::Error> {
        writer.write_file_header(&FileHeader {
            os_abi: elf::ELFOSABI_NONE,
            abi_version: 0,
            e_type: elf::ET_EXEC,
            e_machine: elf::EM_RISCV,
            e_entry: self.entry.into(),
            e_flags: file_flags(self.extensions),
        })?;
        self.write_program_headers(writer, layout);
        for (part, (_, offset)) in self.parts.iter().zip(&layout.parts) {
            writer.pad_until(*offset);
            writer.write(part.bytes());
        }
        for extra in &layout.extras {
            writer.pad_until(extra.offset);
            writer.write(&extra.bytes);
        }
        self.write_symbols(writer, layout);
        writer.write_strtab();
        writer.write_shstrtab();
        self.write_section_headers(writer, layout);
        Ok(())
    }

    fn write_program_headers(&self, writer: &mut Writer<'_>, layout: &FileLayout) {
        writer.write_align_program_headers();
        for load in self.loads() {
            let parts = &self.parts[load.first..load.behind];
            let start = parts[0].address;
            let end_of = |part: &Part, size: u32| part.address + size - start;
            let in_file = parts.iter().filter(|part| !part.bytes().is_empty());
            let file_size = in_file.map(|part| end_of(part, part.size())).max();
            let memory_size = parts.iter().map(|part| end_of(part, part.size())).max();
            writer.write_program_header(&ProgramHeader {
                p_type: elf::PT_LOAD,
                p_flags: load.permissions.of_segment(),
                p_offset: match file_size {
                    Some(_) => layout.parts[load.first].1,
                    // Without content any offset will do that fits the address.
                    None => u64::from(start % PAGE_SIZE),
                },
                p_vaddr: start.into(),
                p_paddr: start.into(),
                p_filesz: file_size.unwrap_or(0).into(),
                p_memsz: memory_size.unwrap_or(0).into(),
                p_align: PAGE_SIZE.into(),
            });
        }
        // The stack need not be executable.
        writer.write_program_header(&ProgramHeader {
            p_type: elf::PT_GNU_STACK,
            p_flags: elf::PF_R | elf::PF_W,
            p_offset: 0,
            p_vaddr: 0,
            p_paddr: 0,
            p_filesz: 0,
            p_memsz: 0,
            p_align: 16,
        });
    }

    fn write_symbols(&self, writer: &mut Writer<'_>, layout: &FileLayout) {
        writer.write_null_symbol();
        for (symbol, name) in self.sorted_symbols().into_iter().zip(&layout.symbols) {
            let bind = match symbol.is_global {
                true => elf::STB_GLOBAL,
                false => elf::STB_LOCAL,
            };
            let kind = match symbol.kind {
                FileSymbolKind::Function => elf::STT_FUNC,
                FileSymbolKind::Object => elf::STT_OBJECT,
                FileSymbolKind::Label => elf::STT_NOTYPE,
            };
            writer.write_symbol(&Sym {
                section: Some(section_of(symbol.part).0),
                st_name: writer.string_offset(Some(*name)),
                st_info: elf::SymbolInfo::new(bind, kind),
                st_other: elf::SymbolOther(0),
                st_shndx: elf::SymbolSection(0),
                st_value: symbol.address.into(),
                st_size: symbol.size.into(),
            });
        }
    }

    fn write_section_headers(&self, writer: &mut Writer<'_>, layout: &FileLayout) {
        writer.write_null_section_header();
        for (part, (name, offset)) in self.parts.iter().zip(&layout.parts) {
            writer.write_section_header(&SectionHeader {
                sh_name: writer.section_name_offset(Some(*name)),
                sh_type: match part.content {
                    Content::Bytes(_) => elf::SHT_PROGBITS,
                    Content::Zeros(_) => elf::SHT_NOBITS,
                },
                sh_flags: part.permissions.of_section(),
                sh_addr: part.address.into(),
                sh_offset: *offset,
                sh_size: part.size().into(),
                sh_addralign: part.alignment.into(),
                ..no_section()
            });
        }
        for extra in &layout.extras {
            writer.write_section_header(&SectionHeader {
                sh_name: writer.section_name_offset(Some(extra.name)),
                sh_type: extra.kind,
                sh_offset: extra.offset,
                sh_size: extra.bytes.len() as u64,
                sh_addralign: EXTRA_ALIGNMENT,
                ..no_section()
            });
        }
        let symbols = self.symbols.iter();
        let num_local = symbols.filter(|symbol| !symbol.is_global).count() as u32 + 1;
        writer.write_symtab_section_header(num_local);
        writer.write_strtab_section_header();
        writer.write_shstrtab_section_header();
    }
}

/// The section of the part with the position `part`. The null section is in front of all.
fn section_of(part: usize) -> SectionIndex {
    SectionIndex(part as u32 + 1)
}

/// The flags of the file header: compressed instructions or not, and no floating-point registers.
fn file_flags(extensions: ExtensionSet) -> FileFlags {
    match extensions.contains(Extension::Zca) {
        true => elf::EF_RISCV_RVC,
        false => FileFlags(0),
    }
}

fn no_section() -> SectionHeader {
    SectionHeader {
        sh_name: 0,
        sh_type: elf::SHT_NULL,
        sh_flags: elf::SectionFlags(0),
        sh_addr: 0,
        sh_offset: 0,
        sh_size: 0,
        sh_link: 0,
        sh_info: 0,
        sh_addralign: 0,
        sh_entsize: 0,
    }
}
