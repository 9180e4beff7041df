//! Relocatable objects, with the tools of GNU and LLVM as readers, linkers and compilers of the other side.

mod support;

use std::path::{Path, PathBuf};
use support::{check_text, command, finish, run, scratch_folder, tools_are_there};

const LPC: &str = env!("CARGO_BIN_EXE_lpc");
const READELF: &str = "riscv64-unknown-elf-readelf";
const OBJDUMP: &str = "riscv64-unknown-elf-objdump";
const NM: &str = "riscv64-unknown-elf-nm";
const SIZE: &str = "riscv64-unknown-elf-size";
const GCC: &str = "riscv64-unknown-elf-gcc";
const GNU_LD: &str = "riscv64-unknown-elf-ld";
const CLANG: &str = "clang-19";
const LLD: &str = "ld.lld-19";
const DWARFDUMP: &str = "llvm-dwarfdump-19";
const QEMU: &str = "qemu-riscv32";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn test_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/objects")
        .join(name)
}

/// Compiles `listing/module.clif` with the words of `options`, as if it lay in a folder `/source`.
fn compile_listed_module(options: &str, folder: &Path) -> PathBuf {
    let object = folder.join("module.o");
    let line = format!("{LPC} compile module.clif --debug-directory /source {options} -o");
    run(command(&line, &[&object]).current_dir(test_file("listing")));
    object
}

#[test]
fn gnu_tools_list_what_is_in_an_object() {
    if !tools_are_there(&[READELF, OBJDUMP]) {
        return;
    }
    let folder = scratch_folder("gnu_listing");
    for (name, options) in [
        ("relaxed", ""),
        (
            "plain",
            "--no-relax --no-debug --function-sections --march rv32im_zba",
        ),
    ] {
        let object = compile_listed_module(options, &folder);
        // Everything can be read, and nothing is wrong with it.
        run(&mut command(&format!("{READELF} -a -w"), &[&object]));
        let readelf =
            format!("{READELF} --wide --file-header --sections --relocs --symbols --arch-specific");
        let listing = run(&mut command(&readelf, &[&object]));
        check_text(&format!("objects/listing/{name}.readelf.txt"), &listing);
        let objdump = format!("{OBJDUMP} --disassemble --reloc module.o");
        let listing = run(command(&objdump, &[]).current_dir(&folder));
        check_text(&format!("objects/listing/{name}.objdump.txt"), &listing);
    }
}

#[test]
fn debug_information_of_a_module() {
    if !tools_are_there(&[DWARFDUMP]) {
        return;
    }
    let folder = scratch_folder("dwarf_listing");
    compile_listed_module("", &folder);
    let dump = format!("{DWARFDUMP} --debug-info --debug-line --eh-frame module.o");
    let listing = run(command(&dump, &[]).current_dir(&folder));
    check_text("objects/listing/relaxed.dwarfdump.txt", &listing);
}

/// All files below `folder` that hold programs, in order.
fn programs_below(folder: &Path) -> Vec<PathBuf> {
    let mut programs = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().expect("the folder is there") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "clif")
            {
                programs.push(path);
            }
        }
    }
    programs.sort();
    programs
}

#[test]
fn the_debug_information_of_every_program_is_in_order() {
    if !tools_are_there(&[DWARFDUMP]) {
        return;
    }
    let folder = scratch_folder("dwarf_verify");
    let mut objects = Vec::new();
    let mut compile = |program: &Path, options: &str| {
        let object = folder.join(format!("{}.o", objects.len()));
        let line = format!("{LPC} compile {options} -o");
        let output = finish(&mut command(&line, &[&object, &program]));
        if output.status.success() {
            objects.push(object);
        }
        output.status.success()
    };
    for program in programs_below(&repository().join("examples")) {
        for options in ["", "--no-relax", "--function-sections --regalloc fast"] {
            assert!(compile(&program, options), "{}", program.display());
        }
    }
    // Some of these need instructions that the default machine lacks, or are meant to fail.
    let tests = programs_below(&repository().join("filetests/run"));
    let compiled = tests.iter().filter(|test| compile(test, "")).count();
    assert!(2 * compiled > tests.len(), "{compiled} of {}", tests.len());

    for object in objects {
        let verify = run(&mut command(&format!("{DWARFDUMP} --verify"), &[&object]));
        assert!(verify.ends_with("No errors.\n"), "{verify}");
    }
}

