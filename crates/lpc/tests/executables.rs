//! Executables of this compiler and of others, in the emulator and under QEMU.

#[expect(dead_code, reason = "other tests compare whole texts with files")]
mod support;

use std::path::{Path, PathBuf};
use std::process::Output;
use support::{command, finish, run, scratch_folder, tools_are_there};

const LPC: &str = env!("CARGO_BIN_EXE_lpc");
const GCC: &str = "riscv64-unknown-elf-gcc";
const OBJDUMP: &str = "riscv64-unknown-elf-objdump";
const CLANG: &str = "clang-19";
const LLD: &str = "ld.lld-19";
const QEMU: &str = "qemu-riscv32";

/// GCC for bare machines, with picolibc and semihosting.
const GCC_SEMIHOSTING: &str =
    "riscv64-unknown-elf-gcc --specs=picolibc.specs --oslib=semihost --crt0=hosted -mabi=ilp32";

/// Clang without any library.
const CLANG_BARE: &str =
    "clang-19 --target=riscv32-unknown-elf -mabi=ilp32 -nostdlib -static -fuse-ld=lld";

/// A file of the tests.
fn source(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs");
    folder.join(name)
}

/// Makes an executable of `file` with the words of `compiler`.
fn build(compiler: &str, file: &Path, executable: &Path) {
    let arguments: [&dyn AsRef<std::ffi::OsStr>; 3] = [&file, &"-o", &executable];
    run(&mut command(compiler, &arguments));
}

/// Runs `executable` with the words of `arguments` in the emulator.
fn run_here(executable: &Path, arguments: &str) -> Output {
    let mut run = command(&format!("{LPC} run"), &[&executable]);
    finish(run.args(arguments.split_whitespace()))
}

/// Runs `executable` with the words of `arguments` under QEMU.
fn run_in_qemu(executable: &Path, arguments: &str) -> Output {
    let mut run = command(QEMU, &[&executable]);
    finish(run.args(arguments.split_whitespace()))
}

/// What a program writes, and its status.
fn written(output: &Output) -> (String, Option<i32>) {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (text, output.status.code())
}

/// The examples print the same from source, as executables in the emulator, and as executables under QEMU.
#[test]
fn our_executables_run_here_and_under_qemu() {
    let has_qemu = tools_are_there(&[QEMU]);
    let folder = scratch_folder("our_executables");
    for (name, march) in [
        ("sieve", "rv32imac"),
        ("sieve", "rv32im"),
        ("sha256", "rv32imac_zba_zbb_zbs"),
        ("crc32", "rv32imc"),
    ] {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
        let file = examples.join(name).with_extension("clif");
        let executable = folder.join("program.elf");
        build(
            &format!("{LPC} compile --march {march}"),
            &file,
            &executable,
        );
        let expected = finish(&mut command(&format!("{LPC} run"), &[&file]));
        let expected = written(&expected);
        assert!(!expected.0.is_empty());
        assert_eq!(written(&run_here(&executable, "")), expected, "{name}");
        if has_qemu {
            assert_eq!(written(&run_in_qemu(&executable, "")), expected, "{name}");
        }
    }
}

#[test]
fn data_are_where_the_program_looks_for_them() {
    let has_qemu = tools_are_there(&[QEMU]);
    let executable = scratch_folder("data").join("data.elf");
    for options in ["", "--stack-size 64K", "--base 0x40000000"] {
        let compile = format!("{LPC} compile {options}");
        build(&compile, &source("data.clif"), &executable);
        let expected = ("data\nbc".to_owned(), Some(10));
        assert_eq!(written(&run_here(&executable, "")), expected, "{options}");
        if has_qemu {
            assert_eq!(
                written(&run_in_qemu(&executable, "")),
                expected,
                "{options}"
            );
        }
    }
}

