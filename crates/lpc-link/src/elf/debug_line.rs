//! The section `.debug_line`: which line each instruction comes from (DWARF 5, section 6.2).
//!
//! Each function is a sequence of its own. It starts with the line where the function is declared, which is that of the
//! prologue; where the first instruction of the source starts, the prologue ends, also if that is the same address. What comes
//! from nowhere belongs to the line before it: a debugger that steps through a line goes on until another one starts.

use super::builder::ObjectBuilder;
use super::code::PlacedFunction;
use super::debug_info::DebugInfo;
use super::debug_section::Places;
use alloc::vec::Vec;
use gimli::write::{FileId, LineProgram};
use lpc_codegen::backend::machinst::CodeOffset;
use lpc_lpir::text::Location;

/// Adds the lines of the function number `function`. A function without a place in the source has none.
pub(super) fn add_lines(
    program: &mut LineProgram,
    file: FileId,
    builder: &mut ObjectBuilder<'_>,
    function: usize,
    source: &DebugInfo<'_>,
    places: &mut Places,
) {
    let placed = &builder.functions[function];
    let code_size = placed.code.code_size;
    let rows = rows(placed, source);
    if rows.is_empty() {
        return;
    }
    let mut address = LineAddress::default();
    for row in rows {
        address.advance(program, builder, function, row.offset, places);
        let line = program.row();
        line.address_offset = address.distance;
        line.file = file;
        line.line = u64::from(row.location.line);
        line.column = u64::from(row.location.column);
        line.is_statement = true;
        line.prologue_end = row.ends_prologue;
        program.generate_row();
    }
    address.advance(program, builder, function, code_size, places);
    program.end_sequence(address.distance);
}

/// The address that the line table has got to.
#[derive(Default)]
struct LineAddress {
    /// The offset in the function; none before the table says where that is.
    offset: Option<CodeOffset>,
    /// The sum of the distances that are constants.
    distance: u64,
}

impl LineAddress {
    /// Goes on to `offset`: by its distance, or by its address if the linker may change the distance.
    fn advance(
        &mut self,
        program: &mut LineProgram,
        builder: &mut ObjectBuilder<'_>,
        function: usize,
        offset: CodeOffset,
        places: &mut Places,
    ) {
        match self.offset {
            Some(last)
                if !builder.functions[function]
                    .shrinking
                    .is_between(last, offset) =>
            {
                self.distance += u64::from(offset - last);
            }
            _ => program.set_address(places.address(builder, function, offset)),
        }
        self.offset = Some(offset);
    }
}

/// From an instruction on, code comes from a place in the source.
struct Row {
    offset: CodeOffset,
    location: Location,
    ends_prologue: bool,
}

fn rows(placed: &PlacedFunction<'_>, source: &DebugInfo<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    let Some(location) = source.lines.function(placed.name) else {
        return rows;
    };
    rows.push(Row {
        offset: 0,
        location,
        ends_prologue: false,
    });
    for run in &placed.code.srclocs {
        if let Some(location) = source.lines.instruction(placed.name, run.srcloc) {
            rows.push(Row {
                offset: run.start,
                location,
                ends_prologue: rows.len() == 1,
            });
        }
    }
    rows
}
