//! What compiled programs do in QEMU.
//!
//! A [`Batch`] of programs for the same machine is executed by one process. In it `runner.c` calls their functions, with memory
//! and registers as the harness of the emulator makes them, and gives memory and registers back; so what a call must find, and
//! what it must not change, is known in the harness alone.
//!
//! ```text
//!   harness ─ start_call ─► registers, stack ─► runner.c in qemu-riscv32 ─► registers, stack, data ─► end_call ─ harness
//! ```

mod queue;
mod words;

pub use queue::{Executed, Queue};

use super::attempt::catch_panic;
use super::compile::Build;
use super::emulate::image_size;
use super::interpret::Expectation;
use super::outcome::{Observation, Outcome};
use crate::abi::toolchain::{self, GCC, QEMU, cpu};
use crate::data_memory::memory_in_machine;
use crate::error::Error;
use crate::program::TestProgram;
use lpc_codegen::Settings;
use lpc_harness::{MEMORY_BASE, MachineOptions, NoHost, Program, StartedCall};
use lpc_riscv32::emulator::Emulator;
use lpc_riscv32::{ExtensionSet, Gpr};
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;
use wait_timeout::ChildExt;
use words::{Reader, push_words};

/// The runner itself.
const RUNNER: u32 = 0x0100_0000;
const RUNNER_END: u32 = 0x0200_0000;
/// The bytes of the stack. What needs more is not executed in QEMU.
const STACK: u32 = 1 << 18;
/// The most bytes of an image.
const MOST_IMAGE: u32 = 1 << 20;
/// The pages in which memory is protected.
const PAGE: u32 = 1 << 12;
/// How long the calls of a program may take.
const SECONDS: u32 = 10;
/// How long a process may take, with many programs.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// Signals of Linux.
const SIGSEGV: u32 = 11;
const SIGALRM: u32 = 14;

/// The files of the runner; the judge of single instructions in the tests of `lpc-riscv32` shares one of them.
const SOURCES: [(&str, &str); 2] = [
    ("runner.c", include_str!("runner.c")),
    (
        "guest.h",
        include_str!("../../../../lpc-riscv32/tests/qemu/guest.h"),
    ),
];

/// The program that calls functions, in a folder with its input and output.
#[derive(Debug)]
pub struct Runner {
    folder: TempDir,
}

