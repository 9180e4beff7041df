//! Debug information: what a debugger needs to show a program by its source (DWARF 5).
//!
//! One compilation unit describes the module. Its children are the types of LPIR as far as they are used, and the functions:
//!
//! ```text
//!  DW_TAG_compile_unit            the file, its folder, who compiled it; all ranges of code
//!    DW_TAG_base_type             i32
//!    DW_TAG_subprogram            a function: its code, its place in the file, the type of its result
//!      DW_TAG_formal_parameter    a parameter: v0
//!      DW_TAG_variable            another value: v1
//! ```
//!
//! A value has a name and a type, and a list of where it is (`debug_values.rs`). One that is nowhere, because other instructions
//! do its work, is not described unless it is a parameter.

use super::builder::{ObjectBuilder, symbol_name};
use super::code::PlacedFunction;
use super::debug_line;
use super::debug_section::{DebugSection, Places, add_sections};
use super::debug_values::location_list;
use super::object::ObjectError;
use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use gimli::constants;
use gimli::write::{Address, AttributeValue, DwarfUnit, Expression, LineProgram, LineString};
use gimli::write::{FileId, Range, RangeList, Sections, UnitEntryId};
use gimli::{DwAt, Encoding, Format, LineEncoding};
use lpc_codegen::backend::value_labels::ValueLocation;
use lpc_lpir::ir::{ExternalName, Function, Linkage, SourceLoc, Type, Value};
use lpc_lpir::text::Location;

/// Where a program was read from.
#[derive(Clone, Copy)]
pub struct DebugInfo<'a> {
    /// The file.
    pub file: &'a str,
    /// The folder that the name of the file counts from.
    pub directory: &'a str,
    /// What stands where in the file.
    pub lines: &'a dyn LineMap,
}

impl DebugInfo<'_> {
    /// Checks that debug information can state the names.
    pub(super) fn check(&self) -> Result<(), ObjectError> {
        for name in [self.file, self.directory] {
            // An empty name ends the list of names, and so does a NUL.
            if name.is_empty() || name.contains('\0') {
                return Err(ObjectError::BadSourceName(name.to_owned()));
            }
        }
        Ok(())
    }
}

/// What stands where in a source file.
pub trait LineMap {
    /// Where the function is declared that is called `name`. `None` for one that is not in the file.
    fn function(&self, name: &ExternalName) -> Option<Location>;

    /// Where the instruction of the function `name` stands that has the source location `srcloc`.
    fn instruction(&self, name: &ExternalName, srcloc: SourceLoc) -> Option<Location>;
}

/// GNU debuggers of the last years, LLVM and the linkers of both read this version.
pub(super) const ENCODING: Encoding = Encoding {
    format: Format::Dwarf32,
    version: 5,
    address_size: 4,
};

/// Debuggers know no language of this kind. Types and calls are those of C.
const LANGUAGE: gimli::DwLang = constants::DW_LANG_C99;

const WORD_BYTES: u32 = 4;

/// The largest result, in bytes, that is returned like a number of C: in `a0` and `a1`.
const MAX_RESULT_BYTES: u32 = 8;

/// Adds the sections of debug information.
pub(super) fn add_debug_info(
    builder: &mut ObjectBuilder<'_>,
    source: &DebugInfo<'_>,
) -> Result<(), ObjectError> {
    source.check()?;
    let mut writer = UnitWriter::new(source);
    for function in 0..builder.functions.len() {
        writer.add_function(builder, function)?;
    }
    writer.finish_unit();
    let mut sections = Sections::new(DebugSection::new());
    writer
        .dwarf
        .write(&mut sections)
        .map_err(|error| ObjectError::TooLarge(error.to_string()))?;
    add_sections(builder, &mut sections, &writer.places)
}

/// The compilation unit in the making.
struct UnitWriter<'a> {
    source: &'a DebugInfo<'a>,
    dwarf: DwarfUnit,
    file: FileId,
    /// The types that are used.
    types: BTreeMap<String, UnitEntryId>,
    ranges: Vec<Range>,
    places: Places,
}

