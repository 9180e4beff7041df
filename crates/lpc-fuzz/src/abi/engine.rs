//! Running a guest program, in QEMU and in the emulator of lpc.

use super::configuration::Engine;
use super::toolchain::{QEMU, cpu};
use crate::error::Error;
use lpc_process::{End, Process, ProcessOptions, Streams};
use lpc_riscv32::ExtensionSet;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use wait_timeout::ChildExt;

/// How long a program may run in QEMU.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// How many instructions a program may execute in the emulator.
const INSTRUCTION_LIMIT: u64 = 2_000_000_000;

/// The memory behind a program, in bytes. It has a stack of its own, and uses no other.
const STACK_SIZE: u32 = 1 << 16;

/// What a program did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Run {
    /// What it wrote.
    pub output: String,
    /// Why it did not end as it should.
    pub failure: Option<String>,
}

/// Runs the ELF file `program` on a machine with `extensions` and no others.
///
/// # Errors
/// When that cannot be tried.
pub fn run(engine: Engine, program: &Path, extensions: ExtensionSet) -> Result<Run, Error> {
    match engine {
        Engine::Qemu => run_in_qemu(program, extensions),
        Engine::Emulator => run_in_emulator(program, extensions),
    }
}

fn run_in_qemu(program: &Path, extensions: ExtensionSet) -> Result<Run, Error> {
    let output_path = program.with_extension("output");
    let output =
        File::create(&output_path).map_err(|error| Error::File(output_path.clone(), error))?;
    let mut command = Command::new(QEMU.program);
    command.args(["-cpu", &cpu(extensions)]).arg(program);
    command
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(Stdio::null());
    let failed = |error: std::io::Error| Error::Tool {
        command: format!("{:?}", QEMU.program),
        output: error.to_string(),
    };
    let mut child = command.spawn().map_err(failed)?;
    let failure = match child.wait_timeout(TIME_LIMIT).map_err(failed)? {
        Some(status) if status.success() => None,
        Some(status) => Some(status.to_string()),
        None => {
            child.kill().and_then(|()| child.wait()).map_err(failed)?;
            Some(format!("no end after {} s", TIME_LIMIT.as_secs()))
        }
    };
    let output = fs::read(&output_path).map_err(|error| Error::File(output_path, error))?;
    Ok(Run {
        output: String::from_utf8_lossy(&output).into_owned(),
        failure,
    })
}

fn run_in_emulator(program: &Path, extensions: ExtensionSet) -> Result<Run, Error> {
    let file = fs::read(program).map_err(|error| Error::File(program.to_owned(), error))?;
    let options = ProcessOptions {
        heap_and_stack_size: STACK_SIZE,
        stack_size: STACK_SIZE,
        instruction_limit: INSTRUCTION_LIMIT,
    };
    let mut process = Process::load(&file, Some(extensions), &[], options)
        .map_err(|error| Error::Lpc(format!("{}: {error}", program.display())))?;
    let (mut input, mut output, mut errors) = (io::empty(), Vec::new(), io::sink());
    let end = process.run(&mut Streams::new(&mut input, &mut output, &mut errors));
    let failure = match end {
        End::Exited(0) => None,
        End::Exited(status) => Some(format!("exit status: {status}")),
        End::Trapped { stop, place, .. } => Some(format!("{stop:?} at {place}")),
        End::LimitReached { place } => Some(format!("no end, at {place}")),
        End::Returned(_) => Some("it returned".to_owned()),
    };
    Ok(Run {
        output: String::from_utf8_lossy(&output).into_owned(),
        failure,
    })
}
