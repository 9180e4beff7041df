//! Writing results: to a file, or to the standard output.

use crate::failure::Failure;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

/// Writes `bytes` to the file `path`, or to the standard output if there is none or it is `-`.
pub(crate) fn write_bytes(path: Option<&Path>, bytes: &[u8]) -> Result<(), Failure> {
    match path {
        Some(path) if path != Path::new("-") => {
            std::fs::write(path, bytes).map_err(|error| Failure::file(path, &error))
        }
        _ => {
            let mut stdout = io::stdout().lock();
            stdout.write_all(bytes)?;
            Ok(stdout.flush()?)
        }
    }
}

/// As [`write_bytes`], and makes the file one that the operating system lets its owner run.
pub(crate) fn write_executable(path: Option<&Path>, bytes: &[u8]) -> Result<(), Failure> {
    write_bytes(path, bytes)?;
    #[cfg(unix)]
    if let Some(path) = path.filter(|path| *path != Path::new("-")) {
        use std::os::unix::fs::PermissionsExt;
        let make_executable = || {
            let mut permissions = std::fs::metadata(path)?.permissions();
            // Whoever may read the file may run it.
            let mode = permissions.mode();
            permissions.set_mode(mode | (mode & 0o444) >> 2);
            std::fs::set_permissions(path, permissions)
        };
        make_executable().map_err(|error| Failure::file(path, &error))?;
    }
    Ok(())
}

/// Refuses to write bytes that are no text to a terminal, where nobody asked for it by `-`.
pub(crate) fn check_not_terminal(path: Option<&Path>) -> Result<(), Failure> {
    if path.is_none() && io::stdout().is_terminal() {
        return Err(Failure::message(
            "refusing to write bytes to the terminal; name a file with `-o`",
        ));
    }
    Ok(())
}