impl<'a> UnitWriter<'a> {
    fn new(source: &'a DebugInfo<'a>) -> Self {
        let mut dwarf = DwarfUnit::new(ENCODING);
        let mut string =
            |text: &str| LineString::new(text.as_bytes(), ENCODING, &mut dwarf.line_strings);
        let (directory, file) = (string(source.directory), string(source.file));
        let line_encoding = LineEncoding {
            minimum_instruction_length: 1,
            ..LineEncoding::default()
        };
        let mut program =
            LineProgram::new(ENCODING, line_encoding, directory, None, file.clone(), None);
        // The same as the file that the program starts with, but readers of older versions count files from 1.
        let directory = program.default_directory();
        let file = program.add_file(file, directory, None);
        dwarf.unit.line_program = program;
        Self {
            source,
            dwarf,
            file,
            types: BTreeMap::new(),
            ranges: Vec::new(),
            places: Places::default(),
        }
    }

    fn string(&mut self, text: &str) -> AttributeValue {
        AttributeValue::StringRef(self.dwarf.strings.add(text))
    }

    fn set(&mut self, entry: UnitEntryId, attribute: DwAt, value: AttributeValue) {
        self.dwarf.unit.get_mut(entry).set(attribute, value);
    }

    /// Describes the function number `index`: its code and its lines.
    fn add_function(
        &mut self,
        builder: &mut ObjectBuilder<'_>,
        index: usize,
    ) -> Result<(), ObjectError> {
        let PlacedFunction { code, id, name, .. } = builder.functions[index];
        let begin = self.places.address(builder, index, 0);
        let end = self.places.address(builder, index, code.code_size);
        self.ranges.push(Range::StartEnd { begin, end });

        let unit = &mut self.dwarf.unit;
        let entry = unit.add(unit.root(), constants::DW_TAG_subprogram);
        let text = self.string(&symbol_name(name)?);
        self.set(entry, constants::DW_AT_name, text);
        self.set(
            entry,
            constants::DW_AT_low_pc,
            AttributeValue::Address(begin),
        );
        self.set(
            entry,
            constants::DW_AT_high_pc,
            AttributeValue::Address(end),
        );
        let mut frame_base = Expression::new();
        frame_base.op(constants::DW_OP_call_frame_cfa);
        let frame_base = AttributeValue::Exprloc(frame_base);
        self.set(entry, constants::DW_AT_frame_base, frame_base);
        let present = AttributeValue::FlagPresent;
        match id {
            Some(id) => {
                if builder.module.linkage(id) == Linkage::Export {
                    self.set(entry, constants::DW_AT_external, present);
                }
                let function = builder.module.function(id);
                self.describe_result(entry, function);
                self.describe_values(entry, builder, index, function);
            }
            None => self.set(entry, constants::DW_AT_artificial, present),
        }
        if let Some(location) = self.source.lines.function(name) {
            let file = AttributeValue::FileIndex(Some(self.file));
            self.set(entry, constants::DW_AT_decl_file, file);
            let line = AttributeValue::Udata(u64::from(location.line));
            self.set(entry, constants::DW_AT_decl_line, line);
        }
        debug_line::add_lines(
            &mut self.dwarf.unit.line_program,
            self.file,
            builder,
            index,
            self.source,
            &mut self.places,
        );
        Ok(())
    }

    /// States the type of the result of `function`, if that is one that a function of C could have.
    fn describe_result(&mut self, entry: UnitEntryId, function: &Function) {
        self.set(
            entry,
            constants::DW_AT_prototyped,
            AttributeValue::FlagPresent,
        );
        if let [result] = &function.signature.returns[..]
            && result.value_type.bytes() <= MAX_RESULT_BYTES
        {
            let ty = self.type_ref(result.value_type);
            self.set(entry, constants::DW_AT_type, ty);
        }
    }

