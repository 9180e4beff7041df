//! Programs on a device instead of the emulator.

use crate::failure::Failure;
use crate::input::read_bytes;
use crate::options::parse_size;
use crate::pipeline::Compilation;
use crate::source::SourceModule;
use clap::Args;
use lpc_codegen::{RegallocAlgorithm, Settings};
use lpc_device::host::{Calls, Client, Error, Outcome, Qemu, open_port};
use lpc_device::{Cause, FailureKind, HostFunction, Loaded};
use lpc_harness::{HostFunctions, MachineOptions, NoHost, Place, Program, RunError};
use lpc_link::elf::read::ElfFile;
use lpc_lpir::binary::encode;
use lpc_lpir::ir::{DataValue, ExternalName, FuncId, Signature, SourceLoc, TrapCode};
use lpc_riscv32::emulator::{Emulator, Stop, Trap, TrapCause};
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Which device, and what it may use.
#[derive(Args)]
#[command(next_help_heading = "Device")]
pub(crate) struct DeviceOptions {
    /// Run this firmware, an ELF file, in QEMU
    #[arg(long, value_name = "FIRMWARE", conflicts_with = "port")]
    pub(crate) qemu: Option<PathBuf>,

    /// The serial port that the device is at
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<String>,

    /// The speed of the serial port
    #[arg(
        long,
        value_name = "RATE",
        default_value_t = 115_200,
        requires = "port"
    )]
    baud: u32,

    /// The heap that the device may use to compile, in bytes, or with K or M in units of 1024 or 1024² bytes
    #[arg(long, value_name = "SIZE", default_value = "384K", value_parser = parse_size)]
    heap: u32,

    /// How many seconds to wait while the device is silent, be it that it compiles or that the program runs
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,

    /// Send the program as text, instead of in the binary form
    #[arg(long)]
    text: bool,
}

impl DeviceOptions {
    /// Whether a device is asked for.
    pub(crate) fn is_given(&self) -> bool {
        self.qemu.is_some() || self.port.is_some()
    }
}

/// A program on a device.
pub(crate) struct DeviceProgram<'a> {
    source: &'a SourceModule,
    client: Client,
    /// The machine that the client talks to.
    _machine: Option<Qemu>,
    /// What making it the program took.
    pub(crate) loaded: Loaded,
    instruction_limit: u64,
}

impl<'a> DeviceProgram<'a> {
    /// Has a device compile `source`.
    ///
    /// # Errors
    /// When there is no device, or when it cannot.
    pub(crate) fn load(
        options: &DeviceOptions,
        source: &'a SourceModule,
        settings: &Settings,
        instruction_limit: u64,
    ) -> Result<Self, Failure> {
        let timeout = Duration::from_secs(options.timeout);
        let (machine, client) = match (&options.qemu, &options.port) {
            (Some(firmware), _) => {
                check_firmware(firmware)?;
                let (machine, client) = Qemu::start(firmware, timeout).map_err(Failure::message)?;
                (Some(machine), client)
            }
            (None, Some(port)) => {
                let client = open_port(port, options.baud, timeout);
                let client =
                    client.map_err(|error| Failure::message(format_args!("{port}: {error}")))?;
                (None, client)
            }
            (None, None) => return Err(Failure::message("name a device, with --qemu or --port")),
        };
        let mut client = client;
        let module = match options.text {
            true => source.text().as_bytes().to_vec(),
            false => encode(&source.module).map_err(Failure::message)?,
        };
        let loaded = client.load(&module, settings, options.heap);
        let loaded = loaded.map_err(|error| load_failure(source, settings, options, error))?;
        Ok(Self {
            source,
            client,
            _machine: machine,
            loaded,
            instruction_limit,
        })
    }

    /// Calls `function` with each of `arguments`. It reads `input` and writes to `output`.
    ///
    /// # Errors
    /// When the device does not do that. That a call does not return is none.
    pub(crate) fn call(
        &mut self,
        function: FuncId,
        arguments: &[Vec<DataValue>],
        input: &mut dyn Read,
        output: &mut dyn Write,
    ) -> Result<Outcome, Failure> {
        let signature = &self.source.module.function(function).signature;
        let results: Vec<_> = signature
            .returns
            .iter()
            .map(|param| param.value_type)
            .collect();
        let calls = Calls {
            function: function.as_u32(),
            arguments,
            results: &results,
            instruction_limit: self.instruction_limit,
        };
        self.client
            .call(&calls, input, output)
            .map_err(Failure::message)
    }

