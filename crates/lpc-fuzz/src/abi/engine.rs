//! Running a guest program, in QEMU and in the emulator of lpc.

use super::configuration::Engine;
use super::toolchain::QEMU;
use crate::error::Error;
use lpc_riscv32::emulator::{Emulator, MachineConfig, Memory, Stop};
use lpc_riscv32::{Extension, ExtensionSet, Gpr};
use object::{Object, ObjectSegment, SegmentFlags};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use wait_timeout::ChildExt;

/// How long a program may run in QEMU.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// How many instructions a program may execute in the emulator.
const INSTRUCTION_LIMIT: u64 = 2_000_000_000;

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

/// The CPU of QEMU with these extensions: the bare one, and each of them switched on.
fn cpu(extensions: ExtensionSet) -> String {
    let names = [
        Extension::M,
        Extension::A,
        Extension::C,
        Extension::Zba,
        Extension::Zbb,
        Extension::Zbs,
    ];
    let names = names
        .into_iter()
        .filter(|extension| extensions.contains(*extension));
    names.fold("rv32i".to_owned(), |cpu, name| format!("{cpu},{name}=true"))
}

fn run_in_emulator(program: &Path, extensions: ExtensionSet) -> Result<Run, Error> {
    let file = fs::read(program).map_err(|error| Error::File(program.to_owned(), error))?;
    let mut emulator = load(&file, extensions).map_err(|message| Error::Tool {
        command: format!("loading {}", program.display()),
        output: message,
    })?;
    let mut output = Vec::new();
    let failure = loop {
        match emulator.run(INSTRUCTION_LIMIT) {
            Stop::Ecall => match system_call(&mut emulator, &mut output) {
                Call::Continue => {}
                Call::Exit(0) => break None,
                Call::Exit(status) => break Some(format!("exit status: {status}")),
                Call::Unknown(number) => break Some(format!("system call {number}")),
            },
            stop => break Some(format!("{stop:?} at {:#x}", emulator.pc())),
        }
    };
    Ok(Run {
        output: String::from_utf8_lossy(&output).into_owned(),
        failure,
    })
}

/// What a system call asks for.
enum Call {
    Continue,
    Exit(u32),
    Unknown(u32),
}

fn system_call(emulator: &mut Emulator, output: &mut Vec<u8>) -> Call {
    let [first, second, third] = [Gpr::A0, Gpr::A1, Gpr::A2].map(|gpr| emulator.gpr(gpr));
    match (emulator.gpr(Gpr::A7), first) {
        (93, status) => Call::Exit(status),
        (64, 1) => match emulator.memory().read(second, third as usize) {
            Ok(bytes) => {
                output.extend_from_slice(bytes);
                emulator.set_gpr(Gpr::A0, third);
                Call::Continue
            }
            Err(_) => Call::Exit(14),
        },
        (number, _) => Call::Unknown(number),
    }
}

/// A machine with the segments of an executable.
fn load(file: &[u8], extensions: ExtensionSet) -> Result<Emulator, String> {
    let elf = object::File::parse(file).map_err(|error| error.to_string())?;
    let range = |segment: &object::Segment<'_, '_>| {
        let start = segment.address() as u32;
        (start, start.saturating_add(segment.size() as u32))
    };
    let start = elf.segments().map(|segment| range(&segment).0).min();
    let end = elf.segments().map(|segment| range(&segment).1).max();
    let (Some(start), Some(end)) = (start, end) else {
        return Err("no segments".to_owned());
    };
    let memory = Memory::new(start, (end - start).next_multiple_of(16));
    let memory = memory.map_err(|error| format!("{error:?}"))?;
    let mut emulator = Emulator::new(MachineConfig::new(extensions), memory);
    for segment in elf.segments() {
        let data = segment.data().map_err(|error| error.to_string())?;
        let (address, end) = range(&segment);
        let written = emulator.write_memory(address, data);
        written.map_err(|error| format!("{error:?}"))?;
        if let SegmentFlags::Elf { p_flags, .. } = segment.flags()
            && p_flags.0 & object::elf::PF_X.0 != 0
        {
            let executable = emulator.set_executable(address, end - address);
            executable.map_err(|error| format!("{error:?}"))?;
        }
    }
    emulator.set_pc(elf.entry() as u32);
    Ok(emulator)
}