impl Runner {
    /// Compiles the runner, for the machine that all others can do more than.
    ///
    /// # Errors
    /// When tools are missing, or there is no place for its files.
    pub fn new() -> Result<Self, Error> {
        toolchain::check_installed(&[GCC, QEMU])?;
        toolchain::check_qemu()?;
        let folder = tempfile::tempdir();
        let folder = folder.map_err(|error| Error::File(std::env::temp_dir(), error))?;
        let new = Self { folder };
        for (name, text) in SOURCES {
            let path = new.path(name);
            fs::write(&path, text).map_err(|error| Error::File(path, error))?;
        }
        let mut compiler = Command::new(GCC.program);
        compiler.args(["-march=rv32i", "-mabi=ilp32", "-O2", "-ffreestanding"]);
        // Loops stay loops: there is no `memset` and no `memcpy` to call.
        compiler.args(["-fno-builtin", "-fno-tree-loop-distribute-patterns"]);
        compiler.args(["-nostdlib", "-static", "-Wl,--no-relax"]);
        compiler.arg(format!("-Wl,-Ttext-segment={RUNNER:#x}"));
        let numbers = [
            ("RUNNER", RUNNER),
            ("RUNNER_END", RUNNER_END),
            ("MEMORY", MEMORY_BASE),
            ("STACK_TOP", MEMORY_BASE + STACK),
            ("MEMORY_END", MEMORY_BASE + STACK + MOST_IMAGE),
            ("SECONDS", SECONDS),
        ];
        compiler.args(numbers.map(|(name, value)| format!("-D{name}={value:#x}u")));
        compiler.arg("-o").arg(new.path("runner"));
        compiler.arg(new.path(SOURCES[0].0));
        toolchain::run(&mut compiler)?;
        Ok(new)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What the runner writes when it reads `input` on a machine with `extensions`, and how it ended.
    fn run(&self, extensions: ExtensionSet, input: &[u8]) -> Result<(Vec<u8>, String), Error> {
        let folder = tempfile::tempdir_in(self.folder.path());
        let folder = folder.map_err(|error| Error::File(self.folder.path().to_owned(), error))?;
        let [input_path, output_path, errors_path] =
            ["input", "output", "errors"].map(|name| folder.path().join(name));
        let failed = |path: &PathBuf| {
            let path = path.clone();
            move |error| Error::File(path, error)
        };
        fs::write(&input_path, input).map_err(failed(&input_path))?;
        let mut command = Command::new(QEMU.program);
        command
            .args(["-cpu", &cpu(extensions)])
            .arg(self.path("runner"));
        command.stdin(File::open(&input_path).map_err(failed(&input_path))?);
        command.stdout(File::create(&output_path).map_err(failed(&output_path))?);
        command.stderr(File::create(&errors_path).map_err(failed(&errors_path))?);
        let cannot_run = |error: std::io::Error| Error::Tool {
            command: QEMU.program.to_owned(),
            output: error.to_string(),
        };
        let mut child = command.spawn().map_err(cannot_run)?;
        let end = match child.wait_timeout(TIME_LIMIT).map_err(cannot_run)? {
            Some(status) => status.to_string(),
            None => {
                child
                    .kill()
                    .and_then(|()| child.wait())
                    .map_err(cannot_run)?;
                format!("no end after {} s", TIME_LIMIT.as_secs())
            }
        };
        let output = fs::read(&output_path).map_err(failed(&output_path))?;
        let errors = fs::read(&errors_path).map_err(failed(&errors_path))?;
        let errors = String::from_utf8_lossy(&errors);
        Ok((output, format!("{end} {}", errors.trim_end())))
    }

    /// Whether QEMU has a machine with exactly `extensions`.
    ///
    /// # Errors
    /// When that cannot be tried.
    pub fn has_machine(&self, extensions: ExtensionSet) -> Result<bool, Error> {
        let (_, end) = self.run(extensions, &END)?;
        Ok(end.starts_with("exit status: 0"))
    }
}

/// The end of the input: a program at address 0.
const END: [u8; 24] = [0; 24];

/// A program that is executed, or was.
#[derive(Debug)]
pub struct QemuProgram {
    /// Its number.
    pub index: u64,
    /// The program.
    pub program: TestProgram,
    /// The settings of the code.
    pub settings: Settings,
    /// What must come of its calls.
    pub expected: Vec<Result<Expectation, String>>,
}

/// A program with what is needed to call it.
struct Prepared {
    program: QemuProgram,
    /// Code and data, and the registers and memory that a call starts and ends with.
    harness: Program,
    calls: Vec<PreparedCall>,
    input: Vec<u8>,
}

struct PreparedCall {
    started: StartedCall,
    /// Where the part of the stack starts that is given and taken back.
    stack: u32,
}

/// Programs to be executed in one process.
#[derive(Default)]
pub struct Batch {
    programs: Vec<Prepared>,
}

impl Batch {
    /// How many programs there are.
    pub fn len(&self) -> usize {
        self.programs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.programs.is_empty()
    }

    /// Adds `program` with the code `build`, for the calls whose answer is known. Returns whether it fits.
    ///
    /// # Errors
    /// When it cannot be loaded.
    pub fn add(&mut self, program: QemuProgram, build: &Build) -> Result<bool, String> {
        let module = &program.program.module;
        let size = image_size(module, &build.compiled) + 4 * PAGE;
        if size > MOST_IMAGE {
            return Ok(false);
        }
        let options = MachineOptions {
            memory_size: STACK + size,
            stack_size: STACK,
            section_alignment: PAGE,
            ..MachineOptions::default()
        };
        let load = || Program::load(module, &build.compiled, &build.settings, options, &NoHost);
        let mut harness = catch_panic(load)?.map_err(|error| error.to_string())?;
        let answered = program.expected.iter().filter(|answer| answer.is_ok());
        let mut input = words_of_image(&harness, answered.count() as u32);
        let mut calls = Vec::new();
        let inputs = program.program.inputs.iter().zip(&program.expected);
        for (arguments, _) in inputs.filter(|(_, answer)| answer.is_ok()) {
            let started = harness.start_call(&program.program.entry, arguments);
            let started = started.map_err(|error| error.to_string())?;
            let stack = harness.emulator().gpr(Gpr::SP);
            push_call(&mut input, &harness, stack);
            calls.push(PreparedCall { started, stack });
        }
        self.programs.push(Prepared {
            program,
            harness,
            calls,
            input,
        });
        Ok(true)
    }

