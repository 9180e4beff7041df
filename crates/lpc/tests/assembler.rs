//! The assembly text of `lpc compile` against the machine code, with the GNU assembler between them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the host's %putchar is supposed to be.
const PUTCHAR: &str = "putchar=0x123450";

/// Where the programs are linked.
const BASE: &str = "0x10000";

/// The program that the GNU binary utilities for RISC-V call `name`, if it is there.
///
/// # Panics
/// If it is not there and `CI` is set: nothing is skipped then.
fn gnu_tool(name: &str) -> Option<String> {
    let program = format!("riscv64-unknown-elf-{name}");
    if Command::new(&program).arg("--version").output().is_ok() {
        return Some(program);
    }
    assert!(std::env::var_os("CI").is_none(), "{program} is missing");
    eprintln!("skipped: {program} is missing");
    None
}

fn run(program: &str, arguments: &[&dyn AsRef<OsStr>]) {
    let mut command = Command::new(program);
    command.args(arguments.iter().map(|argument| argument.as_ref()));
    let output = command.output().expect("the program can be started");
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {messages}");
}

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let entries = folder.read_dir().expect("the examples are there");
    let files = entries.map(|entry| entry.expect("the folder can be read").path());
    let mut files: Vec<_> = files
        .filter(|path| path.extension() == Some("clif".as_ref()))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

#[test]
fn the_assembler_makes_the_same_code_of_the_text() {
    check_examples("rv32im");
}

/// The text holds no compressed mnemonics: the assembler compresses what the compiler does.
#[test]
fn the_assembler_compresses_the_same_instructions() {
    check_examples("rv32imac");
}

/// A program with data of every kind.
const DATA: &str = "\
; data: %\"a table\" readonly align 4 = { i32 1, %f+4, i8 [1, 2, 3], %counter-1, zero 5 }
; data: %text = { \"text\\n\\x00\" }
; data: %counter local zeroed 64 align 16
; local: %f
function %f() -> i32 {
    gv0 = symbol colocated %counter+8
block0:
    v0 = symbol_value.i32 gv0
    v1 = load.i32 aligned v0
    return v1
}
function %g(i32) -> i32 {
block0(v0: i32):
    br_table v0, block1, [block1, block2]

block1:
    return v0

block2:
    v1 = iconst.i32 3
    return v1
}
";

/// The assembler takes the text of functions and data, and makes the sections and symbols of it that the text states.
#[test]
fn the_assembler_takes_functions_and_data() {
    let (Some(assembler), Some(objcopy), Some(objdump)) =
        (gnu_tool("as"), gnu_tool("objcopy"), gnu_tool("objdump"))
    else {
        return;
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = |extension: &str| folder.join("data").with_extension(extension);
    std::fs::write(file("clif"), DATA).expect("the file can be written");
    let lpc = env!("CARGO_BIN_EXE_lpc");
    let compile: [&dyn AsRef<OsStr>; 4] = [&"compile", &file("clif"), &"--march", &"rv32im"];
    run(lpc, &[&compile[..], &[&"-o", &file("s")]].concat());
    run(
        &assembler,
        &[
            &"-march=rv32im",
            &"-mabi=ilp32",
            &file("s"),
            &"-o",
            &file("o"),
        ],
    );
    for (section, bytes) in [
        (
            ".rodata",
            &[1, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
        ),
        (".data", b"text\n\0"),
    ] {
        run(
            &objcopy,
            &[&"-O", &"binary", &"-j", &section, &file("o"), &file("bin")],
        );
        assert_eq!(std::fs::read(file("bin")).unwrap(), bytes, "{section}");
    }
    let output = Command::new(objdump)
        .args(["--syms", "--reloc"])
        .args(["-j", ".text", "-j", ".rodata", "-j", ".bss"])
        .arg(file("o"))
        .output()
        .expect("the program can be started");
    let listing = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<String> = listing
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    for expected in [
        "00000000 l F .text 00000010 f",
        "00000010 g F .text 00000038 g",
        "00000000 g O .rodata 00000014 a table",
        "00000000 l O .bss 00000040 counter",
        "00000004 R_RISCV_32 f+0x00000004",
        "0000000b R_RISCV_32 counter-0x00000001",
    ] {
        let is_there = lines.iter().any(|line| line == expected);
        assert!(is_there, "no `{expected}` in\n{listing}");
    }
}

/// A program with a jump table, and with calls that become shorter between the table and what refers to it.
const TABLES: &str = "\
function %main(i32) -> i32 {
    fn0 = %callee(i32) -> i32
block0(v0: i32):
    br_table v0, block1, [block2, block3, block1]
block1:
    v1 = call fn0(v0)
    return v1
block2:
    v2 = iconst.i32 100
    v3 = call fn0(v2)
    return v3
block3:
    v4 = call fn0(v0)
    v5 = call fn0(v4)
    return v5
}
function %callee(i32) -> i32 {
block0(v0: i32):
    return v0
}
";

/// Puts the sections of a program where the linker of lpc has them.
const LAYOUT: &str = "\
SECTIONS {
    .text : { *(.text) }
    .rodata : { *(.rodata) }
    .data : { *(.data) }
    .bss : { *(.bss) }
}
";

/// Compares the machine code and the data of all examples, and of [`TABLES`], with what the assembler makes of their assembly text.
fn check_examples(march: &str) {
    let (Some(assembler), Some(linker), Some(objcopy)) =
        (gnu_tool("as"), gnu_tool("ld"), gnu_tool("objcopy"))
    else {
        return;
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let layout = folder.join(format!("{march}.ld"));
    std::fs::write(&layout, LAYOUT).expect("the file can be written");
    let tables = folder.join(format!("tables_{march}.clif"));
    std::fs::write(&tables, TABLES).expect("the file can be written");
    for example in examples().into_iter().chain([tables]) {
        let file = |extension: &str| {
            folder
                .join(example.file_name().expect("examples have names"))
                .with_extension(format!("{march}.{extension}"))
        };
        let lpc = env!("CARGO_BIN_EXE_lpc");
        let compile: [&dyn AsRef<OsStr>; 4] = [&"compile", &example, &"--march", &march];
        let to_text: [&dyn AsRef<OsStr>; 2] = [&"-o", &file("s")];
        run(lpc, &[&compile[..], &to_text].concat());
        let to_code: [&dyn AsRef<OsStr>; 8] = [
            &"--emit",
            &"bin",
            &"--base",
            &BASE,
            &"--import",
            &PUTCHAR,
            &"-o",
            &file("bin"),
        ];
        run(lpc, &[&compile[..], &to_code].concat());

        run(
            &assembler,
            &[
                &format!("-march={march}"),
                &"-mabi=ilp32",
                &file("s"),
                &"-o",
                &file("o"),
            ],
        );
        run(
            &linker,
            &[
                &"-melf32lriscv",
                &"-Ttext",
                &BASE,
                &"-e",
                &BASE,
                &"-T",
                &layout,
                &"--defsym",
                &PUTCHAR,
                &file("o"),
                &"-o",
                &file("elf"),
            ],
        );
        run(&objcopy, &[&"-O", &"binary", &file("elf"), &file("gnu")]);

        let [ours, theirs] =
            ["bin", "gnu"].map(|extension| std::fs::read(file(extension)).unwrap());
        assert!(!ours.is_empty());
        // GNU ld may leave zeros behind the code that it has shortened.
        let (theirs, rest) = theirs.split_at(ours.len().min(theirs.len()));
        assert_eq!(ours, theirs, "{}", example.display());
        assert!(rest.len() < 4 && rest.iter().all(|byte| *byte == 0));
    }
}
