//! `lpc-fuzz diff`: random programs in the interpreter and as compiled code.

use super::print_line;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use lpc_fuzz::Error;
use lpc_fuzz::diff::files::programs_of_file;
use lpc_fuzz::diff::qemu::Runner;
use lpc_fuzz::diff::{self, Mismatch, Options, Report};
use lpc_fuzz::program::{Statistics, TestProgram, generate};
use lpc_riscv32::ExtensionSet;
use std::num::NonZero;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

/// The most mismatches that are shown, and of each the most findings.
const MOST_SHOWN: usize = 10;

/// How many programs are run where nothing says how many.
const DEFAULT_COUNT: u64 = 1000;

/// Compares random programs in the interpreter with what the compiler makes of them, with all settings
#[derive(Args)]
#[command(after_help = "\
Examples:
  lpc-fuzz diff --seed 1 --count 10000
  lpc-fuzz diff --time 60
  lpc-fuzz diff filetests/run/division.clif
  lpc-fuzz diff --seed 1 --only 4711 --print")]
pub(crate) struct DiffArguments {
    /// Run the functions of these files instead of random programs, with the arguments of their directives or random ones
    #[arg(
        value_name = "FILE",
        conflicts_with_all = ["seed", "count", "first", "only", "time", "threads", "qemu", "print"]
    )]
    files: Vec<PathBuf>,

    /// What the programs depend on
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// How many programs to run; 0 for no end [default: 1000, with --time no end]
    #[arg(long)]
    count: Option<u64>,

    /// The number of the first program
    #[arg(long, default_value_t = 0, value_name = "INDEX")]
    first: u64,

    /// Run this program only
    #[arg(long, value_name = "INDEX", conflicts_with_all = ["count", "first"])]
    only: Option<u64>,

    /// With how many inputs to call each program
    #[arg(long, default_value_t = 4)]
    inputs: usize,

    /// Start no further program after this many seconds
    #[arg(long, value_name = "SECONDS")]
    time: Option<u64>,

    /// How many threads work [default: one for each core]
    #[arg(long)]
    threads: Option<usize>,

    /// The machines to compile for [default: three, and another one for every 16 programs]
    #[arg(long, value_name = "ISA")]
    march: Vec<ExtensionSet>,

    /// Execute one program of so many in QEMU as well; 0 for none
    #[arg(long, default_value_t = 4, value_name = "SHARE")]
    qemu: u64,

    /// Write each program that fails, made small, to a file of this folder
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,

    /// End at the first program that fails, and do not make it small
    #[arg(long)]
    stop_at_first: bool,

    /// Print the first program, and run nothing
    #[arg(long)]
    print: bool,

    /// Show what was run, how long that took, and what the programs consist of
    #[arg(long)]
    stats: bool,
}

/// Returns whether nothing was found.
pub(crate) fn run(arguments: &DiffArguments) -> Result<bool, Error> {
    let options = options(arguments);
    if arguments.print {
        print(&generate(options.seed, options.first, options.inputs))?;
        return Ok(true);
    }
    let runner = runner(arguments)?;
    let report = match arguments.files.is_empty() {
        true => run_random(arguments, &options, runner.as_ref())?,
        false => diff::run_programs(&programs(arguments)?, &options),
    };
    if arguments.stats {
        show_statistics(&report);
        if arguments.files.is_empty() {
            show_contents(&report, &options);
        }
    }
    for mismatch in report.mismatches.iter().take(MOST_SHOWN) {
        show(mismatch, arguments, &options, runner.as_ref())?;
    }
    if report.mismatches.len() > MOST_SHOWN {
        anstream::eprintln!("... and {} more", report.mismatches.len() - MOST_SHOWN);
    }
    print_line(format_args!(
        "{} programs, {} executions, {} mismatches",
        report.programs,
        report.executions,
        report.mismatches.len()
    ))?;
    Ok(report.mismatches.is_empty())
}

/// Runs random programs. Where that does not end, what is found is shown at once.
fn run_random(
    arguments: &DiffArguments,
    options: &Options,
    runner: Option<&Runner>,
) -> Result<Report, Error> {
    let progress = progress_bar(options);
    let report = diff::run(options, runner, &|report| {
        progress.inc(report.programs);
        let is_endless = options.count.is_none() && options.time.is_none();
        for mismatch in report.mismatches.iter().filter(|_| is_endless) {
            let shown = progress.suspend(|| show(mismatch, arguments, options, runner));
            if let Err(error) = shown {
                progress.suspend(|| anstream::eprintln!("error: {error}"));
            }
        }
    });
    progress.finish_and_clear();
    report
}