    /// Why a call stopped, as the emulator would have it.
    pub(crate) fn run_error(&self, cause: Cause, place: lpc_device::Place) -> RunError {
        let pc = place.pc;
        let functions: Vec<_> = self.source.module.functions().collect();
        let function = place.function.and_then(|(number, offset)| {
            let (_, function) = functions.get(number as usize)?;
            Some((function.name.clone(), offset))
        });
        let place = Place {
            pc,
            function,
            srcloc: place.srcloc.map(SourceLoc::new),
        };
        match cause {
            Cause::Trap(code) => RunError::Trap {
                code: NonZero::new(code).map_or(TrapCode::STACK_OVERFLOW, TrapCode::from_raw),
                place,
            },
            Cause::Exception { cause, value } => RunError::Fault {
                stop: stop_of(cause, pc, value),
                place,
            },
            Cause::Limit => RunError::LimitReached {
                limit: self.instruction_limit,
                place,
            },
        }
    }
}

/// What the emulator calls the exception `cause`, a value of `mcause`.
fn stop_of(cause: u32, pc: u32, value: u32) -> Stop {
    let trap = |cause| Stop::Trap(Trap { cause, pc, value });
    match cause {
        0 => trap(TrapCause::InstructionAddressMisaligned),
        1 => trap(TrapCause::InstructionAccessFault),
        3 => Stop::Ebreak,
        4 => trap(TrapCause::LoadAddressMisaligned),
        5 => trap(TrapCause::LoadAccessFault),
        6 => trap(TrapCause::StoreAddressMisaligned),
        7 => trap(TrapCause::StoreAccessFault),
        8 => Stop::Ecall,
        _ => trap(TrapCause::IllegalInstruction),
    }
}

/// Whether QEMU can be given this file: it starts with any, and then nobody answers.
fn check_firmware(path: &Path) -> Result<(), Failure> {
    match ElfFile::parse(&read_bytes(path)?) {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::message(format_args!(
            "{}: this is no firmware: {error}",
            path.display()
        ))),
    }
}

/// Why a device cannot make `source` a program. What is wrong with the program is shown where it is.
fn load_failure(
    source: &SourceModule,
    settings: &Settings,
    options: &DeviceOptions,
    error: Error,
) -> Failure {
    let is_about_program = matches!(
        error,
        Error::Failed {
            kind: FailureKind::Compile | FailureKind::Link,
            ..
        }
    );
    if let Some(failure) = is_about_program.then(|| failure_here(source, settings)) {
        // It is just as wrong here.
        return failure.unwrap_or_else(|| Failure::message(error));
    }
    match error {
        Error::Failed {
            kind: FailureKind::Memory,
            message,
        } => {
            let other_allocator = match settings.regalloc {
                RegallocAlgorithm::SinglePass => "",
                RegallocAlgorithm::Ion | RegallocAlgorithm::Adaptive => ", and --regalloc fast",
            };
            Failure::message(format_args!(
                "{message} on the device (see --heap{other_allocator})"
            ))
        }
        // What it is sent was a module here.
        Error::Failed {
            kind: FailureKind::Module,
            message,
        } => Failure::message(format_args!(
            "{}: the device does not understand the module: {message}; is its firmware as old as this lpc?",
            source.name()
        )),
        Error::TooLarge { .. } if options.text => Failure::message(format_args!(
            "{}: {error}; without --text the module is smaller",
            source.name()
        )),
        Error::TooLarge { .. } => Failure::message(format_args!("{}: {error}", source.name())),
        error => Failure::message(error),
    }
}

fn failure_here(source: &SourceModule, settings: &Settings) -> Option<Failure> {
    let compilation = match Compilation::new(source, settings) {
        Ok(compilation) => compilation,
        Err(failure) => return Some(failure),
    };
    let options = MachineOptions::default();
    let program = Program::load(
        &source.module,
        &compilation.compiled,
        settings,
        options,
        &DeviceFunctions,
    );
    program.err().map(|error| source.load_failure(&error))
}

/// What a device provides to programs, which are not run here.
struct DeviceFunctions;

impl HostFunctions for DeviceFunctions {
    fn provides(&self, name: &ExternalName, signature: &Signature) -> bool {
        HostFunction::find(name, signature).is_some()
    }

    fn call(
        &mut self,
        name: &ExternalName,
        arguments: &[DataValue],
        machine: &mut Emulator,
    ) -> Result<Vec<DataValue>, TrapCode> {
        NoHost.call(name, arguments, machine)
    }
}
