//! `lpc run`: compiles a program and runs it in the emulator.

use crate::failure::Failure;
use crate::host::Console;
use crate::options::{CompileOptions, RunOptions};
use crate::output::write_bytes;
use crate::pipeline::{Compilation, timed};
use crate::source::SourceModule;
use crate::stats::Stats;
use clap::Args;
use lpc_harness::{Place, Program, RunError};
use lpc_lpir::ir::{AnyEntity, DataValue, ExternalName};
use lpc_lpir::text::parse_invocation;
use lpc_riscv32::emulator::{Stop, Trap};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::time::Duration;

/// Compile a program and run it in the emulator
///
/// Prints the results of the function that is called as signed numbers, separated by commas. The program can call these functions of the
/// host: %putchar(i32), %getchar() -> i32 (-1 at the end of the input), and %write(i32, i32) with an address and a number
/// of bytes.
#[derive(Args)]
#[command(after_help = "\
Examples:
  lpc run examples/sha256.clif
  lpc run examples/gcd.clif --invoke 'gcd(48, 36)' --stats
  lpc run examples/gcd.clif --invoke 'gcd(48, 36)' --march rv32im -O none --regalloc fast
  lpc compile examples/gcd.clif --emit lpir | lpc run - --invoke 'gcd(48, 36)'

Exit codes: 0 if the function returned, 1 for errors in the input, 3 if the program trapped.")]
pub(crate) struct Arguments {
    /// The file, or - for the standard input
    file: PathBuf,

    /// The function to call, with its arguments
    #[arg(long, value_name = "CALL", default_value = "%main()")]
    invoke: String,

    /// Print what compiling and running took
    #[arg(long)]
    stats: bool,

    #[command(flatten)]
    compile: CompileOptions,

    #[command(flatten)]
    run: RunOptions,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut source = SourceModule::read(&arguments.file)?;
    source.number_instructions();
    let (function, values) = invocation(&arguments.invoke, &source)?;
    let settings = arguments.compile.settings();
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
            link_time,
            counters: program.counters(),
            run_time,
        };
        io::stderr()
            .lock()
            .write_all(stats.to_string().as_bytes())?;
    }
    let results = result.map_err(|error| run_failure(&source, error))?;
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
fn invocation(
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
        RunError::Fault { stop, place } => (fault(*stop, place), place),
        RunError::Violation { violation, place } => {
            (format!("calling convention violated: {violation}"), place)
        }
        RunError::LimitReached { limit, place } => {
            let what = format!("stopped after {limit} instructions (see --instruction-limit)");
            (what, place)
        }
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

/// What stopped the machine at `place`, with the address or encoding at fault where that is another number.
fn fault(stop: Stop, place: &Place) -> String {
    match stop {
        Stop::Trap(Trap { cause, value, .. }) if value == place.pc => cause.to_string(),
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
