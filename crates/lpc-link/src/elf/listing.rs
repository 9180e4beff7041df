//! The code of an ELF file as a listing.
//!
//! ```text
//! Section .text:
//!
//! 00010074 <main>:
//!    10074:  1141      addi sp,sp,-16
//!    10076:  00000097  auipc ra,0x0
//!                      10076: R_RISCV_CALL_PLT printf
//! ```
//!
//! The symbols of the file say where functions start, and which parts of a section are data. Where a label stands decoding
//! starts anew, so that data in front of it does not matter.

use super::read::{ElfFile, FileKind, Mapping, Relocation, Section, SectionIndex, SymbolPlace};
use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::{fmt, iter};
use lpc_riscv32::ExtensionSet;
use lpc_riscv32::disassembler::{Line, disassemble};
use lpc_riscv32::display::DisplayOptions;

/// An ELF file whose code prints as a listing.
pub struct ElfListing<'a> {
    /// The file.
    pub file: &'a ElfFile<'a>,
    /// The instruction set to decode where the file states no other.
    pub extensions: ExtensionSet,
    /// Print pseudo-instructions.
    pub pseudo: bool,
}

impl fmt::Display for ElfListing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels = AllLabels::new(self);
        let mut separator = "";
        for (index, section) in self.code_sections() {
            write!(f, "{separator}")?;
            separator = "\n";
            self.fmt_section(f, index, section, &labels)?;
        }
        Ok(())
    }
}

/// The labels of all sections with code.
struct AllLabels<'a> {
    of_section: BTreeMap<SectionIndex, BTreeMap<u32, &'a str>>,
    /// Where sections end, by where they start.
    ranges: BTreeMap<u64, (u64, SectionIndex)>,
}

impl<'a> AllLabels<'a> {
    fn new(listing: &ElfListing<'a>) -> Self {
        let mut labels = Self {
            of_section: BTreeMap::new(),
            ranges: BTreeMap::new(),
        };
        for (index, section) in listing.code_sections() {
            let start = u64::from(listing.start_of(section));
            let end = start + section.data.len() as u64;
            labels.ranges.insert(start, (end, index));
            labels.of_section.insert(index, listing.file.labels(index));
        }
        labels
    }

    /// The section that `address` is in.
    fn section_at(&self, address: u32) -> Option<SectionIndex> {
        let address = u64::from(address);
        let (_, &(end, index)) = self.ranges.range(..=address).next_back()?;
        (address < end).then_some(index)
    }
}

impl<'a> ElfListing<'a> {
    fn code_sections(&self) -> impl Iterator<Item = (SectionIndex, &'a Section<'a>)> {
        let sections = self.file.sections.iter().enumerate();
        sections
            .map(|(index, section)| (SectionIndex(index), section))
            .filter(|(_, section)| section.is_code && !section.data.is_empty())
    }

    fn fmt_section(
        &self,
        f: &mut fmt::Formatter<'_>,
        index: SectionIndex,
        section: &Section<'_>,
        all_labels: &AllLabels<'_>,
    ) -> fmt::Result {
        writeln!(f, "Section {}:", section.name)?;
        let labels = &all_labels.of_section[&index];
        let lines = self.lines(index, section, labels);
        let targets = self.names_of_targets(index, &lines, all_labels);
        let name_of_target = |address: u32| targets.get(&address).map(String::as_str);
        let relocations = section.relocations();
        let mut relocations = relocations.iter().peekable();
        for (line, is_data) in lines {
            if let Some(name) = labels.get(&line.address) {
                writeln!(f, "\n{:08x} <{name}>:", line.address)?;
            }
            let options = DisplayOptions {
                pseudo: self.pseudo && !is_data,
                address: None,
                symbols: Some(&name_of_target),
            };
            writeln!(f, "{}", line.display_listed(options))?;
            let end = u64::from(line.address) + u64::from(line.length);
            while let Some(relocation) =
                relocations.next_if(|relocation| u64::from(relocation.offset) < end)
            {
                self.fmt_relocation(f, relocation)?;
            }
        }
        Ok(())
    }

