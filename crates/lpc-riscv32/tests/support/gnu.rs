//! The GNU assembler.

use crate::tools::{output_of, scratch_file};
use lpc_riscv32::{Extension, ExtensionSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

pub(crate) const ASSEMBLER: &str = "riscv64-unknown-elf-as";

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

/// All extensions but those that this version of the tools lacks.
pub(crate) static KNOWN_EXTENSIONS: LazyLock<ExtensionSet> = LazyLock::new(|| {
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
});
