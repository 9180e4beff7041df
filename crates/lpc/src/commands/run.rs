//! `lpc run`: compiles a program and runs it in the emulator.

use super::run_elf;
use crate::failure::Failure;
use crate::host::Console;
use crate::input::read_bytes;
use crate::options::{CompileOptions, RunOptions};
use crate::output::write_bytes;
use crate::pipeline::{Compilation, timed};
use crate::source::SourceModule;
use crate::stats::{ExecutionStats, Stats};
use clap::Args;
use lpc_harness::{Place, Program, RunError};
use lpc_link::elf::read::is_elf;
use lpc_lpir::ir::{AnyEntity, DataValue, ExternalName};
use lpc_lpir::text::parse_invocation;
use lpc_riscv32::emulator::{Stop, Trap};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::time::Duration;

/// Compile a program and run it in the emulator, or run an executable
///
/// Prints the results of the function that is called as signed numbers, separated by commas. The program can call these functions of the
/// host: %putchar(i32), %getchar() -> i32 (-1 at the end of the input), and %write(i32, i32) with an address and a number
/// of bytes.
///
/// A file in ELF format is run from its entry point on, on a machine with the instruction set that it states. It may use the
/// system calls of Linux and the operations of RISC-V semihosting for the standard streams, memory and exit.
#[derive(Args)]
#[command(after_help = "\
Examples:
  lpc run examples/sha256.clif
  lpc run examples/gcd.clif --invoke 'gcd(48, 36)' --stats
  lpc run examples/gcd.clif --invoke 'gcd(48, 36)' --march rv32im -O none --regalloc fast
  lpc compile examples/gcd.clif --emit lpir | lpc run - --invoke 'gcd(48, 36)'
  lpc run sieve.elf
  lpc run program.elf -- first second

Exit codes: 0 if the function returned, 1 for errors in the input, 3 if the program trapped; an ELF file that exits gives its \
own status.")]
pub(crate) struct Arguments {
    /// The file, as text, in the binary form or in ELF format, or - for the standard input
    pub(super) file: PathBuf,

    /// The function to call, with its arguments [default: %main(), and in an ELF file the entry point]
    #[arg(long, value_name = "CALL")]
    pub(super) invoke: Option<String>,

    /// Print what compiling and running took
    #[arg(long)]
    pub(super) stats: bool,

    /// Arguments for the program in an ELF file
    #[arg(last = true, value_name = "ARGUMENT")]
    pub(super) arguments: Vec<String>,

    #[command(flatten)]
    pub(super) compile: CompileOptions,

    #[command(flatten)]
    pub(super) run: RunOptions,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let input = read_bytes(&arguments.file)?;
    if is_elf(&input) {
        return run_elf::run(arguments, &input);
    }
    if !arguments.arguments.is_empty() {
        return Err(Failure::message(
            "only an ELF file takes arguments; `--invoke` calls a function with some",
        ));
    }
    run_source(arguments, SourceModule::parse(&arguments.file, input)?)
}

fn run_source(arguments: &Arguments, mut source: SourceModule) -> Result<(), Failure> {
    arguments.compile.start_threads();
    source.number_instructions();
    let invoke = arguments.invoke.as_deref().unwrap_or("%main()");
    let (function, values) = invocation(invoke, &source)?;
    let settings = arguments.compile.linked_settings();
    let compilation = Compilation::new(&source, &settings)?;

    let mut stdin = io::stdin().lock();
    let mut stdout = BufWriter::new(io::stdout().lock());
    let mut console = Console::new(&mut stdin, &mut stdout);
    let mut link_time = Duration::ZERO;
    let program = timed(&mut link_time, || {
        let machine = arguments.run.machine();
        Program::load(
            &source.module,
            &compilation.compiled,
            &settings,
            machine,
            &console,
        )
    });
    let mut program = program.map_err(|error| source.load_failure(&error))?;

    let mut run_time = Duration::ZERO;
    let result = timed(&mut run_time, || {
        program.call(&function, &values, &mut console)
    });
    let ends_within_line = console.ends_within_line();
    console.finish()?;
    drop(stdout);
    if arguments.stats {
        let stats = Stats {
            source: &source,
            compilation: &compilation,
            register_pressures: compilation.register_pressures(&source, &settings),
            execution: ExecutionStats {
                link_time,
                counters: program.counters(),
                run_time,
            },
        };
        io::stderr()
            .lock()
            .write_all(stats.to_string().as_bytes())?;
    }
    let results = result.map_err(|error| run_failure(&source, error))?;
    print_results(&results, ends_within_line)
}

