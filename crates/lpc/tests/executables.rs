//! Executables of this compiler and of others, in the emulator and under QEMU.
//!
//! The other compilers and QEMU are Debian packages; a test that misses one says so and compares nothing, and fails with `CI`
//! set.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const GCC: &str = "riscv64-unknown-elf-gcc";
const OBJDUMP: &str = "riscv64-unknown-elf-objdump";
const CLANG: &str = "clang-19";
const LLD: &str = "ld.lld-19";
const QEMU: &str = "qemu-riscv32";

/// Whether all of `tools` are there.
///
/// # Panics
/// If one is not and `CI` is set: nothing is skipped then.
fn have(tools: &[&str]) -> bool {
    let missing = |tool: &&&str| Command::new(tool).arg("--version").output().is_err();
    let Some(tool) = tools.iter().find(missing) else {
        return true;
    };
    assert!(std::env::var_os("CI").is_none(), "{tool} is missing");
    eprintln!("skipped: {tool} is missing");
    false
}

fn output(program: &str, arguments: &[&dyn AsRef<OsStr>]) -> Output {
    let mut command = Command::new(program);
    command.args(arguments.iter().map(|argument| argument.as_ref()));
    command.output().expect("the program can be started")
}

/// Runs a program that must succeed, and returns what it writes.
fn run(program: &str, arguments: &[&dyn AsRef<OsStr>]) -> String {
    let output = output(program, arguments);
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {messages}");
    String::from_utf8(output.stdout).expect("the output is text")
}

const LPC: &str = env!("CARGO_BIN_EXE_lpc");