/// Compilers of C, with the words that their commands start with.
const COMPILERS: [&str; 2] = [
    "riscv64-unknown-elf-gcc -mabi=ilp32 -O1 -ffreestanding -c",
    "clang-19 --target=riscv32 -mabi=ilp32 -O2 -ffreestanding -c",
];

/// Linkers, each with what it is asked to do.
const LINKERS: [&str; 6] = [
    "riscv64-unknown-elf-ld -melf32lriscv",
    "riscv64-unknown-elf-ld -melf32lriscv --gc-sections",
    "riscv64-unknown-elf-ld -melf32lriscv --no-relax",
    "ld.lld-19",
    "ld.lld-19 --gc-sections --eh-frame-hdr",
    "ld.lld-19 --no-relax",
];

/// What our side is compiled with.
const OPTIONS: [&str; 5] = [
    "",
    "--align-functions 32 --align-loops 16",
    "--function-sections",
    "--no-relax",
    "--no-debug --no-unwind-tables",
];

/// Instruction sets, with QEMU's processors that have exactly these.
const MACHINES: [(&str, &str); 2] = [
    ("rv32imac", "rv32i,m=on,a=on,c=on"),
    ("rv32im", "rv32i,m=on"),
];

#[test]
fn programs_of_several_compilers_are_linked_and_run() {
    if !tools_are_there(&[GCC, GNU_LD, CLANG, LLD, QEMU]) {
        return;
    }
    let folder = scratch_folder("link");
    // Runs a command with a file of the tests, in the folder of its results.
    let make = |line: &str, source: &str| {
        run(command(line, &[&test_file("link").join(source)]).current_dir(&folder));
    };
    for (march, cpu) in MACHINES {
        let assembler = format!("{GCC} -mabi=ilp32 -march={march} -c -o start.o");
        make(&assembler, "start.s");
        for (number, compiler) in COMPILERS.iter().enumerate() {
            let compiler = format!("{compiler} -march={march} -o theirs{number}.o");
            make(&compiler, "theirs.c");
        }
        for options in OPTIONS {
            let lpc = format!("{LPC} compile --march {march} {options} -o ours.o");
            make(&lpc, "ours.clif");
            for number in 0..COMPILERS.len() {
                for linker in LINKERS {
                    let line = format!("{linker} start.o ours.o theirs{number}.o -o program");
                    run(command(&line, &[]).current_dir(&folder));
                    check_program(&folder.join("program"), march, cpu);
                }
            }
        }
    }
}

/// What the linked program returns to the system.
const EXIT_CODE: i32 = 42;

/// Runs the linked program under QEMU and in our emulator.
fn check_program(program: &Path, march: &str, cpu: &str) {
    for machine in [
        format!("{QEMU} -cpu {cpu}"),
        format!("{LPC} run --march {march}"),
    ] {
        let output = finish(&mut command(&machine, &[&program]));
        assert_eq!(output.status.code(), Some(EXIT_CODE), "{machine}");
        let text = String::from_utf8_lossy(&output.stdout);
        check_text("objects/link/expected.txt", &text);
    }
}

