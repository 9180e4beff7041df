//! Directives: data, linkage and imports.

use super::super::{Location, parse_module, parse_test};
use crate::ir::{
    DataKind, DataObject, DataReloc, Definition, ExternalName, ImportKind, Linkage, Module,
};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

fn read(text: &str) -> Module {
    parse_module(text).unwrap_or_else(|error| panic!("{}", error.in_text("text", text)))
}

fn error(text: &str) -> String {
    match parse_module(text) {
        Ok(_) => panic!("no error in\n{text}"),
        Err(error) => error.to_string(),
    }
}

/// The only data object of `text`.
fn object(text: &str) -> DataObject {
    let module = read(text);
    let objects: Vec<_> = module.data_objects().collect();
    assert_eq!(objects.len(), 1);
    objects[0].1.clone()
}

/// The content of the data object that has `items`.
fn content(items: &str) -> DataObject {
    object(&format!("; data: %d = {{ {items} }}"))
}

fn reloc(offset: u32, target: &str, addend: i32) -> DataReloc {
    DataReloc {
        offset,
        target: ExternalName::symbol(target),
        addend,
    }
}

/// A module with all directives, as it is printed.
const SAMPLE: &str = "\
; import: %putchar(i32) -> i32 system_v
; import: data %errno
; data: %counter zeroed 64 align 16
; data: %greeting readonly = { \"Hello, \\\"world\\\"\\n\\x00\" }
; data: %empty = {}
; data: u0:3 local align 4 = {
;     i32 [1, -2, 0x7fff_ffff],
;     %f,
;     %greeting+7,
;     zero 20,
;     i32 5,
;     i8 [1, 2],
;     zero 2
; }
; local: %f

function %f() fast {
block0:
    return
}

function %g() fast {
block0:
    return
}
";

#[test]
fn modules_print_and_read_back() {
    let module = read(SAMPLE);
    assert_eq!(module.to_string(), SAMPLE);
    let linkage = |name| module.linkage(module.find(&ExternalName::symbol(name)).unwrap());
    assert_eq!(linkage("f"), Linkage::Local);
    assert_eq!(linkage("g"), Linkage::Export);
    let table = module.find_data(&ExternalName::user(0, 3)).unwrap();
    let table = module.data(table);
    let mut bytes = vec![1, 0, 0, 0, 254, 255, 255, 255, 255, 255, 255, 127];
    bytes.extend([0; 28]);
    bytes.extend([5, 0, 0, 0, 1, 2]);
    let expected = DataObject {
        linkage: Linkage::Local,
        size: 48,
        relocs: vec![reloc(12, "f", 0), reloc(16, "greeting", 7)],
        ..DataObject::new(ExternalName::user(0, 3), DataKind::Writable, 4, bytes)
    };
    assert_eq!(*table, expected);
    let putchar = module.definition(&ExternalName::symbol("putchar"));
    let Some(Definition::Import(ImportKind::Function(signature))) = putchar else {
        panic!("{putchar:?}");
    };
    assert_eq!(signature.to_string(), "(i32) -> i32 system_v");
}

#[test]
fn integers_are_little_endian_and_have_the_width_of_their_type() {
    for (items, bytes) in [
        ("i8 -1", &[255][..]),
        ("i8 255, i8 [0, 0x7f]", &[255, 0, 127]),
        ("i16 [0x1234, -2]", &[0x34, 0x12, 254, 255]),
        ("i32 0x1234_5678", &[0x78, 0x56, 0x34, 0x12]),
        ("i64 -2", &[254, 255, 255, 255, 255, 255, 255, 255]),
        (
            "i128 0x1_0000_0000_0000_0002",
            &[2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
        ),
        ("\"a\", zero 2, \"\\x80é\"", b"a\0\0\x80\xc3\xa9"),
        ("\"\", zero 0", b""),
    ] {
        assert_eq!(content(items).bytes, bytes, "{items}");
    }
}

#[test]
fn zeros_at_the_end_take_no_memory() {
    let object = content("i8 1, zero 16777000");
    assert_eq!((object.bytes.len(), object.size), (1, 16_777_001));
    let object = content("zero 7");
    assert_eq!((object.bytes.len(), object.size), (0, 7));
}

#[test]
fn addresses_have_addends_and_need_no_alignment() {
    let object = content("i8 7, %f, %\"a b\"-4, u1:2+0x10");
    let user = DataReloc {
        target: ExternalName::user(1, 2),
        ..reloc(9, "", 16)
    };
    assert_eq!(object.relocs, [reloc(1, "f", 0), reloc(5, "a b", -4), user]);
    assert_eq!(object.size, 13);
}

#[test]
fn directives_stand_anywhere_between_functions_and_go_on_in_comments() {
    let text = "\
test run
;; data: %a = {
target riscv32
;   i8 [ ; bytes
;
;     1,
;   2 ; the last
;   ]

; ; nothing but a remark
;   , zero 1 } ; end
function %f() { ; a remark: data
block0:
    return
} ; local: %f, %g
; run: %f()
; A sentence about data: it is no directive.
function %g() {
block0:
    return
}
; data: %b zeroed 4";
    let module = read(text);
    let a = module.data(module.find_data(&ExternalName::symbol("a")).unwrap());
    assert_eq!((&a.bytes[..], a.size), (&[1, 2][..], 3));
    assert!(module.find_data(&ExternalName::symbol("b")).is_some());
    assert!(
        module
            .functions()
            .all(|(id, _)| module.linkage(id) == Linkage::Local)
    );
}

#[test]
fn a_function_that_is_skipped_may_be_local_and_data_has_a_place() {
    let text = "; local: %f\nfunction %f(f32) {\nblock0(v0: f32):\n    return\n}\n; data: %d = {}";
    let file = parse_test(text).unwrap();
    assert_eq!(file.functions[0].linkage, Linkage::Local);
    assert_eq!(file.module.data_objects().count(), 1);
    let locations: Vec<_> = file.data_locations.values().collect();
    assert_eq!(locations, [&Location { line: 6, column: 9 }]);
}

#[test]
fn bytes_print_as_what_they_look_like() {
    for (directive, printed) in [
        ("= { i8 [104, 101, 121] }", "= { \"hey\" }"),
        ("= { i8 [104, 101] }", "= { i8 [104, 101] }"),
        (
            "= { \"one\\x00three\\x00\" }",
            "= { \"one\\x00three\\x00\" }",
        ),
        ("= { i16 [1, 0x8000] }", "= { i8 [1, 0, 0, -128] }"),
        (
            "align 2 = { i32 [1, -1] }",
            "align 2 = { i16 [1, 0, -1, -1] }",
        ),
        (
            "align 8 = { i64 0x8000_0000_0000_0001 }",
            "align 8 = { i32 [1, 0x8000_0000] }",
        ),
        (
            "align 4 = { i8 [1, 2], %d, i8 3, i16 4 }",
            "align 4 = {\n;     i8 [1, 2],\n;     %d,\n;     i8 [3, 4],\n;     i8 0\n; }",
        ),
        (
            "= { i8 1, zero 15, i8 2 }",
            "= {\n;     i8 [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],\n;     i8 2\n; }",
        ),
        (
            "= { i8 1, zero 16, i8 2 }",
            "= {\n;     i8 1,\n;     zero 16,\n;     i8 2\n; }",
        ),
        (
            "= { i8 1, i128 0, zero 9 }",
            "= {\n;     i8 1,\n;     zero 25\n; }",
        ),
        (
            "= { i8 [1, 0], zero 2 }",
            "= {\n;     i8 [1, 0],\n;     zero 2\n; }",
        ),
        ("zeroed 0 local", "local zeroed 0"),
    ] {
        let text = read(&format!("; data: %d {directive}")).to_string();
        assert_eq!(text, format!("; data: %d {printed}\n"));
        assert_eq!(read(&text).to_string(), text);
    }
}

#[test]
fn mistakes() {
    for (text, expected) in [
        // Words.
        (
            "; dat: %x = {}",
            "1:3: there is no directive `dat:`; is it `data:`?",
        ),
        (
            "; imports: %x()",
            "1:3: there is no directive `imports:`; is it `import:`?",
        ),
        (
            ";; lcoal: %x",
            "1:4: there is no directive `lcoal:`; is it `local:`?",
        ),
        (
            "; data: %x constant = {}",
            "1:12: expected `local`, `readonly`, `zeroed`, `align` or `=`, found `constant`",
        ),
        (
            "; data: %x local local = {}",
            "1:18: `local` stands there twice",
        ),
        (
            "; data: %x align 4 align 4 = {}",
            "1:20: `align` stands there twice",
        ),
        (
            "; data: %x readonly zeroed 4",
            "1:21: data that is zeroed cannot be `readonly`",
        ),
        // Structure.
        (
            "; data: x = {}",
            "1:9: expected a name, as in %name or u0:0, found `x`",
        ),
        (
            "; data: %\"\" = {}",
            "1:9: a name has at least one character",
        ),
        (
            "; data: %x",
            "1:11: expected `=` before the content of the data, found the end of the text",
        ),
        (
            "; data: %x = i8 1",
            "1:14: expected `{` before the content of the data, found `i8`",
        ),
        (
            "; data: %x zeroed 4 = {}",
            "1:21: expected the end of the directive, found `=`",
        ),
        (
            "; data: %x = {} {}",
            "1:17: expected the end of the directive, found `{`",
        ),
        (
            "; data: %x = { i8 1",
            "1:20: the `{` of the directive is not closed: expected `}` in a comment",
        ),
        (
            "; data: %x = {\n; i8 1,\n\n",
            "2:8: the `{` of the directive is not closed: expected `}` in a comment",
        ),
        (
            "; data: %x = {\nfunction %f() {\nblock0:\n    return\n}\n; }",
            "1:15: the `{` of the directive is not closed: expected `}` in a comment",
        ),
        (
            "; data: %x = { i8 1, }",
            "1:22: expected an item of data, as in `i32 7`, `%name`, `\"text\"` or `zero 16`, found `}`",
        ),
        (
            "; data: %x = { i8 1 2 }",
            "1:21: expected `}` after the content of the data, found `2`",
        ),
        (
            "; data: %x = { i8 [] }",
            "1:20: expected an integer of type i8, found `]`",
        ),
        (
            "; data: %x = { i8 [1 2] }",
            "1:22: expected `]` after the integers, found `2`",
        ),
        (
            "; data: %x = { \"abc }",
            "1:16: expected an item of data, as in `i32 7`, `%name`, `\"text\"` or `zero 16`, found '\"'",
        ),
        (
            "; data: %x = { word 1 }",
            "1:16: expected an item of data, as in `i32 7`, `%name`, `\"text\"` or `zero 16`, found `word`",
        ),
        ("; data: %x = { f32 1 }", "1:16: type f32 is not supported"),
        (
            "; data: %x = { \"\\x1\" }",
            "1:16: `\\x1` has an escape that is not one",
        ),
        // Numbers.
        (
            "; data: %x = { i8 256 }",
            "1:19: `256` does not fit in 8 bits",
        ),
        (
            "; data: %x = {\n; i16 [1,\n;   -32769] }",
            "3:5: `-32769` does not fit in 16 bits",
        ),
        ("; data: %x = { i32 1x }", "1:20: `1x` is not an integer"),
        (
            "; data: %x = { i32 v1 }",
            "1:20: expected an integer of type i32, found `v1`",
        ),
        (
            "; data: %x = { %y+0x8000_0000 }",
            "1:18: offset 2147483648 does not fit in 32 bits",
        ),
        (
            "; data: %x = { zero -1 }",
            "1:21: -1 is not in the range of a 32-bit size",
        ),
        (
            "; data: %x = { i8 1, zero 16777216 }",
            "1:22: a module may have 16777216 bytes of data",
        ),
        (
            "; data: %x zeroed 4294967296",
            "1:19: 4294967296 is not in the range of a 32-bit size",
        ),
        (
            "; data: %x zeroed 16777217",
            "1:9: data %x: a module may have 16777216 bytes of data, alignment included",
        ),
        (
            "; data: %x zeroed 16777216\n; data: %y = {}",
            "2:9: data %y: a module may have 16777216 bytes of data, alignment included",
        ),
        (
            "; data: %x align 3 = {}",
            "1:18: alignment 3 is not a power of two up to 4096",
        ),
        (
            "; data: %x align 8192 = {}",
            "1:18: alignment 8192 is not a power of two up to 4096",
        ),
        (
            "; data: %x align 0 = {}",
            "1:18: alignment 0 is not a power of two up to 4096",
        ),
        // Names.
        (
            "; data: %x = {}\n; data: %x = {}",
            "2:9: %x is defined or imported twice",
        ),
        (
            "; data: %x = {}\n; import: data %x",
            "2:11: %x is defined or imported twice",
        ),
        (
            "; import: %x()\n; import: %x()",
            "2:11: %x is defined or imported twice",
        ),
        (
            "; data: %f = {}\nfunction %f() {\nblock0:\n    return\n}",
            "2:10: %f is defined or imported twice",
        ),
        ("; local: %f", "1:10: there is no function %f in this file"),
        (
            "; data: %f = {}\n; local: %f",
            "2:10: there is no function %f in this file",
        ),
        (
            "; local: %f, %f\nfunction %f() {\nblock0:\n    return\n}",
            "1:14: %f is local already",
        ),
        (
            "; local:",
            "1:9: expected a name, as in %name or u0:0, found the end of the text",
        ),
        (
            "; local: %f,",
            "1:13: expected a name, as in %name or u0:0, found the end of the text",
        ),
        (
            "function %f() {\nblock0: ; data: %x = {}\n    return\n}",
            "2:11: `data:` stands between functions, and not in one",
        ),
        (
            "; data: %__lpc_x = {}",
            "1:9: names that start with __lpc_ are reserved",
        ),
        (
            "; import: data %__lpc_x",
            "1:11: names that start with __lpc_ are reserved",
        ),
        // Imports.
        (
            "; import: %f",
            "1:13: expected `(` before the parameters of a signature, found the end of the text",
        ),
        ("; import: %f(f32)", "1:14: type f32 is not supported"),
        (
            "; import: %f() system",
            "1:16: unknown calling convention `system`",
        ),
        (
            "; import: %f() fast, %g()",
            "1:20: expected the end of the directive, found `,`",
        ),
        (
            "; import: data %f()",
            "1:18: expected the end of the directive, found `(`",
        ),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
}

#[test]
fn other_comments_are_no_directives() {
    for text in [
        "; database: %x",
        "; dat: the file",
        "; Note: %x is data",
        "; check: %data",
        "; run: %import()",
        "; local variables: %x",
        "; %data: local",
        ";",
        "; :",
    ] {
        assert_eq!(read(text).to_string(), "", "{text}");
    }
}
