//! A debugger at work on compiled programs, which QEMU runs.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use support::{check_text, command, finish, run, scratch_folder, tools_are_there, wait};

const LPC: &str = env!("CARGO_BIN_EXE_lpc");
const ASSEMBLER: &str = "riscv64-unknown-elf-gcc -mabi=ilp32 -c";
const GNU_LD: &str = "riscv64-unknown-elf-ld -melf32lriscv";
const LLD: &str = "ld.lld-19";
const GDB: &str = "gdb-multiarch";
const QEMU: &str = "qemu-riscv32";

fn tools() -> bool {
    tools_are_there(&[
        "riscv64-unknown-elf-gcc",
        "riscv64-unknown-elf-ld",
        LLD,
        GDB,
        QEMU,
    ])
}

/// The folder of the program that is debugged.
fn source_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/objects/debugger")
}

/// What the program to debug is made with.
struct Toolchain {
    march: &'static str,
    /// The options of the compiler.
    options: &'static str,
    linker: &'static str,
}

const DEFAULT: Toolchain = Toolchain {
    march: "rv32imac",
    options: "",
    linker: GNU_LD,
};

/// Compiles and links the module `source` to a program in `folder`.
fn build(source: &Path, toolchain: &Toolchain, folder: &Path) -> PathBuf {
    let Toolchain {
        march,
        options,
        linker,
    } = toolchain;
    let [start, ours, program] = ["start.o", "ours.o", "program"].map(|name| folder.join(name));
    let line = format!("{ASSEMBLER} -march={march} start.s -o");
    run(command(&line, &[&start]).current_dir(source_folder()));
    let line = format!("{LPC} compile --march {march} {options}");
    run(command(&line, &[&source, &"-o", &ours]).current_dir(source_folder()));
    run(&mut command(linker, &[&start, &ours, &"-o", &program]));
    program
}

/// What GDB prints that is given the commands `script` and the program, which waits before its first instruction.
fn debug(program: &Path, folder: &Path, script: &str) -> String {
    // The path of a socket is short.
    let socket =
        std::env::temp_dir().join(format!("lpc-gdb-{}-{}", std::process::id(), next_number()));
    let mut qemu = start_qemu(program, &socket);
    let script_file = folder.join("script.gdb");
    let prefix = format!(
        "set confirm off\nset pagination off\nset print inferior-events off\nset width 0\nset sysroot\ntarget remote {}\n",
        socket.display()
    );
    std::fs::write(&script_file, prefix + script + "\nkill\n").expect("scripts can be written");
    let line = format!("{GDB} -nx -q -batch -x");
    let output = finish(command(&line, &[&script_file, &program]).current_dir(source_folder()));
    // It may have ended with the debugger already.
    let _ = qemu.kill();
    wait(&mut qemu);
    let _ = std::fs::remove_file(&socket);
    String::from_utf8(output.stdout).expect("GDB prints UTF-8")
}

/// A number that no other test of this process uses.
fn next_number() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Starts `program` under QEMU, which waits for a debugger at `socket`.
fn start_qemu(program: &Path, socket: &Path) -> Child {
    let _ = std::fs::remove_file(socket);
    let mut qemu = command(QEMU, &[&"-g", &socket, &program]);
    qemu.stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let qemu = qemu.spawn().expect("QEMU can be started");
    let start = Instant::now();
    while !socket.exists() && start.elapsed() < Duration::from_secs(20) {
        thread::sleep(Duration::from_millis(5));
    }
    qemu
}

/// `text` with the same word in the place of every address: hexadecimal numbers, and those of the stack in decimal.
fn without_addresses(text: &str) -> String {
    let mut parts = text.split("0x");
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        result += "ADDRESS";
        result += part.trim_start_matches(|digit: char| digit.is_ascii_hexdigit());
    }
    result
}

/// Compares what GDB prints about the program `source` with an expected text. The script and the text have the name `name`.
fn check_session(source: &str, name: &str) {
    if !tools() {
        return;
    }
    let folder = scratch_folder(&format!("debugger_{name}"));
    let program = build(Path::new(source), &DEFAULT, &folder);
    let script = source_folder().join(name).with_extension("gdb");
    let script = std::fs::read_to_string(script).expect("there is a script");
    let output = debug(&program, &folder, &script);
    let expected = format!("objects/debugger/{name}.txt");
    check_text(&expected, &without_addresses(&output));
}

#[test]
fn lines_and_callers() {
    check_session("frames.clif", "lines");
}

#[test]
fn values() {
    check_session("values.clif", "values");
}

