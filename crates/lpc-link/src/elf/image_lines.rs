//! Debug information of executables: which line each instruction comes from (DWARF 5, section 6.2).
//!
//! One compilation unit, without description of functions, which the symbol table has, and a line table with a sequence for
//! each function. In a linked image all addresses are numbers, so that nothing is left to fill in. What comes from nowhere belongs
//! to the line before it, as in the line tables of objects.

use super::debug_info::{DebugInfo, ENCODING};
use super::object::ObjectError;
use crate::image::Image;
use crate::map::{Symbol, SymbolKind};
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use gimli::constants;
use gimli::write::{
    Address, AttributeValue, DwarfUnit, EndianVec, FileId, LineProgram, LineString, Range,
    RangeList, Sections,
};
use gimli::{LineEncoding, LittleEndian};
use lpc_codegen::backend::buffer::MachSrcLoc;
use lpc_lpir::text::Location;

/// The sections of debug information of `image`, each with its name.
///
/// # Errors
/// When the names of the source cannot be stated, or a table is too large.
pub(super) fn debug_sections(
    image: &Image,
    source: &DebugInfo<'_>,
) -> Result<Vec<(&'static str, Vec<u8>)>, ObjectError> {
    source.check()?;
    let mut dwarf = DwarfUnit::new(ENCODING);
    let ranges = add_lines(&mut dwarf, image, source);
    describe_unit(&mut dwarf, source, ranges);
    let mut sections = Sections::new(EndianVec::new(LittleEndian));
    dwarf
        .write(&mut sections)
        .map_err(|error| ObjectError::TooLarge(error.to_string()))?;
    let mut named = Vec::new();
    let collected = sections.for_each(|id, section| {
        if !section.slice().is_empty() {
            named.push((id.name(), section.slice().to_vec()));
        }
        gimli::write::Result::Ok(())
    });
    collected.expect("nothing fails");
    Ok(named)
}

/// Adds the line table, and returns the addresses of the functions that are in it.
fn add_lines(dwarf: &mut DwarfUnit, image: &Image, source: &DebugInfo<'_>) -> Vec<Range> {
    let mut string =
        |text: &str| LineString::new(text.as_bytes(), ENCODING, &mut dwarf.line_strings);
    let (directory, file) = (string(source.directory), string(source.file));
    let encoding = LineEncoding::default();
    let mut program = LineProgram::new(ENCODING, encoding, directory, None, file.clone(), None);
    // The same as the file that the program starts with, but readers of older versions count files from 1.
    let directory = program.default_directory();
    let file = program.add_file(file, directory, None);
    let mut ranges = Vec::new();
    for symbol in &image.map.symbols {
        let SymbolKind::Function { code_size } = symbol.kind else {
            continue;
        };
        let Some(location) = source.lines.function(&symbol.name) else {
            continue;
        };
        let begin = Address::Constant(u64::from(image.map.base + symbol.offset));
        program.begin_sequence(Some(begin));
        // The line of the function itself is that of its prologue.
        add_row(&mut program, file, 0, location);
        for run in runs_of(image, symbol) {
            if let Some(location) = source.lines.instruction(&symbol.name, run.srcloc) {
                add_row(&mut program, file, run.start - symbol.offset, location);
            }
        }
        program.end_sequence(code_size.into());
        ranges.push(Range::StartLength {
            begin,
            length: code_size.into(),
        });
    }
    dwarf.unit.line_program = program;
    ranges
}

/// The runs of instructions of the function `symbol` that come from one place.
fn runs_of<'a>(image: &'a Image, symbol: &Symbol) -> &'a [MachSrcLoc] {
    let before = |offset: u32| image.map.srclocs.partition_point(|run| run.start < offset);
    &image.map.srclocs[before(symbol.offset)..before(symbol.offset + symbol.size)]
}

fn add_row(program: &mut LineProgram, file: FileId, offset: u32, location: Location) {
    let row = program.row();
    row.address_offset = offset.into();
    row.file = file;
    row.line = location.line.into();
    row.column = location.column.into();
    row.is_statement = true;
    program.generate_row();
}

fn describe_unit(dwarf: &mut DwarfUnit, source: &DebugInfo<'_>, ranges: Vec<Range>) {
    let producer = format!("lpc {}", env!("CARGO_PKG_VERSION"));
    let mut string = |text: &str| AttributeValue::StringRef(dwarf.strings.add(text));
    let (producer, name) = (string(&producer), string(source.file));
    let directory = string(source.directory);
    let ranges = dwarf.unit.ranges.add(RangeList(ranges));
    let root = dwarf.unit.get_mut(dwarf.unit.root());
    root.set(constants::DW_AT_producer, producer);
    root.set(constants::DW_AT_name, name);
    root.set(constants::DW_AT_comp_dir, directory);
    root.set(constants::DW_AT_stmt_list, AttributeValue::LineProgramRef);
    // What addresses in lists of ranges count from: all are absolute.
    let zero = AttributeValue::Address(Address::Constant(0));
    root.set(constants::DW_AT_low_pc, zero);
    let ranges = AttributeValue::RangeListRef(ranges);
    root.set(constants::DW_AT_ranges, ranges);
}
