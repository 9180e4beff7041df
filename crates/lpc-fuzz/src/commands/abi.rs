//! `lpc-fuzz abi`: calls from and to C.

use super::print_line;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use lpc_fuzz::Error;
use lpc_fuzz::abi::batch::Mismatch;
use lpc_fuzz::abi::c_text::c_text;
use lpc_fuzz::abi::configuration::Coverage;
use lpc_fuzz::abi::lpir_text::lpir_text;
use lpc_fuzz::abi::{self, Options, Report};
use std::path::PathBuf;

/// The most mismatches that are shown, and of each the most messages.
const MOST_SHOWN: usize = 10;

/// Lets functions in LPIR and in C, compiled by GCC and Clang, call each other
#[derive(Args)]
#[command(after_help = "\
Examples:
  lpc-fuzz abi --seed 1 --count 10000
  lpc-fuzz abi --seed 1 --only 4711 --keep failing")]
pub(crate) struct AbiArguments {
    /// What the cases depend on
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// How many cases to run
    #[arg(long, default_value_t = 200)]
    count: u64,

    /// Run this case only, with all pairs of settings
    #[arg(long, value_name = "CASE", conflicts_with = "count")]
    only: Option<u64>,

    /// Keep the files of each batch of cases in which one fails, in a folder of this folder
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
}

/// Returns whether nothing was found.
pub(crate) fn run(arguments: &AbiArguments) -> Result<bool, Error> {
    let options = Options {
        seed: arguments.seed,
        count: arguments.count,
        only: arguments.only,
        keep: arguments.keep.clone(),
        fault: None,
    };
    let progress = ProgressBar::new(arguments.count);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} cases, {elapsed} of {duration}");
    progress.set_style(style.expect("the template is valid"));
    let report = abi::run(&options, &|cases| progress.inc(cases))?;
    progress.finish_and_clear();
    show(&report);
    if let Some(mismatch) = report.mismatches.first() {
        show_reduced(mismatch, &options)?;
    }
    print_line(format_args!(
        "{} cases, {} calls, {} mismatches",
        report.cases,
        report.calls,
        report.mismatches.len()
    ))?;
    Ok(report.mismatches.is_empty())
}

fn show(report: &Report) {
    anstream::eprint!("{}", report.statistics);
    anstream::eprintln!(
        "{:>8} of {} pairs of settings",
        report.coverage.pairs(),
        Coverage::ALL_PAIRS
    );
    if let Some(crash) = report.crashes.first() {
        anstream::eprintln!(
            "{:>8} programs passed over, on which a C compiler crashed; the first: {crash}",
            report.crashes.len(),
        );
    }
    for mismatch in report.mismatches.iter().take(MOST_SHOWN) {
        let Mismatch {
            case,
            program,
            engine,
            messages,
        } = mismatch;
        anstream::eprintln!("case {case} in {engine}: {program}");
        for message in messages.iter().take(MOST_SHOWN) {
            anstream::eprintln!("    {message}");
        }
        if messages.len() > MOST_SHOWN {
            anstream::eprintln!("    ... and {} more", messages.len() - MOST_SHOWN);
        }
    }
    if report.mismatches.len() > MOST_SHOWN {
        anstream::eprintln!("... and {} more", report.mismatches.len() - MOST_SHOWN);
    }
}

fn show_reduced(mismatch: &Mismatch, options: &Options) -> Result<(), Error> {
    let case = [abi::reduce(mismatch, options)?];
    anstream::eprintln!("case {}, reduced:\n", mismatch.case);
    anstream::eprintln!("{}\n{}", c_text(&case, options.fault), lpir_text(&case));
    Ok(())
}