#[test]
fn arguments_and_the_status_are_the_same_here_and_under_qemu() {
    let folder = scratch_folder("status");
    let file = folder.join("status.clif");
    let text = "function %main(i32, i32) -> i32 {\nblock0(v0: i32, v1: i32):\n    return v0\n}\n";
    std::fs::write(&file, text).expect("files can be written");
    let executable = folder.join("status.elf");
    build(&format!("{LPC} compile"), &file, &executable);
    assert_eq!(run_here(&executable, "-- a b").status.code(), Some(3));
    if tools_are_there(&[QEMU]) {
        assert_eq!(run_in_qemu(&executable, "a b").status.code(), Some(3));
    }
}

#[test]
fn a_program_of_gcc_and_picolibc() {
    if !tools_are_there(&[GCC]) {
        return;
    }
    let executable = scratch_folder("picolibc").join("printf.elf");
    for march in ["rv32i", "rv32im", "rv32imac"] {
        for level in ["-O0", "-Os"] {
            let compiler = format!("{GCC_SEMIHOSTING} -march={march} {level}");
            build(&compiler, &source("printf.c"), &executable);
            let output = run_here(&executable, "");
            let expected = "the answer is 42, hex 2a, long -1234567890123, float 3.25\n";
            assert_eq!(written(&output), (expected.to_owned(), Some(3)));
            assert_eq!(output.stderr, b"");
        }
    }
}

/// System calls by hand, data of all kinds, and arguments.
#[test]
fn a_program_of_clang_without_library() {
    if !tools_are_there(&[CLANG, LLD]) {
        return;
    }
    let has_qemu = tools_are_there(&[QEMU]);
    let executable = scratch_folder("syscalls").join("syscalls.elf");
    for march in ["rv32im", "rv32imac"] {
        let compiler = format!("{CLANG_BARE} -march={march} -O1");
        build(&compiler, &source("syscalls.c"), &executable);
        let expected = ("initialized zero\nfirst\nheap\n".to_owned(), Some(17));
        assert_eq!(written(&run_here(&executable, "-- first")), expected);
        if has_qemu {
            assert_eq!(written(&run_in_qemu(&executable, "first")), expected);
        }
    }
}

#[test]
fn a_trap_is_shown_at_its_line() {
    if !tools_are_there(&[CLANG, LLD]) {
        return;
    }
    let executable = scratch_folder("faults").join("faults.elf");
    let compiler = format!("{CLANG_BARE} -march=rv32imac -O1 -g");
    build(&compiler, &source("faults.c"), &executable);
    let output = run_here(&executable, "");
    assert_eq!(output.status.code(), Some(3));
    let message = String::from_utf8_lossy(&output.stderr);
    // Tests run in the folder of their package, and names of files count from the current folder.
    let expected = "tests/programs/faults.c:7:14: store/AMO access fault (0x00000010) at fault+0x";
    assert!(message.starts_with(expected), "{message}");
}

/// GCC leaves out here what nobody refers to.
#[test]
fn a_trap_of_our_code_in_a_program_of_gcc_is_explained() {
    if !tools_are_there(&[GCC]) {
        return;
    }
    let folder = scratch_folder("mixed");
    let object = folder.join("divide.o");
    build(&format!("{LPC} compile"), &source("divide.clif"), &object);
    let executable = folder.join("mixed.elf");
    let compiler = format!(
        "{GCC_SEMIHOSTING} -march=rv32imac -O1 -Wl,--gc-sections {}",
        object.display()
    );
    build(&compiler, &source("divides.c"), &executable);
    let output = run_here(&executable, "");
    assert_eq!(written(&output), ("3\n".to_owned(), Some(3)));
    let message = String::from_utf8_lossy(&output.stderr);
    let expected = "tests/programs/divide.clif:4:10: trap int_divz at divide+0x";
    assert!(message.starts_with(expected), "{message}");
}

