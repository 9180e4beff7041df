//! Executables of the kernels: ours without the help of any other program, those of C compilers by their own linkers.
//!
//! All run under Linux on such a machine: start-up code calls the kernel, and its result is the status. C is compiled as for a
//! machine without a library: freestanding, and without tables for unwinding, which lpc does not make either.

use super::candidate::{CCompiler, Candidate};
use crate::error::{Error, Result};
use crate::kernels::{ENTRY, Kernel};
use crate::tools::{self, CLANG, GCC, LLD};
use lpc_codegen::settings::{OptLevel, RegallocAlgorithm};
use lpc_codegen::{Settings, compile_module};
use lpc_link::elf::{ExecutableOptions, link_executable};
use lpc_lpir::text::parse_module;
use lpc_lpir::verifier::verify_module;
use lpc_riscv32::ExtensionSet;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The start-up code of the executables of C compilers.
const START: &str = include_str!("start.S");

/// What our executables start with, in CLIF.
const MAIN: &str = "
function %main() -> i32 system_v {
    fn0 = %kernel() -> i32 system_v
block0:
    v0 = call fn0()
    return v0
}
";

/// What GCC and Clang write when they crash.
const CRASHES: [&str; 2] = ["internal compiler error", "PLEASE submit a bug report"];

/// Builds executables, with files in a folder of its own.
pub struct Builder {
    folder: TempDir,
}

impl Builder {
    /// A builder with a new folder, which is removed with it.
    ///
    /// # Errors
    /// When files cannot be made.
    pub fn new() -> Result<Builder> {
        let folder = tempfile::tempdir();
        let folder = folder.map_err(|error| Error::file(&std::env::temp_dir(), error))?;
        let builder = Builder { folder };
        builder.write("start.S", START)?;
        Ok(builder)
    }

    /// The executable of `kernel` as `candidate`, which is installed, compiles it for `machine`.
    ///
    /// # Errors
    /// When that fails: [`Error::Tool`] if a compiler of C or its linker does, [`Error::CompilerCrash`] if it says that this is
    /// its own mistake.
    pub fn build(&self, kernel: &Kernel, candidate: Candidate, machine: &str) -> Result<Vec<u8>> {
        let built = match candidate {
            Candidate::Lpc { level, regalloc } => settings(level, regalloc, machine)
                .and_then(|settings| build_clif(kernel, MAIN, &settings)),
            Candidate::C { compiler, level } => self.build_c(kernel, compiler, level, machine),
        };
        built.map_err(|error| match error {
            of_tool @ (Error::CompilerCrash { .. } | Error::Tool { .. }) => of_tool,
            error => Error::Other(format!(
                "{} by {candidate} for {machine}: {error}",
                kernel.name
            )),
        })
    }

    fn build_c(
        &self,
        kernel: &Kernel,
        compiler: CCompiler,
        level: &str,
        machine: &str,
    ) -> Result<Vec<u8>> {
        let source = self.write("kernel.c", kernel.c)?;
        let (start, object) = (self.path("start.o"), self.path("kernel.o"));
        let executable = self.path("kernel.elf");
        let compile = |options: &[&str], input: &Path, output: &Path| {
            let mut command = match compiler {
                CCompiler::Clang => CLANG.command(),
                CCompiler::Gcc => GCC.command(),
            };
            if compiler == CCompiler::Clang {
                command.arg("--target=riscv32-unknown-elf");
            }
            command.args([&format!("-march={machine}"), "-mabi=ilp32"]);
            command.args(options).arg("-c").arg(input);
            let result = tools::run(command.arg("-o").arg(output));
            result.map_err(|error| match error {
                Error::Tool { command, output }
                    if CRASHES.iter().any(|crash| output.contains(crash)) =>
                {
                    Error::CompilerCrash { command, output }
                }
                error => error,
            })
        };
        compile(&[], &self.path("start.S"), &start)?;
        let options = [
            level,
            "-std=c11",
            "-ffreestanding",
            "-fno-builtin",
            "-fno-asynchronous-unwind-tables",
            "-fno-unwind-tables",
        ];
        compile(&options, &source, &object)?;
        let mut linker = match compiler {
            CCompiler::Clang => LLD.command(),
            CCompiler::Gcc => GCC.command(),
        };
        match compiler {
            CCompiler::Clang => linker.args(["-m", "elf32lriscv"]),
            CCompiler::Gcc => linker.args([
                &format!("-march={machine}"),
                "-mabi=ilp32",
                "-nostdlib",
                "-static",
                "-Wl,--no-warn-rwx-segments",
            ]),
        };
        linker.args([&start, &object]);
        if compiler == CCompiler::Gcc {
            linker.arg("-lgcc");
        }
        tools::run(linker.arg("-o").arg(&executable))?;
        fs::read(&executable).map_err(|error| Error::file(&executable, error))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.path(name);
        fs::write(&path, text).map_err(|error| Error::file(&path, error))?;
        Ok(path)
    }
}

/// Compiles and links the program in CLIF, with the function `main`, which calls its entry, behind it.
///
/// # Errors
/// When that fails.
pub fn build_clif(kernel: &Kernel, main: &str, settings: &Settings) -> Result<Vec<u8>> {
    let in_words = |error: &dyn std::fmt::Display| Error::Other(error.to_string());
    let module = parse_module(&format!("{}{main}", kernel.clif));
    let module = module.map_err(|error| in_words(&error))?;
    verify_module(&module).map_err(|errors| in_words(&errors))?;
    let compiled = compile_module(&module, settings).map_err(|error| in_words(&error))?;
    let options = ExecutableOptions::default();
    let executable = link_executable(&module, &compiled, settings, &options, &|_| None);
    executable.map_err(|error| in_words(&error))
}

/// The settings for a machine, as `-march` names it.
fn settings(level: OptLevel, regalloc: RegallocAlgorithm, machine: &str) -> Result<Settings> {
    let extensions: ExtensionSet = machine
        .parse()
        .map_err(|error| Error::Other(format!("{machine}: {error}")))?;
    Ok(Settings {
        extensions,
        opt_level: level,
        regalloc,
        ..Settings::default()
    })
}

/// Writes `executable` as a file that can be executed.
///
/// # Errors
/// When that fails.
pub fn write_executable(path: &Path, executable: &[u8]) -> Result<()> {
    let write = || {
        fs::write(path, executable)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
        }
        Ok(())
    };
    write().map_err(|error| Error::file(path, error))
}

/// Whether the function `name` belongs to the kernel: all do but start-up code and what compilers bring along.
pub(super) fn is_of_kernel(name: &str) -> bool {
    debug_assert!(!ENTRY.starts_with('_'));
    !name.starts_with('_') && name != "main"
}