/// Prints the results of the function that was called, on a line of their own.
pub(super) fn print_results(results: &[DataValue], ends_within_line: bool) -> Result<(), Failure> {
    if results.is_empty() {
        return Ok(());
    }
    if ends_within_line {
        write_bytes(None, b"\n")?;
    }
    let texts: Vec<_> = results
        .iter()
        .map(|result| result.signed().to_string())
        .collect();
    write_bytes(None, format!("{}\n", texts.join(", ")).as_bytes())
}

/// The function and the arguments that `text` states, as in `%f(1, 2)`; the `%` may be left out.
pub(super) fn invocation(
    text: &str,
    source: &SourceModule,
) -> Result<(ExternalName, Vec<DataValue>), Failure> {
    let module = &source.module;
    let invocation = parse_invocation(text, |name| {
        let id = module.find(name)?;
        Some(&module.function(id).signature)
    });
    let invocation = invocation.map_err(|error| {
        Failure::message(format_args!("cannot call `{text}`: {}", error.message))
    })?;
    let name = invocation
        .name
        .ok_or_else(|| Failure::message("the call names no function"))?;
    Ok((name, invocation.args))
}

/// Why the program did not return, in terms of its source.
pub(crate) fn run_failure(source: &SourceModule, error: RunError) -> Failure {
    let (what, place) = match &error {
        RunError::Trap { code, place } => (format!("trap {code}"), place),
        RunError::Fault { stop, place } => (fault(*stop, place.pc), place),
        RunError::Violation { violation, place } => {
            (format!("calling convention violated: {violation}"), place)
        }
        RunError::LimitReached { limit, place } => (limit_reached(*limit), place),
        _ => return Failure::message(error),
    };
    Failure::Trap(match source_of(source, place) {
        Some(SourcePlace {
            location,
            function,
            inst: Some(inst),
        }) => format!("{location}: {what} in {function}: {inst}"),
        Some(SourcePlace {
            location, function, ..
        }) => format!("{location}: {what} in {function}"),
        None => format!("{what} at {place}"),
    })
}

pub(super) fn limit_reached(limit: u64) -> String {
    format!("stopped after {limit} instructions (see --instruction-limit)")
}

/// What stopped the machine at `pc`, with the address or encoding at fault where that is another number.
pub(super) fn fault(stop: Stop, pc: u32) -> String {
    match stop {
        Stop::Trap(Trap { cause, value, .. }) if value == pc => cause.to_string(),
        Stop::Trap(Trap { cause, value, .. }) => format!("{cause} ({value:#010x})"),
        _ => stop.to_string(),
    }
}

/// A place in a source file, for messages.
struct SourcePlace {
    location: String,
    function: String,
    /// `None` for what belongs to the function as a whole, such as its prologue.
    inst: Option<String>,
}

/// The place in the source at which a program stopped, unless that was in a routine of the runtime.
fn source_of(source: &SourceModule, place: &Place) -> Option<SourcePlace> {
    let (name, _) = place.function.as_ref()?;
    let id = source.module.find(name)?;
    let inst = place.srcloc.and_then(|srcloc| source.instruction(srcloc));
    let entity = inst.map_or(AnyEntity::Function, AnyEntity::Inst);
    let location = source.location(id, entity)?;
    let func = source.module.function(id);
    Some(SourcePlace {
        location: source.display_location(location),
        function: name.to_string(),
        inst: inst.map(|inst| func.display_inst(inst).to_string()),
    })
}
