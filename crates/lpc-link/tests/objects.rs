//! Relocatable objects, read back.

use lpc_codegen::{Settings, compile_module};
use lpc_link::elf::{DebugInfo, LineMap, ObjectError, ObjectOptions, write_object};
use lpc_lpir::ir::{ExternalName, Function, Module, Signature, SourceLoc};
use lpc_lpir::text::{Location, parse_module};
use lpc_riscv32::ExtensionSet;
use object::elf::NAMES_R_RISCV;
use object::read::elf::ElfFile32;
use object::{
    LittleEndian, Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget,
};
use std::fmt::Write;

fn options(module_has_source: bool) -> ObjectOptions<'static> {
    ObjectOptions {
        extensions: ExtensionSet::RV32IMAC,
        sections_by_name: false,
        unwind_tables: true,
        trap_table: true,
        source: module_has_source.then_some(DebugInfo {
            file: "file.clif",
            directory: "/source",
            lines: &NoLines,
        }),
    }
}

/// A source that says nothing.
struct NoLines;

impl LineMap for NoLines {
    fn function(&self, _: &ExternalName) -> Option<Location> {
        None
    }

    fn instruction(&self, _: &ExternalName, _: SourceLoc) -> Option<Location> {
        None
    }
}

fn compile(module: &Module, linker_relaxation: bool) -> Vec<u8> {
    let settings = Settings {
        linker_relaxation,
        unwind_info: true,
        ..Settings::default()
    };
    let compiled = compile_module(module, &settings).unwrap();
    write_object(module, &compiled, &options(false)).unwrap()
}

/// The symbols with names, and the relocations of each section.
fn listing(object: &[u8]) -> String {
    let file = ElfFile32::<LittleEndian>::parse(object).unwrap();
    let mut text = String::new();
    for symbol in file
        .symbols()
        .filter(|symbol| !symbol.name().unwrap().is_empty())
    {
        let section = symbol
            .section_index()
            .map(|index| file.section_by_index(index).unwrap());
        let place = section.map_or("undefined".to_owned(), |section| {
            format!("{}+{:#x}", section.name().unwrap(), symbol.address())
        });
        let scope = if symbol.is_local() { "local" } else { "global" };
        let (name, kind, size) = (symbol.name().unwrap(), symbol.kind(), symbol.size());
        writeln!(text, "{name}: {place} {scope} {kind:?} {size}").unwrap();
    }
    for section in file.sections() {
        for (offset, relocation) in section.relocations() {
            let RelocationFlags::Elf { r_type } = relocation.flags() else {
                panic!("{relocation:?}");
            };
            let RelocationTarget::Symbol(symbol) = relocation.target() else {
                panic!("{relocation:?}");
            };
            let symbol = file.symbol_by_index(symbol).unwrap();
            let (section, name) = (section.name().unwrap(), symbol.name().unwrap());
            let (kind, addend) = (NAMES_R_RISCV.name(r_type).unwrap(), relocation.addend());
            let value = symbol.address();
            writeln!(
                text,
                "{section}+{offset:#x} {kind} {name}={value:#x} {addend:+}"
            )
            .unwrap();
        }
    }
    text
}

const MODULE: &str = "
; data: %pointers readonly align 4 = { i32 7, %callee+2 }
; local: %callee

function %caller(i32) -> i32 {
    fn0 = %callee(i32) -> i32
    gv0 = symbol %pointers+4
block0(v0: i32):
    brif v0, block1, block2
block1:
    v1 = call fn0(v0)
    return v1
block2:
    v2 = symbol_value.i32 gv0
    return v2
}

function %callee(i32) -> i32 {
block0(v0: i32):
    return v0
}";

