//! The ABI fuzzer: lpc's code and that of C compilers call each other, and nothing gets lost on the way.
//!
//! Random [`Case`]s are functions that call each other, some written in C and some in LPIR. They are built into programs
//! that write down what each function sees, and that is compared with what an interpreter of the case says it must see.
//!
//! | file | |
//! |---|---|
//! | `case` | what a case is |
//! | `generate` | random cases |
//! | `model` | what the functions of a case must see |
//! | `trace` | where they write that down |
//! | `convention` | where words travel, worked out independently of the compiler |
//! | `c_text`, `lpir_text`, `guest_text` | a case as C, LPIR and tables |
//! | `guest/` | the program around the functions |
//! | `configuration` | how programs are built |
//! | `toolchain`, `lpc_object`, `engine` | the tools that build and run them |
//! | `batch` | many cases in one program |
//! | `reduce` | making a case that fails smaller |
//! | `faults` | mistakes on purpose |
//!
//! Variadic functions do not occur: LPIR has no variadic signatures, so a front end passes what the psABI says of variadic
//! arguments by itself.

pub mod batch;
pub mod c_text;
pub mod case;
pub mod configuration;
pub mod convention;
pub mod engine;
pub mod faults;
pub mod generate;
pub mod guest_text;
pub mod lpc_object;
pub mod lpir_text;
pub mod model;
pub mod reduce;
#[cfg(test)]
mod sample;
pub mod statistics;
pub mod toolchain;
pub mod trace;

use crate::error::Error;
use batch::{BatchReport, ENGINES, Mismatch};
use case::Case;
use configuration::{Coverage, Plan};
use faults::Fault;
use statistics::Statistics;
use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// The most cases of a batch.
const LARGEST_BATCH: u64 = 200;

/// The fewest cases of a batch, if there are so many.
const SMALLEST_BATCH: u64 = 25;

/// The number of batches in whose plans all pairs of settings occur.
const PLANS_FOR_ONE_CASE: usize = 16;

/// What to do.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What the cases depend on.
    pub seed: u64,
    /// How many there are.
    pub count: u64,
    /// The only case to run, with all pairs of settings.
    pub only: Option<u64>,
    /// Where the files of the batches that went wrong are kept, each in a folder named after its first case.
    pub keep: Option<PathBuf>,
    /// A mistake to make on purpose.
    pub fault: Option<Fault>,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The number of cases.
    pub cases: u64,
    /// The number of calls, in all programs.
    pub calls: u64,
    /// What went wrong.
    pub mismatches: Vec<Mismatch>,
    /// What C compilers said as they crashed on programs, which were then passed over.
    pub crashes: Vec<String>,
    /// What occurred in the cases.
    pub statistics: Statistics,
    /// Which settings were used.
    pub coverage: Coverage,
}

/// Cases that become one program, and how.
struct Batch {
    cases: Vec<Case>,
    plan: Plan,
}

/// Runs cases, and calls `progress` with the number of cases that were run since it was last called.
///
/// # Errors
/// When a tool is missing or fails, or when lpc refuses a program.
pub fn run(options: &Options, progress: &(dyn Fn(u64) + Sync)) -> Result<Report, Error> {
    toolchain::check_tools()?;
    let batches = batches(options);
    let next = AtomicUsize::new(0);
    let report = Mutex::new(Ok(Report::default()));
    let work = || {
        while let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
            let result = run_batch(batch, options);
            let mut report = report.lock().expect("no worker panics");
            match (&mut *report, result) {
                (Ok(report), Ok(result)) => report.add(batch, result),
                (Ok(_), Err(error)) => *report = Err(error),
                (Err(_), _) => return,
            }
            progress(batch.cases.len() as u64);
        }
    };
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..workers.min(batches.len()) {
            scope.spawn(work);
        }
    });
    let mut report = report.into_inner().expect("no worker panics")?;
    report.mismatches.sort_by_key(|mismatch| mismatch.case);
    if options.only.is_some() {
        report.cases = 1;
    }
    Ok(report)
}

fn batches(options: &Options) -> Vec<Batch> {
    if let Some(number) = options.only {
        let plans = Plan::rotation(options.seed, PLANS_FOR_ONE_CASE).into_iter();
        let cases = vec![generate::case(options.seed, number)];
        return plans
            .map(|plan| Batch {
                cases: cases.clone(),
                plan,
            })
            .collect();
    }
    let size = (options.count / 4).clamp(SMALLEST_BATCH, LARGEST_BATCH);
    let numbers: Vec<u64> = (0..options.count).collect();
    let numbers = numbers.chunks(size as usize);
    let plans = Plan::rotation(options.seed, numbers.len());
    let cases = numbers.map(|numbers| {
        let case = |number: &u64| generate::case(options.seed, *number);
        numbers.iter().map(case).collect()
    });
    let batches = cases.zip(plans);
    batches.map(|(cases, plan)| Batch { cases, plan }).collect()
}

fn run_batch(batch: &Batch, options: &Options) -> Result<BatchReport, Error> {
    let folder = temporary_folder()?;
    let Batch { cases, plan } = batch;
    let report = batch::run(cases, plan, &ENGINES, options.fault, folder.path())?;
    if let (Some(keep), false) = (&options.keep, report.mismatches.is_empty()) {
        keep_files(
            folder.path(),
            &keep.join(format!("case-{}", cases[0].number)),
        )?;
    }
    Ok(report)
}

fn temporary_folder() -> Result<tempfile::TempDir, Error> {
    tempfile::tempdir().map_err(|error| Error::File(std::env::temp_dir(), error))
}

fn keep_files(from: &Path, to: &Path) -> Result<(), Error> {
    let failed = |error| Error::File(to.to_owned(), error);
    fs::create_dir_all(to).map_err(failed)?;
    for entry in fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        fs::copy(entry.path(), to.join(entry.file_name())).map_err(failed)?;
    }
    Ok(())
}

/// The smallest case made of that of `mismatch` that still goes wrong in its program.
///
/// # Errors
/// When there is no place for its files.
pub fn reduce(mismatch: &Mismatch, options: &Options) -> Result<Case, Error> {
    let folder = temporary_folder()?;
    let plan = Plan {
        programs: vec![mismatch.program.clone()],
    };
    let case = generate::case(options.seed, mismatch.case);
    let fails = |case: &Case| {
        let cases = std::slice::from_ref(case);
        let Ok(folder) = tempfile::tempdir_in(folder.path()) else {
            return false;
        };
        let report = batch::run(
            cases,
            &plan,
            &[mismatch.engine],
            options.fault,
            folder.path(),
        );
        report.is_ok_and(|report| !report.mismatches.is_empty())
    };
    Ok(reduce::reduce(&case, fails))
}

impl Report {
    fn add(&mut self, batch: &Batch, result: BatchReport) {
        self.cases += batch.cases.len() as u64;
        self.calls += result.calls;
        self.mismatches.extend(result.mismatches);
        self.crashes.extend(result.crashes);
        self.coverage.add(&batch.plan);
        for case in &batch.cases {
            self.statistics.add(case);
        }
    }
}
