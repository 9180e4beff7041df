//! `lpc-fuzz broken`: programs that the verifier must reject, or the rest of lpc deal with.

use super::print_line;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use lpc_fuzz::Error;
use lpc_fuzz::broken::breaks::KINDS;
use lpc_fuzz::broken::{self, Found, Options, Report};
use lpc_fuzz::diff::files::programs_of_file;
use lpc_fuzz::program::{TestProgram, generate};
use std::num::NonZero;
use std::path::PathBuf;
use std::thread;

/// The most failures that are shown.
const MOST_SHOWN: usize = 10;

/// With how many inputs a program is called.
const INPUTS: usize = 2;

/// Breaks programs at random: the verifier must reject them, or they must compile and do what the interpreter does
#[derive(Args)]
#[command(after_help = "\
Examples:
  lpc-fuzz broken --seed 1 --count 100000
  lpc-fuzz broken --file filetests/run/overflow.clif --stats
  lpc-fuzz broken --seed 1 --only 4711")]
pub(crate) struct BrokenArguments {
    /// Break the functions of these files instead of random programs
    #[arg(long, value_name = "FILE", num_args = 1..)]
    file: Vec<PathBuf>,

    /// What the variants depend on
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// How many variants to make
    #[arg(long, default_value_t = 10_000)]
    count: u64,

    /// Make this variant only
    #[arg(long, value_name = "INDEX", conflicts_with = "count")]
    only: Option<u64>,

    /// How many threads work [default: one for each core]
    #[arg(long)]
    threads: Option<usize>,

    /// Do not make programs small that fail
    #[arg(long)]
    keep_large: bool,

    /// Show how often each kind of break was made, and how often the result was accepted
    #[arg(long)]
    stats: bool,
}

/// Returns whether nothing was found.
pub(crate) fn run(arguments: &BrokenArguments) -> Result<bool, Error> {
    let all_cores = || thread::available_parallelism().map_or(1, NonZero::get);
    let options = Options {
        seed: arguments.seed,
        first: arguments.only.unwrap_or(0),
        count: arguments.only.map_or(arguments.count, |_| 1),
        threads: arguments.threads.unwrap_or_else(all_cores),
    };
    let files = programs(arguments)?;
    let program = |number: u64| match files.len() as u64 {
        0 => generate(options.seed, number, INPUTS),
        count => files[(number % count) as usize].clone(),
    };
    let progress = ProgressBar::new(options.count);
    let style =
        ProgressStyle::with_template("{bar:40} {pos}/{len} variants, {elapsed} of {duration}");
    progress.set_style(style.expect("the template is valid"));
    let report = broken::run(&options, &program, &|variants| progress.inc(variants));
    progress.finish_and_clear();
    if arguments.stats {
        show_kinds(&report);
    }
    for found in report.failures.iter().take(MOST_SHOWN) {
        let found = found.clone();
        show(&if arguments.keep_large {
            found
        } else {
            found.reduced()
        });
    }
    if report.failures.len() > MOST_SHOWN {
        anstream::eprintln!("... and {} more", report.failures.len() - MOST_SHOWN);
    }
    print_line(format_args!("{report}"))?;
    Ok(report.failures.is_empty())
}

fn programs(arguments: &BrokenArguments) -> Result<Vec<TestProgram>, Error> {
    let mut programs = Vec::new();
    for path in &arguments.file {
        let found = programs_of_file(path, INPUTS)?;
        for (name, why) in found.skipped {
            anstream::eprintln!("{}: {name} is skipped: {why}", path.display());
        }
        programs.extend(found.programs);
    }
    Ok(programs)
}

fn show_kinds(report: &Report) {
    anstream::eprintln!("{:>8} {:>8}", "made", "accepted");
    for (kind, count) in KINDS.iter().zip(&report.kinds) {
        anstream::eprintln!("{:>8} {:>8} {}", count.made, count.accepted, kind.name);
    }
    anstream::eprintln!("{:>8} variants were executed", report.executed);
}

fn show(found: &Found) {
    anstream::eprintln!("variant {}: {}", found.index, found.breaks.join("; "));
    anstream::eprintln!("{}\n\n{}", found.failure, found.text());
    for input in &found.program.inputs {
        let input: Vec<_> = input.iter().map(ToString::to_string).collect();
        anstream::eprintln!("; print: {}({})", found.program.entry, input.join(", "));
    }
}
