//! `lpc device`: compiles a program on a device and runs it there.

use super::run::{invocation, print_results, run_failure};
use crate::device::{DeviceOptions, DeviceProgram};
use crate::failure::Failure;
use crate::input::{display_name, read_bytes};
use crate::options::CompileOptions;
use crate::source::SourceModule;
use crate::stats::DeviceStats;
use clap::Args;
use lpc_harness::MachineOptions;
use lpc_link::elf::read::is_elf;
use std::io::{self, Write};
use std::path::PathBuf;

/// Compile a program on a device and run it there
///
/// The device runs lpc's firmware, in QEMU or at the other end of a serial port: it gets the program, compiles it, and calls the
/// function. Everything else is as with `lpc run` and a program in the text or the binary form: what it can call, what is printed,
/// and how it ends.
#[derive(Args)]
#[command(
    group(clap::ArgGroup::new("where").args(["qemu", "port"]).required(true)),
    after_help = "\
Examples:
  lpc device --qemu lpc-firmware examples/sha256.clif
  lpc device --qemu lpc-firmware examples/gcd.clif --invoke 'gcd(48, 36)' --stats
  lpc device --port /dev/ttyUSB0 examples/gcd.clif --invoke 'gcd(48, 36)' -O none

Exit codes: 0 if the function returned, 1 for errors, 3 if the program trapped."
)]
pub(crate) struct Arguments {
    /// The file, or - for the standard input
    file: PathBuf,

    /// The function to call, with its arguments [default: %main()]
    #[arg(long, value_name = "CALL")]
    invoke: Option<String>,

    /// Print what compiling and running took on the device
    #[arg(long)]
    stats: bool,

    /// The most instructions that the call may execute
    #[arg(long, value_name = "COUNT", default_value_t = MachineOptions::default().instruction_limit)]
    instruction_limit: u64,

    #[command(flatten)]
    device: DeviceOptions,

    #[command(flatten)]
    compile: CompileOptions,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    arguments.compile.start_threads();
    let input = read_bytes(&arguments.file)?;
    if is_elf(&input) {
        return Err(Failure::message(format_args!(
            "{}: a device compiles programs, and does not run executables",
            display_name(&arguments.file)
        )));
    }
    let mut source = SourceModule::parse(&arguments.file, input)?;
    source.number_instructions();
    let invoke = arguments.invoke.as_deref().unwrap_or("%main()");
    let (function, values) = invocation(invoke, &source)?;
    let function = source.module.find(&function);
    let function = function.ok_or_else(|| Failure::message("there is no such function"))?;
    let settings = arguments.compile.linked_settings();
    let mut program = DeviceProgram::load(
        &arguments.device,
        &source,
        &settings,
        arguments.instruction_limit,
    )?;

    let mut output = Output {
        stdout: io::stdout().lock(),
        ends_within_line: false,
    };
    let mut outcome = program.call(function, &[values], &mut io::stdin(), &mut output)?;
    let ends_within_line = output.ends_within_line;
    drop(output);
    if arguments.stats {
        let stats = DeviceStats {
            loaded: &program.loaded,
            execution: &outcome.execution,
        };
        io::stderr()
            .lock()
            .write_all(stats.to_string().as_bytes())?;
    }
    match outcome.stopped {
        Some((cause, place)) => Err(run_failure(&source, program.run_error(cause, place))),
        None => print_results(&outcome.results.pop().unwrap_or_default(), ends_within_line),
    }
}

/// What the program prints.
struct Output<'a> {
    stdout: io::StdoutLock<'a>,
    ends_within_line: bool,
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.stdout.write(bytes)?;
        if let Some(last) = bytes[..written].last() {
            self.ends_within_line = *last != b'\n';
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stdout.flush()
    }
}
