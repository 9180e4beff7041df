//! The compilers, linkers and the emulator that are not ours.

use super::configuration::{CBuild, Compiler, Linker};
use crate::error::Error;
use lpc_riscv32::{Extension, ExtensionSet};
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

/// GCC.
pub const GCC: Tool = Tool::new("riscv64-unknown-elf-gcc", "gcc-riscv64-unknown-elf");
const GNU_LD: Tool = Tool::new("riscv64-unknown-elf-ld", "binutils-riscv64-unknown-elf");
const CLANG: Tool = Tool::new("clang-19", "clang-19");
const LLD: Tool = Tool::new("ld.lld-19", "lld-19");
/// QEMU in user mode.
pub const QEMU: Tool = Tool::new("qemu-riscv32", "qemu-user");

/// The processor of QEMU without extensions.
const BARE_CPU: &str = "rv32i";

/// A program of someone else.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    /// Its name.
    pub program: &'static str,
    /// The Debian package that it is in.
    pub package: &'static str,
}

impl Tool {
    const fn new(program: &'static str, package: &'static str) -> Self {
        Self { program, package }
    }
}

/// Checks that all tools are installed, and new enough.
///
/// # Errors
/// Names the first one that is not.
pub fn check_tools() -> Result<(), Error> {
    check_installed(&[GCC, GNU_LD, CLANG, LLD, QEMU])?;
    check_qemu()
}

/// Checks that `tools` are installed.
///
/// # Errors
/// Names the first one that is not.
pub fn check_installed(tools: &[Tool]) -> Result<(), Error> {
    for &Tool { program, package } in tools {
        let mut command = Command::new(program);
        command
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if command.status().is_err() {
            return Err(Error::MissingTool { program, package });
        }
    }
    Ok(())
}

/// Checks that QEMU, which is installed, is new enough.
///
/// # Errors
/// Says what it lacks.
pub fn check_qemu() -> Result<(), Error> {
    let cpus = Command::new(QEMU.program).args(["-cpu", "help"]).output();
    if cpus.is_ok_and(|cpus| String::from_utf8_lossy(&cpus.stdout).contains(BARE_CPU)) {
        return Ok(());
    }
    Err(Error::OldTool {
        program: QEMU.program,
        package: QEMU.package,
        lacks: "processor without extensions (rv32i)",
    })
}

/// The CPU of QEMU with exactly these extensions: the bare one, and each of them switched on.
pub fn cpu(extensions: ExtensionSet) -> String {
    // B is a name for its parts, of another version of the privileged manual.
    let is_property = |extension: &Extension| !matches!(extension, Extension::I | Extension::B);
    let properties = extensions.iter().filter(is_property);
    properties.fold(BARE_CPU.to_owned(), |cpu, extension| {
        format!("{cpu},{extension}=true")
    })
}

/// Compiles the C file `source`.
///
/// # Errors
/// When the compiler fails: [`Error::CompilerCrash`] if it says that this is its own mistake.
pub fn compile_c(build: &CBuild, march: &str, source: &Path, object: &Path) -> Result<(), Error> {
    let mut command = match build.compiler {
        Compiler::Gcc => Command::new(GCC.program),
        Compiler::Clang => {
            let mut command = Command::new(CLANG.program);
            command.arg("--target=riscv32-unknown-elf");
            command
        }
    };
    let frame_pointers = match build.has_frame_pointers {
        true => "-fno-omit-frame-pointer",
        false => "-fomit-frame-pointer",
    };
    command.args([
        &format!("-march={march}"),
        "-mabi=ilp32",
        build.optimization,
        frame_pointers,
    ]);
    // The same file may call a function with different types: what one side calls a word is a narrow integer for the other.
    command.args([
        "-std=c11",
        "-ffreestanding",
        "-fno-builtin",
        "-fno-strict-aliasing",
        "-w",
        "-c",
    ]);
    let result = run(command.args([source.as_os_str(), OsStr::new("-o"), object.as_os_str()]));
    result.map_err(|error| match error {
        Error::Tool { command, output } if CRASHES.iter().any(|crash| output.contains(crash)) => {
            Error::CompilerCrash { command, output }
        }
        error => error,
    })
}

/// What GCC and Clang write when they crash.
const CRASHES: [&str; 2] = ["internal compiler error", "PLEASE submit a bug report"];

/// Assembles the file `source`.
///
/// # Errors
/// When the assembler fails.
pub fn assemble(march: &str, source: &Path, object: &Path) -> Result<(), Error> {
    let mut command = Command::new(GCC.program);
    command.args([&format!("-march={march}"), "-mabi=ilp32", "-c"]);
    run(command.args([source.as_os_str(), OsStr::new("-o"), object.as_os_str()]))
}

/// Links `objects` with the linker script `script`.
///
/// # Errors
/// When the linker fails.
pub fn link(linker: Linker, script: &Path, objects: &[&Path], program: &Path) -> Result<(), Error> {
    let mut command = match linker {
        Linker::Ld => Command::new(GNU_LD.program),
        Linker::Lld => Command::new(LLD.program),
    };
    command
        .args(["-m", "elf32lriscv", "-T"])
        .arg(script)
        .args(objects);
    run(command.arg("-o").arg(program))
}

/// Runs `command`, which must succeed.
///
/// # Errors
/// When it does not.
pub fn run(command: &mut Command) -> Result<(), Error> {
    let failed = |output: String| Error::Tool {
        command: format!("{command:?}"),
        output,
    };
    let mut started = Command::new(command.get_program());
    started.args(command.get_args());
    let output = started
        .output()
        .map_err(|error| failed(error.to_string()))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(failed(String::from_utf8_lossy(&output.stderr).into_owned())),
    }
}