#[test]
fn functions_of_other_compilers_are_called() {
    if !tools_are_there(&[GCC]) {
        return;
    }
    let executable = scratch_folder("called").join("printf.elf");
    let compiler = format!("{GCC_SEMIHOSTING} -march=rv32imac -O1");
    build(&compiler, &source("printf.c"), &executable);
    let output = run_here(&executable, "--invoke answer(-8)");
    assert_eq!(written(&output), ("34\n".to_owned(), Some(0)));
}

/// What a listing says: labels; address, bytes and text of each instruction; relocations.
#[derive(PartialEq, Eq, Debug, Default)]
struct ListingParts {
    labels: Vec<String>,
    instructions: Vec<String>,
    relocations: Vec<String>,
}

fn parts(listing: &str) -> ListingParts {
    let mut parts = ListingParts::default();
    for line in listing.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        let is_address = |word: &str| u32::from_str_radix(word.trim_end_matches(':'), 16).is_ok();
        match words[..] {
            [_, name] if name.ends_with(">:") => parts.labels.push(words.join(" ")),
            [_, kind, ..] if kind.starts_with("R_RISCV_") => {
                // What stands for no symbol is left out here.
                let words = words.into_iter().filter(|word| *word != "*ABS*");
                parts.relocations.push(words.collect::<Vec<_>>().join(" "));
            }
            [address, ..] if address.ends_with(':') && is_address(address) => {
                // What stands behind `#` is a remark.
                let code = words.split(|word| *word == "#").next().unwrap_or_default();
                parts.instructions.push(code.join(" "));
            }
            _ => {}
        }
    }
    parts
}

/// Without compressed instructions, whose mnemonics objdump shows and this listing does not, every line is the same.
#[test]
fn an_object_of_gcc_is_shown_as_objdump_does() {
    if !tools_are_there(&[GCC, OBJDUMP]) {
        return;
    }
    let object = scratch_folder("sample").join("sample.o");
    let compiler = format!("{GCC_SEMIHOSTING} -march=rv32im -O2 -c");
    build(&compiler, &source("sample.c"), &object);
    let listing = |disassembler: &str| parts(&run(&mut command(disassembler, &[&object])));
    let ours = listing(&format!("{LPC} dis --no-aliases"));
    let theirs = listing(&format!("{OBJDUMP} -dr -M no-aliases"));
    assert!(ours.labels.len() > 3 && ours.instructions.len() > 30 && ours.relocations.len() > 10);
    assert_eq!(ours.labels, theirs.labels);
    assert_eq!(ours.instructions, theirs.instructions);
    assert_eq!(ours.relocations, theirs.relocations);
}

/// With compressed instructions, addresses and bytes are. The linker puts constants behind the code, which is no code.
#[test]
fn an_executable_of_gcc_is_cut_into_instructions_as_objdump_does() {
    if !tools_are_there(&[GCC, OBJDUMP]) {
        return;
    }
    let executable = scratch_folder("listed").join("printf.elf");
    let compiler = format!("{GCC_SEMIHOSTING} -march=rv32imac -O1");
    build(&compiler, &source("printf.c"), &executable);
    let symbols = run(&mut command(&format!("{OBJDUMP} -t"), &[&executable]));
    let end_of_code = symbols.lines().find(|line| line.ends_with(" __text_end"));
    let end = end_of_code.and_then(|line| line.split(' ').next());
    let end = end.expect("the linker script defines this symbol");
    let cut = |disassembler: &str| {
        let listing = run(&mut command(disassembler, &[&executable]));
        let mut lines = parts(&listing).instructions;
        lines.retain(|line| line.as_str() < end);
        for line in &mut lines {
            *line = line.split(' ').take(2).collect::<Vec<_>>().join(" ");
        }
        lines
    };
    let ours = cut(&format!("{LPC} dis"));
    let theirs = cut(&format!("{OBJDUMP} -d -z"));
    assert!(ours.len() > 1_000);
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(ours.len(), theirs.len());
}