    /// Executes all programs on a machine with `extensions`: what can be seen of their calls whose answer is known, in their order.
    ///
    /// # Errors
    /// When QEMU cannot be run.
    pub fn run(
        self,
        runner: &Runner,
        extensions: ExtensionSet,
    ) -> Result<Vec<(QemuProgram, Vec<Observation>)>, Error> {
        let mut results = Vec::new();
        let mut programs = self.programs;
        while !programs.is_empty() {
            let inputs = programs.iter().flat_map(|program| &program.input);
            let input: Vec<u8> = inputs.copied().chain(END).collect();
            let (output, end) = runner.run(extensions, &input)?;
            let mut output = Reader::new(&output);
            let mut rest = programs.into_iter();
            for mut prepared in rest.by_ref() {
                let (observations, is_complete) = prepared.finish(&mut output, &end);
                results.push((prepared.program, observations));
                if !is_complete {
                    break;
                }
            }
            // What QEMU did not get to.
            programs = rest.collect();
        }
        Ok(results)
    }
}

impl Prepared {
    /// What can be seen of the calls, of which the runner wrote `output`, and whether that is all of them. If not, QEMU came to
    /// an `end` in the last one.
    fn finish(&mut self, output: &mut Reader<'_>, end: &str) -> (Vec<Observation>, bool) {
        let mut observations = Vec::new();
        for call in &self.calls {
            let Some(signal) = take_call(&mut self.harness, call.stack, output) else {
                observations.push(Observation {
                    outcome: Outcome::Failed(format!("QEMU ended: {end}")),
                    memory: Vec::new(),
                });
                return (observations, false);
            };
            let memory = memory_in_machine(&self.program.program.module, &self.harness);
            let memory = memory.expect("the image has the data of the module");
            observations.push(Observation {
                outcome: outcome(&self.harness, &call.started, signal),
                memory,
            });
        }
        (observations, true)
    }
}

/// What a call did that ended with `signal`, with registers and memory as they are in `harness`.
fn outcome(harness: &Program, call: &StartedCall, signal: u32) -> Outcome {
    let pc = harness.emulator().pc();
    if signal == SIGSEGV && pc == Emulator::DEFAULT_HALT_ADDRESS {
        return match harness.end_call(call) {
            Ok(values) => Outcome::Returned(values),
            Err(error) => Outcome::Failed(error.to_string()),
        };
    }
    match harness.image().trap_at(pc) {
        _ if signal == SIGALRM => Outcome::Failed(format!("no end after {SECONDS} s")),
        Some(code) => Outcome::Trapped(code),
        None => Outcome::Failed(match harness.image().locate(pc) {
            Some(place) => format!("signal {signal} at {}+{:#x}", place.function, place.offset),
            None => format!("signal {signal} at {pc:#010x}"),
        }),
    }
}

/// The parts of an image that are protected in different ways, as addresses.
struct Parts {
    read_only: u32,
    data: u32,
    end: u32,
}

impl Parts {
    fn of(harness: &Program) -> Self {
        let image = harness.image();
        let sections = image.sections();
        let base = image.base();
        let first = [&sections.writable, &sections.zeroed]
            .into_iter()
            .find(|section| !section.is_empty());
        // Sections that are not there need not be aligned.
        let end = sections.zeroed.end.next_multiple_of(PAGE);
        let data = first.map_or(end, |section| section.start);
        Self {
            read_only: base + sections.text.end.next_multiple_of(PAGE),
            data: base + data,
            end: base + sections.zeroed.end.max(data),
        }
    }
}

fn words_of_image(harness: &Program, calls: u32) -> Vec<u8> {
    let image = harness.image();
    let Parts {
        read_only,
        data,
        end,
    } = Parts::of(harness);
    let mut input = Vec::new();
    let bytes_end = image.base() + image.bytes().len() as u32;
    push_words(
        &mut input,
        [image.base(), read_only, data, bytes_end, end, calls],
    );
    input.extend_from_slice(image.bytes());
    input
}

/// Adds the state in which a call starts, with the stack from `stack` on.
fn push_call(input: &mut Vec<u8>, harness: &Program, stack: u32) {
    let emulator = harness.emulator();
    push_words(input, [emulator.pc()]);
    push_words(input, Gpr::all().skip(1).map(|gpr| emulator.gpr(gpr)));
    push_words(input, [stack]);
    let length = (harness.stack_top() - stack) as usize;
    let bytes = emulator.memory().read(stack, length);
    input.extend_from_slice(bytes.expect("the stack is in memory"));
}

/// Makes registers and memory what they were when a call ended, and returns the signal. `None` if there is no more output.
fn take_call(harness: &mut Program, stack: u32, output: &mut Reader<'_>) -> Option<u32> {
    let Parts { data, end, .. } = Parts::of(harness);
    let stack_top = harness.stack_top();
    let (signal, pc) = (output.word()?, output.word()?);
    let registers: Vec<u32> = (1..32).map(|_| output.word()).collect::<Option<_>>()?;
    let stack_bytes = output.bytes((stack_top - stack) as usize)?;
    let data_bytes = output.bytes((end - data) as usize)?;
    let emulator = harness.emulator_mut();
    emulator.set_pc(pc);
    for (gpr, value) in Gpr::all().skip(1).zip(registers) {
        emulator.set_gpr(gpr, value);
    }
    let written = emulator.write_memory(stack, stack_bytes);
    written
        .and_then(|()| emulator.write_memory(data, data_bytes))
        .expect("stack and data are in memory");
    Some(signal)
}
