//! The line of the source that an instruction comes from, by the DWARF line table.

use addr2line::Context;
use addr2line::gimli::{Dwarf, EndianSlice, LittleEndian, SectionId};
use lpc_link::elf::read::ElfFile;
use std::fmt;

/// A line of a source file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceLine {
    /// The file, as the compiler was told it.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
    /// The column, counted from 1, where that is known.
    pub column: Option<u32>,
}

impl fmt::Display for SourceLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)?;
        match self.column {
            Some(column) => write!(f, ":{column}"),
            None => Ok(()),
        }
    }
}

/// The line of the instruction at `address`, if the executable has a table that tells.
pub(crate) fn find(file: &ElfFile<'_>, address: u32) -> Option<SourceLine> {
    let section = |id: SectionId| {
        let data = file
            .section(id.name())
            .map_or(&[][..], |section| section.data);
        Ok::<_, ()>(EndianSlice::new(data, LittleEndian))
    };
    let dwarf = Dwarf::load(section).ok()?;
    let context = Context::from_dwarf(dwarf).ok()?;
    let location = context.find_location(address.into()).ok()??;
    Some(SourceLine {
        file: location.file?.to_owned(),
        line: location.line?,
        column: location.column.filter(|column| *column > 0),
    })
}
