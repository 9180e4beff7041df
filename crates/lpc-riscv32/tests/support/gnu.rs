//! The GNU assembler, and tools that are asked for by name.

use lpc_riscv32::{Extension, ExtensionSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) const ASSEMBLER: &str = "riscv64-unknown-elf-as";

/// Whether all `programs` are there.
///
/// # Panics
/// If one is not there and `CI` is set: nothing is skipped then.
pub(crate) fn tools_are_there(programs: &[&str]) -> bool {
    let missing = programs
        .iter()
        .find(|program| Command::new(program).arg("--version").output().is_err());
    if let Some(program) = missing {
        assert!(std::env::var_os("CI").is_none(), "{program} is missing");
        eprintln!("skipped: {program} is missing");
    }
    missing.is_none()
}

/// A file for what a test makes.
pub(crate) fn scratch_file(name: &str, extension: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(name)
        .with_extension(extension)
}

/// Runs a program that must succeed, and returns what it prints.
///
/// # Errors
/// What it complains about.
pub(crate) fn output_of(command: &mut Command) -> Result<Vec<u8>, String> {
    let output = command.output().unwrap();
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// The object that the assembler makes of `text`, or what it complains about.
pub(crate) fn assemble(
    text: &str,
    extensions: ExtensionSet,
    name: &str,
) -> Result<PathBuf, String> {
    let (source, object) = (scratch_file(name, "s"), scratch_file(name, "o"));
    fs::write(&source, text).unwrap();
    let mut assembler = Command::new(ASSEMBLER);
    assembler
        .arg(format!("-march={extensions}"))
        .arg("-mabi=ilp32");
    output_of(assembler.arg(source).arg("-o").arg(&object))?;
    Ok(object)
}

/// All extensions but those that this version of the tools lacks, and C, whose parts are younger than its name.
pub(crate) fn known_extensions() -> ExtensionSet {
    let is_known = |extension: &Extension| {
        let with = ExtensionSet::RV32I.with(*extension);
        assemble("nop\n", with, "probe").is_ok()
    };
    let known = Extension::ALL.iter().filter(|extension| {
        // A single letter stands for its parts, some of which are younger than their names.
        extension.implied().is_empty() || **extension == Extension::M || **extension == Extension::A
    });
    let known = known.filter(|extension| is_known(extension));
    known.fold(ExtensionSet::RV32I, |set, extension| set.with(*extension))
}