/// A file in the folder for what tests make.
fn made(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// A file of the tests.
fn source(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs");
    folder.join(name)
}

fn example(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    folder.join(name)
}

/// Compiles `file` with GCC to the executable `name`, with picolibc and semihosting.
fn gcc(file: &str, name: &str, options: &[&str]) -> PathBuf {
    let executable = made(name);
    let mut arguments: Vec<&dyn AsRef<OsStr>> = vec![
        &"--specs=picolibc.specs",
        &"--oslib=semihost",
        &"--crt0=hosted",
        &"-mabi=ilp32",
    ];
    let file = source(file);
    arguments.extend(options.iter().map(|option| option as &dyn AsRef<OsStr>));
    let files: [&dyn AsRef<OsStr>; 3] = [&file, &"-o", &executable];
    arguments.extend(files);
    run(GCC, &arguments);
    executable
}

/// Compiles `file` with Clang to the executable `name`, without any library.
fn clang(file: &str, name: &str, options: &[&str]) -> PathBuf {
    let executable = made(name);
    let mut arguments: Vec<&dyn AsRef<OsStr>> = vec![
        &"--target=riscv32-unknown-elf",
        &"-mabi=ilp32",
        &"-nostdlib",
        &"-static",
        &"-fuse-ld=lld",
    ];
    let file = source(file);
    arguments.extend(options.iter().map(|option| option as &dyn AsRef<OsStr>));
    let files: [&dyn AsRef<OsStr>; 3] = [&file, &"-o", &executable];
    arguments.extend(files);
    run(CLANG, &arguments);
    executable
}

/// What a program writes, and its status.
fn written(output: &Output) -> (String, Option<i32>) {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (text, output.status.code())
}

/// The examples print the same from source, as executables in the emulator, and as executables under QEMU.
#[test]
fn our_executables_run_here_and_under_qemu() {
    let has_qemu = have(&[QEMU]);
    for (name, march) in [
        ("sieve", "rv32imac"),
        ("sieve", "rv32im"),
        ("sha256", "rv32imac_zba_zbb_zbs"),
        ("crc32", "rv32imc"),
    ] {
        let file = example(name).with_extension("clif");
        let executable = made(&format!("{name}-{march}.elf"));
        let compile: [&dyn AsRef<OsStr>; 6] =
            [&"compile", &file, &"--march", &march, &"-o", &executable];
        run(LPC, &compile);
        let expected = run(LPC, &[&"run", &file]);
        assert!(!expected.is_empty());
        assert_eq!(run(LPC, &[&"run", &executable]), expected, "{name} {march}");
        if has_qemu {
            assert_eq!(run(QEMU, &[&executable]), expected, "{name} {march}");
        }
    }
}

#[test]
fn the_status_is_the_same_here_and_under_qemu() {
    let file = made("status.clif");
    let text = "function %main(i32, i32) -> i32 {\nblock0(v0: i32, v1: i32):\n    return v0\n}\n";
    std::fs::write(&file, text).unwrap();
    let executable = made("status.elf");
    run(LPC, &[&"compile", &file, &"-o", &executable]);
    let here = output(LPC, &[&"run", &executable, &"--", &"a", &"b"]);
    assert_eq!(here.status.code(), Some(3));
    if have(&[QEMU]) {
        let there = output(QEMU, &[&executable, &"a", &"b"]);
        assert_eq!(there.status.code(), Some(3));
    }
}

#[test]
fn data_are_where_the_program_looks_for_them() {
    let has_qemu = have(&[QEMU]);
    for options in [&[][..], &["--stack-size", "64K"], &["--base", "0x40000000"]] {
        let executable = made("data.elf");
        let file = source("data.clif");
        let mut arguments: Vec<&dyn AsRef<OsStr>> = vec![&"compile", &file, &"-o", &executable];
        arguments.extend(options.iter().map(|option| option as &dyn AsRef<OsStr>));
        run(LPC, &arguments);
        let expected = ("data\nbc".to_owned(), Some(10));
        let here = output(LPC, &[&"run", &executable]);
        assert_eq!(written(&here), expected, "{options:?}");
        if has_qemu {
            assert_eq!(
                written(&output(QEMU, &[&executable])),
                expected,
                "{options:?}"
            );
        }
    }
}

#[test]
fn a_program_of_gcc_and_picolibc() {
    if !have(&[GCC]) {
        return;
    }
    for march in ["rv32i", "rv32im", "rv32imac"] {
        let option = format!("-march={march}");
        for level in ["-O0", "-Os"] {
            let executable = gcc(
                "printf.c",
                &format!("printf-{march}{level}.elf"),
                &[&option, level],
            );
            let output = output(LPC, &[&"run", &executable]);
            let expected = "the answer is 42, hex 2a, long -1234567890123, float 3.25\n";
            assert_eq!(written(&output), (expected.to_owned(), Some(3)));
            assert_eq!(output.stderr, b"");
        }
    }
}

/// System calls by hand, data of all kinds, and arguments.
#[test]
fn a_program_of_clang_without_library() {
    if !have(&[CLANG, LLD]) {
        return;
    }
    let has_qemu = have(&[QEMU]);
    for march in ["-march=rv32im", "-march=rv32imac"] {
        let executable = clang(
            "syscalls.c",
            &format!("syscalls{march}.elf"),
            &[march, "-O1"],
        );
        let here = output(LPC, &[&"run", &executable, &"--", &"first"]);
        let expected = "initialized zero\nfirst\nheap\n";
        assert_eq!(written(&here), (expected.to_owned(), Some(17)));
        if has_qemu {
            let there = output(QEMU, &[&executable, &"first"]);
            assert_eq!(written(&there), (expected.to_owned(), Some(17)));
        }
    }
}

#[test]
fn a_trap_is_shown_at_its_line() {
    if !have(&[CLANG, LLD]) {
        return;
    }
    let executable = clang("faults.c", "faults.elf", &["-march=rv32imac", "-O1", "-g"]);
    let output = output(LPC, &[&"run", &executable]);
    assert_eq!(output.status.code(), Some(3));
    let message = String::from_utf8_lossy(&output.stderr);
    // Tests run in the folder of their package, and names of files count from the current folder.
    let expected = "tests/programs/faults.c:7:14: store/AMO access fault (0x00000010) at fault+0x";
    assert!(message.starts_with(expected), "{message}");
}

#[test]
fn functions_of_other_compilers_are_called() {
    if !have(&[GCC]) {
        return;
    }
    let executable = gcc("printf.c", "called.elf", &["-march=rv32imac", "-O1"]);
    let result = run(LPC, &[&"run", &executable, &"--invoke", &"answer(-8)"]);
    assert_eq!(result, "34\n");
}

/// The instruction lines of a listing: address, bytes and text; labels; and relocations.
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
    if !have(&[GCC, OBJDUMP]) {
        return;
    }
    let object = made("sample.o");
    let arguments: [&dyn AsRef<OsStr>; 8] = [
        &"--specs=picolibc.specs",
        &"-march=rv32im",
        &"-mabi=ilp32",
        &"-O2",
        &"-c",
        &source("sample.c"),
        &"-o",
        &object,
    ];
    run(GCC, &arguments);
    let ours = parts(&run(LPC, &[&"dis", &object, &"--no-aliases"]));
    let theirs = parts(&run(OBJDUMP, &[&"-dr", &"-M", &"no-aliases", &object]));
    assert!(ours.labels.len() > 3 && ours.instructions.len() > 30 && ours.relocations.len() > 10);
    assert_eq!(ours.labels, theirs.labels);
    assert_eq!(ours.instructions, theirs.instructions);
    assert_eq!(ours.relocations, theirs.relocations);
}

/// With compressed instructions, addresses and bytes are. The linker puts constants behind the code, which is no code.
#[test]
fn an_executable_of_gcc_is_cut_into_instructions_as_objdump_does() {
    if !have(&[GCC, OBJDUMP]) {
        return;
    }
    let executable = gcc("printf.c", "listed.elf", &["-march=rv32imac", "-O1"]);
    let symbols = run(OBJDUMP, &[&"-t", &executable]);
    let end_of_code = symbols.lines().find(|line| line.ends_with(" __text_end"));
    let end = end_of_code.and_then(|line| line.split(' ').next());
    let end = end
        .expect("the linker script defines this symbol")
        .to_owned();
    let cut = |listing: String| {
        let mut lines = parts(&listing).instructions;
        lines.retain(|line| line.as_str() < end.as_str());
        for line in &mut lines {
            *line = line.split(' ').take(2).collect::<Vec<_>>().join(" ");
        }
        lines
    };
    let ours = cut(run(LPC, &[&"dis", &executable]));
    let theirs = cut(run(OBJDUMP, &[&"-d", &"-z", &executable]));
    assert!(ours.len() > 1_000);
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(ours.len(), theirs.len());
}
