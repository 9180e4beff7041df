//! The instructions that our emulator counts, against those that QEMU traces.

use lpc_bench::code::{Builder, CLANG_O2, Candidate, measure, write_executable};
use lpc_bench::kernels::{ENTRY, KERNELS};
use lpc_bench::tools::{MissingTool, QEMU};
use lpc_codegen::settings::{OptLevel, RegallocAlgorithm};
use lpc_link::elf::read::ElfFile;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

const OURS: Candidate = Candidate::Lpc {
    level: OptLevel::Speed,
    regalloc: RegallocAlgorithm::Ion,
};

#[test]
fn qemu_executes_as_many_instructions_as_we_count() {
    let kernel = KERNELS.iter().find(|kernel| kernel.name == "queens");
    let kernel = kernel.unwrap();
    let builder = Builder::new().unwrap();
    for candidate in [OURS, CLANG_O2] {
        if is_missing(QEMU.check().and_then(|()| candidate.check())) {
            continue;
        }
        let executable = builder.build(kernel, candidate, "rv32imac").unwrap();
        let measured = measure(&executable, kernel.result().unwrap()).unwrap();
        let traced = count_in_qemu(&executable);
        assert_eq!(measured.executed.total(), traced, "{candidate}");
    }
}

/// Whether a tool is missing, which must not be where `CI` is set.
fn is_missing(check: Result<(), MissingTool>) -> bool {
    if let Err(missing) = check {
        assert!(std::env::var_os("CI").is_none(), "{missing}");
        eprintln!("skipped: {missing}");
    }
    check.is_err()
}

/// The instructions that QEMU executes from the first of the kernel up to the first that is its caller's.
fn count_in_qemu(executable: &[u8]) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let [program, trace] = ["program", "trace"].map(|name| folder.path().join(name));
    write_executable(&program, executable).unwrap();
    let mut command = QEMU.command();
    command.arg(one_instruction_per_block());
    command
        .args(["-d", "exec,nochain", "-D"])
        .args([&trace, &program]);
    // Its status is the result of the kernel.
    command.status().unwrap();
    let kernel = ElfFile::parse(executable)
        .unwrap()
        .address_of(ENTRY)
        .unwrap();
    let addresses = traced_addresses(&trace);
    let mut addresses = addresses.into_iter();
    let caller = addresses.by_ref().take_while(|address| *address != kernel);
    let call = caller.last().unwrap();
    // The call is two or four bytes long. Nothing else of the program is between it and the next instruction.
    let is_return = |address: u32| (call + 2..=call + 4).contains(&address);
    1 + addresses.take_while(|address| !is_return(*address)).count() as u64
}

/// The option of QEMU by which each block of translated code is one instruction. Older versions have another name for it.
fn one_instruction_per_block() -> &'static str {
    let help = QEMU.command().arg("-help").output().unwrap();
    match String::from_utf8_lossy(&help.stdout).contains("one-insn-per-tb") {
        true => "-one-insn-per-tb",
        false => "-singlestep",
    }
}

/// The addresses in lines such as `Trace 0: 0x7f51000001 [00000000/0000000000010000/0101c078/00000201] _start`.
fn traced_addresses(trace: &Path) -> Vec<u32> {
    let lines = BufReader::new(File::open(trace).unwrap()).lines();
    let lines = lines
        .map(Result::unwrap)
        .filter(|line| line.starts_with("Trace "));
    lines
        .map(|line| {
            let address = line.split('/').nth(1).unwrap();
            u32::from_str_radix(address, 16).unwrap()
        })
        .collect()
}
