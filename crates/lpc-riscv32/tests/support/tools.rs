//! Programs that tests run where they are installed.

use std::path::{Path, PathBuf};
use std::process::Command;

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