    /// The instructions and data of a section, each with whether it is data.
    fn lines(
        &self,
        index: SectionIndex,
        section: &Section<'_>,
        labels: &BTreeMap<u32, &str>,
    ) -> Vec<(Line, bool)> {
        let start = self.start_of(section);
        let end = u64::from(start) + section.data.len() as u64;
        let mappings = self.file.mappings(index);
        let marks = labels.keys().chain(mappings.keys());
        let borders: BTreeSet<u64> = marks
            .map(|&address| u64::from(address))
            .filter(|address| (u64::from(start)..end).contains(address))
            .chain([u64::from(start), end])
            .collect();
        let mut lines = Vec::new();
        let mut mapping = Mapping::Code(None);
        for (&from, &to) in borders.iter().zip(borders.iter().skip(1)) {
            let address = from as u32;
            if let Some(new) = mappings.get(&address) {
                mapping = *new;
            }
            let offset = (from - u64::from(start)) as usize;
            let bytes = &section.data[offset..][..(to - from) as usize];
            match mapping {
                Mapping::Data => lines.extend(data_lines(bytes, address).map(|line| (line, true))),
                Mapping::Code(stated) => {
                    let extensions = stated.unwrap_or(self.extensions);
                    let code = disassemble(bytes, address, extensions);
                    lines.extend(code.map(|line| (line, false)));
                }
            }
        }
        lines
    }

    /// The address of a section, or 0 in a relocatable object, where all places are relative to it.
    fn start_of(&self, section: &Section<'_>) -> u32 {
        match self.file.kind {
            FileKind::Executable | FileKind::Shared => section.address,
            FileKind::Relocatable => 0,
        }
    }

    /// For each place that `lines`, those of the section `index`, jump to: the label in front of it, and the distance.
    fn names_of_targets(
        &self,
        index: SectionIndex,
        lines: &[(Line, bool)],
        all_labels: &AllLabels<'_>,
    ) -> BTreeMap<u32, String> {
        let targets = lines.iter().filter_map(|(line, _)| target(line));
        targets
            .filter_map(|target| {
                // In a relocatable object all sections start at zero, and jumps stay in theirs.
                let section = match self.file.kind {
                    FileKind::Relocatable => index,
                    FileKind::Executable | FileKind::Shared => all_labels.section_at(target)?,
                };
                let (start, label) = all_labels.of_section[&section]
                    .range(..=target)
                    .next_back()?;
                let name = match target - start {
                    0 => (*label).to_owned(),
                    offset => format!("{label}+{offset:#x}"),
                };
                Some((target, name))
            })
            .collect()
    }

    fn fmt_relocation(&self, f: &mut fmt::Formatter<'_>, relocation: &Relocation) -> fmt::Result {
        let Relocation {
            offset,
            kind,
            symbol,
            addend,
        } = *relocation;
        write!(f, "{:20}{offset:x}: ", "")?;
        match relocation.kind_name() {
            Some(name) => f.write_str(name)?,
            None => write!(f, "relocation {kind}")?,
        }
        if symbol != 0 {
            write!(f, " {}", self.name_of_symbol(symbol))?;
        }
        match addend {
            0 => writeln!(f),
            1.. => writeln!(f, "+{addend:#x}"),
            _ => writeln!(f, "-{:#x}", addend.unsigned_abs()),
        }
    }

    fn name_of_symbol(&self, number: u32) -> String {
        let symbol = self.file.symbols.get(number as usize);
        match symbol {
            Some(symbol) if !symbol.name.is_empty() => symbol.name.to_owned(),
            Some(symbol) => match symbol.place {
                SymbolPlace::Section(SectionIndex(index)) => {
                    self.file.sections[index].name.to_owned()
                }
                _ => format!("symbol {number}"),
            },
            None => format!("symbol {number}, which does not exist"),
        }
    }
}

/// Where the instruction of `line` jumps to, if it states that.
fn target(line: &Line) -> Option<u32> {
    let inst = line.inst?;
    let has_target = inst.opcode.is_branch() || inst.opcode == lpc_riscv32::Opcode::Jal;
    has_target.then(|| line.address.wrapping_add_signed(inst.imm))
}

/// `bytes`, which stand at `address`, as words, and as bytes and halfwords where no aligned word is left.
fn data_lines(bytes: &[u8], address: u32) -> impl Iterator<Item = Line> {
    let mut rest = bytes;
    let mut address = address;
    iter::from_fn(move || {
        let fits = |length: &u32| address.is_multiple_of(*length) && rest.len() >= *length as usize;
        let length = [4, 2, 1].into_iter().find(fits)?;
        let (first, others) = rest.split_at(length as usize);
        let bits = first.iter().rev();
        let line = Line {
            address,
            bits: bits.fold(0, |bits, byte| bits << 8 | u32::from(*byte)),
            length,
            inst: None,
        };
        rest = others;
        address = address.wrapping_add(length);
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_cut_into_aligned_pieces() {
        let lines = data_lines(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0x1001);
        let lines: Vec<_> = lines
            .map(|line| (line.address, line.bits, line.length))
            .collect();
        let expected = [
            (0x1001, 0x01, 1),
            (0x1002, 0x0302, 2),
            (0x1004, 0x0706_0504, 4),
            (0x1008, 0x0908, 2),
            (0x100a, 0x0a, 1),
        ];
        assert_eq!(lines, expected);
    }
}