#[test]
fn a_function_that_may_shrink_has_labels() {
    let module = parse_module(MODULE).unwrap();
    let expected = "\
$x: .text+0x0 local Unknown 0
callee: .text+0x22 local Text 2
.L0 : .text+0x14 local Unknown 0
.L0 : .text+0x22 local Unknown 0
.L0 : .text+0xe local Unknown 0
.L0 : .text+0x4 local Unknown 0
.L0 : .text+0x1e local Unknown 0
caller: .text+0x0 global Text 34
pointers: .rodata+0x0 global Data 8
.text+0x4 R_RISCV_RVC_BRANCH .L0 =0x14 +0
.text+0x6 R_RISCV_CALL_PLT callee=0x22 +0
.text+0x6 R_RISCV_RELAX callee=0x22 +0
.text+0x14 R_RISCV_PCREL_HI20 pointers=0x0 +4
.text+0x14 R_RISCV_RELAX pointers=0x0 +4
.text+0x18 R_RISCV_PCREL_LO12_I .L0 =0x14 +0
.text+0x18 R_RISCV_RELAX .L0 =0x14 +0
.rodata+0x4 R_RISCV_32 callee=0x22 +2
.eh_frame+0x1c R_RISCV_32_PCREL caller=0x0 +0
.eh_frame+0x20 R_RISCV_ADD32 .L0 =0x22 +0
.eh_frame+0x20 R_RISCV_SUB32 caller=0x0 +0
.eh_frame+0x2b R_RISCV_SET6 .L0 =0xe +0
.eh_frame+0x2b R_RISCV_SUB6 .L0 =0x4 +0
.eh_frame+0x34 R_RISCV_SET6 .L0 =0x1e +0
.eh_frame+0x34 R_RISCV_SUB6 .L0 =0x14 +0
.eh_frame+0x44 R_RISCV_32_PCREL callee=0x22 +0
";
    assert_eq!(listing(&compile(&module, true)), expected);
}

#[test]
fn a_function_that_stays_as_it_is_has_none_but_for_low_parts() {
    let module = parse_module(MODULE).unwrap();
    let expected = "\
$x: .text+0x0 local Unknown 0
callee: .text+0x22 local Text 2
.L0 : .text+0x14 local Unknown 0
caller: .text+0x0 global Text 34
pointers: .rodata+0x0 global Data 8
.text+0x6 R_RISCV_CALL_PLT callee=0x22 +0
.text+0x14 R_RISCV_PCREL_HI20 pointers=0x0 +4
.text+0x18 R_RISCV_PCREL_LO12_I .L0 =0x14 +0
.rodata+0x4 R_RISCV_32 callee=0x22 +2
.eh_frame+0x1c R_RISCV_32_PCREL caller=0x0 +0
.eh_frame+0x44 R_RISCV_32_PCREL callee=0x22 +0
";
    assert_eq!(listing(&compile(&module, false)), expected);
}

#[test]
fn a_module_without_anything_is_an_object() {
    let module = Module::new();
    assert_eq!(listing(&compile(&module, true)), "");
}

fn error(functions: Vec<ExternalName>, options: &ObjectOptions<'_>) -> ObjectError {
    let mut module = Module::new();
    for name in functions {
        let mut function = Function::new(name, Signature::default());
        let block = function.dfg.make_block();
        function.layout.append_block(block);
        let mut cursor = lpc_lpir::builder::FuncCursor::new(&mut function).at_bottom(block);
        lpc_lpir::builder::InstBuilder::return_(cursor.ins(), &[]);
        module.add_function(function).unwrap();
    }
    let compiled = compile_module(&module, &Settings::default()).unwrap();
    write_object(&module, &compiled, options).unwrap_err()
}

#[test]
fn names_that_an_object_cannot_have() {
    let names = vec![ExternalName::user(1, 2), ExternalName::symbol("u1_2")];
    let duplicate = error(names, &options(false));
    assert_eq!(duplicate.to_string(), "symbol u1_2 is defined twice");
    let nul = error(vec![ExternalName::symbol("a\0b")], &options(false));
    assert_eq!(
        nul.to_string(),
        "%\"a\\u{0}b\" cannot be the name of a symbol: it holds a NUL"
    );
    for (file, directory, bad) in [("", "/", ""), ("a", "b\0", "b\0")] {
        let source = DebugInfo {
            file,
            directory,
            lines: &NoLines,
        };
        let options = ObjectOptions {
            source: Some(source),
            ..options(true)
        };
        let names = vec![ExternalName::symbol("f")];
        assert_eq!(
            error(names, &options),
            ObjectError::BadSourceName(bad.to_owned())
        );
    }
}