    /// Describes the parameters of the function number `index`, and all other values that are somewhere while it runs.
    fn describe_values(
        &mut self,
        entry: UnitEntryId,
        builder: &mut ObjectBuilder<'_>,
        index: usize,
        function: &Function,
    ) {
        let locations = &builder.functions[index].code.value_locations;
        let of_values = locations.chunk_by(|one, next| one.label.value == next.label.value);
        let mut of_values: BTreeMap<Value, &[ValueLocation]> = of_values
            .map(|locations| (locations[0].label.value, locations))
            .collect();
        if let Some(block) = function.entry_block() {
            for value in function.dfg.block_params(block) {
                let unit = &mut self.dwarf.unit;
                let parameter = unit.add(entry, constants::DW_TAG_formal_parameter);
                let locations = of_values.remove(&value).unwrap_or_default();
                self.describe_value(parameter, builder, index, (function, value), locations);
            }
        }
        for (value, locations) in of_values {
            let variable = self.dwarf.unit.add(entry, constants::DW_TAG_variable);
            self.describe_value(variable, builder, index, (function, value), locations);
        }
    }

    fn describe_value(
        &mut self,
        entry: UnitEntryId,
        builder: &mut ObjectBuilder<'_>,
        index: usize,
        (function, value): (&Function, Value),
        locations: &[ValueLocation],
    ) {
        let name = self.string(&value.to_string());
        self.set(entry, constants::DW_AT_name, name);
        let value_type = function.dfg.value_type(value);
        let ty = self.type_ref(value_type);
        self.set(entry, constants::DW_AT_type, ty);
        if locations.is_empty() {
            return;
        }
        let num_words = value_type.bytes().div_ceil(WORD_BYTES) as usize;
        let list = location_list(builder, &mut self.places, index, locations, num_words);
        let list = self.dwarf.unit.locations.add(list);
        let list = AttributeValue::LocationListRef(list);
        self.set(entry, constants::DW_AT_location, list);
    }

    /// A reference to the type `ty`.
    fn type_ref(&mut self, ty: Type) -> AttributeValue {
        let name = ty.to_string();
        if let Some(&entry) = self.types.get(&name) {
            return AttributeValue::UnitRef(entry);
        }
        let unit = &mut self.dwarf.unit;
        let entry = unit.add(unit.root(), constants::DW_TAG_base_type);
        let text = self.string(&name);
        self.set(entry, constants::DW_AT_name, text);
        let encoding = AttributeValue::Encoding(constants::DW_ATE_signed);
        self.set(entry, constants::DW_AT_encoding, encoding);
        let size = AttributeValue::Udata(u64::from(ty.bytes()));
        self.set(entry, constants::DW_AT_byte_size, size);
        self.types.insert(name, entry);
        AttributeValue::UnitRef(entry)
    }

    /// Describes the unit itself.
    fn finish_unit(&mut self) {
        let root = self.dwarf.unit.root();
        let producer = self.string(&format!("lpc {}", env!("CARGO_PKG_VERSION")));
        let name = self.string(self.source.file);
        let directory = self.string(self.source.directory);
        let ranges = core::mem::take(&mut self.ranges);
        let ranges = self.dwarf.unit.ranges.add(RangeList(ranges));
        for (attribute, value) in [
            (constants::DW_AT_producer, producer),
            (
                constants::DW_AT_language,
                AttributeValue::Language(LANGUAGE),
            ),
            (constants::DW_AT_name, name),
            (constants::DW_AT_comp_dir, directory),
            (constants::DW_AT_stmt_list, AttributeValue::LineProgramRef),
            // What addresses in lists of ranges count from: all are absolute.
            (
                constants::DW_AT_low_pc,
                AttributeValue::Address(Address::Constant(0)),
            ),
            (
                constants::DW_AT_ranges,
                AttributeValue::RangeListRef(ranges),
            ),
        ] {
            self.set(root, attribute, value);
        }
    }
}
