//! Programs for the chip that have a compiler in them.

use crate::{Error, Result, tools};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// What runs commands with the compiler for the chip, in the repository.
const TOOLCHAIN: &str = "firmware/toolchain";

const TARGET: &str = "riscv32imac-unknown-none-elf";

/// The core library that programs are linked with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Library {
    /// Optimized for size, and without the texts of panics.
    ForSize,
    /// As it is distributed for the target, since its source is not there.
    AsDistributed,
}

impl Library {
    /// The smallest that there is.
    pub(super) fn smallest() -> Self {
        let mut toolchain = Command::new(repository().join(TOOLCHAIN));
        toolchain.args(Self::ForSize.options()).arg("true");
        toolchain.stdout(Stdio::null()).stderr(Stdio::null());
        match toolchain.status() {
            Ok(status) if status.success() => Self::ForSize,
            _ => Self::AsDistributed,
        }
    }

    /// What it is, in words.
    pub(super) const fn description(self) -> &'static str {
        match self {
            Self::ForSize => "with a core library that is built for size",
            Self::AsDistributed => "with the core library as it is distributed",
        }
    }

    /// What [`TOOLCHAIN`] is told.
    const fn options(self) -> &'static [&'static str] {
        match self {
            Self::ForSize => &["--size"],
            Self::AsDistributed => &[],
        }
    }
}

/// A program in a configuration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Program {
    /// Its name in tables.
    pub(super) name: &'static str,
    package: &'static str,
    features: &'static str,
}

/// The program without a compiler.
pub(super) const NOTHING: Program = Program::new("nothing", "measure-lpc", "");

/// IR, builder, and the backend that makes plain code, and allocates registers in a single pass.
pub(super) const LPC_SMALLEST: Program = Program::new("lpc smallest", "measure-lpc", "smallest");

/// The same with better code.
pub(super) const LPC_OPTIMIZING: Program =
    Program::new("lpc optimizing", "measure-lpc", "optimizing");

/// All there is of lpc.
pub(super) const LPC_FULL: Program = Program::new("lpc full", "measure-lpc", "full");

/// All there is of lpc, to measure its passes one by one.
pub(super) const LPC_PASSES: Program = Program::new("lpc passes", "measure-lpc", "passes");

/// IR, builder and backend of Cranelift, with both of its allocators, since they cannot be taken away.
pub(super) const CRANELIFT: Program = Program::new("Cranelift", "measure-cranelift", "");

impl Program {
    const fn new(name: &'static str, package: &'static str, features: &'static str) -> Self {
        Self {
            name,
            package,
            features,
        }
    }

    /// Builds it with `library`, and returns the path of the ELF file.
    pub(super) fn build(self, library: Library) -> Result<PathBuf> {
        anstream::eprintln!("building: {}", self.name);
        let repository = repository();
        let target_directory = match env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => PathBuf::from(folder),
            None => repository.join("target"),
        };
        let target_directory = std::path::absolute(target_directory.join("chip"))
            .map_err(|error| Error::file(&repository, error))?;
        let mut command = Command::new(repository.join(TOOLCHAIN));
        command
            .args(library.options())
            .args(["cargo", "build", "--quiet", "--release", "--locked"])
            .args(["--target", TARGET, "--package", self.package])
            .args(["--features", self.features])
            .arg("--manifest-path")
            .arg(repository.join("firmware/Cargo.toml"))
            .arg("--target-dir")
            .arg(&target_directory);
        tools::run(&mut command)?;
        let built = target_directory
            .join(TARGET)
            .join("release")
            .join(self.package);
        // The next configuration has the same path.
        let path = built.with_file_name(self.name.replace(' ', "-"));
        fs::copy(&built, &path).map_err(|error| Error::file(&built, error))?;
        Ok(path)
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