/// From the first instruction of each function to its last one, the callers are found.
#[test]
fn every_instruction_can_be_unwound() {
    if !tools() {
        return;
    }
    let folder = scratch_folder("debugger_unwinding");
    let script = "break outer\n\
                  continue\n\
                  while $pc != &returned\n\
                  backtrace\n\
                  stepi\n\
                  end";
    for (march, options, linker) in [
        ("rv32imac", "", GNU_LD),
        ("rv32imac", "", LLD),
        ("rv32im", "", GNU_LD),
        ("rv32imac", "--no-relax --regalloc fast", GNU_LD),
        ("rv32imac", "--preserve-frame-pointers", LLD),
    ] {
        let toolchain = Toolchain {
            march,
            options,
            linker,
        };
        let program = build(Path::new("frames.clif"), &toolchain, &folder);
        let output = debug(&program, &folder, script);
        let chain = ["_start", "outer", "middle", "inner"];
        let mut depths: Vec<usize> = Vec::new();
        for callers in backtraces(&output) {
            assert_eq!(
                callers,
                chain[..callers.len()],
                "{march} {options} {linker}: {output}"
            );
            depths.push(callers.len());
        }
        depths.dedup();
        assert_eq!(
            depths,
            [2, 3, 4, 3, 2],
            "{march} {options} {linker}: {output}"
        );
    }
}

/// The functions of each backtrace that GDB printed, the outermost first.
fn backtraces(output: &str) -> Vec<Vec<&str>> {
    let mut backtraces: Vec<Vec<&str>> = Vec::new();
    for line in output.lines().filter(|line| line.starts_with('#')) {
        if line.starts_with("#0") {
            backtraces.push(Vec::new());
        }
        // #1  0x000100dc in middle (v0=…) at frames.clif:22
        let (before, _) = line.split_once(" (").expect("functions have parentheses");
        let function = before.rsplit(' ').next().expect("there is a word");
        let last = backtraces.last_mut().expect("frames count from 0");
        last.insert(0, function);
    }
    backtraces
}

/// How far the end of a function is from its start decides how unwind information says so.
#[test]
fn ends_of_long_functions_can_be_unwound() {
    if !tools() {
        return;
    }
    let folder = scratch_folder("debugger_long_functions");
    let mut source = String::from(
        "function %leaf(i32) -> i32 system_v {\nblock0(v0: i32):\n    return v0\n}\n\n\
         function %outer(i32) -> i32 system_v {\n\
         fn0 = %add10(i32) -> i32 system_v\n\
         fn1 = %add100(i32) -> i32 system_v\n\
         fn2 = %add40000(i32) -> i32 system_v\n\
         block0(v0: i32):\n\
         v1 = call fn0(v0)\n\
         v2 = call fn1(v1)\n\
         v3 = call fn2(v2)\n\
         return v3\n\
         }\n",
    );
    let mut script = String::new();
    // The last one is longer than 64 KiB.
    for additions in [10, 100, 40_000] {
        source += &format!(
            "function %add{additions}(i32) -> i32 system_v {{\n\
             fn0 = %leaf(i32) -> i32 system_v\n\
             block0(v0: i32):\n\
             v1 = call fn0(v0)\n"
        );
        for value in 1..=additions {
            source += &format!("v{} = iadd v{value}, v0\n", value + 1);
        }
        source += &format!("return v{}\n}}\n", additions + 1);
        // From the line of the `return` on, until control is back in the function in front of them.
        let line = source.lines().count() - 1;
        script += &format!(
            "break long.clif:{line}\n\
             continue\n\
             backtrace\n\
             while $pc >= (unsigned) &add10\n\
             stepi\n\
             backtrace\n\
             end\n"
        );
    }
    let path = folder.join("long.clif");
    std::fs::write(&path, source).expect("programs can be written");
    for (options, linker) in [("", GNU_LD), ("", LLD), ("--no-relax", LLD)] {
        let toolchain = Toolchain {
            options,
            linker,
            ..DEFAULT
        };
        let program = build(&path, &toolchain, &folder);
        let output = debug(&program, &folder, &script);
        let mut found = backtraces(&output);
        // The epilogue is several instructions.
        assert!(found.len() >= 12, "{options} {linker}: {output}");
        found.dedup();
        let expected = ["add10", "add100", "add40000"]
            .map(|function| [vec!["_start", "outer", function], vec!["_start", "outer"]]);
        assert_eq!(found, expected.concat(), "{options} {linker}: {output}");
    }
}