/// Both linkers shorten calls and addresses if they may, in code that may be shortened.
#[test]
fn linkers_shorten_the_code() {
    if !tools_are_there(&[GCC, GNU_LD, LLD, SIZE]) {
        return;
    }
    let folder = scratch_folder("relaxation");
    let make = |line: &str, source: &str| {
        run(command(line, &[&test_file("link").join(source)]).current_dir(&folder));
    };
    let gcc = format!("{GCC} -mabi=ilp32 -march=rv32imac -mno-relax -c -o");
    make(&format!("{gcc} start.o"), "start.s");
    make(&format!("{gcc} theirs.o"), "theirs.c");
    make(&format!("{LPC} compile -o relaxed.o"), "ours.clif");
    make(&format!("{LPC} compile --no-relax -o plain.o"), "ours.clif");
    let size = |linker: &str, ours: &str| {
        let line = format!("{linker} start.o {ours} theirs.o -o program");
        run(command(&line, &[]).current_dir(&folder));
        let sizes = run(command(SIZE, &[&"program"]).current_dir(&folder));
        let text = sizes
            .lines()
            .nth(1)
            .and_then(|line| line.split_whitespace().next());
        text.and_then(|text| text.parse::<u32>().ok())
            .expect("the first number is the size of code")
    };
    for linker in ["riscv64-unknown-elf-ld -melf32lriscv", LLD] {
        let relaxed = size(linker, "relaxed.o");
        let plain = size(linker, "plain.o");
        // There are 11 direct calls of at least four bytes less each, and addresses.
        assert!(relaxed + 11 * 4 <= plain, "{linker}: {relaxed} and {plain}");
        let not_asked = size(&format!("{linker} --no-relax"), "relaxed.o");
        assert!(not_asked >= plain, "{linker}: {not_asked} and {plain}");
    }
}

/// Whatever a linker takes away, functions keep their alignment.
#[test]
fn functions_are_aligned_in_linked_programs() {
    if !tools_are_there(&[GCC, GNU_LD, LLD, NM]) {
        return;
    }
    let folder = scratch_folder("alignment");
    let make = |line: &str, source: &str| {
        run(command(line, &[&test_file("link").join(source)]).current_dir(&folder));
    };
    make(
        &format!("{GCC} -mabi=ilp32 -march=rv32imac -c -o start.o"),
        "start.s",
    );
    make(
        &format!("{} -march=rv32imac -o theirs.o", COMPILERS[0]),
        "theirs.c",
    );
    make(
        &format!("{LPC} compile --align-functions 32 -o ours.o"),
        "ours.clif",
    );
    for linker in LINKERS {
        let line = format!("{linker} start.o ours.o theirs.o -o program");
        run(command(&line, &[]).current_dir(&folder));
        let symbols = run(&mut command(NM, &[&folder.join("program")]));
        let mut functions = 0;
        for symbol in symbols.lines().filter(|line| line.contains(" T our_")) {
            let (address, _) = symbol.split_once(' ').expect("lines start with addresses");
            let address = u32::from_str_radix(address, 16).expect("addresses are numbers");
            assert_eq!(address % 32, 0, "{linker}: {symbol}");
            functions += 1;
        }
        assert_eq!(functions, 9, "{linker}: {symbols}");
    }
}

#[test]
fn a_trap_in_a_linked_program_is_explained() {
    if !tools_are_there(&[GCC, GNU_LD, LLD]) {
        return;
    }
    let folder = scratch_folder("trap");
    let [start, ours, program] = ["start.o", "ours.o", "program"].map(|name| folder.join(name));
    let assembler = format!("{GCC} -mabi=ilp32 -march=rv32imac -c -o");
    run(&mut command(
        &assembler,
        &[&start, &test_file("debugger/start.s")],
    ));
    let compile = format!("{LPC} compile divide.clif -o");
    run(command(&compile, &[&ours]).current_dir(test_file("trap")));
    for linker in ["riscv64-unknown-elf-ld -melf32lriscv", LLD] {
        run(&mut command(linker, &[&start, &ours, &"-o", &program]));
        let output = finish(&mut command(&format!("{LPC} run"), &[&program]));
        let message = String::from_utf8_lossy(&output.stderr);
        // Tests run in the folder of their package, and names of files count from the current folder.
        let expected = "tests/objects/trap/divide.clif:15:10: trap int_divz at divide+0x8 (pc 0x";
        assert!(message.starts_with(expected), "{linker}: {message}");
    }
}