/// What executes programs in QEMU, if it can and is to.
fn runner(arguments: &DiffArguments) -> Result<Option<Runner>, Error> {
    if arguments.qemu == 0 || !arguments.files.is_empty() {
        return Ok(None);
    }
    match Runner::new() {
        Ok(runner) => Ok(Some(runner)),
        Err(error @ (Error::MissingTool { .. } | Error::OldTool { .. })) => {
            anstream::eprintln!("nothing is executed in QEMU: {error}");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn programs(arguments: &DiffArguments) -> Result<Vec<TestProgram>, Error> {
    let mut programs = Vec::new();
    for path in &arguments.files {
        let found = programs_of_file(path, arguments.inputs)?;
        for (name, why) in found.skipped {
            anstream::eprintln!("{}: {name} is skipped: {why}", path.display());
        }
        programs.extend(found.programs);
    }
    Ok(programs)
}

fn options(arguments: &DiffArguments) -> Options {
    let all_cores = || thread::available_parallelism().map_or(1, NonZero::get);
    Options {
        seed: arguments.seed,
        first: arguments.only.unwrap_or(arguments.first),
        count: match (arguments.only, arguments.count, arguments.time) {
            (Some(_), _, _) => Some(1),
            (None, Some(0), _) | (None, None, Some(_)) => None,
            (None, Some(count), _) => Some(count),
            (None, None, None) => Some(DEFAULT_COUNT),
        },
        inputs: arguments.inputs,
        time: arguments.time.map(Duration::from_secs),
        threads: arguments.threads.unwrap_or_else(all_cores),
        machines: arguments.march.clone(),
        qemu_share: arguments.qemu.max(1),
        stops_at_first: arguments.stop_at_first,
        fault: None,
    }
}

fn progress_bar(options: &Options) -> ProgressBar {
    let (progress, template) = match options.count {
        Some(count) => (
            ProgressBar::new(count),
            "{bar:40} {pos}/{len} programs, {elapsed} of {duration}",
        ),
        None => (
            ProgressBar::new_spinner(),
            "{spinner} {pos} programs, {elapsed}",
        ),
    };
    let style = ProgressStyle::with_template(template);
    progress.set_style(style.expect("the template is valid"));
    progress
}

fn print(program: &TestProgram) -> Result<(), Error> {
    print_line(format_args!("{}", program.module))?;
    for arguments in &program.inputs {
        let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        print_line(format_args!(
            "; print: {}({})",
            program.entry,
            arguments.join(", ")
        ))?;
    }
    Ok(())
}

fn show(
    mismatch: &Mismatch,
    arguments: &DiffArguments,
    options: &Options,
    runner: Option<&Runner>,
) -> Result<(), Error> {
    match arguments.files.is_empty() {
        true => anstream::eprintln!("program {} of seed {}:", mismatch.index, options.seed),
        false => anstream::eprintln!("{}:", mismatch.program.entry),
    }
    for finding in mismatch.findings.iter().take(MOST_SHOWN) {
        anstream::eprintln!("    {finding}");
    }
    if mismatch.findings.len() > MOST_SHOWN {
        anstream::eprintln!("    ... and {} more", mismatch.findings.len() - MOST_SHOWN);
    }
    if arguments.stop_at_first {
        return Ok(());
    }
    let reduced = diff::reduce(mismatch, options, runner);
    anstream::eprintln!("reduced: {}\n\n{}", reduced.finding, reduced.program.module);
    if let Some(folder) = &arguments.keep {
        let path = diff::keep(folder, options.seed, mismatch.index, &reduced)?;
        anstream::eprintln!("written to {}", path.display());
    }
    Ok(())
}

/// Shows what the programs consist of.
fn show_contents(report: &Report, options: &Options) {
    let mut statistics = Statistics::default();
    for index in options.first..options.first + report.programs {
        statistics.add(&generate(options.seed, index, 0));
    }
    anstream::eprint!("{statistics}");
}

fn show_statistics(report: &Report) {
    anstream::eprintln!("{:>10} answers of the interpreter", report.answers);
    anstream::eprintln!("{:>10} of them traps", report.traps);
    for (reason, count) in &report.undecided {
        anstream::eprintln!("{count:>10} undecided: {reason}");
    }
    anstream::eprintln!(
        "{:>10} refusals for machines without multiplication",
        report.refusals
    );
    anstream::eprintln!("{:>10} executions in QEMU", report.qemu_executions);
    anstream::eprintln!("{:>10} codes", report.builds);
    anstream::eprintln!("{:>10} bytes of code", report.code_bytes);
    anstream::eprint!("{}", report.times);
}
