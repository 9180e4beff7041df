//! Running programs in the emulator and in QEMU.

use super::program::Program;
use crate::code::write_executable;
use crate::error::{Error, Result};
use crate::tools::{MissingTool, QEMU, time_of_children};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;

/// How much each of the two executes in a run, so that it takes about a second.
const OUR_INSTRUCTIONS: u64 = 500_000_000;
const QEMU_INSTRUCTIONS: u64 = 2_000_000_000;

/// How fast a program ran, in million instructions a second.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// The name of the kernel.
    pub kernel: &'static str,
    /// In the emulator.
    pub ours: f64,
    /// In QEMU, if it is installed.
    pub qemu: Result<f64, MissingTool>,
}

/// Runs programs in QEMU.
pub struct QemuRunner {
    folder: TempDir,
}

impl QemuRunner {
    /// With files in a new folder, which is removed with it; or why there is no QEMU.
    ///
    /// # Errors
    /// When files cannot be made.
    pub fn new() -> Result<Result<QemuRunner, MissingTool>> {
        if let Err(missing) = QEMU.check() {
            return Ok(Err(missing));
        }
        let folder = tempfile::tempdir();
        let folder = folder.map_err(|error| Error::file(&std::env::temp_dir(), error))?;
        Ok(Ok(QemuRunner { folder }))
    }

    fn add(&self, program: &Program) -> Result<PathBuf> {
        let path = self.folder.path().join(program.kernel);
        write_executable(&path, &program.executable)?;
        Ok(path)
    }

    /// The time that the processor needs for so many calls, with what starts and ends a process.
    fn run(&self, path: &Path, calls: u64, status: u32) -> Result<Duration> {
        let mut command = QEMU.command();
        command.arg(path).arg(calls.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let start = time_of_children();
        let ended = command.status();
        let time = time_of_children() - start;
        let ended = ended.map_err(|error| Error::file(path, error))?;
        match ended.code() {
            Some(code) if code as u32 == status => Ok(time),
            _ => Err(Error::Other(format!(
                "{command:?}: {ended}, expected {status}"
            ))),
        }
    }
}

/// Runs `program` so often in both.
///
/// # Errors
/// When it does not do what it must.
pub fn measure(
    program: &Program,
    qemu: &Result<QemuRunner, MissingTool>,
    runs: u32,
) -> Result<Measurement> {
    let our_calls = program.calls(OUR_INSTRUCTIONS);
    let qemu_calls = program.calls(QEMU_INSTRUCTIONS);
    let qemu = qemu.as_ref().map_err(|missing| *missing);
    let path = qemu.ok().map(|qemu| qemu.add(program)).transpose()?;
    let mut ours = Duration::MAX;
    let mut theirs = Duration::MAX;
    let mut theirs_at_rest = Duration::MAX;
    for _ in 0..runs {
        ours = ours.min(program.run(our_calls)?.time);
        if let (Ok(qemu), Some(path)) = (qemu, &path) {
            theirs = theirs.min(qemu.run(path, qemu_calls, program.status())?);
            theirs_at_rest = theirs_at_rest.min(qemu.run(path, 0, 0)?);
        }
    }
    Ok(Measurement {
        kernel: program.kernel,
        ours: speed(program.instructions(our_calls), ours),
        qemu: qemu.map(|_| {
            let time = theirs.saturating_sub(theirs_at_rest);
            speed(program.instructions(qemu_calls), time)
        }),
    })
}

/// In million instructions a second.
fn speed(instructions: u64, time: Duration) -> f64 {
    instructions as f64 / time.as_secs_f64() / 1e6
}
